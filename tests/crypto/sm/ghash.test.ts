/** GHASH: the tags of Node's AES-GCM, which hashes with it, and a second implementation. */
import { createCipheriv } from 'node:crypto';
import { ghash as reference } from '@noble/ciphers/_polyval.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toHex } from '#crypto/bytes.ts';
import { ghash } from '#crypto/sm/ghash.ts';

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });

/** The tag that AES-128-GCM of a text must have if `hash` is GHASH. */
function tagBy(
  hash: (key: Uint8Array, parts: readonly Uint8Array[]) => Uint8Array,
  [key, nonce, aad, text]: readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array],
): string {
  const block = (content: Uint8Array): Buffer => createCipheriv('aes-128-ecb', key, null).update(content);
  const lengths = Buffer.alloc(16);
  lengths.writeUInt32BE(aad.length * 8, 4);
  lengths.writeUInt32BE(text.length * 8, 12);
  const mask = block(Buffer.concat([nonce, Buffer.of(0, 0, 0, 1)]));
  return toHex(hash(block(Buffer.alloc(16)), [aad, text, lengths]).map((byte, at) => byte ^ mask[at]!));
}

const message = fc.tuple(
  bytes(16),
  bytes(12),
  fc.uint8Array({ maxLength: 80 }),
  fc.uint8Array({ maxLength: 400 }),
);

test("gives the tags of Node's AES-GCM, for keys, associated data and texts of any kind", () => {
  fc.assert(
    fc.property(message, ([key, nonce, aad, text]) => {
      const cipher = createCipheriv('aes-128-gcm', key, nonce).setAAD(aad);
      const ciphertext = Buffer.concat([cipher.update(text), cipher.final()]);
      expect(tagBy(ghash, [key, nonce, aad, ciphertext])).toBe(cipher.getAuthTag().toString('hex'));
    }),
    { numRuns: 300 },
  );
});

test('gives what a second implementation gives, wherever the bytes begin in their buffer', () => {
  fc.assert(
    fc.property(bytes(17), fc.uint8Array({ maxLength: 500 }), fc.nat(40), (key, whole, from) => {
      const [hashKey, part] = [key.subarray(1), whole.subarray(from)];
      expect(toHex(ghash(hashKey, [part]))).toBe(toHex(reference(part, hashKey)));
    }),
    { numRuns: 300 },
  );
});

test('every bit of key and text changes it', () => {
  const [key, text] = [Buffer.alloc(16, 0x5a), Buffer.alloc(48, 0xa5)];
  const hashes = new Set([toHex(ghash(key, [text]))]);
  for (let bit = 0; bit < 512; bit += 1) {
    const changed = Buffer.concat([key, text]);
    changed[bit >> 3] = changed[bit >> 3]! ^ (1 << (bit & 7));
    hashes.add(toHex(ghash(changed.subarray(0, 16), [changed.subarray(16)])));
  }
  expect(hashes.size).toBe(513);
});

test('negative control: parts run together, or the key read from its other end, do not pass for it', () => {
  const given = [Buffer.alloc(16, 1), Buffer.alloc(12), Buffer.alloc(5, 2), Buffer.alloc(21, 3)] as const;
  const cipher = createCipheriv('aes-128-gcm', given[0], given[1]).setAAD(given[2]);
  const ciphertext = Buffer.concat([cipher.update(given[3]), cipher.final()]);
  const tag = cipher.getAuthTag().toString('hex');
  const message = [given[0], given[1], given[2], ciphertext] as const;
  expect(tagBy(ghash, message)).toBe(tag);
  expect(tagBy((key, parts) => ghash(key, [Buffer.concat(parts)]), message)).not.toBe(tag);
  expect(tagBy((key, parts) => ghash(Buffer.from(key).reverse(), parts), message)).not.toBe(tag);
});
