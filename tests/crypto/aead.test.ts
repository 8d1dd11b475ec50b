/** AES-256-GCM and HKDF against published vectors, and what an AEAD refuses. */
import { hkdfSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { aes256Gcm } from '#crypto/aead.ts';
import gcm from '../vectors/aes-gcm.json' with { type: 'json' };
import hkdf from '../vectors/hkdf.json' with { type: 'json' };

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

test.for(gcm.cases)('AES-256-GCM seals and opens $sealed', ({ key, nonce, aad, plaintext, sealed }) => {
  const made = aes256Gcm.seal(hex(key), hex(nonce), hex(aad), hex(plaintext));
  expect(Buffer.from(made).toString('hex')).toBe(sealed);
  const opened = aes256Gcm.open(hex(key), hex(nonce), hex(aad), hex(sealed));
  expect(Buffer.from(opened!).toString('hex')).toBe(plaintext);
});

test.for(hkdf.cases)('HKDF-SHA256 derives $okm', ({ ikm, salt, info, okm }) => {
  const derived = hkdfSync('sha256', hex(ikm), hex(salt), hex(info), okm.length / 2);
  expect(Buffer.from(derived).toString('hex')).toBe(okm);
});

test('opens nothing with any bit of key, nonce, associated data or sealed bytes changed', () => {
  const parts = [Buffer.alloc(32, 1), Buffer.alloc(12, 2), Buffer.alloc(20, 3)] as const;
  const sealed = Buffer.from(aes256Gcm.seal(...parts, Buffer.alloc(40, 4)));
  const all = [...parts, sealed] as const;
  expect(aes256Gcm.open(...all)).not.toBeNull();
  all.forEach((part, which) => {
    for (let bit = 0; bit < part.length * 8; bit += 1) {
      const changed = all.map((each) => Buffer.from(each));
      changed[which]![bit >> 3]! ^= 1 << (bit & 7);
      expect(aes256Gcm.open(changed[0]!, changed[1]!, changed[2]!, changed[3]!)).toBeNull();
    }
  });
  for (let length = 0; length < sealed.length; length += 1) {
    expect(aes256Gcm.open(...parts, sealed.subarray(0, length))).toBeNull();
  }
});

test('a key or a nonce of another length is an error of the caller', () => {
  const nothing = new Uint8Array();
  expect(() => aes256Gcm.seal(new Uint8Array(16), new Uint8Array(12), nothing, nothing)).toThrow(RangeError);
  expect(() => aes256Gcm.open(new Uint8Array(32), new Uint8Array(16), nothing, nothing)).toThrow(RangeError);
});
