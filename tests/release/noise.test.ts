/** Calibration: how much noise a share of the budget buys, and the error that it causes. */
import { describe, expect, test } from 'vitest';
import * as fc from 'fast-check';
import {
  halfWidth95OfSum,
  noiseOf,
  type NoiseSpec,
  quantile95,
  sampleVector,
  stddevOf,
} from '#sandbox/release/noise.ts';
import { nanoUp, pureEpsilonOfRho } from '#sandbox/release/privacy-loss.ts';
import { numberOf, rational, rationalOfDecimal } from '#sandbox/release/rational.ts';
import { tapedRandom } from '#tests/support/byte-tape.ts';
import { gaussianMass, laplaceMass, type Mass, momentOf, tailOf } from '#tests/support/goodness-of-fit.ts';
import gaussianVectors from '#tests/vectors/discrete-gaussian.json' with { type: 'json' };
import laplaceVectors from '#tests/vectors/discrete-laplace.json' with { type: 'json' };

const UNIT = { l1: 1n, l2Squared: 1n };

function gaussian(sigmaSquared: number): NoiseSpec {
  return { kind: 'gaussian', sigmaSquared: rationalOfDecimal(sigmaSquared) };
}

function laplace(scale: number): NoiseSpec {
  return { kind: 'laplace', scale: rationalOfDecimal(scale) };
}

function massOf(spec: NoiseSpec): Mass {
  return spec.kind === 'gaussian'
    ? gaussianMass(numberOf(spec.sigmaSquared))
    : laplaceMass(numberOf(spec.scale));
}

describe('calibration', () => {
  test('ε 1, δ 1e-6 on one count gives the published σ', () => {
    const spec = noiseOf('gaussian', { unit: 'rho', nano: 24_355_971n }, 1, UNIT);
    expect(spec).toEqual({ kind: 'gaussian', sigmaSquared: rational(10n ** 9n, 48_711_942n) });
    expect(stddevOf(spec)).toBeCloseTo(4.530877117, 6);
  });

  test('the vectors of a Plan cost together exactly what was charged', () => {
    const plans = fc.record({
      nano: fc.bigInt(1n, 10n ** 19n),
      vectors: fc.integer({ min: 1, max: 10_000 }),
      l2Squared: fc.bigInt(1n, 10n ** 40n),
    });
    fc.assert(
      fc.property(plans, ({ nano, vectors, l2Squared }) => {
        const spec = noiseOf('gaussian', { unit: 'rho', nano }, vectors, { l1: 1n, l2Squared });
        if (spec.kind !== 'gaussian') throw new Error('wrong kind');
        const { numerator, denominator } = spec.sigmaSquared;
        // V·Δ²/2σ² = N/10⁹, as fractions.
        expect(rational(BigInt(vectors) * l2Squared * denominator, 2n * numerator)).toEqual(
          rational(nano, 10n ** 9n),
        );
      }),
    );
  });

  test('negative control: a σ² rounded down to an integer would cost more than was charged', () => {
    const spec = noiseOf('gaussian', { unit: 'rho', nano: 24_355_971n }, 3, UNIT);
    if (spec.kind !== 'gaussian') throw new Error('wrong kind');
    const rounded = spec.sigmaSquared.numerator / spec.sigmaSquared.denominator;
    expect(3 / (2 * Number(rounded))).toBeGreaterThan(0.024355971);
  });

  test('Laplace noise on a pure ledger has scale V·Δ₁/ε', () => {
    const spec = noiseOf('laplace', { unit: 'epsilon', nano: nanoUp(0.5) }, 3, { l1: 7n, l2Squared: 49n });
    expect(spec).toEqual({ kind: 'laplace', scale: rational(42n) });
  });

  test('Laplace noise on a zCDP ledger spends the largest pure ε that its share of ρ pays for', () => {
    const spec = noiseOf('laplace', { unit: 'rho', nano: 24_355_971n }, 2, { l1: 5n, l2Squared: 25n });
    const epsilon = pureEpsilonOfRho(rational(24_355_971n, 2n * 10n ** 9n));
    expect(spec).toEqual({
      kind: 'laplace',
      scale: rational(5n * epsilon.denominator, epsilon.numerator),
    });
    // ε·tanh(ε/2) ≈ ε²/2 for a small ε.
    expect(numberOf(epsilon)).toBeCloseTo(Math.sqrt(0.024355971), 3);
  });

  test('a vector that nobody can change still gets the noise of sensitivity one', () => {
    const cost = { unit: 'rho', nano: 1000n } as const;
    for (const mechanism of ['gaussian', 'laplace'] as const) {
      expect(noiseOf(mechanism, cost, 1, { l1: 0n, l2Squared: 0n })).toEqual(
        noiseOf(mechanism, cost, 1, UNIT),
      );
    }
  });

  test('what has no meaning is a programmer’s error', () => {
    const cost = { unit: 'rho', nano: 1000n } as const;
    expect(() => noiseOf('gaussian', { unit: 'epsilon', nano: 1n }, 1, UNIT)).toThrow(RangeError);
    expect(() => noiseOf('gaussian', { unit: 'rho', nano: 0n }, 1, UNIT)).toThrow(RangeError);
    expect(() => noiseOf('gaussian', cost, 0, UNIT)).toThrow(RangeError);
    expect(() => noiseOf('laplace', cost, 1, { l1: -1n, l2Squared: 1n })).toThrow(RangeError);
  });
});

const SPECS = [
  ...[0.02, 0.1, 0.5, 1, 2, 9, 20.5, 100, 2500, 4095.9, 4096, 90_000, 1e6].map(gaussian),
  ...[0.1, 0.25, 0.5, 1, 7 / 3, 10, 40, 1000].map(laplace),
];
const NAMED = SPECS.map((spec) => ({
  spec,
  name: `${spec.kind} ${numberOf(spec.kind === 'gaussian' ? spec.sigmaSquared : spec.scale)}`,
}));

describe('the error that noise causes', () => {
  test.for([...laplaceVectors.distributions, ...gaussianVectors.distributions])(
    'standard deviation against the published variance $variance',
    (vector) => {
      const spec: NoiseSpec =
        'scale' in vector
          ? { kind: 'laplace', scale: rational(BigInt(vector.scale[0]!), BigInt(vector.scale[1]!)) }
          : {
              kind: 'gaussian',
              sigmaSquared: rational(BigInt(vector.sigmaSquared[0]!), BigInt(vector.sigmaSquared[1]!)),
            };
      expect(stddevOf(spec) ** 2 / Number(vector.variance)).toBeCloseTo(1, 12);
    },
  );

  test.for(NAMED)('$name: the half-width is the smallest integer that holds 95 %', ({ spec }) => {
    const mass = massOf(spec);
    const h = quantile95(spec);
    expect(2 * tailOf(mass, h + 1)).toBeLessThanOrEqual(0.05);
    // At h = 0 this is P(|X| ≥ 0) twice, and always true.
    expect(2 * tailOf(mass, h)).toBeGreaterThan(0.05);
  });

  test('both are finite and in proportion from almost no noise to 10^15', () => {
    expect([stddevOf(gaussian(1e-12)), quantile95(gaussian(1e-12))]).toEqual([0, 0]);
    expect([stddevOf(laplace(1e-10)), quantile95(laplace(1e-10))]).toEqual([0, 0]);
    for (const sigma of [4095, 4097, 1e6, 1e10, 1e15]) {
      expect(stddevOf(gaussian(sigma ** 2)) / sigma).toBeCloseTo(1, 12);
      expect(quantile95(gaussian(sigma ** 2)) / sigma).toBeCloseTo(1.95996, 2);
      // P(|X| > h) = e^(-h/s) = 5 % at h = s·ln 20.
      expect(quantile95(laplace(sigma)) / sigma).toBeCloseTo(Math.log(20), 2);
    }
  });

  const summed = [...[0.02, 0.5, 2, 2500].map(gaussian), ...[0.25, 1, 10, 1000].map(laplace)];

  test.for(summed)('the half-width of a sum holds 95 %, and little more: %o', (spec) => {
    const n = 10_000;
    for (const samples of [2, 24]) {
      const h = halfWidth95OfSum(spec, samples);
      const sums = new Float64Array(n);
      const draws = sampleVector(spec, n * samples, tapedRandom(`sum ${samples}`));
      for (const [i, x] of draws.entries()) sums[i % n]! += Number(x);
      const inside = (width: number): number => sums.filter((x) => Math.abs(x) <= width).length / n;
      // The share has standard deviation 0.0022; 5 of them are exceeded once in 3.5 million tapes.
      expect(inside(h)).toBeGreaterThan(0.95 - 0.011);
      // Not wasteful: a step and 4 % less no longer hold more than 95 % (a negative width holds nothing).
      expect(inside(Math.floor(h * 0.96) - 1)).toBeLessThan(0.95 + 0.011);
    }
  });

  test('negative control: the half-width of one sample does not hold a sum of two', () => {
    const draws = sampleVector(laplace(10), 20_000, tapedRandom('sum 2'));
    const width = quantile95(laplace(10));
    const inside = draws.filter((x, i) => i % 2 === 0 && Math.abs(Number(x + draws[i + 1]!)) <= width).length;
    expect(inside / 10_000).toBeLessThan(0.95 - 0.011);
  });

  test('a sum of one sample has the half-width of the sample', () => {
    for (const spec of SPECS) expect(halfWidth95OfSum(spec, 1)).toBe(quantile95(spec));
  });

  test('half-widths of sums grow with the square root of their number, also past the exact ranges', () => {
    for (const spec of [gaussian(100), laplace(10), laplace(1000), gaussian(1e20)]) {
      for (const samples of [100, 199, 201, 10_000]) {
        const expected = 1.96 * stddevOf(spec) * Math.sqrt(samples);
        expect(halfWidth95OfSum(spec, samples) / expected).toBeGreaterThan(0.999);
        expect(halfWidth95OfSum(spec, samples) / expected).toBeLessThan(1.01);
      }
    }
    expect(() => halfWidth95OfSum(gaussian(1), 0)).toThrow(RangeError);
  });
});

test('a vector is as long as asked, and its entries are independent', () => {
  const samples = sampleVector(gaussian(100), 50_000, tapedRandom('vector'));
  expect(samples).toHaveLength(50_000);
  expect(sampleVector(laplace(3), 0, tapedRandom('vector'))).toEqual([]);
  // The lag-one correlation has standard deviation n^-1/2; 5 of them by chance once in 1.7 million tapes.
  const products = samples.slice(1).reduce((sum, x, i) => sum + Number(x * samples[i]!), 0);
  expect(Math.abs(products / 100 / Math.sqrt(50_000))).toBeLessThan(5);
  expect(momentOf(gaussianMass(100), 2)).toBeCloseTo(100, 9);
});

test('100,000 samples of ordinary noise take well under half a second', () => {
  const spec = noiseOf('gaussian', { unit: 'rho', nano: 24_355_971n }, 3, { l1: 40n, l2Squared: 400n });
  sampleVector(spec, 10_000, tapedRandom('warm'));
  const started = performance.now();
  sampleVector(spec, 100_000, tapedRandom('speed'));
  expect(performance.now() - started).toBeLessThan(500);
});
