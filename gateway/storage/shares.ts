/**
 * Shares: a grant in force sets a part of a ledger aside, on which its own jobs draw first.
 *
 * Guarantee: `shared` of a ledger is what its shares have left, and reserved + spent + shared never exceeds the
 * capacity when a share is set aside, or when a job takes more than its share. The unused part goes back when the grant
 * is revoked, worded anew or at its end. Every function here locks the ledger before its shares, and several ledgers in
 * the order of their names, as admission does.
 * Not covered: a capacity that a later policy lowers below what is set aside. Then who comes first draws first.
 */
import { sql, type SQL } from 'drizzle-orm';

import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';

import type { Database, Tx } from './database.ts';

/** What a grant sets aside of one ledger. */
export interface NewShare {
  readonly lineage: string;
  readonly unit: 'rho' | 'epsilon';
  readonly nano: bigint;
  readonly thresholdDeltaYocto: bigint;
}

/** One wording of a grant: whose share is meant. */
export interface ShareHolder {
  readonly grantId: string;
  readonly revision: number;
}

/** A part of a charge that is paid from a share. */
export interface Drawn {
  readonly nano: bigint;
  readonly thresholdDeltaYocto: bigint;
}

export const NOTHING_DRAWN: Drawn = { nano: 0n, thresholdDeltaYocto: 0n };

/** Sets the shares of a grant aside, once per wording. Refusal BUDGET when one exceeds what is left. */
export async function setAside(
  tx: Tx,
  { grantId, revision }: ShareHolder,
  { shares, expiresAt }: { readonly shares: readonly NewShare[]; readonly expiresAt: string },
): Promise<void> {
  for (const { lineage, unit, nano, thresholdDeltaYocto: yocto } of inOrder(shares)) {
    await endExpiredOn(tx, lineage);
    const kept = await tx.rows(sql`
      INSERT INTO budget_share AS s (grant_id, lineage_id, revision, nano, yocto, left_nano, left_yocto, expires_at)
      VALUES (${grantId}, ${lineage}, ${revision}, ${nano}::numeric, ${yocto}::numeric, ${nano}::numeric, ${yocto}::numeric,
        ${expiresAt}::timestamptz)
      ON CONFLICT (grant_id, lineage_id) DO UPDATE SET revision = excluded.revision, nano = excluded.nano,
        yocto = excluded.yocto, left_nano = excluded.left_nano, left_yocto = excluded.left_yocto,
        expires_at = excluded.expires_at, ended_at = NULL
      WHERE s.revision < excluded.revision RETURNING grant_id`);
    if (kept.length === 0) continue;
    const set = await tx.rows(sql`
      UPDATE lineage SET shared_nano = shared_nano + ${nano}::numeric, shared_yocto = shared_yocto + ${yocto}::numeric
      WHERE id = ${lineage} AND unit = ${unit} AND frozen_at IS NULL
        AND reserved_nano + spent_nano + shared_nano + ${nano}::numeric <= capacity_nano
        AND reserved_yocto + spent_yocto + shared_yocto + ${yocto}::numeric <= capacity_yocto
      RETURNING id`);
    if (set.length === 0) throw new Refusal('BUDGET', say('storage.share', { lineage }));
  }
}

/** Draws a charge on the share of a grant, as far as it goes. Locks the ledger. */
export async function drawShare(
  tx: Tx,
  { grantId, revision }: ShareHolder,
  { lineage, nano, thresholdDeltaYocto }: Omit<NewShare, 'unit'>,
): Promise<Drawn> {
  await lockLedger(tx, lineage);
  const share = sql`grant_id = ${grantId} AND lineage_id = ${lineage} AND revision = ${revision}
    AND ended_at IS NULL AND expires_at > now()`;
  const [left] = await tx.rows<{ nano: string; yocto: string }>(
    sql`SELECT left_nano AS nano, left_yocto AS yocto FROM budget_share WHERE ${share}`,
  );
  if (left === undefined) return NOTHING_DRAWN;
  const drawn = {
    nano: least(BigInt(left.nano), nano),
    thresholdDeltaYocto: least(BigInt(left.yocto), thresholdDeltaYocto),
  };
  await tx.rows(sql`
    UPDATE budget_share SET left_nano = left_nano - ${drawn.nano}::numeric,
      left_yocto = left_yocto - ${drawn.thresholdDeltaYocto}::numeric
    WHERE ${share}`);
  return drawn;
}

/** Gives back to a share what a job drew on it and did not use. One that has ended meanwhile takes nothing back. */
export async function returnToShare(
  tx: Tx,
  jobId: string,
  { lineage, nano, yocto }: { readonly lineage: string; readonly nano: string; readonly yocto: string },
): Promise<void> {
  await tx.rows(sql`
    WITH share AS (
      UPDATE budget_share s SET left_nano = s.left_nano + ${nano}::numeric, left_yocto = s.left_yocto + ${yocto}::numeric
      FROM job j WHERE j.id = ${jobId} AND s.grant_id = j.grant_id AND s.revision = j.grant_revision
        AND s.lineage_id = ${lineage} AND s.ended_at IS NULL RETURNING s.grant_id
    )
    UPDATE lineage SET shared_nano = shared_nano + ${nano}::numeric, shared_yocto = shared_yocto + ${yocto}::numeric
    WHERE id = ${lineage} AND EXISTS (SELECT FROM share)`);
}

/** Ends the shares of a grant: what they have left is everybody's again. */
export async function endShares(tx: Tx, grantId: string): Promise<void> {
  const held = await tx.rows<{ lineage: string }>(
    sql`SELECT lineage_id AS lineage FROM budget_share WHERE grant_id = ${grantId} AND ended_at IS NULL`,
  );
  for (const { lineage } of inOrder(held)) await endWhere(tx, lineage, sql`grant_id = ${grantId}`);
}

/** Ends every share on a ledger: after a restore from backup what was drawn on them is not known any more. */
export async function endAllOn(tx: Tx, lineage: string): Promise<void> {
  await endWhere(tx, lineage, sql`true`);
}

/** Ends the shares on a ledger whose grants have ended. Whether there were any. */
export async function endExpiredOn(tx: Tx, lineage: string): Promise<boolean> {
  return endWhere(tx, lineage, EXPIRED);
}

/** The same on every ledger. */
export async function endExpired(db: Database): Promise<void> {
  const held = await db.rows<{ lineage: string }>(
    sql`SELECT DISTINCT lineage_id AS lineage FROM budget_share WHERE ended_at IS NULL AND ${EXPIRED}`,
  );
  for (const { lineage } of held) await db.transact((tx) => endExpiredOn(tx, lineage));
}

const EXPIRED = sql`expires_at <= now()`;

async function endWhere(tx: Tx, lineage: string, which: SQL): Promise<boolean> {
  // A statement of its own: what it waits for, the next one must see.
  await lockLedger(tx, lineage);
  const ended = await tx.rows(sql`
    WITH ended AS (
      UPDATE budget_share SET ended_at = now() WHERE lineage_id = ${lineage} AND ended_at IS NULL AND ${which}
      RETURNING left_nano, left_yocto
    )
    UPDATE lineage SET shared_nano = shared_nano - (SELECT sum(left_nano) FROM ended),
      shared_yocto = shared_yocto - (SELECT sum(left_yocto) FROM ended)
    WHERE id = ${lineage} AND EXISTS (SELECT FROM ended) RETURNING id`);
  return ended.length > 0;
}

async function lockLedger(tx: Tx, lineage: string): Promise<void> {
  await tx.rows(sql`SELECT id FROM lineage WHERE id = ${lineage} FOR NO KEY UPDATE`);
}

function least(left: bigint, right: bigint): bigint {
  return left < right ? left : right;
}

function inOrder<Part extends { readonly lineage: string }>(parts: readonly Part[]): readonly Part[] {
  return parts.toSorted((left, right) => (left.lineage < right.lineage ? -1 : 1));
}
