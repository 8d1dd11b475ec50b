/**
 * The table of filed documents: agreements, rate cards, price caps, revenue ceilings and products.
 *
 * Guarantee: every wording is kept; nobody approves what he filed, and what was approved changes no more, by trigger. A
 * wording counts from its approval on, for moments from `effectiveFrom` to before `effectiveTo`.
 */
import { sql } from 'drizzle-orm';
import { bigint, check, index, integer, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';

import { identifier, instant, writtenAt } from './columns.ts';
import { account } from './identity.ts';

export const filedDocument = pgTable(
  'filed_document',
  {
    kind: text('kind').notNull(),
    id: identifier('id').notNull(),
    /** From 1 on, without gaps. */
    revision: integer('revision').notNull(),
    body: jsonb('body').$type<object>().notNull(),
    /** SHA-256 of the canonical JSON of kind, id, revision and body. */
    digest: text('digest').notNull(),
    effectiveFrom: instant('effective_from').notNull(),
    /** Null: until further notice. */
    effectiveTo: instant('effective_to'),
    filedBy: identifier('filed_by')
      .notNull()
      .references(() => account.id),
    filedAt: writtenAt('filed_at'),
    approvedBy: identifier('approved_by').references(() => account.id),
    approvedAt: instant('approved_at'),
    /** Of its approval. */
    leafIndex: bigint('leaf_index', { mode: 'bigint' }).unique(),
    withdrawnBy: identifier('withdrawn_by').references(() => account.id),
    withdrawnAt: instant('withdrawn_at'),
  },
  (table) => [
    primaryKey({ columns: [table.kind, table.id, table.revision] }),
    check(
      'filed_document_kind',
      sql`${table.kind} IN ('Agreement', 'RateCard', 'PriceCap', 'RevenueCeiling', 'Product')`,
    ),
    check('filed_document_two_people', sql`${table.approvedBy} <> ${table.filedBy}`),
    check(
      'filed_document_approved',
      sql`num_nulls(${table.approvedBy}, ${table.approvedAt}, ${table.leafIndex}) IN (0, 3)`,
    ),
    check('filed_document_withdrawn', sql`num_nulls(${table.withdrawnBy}, ${table.withdrawnAt}) IN (0, 2)`),
    check('filed_document_dates', sql`${table.effectiveTo} > ${table.effectiveFrom}`),
    index('filed_document_in_force').on(table.kind, table.effectiveFrom),
  ],
);
