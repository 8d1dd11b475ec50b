/**
 * Bytes as text and back: base64, base64url and hex, where each byte string has exactly one accepted spelling.
 *
 * Guarantee: decoding refuses every spelling but the canonical one (RFC 4648 §3.5: spare bits zero, padding
 * as the alphabet demands, no white space), so evidence cannot be respelled and still verify.
 */

/** Base 64 of RFC 4648: §4 with padding, or §5 (`base64url`) without. */
export function encodeBytes(bytes: Uint8Array, alphabet: 'base64' | 'base64url'): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(alphabet);
}

/** The bytes, or null when the text is not the canonical spelling of any. */
export function decodeBytes(text: string, alphabet: 'base64' | 'base64url'): Uint8Array | null {
  const bytes = Buffer.from(text, alphabet);
  // Node skips what it does not know; spelling the result again shows whether anything was skipped.
  return bytes.toString(alphabet) === text ? new Uint8Array(bytes) : null;
}

/** Lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** The bytes of lower-case hex, or null when the text is anything else. */
export function fromHex(text: string): Uint8Array | null {
  return /^(?:[0-9a-f]{2})*$/.test(text) ? new Uint8Array(Buffer.from(text, 'hex')) : null;
}

/** Equality of public bytes. Not constant in time: never for secrets. */
export function areEqual(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}
