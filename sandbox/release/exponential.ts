/**
 * e^-x with proven error bounds: what an exact coin with a transcendental probability is decided by.
 *
 * `expOfMinus` is a double whose relative error is below 2^-43; `expOfMinusBits` encloses the value between two
 * integers at any precision.
 * Guarantee: both bounds rest on IEEE 754 addition and multiplication and on integers only. Math.exp is not
 * used, because ECMAScript does not bound its error.
 */
import { rational, type Rational } from './rational.ts';

/** Arguments of `expOfMinus` lie in [0, EXP_LIMIT). */
export const EXP_LIMIT = 64;

const STEPS = 64;
const WHOLE = tabulate(EXP_LIMIT, 1n);
const STEP = tabulate(STEPS, BigInt(STEPS));

/**
 * e^-x for 0 ≤ x < 64, relative error below 2^-43.
 *
 * x = i + j/64 + r with r < 2^-6, split without rounding. Taylor's polynomial of degree 5 leaves
 * r^6/720 < 2^-45; two table entries and ten operations add less than 2^-48.
 */
export function expOfMinus(x: number): number {
  const whole = Math.floor(x);
  const scaled = (x - whole) * STEPS;
  const step = Math.floor(scaled);
  const r = (scaled - step) / STEPS;
  const polynomial = 1 - r * (1 - (r / 2) * (1 - (r / 3) * (1 - (r / 4) * (1 - r / 5))));
  return WHOLE[whole]! * STEP[step]! * polynomial;
}

/** Integers with low ≤ e^-x · 2^bits ≤ high, for x ≥ 0; high − low is at most 2. */
export function expOfMinusBits(x: Rational, bits: number): { low: bigint; high: bigint } {
  const { numerator, denominator } = x;
  if (numerator < 0n) throw new RangeError('x must not be negative');
  const one = 1n << BigInt(bits);
  if (numerator === 0n) return { low: one, high: one };
  if (numerator >= denominator * BigInt(bits)) return { low: 0n, high: 1n };

  // x / 2^halvings < 1, so that Taylor's series shrinks at once; the halvings are undone by squaring.
  const halvings = (numerator / denominator).toString(2).length;
  const guard = halvings + 24;
  const precision = BigInt(bits + guard);
  const r = (numerator << precision) / (denominator << BigInt(halvings));
  let sum = 0n;
  let terms = 0n;
  for (let term = 1n << precision; term !== 0n; term = ((term * r) >> precision) / terms) {
    sum += terms % 2n === 0n ? term : -term;
    terms += 1n;
  }
  // In units of 2^-precision: truncation makes term k at most e(k) = (e(k-1) + 2)/k + 1 wrong, in sum at most
  // 2·terms + 2; the rest of the series adds less than 6. A squaring doubles the error and adds at most 2.
  let error = 2n * terms + 8n;
  for (let i = 0; i < halvings; i += 1) {
    sum = (sum * sum) >> precision;
    error = 2n * error + 2n;
  }
  const low = sum > error ? (sum - error) >> BigInt(guard) : 0n;
  return { low, high: ((sum + error) >> BigInt(guard)) + 1n };
}

/** e^-(i/divisor) for i below `count`, each to the nearest double or its neighbour. */
function tabulate(count: number, divisor: bigint): Float64Array {
  const bits = 192;
  return Float64Array.from({ length: count }, (_, i) => {
    return Number(expOfMinusBits(rational(BigInt(i), divisor), bits).low) * 2 ** -bits;
  });
}
