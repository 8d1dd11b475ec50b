/**
 * SM4-GCM: SM4 (GB/T 32907-2016) in Galois/counter mode (NIST SP 800-38D), the bytes of RFC 8998.
 *
 * Node has it natively where its OpenSSL binding lists `sm4-gcm`; elsewhere it is composed of native SM4-CTR for
 * the text, native SM4-ECB for two blocks (H and the mask of the tag) and GHASH (ghash.ts).
 * Guarantee: both give the same bytes; `open` checks the whole tag, in constant time, before it decrypts anything.
 * Not covered: nonces. One nonce used twice under one key gives the plaintexts and the authentication key away;
 * whoever calls counts them.
 */
import { createCipheriv, createDecipheriv, getCipherInfo, timingSafeEqual } from 'node:crypto';

import { type Aead, TAG_BYTES, checkLengths } from '../aead.ts';
import { ghash } from './ghash.ts';

const BLOCK_BYTES = 16;

const NO_BYTES = new Uint8Array();

/** Composed of SM4-CTR, SM4-ECB and GHASH: on every Node. */
export const composedSm4Gcm: Aead = {
  name: 'SM4-GCM',
  keyBytes: 16,
  seal(key, nonce, aad, plaintext) {
    checkLengths(composedSm4Gcm, key, nonce);
    const ciphertext = encryptCounter(key, nonce, plaintext);
    return Buffer.concat([ciphertext, tagOf(key, nonce, aad, ciphertext)]);
  },
  open(key, nonce, aad, sealed) {
    checkLengths(composedSm4Gcm, key, nonce);
    if (sealed.length < TAG_BYTES) return null;
    const [ciphertext, tag] = [sealed.subarray(0, -TAG_BYTES), sealed.subarray(-TAG_BYTES)];
    if (!timingSafeEqual(tagOf(key, nonce, aad, ciphertext), tag)) return null;
    // Counter mode undoes itself.
    return encryptCounter(key, nonce, ciphertext);
  },
};

/** What this Node brings itself; null where it has none. */
export const nativeSm4Gcm: Aead | null = getCipherInfo('sm4-gcm') === undefined ? null : nativeAead();

/** Native where there is a native one: the same bytes either way. */
export const sm4Gcm: Aead = nativeSm4Gcm ?? composedSm4Gcm;

function nativeAead(): Aead {
  const options = { authTagLength: TAG_BYTES };
  return {
    name: 'SM4-GCM',
    keyBytes: 16,
    seal(key, nonce, aad, plaintext) {
      checkLengths(composedSm4Gcm, key, nonce);
      const cipher = createCipheriv('sm4-gcm' as 'aes-128-gcm', key, nonce, options).setAAD(aad);
      return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
    },
    open(key, nonce, aad, sealed) {
      checkLengths(composedSm4Gcm, key, nonce);
      if (sealed.length < TAG_BYTES) return null;
      const decipher = createDecipheriv('sm4-gcm' as 'aes-128-gcm', key, nonce, options).setAAD(aad);
      decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
      const plaintext = decipher.update(sealed.subarray(0, -TAG_BYTES));
      try {
        return Buffer.concat([plaintext, decipher.final()]);
      } catch {
        // `final` has one reason to throw: the tag.
        return null;
      }
    },
  };
}

/**
 * The text under counter blocks from nonce ‖ 2 on (SP 800-38D §7.1). OpenSSL counts 128 bits and GCM 32; they part
 * only after 2^32 blocks, 64 GiB, which no array of Node holds.
 */
function encryptCounter(key: Uint8Array, nonce: Uint8Array, text: Uint8Array): Uint8Array {
  return createCipheriv('sm4-ctr', key, counterBlock(nonce, 2)).update(text);
}

/** GHASH over associated data, ciphertext and their lengths, masked with E(J0). */
function tagOf(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  const blocks = createCipheriv('sm4-ecb', key, NO_BYTES).update(
    Buffer.concat([new Uint8Array(BLOCK_BYTES), counterBlock(nonce, 1)]),
  );
  const [hashKey, mask] = [blocks.subarray(0, BLOCK_BYTES), blocks.subarray(BLOCK_BYTES)];
  const hash = ghash(hashKey, [aad, ciphertext, lengthBlock(aad.length, ciphertext.length)]);
  return hash.map((byte, at) => byte ^ mask[at]!);
}

function counterBlock(nonce: Uint8Array, count: 1 | 2): Uint8Array {
  return Uint8Array.of(...nonce, 0, 0, 0, count);
}

/** Both lengths in bits, 64 bits each, big-endian. */
function lengthBlock(aadBytes: number, textBytes: number): Uint8Array {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.writeBigUInt64BE(BigInt(aadBytes) * 8n, 0);
  block.writeBigUInt64BE(BigInt(textBytes) * 8n, 8);
  return block;
}
