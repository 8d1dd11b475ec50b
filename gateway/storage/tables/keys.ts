/**
 * The table of what was done about keys of sealed data: asked for, approved, called off, held, destroyed.
 *
 * Guarantee: inserts only, by trigger and by role; nobody approves what he asked for, by trigger. Keys themselves are
 * in no table.
 */
import { sql } from 'drizzle-orm';
import { bigint, check, integer, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';

import { identifier, instant } from './columns.ts';
import { account } from './identity.ts';

export const KEY_EVENTS = [
  'requested',
  'approved',
  'cancelled',
  'held',
  'lifted',
  'destroying',
  'destroyed',
] as const;

export type KeyEventKind = (typeof KEY_EVENTS)[number];

export const keyEvent = pgTable(
  'key_event',
  {
    keyId: identifier('key_id').notNull(),
    /** From 1 on, without gaps: two writers at once cannot both add the next one. */
    seq: integer('seq').notNull(),
    kind: text('kind').$type<KeyEventKind>().notNull(),
    /** Null where the runner itself acted. */
    accountId: identifier('account_id').references(() => account.id),
    reason: text('reason'),
    /** When an approved destruction may begin. */
    dueAt: instant('due_at'),
    /** Facts about versions, and the signed record in the end. */
    detail: jsonb('detail').$type<object>().notNull(),
    leafIndex: bigint('leaf_index', { mode: 'bigint' }).notNull().unique(),
    at: instant('at').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.keyId, table.seq] }),
    check(
      'key_event_kind',
      sql`${table.kind} IN ('requested', 'approved', 'cancelled', 'held', 'lifted', 'destroying', 'destroyed')`,
    ),
    check(
      'key_event_person',
      sql`(${table.accountId} IS NULL) = (${table.kind} IN ('destroying', 'destroyed'))`,
    ),
    check('key_event_due', sql`(${table.dueAt} IS NOT NULL) = (${table.kind} = 'approved')`),
  ],
);
