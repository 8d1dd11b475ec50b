/**
 * The tables of evidence: one usage record per run, and the append-only Merkle log (RFC 6962) of receipts.
 *
 * Guarantee: `usage_record`, `audit_leaf` and `audit_node` take inserts only, by trigger and by role; the head
 * only grows, by trigger.
 */
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  index,
  integer,
  json,
  jsonb,
  pgTable,
  primaryKey,
  text,
} from 'drizzle-orm/pg-core';

import { amount, identifier, instant, writtenAt } from './columns.ts';
import { job, type PlannedUsage, release } from './jobs.ts';

/** A planned quantity is shown, counted and rated; a measured one is the operator's and never rated. */
export const usageRecord = pgTable(
  'usage_record',
  {
    /** `<job>/release`, `<job>/refusal` or `<job>/failure`: a repetition of the message is the same record. */
    id: text('id').primaryKey(),
    source: text('source').notNull(),
    type: text('type').$type<'release' | 'refusal' | 'failure'>().notNull(),
    jobId: identifier('job_id')
      .notNull()
      .unique()
      .references(() => job.id),
    grantId: identifier('grant_id'),
    accountId: identifier('account_id').notNull(),
    releaseId: identifier('release_id').references(() => release.id),
    outcome: text('outcome').$type<'released' | 'refused' | 'failed'>().notNull(),
    code: text('code'),
    /** Whether the run stands in the counters of its grant. */
    charged: boolean('charged').notNull(),
    /** What each lineage lost by this run. */
    spentNano: amount('spent_nano').notNull(),
    spentYocto: amount('spent_yocto').notNull(),
    planned: jsonb('planned').$type<PlannedUsage>().notNull(),
    measured: jsonb('measured').$type<object>().notNull(),
    /** As text: it is hashed and given on more often than it is looked into. */
    billing: json('billing').$type<object>(),
    quoted: jsonb('quoted').$type<Readonly<Record<string, string>>>().notNull().default({}),
    quoteId: identifier('quote_id'),
    /** SHA-256 of the canonical public record: in the leaf of a refusal or failure, in the receipt of a release. */
    digest: text('digest').notNull(),
    leafIndex: bigint('leaf_index', { mode: 'bigint' }).notNull().unique(),
    visibleAt: instant('visible_at').notNull(),
    recordedAt: writtenAt('recorded_at'),
  },
  (table) => [
    check('usage_record_id', sql`${table.id} = ${table.jobId} || '/' || ${table.type}`),
    check(
      'usage_record_outcome',
      sql`(${table.type}, ${table.outcome}) IN (('release', 'released'), ('refusal', 'refused'), ('failure', 'failed'))`,
    ),
    index('usage_record_of_grant').on(table.grantId, table.visibleAt),
    index('usage_record_of_account').on(table.accountId, table.visibleAt),
    index('usage_record_failed')
      .on(table.visibleAt)
      .where(sql`outcome = 'failed' AND charged`),
    index('usage_record_of_time').on(table.visibleAt),
  ],
);

/** What a leaf is about. */
export type LeafClass =
  | 'release'
  | 'refusal'
  | 'failure'
  | 'review'
  | 'program'
  | 'key'
  | 'quote'
  | 'document'
  | 'correction'
  | 'statement';

export const auditLeaf = pgTable('audit_leaf', {
  index: bigint('index', { mode: 'bigint' }).primaryKey(),
  /** RFC 6962 leaf hash of the UTF-8 bytes of `body`, in hex. */
  hash: text('hash').notNull(),
  /** A receipt, or the canonical JSON of a usage record, of a reviewer's decision or of a step in a program's review. */
  body: text('body').notNull(),
  class: text('class').$type<LeafClass>().notNull(),
  /** Not to be published before: the log's size would tell when a run ended. */
  visibleAt: instant('visible_at').notNull(),
});

/** Complete subtrees of two leaves and more; level 0 stands in `audit_leaf`. */
export const auditNode = pgTable(
  'audit_node',
  {
    level: integer('level').notNull(),
    index: bigint('index', { mode: 'bigint' }).notNull(),
    hash: text('hash').notNull(),
  },
  (table) => [primaryKey({ columns: [table.level, table.index] })],
);

/** The right edge of the tree. One row; every append locks it, last of all. */
export const auditHead = pgTable(
  'audit_head',
  {
    id: integer('id').primaryKey(),
    size: bigint('size', { mode: 'bigint' }).notNull(),
    /** Roots of the complete subtrees, largest first, in hex. */
    hashes: jsonb('hashes').$type<readonly string[]>().notNull(),
  },
  (table) => [check('audit_head_is_one', sql`${table.id} = 1`)],
);

export const checkpoint = pgTable('checkpoint', {
  size: bigint('size', { mode: 'bigint' }).primaryKey(),
  /** In hex. */
  root: text('root').notNull(),
  note: text('note').notNull(),
  createdAt: writtenAt('created_at'),
});
