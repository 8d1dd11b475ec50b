/**
 * Suspension and revocation: stopping a grant, an account, an organisation, a dataset or a program, with all its jobs.
 *
 * Guarantee: once a function here has returned, no job under what it stopped is admitted, opened or released. The stop
 * is committed together with a mark on every unfinished job, which waits for a release that is being committed. Jobs
 * that were being admitted meanwhile are marked by a second look. What is opened after that sees the stop itself.
 * Not covered: the running processes. Runners are told and look by themselves (runner/kill-switch.ts); the database is
 * the guarantee, the killing is speed.
 */
import { sql, type SQL } from 'drizzle-orm';

import type { Database, Tx } from './database.ts';
import { grantOf, type LockedJob } from './locked-job.ts';
import { endShares } from './shares.ts';

export type Stoppable = 'grant' | 'account' | 'organisation' | 'dataset';

/** What a stop writes, what its end writes, and which jobs are under it. */
interface Stop {
  readonly stop: (id: string) => SQL;
  readonly resume: (id: string) => SQL;
  readonly jobs: (id: string) => SQL;
}

const STOPS: Readonly<Record<Stoppable, Stop>> = {
  grant: {
    stop: (id) =>
      sql`UPDATE access_grant SET suspended_at = coalesce(suspended_at, now()) WHERE id = ${id} RETURNING id`,
    resume: (id) => sql`UPDATE access_grant SET suspended_at = NULL WHERE id = ${id} RETURNING id`,
    jobs: (id) => sql`grant_id = ${id}`,
  },
  account: {
    stop: (id) =>
      sql`UPDATE account SET revoked_at = coalesce(revoked_at, now()) WHERE id = ${id} RETURNING id`,
    resume: (id) => sql`UPDATE account SET revoked_at = NULL WHERE id = ${id} RETURNING id`,
    jobs: (id) => sql`account_id = ${id}`,
  },
  organisation: {
    stop: (id) =>
      sql`UPDATE organisation SET suspended_at = coalesce(suspended_at, now()) WHERE id = ${id} RETURNING id`,
    resume: (id) => sql`UPDATE organisation SET suspended_at = NULL WHERE id = ${id} RETURNING id`,
    // What its people asked, and what was asked of its data.
    jobs: (id) => sql`(account_id IN (SELECT id FROM account WHERE organisation_id = ${id})
      OR datasets && ARRAY(SELECT name FROM dataset WHERE organisation_id = ${id}))`,
  },
  dataset: {
    stop: (id) =>
      sql`UPDATE dataset SET state = 'suspended' WHERE name = ${id} AND state <> 'withdrawn' RETURNING name`,
    resume: (id) =>
      sql`UPDATE dataset SET state = 'active' WHERE name = ${id} AND state = 'suspended' RETURNING name`,
    jobs: (id) => sql`${id} = ANY(datasets)`,
  },
};

/** Suspends. Returns the unfinished jobs that are stopped by it. RangeError when there is no such thing. */
export async function suspend(db: Database, kind: Stoppable, id: string): Promise<readonly string[]> {
  const { stop, jobs } = STOPS[kind];
  return stopJobs(db, { stop: (tx) => checkFound(tx, stop(id)), jobs: jobs(id) });
}

/** Ends a suspension. Jobs that it stopped stay stopped. */
export async function resume(db: Database, kind: Stoppable, id: string): Promise<void> {
  await db.transact((tx) => checkFound(tx, STOPS[kind].resume(id)));
}

/** Revokes a grant for good; what it has set aside of budgets goes back. Returns the unfinished jobs that are stopped by it. */
export async function revokeGrant(
  db: Database,
  { grantId, by }: { readonly grantId: string; readonly by: string },
): Promise<readonly string[]> {
  const stop = sql`
    UPDATE access_grant SET revoked_at = coalesce(revoked_at, now()), revoked_by = coalesce(revoked_by, ${by})
    WHERE id = ${grantId} RETURNING id`;
  return stopJobs(db, {
    stop: (tx) => checkFound(tx, stop),
    jobs: STOPS.grant.jobs(grantId),
    last: (tx) => endShares(tx, grantId),
  });
}

/** Withdraws a dataset for good: nothing is asked of it any more. Returns the unfinished jobs that are stopped by it. */
export async function withdrawDataset(db: Database, name: string): Promise<readonly string[]> {
  const stop = sql`UPDATE dataset SET state = 'withdrawn' WHERE name = ${name} RETURNING name`;
  return stopJobs(db, { stop: (tx) => checkFound(tx, stop), jobs: STOPS.dataset.jobs(name) });
}

/** What a job rests on: each of it can be stopped. */
export interface Rests {
  readonly grant: string;
  readonly account: string;
  readonly datasets: readonly string[];
  /** Null for SQL. */
  readonly program: string | null;
}

/**
 * SQL that is true when a grant, the account that uses it, its organisation, a dataset or its provider is stopped or
 * unknown, or when a program is not an approved one of that organisation.
 */
export function stoppedSql({ grant, account, datasets, program }: Rests): SQL {
  return sql`(
    NOT EXISTS (SELECT FROM access_grant WHERE id = ${grant} AND revoked_at IS NULL AND suspended_at IS NULL)
    OR NOT EXISTS (SELECT FROM account a JOIN organisation o ON o.id = a.organisation_id
      WHERE a.id = ${account} AND a.revoked_at IS NULL AND o.suspended_at IS NULL)
    OR EXISTS (SELECT FROM dataset d JOIN organisation o ON o.id = d.organisation_id
      WHERE d.name = ANY(${sql.param(datasets)}::text[]) AND (d.state <> 'active' OR o.suspended_at IS NOT NULL))
    OR ${program}::text IS NOT NULL AND NOT EXISTS (SELECT FROM program p JOIN account a ON a.organisation_id = p.organisation_id
      WHERE p.digest = ${program}::text AND p.state = 'approved' AND a.id = ${account}))`;
}

/** Whether anything that a job rests on is stopped, as this transaction sees it now. */
export async function isStopped(
  tx: Tx,
  job: Pick<LockedJob, 'grantId' | 'accountId' | 'datasets' | 'programDigest'>,
): Promise<boolean> {
  const { accountId: account, datasets, programDigest: program } = job;
  const [row] = await tx.rows<{ stopped: boolean }>(sql`
    SELECT ${stoppedSql({ grant: grantOf(job), account, datasets, program })} AS stopped`);
  return row?.stopped !== false;
}

/**
 * Stops something, and with it the unfinished jobs under it, whose ids it returns. `last`: what else belongs to the same
 * transaction, once the jobs are marked.
 */
export async function stopJobs(
  db: Database,
  {
    stop,
    jobs,
    last = () => Promise.resolve(),
  }: {
    readonly stop: (tx: Tx) => Promise<void>;
    readonly jobs: SQL;
    readonly last?: (tx: Tx) => Promise<void>;
  },
): Promise<readonly string[]> {
  const halted = await db.transact(async (tx) => {
    await stop(tx);
    const stopped = await haltJobs(tx, jobs);
    await last(tx);
    return stopped;
  });
  return [...halted, ...(await haltJobsUnder(db, jobs))];
}

/**
 * Marks the unfinished jobs under something whose stop is committed, and has runners end the processes that work for them.
 * Returns their ids.
 */
async function haltJobsUnder(db: Database, jobs: SQL): Promise<readonly string[]> {
  // INVARIANT: a look of its own, whose snapshot is younger than the commit of the stop.
  const halted = await db.transact((tx) => haltJobs(tx, jobs));
  await db.notify('halt', '');
  return halted;
}

/** Stops the unfinished jobs of a program whose suspension is committed. */
export async function haltProgram(db: Database, digest: string): Promise<void> {
  await haltJobsUnder(db, jobsOfProgram(digest));
}

/** Stops the unfinished jobs on versions whose key is destroyed. Returns their ids. */
export async function haltVersions(db: Database, versionIds: readonly string[]): Promise<readonly string[]> {
  return haltJobsUnder(db, sql`version_id = ANY(${sql.param(versionIds)}::text[])`);
}

/** SQL for the jobs of a program. */
export function jobsOfProgram(digest: string): SQL {
  return sql`program_digest = ${digest}`;
}

async function checkFound(tx: Tx, update: SQL): Promise<void> {
  const found = await tx.rows(update);
  if (found.length === 0) throw new RangeError('there is nothing of this name to stop or resume');
}

async function haltJobs(tx: Tx, which: SQL): Promise<readonly string[]> {
  const halted = await tx.rows<{ id: string }>(sql`
    UPDATE job SET halted_at = now(), halt_code = 'GRANT_REVOKED'
    WHERE state <> 'done' AND halted_at IS NULL AND ${which} RETURNING id`);
  return halted.map(({ id }) => id);
}
