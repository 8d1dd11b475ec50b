/**
 * Ed25519 keys: made, read and named. One key type for receipts and for the log (but never one key for both).
 *
 * Guarantee: a private key is accepted only with its own public half (a wrong one makes an Ed25519 signer give
 * its secret away), and a key has exactly one name, its RFC 7638 thumbprint.
 * Not covered: where keys are kept. A private JWK is the key itself.
 */
import {
  type KeyObject,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
} from 'node:crypto';

import { decodeBytes, encodeBytes } from './bytes.ts';
import { canonicalJson } from './canonical.ts';
import { EvidenceError } from './evidence.ts';

/** RFC 8037 §2: only what the thumbprint covers. */
export interface PublicJwk {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  /** The 32 bytes of the public key in base64url. */
  readonly x: string;
}

export interface PrivateJwk extends PublicJwk {
  /** The 32 bytes of the seed in base64url. */
  readonly d: string;
}

/** A key that can sign. */
export interface SigningKey {
  /** RFC 7638 thumbprint of the public key. */
  readonly kid: string;
  readonly publicJwk: PublicJwk;
  readonly privateKey: KeyObject;
}

const KEY_BYTES = 32;

/** A fresh key from the operating system's generator. */
export function generateSigningKey(): SigningKey {
  return signingKeyOf(generateKeyPairSync('ed25519').privateKey);
}

/** Reads a private JWK. EvidenceError KEY_MALFORMED when it is none, or when `x` is not the public half of `d`. */
export function importSigningKey(jwk: unknown): SigningKey {
  const { x } = readPublic(jwk);
  const d = keyTextOf((jwk as Partial<PrivateJwk>).d);
  const key = signingKeyOf(privateKeyOf({ kty: 'OKP', crv: 'Ed25519', x, d }));
  if (key.publicJwk.x !== x) throw new EvidenceError('KEY_MALFORMED');
  return key;
}

/** The private JWK: whoever has it can sign. */
export function exportSigningKey(key: SigningKey): PrivateJwk {
  const { d } = key.privateKey.export({ format: 'jwk' });
  return { ...key.publicJwk, d: keyTextOf(d) };
}

/** Reads a public JWK, as it stands in a key set. Members such as `kid` and `use` are left out; a private key is refused. */
export function parsePublicJwk(jwk: unknown): PublicJwk {
  const key = readPublic(jwk);
  if (Object.hasOwn(jwk as object, 'd')) throw new EvidenceError('KEY_MALFORMED');
  return key;
}

/** The name of a key: RFC 7638 thumbprint with SHA-256, base64url. */
export function thumbprintOf({ crv, kty, x }: PublicJwk): string {
  return createHash('sha256').update(canonicalJson({ crv, kty, x })).digest('base64url');
}

/** The key as Node's cryptography takes it. */
export function publicKeyOf({ crv, kty, x }: PublicJwk): KeyObject {
  return createPublicKey({ key: { crv, kty, x }, format: 'jwk' });
}

/** The 32 bytes of RFC 8032 §5.1.5. */
export function rawPublicKeyOf(jwk: PublicJwk): Uint8Array {
  return decodeBytes(keyTextOf(jwk.x), 'base64url') as Uint8Array;
}

/** The JWK of 32 raw bytes. */
export function publicJwkOf(raw: Uint8Array): PublicJwk {
  return { kty: 'OKP', crv: 'Ed25519', x: keyTextOf(encodeBytes(raw, 'base64url')) };
}

function privateKeyOf(jwk: PrivateJwk): KeyObject {
  try {
    return createPrivateKey({ key: { ...jwk }, format: 'jwk' });
  } catch {
    // Node 26 compares the halves itself.
    throw new EvidenceError('KEY_MALFORMED');
  }
}

function signingKeyOf(privateKey: KeyObject): SigningKey {
  const publicJwk = readPublic(createPublicKey(privateKey).export({ format: 'jwk' }));
  return { kid: thumbprintOf(publicJwk), publicJwk, privateKey };
}

function readPublic(jwk: unknown): PublicJwk {
  if (typeof jwk !== 'object' || jwk === null) throw new EvidenceError('KEY_MALFORMED');
  const { kty, crv, x } = jwk as Record<string, unknown>;
  if (kty !== 'OKP' || crv !== 'Ed25519') throw new EvidenceError('KEY_MALFORMED');
  return { kty, crv, x: keyTextOf(x) };
}

function keyTextOf(text: unknown): string {
  const bytes = typeof text === 'string' ? decodeBytes(text, 'base64url') : null;
  if (bytes?.length !== KEY_BYTES) throw new EvidenceError('KEY_MALFORMED');
  return text as string;
}
