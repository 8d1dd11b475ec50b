/**
 * Review: the answers that wait for a person, who has read them, and the decision that ends the wait.
 *
 * Guarantee: an answer has one decision, made once, with who, when and why, and a leaf of its own in the log, all in one
 * transaction. Nothing is approved whose grant, account or dataset is stopped: the stop and the approval wait for each
 * other, so that a stop which has returned is before every release after it.
 * Not covered: who may review; the caller asks the policies. The answer was paid for when it was computed; no decision
 * changes the ledger.
 */
import { randomBytes } from 'node:crypto';

import { sql } from 'drizzle-orm';

import { evidenceJson } from '#crypto/canonical.ts';
import type { RejectionReason } from '#policies/output-kind.ts';
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';

import type { Database, Tx } from './database.ts';
import type { Answer } from './job-view.ts';
import { type LockedJob, lockJob } from './locked-job.ts';
import { appendSql, lockHead } from './log-append.ts';
import { mayRead, type Parties, PROVIDERS, type Readers } from './oversight.ts';
import { isStopped } from './suspension.ts';

/** A job whose answer waits: what a reviewer may know of it before reading it. */
export interface HeldJob extends Parties {
  readonly id: string;
  readonly accountId: string;
  readonly grantId: string;
  readonly datasets: readonly string[];
  readonly purpose: string | null;
  readonly scene: string | null;
  readonly kind: string;
  readonly releaseId: string;
  /** Its release time by its timing: since when it waits. */
  readonly since: Date;
  readonly decided: boolean;
}

const HELD = sql`
  SELECT j.id, j.account_id AS "accountId", j.grant_id AS "grantId", j.datasets, j.purpose, j.scene,
    coalesce(j.request->>'outputKind', 'statistic') AS kind, j.release_id AS "releaseId", j.release_at AS since,
    v.release_id IS NOT NULL AS decided, a.organisation_id AS buyer, ${PROVIDERS} AS providers
  FROM job j JOIN account a ON a.id = j.account_id LEFT JOIN release_review v ON v.release_id = j.release_id
  WHERE j.review AND j.outcome = 'released' AND j.release_at <= now()`;

/** The jobs whose answers wait, the longest first, after one that was seen. */
export async function listHeld(
  db: Tx,
  readers: Readers,
  {
    after,
    limit,
  }: { readonly after: { readonly since: string; readonly id: string } | null; readonly limit: number },
): Promise<readonly HeldJob[]> {
  return db.rows<HeldJob>(sql`
    ${HELD} AND v.release_id IS NULL AND ${mayRead(readers)}
      AND (${after?.since ?? null}::timestamptz IS NULL
        OR (j.release_at, j.id) > (${after?.since ?? null}::timestamptz, ${after?.id ?? null}::text))
    ORDER BY j.release_at, j.id LIMIT ${limit}::int`);
}

/** A job whose answer waits or waited, or null: also before its release time, for nobody is told earlier. */
export async function findHeld(db: Tx, jobId: string): Promise<HeldJob | null> {
  const [row] = await db.rows<HeldJob>(sql`${HELD} AND j.id = ${jobId}`);
  return row ?? null;
}

/** The answer that a reviewer is about to be shown. That he was is on record before he is. */
export async function readHeld(
  db: Database,
  { id, releaseId }: HeldJob,
  reviewer: string,
): Promise<Answer | null> {
  return db.transact(async (tx) => {
    await tx.rows(sql`
      INSERT INTO release_reading (id, release_id, account_id)
      VALUES (${randomBytes(16).toString('hex')}, ${releaseId}, ${reviewer})`);
    const [row] = await tx.rows<Answer>(sql`
      SELECT r.id AS "releaseId", r.cells, r.salt, r.output_digest AS "outputDigest", r.receipt, j.repeat
      FROM job j JOIN release r ON r.id = j.release_id WHERE j.id = ${id}`);
    return row ?? null;
  });
}

/** A decision. The reason is told to the buyer, the note is not. */
export type Decision =
  | { readonly decision: 'approved' }
  | { readonly decision: 'rejected'; readonly reason: RejectionReason; readonly note: string | null };

/**
 * Decides about the answer of a job. `already`: somebody has, and that stands; nothing is written.
 * Refusal GRANT_REVOKED for an approval under a grant, account or dataset that is stopped.
 */
export async function decideHeld(
  db: Database,
  { id: jobId }: HeldJob,
  by: { readonly account: string; readonly organisation: string },
  decision: Decision,
): Promise<'decided' | 'already'> {
  const end = await db.transact((tx) => decideIn(tx, jobId, by, decision));
  // To whoever waits for this job or one of its twins.
  if (end === 'decided') await db.notify('done', '');
  return end;
}

async function decideIn(
  tx: Tx,
  jobId: string,
  by: { readonly account: string; readonly organisation: string },
  decision: Decision,
): Promise<'decided' | 'already'> {
  // 1. The job.
  const job = await lockJob(tx, jobId);

  // 2. What it rests on, locked against being stopped until the decision is committed.
  if (decision.decision === 'approved' && (await isStoppedNow(tx, job)))
    throw new Refusal('GRANT_REVOKED', say('review.stopped'));

  // 3. The head of the log, last. Whoever decides holds it, so that what is seen now of the answer, which twins of the
  //    job share, stays so. Then leaf and decision in one statement, then the commit; a crash before it leaves nothing.
  const head = await lockHead(tx);
  const held = await findHeld(tx, jobId);
  if (held === null) throw new RangeError('no answer of this job waits');
  if (held.decided) return 'already';
  const decidedAt = head.now.toISOString();
  const { reason, note } = decision.decision === 'rejected' ? decision : { reason: null, note: null };
  const body = evidenceJson({
    type: 'review',
    jobId,
    releaseId: held.releaseId,
    decision: decision.decision,
    reason,
    reviewer: by.account,
    organisation: by.organisation,
    decidedAt,
  });
  const leaf = appendSql(head, { body, class: 'review', visibleAt: decidedAt });
  const made = await tx.rows(sql`
    WITH ${leaf.parts}
    INSERT INTO release_review (release_id, job_id, decision, reason, note, account_id, leaf_index, decided_at)
    VALUES (${held.releaseId}, ${jobId}, ${decision.decision}, ${reason}, ${note}, ${by.account}, ${leaf.index}::bigint,
      ${decidedAt}::timestamptz)
    RETURNING release_id`);
  if (made.length !== 1) throw new RangeError('a decision was not written');
  return 'decided';
}

async function isStoppedNow(tx: Tx, job: LockedJob): Promise<boolean> {
  const { grantId, accountId, datasets, programDigest } = job;
  // FOR SHARE waits for a stop under way and is waited for by one that comes; what it gives is not what is judged by.
  await tx.rows(sql`SELECT id FROM access_grant WHERE id = ${grantId} FOR SHARE`);
  await tx.rows(sql`
    SELECT a.id FROM account a JOIN organisation o ON o.id = a.organisation_id WHERE a.id = ${accountId} FOR SHARE`);
  await tx.rows(sql`
    SELECT name FROM dataset WHERE name = ANY(${sql.param(datasets)}::text[]) ORDER BY name FOR SHARE`);
  if (programDigest !== null)
    await tx.rows(sql`SELECT digest FROM program WHERE digest = ${programDigest} FOR SHARE`);
  return isStopped(tx, job);
}
