/** Limits of workers: whatever a program does to time and memory costs its own buffer or block, and the next one is well. */
import { afterAll, expect, test } from 'vitest';
import type { BlocksSetup, MapSetup } from '#sandbox/worker/protocol.ts';
import { WorkerPool } from '#sandbox/worker/pool.ts';
import type { Worker } from '#sandbox/worker/worker.ts';
import { blocksSetup, mapSetup, printed, visitRecords, visits } from './worker-setup.ts';

const pool = new WorkerPool();
afterAll(() => pool.close());

/** Map calls answer within this, however the program behaves. */
const DEADLINE_MS = 800;
/** What the runner gives a process beyond its deadline, and a busy machine on top. */
const PATIENCE_MS = DEADLINE_MS + 8000;

async function withWorker<T>(setup: MapSetup | BlocksSetup, use: (worker: Worker) => Promise<T>): Promise<T> {
  const worker = await pool.take('fast', 'preferred', setup);
  try {
    return await use(worker);
  } finally {
    worker.kill();
  }
}

const GREEDY: Readonly<Record<string, string>> = {
  'a loop without end': 'for (;;);',
  'a loop without end that catches everything': 'for (;;) { try { for (;;); } catch {} }',
  'a list without end': 'const list = []; for (;;) list.push({ a: 1 });',
  'a text that doubles without end': `let s = 'x'; for (;;) { s += s; s.charCodeAt(0); }`,
  'a list filled at once': 'return new Array(1e9).fill(0).length;',
  'a map without end': 'const map = new Map(); for (let i = 0; ; i += 1) map.set(i, [i]);',
  'an expression with a back-reference that backtracks': `return /^(a|a)*\\1$/.test('a'.repeat(40) + 'b') ? 1 : 0;`,
  'an integer without end': 'let n = 3n; for (;;) n *= n;',
};

test.each(Object.entries(GREEDY))(
  '%s ends in time, says at most that its buffer died, and the next job is well',
  async (_, body) => {
    const code = printed(`if (row.cost === 1) { ${body} } return row.cost;`);
    const start = performance.now();
    const after = await withWorker(mapSetup(code), async (worker) => {
      const result = await worker.map(visits(2, 1, 3), 3, DEADLINE_MS);
      expect(result === 'died' ? 2 : result.values[0]![0]).toBe(2);
      return worker.isGone ? null : worker.map(visits(2, 3), 2, DEADLINE_MS);
    });
    expect(performance.now() - start).toBeLessThan(PATIENCE_MS);
    // The isolate was ended, or its whole process was: then the next one is another.
    const next =
      after === null || after === 'died'
        ? await withWorker(mapSetup(code), (worker) => worker.map(visits(2, 3), 2))
        : after;
    expect(next).toEqual({ values: [Float64Array.of(2, 3)], codes: [] });
  },
);

const BOUNDED: Readonly<Record<string, string>> = {
  'a text longer than the longest': `return 'x'.repeat(2 ** 30).length;`,
  'a text that is asked for and too long': `return 'ab'.repeat(2 ** 20).length;`,
  'a text that is filled and too long': `return 'x'.padEnd(2 ** 20 + 1).length;`,
  'a text that is filled from the start and too long': `return 'x'.padStart(2 ** 20 + 1, 'y').length;`,
  'a list that is filled and too long': 'return new Array(2 ** 20 + 1).fill(0).length;',
  'a list-like that is filled and too long': 'return [].fill.call({ length: 2 ** 40 }, 0).length;',
  'a list longer than the longest': 'return new Array(2 ** 33).length;',
};

test.each(Object.entries(BOUNDED))('%s is a throw like any other', async (_, body) => {
  const code = printed(`if (row.cost === 1) { ${body} } return row.cost;`);
  const result = await withWorker(mapSetup(code), (worker) => worker.map(visits(2, 1, 3), 3));
  expect(result).toEqual({ values: [Float64Array.of(2, Number.NaN, 3)], codes: [] });
});

const OVERFLOWS: Readonly<Record<string, string>> = {
  'recursion without end': 'const f = (n) => f(n + 1) + 1; return f(0);',
  'nesting beyond the stack':
    'let a = []; for (let i = 0; i < 1e5; i += 1) a = [a]; return JSON.stringify(a).length;',
  'recursion that is caught':
    'const f = (n) => f(n + 1) + 1; try { return f(0); } catch (error) { throw error; }',
  'an expression that its compiler cannot hold': "return Number(new RegExp('a'.repeat(1000000)).test('b'));",
};

/** Where V8's stack ends depends on what it compiled before: a record that sees it must not stand among others. */
test.each(Object.entries(OVERFLOWS))('%s ends the isolate', async (_, body) => {
  const code = printed(`if (row.cost === 1) { ${body} } return row.cost;`);
  const results = await withWorker(mapSetup(code), async (worker) => [
    await worker.map(visits(2, 1, 3), 3),
    await worker.map(visits(2, 3), 2),
  ]);
  expect(results).toEqual(['died', { values: [Float64Array.of(2, 3)], codes: [] }]);
});

/** One function, for plain Node and as text for the isolate: calls whose sizes are looked at do what they always do. */
function sizes(): readonly string[] {
  const tried = (call: () => unknown): string => {
    try {
      return JSON.stringify([call()]);
    } catch (error) {
      return (error as Error).constructor.name;
    }
  };
  const three = { valueOf: () => 3 };
  return [
    tried(() => 'ab'.repeat(3)),
    tried(() => 'ab'.repeat(three as never)),
    tried(() => 'ab'.repeat(undefined as never)),
    tried(() => 'ab'.repeat(-1)),
    tried(() => 'ab'.repeat(2.9)),
    tried(() => ''.repeat(2 ** 24)),
    tried(() => 'x'.repeat(2 ** 20).length),
    tried(() => 'ab'.repeat.call(12, 2)),
    tried(() => 'ab'.repeat.call(null as never, 2)),
    tried(() => 'ab'.padStart(5)),
    tried(() => 'ab'.padStart(5, undefined)),
    tried(() => 'ab'.padEnd(5, 'xyz')),
    tried(() => 'ab'.padEnd(three as never, '')),
    tried(() => 'ab'.padEnd.call(undefined as never, 3)),
    tried(() => [1, 2, 3].fill(0)),
    tried(() => [1, 2, 3].fill(0, 1, 2)),
    tried(() => [1, 2, 3].fill(0, -1)),
    tried(() => ([] as number[]).fill.call(null as never, 0)),
  ];
}

test('calls whose sizes are looked at do what they always do, up to the longest', async () => {
  const expected = sizes().join('|');
  const code = printed(
    `const expected = params.expected.split('|'); return (${sizes.toString()})().findIndex((is, at) => is !== expected[at]);`,
  );
  const result = await withWorker(mapSetup(code, { params: { expected } }), (worker) =>
    worker.map(visits(1), 1),
  );
  // The place of the first difference.
  expect(result).toEqual({ values: [Float64Array.of(-1)], codes: [] });
});

test('an expression that would backtrack without end is matched in linear time', async () => {
  const code = printed(`return /^(a+)+$/.test('a'.repeat(100) + row.region) ? 1 : 0;`);
  const result = await withWorker(mapSetup(code), (worker) => worker.map(visits(1, 2), 2, DEADLINE_MS));
  expect(result).toEqual({ values: [Float64Array.of(0, 0)], codes: [] });
});

test('a program that does not compile, or whose constants throw or loop, is a death at every buffer', async () => {
  for (const code of ['export function map(', printed('return 1;', `throw 'secret';`), `import 'fs';`]) {
    const results = await withWorker(mapSetup(code), (worker) =>
      Promise.all([worker.map(visits(1), 1), worker.map(visits(1), 1)]),
    );
    expect(results).toEqual(['died', 'died']);
  }
});

const MEAN = `export function run(table, params) {
  let sum = 0;
  for (const { cost } of table) sum += cost;
  return table.length === 0 ? params.none : sum / table.length;
}`;

test('a block gives what its program gives for its rows, and an empty one too', async () => {
  await withWorker(blocksSetup(MEAN, { params: { none: -1 } }), async (worker) => {
    expect(await worker.block([visits(1, 2, 6)])).toEqual([Float64Array.of(3)]);
    expect(await worker.block([visits()])).toEqual([Float64Array.of(-1)]);
  });
});

test('a block may have several tables and outputs, and rows with NULL in them', async () => {
  const columns = mapSetup('').columns;
  const code = `export function run({ visits, stays }) {
    return { share: visits.length / stays.length, known: [visits, stays].map((rows) => rows.filter((row) =>
      row.cost !== null && row.insured !== null && row.region === null).length) };
  }`;
  const setup = blocksSetup(code, {
    inputs: [
      { dataset: 'visits', columns },
      { dataset: 'stays', columns },
    ],
    outputs: [
      { name: 'share', width: 1 },
      { name: 'known', width: 2 },
    ],
  });
  const nulls = visitRecords([
    { cost: null, insured: true, region: null },
    { cost: 1, insured: null, region: null },
    { cost: 1, insured: false, region: null },
  ]);
  const result = await withWorker(setup, (worker) => worker.block([visits(1, 2, 3, 4, 5, 6), nulls]));
  expect(result).toEqual([Float64Array.of(2), Float64Array.of(0, 1)]);
});

const FAILING: Readonly<Record<string, string>> = {
  'a throw': `throw new Error('secret');`,
  'no number': `return 'text';`,
  'a number that is not finite': 'return 1 / 0;',
  'a promise': 'return Promise.resolve(1);',
  'a loop beyond its processor time': 'for (;;);',
  'an array in place of a number': 'return [1];',
  'a clock': 'return Date.now();',
  'a clock by constructor': 'return new Date().getTime();',
  randomness: 'return Math.random();',
  'shared memory': 'return new SharedArrayBuffer(8).byteLength;',
  'raw memory': 'return new Float64Array(8).length;',
  'an import': `return import('fs').then(() => 1);`,
};

test.each(Object.entries(FAILING))('%s fails the block, and the next is well', async (_, body) => {
  const code = `export function run(table) { if (table.length === 1) { ${body} } return table.length; }`;
  await withWorker(blocksSetup(code, { cpuMs: 300 }), async (worker) => {
    expect(await worker.block([visits(1)], DEADLINE_MS)).toBe('failed');
    expect(await worker.block([visits(1, 2)])).toEqual([Float64Array.of(2)]);
  });
});

test('a block that loops ends when its processor time does, long before its deadline', async () => {
  const setup = blocksSetup('export function run() { for (;;); }', { cpuMs: 200 });
  const start = performance.now();
  expect(await withWorker(setup, (worker) => worker.block([visits(1)], 60_000))).toBe('failed');
  expect(performance.now() - start).toBeLessThan(30_000);
});

test('a block that takes memory without end ends in time, with its process if need be', async () => {
  const code = 'export function run() { const list = []; for (;;) list.push(new Array(1000).fill(0)); }';
  const start = performance.now();
  const result = await withWorker(blocksSetup(code), (worker) => worker.block([visits(1)], DEADLINE_MS));
  expect(['failed', 'died']).toContain(result);
  expect(performance.now() - start).toBeLessThan(PATIENCE_MS);
});

test('a block finds nothing of another, wherever it was left', async () => {
  const code = `let seen = 0; export function run() {
    seen += 1 + (globalThis.seen ?? 0) + (Object.prototype.seen ?? 0);
    globalThis.seen = Object.prototype.seen = Symbol.for.seen = 1;
    return seen;
  }`;
  await withWorker(blocksSetup(code), async (worker) => {
    for (let block = 0; block < 3; block += 1)
      expect(await worker.block([visits(1)])).toEqual([Float64Array.of(1)]);
  });
});
