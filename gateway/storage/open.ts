/**
 * Opening: the commit after which data may be read, and after which the budget is spent whatever happens.
 *
 * Guarantee: when `openJob` has returned `opened`, a committed row says so; no failure, cancellation, expiry or crash
 * gives the reservation back. A job that was stopped, or whose grant was revoked, is ended here instead, with nothing
 * spent, because nothing was read.
 */
import { sql } from 'drizzle-orm';

import { Failure, Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';

import { endHeld } from './abort.ts';
import type { Database, Tx } from './database.ts';
import { checkAttempt, type LockedJob, lockJob } from './locked-job.ts';
import { EVENT } from './run-record.ts';
import { isStopped } from './suspension.ts';

export type Opened =
  | { readonly kind: 'opened' }
  /** The same Plan was released under the same grant meanwhile: the job is done, free, and must not be run. */
  | { readonly kind: 'stored'; readonly releaseId: string };

/**
 * Opens a claimed job. To be repeated when the acknowledgement is lost.
 * Failure MACHINE_FAULT for a stale attempt; Refusal GRANT_REVOKED or Failure KILLED when the job was stopped, which
 * is then recorded.
 */
export async function openJob(
  db: Database,
  { jobId, attempt }: { readonly jobId: string; readonly attempt: number },
): Promise<Opened> {
  const opened = await db.transact((tx) => openIn(tx, jobId, attempt));
  if ('kind' in opened && opened.kind === 'opened') return opened;
  await db.notify('done', jobId);
  if (opened instanceof Error) throw opened;
  return opened;
}

async function openIn(tx: Tx, jobId: string, attempt: number): Promise<Opened | Refusal | Failure> {
  const job = await lockJob(tx, jobId);
  // The acknowledgement of this very commit was lost, and the runner asks again before it reads.
  if (job.state === 'opened' && job.attempt === attempt) return { kind: 'opened' };
  checkAttempt(job, attempt, 'claimed');
  // Whatever is stopped after this look waits for the lock on the job, marks it, and its release is refused.
  if (job.haltCode !== null || (await isStopped(tx, job))) return endStopped(tx, job);
  if (job.answered !== null) {
    await endHeld(tx, job, { outcome: 'released', releaseId: job.answered, repeat: true });
    return { kind: 'stored', releaseId: job.answered };
  }
  // One statement, so that there is no state between held and opened. A crash before the commit: the job is still
  // claimed and held, and recovery queues it again. After the commit: opened, and recovery books it as spent.
  const opened = await tx.rows(sql`
    WITH reserved AS (
      UPDATE reservation SET state = 'opened' WHERE job_id = ${jobId} AND state = 'held' RETURNING job_id
    ), event AS (
      INSERT INTO job_event (job_id, seq, state, visible_at) VALUES (${jobId}, ${EVENT.accepted}, 'accepted', now())
    )
    UPDATE job SET state = 'opened', opened_at = now() WHERE id = ${jobId} AND EXISTS (SELECT FROM reserved) RETURNING id`);
  if (opened.length !== 1) throw new RangeError('a claimed job has no held reservation');
  return { kind: 'opened' };
}

/** Nothing was read: the reservation and the quota go back, and the record says why. */
async function endStopped(tx: Tx, job: LockedJob): Promise<Refusal | Failure> {
  if (job.haltCode === 'KILLED') {
    const sentence = say('storage.killed');
    await endHeld(tx, job, { outcome: 'failed', code: 'KILLED', sentence });
    return new Failure('KILLED', sentence);
  }
  const sentence = say('storage.revoked');
  await endHeld(tx, job, { outcome: 'refused', code: 'GRANT_REVOKED', sentence });
  return new Refusal('GRANT_REVOKED', sentence);
}
