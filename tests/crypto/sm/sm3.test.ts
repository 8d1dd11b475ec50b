/**
 * SM3, HMAC and HKDF over it, as Node's OpenSSL computes them and storage uses them by name: the published examples,
 * OpenSSL's command, and sm-crypto-v2.
 */
import { createHash, createHmac, hkdfSync } from 'node:crypto';
import fc from 'fast-check';
import * as reference from 'sm-crypto-v2';
import { describe, expect, test } from 'vitest';
import { toHex } from '#crypto/bytes.ts';
import { PROFILES } from '#crypto/profile.ts';
import { isOpensslSm2Missing, openssl } from '#tests/support/openssl.ts';
import vectors from '../../vectors/sm.json' with { type: 'json' };

const NAME = PROFILES.sm.storage.hash;
const digest = (data: Uint8Array): string => createHash(NAME).update(data).digest('hex');
const hmac = (key: Uint8Array, data: Uint8Array): string => createHmac(NAME, key).update(data).digest('hex');
const hkdf = (key: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): string =>
  Buffer.from(hkdfSync(NAME, key, salt, info, length)).toString('hex');

test('the profile sm derives keys with SM3', () => {
  expect(NAME).toBe('sm3');
});

test.for(vectors.sm3.examples)('$text, $repeat times', ({ text, repeat, digest: published }) => {
  expect(digest(Buffer.from(text.repeat(repeat)))).toBe(published);
});

test('a second implementation agrees on digest, HMAC and HKDF of any bytes', () => {
  const bytes = fc.uint8Array({ maxLength: 300 });
  const key = fc.uint8Array({ minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(bytes, key, bytes, fc.integer({ min: 1, max: 255 * 32 }), (data, secret, info, length) => {
      expect(digest(data)).toBe(reference.sm3(data));
      expect(hmac(secret, data)).toBe(reference.sm3(data, { key: secret }));
      expect(hkdf(secret, data, info, length)).toBe(toHex(reference.hkdf(secret, data, info, length)));
    }),
    { numRuns: 60 },
  );
});

describe.skipIf(isOpensslSm2Missing)("OpenSSL's command agrees", () => {
  const data = Buffer.from('数据 data'.repeat(40));
  const [key, salt] = [Buffer.from('00112233445566778899aabbccddeeff', 'hex'), Buffer.from('a0a1a2', 'hex')];

  test('on the digest', () => {
    expect(openssl(['dgst', '-sm3', '-binary'], data).toString('hex')).toBe(digest(data));
  });

  test('on HMAC', () => {
    const words = ['dgst', '-sm3', '-binary', '-mac', 'HMAC', '-macopt', `hexkey:${key.toString('hex')}`];
    expect(openssl(words, data).toString('hex')).toBe(hmac(key, data));
  });

  test('on HKDF', () => {
    const options = [
      'digest:SM3',
      `hexkey:${key.toString('hex')}`,
      `hexsalt:${salt.toString('hex')}`,
      'info:unseen',
    ];
    const words = ['kdf', '-keylen', '48', '-binary', ...options.flatMap((option) => ['-kdfopt', option])];
    const derived = hkdf(key, salt, Buffer.from('unseen'), 48);
    expect(openssl([...words, 'HKDF']).toString('hex')).toBe(derived);
  });
});
