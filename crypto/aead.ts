/**
 * Authenticated encryption with associated data (RFC 5116), as every suite of ours offers it.
 *
 * Guarantee: `open` gives a plaintext only when key, nonce, associated data and every sealed bit are those of `seal`.
 * Not covered: nonces. A key that meets one nonce twice loses everything; whoever calls chooses them. Nor does a tag
 * of GCM say which key made it (it commits to none): see `at-rest/open.ts` for what does.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';

export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;

/** Authenticated encryption (RFC 5116): 12-byte nonces, 16-byte tags at the end. */
export interface Aead {
  readonly name: 'AES-256-GCM' | 'SM4-GCM';
  readonly keyBytes: 32 | 16;
  /** Ciphertext and tag, one after the other. RangeError when key or nonce has another length. */
  seal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** The same as ciphertext and tag apart, where joining them would be a copy of everything; absent: only joined. */
  sealApart?(
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    plaintext: Uint8Array,
  ): readonly Uint8Array[];
  /** The plaintext, or null when this is not what was sealed. RangeError as in `seal`. */
  open(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array | null;
}

/** AES-256-GCM (NIST SP 800-38D) by Node's own OpenSSL. */
export const aes256Gcm: Aead = {
  name: 'AES-256-GCM',
  keyBytes: 32,

  seal(key, nonce, aad, plaintext) {
    return Buffer.concat(sealApart(key, nonce, aad, plaintext));
  },

  sealApart,

  open(key, nonce, aad, sealed) {
    checkLengths(aes256Gcm, key, nonce);
    if (sealed.length < TAG_BYTES) return null;
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(aad);
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    const plaintext = decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES));
    try {
      decipher.final();
    } catch {
      // The only thing `final` does here is to compare tags. What was not authentic is not kept either.
      plaintext.fill(0);
      return null;
    }
    return plaintext;
  },
};

function sealApart(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
): readonly Uint8Array[] {
  checkLengths(aes256Gcm, key, nonce);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(aad);
  const ciphertext = cipher.update(plaintext);
  cipher.final();
  return [ciphertext, cipher.getAuthTag()];
}

/** RangeError unless key and nonce have the lengths of this AEAD: another length is an error of the caller. */
export function checkLengths(aead: Pick<Aead, 'keyBytes'>, key: Uint8Array, nonce: Uint8Array): void {
  if (key.length !== aead.keyBytes) throw new RangeError('a key of this AEAD has another length');
  if (nonce.length !== NONCE_BYTES) throw new RangeError('a nonce has 12 bytes');
}
