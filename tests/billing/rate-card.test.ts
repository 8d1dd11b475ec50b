/** Rate cards: every way to get one wrong is named by its field, and which of several cards prices a run. */
import { expect, test } from 'vitest';

import {
  type Card,
  cardFor,
  findRateCardFaults,
  parseRateCard,
  priceTheSame,
} from '#gateway/billing/rate-card.ts';
import { Failure } from '#policies/refusal.ts';
import { render } from '#policies/words.ts';
import { cardBody, cardOf } from '#tests/support/rate-cases.ts';

const CALLS = { basis: 'calls', model: 'unit', unitPrice: '0.004', per: '1' };
const tiered = (...ends: (string | null)[]) => ({
  basis: 'rows',
  model: 'graduated',
  per: '1000',
  tiers: ends.map((upTo, index) => ({ upTo, unitPrice: `0.${index + 1}` })),
});
const DISCOUNT = {
  buyers: ['health-lab'],
  reason: 'new_user_period',
  perMille: 100,
  until: '2027-01-01T00:00:00+08:00',
};

/** The field and the rule of each fault, in English. */
function faultsOf(value: unknown): readonly string[] {
  return findRateCardFaults(value).map((sentence) => render(sentence, 'en'));
}

test('a card with every model parses, and parses again to the same', () => {
  const charges = [
    CALLS,
    tiered('1000000', '5000000', null),
    { ...tiered('10', null), basis: 'outputs', model: 'volume' },
    { basis: 'computeUnits', model: 'package', size: '100', unitPrice: '8.00' },
    { basis: 'runs', model: 'flat', unitPrice: '5.00' },
    { basis: 'seats', model: 'period', unitPrice: '300.00' },
    { basis: 'bytes', model: 'zero' },
    { basis: 'epsilonNano', model: 'unit', unitPrice: '12.50', per: '1000000000' },
  ];
  const body = cardBody(charges, {
    discounts: [DISCOUNT],
    priceSource: 'guided',
    guidanceDocument: 'No. 12 of 2026',
  });
  expect(faultsOf(body)).toEqual([]);
  const parsed = parseRateCard(body);
  expect(parsed).toMatchObject({ from: '2026-10-31T16:00:00.000Z', bills: { failed: false } });
  expect(parseRateCard(JSON.parse(JSON.stringify(parsed)))).toEqual(parsed);
});

test.for([
  [{ ...CALLS, unitPrice: '-0.01' }, '`charges[0].unitPrice` is below zero'],
  [{ ...CALLS, unitPrice: 'NaN' }, '`charges[0].unitPrice` is no decimal number'],
  [{ ...CALLS, unitPrice: '1e-3' }, '`charges[0].unitPrice` is no decimal number'],
  [{ ...CALLS, unitPrice: 0.004 }, '`charges[0].unitPrice` must be decimal text in quotes'],
  [{ ...CALLS, unitPrice: '1000000001' }, '`charges[0].unitPrice` is too large'],
  [{ ...CALLS, unitPrice: '0.0000000001' }, '`charges[0].unitPrice` has too many places; at most 9'],
  [{ ...CALLS, unitPrice: '0.00' }, '`charges[0].unitPrice` is 0; what is free has the model `zero`'],
  [{ ...CALLS, unitPrice: undefined }, '`charges[0].unitPrice` is missing'],
  [{ ...CALLS, per: '12' }, '`charges[0].per` must be a power of ten'],
  [{ ...CALLS, per: '0' }, '`charges[0].per` must be a power of ten'],
  [{ ...CALLS, per: '10000000000000' }, '`charges[0].per` must be a power of ten'],
  [{ ...CALLS, per: undefined }, '`charges[0].per` is missing'],
  [{ ...CALLS, basis: 'people' }, '`charges[0].basis` must be one of: products, runs, calls'],
  [{ ...CALLS, model: 'auction' }, '`charges[0].model` must have the form unit | graduated'],
  [{ ...CALLS, tiers: [] }, '`charges[0].tiers` is no field of this document'],
  [{ ...CALLS, basis: 'seats' }, '`charges[0].basis`: the model `unit` goes with the basis `products, runs'],
  [{ basis: 'calls', model: 'period', unitPrice: '1' }, 'the model `period` goes with the basis `seats`'],
  [{ basis: 'calls', model: 'flat', unitPrice: '1' }, 'the model `flat` goes with the basis `runs`'],
  [{ basis: 'calls', model: 'package', size: '0', unitPrice: '1' }, '`charges[0].size` is too small'],
  [
    { basis: 'calls', model: 'package', size: '1.5', unitPrice: '1' },
    '`charges[0].size` has too many places',
  ],
  [tiered('1000'), '`charges[0].tiers[0].upTo` must be null: without it the tiers leave a gap above 1000'],
  [tiered('10', '20'), '`charges[0].tiers[1].upTo` must be null'],
  [tiered('20', '10', null), '`charges[0].tiers[1].upTo` must be above 20'],
  [tiered('20', '20', null), '`charges[0].tiers[1].upTo` must be above 20'],
  [tiered(null, '20', null), '`charges[0].tiers[0].upTo` is null, but only the last tier'],
  [tiered('-5', null), '`charges[0].tiers[0].upTo` is below zero'],
  [tiered('0', null), '`charges[0].tiers[0].upTo` is too small'],
  [tiered('2.5', null), '`charges[0].tiers[0].upTo` has too many places'],
  [tiered('9'.repeat(30), null), '`charges[0].tiers[0].upTo` is too large'],
  [{ ...tiered(), tiers: [] }, '`charges[0].tiers` is too small or too short'],
  [
    { ...tiered(), tiers: [{ upTo: null, unitPrice: '0' }] },
    '`charges[0].tiers[0].unitPrice` is 0; what is free has the model `zero`',
  ],
] as const)('charge %j: %s', ([charge, says]) => {
  expect(faultsOf(cardBody([charge]))).toEqual([expect.stringContaining(says)]);
});

test.for([
  [{ charges: [CALLS, { ...CALLS, unitPrice: '2' }] }, '`charges[1].basis` charges by `calls` a second time'],
  [{ charges: [] }, '`charges` is too small or too short'],
  [{ to: '2026-10-01T00:00:00+08:00' }, '`to` must be later than `from`'],
  [{ from: '2026-11-01' }, '`from` must have the form 2026-01-31T00:00:00+08:00'],
  [{ from: '2026-11-01T00:00:00' }, '`from` must have the form'],
  [{ priceSource: 'guided' }, '`guidanceDocument` is required because `priceSource` is guided'],
  [{ priceSource: 'whim' }, '`priceSource` must be one of: guided, appraised'],
  [{ state: 'final' }, '`state` must be one of: trial, applied'],
  [{ currency: 'USD' }, '`currency` must be one of: CNY'],
  [{ feeType: 'fee' }, '`feeType` must be one of: data_usage, technical_service'],
  [{ applies: { dataset: 'visits', product: 'P-1' } }, '`applies` must have the form { dataset: visits }'],
  [
    { discounts: [{ ...DISCOUNT, reason: 'friend' }] },
    '`discounts[0].reason` must be one of: real_need_and_custom',
  ],
  [{ discounts: [{ ...DISCOUNT, perMille: 0 }] }, '`discounts[0].perMille` must have the form 1 … 1000'],
  [{ discounts: [{ ...DISCOUNT, perMille: 1001 }] }, '`discounts[0].perMille` must have the form 1 … 1000'],
  [{ discounts: [{ ...DISCOUNT, buyers: ['a', 'a'] }] }, '`discounts[0].buyers` names `a` twice'],
  [
    { discounts: [DISCOUNT, DISCOUNT] },
    '`discounts[1].buyers` names the buyer `health-lab`, who has a discount',
  ],
  [
    { tax: { rateBasisPoints: 10_001, inclusive: true } },
    '`tax.rateBasisPoints` must have the form 0 … 10000',
  ],
  [{ tax: { rateBasisPoints: 6.5, inclusive: true } }, '`tax.rateBasisPoints` must have the form 0 … 10000'],
  [{ tax: undefined }, '`tax` is missing'],
  [{ note: 'x' }, '`note` is no field of this document'],
  [
    {
      charges: [{ ...CALLS, unitPrice: '0.123456789', per: '1000000000' }],
      tax: { rateBasisPoints: 600, inclusive: false },
    },
    '`charges[0]`: this price per 1000000000 has up to 25 places with discount and tax',
  ],
] as const)('card with %j: %s', ([changes, says]) => {
  const found = faultsOf(cardBody([CALLS], changes));
  expect(found).toEqual([expect.stringContaining(says)]);
  expect(() => parseRateCard(cardBody([CALLS], changes))).toThrow(Failure);
});

test('every fault is named at once, and what is no object is refused', () => {
  expect(faultsOf(cardBody([{ ...CALLS, unitPrice: '-1' }, tiered('5')], { currency: 'EUR' }))).toHaveLength(
    3,
  );
  for (const value of [null, 7, 'card', []]) expect(faultsOf(value)).toHaveLength(1);
});

const revised = (changes: object, id = 'RC'): Card => ({ ...cardOf([CALLS], changes), id });
const ASK = { dataset: 'visits', product: null, scene: 'drug-safety', feeType: 'data_usage' } as const;

test('a card for the scene goes before one for any, and a product is priced by its own cards only', () => {
  const any = revised({}, 'any');
  const scene = revised({ scene: 'drug-safety' }, 'scene');
  const other = revised({ scene: 'insurance' }, 'other');
  const product = revised({ applies: { product: 'P-0012' } }, 'product');
  const service = revised({ feeType: 'technical_service' }, 'service');
  const all = [other, any, service, product, scene];
  expect(cardFor(all, ASK)?.id).toBe('scene');
  expect(cardFor(all, { ...ASK, scene: 'flood' })?.id).toBe('any');
  expect(cardFor(all, { ...ASK, scene: null })?.id).toBe('any');
  expect(cardFor(all, { ...ASK, feeType: 'technical_service' })?.id).toBe('service');
  expect(cardFor(all, { ...ASK, product: 'P-0012' })?.id).toBe('product');
  expect(cardFor(all, { ...ASK, product: 'P-0013' })).toBeNull();
  expect(cardFor(all, { ...ASK, dataset: 'flights' })).toBeNull();
  expect(cardFor([], ASK)).toBeNull();
});

test('two cards in force for the same are never chosen between', () => {
  const [one, two] = [revised({}, 'one'), revised({}, 'two')];
  expect(priceTheSame(one.body, two.body)).toBe(true);
  expect(priceTheSame(one.body, revised({ scene: 'drug-safety' }).body)).toBe(false);
  expect(() => cardFor([one, two], ASK)).toThrow(RangeError);
});
