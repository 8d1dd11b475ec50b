/**
 * Key selection: how far a noisy count of units must lie above the minimum cohort before its key may be shown.
 *
 * A key is released iff c ≥ k and c + X ≥ k − 1 + τ₁, with c the exact count of distinct units after bounding,
 * k the minimum cohort and X the noise of that count. The pre-threshold moves the point at which a key can first
 * appear from 1 to k, and so the noisy threshold moves with it (Google's differential-privacy library calls this
 * pre-thresholding; the threshold itself is that of Wilson et al., arXiv:1909.01917, for integer noise).
 *
 * Guarantee: one unit makes the set of released keys differ by a key that could not be there without it with
 * probability at most δ over all its L0 keys: P(1 + X ≥ τ₁) ≤ δp with 1 − (1 − δp)^L0 = δ.
 * The noise on keys that both neighbours can release costs ρ or ε, not δ.
 */
import { gaussianTailPoint, laplaceTailPoint } from './distribution.ts';
import type { NoiseSpec } from './noise.ts';
import { YOCTO } from './privacy-loss.ts';
import { numberOf, rational } from './rational.ts';

/** What a threshold depends on beside its noise. */
export interface Selection {
  /** δ of the job's key selection in units of 1e-24. */
  readonly thresholdDeltaYocto: bigint;
  /** L0′: keys that one unit may touch. */
  readonly cellsPerUnit: number;
}

/** τ₁ for the noise of the units vector and an amount of the ledger. */
export function thresholdOf(noise: NoiseSpec, { thresholdDeltaYocto, cellsPerUnit }: Selection): bigint {
  return thresholdAt(noise, numberOf(rational(thresholdDeltaYocto, YOCTO)), cellsPerUnit);
}

/**
 * τ₁ for a δ between 0 and 1: the smallest t with P(1 + X ≥ t) ≤ δp, rounded up. At least 2, because a δp above
 * one half gets the threshold of one half.
 */
export function thresholdAt(noise: NoiseSpec, delta: number, cellsPerUnit: number): bigint {
  if (!(delta > 0 && delta < 1)) throw new RangeError('delta must lie between 0 and 1');
  if (!(Number.isSafeInteger(cellsPerUnit) && cellsPerUnit >= 1)) {
    throw new RangeError('cellsPerUnit must be a positive integer');
  }
  const perKey = -Math.expm1(Math.log1p(-delta) / cellsPerUnit);
  const lnPerKey = Math.min(Math.log(perKey), -Math.LN2);
  const point =
    noise.kind === 'gaussian'
      ? gaussianTailPoint(numberOf(noise.sigmaSquared), lnPerKey)
      : laplaceTailPoint(numberOf(noise.scale), lnPerKey);
  return point + 1n;
}

/** Whether a key may be shown. `noisy` is c + X, the same X that a reported count carries. */
export function isReleased(
  counts: { readonly exact: bigint; readonly noisy: bigint },
  minimumCohort: number,
  threshold: bigint,
): boolean {
  const cohort = BigInt(minimumCohort);
  return counts.exact >= cohort && counts.noisy >= cohort - 1n + threshold;
}
