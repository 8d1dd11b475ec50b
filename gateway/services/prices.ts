/**
 * Prices: the public list with its history, deviations and their tasks, and the separate ledger.
 *
 * Guarantee: the public list is the same for everybody and holds what is published: guided prices of public data and
 * posted market prices. It never names a buyer, a price that was agreed with one, or what a product asks of its data. A
 * task is opened for a year that is over, once.
 * Not covered: who may call; the routes say.
 */
import { Refusal } from '#policies/refusal.ts';
import { type Language, render, type Sentence, say } from '#policies/words.ts';
import { instantText } from '#sandbox/release/zone.ts';
import { type CostEntries, costsByClass } from '../billing/cost-ledger.ts';
import { decimalText, unitsOf } from '../billing/decimal.ts';
import { type CarryOver, type Deviation, deviationOf } from '../billing/deviation.ts';
import { periodOf } from '../billing/period.ts';
import { priceStateLabel } from '../billing/price-rules.ts';
import type { Product } from '../billing/product.ts';
import type { RateCard } from '../billing/rate-card.ts';
import { permittedFen } from '../billing/revenue-ceiling.ts';
import type { Caller } from '../http/endpoint.ts';
import { FieldFaults } from '../problem.ts';
import type { Tx } from '../storage/database.ts';
import { findDataset } from '../storage/dataset-list.ts';
import { documentsInForce, type FiledDocument, listDocuments } from '../storage/documents.ts';
import { enterCost, hasCost, type KeptCost, listCosts, reverseCost } from '../storage/price-ledger.ts';
import { closeTask, listTasks, openTask, type PriceTask, revenueOf } from '../storage/price-revenue.ts';
import { notFound } from './permission.ts';
import { balanceOf, ceilingOfYear, ceilingsOf, ledgerSums } from './price-checks.ts';
import { originsOf } from './price-data.ts';
import type { Shell } from './shell.ts';

/** What is told of prices to everybody. */
export async function publicPrices(shell: Shell, language: Language): Promise<object> {
  const { db } = shell;
  const now = new Date(shell.now());
  const published = await publishedCards(db);
  const inForce = await documentsInForce(db, 'RateCard', now);
  const prices = inForce
    .filter((card) => published.some(({ digest }) => digest === card.digest))
    .map((card) => ({
      ...priceView(shell, card, language),
      history: published
        .filter(({ id }) => id === card.id)
        .map((wording) => historyView(shell, wording, language)),
    }));
  return {
    asOf: instantText(shell.now(), shell.timeZone),
    currency: 'CNY',
    products: await productViews(shell, now, prices),
    prices,
  };
}

/** The published wordings of every card, or of one, in force or not. HttpFault NOT_FOUND for one that has none. */
export async function priceHistory(shell: Shell, id: string | null, language: Language): Promise<object> {
  const wordings = (await publishedCards(shell.db)).filter((document) => id === null || document.id === id);
  if (id !== null && wordings.length === 0) throw notFound();
  const items = [...new Set(wordings.map((wording) => wording.id))].map((card) => ({
    id: card,
    history: wordings
      .filter((wording) => wording.id === card)
      .map((wording) => historyView(shell, wording, language)),
  }));
  return { items };
}

/** Approved wordings that everybody is told: guided or posted on the market, of data that are there. */
async function publishedCards(tx: Tx): Promise<readonly FiledDocument[]> {
  const published = [];
  for (const document of await listDocuments(tx, 'RateCard')) {
    const { priceSource, applies } = cardOf(document);
    const isPosted = document.approvedAt !== null && (priceSource === 'guided' || priceSource === 'market');
    if (isPosted && (await isThere(tx, applies))) published.push(document);
  }
  return published;
}

async function isThere(tx: Tx, applies: RateCard['applies']): Promise<boolean> {
  if ('product' in applies) return true;
  const dataset = await findDataset(tx, applies.dataset);
  return dataset !== null && dataset.state !== 'withdrawn';
}

function cardOf({ body }: FiledDocument): RateCard {
  return body as RateCard;
}

function priceView(shell: Shell, document: FiledDocument, language: Language) {
  const { id, title, applies, scene, feeType, priceSource, guidanceDocument, tax, discounts } =
    cardOf(document);
  return {
    id,
    title,
    applies,
    scene,
    feeType,
    priceSource,
    guidanceDocument,
    tax,
    // Reason, size and end; whose they are is between operator and buyer.
    discounts: discounts.map(({ reason, perMille, until }) => ({ reason, perMille, until })),
    ...historyView(shell, document, language),
  };
}

function historyView(shell: Shell, document: FiledDocument, language: Language) {
  const { revision, effectiveFrom, effectiveTo, withdrawnAt } = document;
  const { state, charges, bills } = cardOf(document);
  const textOf = (at: Date | null): string | null =>
    at === null ? null : instantText(at.getTime(), shell.timeZone);
  return {
    revision,
    state,
    stateLabel: render(priceStateLabel(state), language),
    from: textOf(effectiveFrom),
    to: textOf(effectiveTo),
    withdrawnAt: textOf(withdrawnAt),
    charges,
    bills,
  };
}

/** Products in force of public data, or with a price that is published: what they are, not what they ask. */
async function productViews(
  { db }: Shell,
  now: Date,
  prices: readonly Pick<RateCard, 'applies'>[],
): Promise<readonly object[]> {
  const priced = new Set(prices.flatMap(({ applies }) => ('product' in applies ? [applies.product] : [])));
  const views = [];
  for (const { id, revision, body } of await documentsInForce(db, 'Product', now)) {
    const isPublic = priced.has(id) || (await originsOf(db, { product: id })).includes('public');
    if (!isPublic) continue;
    const { title, description, outputKind, scene, meterUnit, from, to } = body as Product;
    views.push({ id, revision, title, description, outputKind, scene, meterUnit, from, to });
  }
  return views;
}

/** A year under one ceiling. */
export interface YearDeviation {
  readonly ceiling: string;
  readonly year: number;
  readonly deviation: Deviation;
  readonly disputedFen: bigint;
  readonly carryOver: CarryOver;
  /** Whether the year is over. */
  readonly final: boolean;
  /** Null for a year that is not over. */
  readonly task: PriceTask | null;
}

/** The deviation of a year from every ceiling that covers it; opens its tasks where the year is over. */
export async function deviationsOf(shell: Shell, year: number): Promise<readonly YearDeviation[]> {
  return shell.db.transact(async (tx) => {
    const ids = new Set((await listDocuments(tx, 'RevenueCeiling')).map(({ id }) => id));
    const final = year < Number(periodOf(new Date(shell.now()), shell.timeZone).slice(0, 4));
    const found: YearDeviation[] = [];
    for (const id of ids) {
      const ceiling = ceilingOfYear(await ceilingsOf(tx, id), year);
      if (ceiling === null) continue;
      const revenue = await revenueOf(tx, { ...ceiling, year });
      const deviation = deviationOf({
        ceilingFen: permittedFen(ceiling, year),
        revenueFen: BigInt(revenue.countedFen),
      });
      const working = { ...deviationView(deviation, 'en'), working: bilingual(deviation.working) };
      const task = final ? await openTask(tx, { year, ceilingId: id, kind: deviation.task, working }) : null;
      const carryOver = await balanceOf(tx, ceiling);
      const disputedFen = BigInt(revenue.disputedFen);
      found.push({ ceiling: id, year, deviation, disputedFen, carryOver, final, task });
    }
    return found;
  });
}

/** Sentences in both languages, as they are kept. */
function bilingual(working: readonly Sentence[]): readonly object[] {
  return working.map((line) => ({ en: render(line, 'en'), zh: render(line, 'zh') }));
}

function deviationView(deviation: Deviation, language: Language) {
  const { ceilingFen, revenueFen, differenceFen, percent, direction, task, working } = deviation;
  return {
    ceilingYuan: decimalText(ceilingFen, 2),
    revenueYuan: decimalText(revenueFen, 2),
    differenceYuan: decimalText(differenceFen, 2),
    percent,
    direction,
    taskKind: task,
    working: working.map((line) => render(line, language)),
  };
}

/** A year under a ceiling as a resource. */
export function deviationResource(shell: Shell, found: YearDeviation, language: Language): object {
  const { ceiling, year, deviation, disputedFen, carryOver, final, task } = found;
  const { openingFen, deductedFen, excessFen, closingFen } = carryOver;
  return {
    ceiling,
    year,
    ...deviationView(deviation, language),
    disputedYuan: decimalText(disputedFen, 2),
    carryOver: {
      openingYuan: decimalText(openingFen, 2),
      deductedYuan: decimalText(deductedFen, 2),
      excessYuan: decimalText(excessFen, 2),
      closingYuan: decimalText(closingFen, 2),
    },
    final,
    note: final ? null : render(say('price.year.unfinished', { year }), language),
    task: task === null ? null : taskResource(shell, task),
  };
}

/** A task as a resource. */
export function taskResource(shell: Shell, task: PriceTask): object {
  const { year, ceilingId, kind, working, openedAt, closedAt, closedBy, outcome } = task;
  return {
    year,
    ceiling: ceilingId,
    kind,
    working,
    openedAt: instantText(openedAt.getTime(), shell.timeZone),
    closedAt: closedAt === null ? null : instantText(closedAt.getTime(), shell.timeZone),
    closedBy,
    outcome,
  };
}

export async function priceTasks(shell: Shell): Promise<readonly object[]> {
  return (await listTasks(shell.db)).map((task) => taskResource(shell, task));
}

/** Closes the task of a year and ceiling. Refusal PARAM where none is open. */
export async function endTask(
  shell: Shell,
  { principal }: Caller,
  { year, ceiling, outcome }: { readonly year: number; readonly ceiling: string; readonly outcome: string },
): Promise<object> {
  const task = await closeTask(shell.db, { year, ceilingId: ceiling, by: principal.id, outcome });
  if (task === null) throw new Refusal('PARAM', say('price.task.unknown', { ceiling, year }));
  return taskResource(shell, task);
}

/** Enters costs and undoes others, all of them or none, inside a transaction. FieldFaults for what cannot be undone. */
export async function enterCosts(
  shell: Shell,
  tx: Tx,
  { entries, reversals }: CostEntries,
  by: string,
): Promise<readonly object[]> {
  const kept: KeptCost[] = [];
  for (const entry of entries)
    kept.push(await enterCost(tx, entry, { amountFen: unitsOf(entry.amount, 2), by }));
  for (const [index, reversal] of reversals.entries()) {
    const row = await reverseCost(tx, reversal, by);
    if (row === null) throw await unreversed(tx, reversal.reverses, `reversals[${index}].reverses`);
    kept.push(row);
  }
  return kept.map((cost) => costResource(shell, cost));
}

async function unreversed(tx: Tx, entry: string, field: string): Promise<FieldFaults> {
  const rule = (await hasCost(tx, entry)) ? 'price.ledger.reversed' : 'price.ledger.unknown';
  return new FieldFaults([{ field, rule: say(rule, { field, entry }) }]);
}

function costResource(shell: Shell, { enteredAt, amountFen, ...cost }: KeptCost): object {
  return {
    ...cost,
    amountYuan: decimalText(BigInt(amountFen), 2),
    enteredAt: instantText(enteredAt.getTime(), shell.timeZone),
  };
}

/** The books of a year, class by class, with their entries. */
export async function costsOf(shell: Shell, year: number, language: Language): Promise<object> {
  const classes = costsByClass(await ledgerSums(shell.db, year));
  return {
    year,
    classes: classes.map(({ purposeClass, items, costsFen, subsidyFen, otherIncomeFen, netCostsFen }) => ({
      purposeClass,
      items: items.map(({ category, amountFen }) => ({ category, amountYuan: decimalText(amountFen, 2) })),
      costsYuan: decimalText(costsFen, 2),
      subsidyYuan: decimalText(subsidyFen, 2),
      otherIncomeYuan: decimalText(otherIncomeFen, 2),
      netCostsYuan: decimalText(netCostsFen, 2),
    })),
    entries: (await listCosts(shell.db, year)).map((cost) => costResource(shell, cost)),
    note: render(say('price.ledger.both'), language),
  };
}
