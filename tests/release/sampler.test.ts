/** The samplers: discrete Laplace and Gaussian noise has the mean, variance and masses that it must have. */
import { describe, expect, test } from 'vitest';
import { expOfMinusBits } from '#sandbox/release/exponential.ts';
import { secureRandom, type RandomSource } from '#sandbox/release/random.ts';
import { numberOf, rational, type Rational } from '#sandbox/release/rational.ts';
import { bernoulliExp, discreteGaussian, discreteLaplace, geometricExp } from '#sandbox/release/sampler.ts';
import { tapedRandom, wordTape } from '#tests/support/byte-tape.ts';
import {
  chiSquareExcess,
  gaussianMass,
  laplaceMass,
  type Mass,
  momentOf,
  momentScores,
} from '#tests/support/goodness-of-fit.ts';
import gaussianVectors from '#tests/vectors/discrete-gaussian.json' with { type: 'json' };
import laplaceVectors from '#tests/vectors/discrete-laplace.json' with { type: 'json' };

/** Draws per distribution, as in Google's sampler tests; the tapes are fixed, so a pass stays a pass. */
const DRAWS = 125_000;
/** |z| of a right sampler exceeds this for one tape in 10⁵. */
const SCORE_LIMIT = 4.42;

function fraction(parts: readonly string[]): Rational {
  return rational(BigInt(parts[0]!), BigInt(parts[1]!));
}

const NINE_TENTHS = rational(9n, 10n);

function times(a: Rational, b: Rational): Rational {
  return rational(a.numerator * b.numerator, a.denominator * b.denominator);
}

interface Family {
  readonly name: string;
  readonly parameter: Rational;
  readonly vector: { readonly massAtZero: string; readonly massAtOne: string; readonly variance: string };
  readonly mass: Mass;
  readonly sample: (parameter: Rational, count: number, random: RandomSource) => bigint[];
  /** The parameter with all noise one tenth too small. */
  readonly tooSmall: Rational;
}

const FAMILIES: readonly Family[] = [
  ...laplaceVectors.distributions.map((vector) => ({
    name: `discrete Laplace of scale ${vector.scale.join('/')}`,
    parameter: fraction(vector.scale),
    vector,
    mass: laplaceMass(numberOf(fraction(vector.scale))),
    sample: discreteLaplace,
    tooSmall: times(fraction(vector.scale), NINE_TENTHS),
  })),
  ...gaussianVectors.distributions.map((vector) => ({
    name: `discrete Gaussian of σ² ${vector.sigmaSquared.join('/')}`,
    parameter: fraction(vector.sigmaSquared),
    vector,
    mass: gaussianMass(numberOf(fraction(vector.sigmaSquared))),
    sample: discreteGaussian,
    tooSmall: times(times(fraction(vector.sigmaSquared), NINE_TENTHS), NINE_TENTHS),
  })),
];

function fits(samples: readonly bigint[], mass: Mass): boolean {
  const { mean, variance } = momentScores(samples, mass);
  return mean < SCORE_LIMIT && variance < SCORE_LIMIT && chiSquareExcess(samples, mass) < 0;
}

describe.for(FAMILIES)('$name', ({ name, parameter, vector, mass, sample, tooSmall }) => {
  test('the reference masses used here are the published ones', () => {
    expect(mass(0) / Number(vector.massAtZero) - 1).toBeCloseTo(0, 13);
    expect(mass(1) / Number(vector.massAtOne) - 1).toBeCloseTo(0, 13);
    expect(momentOf(mass, 2) / Number(vector.variance) - 1).toBeCloseTo(0, 13);
  });

  test('has its mean, its variance and its mass at every integer', () => {
    const samples = sample(parameter, DRAWS, tapedRandom(name));
    expect(fits(samples, mass)).toBe(true);
    const zeros = samples.filter((x) => x === 0n).length;
    const p = Number(vector.massAtZero);
    expect(Math.abs(zeros - DRAWS * p) / Math.sqrt(DRAWS * p * (1 - p))).toBeLessThan(SCORE_LIMIT);
  });

  test('negative control: noise one tenth too small does not pass for it', () => {
    expect(fits(sample(tooSmall, DRAWS, tapedRandom(name)), mass)).toBe(false);
  });
});

describe('parameters far from one', () => {
  /** z of the second moment against σ² (and 2s²), whose discrete corrections are below 1e-12 here. n = 40,000. */
  function spreadScore(samples: readonly bigint[], deviation: number, kurtosis: number): number {
    const n = samples.length;
    const second = samples.reduce((sum, x) => sum + (Number(x) / deviation) ** 2, 0) / n;
    return Math.abs(second - 1) / Math.sqrt((kurtosis - 1) / n);
  }

  test.for([6n, 12n, 20n, 30n, 31n, 32n, 33n, 40n])(
    'a discrete Gaussian of variance 10^%i/3 is that wide',
    (power) => {
      const sigmaSquared = rational(10n ** power, 3n);
      const samples = discreteGaussian(sigmaSquared, 40_000, tapedRandom(`wide ${power}`));
      expect(spreadScore(samples, Math.sqrt(numberOf(sigmaSquared)), 3)).toBeLessThan(SCORE_LIMIT);
      expect(samples.filter((x) => x < 0n).length / 40_000).toBeCloseTo(0.5, 1);
      // Low digits are as free as high ones: a double's 53 bits would leave only even numbers up here.
      expect(samples.filter((x) => x % 2n === 0n).length / 40_000).toBeCloseTo(0.5, 1);
    },
  );

  test.for([6n, 12n, 15n, 16n, 17n, 25n])('a discrete Laplace of scale 10^%i/7 is that wide', (power) => {
    const scale = rational(10n ** power, 7n);
    const samples = discreteLaplace(scale, 40_000, tapedRandom(`wide ${power}`));
    expect(spreadScore(samples, Math.SQRT2 * numberOf(scale), 6)).toBeLessThan(SCORE_LIMIT);
    expect(samples.filter((x) => x % 2n === 0n).length / 40_000).toBeCloseTo(0.5, 1);
  });

  test('noise of almost no width is almost always zero and still has a sign', () => {
    const random = tapedRandom('narrow');
    const none = discreteGaussian(rational(1n, 10n ** 12n), 2000, random);
    expect(none.every((x) => x === 0n)).toBe(true);
    expect(discreteLaplace(rational(1n, 10n ** 10n), 2000, random).every((x) => x === 0n)).toBe(true);
    // Scale 1/4: 3.5 % are -1 or 1, half of them each.
    const some = new Set(discreteLaplace(rational(1n, 4n), 2000, random));
    expect([-1n, 0n, 1n].every((k) => some.has(k))).toBe(true);
  });

  test('a parameter that is not positive is a programmer’s error', () => {
    const random = tapedRandom('none');
    expect(() => discreteGaussian(rational(0n), 1, random)).toThrow(RangeError);
    expect(() => discreteLaplace(rational(-1n), 1, random)).toThrow(RangeError);
  });
});

describe('the coin of probability e^-x', () => {
  /** The first 32, 64 and 96 bits of e^-1: the path on which a uniform number stays undecided. */
  const edge = expOfMinusBits(rational(1n), 96).low;
  const words = [64n, 32n, 0n].map((shift) => Number((edge >> shift) & 0xffff_ffffn));

  test('one word decides when it lies clearly on one side', () => {
    for (const [word, heads] of [
      [words[0]! - 1, true],
      [words[0]! + 1, false],
      [0, true],
      [2 ** 32 - 1, false],
    ] as const) {
      const { random, rest } = wordTape([word, 0]);
      expect([bernoulliExp(rational(1n), random), rest()]).toEqual([heads, 1]);
    }
  });

  test('an undecided word is followed by more bits of the same number, not by a new number', () => {
    const { random: below, rest: belowRest } = wordTape([words[0]!, words[1]! - 2, 0]);
    expect([bernoulliExp(rational(1n), below), belowRest()]).toEqual([true, 1]);
    const { random: above, rest: aboveRest } = wordTape([words[0]!, words[1]! + 2, 0]);
    expect([bernoulliExp(rational(1n), above), aboveRest()]).toEqual([false, 1]);
    const { random: late, rest: lateRest } = wordTape([words[0]!, words[1]!, words[2]! - 3]);
    expect([bernoulliExp(rational(1n), late), lateRest()]).toEqual([true, 0]);
  });

  test('x = 0 is always heads, and a huge x needs a run of zeros to be decided', () => {
    expect(bernoulliExp(rational(0n), wordTape([2 ** 32 - 1, 2 ** 32 - 1]).random)).toBe(true);
    expect(bernoulliExp(rational(10n ** 20n), wordTape([0, 1]).random)).toBe(false);
  });

  test('is heads as often as e^-x says', () => {
    const random = tapedRandom('coins');
    for (const x of [rational(1n, 100n), rational(1n, 3n), rational(2n), rational(7n)]) {
      let heads = 0;
      for (let i = 0; i < 50_000; i += 1) if (bernoulliExp(x, random)) heads += 1;
      const p = Math.exp(-numberOf(x));
      expect(Math.abs(heads - 50_000 * p) / Math.sqrt(50_000 * p * (1 - p))).toBeLessThan(SCORE_LIMIT);
    }
  });
});

describe('coins inside the samplers are settled by their own exact exponent', () => {
  const [HEADS, TAILS] = [0, 2 ** 32 - 1];

  /** Two words between which e^-x lies in its second word: the first leaves the coin on its edge. */
  function around(x: Rational): { edge: number; heads: number; tails: number } {
    const { low } = expOfMinusBits(x, 64);
    const second = Number(low & 0xffff_ffffn);
    return { edge: Number(low >> 32n), heads: second - 2, tails: second + 2 };
  }

  test('whether a Gaussian candidate is kept', () => {
    // σ² = 61/3, t = 5, candidate 2: x = (2 − 61/15)²/(122/3) = 2883/27450.
    const { edge, heads, tails } = around(rational(2883n, 27_450n));
    const candidate = (u: number): number[] => [u * 2 ** 29, HEADS, TAILS];
    const kept = wordTape([...candidate(2), 0, edge, heads]);
    expect(discreteGaussian(rational(61n, 3n), 1, kept.random)).toEqual([2n]);
    const rejected = wordTape([...candidate(2), 0, edge, tails, ...candidate(4), HEADS]);
    expect(discreteGaussian(rational(61n, 3n), 1, rejected.random)).toEqual([4n]);
    expect([kept.rest(), rejected.rest()]).toEqual([0, 0]);
  });

  test('whether a place within a block is kept, and whether another block follows', () => {
    // Scale 7/3: blocks of 3; place 2 is kept with probability e^-(6/7), a block follows with e^-(9/7).
    const [within, next] = [around(rational(6n, 7n)), around(rational(9n, 7n))];
    const tape = wordTape([
      2 * 2 ** 30,
      within.edge,
      within.heads,
      next.edge,
      next.heads,
      next.edge,
      next.tails,
      0,
    ]);
    expect(discreteLaplace(rational(7n, 3n), 1, tape.random)).toEqual([5n]);
    const again = wordTape([2 * 2 ** 30, within.edge, within.tails, 2 ** 30, HEADS, TAILS, 0]);
    expect(discreteLaplace(rational(7n, 3n), 1, again.random)).toEqual([1n]);
    expect([tape.rest(), again.rest()]).toEqual([0, 0]);
  });

  test('the same in a block too large for a double', () => {
    const scale = rational(2n ** 60n);
    const u = 3n << 57n;
    const { edge, heads, tails } = around(rational(3n, 8n));
    const place = [Number(u >> 28n), Number((u << 4n) & 0xffff_ffffn)];
    const kept = wordTape([...place, edge, heads, TAILS, 0]);
    expect(discreteLaplace(scale, 1, kept.random)).toEqual([u]);
    const rejected = wordTape([...place, edge, tails, 0, 16, HEADS, TAILS, 0]);
    expect(discreteLaplace(scale, 1, rejected.random)).toEqual([1n]);
  });
});

test('a geometric sample has P(k) = (1 − e^-r)·e^-rk', () => {
  const random = tapedRandom('geometric');
  const rate = 0.4;
  const counts = new Float64Array(200);
  for (let i = 0; i < DRAWS; i += 1) counts[Number(geometricExp(rational(2n, 5n), random))]! += 1;
  for (let k = 0; k < 15; k += 1) {
    const p = -Math.expm1(-rate) * Math.exp(-rate * k);
    expect(Math.abs(counts[k]! - DRAWS * p) / Math.sqrt(DRAWS * p * (1 - p))).toBeLessThan(SCORE_LIMIT);
  }
});

describe('golden outputs on a fixed tape', () => {
  test('discrete Laplace of scale 7/3', () => {
    const samples = discreteLaplace(rational(7n, 3n), 40, tapedRandom('golden'));
    expect(samples.map(Number)).toEqual(laplaceVectors.golden.samples);
  });

  test('discrete Gaussian of σ² 61/3', () => {
    const samples = discreteGaussian(rational(61n, 3n), 40, tapedRandom('golden'));
    expect(samples.map(Number)).toEqual(gaussianVectors.golden.samples);
  });
});

test('the operating system’s generator gives the same distribution', () => {
  // Not repeatable, so the limit is 6.1: one false alarm in 10⁹ runs per score.
  const { mean, variance } = momentScores(
    discreteGaussian(rational(100n), DRAWS, secureRandom()),
    gaussianMass(100),
  );
  expect(Math.max(mean, variance)).toBeLessThan(6.1);
});

describe('floating point gives its input away', () => {
  /** Share of samples that lie off the finest grid that a double near 1 + noise can lie on (Mironov, CCS 2012). */
  function offGridShare(samples: readonly number[]): number {
    return samples.filter((x) => !Number.isInteger(x * 2 ** 53)).length / samples.length;
  }

  function naiveLaplace(input: number, random: RandomSource): number {
    const u = random.below(2 ** 53) / 2 ** 53 - 0.5;
    return input - Math.sign(u) * Math.log(1 - 2 * Math.abs(u));
  }

  test('our samples are integers, whatever they are added to', () => {
    const noise = discreteLaplace(rational(1n), 20_000, tapedRandom('grid'));
    expect(offGridShare(noise.map((x) => Number(0n + x)))).toBe(0);
    expect(offGridShare(noise.map((x) => Number(1n + x)))).toBe(0);
    // No value class belongs to one input alone: both cover the same integers around them.
    const support = new Set(noise.map(Number));
    for (let k = -5; k <= 5; k += 1) expect(support.has(k)).toBe(true);
  });

  test('negative control: textbook Laplace noise in doubles tells 0 from 1 in one answer out of five', () => {
    const random = tapedRandom('naive');
    const shares = [0, 1].map((input) =>
      offGridShare(Array.from({ length: 20_000 }, () => naiveLaplace(input, random))),
    );
    expect(shares[0]).toBeGreaterThan(0.2);
    expect(shares[1]).toBe(0);
  });
});
