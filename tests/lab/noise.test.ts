/**
 * The noise that leaves the lab: it has the stated standard deviation, the published one, and nothing less.
 *
 * Each statistical test states its sample size and how often it fails by chance; each has a control that must fail.
 * Not covered: the shape of the samplers' distributions (tests/release).
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  chiSquareExcess,
  gaussianMass,
  laplaceMass,
  type Mass,
  momentScores,
} from '#tests/support/goodness-of-fit.ts';
import { type Answer, Folder } from './lab-process.ts';
import { Rounds } from './rounds.ts';
import { csvOf, manifestOf, policyOf } from './small-data.ts';

const folder = new Folder();
afterAll(() => folder[Symbol.dispose]());
const rounds = new Rounds(folder);
beforeAll(() => rounds.run());

/** A hundred listed keys, so that one answer holds a hundred independent draws; key k has k mod 7 people. */
const KEYS = 100;
const PEOPLE = Array.from({ length: KEYS }, (_, key) =>
  Array.from({ length: key % 7 }, (__, i) => ({ uid: 10 * key + i, age: 60, zip: `z${key}` })),
).flat();
folder.write('data.csv', csvOf(PEOPLE));
const dataset = folder.write(
  'dataset.yaml',
  manifestOf('data.csv', {
    columns: {
      uid: { type: 'integer', role: 'unit' },
      age: { type: 'integer', bounds: [0, 120] },
      zip: { type: 'string', role: 'key', values: Array.from({ length: KEYS }, (_, key) => `z${key}`) },
    },
  }),
);

const gaussian = policyOf({ budget: { epsilon: 100, delta: 1e-5 }, perJob: { epsilon: 10, delta: 1e-5 } });
const laplace = policyOf({
  mechanism: 'laplace',
  budget: { epsilon: 100, delta: 0 },
  perJob: { epsilon: 10 },
});
const file = (name: string, policy: object, changes: object = {}): string =>
  folder.write(`${name}.yaml`, { ...policy, ...changes });
const policies = { gaussian: file('gaussian', gaussian), laplace: file('laplace', laplace) };

/** n = 10,000 draws: 100 answers of 100 cells, without a state, so that each line has its own budget. */
const ANSWERS = 100;
function drawsOf(policy: keyof typeof policies, sql: string, epsilon: number): () => readonly Draw[] {
  const line = {
    dataset,
    policy: policies[policy],
    sql,
    epsilon,
    ...(policy === 'gaussian' && { delta: 1e-6 }),
  };
  const read = rounds.add(
    0,
    Array.from({ length: ANSWERS }, () => line),
  );
  return () =>
    read().flatMap((answer) =>
      answer.outputs.map((output, key) => ({
        noise: BigInt(output.exact!) - BigInt(key % 7) * weightOf(output.name),
        stddev: output.stddev!,
      })),
    );
}
interface Draw {
  readonly noise: bigint;
  readonly stddev: number;
}
const weightOf = (name: string): bigint => (name.startsWith('sum') ? 60n : 1n);

/** |z| of the second moment above 4.42, or of the mean, happens by chance once in 10⁵ (normal approximation). */
const LIMIT = 4.42;

describe.for([
  // σ² = Δ²/2ρ with ρ(1, 1e-6) = 0.0243559703595: Canonne, Kamath and Steinke (arXiv:2004.00010).
  ['discrete Gaussian', 'gaussian', 1, gaussianMass(1 / (2 * 0.0243559703595)), 4.530877117],
  // Scale 1/ε; variance 1.84134718841558 at ε 1, from the definition of the distribution.
  ['discrete Laplace', 'laplace', 1, laplaceMass(1), Math.sqrt(1.841347188415585)],
] as const)('%s', ([, policy, epsilon, mass, stddev]) => {
  const draws = drawsOf(policy, 'SELECT zip, COUNT(*) FROM people GROUP BY zip', epsilon);

  test('a COUNT states the published standard deviation', () => {
    for (const draw of draws()) expect(draw.stddev).toBeCloseTo(stddev, 6);
  });

  test('10,000 counts are spread as stated, around the exact ones', () => {
    const samples = draws().map(({ noise }) => noise);
    expect(samples).toHaveLength(ANSWERS * KEYS);
    const { mean, variance } = momentScores(samples, mass);
    expect(mean).toBeLessThan(LIMIT);
    expect(variance).toBeLessThan(LIMIT);
    // By chance less than once in 10⁶.
    expect(chiSquareExcess(samples, mass)).toBeLessThan(0);
  });

  test('the control: noise of nine tenths of that is caught', () => {
    const narrow = scaledMass(policy, 0.9);
    const { variance } = momentScores(
      draws().map(({ noise }) => noise),
      narrow,
    );
    // The variance is 0.235 above; its standard error at n = 10,000 is 0.017 (Gaussian) and 0.028 (Laplace), so
    // that the check misses it by chance less than once in 10⁴.
    expect(variance).toBeGreaterThan(LIMIT);
  });

  function scaledMass(kind: 'gaussian' | 'laplace', factor: number): Mass {
    return kind === 'gaussian' ? gaussianMass((stddev * factor) ** 2) : laplaceMass(factor);
  }
});

describe('a SUM', () => {
  const draws = drawsOf('gaussian', 'SELECT zip, SUM(age) FROM people GROUP BY zip', 1);

  test('has its bound times the noise of a count', () => {
    const [{ stddev }] = draws() as [Draw];
    expect(stddev).toBeCloseTo(120 * 4.530877117, 3);
    const { mean, variance } = momentScores(
      draws().map(({ noise }) => noise),
      gaussianMass(stddev ** 2),
    );
    expect(mean).toBeLessThan(LIMIT);
    expect(variance).toBeLessThan(LIMIT);
  });
});

describe('stated intervals', () => {
  const read = rounds.add(
    0,
    Array.from({ length: ANSWERS }, () => ({
      dataset,
      policy: policies.gaussian,
      epsilon: 1,
      delta: 1e-6,
      sql: 'SELECT zip, COUNT(*), SUM(age) FROM people GROUP BY zip',
    })),
  );

  test('cover the exact value in at least 95 of 100 cases', () => {
    const outputs = read().flatMap((answer) =>
      answer.outputs.map((output) => ({
        ...output,
        exactly: (Number((output.key!['zip'] as string).slice(1)) % 7) * Number(weightOf(output.name)),
      })),
    );
    const covered = outputs.filter(({ low, high, exactly }) => low! <= exactly && exactly <= high!).length;
    // n = 20,000, p ≥ 0.95: fewer than 4.75 standard errors below happens by chance once in 10⁶.
    const limit = 0.95 - 4.75 * Math.sqrt((0.95 * 0.05) / outputs.length);
    expect(outputs).toHaveLength(20_000);
    expect(covered / outputs.length).toBeGreaterThan(limit);
    // The control: intervals of nine tenths of the width cover 93 %, six standard errors below the limit.
    const narrow = outputs.filter(
      ({ value, low, high, exactly }) => Math.abs(value! - exactly) <= 0.45 * (high! - low!),
    ).length;
    expect(narrow / outputs.length).toBeLessThan(limit);
  });
});

describe('cost and noise of one answer', () => {
  // ρ of (ε, δ) in nano, rounded up, and the σ of a count at sensitivity 1 (arXiv:2004.00010, Proposition 12).
  const VECTORS: readonly (readonly [number, number, string, number])[] = [
    [1, 1e-6, '24355971', 4.530877117],
    [1, 1e-5, '30556596', 4.045130358],
    [0.5, 1e-6, '6641525', 8.676630784],
    [5, 1e-6, '463064991', 1.039115991],
    [0.1, 1e-6, '321048', 39.46392],
  ];
  const sql = 'SELECT COUNT(DISTINCT uid) FROM people';
  const read = rounds.add(
    0,
    VECTORS.map(([epsilon, delta]) => ({ dataset, policy: policies.gaussian, sql, epsilon, delta })),
  );

  test.for(VECTORS.map((vector, index) => [...vector, index] as const))(
    'ε %d at δ %d costs %s nano-ρ',
    ([, , nano, sigma, index]) => {
      const answer = read()[index]!;
      expect(answer.budget.rhoNanoSpent).toBe(nano);
      // Discrete noise of a variance above 1 has the variance of the continuous one to 10⁻⁷.
      expect(answer.outputs[0]!.stddev).toBeCloseTo(sigma, 4);
    },
  );

  const shared = rounds.add(0, [
    {
      dataset,
      policy: policies.gaussian,
      epsilon: 1,
      delta: 1e-6,
      sql: 'SELECT COUNT(age), AVG(age), SUM(age) FROM people',
    },
    { dataset, policy: policies.gaussian, epsilon: 1, delta: 1e-6, sql: 'SELECT COUNT(age) FROM people' },
  ]);
  test('a request pays once however many outputs it has, and shares ρ among its measured vectors', () => {
    const [three, one] = shared();
    expect(three!.budget.rhoNanoSpent).toBe(one!.budget.rhoNanoSpent);
    // Rows (shared by COUNT and AVG), centred sum and sum: three vectors, √3 times the noise.
    expect(three!.outputs[0]!.stddev! / one!.outputs[0]!.stddev!).toBeCloseTo(Math.sqrt(3), 5);
  });

  // Thresholds: P(1 + X ≥ τ) ≤ δ per key, summed from the discrete Gaussian.
  const THRESHOLDS: readonly (readonly [string, number, string])[] = [
    ['one cell per person', 1, '23'],
    ['three cells per person', 3, '41'],
  ];
  const selection = rounds.add(
    0,
    THRESHOLDS.map(([, cells]) => ({
      dataset: folder.write(
        'unlisted.yaml',
        manifestOf('data.csv', {
          columns: { uid: { type: 'integer', role: 'unit' }, zip: { type: 'string', role: 'key' } },
        }),
      ),
      policy: file(`thresholded-${cells}`, gaussian, {
        keys: 'thresholded',
        maxGroupsPerUnit: cells,
        perJob: { epsilon: 1, delta: 1e-6, thresholdDelta: 1e-6 },
      }),
      sql: 'SELECT zip, COUNT(DISTINCT uid) FROM people GROUP BY zip',
    })),
  );
  test.for(THRESHOLDS.map((vector, index) => [...vector, index] as const))(
    'with %s a key needs k − 1 + τ',
    ([, , threshold, index]) => {
      const answer = selection()[index]!;
      expect(mechanismOf(answer).keySelection).toEqual({ minimumCohort: '10', threshold });
      // No key has more than six people.
      expect(answer.outputs).toEqual([]);
    },
  );
});

function mechanismOf(answer: Answer): { readonly keySelection: unknown } {
  const payload = Buffer.from(answer.receipt!.split('.')[1]!, 'base64url').toString();
  return (JSON.parse(payload) as { mechanism: { keySelection: unknown } }).mechanism;
}
