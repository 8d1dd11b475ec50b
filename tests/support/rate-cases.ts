/** Usage to be rated, drawn at random: a rate card with one charge, a discount, and the quantities of the runs. */
import * as fc from 'fast-check';

import { shortDecimalText } from '#gateway/billing/decimal.ts';
import type { Basis, BillingFacts, FeeFacts } from '#gateway/billing/facts.ts';
import { type PriceAsk, quotedOf } from '#gateway/billing/price.ts';
import { type Card, type Charge, parseRateCard } from '#gateway/billing/rate-card.ts';
import { foldUsage, type RatableEvent, type UsageGroup } from '#gateway/billing/usage-group.ts';

export const AT = new Date('2026-11-21T12:00:00+08:00');

/** What a rate card says beside its charges. */
const TERMS = {
  kind: 'RateCard',
  id: 'RC-visits',
  title: 'Visits, data usage fee',
  applies: { dataset: 'visits' },
  scene: 'any',
  feeType: 'data_usage',
  payee: 'health-commission',
  currency: 'CNY',
  priceSource: 'market',
  state: 'trial',
  from: '2026-11-01T00:00:00+08:00',
  to: null,
  tax: { rateBasisPoints: 600, inclusive: true },
};

/** The body of a rate card as somebody would write it. */
export function cardBody(charges: readonly unknown[], changes: object = {}): Record<string, unknown> {
  return { ...TERMS, charges, ...changes };
}

/** A rate card in force. */
export function cardOf(charges: readonly unknown[], changes: object = {}): Card {
  const body = parseRateCard(cardBody(charges, changes));
  return { id: body.id, revision: 1, body };
}

/** A use of `visits` that is priced by these cards. */
export function askOf(cards: readonly Card[], changes: Partial<PriceAsk> = {}): PriceAsk {
  return {
    at: AT,
    buyer: 'health-lab',
    purposeClass: 'industry',
    channel: 'operation',
    origin: 'enterprise',
    dataset: 'visits',
    product: null,
    scene: 'drug-safety',
    cards,
    ...changes,
  };
}

/** The facts of a run with these fees. */
export function factsOf(fees: readonly FeeFacts[], changes: Partial<BillingFacts> = {}): BillingFacts {
  return {
    buyer: 'health-lab',
    purposeClass: 'industry',
    channel: 'operation',
    costCentre: null,
    product: null,
    agreement: { id: 'A-1', revision: 1 },
    contributions: [],
    fees,
    ...changes,
  };
}

export interface RateCase {
  readonly card: Card;
  /** One for each run, in the basis of the card's charge. */
  readonly quantities: readonly bigint[];
}

/** The usage records of a case, as quoting and running would leave them. */
export function eventsOf({ card, quantities }: RateCase): readonly RatableEvent[] {
  return quantities.map((quantity, index) => {
    const planned: Record<string, string> = { calls: '1', [basisOf(card)]: String(quantity) };
    const { fees, quoted } = quotedOf({ ...askOf([card]), planned });
    return {
      id: `job-${index}/release`,
      period: '2026-11',
      grant: 'G-1',
      outcome: 'released',
      billing: factsOf(fees),
      planned,
      quoted,
    };
  });
}

/** The group of the data usage fee of a case. */
export function groupOf(rateCase: RateCase): UsageGroup {
  const group = foldUsage(eventsOf(rateCase)).find(({ feeType }) => feeType === 'data_usage');
  if (group === undefined) throw new RangeError('a case has usage');
  return group;
}

export function chargeOf({ body }: Card): Charge {
  return body.charges[0]!;
}

function basisOf(card: Card): Basis {
  return chargeOf(card).basis;
}

const NINE_PLACES = fc.bigInt(1n, 10n ** 15n).map((units) => shortDecimalText(units, 9, 0));
/** Prices that end on half a fen, where what is rounded the wrong way shows. */
const TIES = fc
  .nat(99_999)
  .map((units) => `${Math.floor(units / 100)}.${String(units % 100).padStart(2, '0')}5`);
const PRICE = fc.oneof(NINE_PLACES, TIES, fc.constantFrom('0.004', '1.005', '0.10', '5.00'));

const UP_TO = fc.oneof(fc.bigInt(1n, 40n), fc.bigInt(1n, 10n ** 9n));
const TIERS = fc
  .record({
    ends: fc.uniqueArray(UP_TO, { minLength: 0, maxLength: 3 }),
    prices: fc.array(PRICE, { minLength: 4, maxLength: 4 }),
  })
  .map(({ ends, prices }) => {
    const sorted = ends.toSorted((a, b) => (a < b ? -1 : 1)).map(String);
    return [...sorted, null].map((upTo, index) => ({ upTo, unitPrice: prices[index] ?? '1' }));
  });
const PER = fc.nat({ max: 8 }).map((zeros) => `1${'0'.repeat(zeros)}`);

const CHARGE = fc.oneof(
  fc.record({ basis: fc.constant('rows'), model: fc.constant('unit'), unitPrice: PRICE, per: PER }),
  fc.record({
    basis: fc.constant('rows'),
    model: fc.constantFrom('graduated', 'volume'),
    tiers: TIERS,
    per: PER,
  }),
  fc.record({
    basis: fc.constant('rows'),
    model: fc.constant('package'),
    size: UP_TO.map(String),
    unitPrice: PRICE,
  }),
  fc.record({ basis: fc.constant('runs'), model: fc.constant('flat'), unitPrice: PRICE }),
  fc.record({ basis: fc.constant('rows'), model: fc.constant('zero') }),
);

const TAX = fc.record({
  rateBasisPoints: fc.constantFrom(0, 300, 600, 1300, 9_999),
  inclusive: fc.boolean(),
});
const DISCOUNTS = fc
  .option(fc.integer({ min: 1, max: 1000 }), { nil: null })
  .map((perMille) =>
    perMille === null
      ? []
      : [{ buyers: ['health-lab'], reason: 'law', perMille, until: '2027-01-01T00:00:00+08:00' }],
  );
const QUANTITY = fc.oneof(
  { arbitrary: fc.bigInt(0n, 60n), weight: 3 },
  { arbitrary: fc.bigInt(0n, 10n ** 12n), weight: 1 },
);

/** Cases of every model; of a flat charge every run counts once. */
export const RATE_CASES: fc.Arbitrary<RateCase> = fc
  .record({
    charge: CHARGE,
    tax: TAX,
    discounts: DISCOUNTS,
    quantities: fc.array(QUANTITY, { minLength: 1, maxLength: 5 }),
  })
  .map(({ charge, tax, discounts, quantities }) => ({
    card: cardOf([charge], { tax, discounts }),
    quantities: charge.basis === 'runs' ? quantities.map(() => 1n) : quantities,
  }));
