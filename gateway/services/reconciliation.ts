/**
 * Reconciling on request and every night: what was found, in words, and for the metrics.
 *
 * Guarantee: reading only; it may be asked for at any time. A night on which it did not end is reported as a bug.
 */
import { periodBounds } from '../billing/period.ts';
import type { Database } from '../storage/database.ts';
import { type Breach, reconcile, RULES } from '../storage/reconcile.ts';

/** What reconciling found. */
export interface Reconciliation {
  /** The month, or null for everything. */
  readonly month: string | null;
  readonly at: Date;
  /** How many rules were checked. */
  readonly rules: number;
  readonly ms: number;
  readonly breaches: readonly Breach[];
}

const LAST = new WeakMap<Database, Reconciliation>();

/** The last one of this process, or null. */
export function lastReconciliation(db: Database): Reconciliation | null {
  return LAST.get(db) ?? null;
}

/** Checks all rules over a month of the bills, or over everything. */
export async function runReconciliation(
  db: Database,
  { month, timeZone }: { readonly month: string | null; readonly timeZone: string },
): Promise<Reconciliation> {
  const begun = performance.now();
  const at = new Date();
  const { from, to } = month === null ? { from: null, to: null } : periodBounds(month, timeZone);
  const breaches = await reconcile(db, { period: month, from, to });
  const found = { month, at, rules: RULES.length, ms: Math.round(performance.now() - begun), breaches };
  LAST.set(db, found);
  return found;
}
