/**
 * The charges of ledgers, one by one: what each job reserved, spent or got back, and the repeats that cost nothing.
 *
 * Guarantee: the amounts of all charges of a ledger add up to what it has reserved and spent since its first use, less
 * what an operator accounted for by hand. Before its release time a job that has ended is charged like one that runs.
 * Not covered: whether a reader may see a charge, beyond the filter of `Readers`.
 */
import { sql } from 'drizzle-orm';

import type { Tx } from './database.ts';
import { DONE } from './job-view.ts';
import { mayRead, type Parties, PROVIDERS, type Readers } from './oversight.ts';

/** `free`: a repeat that was answered at its admission, and reserved nothing. */
export type ChargeState = 'held' | 'opened' | 'spent' | 'returned' | 'free';

/** One job's charge on one ledger. */
export interface SeenCharge extends Parties {
  readonly jobId: string;
  readonly ledger: string;
  readonly state: ChargeState;
  /** What it takes of the ledger: nothing where it was returned or free. */
  readonly nano: string;
  readonly yocto: string;
  readonly createdAt: Date;
  readonly accountId: string;
  readonly grantId: string | null;
  readonly datasets: readonly string[];
  /** As asked. */
  readonly epsilon: string | null;
  readonly delta: string | null;
  /** Null until the job may be seen to be done, as are the next two. */
  readonly outcome: 'released' | 'refused' | 'failed' | null;
  readonly code: string | null;
  readonly repeat: boolean | null;
}

/** Where a list goes on: after this charge. */
export interface ChargePosition {
  readonly createdAt: string;
  readonly id: string;
  readonly ledger: string;
}

/** The charges of a lineage and of its population, newest first. Free repeats stand with the lineage. */
export async function listCharges(
  db: Tx,
  {
    lineage,
    population,
    readers,
  }: { readonly lineage: string; readonly population: string | null; readonly readers: Readers },
  { after, limit }: { readonly after: ChargePosition | null; readonly limit: number },
): Promise<readonly SeenCharge[]> {
  return db.rows<SeenCharge>(sql`
    WITH charge AS (
      SELECT r.job_id, r.lineage_id AS ledger, r.state,
        CASE WHEN r.state = 'returned' THEN 0 ELSE r.nano END AS nano,
        CASE WHEN r.state = 'returned' THEN 0 ELSE r.yocto END AS yocto
      FROM reservation r WHERE r.lineage_id IN (${lineage}::text, ${population}::text)
      UNION ALL
      SELECT f.id, ${lineage}::text, 'free', 0, 0 FROM job f
      WHERE f.repeat AND NOT EXISTS (SELECT FROM reservation r WHERE r.job_id = f.id)
        AND EXISTS (SELECT FROM dataset d WHERE d.name = ANY(f.datasets) AND d.lineage_id = ${lineage})
    )
    SELECT j.id AS "jobId", c.ledger, c.nano, c.yocto, j.created_at AS "createdAt",
      -- Spent and not yet visible: the run has ended, and nobody may know.
      CASE WHEN c.state = 'spent' AND NOT ${DONE} THEN 'opened' ELSE c.state END AS state,
      j.account_id AS "accountId", j.grant_id AS "grantId", j.datasets, j.epsilon, j.delta,
      CASE WHEN ${DONE} THEN j.outcome END AS outcome, CASE WHEN ${DONE} THEN j.code END AS code,
      CASE WHEN ${DONE} THEN j.repeat END AS repeat, a.organisation_id AS buyer, ${PROVIDERS} AS providers
    FROM charge c JOIN job j ON j.id = c.job_id JOIN account a ON a.id = j.account_id
    WHERE ${mayRead(readers)} AND (${after?.createdAt ?? null}::timestamptz IS NULL
      OR (j.created_at, j.id, c.ledger)
        < (${after?.createdAt ?? null}::timestamptz, ${after?.id ?? null}::text, ${after?.ledger ?? null}::text))
    ORDER BY j.created_at DESC, j.id DESC, c.ledger DESC LIMIT ${limit}::int`);
}
