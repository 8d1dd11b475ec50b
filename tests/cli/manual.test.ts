/** docs/cli.md and the command line say the same: every verb, option, example and exit status. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { EXIT } from '#gateway/cli/exit-code.ts';
import { allVerbs, type Verb } from './captured-terminal.ts';

/** Options that every verb has, described once. */
const EVERYWHERE = new Set(['--json', '--profile', '--help']);

interface Section {
  readonly name: string;
  readonly examples: readonly string[];
  readonly options: readonly string[];
  readonly exits: readonly number[];
}

function sectionsOf(manual: string): Section[] {
  return manual
    .split(/^### /m)
    .slice(1)
    .map((text) => ({
      name: (text.split('\n')[0] ?? '').replace(/ <.*/, ''),
      examples: [...text.matchAll(/^ {4}(.*unseen .*)$/gm)].map(([, example = '']) => example),
      options: [...text.matchAll(/^\| `(--[\w-]+)[^`]*` \| \S/gm)].map(([, flag = '']) => flag),
      exits: [...(/^Exit status: (.+)$/m.exec(text)?.[1] ?? '').matchAll(/(?:^|[,;] )(\d)(?= )/g)].map(
        ([, code]) => Number(code),
      ),
    }));
}

const verbs = allVerbs();
const manual = readFileSync('docs/cli.md', 'utf8');
const sections = sectionsOf(manual);

/** What is wrong with the manual, given the verbs. */
function faultsOf(described: readonly Section[], known: readonly Verb[]): string[] {
  const names = new Set(known.map(({ name }) => name));
  const unknown = described.filter(({ name }) => !names.has(name)).map(({ name }) => `${name}: no such verb`);
  return [...unknown, ...known.flatMap((verb) => faultsOfVerb(verb, described))];
}

function faultsOfVerb({ name, command }: Verb, described: readonly Section[]): string[] {
  const section = described.find((candidate) => candidate.name === name);
  if (section === undefined) return [`${name}: not described`];
  const options = command.options.map(({ long }) => long ?? '').filter((flag) => !EVERYWHERE.has(flag));
  return [
    ...options
      .filter((flag) => !section.options.includes(flag))
      .map((flag) => `${name}: ${flag} not described`),
    ...section.options.filter((flag) => !options.includes(flag)).map((flag) => `${name}: no option ${flag}`),
    ...(section.examples.some((example) => example.includes(name)) ? [] : [`${name}: no example`]),
    ...(section.exits[0] === EXIT.done && section.exits.includes(EXIT.arguments)
      ? []
      : [`${name}: exit status`]),
  ];
}

test('the manual describes every verb and option, and no other', () => {
  expect(verbs.length).toBeGreaterThan(25);
  expect(faultsOf(sections, verbs)).toEqual([]);
});

test.for([
  ['### unseen whoami', '### unseen whoareyou', 'unseen whoami: not described'],
  ['### unseen whoami', '### unseen whoareyou', 'unseen whoareyou: no such verb'],
  ['| `--reason <text>`', '| `--cause <text>`', 'unseen grant revoke: --reason not described'],
  ['| `--reason <text>`', '| `--cause <text>`', 'unseen grant revoke: no option --cause'],
  ['    unseen whoami', '    unseen me', 'unseen whoami: no example'],
  ['Exit status: 0 gone, 2', 'Exit status: 0 gone, 3', 'unseen logout: exit status'],
])('the check would notice %s becoming %s', ([from = '', to = '', fault]) => {
  const changed = manual.replace(from, to);
  expect(changed).not.toBe(manual);
  expect(faultsOf(sectionsOf(changed), verbs)).toContain(fault);
});

test('the manual’s table has every exit status, and no verb another one', () => {
  const rows = [...manual.matchAll(/^\| (\d) \| /gm)].map(([, code]) => Number(code));
  expect(rows).toEqual(Object.values(EXIT));
  expect(sections.flatMap(({ exits }) => exits).filter((code) => !rows.includes(code))).toEqual([]);
});

test('every verb takes --json, and says how in its help', () => {
  const silent = verbs.filter(({ command }) => !command.options.some(({ long }) => long === '--json'));
  expect(silent.map(({ name }) => name).filter((name) => name !== 'unseen demo')).toEqual([]);
});

test('every example of help and manual is a command line that the program takes', () => {
  const helped = verbs.flatMap(({ command }) => examplesOf(command));
  const written = [...manual.matchAll(/^ {4}(unseen .*)$/gm)].map(([, example = '']) => example);
  expect(helped.length).toBeGreaterThan(30);
  expect([...helped, ...written].flatMap(misusesIn)).toEqual([]);
  // Those of the pages about programs, with remarks behind them.
  const told = ['writing', 'reviewing'].flatMap((page) => [
    ...readFileSync(`docs/programs/${page}.md`, 'utf8').matchAll(/^(unseen .*?)(?: +#.*)?$/gm),
  ]);
  expect(told.length).toBeGreaterThan(10);
  expect(told.flatMap(([, example = '']) => misusesIn(example))).toEqual([]);
});

test('an example with a verb or flag that does not exist is noticed', () => {
  expect(misusesIn('unseen grant aprove g-1')).toHaveLength(1);
  expect(misusesIn('unseen job wait JOB --untill 60')).toHaveLength(1);
});

function examplesOf(command: Command): string[] {
  let help = '';
  command.configureOutput({ writeOut: (text) => (help += text) });
  command.outputHelp();
  const [, examples = ''] = help.split('Examples:\n');
  return examples.split('\n').flatMap((text) => (text.startsWith('  unseen ') ? [text.trim()] : []));
}

/** Words of an example, as a shell would split it, up to a redirection. */
function misusesIn(example: string): string[] {
  const [line = ''] = example.split(/ [<>&|]/);
  const words = [...line.matchAll(/'[^']*'|\S+/g)].map(([word]) => word);
  const verb = verbs
    .filter(({ name }) => `${line} `.startsWith(`${name} `))
    .toSorted((a, b) => b.name.length - a.name.length)[0];
  if (verb === undefined) return [`${example}: no such verb`];
  const known = verb.command.options.map(({ long }) => long);
  return words
    .filter((word) => word.startsWith('--') && !known.includes(word))
    .map((word) => `${example}: no option ${word}`);
}
