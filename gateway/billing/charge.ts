/**
 * What a charge of a rate card makes of a quantity: exact amounts, before anything is rounded.
 *
 * Guarantee: amounts are whole numbers of 10^-28 yuan. A price has 9 places, `per` 12, a discount 3 and a tax on top 4,
 * so that no step of the way divides.
 */
import { divideUp, unitsOf } from './decimal.ts';
import {
  AMOUNT_PLACES,
  type Charge,
  PER_PLACES,
  PRICE_PLACES,
  pricesOf,
  type RateCard,
} from './rate-card.ts';

/** Digits after the point of an amount before discount and tax. */
export const PART_PLACES = PRICE_PLACES + PER_PLACES;
const PER_MILLE = 1000n;
const BASIS_POINTS = 10_000n;
/** Digits after the point of an exact amount: four more than are kept, which a card that parses leaves zero. */
const EXACT_PLACES = AMOUNT_PLACES + 4;

/** A part of a quantity at one price. */
export interface ChargedPart {
  readonly quantity: bigint;
  /** Yuan for every `per` units, as in the card. */
  readonly unitPrice: string;
  readonly per: string;
  /** Before discount and tax, in units of 10^-21 yuan. */
  readonly amount: bigint;
}

/** The parts of a quantity by price, in the order of the card; none where it is free. */
export function partsOf(charge: Charge, quantity: bigint): readonly ChargedPart[] {
  switch (charge.model) {
    case 'unit':
      return [partOf(quantity, charge.unitPrice, charge.per)];
    case 'graduated':
      return graduated(charge, quantity);
    case 'volume': {
      const reached = charge.tiers.find(({ upTo }) => upTo === null || quantity <= BigInt(upTo));
      return reached === undefined ? [] : [partOf(quantity, reached.unitPrice, charge.per)];
    }
    case 'package':
      return [partOf(divideUp(quantity, BigInt(charge.size)), charge.unitPrice, '1')];
    case 'flat':
    case 'period':
      return [partOf(quantity, charge.unitPrice, '1')];
    case 'zero':
      return [];
  }
}

function graduated(
  { tiers, per }: Charge & { model: 'graduated' },
  quantity: bigint,
): readonly ChargedPart[] {
  let begin = 0n;
  return tiers.flatMap(({ upTo, unitPrice }) => {
    const end = upTo === null || quantity < BigInt(upTo) ? quantity : BigInt(upTo);
    const inTier = end - begin;
    begin = end;
    return inTier === 0n ? [] : [partOf(inTier, unitPrice, per)];
  });
}

function partOf(quantity: bigint, unitPrice: string, per: string): ChargedPart {
  const shift = 10n ** BigInt(PER_PLACES) / BigInt(per);
  return { quantity, unitPrice, per, amount: quantity * unitsOf(unitPrice, PRICE_PLACES) * shift };
}

/**
 * The most that a quantity can come to, in whatever parts and with whatever else it is rated: in tiers every unit at the
 * dearest price, of packages those that it alone would start. Units of 10^-21 yuan.
 */
export function mostOf(charge: Charge, quantity: bigint): bigint {
  if (charge.model !== 'graduated' && charge.model !== 'volume') return sumOf(partsOf(charge, quantity));
  const { per, prices } = pricesOf(charge);
  return prices
    .map((price) => partOf(quantity, price, per).amount)
    .reduce((most, amount) => (amount > most ? amount : most));
}

export function sumOf(parts: readonly ChargedPart[]): bigint {
  return parts.reduce((sum, { amount }) => sum + amount, 0n);
}

/** Discount and tax of a fee. */
export interface Terms {
  readonly discount: { readonly perMille: number } | null;
  readonly tax: RateCard['tax'];
}

/** What is to be paid for an amount before discount and tax (units of 10^-21 yuan), in units of 10^-28 yuan. */
function toPay(amount: bigint, { discount, tax }: Terms): bigint {
  const kept = PER_MILLE - BigInt(discount?.perMille ?? 0);
  return amount * kept * (BASIS_POINTS + (tax.inclusive ? 0n : BigInt(tax.rateBasisPoints)));
}

/** The same with the places that amounts are kept with: exact, because a card with more does not parse. */
export function preciseOf(amount: bigint, terms: Terms): bigint {
  const exact = toPay(amount, terms);
  if (exact % BASIS_POINTS !== 0n) throw new RangeError('an amount has more places than are kept');
  return exact / BASIS_POINTS;
}

/** The same in whole billionths of a yuan, rounded up. */
export function nanoOf(amount: bigint, terms: Terms): bigint {
  return divideUp(toPay(amount, terms), 10n ** BigInt(EXACT_PLACES - 9));
}
