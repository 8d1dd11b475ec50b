/** Thresholds of keys: the δ that a key shown by one unit really has, and that none is shown below the cohort. */
import { describe, expect, test } from 'vitest';
import type { NoiseSpec } from '#sandbox/release/noise.ts';
import { numberOf, rational, rationalOfDecimal } from '#sandbox/release/rational.ts';
import { isReleased, thresholdAt, thresholdOf } from '#sandbox/release/threshold.ts';
import { gaussianMass, laplaceMass, type Mass, tailOf } from '#tests/support/goodness-of-fit.ts';
import vectors from '#tests/vectors/threshold.json' with { type: 'json' };

interface Case {
  readonly name: string;
  readonly noise: NoiseSpec;
  readonly mass: Mass;
  readonly delta: number;
  readonly cells: number;
  readonly threshold: bigint;
  readonly attained: number;
}

function fraction(parts: readonly string[]): { numerator: bigint; denominator: bigint } {
  return rational(BigInt(parts[0]!), BigInt(parts[1]!));
}

const CASES: readonly Case[] = [
  ...vectors.laplace.map((v) => {
    const scale = fraction(v.scale);
    const noise = { kind: 'laplace', scale } as const;
    return { ...v, name: `Laplace ${numberOf(scale)}`, noise, mass: laplaceMass(numberOf(scale)) };
  }),
  ...vectors.gaussian.map((v) => {
    const sigmaSquared = fraction(v.sigmaSquared);
    const noise = { kind: 'gaussian', sigmaSquared } as const;
    return {
      ...v,
      name: `Gaussian ${numberOf(sigmaSquared)}`,
      noise,
      mass: gaussianMass(numberOf(sigmaSquared)),
    };
  }),
].map((v) => ({ ...v, threshold: BigInt(v.threshold) }));

/** A release rule: whether a key with this exact count is shown when the noise is x. */
type Rule = (exact: bigint, x: bigint) => boolean;

/**
 * The δ that a rule really has for one unit in `cells` keys of k units each: the largest probability, over counts
 * c, of showing a key with c units that cannot be shown with c − 1.
 */
function realDelta(rule: Rule, mass: Mass, { cells, reach }: { cells: number; reach: bigint }): number {
  let worst = 0;
  for (let count = 1n; count <= 60n; count += 1n) {
    if (showProbability(rule, mass, { count: count - 1n, reach }) > 0) continue;
    worst = Math.max(worst, showProbability(rule, mass, { count, reach }));
  }
  return -Math.expm1(cells * Math.log1p(-worst));
}

/** P(rule shows the key), summed over all noise within ±reach and the tail beyond it. */
function showProbability(rule: Rule, mass: Mass, { count, reach }: { count: bigint; reach: bigint }): number {
  let shown = rule(count, reach + 1n) ? tailOf(mass, Number(reach) + 1) : 0;
  for (let x = -reach; x <= reach; x += 1n) if (rule(count, x)) shown += mass(Number(x));
  return shown;
}

describe.for(CASES)(
  '$name, δ $delta over $cells keys',
  ({ noise, mass, delta, cells, threshold, attained }) => {
    const reach = threshold + 5n;
    const cohort = 10;

    test('has the published threshold and attains the published probability', () => {
      expect(thresholdAt(noise, delta, cells)).toBe(threshold);
      expect(tailOf(mass, Number(threshold) - 1) / attained).toBeCloseTo(1, 4);
    });

    test('the ledger’s integer δ gives the same threshold', () => {
      const { numerator, denominator } = rationalOfDecimal(delta);
      const thresholdDeltaYocto = (numerator * 10n ** 24n) / denominator;
      expect(thresholdOf(noise, { thresholdDeltaYocto, cellsPerUnit: cells })).toBe(threshold);
    });

    test('keys that one unit can make appear have a real δ within the amount, at any cohort', () => {
      for (const k of [1, 2, cohort, 50]) {
        const rule: Rule = (exact, x) => isReleased({ exact, noisy: exact + x }, k, threshold);
        expect(realDelta(rule, mass, { cells, reach })).toBeLessThanOrEqual(delta);
      }
    });

    test('negative control: a threshold one too small has a larger δ', () => {
      const rule: Rule = (exact, x) => isReleased({ exact, noisy: exact + x }, cohort, threshold - 1n);
      expect(realDelta(rule, mass, { cells, reach })).toBeGreaterThan(delta);
    });

    test('negative control: the usual threshold beside a cohort, without k − 1, has a larger δ', () => {
      const rule: Rule = (exact, x) => exact >= BigInt(cohort) && exact + x >= threshold;
      expect(realDelta(rule, mass, { cells, reach })).toBeGreaterThan(4 * delta);
    });
  },
);

test('with ε 1 and a cohort of ten, leaving out k − 1 means 4.9e-3 in the place of 1e-6', () => {
  const rule: Rule = (exact, x) => exact >= 10n && exact + x >= 15n;
  expect(realDelta(rule, laplaceMass(1), { cells: 1, reach: 40n })).toBeCloseTo(4.9259e-3, 6);
});

test('a key below the cohort is never shown, however large the noise', () => {
  expect(isReleased({ exact: 9n, noisy: 10n ** 30n }, 10, 15n)).toBe(false);
  expect(isReleased({ exact: 10n, noisy: 24n }, 10, 15n)).toBe(true);
  expect(isReleased({ exact: 10n, noisy: 23n }, 10, 15n)).toBe(false);
});

test.for([0.04, 0.3, 1, 7, 100, 5000, 4096 ** 2])(
  'σ² = %d: the threshold is the smallest that holds',
  (sigmaSquared) => {
    const noise: NoiseSpec = { kind: 'gaussian', sigmaSquared: rationalOfDecimal(sigmaSquared) };
    const mass = gaussianMass(sigmaSquared);
    for (const delta of [1e-12, 1e-6, 1e-3, 0.1, 0.4]) {
      const threshold = Number(thresholdAt(noise, delta, 1));
      expect(tailOf(mass, threshold - 1)).toBeLessThanOrEqual(delta);
      expect(tailOf(mass, threshold - 2)).toBeGreaterThan(delta);
    }
  },
);

test.for([0.2, 1, 3.7, 1000, 1e6])('scale %d: the threshold is the smallest that holds', (scale) => {
  const noise: NoiseSpec = { kind: 'laplace', scale: rationalOfDecimal(scale) };
  // P(X ≥ m) = a^m/(1 + a), m ≥ 1.
  const tail = (m: number): number => Math.exp(-m / scale) / (1 + Math.exp(-1 / scale));
  for (const delta of [1e-200, 1e-12, 1e-6, 1e-3, 0.1, 0.4]) {
    const threshold = Number(thresholdAt(noise, delta, 1));
    expect(tail(threshold - 1)).toBeLessThanOrEqual(delta);
    expect(tail(threshold - 2)).toBeGreaterThan(delta);
  }
});

test('extremes stay finite and on the safe side', () => {
  const gaussianOf = (sigmaSquared: number): NoiseSpec => ({
    kind: 'gaussian',
    sigmaSquared: rationalOfDecimal(sigmaSquared),
  });
  // Almost no noise: one above the count of the cohort. δ = 1e-200 is 30.2σ (ln Q(30.205) = -460.52).
  expect(thresholdAt(gaussianOf(1e-12), 1e-200, 1)).toBe(2n);
  expect(Number(thresholdAt(gaussianOf(1e30), 1e-200, 1)) / 1e15).toBeCloseTo(30.2056, 3);
  expect(Number(thresholdAt(gaussianOf(1e12), 1e-6, 1)) / 1e6).toBeCloseTo(4.753424, 4);
  const wide: NoiseSpec = { kind: 'laplace', scale: rationalOfDecimal(1e20) };
  expect(Number(thresholdAt(wide, 1e-200, 1)) / 1e20).toBeCloseTo(200 * Math.LN10 - Math.LN2, 9);
  // Summed and integrated tails meet at σ = 4,096 within two steps.
  const [summed, integrated] = [
    thresholdAt(gaussianOf(4096 ** 2), 1e-6, 1),
    thresholdAt(gaussianOf(4096.001 ** 2), 1e-6, 1),
  ];
  expect(integrated >= summed && integrated - summed <= 2n).toBe(true);
});

test('more keys per unit and a smaller δ never lower the threshold', () => {
  const noise: NoiseSpec = { kind: 'gaussian', sigmaSquared: rational(100n) };
  let last = 0n;
  for (const delta of [0.9, 0.5, 0.1, 1e-3, 1e-6, 1e-9, 1e-30]) {
    const threshold = thresholdAt(noise, delta, 1);
    expect(threshold >= last && thresholdAt(noise, delta, 8) >= threshold).toBe(true);
    last = threshold;
  }
});

test('a δ outside (0, 1) and a broken number of keys are a programmer’s error', () => {
  const noise: NoiseSpec = { kind: 'gaussian', sigmaSquared: rational(100n) };
  for (const delta of [0, 1, -1, NaN]) expect(() => thresholdAt(noise, delta, 1)).toThrow(RangeError);
  for (const cells of [0, 1.5, NaN]) expect(() => thresholdAt(noise, 1e-6, cells)).toThrow(RangeError);
});
