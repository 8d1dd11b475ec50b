/**
 * The price of a quote, item by item, as it is shown: both fees, their cards, unit prices, quantities and what each may
 * come to; why it is free or cheaper where it is; and what is not paid for.
 *
 * Guarantee: no amount is a float. The most in fen is the sum of the items, each rounded up: a bill rounds each line
 * once, to the nearest fen, and so never comes to more.
 */
import { type Language, render, say, type Sentence } from '#policies/words.ts';
import { yuan, yuanOfNano } from '../billing/amount-in-words.ts';
import { decimalText, divideUp } from '../billing/decimal.ts';
import type { FeeFacts, Quoted } from '../billing/facts.ts';
import { priceStateLabel } from '../billing/price-rules.ts';
import type { Card, Charge } from '../billing/rate-card.ts';
import type { PlannedUsage } from '../storage/tables/jobs.ts';
import type { PricedRun } from './pricing.ts';

const NANO_PER_FEN = 10_000_000n;

/** The most that a job is billed, in fen. */
export function mostFen(quoted: Quoted): bigint {
  return Object.values(quoted).reduce((sum, nano) => sum + fenOf(nano), 0n);
}

function fenOf(nano: string): bigint {
  return divideUp(BigInt(nano), NANO_PER_FEN);
}

/** The price as a resource. Amounts are yuan as exact decimal text, and whole fen. */
export function priceShown(
  { billing, quoted, spendNano, cards }: PricedRun,
  planned: PlannedUsage,
  language: Language,
): object {
  const shown = (sentence: Sentence): string => render(sentence, language);
  const fen = mostFen(quoted);
  return {
    currency: 'CNY',
    amountFen: String(fen),
    amount: yuan(fen),
    exact: yuanOfNano(BigInt(spendNano)),
    note: shown(say('quote.price.note')),
    fees: billing.fees.map((fee) => feeShown(fee, { card: cardOf(fee, cards), quoted, planned }, language)),
    agreement: billing.agreement,
    otherwise: { money: endsText(billing.fees, language), privacy: shown(say('quote.endsPrivacy')) },
  };
}

/** What a refused or failed request costs. */
function endsText(fees: readonly FeeFacts[], language: Language): string {
  const billed = fees.filter(({ billsFailed, zeroReason }) => billsFailed && zeroReason === null);
  if (billed.length === 0) return render(say('quote.endsFree'), language);
  const names = billed.map(({ feeType }) => render(say(`quote.feeType.${feeType}`), language));
  return render(say('quote.endsBilled', { fees: names.join(', ') }), language);
}

function cardOf({ card }: FeeFacts, cards: readonly Card[]): Card | null {
  return cards.find(({ id, revision }) => id === card?.id && revision === card.revision) ?? null;
}

interface FeeParts {
  readonly card: Card | null;
  readonly quoted: Quoted;
  readonly planned: PlannedUsage;
}

function feeShown(fee: FeeFacts, { card, quoted, planned }: FeeParts, language: Language): object {
  const shown = (sentence: Sentence): string => render(sentence, language);
  const { feeType, zeroReason, discount } = fee;
  return {
    feeType,
    title: shown(say(`quote.feeType.${feeType}`)),
    card: fee.card,
    payee: card?.body.payee ?? null,
    priceSource: card?.body.priceSource ?? null,
    guidanceDocument: card?.body.guidanceDocument ?? null,
    state: card?.body.state ?? null,
    stateText: card === null ? null : shown(priceStateLabel(card.body.state)),
    zeroReason,
    zeroText: zeroReason === null ? null : shown(say(`quote.zero.${zeroReason}`)),
    discount,
    discountText: discount === null ? null : shown(say(`quote.discount.${discount.reason}`)),
    tax: card?.body.tax ?? null,
    taxText: card === null ? null : shown(taxText(card)),
    charges: Object.entries(quoted)
      .filter(([key]) => key.startsWith(`${feeType}/`))
      .map(([key, nano]) => {
        const basis = key.slice(feeType.length + 1);
        const charge = card?.body.charges.find((one) => one.basis === basis) ?? null;
        return { basis, ...termsOf(zeroReason === null ? charge : null), ...amountsOf(planned[basis], nano) };
      }),
    perMonth: zeroReason === null ? perMonthOf(card, language) : [],
  };
}

/** Units of which a basis point is one have two decimal places of a per cent. */
function taxText({ body: { tax } }: Card): Sentence {
  const percent = decimalText(BigInt(tax.rateBasisPoints), 2);
  return say(tax.inclusive ? 'quote.tax.inclusive' : 'quote.tax.exclusive', { percent });
}

/** How it is charged; a fee without a card is free. */
function termsOf(charge: Charge | null): object {
  if (charge === null || charge.model === 'zero') return { model: 'zero', per: null, prices: [] };
  const { model } = charge;
  if (model === 'graduated' || model === 'volume') {
    const prices = charge.tiers.map(({ upTo, unitPrice }) => ({ upTo, unitPrice }));
    return { model, per: charge.per, prices };
  }
  const per = model === 'unit' ? charge.per : model === 'package' ? charge.size : '1';
  return { model, per, prices: [{ upTo: null, unitPrice: charge.unitPrice }] };
}

function amountsOf(quantity: string | undefined, nano: string): object {
  return { quantity: quantity ?? '0', amount: yuanOfNano(BigInt(nano)), amountFen: String(fenOf(nano)) };
}

/** Fees of the grant's months, which no run costs. */
function perMonthOf(card: Card | null, language: Language): readonly string[] {
  return (card?.body.charges ?? []).flatMap((charge) =>
    charge.model === 'period' ? [render(say('quote.perMonth', { price: charge.unitPrice }), language)] : [],
  );
}
