/**
 * The right edge of a Merkle log: all that an append has to read, and all that it has to write.
 *
 * A tree of n leaves is a row of complete subtrees, one for each binary digit 1 of n. Their roots, largest first,
 * are the frontier: at most 64 hashes, from which follow the root and every later append. An append makes two
 * nodes on average, each of which is complete and therefore never changes again.
 *
 * Guarantee: `rootOfFrontier` after any appends equals `rootOf` over the same leaves (RFC 6962 §2.1).
 * Not covered: concurrent appends. Whoever stores the frontier must let one append see the other's.
 */
import { fromHex, toHex } from '../bytes.ts';
import { HASH_BYTES, type NodeId, type NodeLookup, foldRight, nodeHash, nodesOf } from './merkle.ts';

export interface Frontier {
  /** Leaves so far. */
  readonly size: bigint;
  /** Roots of the complete subtrees, largest first. */
  readonly hashes: readonly Uint8Array[];
}

/** A complete subtree with its hash: a row to be stored. */
export interface TreeNode extends NodeId {
  readonly hash: Uint8Array;
}

export interface Append {
  /** Where the leaf now is. */
  readonly index: bigint;
  readonly frontier: Frontier;
  /** The leaf and every subtree that it completes, lowest level first. */
  readonly newNodes: readonly TreeNode[];
}

/** A frontier as JSON: the size as decimal text, the hashes in hex. */
export interface FrontierJson {
  readonly size: string;
  readonly hashes: readonly string[];
}

/** The frontier of a log without entries. */
export const EMPTY_FRONTIER: Frontier = { size: 0n, hashes: [] };

/** Adds a leaf hash (`leafHash` of the entry). The frontier given stays as it was. */
export function appendLeaf(frontier: Frontier, leaf: Uint8Array): Append {
  if (leaf.length !== HASH_BYTES) throw new RangeError('a leaf must be a SHA-256 hash');
  checkShape(frontier);
  const hashes = [...frontier.hashes];
  const newNodes: TreeNode[] = [{ level: 0, index: frontier.size, hash: leaf }];
  let hash = leaf;
  // Like carrying in binary addition: each trailing 1 of the size is a subtree that now finds its sibling.
  for (let rest = frontier.size, level = 1; (rest & 1n) === 1n; rest >>= 1n, level += 1) {
    hash = nodeHash(hashes.pop() as Uint8Array, hash);
    newNodes.push({ level, index: rest >> 1n, hash });
  }
  const grown = { size: frontier.size + 1n, hashes: [...hashes, hash] };
  return { index: frontier.size, frontier: grown, newNodes };
}

/** The root of the tree whose right edge this is. */
export function rootOfFrontier(frontier: Frontier): Uint8Array {
  checkShape(frontier);
  return foldRight(frontier.hashes);
}

/** The stored nodes that a frontier consists of. */
export function nodesForFrontier(size: bigint): NodeId[] {
  return nodesOf({ begin: 0n, end: size });
}

/** A frontier from stored nodes, for whoever keeps only nodes. */
export function frontierOf(size: bigint, nodeAt: NodeLookup): Frontier {
  const frontier = { size, hashes: nodesForFrontier(size).map(({ level, index }) => nodeAt(level, index)) };
  checkShape(frontier);
  return frontier;
}

/** For storage. */
export function renderFrontier(frontier: Frontier): FrontierJson {
  checkShape(frontier);
  return { size: String(frontier.size), hashes: frontier.hashes.map(toHex) };
}

/** From storage. RangeError when what was stored is no frontier: the store is damaged. */
export function parseFrontier(json: FrontierJson): Frontier {
  if (!/^(?:0|[1-9]\d{0,19})$/.test(json.size)) throw new RangeError('a frontier has a size in decimal');
  const hashes = json.hashes.map((text) => fromHex(text) ?? new Uint8Array());
  const frontier = { size: BigInt(json.size), hashes };
  checkShape(frontier);
  return frontier;
}

function checkShape({ size, hashes }: Frontier): void {
  const ones = size < 0n ? -1 : size.toString(2).replaceAll('0', '').length;
  if (hashes.length !== ones || !hashes.every((hash) => hash.length === HASH_BYTES)) {
    throw new RangeError('a frontier has one SHA-256 hash for each binary digit 1 of its size');
  }
}
