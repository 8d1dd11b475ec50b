/**
 * Reading across accounts: who asked what, what it used, and who the parties of a run are.
 *
 * Guarantee: as in job-view.ts, nothing of a run that has ended shows before it may. Which rows a reader may
 * ask for is stated in `Readers`; the caller takes it from the role table and asks the policies for what it shows.
 */
import { sql, type SQL } from 'drizzle-orm';

import type { Tx } from './database.ts';
import { findJob, type JobView, selected, usageColumns, type UsageView } from './job-view.ts';
import { isShown, shownAt, told } from './visibility.ts';

/** The organisations between which a run happened. */
export interface Parties {
  readonly buyer: string;
  readonly providers: readonly string[];
}

/** Whose runs a reader may see: all, or those where his organisation is the buyer, a provider, or both. */
export type Readers = 'all' | { readonly buyer: string | null; readonly provider: string | null };

export interface JobFilter {
  readonly readers: Readers;
  readonly account: string | null;
  readonly dataset: string | null;
  readonly grant: string | null;
}

export type SeenJob = JobView & Parties;

/** Columns of JSON as text: most of them are given on as they are, a million times. */
interface UsageTexts {
  readonly planned: string;
  readonly billing: string | null;
  readonly quoted: string;
  readonly datasets: string;
  readonly actors: string;
  /** For operators only, never rated. */
  readonly measured: string;
}

export interface SeenUsage extends Omit<UsageView, keyof UsageTexts>, UsageTexts, Parties {
  readonly purpose: string | null;
  readonly scene: string | null;
  readonly epsilon: string | null;
  readonly delta: string | null;
  readonly planDigest: string | null;
  readonly program: string | null;
  readonly repeat: boolean;
}

/** The organisations whose datasets a job `j` is about. */
export const PROVIDERS = sql.raw(
  `(SELECT coalesce(jsonb_agg(DISTINCT d.organisation_id), '[]') FROM dataset d WHERE d.name = ANY(j.datasets))`,
);

/** A job with its parties, or null. */
export async function findSeenJob(db: Tx, jobId: string): Promise<SeenJob | null> {
  const job = await findJob(db, jobId);
  const [parties] = await db.rows<Parties>(sql`
    SELECT a.organisation_id AS buyer, ${PROVIDERS} AS providers
    FROM job j JOIN account a ON a.id = j.account_id WHERE j.id = ${jobId}`);
  return job === null || parties === undefined ? null : { ...job, ...parties };
}

/** Jobs, newest first. */
export async function listSeenJobs(
  db: Tx,
  { readers, account, dataset, grant }: JobFilter,
  {
    after,
    limit,
  }: { readonly after: { readonly createdAt: string; readonly id: string } | null; readonly limit: number },
): Promise<readonly SeenJob[]> {
  const ids = await db.rows<{ id: string }>(sql`
    SELECT j.id FROM job j JOIN account a ON a.id = j.account_id
    WHERE ${mayRead(readers)}
      AND (${account}::text IS NULL OR j.account_id = ${account})
      AND (${grant}::text IS NULL OR j.grant_id = ${grant})
      AND (${dataset}::text IS NULL OR ${dataset} = ANY(j.datasets))
      AND (${after?.createdAt ?? null}::timestamptz IS NULL
        OR (j.created_at, j.id) < (${after?.createdAt ?? null}::timestamptz, ${after?.id ?? null}::text))
    ORDER BY j.created_at DESC, j.id DESC LIMIT ${limit}::int`);
  const jobs: SeenJob[] = [];
  for (const { id } of ids) {
    const job = await findSeenJob(db, id);
    if (job !== null) jobs.push({ ...job, request: withoutParams(job.request) });
  }
  return jobs;
}

/** In a list the parameters of a program, which may be large, are left out; the job itself has them. */
function withoutParams(request: object): object {
  return Object.fromEntries(Object.entries(request).filter(([name]) => name !== 'params'));
}

/** One value, or null for all, in each dimension of usage. */
export interface UsageDimensions {
  readonly grant: string | null;
  readonly account: string | null;
  /** Release times, from and before, ISO 8601. */
  readonly from: string | null;
  readonly to: string | null;
  /** Organisations. */
  readonly buyer: string | null;
  readonly provider: string | null;
  readonly dataset: string | null;
  readonly purpose: string | null;
  readonly scene: string | null;
  readonly outcome: 'released' | 'refused' | 'failed' | null;
  readonly product: string | null;
}

export interface UsageFilter extends UsageDimensions {
  readonly readers: Readers;
}

/** Usage records in the order of the log, after a leaf that was seen; -1 for all. */
export async function listSeenUsage(
  db: Tx,
  filter: UsageFilter,
  { afterLeaf, limit }: { readonly afterLeaf: bigint; readonly limit: number },
): Promise<readonly SeenUsage[]> {
  return db.rows<SeenUsage>(sql`
    SELECT ${selected(USAGE_COLUMNS)}, ${PROVIDERS} AS providers FROM ${USAGE_OF_JOBS}
    WHERE u.leaf_index > ${afterLeaf}::bigint AND ${isAsked(filter)} ORDER BY u.leaf_index LIMIT ${limit}::int`);
}

/** A column of `SeenUsage`; providers are of another table. */
export type UsageColumn = Exclude<keyof SeenUsage, 'providers'>;

/** What they are, of `USAGE_OF_JOBS`. */
export const USAGE_COLUMNS: Readonly<Record<UsageColumn, SQL>> = {
  ...usageColumns('text'),
  measured: sql`u.measured::text`,
  datasets: sql`to_json(j.datasets)::text`,
  purpose: sql`j.purpose`,
  scene: sql`j.scene`,
  epsilon: sql`j.epsilon`,
  delta: sql`j.delta`,
  planDigest: sql`j.plan_digest`,
  program: sql`j.program_digest`,
  repeat: sql`j.repeat`,
  actors: sql`j.actors::text`,
  buyer: sql`a.organisation_id`,
};

/** Records `u` of jobs `j` of accounts `a`. */
export const USAGE_OF_JOBS = sql`usage_record u JOIN job j ON j.id = u.job_id JOIN account a ON a.id = u.account_id`;

/** SQL for a filter: of records that may be seen, those that were asked for. */
export function isAsked({ readers, from, to, provider, dataset, ...equal }: UsageFilter): SQL {
  const { grant, account, buyer, purpose, scene, outcome, product } = equal;
  return sql`${isShown('j')} AND ${mayRead(readers)}
    AND (${grant}::text IS NULL OR u.grant_id = ${grant}) AND (${account}::text IS NULL OR u.account_id = ${account})
    AND (${from}::timestamptz IS NULL OR ${shownAt('j')} >= ${from}::timestamptz)
    AND (${to}::timestamptz IS NULL OR ${shownAt('j')} < ${to}::timestamptz)
    AND (${buyer}::text IS NULL OR a.organisation_id = ${buyer}) AND (${dataset}::text IS NULL OR ${dataset} = ANY(j.datasets))
    AND (${provider}::text IS NULL OR EXISTS (SELECT FROM dataset d WHERE d.name = ANY(j.datasets) AND d.organisation_id = ${provider}))
    AND (${purpose}::text IS NULL OR j.purpose = ${purpose}) AND (${scene}::text IS NULL OR j.scene = ${scene})
    AND (${outcome}::text IS NULL OR ${told('j').outcome} = ${outcome})
    AND (${product}::text IS NULL OR u.billing->'product'->>'id' = ${product})`;
}

/** What a run cost each of its lineages; null before it may be seen, but to a reviewer of its answer. */
export async function findSpent(
  db: Tx,
  jobId: string,
  { held = false }: { readonly held?: boolean } = {},
): Promise<{ readonly nano: string; readonly thresholdDeltaYocto: string } | null> {
  const [row] = await db.rows<{ nano: string; thresholdDeltaYocto: string }>(sql`
    SELECT u.spent_nano AS nano, u.spent_yocto AS "thresholdDeltaYocto" FROM usage_record u JOIN job j ON j.id = u.job_id
    WHERE u.job_id = ${jobId} AND (${held} OR ${isShown('j')})`);
  return row ?? null;
}

/** The job that made a release and may be seen, or null. */
export async function findReleasingJob(db: Tx, releaseId: string): Promise<string | null> {
  const [row] = await db.rows<{ jobId: string }>(sql`
    SELECT r.job_id AS "jobId" FROM release r JOIN job j ON j.id = r.job_id
    WHERE r.id = ${releaseId} AND ${isShown('j')}`);
  return row?.jobId ?? null;
}

/** How many public events of each kind there have been: counted when they may be seen, not when they happened. */
export async function countEvents(db: Tx): Promise<Readonly<Record<string, number>>> {
  const rows = await db.rows<{ state: string; count: number }>(sql`
    SELECT e.state, count(*)::int AS count FROM job_event e JOIN job j ON j.id = e.job_id
    WHERE e.visible_at <= now() AND (e.state <> 'done' OR ${isShown('j')}) GROUP BY e.state`);
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
}

/** SQL for it, of a job `j` of an account `a`. */
export function mayRead(readers: Readers): SQL {
  if (readers === 'all') return sql`true`;
  const { buyer, provider } = readers;
  return sql`(a.organisation_id = ${buyer}::text
    OR EXISTS (SELECT FROM dataset d WHERE d.name = ANY(j.datasets) AND d.organisation_id = ${provider}::text))`;
}
