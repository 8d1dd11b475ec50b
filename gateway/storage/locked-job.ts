/**
 * A job's row, locked: the first step of every transaction that changes a job.
 *
 * Guarantee: whoever holds the row sees the newest claim, halt and outcome of the job, and nobody else changes it
 * until the transaction ends. Every such transaction locks in one order: job, counters of its grant, its
 * reservations, their lineages, and last the head of the log.
 */
import { sql } from 'drizzle-orm';

import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { Timing } from '#sandbox/plan.ts';
import { releaseTimeMs } from '#sandbox/release/timing.ts';

import type { BillingFacts, Quoted } from '../billing/facts.ts';
import type { Tx } from './database.ts';
import type { PlannedUsage } from './tables/jobs.ts';
import { isShown, rejectedFor } from './visibility.ts';

/** An answer is computed a moment before it is committed; this much is allowed for that where times are coarse. */
const COMMIT_MS = 20;

/** What a finished, running or waiting job is, to whoever settles it. */
export interface LockedJob {
  readonly id: string;
  readonly accountId: string;
  readonly grantId: string | null;
  readonly grantRevision: number | null;
  readonly datasets: readonly string[];
  readonly versionId: string | null;
  readonly purpose: string | null;
  readonly scene: string | null;
  readonly epsilon: string | null;
  readonly delta: string | null;
  readonly planDigest: string | null;
  /** Null for SQL. */
  readonly programDigest: string | null;
  readonly planned: PlannedUsage;
  /** By what it is billed, and at most how much: as it was admitted. */
  readonly billing: BillingFacts | null;
  readonly quoted: Quoted;
  readonly quoteId: string | null;
  readonly scopes: readonly string[];
  readonly timing: Timing | null;
  readonly actors: Readonly<Record<string, string>>;
  readonly repeatable: boolean;
  /** Whether a person decides about its release. */
  readonly review: boolean;
  readonly state: 'queued' | 'claimed' | 'opened' | 'done';
  readonly releaseId: string | null;
  readonly attempt: number;
  readonly createdAt: Date;
  /** Since its admission, by the database's clock. */
  readonly elapsedMs: number;
  /** Set when it was cancelled, or when something that it rests on was stopped. */
  readonly haltCode: 'KILLED' | 'GRANT_REVOKED' | null;
  /** The stored answer to the same Plan under the same grant, if there is one. */
  readonly stored: string | null;
  /** Whether the answer in store is one that a person decides about: then that decision is for this job too. */
  readonly storedReview: boolean;
  /** The same if it may be seen and was not rejected: before, nothing may be answered from it that has not been run. */
  readonly answered: string | null;
}

/** Locks a job. RangeError when there is none. */
export async function lockJob(tx: Tx, jobId: string): Promise<LockedJob> {
  const [job] = await tx.rows<LockedJob>(sql`
    SELECT j.id, j.account_id AS "accountId", j.grant_id AS "grantId", j.grant_revision AS "grantRevision", j.datasets,
      j.version_id AS "versionId", j.purpose, j.scene, j.epsilon, j.delta, j.plan_digest AS "planDigest",
      j.program_digest AS "programDigest", j.planned, j.billing, j.quoted, j.quote_id AS "quoteId", j.scopes, j.timing, j.actors, j.repeatable, j.review, j.state, j.release_id AS "releaseId", j.attempt,
      j.created_at AS "createdAt", j.halt_code AS "haltCode",
      (extract(epoch FROM clock_timestamp() - j.created_at) * 1000)::float8 AS "elapsedMs",
      m.release_id AS stored, coalesce(m.review, false) AS "storedReview",
      CASE WHEN ${isShown('m')} AND ${rejectedFor('m')} IS NULL THEN m.release_id END AS answered
    FROM job j LEFT JOIN (release r JOIN job m ON m.id = r.job_id) ON r.grant_id = j.grant_id
      AND r.version_id = j.version_id AND r.plan_digest = j.plan_digest AND r.repeatable AND j.repeatable
    WHERE j.id = ${jobId} FOR NO KEY UPDATE OF j`);
  if (job === undefined) throw new RangeError('no such job');
  return job;
}

/** When an answer or a failure that is ready now may leave: by the job's timing, from its admission. */
export function releaseAtOf({ timing, createdAt, elapsedMs }: LockedJob): Date {
  if (timing === null) throw new RangeError('an admitted job has a timing');
  const readyMs = Math.max(0, timing.mode === 'exact' ? elapsedMs : elapsedMs + COMMIT_MS);
  return new Date(createdAt.getTime() + Math.floor(releaseTimeMs(timing, readyMs)));
}

/** The grant of a job that was admitted. */
export function grantOf(job: Pick<LockedJob, 'grantId'>): string {
  if (job.grantId === null) throw new RangeError('an admitted job has a grant');
  return job.grantId;
}

/** Fences: only the newest attempt at a job in this state may write. Failure MACHINE_FAULT otherwise. */
export function checkAttempt(job: LockedJob, attempt: number, state: LockedJob['state']): void {
  if (job.attempt !== attempt || job.state !== state)
    throw new Failure('MACHINE_FAULT', say('storage.stale'));
}
