/**
 * Evidence: receipts, the log's checkpoints and proofs.
 *
 * Guarantee: a checkpoint covers only leaves whose runs may be seen, and each one that is signed continues the last;
 * a proof leads to the checkpoint in it. A run that was refused or failed has its usage record as its leaf.
 */
import { fromHex, toHex } from '#crypto/bytes.ts';
import { type Checkpoint, signNextCheckpoint } from '#crypto/log/checkpoint.ts';
import { frontierOf, nodesForFrontier, rootOfFrontier } from '#crypto/log/frontier.ts';
import {
  consistencyProof,
  inclusionProof,
  nodesForConsistency,
  nodesForInclusion,
} from '#crypto/log/merkle.ts';
import { renderVerifier, verifierOf } from '#crypto/log/note.ts';
import { renderTlogProof } from '#crypto/log/tlog-proof.ts';
import { algorithmOf, type EvidenceJwk, kidOf } from '#crypto/evidence-key.ts';
import type { Caller } from '../http/endpoint.ts';
import {
  findLeaf,
  findReceiptLeaf,
  findReviewLeaf,
  lastCheckpoint,
  type Leaf,
  publishableSize,
  readNodes,
  saveCheckpoint,
  type SavedCheckpoint,
} from '../storage/audit-log.ts';
import { findAnswer } from '../storage/job-view.ts';
import { findSeenJob } from '../storage/oversight.ts';
import { notFound, readingOf } from './permission.ts';
import type { GatewayKeys, Shell } from './shell.ts';

export interface JobEvidence {
  /** The receipt of the answer; null where nothing was released. */
  readonly receipt: string | null;
  /** Where nothing was released: the usage record or the reviewer's decision, canonical JSON, whose hash is the leaf. */
  readonly record: string | null;
  /** Where a person released it: the decision, canonical JSON, and the proof that it is in the log. */
  readonly review: { readonly record: string; readonly proof: string | null } | null;
  /** `c2sp.org/tlog-proof@v1` text; null until a checkpoint covers the leaf. */
  readonly proof: string | null;
  readonly keys: { readonly receipts: readonly object[]; readonly log: string };
}

/** The evidence of a job that is done. HttpFault NOT_FOUND before, and for those who may not read it. */
export async function getEvidence(shell: Shell, caller: Caller, jobId: string): Promise<JobEvidence> {
  const job = await findSeenJob(shell.db, jobId);
  const reading = await readingOf(shell, caller.principal);
  if (job === null || job.state !== 'done' || !reading.may('read_receipt', job)) throw notFound();
  const answer = await findAnswer(shell.db, jobId);
  const review = await findReviewLeaf(shell.db, jobId);
  const leaf =
    answer === null
      ? (review ?? (await findLeaf(shell.db, jobId)))
      : await findReceiptLeaf(shell.db, answer.releaseId);
  if (leaf === null) throw notFound();
  return {
    receipt: answer?.receipt ?? null,
    record: answer === null ? leaf.body : null,
    review: review && answer && { record: review.body, proof: await proofOf(shell, review) },
    proof: await proofOf(shell, leaf),
    keys: { receipts: receiptKeys(shell.keys), log: logKeyText(shell.keys) },
  };
}

/** The newest checkpoint, signed now if leaves may be published that none covers. Null while the log is empty. */
export async function currentCheckpoint(shell: Shell): Promise<SavedCheckpoint | null> {
  const last = await lastCheckpoint(shell.db);
  const size = await publishableSize(shell.db);
  if (size === 0n || (last !== null && last.size >= size)) return last;
  await saveCheckpoint(shell.db, await signedCheckpoint(shell, last, size));
  return lastCheckpoint(shell.db);
}

async function signedCheckpoint(
  shell: Shell,
  last: SavedCheckpoint | null,
  size: bigint,
): Promise<SavedCheckpoint> {
  const { log } = shell.keys;
  const frontier = frontierOf(size, await readNodes(shell.db, nodesForFrontier(size)));
  const next = { origin: log.name, size, root: rootOfFrontier(frontier) };
  const previous = last === null ? null : checkpointOf(last, log.name);
  const path = last === null ? [] : await consistencyPath(shell, last.size, size);
  return { size, root: toHex(next.root), note: signNextCheckpoint({ previous, next, path }, log) };
}

function checkpointOf({ size, root }: SavedCheckpoint, origin: string): Checkpoint {
  return { origin, size, root: fromHex(root) ?? new Uint8Array() };
}

async function consistencyPath(shell: Shell, first: bigint, second: bigint): Promise<Uint8Array[]> {
  const nodes = await readNodes(shell.db, nodesForConsistency(first, second));
  return consistencyProof(first, second, nodes);
}

/** That a leaf is in the newest checkpoint. */
async function proofOf(shell: Shell, leaf: Leaf): Promise<string | null> {
  const checkpoint = await currentCheckpoint(shell);
  if (checkpoint === null || leaf.index >= checkpoint.size) return null;
  const nodes = await readNodes(shell.db, nodesForInclusion(leaf.index, checkpoint.size));
  const path = inclusionProof(leaf.index, checkpoint.size, nodes);
  return renderTlogProof({ index: leaf.index, path, checkpoint: checkpoint.note, extra: null });
}

/** The consistency path from an earlier size of the log to its newest checkpoint, in base64. HttpFault NOT_FOUND. */
export async function getConsistency(
  shell: Shell,
  first: bigint,
): Promise<{ readonly path: readonly string[]; readonly checkpoint: string }> {
  const checkpoint = await currentCheckpoint(shell);
  if (checkpoint === null || first < 1n || first > checkpoint.size) throw notFound();
  const path = await consistencyPath(shell, first, checkpoint.size);
  return { path: path.map((hash) => Buffer.from(hash).toString('base64')), checkpoint: checkpoint.note };
}

/** The log's verifier key as text. */
export function logKeyText({ log }: GatewayKeys): string {
  return renderVerifier(verifierOf(log));
}

/** The keys whose receipts and statements count, as a key set has them. */
export function publishedKeys(keys: GatewayKeys): readonly object[] {
  return [...receiptKeys(keys), ...keySet([keys.statement.publicJwk])];
}

/** The keys whose receipts count. */
function receiptKeys({ receipts }: GatewayKeys): readonly object[] {
  return keySet(receipts);
}

function keySet(keys: readonly EvidenceJwk[]): readonly object[] {
  return keys.map((jwk) => ({ ...jwk, kid: kidOf(jwk), use: 'sig', alg: algorithmOf(jwk) }));
}
