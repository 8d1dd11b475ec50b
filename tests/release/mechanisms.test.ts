/**
 * A privacy audit of whole answers: each aggregate as the one door releases it, sampled on a dataset and on its
 * neighbour, against the ε that its Plan is charged for; and doors that are broken on purpose.
 *
 * A Plan of many listed cells, in which every cell holds the same, is so many independent runs in one release: 100,000
 * (quick) or 1,000,000 (audit). Tapes are fixed, so that a test gives the same at every run; a right door would fail
 * for one tape in 10⁶ at most.
 * Not covered: how exact integers come about; see the tests of neighbours.
 */
import { describe, expect, test } from 'vitest';
import { NoisePool } from '#sandbox/release/noise-pool.ts';
import { type Cost, type Measure, type Partials, type Plan, widthOf } from '#sandbox/plan.ts';
import { release } from '#sandbox/release/release.ts';
import { sized } from '#tests/support/audit-size.ts';
import { tapedRandom } from '#tests/support/byte-tape.ts';
import { clopperPearson, exactDelta, gaussianMass } from '#tests/support/goodness-of-fit.ts';
import { bounded, col, planWith } from '#tests/support/plan-builder.ts';
import { certifiedEpsilon, type Hits, hitsOf, hockeyStick } from '#tests/support/privacy-test.ts';

/** Runs per side. */
const N = sized(100_000, 1_000_000);
const EPSILON = 1;
/**
 * δ̂ of exactly calibrated discrete Laplace noise at ε 1: the mean plus 6 standard deviations is .0138 at n = 200,000,
 * and falls with √n; 10⁻⁹ per comparison. That is in bins as fine as a unit's steps; coarser ones have less.
 */
const TOLERANCE = 0.0138 * Math.sqrt(200_000 / N);
const PURE: Cost = { unit: 'epsilon', nano: 10n ** 9n, thresholdDeltaYocto: 0n, epsilon: EPSILON, delta: 0 };
const DEBT = bounded(col('debt'), -500, 250, { base: 10, exponent: 2 });

/** An aggregate over cells that hold `exact` with, and `without` one unit; and an attacker's summary of a cell. */
interface Mechanism {
  readonly plan: Partial<Plan>;
  /** Per measure the entries of the cells that the unit is in. */
  readonly exact: readonly (readonly bigint[])[];
  readonly without: readonly (readonly bigint[])[];
  /** What an attacker keeps of the values of the unit's cells: integers, so that they are bins. */
  readonly summary: (...cells: readonly (readonly number[])[]) => number;
  /** The event that tells the most. */
  readonly event: (summary: number) => boolean;
}

const rows = (argument: ReturnType<typeof col> | null = null): Measure => ({ kind: 'rows', argument });
const atLeast = (limit: number) => (x: number) => x >= limit;
const bit = (x: boolean): number => (x ? 1 : 0);

/** Pure Laplace, so that ε is exact; sensitivities are attained, so that noise any smaller is too small. */
const MECHANISMS: Readonly<Record<string, Mechanism>> = {
  COUNT: {
    plan: { measures: [rows()], aggregates: [{ fn: 'count', rows: 0 }] },

    exact: [[11n]],
    without: [[10n]],
    summary: ([count]) => count!,
    event: atLeast(11),
  },
  'COUNT of a unit of three rows': {
    plan: {
      measures: [rows()],
      aggregates: [{ fn: 'count', rows: 0 }],
      bounding: { cellsPerUnit: 1, rowsPerUnit: 3, chooseCells: false },
    },
    exact: [[13n]],
    without: [[10n]],
    summary: ([count]) => Math.floor((count! - 10) / 3),
    event: atLeast(1),
  },
  SUM: {
    plan: { measures: [{ kind: 'sum', argument: DEBT }], aggregates: [{ fn: 'sum', sum: 0 }] },
    exact: [[-150_000n]],
    without: [[-100_000n]],
    summary: ([sum]) => Math.floor((-1000 - sum!) / 500),
    event: atLeast(1),
  },
  // COUNT beside AVG shows both noisy integers that an average is made of: an attacker loses nothing to the division.
  AVG: {
    plan: {
      measures: [{ kind: 'centredSum', argument: DEBT }, rows(DEBT.expr)],
      aggregates: [
        { fn: 'avg', sum: 0, rows: 1 },
        { fn: 'count', rows: 1 },
      ],
    },
    exact: [[37_500n], [101n]],
    without: [[0n], [100n]],
    // The distance of the sum from the middle, in units of the most that one unit can add; and the count.
    summary: ([mean, count]) => {
      const moved = ((mean! + 125) * Math.max(1, count!)) / 375;
      return 10 * Math.max(-1, Math.min(4, Math.floor(4 * moved + 1e-6))) + bit(count! >= 101);
    },
    event: (summary) => summary === 41,
  },
  'COUNT DISTINCT in two cells': {
    plan: {
      measures: [{ kind: 'units' }],
      aggregates: [{ fn: 'countUnits', units: 0 }],
      bounding: { cellsPerUnit: 2, rowsPerUnit: 1, chooseCells: true },
    },
    exact: [[11n, 11n]],
    without: [[10n, 10n]],
    summary: ([here], [there]) => 2 * bit(here! >= 11) + bit(there! >= 11),
    event: (summary) => summary === 3,
  },
  // All of a clip of 29 in two entries: 20 and 21, and √2·29 = 41.01 in all.
  VECTOR: {
    plan: {
      measures: [
        {
          kind: 'vector',
          argument: col('g'),
          length: 2,
          clip: 29,
          clipGrid: 29n,
          grid: { base: 10, exponent: 0 },
        },
      ],
      aggregates: [{ fn: 'vector', vector: 0 }],
    },
    exact: [[120n, 121n]],
    without: [[100n, 100n]],
    summary: ([a, b]) => 2 * bit(a! >= 120) + bit(b! >= 121),
    event: (summary) => summary === 3,
  },
  // One block of a hundred goes from the lowest to the highest answer in both outputs: 10 and 2 steps.
  BLOCKS: {
    plan: {
      measures: [
        {
          kind: 'blocks',
          count: 100,
          outputs: [
            { name: 'a', argument: bounded(col('a'), 0, 10), width: 1, defaultGrid: 5n },
            { name: 'b', argument: bounded(col('b'), -1, 1), width: 1, defaultGrid: 0n },
          ],
        },
      ],
      aggregates: [0, 1].map((output) => ({ fn: 'blockMean', blocks: 0, output })),
    },
    exact: [[510n, 2n]],
    without: [[500n, 0n]],
    summary: ([a, b]) => 2 * bit(a! >= 5.0999) + bit(b! >= 0.0199),
    event: (summary) => summary === 3,
  },
};

/** The summaries of n runs of a mechanism, as Release gives them when it is told `told`. */
function runs(
  mechanism: Mechanism,
  exact: Mechanism['exact'],
  { n, seed, told }: { n: number; seed: string; told: Told },
): number[] {
  const widths = (mechanism.plan.measures ?? []).map(widthOf);
  const width = exact[0]!.length / widths[0]!;
  const domain = Array.from({ length: n * width }, (_, cell) => cell);
  const plan = planWith({
    bounding: { cellsPerUnit: 1, rowsPerUnit: 1, chooseCells: false },
    mechanism: 'laplace',
    cost: PURE,
    ...mechanism.plan,
    dataset: { name: 'd', lineage: 'd', versionId: 'v', maxRows: 1_000_000, timeZone: 'UTC' },
    keys: { mode: 'listed', keys: [{ expr: col('k'), domain }], cells: domain.length },
  });
  const vectors = exact.map((entries) => Array.from({ length: n }, () => entries).flat());
  const build = told(plan);
  const cells = release(build, { keys: null, vectors }, new NoisePool(build, tapedRandom(seed)).fill());
  return Array.from({ length: n }, (_, run) =>
    mechanism.summary(
      ...cells
        .slice(run * width, (run + 1) * width)
        .map(({ values }) => values.flatMap((list) => list.map(({ value }) => value!))),
    ),
  );
}

type Told = (plan: Plan) => Plan;
const right: Told = (plan) => plan;
/** Noise for a sensitivity of `told` where it is `real`. */
function cheaper(real: bigint, told: bigint): Told {
  return (plan) => ({ ...plan, cost: { ...plan.cost, nano: (plan.cost.nano * real) / told } });
}
const tenthTooSmall = cheaper(10n, 9n);

/** Doors that charge for less than they lose; each is to be caught for each aggregate that it harms. */
const BROKEN: readonly (readonly [defect: string, told: Told, mechanisms: readonly string[]])[] = [
  ['noise one tenth too small', tenthTooSmall, Object.keys(MECHANISMS)],
  [
    'a sensitivity without the number of cells',
    (plan) => ({ ...plan, bounding: { ...plan.bounding, cellsPerUnit: 1 } }),
    ['COUNT DISTINCT in two cells'],
  ],
  [
    'a sensitivity without the number of rows',
    (plan) => ({ ...plan, bounding: { ...plan.bounding, rowsPerUnit: 1 } }),
    ['COUNT of a unit of three rows'],
  ],
  ['a clip counted as an L1 norm', cheaper(41n, 29n), ['VECTOR']],
  ['L0 = 1: the widest entry in place of all of them', cheaper(12n, 10n), ['BLOCKS']],
  [
    'all of ε for the sum, and all of it again for the count',
    (plan) => ({ ...plan, cost: { ...plan.cost, nano: plan.cost.nano * BigInt(plan.measures.length) } }),
    ['AVG'],
  ],
  [
    'an exact count',
    (plan) => ({ ...plan, cost: { ...plan.cost, nano: 10n ** 40n } }),
    ['COUNT', 'COUNT DISTINCT in two cells'],
  ],
];
const CAUGHT = BROKEN.flatMap(([defect, told, names]) => names.map((name) => [name, defect, told] as const));

/** Tier 1: δ̂ at ε; tier 2: ε from below, of the event. */
function found(name: string, told: Told): { readonly delta: number; readonly epsilon: number } {
  const mechanism = MECHANISMS[name]!;
  const [a, b] = [mechanism.exact, mechanism.without].map((exact, side) =>
    runs(mechanism, exact, { n: N, seed: `${name} ${side}`, told }),
  ) as [number[], number[]];
  return {
    delta: hockeyStick(a, b, EPSILON),
    epsilon: certifiedEpsilon(hitsOf(a, mechanism.event), hitsOf(b, mechanism.event), 0),
  };
}

describe('at ε 1, by hockey-stick divergence (tier 1) and by an event with a certificate (tier 2)', () => {
  test.for(Object.keys(MECHANISMS))('%s keeps it, and attains it', (name) => {
    const { delta, epsilon } = found(name, right);
    expect(delta).toBeLessThan(TOLERANCE);
    expect(epsilon).toBeLessThanOrEqual(EPSILON);
    // A bound that proves nothing would pass everything.
    expect(epsilon).toBeGreaterThan(EPSILON * 0.9);
  });

  test.for(CAUGHT)('negative control: %s with %s does not', ([name, , told]) => {
    const { delta, epsilon } = found(name, told);
    expect(delta).toBeGreaterThan(TOLERANCE);
    expect(epsilon).toBeGreaterThan(EPSILON);
  });
});

describe('thresholded keys', () => {
  const COHORT = 10;
  const DELTA = 0.01;
  /** ε 1 at sensitivity 1 costs ε·tanh(ε/2) on a ledger in ρ. */
  const plan = planWith({
    dataset: { name: 'd', lineage: 'd', versionId: 'v', maxRows: 1_000_000, timeZone: 'UTC' },
    keys: { mode: 'thresholded', keys: [{ expr: col('k'), domain: null }], maxEntries: N, units: 0 },
    minimumCohort: COHORT,
    measures: [{ kind: 'units' }],
    aggregates: [{ fn: 'countUnits', units: 0 }],
    mechanism: 'laplace',
    cost: {
      unit: 'rho',
      nano: 462_117_157n,
      thresholdDeltaYocto: BigInt(DELTA * 1e6) * 10n ** 18n,
      epsilon: EPSILON,
      delta: 1e-6,
    },
  });
  const ABSENT = -1000;

  /** For each of N keys of so many units: its released count, or ABSENT. */
  function shown(units: number, told: Told, seed: string): Int32Array {
    const keys = Array.from({ length: N }, (_, key) => [key]);
    const partials: Partials = { keys, vectors: [keys.map(() => BigInt(units))] };
    const counts = new Int32Array(N).fill(ABSENT);
    const build = told(plan);
    for (const { key, values } of release(build, partials, new NoisePool(build, tapedRandom(seed)).fill()))
      counts[key[0] as number] = values[0]![0]!.value!;
    return counts;
  }
  const presence = (samples: Int32Array): Hits => hitsOf(samples, (count) => count !== ABSENT);

  test('that both sides may show keep ε, in presence and count', () => {
    const [a, b] = [15, 14].map((units) => shown(units, right, `both ${units}`)) as [Int32Array, Int32Array];
    expect(hockeyStick(a, b, EPSILON)).toBeLessThan(TOLERANCE);
    expect(certifiedEpsilon(presence(a), presence(b), 0)).toBeLessThanOrEqual(EPSILON);
    const [c, d] = [15, 14].map((units) => shown(units, tenthTooSmall, `small ${units}`)) as [
      Int32Array,
      Int32Array,
    ];
    expect(hockeyStick(c, d, EPSILON)).toBeGreaterThan(TOLERANCE);
  });

  /** δ, from below at 10⁻⁶: how often a key shows that without one unit has too few to be returned at all. */
  const provenDelta = (told: Told): number => {
    const { hits, n } = presence(shown(COHORT, told, 'appears'));
    return clopperPearson(hits, n, 'lower');
  };

  test('that one unit makes appear do so with probability δ at most', () => {
    expect(provenDelta(right)).toBeLessThanOrEqual(DELTA);
    // .0049 by the formula: the check is not empty.
    expect(provenDelta(right)).toBeGreaterThan(0.0035);
  });

  const TOO_LOW: readonly (readonly [string, number])[] = [
    ['a threshold one too small', COHORT - 1],
    ['a threshold without k − 1', 1],
  ];
  test.for(TOO_LOW)('negative control: %s has more', ([, cohort]) => {
    expect(provenDelta((real) => ({ ...real, minimumCohort: cohort }))).toBeGreaterThan(DELTA);
  });
});

describe('a COUNT with Gaussian noise of σ² = 1', () => {
  // ρ = 1/2 buys it. P(k)/P(k − 1) > e iff k < −1/2: the answers up to −1 of a count of 0 decide.
  const GAUSSIAN: Partial<Plan> = {
    mechanism: 'gaussian',
    cost: { unit: 'rho', nano: 500_000_000n, thresholdDeltaYocto: 0n, epsilon: EPSILON, delta: 0.15 },
  };

  function sampledDelta(told: Told): number {
    const { plan, ...rest } = MECHANISMS['COUNT']!;
    const mechanism = { ...rest, plan: { ...plan, ...GAUSSIAN } };
    const [zero, one] = [0n, 1n].map((count) => {
      const samples = runs(mechanism, [[count]], { n: N, seed: `gaussian ${count}`, told });
      return samples.filter((x) => x <= -1).length / N;
    }) as [number, number];
    return zero - Math.exp(EPSILON) * one;
  }

  test('has the δ of its exact sum, and noise ×0.9 more', () => {
    // Standard deviation 0.0017 at n = 200,000; 6 of them: 10⁻⁹.
    const limit = exactDelta(gaussianMass(1), EPSILON) + 0.0102 * Math.sqrt(200_000 / N);
    expect(sampledDelta(right)).toBeLessThan(limit);
    const small: Told = (plan) => ({
      ...plan,
      cost: { ...plan.cost, nano: (plan.cost.nano * 100n) / 81n },
    });
    expect(sampledDelta(small)).toBeGreaterThan(limit);
  });
});

describe('a vector with Gaussian noise', () => {
  // A clip of 29 and ρ = 1/2: σ = 29 in each entry, and along (20, 21)/29 the answers move by one of that.
  const GAUSSIAN: Partial<Plan> = {
    mechanism: 'gaussian',
    cost: { unit: 'rho', nano: 500_000_000n, thresholdDeltaYocto: 0n, epsilon: EPSILON, delta: 0.15 },
  };

  /** The answers that tell the most: those of which one side is more than e times as likely. */
  function sampledDelta(told: Told): number {
    const { plan, exact, without, ...rest } = MECHANISMS['VECTOR']!;
    const summary: Mechanism['summary'] = ([a, b]) => Math.floor((20 * (a! - 100) + 21 * (b! - 100)) / 29);
    const mechanism = { ...rest, exact, without, summary, plan: { ...plan, ...GAUSSIAN } };
    const [one, zero] = [exact, without].map((entries, side) => {
      const samples = runs(mechanism, entries, { n: N, seed: `gaussian vector ${side}`, told });
      return samples.filter((moved) => moved >= 43.5).length / N;
    }) as [number, number];
    return one - Math.exp(EPSILON) * zero;
  }

  test('has the δ of its L2 sensitivity, and noise for a smaller one has more', () => {
    // Φ(−1/2) − e·Φ(−3/2) = .1269 (Balle and Wang, arXiv:1805.06530); 6 standard deviations as above: 10⁻⁹.
    const limit = 0.1269 + 0.0102 * Math.sqrt(200_000 / N);
    expect(sampledDelta(right)).toBeLessThan(limit);
    expect(sampledDelta(cheaper(100n, 81n))).toBeGreaterThan(limit);
  });
});
