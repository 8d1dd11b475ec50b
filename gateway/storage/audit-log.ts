/**
 * Reading the log: what checkpoints, proofs and auditors need of the stored Merkle tree.
 *
 * Guarantee: `publishableSize` is the longest beginning of the log in which every run has reached its release time. A
 * checkpoint over more would tell, by its size, that a run had ended before. A leaf whose answer waits for a person is
 * counted at that time all the same, or one waiting answer would stop every proof after it; what the leaf is of, its
 * hash does not say, and who may not see the run is not given it.
 */
import { sql } from 'drizzle-orm';

import { fromHex } from '#crypto/bytes.ts';
import type { NodeId, NodeLookup } from '#crypto/log/merkle.ts';

import type { Tx } from './database.ts';
import { isShown } from './visibility.ts';

export interface Leaf {
  readonly index: bigint;
  /** A receipt, or the canonical JSON of a usage record, of a reviewer's decision or of a step in a program's review. */
  readonly body: string;
  readonly class: 'release' | 'refusal' | 'failure' | 'review' | 'program' | 'key';
}

export interface SavedCheckpoint {
  readonly size: bigint;
  /** In hex. */
  readonly root: string;
  /** The signed note. */
  readonly note: string;
}

/** Number of leaves from the first on that may be published now. */
export async function publishableSize(db: Tx): Promise<bigint> {
  const [row] = await db.rows<{ size: string }>(sql`
    SELECT coalesce((SELECT min(index) FROM audit_leaf WHERE visible_at > now()), size)::text AS size FROM audit_head`);
  return BigInt(row?.size ?? 0);
}

/** Fetches nodes in one query, for `inclusionProof`, `consistencyProof` and `frontierOf`. RangeError for others. */
export async function readNodes(db: Tx, nodes: readonly NodeId[]): Promise<NodeLookup> {
  const wanted = JSON.stringify(nodes.map(({ level, index }) => ({ level, index: String(index) })));
  const rows = await db.rows<{ level: number; index: string; hash: string }>(sql`
    WITH wanted AS (SELECT * FROM jsonb_to_recordset(${wanted}::jsonb) AS w(level int, index bigint))
    SELECT level, index::text, hash FROM audit_node JOIN wanted USING (level, index)
    UNION ALL
    SELECT 0, index::text, hash FROM audit_leaf JOIN wanted USING (index) WHERE level = 0`);
  const hashes = new Map(rows.map(({ level, index, hash }) => [`${level}/${index}`, hash]));
  return (level, index) => {
    const hash = fromHex(hashes.get(`${level}/${index}`) ?? '-');
    if (hash === null) throw new RangeError('a node that was not read, or that the log does not have');
    return hash;
  };
}

/** The leaf that is the evidence of a job that is done, or null. For a repeat: its own, not the first answer's. */
export async function findLeaf(db: Tx, jobId: string): Promise<Leaf | null> {
  const [row] = await db.rows<Omit<Leaf, 'index'> & { readonly index: string }>(sql`
    SELECT l.index::text, l.body, l.class FROM usage_record u JOIN audit_leaf l ON l.index = u.leaf_index
      JOIN job j ON j.id = u.job_id WHERE u.job_id = ${jobId} AND ${isShown('j')}`);
  return row === undefined ? null : { ...row, index: BigInt(row.index) };
}

/** The leaf of the decision about the answer of a job that waited for one, or null. */
export async function findReviewLeaf(db: Tx, jobId: string): Promise<Leaf | null> {
  const [row] = await db.rows<Omit<Leaf, 'index'> & { readonly index: string }>(sql`
    SELECT l.index::text, l.body, l.class FROM job j JOIN release_review v ON v.release_id = j.release_id
      JOIN audit_leaf l ON l.index = v.leaf_index WHERE j.id = ${jobId} AND j.review AND ${isShown('j')}`);
  return row === undefined ? null : { ...row, index: BigInt(row.index) };
}

/** The leaf of a release's receipt, or null. */
export async function findReceiptLeaf(db: Tx, releaseId: string): Promise<Leaf | null> {
  const [row] = await db.rows<{ jobId: string }>(
    sql`SELECT job_id AS "jobId" FROM release WHERE id = ${releaseId}`,
  );
  return row === undefined ? null : findLeaf(db, row.jobId);
}

/** Keeps a checkpoint. One of the same size is kept as it was. */
export async function saveCheckpoint(db: Tx, { size, root, note }: SavedCheckpoint): Promise<void> {
  await db.rows(sql`
    INSERT INTO checkpoint (size, root, note) VALUES (${size}::bigint, ${root}, ${note}) ON CONFLICT DO NOTHING`);
}

/** The newest checkpoint, or null before the first. */
export async function lastCheckpoint(db: Tx): Promise<SavedCheckpoint | null> {
  const [row] = await db.rows<{ size: string; root: string; note: string }>(
    sql`SELECT size::text, root, note FROM checkpoint ORDER BY checkpoint.size DESC LIMIT 1`,
  );
  return row === undefined ? null : { ...row, size: BigInt(row.size) };
}
