/** The table of shares: what a grant in force has set aside of a ledger for its own jobs. */
import { sql } from 'drizzle-orm';
import { check, index, integer, pgTable, primaryKey } from 'drizzle-orm/pg-core';

import { lineage } from './catalogue.ts';
import { amount, identifier, instant } from './columns.ts';
import { accessGrant } from './grants.ts';

/** A share of one ledger. Its unused part stands in `shared` of the ledger until the share ends. */
export const budgetShare = pgTable(
  'budget_share',
  {
    grantId: identifier('grant_id')
      .notNull()
      .references(() => accessGrant.id),
    lineageId: identifier('lineage_id')
      .notNull()
      .references(() => lineage.id),
    /** The wording of the grant that states it; a later one makes the share anew. */
    revision: integer('revision').notNull(),
    nano: amount('nano').notNull(),
    yocto: amount('yocto').notNull(),
    /** What no job has drawn, or what it was when the share ended. */
    leftNano: amount('left_nano').notNull(),
    leftYocto: amount('left_yocto').notNull(),
    /** The end of the grant. */
    expiresAt: instant('expires_at').notNull(),
    /** When the unused part went back: by revocation, expiry, a new wording, or a restore from backup. */
    endedAt: instant('ended_at'),
  },
  (table) => [
    primaryKey({ columns: [table.grantId, table.lineageId] }),
    check(
      'budget_share_left',
      sql`${table.leftNano} BETWEEN 0 AND ${table.nano} AND ${table.leftYocto} BETWEEN 0 AND ${table.yocto}`,
    ),
    index('budget_share_of_lineage')
      .on(table.lineageId)
      .where(sql`ended_at IS NULL`),
  ],
);
