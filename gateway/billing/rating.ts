/**
 * Rating: what a month's usage that is charged together comes to.
 *
 * Guarantee: a pure function of the group and its rate card; the same input gives the same bytes (`ratedText`). An amount
 * is exact until it is rounded, once for each line: to whole fen, a half away from zero. The tax is a part of the rounded
 * amount and the net amount is the rest, so that both always add up. No line comes to more than its runs were quoted.
 * Not covered: which card was in force (it is a fact of the usage), caps, and who is paid (split.ts).
 */
import { evidenceJson, sha256Hex } from '#crypto/canonical.ts';
import { type Sentence, render, say } from '#policies/words.ts';

import { yuan, yuanOfNano } from './amount-in-words.ts';
import { type ChargedPart, PART_PLACES, partsOf, preciseOf, sumOf } from './charge.ts';
import { decimalText, divideHalfUp, divideUp, shortDecimalText } from './decimal.ts';
import type { DocumentRef, FeeFacts, ZeroReason } from './facts.ts';
import { wholeOf } from './quantity.ts';
import { AMOUNT_PLACES, type Card, type Charge, QUANTITY_MAX, type RateCard } from './rate-card.ts';
import { familyIdOf, keyOf, type UsageGroup, type UsageKey } from './usage-group.ts';

/** Changes when the same input would be rated otherwise. */
const RATING_VERSION = 1;
const FEN_PLACES = 2;
const NANO_OF_FEN = 10n ** 7n;
const BASIS_POINTS = 10_000n;

/** A part of the quantity at one price, before discount and tax. */
export interface RatedPart {
  readonly quantity: string;
  /** Yuan for every `per` units. */
  readonly unitPrice: string;
  readonly per: string;
  /** Yuan, exact. */
  readonly amount: string;
}

export interface RatedGroup {
  readonly familyId: string;
  /** SHA-256 (hex) of the canonical JSON of what was rated. */
  readonly inputsDigest: string;
  readonly key: UsageKey;
  /** Null where the fee is free whatever a card says. */
  readonly card: DocumentRef | null;
  readonly model: Charge['model'];
  readonly events: bigint;
  readonly quantity: bigint;
  /** Its working: the price of each part of the quantity. */
  readonly parts: readonly RatedPart[];
  /** Where all of it has one price: yuan for every `per` units, as in the card; else null. */
  readonly unitPrice: string | null;
  readonly discount: FeeFacts['discount'];
  readonly tax: RateCard['tax'] | null;
  readonly zeroReason: ZeroReason | null;
  /** Yuan with 24 places: exact, with discount and tax. */
  readonly amountPrecise: string;
  /** What is to be paid. */
  readonly amountFen: bigint;
  /** The part of it that is tax, and the rest. */
  readonly taxFen: bigint;
  readonly netFen: bigint;
  readonly quotedNano: bigint;
}

/** A line that would come to more than its buyer was quoted. */
export class AboveQuote extends Error {
  readonly sentence: Sentence;

  constructor(sentence: Sentence) {
    super(render(sentence, 'en'));
    this.name = 'AboveQuote';
    this.sentence = sentence;
  }
}

/**
 * Rates a group by the card that its facts name; `card` is null where they name none. Another card, or none where one is
 * needed, is a programmer's error (RangeError). UsageFault when the group's quantity is too large; AboveQuote.
 */
export function rateGroup(group: UsageGroup, card: Card | null): RatedGroup {
  const usage = familyIdOf(group);
  for (const name of ['events', 'quantity'] as const)
    wholeOf(String(group[name]), { usage, name, max: QUANTITY_MAX });
  const fee = feeOf(group);
  const free = fee.zeroReason ?? (group.outcome === 'failed' && !fee.billsFailed ? 'failed_run' : null);
  const used = free === null ? demandCard(fee, card) : null;
  const charge = used?.body.charges.find(({ basis }) => basis === group.basis);
  const priced = charge !== undefined && charge.model !== 'zero';
  const rated: RatedGroup = {
    familyId: usage,
    inputsDigest: inputsDigestOf(group, used),
    key: keyOf(group),
    card: used === null ? null : { id: used.id, revision: used.revision },
    model: charge?.model ?? 'zero',
    events: group.events,
    quantity: group.quantity,
    discount: used === null ? null : fee.discount,
    tax: used?.body.tax ?? null,
    zeroReason: priced ? null : (free ?? 'zero_price'),
    quotedNano: group.quotedNano,
    ...amountsOf(charge === undefined ? [] : partsOf(charge, group.quantity), {
      discount: fee.discount,
      tax: used?.body.tax ?? NO_TAX,
    }),
  };
  checkQuote(rated);
  return rated;
}

const NO_TAX: RateCard['tax'] = { rateBasisPoints: 0, inclusive: true };

function feeOf({ billing, feeType }: UsageKey): FeeFacts {
  const fee = billing.fees.find((fee) => fee.feeType === feeType);
  if (fee === undefined) throw new RangeError('facts of billing hold both fees');
  return fee;
}

function demandCard(fee: FeeFacts, card: Card | null): Card {
  if (card === null || card.id !== fee.card?.id || card.revision !== fee.card.revision)
    throw new RangeError('usage is rated by the rate card that its facts name');
  return card;
}

type Amounts = Pick<RatedGroup, 'parts' | 'unitPrice' | 'amountPrecise' | 'amountFen' | 'taxFen' | 'netFen'>;

/** The one place where money is rounded. */
function amountsOf(
  parts: readonly ChargedPart[],
  terms: { readonly discount: FeeFacts['discount']; readonly tax: RateCard['tax'] },
): Amounts {
  const precise = preciseOf(sumOf(parts), terms);
  const amountFen = divideHalfUp(precise, 10n ** BigInt(AMOUNT_PLACES - FEN_PLACES));
  const rate = BigInt(terms.tax.rateBasisPoints);
  const taxFen = divideHalfUp(amountFen * rate, BASIS_POINTS + rate);
  const [first] = parts;
  return {
    parts: parts.map(({ quantity, unitPrice, per, amount }) => ({
      quantity: String(quantity),
      unitPrice,
      per,
      amount: shortDecimalText(amount, PART_PLACES, FEN_PLACES),
    })),
    unitPrice: first !== undefined && parts.length === 1 ? first.unitPrice : null,
    amountPrecise: decimalText(precise, AMOUNT_PLACES),
    amountFen,
    taxFen,
    netFen: amountFen - taxFen,
  };
}

function checkQuote({ key, amountFen, quotedNano }: RatedGroup): void {
  if (amountFen <= divideUp(quotedNano, NANO_OF_FEN)) return;
  const { feeType, basis, grant, period } = key;
  const amounts = { amount: yuan(amountFen), quoted: yuanOfNano(quotedNano) };
  throw new AboveQuote(say('billing.aboveQuote', { feeType, basis, grant, period, ...amounts }));
}

function inputsDigestOf(group: UsageGroup, card: Card | null): string {
  const inputs = {
    version: RATING_VERSION,
    key: keyOf(group),
    events: String(group.events),
    quantity: String(group.quantity),
    quotedNano: String(group.quotedNano),
    card: card === null ? null : { id: card.id, revision: card.revision, body: card.body },
  };
  return sha256Hex(evidenceJson(inputs));
}

/** The canonical text of a rated group, amounts as decimal text: rating the same again gives the same bytes. */
export function ratedText(rated: RatedGroup): string {
  const members = Object.entries(rated).map(([name, value]) => [
    name,
    typeof value === 'bigint' ? String(value) : value,
  ]);
  return evidenceJson(Object.fromEntries(members));
}
