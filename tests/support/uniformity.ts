/** Whether residues look like a one-time pad: uniform, and not tied to one another. */

/** Bins of [0, modulus). */
const BINS = 64;

/**
 * Pearson's χ² of residues over 64 equal bins of [0, modulus), minus its limit 63 + 6√126. Positive for uniform
 * residues less than once in 10⁶, if there are at least 640 of them.
 */
export function uniformityExcess(residues: BigUint64Array, modulus: bigint): number {
  const counts = new Float64Array(BINS);
  for (const residue of residues) counts[Number((residue * BigInt(BINS)) / modulus)]! += 1;
  const expected = residues.length / BINS;
  const statistic = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  return statistic - (BINS - 1 + 6 * Math.sqrt(2 * (BINS - 1)));
}

/** Slot by slot difference modulo the modulus. */
export function differenceOf(left: BigUint64Array, right: BigUint64Array, modulus: bigint): BigUint64Array {
  return left.map((residue, at) => (residue + modulus - right[at]!) % modulus);
}
