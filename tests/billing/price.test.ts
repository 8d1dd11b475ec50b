/** Prices before the run: which fees are free and why, which discount holds, and what a repeat costs. */
import { expect, test } from 'vitest';

import { feesOf, type PriceAsk, quotedOf } from '#gateway/billing/price.ts';
import { askOf, AT, cardOf } from '#tests/support/rate-cases.ts';

const ROWS = { basis: 'rows', model: 'unit', unitPrice: '1.00', per: '1000' };
const CALLS = { basis: 'calls', model: 'unit', unitPrice: '0.30', per: '1' };
const DATA = cardOf([ROWS, CALLS], { id: 'RC-data' });
const SERVICE = cardOf([{ basis: 'runs', model: 'flat', unitPrice: '2.00' }], {
  id: 'RC-service',
  feeType: 'technical_service',
});
const PLANNED = { runs: '1', calls: '1', rows: '250000' };

const quote = (changes: Partial<PriceAsk> = {}, planned: Record<string, string> = PLANNED) =>
  quotedOf({ ...askOf([DATA, SERVICE], changes), planned });

test('each fee has its charges, and the sum is what is counted', () => {
  expect(quote()).toMatchObject({
    quoted: {
      'data_usage/rows': '250000000000',
      'data_usage/calls': '300000000',
      'technical_service/runs': '2000000000',
    },
    spendNano: 252_300_000_000n,
  });
  expect(quote().fees.map(({ feeType, card }) => [feeType, card?.id])).toEqual([
    ['data_usage', 'RC-data'],
    ['technical_service', 'RC-service'],
  ]);
});

test('a repeat is billed its call, and nothing for what it does not read', () => {
  expect(quote({}, { runs: '1', calls: '1', rows: '0' }).quoted).toEqual({
    'data_usage/rows': '0',
    'data_usage/calls': '300000000',
    'technical_service/runs': '2000000000',
  });
});

const FREE = { 'data_usage/calls': '0', 'technical_service/calls': '0' };

test.for([
  [{ channel: 'open' }, 'open_channel'],
  [{ channel: 'open', origin: 'public', purposeClass: 'governance_welfare' }, 'open_channel'],
  [{ origin: 'public', purposeClass: 'governance_welfare' }, 'public_welfare'],
  [{ origin: 'public', purposeClass: 'governance_welfare', channel: 'exchange' }, 'public_welfare'],
  [{ cards: [] }, 'no_rate_card'],
  [{ cards: [], channel: 'open' }, 'open_channel'],
  [{ dataset: 'flights' }, 'no_rate_card'],
  [{ product: 'P-0012' }, 'no_rate_card'],
] as const)('%j is free: %s', ([changes, reason]) => {
  const { fees, quoted, spendNano } = quote(changes);
  expect(fees.map(({ zeroReason }) => zeroReason)).toEqual([reason, reason]);
  expect(quoted).toEqual(FREE);
  expect(spendNano).toBe(0n);
});

test.for([
  { origin: 'public', purposeClass: 'industry' },
  { origin: 'enterprise', purposeClass: 'governance_welfare' },
  { origin: 'personal', purposeClass: 'governance_welfare' },
] as const)('%j is not', (changes) => {
  expect(quote(changes).fees.map(({ zeroReason }) => zeroReason)).toEqual([null, null]);
});

test('a discount is the named buyer’s, until it ends', () => {
  const until = '2026-12-01T00:00:00+08:00';
  const discounts = [
    { buyers: ['other'], reason: 'law', perMille: 500, until },
    { buyers: ['health-lab', 'third'], reason: 'fair_random', perMille: 100, until },
  ];
  const card = cardOf([CALLS], { discounts, bills: { failed: true } });
  const first = (changes: Partial<PriceAsk>) => feesOf(askOf([card], changes))[0];
  expect(first({})).toEqual({
    feeType: 'data_usage',
    card: { id: 'RC-visits', revision: 1 },
    zeroReason: null,
    discount: { reason: 'fair_random', perMille: 100 },
    billsFailed: true,
  });
  expect(first({ at: new Date(Date.parse(until) - 1) })?.discount?.perMille).toBe(100);
  expect(first({ at: new Date(until) })?.discount).toBeNull();
  expect(first({ buyer: 'somebody' })?.discount).toBeNull();
  expect(quotedOf({ ...askOf([card], { at: AT }), planned: { calls: '1' } }).quoted).toMatchObject({
    'data_usage/calls': '270000000',
  });
});

test('a part of a billionth is rounded up, and a tax on top is in the quote', () => {
  const fine = cardOf([{ ...ROWS, unitPrice: '0.000000001' }]);
  expect(quotedOf({ ...askOf([fine]), planned: { rows: '1' } }).spendNano).toBe(1n);
  const taxed = cardOf([CALLS], { tax: { rateBasisPoints: 600, inclusive: false } });
  expect(quotedOf({ ...askOf([taxed]), planned: { calls: '1' } }).spendNano).toBe(318_000_000n);
});
