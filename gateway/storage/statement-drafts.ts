/**
 * The lines that a month's statement will have: new usage, what came late, what was corrected, and charges for a month.
 *
 * Guarantee: every family has at most one live line. Where a family's usage has changed since its live line, that line is
 * taken back and the whole family is rated anew, so that tiers and packages come out as if it had been so from the
 * beginning. A family that comes to the same is left alone.
 * Not covered: whether the month may be closed; what is found in its way is returned with the lines.
 */
import { sql } from 'drizzle-orm';

import { say } from '#policies/words.ts';

import { type CorrectionChange, correctedEvent } from '../billing/correction.ts';
import { UsageFault } from '../billing/quantity.ts';
import type { Card, RateCard } from '../billing/rate-card.ts';
import { AboveQuote, rateGroup } from '../billing/rating.ts';
import { CURRENCY, draftOf, draftOfBody, type LineDraft, reversalOf } from '../billing/statement-line.ts';
import { familyIdOf, type UsageGroup } from '../billing/usage-group.ts';
import type { Block } from './closing-blocks.ts';
import { type CardUse, findCapBlocks } from './closing-caps.ts';
import type { Tx } from './database.ts';
import { findDocument } from './documents.ts';
import { monthlyGroups } from './monthly-charges.ts';
import {
  familiesOfClasses,
  moveRecord,
  rateNew,
  type RatingScope,
  readEvents,
  saveFamilies,
  sumFamilies,
} from './rating.ts';
import type { Closing } from './statements.ts';

export interface Drafted {
  readonly drafts: readonly LineDraft[];
  /** Corrections that the lines take into account. */
  readonly corrections: readonly string[];
  readonly blocks: readonly Block[];
}

/** Rates what is new, and drafts its lines. To be taken back when there are blocks. */
export async function draftLines(tx: Tx, closing: Closing): Promise<Drafted> {
  const scope = { buyer: closing.buyer, timeZone: closing.timeZone, before: closing.to };
  try {
    return await draft(tx, closing, scope);
  } catch (error) {
    if (!(error instanceof UsageFault)) throw error;
    const blocks = [{ code: 'USAGE', sentence: error.sentence, clearedBy: ['operator'] } as const];
    return { drafts: [], corrections: [], blocks };
  }
}

async function draft(tx: Tx, closing: Closing, scope: RatingScope): Promise<Drafted> {
  const added = await rateNew(tx, scope);
  const { corrections, families: corrected } = await applyCorrections(tx, scope);
  // What is new in this month has no line yet; everything else may have one.
  const isFresh = (group: UsageGroup): boolean =>
    group.period === closing.period && !corrected.has(familyIdOf(group));
  const late = added.filter((group) => !isFresh(group)).map(familyIdOf);
  const changed = [...new Set([...late, ...corrected])].toSorted();
  const groups = await sumFamilies(tx, changed);
  const monthly = await monthlyGroups(tx, closing);
  await saveFamilies(tx, closing.buyer, monthly);
  const rater = new Rater(tx);
  const fresh = await rater.chargeAll([...added.filter(isFresh), ...monthly]);
  const rebilled = await rebill(tx, { changed, groups, rater });
  const earlier = await earlierOpen(tx, closing, [...added, ...groups]);
  const capped = await findCapBlocks(tx, rater.uses());
  const blocks = [...earlier, ...rater.blocks, ...capped];
  return { drafts: [...fresh, ...rebilled], corrections, blocks };
}

/** Rates groups by their cards, each of which is read once, and keeps what blocks. */
class Rater {
  readonly blocks: Block[] = [];
  readonly #tx: Tx;
  readonly #cards = new Map<string, Card | null>();
  readonly #uses = new Map<Card, string[]>();

  constructor(tx: Tx) {
    this.#tx = tx;
  }

  async chargeAll(groups: readonly UsageGroup[]): Promise<readonly LineDraft[]> {
    const drafts: LineDraft[] = [];
    for (const group of groups) {
      const made = await this.draft(group, 'charge');
      if (made !== null) drafts.push(made);
    }
    return drafts;
  }

  /** By which cards families came to an amount. */
  uses(): readonly CardUse[] {
    return [...this.#uses].map(([card, families]) => ({ card, families }));
  }

  /** The line of a group; null when it is blocked. */
  async draft(group: UsageGroup, kind: 'charge' | 'rebill'): Promise<LineDraft | null> {
    const fee = group.billing.fees.find(({ feeType }) => feeType === group.feeType);
    const needed = fee?.zeroReason === null ? fee.card : null;
    const card = needed === null ? null : await this.#cardOf(needed);
    if (needed !== null && card === null) {
      const sentence = say('statement.block.cardMissing', { card: `${needed.id}/${needed.revision}` });
      this.blocks.push({ code: 'CARD_MISSING', sentence, clearedBy: ['operator', 'billing'] });
      return null;
    }
    if (card !== null && (card.body.currency as string) !== CURRENCY) {
      const args = { card: `${card.id}/${card.revision}`, found: card.body.currency, currency: CURRENCY };
      this.blocks.push({
        code: 'CURRENCY',
        sentence: say('statement.block.currency', args),
        clearedBy: ['operator', 'billing'],
      });
      return null;
    }
    return this.#rate(group, kind, card);
  }

  #rate(group: UsageGroup, kind: 'charge' | 'rebill', card: Card | null): LineDraft | null {
    try {
      const rated = rateGroup(group, card);
      if (card !== null && rated.amountFen !== 0n)
        this.#uses.set(card, [...(this.#uses.get(card) ?? []), rated.familyId]);
      return draftOf(rated, kind, rated.card === null ? null : card);
    } catch (error) {
      if (!(error instanceof AboveQuote)) throw error;
      this.blocks.push({ code: 'ABOVE_QUOTE', sentence: error.sentence, clearedBy: ['operator', 'billing'] });
      return null;
    }
  }

  async #cardOf(ref: { readonly id: string; readonly revision: number }): Promise<Card | null> {
    const name = `${ref.id}/${ref.revision}`;
    const known = this.#cards.get(name);
    if (known !== undefined) return known;
    const found = await findDocument(this.#tx, 'RateCard', ref);
    const card =
      found === null || found.approvedAt === null
        ? null
        : { id: found.id, revision: found.revision, body: found.body as RateCard };
    this.#cards.set(name, card);
    return card;
  }
}

/** Moves the records of approved corrections that no statement has taken into account. */
async function applyCorrections(
  tx: Tx,
  scope: RatingScope,
): Promise<{ readonly corrections: readonly string[]; readonly families: ReadonlySet<string> }> {
  const pending = await tx.rows<{ id: string; usage: string; change: CorrectionChange }>(sql`
    SELECT c.id, c.usage_id AS usage, (SELECT n.change FROM correction n WHERE n.usage_id = c.usage_id AND n.decision = 'approved'
      ORDER BY n.decided_at DESC, n.id DESC LIMIT 1) AS change
    FROM correction c JOIN usage_record u ON u.id = c.usage_id JOIN account a ON a.id = u.account_id
    WHERE c.decision = 'approved' AND c.statement_id IS NULL AND a.organisation_id = ${scope.buyer} ORDER BY c.id`);
  const changes = new Map(pending.map(({ usage, change }) => [usage, change]));
  const standing = await readEvents(tx, scope, [...changes.keys()]);
  const touched: string[] = [];
  for (const { event, classId } of standing) {
    const change = changes.get(event.id);
    if (change === undefined) continue;
    const to = await moveRecord(tx, scope.buyer, event.id, correctedEvent(event, change));
    touched.push(to, ...(classId === null ? [] : [classId]));
  }
  const seen = new Set(standing.map(({ event }) => event.id));
  return {
    corrections: pending.filter(({ usage }) => seen.has(usage)).map(({ id }) => id),
    families: new Set(await familiesOfClasses(tx, touched)),
  };
}

/** Takes back and bills anew what has changed. */
async function rebill(
  tx: Tx,
  {
    changed,
    groups,
    rater,
  }: { readonly changed: readonly string[]; readonly groups: readonly UsageGroup[]; readonly rater: Rater },
): Promise<readonly LineDraft[]> {
  const live = await liveLines(tx, changed);
  const byFamily = new Map(groups.map((group) => [familyIdOf(group), group]));
  const drafts: LineDraft[] = [];
  for (const family of changed) {
    const [line, group] = [live.get(family), byFamily.get(family)];
    const made =
      group === undefined ? null : await rater.draft(group, line === undefined ? 'charge' : 'rebill');
    if (line?.inputsDigest !== undefined && line.inputsDigest === made?.inputsDigest) continue;
    if (line !== undefined) drafts.push(reversalOf(line));
    if (made !== null) drafts.push(made);
  }
  return drafts;
}

/** The line of each family that nothing has taken back. */
async function liveLines(
  tx: Tx,
  families: readonly string[],
): Promise<ReadonlyMap<string, LineDraft & { readonly id: string }>> {
  const rows = await tx.rows<{ body: string }>(sql`
    SELECT l.body FROM statement_line l WHERE l.family_id = ANY(${sql.param(families)}::text[]) AND l.kind <> 'reversal'
      AND NOT EXISTS (SELECT FROM statement_line r WHERE r.reverses_line_id = l.id)`);
  return new Map(rows.map(({ body }) => draftOfBody(body)).map((line) => [line.familyId, line]));
}

/** Usage of earlier months is billed with them first. */
async function earlierOpen(
  tx: Tx,
  { issuer, buyer, period }: Closing,
  groups: readonly UsageGroup[],
): Promise<readonly Block[]> {
  const months = [...new Set(groups.map((group) => group.period))].filter((month) => month < period);
  const closed = await tx.rows<{ period: string }>(sql`
    SELECT period FROM statement WHERE issuer = ${issuer} AND organisation_id = ${buyer}
      AND period = ANY(${sql.param(months)}::text[])`);
  const known = new Set(closed.map((row) => row.period));
  return months
    .filter((month) => !known.has(month))
    .toSorted()
    .map((month) => ({
      code: 'EARLIER_OPEN',
      sentence: say('statement.block.earlierOpen', { month }),
      clearedBy: ['operator', 'billing'],
    }));
}
