/** The exponential with proven bounds: enclosures against published digits, and the error of the doubles. */
import { expect, test } from 'vitest';
import { EXP_LIMIT, expOfMinus, expOfMinusBits } from '#sandbox/release/exponential.ts';
import { rational, rationalOfDouble } from '#sandbox/release/rational.ts';
import { tapedRandom } from '#tests/support/byte-tape.ts';

/** Sixty decimals, truncated, as mpmath gives them at 90 digits. */
const KNOWN = [
  { x: rational(1n), digits: '0.367879441171442321595523770161460867445811131031767834507836' },
  { x: rational(1n, 3n), digits: '0.716531310573789250425604096925379667453112059821479157140870' },
  { x: rational(50n), digits: '0.000000000000000000000192874984796391778301734281652701257475' },
];

/** The largest relative error of an exponential over 20,000 doubles, half of them on a grid with its edges. */
function worstError(exponential: (x: number) => number): number {
  const random = tapedRandom('exponential');
  let worst = 0;
  for (let i = 0; i < 20_000; i += 1) {
    const x = i % 2 === 0 ? (EXP_LIMIT * random.below(2 ** 53)) / 2 ** 53 : (i % 4096) / EXP_LIMIT + 2 ** -40;
    if (x === 0) continue;
    const { low } = expOfMinusBits(rationalOfDouble(x), 192);
    const exact = Number(low) * 2 ** -192;
    worst = Math.max(worst, Math.abs(exponential(x) / exact - 1));
  }
  return worst;
}

test.for(KNOWN)('the enclosure of e^-x holds the published digits of $digits', ({ x, digits }) => {
  const scale = 10n ** BigInt(digits.length - 2);
  for (const bits of [32, 64, 96, 180]) {
    const { low, high } = expOfMinusBits(x, bits);
    const decimal = BigInt(digits.replace('0.', ''));
    // decimal ≤ e^-x·10^60 < decimal + 1.
    expect(low * scale < (decimal + 1n) << BigInt(bits)).toBe(true);
    expect(high * scale >= decimal << BigInt(bits)).toBe(true);
    expect(high - low <= 2n).toBe(true);
  }
});

test('enclosures at rising precision are nested', () => {
  for (const x of [
    rational(1n, 10n ** 30n),
    rational(22n, 7n),
    rational(123_456_789n, 1000n),
    rational(5n),
  ]) {
    let outer = expOfMinusBits(x, 64);
    for (let bits = 96; bits <= 512; bits += 32) {
      const inner = expOfMinusBits(x, bits);
      expect(inner.low >= (outer.low << 32n) - (2n << 32n)).toBe(true);
      expect(inner.high > outer.low << 32n && inner.low < outer.high << 32n).toBe(true);
      outer = inner;
    }
  }
});

test('e^-0 is one, and a huge exponent is enclosed by zero and one step', () => {
  expect(expOfMinusBits(rational(0n), 64)).toEqual({ low: 1n << 64n, high: 1n << 64n });
  expect(expOfMinusBits(rational(10n ** 40n), 64)).toEqual({ low: 0n, high: 1n });
  expect(() => expOfMinusBits(rational(-1n), 64)).toThrow(RangeError);
});

test('the exponential in doubles keeps its bound of 2^-43', () => {
  expect(worstError(expOfMinus)).toBeLessThan(2 ** -43);
});

test('negative control: an exponential that is 2^-42 wrong breaks the bound', () => {
  expect(worstError((x) => expOfMinus(x) * (1 + 2 ** -42))).toBeGreaterThan(2 ** -43);
  expect(worstError((x) => Math.fround(Math.exp(-x)))).toBeGreaterThan(2 ** -43);
});
