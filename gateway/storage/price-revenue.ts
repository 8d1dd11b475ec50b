/**
 * What authorised operation of public data took in a year, and the tasks that its deviation from the ceiling opened.
 *
 * Guarantee: revenue is what stands on statements that were issued, at their own year: every fen is counted in one year,
 * and a year that is over changes no more. Only use for industry under a guided price counts, which is use of public
 * data: a card of public data is approved with a guided price only. A year and ceiling have one task, however often it
 * is asked for.
 * Not covered: statements that are closed and not issued; disputed ones are told apart, and not counted.
 */
import { sql } from 'drizzle-orm';

import type { PriceTaskKind } from '../billing/deviation.ts';
import type { FeeType } from '../billing/facts.ts';

import type { Tx } from './database.ts';

export interface RevenueAsk {
  readonly year: number;
  /** Use under these agreements, or under any. */
  readonly agreements: 'all' | readonly string[];
  readonly feeTypes: readonly FeeType[];
}

/** Whole fen, as text; tax included. */
export interface Revenue {
  readonly countedFen: string;
  /** On statements in dispute: not counted until that is resolved. */
  readonly disputedFen: string;
}

/** One approval of a price, cap or ceiling after the other: each is held against all that were approved before. */
export async function lockPrices(tx: Tx): Promise<void> {
  await tx.rows(sql`SELECT pg_advisory_xact_lock(hashtextextended('prices', 0))`);
}

/** The revenue of a year. */
export async function revenueOf(tx: Tx, { year, agreements, feeTypes }: RevenueAsk): Promise<Revenue> {
  const under =
    agreements === 'all'
      ? sql`true`
      : sql`f.key->'billing'->'agreement'->>'id' = ANY(${textArray(agreements)})`;
  const [row] = await tx.rows<Revenue>(sql`
    SELECT coalesce(sum(l.amount_fen) FILTER (WHERE s.state IN ('issued', 'settled')), 0) AS "countedFen",
      coalesce(sum(l.amount_fen) FILTER (WHERE s.state = 'disputed'), 0) AS "disputedFen"
    FROM statement s
    JOIN statement_line l ON l.statement_id = s.id
    JOIN line_family f ON f.id = l.family_id
    WHERE s.period BETWEEN ${`${year}-01`} AND ${`${year}-12`} AND l.fee_type = ANY(${textArray(feeTypes)})
      AND f.key->'billing'->>'purposeClass' = 'industry' AND ${under}
      AND EXISTS (
        SELECT FROM jsonb_array_elements(f.key->'billing'->'fees') fee
        JOIN filed_document c ON c.kind = 'RateCard' AND c.id = fee->'card'->>'id'
          AND c.revision = (fee->'card'->>'revision')::int
        WHERE fee->>'feeType' = l.fee_type AND c.body->>'priceSource' = 'guided')`);
  return row ?? { countedFen: '0', disputedFen: '0' };
}

function textArray(texts: readonly string[]) {
  return sql`ARRAY(SELECT jsonb_array_elements_text(${JSON.stringify(texts)}::jsonb))`;
}

export interface PriceTask {
  readonly year: number;
  readonly ceilingId: string;
  readonly kind: PriceTaskKind;
  /** What it was opened for: the figures of that moment, as text. */
  readonly working: Readonly<Record<string, unknown>>;
  readonly openedAt: Date;
  readonly closedBy: string | null;
  readonly closedAt: Date | null;
  readonly outcome: string | null;
}

const TASK = sql.raw(`
  year, ceiling_id AS "ceilingId", kind, working, opened_at AS "openedAt", closed_by AS "closedBy",
  closed_at AS "closedAt", outcome`);

/** Opens the task of a year and ceiling; where it is open or was, that one is given. */
export async function openTask(
  tx: Tx,
  task: Pick<PriceTask, 'year' | 'ceilingId' | 'kind' | 'working'>,
): Promise<PriceTask> {
  const { year, ceilingId, kind, working } = task;
  await tx.rows(sql`
    INSERT INTO price_task (year, ceiling_id, kind, working)
    VALUES (${year}::int, ${ceilingId}, ${kind}, ${JSON.stringify(working)}::jsonb) ON CONFLICT DO NOTHING`);
  const [row] = await tx.rows<PriceTask>(sql`
    SELECT ${TASK} FROM price_task WHERE year = ${year}::int AND ceiling_id = ${ceilingId}`);
  if (row === undefined) throw new RangeError('a task that was opened is there');
  return row;
}

/** Every task, open ones first, newest year first. */
export async function listTasks(tx: Tx): Promise<readonly PriceTask[]> {
  return tx.rows<PriceTask>(sql`
    SELECT ${TASK} FROM price_task ORDER BY closed_at IS NOT NULL, year DESC, ceiling_id`);
}

/** Closes a task with what came of it; null where there is none that is open. */
export async function closeTask(
  tx: Tx,
  { year, ceilingId, by, outcome }: Pick<PriceTask, 'year' | 'ceilingId'> & { by: string; outcome: string },
): Promise<PriceTask | null> {
  const [row] = await tx.rows<PriceTask>(sql`
    UPDATE price_task SET closed_by = ${by}, closed_at = now(), outcome = ${outcome}
    WHERE year = ${year}::int AND ceiling_id = ${ceilingId} AND closed_at IS NULL RETURNING ${TASK}`);
  return row ?? null;
}
