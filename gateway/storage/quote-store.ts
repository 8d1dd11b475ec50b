/** Quotes as stored. */
import { sql } from 'drizzle-orm';

import type { Tx } from './database.ts';

export interface NewQuote {
  readonly id: string;
  readonly accountId: string;
  readonly grantId: string | null;
  readonly planDigest: string;
  readonly body: object;
  readonly price: bigint;
  readonly expiresAt: Date;
}

export interface StoredQuote {
  readonly id: string;
  readonly organisationId: string;
  readonly grantId: string | null;
  readonly planDigest: string;
  readonly expired: boolean;
}

/** Keeps a quote. */
export async function saveQuote(db: Tx, quote: NewQuote): Promise<void> {
  const { id, accountId, grantId, planDigest, body, price, expiresAt } = quote;
  await db.rows(sql`
    INSERT INTO quote (id, account_id, grant_id, plan_digest, body, price, expires_at)
    VALUES (${id}, ${accountId}, ${grantId}, ${planDigest}, ${JSON.stringify(body)}::jsonb, ${price}::numeric,
      ${expiresAt.toISOString()}::timestamptz)`);
}

/** A quote, or null. */
export async function findQuote(db: Tx, id: string): Promise<StoredQuote | null> {
  const [row] = await db.rows<StoredQuote>(sql`
    SELECT q.id, a.organisation_id AS "organisationId", q.grant_id AS "grantId", q.plan_digest AS "planDigest",
      q.expires_at <= now() AS expired
    FROM quote q JOIN account a ON a.id = q.account_id WHERE q.id = ${id}`);
  return row ?? null;
}
