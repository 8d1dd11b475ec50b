/** Exact decimals: what is read, what is refused, and which way is rounded. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import {
  decimalText,
  divideHalfUp,
  divideUp,
  findDecimalFault,
  placesOf,
  shortDecimalText,
  unitsOf,
} from '#gateway/billing/decimal.ts';

const LIMITS = { places: 9, max: 10n ** 9n };

test.for([
  ['0', null],
  ['0.004', null],
  ['1000000000', null],
  ['1000000000.000000000', null],
  ['1000000000.000000001', 'huge'],
  ['1000000001', 'huge'],
  ['9'.repeat(40), 'huge'],
  ['0.0000000001', 'places'],
  ['-1', 'negative'],
  ['-0', 'negative'],
  ['+1', 'form'],
  ['NaN', 'form'],
  ['Infinity', 'form'],
  ['1e9', 'form'],
  ['1,000', 'form'],
  ['0x10', 'form'],
  ['007', 'form'],
  ['.5', 'form'],
  ['5.', 'form'],
  [' 5', 'form'],
  ['５', 'form'],
  ['', 'form'],
  [0.004, 'text'],
  [5n, 'text'],
  [null, 'text'],
  [undefined, 'text'],
] as const)('%s as a price: %s', ([value, expected]) => {
  expect(findDecimalFault(value, LIMITS)).toBe(expected);
});

test('text and units are the same number, whatever its places', () => {
  fc.assert(
    fc.property(fc.bigInt(-(10n ** 40n), 10n ** 40n), fc.nat(24), fc.nat(2), (units, places, atLeast) => {
      expect(unitsOf(decimalText(units, places), places)).toBe(units);
      const short = shortDecimalText(units, places, atLeast);
      expect(unitsOf(short, Math.max(places, atLeast))).toBe(
        units * 10n ** BigInt(Math.max(0, atLeast - places)),
      );
      expect(placesOf(short)).toBeGreaterThanOrEqual(atLeast);
      expect(short).not.toMatch(/\.$/);
    }),
  );
  expect(() => unitsOf('0.001', 2)).toThrow(RangeError);
  expect(() => unitsOf('1e3', 2)).toThrow(RangeError);
});

/** Ties and their neighbours: yuan with up to four places, and the fen they round to. */
const ROUNDED = [
  ['1.005', 101n],
  ['1.0049', 100n],
  ['1.0051', 101n],
  ['-1.005', -101n],
  ['-1.0049', -100n],
  ['0.005', 1n],
  ['8.345', 835n],
  ['2.675', 268n],
  ['0.0049', 0n],
] as const;

/** Which of them a way of rounding gets wrong. */
function wrong(round: (yuan: string) => bigint): readonly string[] {
  return ROUNDED.filter(([yuan, fen]) => round(yuan) !== fen).map(([yuan]) => yuan);
}

test('a half is rounded away from zero', () => {
  expect(wrong((yuan) => divideHalfUp(unitsOf(yuan, 4), 100n))).toEqual([]);
  // Controls: floats lose ties, cutting and rounding to even are not what is stated.
  expect(wrong((yuan) => BigInt(Math.round(Number(yuan) * 100)))).toContain('1.005');
  expect(wrong((yuan) => unitsOf(yuan, 4) / 100n)).toContain('8.345');
  expect(wrong((yuan) => BigInt(Number(yuan).toFixed(2).replace('.', '')))).toContain('2.675');
});

test('rounding is symmetric, off by a half at most, and up is never below', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 10n ** 30n), fc.bigInt(1n, 10n ** 12n), (dividend, divisor) => {
      const rounded = divideHalfUp(dividend, divisor);
      expect(divideHalfUp(-dividend, divisor)).toBe(-rounded);
      const off = 2n * (rounded * divisor - dividend);
      expect(off > -divisor && off <= divisor).toBe(true);
      const up = divideUp(dividend, divisor);
      expect(up * divisor >= dividend && (up - 1n) * divisor < dividend).toBe(true);
    }),
  );
});
