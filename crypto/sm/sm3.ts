/**
 * SM3 (GB/T 32905-2016, ISO/IEC 10118-3:2018) with HMAC (RFC 2104) and HKDF (RFC 5869) over it, by OpenSSL in Node.
 *
 * Not covered: a certified module; this is software (docs/crypto-profiles.md).
 */
import { createHash, createHmac, hkdfSync } from 'node:crypto';

/** 32 bytes. */
export function sm3(data: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sm3').update(data).digest());
}

/** 32 bytes. */
export function hmacSm3(key: Uint8Array, data: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac('sm3', key).update(data).digest());
}

/** Extract and expand: at most 255 × 32 bytes. RangeError beyond. */
export function hkdfSm3(
  key: Uint8Array,
  { salt, info, bytes }: { readonly salt: Uint8Array; readonly info: Uint8Array; readonly bytes: number },
): Uint8Array {
  return new Uint8Array(hkdfSync('sm3', key, salt, info, bytes));
}
