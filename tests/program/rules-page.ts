/**
 * The page docs/programs/rules.md, made from the rules themselves.
 *
 * `node tests/program/rules-page.ts > docs/programs/rules.md` writes it; a test compares.
 */
import { render } from '#policies/words.ts';
import { admitProgram } from '#sandbox/program/admission/admit.ts';
import { GLOBALS } from '#sandbox/program/admission/globals.ts';
import { RULES } from '#sandbox/program/admission/rules.ts';
import { ALLOWED_SYNTAX } from '#sandbox/program/admission/syntax.ts';
import { REFUSED_PROPERTIES } from '#sandbox/program/reserved-names.ts';

/** Longest example that a page can show; what refuses by size is told in words. */
const SHOWN_MAX = 300;

const OPENING = `# Rules for programs

What \`unseen program check\` says about a program, and why.
This page is made from the rules themselves (\`tests/program/rules-page.ts\`).

A program of mode \`map\` is run once for each record, and no record may leave anything for the next.
It is parsed, held against the rules below, and printed again from its syntax tree; the printed program runs, with
every module-level value frozen, one tick of fuel for each call and each round of a loop, and calls at most 100 deep.
A loop over a fixed number of rounds (up to 64) pays for all of them when it begins, also if it ends early; a function of
more than 250 parts counts as several calls in depth.
Module-level sets and maps become views that can be read and not changed: they are no \`instanceof Set\` or \`Map\`.
The text of a function, \`f.toString()\`, is that of the printed one.
A program of mode \`blocks\` has an isolate for every block and keeps only the rule \`text\`, needs nothing from outside
of the module, and exports \`run\`.
`;

export function rulesPage(): string {
  return [
    OPENING,
    ...RULES.map(({ id, because, accepts, refuses }) =>
      [
        `## ${id}\n\n${because}\n`,
        '| refused | what to write instead |\n| --- | --- |',
        ...refuses.flatMap(([module, sentence]) => rowOf(module, sentence)),
        `\nAccepted, for example:\n\n${accepts.map((module) => indented(module)).join('\n\n')}\n`,
      ].join('\n'),
    ),
    tableOf('Names', 'The built-in names that a program may use.', GLOBALS),
    tableOf('Properties', 'The properties that a program may not write.', REFUSED_PROPERTIES),
    tableOf('Syntax', 'The syntax (ESTree node types) that a program may use.', ALLOWED_SYNTAX),
  ].join('\n');
}

function rowOf(module: string, sentence: string): string[] {
  const finding = admitProgram(module, 'map', null).findings.find(
    ({ sentence: said }) => said.id === sentence,
  );
  if (finding === undefined) throw new RangeError(`no finding ${sentence}`);
  const shown = module.length > SHOWN_MAX ? '(a very long or deep module)' : codeCell(module);
  return [`| ${shown} | ${render(finding.sentence, 'en').replaceAll('|', String.raw`\|`)} |`];
}

/** Code in a cell of a table: on one line, with what cannot be seen spelt out. */
function codeCell(code: string): string {
  const line = code
    .replaceAll('\n', ' ⏎ ')
    .replaceAll(/[\p{Cf}\p{Cc}]/gu, (c) => `⟨U+${c.codePointAt(0)!.toString(16).toUpperCase()}⟩`)
    .replaceAll('|', String.raw`\|`);
  return line.includes('`') ? `\`\` ${line} \`\`` : `\`${line}\``;
}

function indented(code: string): string {
  return code
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
}

function tableOf(title: string, opening: string, rows: Readonly<Record<string, string>>): string {
  const lines = Object.entries(rows).map(([name, reason]) => `| \`${name}\` | ${reason} |`);
  return `## ${title}\n\n${opening}\n\n| name | reason |\n| --- | --- |\n${lines.join('\n')}\n`;
}

if (import.meta.main) process.stdout.write(rulesPage());
