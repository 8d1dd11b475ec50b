/**
 * Rate cards: what one fee of a dataset or product costs, by which planned quantities, from when until when.
 *
 * Guarantee: a card that parses can be rated exactly: each basis is charged once, tiers cover every quantity once, and
 * no price with its discount and tax has more than the 24 decimal places that amounts are kept with. Discounts carry one
 * of the reasons for which buyers may be treated differently. Prices are decimal text: no float is ever read.
 * Not covered: approval, gaps between revisions (storage/documents.ts), caps and ceilings.
 */
import { z } from 'zod';

import type { Sentence } from '#policies/words.ts';

import { placesOf, unitsOf } from './decimal.ts';
import {
  decimal,
  documentId,
  documentInstant,
  documentText,
  fault,
  findDocumentFaults,
  listOf,
  parseDocument,
} from './document-form.ts';
import { BASES, type Basis, DISCOUNT_REASONS, FEE_TYPES, type FeeType } from './facts.ts';

const PRICE_SOURCES = ['guided', 'appraised', 'auction', 'negotiated', 'market'] as const;
export const PRICE_STATES = ['trial', 'applied', 'assessed', 'formal', 'adjusted'] as const;

/** Digits after the point of a price. */
export const PRICE_PLACES = 9;
/** Digits after the point of an amount before it is rounded. */
export const AMOUNT_PLACES = 24;
/** Zeros of the largest `per`. */
export const PER_PLACES = 12;
/** Yuan: with it and the largest quantity an amount still has its place in the database. */
const PRICE_MAX = 10n ** 9n;
/** Of one run, and of all that is rated together. */
export const QUANTITY_MAX = 10n ** 19n;

const basis = z.enum(BASES);
const price = decimal({ places: PRICE_PLACES, max: PRICE_MAX });
const priceAboveZero = price.superRefine((text, context) => {
  if (/^0(\.0+)?$/.test(text)) context.addIssue(fault('billing.card.zeroPrice'));
});
const wholeFromOne = decimal({ places: 0, max: QUANTITY_MAX }).superRefine((text, context) => {
  if (text === '0') context.addIssue(fault('billing.field.small', { least: '1' }));
});
const per = z.custom<string>().superRefine((value: unknown, context) => {
  if (value === undefined) context.addIssue(fault('billing.field.missing'));
  else if (typeof value !== 'string' || !/^10{0,12}$/.test(value))
    context.addIssue(fault('billing.card.per'));
});

interface RawTier {
  readonly upTo: string | null;
  readonly unitPrice: string;
}

const tiers = z
  .array(z.strictObject({ upTo: wholeFromOne.nullable(), unitPrice: price }))
  .min(1)
  .superRefine((all, context) => {
    for (const { path, ...found } of tierFaults(all)) context.addIssue({ ...found, path });
  });

/** Where tiers overlap or leave a gap; and tiers that are all free. */
function tierFaults(all: readonly RawTier[]): (ReturnType<typeof fault> & { path: (string | number)[] })[] {
  const ends = all.map(({ upTo }) => upTo);
  const inner = ends.slice(0, -1).flatMap((end, index) => {
    const before = index === 0 ? '0' : ends[index - 1];
    const path = [index, 'upTo'];
    if (end === null) return [{ ...fault('billing.card.tierOpen'), path }];
    const rises = before === null || before === undefined || BigInt(end) > BigInt(before);
    return rises ? [] : [{ ...fault('billing.card.tierOverlap', { before }), path }];
  });
  const last = ends.at(-1);
  const open = typeof last === 'string' ? [fault('billing.card.tierGap', { last })] : [];
  const free = all.length > 0 && all.every(({ unitPrice }) => unitsOf(unitPrice, PRICE_PLACES) === 0n);
  return [
    ...inner,
    ...open.map((found) => ({ ...found, path: [all.length - 1, 'upTo'] })),
    ...(free ? [{ ...fault('billing.card.zeroPrice'), path: [0, 'unitPrice'] }] : []),
  ];
}

const charge = z
  .discriminatedUnion('model', [
    /** So much for every `per` units. */
    z.strictObject({ model: z.literal('unit'), basis, unitPrice: priceAboveZero, per }),
    /** The part of the quantity in each tier at the price of that tier. */
    z.strictObject({ model: z.literal('graduated'), basis, per, tiers }),
    /** The whole quantity at the price of the tier that it reaches. */
    z.strictObject({ model: z.literal('volume'), basis, per, tiers }),
    /** So much for every started package of `size` units. */
    z.strictObject({ model: z.literal('package'), basis, size: wholeFromOne, unitPrice: priceAboveZero }),
    /** So much for every run, whatever it reads. */
    z.strictObject({ model: z.literal('flat'), basis, unitPrice: priceAboveZero }),
    /** So much for every month in which the grant is in force. */
    z.strictObject({ model: z.literal('period'), basis, unitPrice: priceAboveZero }),
    /** Nothing, but metered. */
    z.strictObject({ model: z.literal('zero'), basis }),
  ])
  .superRefine((charge, context) => {
    const needed = BASIS_OF_MODEL[charge.model];
    const fits = needed === undefined ? charge.basis !== 'seats' : charge.basis === needed;
    if (fits) return;
    const args = {
      model: charge.model,
      needed: needed ?? BASES.filter((name) => name !== 'seats').join(', '),
    };
    context.addIssue({ ...fault('billing.card.basisOfModel', args), path: ['basis'] });
  });

const BASIS_OF_MODEL: Readonly<Partial<Record<string, Basis>>> = { flat: 'runs', period: 'seats' };

const discount = z.strictObject({
  buyers: listOf(documentId),
  reason: z.enum(DISCOUNT_REASONS),
  /** Thousandths off the price. */
  perMille: z.int().min(1).max(1000),
  /** First instant without it. */
  until: documentInstant,
});

const CARD = z
  .strictObject({
    kind: z.literal('RateCard'),
    id: documentId,
    title: documentText,
    applies: z.union([z.strictObject({ dataset: documentId }), z.strictObject({ product: documentId })]),
    /** `any`, or the id of a scene. */
    scene: documentText,
    feeType: z.enum(FEE_TYPES),
    /** The side that the fee is for; the split of the agreement says who gets how much. */
    payee: documentText,
    currency: z.literal('CNY'),
    priceSource: z.enum(PRICE_SOURCES),
    guidanceDocument: documentText.nullable().default(null),
    state: z.enum(PRICE_STATES),
    /** First instant of validity, and the first instant after it; null: until further notice. */
    from: documentInstant,
    to: documentInstant.nullable().default(null),
    charges: z.array(charge).min(1),
    /** Whether a failed run is billed like any other. */
    bills: z.strictObject({ failed: z.boolean() }).default({ failed: false }),
    discounts: z.array(discount).default([]),
    /** Inclusive: prices contain the tax; else it comes on top. */
    tax: z.strictObject({ rateBasisPoints: z.int().min(0).max(10_000), inclusive: z.boolean() }),
  })
  .superRefine((card, context) => {
    for (const found of contradictions(card)) context.addIssue(found);
  });

export type RateCard = Readonly<z.output<typeof CARD>>;
export type Charge = RateCard['charges'][number];

type Contradiction = ReturnType<typeof fault> & { readonly path: (string | number)[] };

/** Terms that are each well-formed but cannot stand together. */
function contradictions(card: RateCard): readonly Contradiction[] {
  const { from, to, priceSource, guidanceDocument } = card;
  const late = to !== null && Date.parse(to) <= Date.parse(from);
  const unguided = priceSource === 'guided' && guidanceDocument === null;
  return [
    ...(late ? [{ ...fault('billing.field.endsBeforeStart'), path: ['to'] }] : []),
    ...(unguided ? [{ ...fault('billing.card.guidance'), path: ['guidanceDocument'] }] : []),
    ...card.charges.flatMap((charge, index) => [
      ...duplicateBasis(card, charge, index),
      ...tooFine(card, charge, index),
    ]),
    ...card.discounts.flatMap((_, index) => discountTwice(card, index)),
  ];
}

function duplicateBasis({ charges }: RateCard, { basis }: Charge, index: number): readonly Contradiction[] {
  if (charges.findIndex((other) => other.basis === basis) === index) return [];
  return [{ ...fault('billing.card.duplicateBasis', { basis }), path: ['charges', index, 'basis'] }];
}

/** Of a discount: always, because usage keeps the one it was quoted with when a correction rates it by another card. */
const DISCOUNT_PLACES = 3;
const TAX_PLACES = 4;

/** Amounts have 24 places: a price has its own, those of `per`, three of a discount and four of a tax on top. */
function tooFine({ tax }: RateCard, charge: Charge, index: number): readonly Contradiction[] {
  const { per, prices } = pricesOf(charge);
  const further = DISCOUNT_PLACES + (tax.inclusive || tax.rateBasisPoints === 0 ? 0 : TAX_PLACES);
  const digits = Math.max(0, ...prices.map(placesOf)) + per.length - 1 + further;
  if (digits <= AMOUNT_PLACES) return [];
  return [{ ...fault('billing.card.tooFine', { per, digits }), path: ['charges', index] }];
}

function discountTwice({ discounts }: RateCard, index: number): readonly Contradiction[] {
  const earlier = new Set(discounts.slice(0, index).flatMap(({ buyers }) => buyers));
  const buyer = discounts[index]?.buyers.find((name) => earlier.has(name));
  if (buyer === undefined) return [];
  return [{ ...fault('billing.card.discountTwice', { buyer }), path: ['discounts', index, 'buyers'] }];
}

/** The prices of a charge, decimal text in yuan for every `per` units; none where it is free. */
export function pricesOf(charge: Charge): { readonly per: string; readonly prices: readonly string[] } {
  switch (charge.model) {
    case 'unit':
      return { per: charge.per, prices: [charge.unitPrice] };
    case 'graduated':
    case 'volume':
      return { per: charge.per, prices: charge.tiers.map(({ unitPrice }) => unitPrice) };
    case 'package':
    case 'flat':
    case 'period':
      return { per: '1', prices: [charge.unitPrice] };
    case 'zero':
      return { per: '1', prices: [] };
  }
}

const FORMS = {
  applies: '{ dataset: visits } | { product: P-0012 }',
  model: 'unit | graduated | volume | package | flat | period | zero',
  perMille: '1 … 1000',
  rateBasisPoints: '0 … 10000',
};

/** Parses a rate card; throws a Failure CONFIG that names the first field at fault. */
export function parseRateCard(value: unknown): RateCard {
  return parseDocument(CARD, value, FORMS);
}

/** Every field at fault in what should become a rate card; empty when it is one. */
export function findRateCardFaults(value: unknown): readonly Sentence[] {
  return findDocumentFaults(CARD, value, FORMS);
}

/** A wording of a rate card. */
export interface Card {
  readonly id: string;
  readonly revision: number;
  readonly body: RateCard;
}

/** What a price is looked up by. */
export interface CardAsk {
  readonly dataset: string;
  /** The product that is called; null for a query of the buyer's own. */
  readonly product: string | null;
  readonly scene: string | null;
  readonly feeType: FeeType;
}

/**
 * The card, of those in force, that prices a fee: a product is priced by its own cards only, and a card for the scene
 * goes before one for any. Null: there is none. Two for the same are a programmer's error (RangeError): filing refuses it.
 */
export function cardFor(cards: readonly Card[], ask: CardAsk): Card | null {
  const fitting = cards.filter(({ body }) => body.feeType === ask.feeType && isAbout(body, ask));
  const special = fitting.filter(({ body }) => body.scene === ask.scene);
  const chosen =
    special.length > 0 && ask.scene !== 'any' ? special : fitting.filter(({ body }) => body.scene === 'any');
  if (chosen.length > 1) throw new RangeError('two rate cards in force price the same');
  return chosen[0] ?? null;
}

function isAbout({ applies }: RateCard, { dataset, product }: CardAsk): boolean {
  if (product !== null) return 'product' in applies && applies.product === product;
  return 'dataset' in applies && applies.dataset === dataset;
}

/** What is priced, or capped: data or a product, in a scene or any, and which fee. */
export type PriceSubject = Pick<RateCard, 'applies' | 'scene' | 'feeType'>;

/** Whether two cards price the same, so that only one of them may be in force at a time; two caps likewise. */
export function priceTheSame(one: PriceSubject, other: PriceSubject): boolean {
  return subjectOf(one) === subjectOf(other);
}

function subjectOf({ applies, scene, feeType }: PriceSubject): string {
  return JSON.stringify([Object.entries(applies), scene, feeType]);
}
