/**
 * Crypto profiles: one name for every choice of algorithm, so that a deployment changes them as a whole.
 *
 * What is not listed is the same in both: digests and commitments inside a receipt and the tree of the log are
 * SHA-256, access tokens are signed with EdDSA, and TLS is the operator's (docs/crypto-profiles.md).
 */

export type Profile = 'international' | 'sm';

/** What a profile means. */
export interface ProfileSuite {
  /** Encrypted data at rest: its cipher, and the hash under HKDF. */
  readonly storage: { readonly aead: 'AES-256-GCM' | 'SM4-GCM'; readonly kdfHash: 'sha256' | 'sm3' };
  /** JWS `alg` of receipts, and with it the type of their key. */
  readonly receipts: { readonly alg: 'EdDSA' | 'SM2SM3' };
  /** Hash of the Merkle tree, and the signature under checkpoints. */
  readonly log: { readonly treeHash: 'sha256'; readonly alg: 'EdDSA' | 'SM2SM3' };
}

export const PROFILES: Readonly<Record<Profile, ProfileSuite>> = {
  international: {
    storage: { aead: 'AES-256-GCM', kdfHash: 'sha256' },
    receipts: { alg: 'EdDSA' },
    log: { treeHash: 'sha256', alg: 'EdDSA' },
  },
  sm: {
    storage: { aead: 'SM4-GCM', kdfHash: 'sm3' },
    receipts: { alg: 'SM2SM3' },
    // RFC 6962 and the witnesses of C2SP know no other hash; the signature alone is SM.
    log: { treeHash: 'sha256', alg: 'SM2SM3' },
  },
};

/** The profile of a name, or null. */
export function profileOf(name: string): Profile | null {
  return Object.hasOwn(PROFILES, name) ? (name as Profile) : null;
}
