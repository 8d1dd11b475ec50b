/** The tables of what is allowed: grants with every revision, the counters of their quotas, and binding quotes. */
import { sql } from 'drizzle-orm';
import { bigint, check, integer, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';

import type { Grant } from '#policies/grant.ts';
import { QUOTA_UNITS } from '#policies/quota.ts';
import type { Upstream } from '#policies/terms.ts';

import { amount, identifier, instant, writtenAt } from './columns.ts';
import { account, organisation } from './identity.ts';

/** Who approved on one side, and when. */
export interface Approval {
  readonly by: string;
  /** ISO 8601. */
  readonly at: string;
}

/** A grant as it stands: its newest revision, and what is true of it beside its text. */
export const accessGrant = pgTable('access_grant', {
  id: identifier('id').primaryKey(),
  revision: integer('revision').notNull(),
  organisationId: identifier('organisation_id')
    .notNull()
    .references(() => organisation.id),
  body: jsonb('body').$type<Grant>().notNull(),
  upstream: jsonb('upstream').$type<readonly Upstream[]>().notNull(),
  providerApproval: jsonb('provider_approval').$type<Approval>(),
  buyerApproval: jsonb('buyer_approval').$type<Approval>(),
  subjectApproval: jsonb('subject_approval').$type<Approval>(),
  suspendedAt: instant('suspended_at'),
  revokedAt: instant('revoked_at'),
  revokedBy: identifier('revoked_by'),
  createdAt: writtenAt('created_at'),
});

/** Every wording a grant ever had. Insert-only. */
export const grantRevision = pgTable(
  'grant_revision',
  {
    grantId: identifier('grant_id')
      .notNull()
      .references(() => accessGrant.id),
    revision: integer('revision').notNull(),
    body: jsonb('body').$type<Grant>().notNull(),
    createdBy: identifier('created_by').notNull(),
    createdAt: writtenAt('created_at'),
  },
  (table) => [primaryKey({ columns: [table.grantId, table.revision] })],
);

/**
 * That a wording of a grant was in force, from when until when: written when a new wording takes its place, because the
 * approvals of the old one go then. Insert-only.
 */
export const grantTerm = pgTable(
  'grant_term',
  {
    grantId: identifier('grant_id')
      .notNull()
      .references(() => accessGrant.id),
    revision: integer('revision').notNull(),
    beganAt: instant('began_at').notNull(),
    endedAt: instant('ended_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.grantId, table.revision] })],
);

/**
 * What was used under a grant, in all and by whatever else it limits. The counter that refuses is the counter that
 * bills: `used` equals the sum over the grant's charged usage records, less returned money, `reserved` the jobs under way.
 */
export const grantCounter = pgTable(
  'grant_counter',
  {
    grantId: identifier('grant_id')
      .notNull()
      .references(() => accessGrant.id),
    /** `total`, `day:2026-11-21`, `month:2026-11`, `purpose:…`, `cost-centre:…` or `standing:2026-11-21`: see quota.ts. */
    scope: text('scope').notNull(),
    capRuns: amount('cap_runs'),
    reservedRuns: amount('reserved_runs')
      .notNull()
      .default(sql`0`),
    usedRuns: amount('used_runs')
      .notNull()
      .default(sql`0`),
    capCalls: amount('cap_calls'),
    reservedCalls: amount('reserved_calls')
      .notNull()
      .default(sql`0`),
    usedCalls: amount('used_calls')
      .notNull()
      .default(sql`0`),
    capRows: amount('cap_rows'),
    reservedRows: amount('reserved_rows')
      .notNull()
      .default(sql`0`),
    usedRows: amount('used_rows')
      .notNull()
      .default(sql`0`),
    capOutputs: amount('cap_outputs'),
    reservedOutputs: amount('reserved_outputs')
      .notNull()
      .default(sql`0`),
    usedOutputs: amount('used_outputs')
      .notNull()
      .default(sql`0`),
    capComputeUnits: amount('cap_compute_units'),
    reservedComputeUnits: amount('reserved_compute_units')
      .notNull()
      .default(sql`0`),
    usedComputeUnits: amount('used_compute_units')
      .notNull()
      .default(sql`0`),
    capEpsilonNano: amount('cap_epsilon_nano'),
    reservedEpsilonNano: amount('reserved_epsilon_nano')
      .notNull()
      .default(sql`0`),
    usedEpsilonNano: amount('used_epsilon_nano')
      .notNull()
      .default(sql`0`),
    /** Money, in billionths of a yuan: what its jobs were quoted at most. */
    capSpendNano: amount('cap_spend_nano'),
    reservedSpendNano: amount('reserved_spend_nano')
      .notNull()
      .default(sql`0`),
    usedSpendNano: amount('used_spend_nano')
      .notNull()
      .default(sql`0`),
  },
  (table) => [
    primaryKey({ columns: [table.grantId, table.scope] }),
    ...QUOTA_UNITS.map((unit) => {
      const name = snakeCase(unit);
      const [cap, reserved, used] = ['cap', 'reserved', 'used'].map((part) => sql.raw(`${part}_${name}`));
      return check(
        `grant_counter_${name}`,
        sql`${reserved} >= 0 AND ${used} >= 0 AND ${reserved} + ${used} <= ${cap}`,
      );
    }),
  ],
);

/** The name of a quota unit in column names. */
export function snakeCase(unit: string): string {
  return unit.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** A binding offer: price, cost and planned usage of one Plan, until it expires. */
export const quote = pgTable('quote', {
  id: identifier('id').primaryKey(),
  accountId: identifier('account_id')
    .notNull()
    .references(() => account.id),
  grantId: identifier('grant_id').references(() => accessGrant.id),
  planDigest: text('plan_digest').notNull(),
  body: jsonb('body').$type<object>().notNull(),
  /** By what a job under it is billed. */
  billing: jsonb('billing').$type<object>(),
  /** At most, in billionths of a yuan, by fee and basis. */
  quoted: jsonb('quoted').$type<Readonly<Record<string, string>>>().notNull().default({}),
  /** In fen, rounded up: the most that a job under it is billed. */
  price: amount('price')
    .notNull()
    .default(sql`0`),
  createdAt: writtenAt('created_at'),
  expiresAt: instant('expires_at').notNull(),
});

/** That a buyer accepted a quote. It is a usage event of its own. Insert-only. */
export const quoteAcceptance = pgTable('quote_acceptance', {
  quoteId: identifier('quote_id')
    .primaryKey()
    .references(() => quote.id),
  accountId: identifier('account_id')
    .notNull()
    .references(() => account.id),
  grantId: identifier('grant_id')
    .notNull()
    .references(() => accessGrant.id),
  /** The public record, as canonical JSON: the body of its leaf. */
  record: text('record').notNull(),
  leafIndex: bigint('leaf_index', { mode: 'bigint' }).notNull().unique(),
  acceptedAt: instant('accepted_at').notNull(),
});

/** Quotes that were made, by account and day. */
export const quoteCount = pgTable(
  'quote_count',
  {
    accountId: identifier('account_id')
      .notNull()
      .references(() => account.id),
    day: text('day').notNull(),
    made: integer('made').notNull(),
  },
  (table) => [primaryKey({ columns: [table.accountId, table.day] })],
);

/**
 * That a counter of money passed 50, 80 or 100 per cent of a cap, once for each cap that it had. Insert-only, written by a
 * trigger.
 */
export const spendAlert = pgTable(
  'spend_alert',
  {
    grantId: identifier('grant_id').notNull(),
    scope: text('scope').notNull(),
    /** The cap at that time: a new wording of the grant may have another. */
    capNano: amount('cap_nano').notNull(),
    percent: integer('percent').notNull(),
    at: writtenAt('at'),
  },
  (table) => [primaryKey({ columns: [table.grantId, table.scope, table.capNano, table.percent] })],
);

/** Money that a failed run had reserved and that its counters got back, once its end could be seen. Insert-only. */
export const spendReturn = pgTable('spend_return', {
  jobId: identifier('job_id').primaryKey(),
  nano: amount('nano').notNull(),
  at: writtenAt('at'),
});
