/** SM3 with HMAC and HKDF: the published examples, OpenSSL's command, and sm-crypto-v2. */
import fc from 'fast-check';
import * as reference from 'sm-crypto-v2';
import { describe, expect, test } from 'vitest';
import { toHex } from '#crypto/bytes.ts';
import { hkdfSm3, hmacSm3, sm3 } from '#crypto/sm/sm3.ts';
import { isOpensslSm2Missing, openssl } from '#tests/support/openssl.ts';
import vectors from '../../vectors/sm.json' with { type: 'json' };

test.for(vectors.sm3.examples)('$text, $repeat times', ({ text, repeat, digest }) => {
  expect(toHex(sm3(Buffer.from(text.repeat(repeat))))).toBe(digest);
});

test('a second implementation agrees on digest, HMAC and HKDF of any bytes', () => {
  const bytes = fc.uint8Array({ maxLength: 300 });
  const key = fc.uint8Array({ minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(bytes, key, bytes, fc.integer({ min: 1, max: 255 * 32 }), (data, secret, info, length) => {
      expect(toHex(sm3(data))).toBe(reference.sm3(data));
      expect(toHex(hmacSm3(secret, data))).toBe(reference.sm3(data, { key: secret }));
      const derived = hkdfSm3(secret, { salt: data, info, bytes: length });
      expect(toHex(derived)).toBe(toHex(reference.hkdf(secret, data, info, length)));
    }),
    { numRuns: 60 },
  );
});

test('no more than 255 blocks are derived', () => {
  const none = new Uint8Array();
  expect(() => hkdfSm3(none, { salt: none, info: none, bytes: 255 * 32 + 1 })).toThrow(RangeError);
});

describe.skipIf(isOpensslSm2Missing)("OpenSSL's command agrees", () => {
  const data = Buffer.from('数据 data'.repeat(40));
  const [key, salt] = [Buffer.from('00112233445566778899aabbccddeeff', 'hex'), Buffer.from('a0a1a2', 'hex')];

  test('on the digest', () => {
    expect(openssl(['dgst', '-sm3', '-binary'], data).toString('hex')).toBe(toHex(sm3(data)));
  });

  test('on HMAC', () => {
    const words = ['dgst', '-sm3', '-binary', '-mac', 'HMAC', '-macopt', `hexkey:${key.toString('hex')}`];
    expect(openssl(words, data).toString('hex')).toBe(toHex(hmacSm3(key, data)));
  });

  test('on HKDF', () => {
    const options = [
      'digest:SM3',
      `hexkey:${key.toString('hex')}`,
      `hexsalt:${salt.toString('hex')}`,
      'info:unseen',
    ];
    const words = ['kdf', '-keylen', '48', '-binary', ...options.flatMap((option) => ['-kdfopt', option])];
    const derived = hkdfSm3(key, { salt, info: Buffer.from('unseen'), bytes: 48 });
    expect(openssl([...words, 'HKDF']).toString('hex')).toBe(toHex(derived));
  });
});
