/** SM2: the published signature, OpenSSL's command in both directions, points and ranges, and what Node makes instead. */
import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { sm2 } from 'sm-crypto-v2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeBytes, toHex } from '#crypto/bytes.ts';
import {
  exportSm2Key,
  generateSm2Key,
  importSm2Key,
  parseSm2Jwk,
  rawSm2KeyOf,
  signSm2,
  sm2JwkOf,
  sm2ThumbprintOf,
  type Sm2SigningKey,
  verifySm2,
} from '#crypto/sm/sm2.ts';
import { isOpensslSm2Missing, openssl } from '#tests/support/openssl.ts';
import vectors from '../../vectors/sm.json' with { type: 'json' };

const published = vectors.sm2;
const ORDER = 'fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123';
const PRIME = 'fffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffff';
const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const part = (text: string): string => encodeBytes(hex(text), 'base64url');
const jwkOf = ({ x, y, d }: { x: string; y: string; d: string }): object => ({
  kty: 'EC',
  crv: 'SM2',
  x: part(x),
  y: part(y),
  d: part(d),
});
const key = importSm2Key(jwkOf(published));
const message = Buffer.from(published.message);
const MALFORMED = expect.objectContaining({ code: 'KEY_MALFORMED' });

describe('GB/T 32918.5 appendix A', () => {
  const signature = hex(published.r + published.s);

  test('key, digest and signature', () => {
    expect(toHex(rawSm2KeyOf(key.publicJwk))).toBe(`04${published.x}${published.y}`);
    expect(sm2.getHash(message, `04${published.x}${published.y}`, published.userId)).toBe(published.e);
    expect(verifySm2(message, signature, key.publicJwk)).toBe(true);
  });

  test('with the published secret number the library makes the published signature', () => {
    const made = sm2.doSignature(new Uint8Array(message), published.d, {
      hash: true,
      publicKey: `04${published.x}${published.y}`,
      userId: published.userId,
      pointPool: [{ k: BigInt(`0x${published.k}`), x1: BigInt(`0x${published.kx}`) }],
    });
    expect(made).toBe(published.r + published.s);
  });

  test('every flipped bit of message and signature is refused', () => {
    const whole = Buffer.concat([message, signature]);
    // Verification takes milliseconds: every bit of the message, every seventh of the signature.
    for (let bit = 0; bit < whole.length * 8; bit += bit < message.length * 8 ? 1 : 7) {
      const changed = Buffer.from(whole);
      changed[bit >> 3] = changed[bit >> 3]! ^ (1 << (bit & 7));
      const [text, mark] = [changed.subarray(0, message.length), changed.subarray(message.length)];
      expect(verifySm2(text, mark, key.publicJwk)).toBe(false);
    }
  }, 20_000);
});

test('what is signed verifies under its own key and no other, and never twice the same', () => {
  const other = generateSm2Key();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (text) => {
      const [first, second] = [signSm2(text, key), signSm2(text, key)];
      expect(first.length).toBe(64);
      expect(toHex(first)).not.toBe(toHex(second));
      expect(verifySm2(text, first, key.publicJwk)).toBe(true);
      expect(verifySm2(text, first, other.publicJwk)).toBe(false);
    }),
    { numRuns: 15 },
  );
});

test('parts outside 1 … n-1 and other lengths are refused', () => {
  const signature = signSm2(message, key);
  const [r, s] = [toHex(signature.subarray(0, 32)), toHex(signature.subarray(32))];
  const zero = '00'.repeat(32);
  const beyond = (value: string): string => {
    const sum = BigInt(`0x${value}`) + BigInt(`0x${ORDER}`);
    return (sum % 2n ** 256n).toString(16).padStart(64, '0');
  };
  const pairs = [zero + s, r + zero, zero + zero, ORDER + s, r + ORDER, beyond(r) + s, r + beyond(s)];
  for (const pair of pairs) expect(verifySm2(message, hex(pair), key.publicJwk)).toBe(false);
  const respelled = [`${r}00${s}`, `${r}${s}00`, r + s.slice(2), ''];
  for (const text of respelled) expect(verifySm2(message, hex(text), key.publicJwk)).toBe(false);
  // Negative control: the library by itself reads the same signature in a second spelling.
  const point = toHex(rawSm2KeyOf(key.publicJwk));
  expect(sm2.doVerifySignature(new Uint8Array(message), `${r}00${s}`, point, { hash: true })).toBe(true);
});

describe('keys', () => {
  test('are fresh, survive export and import, and are named like RFC 7638 says', () => {
    const [a, b] = [generateSm2Key(), generateSm2Key()];
    expect(a.kid).not.toBe(b.kid);
    const again = importSm2Key(JSON.parse(JSON.stringify(exportSm2Key(a))));
    expect(again).toEqual(a);
    expect(sm2ThumbprintOf(a.publicJwk)).toBe(a.kid);
    expect(sm2JwkOf(rawSm2KeyOf(a.publicJwk))).toEqual(a.publicJwk);
    expect(verifySm2(message, signSm2(message, again), a.publicJwk)).toBe(true);
  });

  test('the library computes the same public half', () => {
    const { publicJwk, secret } = generateSm2Key();
    expect(sm2.getPublicKeyFromPrivateKey(toHex(secret))).toBe(toHex(rawSm2KeyOf(publicJwk)));
  });

  const last = (offset: bigint): string => (BigInt(`0x${ORDER}`) + offset).toString(16);
  test.for([
    { name: 'zero', d: '00'.repeat(32) },
    { name: 'n - 1', d: last(-1n) },
    { name: 'n', d: last(0n) },
    { name: 'beyond n', d: 'ff'.repeat(32) },
    { name: 'another key', d: '11'.repeat(32) },
    { name: '31 bytes', d: '11'.repeat(31) },
  ])('a private number that is $name is refused', ({ d }) => {
    expect(() => importSm2Key(jwkOf({ ...published, d }))).toThrow(MALFORMED);
  });

  const decorated = { ...key.publicJwk, kid: 'a', use: 'sig', alg: 'SM2SM3' };
  test('a key set entry is read without its decoration', () => {
    expect(parseSm2Jwk(decorated)).toEqual(key.publicJwk);
  });

  test.for<{ name: string; jwk: unknown }>([
    { name: 'a private key', jwk: exportSm2Key(key) },
    { name: 'null', jwk: null },
    { name: 'another curve', jwk: { ...key.publicJwk, crv: 'P-256' } },
    { name: 'another kind', jwk: { ...key.publicJwk, kty: 'OKP' } },
    { name: 'no y', jwk: { ...key.publicJwk, y: undefined } },
    { name: 'a y beside the curve', jwk: { ...key.publicJwk, y: part('11'.repeat(32)) } },
    { name: 'x and y exchanged', jwk: { ...key.publicJwk, x: key.publicJwk.y, y: key.publicJwk.x } },
    { name: 'the origin', jwk: { ...key.publicJwk, x: part('00'.repeat(32)), y: part('00'.repeat(32)) } },
    { name: 'a coordinate of p', jwk: { ...key.publicJwk, x: part(PRIME) } },
    { name: 'a coordinate of 31 bytes', jwk: { ...key.publicJwk, x: part('11'.repeat(31)) } },
    { name: 'a coordinate with padding', jwk: { ...key.publicJwk, x: `${key.publicJwk.x}=` } },
  ])('a public key that is $name is refused', ({ jwk }) => {
    expect(() => parseSm2Jwk(jwk)).toThrow(MALFORMED);
  });

  test('raw points are uncompressed and nothing else', () => {
    const raw = rawSm2KeyOf(key.publicJwk);
    for (const point of [
      Buffer.of(0),
      raw.subarray(0, 33),
      Uint8Array.of(2, ...raw.subarray(1)),
      raw.subarray(1),
    ])
      expect(() => sm2JwkOf(point)).toThrow(MALFORMED);
  });
});

test("Node's own signature with an SM2 key is ECDSA: neither reads the other", () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'SM2' });
  const der = privateKey.export({ format: 'der', type: 'pkcs8' });
  const own = ownKeyOf(der);
  const theirs = sign('sm3', message, { key: privateKey, dsaEncoding: 'ieee-p1363' });
  expect(verify('sm3', message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, theirs)).toBe(true);
  expect(verifySm2(message, theirs, own.publicJwk)).toBe(false);
  const ours = signSm2(message, own);
  expect(verifySm2(message, ours, own.publicJwk)).toBe(true);
  expect(verify('sm3', message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, ours)).toBe(false);
});

describe.skipIf(isOpensslSm2Missing)("OpenSSL's command", () => {
  let folder: string;
  const at = (name: string): string => join(folder, name);
  const ID = ['-rawin', '-digest', 'sm3', '-pkeyopt', 'distid:1234567812345678'];
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'unseen-sm2-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('reads our signatures and we read its own', () => {
    openssl(['genpkey', '-algorithm', 'SM2', '-out', at('key.pem')]);
    openssl(['pkey', '-in', at('key.pem'), '-pubout', '-out', at('public.pem')]);
    const own = ownKeyOf(openssl(['pkey', '-in', at('key.pem'), '-outform', 'DER']));
    const verifyWords = ['pkeyutl', '-verify', '-pubin', '-inkey', at('public.pem'), ...ID];
    for (const text of ['', 'message digest', '数据'.repeat(500)]) {
      const bytes = Buffer.from(text);
      writeFileSync(at('text'), bytes);
      const theirs = openssl(['pkeyutl', '-sign', '-inkey', at('key.pem'), '-in', at('text'), ...ID]);
      expect(verifySm2(bytes, rawOfDer(theirs), own.publicJwk)).toBe(true);
      writeFileSync(at('signature'), derOfRaw(signSm2(bytes, own)));
      const told = openssl([...verifyWords, '-in', at('text'), '-sigfile', at('signature')]);
      expect(told.toString()).toContain('Verified Successfully');
      // Negative control: it does not read the signature of another text.
      writeFileSync(at('signature'), derOfRaw(signSm2(Buffer.from('another'), own)));
      expect(() => openssl([...verifyWords, '-in', at('text'), '-sigfile', at('signature')])).toThrow(
        'Verif',
      );
    }
  });
});

/** The key of a DER text of OpenSSL (RFC 5915, alone or in PKCS #8): d after `02 01 01 04 20`, the point at the end. */
function ownKeyOf(der: Uint8Array): Sm2SigningKey {
  const text = toHex(der);
  const d = /0201010420([0-9a-f]{64})/.exec(text)![1]!;
  const point = /034200(04[0-9a-f]{128})/.exec(text)![1]!;
  return importSm2Key(jwkOf({ d, x: point.slice(2, 66), y: point.slice(66) }));
}

function derOfRaw(raw: Uint8Array): Uint8Array {
  const integers = [raw.subarray(0, 32), raw.subarray(32)].map((number) => {
    const text = toHex(number).replace(/^(?:00)+/, '');
    const bytes = hex(/^[89a-f]/.test(text) ? `00${text}` : text);
    return Buffer.concat([Buffer.of(2, bytes.length), bytes]);
  });
  const content = Buffer.concat(integers);
  return Buffer.concat([Buffer.of(0x30, content.length), content]);
}

function rawOfDer(der: Uint8Array): Uint8Array {
  const rLength = der[3]!;
  const integers = [der.subarray(4, 4 + rLength), der.subarray(6 + rLength)];
  return Buffer.concat(integers.map((number) => hex(toHex(number).slice(-64).padStart(64, '0'))));
}
