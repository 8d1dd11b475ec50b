/**
 * Money given back: what a run was quoted and is not billed, because it failed.
 *
 * Guarantee: a counter gets it back once, whoever and how many ask, and not before the release time of the run: until
 * then a failed run counts like one that answered, so that no counter tells which it was.
 * Not covered: anything but money. What was read, computed and lost of the budget stays counted.
 */
import { sql, type SQL } from 'drizzle-orm';

import type { Database, Tx } from './database.ts';

/** Runs of one transaction at most. */
const BATCH = 500;

/**
 * SQL for what the run of a usage record `u` gets back, in billionths of a yuan: what it was quoted, but for fees whose
 * price says that failed runs are billed.
 */
export const RETURNED: SQL = sql`(SELECT coalesce(sum(q.value::numeric), 0) FROM jsonb_each_text(u.quoted) AS q
  WHERE NOT EXISTS (SELECT FROM json_array_elements(u.billing->'fees') AS f
    WHERE f->>'feeType' = split_part(q.key, '/', 1) AND (f->>'billsFailed')::boolean))`;

/** Failed runs `u` that may be seen and have not got back what they should. */
const DUE = sql`u.outcome = 'failed' AND u.charged AND u.visible_at <= now() AND ${RETURNED} > 0
  AND NOT EXISTS (SELECT FROM spend_return r WHERE r.job_id = u.job_id)`;

/** Gives back what is due, grant by grant; how many runs got theirs. May run in several places at once. */
export async function returnSpend(db: Database): Promise<number> {
  for (let total = 0; ;) {
    const returned = await db.transact(returnOfOneGrant);
    if (returned === null) return total;
    total += returned;
  }
}

/** Null when nothing is due; 0 when somebody else was faster. Counters are locked in the order of counters.ts. */
async function returnOfOneGrant(tx: Tx): Promise<number | null> {
  const due = await tx.rows<{ jobId: string; grantId: string }>(sql`
    SELECT u.job_id AS "jobId", u.grant_id AS "grantId" FROM usage_record u WHERE ${DUE}
      AND u.grant_id = (SELECT u.grant_id FROM usage_record u WHERE ${DUE} ORDER BY u.visible_at LIMIT 1)
    ORDER BY u.visible_at LIMIT ${BATCH}`);
  const grantId = due[0]?.grantId;
  if (grantId === undefined) return null;
  const jobs = sql`${sql.param(due.map(({ jobId }) => jobId))}::text[]`;
  await tx.rows(sql`
    SELECT scope FROM grant_counter WHERE grant_id = ${grantId}
      AND scope IN (SELECT unnest(scopes) FROM job WHERE id = ANY(${jobs}))
    ORDER BY scope COLLATE "C" FOR NO KEY UPDATE`);
  // A later statement sees what a faster one has committed meanwhile.
  const [given] = await tx.rows<{ returned: number }>(sql`
    WITH given AS (
      INSERT INTO spend_return (job_id, nano)
      SELECT u.job_id, ${RETURNED} FROM usage_record u WHERE u.job_id = ANY(${jobs}) AND ${DUE}
      RETURNING job_id, nano
    ), part AS (
      SELECT s.scope, sum(g.nano) AS nano FROM given g JOIN job j ON j.id = g.job_id, unnest(j.scopes) AS s(scope)
      GROUP BY s.scope
    ), lowered AS (
      UPDATE grant_counter c SET used_spend_nano = c.used_spend_nano - part.nano FROM part
      WHERE c.grant_id = ${grantId} AND c.scope = part.scope
    )
    SELECT count(*)::int AS returned FROM given`);
  return given?.returned ?? 0;
}
