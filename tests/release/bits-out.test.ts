/**
 * The capacity bound: its sum by hand, and that no input carries more through the noise than it says.
 *
 * Not covered: inputs over several runs; every run is charged, and states its own bound.
 */
import { describe, expect, test } from 'vitest';
import type { Plan, ReleasedCell } from '#sandbox/plan.ts';
import { bitsOutOf } from '#sandbox/release/bits-out.ts';
import { costNanoRho } from '#sandbox/release/privacy-loss.ts';
import { numberOf } from '#sandbox/release/rational.ts';
import { noiseOfPlan } from '#sandbox/release/planned-noise.ts';
import { gaussianMass, laplaceMass, type Mass, momentOf } from '#tests/support/goodness-of-fit.ts';
import { planWith } from '#tests/support/plan-builder.ts';

const PLANNED: Plan['timing'] = { mode: 'planned', releaseAfterMs: 1000 };
/** ε 1, δ 1e-6: σ² = 10⁹/(2·24,355,971) on one count of sensitivity 1. */
const COST = { unit: 'rho', nano: 24_355_971n, thresholdDeltaYocto: 0n, epsilon: 1, delta: 1e-6 } as const;

/** A distinct count of units among at most `maxRows`. */
function countPlan(maxRows: number, parts: Partial<Plan> = {}): Plan {
  const plain = planWith({ measures: [{ kind: 'units' }], cost: COST, timing: PLANNED });
  return { ...plain, dataset: { ...plain.dataset, maxRows }, ...parts };
}

const bits = (plan: Plan, cells: readonly ReleasedCell[] = []): number => Number(bitsOutOf(plan, cells));

describe('the bound', () => {
  test('of one count is ½·log2((A²/4 + σ² + 1/12)/σ²) and one bit for the final state, rounded up', () => {
    const variance = 1e9 / 48_711_942;
    const entry = 0.5 * Math.log2((250_000 + variance + 1 / 12) / variance);
    expect(bits(countPlan(1000))).toBe(Math.ceil((entry + 1) * 100) / 100);
    expect(bits(countPlan(1000))).toBe(7.79);
  });

  test('adds 5 bits for a quantised time and 32 for an exact one', () => {
    const at = (timing: Plan['timing']): number => bits(countPlan(1000, { timing }));
    expect(at({ mode: 'quantum', quantumMs: 125 }) - at(PLANNED)).toBeCloseTo(5, 6);
    expect(at({ mode: 'exact' }) - at(PLANNED)).toBeCloseTo(32, 6);
  });

  test('of thresholded keys counts the cells that were released, with 8 bits for every byte of their text', () => {
    const plan = countPlan(1000, { keys: { mode: 'thresholded', keys: [], units: 0, maxEntries: 100 } });
    const cell = (...key: string[]): ReleasedCell => ({ key, values: [] });
    const entry = bits(plan, [cell('')]) - bits(plan, []);
    expect(entry).toBeCloseTo(6.79, 1);
    expect(bits(plan, [cell('ab', '东'), cell('c')])).toBeCloseTo(1 + 2 * entry + 8 * 6, 1);
  });
});

/**
 * An upper bound of the capacity of additive noise for inputs 0…A, in bits: max over x of D(P(·|x)‖q) for the output
 * q of any input; Blahut's and Arimoto's iteration (IEEE Trans. Inf. Theory 18, 1972) finds a good one.
 */
function capacity(range: number, noise: Mass, reach: number): number {
  const inputs = Array.from({ length: range + 1 }, (_, x) => x);
  const masses = Array.from({ length: 2 * reach + 1 }, (_, n) => noise(n - reach));
  const divergence = (x: number, output: Float64Array): number =>
    masses.reduce((sum, mass, n) => (mass > 0 ? sum + mass * Math.log2(mass / output[x + n]!) : sum), 0);
  let input = inputs.map(() => 1 / inputs.length);
  let bound = Infinity;
  for (let round = 0; round < 200; round += 1) {
    const output = new Float64Array(range + masses.length);
    for (const [x, share] of input.entries())
      for (const [n, mass] of masses.entries()) output[x + n]! += share * mass;
    const bits = inputs.map((x) => divergence(x, output));
    bound = Math.min(bound, Math.max(...bits));
    const grown = input.map((share, x) => share * 2 ** bits[x]!);
    const total = grown.reduce((sum, share) => sum + share, 0);
    input = grown.map((share) => share / total);
  }
  return bound;
}

/** Bits that an input uniform over 0…A carries through additive noise: H(X + N) − H(N). */
function carried(range: number, noise: Mass, reach: number): number {
  const width = range + 2 * reach + 1;
  const masses = Array.from({ length: width }, () => 0);
  let noiseEntropy = 0;
  for (let n = -reach; n <= reach; n += 1) {
    const mass = noise(n);
    noiseEntropy += entropy(mass);
    for (let x = 0; x <= range; x += 1) masses[x + n + reach]! += mass / (range + 1);
  }
  return masses.reduce((sum, mass) => sum + entropy(mass), 0) - noiseEntropy;
}

function entropy(mass: number): number {
  return mass > 0 ? -mass * Math.log2(mass) : 0;
}

describe.for(['gaussian', 'laplace'] as const)('under %s noise', (mechanism) => {
  const noiseOf = (plan: Plan): Mass => {
    const [spec] = noiseOfPlan(plan);
    if (spec === undefined) throw new Error('a measured vector has noise');
    return spec.kind === 'gaussian'
      ? gaussianMass(numberOf(spec.sigmaSquared))
      : laplaceMass(numberOf(spec.scale));
  };

  test('an input that uses the whole range carries less, from a range below the noise to one far above', () => {
    for (const range of [1, 5, 20, 100, 1000]) {
      const plan = countPlan(range, { mechanism });
      expect(carried(range, noiseOf(plan), 400)).toBeLessThan(bits(plan) - 1);
    }
  });

  test.for([0.1, 0.5, 1, 3, 10, 100])('no input at all carries more, at ε = %s', (epsilon) => {
    const nano = costNanoRho(epsilon, 1e-6);
    for (const range of [1, 2, 3, 8, 30]) {
      const plan = countPlan(range, { mechanism, cost: { ...COST, nano } });
      const noise = noiseOf(plan);
      const reach = Math.min(400, 12 + Math.ceil(10 * Math.sqrt(momentOf(noise, 2))));
      // Beyond 400 the noise hides ranges like these nearly altogether, and so does the bound.
      expect(capacity(range, noise, reach)).toBeLessThan(bits(plan) - 1);
    }
  });

  test('negative control: the bound of an eighth of the range would be exceeded', () => {
    const plan = countPlan(4000, { mechanism });
    expect(carried(4000, noiseOf(plan), 400)).toBeGreaterThan(bits(countPlan(500, { mechanism })) - 1);
  });
});
