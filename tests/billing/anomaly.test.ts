/** Anomaly marks: which days are marked, and which are not. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { dayAfter, judgeDay, markDays } from '#gateway/billing/anomaly.ts';

/** Four weeks that swing around twenty: median 20, MAD 2. */
const USUAL = Array.from({ length: 28 }, (_, at) => BigInt(16 + 2 * (at % 5)));

test('a day above six deviations is marked', () => {
  expect(judgeDay(33n, USUAL)).toEqual({ marked: true, median: '20', mad: '2', most: '32' });
});

test('a day of just six deviations is not marked', () => {
  expect(judgeDay(32n, USUAL).marked).toBe(false);
});

test('fewer than ten events are never marked', () => {
  const quiet = USUAL.map(() => 0n);
  expect(judgeDay(9n, quiet).marked).toBe(false);
  expect(judgeDay(10n, quiet).marked).toBe(true);
});

test('where most days are the same, one event stands for the deviation', () => {
  const same = USUAL.map(() => 100n);
  expect(judgeDay(106n, same)).toEqual({ marked: false, median: '100', mad: '0', most: '106' });
  expect(judgeDay(107n, same).marked).toBe(true);
});

test('medians between two days are halves, and stay exact', () => {
  const halves = [...USUAL.slice(0, 14).map(() => 20n), ...USUAL.slice(14).map(() => 23n)];
  expect(judgeDay(31n, halves)).toEqual({ marked: true, median: '21.5', mad: '1.5', most: '30.5' });
});

test('a day is judged by exactly 28 days', () => {
  expect(() => judgeDay(50n, USUAL.slice(1))).toThrow(RangeError);
});

test('the days of a grant are marked from its twenty-ninth on, with days without use counted as zero', () => {
  const counts = new Map([
    ['2026-10-10', 50n],
    ['2026-10-29', 50n],
    ['2026-11-20', 50n],
  ]);
  const marks = markDays(counts, { first: '2026-10-01', from: '2026-10-01', to: '2026-11-30' });
  expect(marks.map(({ day }) => day)).toEqual(['2026-10-29', '2026-11-20']);
  expect(marks[0]).toEqual({
    day: '2026-10-29',
    events: '50',
    marked: true,
    median: '0',
    mad: '0',
    most: '6',
  });
});

test('one outlier among the days before hides no other: a mean and a standard deviation would', () => {
  const outlier = [...USUAL.slice(1), 100_000n];
  expect(judgeDay(40n, outlier).marked).toBe(true);
  const mean = outlier.reduce((sum, count) => sum + Number(count), 0) / 28;
  expect(40 > mean).toBe(false);
});

test('a mark does not depend on the order of the days before, and days that swing as much are not marked', () => {
  fc.assert(
    fc.property(
      fc.array(fc.bigInt({ min: 0n, max: 1_000n }), { minLength: 28, maxLength: 28 }),
      fc.bigInt({ min: 0n, max: 10_000n }),
      (before, events) => {
        expect(judgeDay(events, before)).toEqual(judgeDay(events, before.toReversed()));
        expect(
          judgeDay(
            before[0] ?? 0n,
            before.map(() => before[0] ?? 0n),
          ).marked,
        ).toBe(false);
      },
    ),
  );
});

test('days are counted over the ends of months and years', () => {
  expect([dayAfter('2026-02-28', 1), dayAfter('2027-01-01', -1)]).toEqual(['2026-03-01', '2026-12-31']);
});
