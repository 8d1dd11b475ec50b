/**
 * Stated intervals hold: what a quote and a released answer call ±95 % is true in at least 95 of 100 answers.
 *
 * Real Release over exact integers that a Plan may have, with a taped source of randomness. COUNT, SUM and HISTOGRAM
 * are held to 95 % from both sides; AVG, VARIANCE, STDDEV and QUANTILE at the example sizes, with values where the quote
 * calls them least favourable and around it.
 * Not covered: clamping and bounding, which no interval covers (a note of every answer says so).
 */
import { describe, expect, test } from 'vitest';
import type { Aggregate, Measure, Plan, ReleasedValue } from '#sandbox/plan.ts';
import { expectedErrorsOf } from '#sandbox/release/expected-error.ts';
import { NoisePool } from '#sandbox/release/noise-pool.ts';
import { release } from '#sandbox/release/release.ts';
import { tapedRandom } from '#tests/support/byte-tape.ts';
import { bounded, col, planWith } from '#tests/support/plan-builder.ts';

const MECHANISMS = ['gaussian', 'laplace'] as const;
const SIZES = [100, 1_000, 10_000] as const;
/** ρ of ε 1 at δ 1e-6. */
const NANO = 24_355_971n;

/** Cells per answer: n of each test. */
const CELLS = 20_000;

/** A share of n that true coverage of 95 % falls below by chance once in 10⁶ (4.75 standard errors). */
const floorAt = (n: number): number => 0.95 - 4.75 * Math.sqrt((0.95 * 0.05) / n);

const argument = bounded(col('x'), 0, 100);
const cents = bounded(col('x'), -5, 20, { base: 10, exponent: 2 });

function planOf(
  mechanism: Plan['mechanism'],
  cells: number,
  parts: { readonly measures: readonly Measure[]; readonly aggregates: readonly Aggregate[] },
): Plan {
  const domain = Array.from({ length: cells }, (_, cell) => cell);
  return planWith({
    dataset: { name: 'd', lineage: 'd', versionId: 'v', maxRows: 10_000_000, timeZone: 'UTC' },
    keys: { mode: 'listed', keys: [{ expr: col('k'), domain }], cells },
    bounding: { cellsPerUnit: 1, rowsPerUnit: 1, chooseCells: false },
    cost: { unit: 'rho', nano: NANO, thresholdDeltaYocto: 0n, epsilon: 1, delta: 1e-6 },
    mechanism,
    ...parts,
  });
}

/** The released values of an aggregate over all cells, in order. */
function valuesOf(plan: Plan, vectors: readonly (readonly bigint[])[], tape: string) {
  const pool = new NoisePool(plan, tapedRandom(`coverage ${tape}`)).fill();
  const cells = release(plan, { keys: null, vectors }, pool);
  return (aggregate: number): readonly ReleasedValue[] => cells.flatMap(({ values }) => values[aggregate]!);
}

/** The share of values whose truth lies within so much of the interval's width; doubles round by less than 1e-9. */
function coverage(values: readonly ReleasedValue[], truthAt: (index: number) => number, width = 1): number {
  const covered = values.filter(({ value, low, high }, index) => {
    const truth = truthAt(index);
    const slack = 1e-9 * (1 + Math.abs(truth));
    return (
      value! - width * (value! - low!) <= truth + slack && truth - slack <= value! + width * (high! - value!)
    );
  });
  return covered.length / values.length;
}

/** The share of values that are right to a quoted half-width. */
function rightTo(values: readonly ReleasedValue[], truthAt: (index: number) => number, half: number): number {
  return (
    values.filter(({ value }, i) => Math.abs(value! - truthAt(i)) <= half * (1 + 1e-9)).length / values.length
  );
}

describe.for(MECHANISMS)('%s: COUNT, SUM and HISTOGRAM', (mechanism) => {
  const BINS = 5;
  const plan = planOf(mechanism, CELLS, {
    measures: [
      { kind: 'rows', argument: null },
      { kind: 'sum', argument: cents },
      { kind: 'histogram', argument: col('x'), low: 0, high: 100, bins: BINS },
    ],
    aggregates: [
      { fn: 'count', rows: 0 },
      { fn: 'sum', sum: 1 },
      { fn: 'histogram', histogram: 2 },
    ],
  });
  // Empty cells, small ones and large ones, also below zero.
  const exact = [
    Array.from({ length: CELLS }, (_, i) => BigInt((i % 7) ** 5)),
    Array.from({ length: CELLS }, (_, i) => BigInt((i % 9) - 4) * 12_345n),
    Array.from({ length: CELLS * BINS }, (_, i) => BigInt(i % 11)),
  ];
  const released = valuesOf(plan, exact, mechanism);
  const quoted = expectedErrorsOf(plan, []);
  const step = [1, 0.01, 1];

  test.for(['COUNT', 'SUM', 'HISTOGRAM'].map((name, index) => ({ name, index })))(
    '$name is right to what was quoted and stated in 95 of 100 cases, and in hardly more',
    ({ index }) => {
      const values = released(index);
      const truthAt = (i: number): number => Number(exact[index]![i]!) * step[index]!;
      const expected = quoted[index]!;
      if (!('half95' in expected)) throw new RangeError('this error depends on no size');
      const floor = floorAt(values.length);
      expect(values.length).toBe(index === 2 ? CELLS * BINS : CELLS);
      expect(coverage(values, truthAt)).toBeGreaterThan(floor);
      expect(rightTo(values, truthAt, expected.half95)).toBeGreaterThan(floor);
      // A half-width is a whole number of steps, of which the noise has ten and more: at most 1.5 % above, and chance.
      expect(coverage(values, truthAt)).toBeLessThan(0.965 + (0.95 - floor));
      // The control: a tenth narrower holds 92 % (Gaussian) or 93 % (Laplace), ten and six standard errors below.
      expect(coverage(values, truthAt, 0.9)).toBeLessThan(floor);
      expect(rightTo(values, truthAt, 0.9 * expected.half95)).toBeLessThan(floor);
    },
  );
});

/** A group in grid integers: mean at a place between the middle (0) and a bound (1), as narrow or as wide as it allows. */
interface Group {
  readonly place: number;
  readonly wide: boolean;
}
const GROUPS: readonly Group[] = [1, 0.95, 0.7, 0].flatMap((place) => [
  { place, wide: false },
  { place, wide: true },
]);
/** mid and the largest distance from it. */
const [MID, REACH] = [50, 50];

function momentsOf({ place, wide }: Group, size: number) {
  const sum = Math.round(place * REACH * size);
  const squares = wide ? REACH ** 2 * size : Math.ceil(sum ** 2 / size);
  const variance = (squares - sum ** 2 / size) / (size - 1);
  return { sum, squares, mean: MID + sum / size, variance };
}

const SIZED = {
  avg: { fn: 'avg', sum: 0, rows: 1 },
  variance: { fn: 'variance', sum: 0, rows: 1, squares: 2 },
  stddev: { fn: 'stddev', sum: 0, rows: 1, squares: 2 },
} as const satisfies Record<string, Aggregate>;

function sizedCase(mechanism: Plan['mechanism'], name: keyof typeof SIZED, group: Group, size: number) {
  const measures: Measure[] = [
    { kind: 'centredSum', argument },
    { kind: 'rows', argument: col('x') },
  ];
  if (name !== 'avg') measures.push({ kind: 'centredSquares', argument });
  const plan = planOf(mechanism, SIZED_CELLS, { measures, aggregates: [SIZED[name]] });
  const { sum, squares, mean, variance } = momentsOf(group, size);
  const exact = [sum, size, squares].slice(0, measures.length).map((entry) => cellsOf(BigInt(entry)));
  const truth = { avg: mean, variance, stddev: Math.sqrt(variance) }[name];
  const values = valuesOf(plan, exact, JSON.stringify([mechanism, name, group, size]))(0);
  return { values, truthAt: () => truth, half: halfAtSize(plan, size) };
}

/** Each group is asked so often: the floor at this n is 0.927. */
const SIZED_CELLS = 2_000;
const cellsOf = (entry: bigint): bigint[] => Array.from({ length: SIZED_CELLS }, () => entry);

function halfAtSize(plan: Plan, size: number): number {
  const [expected] = expectedErrorsOf(plan, [size]);
  if (expected === undefined || !('atSize' in expected)) throw new RangeError('this error depends on a size');
  return expected.atSize[0]!.half95;
}

describe.for(MECHANISMS)('%s: at the example sizes', (mechanism) => {
  const floor = floorAt(SIZED_CELLS);

  test.for(Object.keys(SIZED) as (keyof typeof SIZED)[])(
    '%s is right to what was quoted and stated',
    (name) => {
      for (const size of SIZES) {
        for (const group of GROUPS) {
          const { values, truthAt, half } = sizedCase(mechanism, name, group, size);
          const found = [rightTo(values, truthAt, half), coverage(values, truthAt)];
          expect(Math.min(...found), JSON.stringify({ size, group, half, found })).toBeGreaterThan(floor);
        }
      }
    },
  );

  test.for([0, 0.1, 0.5, 0.9])('the %d-quantile of evenly spread values is, too', (q) => {
    for (const size of SIZES) {
      const { values, truthAt, half } = quantileCase(mechanism, q, size);
      const found = [rightTo(values, truthAt, half), coverage(values, truthAt)];
      expect(Math.min(...found), JSON.stringify({ size, found })).toBeGreaterThan(floor);
    }
  });
});
function quantileCase(mechanism: Plan['mechanism'], q: number, size: number) {
  const bins = 64;
  const measures: Measure[] = [{ kind: 'quantile', argument, bins }];
  const plan = planOf(mechanism, SIZED_CELLS, { measures, aggregates: [{ fn: 'quantile', tree: 0, q }] });
  // As many rows to each bin as go, the rest spread over them.
  const leaves = Array.from({ length: bins }, (_, bin) =>
    BigInt(Math.floor(((bin + 1) * size) / bins) - Math.floor((bin * size) / bins)),
  );
  const exact = [Array.from({ length: SIZED_CELLS }, () => leaves).flat()];
  const values = valuesOf(plan, exact, `${mechanism} quantile ${q} ${size}`)(0);
  return { values, truthAt: () => 100 * q, half: halfAtSize(plan, size) };
}

describe('controls at the example sizes', () => {
  /** n = 20,000: ten answers of the size above. */
  const manyOf = (name: keyof typeof SIZED, group: Group, size: number) =>
    Array.from({ length: 10 }, (_, i) =>
      sizedCase('gaussian', name, { ...group, place: group.place - i / 1e9 }, size),
    );

  test('an average’s interval, a tenth narrower, is caught', () => {
    const shares = manyOf('avg', { place: 0.7, wide: false }, 10_000).map(({ values, truthAt }) => [
      coverage(values, truthAt),
      coverage(values, truthAt, 0.9),
    ]);
    const mean = (at: number): number => shares.reduce((sum, share) => sum + share[at]!, 0) / shares.length;
    expect(mean(0)).toBeGreaterThan(floorAt(20_000));
    expect(mean(1)).toBeLessThan(floorAt(20_000));
  });

  test('a quantile’s interval, three tenths as wide, is caught', () => {
    // It is made of whole bins and of two tests at 2.5 %, and covers more than it says.
    const { values, truthAt } = quantileCase('gaussian', 0.5, 1_000);
    expect(coverage(values, truthAt, 0.3)).toBeLessThan(floorAt(SIZED_CELLS));
  });

  test('a quote for STDDEV that counts on values being spread is caught', () => {
    // v / (bound − middle), for a variance that is right to v: half of what values that are all the same need.
    const { values, truthAt, half } = sizedCase('gaussian', 'stddev', { place: 1, wide: false }, 10_000);
    expect(rightTo(values, truthAt, half ** 2 / REACH)).toBeLessThan(floorAt(SIZED_CELLS));
  });
});
