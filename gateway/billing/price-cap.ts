/**
 * Price caps: the most that one fee of a dataset or product may cost, by quantity, and whether a rate card keeps to them.
 *
 * Guarantee: a price is compared exactly, per unit and with the same treatment of tax, at its dearest tier; a package by
 * its price for each unit of its size. Where a cap is in force, whatever a card charges needs one: charging by another
 * quantity is no way around it. A cap says how much use it expects, so that all caps under a ceiling can be added up.
 * Not covered: when a card and a cap are in force together, and whether the projected use is realistic.
 *
 * 上限收费标准, set by the authorising body and reported in writing: 国家发展改革委、国家数据局
 * 《关于建立公共数据资源授权运营价格形成机制的通知》（发改价格〔2025〕65号）.
 */
import { z } from 'zod';
import type { Sentence } from '#policies/words.ts';
import { unitsOf } from './decimal.ts';
import {
  decimal,
  documentId,
  documentInstant,
  documentSha256,
  documentText,
  fault,
  findDocumentFaults,
  parseDocument,
} from './document-form.ts';
import { BASES, type Basis, FEE_TYPES } from './facts.ts';
import {
  type Charge,
  PER_PLACES,
  PRICE_PLACES,
  pricesOf,
  type PriceSubject,
  QUANTITY_MAX,
  type RateCard,
} from './rate-card.ts';

const price = decimal({ places: PRICE_PLACES, max: 10n ** 9n });
const quantity = decimal({ places: 0, max: QUANTITY_MAX });

const CAP = z
  .strictObject({
    kind: z.literal('PriceCap'),
    id: documentId,
    title: documentText,
    /** The body that authorised the operation and set the cap. */
    authority: documentText,
    /** Its report in writing to the price authority and the data department. */
    report: z.strictObject({ number: documentText, date: z.iso.date(), sha256: documentSha256 }),
    /** The revenue ceiling that it lies under; null while there is none, for prices on trial. */
    ceiling: documentId.nullable(),
    applies: z.union([z.strictObject({ dataset: documentId }), z.strictObject({ product: documentId })]),
    /** `any`, or the id of a scene. */
    scene: documentText,
    feeType: z.enum(FEE_TYPES),
    /** Whether the caps contain the tax. */
    taxInclusive: z.boolean(),
    from: documentInstant,
    to: documentInstant.nullable().default(null),
    caps: z
      .array(
        z.strictObject({
          basis: z.enum(BASES),
          /** Yuan for every `per` units. */
          maxUnitPrice: price,
          per: z.string().regex(/^10{0,12}$/),
          /** How many units are expected in a year. */
          projectedPerYear: quantity,
        }),
      )
      .min(1),
  })
  .superRefine(({ from, to, caps }, context) => {
    if (to !== null && Date.parse(to) <= Date.parse(from))
      context.addIssue({ ...fault('billing.field.endsBeforeStart'), path: ['to'] });
    for (const [index, { basis }] of caps.entries()) {
      if (caps.findIndex((other) => other.basis === basis) === index) continue;
      context.addIssue({ ...fault('price.cap.twice', { basis }), path: ['caps', index, 'basis'] });
    }
  });

const FORMS = {
  applies: '{ dataset: visits } | { product: P-0012 }',
  per: '1, 10, 100, … 1000000000000',
  date: '2026-01-31',
};

export type PriceCap = Readonly<z.output<typeof CAP>>;

/** Parses the document; Failure CONFIG that names the first field at fault. */
export function parsePriceCap(value: unknown): PriceCap {
  return parseDocument(CAP, value, FORMS);
}

/** Every field at fault of the document. */
export function findPriceCapFaults(value: unknown): readonly Sentence[] {
  return findDocumentFaults(CAP, value, FORMS);
}

/** Whether a cap binds a card: the same data or product and fee, and a scene that both are about. */
export function bindsCard(cap: PriceSubject, card: PriceSubject): boolean {
  const sceneMeets = cap.scene === card.scene || cap.scene === 'any' || card.scene === 'any';
  return sceneMeets && cap.feeType === card.feeType && nameOf(cap) === nameOf(card);
}

/** `dataset visits` or `product P-0012`. */
function nameOf({ applies }: PriceSubject): string {
  return Object.entries(applies).flat().join(' ');
}

/** A charge above a cap, or without one. */
export interface CapBreach {
  readonly basis: Basis;
  /** The price and the quantity it is for, as the card has them. */
  readonly price: string;
  readonly per: string;
  /** The same of the cap; null where it has none for this quantity. */
  readonly most: { readonly price: string; readonly per: string } | null;
}

/** Where a card does not keep to a cap that binds it; null: nowhere. */
export function findCapBreach(card: Pick<RateCard, 'charges' | 'tax'>, cap: PriceCap): CapBreach | null {
  for (const charge of card.charges) {
    const asked = dearestOf(charge);
    if (asked === null) continue;
    const limit = cap.caps.find(({ basis }) => basis === charge.basis);
    const breach = { basis: charge.basis, price: asked.price, per: asked.per };
    if (limit === undefined) return { ...breach, most: null };
    const most = { price: limit.maxUnitPrice, per: limit.per };
    if (isDearer(asked, most, taxRatio(card.tax, cap.taxInclusive))) return { ...breach, most };
  }
  return null;
}

interface UnitPrice {
  readonly price: string;
  readonly per: string;
}

/** What a unit costs at most; null where it is free. */
function dearestOf(charge: Charge): UnitPrice | null {
  const { per, prices } = pricesOf(charge);
  const [dearest] = prices.toSorted((one, other) => (nanoOf(one) < nanoOf(other) ? 1 : -1));
  if (dearest === undefined) return null;
  return { price: dearest, per: charge.model === 'package' ? charge.size : per };
}

/** What a card's price is multiplied by to stand as the cap does: with the tax, or without. */
function taxRatio(
  { rateBasisPoints, inclusive }: RateCard['tax'],
  capInclusive: boolean,
): readonly [by: bigint, over: bigint] {
  const whole = 10_000n;
  const taxed = whole + BigInt(rateBasisPoints);
  if (inclusive === capInclusive) return [1n, 1n];
  return capInclusive ? [taxed, whole] : [whole, taxed];
}

function isDearer(asked: UnitPrice, most: UnitPrice, [by, over]: readonly [bigint, bigint]): boolean {
  return nanoOf(asked.price) * by * BigInt(most.per) > nanoOf(most.price) * over * BigInt(asked.per);
}

/** Decimals of projected revenue in yuan: of a price, and of the largest `per`. */
const PROJECTED_PLACES = PRICE_PLACES + PER_PLACES;

/** What the caps would bring in a year if everything projected were sold at them, rounded up to the fen. */
export function projectedFen(caps: readonly PriceCap[]): bigint {
  const units = caps
    .flatMap((cap) => cap.caps)
    .reduce((sum, { maxUnitPrice, per, projectedPerYear }) => {
      const zeros = BigInt(PER_PLACES - (per.length - 1));
      return sum + nanoOf(maxUnitPrice) * BigInt(projectedPerYear) * 10n ** zeros;
    }, 0n);
  const fen = 10n ** BigInt(PROJECTED_PLACES - 2);
  return (units + fen - 1n) / fen;
}

function nanoOf(yuan: string): bigint {
  return unitsOf(yuan, PRICE_PLACES);
}
