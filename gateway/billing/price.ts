/**
 * The price of a run before it runs: which fees it has, which of them are free and why, and the most each can come to.
 *
 * Guarantee: what is quoted is a function of request, grant, planned quantities and cards in force, never of data. The
 * sum of what the runs of a period were quoted is never below what the period is rated at, for every model of price and
 * however its usage is divided into runs: whoever counts the quotes against a cap of money counts enough.
 */
import type { Channel } from '#policies/grant.ts';
import type { PurposeClass } from '#policies/purpose.ts';
import type { DatasetOrigin } from '#sandbox/manifest/dataset.ts';

import { mostOf, nanoOf } from './charge.ts';
import { type ChargeKey, FEE_TYPES, type FeeFacts, type FeeType, type ZeroReason } from './facts.ts';
import { quantityOf } from './quantity.ts';
import { type Card, cardFor } from './rate-card.ts';

/** What the price of a run depends on, beside its planned quantities. */
export interface PriceAsk {
  /** When it is asked: which discounts have not run out. */
  readonly at: Date;
  /** The organisation that pays. */
  readonly buyer: string;
  readonly purposeClass: PurposeClass;
  readonly channel: Channel;
  /** Of the dataset. */
  readonly origin: DatasetOrigin;
  readonly dataset: string;
  /** The id of the product that is called; null for a query of the buyer's own. */
  readonly product: string | null;
  readonly scene: string | null;
  /** All cards in force at that time. */
  readonly cards: readonly Card[];
}

/** The same, with the planned quantities: decimal text of whole numbers, by name. */
export interface QuoteAsk extends PriceAsk {
  readonly planned: Readonly<Record<string, string>>;
}

export interface Price {
  /** One for each fee type, in their order. */
  readonly fees: readonly FeeFacts[];
  /** The most each charge can come to, in whole billionths of a yuan, as decimal text. */
  readonly quoted: Readonly<Partial<Record<ChargeKey, string>>>;
  /** Their sum. */
  readonly spendNano: bigint;
}

/**
 * The price of a run. A quantity that a card charges by and the plan lacks, or that is no whole number, is refused:
 * UsageFault.
 */
export function quotedOf({ planned, ...ask }: QuoteAsk): Price {
  const fees = feesOf(ask);
  const charges = fees.flatMap((fee) => quotedCharges(fee, cardOf(ask, fee.feeType), planned));
  return {
    fees,
    quoted: Object.fromEntries(charges.map(({ key, nano }) => [key, String(nano)])),
    spendNano: charges.reduce((sum, { nano }) => sum + nano, 0n),
  };
}

/** How each fee is priced: which card, why it is free if it is, and the buyer's discount. */
export function feesOf(ask: PriceAsk): readonly FeeFacts[] {
  return FEE_TYPES.map((feeType) => {
    const card = cardOf(ask, feeType);
    return {
      feeType,
      card: card === null ? null : { id: card.id, revision: card.revision },
      zeroReason: ruleOf(ask) ?? (card === null ? 'no_rate_card' : null),
      discount: card === null ? null : discountOf(card, ask),
      billsFailed: card?.body.bills.failed ?? false,
    };
  });
}

/** Why a use is free by law, whatever a card says; null: it is not. */
function ruleOf({ channel, origin, purposeClass }: PriceAsk): ZeroReason | null {
  if (channel === 'open') return 'open_channel';
  return origin === 'public' && purposeClass === 'governance_welfare' ? 'public_welfare' : null;
}

function cardOf({ cards, dataset, product, scene }: PriceAsk, feeType: FeeType): Card | null {
  return cardFor(cards, { dataset, product, scene, feeType });
}

function discountOf({ body }: Card, { buyer, at }: PriceAsk): FeeFacts['discount'] {
  const found = body.discounts.find(({ buyers, until }) => buyers.includes(buyer) && at < new Date(until));
  return found === undefined ? null : { reason: found.reason, perMille: found.perMille };
}

interface QuotedCharge {
  readonly key: ChargeKey;
  readonly nano: bigint;
}

function quotedCharges(
  { feeType, zeroReason, discount }: FeeFacts,
  card: Card | null,
  planned: Readonly<Record<string, string>>,
): readonly QuotedCharge[] {
  const charges =
    zeroReason === null ? (card?.body.charges ?? []).filter(({ basis }) => basis !== 'seats') : [];
  // What is free stands on a line as well, by its calls.
  if (card === null || charges.length === 0) return [{ key: `${feeType}/calls`, nano: 0n }];
  const terms = { discount, tax: card.body.tax };
  return charges.map((charge) => {
    const quantity = quantityOf(planned, charge.basis, 'planned');
    return { key: `${feeType}/${charge.basis}` as const, nano: nanoOf(mostOf(charge, quantity), terms) };
  });
}
