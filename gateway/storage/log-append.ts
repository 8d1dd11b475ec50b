/**
 * Appending to the log: one leaf at a time, under the lock on its head.
 *
 * Guarantee: leaf, nodes and head are written by one statement of the caller's transaction, or not at all. The head is
 * locked last and held for that statement and the commit, because every run waits for it.
 */
import { sql, type SQL } from 'drizzle-orm';

import { fromHex, toHex } from '#crypto/bytes.ts';
import { appendLeaf, renderFrontier } from '#crypto/log/frontier.ts';
import { leafHash } from '#crypto/log/merkle.ts';

import type { Tx } from './database.ts';
import type { LeafClass } from './tables/evidence.ts';

/** The head of the log, locked, and the moment at which it was. */
export interface LogHead {
  readonly size: string;
  readonly hashes: readonly string[];
  readonly now: Date;
}

/** Takes the last lock. A crash from here to the commit leaves nothing of the transaction: no leaf, no gap in the log. */
export async function lockHead(tx: Tx): Promise<LogHead> {
  const [head] = await tx.rows<LogHead>(sql`
    SELECT size::text, hashes, date_trunc('milliseconds', clock_timestamp()) AS now
    FROM audit_head WHERE id = 1 FOR NO KEY UPDATE`);
  if (head === undefined) throw new RangeError('the log has lost its head');
  return head;
}

export interface NewLeaf {
  readonly body: string;
  readonly class: LeafClass;
  /** ISO 8601. Not to be published before. */
  readonly visibleAt: string;
}

/** The index of the next leaf, and the parts `leaf`, `nodes` and `head` of a WITH that write it. */
export function appendSql(head: LogHead, leaf: NewLeaf): { readonly index: bigint; readonly parts: SQL } {
  const hash = leafHash(new TextEncoder().encode(leaf.body));
  const frontier = {
    size: BigInt(head.size),
    hashes: head.hashes.map((text) => fromHex(text) ?? new Uint8Array()),
  };
  const appended = appendLeaf(frontier, hash);
  const nodes = appended.newNodes
    .filter(({ level }) => level > 0)
    .map(({ level, index, hash: node }) => ({ level, index: String(index), hash: toHex(node) }));
  const parts = sql`leaf AS (
      INSERT INTO audit_leaf (index, hash, body, class, visible_at)
      VALUES (${appended.index}::bigint, ${toHex(hash)}, ${leaf.body}, ${leaf.class}, ${leaf.visibleAt}::timestamptz)
    ), nodes AS (
      INSERT INTO audit_node (level, index, hash)
      SELECT level, index, hash FROM jsonb_to_recordset(${JSON.stringify(nodes)}::jsonb) AS n(level int, index bigint, hash text)
    ), head AS (
      UPDATE audit_head SET size = size + 1, hashes = ${JSON.stringify(renderFrontier(appended.frontier).hashes)}::jsonb WHERE id = 1
    )`;
  return { index: appended.index, parts };
}
