/** Exact fractions: lowest terms, floors and ceilings, and their way to and from doubles. */
import { expect, test } from 'vitest';
import * as fc from 'fast-check';
import {
  ceilOf,
  floorOf,
  inverseOf,
  numberOf,
  rational,
  rationalOfDecimal,
  rationalOfDouble,
} from '#sandbox/release/rational.ts';

const fractions = fc.tuple(fc.bigInt(-(10n ** 40n), 10n ** 40n), fc.bigInt(1n, 10n ** 40n));

test('a fraction is kept in lowest terms with a positive denominator', () => {
  expect(rational(6n, -4n)).toEqual({ numerator: -3n, denominator: 2n });
  expect(rational(0n, 7n)).toEqual({ numerator: 0n, denominator: 1n });
  expect(inverseOf(rational(-2n, 3n))).toEqual({ numerator: -3n, denominator: 2n });
  expect(() => rational(1n, 0n)).toThrow(RangeError);
  expect(() => inverseOf(rational(0n))).toThrow(RangeError);
});

test('floor and ceiling enclose the value and differ only where it is no integer', () => {
  fc.assert(
    fc.property(fractions, ([n, d]) => {
      const value = rational(n, d);
      const [floor, ceil] = [floorOf(value), ceilOf(value)];
      expect(floor * d <= n && n < (floor + 1n) * d).toBe(true);
      expect(ceil * d >= n && n > (ceil - 1n) * d).toBe(true);
      expect(ceil - floor).toBe(value.denominator === 1n ? 0n : 1n);
    }),
  );
});

test('the double of a fraction is within 2^-50, also where neither part fits a double', () => {
  fc.assert(
    fc.property(fractions, ([n, d]) => {
      fc.pre(n !== 0n);
      const approximation = numberOf(rational(n, d));
      const exact = rational(n < 0n ? -n : n, d);
      const back = rationalOfDouble(Math.abs(approximation));
      const difference = back.numerator * exact.denominator - exact.numerator * back.denominator;
      const magnitude = difference < 0n ? -difference : difference;
      expect(magnitude << 50n <= exact.numerator * back.denominator).toBe(true);
      expect(Math.sign(approximation)).toBe(n < 0n ? -1 : 1);
    }),
  );
  expect(numberOf(rational(10n ** 400n, 10n ** 399n))).toBe(10);
  expect(numberOf(rational(0n))).toBe(0);
});

test.for([
  [0.1, 1n, 10n],
  [1e-7, 1n, 10n ** 7n],
  [-2.5e-8, -1n, 4n * 10n ** 7n],
  [1.5e21, 15n * 10n ** 20n, 1n],
  [123.456, 15_432n, 125n],
  [0, 0n, 1n],
] as const)('%d is read as its decimal text', ([value, numerator, denominator]) => {
  expect(rationalOfDecimal(value)).toEqual({ numerator, denominator });
});

test('what is not finite has no decimal text', () => {
  for (const value of [NaN, Infinity, -Infinity]) expect(() => rationalOfDecimal(value)).toThrow(RangeError);
});

test('a double’s binary value is exact', () => {
  expect(rationalOfDouble(0.1)).toEqual({ numerator: 3_602_879_701_896_397n, denominator: 2n ** 55n });
  expect(rationalOfDouble(2 ** 100)).toEqual({ numerator: 2n ** 100n, denominator: 1n });
  fc.assert(
    fc.property(fc.double({ min: 2 ** -900, max: 2 ** 900, noNaN: true }), (value) => {
      const { numerator, denominator } = rationalOfDouble(value);
      // denominator is a power of two, and a quotient of exact powers rounds nothing.
      expect(Number(numerator) / Number(denominator)).toBe(value);
    }),
  );
  expect(() => rationalOfDouble(0)).toThrow(RangeError);
});
