/** Quotas: what is left of a grant's limits, and which of them a request exceeds. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  exceededUnits,
  NOTHING_USED,
  QUOTA_UNITS,
  type Quota,
  quotaDay,
  quotaLeft,
} from '#policies/quota.ts';
import { AMOUNTS, STANDING } from './request-fixture.ts';

const UNLIMITED = {
  calls: null,
  rows: null,
  outputs: null,
  computeUnits: null,
  epsilonNano: null,
  spendNano: null,
};

test('the smaller of what the total and the day leave is left', () => {
  const quota: Quota = {
    total: { ...UNLIMITED, runs: '100', rows: '5000' },
    perDay: { ...UNLIMITED, runs: '10', outputs: '7' },
  };
  const used = {
    total: { ...NOTHING_USED, runs: '95', rows: '1000', outputs: '40' },
    today: { ...NOTHING_USED, runs: '3', outputs: '9' },
  };
  expect(quotaLeft(quota, used)).toEqual({ ...UNLIMITED, runs: '5', rows: '4000', outputs: '0' });
  expect(quotaLeft({ ...quota, perDay: null }, used)).toEqual({ ...UNLIMITED, runs: '5', rows: '4000' });
  expect(quotaLeft(quota, { ...used, total: NOTHING_USED })).toMatchObject({ runs: '7' });
});

test('what is left never exceeds a limit and never falls below zero', () => {
  const amount = fc.bigInt(0n, 10n ** 30n).map(String);
  const amounts = fc.record(Object.fromEntries(QUOTA_UNITS.map((unit) => [unit, amount])));
  fc.assert(
    fc.property(amounts, amounts, amounts, amounts, (total, perDay, usedTotal, usedToday) => {
      const left = quotaLeft({ total, perDay } as unknown as Quota, {
        total: usedTotal as unknown as typeof NOTHING_USED,
        today: usedToday as unknown as typeof NOTHING_USED,
      });
      for (const unit of QUOTA_UNITS) {
        const rest = BigInt(left[unit] ?? '-1');
        const clear = (limit = '0', used = '0'): bigint => BigInt(limit) - BigInt(used);
        const smaller = [clear(total[unit], usedTotal[unit]), clear(perDay[unit], usedToday[unit])].reduce(
          (a, b) => (a < b ? a : b),
        );
        expect(rest).toBe(smaller > 0n ? smaller : 0n);
      }
    }),
  );
});

test('a request exceeds the units of which it asks more than is left, and no others', () => {
  expect(exceededUnits(AMOUNTS, STANDING.left)).toEqual([]);
  expect(exceededUnits({ ...AMOUNTS, runs: '10', rows: '1000000' }, STANDING.left)).toEqual([]);
  expect(exceededUnits({ ...AMOUNTS, runs: '11', rows: '1000001' }, STANDING.left)).toEqual(['runs', 'rows']);
  expect(exceededUnits({ ...AMOUNTS, rows: '9'.repeat(38) }, { ...STANDING.left, rows: null })).toEqual([]);
});

test('an amount that is not stated is an error, not zero', () => {
  const { rows: _, ...lacking } = AMOUNTS;
  expect(() => exceededUnits(lacking as typeof AMOUNTS, STANDING.left)).toThrow(RangeError);
  const { calls: __, ...left } = STANDING.left;
  expect(() => exceededUnits(AMOUNTS, left as typeof STANDING.left)).toThrow(RangeError);
  const unlimited = { ...STANDING.left, runs: null } as unknown as typeof STANDING.left;
  expect(() => exceededUnits(AMOUNTS, unlimited)).toThrow(RangeError);
});

test.for([
  { now: '2026-03-01T15:59:59.999Z', timeZone: 'Asia/Shanghai', day: '2026-03-01' },
  { now: '2026-03-01T16:00:00Z', timeZone: 'Asia/Shanghai', day: '2026-03-02' },
  { now: '2026-03-02T00:30:00+08:00', timeZone: 'UTC', day: '2026-03-01' },
  { now: '2026-03-08T07:59:59Z', timeZone: 'America/Los_Angeles', day: '2026-03-07' },
  { now: '2026-11-01T06:59:59Z', timeZone: 'America/Los_Angeles', day: '2026-10-31' },
  { now: '0099-01-01T12:00:00Z', timeZone: 'UTC', day: '0099-01-01' },
])('$now is on $day in $timeZone', ({ now, timeZone, day }) => {
  expect(quotaDay(now, timeZone)).toBe(day);
});

test('a day needs an instant', () => {
  expect(() => quotaDay('yesterday', 'UTC')).toThrow(RangeError);
});
