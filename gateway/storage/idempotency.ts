/**
 * Idempotency keys: a repeated request makes nothing more and gets the first one's answer.
 *
 * Guarantee: the key is written in the transaction of what it made, so one is never without the other. A twin that
 * arrives meanwhile waits for the first to end. The same key with another body is refused.
 */
import { sql } from 'drizzle-orm';

import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';

import type { Database, Tx } from './database.ts';

export interface IdempotencyKey {
  readonly key: string;
  /** SHA-256 (hex) of method, path and body. */
  readonly bodyHash: string;
}

interface KeyRow {
  readonly fresh: boolean;
  readonly bodyHash: string;
  readonly jobId: string | null;
  readonly status: number | null;
  readonly response: string | null;
}

export interface StoredResponse {
  readonly status: number;
  readonly response: string;
}

/** Takes a key for a job. The earlier job's id, or null when the key is ours or there is none. Refusal PARAM. */
export async function claimKey(
  tx: Tx,
  { account, idempotency }: { readonly account: string; readonly idempotency: IdempotencyKey | null },
  jobId: string,
): Promise<string | null> {
  if (idempotency === null) return null;
  const row = await takeKey(tx, account, idempotency, jobId);
  return row.fresh ? null : row.jobId;
}

/** Does `work` once per key, in one transaction, and keeps its answer. For whatever is not a job. Refusal PARAM. */
export async function once(
  db: Database,
  { account, idempotency }: { readonly account: string; readonly idempotency: IdempotencyKey },
  work: (tx: Tx) => Promise<StoredResponse>,
): Promise<StoredResponse & { readonly replayed: boolean }> {
  return db.transact(async (tx) => {
    const { fresh, status, response } = await takeKey(tx, account, idempotency, null);
    if (!fresh && status !== null && response !== null) return { status, response, replayed: true };
    if (!fresh) throw new Refusal('PARAM', say('storage.keyReused'));
    const made = await work(tx);
    await tx.rows(sql`
      UPDATE idempotency SET status = ${made.status}, response = ${made.response}
      WHERE account_id = ${account} AND key = ${idempotency.key}`);
    return { ...made, replayed: false };
  });
}

/** Forgets keys that are older than a client may reasonably repeat. Returns how many. */
export async function forgetKeys(db: Database, olderThanMs: number): Promise<number> {
  const forgotten = await db.rows(sql`
    DELETE FROM idempotency WHERE created_at < now() - ${olderThanMs}::float8 * interval '1 millisecond' RETURNING key`);
  return forgotten.length;
}

async function takeKey(
  tx: Tx,
  account: string,
  { key, bodyHash }: IdempotencyKey,
  jobId: string | null,
): Promise<KeyRow> {
  for (;;) {
    const [row] = await tx.rows<KeyRow>(sql`
      WITH taken AS (
        INSERT INTO idempotency (account_id, key, body_hash, job_id) VALUES (${account}, ${key}, ${bodyHash}, ${jobId})
        ON CONFLICT DO NOTHING RETURNING body_hash
      )
      SELECT true AS fresh, body_hash AS "bodyHash", NULL AS "jobId", NULL::int AS status, NULL AS response FROM taken
      UNION ALL
      SELECT false, body_hash, job_id, status, response FROM idempotency WHERE account_id = ${account} AND key = ${key}`);
    // A twin committed after this statement began: it is in the way, and not yet to be seen. The next look sees it.
    if (row === undefined) continue;
    if (row.bodyHash !== bodyHash) throw new Refusal('PARAM', say('storage.keyReused'));
    return row;
  }
}
