/**
 * Exact fractions of big integers: the numbers that noise is calibrated with.
 *
 * Guarantee: no operation rounds, but `numberOf` (nearest double within 2^-50, relative) and the directed
 * `floorOf` and `ceilOf`. Amounts that people write are read as the decimal text they wrote: `0.1` is one tenth.
 */

/** A fraction in lowest terms with a positive denominator. */
export interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** numerator / denominator in lowest terms. A zero denominator is a programmer's error (RangeError). */
export function rational(numerator: bigint, denominator = 1n): Rational {
  if (denominator === 0n) throw new RangeError('denominator must not be zero');
  const sign = denominator < 0n ? -1n : 1n;
  const divisor = sign * greatestCommonDivisor(numerator < 0n ? -numerator : numerator, sign * denominator);
  return { numerator: numerator / divisor, denominator: denominator / divisor };
}

export function inverseOf(value: Rational): Rational {
  return rational(value.denominator, value.numerator);
}

/** The largest integer not above the value. */
export function floorOf({ numerator, denominator }: Rational): bigint {
  const quotient = numerator / denominator;
  return numerator % denominator < 0n ? quotient - 1n : quotient;
}

/** The smallest integer not below the value. */
export function ceilOf({ numerator, denominator }: Rational): bigint {
  return -floorOf({ numerator: -numerator, denominator });
}

/** The value as a double, relative error below 2^-50; neither part need fit a double. */
export function numberOf({ numerator, denominator }: Rational): number {
  if (numerator < 0n) return -numberOf({ numerator: -numerator, denominator });
  // Between 60 and 68 quotient bits survive the truncating division, so the double's rounding dominates.
  const shift = 64 - (bitCeiling(numerator) - bitCeiling(denominator));
  const quotient =
    shift >= 0 ? (numerator << BigInt(shift)) / denominator : numerator / (denominator << BigInt(-shift));
  return Number(quotient) * 2 ** -shift;
}

/** The value that a finite double's shortest decimal text names: 0.1 gives 1/10. */
export function rationalOfDecimal(value: number): Rational {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value));
  if (!match) throw new RangeError('value must be finite');
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const digits = BigInt(sign + whole + fraction);
  const power = Number(exponent) - fraction.length;
  return power >= 0 ? rational(digits * 10n ** BigInt(power)) : rational(digits, 10n ** BigInt(-power));
}

/** The binary value of a positive double between 2^-900 and 2^900, exactly. */
export function rationalOfDouble(value: number): Rational {
  if (!(value >= 2 ** -900 && value <= 2 ** 900)) throw new RangeError('value must be positive and moderate');
  // Scaling by a power of two is exact; 53 - ⌊log2⌋ leaves no fraction even when log2 rounds up to the next integer.
  const power = 53 - Math.floor(Math.log2(value));
  const scaled = power <= 1023 ? value * 2 ** power : value * 2 ** 1023 * 2 ** (power - 1023);
  return power >= 0 ? rational(BigInt(scaled), 1n << BigInt(power)) : rational(BigInt(value));
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let [large, small] = [a, b];
  while (small !== 0n) [large, small] = [small, large % small];
  return large;
}

/** An upper bound of the bit length, at most three above it. */
function bitCeiling(value: bigint): number {
  return 4 * value.toString(16).length;
}
