/** Admission: which programs are refused, by which rule, with which advice, and that ordinary ones are not. */
import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { PROGRAM_RULE_WORDS } from '#policies/words/program-rules.ts';
import { render } from '#policies/words.ts';
import { admitProgram } from '#sandbox/program/admission/admit.ts';
import { parseModule } from '#sandbox/program/admission/parse.ts';
import { RULES } from '#sandbox/program/admission/rules.ts';
import { programManifestOf, readProgramManifest } from '#sandbox/program/manifest-file.ts';
import refused from '#tests/programs/refused.json' with { type: 'json' };
import { sized } from '#tests/support/audit-size.ts';

const ACCEPTED = globSync('tests/programs/accepted/*.js').sort();

function rulesBroken(module: string): string[] {
  const { findings } = admitProgram(module, 'map', null);
  return [...new Set(findings.filter(({ severity }) => severity === 'error').map(({ rule }) => rule))];
}

function sentencesFor(module: string, mode: 'map' | 'blocks' = 'map'): string[] {
  return admitProgram(module, mode, null).findings.map(({ sentence }) => sentence.id);
}

describe.for(RULES)('rule $id', ({ id, because, accepts, refuses }) => {
  test('says why, and has examples of both kinds', () => {
    expect(because.length).toBeGreaterThan(60);
    expect(accepts.length).toBeGreaterThan(0);
    expect(refuses.length).toBeGreaterThan(0);
  });

  test.for(accepts)('lets by %j', (module) => {
    expect(admitProgram(module, 'map', null)).toMatchObject({ admitted: true, findings: [] });
  });

  test.for(refuses.map(([module, sentence]) => ({ module, sentence, shown: module.slice(0, 90) })))(
    'refuses $shown',
    ({ module, sentence }) => {
      const { admitted, code, findings } = admitProgram(module, 'map', null);
      expect({ admitted, code }).toEqual({ admitted: false, code: null });
      expect(
        findings.filter((finding) => finding.rule === id).map((finding) => finding.sentence.id),
      ).toContain(sentence);
    },
  );

  test('is needed: without it a program of the corpus would be admitted', () => {
    // The control of every other test here: what only this rule finds, nothing else would stop.
    const alone = refused.filter(({ code }) => rulesBroken(code).join() === id);
    expect(alone.length).toBeGreaterThan(0);
  });
});

/** The sentence for syntax that the parser may learn; nothing that it knows today is without a row of its own. */
const NEVER_SAID = ['rule.syntax.unknown'];

test('every sentence is said about some example, and all but warnings refuse', () => {
  const said = RULES.flatMap(({ refuses }) => refuses.map(([, sentence]) => sentence as string));
  const manifest = programManifestOf(
    {
      kind: 'Program',
      name: 'a',
      mode: 'map',
      inputs: { a: ['x'] },
      params: { n: { type: 'number' } },
      outputs: { y: { kind: 'count' } },
    },
    'p',
  );
  const { admitted, findings } = admitProgram(
    'export function map(row, params) { return row.x + row.y + params.n + params.m; }',
    'map',
    manifest,
  );
  expect(admitted).toBe(true);
  expect(findings.map(({ sentence, severity }) => [sentence.id, sentence.args['name'], severity])).toEqual([
    ['rule.manifest.column', 'y', 'warning'],
    ['rule.manifest.param', 'm', 'warning'],
  ]);
  const all = [...said, ...findings.map(({ sentence }) => sentence.id), ...NEVER_SAID];
  expect([...new Set(all)].sort()).toEqual(Object.keys(PROGRAM_RULE_WORDS).sort());
});

test('every sentence says what to write instead, after what is wrong', () => {
  const without = Object.entries(PROGRAM_RULE_WORDS).filter(
    ([, { en, zh }]) => !/[;:] .{8,}$/.test(en) || !/[；：]|请/.test(zh),
  );
  expect(without.map(([id]) => id)).toEqual([]);
});

describe('the corpus of programs that must not run', () => {
  test.for(refused)('refuses $id: $why', ({ rule, code }) => {
    expect(admitProgram(code, 'map', null).code).toBeNull();
    expect(rulesBroken(code)).toContain(rule);
  });

  test('names each program once', () => {
    expect(new Set(refused.map(({ id }) => id)).size).toBe(refused.length);
    expect(refused.length).toBeGreaterThanOrEqual(112);
  });
});

describe('ordinary programs', () => {
  test('are thirty, each with its manifest', () => {
    expect(ACCEPTED.length).toBeGreaterThanOrEqual(30);
  });

  test.for(ACCEPTED)('%s is admitted without a finding', (path) => {
    const manifest = readProgramManifest(path.replace(/js$/, 'yaml'));
    expect(manifest.name).toBe(basename(path, '.js'));
    expect(admitProgram(readFileSync(path, 'utf8'), 'map', manifest)).toMatchObject({
      admitted: true,
      findings: [],
    });
  });
});

test('a finding names line and column, and renders in both languages', () => {
  const [finding] = admitProgram(
    'let n = 0;\nexport function map(row) {\n  n += 1;\n}',
    'map',
    null,
  ).findings;
  expect(finding).toMatchObject({ rule: 'state', line: 3, column: 3, severity: 'error' });
  expect(render(finding!.sentence, 'en')).toContain('`n` belongs to the module');
  expect(render(finding!.sentence, 'zh')).toContain('请在函数内声明变量');
});

test('a column with a Chinese name is told to take a name in the manifest', () => {
  const [finding] = admitProgram('export const map = (row) => row.年龄;', 'map', null).findings;
  expect(render(finding!.sentence, 'en')).toContain('under `inputs` of the manifest');
});

describe('mode blocks', () => {
  const RUN = 'export function run(table) { return { m: table.length }; }';

  test('takes any code that needs nothing from outside, as it stands', () => {
    const module = `let n = 0; class A { #x = 1; static { n++; } }\nasync function f() { await 1; } function* g() { yield 1; }\n${RUN}`;
    expect(admitProgram(module, 'blocks', null)).toEqual({ admitted: true, findings: [], code: module });
    expect(admitProgram('const a = (t) => 1; export { a as run };', 'blocks', null).admitted).toBe(true);
  });

  test.for([
    [`import 'node:fs'; ${RUN}`, 'rule.syntax.import'],
    [`const a = () => import('node:fs'); ${RUN}`, 'rule.syntax.import'],
    [`export * from 'a'; ${RUN}`, 'rule.syntax.exportFrom'],
    [`export { run } from 'a';`, 'rule.syntax.exportFrom'],
    [`import.meta.n = 1; ${RUN}`, 'rule.syntax.meta'],
    [`await 1; ${RUN}`, 'rule.syntax.async'],
    [`for await (const a of []) { } ${RUN}`, 'rule.syntax.async'],
    ['export default function run() { }', 'rule.module.default'],
    ['export function map(row) { return 1; }', 'rule.module.noEntry'],
    ['export const run = 1;', 'rule.module.entryKind'],
    [`/* \u202e */ ${RUN}`, 'rule.text.character'],
    [`let a = 1<!--b\n; ${RUN}`, 'rule.text.htmlComment'],
  ] as const)('refuses %j', ([module, sentence]) => {
    expect(sentencesFor(module, 'blocks')).toContain(sentence);
    expect(admitProgram(module, 'blocks', null).code).toBeNull();
  });
});

describe('any text', () => {
  const sources = ACCEPTED.map((path) => readFileSync(path, 'utf8'));
  const pieces = [
    '(',
    ')',
    '{',
    '}',
    '`',
    '/',
    '${',
    '=>',
    '...',
    '#a',
    '\\',
    '\u2028',
    '年',
    '<!--',
    'await ',
    '/*',
    "'",
  ];

  test('is decided without an error, and what is admitted parses again', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...sources),
        fc.array(fc.tuple(fc.nat(3000), fc.constantFrom(...pieces), fc.nat(4)), { maxLength: 3 }),
        fc.constantFrom('map' as const, 'blocks' as const),
        (source, edits, mode) => {
          const edited = edits.reduce(
            (text, [at, piece, removed]) => text.slice(0, at) + piece + text.slice(at + removed),
            source,
          );
          const { admitted, code, findings } = admitProgram(edited, mode, null);
          expect(admitted).toBe(code !== null);
          expect(admitted || findings.length > 0).toBe(true);
          expect(parseModule(code ?? '')).toHaveProperty('tree');
        },
      ),
      { numRuns: sized(400, 20_000) },
    );
  });

  test.for([
    ['brackets', '['.repeat(30_000)],
    ['parentheses', '('.repeat(60_000)],
    ['braces', '{'.repeat(60_000)],
    ['templates', '`${'.repeat(20_000)],
    ['arrows', 'a=>'.repeat(20_000)],
    ['unary signs', `export const map = ${'!'.repeat(60_000)}1;`],
    ['else if', `if(1);${'else if(1);'.repeat(5000)}`],
    ['members', `export const map = () => a${'.a'.repeat(30_000)};`],
    ['a long name', `export const ${'a'.repeat(60_000)} = 1;`],
    ['nothing', ''],
    ['invisible characters', '\u202e'.repeat(20_000)],
    ['unknown names', `export const map = () => [${'b,'.repeat(9000)}];`],
    ['foreign names', `export const map = () => [${'年,'.repeat(9000)}];`],
    [
      'parameters',
      `${'let a;'.repeat(1)}${Array.from({ length: 900 }, (_, i) => `function f${i}(a=b,c=a){let d,e=d}`).join('')}`,
    ],
  ])('may be %s without end', ([, text]) => {
    const start = process.cpuUsage().user;
    expect(admitProgram(text!, 'map', null).admitted).toBe(false);
    // Measured: at most 0.15 s of processor time; the bound only catches what would grow with the square.
    expect(process.cpuUsage().user - start).toBeLessThan(5_000_000);
  });
});
