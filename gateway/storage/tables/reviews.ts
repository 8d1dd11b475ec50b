/**
 * The tables of review: what a person decided about an answer, and who read it before.
 *
 * Guarantee: both take inserts only, by trigger and by role; one answer has one decision, by its primary key.
 */
import { sql } from 'drizzle-orm';
import { bigint, check, pgTable, text } from 'drizzle-orm/pg-core';

import type { RejectionReason } from '#policies/output-kind.ts';

import { identifier, instant, writtenAt } from './columns.ts';
import { account } from './identity.ts';
import { job, release } from './jobs.ts';

/** A decision: from `decided_at` on the answer is there for its buyer, or is refused. */
export const releaseReview = pgTable(
  'release_review',
  {
    releaseId: identifier('release_id')
      .primaryKey()
      .references(() => release.id),
    /** The job that was decided about; its twins share the answer and so the decision. */
    jobId: identifier('job_id')
      .notNull()
      .references(() => job.id),
    decision: text('decision').$type<'approved' | 'rejected'>().notNull(),
    reason: text('reason').$type<RejectionReason>(),
    /** For the operator, the provider and auditors; never for the buyer. */
    note: text('note'),
    accountId: identifier('account_id')
      .notNull()
      .references(() => account.id),
    leafIndex: bigint('leaf_index', { mode: 'bigint' }).notNull().unique(),
    decidedAt: instant('decided_at').notNull(),
  },
  (table) => [
    check('release_review_decision', sql`${table.decision} IN ('approved', 'rejected')`),
    check('release_review_reason', sql`(${table.decision} = 'rejected') = (${table.reason} IS NOT NULL)`),
  ],
);

/** That a reviewer was shown an answer before a decision. */
export const releaseReading = pgTable('release_reading', {
  id: identifier('id').primaryKey(),
  releaseId: identifier('release_id')
    .notNull()
    .references(() => release.id),
  accountId: identifier('account_id')
    .notNull()
    .references(() => account.id),
  readAt: writtenAt('read_at'),
});
