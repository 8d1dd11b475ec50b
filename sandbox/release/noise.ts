/**
 * The noise of a Plan: how much each measured vector gets, the draw itself, and the error it causes.
 *
 * A cost of N nano is split equally over the V measured vectors, as a fraction and without rounding. On a zCDP
 * ledger ρ_v = N/(V·10⁹): discrete Gaussian noise has σ² = Δ₂²/2ρ_v, discrete Laplace noise the scale Δ₁/ε_v with
 * ε_v the largest pure ε that costs ρ_v. On a pure ledger ε_v = N/(V·10⁹).
 * Guarantee: a Plan's vectors together lose at most what the ledger was charged, for a unit that changes each
 * vector by at most the stated sensitivity (grid integers). A sensitivity of zero counts as one: there is no
 * way to ask for no noise.
 */
import type { Cost, Mechanism } from '#sandbox/plan.ts';
import {
  gaussianMasses,
  gaussianStddev,
  gaussianTailPoint,
  laplaceMasses,
  laplaceStddev,
  laplaceTailPoint,
} from './distribution.ts';
import { NANO, pureEpsilonOfRho } from './privacy-loss.ts';
import type { RandomSource } from './random.ts';
import { numberOf, rational, type Rational } from './rational.ts';
import { discreteGaussian, discreteLaplace } from './sampler.ts';

/** Noise of one measured vector, in grid integers. */
export type NoiseSpec =
  | { readonly kind: 'gaussian'; readonly sigmaSquared: Rational }
  | { readonly kind: 'laplace'; readonly scale: Rational };

/** How far one unit can move a measured vector, in grid integers: its L1 norm and the square of its L2 norm. */
export interface Sensitivity {
  readonly l1: bigint;
  readonly l2Squared: bigint;
}

/** z of a two-sided 95 % interval of the normal distribution. */
const NORMAL_95 = 1.959963984540054;
const LN_ONE_SIDE = Math.log(0.025);
/** A tail of 2^-65 on each side. */
const LN_FAR_SIDE = -65 * Math.LN2;
/** Up to this standard deviation a sum of samples is convolved exactly. */
const CONVOLVED_STDDEV = 8;
/** Sums of more Laplace samples than this are normal to better than 0.1 % at 95 %. */
const LAPLACE_SUM_LIMIT = 200;

/** The noise of each of `vectors` measured vectors under one cost. A pure ledger admits only Laplace noise. */
export function noiseOf(
  mechanism: Mechanism,
  cost: Pick<Cost, 'unit' | 'nano'>,
  vectors: number,
  { l1, l2Squared }: Sensitivity,
): NoiseSpec {
  if (cost.nano <= 0n) throw new RangeError('a release must cost something');
  if (!(Number.isSafeInteger(vectors) && vectors >= 1)) throw new RangeError('vectors must be positive');
  const share = rational(cost.nano, BigInt(vectors) * NANO);
  if (mechanism === 'gaussian') {
    if (cost.unit !== 'rho') throw new RangeError('gaussian noise needs a ledger in rho');
    const squared = atLeastOne(l2Squared);
    return {
      kind: 'gaussian',
      sigmaSquared: rational(squared * share.denominator, 2n * share.numerator),
    };
  }
  const epsilon = cost.unit === 'rho' ? pureEpsilonOfRho(share) : share;
  return { kind: 'laplace', scale: rational(atLeastOne(l1) * epsilon.denominator, epsilon.numerator) };
}

/** `count` independent samples. */
export function sampleVector(spec: NoiseSpec, count: number, random: RandomSource): bigint[] {
  return spec.kind === 'gaussian'
    ? discreteGaussian(spec.sigmaSquared, count, random)
    : discreteLaplace(spec.scale, count, random);
}

/** The standard deviation of one sample, of the discrete distribution: nearly 0 where noise is nearly never drawn. */
export function stddevOf(spec: NoiseSpec): number {
  return spec.kind === 'gaussian'
    ? gaussianStddev(numberOf(spec.sigmaSquared))
    : laplaceStddev(numberOf(spec.scale));
}

/** The smallest h with P(|X| ≤ h) ≥ 95 % for one sample, rounded up. */
export function quantile95(spec: NoiseSpec): number {
  const beyond =
    spec.kind === 'gaussian'
      ? gaussianTailPoint(numberOf(spec.sigmaSquared), LN_ONE_SIDE)
      : laplaceTailPoint(numberOf(spec.scale), LN_ONE_SIDE);
  return Number(beyond - 1n);
}

/** An exact text of a noise: σ² or the scale, as a fraction. */
export function noiseText(noise: NoiseSpec): string {
  const { numerator, denominator } = noise.kind === 'gaussian' ? noise.sigmaSquared : noise.scale;
  return denominator === 1n ? String(numerator) : `${numerator}/${denominator}`;
}

/** An h with P(|X| ≥ h) ≤ 2^-64 for one draw. */
export function noiseTailOf(noise: NoiseSpec): bigint {
  return noise.kind === 'gaussian'
    ? gaussianTailPoint(numberOf(noise.sigmaSquared), LN_FAR_SIDE)
    : laplaceTailPoint(numberOf(noise.scale), LN_FAR_SIDE);
}

/**
 * An h with P(|X₁ + … + X_k| ≤ h) ≥ 95 % for k independent samples.
 *
 * Exact while the sum's standard deviation is at most 8. Above: for Gaussian noise the normal distribution of
 * the same variance, which differs by less than one step; for Laplace noise the continuous distribution with
 * the same scale, whose spread is the larger one, and beyond 200 samples its normal limit.
 */
export function halfWidth95OfSum(spec: NoiseSpec, samples: number): number {
  if (!(Number.isSafeInteger(samples) && samples >= 1)) throw new RangeError('samples must be positive');
  if (samples === 1) return quantile95(spec);
  const spread = Math.sqrt(samples) * stddevOf(spec);
  if (spread <= CONVOLVED_STDDEV) return convolvedHalfWidth(spec, samples);
  if (spec.kind === 'gaussian') return Math.ceil(NORMAL_95 * spread);
  const scale = numberOf(spec.scale);
  if (samples > LAPLACE_SUM_LIMIT) return Math.ceil(NORMAL_95 * scale * Math.sqrt(2 * samples));
  return Math.ceil(scale * laplaceSumPoint(samples));
}

/** The half-width from the exact masses of the sum, on a window of 20 of its largest standard deviations. */
function convolvedHalfWidth(spec: NoiseSpec, samples: number): number {
  const last = 20 * CONVOLVED_STDDEV;
  const masses =
    spec.kind === 'gaussian'
      ? gaussianMasses(numberOf(spec.sigmaSquared), last)
      : laplaceMasses(numberOf(spec.scale), last);
  const sum = power(masses, samples);
  let covered = sum[0]!;
  let h = 0;
  while (covered < 0.95 && h < last) {
    h += 1;
    covered += 2 * sum[h]!;
  }
  return h;
}

/** Masses at 0, 1, … of the sum of `exponent` independent symmetric variables, by repeated squaring. */
function power(masses: Float64Array, exponent: number): Float64Array {
  let result: Float64Array | null = null;
  let square = masses;
  for (let rest = exponent; ; square = convolve(square, square)) {
    if (rest % 2 === 1) result = result === null ? square : convolve(result, square);
    rest = Math.floor(rest / 2);
    if (rest === 0) return result!;
  }
}

function convolve(a: Float64Array, b: Float64Array): Float64Array {
  const last = a.length - 1;
  return Float64Array.from({ length: a.length }, (_, k) => {
    let mass = 0;
    for (let i = k - last; i <= last; i += 1) mass += a[Math.abs(i)]! * b[Math.abs(k - i)]!;
    return mass;
  });
}

/** The x with P(S > x) = 2.5 % for a sum S of n Laplace variables of scale 1, from above. */
function laplaceSumPoint(n: number): number {
  let [low, high] = [0, 2 * Math.sqrt(2 * n) + 10];
  for (let i = 0; i < 50; i += 1) {
    const middle = (low + high) / 2;
    if (laplaceSumTail(n, middle) <= 0.025) high = middle;
    else low = middle;
  }
  return high;
}

/**
 * P(S > x), x ≥ 0. The density of S is a Bessel function of half-integer order, and so a finite sum; integrated:
 * e^-x · 2^-n · Σ_{i<n} C(n−1+i, i)·2^-i · Σ_{l ≤ n−1−i} x^l/l!.
 */
function laplaceSumTail(n: number, x: number): number {
  const partial = new Float64Array(n);
  for (let l = 0, term = 1, sum = 0; l < n; l += 1) {
    if (l > 0) term *= x / l;
    sum += term;
    partial[l] = sum;
  }
  let tail = 0;
  let weight = 2 ** -n;
  for (let i = 0; i < n; i += 1) {
    if (i > 0) weight *= (n - 1 + i) / (2 * i);
    tail += weight * partial[n - 1 - i]!;
  }
  return tail * Math.exp(-x);
}

function atLeastOne(sensitivity: bigint): bigint {
  if (sensitivity < 0n) throw new RangeError('a sensitivity must not be negative');
  return sensitivity > 0n ? sensitivity : 1n;
}
