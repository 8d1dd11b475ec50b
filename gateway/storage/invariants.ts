/**
 * The invariants of metering, budget and evidence, each one query over the whole database.
 *
 * Guarantee: what `findViolations` does not report holds for every row at the moment of the query. Run nightly, after
 * a restore, and by the tests after every crash they make.
 * Not covered: rows that never were. A log that was cut and re-made as a whole is found by an old checkpoint only.
 */
import { sql, type SQL } from 'drizzle-orm';

import { ABORTS_MAX } from '#policies/program-review.ts';
import { QUOTA_UNITS, type QuotaUnit } from '#policies/quota.ts';

import type { Tx } from './database.ts';
import { RETURNED } from './spend-returns.ts';
import { snakeCase } from './tables/grants.ts';

export interface Violation {
  readonly invariant: string;
  /** Ids of the rows that break it, at most ten. */
  readonly rows: readonly string[];
}

/** That two columns of JSON text differ. Most are the same text, which is quickly seen. */
function differ(one: SQL, other: SQL): SQL {
  return sql`(${one}::text IS DISTINCT FROM ${other}::text AND ${one}::jsonb IS DISTINCT FROM ${other}::jsonb)`;
}

/** Each gives the ids of the rows that break it. */
const INVARIANTS: Readonly<Record<string, SQL>> = {
  'a job is done if and only if it has a usage record': sql`
    SELECT j.id FROM job j FULL JOIN usage_record u ON u.job_id = j.id
    WHERE j.id IS NULL OR (j.state = 'done') <> (u.id IS NOT NULL)`,
  'a usage record says what its job says': sql`
    SELECT u.id FROM usage_record u JOIN job j ON j.id = u.job_id
    WHERE u.outcome <> j.outcome OR u.code IS DISTINCT FROM j.code OR u.release_id IS DISTINCT FROM j.release_id
      OR u.planned <> j.planned OR u.visible_at <> j.release_at OR ${differ(sql`u.billing`, sql`j.billing`)}
      OR u.quoted <> j.quoted OR u.quote_id IS DISTINCT FROM j.quote_id`,
  'what a run may cost is the sum of what it was quoted, fee by fee': sql`
    SELECT j.id FROM job j WHERE coalesce((j.planned->>'spendNano')::numeric, 0)
      <> (SELECT coalesce(sum(value::numeric), 0) FROM jsonb_each_text(j.quoted))`,
  'an accepted quote has one leaf, which says the same': sql`
    SELECT coalesce(a.quote_id, l.index::text) AS id FROM (
      SELECT a.*, q.quoted, q.billing, q.price, q.plan_digest FROM quote_acceptance a JOIN quote q ON q.id = a.quote_id) a
      FULL JOIN (SELECT * FROM audit_leaf WHERE class = 'quote') l ON l.index = a.leaf_index
    WHERE a.quote_id IS NULL OR l.index IS NULL OR l.body <> a.record OR l.visible_at <> a.accepted_at
      OR (l.body::jsonb->>'quoteId', l.body::jsonb->>'accountId', l.body::jsonb->>'grantId', l.body::jsonb->>'planDigest')
        <> (a.quote_id, a.account_id, a.grant_id, a.plan_digest)
      OR l.body::jsonb->'quoted' <> a.quoted OR l.body::jsonb->'billing' IS DISTINCT FROM a.billing
      OR (l.body::jsonb->>'priceFen')::numeric <> a.price`,
  'a job under a quote is the only one, and has the price of a quote that was accepted': sql`
    SELECT j.id FROM job j JOIN quote q ON q.id = j.quote_id
    WHERE j.billing IS NOT NULL AND (NOT EXISTS (SELECT FROM quote_acceptance a WHERE a.quote_id = q.id)
      OR j.billing::jsonb IS DISTINCT FROM q.billing OR j.quoted <> q.quoted
      OR EXISTS (SELECT FROM job o WHERE o.quote_id = q.id AND o.billing IS NOT NULL AND o.id <> j.id))`,
  'a release is the answer of the job that made it': sql`
    SELECT r.id FROM release r JOIN job j ON j.id = r.job_id
    WHERE j.release_id IS DISTINCT FROM r.id OR j.state <> 'done' OR j.repeat`,
  'a usage record has one leaf, and a leaf one usage record': sql`
    SELECT coalesce(u.id, l.index::text) AS id FROM usage_record u
      FULL JOIN (SELECT * FROM audit_leaf WHERE class IN ('release', 'refusal', 'failure')) l ON l.index = u.leaf_index
    WHERE u.id IS NULL OR l.index IS NULL OR l.class <> u.type OR l.visible_at <> u.visible_at`,
  'a decision about an answer that waits has one leaf, which says the same': sql`
    SELECT coalesce(v.release_id, l.index::text) AS id FROM release_review v
      FULL JOIN (SELECT * FROM audit_leaf WHERE class = 'review') l ON l.index = v.leaf_index LEFT JOIN job j ON j.id = v.job_id
    WHERE v.release_id IS NULL OR l.index IS NULL OR l.visible_at <> v.decided_at OR NOT j.review
      OR j.release_id <> v.release_id
      OR (l.body::jsonb->>'releaseId', l.body::jsonb->>'decision', l.body::jsonb->>'reviewer')
        <> (v.release_id, v.decision, v.account_id)
      OR l.body::jsonb->>'reason' IS DISTINCT FROM v.reason`,
  'what was done about a key has one leaf, which says the same': sql`
    SELECT coalesce(e.key_id || '/' || e.seq, l.index::text) AS id FROM key_event e
      FULL JOIN (SELECT * FROM audit_leaf WHERE class = 'key') l ON l.index = e.leaf_index
    WHERE e.key_id IS NULL OR l.index IS NULL OR l.visible_at <> e.at
      OR CASE WHEN e.kind = 'destroyed' THEN l.body IS DISTINCT FROM e.detail->>'record'
        ELSE (l.body::jsonb->>'key', l.body::jsonb->>'event') <> (e.key_id, e.kind)
          OR l.body::jsonb->>'account' IS DISTINCT FROM e.account_id END`,
  'a key is destroyed when one has asked, another has agreed, and in that order': sql`
    SELECT e.key_id AS id FROM key_event e LEFT JOIN LATERAL (
      SELECT kind, account_id FROM key_event b WHERE b.key_id = e.key_id AND b.seq < e.seq
        AND b.kind NOT IN ('held', 'lifted') ORDER BY b.seq DESC LIMIT 1) before ON true
    WHERE before.kind = 'destroyed'
      OR e.kind = 'approved' AND (before.kind IS DISTINCT FROM 'requested' OR before.account_id = e.account_id)
      OR e.kind = 'destroying' AND before.kind IS DISTINCT FROM 'approved'
      OR e.kind = 'destroyed' AND before.kind IS DISTINCT FROM 'destroying'`,
  "a step in a program's review has one leaf, which says the same": sql`
    SELECT coalesce(e.id, l.index::text) AS id FROM (SELECT * FROM program_event WHERE kind <> 'read') e
      FULL JOIN (SELECT * FROM audit_leaf WHERE class = 'program') l ON l.index = e.leaf_index
    WHERE e.id IS NULL OR l.index IS NULL OR l.visible_at <> e.at
      OR (l.body::jsonb->>'program', l.body::jsonb->>'event', l.body::jsonb->>'account', l.body::jsonb->>'side')
        <> (e.program_digest, e.kind, e.account_id, e.side)
      OR l.body::jsonb->'detail' <> e.detail`,
  'a program stands as its review says, and was approved by the operator and every provider, none of them the applicant': sql`
    SELECT p.digest AS id FROM program p LEFT JOIN LATERAL (
      SELECT count(*) FILTER (WHERE kind = 'rejected') AS rejected, count(*) FILTER (WHERE kind = 'withdrawn') AS withdrawn,
        count(*) FILTER (WHERE kind = 'suspended') AS round,
        count(*) FILTER (WHERE kind = 'approved' AND organisation_id = p.organisation_id) AS own
      FROM program_event e WHERE e.program_digest = p.digest) e ON true
    WHERE (p.state = 'withdrawn') <> (e.withdrawn > 0) OR p.state = 'rejected' AND e.rejected = 0 OR e.own > 0
      OR p.state = 'suspended' AND e.round = 0
      OR p.state = 'approved' AND (NOT EXISTS (SELECT FROM program_event a WHERE a.program_digest = p.digest
          AND a.kind = 'approved' AND a.side = 'operator' AND a.round = e.round)
        OR EXISTS (SELECT FROM program_event a WHERE a.program_digest = p.digest AND a.kind = 'aborted' AND a.round = e.round
          HAVING count(*) >= ${ABORTS_MAX}::int) OR EXISTS (SELECT FROM dataset d WHERE d.name = ANY(p.datasets)
        AND NOT EXISTS (SELECT FROM program_event a WHERE a.program_digest = p.digest AND a.kind = 'approved'
          AND a.side = 'provider' AND a.round = e.round AND a.organisation_id = d.organisation_id)))`,
  'a job that its program aborted is counted for that program, once': sql`
    SELECT coalesce(j.id, e.id) AS id FROM (SELECT id, program_digest FROM job WHERE code = 'PROGRAM_ABORTED') j
      FULL JOIN (SELECT * FROM program_event WHERE kind = 'aborted') e ON e.detail->>'job' = j.id
    WHERE j.id IS NULL OR e.id IS NULL OR j.program_digest IS DISTINCT FROM e.program_digest`,
  'an approved document has one leaf, which says the same': sql`
    SELECT coalesce(d.kind || '/' || d.id || '/' || d.revision, l.index::text) AS id
    FROM (SELECT * FROM filed_document WHERE approved_at IS NOT NULL) d
      FULL JOIN (SELECT * FROM audit_leaf WHERE class = 'document') l ON l.index = d.leaf_index
    WHERE d.id IS NULL OR l.index IS NULL OR l.visible_at <> d.approved_at
      OR (l.body::jsonb->>'document', l.body::jsonb->>'digest', l.body::jsonb->>'filedBy', l.body::jsonb->>'approvedBy')
        <> (d.kind || '/' || d.id || '/' || d.revision, d.digest, d.filed_by, d.approved_by)`,
  'a document is approved by another account than filed it': sql`
    SELECT kind || '/' || id || '/' || revision AS id FROM filed_document WHERE approved_by = filed_by`,
  'at no moment are two wordings of a document in force': sql`
    WITH wording AS (
      SELECT *, least(effective_to, withdrawn_at) AS ended FROM filed_document
      WHERE approved_at IS NOT NULL AND (withdrawn_at IS NULL OR withdrawn_at > effective_from))
    SELECT a.kind || '/' || a.id || '/' || a.revision AS id FROM wording a
      JOIN wording b ON b.kind = a.kind AND b.id = a.id AND b.revision <> a.revision
    WHERE b.effective_from >= a.effective_from AND (a.ended IS NULL OR a.ended > b.effective_from)`,
  'the leaf of a new answer is its receipt': sql`
    SELECT r.id FROM release r JOIN usage_record u ON u.job_id = r.job_id JOIN audit_leaf l ON l.index = u.leaf_index
    WHERE l.body <> r.receipt`,
  'any other leaf is the canonical usage record': sql`
    SELECT u.id FROM usage_record u JOIN audit_leaf l ON l.index = u.leaf_index
    WHERE NOT EXISTS (SELECT FROM release r WHERE r.job_id = u.job_id)
      AND 'sha256:' || encode(sha256(convert_to(l.body, 'UTF8')), 'hex') <> u.digest`,
  'the log has as many leaves as its head says, without gaps': sql`
    SELECT 'head' AS id FROM audit_head
    WHERE size <> (SELECT count(*) FROM audit_leaf) OR size <> (SELECT coalesce(max(index) + 1, 0) FROM audit_leaf)`,
  'a leaf has the hash of its body': sql`
    SELECT index::text AS id FROM audit_leaf
    WHERE hash <> encode(sha256('\\x00'::bytea || convert_to(body, 'UTF8')), 'hex')`,
  'every complete subtree has its node, with the hash of its halves': sql`
    WITH node AS (SELECT 0 AS level, index, hash FROM audit_leaf UNION ALL SELECT level, index, hash FROM audit_node),
      pair AS (
        SELECT l.level + 1 AS level, l.index / 2 AS index,
          encode(sha256('\\x01'::bytea || decode(l.hash, 'hex') || decode(r.hash, 'hex')), 'hex') AS hash
        FROM node l JOIN node r ON r.level = l.level AND r.index = l.index + 1 WHERE l.index % 2 = 0
      )
    SELECT coalesce(p.level, n.level) || '/' || coalesce(p.index, n.index) AS id
    FROM pair p FULL JOIN audit_node n ON n.level = p.level AND n.index = p.index WHERE p.hash IS DISTINCT FROM n.hash`,
  'the head is the right edge of the nodes': sql`
    WITH edge AS (
      SELECT level, ((size >> (level + 1)) << 1) AS index FROM audit_head, generate_series(0, 62) AS level
      WHERE (size >> level) & 1 = 1
    ), node AS (SELECT 0 AS level, index, hash FROM audit_leaf UNION ALL SELECT level, index, hash FROM audit_node)
    SELECT 'head' AS id FROM audit_head
    WHERE hashes <> (SELECT coalesce(jsonb_agg(node.hash ORDER BY edge.level DESC), '[]') FROM edge LEFT JOIN node USING (level, index))`,
  'a ledger has spent its spent reservations, and reserves the open ones': sql`
    SELECT l.id FROM lineage l LEFT JOIN LATERAL (
      SELECT coalesce(sum(nano) FILTER (WHERE state = 'spent'), 0) AS spent_nano,
        coalesce(sum(yocto) FILTER (WHERE state = 'spent'), 0) AS spent_yocto,
        coalesce(sum(nano) FILTER (WHERE state IN ('held', 'opened')), 0) AS reserved_nano,
        coalesce(sum(yocto) FILTER (WHERE state IN ('held', 'opened')), 0) AS reserved_yocto
      FROM reservation r WHERE r.lineage_id = l.id) s ON true
    WHERE l.spent_nano <> s.spent_nano + l.accounted_nano OR l.spent_yocto <> s.spent_yocto + l.accounted_yocto
      OR l.reserved_nano <> s.reserved_nano OR l.reserved_yocto <> s.reserved_yocto`,
  'a ledger sets aside what its shares have left': sql`
    SELECT l.id FROM lineage l LEFT JOIN LATERAL (
      SELECT coalesce(sum(left_nano), 0) AS nano, coalesce(sum(left_yocto), 0) AS yocto
      FROM budget_share s WHERE s.lineage_id = l.id AND s.ended_at IS NULL) s ON true
    WHERE l.shared_nano <> s.nano OR l.shared_yocto <> s.yocto`,
  'a share has left what no job of its grant has drawn': sql`
    SELECT s.grant_id AS id FROM budget_share s LEFT JOIN LATERAL (
      SELECT coalesce(sum(r.share_nano), 0) AS nano, coalesce(sum(r.share_yocto), 0) AS yocto
      FROM reservation r JOIN job j ON j.id = r.job_id
      WHERE j.grant_id = s.grant_id AND j.grant_revision = s.revision AND r.lineage_id = s.lineage_id
        AND r.state <> 'returned') d ON true
    WHERE s.ended_at IS NULL AND (s.left_nano + d.nano <> s.nano OR s.left_yocto + d.yocto <> s.yocto)`,
  'a reservation stands as its job does': sql`
    SELECT r.job_id AS id FROM reservation r JOIN job j ON j.id = r.job_id LEFT JOIN usage_record u ON u.job_id = j.id
    WHERE r.state <> CASE WHEN j.state IN ('queued', 'claimed') THEN 'held' WHEN j.state = 'opened' THEN 'opened'
      WHEN j.opened_at IS NOT NULL THEN 'spent' ELSE 'returned' END
      OR r.state = 'spent' AND (u.spent_nano <> r.nano OR u.spent_yocto <> r.yocto)
      OR r.state = 'returned' AND (u.spent_nano <> 0 OR u.spent_yocto <> 0)`,
  'a job pays the same to the lineage and the population of each of its datasets, or nothing to any': sql`
    SELECT j.id FROM job j JOIN dataset d ON d.name = ANY(j.datasets)
      CROSS JOIN LATERAL unnest(ARRAY[d.lineage_id, d.population_id]) AS ledger
      LEFT JOIN reservation r ON r.job_id = j.id AND r.lineage_id = ledger
    WHERE ledger IS NOT NULL AND r.job_id IS NULL AND EXISTS (SELECT FROM reservation o WHERE o.job_id = j.id)
    UNION ALL
    SELECT job_id FROM reservation GROUP BY job_id
    HAVING (min(nano), min(yocto), min(state)) <> (max(nano), max(yocto), max(state))`,
  'an answer was paid for, or comes from store': sql`
    SELECT r.id FROM release r
    WHERE NOT EXISTS (SELECT FROM reservation v WHERE v.job_id = r.job_id)
      OR EXISTS (SELECT FROM reservation v WHERE v.job_id = r.job_id AND v.state <> 'spent')`,
  'a charged run is planned to cost what it was quoted': sql`
    SELECT u.id FROM usage_record u JOIN job j ON j.id = u.job_id
    WHERE u.charged AND (j.quoted <> u.quoted OR coalesce((u.planned->>'spendNano')::numeric, 0)
      <> (SELECT coalesce(sum(q.value::numeric), 0) FROM jsonb_each_text(u.quoted) AS q))`,
  'money is given back once its failed run may be seen, and as much of it as is not billed': sql`
    SELECT r.job_id AS id FROM spend_return r LEFT JOIN usage_record u ON u.job_id = r.job_id
    WHERE u.id IS NULL OR u.outcome <> 'failed' OR NOT u.charged OR r.at < u.visible_at OR r.nano <> ${RETURNED}`,
  'a counter has used what its charged runs were planned with, less returned money, and reserves the unfinished ones': sql`
    SELECT c.grant_id || ' ' || c.scope AS id FROM grant_counter c WHERE ${sql.join(QUOTA_UNITS.map(counterDiffers), sql` OR `)}`,
};

function counterDiffers(unit: QuotaUnit): SQL {
  const column = sql.raw(snakeCase(unit));
  const name = sql.raw(`'${unit}'`);
  const returned =
    unit === 'spendNano'
      ? sql` - (SELECT coalesce(sum(r.nano), 0) FROM spend_return r JOIN job j ON j.id = r.job_id
      WHERE j.grant_id = c.grant_id AND c.scope = ANY(j.scopes))`
      : sql.empty();
  return sql`c.used_${column} <> (SELECT coalesce(sum((u.planned->>${name})::numeric), 0) FROM usage_record u
      JOIN job j ON j.id = u.job_id WHERE u.charged AND u.grant_id = c.grant_id AND c.scope = ANY(j.scopes))${returned}
    OR c.reserved_${column} <> (SELECT coalesce(sum((j.planned->>${name})::numeric), 0) FROM job j
      WHERE j.state <> 'done' AND j.grant_id = c.grant_id AND c.scope = ANY(j.scopes))`;
}

/** Names of all invariants. */
export const INVARIANT_NAMES = Object.keys(INVARIANTS);

/** The invariants that do not hold, each with the rows that break it. */
export async function findViolations(db: Tx): Promise<readonly Violation[]> {
  return violationsOf(db, INVARIANTS);
}

/** Those of a list of invariants that do not hold. */
export async function violationsOf(
  db: Tx,
  invariants: Readonly<Record<string, SQL>>,
): Promise<readonly Violation[]> {
  const violations: Violation[] = [];
  for (const [invariant, query] of Object.entries(invariants)) {
    const rows = await db.rows<{ id: string }>(sql`SELECT id FROM (${query}) AS broken LIMIT 10`);
    if (rows.length > 0) violations.push({ invariant, rows: rows.map(({ id }) => id) });
  }
  return violations;
}
