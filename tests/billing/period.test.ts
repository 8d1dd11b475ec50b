/** Billing periods: months of a time zone that meet without a gap, also where clocks change. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { isPeriod, nextPeriod, periodBounds, periodOf, previousPeriod } from '#gateway/billing/period.ts';

test('a month in Shanghai begins eight hours before it does in UTC', () => {
  expect(periodBounds('2026-11', 'Asia/Shanghai')).toEqual({
    from: new Date('2026-10-31T16:00:00Z'),
    to: new Date('2026-11-30T16:00:00Z'),
  });
  expect(periodOf(new Date('2026-10-31T15:59:59.999Z'), 'Asia/Shanghai')).toBe('2026-10');
  expect(periodOf(new Date('2026-10-31T16:00:00Z'), 'Asia/Shanghai')).toBe('2026-11');
});

test('the year turns', () => {
  expect(nextPeriod('2026-12')).toBe('2027-01');
  expect(previousPeriod('2026-01')).toBe('2025-12');
  expect([nextPeriod('2026-09'), previousPeriod('2026-10')]).toEqual(['2026-10', '2026-09']);
});

test('where clocks skip the midnight that begins a month, it begins after the gap', () => {
  const { from } = periodBounds('2017-10', 'America/Asuncion');
  expect(from).toEqual(new Date('2017-10-01T04:00:00Z'));
});

test.for(['2026-13', '2026-00', '2026-1', '0000-01', '202611', '2026-11-01', ''])(
  '%s is no period',
  (text) => {
    expect(isPeriod(text)).toBe(false);
    expect(() => periodBounds(text, 'Asia/Shanghai')).toThrow(RangeError);
  },
);

test('a month that may be asked for has bounds, and so have those beside it', () => {
  expect(['0999-12', '9999-01', '9999-12'].filter(isPeriod)).toEqual([]);
  for (const period of ['1000-01', '9998-12'])
    for (const near of [period, nextPeriod(period), previousPeriod(period)])
      expect(periodBounds(near, 'Asia/Shanghai').to.getTime()).not.toBeNaN();
});

const ZONES = Intl.supportedValuesOf('timeZone');
const PERIODS = fc
  .record({ year: fc.integer({ min: 2012, max: 2060 }), month: fc.integer({ min: 1, max: 12 }) })
  .map(({ year, month }) => `${year}-${String(month).padStart(2, '0')}`);

/** Whether a period's first instant is the first one that lies in it, and whether the last is the last. */
function isBounded(
  period: string,
  zone: string,
  { from, to }: { readonly from: Date; readonly to: Date },
): boolean {
  const at = (date: Date, offset: number): string => periodOf(new Date(date.getTime() + offset), zone);
  return (
    at(from, 0) === period &&
    at(from, -1) === previousPeriod(period) &&
    at(to, -1) === period &&
    at(to, 0) === nextPeriod(period)
  );
}

test('in every zone, months meet without a gap', () => {
  fc.assert(
    fc.property(PERIODS, fc.constantFrom(...ZONES), (period, zone) =>
      isBounded(period, zone, periodBounds(period, zone)),
    ),
    { numRuns: 2_000 },
  );
});

test('control: bounds in UTC, and a month of thirty days, are noticed', () => {
  const utc = { from: new Date('2026-11-01T00:00:00Z'), to: new Date('2026-12-01T00:00:00Z') };
  expect(isBounded('2026-11', 'Asia/Shanghai', utc)).toBe(false);
  const { from } = periodBounds('2026-10', 'Asia/Shanghai');
  const short = { from, to: new Date(from.getTime() + 30 * 24 * 3_600_000) };
  expect(isBounded('2026-10', 'Asia/Shanghai', short)).toBe(false);
});
