/**
 * Grants as stored: every wording ever, who approved the newest, and whether it stands.
 *
 * Guarantee: a new wording is a new revision and needs all approvals anew; an approval names the revision it means.
 * Revocation and suspension are in suspension.ts.
 */
import { sql } from 'drizzle-orm';

import { type Counted, possibleScopes, type Used } from '#policies/quota.ts';
import { effectiveEnd, type Grant } from '#policies/grant.ts';
import type { Upstream } from '#policies/terms.ts';

import { useSql } from './counters.ts';
import type { Database, Tx } from './database.ts';
import { upstreamSql } from './documents.ts';
import { endShares, type NewShare, setAside } from './shares.ts';
import type { Approval } from './tables/grants.ts';

export interface GrantRecord {
  readonly id: string;
  readonly revision: number;
  readonly organisationId: string;
  readonly body: Grant;
  readonly upstream: readonly Upstream[];
  readonly providerApproval: Approval | null;
  readonly buyerApproval: Approval | null;
  readonly subjectApproval: Approval | null;
  readonly suspended: boolean;
  readonly revoked: boolean;
  readonly createdAt: Date;
}

export type Side = 'provider' | 'buyer' | 'subject';

/**
 * Stores a grant or a new wording of it, which ends what the old one had set aside. Returns the revision. The holder
 * stays the same: RangeError otherwise.
 */
export async function saveGrant(
  db: Database,
  {
    grant,
    upstream,
    by,
  }: { readonly grant: Grant; readonly upstream: readonly Upstream[]; readonly by: string },
): Promise<number> {
  return db.transact(async (tx) => {
    const body = JSON.stringify(grant);
    await keepTerm(tx, grant.id);
    const [row] = await tx.rows<{ revision: number }>(sql`
      INSERT INTO access_grant AS g (id, revision, organisation_id, body, upstream)
      VALUES (${grant.id}, 1, ${grant.holder}, ${body}::jsonb, ${JSON.stringify(upstream)}::jsonb)
      ON CONFLICT (id) DO UPDATE SET revision = g.revision + 1, body = excluded.body, upstream = excluded.upstream,
        provider_approval = NULL, buyer_approval = NULL, subject_approval = NULL
      WHERE g.organisation_id = excluded.organisation_id AND g.revoked_at IS NULL
      RETURNING revision`);
    if (row === undefined) throw new RangeError('a grant keeps its holder, and a revoked one its wording');
    if (row.revision > 1) await endShares(tx, grant.id);
    await tx.rows(sql`
      INSERT INTO grant_revision (grant_id, revision, body, created_by) VALUES (${grant.id}, ${row.revision}, ${body}::jsonb, ${by})`);
    return row.revision;
  });
}

/** SQL for the moment from which the wording of a grant `g` with all of its approvals is in force. */
export const IN_FORCE_SINCE = sql`greatest((g.body->>'start')::timestamptz, (g.provider_approval->>'at')::timestamptz,
  (g.buyer_approval->>'at')::timestamptz, (g.subject_approval->>'at')::timestamptz)`;

/** SQL for whether it has them all. */
export const IS_APPROVED = sql`(g.provider_approval IS NOT NULL AND g.buyer_approval IS NOT NULL
  AND (g.subject_approval IS NOT NULL OR NOT (g.body->>'personalData')::boolean))`;

/** Keeps from when the wording that is about to go was in force: what it owes does not go with it. */
async function keepTerm(tx: Tx, id: string): Promise<void> {
  await tx.rows(sql`
    INSERT INTO grant_term (grant_id, revision, began_at, ended_at)
    SELECT g.id, g.revision, ${IN_FORCE_SINCE}, least((g.body->>'end')::timestamptz, now()) FROM access_grant g
    WHERE g.id = ${id} AND g.revoked_at IS NULL AND ${IS_APPROVED} AND ${IN_FORCE_SINCE} < now() FOR UPDATE OF g`);
}

/**
 * Approves one revision for one side. False when the grant has a newer wording by now, or is revoked. The approval that
 * brings the grant into force sets its shares aside: Refusal BUDGET, and no approval, when they exceed what is left.
 */
export async function approveGrant(
  db: Database,
  approval: { readonly grantId: string; readonly revision: number; readonly side: Side; readonly by: string },
  shares: readonly NewShare[] = [],
): Promise<boolean> {
  const { grantId, revision, side, by } = approval;
  const column = sql.raw(`${side}_approval`);
  return db.transact(async (tx) => {
    const [approved] = await tx.rows<Approved>(sql`
      UPDATE access_grant SET ${column} = jsonb_build_object('by', ${by}::text, 'at', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
      WHERE id = ${grantId} AND revision = ${revision} AND revoked_at IS NULL
      RETURNING body, ${upstreamSql('access_grant')} AS upstream, provider_approval IS NOT NULL AND buyer_approval IS NOT NULL
        AND (subject_approval IS NOT NULL OR NOT (body->>'personalData')::boolean) AS "inForce"`);
    if (approved?.inForce === true && shares.length > 0) {
      const expiresAt = effectiveEnd(
        approved.body,
        approved.upstream.map(({ end }) => end),
      );
      await setAside(tx, { grantId, revision }, { shares, expiresAt });
    }
    return approved !== undefined;
  });
}

interface Approved {
  readonly body: Grant;
  readonly upstream: readonly Upstream[];
  readonly inForce: boolean;
}

/** A grant, or null. */
export async function findGrant(db: Tx, id: string): Promise<GrantRecord | null> {
  const [row] = await db.rows<GrantRecord>(sql`SELECT ${GRANT} FROM access_grant WHERE id = ${id}`);
  return row ?? null;
}

/** All grants, or those of one holder, by id. */
export async function listGrants(db: Tx, holder: string | null): Promise<readonly GrantRecord[]> {
  return db.rows<GrantRecord>(
    sql`SELECT ${GRANT} FROM access_grant WHERE ${holder}::text IS NULL OR organisation_id = ${holder} ORDER BY id`,
  );
}

/** What a grant has used and reserved on the counters that a run may count on: what `quotaLeft` subtracts. */
export async function findUse(db: Tx, grantId: string, counted: Counted): Promise<Used> {
  return { ...counted, amounts: await findAmounts(db, grantId, possibleScopes(counted)) };
}

/** The same on some of its counters, by scope; without those that have counted nothing. */
export async function findAmounts(
  db: Tx,
  grantId: string,
  scopes: readonly string[],
): Promise<Used['amounts']> {
  const [row] = await db.rows<Pick<Used, 'amounts'>>(sql`SELECT ${useSql(grantId, scopes)} AS amounts`);
  return row?.amounts ?? {};
}

const GRANT = sql`
  id, revision, organisation_id AS "organisationId", body, ${upstreamSql('access_grant')} AS upstream, provider_approval AS "providerApproval",
  buyer_approval AS "buyerApproval", subject_approval AS "subjectApproval", suspended_at IS NOT NULL AS suspended,
  revoked_at IS NOT NULL AS revoked, created_at AS "createdAt"`;
