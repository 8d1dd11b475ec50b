/**
 * Exact decimals: money and quantities as whole numbers of a smallest unit, and the decimal text that people write.
 *
 * Guarantee: no amount passes through a float, and nothing rounds but `divideHalfUp` and `divideUp`, which say how. A
 * text that is not what it should be is not read at all.
 */

/** What may be wrong with a text that should be a decimal number from 0. */
export type DecimalFault = 'text' | 'negative' | 'form' | 'places' | 'huge';

export interface DecimalLimits {
  /** Digits after the point, at most. */
  readonly places: number;
  /** The largest whole part. */
  readonly max: bigint;
}

/** What is wrong with a value as decimal text from 0; null: nothing. Exponents, signs and leading zeros are no form. */
export function findDecimalFault(value: unknown, { places, max }: DecimalLimits): DecimalFault | null {
  if (typeof value !== 'string') return 'text';
  if (/^-\d/.test(value)) return 'negative';
  const [, whole, fraction = ''] = /^(0|[1-9]\d*)(?:\.(\d+))?$/.exec(value) ?? [];
  if (whole === undefined) return 'form';
  if (fraction.length > places) return 'places';
  const unit = 10n ** BigInt(places);
  // A text of a million digits is not worth multiplying.
  if (whole.length > String(max).length) return 'huge';
  return unitsOf(value, places) > max * unit ? 'huge' : null;
}

/** Decimal text as a whole number of units of 10^-places. A text that does not fit is a programmer's error (RangeError). */
export function unitsOf(text: string, places: number): bigint {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  if (whole === '' || fraction.length > places)
    throw new RangeError(`a decimal has at most ${places} places`);
  return BigInt(sign + whole + fraction.padEnd(places, '0'));
}

/** A whole number of units of 10^-places as decimal text, with all of its places. */
export function decimalText(units: bigint, places: number): string {
  if (places === 0) return String(units);
  const digits = String(absolute(units)).padStart(places + 1, '0');
  return `${units < 0n ? '-' : ''}${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

/** The same without zeros at the end, but for at least so many places. */
export function shortDecimalText(units: bigint, places: number, atLeast: number): string {
  const [whole = '', fraction = ''] = decimalText(units, places).split('.');
  const kept = fraction.replace(/0+$/, '').padEnd(atLeast, '0');
  return kept === '' ? whole : `${whole}.${kept}`;
}

/** The digits after the point that a decimal text has. */
export function placesOf(text: string): number {
  const point = text.indexOf('.');
  return point < 0 ? 0 : text.length - point - 1;
}

/** The quotient to the nearest whole number; a half goes away from zero. The divisor is above zero. */
export function divideHalfUp(dividend: bigint, divisor: bigint): bigint {
  const size = (2n * absolute(dividend) + divisor) / (2n * divisor);
  return dividend < 0n ? -size : size;
}

/** The smallest whole number not below the quotient. Neither is below zero. */
export function divideUp(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor;
}

export function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}
