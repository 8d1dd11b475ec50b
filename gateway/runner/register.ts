/**
 * Registration of a dataset by its operator: manifests are read, the source is opened, checked, digested and
 * prepared, and the database learns what it may know.
 *
 * The gateway's side of the database gets the manifest without its source (`StoredManifest`) and the policy; path,
 * digest, identity and the key of the commitment stay in the runner's tables.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { commitVersion } from '#crypto/commitment.ts';
import { Failure } from '#policies/refusal.ts';
import { checkTogether } from '#sandbox/manifest/agreement.ts';
import { parseDataset } from '#sandbox/manifest/dataset-file.ts';
import type { Dataset } from '#sandbox/manifest/dataset.ts';
import type { ReleasePolicy } from '#sandbox/manifest/policy.ts';
import { parsePolicy } from '#sandbox/manifest/policy-file.ts';
import { printReading } from '#sandbox/query/prepare.ts';
import { fileOf, sourceUnreadable } from '#sandbox/reader/source.ts';
import { type LedgerOfDataset, ledgersOf } from '../ledgers.ts';
import type { Database } from '../storage/database.ts';
import { type LedgerTerms, registerDataset, type Registration } from '../storage/registration.ts';
import type { OpenSource, Sources } from './sources.ts';

/** What `dataset.manifest` holds: everything but the source. Hidden columns are in it; buyers are not shown them. */
export type StoredManifest = Omit<Dataset, 'source'>;

/** A dataset to register, as the operator wrote it. */
export interface WrittenDataset {
  readonly manifest: string;
  readonly policy: string;
  /** Where relative paths of the manifest start: absolute. */
  readonly baseDirectory: string;
  /** The provider's organisation. */
  readonly organisation: string;
}

export interface RegisteredDataset {
  readonly name: string;
  readonly versionId: string;
  readonly commitment: string;
  readonly prepared: boolean;
  readonly layers: readonly string[];
}

/** Registers a dataset. Fails: CONFIG, SOURCE_UNREADABLE; refuses: JAIL, PARAM. */
export async function registerWritten(
  db: Database,
  sources: Sources,
  written: WrittenDataset,
): Promise<RegisteredDataset> {
  const dataset = parseDataset(written.manifest, {
    path: join(written.baseDirectory, 'dataset.yaml'),
    requireMaxRows: true,
  });
  const policy = parsePolicy(written.policy, { path: join(written.baseDirectory, 'policy.yaml') });
  checkTogether(dataset, policy);
  await using opened = await sources.open(dataset, policy);
  if (!opened.prepared) await checkReadable(dataset, opened);
  const [id, versionKey] = [randomBytes(16).toString('hex'), randomBytes(32)];
  const commitment = commitVersion(versionKey, `sha256:${opened.content}`);
  const { source, ...manifest } = dataset;
  const versionId = await registerDataset(db, {
    name: dataset.name,
    organisation: written.organisation,
    ...ledgerTermsOf(dataset, policy),
    manifest: manifest satisfies StoredManifest,
    policy,
    policyDigest: policy.digest,
    version: { id, commitment },
    source: {
      path: source.path,
      digest: opened.content,
      identity: opened.identity,
      versionKey: versionKey.toString('hex'),
    },
  });
  return { name: dataset.name, versionId, commitment, prepared: opened.prepared, layers: opened.layers };
}

/** Reads every value once, as a prepared copy does: a row that stops the engine stops the registration, and no job. */
async function checkReadable(dataset: Dataset, source: OpenSource): Promise<void> {
  try {
    await source.use((engine) => engine.query(printReading(dataset, engine.physical), []));
  } catch (error) {
    const isEngine = error instanceof Failure && error.code === 'MACHINE_FAULT';
    throw isEngine ? sourceUnreadable(fileOf(dataset)) : error;
  }
}

/** The ledgers of a dataset under a policy, as registration wants them. */
export function ledgerTermsOf(
  dataset: Pick<Dataset, 'lineage' | 'population'>,
  policy: ReleasePolicy,
): Pick<Registration, 'ledger' | 'population'> {
  const { lineage, population } = ledgersOf(dataset, policy);
  return { ledger: termsOf(lineage), population: population === null ? null : termsOf(population) };
}

function termsOf({ name: lineage, capacity }: LedgerOfDataset): LedgerTerms {
  if (capacity === null) return { lineage, unit: 'rho', capacity };
  const { unit, nano, thresholdDeltaYocto } = capacity;
  return { lineage, unit, capacity: { nano, thresholdDeltaYocto } };
}
