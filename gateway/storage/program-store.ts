/**
 * Programs: what was submitted, who has read it, and the steps of its review.
 *
 * Guarantee: every step is one transaction with its event and its leaf in the log; what was submitted is never changed.
 * A program is approved by the step that brings the last missing side. A withdrawal is a stop: it marks the unfinished
 * jobs of the program in its own transaction (suspension.ts). Aborted jobs are counted with the end of the job, and the
 * third since the last approval suspends the program until every side has approved it again.
 * Not covered: who may take a step; the caller asks the policies.
 */
import { randomBytes } from 'node:crypto';

import { sql } from 'drizzle-orm';

import { evidenceJson } from '#crypto/canonical.ts';
import {
  ABORTS_MAX,
  missingApprovals,
  type ProgramEvent,
  type ProgramRecord,
  type ProgramRejection,
  type ProgramSide,
  type ProgramState,
  type SideApproval,
} from '#policies/program-review.ts';

import type { Database, Tx } from './database.ts';
import { appendSql, lockHead } from './log-append.ts';
import { jobsOfProgram, stopJobs } from './suspension.ts';

/** A program without its code: what a list holds. */
export interface ProgramSummary {
  readonly digest: string;
  readonly moduleDigest: string;
  /** The applicant. */
  readonly organisationId: string;
  readonly name: string;
  readonly version: number;
  readonly datasets: readonly string[];
  /** The organisations that provide them. */
  readonly providers: readonly string[];
  readonly submitter: string;
  readonly state: ProgramState;
  /** How often it was suspended: approvals of an earlier round count no more. */
  readonly round: number;
  readonly createdAt: Date;
}

export interface StoredProgram extends ProgramSummary {
  readonly module: string;
  /** The file as it was read. */
  readonly manifest: unknown;
  readonly record: ProgramRecord;
}

/** Something that was done about a program. */
export interface StoredEvent {
  readonly seq: number;
  readonly kind: ProgramEvent;
  readonly accountId: string;
  readonly organisationId: string;
  readonly side: ProgramSide;
  readonly round: number;
  readonly detail: Readonly<Record<string, unknown>>;
  /** Null for a reading. */
  readonly leafIndex: string | null;
  readonly at: Date;
}

/** Who takes a step, and for whom. */
export interface Actor {
  readonly account: string;
  readonly organisation: string;
  readonly side: ProgramSide;
}

const SUMMARY = sql.raw(`
  p.digest, p.module_digest AS "moduleDigest", p.organisation_id AS "organisationId", p.name, p.version, p.datasets,
  (SELECT coalesce(jsonb_agg(DISTINCT d.organisation_id), '[]') FROM dataset d WHERE d.name = ANY(p.datasets)) AS providers,
  p.submitter, p.state, (SELECT count(*)::int FROM program_event s WHERE s.program_digest = p.digest AND s.kind = 'suspended') AS round,
  p.created_at AS "createdAt"`);

/** Whose programs a reader may see: all, or those of his organisation and those that read its data. */
export type ProgramReaders = 'all' | { readonly organisation: string };

/** Programs, newest first, after one that was seen. */
export async function listPrograms(
  db: Tx,
  readers: ProgramReaders,
  {
    after,
    limit,
  }: {
    readonly after: { readonly createdAt: string; readonly digest: string } | null;
    readonly limit: number;
  },
): Promise<readonly ProgramSummary[]> {
  const organisation = readers === 'all' ? null : readers.organisation;
  return db.rows<ProgramSummary>(sql`
    SELECT ${SUMMARY} FROM program p
    WHERE (${organisation}::text IS NULL OR p.organisation_id = ${organisation}::text
        OR EXISTS (SELECT FROM dataset d WHERE d.name = ANY(p.datasets) AND d.organisation_id = ${organisation}::text))
      AND (${after?.createdAt ?? null}::timestamptz IS NULL
        OR (p.created_at, p.digest) < (${after?.createdAt ?? null}::timestamptz, ${after?.digest ?? null}::text))
    ORDER BY p.created_at DESC, p.digest DESC LIMIT ${limit}::int`);
}

/** A program, or null. */
export async function findProgram(db: Tx, digest: string): Promise<StoredProgram | null> {
  const [row] = await db.rows<StoredProgram>(sql`
    SELECT ${SUMMARY}, p.module, p.manifest, p.record FROM program p WHERE p.digest = ${digest}`);
  return row ?? null;
}

/** Whether any program may run. */
export async function hasApprovedPrograms(db: Tx): Promise<boolean> {
  const [row] = await db.rows<{ has: boolean }>(sql`
    SELECT EXISTS (SELECT FROM program WHERE state = 'approved') AS has`);
  return row?.has === true;
}

/** Everything that was done about a program, in order; of the end of a job not before that may be seen. */
export async function listProgramEvents(db: Tx, digest: string): Promise<readonly StoredEvent[]> {
  return db.rows<StoredEvent>(sql`
    SELECT seq, kind, account_id AS "accountId", organisation_id AS "organisationId", side, round, detail,
      leaf_index::text AS "leafIndex", at
    FROM program_event WHERE program_digest = ${digest} AND (kind NOT IN ('aborted', 'suspended') OR at <= now()) ORDER BY seq`);
}

export type NewProgram = Pick<
  StoredProgram,
  | 'digest'
  | 'moduleDigest'
  | 'organisationId'
  | 'name'
  | 'module'
  | 'manifest'
  | 'datasets'
  | 'record'
  | 'submitter'
> & {
  /** What admission found, and with which tools. */
  readonly scan: object;
};

/** Keeps a program that was scanned. False when there is one of this digest: it has a review of its own. */
export async function saveProgram(db: Database, made: NewProgram): Promise<boolean> {
  const { digest, organisationId, name } = made;
  return db.transact(async (tx) => {
    // Versions of one name are counted one after the other.
    await tx.rows(sql`SELECT id FROM organisation WHERE id = ${organisationId} FOR NO KEY UPDATE`);
    const inserted = await tx.rows(sql`
      INSERT INTO program (digest, module_digest, organisation_id, name, version, module, manifest, datasets, record, submitter, state)
      VALUES (${digest}, ${made.moduleDigest}, ${organisationId}, ${name},
        (SELECT coalesce(max(version), 0) + 1 FROM program WHERE organisation_id = ${organisationId} AND name = ${name}),
        ${made.module}, ${JSON.stringify(made.manifest)}::jsonb, ${sql.param(made.datasets)}::text[],
        ${JSON.stringify(made.record)}::jsonb, ${made.submitter}, 'submitted')
      ON CONFLICT (digest) DO NOTHING RETURNING digest`);
    if (inserted.length === 0) return false;
    const by: Actor = { account: made.submitter, organisation: organisationId, side: 'applicant' };
    await takeStep(tx, digest, { kind: 'submitted', by, detail: { moduleDigest: made.moduleDigest } });
    await takeStep(tx, digest, { kind: 'scanned', by, detail: made.scan, state: 'scanned' });
    return true;
  });
}

/** Puts on record that somebody is about to be shown the code. The first reading by a reviewer opens the review. */
export async function recordReading(
  db: Database,
  digest: string,
  { by, isReview }: { readonly by: Actor; readonly isReview: boolean },
): Promise<void> {
  await db.transact(async (tx) => {
    const { state } = await lockProgram(tx, digest);
    await tx.rows(eventSql(digest, { kind: 'read', by, detail: {} }, null));
    if (isReview && state === 'scanned') await takeStep(tx, digest, REVIEW_OPENS(by));
  });
}

const REVIEW_OPENS = (by: Actor): Step => ({ kind: 'in_review', by, detail: {}, state: 'in_review' });

/**
 * What became of a decision. `unread`: whoever decides has not been shown the code. `closed`: the review has ended.
 * `already`: this side, or this account, has approved.
 */
export type ReviewEnd = 'decided' | 'unread' | 'closed' | 'already';

/** Approves for one side; the program itself with the last of them. */
export async function approveProgram(
  db: Database,
  digest: string,
  {
    by,
    opinion,
  }: { readonly by: Actor & { readonly side: SideApproval['side'] }; readonly opinion: string | null },
): Promise<ReviewEnd> {
  return db.transact(async (tx) => {
    const program = await openReview(tx, digest, by);
    if (typeof program === 'string') return program;
    const given = await approvalsOf(tx, program);
    const isSame = (one: SideApproval): boolean =>
      one.account === by.account || (one.side === by.side && one.organisation === by.organisation);
    if (given.some(isSame)) return 'already';
    const missing = missingApprovals([...given, by], program.providers);
    await takeStep(tx, digest, {
      kind: 'approved',
      by,
      detail: { opinion, missing: missing.length },
      ...(missing.length === 0 && { state: 'approved' }),
    });
    return 'decided';
  });
}

/** A rejection: a code, the reason in words, and what it rests on. */
export interface Rejection {
  readonly reason: ProgramRejection;
  readonly text: string;
  readonly basis: string;
}

/** Rejects for good; a corrected program is another one. */
export async function rejectProgram(
  db: Database,
  digest: string,
  { by, rejection }: { readonly by: Actor; readonly rejection: Rejection },
): Promise<ReviewEnd> {
  return db.transact(async (tx) => {
    const program = await openReview(tx, digest, by);
    if (typeof program === 'string') return program;
    await takeStep(tx, digest, { kind: 'rejected', by, detail: rejection, state: 'rejected' });
    return 'decided';
  });
}

/** Withdraws a program for good and stops its unfinished jobs, whose ids it returns; null when it was withdrawn before. */
export async function withdrawProgram(
  db: Database,
  digest: string,
  { by, reason }: { readonly by: Actor; readonly reason: string },
): Promise<readonly string[] | null> {
  let isNew = false;
  const stopped = await stopJobs(db, {
    stop: async (tx) => {
      isNew = (await lockProgram(tx, digest)).state !== 'withdrawn';
      if (isNew) await tx.rows(sql`UPDATE program SET state = 'withdrawn' WHERE digest = ${digest}`);
    },
    jobs: jobsOfProgram(digest),
    last: async (tx) => {
      if (isNew) await takeStep(tx, digest, { kind: 'withdrawn', by, detail: { reason } });
    },
  });
  return isNew ? stopped : null;
}

/** What became of a program with one of its jobs. */
export interface ProgramAbort {
  readonly program: string;
  readonly job: string;
  /** Aborted jobs since the last approval. */
  readonly aborts: number;
  /** Whether this one suspended it. */
  readonly suspended: boolean;
}

/** Locks the program of a job, before the job: withdrawing locks in this order. */
export async function lockProgramOfJob(tx: Tx, jobId: string): Promise<void> {
  await tx.rows(sql`
    SELECT digest FROM program WHERE digest = (SELECT program_digest FROM job WHERE id = ${jobId}) FOR NO KEY UPDATE`);
}

/**
 * Counts a job that its program aborted; `at` is when its end may be seen. Part of the transaction that ends the job. What
 * else runs under a program that is suspended by it is for the caller to stop (`haltProgram`).
 */
export async function countAbort(
  tx: Tx,
  digest: string,
  { job, account, at }: { readonly job: string; readonly account: string; readonly at: Date },
): Promise<ProgramAbort> {
  const { organisationId: organisation, state, round } = await lockProgram(tx, digest);
  const by: Actor = { account, organisation, side: 'runner' };
  await takeStep(tx, digest, { kind: 'aborted', by, detail: { job }, at });
  const [row] = await tx.rows<{ aborts: number }>(sql`
    SELECT count(*)::int AS aborts FROM program_event
    WHERE program_digest = ${digest} AND kind = 'aborted' AND round = ${round}`);
  const aborts = row?.aborts ?? 0;
  const suspended = state === 'approved' && aborts >= ABORTS_MAX;
  if (suspended)
    await takeStep(tx, digest, { kind: 'suspended', by, detail: { aborts }, state: 'suspended', at });
  return { program: digest, job, aborts, suspended };
}

/** The program in review, or suspended, locked, for a decision by somebody who was shown its code since. */
async function openReview(tx: Tx, digest: string, by: Actor): Promise<ProgramSummary | 'unread' | 'closed'> {
  const program = await lockProgram(tx, digest);
  if (program.state === 'scanned') return 'unread';
  if (program.state !== 'in_review' && program.state !== 'suspended') return 'closed';
  const [row] = await tx.rows<{ read: boolean }>(sql`
    SELECT EXISTS (SELECT FROM program_event
      WHERE program_digest = ${digest} AND round = ${program.round} AND kind = 'read' AND account_id = ${by.account}) AS read`);
  return row?.read === true ? program : 'unread';
}

/** The sides that have approved it as it stands. */
async function approvalsOf(db: Tx, { digest, round }: ProgramSummary): Promise<readonly SideApproval[]> {
  return db.rows<SideApproval>(sql`
    SELECT side, organisation_id AS organisation, account_id AS account FROM program_event
    WHERE program_digest = ${digest} AND round = ${round} AND kind = 'approved' ORDER BY seq`);
}

/** Locks a program. RangeError when there is none. */
async function lockProgram(tx: Tx, digest: string): Promise<ProgramSummary> {
  const [row] = await tx.rows<ProgramSummary>(sql`
    SELECT ${SUMMARY} FROM program p WHERE p.digest = ${digest} FOR NO KEY UPDATE OF p`);
  if (row === undefined) throw new RangeError('no such program');
  return row;
}

interface Step {
  readonly kind: ProgramEvent;
  readonly by: Actor;
  readonly detail: object;
  /** The state that it leads to, if it leads to another. */
  readonly state?: ProgramState;
  /** When it may be seen; absent: at once. */
  readonly at?: Date;
}

/** One step: the state, the event and its leaf. The head of the log is locked last. */
async function takeStep(tx: Tx, digest: string, step: Step): Promise<void> {
  const { kind, by, detail, state } = step;
  if (state !== undefined) await tx.rows(sql`UPDATE program SET state = ${state} WHERE digest = ${digest}`);
  const head = await lockHead(tx);
  const at = (step.at ?? head.now).toISOString();
  const body = evidenceJson({ type: 'program', event: kind, program: digest, ...by, detail, at });
  const leaf = appendSql(head, { body, class: 'program', visibleAt: at });
  const made = await tx.rows(sql`
    WITH ${leaf.parts} ${eventSql(digest, step, { index: leaf.index, at })} RETURNING id`);
  if (made.length !== 1) throw new RangeError('a step was not written');
}

function eventSql(
  digest: string,
  { kind, by, detail }: Step,
  leaf: { readonly index: bigint; readonly at: string } | null,
): ReturnType<typeof sql> {
  const { account, organisation, side } = by;
  return sql`
    INSERT INTO program_event (id, program_digest, seq, kind, account_id, organisation_id, side, round, detail, leaf_index, at)
    VALUES (${randomBytes(16).toString('hex')}, ${digest},
      (SELECT coalesce(max(seq), 0) + 1 FROM program_event WHERE program_digest = ${digest}),
      ${kind}, ${account}, ${organisation}, ${side},
      (SELECT count(*)::int FROM program_event WHERE program_digest = ${digest} AND kind = 'suspended'), ${JSON.stringify(detail)}::jsonb,
      ${leaf === null ? null : String(leaf.index)}::bigint, coalesce(${leaf?.at ?? null}::timestamptz, clock_timestamp()))`;
}
