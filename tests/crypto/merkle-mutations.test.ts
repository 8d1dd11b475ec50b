/**
 * Corrupted proofs: whatever is changed in a claim, verification must say no.
 *
 * The corruptions are those of github.com/transparency-dev/merkle, proof/verify_test.go, and every bit flip beside.
 * Each list is also run against deliberately careless verifiers, which must accept something: otherwise the
 * list would prove nothing.
 */
import { expect, test } from 'vitest';

import { toHex } from '#crypto/bytes.ts';
import {
  type ConsistencyClaim,
  type InclusionClaim,
  emptyRoot,
  leafHash,
  nodeHash,
  rootOf,
  verifyConsistency,
  verifyInclusion,
} from '#crypto/log/merkle.ts';

import { referenceConsistency, referenceLeaves, referencePath } from './merkle-reference.ts';

const TREE = referenceLeaves(23);
const RANDOM = leafHash(Buffer.from('some other hash'));

/** Sizes whose proofs have another shape than those of 23 leaves; a root under the others is the checkpoint's to bind. */
const OTHER_SIZES = [0n, 1n, 11n, 46n, 1n << 40n];

interface Corruption<Claim> {
  readonly what: string;
  readonly claim: Claim;
}

function inclusionClaims(): InclusionClaim[] {
  const root = rootOf(TREE);
  return TREE.map((leaf, at) => ({
    leaf,
    index: BigInt(at),
    size: 23n,
    path: referencePath(at, TREE),
    root,
  }));
}

function consistencyClaims(): ConsistencyClaim[] {
  const second = { size: 23n, root: rootOf(TREE) };
  return TREE.slice(0, -1).map((_, at) => {
    const first = { size: BigInt(at + 1), root: rootOf(TREE.slice(0, at + 1)) };
    return { first, second, path: referenceConsistency(at + 1, TREE) };
  });
}

function* corruptPath(
  path: readonly Uint8Array[],
  roots: readonly Uint8Array[],
): Generator<[string, Uint8Array[]]> {
  yield ['shortened', path.slice(0, -1)];
  yield ['without its beginning', path.slice(1)];
  yield ['emptied', []];
  yield ['reversed', [...path].reverse()];
  for (const extra of [new Uint8Array(), RANDOM, path[0] ?? RANDOM, ...roots]) {
    yield [`followed by ${toHex(extra)}`, [...path, extra]];
    yield [`preceded by ${toHex(extra)}`, [extra, ...path]];
    yield [`with ${toHex(extra)} inserted`, [...path.slice(0, 1), extra, ...path.slice(1)]];
  }
  for (const [at, hash] of path.entries()) {
    for (const changed of flipped(hash)) yield [`with hash ${at} changed`, path.with(at, changed)];
  }
}

/** One bit changed in each byte, the hash shortened, and another hash. */
function* flipped(hash: Uint8Array): Generator<Uint8Array> {
  for (const [at, byte] of hash.entries()) yield hash.with(at, byte ^ (1 << (at % 8)));
  yield hash.subarray(1);
  yield RANDOM;
  yield emptyRoot();
}

function* corruptInclusion(claim: InclusionClaim): Generator<Corruption<InclusionClaim>> {
  const { index, leaf, path, root } = claim;
  for (let other = -1n; other <= 24n; other += 1n) {
    if (other !== index) yield { what: `index ${other}`, claim: { ...claim, index: other } };
  }
  for (const size of OTHER_SIZES) yield { what: `size ${size}`, claim: { ...claim, size } };
  for (const changed of flipped(leaf)) yield { what: 'leaf changed', claim: { ...claim, leaf: changed } };
  for (const changed of flipped(root)) yield { what: 'root changed', claim: { ...claim, root: changed } };
  for (const other of TREE)
    if (other !== leaf) yield { what: 'leaves swapped', claim: { ...claim, leaf: other } };
  for (const [what, changed] of corruptPath(path, [root, leaf])) {
    if (!isSame(changed, path)) yield { what: `path ${what}`, claim: { ...claim, path: changed } };
  }
}

function* corruptConsistency(claim: ConsistencyClaim): Generator<Corruption<ConsistencyClaim>> {
  const { first, second, path } = claim;
  for (let size = 0n; size <= 24n; size += 1n) {
    if (size !== first.size)
      yield { what: `first size ${size}`, claim: { ...claim, first: { ...first, size } } };
  }
  for (const size of OTHER_SIZES) {
    yield { what: `second size ${size}`, claim: { ...claim, second: { ...second, size } } };
  }
  for (const root of flipped(first.root))
    yield { what: 'first root', claim: { ...claim, first: { ...first, root } } };
  for (const root of flipped(second.root)) {
    yield { what: 'second root', claim: { ...claim, second: { ...second, root } } };
  }
  const swapped = { first: { ...first, root: second.root }, second: { ...second, root: first.root } };
  yield { what: 'roots swapped', claim: { ...claim, ...swapped } };
  yield { what: 'trees swapped', claim: { ...claim, first: second, second: first } };
  for (const [what, changed] of corruptPath(path, [first.root, second.root])) {
    if (!isSame(changed, path)) yield { what: `path ${what}`, claim: { ...claim, path: changed } };
  }
}

function survivors<Claim>(
  corruptions: Iterable<Corruption<Claim>>,
  verify: (claim: Claim) => boolean,
): string[] {
  return [...corruptions].filter(({ claim }) => verify(claim)).map(({ what }) => what);
}

test('no corrupted inclusion proof verifies', () => {
  for (const claim of inclusionClaims()) {
    expect(verifyInclusion(claim)).toBe(true);
    expect(survivors(corruptInclusion(claim), verifyInclusion)).toEqual([]);
  }
});

test('in a tree of one leaf only index 0 is a leaf, and in the empty tree none is', () => {
  const leaf = TREE[0] as Uint8Array;
  const claim = { leaf, index: 0n, size: 1n, path: [], root: leaf };
  expect(verifyInclusion(claim)).toBe(true);
  for (const [index, size] of [
    [1n, 1n],
    [2n, 1n],
    [-1n, 1n],
    [0n, 0n],
    [1n, 0n],
    [0n, -1n],
  ] as const) {
    expect(verifyInclusion({ ...claim, index, size })).toBe(false);
    expect(verifyInclusion({ ...claim, index, size, root: emptyRoot() })).toBe(false);
  }
  const none = new Uint8Array();
  expect(verifyInclusion({ ...claim, leaf: none, root: none })).toBe(false);
});

test('no corrupted consistency proof verifies', () => {
  for (const claim of consistencyClaims()) {
    expect(verifyConsistency(claim)).toBe(true);
    expect(survivors(corruptConsistency(claim), verifyConsistency)).toEqual([]);
  }
});

test('what is no SHA-256 hash is no root, however equal', () => {
  const short = new Uint8Array(31);
  const claim = { first: { size: 3n, root: RANDOM }, second: { size: 3n, root: RANDOM }, path: [] };
  expect(verifyConsistency(claim)).toBe(true);
  expect(
    verifyConsistency({ ...claim, first: { size: 3n, root: short }, second: { size: 3n, root: short } }),
  ).toBe(false);
});

test('no tree with another, swapped, missing or added leaf has the same root', () => {
  const root = toHex(rootOf(TREE));
  const [a, b] = [TREE[3] as Uint8Array, TREE[4] as Uint8Array];
  const forged = [TREE.slice(0, -1), TREE.with(3, b).with(4, a), [...TREE, RANDOM], TREE.with(22, RANDOM)];
  expect(forged.map((leaves) => toHex(rootOf(leaves)))).not.toContain(root);
});

test('the corruptions catch careless verifiers of inclusion', () => {
  const [claim] = inclusionClaims() as [InclusionClaim];
  const last = inclusionClaims().at(-1) as InclusionClaim;
  // Does not ask whether the path is used up or long enough for the size.
  const ignoresSize = (given: InclusionClaim): boolean =>
    given.index >= 0n && verifyInclusion({ ...given, size: 23n });
  // Takes siblings for right ones wherever they are.
  const ignoresIndex = (given: InclusionClaim): boolean =>
    toHex(given.path.reduce((hash, sibling) => nodeHash(hash, sibling), given.leaf)) === toHex(given.root);
  const ignoresRoot = (given: InclusionClaim): boolean => verifyInclusion({ ...given, root: last.root });
  const ignoresRest = (given: InclusionClaim): boolean =>
    verifyInclusion({ ...given, path: given.path.slice(0, 5) });
  expect(survivors(corruptInclusion(claim), ignoresSize)).toContain('size 46');
  expect(survivors(corruptInclusion(claim), ignoresIndex)).toContain('index 1');
  expect(survivors(corruptInclusion(claim), ignoresRoot)).toContain('root changed');
  expect(survivors(corruptInclusion(claim), ignoresRest)).not.toEqual([]);
});

test('the corruptions catch careless verifiers of consistency', () => {
  const claim = consistencyClaims()[5] as ConsistencyClaim;
  const ignoresFirstRoot = (given: ConsistencyClaim): boolean =>
    verifyConsistency({ ...given, first: { ...given.first, root: claim.first.root } });
  const ignoresSecondRoot = (given: ConsistencyClaim): boolean =>
    verifyConsistency({ ...given, second: { ...given.second, root: claim.second.root } });
  const ignoresSize = (given: ConsistencyClaim): boolean =>
    verifyConsistency({ ...given, first: { ...given.first, size: claim.first.size } });
  expect(survivors(corruptConsistency(claim), ignoresFirstRoot)).toContain('first root');
  expect(survivors(corruptConsistency(claim), ignoresSecondRoot)).toContain('second root');
  expect(survivors(corruptConsistency(claim), ignoresSize)).toContain('first size 5');
});

function isSame(left: readonly Uint8Array[], right: readonly Uint8Array[]): boolean {
  return (
    left.length === right.length && left.every((hash, at) => toHex(hash) === toHex(right[at] as Uint8Array))
  );
}
