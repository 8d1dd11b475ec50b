/** The tables of what happens: jobs, which are their own queue, their reservations, and what was released. */
import { sql } from 'drizzle-orm';
import {
  boolean,
  check,
  index,
  integer,
  json,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
} from 'drizzle-orm/pg-core';

import type { Sentence } from '#policies/words.ts';
import type { Timing } from '#sandbox/plan.ts';

import { lineage } from './catalogue.ts';
import { amount, identifier, instant, writtenAt } from './columns.ts';
import { accessGrant, quote } from './grants.ts';
import { account } from './identity.ts';
import { program } from './programs.ts';

/** Planned quantities by name, as decimal text: the quota units, and whatever else may be rated. */
export type PlannedUsage = Readonly<Record<string, string>>;

export const job = pgTable(
  'job',
  {
    id: identifier('id').primaryKey(),
    accountId: identifier('account_id')
      .notNull()
      .references(() => account.id),
    /** Null for a request that was refused before a grant was found. */
    grantId: identifier('grant_id').references(() => accessGrant.id),
    grantRevision: integer('grant_revision'),
    datasets: text('datasets').array().notNull(),
    /** The version's id; of several inputs, all ids in order, joined by `+`. */
    versionId: text('version_id'),
    request: jsonb('request').$type<object>().notNull(),
    purpose: text('purpose'),
    scene: text('scene'),
    epsilon: text('epsilon'),
    delta: text('delta'),
    planDigest: text('plan_digest'),
    /** The program that it runs; null for SQL. */
    programDigest: text('program_digest').references(() => program.digest),
    planned: jsonb('planned').$type<PlannedUsage>().notNull(),
    /** The counters that were reserved for it: `total`, and the day of its admission. */
    scopes: text('scopes').array().notNull(),
    timing: jsonb('timing').$type<Timing>(),
    /** Authoriser, operator, user: the three responsible parties. */
    actors: jsonb('actors').$type<Readonly<Record<string, string>>>().notNull(),
    quoteId: identifier('quote_id').references(() => quote.id),
    /** By what it is billed, as its record has it; null where nothing was planned. */
    billing: json('billing').$type<object>(),
    /** What it was quoted at most, in billionths of a yuan, by fee and basis: `data_usage/calls`. */
    quoted: jsonb('quoted').$type<Readonly<Record<string, string>>>().notNull().default({}),
    /** Whether the answer is kept for repetition. */
    repeatable: boolean('repeatable').notNull(),
    /** Whether it was answered from store. */
    repeat: boolean('repeat').notNull().default(false),
    /** Whether a person decides about its release. */
    review: boolean('review').notNull().default(false),
    state: text('state').$type<'queued' | 'claimed' | 'opened' | 'done'>().notNull(),
    outcome: text('outcome').$type<'released' | 'refused' | 'failed'>(),
    code: text('code'),
    sentence: jsonb('sentence').$type<Sentence>(),
    releaseId: identifier('release_id'),
    /** When a reader outside may see that it is done. */
    releaseAt: instant('release_at'),
    /** Set by cancellation, revocation and suspension: nothing is released any more. */
    haltedAt: instant('halted_at'),
    haltCode: text('halt_code').$type<'KILLED' | 'GRANT_REVOKED'>(),
    runner: text('runner'),
    /** Counts claims. Whoever writes for a job names the attempt; a stale one writes nothing. */
    attempt: integer('attempt').notNull().default(0),
    leaseUntil: instant('lease_until'),
    createdAt: writtenAt('created_at'),
    openedAt: instant('opened_at'),
    doneAt: instant('done_at'),
  },
  (table) => [
    check('job_state', sql`${table.state} IN ('queued', 'claimed', 'opened', 'done')`),
    check(
      'job_done',
      sql`(${table.state} = 'done') = (${table.outcome} IS NOT NULL AND ${table.releaseAt} IS NOT NULL)`,
    ),
    check('job_code', sql`(${table.outcome} = 'released') = (${table.code} IS NULL)`),
    check('job_release', sql`(${table.outcome} = 'released') = (${table.releaseId} IS NOT NULL)`),
    index('job_queue')
      .on(table.createdAt)
      .where(sql`state = 'queued'`),
    index('job_lease')
      .on(table.leaseUntil)
      .where(sql`state IN ('claimed', 'opened')`),
    // One job under a quote; those of before had no price to be kept to.
    uniqueIndex('job_of_quote')
      .on(table.quoteId)
      .where(sql`quote_id IS NOT NULL AND billing IS NOT NULL`),
    index('job_of_account').on(table.accountId, table.createdAt, table.id),
    index('job_in_review')
      .on(table.grantId, table.planDigest)
      .where(sql`review`),
    index('job_under_way')
      .on(table.grantId)
      .where(sql`state <> 'done'`),
    index('job_of_program')
      .on(table.programDigest)
      .where(sql`state <> 'done'`),
  ],
);

/** What a reader outside sees of a job, in order. */
export const jobEvent = pgTable(
  'job_event',
  {
    jobId: identifier('job_id')
      .notNull()
      .references(() => job.id),
    seq: integer('seq').notNull(),
    state: text('state').$type<'queued' | 'accepted' | 'done'>().notNull(),
    visibleAt: instant('visible_at').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.jobId, table.seq] }),
    check('job_event_state', sql`${table.state} IN ('queued', 'accepted', 'done')`),
  ],
);

/** What a job has reserved of one lineage: held → opened → spent, or held → returned. */
export const reservation = pgTable(
  'reservation',
  {
    jobId: identifier('job_id')
      .notNull()
      .references(() => job.id),
    lineageId: identifier('lineage_id')
      .notNull()
      .references(() => lineage.id),
    nano: amount('nano').notNull(),
    yocto: amount('yocto').notNull(),
    /** The part that was drawn on the share of the job's grant. */
    shareNano: amount('share_nano')
      .notNull()
      .default(sql`0`),
    shareYocto: amount('share_yocto')
      .notNull()
      .default(sql`0`),
    state: text('state').$type<'held' | 'opened' | 'spent' | 'returned'>().notNull(),
    /** Only a held reservation may expire. */
    expiresAt: instant('expires_at').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.jobId, table.lineageId] }),
    check('reservation_state', sql`${table.state} IN ('held', 'opened', 'spent', 'returned')`),
    check('reservation_not_negative', sql`${table.nano} >= 0 AND ${table.yocto} >= 0`),
    check(
      'reservation_share',
      sql`${table.shareNano} BETWEEN 0 AND ${table.nano} AND ${table.shareYocto} BETWEEN 0 AND ${table.yocto}`,
    ),
    index('reservation_of_lineage')
      .on(table.lineageId)
      .where(sql`state IN ('held', 'opened')`),
  ],
);

/** An answer. It is released because this row is committed. Insert-only. */
export const release = pgTable(
  'release',
  {
    /** 128 random bits in hex. */
    id: identifier('id').primaryKey(),
    /** The job that made it; repeats only point here. */
    jobId: identifier('job_id')
      .notNull()
      .unique()
      .references(() => job.id),
    grantId: identifier('grant_id')
      .notNull()
      .references(() => accessGrant.id),
    versionId: text('version_id').notNull(),
    planDigest: text('plan_digest').notNull(),
    /** Whether the same Plan under the same grant is answered from here. */
    repeatable: boolean('repeatable').notNull(),
    /** The cells as JSON text: byte for byte what the output digest covers. */
    cells: text('cells').notNull(),
    salt: text('salt').notNull(),
    outputDigest: text('output_digest').notNull(),
    receipt: text('receipt').notNull(),
    releasedAt: instant('released_at').notNull(),
  },
  (table) => [
    uniqueIndex('release_of_plan')
      .on(table.grantId, table.versionId, table.planDigest)
      .where(sql`repeatable`),
  ],
);
