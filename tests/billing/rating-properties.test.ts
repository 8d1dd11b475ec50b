/**
 * Rating, for any usage: totals, order and batches, quotes, and the same bytes again.
 *
 * Each property is a checker, and broken ways of doing it (rounding every event, binary fractions, rating batch by batch,
 * quoting what a run alone would cost) are given to the same checker.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { nanoOf, partsOf, sumOf } from '#gateway/billing/charge.ts';
import { absolute, divideUp, unitsOf } from '#gateway/billing/decimal.ts';
import type { FeeFacts } from '#gateway/billing/facts.ts';
import { quotedOf } from '#gateway/billing/price.ts';
import { AMOUNT_PLACES, type Card } from '#gateway/billing/rate-card.ts';
import { type RatedGroup, rateGroup, ratedText } from '#gateway/billing/rating.ts';
import { familyIdOf, foldUsage, type RatableEvent, type UsageGroup } from '#gateway/billing/usage-group.ts';
import {
  askOf,
  cardOf,
  chargeOf,
  eventsOf,
  groupOf,
  RATE_CASES,
  type RateCase,
} from '#tests/support/rate-cases.ts';

const HALF_FEN = 5n * 10n ** BigInt(AMOUNT_PLACES - 3);

/** Rates all groups of some usage: of one card, and what is free. */
function rateAll(groups: readonly UsageGroup[], card: Card): readonly RatedGroup[] {
  return groups.map((group) => rateGroup(group, group.feeType === card.body.feeType ? card : null));
}

interface Bill {
  readonly totalFen: bigint;
  readonly lines: readonly Pick<RatedGroup, 'amountFen' | 'amountPrecise'>[];
}

/** Whether a bill is its lines, and no line is off what it exactly is by more than half a fen. */
function isToTheFen({ totalFen, lines }: Bill, exact: bigint): boolean {
  const sum = lines.reduce((total, { amountFen }) => total + amountFen, 0n);
  const off = absolute(totalFen * 2n * HALF_FEN - exact);
  return (
    sum === totalFen &&
    off <= HALF_FEN * BigInt(lines.filter(({ amountPrecise }) => isMoney(amountPrecise)).length)
  );
}

function isMoney(precise: string): boolean {
  return unitsOf(precise, AMOUNT_PLACES) > 0n;
}

/** What usage of one card exactly comes to, from the group as a whole. */
function exactOf({ card, quantities }: RateCase): bigint {
  return unitsOf(rateGroup(groupOf({ card, quantities }), card).amountPrecise, AMOUNT_PLACES);
}

type Biller = (rateCase: RateCase) => Bill;

function billOf(lines: Bill['lines']): Bill {
  return { lines, totalFen: lines.reduce((total, { amountFen }) => total + amountFen, 0n) };
}

const ours: Biller = (rateCase) => billOf(rateAll(foldUsage(eventsOf(rateCase)), rateCase.card));

/** Broken: one line, whose amount is that of every event alone, rounded. */
const perEvent: Biller = ({ card, quantities }) => {
  const rated = quantities.map((quantity) => rateGroup(groupOf({ card, quantities: [quantity] }), card));
  const amountFen = rated.reduce((total, line) => total + line.amountFen, 0n);
  return billOf([{ amountFen, amountPrecise: rateGroup(groupOf({ card, quantities }), card).amountPrecise }]);
};

/** Broken: binary fractions. */
const inFloats: Biller = (rateCase) =>
  billOf(
    rateAll([groupOf(rateCase)], rateCase.card).map(({ amountPrecise, parts }) => ({
      amountPrecise,
      amountFen: BigInt(
        Math.round(
          parts.reduce(
            (sum, { quantity, unitPrice, per }) => sum + (Number(quantity) * Number(unitPrice)) / Number(per),
            0,
          ) * 100,
        ),
      ),
    })),
  );

/** The same, told by a tie: what is off by half a fen is not off by more, so that only the direction shows. */
function roundsHalfUp(biller: Biller): boolean {
  const card = cardOf([{ basis: 'outputs', model: 'unit', unitPrice: '1.005', per: '1' }]);
  return biller({ card, quantities: [1n] }).totalFen === 101n;
}

test('a bill adds up to the fen, and each line is rounded once', () => {
  fc.assert(fc.property(RATE_CASES, (rateCase) => isToTheFen(ours(rateCase), exactOf(rateCase))));
  expect(roundsHalfUp(ours)).toBe(true);
});

test('control: rounding every event does not add up, and binary fractions lose a tie', () => {
  const card = cardOf([{ basis: 'calls', model: 'unit', unitPrice: '0.004', per: '1' }]);
  const thousand = { card, quantities: Array.from({ length: 1000 }, () => 1n) };
  expect(ours(thousand).totalFen).toBe(400n);
  expect(isToTheFen(ours(thousand), exactOf(thousand))).toBe(true);
  expect(perEvent(thousand).totalFen).toBe(0n);
  expect(isToTheFen(perEvent(thousand), exactOf(thousand))).toBe(false);
  expect(roundsHalfUp(inFloats)).toBe(false);
});

test('the tax and the rest are the amount, and the tax is what its rate says to half a fen', () => {
  fc.assert(
    fc.property(RATE_CASES, (rateCase) => {
      for (const { amountFen, taxFen, netFen, tax } of ours(rateCase).lines as RatedGroup[]) {
        const rate = BigInt(tax?.rateBasisPoints ?? 0);
        expect(taxFen + netFen).toBe(amountFen);
        expect(absolute(2n * (taxFen * (10_000n + rate) - amountFen * rate))).toBeLessThanOrEqual(
          10_000n + rate,
        );
      }
    }),
  );
});

/** A way from usage in batches to lines, as text. */
type BatchRater = (batches: readonly (readonly RatableEvent[])[], card: Card) => readonly string[];

const inBatches: BatchRater = (batches, card) => {
  const groups = batches.reduce<readonly UsageGroup[]>((earlier, batch) => foldUsage(batch, earlier), []);
  return rateAll(groups, card).map(ratedText);
};

/** Broken: every batch is rated by itself, from the first tier on. */
const batchByBatch: BatchRater = (batches, card) =>
  batches.flatMap((batch) => rateAll(foldUsage(batch), card)).map(ratedText);

/** Usage of two grants in a random order, cut into batches. */
const SHUFFLED = RATE_CASES.chain((rateCase) => {
  const events = eventsOf(rateCase).flatMap((event) => [
    event,
    { ...event, id: `other-${event.id}`, grant: 'G-2' },
  ]);
  return fc.record({
    rateCase: fc.constant(rateCase),
    events: fc.constant(events),
    order: fc.shuffledSubarray(events, { minLength: events.length, maxLength: events.length }),
    size: fc.integer({ min: 1, max: events.length }),
  });
});

function batchesOf(events: readonly RatableEvent[], size: number): readonly (readonly RatableEvent[])[] {
  const count = Math.ceil(events.length / size);
  return Array.from({ length: count }, (_, index) => events.slice(index * size, (index + 1) * size));
}

function isIndependent(rater: BatchRater, runs: number): boolean {
  const property = fc.property(SHUFFLED, ({ rateCase, events, order, size }) => {
    const whole = rater([events], rateCase.card);
    return JSON.stringify(rater(batchesOf(order, size), rateCase.card)) === JSON.stringify(whole);
  });
  return !fc.check(property, { numRuns: runs, endOnFailure: true }).failed;
}

test('lines are the same bytes whatever the order of the usage and the size of its batches, and again', () => {
  expect(isIndependent(inBatches, 100)).toBe(true);
  // Control: the same checker.
  expect(isIndependent(batchByBatch, 100)).toBe(false);
});

/** A way to quote one run of a case, in billionths of a yuan. */
type Quoter = (rateCase: RateCase, quantity: bigint) => bigint;

const quoted: Quoter = ({ card }, quantity) => {
  const basis = chargeOf(card).basis;
  return quotedOf({ ...askOf([card]), planned: { calls: '1', [basis]: String(quantity) } }).spendNano;
};

/** Broken: what the run alone would cost. */
const alone: Quoter = ({ card }, quantity) =>
  nanoOf(sumOf(partsOf(chargeOf(card), quantity)), { discount: discountOf(card), tax: card.body.tax });

/** Broken: cut to whole billionths instead of rounded up. */
const cut: Quoter = (rateCase, quantity) => {
  const nano = quoted(rateCase, quantity);
  return nano > 0n ? nano - 1n : 0n;
};

function discountOf(card: Card): FeeFacts['discount'] {
  const [first] = card.body.discounts;
  return first === undefined ? null : { reason: first.reason, perMille: first.perMille };
}

/** Whether the runs of a case were quoted at least what they exactly come to together. */
function isCovered(quoter: Quoter, rateCase: RateCase): boolean {
  const sum = rateCase.quantities.reduce((total, quantity) => total + quoter(rateCase, quantity), 0n);
  return sum >= divideUp(exactOf(rateCase), 10n ** BigInt(AMOUNT_PLACES - 9));
}

test('however a month is divided into runs, what they were quoted covers what it is rated at', () => {
  const property = (quoter: Quoter) => fc.property(RATE_CASES, (rateCase) => isCovered(quoter, rateCase));
  fc.assert(property(quoted), { numRuns: 1_000 });
  // Controls: the same property.
  for (const broken of [alone, cut])
    expect(fc.check(property(broken), { numRuns: 1_000, endOnFailure: true }).failed).toBe(true);
});

test('a quote is what the run is billed where no other run changes it', () => {
  const card = cardOf([{ basis: 'rows', model: 'unit', unitPrice: '0.123456789', per: '1000' }]);
  const line = rateGroup(groupOf({ card, quantities: [1000n, 5000n] }), card);
  expect(line.quotedNano).toBe(unitsOf('0.740740734', 9));
  expect(line.amountPrecise).toBe('0.740740734000000000000000');
});

test('rating again gives the same bytes, and other usage or another wording another digest', () => {
  fc.assert(
    fc.property(RATE_CASES, ({ card, quantities }) => {
      const group = groupOf({ card, quantities });
      const again = groupOf({ card: structuredClone(card), quantities: [...quantities].reverse() });
      expect(ratedText(rateGroup(again, structuredClone(card)))).toBe(ratedText(rateGroup(group, card)));
      const { inputsDigest } = rateGroup(group, card);
      const more = groupOf({ card, quantities: [...quantities, 1n] });
      expect(rateGroup(more, card).inputsDigest).not.toBe(inputsDigest);
      const other: Card = { ...card, body: { ...card.body, title: 'Another' } };
      expect(rateGroup(group, other).inputsDigest).not.toBe(inputsDigest);
      expect(familyIdOf(more)).toBe(familyIdOf(group));
    }),
  );
});
