/**
 * Abort: how a job ends without an answer of its own, and how the jobs of a stopped runner end.
 *
 * Guarantee: once data may have been read, the reservation is spent, whatever the reason; before that, budget and
 * quota go back. Every end writes a usage record and a leaf. Ending twice writes nothing twice. An end as PROGRAM_ABORTED
 * counts for its program in the same transaction.
 */
import { sql } from 'drizzle-orm';

import type { FailedCode, Refusal } from '#policies/refusal.ts';
import { type Sentence, say } from '#policies/words.ts';

import { settleUse } from './counters.ts';
import type { Database, Tx } from './database.ts';
import { costOf, endReservations } from './ledger.ts';
import { checkAttempt, grantOf, type LockedJob, lockJob, releaseAtOf } from './locked-job.ts';
import { countAbort, lockProgramOfJob, type ProgramAbort } from './program-store.ts';
import { type Ending, endJob, NOTHING_SPENT } from './run-record.ts';
import { haltProgram } from './suspension.ts';

/** How a job ends that was stopped while it ran. */
export const KILLED = { code: 'KILLED', sentence: say('storage.killed') } as const;

/** Claims of one job that may end before it is opened; then it fails, because it may be what stops its runners. */
const ATTEMPTS_MAX = 3;

export interface FailureInput {
  readonly jobId: string;
  readonly attempt: number;
  readonly code: FailedCode;
  readonly sentence: Sentence;
  /** For the operator only. */
  readonly measured: object;
}

/**
 * Ends a claimed or opened job as failed. To be repeated when the acknowledgement is lost. What is returned is for the
 * operator to know: that its program aborted it. A program that is suspended by it has no job left that could release.
 * Failure MACHINE_FAULT for a stale attempt; nothing is written then.
 */
export async function failJob(db: Database, failure: FailureInput): Promise<ProgramAbort | null> {
  const { jobId, attempt, code, sentence } = failure;
  const abort = await db.transact(async (tx) => {
    if (code === 'PROGRAM_ABORTED') await lockProgramOfJob(tx, jobId);
    const job = await lockJob(tx, jobId);
    if (job.state === 'done' && job.attempt === attempt) return null;
    checkAttempt(job, attempt, job.state === 'opened' ? 'opened' : 'claimed');
    if (job.state === 'opened') return endOpened(tx, job, failure);
    await endHeld(tx, job, { outcome: 'failed', code, sentence });
    return null;
  });
  await db.notify('done', jobId);
  if (abort?.suspended === true) await haltProgram(db, abort.program);
  return abort;
}

/**
 * Ends a claimed job that the second decision, before any data are read, refuses: reservation and quota go back.
 * Failure MACHINE_FAULT for a stale attempt; nothing is written then.
 */
export async function refuseJob(
  db: Database,
  {
    jobId,
    attempt,
    refusal,
  }: { readonly jobId: string; readonly attempt: number; readonly refusal: Refusal },
): Promise<void> {
  const { code, sentence } = refusal;
  await db.transact(async (tx) => {
    const job = await lockJob(tx, jobId);
    if (job.state === 'done' && job.attempt === attempt) return;
    checkAttempt(job, attempt, 'claimed');
    await endHeld(tx, job, { outcome: 'refused', code, sentence });
  });
  await db.notify('done', jobId);
}

/** Ends a job whose data may have been read: its reservation is spent, and its use and its abort are counted. */
export async function endOpened(
  tx: Tx,
  job: LockedJob,
  failure: Omit<FailureInput, 'jobId' | 'attempt'>,
): Promise<ProgramAbort | null> {
  // A stop comes first: a job that failed by itself while it was being stopped must not say so.
  const { code, sentence } = job.haltCode === null ? failure : KILLED;
  // Quota like budget: given back, it would show outside, before the release time, that the run has ended.
  await settleUse(tx, { ...job, grantId: grantOf(job) }, job.planned);
  const spent = costOf(await endReservations(tx, job.id, 'spent'));
  const ending = { outcome: 'failed', code, sentence } as const;
  const { measured } = failure;
  const { accountId: account, programDigest: program } = job;
  const releaseAt = releaseAtOf(job);
  const counted = { job: job.id, account, at: releaseAt };
  const isAbort = code === 'PROGRAM_ABORTED' && program !== null;
  const abort = isAbort ? await countAbort(tx, program, counted) : null;
  await endJob(tx, { job, ending, charged: true, spent, measured, releaseAt }, null);
  return abort;
}

/**
 * Ends a job before any data were read: its reservation goes back, at once and in sight, because nothing about data
 * can show. One that is answered from store counts as a run with ε 0.
 */
export async function endHeld(tx: Tx, job: LockedJob, ending: Ending): Promise<void> {
  const charged = ending.outcome === 'released';
  const planned = charged ? { ...job.planned, epsilonNano: '0' } : job.planned;
  await settleUse(tx, { ...job, grantId: grantOf(job) }, charged ? planned : null);
  await endReservations(tx, job.id, 'returned');
  const record = {
    job: { ...job, planned },
    ending,
    charged,
    spent: NOTHING_SPENT,
    measured: {},
    releaseAt: null,
  };
  await endJob(tx, record, null);
}

/**
 * An order to stop one job. `ended`: it was not opened. `stopping`: its runner will end it. `running`: it is opened,
 * and `onlyWaiting` lets it end by itself. A buyer may stop only what waits: if he could stop a run, whether an answer
 * came all the same would tell when the run had ended, whatever its release time.
 */
export async function haltJob(
  db: Database,
  jobId: string,
  { onlyWaiting }: { readonly onlyWaiting: boolean } = { onlyWaiting: false },
): Promise<'ended' | 'stopping' | 'running' | 'done'> {
  const halted = await db.transact(async (tx) => {
    const job = await lockJob(tx, jobId);
    if (job.state === 'done') return 'done';
    if (job.state === 'opened' && onlyWaiting) return 'running';
    if (job.state === 'opened') {
      await tx.rows(
        sql`UPDATE job SET halted_at = coalesce(halted_at, now()), halt_code = coalesce(halt_code, 'KILLED') WHERE id = ${jobId}`,
      );
      return 'stopping';
    }
    await endHeld(tx, job, { outcome: 'failed', ...KILLED });
    return 'ended';
  });
  if (halted === 'ended') await db.notify('done', jobId);
  if (halted === 'stopping') await db.notify('halt', jobId);
  return halted;
}

export interface Recovery {
  /** Jobs that wait again, were ended with their budget spent, and were ended with nothing spent. */
  readonly requeued: number;
  readonly spent: number;
  readonly returned: number;
}

/**
 * Takes back the jobs of runners that stopped, and ends those that nobody took in time. One transaction per job.
 * `runner`: also this runner's jobs whose lease still runs, for a runner that starts anew under its own name.
 */
export async function recover(db: Database, options: { readonly runner?: string } = {}): Promise<Recovery> {
  const counts = { requeued: 0, spent: 0, returned: 0 };
  for (;;) {
    const recovered = await db.transact((tx) => recoverOne(tx, options.runner ?? null));
    if (recovered === null) return counts;
    counts[recovered.how] += 1;
    await db.notify(recovered.how === 'requeued' ? 'queue' : 'done', recovered.jobId);
  }
}

async function recoverOne(
  tx: Tx,
  runner: string | null,
): Promise<{ readonly jobId: string; readonly how: keyof Recovery } | null> {
  const [found] = await tx.rows<{ id: string }>(sql`
    SELECT id FROM job j
    WHERE state IN ('claimed', 'opened') AND (lease_until < now() OR runner = ${runner})
      OR state = 'queued' AND EXISTS (SELECT FROM reservation r WHERE r.job_id = j.id AND r.state = 'held' AND r.expires_at < now())
    LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED`);
  if (found === undefined) return null;
  const job = await lockJob(tx, found.id);
  if (job.state === 'opened') {
    const sentence = say('storage.lost');
    await endOpened(tx, job, { code: 'MACHINE_FAULT', sentence, measured: {} });
    return { jobId: job.id, how: 'spent' };
  }
  if (job.state === 'claimed' && job.attempt < ATTEMPTS_MAX) {
    await tx.rows(
      sql`UPDATE job SET state = 'queued', runner = NULL, lease_until = NULL WHERE id = ${job.id}`,
    );
    return { jobId: job.id, how: 'requeued' };
  }
  const sentence = say(job.state === 'claimed' ? 'storage.lost' : 'storage.notTaken');
  await endHeld(tx, job, { outcome: 'failed', code: 'MACHINE_FAULT', sentence });
  return { jobId: job.id, how: 'returned' };
}
