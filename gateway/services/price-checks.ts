/**
 * What rate cards, caps and revenue ceilings must keep to before they are approved, read from what is filed and recorded.
 *
 * Guarantee: the three levels are held against each other one approval at a time, so that two that are approved at once
 * cannot both miss each other. A refusal names the document, the figure and the rule; a warning refuses nothing.
 * Not covered: what a document may say by itself; its schema says that (billing/).
 */
import { Refusal } from '#policies/refusal.ts';
import { type Sentence, say } from '#policies/words.ts';
import { itemsAboveLedger } from '../billing/cost-ledger.ts';
import { decimalText, unitsOf } from '../billing/decimal.ts';
import { carryOverOf, type CarryOver } from '../billing/deviation.ts';
import { periodBounds, periodOf } from '../billing/period.ts';
import { bindsCard, type PriceCap, projectedFen } from '../billing/price-cap.ts';
import {
  breachSentence,
  findCapFault,
  findRegimeFault,
  findStateFault,
  findSubjectFault,
  overlap,
  type Standing,
} from '../billing/price-rules.ts';
import type { RateCard } from '../billing/rate-card.ts';
import {
  coversYear,
  cycleDeductionFen,
  permittedFen,
  type RevenueCeiling,
  yearsOf,
} from '../billing/revenue-ceiling.ts';
import type { Tx } from '../storage/database.ts';
import { type FiledDocument, listDocuments } from '../storage/documents.ts';
import { sumCosts } from '../storage/price-ledger.ts';
import { lockPrices, revenueOf } from '../storage/price-revenue.ts';
import { originsOf } from './price-data.ts';

type PriceKind = 'RateCard' | 'PriceCap' | 'RevenueCeiling';

/** Checks a wording that is to be approved, inside the transaction that approves it. Refusal PARAM. */
export async function checkPrice(tx: Tx, document: FiledDocument, timeZone: string): Promise<void> {
  await lockPrices(tx);
  const fault = await findFault(tx, document, timeZone);
  if (fault !== null) throw new Refusal('PARAM', fault);
}

async function findFault(tx: Tx, document: FiledDocument, timeZone: string): Promise<Sentence | null> {
  if (document.kind === 'RateCard') return findCardFault(tx, standingOf<RateCard>(document));
  if (document.kind === 'PriceCap') return findCapDocumentFault(tx, standingOf<PriceCap>(document), timeZone);
  return findCeilingFault(tx, standingOf<RevenueCeiling>(document));
}

async function findCardFault(tx: Tx, asked: Standing<RateCard>): Promise<Sentence | null> {
  const others = await standings<RateCard>(tx, 'RateCard');
  const { applies } = asked.body;
  const name = 'dataset' in applies ? applies.dataset : applies.product;
  return (
    findSubjectFault(asked, others, 'price.card.overlap') ??
    findRegimeFault(asked, { name, origins: await originsOf(tx, applies) }) ??
    findStateFault(asked, others) ??
    findCapFault(asked, await standings<PriceCap>(tx, 'PriceCap'))
  );
}

async function findCapDocumentFault(
  tx: Tx,
  asked: Standing<PriceCap>,
  timeZone: string,
): Promise<Sentence | null> {
  const found = findSubjectFault(asked, await standings<PriceCap>(tx, 'PriceCap'), 'price.cap.overlap');
  const { ceiling } = asked.body;
  if (found !== null || ceiling === null) return found;
  const year = yearOf(asked.from, timeZone);
  if (ceilingOfYear(await ceilingsOf(tx, ceiling), year) !== null) return null;
  return say('price.cap.ceilingUnknown', { document: asked.name, ceiling, year });
}

async function findCeilingFault(tx: Tx, asked: Standing<RevenueCeiling>): Promise<Sentence | null> {
  const earlier = await ceilingsOf(tx, asked.id);
  const { cycle, carryOver } = asked.body;
  const last = earlier.at(-1)?.body;
  const isSame = last?.cycle.from === cycle.from && last.cycle.to === cycle.to;
  if (last !== undefined && !isSame && cycle.from <= last.cycle.to) {
    const before = `${last.cycle.from}–${last.cycle.to}`;
    return say('price.ceiling.order', { document: asked.name, from: cycle.from, before });
  }
  const recorded = (await balanceBefore(tx, earlier, cycle.from))?.closingFen ?? 0n;
  if (unitsOf(carryOver.opening, 2) < recorded) {
    const figures = {
      stated: decimalText(unitsOf(carryOver.opening, 2), 2),
      recorded: decimalText(recorded, 2),
    };
    return say('price.ceiling.opening', { document: asked.name, ...figures });
  }
  return findCostFault(tx, asked);
}

/** Costs are held against the ledger of the year that was surveyed, where it has one. */
async function findCostFault(tx: Tx, { name, body }: Standing<RevenueCeiling>): Promise<Sentence | null> {
  const year = body.inputs.surveyYear;
  const sums = await ledgerSums(tx, year);
  if (sums.length === 0) return null;
  const surveyed = body.inputs.costs.map(({ item, amount }) => ({ item, amountFen: unitsOf(amount, 2) }));
  const [above] = itemsAboveLedger(surveyed, sums);
  if (above === undefined) return null;
  const figures = { stated: decimalText(above.statedFen, 2), recorded: decimalText(above.recordedFen, 2) };
  return say('price.ceiling.costs', { document: name, item: above.item, year, ...figures });
}

/** The sums of the ledger of a year, in fen. */
export async function ledgerSums(tx: Tx, year: number) {
  return (await sumCosts(tx, year)).map((sum) => ({ ...sum, amountFen: BigInt(sum.amountFen) }));
}

/** What to think about before this wording is approved; nothing of it refuses. */
export async function priceWarnings(
  tx: Tx,
  document: FiledDocument,
  timeZone: string,
): Promise<readonly Sentence[]> {
  if (document.kind === 'PriceCap') {
    const asked = standingOf<PriceCap>(document);
    return [...(await projectionWarnings(tx, { cap: asked }, timeZone)), ...(await cardsAbove(tx, asked))];
  }
  if (document.kind !== 'RevenueCeiling') return [];
  const asked = standingOf<RevenueCeiling>(document);
  const year = asked.body.inputs.surveyYear;
  const isUnheld = (await sumCosts(tx, year)).length === 0;
  return [
    ...(isUnheld ? [say('price.ceiling.noLedger', { year })] : []),
    ...(await projectionWarnings(tx, { ceiling: asked }, timeZone)),
  ];
}

async function cardsAbove(tx: Tx, cap: Standing<PriceCap>): Promise<readonly Sentence[]> {
  const cards = await standings<RateCard>(tx, 'RateCard');
  return cards
    .filter((card) => bindsCard(cap.body, card.body) && overlap(card, cap))
    .filter((card) => breachSentence(card, cap) !== null)
    .map((card) => say('price.cap.cardAbove', { card: card.name }));
}

/** Years in which the caps under one ceiling would bring more than it permits, one of them being this new wording. */
async function projectionWarnings(
  tx: Tx,
  asked: { readonly cap: Standing<PriceCap> } | { readonly ceiling: Standing<RevenueCeiling> },
  timeZone: string,
): Promise<readonly Sentence[]> {
  const id = 'cap' in asked ? asked.cap.body.ceiling : asked.ceiling.id;
  if (id === null) return [];
  const filed = (await standings<PriceCap>(tx, 'PriceCap')).filter(({ body }) => body.ceiling === id);
  const caps = 'cap' in asked ? withNew(filed, asked.cap) : filed;
  const ceilings = [...(await ceilingsOf(tx, id)), ...('ceiling' in asked ? [asked.ceiling] : [])];
  const { from, to } = 'cap' in asked ? asked.cap : asked.ceiling;
  const years = ceilings.flatMap(({ body }) => yearsOf(body));
  const begins = years.map((year) => periodBounds(`${year}-01`, timeZone).from);
  const moments = [from, ...begins, ...caps.map((cap) => cap.from)].filter(
    (at) => at >= from && (to === null || at < to),
  );
  const found = new Map<number, Sentence>();
  for (const at of moments) {
    const year = yearOf(at, timeZone);
    const ceiling = ceilingOfYear(ceilings, year);
    const inForce = caps.filter((cap) => cap.from <= at && (cap.to === null || at < cap.to));
    const projected = projectedFen(inForce.map(({ body }) => body));
    if (ceiling === null || projected <= permittedFen(ceiling, year)) continue;
    const figures = {
      projected: decimalText(projected, 2),
      permitted: decimalText(permittedFen(ceiling, year), 2),
    };
    found.set(year, say('price.cap.projected', { ceiling: id, year, ...figures }));
  }
  return [...found.values()];
}

/** The wordings that are left beside a new one: it ends what is in force of its own id, and replaces what is filed of it. */
function withNew(
  caps: readonly Standing<PriceCap>[],
  asked: Standing<PriceCap>,
): readonly Standing<PriceCap>[] {
  const others = caps
    .filter(({ name }) => name !== asked.name)
    .map((cap) =>
      cap.id === asked.id && (cap.to === null || cap.to > asked.from) ? { ...cap, to: asked.from } : cap,
    );
  return [...others, asked];
}

/** What is carried out of the cycle before a year; null: there is none. */
async function balanceBefore(
  tx: Tx,
  ceilings: readonly Standing<RevenueCeiling>[],
  year: number,
): Promise<CarryOver | null> {
  const last = ceilings.findLast(({ body }) => body.cycle.to < year);
  return last === undefined ? null : balanceOf(tx, last.body);
}

/** The balance of a ceiling's cycle, by what is on statements so far. */
export async function balanceOf(tx: Tx, ceiling: RevenueCeiling): Promise<CarryOver> {
  const years = [];
  for (const year of yearsOf(ceiling)) {
    const revenue = await revenueOf(tx, { year, ...ceiling });
    years.push({ ceilingFen: permittedFen(ceiling, year), revenueFen: BigInt(revenue.countedFen) });
  }
  const openingFen = unitsOf(ceiling.carryOver.opening, 2);
  return carryOverOf({ openingFen, deductedFen: cycleDeductionFen(ceiling) }, years);
}

/** The approved wordings of a ceiling that were not withdrawn, oldest first. */
export async function ceilingsOf(tx: Tx, id: string): Promise<readonly Standing<RevenueCeiling>[]> {
  const documents = await listDocuments(tx, 'RevenueCeiling');
  return documents
    .filter((document) => document.id === id && stands(document))
    .map(standingOf<RevenueCeiling>);
}

/** The newest wording that covers a year; null: none does. */
export function ceilingOfYear(
  ceilings: readonly Standing<RevenueCeiling>[],
  year: number,
): RevenueCeiling | null {
  return ceilings.findLast(({ body }) => coversYear(body, year))?.body ?? null;
}

function yearOf(at: Date, timeZone: string): number {
  return Number(periodOf(at, timeZone).slice(0, 4));
}

function stands({ approvedAt, withdrawnAt }: FiledDocument): boolean {
  return approvedAt !== null && withdrawnAt === null;
}

/** The wordings of a kind that were approved and in force at some time, or will be. */
async function standings<Body>(tx: Tx, kind: PriceKind): Promise<readonly Standing<Body>[]> {
  const documents = await listDocuments(tx, kind);
  return documents
    .filter(({ approvedAt }) => approvedAt !== null)
    .map(standingOf<Body>)
    .filter(({ from, to }) => to === null || from < to);
}

/** A wording with the days on which it is in force: to its end, or to its withdrawal. */
export function standingOf<Body>(document: FiledDocument): Standing<Body> {
  const { kind, id, revision, effectiveFrom, effectiveTo, withdrawnAt } = document;
  const isCut = withdrawnAt !== null && (effectiveTo === null || withdrawnAt < effectiveTo);
  return {
    name: `${kind}/${id}/${revision}`,
    id,
    body: document.body as Body,
    from: effectiveFrom,
    to: isCut ? withdrawnAt : effectiveTo,
  };
}
