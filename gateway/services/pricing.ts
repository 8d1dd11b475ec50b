/**
 * Pricing: what a run costs at most, by the rate cards, caps and agreements in force, before it runs.
 *
 * Guarantee: a price is a function of request, grant and published documents, never of data. It is made by what is in
 * force as the caller's transaction sees it: documents are kept in memory under the number of approvals and withdrawals
 * there have been, which is read anew each time, and whatever changes what is in force changes that number. A price above
 * a cap in force is refused, not lowered.
 * Not covered: monthly fees for seats, which no single run costs.
 */
import type { Channel } from '#policies/grant.ts';
import { isPurpose, type PurposeClass, purposeClass } from '#policies/purpose.ts';
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { DatasetOrigin } from '#sandbox/manifest/dataset.ts';
import type { BillingFacts, Contribution, DocumentRef } from '../billing/facts.ts';
import { bindsCard, parsePriceCap, type PriceCap } from '../billing/price-cap.ts';
import { breachSentence, type Standing } from '../billing/price-rules.ts';
import { type PriceAsk, quotedOf } from '../billing/price.ts';
import { type Card, parseRateCard, type RateCard } from '../billing/rate-card.ts';
import type { RunPrice } from '../storage/admission.ts';
import type { Database, Tx } from '../storage/database.ts';
import { type FiledDocument, listDocuments, stampOf } from '../storage/documents.ts';
import type { PlannedUsage } from '../storage/tables/jobs.ts';
import { type Agreement, parseAgreement } from '../billing/agreement.ts';

/** What a price depends on beside its planned quantities. */
export interface PricedUse {
  /** The organisation that pays. */
  readonly buyer: string;
  readonly purpose: string;
  readonly scene: string;
  readonly channel: Channel;
  readonly costCentre: string | null;
  readonly dataset: { readonly name: string; readonly origin: DatasetOrigin };
  readonly product: DocumentRef | null;
  /** The id of the agreement that the grant rests on; it need not be filed. */
  readonly agreement: string;
  readonly at: Date;
}

/** A price, and the cards it was made by. */
export interface PricedRun extends RunPrice {
  readonly cards: readonly Card[];
}

/** A wording with its body read, and the moments between which it is in force. */
type InForce<Body> = Standing<Body> & { readonly revision: number };

/** Everything that was ever approved, as long as nothing was approved or withdrawn since. */
interface Documents {
  readonly stamp: string;
  readonly cards: readonly InForce<RateCard>[];
  readonly caps: readonly InForce<PriceCap>[];
  readonly agreements: readonly InForce<Agreement>[];
}

const KNOWN = new WeakMap<Database, Documents>();

/**
 * The price of a run of these planned quantities. `tx` is what sees the documents, a transaction of `db` or itself.
 * Refusal PRICE for a card above a cap in force, PURPOSE_NOT_GRANTED for a purpose that is none.
 */
export async function priceRun(
  { db, tx }: { readonly db: Database; readonly tx: Tx },
  use: PricedUse,
  planned: PlannedUsage,
): Promise<PricedRun> {
  const documents = await documentsOf(db, tx);
  const cards = inForce(documents.cards, use.at);
  const price = quotedOf({ ...askOf(use), cards, planned });
  const cardsOf = (fees: typeof price.fees) =>
    cards.filter((card) => fees.some(({ card: ref }) => isWording(card, ref)));
  const charging = price.fees.filter(({ zeroReason }) => zeroReason === null);
  checkCaps(cardsOf(charging), inForce(documents.caps, use.at), use.scene);
  const agreement = inForce(documents.agreements, use.at).find(({ id }) => id === use.agreement);
  return {
    billing: { ...factsOf(use, agreement), fees: price.fees },
    quoted: price.quoted,
    spendNano: String(price.spendNano),
    cards: cardsOf(price.fees),
  };
}

function isWording({ id, revision }: DocumentRef, other: DocumentRef | null): boolean {
  return other !== null && other.id === id && other.revision === revision;
}

async function documentsOf(db: Database, tx: Tx): Promise<Documents> {
  const stamp = await stampOf(tx);
  const known = KNOWN.get(db);
  if (known?.stamp === stamp) return known;
  // What is approved in between is read as well, under the older number: the next look reads again.
  const documents = {
    stamp,
    cards: (await listDocuments(tx, 'RateCard')).flatMap((document) => standing(document, parseRateCard)),
    caps: (await listDocuments(tx, 'PriceCap')).flatMap((document) => standing(document, parsePriceCap)),
    agreements: (await listDocuments(tx, 'Agreement')).flatMap((document) =>
      standing(document, parseAgreement),
    ),
  };
  KNOWN.set(db, documents);
  return documents;
}

/** A wording that was approved; one that was withdrawn was in force until then. */
function standing<Body>(document: FiledDocument, parse: (body: unknown) => Body): readonly InForce<Body>[] {
  const { kind, id, revision, effectiveFrom, effectiveTo, approvedAt, withdrawnAt } = document;
  if (approvedAt === null) return [];
  const ends = [effectiveTo, withdrawnAt].filter((end) => end !== null).map((end) => end.getTime());
  const to = ends.length === 0 ? null : new Date(Math.min(...ends));
  const name = `${kind}/${id}/${revision}`;
  return [{ name, id, revision, body: parse(document.body), from: effectiveFrom, to }];
}

function inForce<Body>(wordings: readonly InForce<Body>[], at: Date): readonly InForce<Body>[] {
  return wordings.filter(({ from, to }) => from <= at && (to === null || at < to));
}

function askOf({ at, buyer, purpose, channel, dataset, product, scene }: PricedUse): Omit<PriceAsk, 'cards'> {
  const { name, origin } = dataset;
  const target = { dataset: name, product: product?.id ?? null, scene };
  return { at, buyer, purposeClass: classOf(purpose), channel, origin, ...target };
}

function classOf(purpose: string): PurposeClass {
  if (isPurpose(purpose)) return purposeClass(purpose);
  throw new Refusal('PURPOSE_NOT_GRANTED', say('price.purposeUnknown', { asked: purpose.slice(0, 80) }));
}

/** A card that is about any scene is bound, in this one, by the caps of this one and of any. */
function checkCaps(
  cards: readonly InForce<RateCard>[],
  caps: readonly InForce<PriceCap>[],
  scene: string,
): void {
  for (const card of cards) {
    const priced = { ...card.body, scene };
    const binding = caps.filter((cap) => bindsCard(cap.body, priced));
    for (const cap of binding) {
      const breach = breachSentence(card, cap);
      if (breach !== null) throw new Refusal('PRICE', breach);
    }
  }
}

function factsOf(use: PricedUse, agreement: InForce<Agreement> | undefined): Omit<BillingFacts, 'fees'> {
  const { buyer, purpose, channel, costCentre, product, dataset } = use;
  return {
    buyer,
    purposeClass: classOf(purpose),
    channel,
    costCentre,
    product: product === null ? null : { id: product.id, revision: product.revision },
    agreement: agreement === undefined ? null : { id: agreement.id, revision: agreement.revision },
    contributions: contributionsOf(dataset.name, agreement),
  };
}

/** The parts in what the dataset earns, by the agreement. */
function contributionsOf(
  dataset: string,
  agreement: InForce<Agreement> | undefined,
): readonly Contribution[] {
  const found = agreement?.body.datasets.find((one) => one.dataset === dataset);
  return (found?.contributors ?? []).map(({ contributor, weight }) => ({
    dataset,
    contributor,
    weight,
  }));
}
