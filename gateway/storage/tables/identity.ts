/** The tables of who asks: organisations, their accounts, and what an account may use only once. */
import { boolean, integer, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';

import { identifier, instant, writtenAt } from './columns.ts';

export const organisation = pgTable('organisation', {
  id: identifier('id').primaryKey(),
  name: text('name').notNull(),
  region: text('region').notNull(),
  sector: text('sector').notNull(),
  /** Whether it runs the platform. */
  operator: boolean('operator').notNull().default(false),
  suspendedAt: instant('suspended_at'),
  createdAt: writtenAt('created_at'),
});

/** A client that signs in with a key of its own. */
export const account = pgTable('account', {
  id: identifier('id').primaryKey(),
  organisationId: identifier('organisation_id')
    .notNull()
    .references(() => organisation.id),
  roles: jsonb('roles').$type<readonly string[]>().notNull(),
  /** Public keys as JWKs; never a private one. */
  keys: jsonb('keys').$type<readonly object[]>().notNull(),
  revokedAt: instant('revoked_at'),
  createdAt: writtenAt('created_at'),
});

/** Assertions and proofs of possession that were used: each counts once (RFC 7523 §3, RFC 9449 §11.1). */
export const clientAssertion = pgTable(
  'client_assertion',
  {
    /** The account, or the thumbprint of the key, that made it. */
    issuer: text('issuer').notNull(),
    jti: text('jti').notNull(),
    expiresAt: instant('expires_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.issuer, table.jti] })],
);

/** What a request with an Idempotency-Key made, so that its repetition makes nothing more. */
export const idempotency = pgTable(
  'idempotency',
  {
    accountId: identifier('account_id').notNull(),
    key: text('key').notNull(),
    /** SHA-256 (hex) of the request's body. */
    bodyHash: text('body_hash').notNull(),
    /** The job, where the request made one: its resource is the answer. */
    jobId: identifier('job_id'),
    /** The answer itself, where it is not a job. */
    status: integer('status'),
    response: text('response'),
    createdAt: writtenAt('created_at'),
  },
  (table) => [primaryKey({ columns: [table.accountId, table.key] })],
);
