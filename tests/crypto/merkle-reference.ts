/** The Merkle tree as RFC 9162 §2.1 defines it, recursive and slow, to check the real one against. */
import { createHash } from 'node:crypto';

/** MTH over leaf hashes. */
export function referenceRoot(leaves: readonly Uint8Array[]): Uint8Array {
  const [only] = leaves;
  if (only === undefined) return hash();
  if (leaves.length === 1) return only;
  const k = splitOf(leaves.length);
  return hash(Uint8Array.of(1), referenceRoot(leaves.slice(0, k)), referenceRoot(leaves.slice(k)));
}

/** PATH(m, D) of §2.1.3.1. */
export function referencePath(index: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  if (leaves.length === 1) return [];
  const k = splitOf(leaves.length);
  return index < k
    ? [...referencePath(index, leaves.slice(0, k)), referenceRoot(leaves.slice(k))]
    : [...referencePath(index - k, leaves.slice(k)), referenceRoot(leaves.slice(0, k))];
}

/** SUBPROOF(m, D, b) of §2.1.4.1; PROOF(m, D) is SUBPROOF(m, D, true). */
export function referenceConsistency(
  first: number,
  leaves: readonly Uint8Array[],
  isWhole = true,
): Uint8Array[] {
  if (first === leaves.length) return isWhole ? [] : [referenceRoot(leaves)];
  const k = splitOf(leaves.length);
  return first <= k
    ? [...referenceConsistency(first, leaves.slice(0, k), isWhole), referenceRoot(leaves.slice(k))]
    : [...referenceConsistency(first - k, leaves.slice(k), false), referenceRoot(leaves.slice(0, k))];
}

/** Leaf hashes of the entries 0, 1, 2, … */
export function referenceLeaves(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, at) => hash(Uint8Array.of(0), Buffer.from(String(at))));
}

function splitOf(count: number): number {
  let k = 1;
  while (k * 2 < count) k *= 2;
  return k;
}

function hash(...parts: Uint8Array[]): Uint8Array {
  const sha = createHash('sha256');
  for (const part of parts) sha.update(part);
  return new Uint8Array(sha.digest());
}
