/** The Merkle log: published vectors, and agreement with the recursive definition on every small tree. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { fromHex, toHex } from '#crypto/bytes.ts';
import {
  EMPTY_FRONTIER,
  type Frontier,
  appendLeaf,
  frontierOf,
  nodesForFrontier,
  parseFrontier,
  renderFrontier,
  rootOfFrontier,
} from '#crypto/log/frontier.ts';
import {
  consistencyProof,
  emptyRoot,
  inclusionProof,
  leafHash,
  nodeHash,
  nodesForConsistency,
  nodesForInclusion,
  rootOf,
  verifyConsistency,
  verifyInclusion,
} from '#crypto/log/merkle.ts';

import vectors from '../vectors/rfc6962.json' with { type: 'json' };
import { referenceConsistency, referenceLeaves, referencePath, referenceRoot } from './merkle-reference.ts';

const bytesOf = (hex: string): Uint8Array => fromHex(hex) as Uint8Array;
const leaves = vectors.entries.map((entry) => leafHash(bytesOf(entry)));

/** A log as storage keeps it: every complete node by level and index, and the frontier. */
function grow(hashes: readonly Uint8Array[]): {
  nodeAt: (level: number, index: bigint) => Uint8Array;
  frontiers: Frontier[];
  nodes: Map<string, Uint8Array>;
} {
  const nodes = new Map<string, Uint8Array>();
  const frontiers: Frontier[] = [EMPTY_FRONTIER];
  for (const hash of hashes) {
    const { frontier, newNodes } = appendLeaf(frontiers.at(-1) as Frontier, hash);
    frontiers.push(frontier);
    for (const node of newNodes) nodes.set(`${node.level}/${node.index}`, node.hash);
  }
  const nodeAt = (level: number, index: bigint): Uint8Array => {
    const hash = nodes.get(`${level}/${index}`);
    if (hash === undefined) throw new Error(`no node ${level}/${index}`);
    return hash;
  };
  return { nodeAt, frontiers, nodes };
}

describe('vectors of the reference tree', () => {
  test('hashes of nothing, of leaves and of nodes', () => {
    const { empty, emptyLeaf, leaf, node } = vectors.hashes;
    expect(toHex(emptyRoot())).toBe(empty);
    expect(toHex(leafHash(new Uint8Array()))).toBe(emptyLeaf);
    expect(toHex(leafHash(Buffer.from(leaf.text)))).toBe(leaf.hash);
    expect(toHex(nodeHash(Buffer.from(node.left), Buffer.from(node.right)))).toBe(node.hash);
  });

  test('roots of all nine trees, at once and by appending', () => {
    const { frontiers } = grow(leaves);
    for (const [size, root] of vectors.roots.entries()) {
      expect(toHex(rootOf(leaves.slice(0, size)))).toBe(root);
      expect(toHex(rootOfFrontier(frontiers[size] as Frontier))).toBe(root);
    }
  });

  test('every node and every frontier', () => {
    const { nodes, frontiers } = grow(leaves);
    const want = vectors.nodes.flatMap((level, height) => level.map((hash, at) => [`${height}/${at}`, hash]));
    expect(Object.fromEntries([...nodes].map(([id, hash]) => [id, toHex(hash)]))).toEqual(
      Object.fromEntries(want),
    );
    expect(frontiers.map(({ hashes }) => hashes.map(toHex))).toEqual(vectors.frontiers);
  });

  test.for(vectors.inclusion)('inclusion of leaf $index in $size', ({ index, size, path }) => {
    const { nodeAt } = grow(leaves);
    const claim = {
      leaf: leaves[index] as Uint8Array,
      index: BigInt(index),
      size: BigInt(size),
      path: path.map(bytesOf),
      root: bytesOf(vectors.roots[size] as string),
    };
    expect(inclusionProof(claim.index, claim.size, nodeAt).map(toHex)).toEqual(path);
    expect(verifyInclusion(claim)).toBe(true);
  });

  test.for(vectors.consistency)('consistency of $first and $second', ({ first, second, path }) => {
    const { nodeAt } = grow(leaves);
    const claim = {
      first: { size: BigInt(first), root: bytesOf(vectors.roots[first] as string) },
      second: { size: BigInt(second), root: bytesOf(vectors.roots[second] as string) },
      path: path.map(bytesOf),
    };
    expect(consistencyProof(claim.first.size, claim.second.size, nodeAt).map(toHex)).toEqual(path);
    expect(verifyConsistency(claim)).toBe(true);
  });

  const named: Record<string, Uint8Array> = {
    empty: emptyRoot(),
    someHash: bytesOf('abacaba000000000000000000000000000000000000000000060061e00123456'),
  };
  test.for(vectors.rejectedConsistency)('rejects: $name', ({ first, second, root1, root2, path }) => {
    const claim = {
      first: { size: BigInt(first), root: named[root1] as Uint8Array },
      second: { size: BigInt(second), root: named[root2] as Uint8Array },
      path: path.map((hash) => named[hash] as Uint8Array),
    };
    expect(verifyConsistency(claim)).toBe(false);
  });
});

test('leaves and nodes are hashed in separate domains', () => {
  const [left, right] = [leafHash(Buffer.from('Hello')), leafHash(Buffer.from('World'))];
  expect(toHex(left)).not.toBe(toHex(right));
  expect(toHex(nodeHash(left, right))).not.toBe(toHex(leafHash(Buffer.concat([left, right]))));
  expect(toHex(nodeHash(left, right))).not.toBe(toHex(nodeHash(right, left)));
});

test('every proof of every tree up to 40 leaves is the recursive one, and verifies', () => {
  const many = referenceLeaves(40);
  const { nodeAt, frontiers } = grow(many);
  for (let size = 1; size <= many.length; size += 1) {
    const tree = many.slice(0, size);
    const root = referenceRoot(tree);
    expect(toHex(rootOfFrontier(frontiers[size] as Frontier))).toBe(toHex(root));
    for (let at = 0; at < size; at += 1) {
      const path = inclusionProof(BigInt(at), BigInt(size), nodeAt);
      expect(path.map(toHex)).toEqual(referencePath(at, tree).map(toHex));
      const leaf = tree[at] as Uint8Array;
      expect(verifyInclusion({ leaf, index: BigInt(at), size: BigInt(size), path, root })).toBe(true);
      const consistency = consistencyProof(BigInt(at + 1), BigInt(size), nodeAt);
      expect(consistency.map(toHex)).toEqual(referenceConsistency(at + 1, tree).map(toHex));
      const first = { size: BigInt(at + 1), root: referenceRoot(tree.slice(0, at + 1)) };
      expect(verifyConsistency({ first, second: { size: BigInt(size), root }, path: consistency })).toBe(
        true,
      );
    }
  }
});

test('random trees: appending, storing and proving agree with the definition', () => {
  const entries = fc.array(fc.uint8Array({ maxLength: 8 }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(entries, fc.nat(), fc.nat(), (data, a, b) => {
      const tree = data.map(leafHash);
      const { nodeAt, frontiers } = grow(tree);
      const [size, index] = [1 + (a % tree.length), b % (1 + (a % tree.length))];
      const part = tree.slice(0, size);
      const root = referenceRoot(part);
      expect(toHex(rootOf(part))).toBe(toHex(root));
      expect(toHex(rootOfFrontier(frontierOf(BigInt(size), nodeAt)))).toBe(toHex(root));
      expect(parseFrontier(renderFrontier(frontiers[size] as Frontier))).toEqual(frontiers[size]);
      expect(inclusionProof(BigInt(index), BigInt(size), nodeAt)).toEqual(referencePath(index, part));
      expect(consistencyProof(BigInt(index + 1), BigInt(size), nodeAt)).toEqual(
        referenceConsistency(index + 1, part),
      );
    }),
    { numRuns: 60 },
  );
});

test('a proof asks for exactly the complete nodes that were announced', () => {
  const { nodes } = grow(referenceLeaves(100));
  for (let first = 1n; first <= 100n; first += 7n) {
    for (const [announced, prove] of [
      [nodesForInclusion(first - 1n, 100n), inclusionProof.bind(null, first - 1n, 100n)],
      [nodesForConsistency(first, 100n), consistencyProof.bind(null, first, 100n)],
      [nodesForFrontier(first), frontierOf.bind(null, first)],
    ] as const) {
      const asked: string[] = [];
      prove((level, index) => {
        asked.push(`${level}/${index}`);
        return nodes.get(`${level}/${index}`) as Uint8Array;
      });
      expect(asked).toEqual(announced.map(({ level, index }) => `${level}/${index}`));
    }
  }
});

test('an append reads the frontier only, writes two nodes on average and never a node twice', () => {
  let frontier = EMPTY_FRONTIER;
  const seen = new Set<string>();
  for (const leaf of referenceLeaves(1_024)) {
    const before = JSON.stringify(renderFrontier(frontier));
    const step = appendLeaf(frontier, leaf);
    expect(JSON.stringify(renderFrontier(frontier))).toBe(before);
    for (const { level, index } of step.newNodes) {
      expect(seen.has(`${level}/${index}`)).toBe(false);
      seen.add(`${level}/${index}`);
    }
    frontier = step.frontier;
    expect(frontier.hashes.length).toBeLessThanOrEqual(10);
  }
  expect(seen.size).toBe(2 * 1_024 - 1);
});

test('sizes beyond 2^53 are proved exactly', () => {
  const hash = emptyRoot();
  const size = (1n << 63n) + 5n;
  // A tree of equal nodes is enough to exercise positions: path lengths follow from the size alone.
  expect(inclusionProof(size - 1n, size, () => hash)).toHaveLength(2);
  expect(inclusionProof(1n << 53n, size, () => hash)).toHaveLength(64);
  expect(nodesForInclusion((1n << 53n) + 1n, size)[0]).toEqual({ level: 0, index: 1n << 53n });
});

describe('programmers errors are loud', () => {
  const { nodeAt, frontiers } = grow(leaves);
  test.for([
    { name: 'a leaf beyond the tree', call: () => inclusionProof(8n, 8n, nodeAt) },
    { name: 'a negative leaf', call: () => inclusionProof(-1n, 8n, nodeAt) },
    { name: 'consistency from the empty tree', call: () => consistencyProof(0n, 8n, nodeAt) },
    { name: 'consistency back in time', call: () => consistencyProof(8n, 7n, nodeAt) },
    { name: 'a stored node that is no hash', call: () => inclusionProof(0n, 8n, () => new Uint8Array(31)) },
    { name: 'an entry where a leaf hash is due', call: () => appendLeaf(EMPTY_FRONTIER, new Uint8Array(5)) },
    {
      name: 'a frontier with too few hashes',
      call: () => appendLeaf({ size: 3n, hashes: [leaves[0] as Uint8Array] }, leaves[1] as Uint8Array),
    },
    {
      name: 'a frontier with too many hashes',
      call: () => rootOfFrontier({ size: 0n, hashes: [leaves[0] as Uint8Array] }),
    },
    { name: 'a frontier of negative size', call: () => rootOfFrontier({ size: -1n, hashes: [] }) },
    {
      name: 'a damaged stored frontier',
      call: () => parseFrontier({ ...renderFrontier(frontiers[3] as Frontier), size: '4' }),
    },
    {
      name: 'a stored frontier with a size that is no number',
      call: () => parseFrontier({ size: '0x', hashes: [] }),
    },
    {
      name: 'a stored frontier with a hash that is no hex',
      call: () => parseFrontier({ size: '1', hashes: ['zz'] }),
    },
  ])('$name', ({ call }) => {
    expect(call).toThrow(RangeError);
  });
});
