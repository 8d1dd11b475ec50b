/** Quotas: what is left of a grant's limits, and which of them a request exceeds. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type Amounts,
  checkCounted,
  type Counted,
  exceededUnits,
  NOTHING_USED,
  possibleScopes,
  QUOTA_UNITS,
  type Quota,
  quotaDay,
  quotaLeft,
  scopesOf,
  scopesOn,
  type Used,
} from '#policies/quota.ts';
import { Refusal } from '#policies/refusal.ts';
import { AMOUNTS, STANDING } from './request-fixture.ts';

const UNLIMITED = {
  calls: null,
  rows: null,
  outputs: null,
  computeUnits: null,
  epsilonNano: null,
  spendNano: null,
};

const USE: Counted = {
  day: '2026-11-21',
  purpose: 'public_health',
  costCentre: null,
  hasQuote: true,
};

/** What counters have counted, by scope. */
function used(amounts: Readonly<Record<string, Partial<Amounts>>>, changes: Partial<Counted> = {}): Used {
  const filled = Object.entries(amounts).map(([scope, counted]) => [scope, { ...NOTHING_USED, ...counted }]);
  return { ...USE, ...changes, amounts: Object.fromEntries(filled) as Used['amounts'] };
}

test('the smaller of what the total and the day leave is left', () => {
  const quota: Quota = {
    total: { ...UNLIMITED, runs: '100', rows: '5000' },
    perDay: { ...UNLIMITED, runs: '10', outputs: '7' },
  };
  const total = { runs: '95', rows: '1000', outputs: '40' };
  const both = used({ total, 'day:2026-11-21': { runs: '3', outputs: '9' } });
  expect(quotaLeft(quota, both)).toEqual({ ...UNLIMITED, runs: '5', rows: '4000', outputs: '0' });
  expect(quotaLeft({ ...quota, perDay: null }, both)).toEqual({ ...UNLIMITED, runs: '5', rows: '4000' });
  expect(quotaLeft(quota, used({ 'day:2026-11-21': { runs: '3' } }))).toMatchObject({ runs: '7' });
});

/** The code with which a run is refused, or null. */
function refusalOf(...asked: Parameters<typeof checkCounted>): string | null {
  try {
    checkCounted(...asked);
    return null;
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

const PARTS: Quota = {
  total: { runs: '1000' },
  perDay: { runs: '900' },
  perMonth: { runs: '800' },
  perPurpose: [
    { purpose: 'public_welfare', runs: '700' },
    { purpose: 'public_health', runs: '600' },
    { purpose: 'industry', runs: '1' },
  ],
  costCentres: [
    { id: 'ward-7', runs: '500' },
    { id: 'ward-8', runs: '2' },
  ],
  standing: { perCall: { spendNano: '30' }, perDay: { spendNano: '90', runs: '400' } },
};

test.for([
  {
    use: {},
    scopes: ['total', 'day:2026-11-21', 'month:2026-11', 'purpose:public_welfare', 'purpose:public_health'],
  },
  {
    use: { purpose: 'public_education' },
    scopes: ['total', 'day:2026-11-21', 'month:2026-11', 'purpose:public_welfare'],
  },
  { use: { purpose: 'whatever' }, scopes: ['total', 'day:2026-11-21', 'month:2026-11'] },
  {
    use: { purpose: 'finance', costCentre: 'ward-8', hasQuote: false, day: '2027-01-01' },
    scopes: [
      'total',
      'day:2027-01-01',
      'month:2027-01',
      'purpose:industry',
      'cost-centre:ward-8',
      'standing:2027-01-01',
    ],
  },
])('a run counts on the counters that its grant limits for it: $scopes', ({ use, scopes }) => {
  const counted = { ...USE, ...use };
  expect(scopesOf(PARTS, counted).map(({ scope }) => scope)).toEqual(scopes);
  // What is read before the grant is known holds all of them.
  expect(possibleScopes(counted)).toEqual(expect.arrayContaining(scopes));
  expect(scopesOn(PARTS, counted.day).map(({ scope }) => scope)).toEqual(expect.arrayContaining(scopes));
});

test('what is left is the least that any of its counters leaves', () => {
  const use = { costCentre: 'ward-7', hasQuote: false } as const;
  const left = (amounts: Parameters<typeof used>[0]) => quotaLeft(PARTS, used(amounts, use)).runs;
  expect(left({})).toBe('400');
  expect(left({ total: { runs: '700' } })).toBe('300');
  expect(left({ 'day:2026-11-21': { runs: '700' } })).toBe('200');
  expect(left({ 'month:2026-11': { runs: '700' } })).toBe('100');
  expect(left({ 'purpose:public_welfare': { runs: '690' } })).toBe('10');
  expect(left({ 'purpose:public_health': { runs: '600' } })).toBe('0');
  expect(left({ 'cost-centre:ward-7': { runs: '499' } })).toBe('1');
  // Negative control: what others have used.
  expect(
    left({
      'purpose:industry': { runs: '1' },
      'cost-centre:ward-8': { runs: '2' },
      'day:2026-11-20': { runs: '9' },
    }),
  ).toBe('400');
});

test('without an accepted quote money is left up to the standing ceilings, and none where there are none', () => {
  const spend = (quota: Quota, amounts: Parameters<typeof used>[0], hasQuote: boolean) =>
    quotaLeft(quota, used(amounts, { hasQuote, costCentre: 'ward-7' })).spendNano;
  expect(spend(PARTS, {}, true)).toBeNull();
  expect(spend(PARTS, {}, false)).toBe('30');
  expect(spend(PARTS, { 'standing:2026-11-21': { spendNano: '75' } }, false)).toBe('15');
  expect(spend({ ...PARTS, standing: null }, {}, false)).toBe('0');
  expect(spend({ ...PARTS, standing: undefined }, {}, true)).toBeNull();
});

test.for([
  { name: 'a cost centre that is not listed', use: { costCentre: 'ward-9' }, code: 'PARAM' },
  { name: 'no cost centre', use: { costCentre: null }, code: 'PARAM' },
  {
    name: 'a price above the ceiling of one run',
    use: { hasQuote: false },
    planned: { spendNano: '31' },
    code: 'QUOTA',
  },
  { name: 'a price at the ceiling', use: { hasQuote: false }, planned: { spendNano: '30' }, code: null },
  { name: 'a price above it with a quote', use: {}, planned: { spendNano: '31' }, code: null },
  {
    name: 'any price without a ceiling',
    use: { hasQuote: false },
    planned: { spendNano: '1' },
    standing: null,
    code: 'QUOTA',
  },
  { name: 'a free run without a ceiling', use: { hasQuote: false }, standing: null, code: null },
  {
    name: 'an ε above the ceiling of one run',
    use: { hasQuote: false },
    planned: { epsilonNano: '6' },
    standing: { perCall: { spendNano: '0', epsilonNano: '5' }, perDay: { spendNano: '0' } },
    code: 'QUOTA',
  },
])('$name: $code', ({ use, planned, standing = PARTS.standing, code }) => {
  const counted = { ...USE, costCentre: 'ward-7', ...use };
  expect(refusalOf({ ...PARTS, standing }, counted, { ...NOTHING_USED, ...planned })).toBe(code);
});

test('a cost centre that is named where the grant lists none is refused', () => {
  const quota = { total: { runs: '1' }, perDay: null };
  expect(refusalOf(quota, { ...USE, costCentre: 'x' }, NOTHING_USED)).toBe('PARAM');
  expect(refusalOf(quota, USE, NOTHING_USED)).toBeNull();
});

test('what is left never exceeds a limit and never falls below zero', () => {
  const amount = fc.bigInt(0n, 10n ** 30n).map(String);
  const amounts = fc.record(Object.fromEntries(QUOTA_UNITS.map((unit) => [unit, amount])));
  fc.assert(
    fc.property(amounts, amounts, amounts, amounts, (total, perDay, usedTotal, usedToday) => {
      const quota = { total, perDay } as unknown as Quota;
      const left = quotaLeft(quota, used({ total: usedTotal, 'day:2026-11-21': usedToday }));
      for (const unit of QUOTA_UNITS) {
        const rest = BigInt(left[unit] ?? '-1');
        const clear = (limit = '0', spent = '0'): bigint => BigInt(limit) - BigInt(spent);
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
