/**
 * What became of the data of a run: one record per run that opened data, written once the run has ended.
 *
 * Guarantee: one record per job, insert-only by trigger; only a runner writes it, outside the transaction that releases.
 * No buyer is shown it. Without a complete one nothing that the run earned is settled.
 * Not covered: whether what it says is so; it holds what the runner has checked of its own processes (runner/remains.ts).
 */
import { sql } from 'drizzle-orm';

import type { Tx } from './database.ts';

/** What a runner found, and whether nothing is left that should be gone. */
export interface Destruction {
  readonly record: object;
  readonly complete: boolean;
}

/** Writes the record of a run. One that is there stays. */
export async function recordDestruction(
  db: Tx,
  { jobId, record, complete }: Destruction & { readonly jobId: string },
): Promise<void> {
  await db.rows(sql`
    INSERT INTO run_destruction (job_id, record, complete)
    VALUES (${jobId}, ${JSON.stringify(record)}::jsonb, ${complete}::boolean) ON CONFLICT (job_id) DO NOTHING`);
}

/**
 * Writes records for the runs of a runner that opened data and left none: it ended before it could. For a runner that
 * starts anew under its own name, so that whatever ran for them was of a process that is no more. Returns how many.
 */
export async function recordLost(
  db: Tx,
  { runner, record, complete }: Destruction & { readonly runner: string },
): Promise<number> {
  const lost = await db.rows(sql`
    INSERT INTO run_destruction (job_id, record, complete)
    SELECT j.id, ${JSON.stringify(record)}::jsonb, ${complete}::boolean FROM job j
    WHERE j.runner = ${runner} AND j.state = 'done' AND j.opened_at IS NOT NULL
      AND NOT EXISTS (SELECT FROM run_destruction d WHERE d.job_id = j.id)
    ON CONFLICT (job_id) DO NOTHING RETURNING job_id`);
  return lost.length;
}
