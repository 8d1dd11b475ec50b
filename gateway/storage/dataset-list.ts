/** Datasets with their newest version, as the gateway may know them: no path, digest or key of the source. */
import { sql } from 'drizzle-orm';

import type { ReleasePolicy } from '#sandbox/manifest/policy.ts';
import type { PublicDataset } from '#sandbox/manifest/public-view.ts';

import type { Tx } from './database.ts';

export interface StoredDataset {
  readonly name: string;
  readonly organisationId: string;
  readonly lineageId: string;
  readonly populationId: string | null;
  /** Everything but the source. Hidden columns are in it; nobody is shown them. */
  readonly manifest: PublicDataset;
  readonly policy: ReleasePolicy;
  readonly state: 'active' | 'suspended' | 'withdrawn';
  readonly versionId: string;
  readonly commitment: string;
}

const DATASET = sql.raw(`
  d.name, d.organisation_id AS "organisationId", d.lineage_id AS "lineageId", d.population_id AS "populationId",
  d.manifest, d.policy, d.state, v.id AS "versionId", v.commitment
  FROM dataset d JOIN LATERAL (
    SELECT id, commitment FROM dataset_version WHERE dataset_name = d.name ORDER BY registered_at DESC, id LIMIT 1
  ) v ON true`);

/** Every dataset, by name. */
export async function listDatasets(db: Tx): Promise<readonly StoredDataset[]> {
  return db.rows<StoredDataset>(sql`SELECT ${DATASET} ORDER BY d.name`);
}

/** A dataset, or null. */
export async function findDataset(db: Tx, name: string): Promise<StoredDataset | null> {
  const [row] = await db.rows<StoredDataset>(sql`SELECT ${DATASET} WHERE d.name = ${name}`);
  return row ?? null;
}
