/**
 * Release: the one transaction that makes an answer exist.
 *
 * Guarantee: released bytes, budget debit, quota, usage record, job state and log leaf are committed together or not
 * at all. "Released" means that this transaction committed; delivery reads the row, as often as it likes.
 * A stale attempt writes nothing. A job that was stopped, or whose grant was revoked, releases nothing, and its
 * reservation stays spent, because data were read. A lost acknowledgement is asked for again and answered alike.
 */
import { randomBytes } from 'node:crypto';

import { sql } from 'drizzle-orm';

import type { Digest } from '#crypto/canonical.ts';
import { Failure } from '#policies/refusal.ts';

import { endOpened, KILLED } from './abort.ts';
import { settleUse } from './counters.ts';
import { type Database, sqlStateOf, type Tx } from './database.ts';
import { type BudgetLine, costOf, endReservations } from './ledger.ts';
import { checkAttempt, grantOf, type LockedJob, lockJob, releaseAtOf } from './locked-job.ts';
import { endJob, type RunRecord, usageDigest } from './run-record.ts';
import { isStopped } from './suspension.ts';
import type { PlannedUsage } from './tables/jobs.ts';

/** What a receipt needs from the ledger and can get only inside the transaction. */
export interface ReceiptDraft {
  readonly jobId: string;
  readonly releaseId: string;
  readonly budget: readonly BudgetLine[];
  readonly planned: PlannedUsage;
  /** Of the public usage record of this run. */
  readonly usageDigest: Digest;
  /** When the answer leaves, by the job's timing. */
  readonly releaseAt: Date;
}

export interface ReleaseInput {
  readonly jobId: string;
  readonly attempt: number;
  /** Released cells as JSON text, kept byte for byte. */
  readonly cells: string;
  readonly salt: string;
  readonly outputDigest: string;
  /** For the operator only. */
  readonly measured: object;
  /**
   * Signs the receipt. Locks are held meanwhile: no I/O, and nothing of the database. May be called again when the
   * transaction is run again, and what it gave before is then dropped.
   */
  makeReceipt(draft: ReceiptDraft): string | Promise<string>;
}

/** An answer as stored. */
export interface StoredRelease {
  readonly releaseId: string;
  readonly cells: string;
  readonly salt: string;
  readonly outputDigest: string;
  readonly receipt: string;
  /** Whether another job made it: this one's noise was thrown away unseen, and its budget is spent all the same. */
  readonly repeat: boolean;
  readonly releaseAt: Date;
}

/**
 * Commits a release. To be repeated with the same arguments when the acknowledgement is lost.
 * Failure MACHINE_FAULT for a stale attempt (nothing is written), KILLED when the job was stopped (which is recorded).
 */
export async function commitRelease(db: Database, input: ReleaseInput): Promise<StoredRelease> {
  const released = await commitOnce(db, input).catch((error: unknown) => {
    // A twin of this Plan under this grant committed between our look and our insert: look again, and find it.
    if (isTwin(error)) return commitOnce(db, input);
    throw error;
  });
  await db.notify('done', input.jobId);
  if (released instanceof Failure) throw released;
  return released;
}

async function commitOnce(db: Database, input: ReleaseInput): Promise<StoredRelease | Failure> {
  return db.transact((tx) => commitIn(tx, input));
}

/** Read top to bottom; the order of locks is that of locked-job.ts. */
async function commitIn(tx: Tx, input: ReleaseInput): Promise<StoredRelease | Failure> {
  const { jobId, attempt } = input;
  // 1. The job. Until the commit a crash leaves it opened, so that its reservation can only become spent, and the
  //    noise that was drawn has left this process for nobody.
  const job = await lockJob(tx, jobId);
  const isAnsweredAlready = job.state === 'done' && job.attempt === attempt && job.releaseId !== null;
  if (isAnsweredAlready) return readRelease(tx, job.releaseId, jobId);
  checkAttempt(job, attempt, 'opened');
  // A stop marks the job (`haltCode`); that what the job rests on stands is looked at once more all the same, so that
  // no release rests on a mark alone.
  if (job.haltCode !== null || (await isStopped(tx, job))) {
    await endOpened(tx, job, { ...input, ...KILLED });
    return new Failure(KILLED.code, KILLED.sentence);
  }

  // 2. The counters of the grant: reserved becomes used. A crash here or below rolls all of it back.
  await settleUse(tx, { ...job, grantId: grantOf(job) }, job.planned);

  // 3. Reservations, then their lineages: opened becomes spent.
  const budget = await endReservations(tx, jobId, 'spent');

  // 4. The receipt, which states the ledger before and after. Signed before the head is locked: signing takes as
  //    long as a statement, and every other release waits for the head.
  const releaseId = job.stored ?? randomBytes(16).toString('hex');
  const record = recordOf(job, input, { releaseId, budget });
  if (job.stored !== null) {
    await endJob(tx, record, null);
    return readRelease(tx, releaseId, jobId);
  }
  const { cells, salt, outputDigest } = input;
  const { planned } = job;
  const { releaseAt } = record;
  const receipt = await input.makeReceipt({
    jobId,
    releaseId,
    budget,
    planned,
    usageDigest: usageDigest(record),
    releaseAt,
  });

  // 5. The head of the log, last; then answer, usage record, leaf and final state in one statement, then the commit.
  //    A crash after the commit and before its acknowledgement: the runner asks again and gets this release.
  await endJob(tx, record, { cells, salt, outputDigest, receipt });
  return { releaseId, cells, salt, outputDigest, receipt, repeat: false, releaseAt };
}

/** A job that gets another one's answer waits for the same person. */
function recordOf(
  { review, ...locked }: LockedJob,
  { measured }: ReleaseInput,
  made: { readonly releaseId: string; readonly budget: readonly BudgetLine[] },
): RunRecord & { readonly releaseAt: Date } {
  const job = { ...locked, review: review || locked.storedReview };
  const ending = { outcome: 'released', releaseId: made.releaseId, repeat: job.stored !== null } as const;
  return { job, ending, charged: true, spent: costOf(made.budget), measured, releaseAt: releaseAtOf(job) };
}

async function readRelease(tx: Tx, releaseId: string | null, jobId: string): Promise<StoredRelease> {
  const [row] = await tx.rows<StoredRelease>(sql`
    SELECT r.id AS "releaseId", r.cells, r.salt, r.output_digest AS "outputDigest", r.receipt, j.repeat,
      j.release_at AS "releaseAt"
    FROM release r JOIN job j ON j.id = ${jobId} WHERE r.id = ${releaseId}`);
  if (row === undefined) throw new RangeError('a released job has no release');
  return row;
}

/** unique_violation of release_of_plan: PostgreSQL and PGlite both name the constraint. */
function isTwin(error: unknown): boolean {
  return (
    sqlStateOf(error) === '23505' &&
    error instanceof Error &&
    'constraint' in error &&
    error.constraint === 'release_of_plan'
  );
}
