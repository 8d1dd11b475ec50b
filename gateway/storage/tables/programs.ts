/**
 * The tables of programs: what was submitted, where its review stands, and everything that anybody did about it.
 *
 * Guarantee: a program is never changed but for its state, and that only as its review goes; its events take inserts only;
 * a runner may suspend and say so, and nothing else. All of it by trigger and by role.
 */
import { sql } from 'drizzle-orm';
import { bigint, check, integer, jsonb, pgTable, text, unique, uniqueIndex } from 'drizzle-orm/pg-core';

import type { ProgramEvent, ProgramRecord, ProgramSide, ProgramState } from '#policies/program-review.ts';

import { identifier, instant, writtenAt } from './columns.ts';
import { account, organisation } from './identity.ts';

export const program = pgTable(
  'program',
  {
    /** Of module and manifest together: what approvals, grants, jobs and receipts name. */
    digest: text('digest').primaryKey(),
    moduleDigest: text('module_digest').notNull(),
    organisationId: identifier('organisation_id')
      .notNull()
      .references(() => organisation.id),
    name: text('name').notNull(),
    /** Counts the submissions of one organisation under one name. */
    version: integer('version').notNull(),
    module: text('module').notNull(),
    /** The file as it was read, as plain JSON. */
    manifest: jsonb('manifest').$type<unknown>().notNull(),
    /** The datasets that it reads. */
    datasets: text('datasets').array().notNull(),
    record: jsonb('record').$type<ProgramRecord>().notNull(),
    submitter: identifier('submitter')
      .notNull()
      .references(() => account.id),
    state: text('state').$type<ProgramState>().notNull(),
    createdAt: writtenAt('created_at'),
  },
  (table) => [
    unique('program_version').on(table.organisationId, table.name, table.version),
    check(
      'program_state',
      sql`${table.state} IN ('submitted', 'scanned', 'in_review', 'approved', 'suspended', 'rejected', 'withdrawn')`,
    ),
  ],
);

export const programEvent = pgTable(
  'program_event',
  {
    id: identifier('id').primaryKey(),
    programDigest: text('program_digest')
      .notNull()
      .references(() => program.digest),
    /** Order within the program. */
    seq: integer('seq').notNull(),
    kind: text('kind').$type<ProgramEvent>().notNull(),
    accountId: identifier('account_id')
      .notNull()
      .references(() => account.id),
    organisationId: identifier('organisation_id').notNull(),
    side: text('side').$type<ProgramSide>().notNull(),
    /** How often the program had been suspended before: what was approved before a suspension counts no more. */
    round: integer('round').notNull().default(0),
    /**
     * Findings and tool versions of a scan; code, text and basis of a rejection; opinion of an approval; the job that was
     * aborted.
     */
    detail: jsonb('detail').$type<object>().notNull(),
    /** Its leaf in the log; none for a reading, which changes nothing. */
    leafIndex: bigint('leaf_index', { mode: 'bigint' }).unique(),
    at: instant('at').notNull(),
  },
  (table) => [
    unique('program_event_order').on(table.programDigest, table.seq),
    check('program_event_leaf', sql`(${table.kind} = 'read') = (${table.leafIndex} IS NULL)`),
    check(
      'program_event_reason',
      sql`${table.kind} <> 'rejected' OR (coalesce(${table.detail}->>'reason', '') <> '' AND coalesce(${table.detail}->>'text', '') <> '' AND coalesce(${table.detail}->>'basis', '') <> '')`,
    ),
    // One account gives one approval, whatever sides it could speak for, and one side needs one.
    uniqueIndex('program_approval_of_account')
      .on(table.programDigest, table.round, table.accountId)
      .where(sql`kind = 'approved'`),
    uniqueIndex('program_approval_of_side')
      .on(table.programDigest, table.round, table.side, table.organisationId)
      .where(sql`kind = 'approved'`),
  ],
);
