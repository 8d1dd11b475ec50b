/**
 * What may be seen of jobs from outside: the only reads that a buyer's request may lead to.
 *
 * Guarantee: before it may be seen (visibility.ts) a job that has ended looks exactly like one that runs: no outcome, code, answer,
 * event or usage record of it can be read here. No clock time but admission and release is shown, and no measured
 * quantity.
 */
import { sql, type SQL } from 'drizzle-orm';

import type { Sentence } from '#policies/words.ts';

import type { BillingFacts, Quoted } from '../billing/facts.ts';
import type { Tx } from './database.ts';
import type { PlannedUsage } from './tables/jobs.ts';
import { isShown, rejectedFor, shownAt, told } from './visibility.ts';

export interface JobView {
  readonly id: string;
  readonly accountId: string;
  readonly grantId: string | null;
  readonly datasets: readonly string[];
  readonly versionId: string | null;
  readonly request: object;
  readonly purpose: string | null;
  readonly scene: string | null;
  readonly epsilon: string | null;
  readonly delta: string | null;
  readonly planDigest: string | null;
  /** The digest of the program that it runs; null for SQL. */
  readonly programDigest: string | null;
  readonly planned: PlannedUsage;
  /** By what it is billed, how much at most, and under which quote: since its admission. */
  readonly billing: BillingFacts | null;
  readonly quoted: Quoted;
  readonly quoteId: string | null;
  readonly state: 'queued' | 'accepted' | 'done';
  readonly createdAt: Date;
  /** Null until it is done, as is all below. */
  readonly outcome: 'released' | 'refused' | 'failed' | null;
  readonly code: string | null;
  readonly sentence: Sentence | null;
  readonly releaseId: string | null;
  readonly repeat: boolean | null;
  readonly releaseAt: Date | null;
}

export interface JobEvent {
  /** Growing, with gaps. */
  readonly seq: number;
  readonly state: 'queued' | 'accepted' | 'done';
}

/** A released answer with its evidence. */
export interface Answer {
  readonly releaseId: string;
  /** JSON text, byte for byte what the output digest covers. */
  readonly cells: string;
  readonly salt: string;
  readonly outputDigest: string;
  readonly receipt: string;
  readonly repeat: boolean;
}

export interface Page {
  readonly limit: number;
  /** The last row of the page before. */
  readonly after: { readonly createdAt: Date; readonly id: string } | null;
}

/** That a job `j` may be seen to be done. */
export const DONE = isShown('j');
const TOLD = told('j');

const VIEW = sql`
  j.id, j.account_id AS "accountId", j.grant_id AS "grantId", j.datasets, j.version_id AS "versionId", j.request,
  j.purpose, j.scene, j.epsilon, j.delta, j.plan_digest AS "planDigest", j.program_digest AS "programDigest", j.created_at AS "createdAt",
  -- A run that was answered from store while it waited is planned with less; that shows when it is done.
  CASE WHEN ${DONE} THEN 'done' WHEN j.state IN ('queued', 'claimed') THEN 'queued' ELSE 'accepted' END AS state,
  j.planned, j.billing, j.quoted, j.quote_id AS "quoteId", CASE WHEN ${DONE} THEN ${TOLD.outcome} END AS outcome, CASE WHEN ${DONE} THEN ${TOLD.code} END AS code,
  CASE WHEN ${DONE} THEN ${TOLD.sentence} END AS sentence, CASE WHEN ${DONE} THEN ${TOLD.releaseId} END AS "releaseId",
  CASE WHEN ${DONE} THEN j.repeat END AS repeat, CASE WHEN ${DONE} THEN ${shownAt('j')} END AS "releaseAt"`;

/** A job, or null. Whose it is, is the caller's to check. */
export async function findJob(db: Tx, jobId: string): Promise<JobView | null> {
  const [row] = await db.rows<JobView>(sql`SELECT ${VIEW} FROM job j WHERE j.id = ${jobId}`);
  return row ?? null;
}

/** The jobs of an account, newest first. */
export async function listJobs(db: Tx, account: string, { limit, after }: Page): Promise<readonly JobView[]> {
  const at = after?.createdAt.toISOString() ?? null;
  return db.rows<JobView>(sql`
    SELECT ${VIEW} FROM job j
    WHERE j.account_id = ${account}
      AND (${at}::timestamptz IS NULL OR (j.created_at, j.id) < (${at}::timestamptz, ${after?.id ?? null}::text))
    ORDER BY j.created_at DESC, j.id DESC LIMIT ${limit}::int`);
}

/** The events of a job after one that was seen; 0 for all. */
export async function listEvents(db: Tx, jobId: string, afterSeq: number): Promise<readonly JobEvent[]> {
  return db.rows<JobEvent>(sql`
    SELECT e.seq, e.state FROM job_event e JOIN job j ON j.id = e.job_id
    WHERE e.job_id = ${jobId} AND e.seq > ${afterSeq}::int AND e.visible_at <= now() AND (e.state <> 'done' OR ${DONE})
    ORDER BY e.seq`);
}

/** The answer of a job that may be seen to be done and released, or null. */
export async function findAnswer(db: Tx, jobId: string): Promise<Answer | null> {
  const [row] = await db.rows<Answer>(sql`
    SELECT r.id AS "releaseId", r.cells, r.salt, r.output_digest AS "outputDigest", r.receipt, j.repeat
    FROM job j JOIN release r ON r.id = j.release_id WHERE j.id = ${jobId} AND ${DONE} AND ${rejectedFor('j')} IS NULL`);
  return row ?? null;
}

/**
 * Milliseconds until a job that has ended may be seen, by the database's clock; null while it has not ended, and while
 * nobody has decided about its release.
 * INVARIANT: only for whoever waits to deliver. Shown outside, it would say that the run has ended.
 */
export async function dueInMs(db: Tx, jobId: string): Promise<number | null> {
  const [row] = await db.rows<{ dueMs: number }>(sql`
    SELECT greatest(0, extract(epoch FROM ${shownAt('j')} - now()) * 1000)::float8 AS "dueMs"
    FROM job j WHERE j.id = ${jobId} AND j.state = 'done' AND ${shownAt('j')} IS NOT NULL`);
  return row?.dueMs ?? null;
}

/** A usage record as its owner may read it. */
export interface UsageView {
  readonly id: string;
  readonly source: string;
  readonly type: 'release' | 'refusal' | 'failure';
  readonly jobId: string;
  readonly accountId: string;
  readonly grantId: string | null;
  readonly releaseId: string | null;
  readonly outcome: 'released' | 'refused' | 'failed';
  readonly code: string | null;
  readonly charged: boolean;
  readonly spentNano: string;
  readonly spentYocto: string;
  readonly planned: PlannedUsage;
  /** Null for a request that was refused before it had a price. */
  readonly billing: BillingFacts | null;
  readonly quoted: Quoted;
  readonly quoteId: string | null;
  readonly digest: string;
  readonly leafIndex: string;
  readonly releaseAt: Date;
}

/**
 * The columns of `UsageView`, of a record `u` and its job `j`; `text`: those of JSON as the database writes them. A run
 * whose answer was rejected is told as a refusal.
 */
export function usageColumns(as: 'json' | 'text'): Readonly<Record<keyof UsageView, SQL>> {
  const json = (column: string): SQL => sql.raw(as === 'json' ? column : `${column}::text`);
  return {
    id: sql`u.id`,
    source: sql`u.source`,
    type: sql`CASE WHEN ${TOLD.outcome} = u.outcome THEN u.type ELSE 'refusal' END`,
    jobId: sql`u.job_id`,
    accountId: sql`u.account_id`,
    grantId: sql`u.grant_id`,
    releaseId: TOLD.releaseId,
    outcome: TOLD.outcome,
    code: TOLD.code,
    charged: sql`u.charged`,
    spentNano: sql`u.spent_nano`,
    spentYocto: sql`u.spent_yocto`,
    planned: json('u.planned'),
    billing: json('u.billing'),
    quoted: json('u.quoted'),
    quoteId: sql`u.quote_id`,
    digest: sql`u.digest`,
    leafIndex: sql`u.leaf_index::text`,
    releaseAt: shownAt('j'),
  };
}

/** SQL that selects columns by their names. */
export function selected(columns: Readonly<Record<string, SQL>>): SQL {
  return sql.join(
    Object.entries(columns).map(([name, value]) => sql`${value} AS ${sql.identifier(name)}`),
    sql`, `,
  );
}

/** Usage records in the order of the log, after a leaf that was seen; -1 for all. Null matches every account or grant. */
export async function listUsage(
  db: Tx,
  which: { readonly account: string | null; readonly grant: string | null },
  { afterLeaf, limit }: { readonly afterLeaf: bigint; readonly limit: number },
): Promise<readonly UsageView[]> {
  const { account, grant } = which;
  return db.rows<UsageView>(sql`
    SELECT ${selected(usageColumns('json'))} FROM usage_record u JOIN job j ON j.id = u.job_id
    WHERE u.leaf_index > ${afterLeaf}::bigint AND ${DONE}
      AND (${account}::text IS NULL OR u.account_id = ${account}) AND (${grant}::text IS NULL OR u.grant_id = ${grant})
    ORDER BY u.leaf_index LIMIT ${limit}::int`);
}
