/** Every sentence a person may read: both languages, the same blanks, arguments that fit, and a page for every code. */
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROBLEM_CODES } from '#gateway/problem.ts';
import { FAILED_CODES, REFUSED_CODES } from '#policies/refusal.ts';
import { languageOf, render, say, WORDS, type Wording } from '#policies/words.ts';
import { finding } from './tidy/rule.ts';
import { codeFiles, isNode, nameOf, sourceFile, type SourceFile, type SyntaxNode } from './tidy/source.ts';

const TABLE: Readonly<Record<string, Wording>> = WORDS;
const HAN = /\p{Script=Han}/u;

function blanksOf(text: string): string[] {
  return [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? ''))].sort();
}

function list(text: string): string {
  return blanksOf(text).join(', ');
}

/** The sentence without its blanks, and without what it quotes: YAML such as `{ epsilon: … }`, a command of ours. */
function wordsOf(text: string): string {
  return text.replace(/\{\w+\}|\{ \w+: [^{}]* \}|\bunseen [a-z]+/g, '');
}

/** What is wrong with one sentence. */
function faultsOf({ en, zh }: Wording): string[] {
  return [
    en.trim() === '' || zh.trim() === '' ? 'a language is empty' : '',
    en !== en.trim() || zh !== zh.trim() ? 'space around the sentence' : '',
    HAN.test(wordsOf(zh)) || !/\p{L}/u.test(wordsOf(en + zh)) ? '' : 'zh holds no Chinese',
    HAN.test(en) ? 'en holds Chinese' : '',
    list(en) === list(zh) ? '' : `blanks differ: ${list(en)} and ${list(zh)}`,
    /[{}]/.test(wordsOf(en + zh)) ? 'a brace that is no blank' : '',
  ].filter((fault) => fault !== '');
}

describe('the table of sentences', () => {
  test('says everything in both languages, with the same blanks', () => {
    const faulty = Object.entries(TABLE).map(([id, wording]) => [id, faultsOf(wording)]);
    expect(faulty.filter(([, faults]) => faults?.length !== 0)).toEqual([]);
    expect(Object.keys(TABLE).length).toBeGreaterThan(50);
  });

  test.for([
    { wording: { en: 'spent {ε}', zh: '' }, fault: 'a language is empty' },
    { wording: { en: 'spent', zh: 'spent' }, fault: 'zh holds no Chinese' },
    { wording: { en: '已用完', zh: '已用完' }, fault: 'en holds Chinese' },
    { wording: { en: 'left: {rho}', zh: '剩余：{left}' }, fault: 'blanks differ: rho and left' },
    { wording: { en: 'left: {rho}', zh: '剩余' }, fault: 'blanks differ: rho and ' },
    { wording: { en: 'left: {rho', zh: '剩余' }, fault: 'a brace that is no blank' },
    { wording: { en: 'left ', zh: '剩余' }, fault: 'space around the sentence' },
  ])('would not pass with: $fault', ({ wording, fault }) => {
    expect(faultsOf(wording)).toContain(fault);
  });

  test('holds every area, and no id twice', async () => {
    const areas = globSync('policies/words/*.ts').map((path) => import(resolve(path)) as Promise<object>);
    const ids = (await Promise.all(areas)).flatMap((area) =>
      Object.values(area).flatMap((table) => Object.keys(table)),
    );
    expect([...ids].sort()).toEqual(Object.keys(TABLE).sort());
  });
});

describe('the type of the table', () => {
  let copy = '';
  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), 'unseen-words-'));
    cpSync('policies/words', join(copy, 'words'), { recursive: true });
    const options = { target: 'es2024', module: 'nodenext', strict: true, allowImportingTsExtensions: true };
    writeFileSync(
      join(copy, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: { ...options, noEmit: true, types: [] }, files: ['words.ts'] }),
    );
  });
  afterAll(() => rmSync(copy, { recursive: true, force: true }));

  /** Type-checks the real table with one sentence added. */
  function typeCheckWith(sentence: string): { status: number | null; out: string } {
    const table = readFileSync('policies/words.ts', 'utf8');
    const planted = table.replace('export const WORDS = {', `export const WORDS = { planted: ${sentence},`);
    expect(planted).not.toBe(table);
    writeFileSync(join(copy, 'words.ts'), planted);
    writeFileSync(join(copy, 'package.json'), '{"type":"module"}');
    const { status, stdout } = spawnSync(resolve('node_modules/.bin/tsc'), ['-p', copy], {
      encoding: 'utf8',
    });
    return { status, out: stdout };
  }

  test('takes a sentence in both languages', () => {
    expect(typeCheckWith(`{ en: 'spent', zh: '已用完' }`)).toEqual({ status: 0, out: '' });
  });

  test.for([
    { lacks: 'zh', sentence: `{ en: 'spent' }` },
    { lacks: 'en', sentence: `{ zh: '已用完' }` },
  ])('makes the check fail for a sentence without $lacks', ({ lacks, sentence }) => {
    const { status, out } = typeCheckWith(sentence);
    expect(status).not.toBe(0);
    expect(out).toContain(`'${lacks}' is missing`);
  });
});

/** Calls of `say` whose arguments are not the blanks of the sentence they name. */
function misfits(file: SourceFile): string[] {
  return file.nodes.flatMap((node) => {
    if (node.type !== 'CallExpression' || nameOf(node['callee']) !== 'say') return [];
    const [id, given] = node['arguments'] as (SyntaxNode | undefined)[];
    const wording = id?.type === 'Literal' ? TABLE[String(id['value'])] : undefined;
    const names = given === undefined ? [] : argumentNames(given);
    if (wording === undefined || names === undefined) return [];
    const [gives, takes] = [names.join(', '), list(wording.en)];
    return gives === takes ? [] : [finding(file, node, `gives [${gives}] where [${takes}] stand`)];
  });
}

/** The names in an object literal, sorted; undefined where they are not all written there. */
function argumentNames(object: SyntaxNode): string[] | undefined {
  if (object.type !== 'ObjectExpression') return undefined;
  const names = (object['properties'] as SyntaxNode[]).map((field) =>
    isNode(field['key']) && !field['computed'] ? nameOf(field['key']) : undefined,
  );
  return names.includes(undefined) ? undefined : (names as string[]).sort();
}

describe('sentences where they are said', () => {
  test('get exactly the arguments that their blanks name', () => {
    const source = codeFiles().filter(({ path }) => !path.startsWith('tests/'));
    expect(source.flatMap(misfits)).toEqual([]);
  });

  test('would be caught with an argument missing, misnamed or in excess', () => {
    const [id, wording] = Object.entries(TABLE).find(([, { en }]) => blanksOf(en).length === 1) ?? [];
    const blank = blanksOf(wording?.en ?? '')[0];
    const said = (args: string) => misfits(sourceFile('gateway/a.ts', `say('${id}'${args});`));
    expect(said(`, { ${blank} }`)).toEqual([]);
    expect(said('')).toHaveLength(1);
    expect(said(`, { other: 1 }`)).toHaveLength(1);
    expect(said(`, { ${blank}, other: 1 }`)).toHaveLength(1);
  });

  test('come out in the reader’s language, and never with a blank left open', () => {
    const [id = ''] = Object.entries(TABLE).find(([, { en }]) => blanksOf(en).length === 1) ?? [];
    const sentence = say(id as keyof typeof WORDS);
    expect(() => render(sentence, 'zh')).toThrow(RangeError);
    expect(['zh-CN,en;q=0.5', 'zh', 'en-GB,zh', 'C', undefined].map(languageOf)).toEqual([
      'zh',
      'zh',
      'en',
      'en',
      'en',
    ]);
  });
});

describe('the pages about problems', () => {
  const CODES = [...REFUSED_CODES, ...FAILED_CODES];
  const pages = globSync('docs/problems/*.md').map((path) => basename(path, '.md'));

  test('are one for each code, as there is one status, and the index names them all', () => {
    expect(new Set(CODES).size).toBe(CODES.length);
    expect([...PROBLEM_CODES].sort()).toEqual([...CODES].sort());
    expect(pages.filter((page) => page !== 'README').sort()).toEqual([...CODES].sort());
    const index = readFileSync('docs/problems/README.md', 'utf8');
    const rows = [...index.matchAll(/^\| \[(\w+)\]\(\1\.md\) \| (refused|failed) \| .+ \|$/gm)];
    expect(rows.map(([, code, kind]) => `${kind} ${code}`).sort()).toEqual(
      [
        ...REFUSED_CODES.map((code) => `refused ${code}`),
        ...FAILED_CODES.map((code) => `failed ${code}`),
      ].sort(),
    );
  });

  test.for(CODES)(
    '%s: says whether it was refused or failed, what happened and what to do, in both languages',
    (code) => {
      const page = readFileSync(`docs/problems/${code}.md`, 'utf8');
      const kind = (REFUSED_CODES as readonly string[]).includes(code) ? 'Refused' : 'Failed';
      expect(page.startsWith(`# ${code}\n\n${kind}: `)).toBe(true);
      const sections = page
        .split(/^## /m)
        .slice(1)
        .map((section) => section.split('\n\n'));
      expect(sections.map(([title]) => title)).toEqual(['What happened', 'What to do', '中文']);
      expect(sections.every(([, body]) => (body?.trim().length ?? 0) > 20)).toBe(true);
      expect(sections[2]?.[1]).toMatch(HAN);
    },
  );
});
