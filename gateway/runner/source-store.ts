/** What the runner alone reads of a version: where its data lie and what identifies them. */
import { sql } from 'drizzle-orm';
import type { CustodianAddress, Dataset, DatasetSource } from '#sandbox/manifest/dataset.ts';
import type { ReleasePolicy } from '#sandbox/manifest/policy.ts';
import type { Tx } from '../storage/database.ts';
import type { StoredManifest } from './register.ts';

/** A version as the runner runs it. */
export interface RunnableVersion {
  readonly dataset: Dataset;
  readonly policy: ReleasePolicy;
  /** SHA-256 (hex) of the content that was registered. */
  readonly content: string;
  readonly commitment: string;
}

interface Row {
  readonly manifest: StoredManifest;
  readonly policy: ReleasePolicy;
  readonly path: string;
  readonly identity:
    | { readonly type: DatasetSource['type']; readonly sealed?: DatasetSource['sealed'] }
    | ({ readonly type: 'encrypted' } & CustodianAddress);
  readonly content: string;
  readonly commitment: string;
}

/** Everything a runner needs of a version, or undefined. */
export async function findRunnable(db: Tx, versionId: string): Promise<RunnableVersion | undefined> {
  const [row] = await db.rows<Row>(sql`
    SELECT d.manifest, d.policy, s.path, s.identity, s.digest AS content, v.commitment
    FROM dataset_version v JOIN dataset d ON d.name = v.dataset_name JOIN runner_source s ON s.version_id = v.id
    WHERE v.id = ${versionId}`);
  if (row === undefined) return undefined;
  const { manifest, policy, path, identity, content, commitment } = row;
  return { dataset: { ...manifest, source: sourceOf(path, identity) }, policy, content, commitment };
}

/** Where the data lie, with what the runner alone knows of their custodian. */
function sourceOf(path: string, identity: Row['identity']): Dataset['source'] {
  if (identity.type !== 'encrypted') {
    const { type, sealed } = identity;
    return { type, path, ...(sealed && { sealed }) };
  }
  const { url, ca, cert, certKey, orderKey } = identity;
  return { type: 'encrypted', path, custodian: { url, ca, cert, certKey, orderKey } };
}

/** A version that is sealed. */
export interface SealedVersion {
  readonly versionId: string;
  readonly dataset: string;
  readonly provider: string;
  readonly path: string;
  readonly key: string;
  readonly registeredAt: Date;
}

/** The versions that are sealed, under one key or under any. */
export async function listSealedVersions(
  db: Tx,
  key: string | null = null,
): Promise<readonly SealedVersion[]> {
  return db.rows<SealedVersion>(sql`
    SELECT v.id AS "versionId", d.name AS dataset, d.organisation_id AS provider, s.path,
      s.identity->'sealed'->>'key' AS key, v.registered_at AS "registeredAt"
    FROM runner_source s JOIN dataset_version v ON v.id = s.version_id JOIN dataset d ON d.name = v.dataset_name
    WHERE s.identity->'sealed'->>'key' IS NOT NULL AND (${key}::text IS NULL OR s.identity->'sealed'->>'key' = ${key}::text)
    ORDER BY d.name, v.registered_at`);
}
