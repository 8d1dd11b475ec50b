/**
 * The tables of what is asked about: datasets, their versions, and the ledgers of their lineages.
 *
 * Guarantee: the facts that lead to the data (path, digest, version key) stand in `runner_source` and
 * `source_claim`, which the gateway's database role may not read.
 */
import { sql } from 'drizzle-orm';
import { check, index, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';

import { amount, identifier, instant, writtenAt } from './columns.ts';
import { organisation } from './identity.ts';

/**
 * A ledger: what may still be lost about the people in one lineage or population. An entry is nano-ρ (or nano-ε)
 * with the δ of key selection in units of 1e-24. A null capacity is unlimited (synthetic data only).
 */
export const lineage = pgTable(
  'lineage',
  {
    id: identifier('id').primaryKey(),
    unit: text('unit').$type<'rho' | 'epsilon'>().notNull(),
    /** The capacity at first use. Never changes. */
    ceilingNano: amount('ceiling_nano'),
    ceilingYocto: amount('ceiling_yocto'),
    /** The capacity in force: a later policy may lower it, never raise it above the ceiling. */
    capacityNano: amount('capacity_nano'),
    capacityYocto: amount('capacity_yocto'),
    reservedNano: amount('reserved_nano')
      .notNull()
      .default(sql`0`),
    reservedYocto: amount('reserved_yocto')
      .notNull()
      .default(sql`0`),
    spentNano: amount('spent_nano')
      .notNull()
      .default(sql`0`),
    spentYocto: amount('spent_yocto')
      .notNull()
      .default(sql`0`),
    /** What shares of grants have set aside and not used: for their own jobs only. */
    sharedNano: amount('shared_nano')
      .notNull()
      .default(sql`0`),
    sharedYocto: amount('shared_yocto')
      .notNull()
      .default(sql`0`),
    /** The part of `spent` that no reservation shows: what an operator booked after a restore. */
    accountedNano: amount('accounted_nano')
      .notNull()
      .default(sql`0`),
    accountedYocto: amount('accounted_yocto')
      .notNull()
      .default(sql`0`),
    /** Set after a restore from backup, until an operator accounts for what was spent since. */
    frozenAt: instant('frozen_at'),
    createdAt: writtenAt('created_at'),
  },
  (table) => [
    check('lineage_unit', sql`${table.unit} IN ('rho', 'epsilon')`),
    check(
      'lineage_not_negative',
      sql`least(${table.reservedNano}, ${table.reservedYocto}, ${table.spentNano}, ${table.spentYocto}, ${table.sharedNano}, ${table.sharedYocto}) >= 0`,
    ),
    check(
      'lineage_nano',
      sql`${table.reservedNano} + ${table.spentNano} + ${table.sharedNano} <= ${table.ceilingNano}`,
    ),
    check(
      'lineage_yocto',
      sql`${table.reservedYocto} + ${table.spentYocto} + ${table.sharedYocto} <= ${table.ceilingYocto}`,
    ),
    check(
      'lineage_capacity',
      sql`${table.capacityNano} <= ${table.ceilingNano} AND ${table.capacityYocto} <= ${table.ceilingYocto}`,
    ),
    check(
      'lineage_limited_in_both_or_neither',
      sql`num_nulls(${table.ceilingNano}, ${table.ceilingYocto}, ${table.capacityNano}, ${table.capacityYocto}) IN (0, 4)`,
    ),
  ],
);

export const dataset = pgTable(
  'dataset',
  {
    /** The table name in SQL. */
    name: text('name').primaryKey(),
    organisationId: identifier('organisation_id')
      .notNull()
      .references(() => organisation.id),
    lineageId: identifier('lineage_id')
      .notNull()
      .references(() => lineage.id),
    /** The shared ledger of a population, which every job also pays. */
    populationId: identifier('population_id').references(() => lineage.id),
    /** The manifest as the gateway may know it: without source path, table or credential. */
    manifest: jsonb('manifest').$type<object>().notNull(),
    policy: jsonb('policy').$type<object>().notNull(),
    policyDigest: text('policy_digest').notNull(),
    state: text('state').$type<'active' | 'suspended' | 'withdrawn'>().notNull().default('active'),
    createdAt: writtenAt('created_at'),
  },
  (table) => [check('dataset_state', sql`${table.state} IN ('active', 'suspended', 'withdrawn')`)],
);

/** A version as buyers may know it: a random name and a commitment. No digest, size or count of the data. */
export const datasetVersion = pgTable(
  'dataset_version',
  {
    /** 128 random bits in hex. */
    id: identifier('id').primaryKey(),
    datasetName: text('dataset_name')
      .notNull()
      .references(() => dataset.name),
    commitment: text('commitment').notNull(),
    registeredAt: writtenAt('registered_at'),
  },
  (table) => [index('dataset_version_latest').on(table.datasetName, table.registeredAt)],
);

/** What only the runner may know of a version. */
export const runnerSource = pgTable('runner_source', {
  versionId: identifier('version_id')
    .primaryKey()
    .references(() => datasetVersion.id),
  path: text('path').notNull(),
  /** SHA-256 of the content. */
  digest: text('digest').notNull(),
  /** Size, modification time, inode and footer hash: what a job compares before it reads. */
  identity: jsonb('identity').$type<object>().notNull(),
  /** Opens the commitment (hex); stays with the provider. */
  versionKey: text('version_key').notNull(),
});

/** Which lineage holds a path or a content digest: a second lineage over the same data would double its budget. */
export const sourceClaim = pgTable(
  'source_claim',
  {
    kind: text('kind').$type<'path' | 'digest'>().notNull(),
    value: text('value').notNull(),
    lineageId: identifier('lineage_id')
      .notNull()
      .references(() => lineage.id),
  },
  (table) => [primaryKey({ columns: [table.kind, table.value] })],
);
