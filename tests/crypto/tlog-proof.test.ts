/** Proof files: the published examples, and one spelling for each proof. */
import { createHash } from 'node:crypto';

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { type TlogProof, parseTlogProof, renderTlogProof } from '#crypto/log/tlog-proof.ts';

import vectors from '../vectors/tlog-proof.json' with { type: 'json' };

const hashOf = (text: string): Uint8Array => new Uint8Array(createHash('sha256').update(text).digest());
const fill = (text: string): string =>
  text.replaceAll(/\{(\w+)\}/g, (_, name: string) => Buffer.from(hashOf(name)).toString('base64'));

describe('published proofs', () => {
  test.for(vectors.written)('$name', ({ index, path, extra, checkpoint, text }) => {
    const proof: TlogProof = {
      index: BigInt(index),
      path: path.map(hashOf),
      checkpoint,
      extra: extra === null ? null : new TextEncoder().encode(extra),
    };
    expect(renderTlogProof(proof)).toBe(fill(text));
    expect(parseTlogProof(fill(text))).toEqual(proof);
  });

  test.for(vectors.rejected)('refuses $name', ({ text }) => {
    expect(() => parseTlogProof(text)).toThrow(expect.objectContaining({ code: 'PROOF_MALFORMED' }));
  });
});

test('every proof is read back as it was written, and has one spelling', () => {
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => new Uint8Array(bytes));
  const proofs = fc.record({
    index: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    path: fc.array(hash, { maxLength: 64 }),
    checkpoint: fc.constantFrom('a\n1\nx\n\n— a b\n', 'text\n\nwith\n\nempty lines\n'),
    extra: fc.option(fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => new Uint8Array(bytes))),
  });
  fc.assert(
    fc.property(proofs, (proof) => {
      const text = renderTlogProof(proof);
      expect(parseTlogProof(text)).toEqual(proof);
      expect(renderTlogProof(parseTlogProof(text))).toBe(text);
    }),
  );
});

test('every changed character changes what is read, or is refused', () => {
  const proof: TlogProof = { index: 5n, path: [hashOf('a'), hashOf('b')], checkpoint: 'c\n', extra: null };
  const text = renderTlogProof(proof);
  for (let at = 0; at < text.length; at += 1) {
    const changed = text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
    expect(readOrNull(changed)).not.toEqual(proof);
  }
});

test.for([
  { name: 'a negative index', change: { index: -1n } },
  { name: 'an index above 64 bits', change: { index: 1n << 64n } },
  { name: 'a hash of another length', change: { path: [new Uint8Array(31)] } },
  { name: 'a path longer than any tree is high', change: { path: Array<Uint8Array>(65).fill(hashOf('a')) } },
  { name: 'extra data of no bytes', change: { extra: new Uint8Array() } },
])('does not write $name', ({ change }) => {
  expect(() => renderTlogProof({ index: 0n, path: [], checkpoint: 'c\n', extra: null, ...change })).toThrow(
    RangeError,
  );
});

test('refuses a path longer than any tree is high', () => {
  const line = `${Buffer.from(hashOf('a')).toString('base64')}\n`;
  expect(parseTlogProof(`c2sp.org/tlog-proof@v1\nindex 0\n${line.repeat(64)}\nc\n`).path).toHaveLength(64);
  expect(() => parseTlogProof(`c2sp.org/tlog-proof@v1\nindex 0\n${line.repeat(65)}\nc\n`)).toThrow(
    expect.objectContaining({ code: 'PROOF_MALFORMED' }),
  );
});

function readOrNull(text: string): TlogProof | null {
  try {
    return parseTlogProof(text);
  } catch {
    return null;
  }
}
