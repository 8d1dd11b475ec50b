/** The noise of an order: derived, never asked for; a custodian that adds none, or too little, is caught. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { OrderMeasure, OrderTerm } from '#crypto/he/order.ts';
import {
  type EncryptedShape,
  noiseOfOrder,
  presenceFactor,
  ROWS_FACTOR,
  rowRangeOf,
} from '#sandbox/encrypted/order-noise.ts';
import { noiseOf, noiseTailOf, noiseText } from '#sandbox/release/noise.ts';
import { numberOf } from '#sandbox/release/rational.ts';
import { chiSquareExcess, gaussianMass } from '#tests/support/goodness-of-fit.ts';
import { centred, COUNT, PLAN, Scene, SHAPE, SUM_OF_COST } from './scene.ts';

describe('what one row can add', () => {
  test.for<readonly [string, readonly OrderTerm[], bigint, bigint]>([
    ['SUM(cost): its bounds, and 0 for no row', SUM_OF_COST.terms, 0n, 1_000n],
    ['COUNT(*)', COUNT.terms, 0n, 1n],
    ['COUNT(days)', [{ weight: '1', factors: ['days$present'] }], 0n, 1n],
    ['the centred sum', [{ weight: '1', factors: ['cost'] }], -500n, 500n],
    ['squares of the centred', [{ weight: '1', factors: ['cost', 'cost'] }], 0n, 250_000n],
    [
      'SUM(days) where days may be absent',
      [
        { weight: '1', factors: ['days'] },
        { weight: '10', factors: ['days$present'] },
      ],
      -10n,
      30n,
    ],
    [
      'SUM(2·cost − 3·days)',
      [
        { weight: '2', factors: ['cost'] },
        { weight: '1000', factors: ['$rows'] },
        { weight: '-3', factors: ['days'] },
        { weight: '-30', factors: ['days$present'] },
      ],
      -90n,
      2_030n,
    ],
    [
      'SUM(cost·days), multiplied out around both centres',
      [
        { weight: '1', factors: ['cost', 'days'] },
        { weight: '500', factors: ['days'] },
        { weight: '10', factors: ['cost', 'days$present'] },
        { weight: '5000', factors: ['days$present'] },
      ],
      -10_000n,
      30_000n,
    ],
    [
      'SUM(days²), whose least is inside its bounds',
      [
        { weight: '1', factors: ['days', 'days'] },
        { weight: '20', factors: ['days'] },
        { weight: '100', factors: ['days$present'] },
      ],
      0n,
      900n,
    ],
  ])('%s', ([, terms, low, high]) => {
    expect(rowRangeOf(terms, SHAPE)).toEqual({ low, high });
  });

  const small = fc.bigInt(-4n, 4n);
  const column = fc
    .record({ a: small, b: small, midGrid: small, nullable: fc.boolean() })
    .map(({ a, b, ...rest }) => ({ lowGrid: a < b ? a : b, highGrid: a < b ? b : a, ...rest }));
  const weight = fc.bigInt(-3n, 3n).map(String);

  /** Every row that there can be, and what terms make of it. */
  function everyRow(terms: readonly OrderTerm[], columns: EncryptedShape['columns']): bigint[] {
    const rows = [...columns].reduce<Record<string, bigint>[]>(
      (rows, [name, { lowGrid, highGrid, midGrid, nullable }]) => {
        const options = Array.from({ length: Number(highGrid - lowGrid) + 1 }, (_, at) => ({
          [name]: lowGrid + BigInt(at) - midGrid,
          [presenceFactor(name)]: 1n,
        }));
        if (nullable) options.push({ [name]: 0n, [presenceFactor(name)]: 0n });
        return rows.flatMap((row) => options.map((option) => ({ ...row, ...option })));
      },
      [{ [ROWS_FACTOR]: 1n }],
    );
    return rows.map((row) =>
      terms.reduce(
        (sum, { weight: w, factors }) =>
          sum + factors.reduce((product, name) => product * row[name]!, BigInt(w)),
        0n,
      ),
    );
  }

  test('is exactly the extremes over every row, for random columns and terms', () => {
    const shapes = fc.record({ u: column, v: column, w: fc.array(weight, { minLength: 6, maxLength: 6 }) });
    const term = (w: string, ...factors: string[]): OrderTerm => ({ weight: w, factors });
    fc.assert(
      fc.property(shapes, fc.constantFrom('linear', 'squares', 'products'), ({ u, v, w }, kind) => {
        const columns = new Map(
          kind === 'squares'
            ? [['u', u]]
            : [
                ['u', u],
                ['v', v],
              ],
        );
        const [a, b, c, d, e, f] = w as [string, string, string, string, string, string];
        const terms = [term(a, 'u'), term(b, ROWS_FACTOR)];
        if (u.nullable) terms.push(term(c, 'u$present'));
        if (kind !== 'squares') terms.push(term(d, 'v'));
        if (kind !== 'squares' && v.nullable) terms.push(term(e, 'v$present'));
        if (kind === 'squares') terms.push(term(f, 'u', 'u'));
        if (kind === 'products') terms.push(term(f, 'u', 'v'));
        const sums = [0n, ...everyRow(terms, columns)];
        const least = sums.reduce((x, y) => (y < x ? y : x));
        const greatest = sums.reduce((x, y) => (y > x ? y : x));
        expect(rowRangeOf(terms, { columns })).toEqual({ low: least, high: greatest });
      }),
      { numRuns: 500, seed: 5 },
    );
  });

  test.for<readonly [string, OrderMeasure]>([
    [
      'three columns in a product',
      {
        ...COUNT,
        circuit: 'products',
        terms: [
          { weight: '1', factors: ['cost', 'days'] },
          { weight: '1', factors: ['wage'] },
        ],
      },
    ],
    ['a presence that a column has not', { ...COUNT, terms: [{ weight: '1', factors: ['cost$present'] }] }],
    [
      'a square among products',
      {
        ...COUNT,
        circuit: 'products',
        terms: [
          { weight: '1', factors: ['cost', 'days'] },
          { weight: '1', factors: ['cost', 'cost'] },
        ],
      },
    ],
    ['a sum of nothing', { ...COUNT, circuit: 'sum' }],
    [
      'a count of two things',
      { ...COUNT, terms: [...COUNT.terms, { weight: '1', factors: ['days$present'] }] },
    ],
  ])('%s is refused', ([, measure]) => {
    expect(() => noiseOfOrder({ ...PLAN, measures: [measure] }, SHAPE)).toThrow('PLAN_MALFORMED');
  });
});

describe('the noise', () => {
  test('is that of the release gate for R rows of the largest value', () => {
    const [sum, count] = noiseOfOrder(PLAN, SHAPE);
    const cost = { unit: 'rho', nano: 2_000_000n } as const;
    expect(sum).toEqual(noiseOf('gaussian', cost, 2, { l1: 3_000n, l2Squared: 9_000_000n }));
    expect(count).toEqual(noiseOf('gaussian', cost, 2, { l1: 3n, l2Squared: 9n }));
    expect(noiseText(count!)).toBe('4500');
  });

  test('is never below what the manifest demands, whatever an order states', () => {
    const least = noiseOfOrder(PLAN, SHAPE).map(noiseValue);
    fc.assert(
      fc.property(
        fc.record({
          low: fc.bigInt(-2_000n, 2_000n),
          high: fc.bigInt(-2_000n, 2_000n),
          rows: fc.integer({ min: 1, max: 6 }),
        }),
        ({ low, high, rows }) => {
          const measures = [{ ...SUM_OF_COST, lowGrid: String(low), highGrid: String(high) }, COUNT];
          let noise: readonly number[];
          try {
            noise = noiseOfOrder({ ...PLAN, measures, rowsPerUnit: rows }, SHAPE).map(noiseValue);
          } catch {
            return;
          }
          expect(noise[0]).toBeGreaterThanOrEqual(least[0]!);
          expect(noise[1]).toBeGreaterThanOrEqual(least[1]!);
        },
      ),
      { numRuns: 300, seed: 6 },
    );
  });

  test('and the largest sum stay below half the modulus, at the boundary to the integer', () => {
    const [noise] = noiseOfOrder({ ...PLAN, measures: [COUNT] }, SHAPE);
    const half = 10_000n + noiseTailOf(noise!);
    const within = { ...SHAPE, modulus: 2n * half + 1n };
    expect(noiseOfOrder({ ...PLAN, measures: [COUNT] }, within)).toHaveLength(1);
    const beyond = { ...SHAPE, modulus: 2n * half };
    expect(() => noiseOfOrder({ ...PLAN, measures: [COUNT] }, beyond)).toThrow('RANGE_TOO_WIDE');
  });
});

function noiseValue(noise: ReturnType<typeof noiseOfOrder>[number]): number {
  return numberOf(noise.kind === 'gaussian' ? noise.sigmaSquared : noise.scale);
}

/** Orders × cells: n draws of COUNT, σ² = 9·10⁹/(2·nano). */
const N = 1_600;
const COUNTED = { ...PLAN, cells: 16, measures: [COUNT], cost: { unit: 'rho', nano: '50000000' } } as const;
const TRUTH = 6n;

/** Noise as the platform gets it: what comes back, less what went in (slots 1, 2, 3). */
async function observedNoise(scene: Scene): Promise<bigint[]> {
  const noise: bigint[] = [];
  while (noise.length < N) {
    const { values } = await scene.ask({ planned: COUNTED });
    noise.push(...values.map((value) => centred(value - TRUTH)));
  }
  return noise;
}

const ROOMY = {
  limits: {
    perOrder: { epsilon: 10, delta: 1e-6, outputs: 64 },
    perKey: { epsilon: 1e6, delta: 1e-6, orders: 1_000, releases: 10_000 },
  },
};

// χ² over n = 1,600 draws, limit df + 6√(2df): a right custodian fails it less than once in 10⁶.
test('comes out with the distribution that was attested, and a custodian that adds none or a tenth is caught', async () => {
  await using scene = new Scene({}, ROOMY);
  const mass = gaussianMass(noiseValue(noiseOfOrder(COUNTED, SHAPE)[0]!));
  const noise = await observedNoise(scene);
  expect(chiSquareExcess(noise, mass)).toBeLessThan(0);
  // Negative controls: no noise, and a σ of a tenth.
  expect(chiSquareExcess(Array<bigint>(N).fill(0n), mass)).toBeGreaterThan(0);
  expect(
    chiSquareExcess(
      noise.map((draw) => draw / 10n),
      mass,
    ),
  ).toBeGreaterThan(0);
}, 20_000);

test('a custodian whose byte source is dead does not fall back to no noise', async () => {
  const { RandomSource } = await import('#sandbox/release/random.ts');
  const dead = new RandomSource(() => {
    throw new RangeError('no entropy');
  });
  await using scene = new Scene({ random: dead });
  await expect(scene.ask()).rejects.toThrow('ORDER_SPENT');
  expect(scene.reader.seen).toEqual([]);
});
