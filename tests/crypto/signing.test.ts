/** Keys and signed texts: the RFC 8037 vectors, one accepted spelling, and keys that are never trusted by themselves. */
import { createPublicKey, sign, verify } from 'node:crypto';

import { CompactSign, calculateJwkThumbprint, compactVerify } from 'jose';
import { describe, expect, test } from 'vitest';

import {
  type PublicJwk,
  type SigningKey,
  exportSigningKey,
  generateSigningKey,
  importSigningKey,
  parsePublicJwk,
  publicKeyOf,
  thumbprintOf,
} from '#crypto/ed25519-key.ts';
import { EvidenceError } from '#crypto/evidence.ts';
import { identifySigner, signCompact, verifyCompact } from '#crypto/signing.ts';

import vectors from '../vectors/rfc8037.json' with { type: 'json' };

const TYP = 'test+jwt';
const key = importSigningKey(vectors.jwk);
const trust = { typ: TYP, keys: [key.publicJwk], acceptEmbedded: false };

/** The code with which evidence is refused, or 'accepted'. Any other error stays an error. */
async function outcome(jws: string, given: Partial<typeof trust> = {}): Promise<string> {
  try {
    await verifyCompact(jws, { ...trust, ...given });
    return 'accepted';
  } catch (error) {
    if (error instanceof EvidenceError) return error.code;
    throw error;
  }
}

/** A text signed without our rules: any header and any payload bytes. */
function signRaw(header: object | string, payload: string | Uint8Array, signer: SigningKey = key): string {
  const head = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header)).toString(
    'base64url',
  );
  const input = `${head}.${Buffer.from(payload).toString('base64url')}`;
  return `${input}.${sign(null, Buffer.from(input), signer.privateKey).toString('base64url')}`;
}

const header = { alg: 'EdDSA', kid: key.kid, typ: TYP };

describe('RFC 8037 appendix A', () => {
  test('thumbprint and private key', async () => {
    expect(key.kid).toBe(vectors.thumbprint);
    expect(exportSigningKey(key)).toEqual(vectors.jwk);
    expect(await calculateJwkThumbprint(key.publicJwk)).toBe(vectors.thumbprint);
  });

  test('signature', async () => {
    const [head, payload, signature] = vectors.jws.split('.') as [string, string, string];
    const bytes = Buffer.from(vectors.payload);
    expect(await new CompactSign(bytes).setProtectedHeader({ alg: 'EdDSA' }).sign(key.privateKey)).toBe(
      vectors.jws,
    );
    const isValid = verify(
      null,
      Buffer.from(`${head}.${payload}`),
      publicKeyOf(key.publicJwk),
      Buffer.from(signature, 'base64url'),
    );
    expect(isValid).toBe(true);
    // The vector itself names no key and no type, so it is no statement of ours.
    expect(await outcome(vectors.jws)).toBe('HEADER_FORBIDDEN');
  });
});

test('what is signed is canonical JSON, and other libraries read it', async () => {
  const jws = await signCompact({ b: '2', a: ['1', null, true] }, key, { typ: TYP });
  const other = await compactVerify(jws, createPublicKey({ key: { ...key.publicJwk }, format: 'jwk' }));
  expect(Buffer.from(other.payload).toString()).toBe('{"a":["1",null,true],"b":"2"}');
  expect(other.protectedHeader).toEqual(header);
  const verified = await verifyCompact(jws, trust);
  expect(verified).toEqual({ payload: { a: ['1', null, true], b: '2' }, kid: key.kid, pinned: true });
  expect(identifySigner(jws, trust)).toEqual({ key: key.publicJwk, kid: key.kid, pinned: true });
});

test('numbers that readers may round are not signed', async () => {
  await expect(signCompact({ epsilon: 0.5 }, key, { typ: TYP })).rejects.toThrow(RangeError);
  await expect(signCompact({ amount: 2 ** 53 }, key, { typ: TYP })).rejects.toThrow(RangeError);
  expect(await outcome(await signCompact({ n: 7 }, key, { typ: TYP }))).toBe('accepted');
});

test('every changed, dropped or added character is noticed', async () => {
  const embedded = await signCompact({ a: '1' }, key, { typ: TYP, embedKey: true });
  for (const jws of [await signCompact({ a: '1' }, key, { typ: TYP }), embedded]) {
    const given = { acceptEmbedded: true };
    for (let at = 0; at < jws.length; at += 1) {
      const changed = jws[at] === 'A' ? 'B' : 'A';
      expect(await outcome(jws.slice(0, at) + changed + jws.slice(at + 1), given)).not.toBe('accepted');
      expect(await outcome(jws.slice(0, at) + jws.slice(at + 1), given)).not.toBe('accepted');
    }
    for (const changed of [`${jws}=`, `${jws}\n`, ` ${jws}`, `${jws}.`, jws.replaceAll('.', '..')]) {
      expect(await outcome(changed, given)).toBe('JWS_MALFORMED');
    }
    expect(await outcome(`${jws}A`, given)).toBe('SIGNATURE_INVALID');
  }
});

test('a second spelling of the same signature is refused, though a lenient reader takes it', async () => {
  const jws = await signCompact({ a: '1' }, key, { typ: TYP });
  // 64 bytes are 85⅓ characters: the last one has four spare bits.
  const last = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.indexOf(
    jws.at(-1) as string,
  );
  const respelled =
    jws.slice(0, -1) + 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'[last + 1];
  expect(await outcome(respelled)).toBe('JWS_MALFORMED');
  // Negative control: Node's decoder gives the same 64 bytes for both.
  const bytes = [jws, respelled].map((text) =>
    Buffer.from(text.split('.')[2] as string, 'base64url').toString('hex'),
  );
  expect(bytes[0]).toBe(bytes[1]);
});

describe('signed correctly, and still refused', () => {
  const other = generateSigningKey();
  test.for([
    { name: 'no algorithm', jws: signRaw({ ...header, alg: 'none' }, '{}'), code: 'ALG_FORBIDDEN' },
    { name: 'a symmetric algorithm', jws: signRaw({ ...header, alg: 'HS256' }, '{}'), code: 'ALG_FORBIDDEN' },
    {
      name: 'another name of the curve',
      jws: signRaw({ ...header, alg: 'Ed25519' }, '{}'),
      code: 'ALG_FORBIDDEN',
    },
    { name: 'another type', jws: signRaw({ ...header, typ: 'at+jwt' }, '{}'), code: 'TYP_WRONG' },
    { name: 'no type', jws: signRaw({ alg: 'EdDSA', kid: key.kid }, '{}'), code: 'HEADER_FORBIDDEN' },
    { name: 'no key id', jws: signRaw({ alg: 'EdDSA', typ: TYP }, '{}'), code: 'HEADER_FORBIDDEN' },
    {
      name: 'crit',
      jws: signRaw({ alg: 'EdDSA', crit: ['b64'], kid: key.kid, typ: TYP }, '{}'),
      code: 'HEADER_FORBIDDEN',
    },
    {
      name: 'a key to fetch',
      jws: signRaw({ alg: 'EdDSA', jku: 'https://a', kid: key.kid, typ: TYP }, '{}'),
      code: 'HEADER_FORBIDDEN',
    },
    {
      name: 'a header in another order',
      jws: signRaw({ typ: TYP, kid: key.kid, alg: 'EdDSA' }, '{}'),
      code: 'JWS_MALFORMED',
    },
    {
      name: 'a header with a doubled name',
      jws: signRaw(`{"alg":"none","alg":"EdDSA","kid":"${key.kid}","typ":"${TYP}"}`, '{}'),
      code: 'JWS_MALFORMED',
    },
    {
      name: 'a key that nobody knows',
      jws: signRaw({ ...header, kid: other.kid }, '{}', other),
      code: 'KEY_UNKNOWN',
    },
    { name: 'the name of a trusted key', jws: signRaw(header, '{}', other), code: 'SIGNATURE_INVALID' },
    { name: 'a payload with white space', jws: signRaw(header, '{"a": 1}'), code: 'PAYLOAD_NOT_CANONICAL' },
    {
      name: 'a payload in another order',
      jws: signRaw(header, '{"b":1,"a":1}'),
      code: 'PAYLOAD_NOT_CANONICAL',
    },
    {
      name: 'a payload with a doubled name',
      jws: signRaw(header, '{"a":1,"a":1}'),
      code: 'PAYLOAD_NOT_CANONICAL',
    },
    { name: 'a payload that is an array', jws: signRaw(header, '[]'), code: 'PAYLOAD_NOT_CANONICAL' },
    { name: 'a payload that is null', jws: signRaw(header, 'null'), code: 'PAYLOAD_NOT_CANONICAL' },
    { name: 'a payload that is no JSON', jws: signRaw(header, '{'), code: 'PAYLOAD_NOT_CANONICAL' },
    {
      name: 'a payload with a byte order mark',
      jws: signRaw(header, '\ufeff{}'),
      code: 'PAYLOAD_NOT_CANONICAL',
    },
    {
      name: 'a payload that is not UTF-8',
      jws: signRaw(header, Buffer.from('{"a":"\u00ff"}', 'latin1')),
      code: 'PAYLOAD_NOT_CANONICAL',
    },
    {
      name: 'a number that lost digits',
      jws: signRaw(header, '{"a":9007199254740993}'),
      code: 'PAYLOAD_NOT_CANONICAL',
    },
  ])('$name', async ({ jws, code }) => {
    expect(await outcome(jws)).toBe(code);
  });

  test('the helper itself makes acceptable texts', async () => {
    expect(await outcome(signRaw(header, '{"a":1,"b":2}'))).toBe('accepted');
  });
});

describe('a key that comes with the text', () => {
  const own = generateSigningKey();

  test('is read only if the reader agrees, and is never pinned', async () => {
    const jws = await signCompact({ a: '1' }, own, { typ: TYP, embedKey: true });
    expect(await outcome(jws)).toBe('KEY_UNKNOWN');
    const verified = await verifyCompact(jws, { ...trust, acceptEmbedded: true });
    expect(verified).toMatchObject({ kid: own.kid, pinned: false });
    // Only the reader's own list makes the same text trusted.
    const known = { typ: TYP, keys: [key.publicJwk, own.publicJwk], acceptEmbedded: false };
    expect(await verifyCompact(jws, known)).toMatchObject({ kid: own.kid, pinned: true });
  });

  test('cannot borrow the name of a trusted key', async () => {
    const jwk = { crv: 'Ed25519', kty: 'OKP', x: own.publicJwk.x };
    const jws = signRaw({ alg: 'EdDSA', jwk, kid: key.kid, typ: TYP }, '{}', own);
    expect(await outcome(jws, { acceptEmbedded: true })).toBe('KID_MISMATCH');
  });

  test.for([
    { name: 'a private key', jwk: { ...vectors.jwk } },
    { name: 'another curve', jwk: { crv: 'X25519', kty: 'OKP', x: key.publicJwk.x } },
    { name: 'no key at all', jwk: 'key' },
    { name: 'null', jwk: null },
    {
      name: 'a key of 31 bytes',
      jwk: { crv: 'Ed25519', kty: 'OKP', x: Buffer.alloc(31).toString('base64url') },
    },
  ])('is refused when it is $name', async ({ jwk }) => {
    const jws = signRaw(`{"alg":"EdDSA","jwk":${ordered(jwk)},"kid":"${key.kid}","typ":"${TYP}"}`, '{}');
    expect(await outcome(jws, { acceptEmbedded: true })).toBe('KEY_MALFORMED');
  });
});

describe('keys', () => {
  test('are fresh, and survive export and import', () => {
    const [a, b] = [generateSigningKey(), generateSigningKey()];
    expect(a.kid).not.toBe(b.kid);
    const again = importSigningKey(JSON.parse(JSON.stringify(exportSigningKey(a))));
    expect(again.kid).toBe(a.kid);
    expect(sign(null, Buffer.from('x'), again.privateKey)).toEqual(
      sign(null, Buffer.from('x'), a.privateKey),
    );
  });

  test('a seed with another public key is refused, because signing with it would give the seed away', () => {
    const mixed = { ...vectors.jwk, x: generateSigningKey().publicJwk.x };
    expect(() => importSigningKey(mixed)).toThrow(expect.objectContaining({ code: 'KEY_MALFORMED' }));
  });

  test.for([null, 'key', {}, { kty: 'RSA' }, { ...vectors.jwk, d: undefined }, { ...vectors.jwk, d: 'AA' }])(
    'a private key like %j is refused',
    (jwk) => {
      expect(() => importSigningKey(jwk)).toThrow(expect.objectContaining({ code: 'KEY_MALFORMED' }));
    },
  );

  test('a key set entry is read without its decoration, a private key is not read as public', () => {
    const entry = { ...key.publicJwk, kid: 'a', use: 'sig', alg: 'EdDSA' };
    expect(parsePublicJwk(entry)).toEqual(key.publicJwk);
    expect(() => parsePublicJwk(vectors.jwk)).toThrow(expect.objectContaining({ code: 'KEY_MALFORMED' }));
  });

  test('every bit of a key changes its name', () => {
    const raw = Buffer.from(key.publicJwk.x, 'base64url');
    const names = new Set([key.kid]);
    for (let bit = 0; bit < 256; bit += 1) {
      const changed = Buffer.from(raw);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      const jwk: PublicJwk = { kty: 'OKP', crv: 'Ed25519', x: changed.toString('base64url') };
      names.add(thumbprintOf(jwk));
    }
    expect(names.size).toBe(257);
  });
});

function ordered(jwk: unknown): string {
  return typeof jwk === 'object' && jwk !== null
    ? JSON.stringify(Object.fromEntries(Object.entries(jwk).sort(([a], [b]) => (a < b ? -1 : 1))))
    : JSON.stringify(jwk);
}
