/**
 * Suspension and revocation: stopping a grant, an account, an organisation or a dataset, with all its jobs.
 *
 * Guarantee: once a function here has returned, no job under what it stopped is admitted, opened or released. The stop
 * is committed together with a mark on every unfinished job, which waits for a release that is being committed. Jobs
 * that were being admitted meanwhile are marked by a second look. What is opened after that sees the stop itself.
 * Not covered: the running processes. A runner sees `halted` when it extends its lease; the database is the guarantee,
 * the killing saves time.
 */
import { sql, type SQL } from 'drizzle-orm';

import type { Database, Tx } from './database.ts';
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
    jobs: (id) => sql`account_id IN (SELECT id FROM account WHERE organisation_id = ${id})`,
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
  return stopAll(db, stop(id), jobs(id));
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
  return stopAll(db, stop, STOPS.grant.jobs(grantId), (tx) => endShares(tx, grantId));
}

/** SQL that is true when a grant, the account that uses it, its organisation, or a dataset is stopped or unknown. */
export function stoppedSql(rests: {
  readonly grant: string;
  readonly account: string;
  readonly datasets: readonly string[];
}): SQL {
  const { grant, account, datasets } = rests;
  return sql`(
    NOT EXISTS (SELECT FROM access_grant WHERE id = ${grant} AND revoked_at IS NULL AND suspended_at IS NULL)
    OR NOT EXISTS (SELECT FROM account a JOIN organisation o ON o.id = a.organisation_id
      WHERE a.id = ${account} AND a.revoked_at IS NULL AND o.suspended_at IS NULL)
    OR EXISTS (SELECT FROM dataset WHERE name = ANY(${sql.param(datasets)}::text[]) AND state <> 'active'))`;
}

async function stopAll(
  db: Database,
  stop: SQL,
  jobs: SQL,
  after: (tx: Tx) => Promise<void> = () => Promise.resolve(),
): Promise<readonly string[]> {
  const halted = await db.transact(async (tx) => {
    await checkFound(tx, stop);
    const stopped = await haltJobs(tx, jobs);
    await after(tx);
    return stopped;
  });
  // INVARIANT: a look of its own, whose snapshot is younger than the commit of the stop.
  const late = await db.transact((tx) => haltJobs(tx, jobs));
  return [...halted, ...late];
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
