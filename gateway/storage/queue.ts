/**
 * The queue: the job rows themselves, taken by one runner at a time under a lease.
 *
 * Guarantee: a job is claimed by one runner; a claim counts the attempt, and whoever writes for a job names it, so a
 * runner that was believed dead writes nothing any more.
 * Not covered: a runner that stops. `recover` in abort.ts takes its jobs back.
 */
import { sql } from 'drizzle-orm';

import type { Timing } from '#sandbox/plan.ts';

import type { Database } from './database.ts';
import type { Charge } from './ledger.ts';
import { checkAttempt, lockJob } from './locked-job.ts';
import type { PlannedUsage } from './tables/jobs.ts';

/** All that a runner needs to check a request again and to run it. */
export interface ClaimedJob {
  readonly id: string;
  readonly attempt: number;
  readonly accountId: string;
  readonly grantId: string;
  readonly grantRevision: number;
  readonly datasets: readonly string[];
  readonly versionId: string;
  readonly request: object;
  readonly purpose: string | null;
  readonly scene: string | null;
  readonly epsilon: string | null;
  readonly delta: string | null;
  readonly planDigest: string;
  /** The digest of its program; null for SQL. */
  readonly programDigest: string | null;
  readonly planned: PlannedUsage;
  /** The counters on which it counts. */
  readonly scopes: readonly string[];
  readonly timing: Timing;
  readonly actors: Readonly<Record<string, string>>;
  readonly repeatable: boolean;
  readonly charges: readonly Charge[];
  readonly createdAt: Date;
}

interface ChargeRow {
  readonly lineage: string;
  readonly unit: 'rho' | 'epsilon';
  readonly nano: string;
  readonly yocto: string;
}

/** Takes the oldest waiting job, or null. Its reservation stays held: no source may be opened before `openJob`. */
export async function claimJob(
  db: Database,
  { runner, leaseMs }: { readonly runner: string; readonly leaseMs: number },
): Promise<ClaimedJob | null> {
  const [row] = await db.rows<Omit<ClaimedJob, 'charges'> & { readonly charges: readonly ChargeRow[] }>(sql`
    UPDATE job j SET state = 'claimed', runner = ${runner}, attempt = attempt + 1,
      lease_until = now() + ${leaseMs}::float8 * interval '1 millisecond'
    WHERE id = (SELECT id FROM job WHERE state = 'queued' ORDER BY created_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)
    RETURNING id, attempt, account_id AS "accountId", grant_id AS "grantId", grant_revision AS "grantRevision", datasets,
      version_id AS "versionId", request, purpose, scene, epsilon, delta, plan_digest AS "planDigest", program_digest AS "programDigest",
      planned, scopes, timing, actors, repeatable, created_at AS "createdAt",
      (SELECT jsonb_agg(jsonb_build_object('lineage', l.id, 'unit', l.unit, 'nano', r.nano::text, 'yocto', r.yocto::text) ORDER BY l.id)
        FROM reservation r JOIN lineage l ON l.id = r.lineage_id WHERE r.job_id = j.id) AS charges`);
  return row === undefined ? null : { ...row, charges: row.charges.map(chargeOf) };
}

function chargeOf({ lineage, unit, nano, yocto }: ChargeRow): Charge {
  return { lineage, unit, nano: BigInt(nano), thresholdDeltaYocto: BigInt(yocto) };
}

/**
 * Says that the runner still works on a job. `halted`: stop it, nothing will be released. Null: the attempt is over
 * and nothing of it may be written.
 */
export async function extendLease(
  db: Database,
  { jobId, attempt, leaseMs }: { readonly jobId: string; readonly attempt: number; readonly leaseMs: number },
): Promise<{ readonly halted: boolean } | null> {
  const [row] = await db.rows<{ halted: boolean }>(sql`
    UPDATE job SET lease_until = now() + ${leaseMs}::float8 * interval '1 millisecond'
    WHERE id = ${jobId} AND attempt = ${attempt} AND state IN ('claimed', 'opened')
    RETURNING halted_at IS NOT NULL AS halted`);
  return row ?? null;
}

/** Which of these jobs were stopped: nothing will be released of them. */
export async function findHalted(db: Database, jobIds: readonly string[]): Promise<readonly string[]> {
  const rows = await db.rows<{ id: string }>(sql`
    SELECT id FROM job WHERE id = ANY(${sql.param(jobIds)}::text[]) AND halted_at IS NOT NULL`);
  return rows.map(({ id }) => id);
}

/** Puts back a job that was claimed and not opened, as a runner does when it shuts down. Failure MACHINE_FAULT. */
export async function requeueJob(
  db: Database,
  { jobId, attempt }: { readonly jobId: string; readonly attempt: number },
): Promise<void> {
  await db.transact(async (tx) => {
    checkAttempt(await lockJob(tx, jobId), attempt, 'claimed');
    await tx.rows(
      sql`UPDATE job SET state = 'queued', runner = NULL, lease_until = NULL WHERE id = ${jobId}`,
    );
  });
  await db.notify('queue', jobId);
}
