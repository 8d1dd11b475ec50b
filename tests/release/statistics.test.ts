/** A privacy audit by sampling: the mechanisms attain their ε and δ and do not pass them. */
import { describe, expect, test } from 'vitest';
import { costNanoRho, nanoUp } from '#sandbox/release/privacy-loss.ts';
import { noiseOf, type NoiseSpec, sampleVector } from '#sandbox/release/noise.ts';
import { numberOf, rational, rationalOfDecimal, type Rational } from '#sandbox/release/rational.ts';
import { sized } from '#tests/support/audit-size.ts';
import { tapedRandom } from '#tests/support/byte-tape.ts';
import { certifiedEpsilon, hitsOf, hockeyStick } from '#tests/support/privacy-test.ts';
import { clopperPearson, exactDelta, gaussianMass, laplaceMass } from '#tests/support/goodness-of-fit.ts';
import gaussianVectors from '#tests/vectors/discrete-gaussian.json' with { type: 'json' };

const UNIT = { l1: 1n, l2Squared: 1n };

function pureNoise(epsilon: number): NoiseSpec {
  return noiseOf('laplace', { unit: 'epsilon', nano: nanoUp(epsilon) }, 1, UNIT);
}

/** The same noise, one tenth too small: the bug that every check here must see. */
function tooSmall(spec: NoiseSpec): NoiseSpec {
  const shrunk = (value: Rational, n: bigint, d: bigint): Rational =>
    rational(value.numerator * n, value.denominator * d);
  return spec.kind === 'gaussian'
    ? { kind: 'gaussian', sigmaSquared: shrunk(spec.sigmaSquared, 81n, 100n) }
    : { kind: 'laplace', scale: shrunk(spec.scale, 9n, 10n) };
}

/** n noisy counts of a dataset with `count` units. */
function answers(spec: NoiseSpec, n: number, { count, seed }: { count: number; seed: string }): Int32Array {
  return Int32Array.from(sampleVector(spec, n, tapedRandom(seed)), (x) => count + Number(x));
}

describe('tier 1: hockey-stick divergence of two histograms', () => {
  const N = sized(200_000, 1_000_000);

  function deltaOf(spec: NoiseSpec, epsilon: number): number {
    const [a, b] = [10, 11].map((count) => answers(spec, N, { count, seed: `hockey ${count}` }));
    return hockeyStick(a!, b!, epsilon);
  }

  // Tolerance: mean of δ̂ under exactly calibrated discrete Laplace noise plus 6 of its standard deviations, so that
  // a right mechanism fails for one tape in about 10⁹. Noise one tenth too small gives .031, .071, .080 and .163.
  // Stated for n = 200,000; it falls with √n.
  test.for([
    { epsilon: 0.5, tolerance: 0.0112 },
    { epsilon: 1, tolerance: 0.0138 },
    { epsilon: Math.log(3), tolerance: 0.0149 },
    { epsilon: 2, tolerance: 0.0249 },
  ])(
    'ε = $epsilon holds between counts of 10 and 11, and noise ×0.9 does not',
    ({ epsilon, tolerance: stated }) => {
      const tolerance = stated * Math.sqrt(200_000 / N);
      expect(deltaOf(pureNoise(epsilon), epsilon)).toBeLessThan(tolerance);
      expect(deltaOf(tooSmall(pureNoise(epsilon)), epsilon)).toBeGreaterThan(tolerance);
    },
  );

  test('negative control: a sensitivity that forgets the number of keys breaks ε', () => {
    // One unit in two keys, noise for one: the first of the two counts alone already spends all of ε.
    const [a, b] = [0, 1].map((seed) => {
      const first = answers(pureNoise(1), N, { count: 0, seed: `forgot ${seed}` });
      const second = answers(pureNoise(1), N, { count: 0, seed: `forgot too ${seed}` });
      return first.filter((x, i) => x + seed > 0 && second[i]! + seed > 0).length / N;
    }) as [number, number];
    expect(b - Math.E * a).toBeGreaterThan(0.0138);
  });
});

describe('tier 2: events with a certificate', () => {
  const N = sized(100_000, 1_000_000);

  /** From how often the answer exceeds 10 with 11 and with 10 units. */
  function certified(spec: NoiseSpec): number {
    const [eleven, ten] = [11, 10].map((count) =>
      hitsOf(answers(spec, N, { count, seed: `event ${count}` }), (x) => x > 10),
    );
    return certifiedEpsilon(eleven!, ten!, 0);
  }

  test.for([0.5, 1, 2])('no event proves more than ε = %d, and noise ×0.9 is convicted', (epsilon) => {
    expect(certified(pureNoise(epsilon))).toBeLessThanOrEqual(epsilon);
    // A bound that proves nothing would pass everything: it comes within 7 % of ε.
    expect(certified(pureNoise(epsilon))).toBeGreaterThan(epsilon * 0.93);
    expect(certified(tooSmall(pureNoise(epsilon)))).toBeGreaterThan(epsilon);
  });

  test('the bounds of Clopper and Pearson cover what they should', () => {
    // 10 of 100 at 2.5 % a side: [0.04900, 0.17622] in the published tables.
    expect(clopperPearson(10, 100, 'lower', 0.025)).toBeCloseTo(0.049, 4);
    expect(clopperPearson(10, 100, 'upper', 0.025)).toBeCloseTo(0.17622, 4);
    expect(clopperPearson(0, 100, 'lower')).toBe(0);
    expect(clopperPearson(100, 100, 'upper')).toBe(1);
  });
});

describe('the δ of discrete Gaussian noise, exactly', () => {
  const rows = gaussianVectors.exactDelta.rows;

  test.for(rows)('σ² = $sigmaSquared, ε = $epsilon: the sum is the published one', (row) => {
    expect(exactDelta(gaussianMass(row.sigmaSquared), row.epsilon) / row.discrete).toBeCloseTo(1, 9);
  });

  test.for(rows)('negative control: σ² = $sigmaSquared: the continuous formula promises less', (row) => {
    expect(exactDelta(gaussianMass(row.sigmaSquared), row.epsilon)).toBeGreaterThan(row.continuous * 1.001);
  });

  /** p(A) − e^ε·p(B) of the event that decides: an estimate of δ without bias. */
  function sampledDelta(spec: NoiseSpec, epsilon: number): number {
    const n = 200_000;
    const share = (count: number): number =>
      // P(k)/P(k−1) > e^ε iff k < 1/2 − εσ²: for σ² = ε = 1 the answers up to −1 of a count of 0.
      answers(spec, n, { count, seed: `delta ${count}` }).filter((x) => x <= -1).length / n;
    return share(0) - Math.exp(epsilon) * share(1);
  }

  test('samples attain it: σ² = 1, ε = 1', () => {
    const spec: NoiseSpec = { kind: 'gaussian', sigmaSquared: rational(1n) };
    // Standard deviation (p_A·q_A + e²·p_B·q_B)^½/√n = 0.0017 with p_A = .301, p_B = .059; 6 of them: 10⁻⁹.
    expect(Math.abs(sampledDelta(spec, 1) - rows[0]!.discrete)).toBeLessThan(0.0102);
    expect(Math.abs(sampledDelta(tooSmall(spec), 1) - rows[0]!.discrete)).toBeGreaterThan(0.0102);
  });

  const requests = [
    { epsilon: 0.1, delta: 1e-6 },
    { epsilon: 0.5, delta: 1e-6 },
    { epsilon: 1, delta: 1e-10 },
    { epsilon: 1, delta: 1e-5 },
    { epsilon: 5, delta: 1e-6 },
    { epsilon: 10, delta: 1e-9 },
    { epsilon: 10, delta: 1e-6 },
  ];

  /** The exact δ on a grid so fine that rounding neither helps nor hurts: 1,024 steps of sensitivity. */
  function fineDelta(sigma: number, epsilon: number): number {
    return exactDelta(gaussianMass((1024 * sigma) ** 2), epsilon, 1024);
  }

  function sigmaOf(request: { epsilon: number; delta: number }, l2Squared: bigint): number {
    const cost = { unit: 'rho', nano: costNanoRho(request.epsilon, request.delta) } as const;
    const spec = noiseOf('gaussian', cost, 1, { l1: 1n, l2Squared });
    if (spec.kind !== 'gaussian') throw new Error('wrong kind');
    return Math.sqrt(numberOf(spec.sigmaSquared));
  }

  test.for(requests)(
    'what ($epsilon, $delta) is charged buys noise within that δ, and ×0.9 would not',
    (request) => {
      const { epsilon, delta } = request;
      const sigma = sigmaOf(request, 1024n ** 2n) / 1024;
      expect(fineDelta(sigma, epsilon)).toBeLessThanOrEqual(delta);
      expect(fineDelta(0.9 * sigma, epsilon)).toBeGreaterThan(delta);
      // A count has a grid of one, where the discrete δ is what it is.
      expect(exactDelta(gaussianMass(sigmaOf(request, 1n) ** 2), epsilon)).toBeLessThanOrEqual(delta);
    },
  );

  test('negative control: the classic σ = √(2·ln(1.25/δ))/ε has δ 1.9e-6 for 1e-6 at ε = 10', () => {
    const classic = Math.sqrt(2 * Math.log(1.25 / 1e-6)) / 10;
    expect(classic).toBeCloseTo(0.52988025269, 10);
    expect(fineDelta(classic, 10) / 1.9022e-6).toBeCloseTo(1, 3);
    // Balle and Wang's calibration of the same request, for comparison.
    expect(fineDelta(0.54108683181837, 10) / 1e-6).toBeCloseTo(1, 4);
  });

  test('discrete Laplace noise is pure: its δ at its own ε is zero, and positive just below', () => {
    for (const epsilon of [0.5, 1, 2]) {
      const mass = laplaceMass(numberOf(rationalOfDecimal(1 / epsilon)));
      expect(exactDelta(mass, epsilon)).toBeLessThan(1e-12);
      expect(exactDelta(mass, epsilon * 0.9)).toBeGreaterThan(0.01);
    }
  });
});
