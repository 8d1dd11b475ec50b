/**
 * SM2 signatures over SM3 (GB/T 32918.2-2016, GB/T 32918.5-2017), and their keys.
 *
 * The signer's id is the default of GM/T 0009-2012 §10, `1234567812345678`. A signature has one spelling here:
 * r ‖ s, 32 bytes each. The arithmetic is sm-crypto-v2's; keys and the secret number of each signature are made by
 * OpenSSL. Node's own `sign('sm3', key)` with an SM2 key is ECDSA and no SM2 signature: it is not used.
 * Guarantee: a private key is accepted only in 1 … n-2 and with its own public half, a public key only as a point
 * of the curve, a signature only with r and s in 1 … n-1; a key has one name, its RFC 7638 thumbprint.
 * Not covered: time. s is computed with big integers of JavaScript, whose time depends on secrets; who can measure
 * single signatures on this machine needs a certified module (docs/crypto-profiles.md).
 */
import { ECDH, createECDH, createHash } from 'node:crypto';

import { sm2 } from 'sm-crypto-v2';

import { decodeBytes, encodeBytes, toHex } from '../bytes.ts';
import { canonicalJson } from '../canonical.ts';
import { EvidenceError } from '../evidence.ts';

const CURVE = 'SM2';
/** Order of the group (GB/T 32918.5 §2). */
const ORDER = 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n;
const COORDINATE_BYTES = 32;
const SM2_SIGNATURE_BYTES = 64;
/** Uncompressed: 0x04 ‖ x ‖ y. */
export const SM2_POINT_BYTES = 65;
const UNCOMPRESSED = 0x04;
const USER_ID = '1234567812345678';

/** The members follow RFC 7518 §6.2; the curve name is ours, since none is registered for JOSE. */
export interface Sm2PublicJwk {
  readonly kty: 'EC';
  readonly crv: 'SM2';
  /** 32 bytes each, in base64url. */
  readonly x: string;
  readonly y: string;
}

export interface Sm2PrivateJwk extends Sm2PublicJwk {
  /** 32 bytes in base64url. */
  readonly d: string;
}

/** A key that can sign. */
export interface Sm2SigningKey {
  /** RFC 7638 thumbprint of the public key. */
  readonly kid: string;
  readonly publicJwk: Sm2PublicJwk;
  /** The private number, 32 bytes. */
  readonly secret: Uint8Array;
}

/** A fresh key from OpenSSL's generator. */
export function generateSm2Key(): Sm2SigningKey {
  const pair = createECDH(CURVE);
  pair.generateKeys();
  return signingKeyOf(pair.getPrivateKey());
}

/** Reads a private JWK. EvidenceError KEY_MALFORMED when it is none, or when x and y are not the public half of d. */
export function importSm2Key(jwk: unknown): Sm2SigningKey {
  const { x, y } = readPublic(jwk);
  const key = signingKeyOf(coordinateOf((jwk as Partial<Sm2PrivateJwk>).d));
  if (key.publicJwk.x !== x || key.publicJwk.y !== y) throw new EvidenceError('KEY_MALFORMED');
  return key;
}

/** The private JWK: whoever has it can sign. */
export function exportSm2Key({ publicJwk, secret }: Sm2SigningKey): Sm2PrivateJwk {
  return { ...publicJwk, d: encodeBytes(secret, 'base64url') };
}

/** Reads a public JWK, decoration left out; a private key and a point beside the curve are refused. */
export function parseSm2Jwk(jwk: unknown): Sm2PublicJwk {
  const key = readPublic(jwk);
  if (Object.hasOwn(jwk as object, 'd')) throw new EvidenceError('KEY_MALFORMED');
  return key;
}

/** The name of a key: RFC 7638 thumbprint with SHA-256, base64url. */
export function sm2ThumbprintOf({ crv, kty, x, y }: Sm2PublicJwk): string {
  return createHash('sha256').update(canonicalJson({ crv, kty, x, y })).digest('base64url');
}

/** 0x04 ‖ x ‖ y. */
export function rawSm2KeyOf({ x, y }: Sm2PublicJwk): Uint8Array {
  return Uint8Array.of(UNCOMPRESSED, ...coordinateOf(x), ...coordinateOf(y));
}

/** The JWK of an uncompressed point. EvidenceError KEY_MALFORMED when it is no point of the curve. */
export function sm2JwkOf(raw: Uint8Array): Sm2PublicJwk {
  if (raw.length !== SM2_POINT_BYTES || raw[0] !== UNCOMPRESSED) throw new EvidenceError('KEY_MALFORMED');
  try {
    ECDH.convertKey(raw, CURVE);
  } catch {
    // OpenSSL takes coordinates below p that satisfy the equation of the curve, and no others.
    throw new EvidenceError('KEY_MALFORMED');
  }
  const coordinate = (from: number): string =>
    encodeBytes(raw.subarray(from, from + COORDINATE_BYTES), 'base64url');
  return { kty: 'EC', crv: CURVE, x: coordinate(1), y: coordinate(1 + COORDINATE_BYTES) };
}

/** r ‖ s over SM3(Z ‖ message), 64 bytes (GB/T 32918.2 §6.1). Two signatures of one message differ. */
export function signSm2(message: Uint8Array, { publicJwk, secret }: Sm2SigningKey): Uint8Array {
  const signature = sm2.doSignature(message, toHex(secret), {
    hash: true,
    publicKey: toHex(rawSm2KeyOf(publicJwk)),
    userId: USER_ID,
    pointPool: [ephemeralPoint()],
  });
  return new Uint8Array(Buffer.from(signature, 'hex'));
}

/** GB/T 32918.2 §7.1. False for whatever is not the signature of this message by this key. */
export function verifySm2(message: Uint8Array, signature: Uint8Array, key: Sm2PublicJwk): boolean {
  if (signature.length !== SM2_SIGNATURE_BYTES) return false;
  const parts = [signature.subarray(0, COORDINATE_BYTES), signature.subarray(COORDINATE_BYTES)];
  if (!parts.map(numberOf).every((part) => part > 0n && part < ORDER)) return false;
  const options = { hash: true, userId: USER_ID };
  return sm2.doVerifySignature(message, toHex(signature), toHex(rawSm2KeyOf(key)), options);
}

/** The secret number k of one signature and the x coordinate of k·G, by OpenSSL's generator and its constant-time ladder. */
function ephemeralPoint(): { k: bigint; x1: bigint } {
  const pair = createECDH(CURVE);
  const point = pair.generateKeys();
  return { k: numberOf(pair.getPrivateKey()), x1: numberOf(point.subarray(1, 1 + COORDINATE_BYTES)) };
}

function signingKeyOf(secret: Uint8Array): Sm2SigningKey {
  const padded = Buffer.concat([Buffer.alloc(COORDINATE_BYTES - secret.length), secret]);
  const number = numberOf(padded);
  // 1 + d must have an inverse, so n-1 is no private key (GB/T 32918.1 §6.1).
  if (number === 0n || number > ORDER - 2n) throw new EvidenceError('KEY_MALFORMED');
  const pair = createECDH(CURVE);
  pair.setPrivateKey(padded);
  const publicJwk = sm2JwkOf(pair.getPublicKey());
  return { kid: sm2ThumbprintOf(publicJwk), publicJwk, secret: new Uint8Array(padded) };
}

function readPublic(jwk: unknown): Sm2PublicJwk {
  if (typeof jwk !== 'object' || jwk === null) throw new EvidenceError('KEY_MALFORMED');
  const { kty, crv, x, y } = jwk as Record<string, unknown>;
  if (kty !== 'EC' || crv !== CURVE) throw new EvidenceError('KEY_MALFORMED');
  return sm2JwkOf(Uint8Array.of(UNCOMPRESSED, ...coordinateOf(x), ...coordinateOf(y)));
}

function coordinateOf(text: unknown): Uint8Array {
  const bytes = typeof text === 'string' ? decodeBytes(text, 'base64url') : null;
  if (bytes?.length !== COORDINATE_BYTES) throw new EvidenceError('KEY_MALFORMED');
  return bytes;
}

function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes)}`);
}
