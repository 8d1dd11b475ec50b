/** Rating: every model worked out by hand, what is free and why, and what cannot be rated. */
import { expect, test } from 'vitest';

import type { FeeFacts } from '#gateway/billing/facts.ts';
import { feesOf, quotedOf } from '#gateway/billing/price.ts';
import { UsageFault } from '#gateway/billing/quantity.ts';
import type { Card } from '#gateway/billing/rate-card.ts';
import { AboveQuote, rateGroup, ratedText } from '#gateway/billing/rating.ts';
import {
  familyIdOf,
  foldUsage,
  keyOf,
  type RatableEvent,
  seatGroupOf,
  type UsageGroup,
} from '#gateway/billing/usage-group.ts';
import { askOf, cardOf, eventsOf, factsOf, groupOf } from '#tests/support/rate-cases.ts';

const TIERS = [
  { upTo: '1000000', unitPrice: '0.10' },
  { upTo: null, unitPrice: '0.05' },
];

/** Rates runs of these quantities by one charge. */
function rated(charge: object, quantities: readonly bigint[], changes: object = {}) {
  const card = cardOf([charge], changes);
  return rateGroup(groupOf({ card, quantities }), card);
}

test.for([
  {
    says: 'unit: 1,000 calls at 0.004 are 4.00, though each alone would round to nothing',
    charge: { basis: 'calls', model: 'unit', unitPrice: '0.004', per: '1' },
    quantities: Array.from({ length: 1000 }, () => 1n),
    parts: [['1000', '0.004', '1', '4.00']],
    fen: 400n,
  },
  {
    says: 'unit: 1,234,567 rows at 0.07 per 1,000 are 86.41969, so 86.42',
    charge: { basis: 'rows', model: 'unit', unitPrice: '0.07', per: '1000' },
    quantities: [1_234_567n],
    parts: [['1234567', '0.07', '1000', '86.41969']],
    fen: 8642n,
  },
  {
    says: 'a half goes up: one output at 1.005 is 1.01',
    charge: { basis: 'outputs', model: 'unit', unitPrice: '1.005', per: '1' },
    quantities: [1n],
    parts: [['1', '1.005', '1', '1.005']],
    fen: 101n,
  },
  {
    says: 'graduated: of 1,500,000 rows a million at 0.10 and the rest at 0.05 per 1,000',
    charge: { basis: 'rows', model: 'graduated', per: '1000', tiers: TIERS },
    quantities: [750_000n, 750_000n],
    parts: [
      ['1000000', '0.10', '1000', '100.00'],
      ['500000', '0.05', '1000', '25.00'],
    ],
    fen: 12_500n,
  },
  {
    says: 'graduated: a tier includes its upper end',
    charge: { basis: 'rows', model: 'graduated', per: '1000', tiers: TIERS },
    quantities: [1_000_000n],
    parts: [['1000000', '0.10', '1000', '100.00']],
    fen: 10_000n,
  },
  {
    says: 'a part of what a price is for is charged exactly: 500 rows at 0.10 per 1,000',
    charge: { basis: 'rows', model: 'graduated', per: '1000', tiers: TIERS },
    quantities: [500n],
    parts: [['500', '0.10', '1000', '0.05']],
    fen: 5n,
  },
  {
    says: 'volume: all of 1,500,000 rows at the price of the tier that they reach',
    charge: { basis: 'rows', model: 'volume', per: '1000', tiers: TIERS },
    quantities: [750_000n, 750_000n],
    parts: [['1500000', '0.05', '1000', '75.00']],
    fen: 7500n,
  },
  {
    says: 'volume: at the upper end of a tier its price still holds',
    charge: { basis: 'rows', model: 'volume', per: '1000', tiers: TIERS },
    quantities: [1_000_000n],
    parts: [['1000000', '0.10', '1000', '100.00']],
    fen: 10_000n,
  },
  {
    says: 'package: 250 units in packages of 100 are three packages of the month, not one for each run',
    charge: { basis: 'computeUnits', model: 'package', size: '100', unitPrice: '8.00' },
    quantities: [50n, 50n, 50n, 50n, 50n],
    parts: [['3', '8.00', '1', '24.00']],
    fen: 2400n,
  },
  {
    says: 'package: nothing used starts no package',
    charge: { basis: 'computeUnits', model: 'package', size: '100', unitPrice: '8.00' },
    quantities: [0n],
    parts: [['0', '8.00', '1', '0.00']],
    fen: 0n,
  },
  {
    says: 'flat: 5.00 for each of three runs, whatever it reads',
    charge: { basis: 'runs', model: 'flat', unitPrice: '5.00' },
    quantities: [1n, 1n, 1n],
    parts: [['3', '5.00', '1', '15.00']],
    fen: 1500n,
  },
])('$says', ({ charge, quantities, parts, fen }) => {
  const line = rated(charge, quantities);
  expect(
    line.parts.map(({ quantity, unitPrice, per, amount }) => [quantity, unitPrice, per, amount]),
  ).toEqual(parts);
  expect(line).toMatchObject({ amountFen: fen, zeroReason: null, events: BigInt(quantities.length) });
  expect(line.unitPrice).toBe(parts.length === 1 ? parts[0]?.[1] : null);
});

test('zero: nothing, and the line says why', () => {
  const line = rated({ basis: 'calls', model: 'zero' }, [1n, 1n]);
  expect(line).toMatchObject({
    amountFen: 0n,
    taxFen: 0n,
    zeroReason: 'zero_price',
    events: 2n,
    quantity: 2n,
  });
  expect(line.amountPrecise).toBe('0.000000000000000000000000');
});

test('period: one seat of a grant for the month, with discount and tax like any other charge', () => {
  const card = cardOf(
    [
      { basis: 'seats', model: 'period', unitPrice: '300.00' },
      { basis: 'calls', model: 'zero' },
    ],
    { tax: { rateBasisPoints: 600, inclusive: false } },
  );
  const use = {
    grant: 'G-1',
    period: '2026-11',
    billing: factsOf(feesOf(askOf([card]))),
    feeType: 'data_usage',
  } as const;
  const group = seatGroupOf(use, card)!;
  expect(rateGroup(group, card)).toMatchObject({
    events: 0n,
    quantity: 1n,
    amountFen: 31_800n,
    taxFen: 1800n,
  });
  const open = { ...use, billing: factsOf(feesOf(askOf([card], { channel: 'open' }))) };
  const nothing = { amountFen: 0n, quotedNano: 0n, zeroReason: 'open_channel' };
  expect(rateGroup(seatGroupOf(open, card)!, null)).toMatchObject(nothing);
  expect(seatGroupOf(use, cardOf([{ basis: 'calls', model: 'zero' }]))).toBeNull();
});

test('seats alone make a run free, with a line that says so', () => {
  const card = cardOf([{ basis: 'seats', model: 'period', unitPrice: '300.00' }]);
  const { quoted } = quotedOf({ ...askOf([card]), planned: { calls: '1' } });
  expect(quoted).toEqual({ 'data_usage/calls': '0', 'technical_service/calls': '0' });
});

const ROWS = { basis: 'rows', model: 'unit', unitPrice: '1.00', per: '1000' };

test('a discount comes off before the one rounding', () => {
  const discounts = [
    { buyers: ['health-lab'], reason: 'new_user_period', perMille: 125, until: '2027-01-01T00:00:00+08:00' },
  ];
  const line = rated(ROWS, [33_333n], { discounts });
  // 33.333 × 0.875 = 29.166375
  expect(line).toMatchObject({ amountFen: 2917n, discount: { reason: 'new_user_period', perMille: 125 } });
  expect(line.amountPrecise).toBe('29.166375000000000000000000');
});

test('tax is a part of the amount: contained in the price, or on top of it', () => {
  const inclusive = rated(ROWS, [100_000n], { tax: { rateBasisPoints: 600, inclusive: true } });
  // 100.00 / 1.06 × 0.06 = 5.660377…
  expect(inclusive).toMatchObject({ amountFen: 10_000n, taxFen: 566n, netFen: 9434n });
  const onTop = rated(ROWS, [100_000n], { tax: { rateBasisPoints: 600, inclusive: false } });
  expect(onTop).toMatchObject({ amountFen: 10_600n, taxFen: 600n, netFen: 10_000n });
  expect(onTop.amountPrecise).toBe('106.000000000000000000000000');
});

/** A fee of a card, changed. */
function feesLike(card: Card, changes: Partial<FeeFacts>): readonly FeeFacts[] {
  return feesOf(askOf([card])).map((fee) => (fee.feeType === 'data_usage' ? { ...fee, ...changes } : fee));
}

test('what is free by rule, and a failed run that the card does not bill, come to nothing and say why', () => {
  const card = cardOf([ROWS]);
  const group = groupOf({ card, quantities: [1_000_000n] });
  const free = { ...group, billing: factsOf(feesLike(card, { zeroReason: 'public_welfare' })) };
  expect(rateGroup(free, card)).toMatchObject({ amountFen: 0n, zeroReason: 'public_welfare', card: null });
  const failed: UsageGroup = { ...group, outcome: 'failed' };
  expect(rateGroup(failed, card)).toMatchObject({ amountFen: 0n, zeroReason: 'failed_run' });
  const billing = factsOf(feesLike(card, { billsFailed: true }));
  expect(rateGroup({ ...failed, billing }, card)).toMatchObject({ amountFen: 100_000n, zeroReason: null });
});

test('no line comes to more than was quoted', () => {
  const card = cardOf([ROWS]);
  const group = groupOf({ card, quantities: [1_000_000n] });
  expect(rateGroup({ ...group, quantity: 1_000_000n }, card).amountFen).toBe(100_000n);
  expect(() => rateGroup({ ...group, quantity: 1_000_010n }, card)).toThrow(AboveQuote);
  expect(() => rateGroup({ ...group, quantity: 1_000_010n }, card)).toThrow(
    'line data_usage/rows of grant G-1 in 2026-11 comes to 1000.01 yuan, above the 1000.00 yuan',
  );
});

test('usage is rated by the wording that its facts name, and by no other', () => {
  const card = cardOf([ROWS]);
  const group = groupOf({ card, quantities: [1n] });
  expect(() => rateGroup(group, { ...card, revision: 2 })).toThrow(RangeError);
  expect(() => rateGroup(group, { ...card, id: 'RC-other' })).toThrow(RangeError);
  expect(() => rateGroup(group, null)).toThrow(RangeError);
});

test.for([
  ['-1', '`rows` is -1'],
  ['NaN', '`rows` is NaN'],
  ['1.5', '`rows` is 1.5'],
  ['1e3', '`rows` is 1e3'],
  ['', '`rows` is '],
  ['10000000000000000001', '`rows` is 10000000000000000001'],
  ['9'.repeat(100), `\`rows\` is ${'9'.repeat(60)}`],
] as const)('a quantity of %s is refused by name', ([rows, says]) => {
  const card = cardOf([ROWS]);
  const [event] = eventsOf({ card, quantities: [1n] });
  const bad: RatableEvent = { ...event!, planned: { ...event!.planned, rows } };
  expect(() => foldUsage([bad])).toThrow(UsageFault);
  expect(() => foldUsage([bad])).toThrow(`usage job-0/release: ${says}`);
  expect(() => quotedOf({ ...askOf([card]), planned: { rows } })).toThrow(UsageFault);
});

test('a quantity that is missing or a number, a charge that is none and a record given twice are refused', () => {
  const [event] = eventsOf({ card: cardOf([ROWS]), quantities: [1n] });
  const fold = (changes: Partial<RatableEvent>) => () => foldUsage([{ ...event!, ...changes }]);
  expect(fold({ planned: { calls: '1' } })).toThrow('`rows` is undefined');
  expect(fold({ planned: { calls: '1', rows: 7 } as unknown as Record<string, string> })).toThrow(UsageFault);
  expect(fold({ quoted: { 'data_usage/rows': '-5' } })).toThrow('`data_usage/rows` is -5');
  expect(fold({ quoted: { 'data_usage/people': '5' } })).toThrow('`data_usage/people` is no charge');
  expect(fold({ quoted: { 'data_usage/rows/rows': '5' } })).toThrow('is no charge');
  expect(() => foldUsage([event!, event!])).toThrow('usage job-0/release was given twice');
  const huge = groupOf({ card: cardOf([ROWS]), quantities: [10n ** 19n, 10n ** 19n] });
  expect(() => rateGroup(huge, cardOf([ROWS]))).toThrow('`quantity` is 20000000000000000000');
});

test('refused runs, and runs from before there were prices, stand on no line', () => {
  const [event] = eventsOf({ card: cardOf([ROWS]), quantities: [1n] });
  expect(foldUsage([{ ...event!, outcome: 'refused' }])).toEqual([]);
  expect(foldUsage([{ ...event!, billing: null }])).toEqual([]);
});

test('usage that differs in a fact is charged apart, and a family has its id from the facts alone', () => {
  const card = cardOf([ROWS]);
  const [one, two] = eventsOf({ card, quantities: [5n, 7n] });
  const groups = (changes: Partial<RatableEvent>): number =>
    foldUsage([one!, { ...two!, ...changes }]).length;
  expect(groups({})).toBe(2);
  const agreement = { id: 'A-1', revision: 2 };
  expect(groups({ billing: { ...two!.billing!, agreement } })).toBe(4);
  expect(groups({ grant: 'G-2' })).toBe(4);
  expect(groups({ period: '2026-12' })).toBe(4);
  expect(groups({ outcome: 'failed' })).toBe(4);
  const group = groupOf({ card, quantities: [5n] });
  expect(familyIdOf(group)).toBe(familyIdOf({ ...group, quantity: 9n } as UsageGroup));
  expect(familyIdOf(group)).toMatch(/^[0-9a-f]{64}$/);
  expect(Object.keys(keyOf(group))).not.toContain('quantity');
});

test('a line as canonical JSON has its amounts as text', () => {
  const line = rated({ basis: 'rows', model: 'graduated', per: '1000', tiers: TIERS }, [1_500_000n]);
  const text = JSON.parse(ratedText(line)) as Record<string, unknown>;
  expect(text).toMatchObject({
    amountFen: '12500',
    amountPrecise: '125.000000000000000000000000',
    card: { id: 'RC-visits', revision: 1 },
    model: 'graduated',
    netFen: '11792',
    quotedNano: '150000000000',
    taxFen: '708',
  });
  expect(text['inputsDigest']).toBe(line.inputsDigest);
});
