/**
 * The Merkle tree of an append-only log (RFC 6962 §2.1, RFC 9162 §2.1): hashes, proofs and their verification.
 *
 * Guarantee: leaves and nodes are hashed in separate domains (0x00, 0x01), so neither can pass for the other.
 * An accepted inclusion proof means that the leaf is at that index of the tree with that root; an accepted
 * consistency proof means that the first tree is a prefix of the second, unless SHA-256 is broken.
 * Not covered: whose root it is (checkpoint.ts), and the size beside an inclusion proof: sizes under which the path
 * has the same shape are told apart only by a signed checkpoint, which binds size and root together.
 *
 * Sizes and indices are BigInt: proofs come from outside and may name any uint64.
 */
import { createHash } from 'node:crypto';

import { areEqual } from '../bytes.ts';

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** Bytes of every hash of the tree. */
export const HASH_BYTES = 32;

/** A complete subtree of 2^level leaves that begins at leaf index·2^level. Level 0 is the leaves. */
export interface NodeId {
  readonly level: number;
  readonly index: bigint;
}

/** Gives the stored hash of a complete subtree. */
export type NodeLookup = (level: number, index: bigint) => Uint8Array;

export interface InclusionClaim {
  /** `leafHash` of the entry. */
  readonly leaf: Uint8Array;
  readonly index: bigint;
  readonly size: bigint;
  readonly path: readonly Uint8Array[];
  readonly root: Uint8Array;
}

export interface ConsistencyClaim {
  readonly first: { readonly size: bigint; readonly root: Uint8Array };
  readonly second: { readonly size: bigint; readonly root: Uint8Array };
  readonly path: readonly Uint8Array[];
}

/** Leaves `begin` up to but without `end`. */
interface Range {
  readonly begin: bigint;
  readonly end: bigint;
}

/** SHA-256(0x00 ‖ entry). */
export function leafHash(entry: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(LEAF).update(entry).digest());
}

/** SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(NODE).update(left).update(right).digest());
}

/** Root of the tree without leaves: SHA-256 of nothing. */
export function emptyRoot(): Uint8Array {
  return new Uint8Array(createHash('sha256').digest());
}

/** Root of a whole tree from all its leaf hashes. For appends use frontier.ts. */
export function rootOf(leafHashes: readonly Uint8Array[]): Uint8Array {
  let level = leafHashes;
  while (level.length > 1) level = parentsOf(level);
  return level[0] ?? emptyRoot();
}

/** The stored nodes that `inclusionProof` will ask for, so that storage can fetch them in one query. */
export function nodesForInclusion(index: bigint, size: bigint): NodeId[] {
  return inclusionRanges(index, size).flatMap(nodesOf);
}

/** The stored nodes that `consistencyProof` will ask for. */
export function nodesForConsistency(first: bigint, second: bigint): NodeId[] {
  return consistencyRanges(first, second).flatMap(nodesOf);
}

/** PATH(index, D[size]) of RFC 9162 §2.1.3.1, from the leaf's sibling up to the root's child. */
export function inclusionProof(index: bigint, size: bigint, nodeAt: NodeLookup): Uint8Array[] {
  return inclusionRanges(index, size).map((range) => hashOf(range, nodeAt));
}

/** PROOF(first, D[second]) of RFC 9162 §2.1.4.1. Empty for equal sizes. `first` is at least 1. */
export function consistencyProof(first: bigint, second: bigint, nodeAt: NodeLookup): Uint8Array[] {
  return consistencyRanges(first, second).map((range) => hashOf(range, nodeAt));
}

/** Whether the leaf is in the tree with this root at this index (RFC 9162 §2.1.3.2). Never throws. */
export function verifyInclusion({ leaf, index, size, path, root }: InclusionClaim): boolean {
  if (index < 0n || index >= size || ![leaf, root, ...path].every(isHash)) return false;
  const climb = new Climb(index, size - 1n);
  let hash = leaf;
  for (const sibling of path) {
    if (climb.isAtRoot()) return false;
    hash = climb.step() === 'left' ? nodeHash(sibling, hash) : nodeHash(hash, sibling);
  }
  return climb.isAtRoot() && areEqual(hash, root);
}

/**
 * Whether the first tree is a prefix of the second (RFC 9162 §2.1.4.2). Never throws. Equal sizes hold with
 * equal roots and no path. A first tree without leaves is refused: its proof would say nothing.
 */
export function verifyConsistency({ first, second, path }: ConsistencyClaim): boolean {
  if (first.size < 1n || first.size > second.size) return false;
  if (![first.root, second.root, ...path].every(isHash)) return false;
  if (first.size === second.size) return path.length === 0 && areEqual(first.root, second.root);
  // A first tree that is one complete subtree of the second is its own beginning of the path.
  const isComplete = (first.size & (first.size - 1n)) === 0n;
  const [start, ...rest] = isComplete ? [first.root, ...path] : path;
  if (start === undefined) return false;
  const climb = new Climb(first.size - 1n, second.size - 1n);
  climb.skipRightEdges();
  let [firstHash, secondHash] = [start, start];
  for (const sibling of rest) {
    if (climb.isAtRoot()) return false;
    if (climb.step() === 'left') {
      firstHash = nodeHash(sibling, firstHash);
      secondHash = nodeHash(sibling, secondHash);
    } else {
      secondHash = nodeHash(secondHash, sibling);
    }
  }
  return climb.isAtRoot() && areEqual(firstHash, first.root) && areEqual(secondHash, second.root);
}

/** The complete subtrees that make up a range, largest and leftmost first. */
export function nodesOf({ begin, end }: Range): NodeId[] {
  const nodes: NodeId[] = [];
  for (let at = begin; at < end;) {
    const level = bitLength(end - at) - 1;
    nodes.push({ level, index: at >> BigInt(level) });
    at += 1n << BigInt(level);
  }
  return nodes;
}

/** Root of a run of complete subtrees, largest first: the right edge is folded from the right. */
export function foldRight(hashes: readonly Uint8Array[]): Uint8Array {
  const last = hashes.at(-1);
  if (last === undefined) return emptyRoot();
  return hashes.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last);
}

/** A walk from a leaf to the root, with the last leaf's walk beside it: `fn` and `sn` of RFC 9162. */
class Climb {
  #node: bigint;
  #last: bigint;

  constructor(node: bigint, last: bigint) {
    this.#node = node;
    this.#last = last;
  }

  isAtRoot(): boolean {
    return this.#last === 0n;
  }

  /** Goes up by one sibling and says on which side that sibling is. */
  step(): 'left' | 'right' {
    const isRightChild = (this.#node & 1n) === 1n;
    const isOnRightEdge = this.#node === this.#last;
    // On the right edge a node without sibling moves up unchanged until it is a right child.
    if (isOnRightEdge && !isRightChild) this.#shiftWhile(() => (this.#node & 1n) === 0n && this.#node !== 0n);
    this.#shift();
    return isRightChild || isOnRightEdge ? 'left' : 'right';
  }

  skipRightEdges(): void {
    this.#shiftWhile(() => (this.#node & 1n) === 1n);
  }

  #shiftWhile(condition: () => boolean): void {
    while (condition()) this.#shift();
  }

  #shift(): void {
    this.#node >>= 1n;
    this.#last >>= 1n;
  }
}

function inclusionRanges(index: bigint, size: bigint): Range[] {
  if (index < 0n || index >= size) throw new RangeError('a leaf index must be smaller than the tree size');
  const ranges: Range[] = [];
  let [begin, end] = [0n, size];
  while (end - begin > 1n) {
    const split = begin + splitOf(end - begin);
    ranges.push(index < split ? { begin: split, end } : { begin, end: split });
    if (index < split) end = split;
    else begin = split;
  }
  return ranges.reverse();
}

function consistencyRanges(first: bigint, second: bigint): Range[] {
  if (first < 1n || first > second) throw new RangeError('consistency needs 1 ≤ first size ≤ second size');
  const ranges: Range[] = [];
  let [begin, end] = [0n, second];
  while (first < end) {
    const split = begin + splitOf(end - begin);
    ranges.push(first <= split ? { begin: split, end } : { begin, end: split });
    if (first <= split) end = split;
    else begin = split;
  }
  // The rest of the first tree; as a whole subtree that begins at 0 it is the first root, which the reader has.
  if (begin > 0n) ranges.push({ begin, end });
  return ranges.reverse();
}

function hashOf(range: Range, nodeAt: NodeLookup): Uint8Array {
  const hashes = nodesOf(range).map(({ level, index }) => nodeAt(level, index));
  if (!hashes.every(isHash)) throw new RangeError('a stored node is not a SHA-256 hash');
  return foldRight(hashes);
}

function parentsOf(level: readonly Uint8Array[]): Uint8Array[] {
  const parents: Uint8Array[] = [];
  for (let at = 0; at < level.length; at += 2) {
    const [left, right] = [level[at] as Uint8Array, level[at + 1]];
    parents.push(right === undefined ? left : nodeHash(left, right));
  }
  return parents;
}

/** The largest power of two smaller than `count`, which is at least 2. */
function splitOf(count: bigint): bigint {
  return 1n << BigInt(bitLength(count - 1n) - 1);
}

function bitLength(value: bigint): number {
  return value.toString(2).length;
}

function isHash(bytes: Uint8Array): boolean {
  return bytes.length === HASH_BYTES;
}
