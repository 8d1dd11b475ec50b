/**
 * Spend alerts: that a counter of money has passed 50, 80 or 100 per cent of what it may count, as the trigger wrote them.
 *
 * Guarantee: given once for each cap, in the transaction that counted past the mark, and so from planned amounts alone.
 */
import { sql } from 'drizzle-orm';

import type { Tx } from './database.ts';

export interface SpendAlert {
  readonly scope: string;
  readonly percent: number;
  /** The cap of then, in billionths of a yuan. */
  readonly capNano: string;
  readonly at: Date;
}

/** Where a page of alerts ends: the values of its last one. */
export type AlertPosition = Readonly<Record<'at' | 'scope' | 'capNano' | 'percent', string>>;

/** The alerts of a grant, newest first, after a position. */
export async function listAlerts(
  db: Tx,
  grantId: string,
  { after, limit }: { readonly after: AlertPosition | null; readonly limit: number },
): Promise<readonly SpendAlert[]> {
  const rest =
    after === null
      ? sql`true`
      : sql`(at, scope COLLATE "C", cap_nano, percent)
        < (${after.at}::timestamptz, ${after.scope}, ${after.capNano}::numeric, ${after.percent}::int)`;
  return db.rows<SpendAlert>(sql`
    SELECT scope, percent, cap_nano::text AS "capNano", at FROM spend_alert WHERE grant_id = ${grantId} AND ${rest}
    ORDER BY at DESC, scope COLLATE "C" DESC, cap_nano DESC, percent DESC LIMIT ${limit}`);
}

/** How many alerts were given, by percentage. */
export async function countAlerts(db: Tx): Promise<Readonly<Record<string, number>>> {
  const rows = await db.rows<{ percent: number; count: number }>(
    sql`SELECT percent, count(*)::int AS count FROM spend_alert GROUP BY percent`,
  );
  return Object.fromEntries(rows.map(({ percent, count }) => [percent, count]));
}
