/**
 * Programs in the lab, read where noise is never drawn (ε 1e10): every kind of output beside the SQL that says the same,
 * and every way to ask for one wrongly.
 *
 * A real jailed worker runs them. Not covered: programs that mean harm (tests/attacks).
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseReceiptPayload } from '#crypto/receipt-payload.ts';
import { programDigestOf } from '#sandbox/program/program.ts';
import { Folder } from './lab-process.ts';
import { Rounds } from './rounds.ts';
import { exactPolicyOf } from './small-data.ts';
import { readingsOf, ROWS, townManifest, writeTown } from './town.ts';

const folder = new Folder();
afterAll(() => folder[Symbol.dispose]());
const rounds = new Rounds(folder);
beforeAll(async () => {
  await writeTown(folder, 'people', ROWS);
  await rounds.run();
});

const dataset = folder.write('people.yaml', townManifest('people.parquet'));
const policy = folder.write('plain.yaml', exactPolicyOf({ maxGroupsPerUnit: 4, maxRowsPerUnit: 10 }));
const fast = folder.write(
  'fast.yaml',
  exactPolicyOf({ maxGroupsPerUnit: 4, maxRowsPerUnit: 10, engine: 'fast' }),
);

let written = 0;

/** A line that asks for a program of these outputs. */
function asks(
  module: string,
  outputs: object,
  more: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const name = `program${(written += 1)}`;
  const { manifest: changes = {}, ...rest } = more;
  const manifest = {
    kind: 'Program',
    name,
    mode: 'map',
    inputs: { people: ['age', 'zip'] },
    outputs,
    ...(changes as object),
  };
  return {
    dataset,
    policy,
    program: folder.write(`${name}.js`, module),
    manifest: folder.write(`${name}.yaml`, manifest),
    ...rest,
  };
}

const AGE = 'export function map(row) { return { age: row.age, zip: row.zip }; }';
const AGE_BOUNDS = { bounds: [0, 120], granularity: 1 };
const ZIPS = { by: { zip: ['n', 's', 'e'] } };

describe('a program’s outputs are those of SQL', () => {
  const pairs: Readonly<Record<string, readonly [module: string, output: object, sql: string]>> = {
    count: [
      'export const map = (row) => ({ age: row.age === null ? 0 : 1 });',
      { kind: 'count' },
      'SELECT COUNT(age) AS age FROM people',
    ],
    sum: [AGE, { kind: 'sum', ...AGE_BOUNDS }, 'SELECT SUM(age) AS age FROM people'],
    'sum by key': [
      AGE,
      { kind: 'sum', ...AGE_BOUNDS, ...ZIPS },
      'SELECT zip, SUM(age) AS age FROM people GROUP BY zip',
    ],
    mean: [AGE, { kind: 'mean', ...AGE_BOUNDS }, 'SELECT AVG(age) AS age FROM people'],
    variance: [AGE, { kind: 'variance', ...AGE_BOUNDS }, 'SELECT VARIANCE(age) AS age FROM people'],
    histogram: [
      AGE,
      { kind: 'histogram', bounds: [0, 120], bins: 6 },
      'SELECT HISTOGRAM(age, 0, 120, 6) AS age FROM people',
    ],
    'histogram by key': [
      AGE,
      { kind: 'histogram', bounds: [0, 120], bins: 4, ...ZIPS },
      'SELECT zip, HISTOGRAM(age, 0, 120, 4) AS age FROM people GROUP BY zip',
    ],
  };
  const asked = Object.entries(pairs).map(
    ([title, [module, output, sql]]) =>
      [
        title,
        rounds.add(0, [
          asks(module, { age: output }),
          asks(module, { age: output }, { policy: fast }),
          { dataset, policy, sql },
        ]),
      ] as const,
  );

  test.for(asked)('%s', ([title, answers]) => {
    const [strict, quick, sql] = answers();
    expect(strict!.decision, strict!.message).toBe('released');
    for (const answer of [strict!, quick!]) {
      expect(answer.outputs.map(({ name, key }) => [name, key])).toEqual(
        sql!.outputs.map(({ name, key }) => [name, key]),
      );
      for (const [at, { value }] of answer.outputs.entries()) {
        // Squares of ten rows a person are so sensitive that a step of noise is drawn now and then.
        const expected = sql!.outputs[at]!.value!;
        expect(Math.abs(value! - expected)).toBeLessThanOrEqual(title === 'variance' ? 1 : 0);
      }
    }
  });
});

const several = rounds.add(0, [
  asks(
    'export function map(row, { cap }) { return { spend: Math.min(row.age, cap), old: row.age > 60 ? 1 : 0, zip: row.zip }; }',
    {
      spend: { kind: 'sum', bounds: [0, 120], granularity: 1, ...ZIPS },
      old: { kind: 'count', quality: true },
    },
    { manifest: { params: { cap: { type: 'number', default: 30 } } }, params: { cap: 40 } },
  ),
]);

test('outputs may have keys of their own, and quality beside them', () => {
  const [answer] = several();
  expect(answer!.outputs.map(({ name, key }) => [name, key])).toEqual([
    ['spend', { zip: 'n' }],
    ['spend', { zip: 's' }],
    ['spend', { zip: 'e' }],
    ['old', null],
    ['old_defaulted', null],
    ['old_clamped', null],
  ]);
});

const vector = rounds.add(0, [
  asks('export const map = (row) => [row.age / 1000, 1 / 1000];', {
    g: { kind: 'vector', length: 2, clip: 1, granularity: 0.001 },
  }),
]);

test('a vector comes entry by entry', () => {
  const [answer] = vector();
  expect(answer!.decision, answer!.message).toBe('released');
  expect(answer!.outputs.map(({ name, key }) => [name, key])).toEqual([
    ['g', { g_index: 1 }],
    ['g', { g_index: 2 }],
  ]);
});

const blocks = rounds.add(0, [
  asks(
    'let calls = 0; export function run(table) { calls += 1; return { calls, rows: table.length }; }',
    {
      calls: { kind: 'mean', bounds: [0, 2] },
      rows: { kind: 'mean', bounds: [0, 100] },
    },
    { manifest: { mode: 'blocks', blocks: { count: 4, cpuMs: 2000 } } },
  ),
]);

test('blocks are averaged, each run in an isolate of its own', () => {
  const [answer] = blocks();
  expect(answer!.decision, answer!.message).toBe('released');
  const { calls, rows } = readingsOf(answer!) as { calls: number; rows: number };
  expect(calls).toBeCloseTo(1, 3);
  // Rows without a person are in no block.
  const owned = ROWS.filter(({ uid }) => uid !== null).length;
  expect(rows).toBeCloseTo(owned / 4, 2);
});

describe('a receipt of a program', () => {
  const line = asks(AGE, { age: { kind: 'sum', ...AGE_BOUNDS } });
  const answers = rounds.add(0, [line]);

  test('names its digest, its profile, and the layers that it ran in', () => {
    const [answer] = answers();
    const payload = parseReceiptPayload(
      JSON.parse(Buffer.from(answer!.receipt!.split('.')[1]!, 'base64url').toString()),
    );
    const manifest: unknown = JSON.parse(readFileSync(String(line['manifest']), 'utf8'));
    expect(payload.program).toEqual({ digest: programDigestOf(AGE, manifest), profile: 'strict' });
    expect(payload.request.frontEnd).toBe('program');
    expect(payload.jail?.layers).toEqual(expect.arrayContaining(['isolate', 'lockdown', 'jitless']));
    expect(answer!.notes.join(' ')).toContain(payload.program!.digest);
  });
});

describe('a request for a program', () => {
  const sum = { age: { kind: 'sum', ...AGE_BOUNDS } };
  const params = { manifest: { params: { cap: { type: 'number' } } } };
  const wrong: Readonly<
    Record<string, readonly [line: object, decision: string, code: string, says: RegExp]>
  > = {
    'that keeps state': [
      asks('let n = 0;\nexport function map(row) { n += 1; return n; }', sum),
      'refused',
      'PROGRAM_NOT_ADMITTED',
      /n/,
    ],
    'that is no JavaScript': [
      asks('export function map(row) {', sum),
      'refused',
      'PROGRAM_NOT_ADMITTED',
      /./,
    ],
    'whose module is missing': [
      { ...asks(AGE, sum), program: 'nowhere.js' },
      'failed',
      'CONFIG',
      /nowhere\.js/,
    ],
    'without its manifest': [{ ...asks(AGE, sum), manifest: null }, 'failed', 'CONFIG', /manifest/],
    'of an unknown field': [asks(AGE, sum, { manifest: { noise: 'none' } }), 'failed', 'CONFIG', /noise/],
    'over another dataset': [
      asks(AGE, sum, { manifest: { inputs: { visits: ['age'] } } }),
      'refused',
      'TABLE',
      /visits/,
    ],
    'over an unknown column': [
      asks(AGE, sum, { manifest: { inputs: { people: ['wealth'] } } }),
      'refused',
      'COLUMN',
      /wealth/,
    ],
    'over the privacy unit': [
      asks(AGE, sum, { manifest: { inputs: { people: ['uid'] } } }),
      'refused',
      'COLUMN',
      /uid/,
    ],
    'without a parameter': [asks(AGE, sum, params), 'refused', 'PARAM', /cap/],
    'with a parameter of another type': [
      asks(AGE, sum, { ...params, params: { cap: 'x' } }),
      'refused',
      'PARAM',
      /cap/,
    ],
    'with a parameter that it has not': [asks(AGE, sum, { params: { cap: 1 } }), 'refused', 'PARAM', /cap/],
    'with parameters that are no object': [asks(AGE, sum, { params: [1] }), 'failed', 'CONFIG', /params/],
    'over two datasets': [
      asks(
        'export const run = () => 1;',
        { x: { kind: 'mean', bounds: [0, 1] } },
        {
          manifest: { mode: 'blocks', blocks: { count: 4 }, inputs: { people: ['age'], visits: ['age'] } },
        },
      ),
      'refused',
      'MODE',
      /several/,
    ],
    'above what a job may cost': [asks(AGE, sum, { epsilon: 2e10 }), 'refused', 'PARAM', /./],
  };
  const asked = Object.entries(wrong).map(
    ([title, [line, decision, code, says]]) =>
      [title, rounds.add(0, [line]), { decision, code, says }] as const,
  );

  test.for(asked)('%s says what is wrong and spends nothing', ([, answers, { decision, code, says }]) => {
    const [answer] = answers();
    expect([answer!.decision, answer!.code], answer!.message).toEqual([decision, code]);
    expect(answer!.message).toMatch(says);
    expect(answer!.budget.rhoNanoSpent).toBe('0');
  });
});

describe('the same program again', () => {
  const state = 'state';
  const line = asks(
    AGE,
    { age: { kind: 'sum', ...AGE_BOUNDS } },
    { state, epsilon: 1e9, manifest: { params: { k: { type: 'number', default: 1 } } } },
  );
  const answers = rounds.add(0, [line, line, { ...line, params: { k: 1 } }, { ...line, params: { k: 2 } }]);

  test('is answered from store, with the default written out too, but not with other parameters', () => {
    const [first, again, written, other] = answers();
    expect(again).toMatchObject({ repeat: true, releaseId: first!.releaseId });
    expect(written).toMatchObject({ repeat: true, releaseId: first!.releaseId });
    expect(other).toMatchObject({ repeat: false });
    expect(other!.budget.rhoNanoSpent).toBe(first!.budget.rhoNanoSpent);
  });
});
