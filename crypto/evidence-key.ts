/**
 * Keys that sign evidence, of either crypto profile: Ed25519, or SM2 with SM3.
 *
 * Guarantee: the type of a key decides the algorithm; no text chooses it. A key of one type is never read as one
 * of the other: their JWKs differ in `kty` and `crv`, their names are thumbprints over both.
 * Not covered: where keys are kept.
 */
import { sign, verify } from 'node:crypto';

import {
  type PrivateJwk,
  type PublicJwk,
  type SigningKey,
  exportSigningKey,
  generateSigningKey,
  importSigningKey,
  parsePublicJwk,
  publicKeyOf,
  rawPublicKeyOf,
  thumbprintOf,
} from './ed25519-key.ts';
import type { Profile, ProfileSuite } from './profile.ts';
import {
  type Sm2PrivateJwk,
  type Sm2PublicJwk,
  type Sm2SigningKey,
  exportSm2Key,
  generateSm2Key,
  importSm2Key,
  parseSm2Jwk,
  rawSm2KeyOf,
  signSm2,
  sm2ThumbprintOf,
  verifySm2,
} from './sm/sm2.ts';

export type EvidenceJwk = PublicJwk | Sm2PublicJwk;

/** A key that can sign. */
export type EvidenceKey = SigningKey | Sm2SigningKey;

/**
 * JWS `alg` values. `SM2SM3` is a private name (RFC 7515 §4.1.1): none is registered for SM2, and no other library
 * knows ours.
 */
export type EvidenceAlgorithm = ProfileSuite['receipts']['alg'];

export const EVIDENCE_ALGORITHMS: readonly EvidenceAlgorithm[] = ['EdDSA', 'SM2SM3'];

/** A fresh key. */
export function generateEvidenceKey(profile: Profile): EvidenceKey {
  return profile === 'sm' ? generateSm2Key() : generateSigningKey();
}

/** Reads a private JWK. EvidenceError KEY_MALFORMED. */
export function importEvidenceKey(jwk: unknown): EvidenceKey {
  return isSm2(jwk) ? importSm2Key(jwk) : importSigningKey(jwk);
}

/** The private JWK: whoever has it can sign. */
export function exportEvidenceKey(key: EvidenceKey): PrivateJwk | Sm2PrivateJwk {
  return 'secret' in key ? exportSm2Key(key) : exportSigningKey(key);
}

/** Reads a public JWK, as it stands in a key set; a private key is refused. EvidenceError KEY_MALFORMED. */
export function parseEvidenceJwk(jwk: unknown): EvidenceJwk {
  return isSm2(jwk) ? parseSm2Jwk(jwk) : parsePublicJwk(jwk);
}

/** The name of a key: RFC 7638 thumbprint. */
export function kidOf(jwk: EvidenceJwk): string {
  return jwk.kty === 'EC' ? sm2ThumbprintOf(jwk) : thumbprintOf(jwk);
}

/** The bytes of a public key: 32 of RFC 8032 §5.1.5, or the uncompressed point. */
export function rawKeyOf(jwk: EvidenceJwk): Uint8Array {
  return jwk.kty === 'EC' ? rawSm2KeyOf(jwk) : rawPublicKeyOf(jwk);
}

/** The one algorithm of a key. */
export function algorithmOf(jwk: EvidenceJwk): EvidenceAlgorithm {
  return jwk.kty === 'EC' ? 'SM2SM3' : 'EdDSA';
}

/** The profile that a key belongs to. */
export function profileOfKey(jwk: EvidenceJwk): Profile {
  return jwk.kty === 'EC' ? 'sm' : 'international';
}

/** 64 bytes: RFC 8032 for Ed25519, r ‖ s for SM2. */
export function signBytes(bytes: Uint8Array, key: EvidenceKey): Uint8Array {
  return 'secret' in key ? signSm2(bytes, key) : sign(null, bytes, key.privateKey);
}

/** Whether the key signed exactly these bytes. */
export function isSignedBy(bytes: Uint8Array, signature: Uint8Array, jwk: EvidenceJwk): boolean {
  return jwk.kty === 'EC'
    ? verifySm2(bytes, signature, jwk)
    : verify(null, bytes, publicKeyOf(jwk), signature);
}

/** By the type alone; what else is wrong with it, its own reader says. */
function isSm2(jwk: unknown): boolean {
  return (jwk as { readonly kty?: unknown } | null)?.kty === 'EC';
}
