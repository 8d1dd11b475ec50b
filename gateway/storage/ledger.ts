/**
 * The ledgers of the lineages: what may still be lost about people, reserved before data are read.
 *
 * Guarantee: reserved + spent never exceeds a capacity, and no job takes what another grant has set aside (shares.ts),
 * however many ask at once: the check is the WHERE of the
 * UPDATE that reserves. An opened reservation can only become spent (also by trigger); nothing lowers `spent`.
 * An entry is (nano, yocto): nano-ρ or nano-ε, and the δ of key selection in units of 1e-24. Either full refuses.
 */
import { sql } from 'drizzle-orm';

import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';

import type { Database, Tx } from './database.ts';
import {
  type Drawn,
  drawShare,
  endAllOn,
  endExpiredOn,
  NOTHING_DRAWN,
  returnToShare,
  type ShareHolder,
} from './shares.ts';

/** What a job costs one lineage. */
export interface Charge {
  readonly lineage: string;
  readonly unit: 'rho' | 'epsilon';
  readonly nano: bigint;
  readonly thresholdDeltaYocto: bigint;
}

/** An entry of a ledger as decimal text, as receipts have it. */
export interface Loss {
  readonly nano: string;
  readonly thresholdDeltaYocto: string;
}

/** One lineage's ledger around one run. `capacity` is the ceiling, fixed at first use; null is unlimited. */
export interface BudgetLine {
  readonly lineage: string;
  readonly unit: 'rho' | 'epsilon';
  readonly capacity: Loss | null;
  readonly before: Loss;
  readonly after: Loss;
}

/** A ledger as it stands, for quotes and people. */
export interface LedgerState {
  readonly lineage: string;
  readonly unit: 'rho' | 'epsilon';
  /** In force; null is unlimited. */
  readonly capacity: Loss | null;
  readonly reserved: Loss;
  readonly spent: Loss;
  /** The part of it that no job spent: what was accounted for after a restore from backup. */
  readonly accounted: Loss;
  /** What shares of grants in force have set aside and not used. */
  readonly setAside: Loss;
  /** The part of that which the grant has that was asked about. */
  readonly own: Loss;
  readonly frozen: boolean;
}

/**
 * Reserves a charge: from the share of `holder` (null: it has none) as far as that goes, and then from what is nobody's.
 * Returns what was drawn on the share. Refusal BUDGET when it does not fit or the ledger is frozen.
 */
export async function reserveCharge(tx: Tx, charge: Charge, holder: ShareHolder | null): Promise<Drawn> {
  const drawn = holder === null ? NOTHING_DRAWN : await drawShare(tx, holder, charge);
  if (await tryReserve(tx, charge, drawn)) return drawn;
  // Shares of grants that have ended stand there until somebody looks.
  const isFreed = await endExpiredOn(tx, charge.lineage);
  if (isFreed && (await tryReserve(tx, charge, drawn))) return drawn;
  throw await whyNot(tx, charge);
}

async function tryReserve(tx: Tx, charge: Charge, drawn: Drawn): Promise<boolean> {
  const { lineage, unit, nano, thresholdDeltaYocto: yocto } = charge;
  const [ownNano, ownYocto] = [drawn.nano, drawn.thresholdDeltaYocto];
  // What is drawn on a share is there, unless the capacity was lowered since; the rest must not touch a share.
  const reserved = await tx.rows(sql`
    UPDATE lineage SET reserved_nano = reserved_nano + ${nano}::numeric, reserved_yocto = reserved_yocto + ${yocto}::numeric,
      shared_nano = shared_nano - ${ownNano}::numeric, shared_yocto = shared_yocto - ${ownYocto}::numeric
    WHERE id = ${lineage} AND unit = ${unit} AND frozen_at IS NULL
      AND (capacity_nano IS NULL OR reserved_nano + spent_nano + ${nano}::numeric
        + CASE WHEN ${nano}::numeric > ${ownNano}::numeric THEN shared_nano - ${ownNano}::numeric ELSE 0 END <= capacity_nano)
      AND (capacity_yocto IS NULL OR reserved_yocto + spent_yocto + ${yocto}::numeric
        + CASE WHEN ${yocto}::numeric > ${ownYocto}::numeric THEN shared_yocto - ${ownYocto}::numeric ELSE 0 END <= capacity_yocto)
    RETURNING id`);
  return reserved.length > 0;
}

async function whyNot(tx: Tx, { lineage, unit }: Charge): Promise<Error> {
  const [row] = await tx.rows<{ unit: string; frozen: boolean }>(
    sql`SELECT unit, frozen_at IS NOT NULL AS frozen FROM lineage WHERE id = ${lineage}`,
  );
  if (row === undefined || row.unit !== unit)
    return new RangeError('a charge names an unknown lineage or another unit');
  return new Refusal('BUDGET', say(row.frozen ? 'storage.frozen' : 'storage.budget', { lineage }));
}

/** What each lineage of a job paid: all the same, by `admit`. */
export function costOf([line]: readonly BudgetLine[]): Loss {
  if (line === undefined) throw new RangeError('an admitted job has a reservation');
  const { before, after } = line;
  return {
    nano: String(BigInt(after.nano) - BigInt(before.nano)),
    thresholdDeltaYocto: String(BigInt(after.thresholdDeltaYocto) - BigInt(before.thresholdDeltaYocto)),
  };
}

/**
 * Ends the reservations of a job: opened ones are spent, held ones returned. Returns each lineage's ledger around
 * it, by name. Lineages are changed in the order of their names, as `admit` does, so that two jobs cannot deadlock.
 */
export async function endReservations(
  tx: Tx,
  jobId: string,
  end: 'spent' | 'returned',
): Promise<readonly BudgetLine[]> {
  const from = end === 'spent' ? 'opened' : 'held';
  const ended = await tx.rows<Ended>(sql`
    UPDATE reservation SET state = ${end} WHERE job_id = ${jobId} AND state = ${from}
    RETURNING lineage_id AS lineage, nano, yocto, share_nano AS "shareNano", share_yocto AS "shareYocto"`);
  if (ended.length === 0) throw new RangeError(`a job has no ${from} reservation`);
  const lines: BudgetLine[] = [];
  for (const { lineage, nano, yocto, shareNano, shareYocto } of ended.toSorted((left, right) =>
    left.lineage < right.lineage ? -1 : 1,
  )) {
    const spent = end === 'spent' ? { lineage, nano, yocto } : { lineage, nano: '0', yocto: '0' };
    // The gateway, which returns what was never opened, may not write what is spent.
    const spend =
      end === 'spent'
        ? sql`, spent_nano = spent_nano + ${nano}::numeric, spent_yocto = spent_yocto + ${yocto}::numeric`
        : sql.empty();
    const [row] = await tx.rows<LineRow>(sql`
      UPDATE lineage SET reserved_nano = reserved_nano - ${nano}::numeric, reserved_yocto = reserved_yocto - ${yocto}::numeric ${spend}
      WHERE id = ${lineage}
      RETURNING unit, ceiling_nano AS "capacityNano", ceiling_yocto AS "capacityYocto",
        spent_nano AS "spentNano", spent_yocto AS "spentYocto"`);
    if (row === undefined) throw new RangeError('a reservation names an unknown lineage');
    if (end === 'returned' && (shareNano !== '0' || shareYocto !== '0'))
      await returnToShare(tx, jobId, { lineage, nano: shareNano, yocto: shareYocto });
    lines.push(lineOf(row, spent));
  }
  return lines;
}

interface Cost {
  readonly lineage: string;
  readonly nano: string;
  readonly yocto: string;
}

interface Ended extends Cost {
  readonly shareNano: string;
  readonly shareYocto: string;
}

interface LineRow {
  readonly unit: 'rho' | 'epsilon';
  readonly capacityNano: string | null;
  readonly capacityYocto: string | null;
  readonly spentNano: string;
  readonly spentYocto: string;
}

function lineOf(row: LineRow, { lineage, nano, yocto }: Cost): BudgetLine {
  return {
    lineage,
    unit: row.unit,
    capacity: lossOf(row.capacityNano, row.capacityYocto),
    before: {
      nano: String(BigInt(row.spentNano) - BigInt(nano)),
      thresholdDeltaYocto: String(BigInt(row.spentYocto) - BigInt(yocto)),
    },
    after: { nano: row.spentNano, thresholdDeltaYocto: row.spentYocto },
  };
}

function lossOf(nano: string | null, yocto: string | null): Loss | null {
  return nano === null || yocto === null ? null : { nano, thresholdDeltaYocto: yocto };
}

/** The ledgers of some lineages, by name; `grant`: with what that grant has set aside of them. */
export async function findLedgers(
  db: Tx,
  lineages: readonly string[],
  grant: string | null = null,
): Promise<readonly LedgerState[]> {
  const rows = await db.rows<LedgerRow>(sql`
    SELECT id AS lineage, unit, capacity_nano AS "capacityNano", capacity_yocto AS "capacityYocto",
      reserved_nano AS "reservedNano", reserved_yocto AS "reservedYocto",
      spent_nano AS "spentNano", spent_yocto AS "spentYocto",
      accounted_nano AS "accountedNano", accounted_yocto AS "accountedYocto", frozen_at IS NOT NULL AS frozen,
      s.shared_nano AS "sharedNano", s.shared_yocto AS "sharedYocto", s.own_nano AS "ownNano", s.own_yocto AS "ownYocto"
    FROM lineage, LATERAL (
      SELECT coalesce(sum(left_nano), 0) AS shared_nano, coalesce(sum(left_yocto), 0) AS shared_yocto,
        coalesce(sum(left_nano) FILTER (WHERE grant_id = ${grant}), 0) AS own_nano,
        coalesce(sum(left_yocto) FILTER (WHERE grant_id = ${grant}), 0) AS own_yocto
      FROM budget_share WHERE lineage_id = lineage.id AND ended_at IS NULL AND expires_at > now()) s
    WHERE id = ANY(${sql.param(lineages)}::text[]) ORDER BY id`);
  return rows.map((row) => ({
    lineage: row.lineage,
    unit: row.unit,
    capacity: lossOf(row.capacityNano, row.capacityYocto),
    reserved: { nano: row.reservedNano, thresholdDeltaYocto: row.reservedYocto },
    spent: { nano: row.spentNano, thresholdDeltaYocto: row.spentYocto },
    accounted: { nano: row.accountedNano, thresholdDeltaYocto: row.accountedYocto },
    setAside: { nano: row.sharedNano, thresholdDeltaYocto: row.sharedYocto },
    own: { nano: row.ownNano, thresholdDeltaYocto: row.ownYocto },
    frozen: row.frozen,
  }));
}

interface LedgerRow {
  readonly lineage: string;
  readonly unit: 'rho' | 'epsilon';
  readonly capacityNano: string | null;
  readonly capacityYocto: string | null;
  readonly reservedNano: string;
  readonly reservedYocto: string;
  readonly spentNano: string;
  readonly spentYocto: string;
  readonly accountedNano: string;
  readonly accountedYocto: string;
  readonly sharedNano: string;
  readonly sharedYocto: string;
  readonly ownNano: string;
  readonly ownYocto: string;
  readonly frozen: boolean;
}

/** Freezes every ledger: what to do first after a restore from backup, which forgets what was spent since. */
export async function freezeLedgers(db: Database): Promise<void> {
  await db.rows(sql`UPDATE lineage SET frozen_at = now() WHERE frozen_at IS NULL`);
}

/**
 * Thaws a ledger after accounting: books as spent what the backup had forgotten, or forfeits all that is left. Its shares
 * end, because the backup has forgotten what was drawn on them: the grants are to be worded anew.
 * RangeError when the lineage is not frozen, or the loss does not fit.
 */
export async function thawLedger(
  db: Database,
  lineage: string,
  forgotten: { readonly nano: bigint; readonly thresholdDeltaYocto: bigint } | 'forfeit',
): Promise<void> {
  const [nano, yocto] =
    forgotten === 'forfeit'
      ? [
          sql`greatest(capacity_nano - reserved_nano - spent_nano, 0)`,
          sql`greatest(capacity_yocto - reserved_yocto - spent_yocto, 0)`,
        ]
      : [sql`${forgotten.nano}::numeric`, sql`${forgotten.thresholdDeltaYocto}::numeric`];
  await db.transact(async (tx) => {
    await endAllOn(tx, lineage);
    const thawed = await tx.rows(sql`
      UPDATE lineage SET frozen_at = NULL,
        spent_nano = spent_nano + coalesce(${nano}, 0), accounted_nano = accounted_nano + coalesce(${nano}, 0),
        spent_yocto = spent_yocto + coalesce(${yocto}, 0), accounted_yocto = accounted_yocto + coalesce(${yocto}, 0)
      WHERE id = ${lineage} AND frozen_at IS NOT NULL RETURNING id`);
    if (thawed.length === 0) throw new RangeError('only a frozen lineage can be thawed');
  });
}
