/**
 * The separate ledger of authorised operation: entries of costs and of other income, by month, purpose class and category.
 *
 * Guarantee: entries are only ever added. A mistake is undone by an entry of the exact negative, in the month and class of
 * the first, once; what undoes is not undone. All that comes in one file is entered, or nothing of it.
 * Not covered: income from runs, which stands on statements.
 */
import { randomBytes } from 'node:crypto';

import { sql } from 'drizzle-orm';

import type { CostEntry, CostReversal, LedgerCategory } from '../billing/cost-ledger.ts';
import type { PurposeClass } from '#policies/purpose.ts';

import type { Tx } from './database.ts';

/** An entry as it is kept; its amount is below zero where it undoes another. */
export interface KeptCost {
  readonly id: string;
  readonly period: string;
  readonly purposeClass: PurposeClass;
  readonly category: LedgerCategory;
  /** Whole fen, as text. */
  readonly amountFen: string;
  readonly description: string;
  readonly evidence: string | null;
  readonly reverses: string | null;
  readonly enteredBy: string;
  readonly enteredAt: Date;
}

const COLUMNS = sql.raw(`
  id, period, purpose_class AS "purposeClass", category, amount_fen AS "amountFen", description, evidence,
  reverses_id AS reverses, entered_by AS "enteredBy", entered_at AS "enteredAt"`);

/** Enters a cost or an income of so many fen. */
export async function enterCost(
  tx: Tx,
  { period, purposeClass, category, description, evidence }: CostEntry,
  { amountFen, by }: { readonly amountFen: bigint; readonly by: string },
): Promise<KeptCost> {
  const [row] = await tx.rows<KeptCost>(sql`
    INSERT INTO cost_entry (id, period, purpose_class, category, amount_fen, description, evidence, entered_by)
    VALUES (${newId()}, ${period}, ${purposeClass}, ${category}, ${amountFen}::numeric, ${description}, ${evidence}, ${by})
    RETURNING ${COLUMNS}`);
  if (row === undefined) throw new RangeError('what was entered is there');
  return row;
}

/** Undoes an entry by its exact negative; null where it is undone already, or itself undoes another. */
export async function reverseCost(
  tx: Tx,
  { reverses, description }: CostReversal,
  by: string,
): Promise<KeptCost | null> {
  const [row] = await tx.rows<KeptCost>(sql`
    INSERT INTO cost_entry (id, period, purpose_class, category, amount_fen, description, evidence, reverses_id, entered_by)
    SELECT ${newId()}, period, purpose_class, category, -amount_fen, ${description}, evidence, id, ${by}
    FROM cost_entry WHERE id = ${reverses} AND reverses_id IS NULL
    ON CONFLICT (reverses_id) DO NOTHING RETURNING ${COLUMNS}`);
  return row ?? null;
}

export async function hasCost(tx: Tx, id: string): Promise<boolean> {
  return (await tx.rows(sql`SELECT FROM cost_entry WHERE id = ${id}`)).length > 0;
}

/** What each class has under each category in a year, in whole fen as text. */
export async function sumCosts(
  tx: Tx,
  year: number,
): Promise<readonly Pick<KeptCost, 'purposeClass' | 'category' | 'amountFen'>[]> {
  return tx.rows(sql`
    SELECT purpose_class AS "purposeClass", category, sum(amount_fen) AS "amountFen"
    FROM cost_entry WHERE period BETWEEN ${`${year}-01`} AND ${`${year}-12`} GROUP BY 1, 2 ORDER BY 1, 2`);
}

/** The entries of a year, oldest first. */
export async function listCosts(tx: Tx, year: number): Promise<readonly KeptCost[]> {
  return tx.rows<KeptCost>(sql`
    SELECT ${COLUMNS} FROM cost_entry WHERE period BETWEEN ${`${year}-01`} AND ${`${year}-12`}
    ORDER BY period, entered_at, id`);
}

function newId(): string {
  return randomBytes(16).toString('hex');
}
