/**
 * Registration: a dataset version becomes known, in one transaction, with its ledger and its secret facts.
 *
 * Guarantee: the capacity of a lineage, and of a population, is fixed at first use; a later policy may lower it and
 * never raise it. A path or a content that one lineage holds cannot be registered under another: two ledgers over the
 * same data would double its budget. What leads to the data goes to `runner_source` and `source_claim`, which the
 * gateway's database role may not read. Registering the same version again writes nothing new.
 */
import { sql } from 'drizzle-orm';

import { Failure } from '#policies/refusal.ts';
import { type Sentence, say } from '#policies/words.ts';

import type { Database, Tx } from './database.ts';

/** The shared ledger of a lineage or population. `capacity` null is unlimited (synthetic data only). */
export interface LedgerTerms {
  readonly lineage: string;
  readonly unit: 'rho' | 'epsilon';
  readonly capacity: { readonly nano: bigint; readonly thresholdDeltaYocto: bigint } | null;
}

export interface Registration {
  readonly name: string;
  readonly organisation: string;
  readonly ledger: LedgerTerms;
  readonly population: LedgerTerms | null;
  /** As the gateway may know it: without source path, table or credential. */
  readonly manifest: object;
  readonly policy: object;
  readonly policyDigest: string;
  readonly version: { readonly id: string; readonly commitment: string };
  /** The runner's alone. `digest` and `versionKey` in hex. */
  readonly source: {
    readonly path: string;
    readonly digest: string;
    readonly identity: object;
    readonly versionKey: string;
  };
}

/**
 * Registers a dataset and a version of it; the version's id, or the id that the same content of it had already.
 * Failure CONFIG when the data, the dataset or the ledger are held otherwise.
 */
export async function registerDataset(db: Database, registration: Registration): Promise<string> {
  return db.transact(async (tx) => {
    await keepLedgers(tx, registration);
    await claimSource(tx, registration);
    await keepDataset(tx, registration);
    return (await findVersion(tx, registration)) ?? addVersion(tx, registration);
  });
}

/** In the order in which admission locks them, so that the two cannot deadlock. */
async function keepLedgers(tx: Tx, { ledger, population }: Registration): Promise<void> {
  const lineage = ledger.lineage;
  const kept = [{ terms: ledger, fixed: say('storage.capacityFixed', { lineage }) }];
  if (population !== null) {
    const fixed = say('storage.populationUnit', { population: population.lineage });
    kept.push({ terms: population, fixed });
  }
  kept.sort((left, right) => (left.terms.lineage < right.terms.lineage ? -1 : 1));
  for (const { terms, fixed } of kept) await keepLedger(tx, terms, fixed);
}

/** The ledger, made at first use, or its capacity lowered; `fixed` is said where it is of another unit. */
async function keepLedger(tx: Tx, { lineage, unit, capacity }: LedgerTerms, fixed: Sentence): Promise<void> {
  const [nano, yocto] = [capacity?.nano ?? null, capacity?.thresholdDeltaYocto ?? null];
  const kept = await tx.rows(sql`
    INSERT INTO lineage (id, unit, ceiling_nano, ceiling_yocto, capacity_nano, capacity_yocto)
    VALUES (${lineage}, ${unit}, ${nano}::numeric, ${yocto}::numeric, ${nano}::numeric, ${yocto}::numeric)
    ON CONFLICT (id) DO UPDATE SET
      capacity_nano = least(lineage.capacity_nano, excluded.capacity_nano),
      capacity_yocto = least(lineage.capacity_yocto, excluded.capacity_yocto)
    WHERE lineage.unit = excluded.unit AND (lineage.ceiling_nano IS NULL) = (excluded.capacity_nano IS NULL)
    RETURNING id`);
  if (kept.length === 0) throw new Failure('CONFIG', fixed);
}

/** Path and content belong to the first lineage that claims them. */
async function claimSource(tx: Tx, { ledger, source }: Registration): Promise<void> {
  await tx.rows(sql`
    INSERT INTO source_claim (kind, value, lineage_id)
    VALUES ('path', ${source.path}, ${ledger.lineage}), ('digest', ${source.digest}, ${ledger.lineage})
    ON CONFLICT DO NOTHING`);
  const held = await tx.rows(sql`
    SELECT 1 AS held FROM source_claim WHERE lineage_id <> ${ledger.lineage}
      AND (kind = 'path' AND value = ${source.path} OR kind = 'digest' AND value = ${source.digest})`);
  if (held.length > 0) throw new Failure('CONFIG', say('storage.sourceHeld'));
}

async function keepDataset(tx: Tx, registration: Registration): Promise<void> {
  const { name, organisation, ledger, population, manifest, policy, policyDigest } = registration;
  const kept = await tx.rows(sql`
    INSERT INTO dataset (name, organisation_id, lineage_id, population_id, manifest, policy, policy_digest)
    VALUES (${name}, ${organisation}, ${ledger.lineage}, ${population?.lineage ?? null},
      ${JSON.stringify(manifest)}::jsonb, ${JSON.stringify(policy)}::jsonb, ${policyDigest})
    ON CONFLICT (name) DO UPDATE SET manifest = excluded.manifest, policy = excluded.policy, policy_digest = excluded.policy_digest
    WHERE dataset.lineage_id = excluded.lineage_id AND dataset.organisation_id = excluded.organisation_id
      AND dataset.population_id IS NOT DISTINCT FROM excluded.population_id
    RETURNING name`);
  if (kept.length === 0) throw new Failure('CONFIG', say('storage.lineageFixed', { dataset: name }));
  await checkPopulation(tx, registration);
}

/** One lineage is in one population or in none: an alias outside it would answer about its people for nothing. */
async function checkPopulation(tx: Tx, { ledger, population }: Registration): Promise<void> {
  const others = await tx.rows(sql`
    SELECT name FROM dataset WHERE lineage_id = ${ledger.lineage}
      AND population_id IS DISTINCT FROM ${population?.lineage ?? null}::text LIMIT 1`);
  const { lineage } = ledger;
  if (others.length > 0) throw new Failure('CONFIG', say('storage.populationFixed', { lineage }));
}

async function findVersion(tx: Tx, { name, source }: Registration): Promise<string | undefined> {
  const [found] = await tx.rows<{ id: string }>(sql`
    SELECT v.id FROM dataset_version v JOIN runner_source s ON s.version_id = v.id
    WHERE v.dataset_name = ${name} AND s.digest = ${source.digest} AND s.path = ${source.path}`);
  return found?.id;
}

/** A new version, under a random name and a commitment whose key stays with the provider. */
async function addVersion(tx: Tx, { name, version, source }: Registration): Promise<string> {
  await tx.rows(
    sql`INSERT INTO dataset_version (id, dataset_name, commitment) VALUES (${version.id}, ${name}, ${version.commitment})`,
  );
  await tx.rows(sql`
    INSERT INTO runner_source (version_id, path, digest, identity, version_key)
    VALUES (${version.id}, ${source.path}, ${source.digest}, ${JSON.stringify(source.identity)}::jsonb, ${source.versionKey})`);
  return version.id;
}
