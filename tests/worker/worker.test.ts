/** Workers: what a program maps in a jailed isolate is what it maps in plain Node, and faults stay with their record. */
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import type { MapSetup } from '#sandbox/worker/protocol.ts';
import { WorkerPool } from '#sandbox/worker/pool.ts';
import type { Worker } from '#sandbox/worker/worker.ts';
import type { Engine } from '#sandbox/worker/worker-program.ts';
import { mapSetup, printed, visitRecords, visits, type VisitRow } from './worker-setup.ts';

const pool = new WorkerPool();
afterAll(() => pool.close());

async function withWorker<T>(setup: MapSetup, use: (worker: Worker) => Promise<T>, engine: Engine = 'fast') {
  const worker = await pool.take(engine, 'preferred', setup);
  try {
    return await use(worker);
  } finally {
    worker.kill();
  }
}

/** The values of the first output for these costs. */
function mapCosts(setup: MapSetup, ...costs: readonly number[]): Promise<readonly number[] | 'died'> {
  return withWorker(setup, async (worker) => {
    const result = await worker.map(visits(...costs), costs.length);
    return result === 'died' ? result : [...result.values[0]!];
  });
}

const row: fc.Arbitrary<VisitRow> = fc.record({
  cost: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
  insured: fc.option(fc.boolean()),
  region: fc.option(fc.constantFrom('north', 'south', '東', '', '__proto__', 'a\u0000b', '\u{1F600}')),
});

/** One function, for plain Node and as text for the isolate. */
function spendOf({ cost, insured, region }: VisitRow, params: { readonly share: number }) {
  const share = insured === null ? 0.5 : insured ? params.share : 1;
  const length = region === null ? -1 : region.length;
  return { spend: cost === null ? length : cost * share, region, insured };
}

test.each(['fast', 'strict'] as const)(
  'in engine %s a program gives what plain Node gives, in the order of the records, with NULL and texts',
  async (engine) => {
    const regions: (string | null)[] = ['south', '', '__proto__', null];
    const flags: (boolean | null)[] = [true, null];
    const keys = [
      { name: 'region', values: regions },
      { name: 'insured', values: flags },
    ];
    const params = { share: 0.25 };
    const setup = mapSetup(printed(`return (${spendOf.toString()})(row, params);`), {
      params,
      outputs: [{ name: 'spend', width: 1 }],
      keys,
    });
    await withWorker(
      setup,
      (worker) =>
        fc.assert(
          fc.asyncProperty(fc.array(row, { maxLength: 200 }), async (rows) => {
            const result = await worker.map(visitRecords(rows), rows.length);
            if (result === 'died') throw new Error('the worker died');
            const expected = rows.map((one) => spendOf(one, params));
            const spends = expected.map(({ spend }) => (Number.isFinite(spend) ? spend + 0 : Number.NaN));
            expect([...result.values[0]!]).toEqual(spends);
            expect([...result.codes[0]!]).toEqual(expected.map(({ region }) => regions.indexOf(region)));
            expect([...result.codes[1]!]).toEqual(expected.map(({ insured }) => flags.indexOf(insured)));
          }),
          { numRuns: 30 },
        ),
      engine,
    );
  },
);

test('a record that throws, loops or is of the wrong type contributes nothing, and its neighbours what they should', async () => {
  const body = `
    const { cost } = row;
    if (cost === 1) throw new Error('secret');
    if (cost === 2) return 'text';
    if (cost === 3) return { value: { valueOf() { return 7; } } };
    if (cost === 4) return NaN;
    if (cost === 5) return -Infinity;
    if (cost === 6) for (;;) $tick();
    if (cost === 7) { try { for (;;) $tick(); } catch { return 7; } }
    if (cost === 8) return null;
    if (cost === 9) return undefined;
    if (cost === 10) return { get value() { throw 1; } };
    if (cost === 11) return 3n;
    if (cost === 12) return true;
    if (cost === 13) return [5];
    if (cost === 14) return Symbol('x');
    if (cost === 15) return new Number(5);
    if (cost === 16) return -0;
    return cost;`;
  const costs = Array.from({ length: 20 }, (_, cost) => cost);
  const expected = costs.map((cost) => (cost === 0 || cost >= 16 ? (cost === 16 ? 0 : cost) : Number.NaN));
  expect(await mapCosts(mapSetup(printed(body)), ...costs)).toEqual(expected);
});

test('one output of the wrong type leaves the others; a throw while one is read leaves none', async () => {
  const body = `
    const { cost } = row;
    if (cost === 1) return { a: 'x', b: [1, 2] };
    if (cost === 2) return { a: 1, b: [1] };
    if (cost === 3) return { a: 1, b: [1, NaN] };
    if (cost === 4) return { a: 1, get b() { throw 0; } };
    if (cost === 5) return { a: 1, b: { 0: 1, 1: 2, length: 2 } };
    return { a: cost, b: [cost, -cost] };`;
  const outputs = [
    { name: 'a', width: 1 },
    { name: 'b', width: 2 },
  ];
  const result = await withWorker(mapSetup(printed(body), { outputs }), (worker) =>
    worker.map(visits(1, 2, 3, 4, 5, 6), 6),
  );
  const none = Number.NaN;
  expect(result).toEqual({
    values: [
      Float64Array.of(none, 1, 1, none, 1, 6),
      Float64Array.of(1, 2, none, none, none, none, none, none, none, none, 6, -6),
    ],
    codes: [],
  });
});

test('a record gets a fresh row, frozen parameters, no this, and nothing of another buffer', async () => {
  const body = `
    row.seen = (row.seen || 0) + 1;
    try { params.list.push(1); } catch { row.seen += 10; }
    try { params.more = 1; } catch { row.seen += 100; }
    try { Object.prototype.seen = 5; } catch { row.seen += 1000; }
    return this === undefined && counter() === 1 ? row.seen : -1;`;
  // A counter that admission would refuse: the isolate alone keeps it from the next buffer.
  const code = printed(body, 'let n = 0; function counter() { n += 1; return n; }');
  await withWorker(mapSetup(code, { params: { list: [1] } }), async (worker) => {
    for (let buffer = 0; buffer < 3; buffer += 1) {
      expect(await worker.map(visits(1), 1)).toEqual({ values: [Float64Array.of(1111)], codes: [] });
    }
  });
});

test('records are mapped in a secret order, another one for each buffer', async () => {
  const code = printed('return counter();', 'let n = 0; function counter() { n += 1; return n; }');
  await withWorker(mapSetup(code), async (worker) => {
    const rows = 1000;
    const orders = await Promise.all(
      [1, 2].map(() => worker.map(visits(...Array<number>(rows).fill(1)), rows)),
    );
    const positions = orders.map((result) => (result === 'died' ? [] : [...result.values[0]!]));
    const inOrder = Array.from({ length: rows }, (_, at) => at + 1);
    for (const order of positions) {
      expect(order).not.toEqual(inOrder);
      expect(order.toSorted((a, b) => a - b)).toEqual(inOrder);
    }
    expect(positions[0]).not.toEqual(positions[1]);
  });
});

test('an empty buffer has an empty result', async () => {
  const result = await withWorker(mapSetup(printed('return 1;')), (worker) => worker.map(visits(), 0));
  expect(result).toEqual({ values: [new Float64Array(0)], codes: [] });
});
