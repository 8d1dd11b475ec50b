/**
 * The body of a request to a custodian: an order, and after it its masked ciphertexts, all of one length.
 *
 * Four bytes (big-endian) say how long the order is; what follows it is cut into as many equal parts as the order has
 * outputs. The order's digests decide whether the parts are the right ones.
 */

export interface Frame {
  readonly order: string;
  /** All ciphertexts, one after the other. */
  readonly ciphertexts: Uint8Array;
}

const LENGTH_BYTES = 4;

export function renderFrame(order: string, ciphertexts: readonly Uint8Array[]): Uint8Array {
  const text = Buffer.from(order, 'ascii');
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, text, ...ciphertexts]);
}

/** Null when there is no whole order. */
export function parseFrame(bytes: Uint8Array): Frame | null {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (body.length < LENGTH_BYTES) return null;
  const end = LENGTH_BYTES + body.readUInt32BE(0);
  if (end > body.length) return null;
  return { order: body.toString('latin1', LENGTH_BYTES, end), ciphertexts: body.subarray(end) };
}

/** The ciphertexts as so many parts of one length; none where they cannot be. */
export function partsOf(ciphertexts: Uint8Array, count: number): readonly Uint8Array[] {
  const length = ciphertexts.length / count;
  if (!(Number.isSafeInteger(length) && length > 0)) return [];
  const { buffer, byteOffset } = ciphertexts;
  // Not `subarray`: of a Buffer that would be Buffers, whose `slice` copies nothing.
  return Array.from({ length: count }, (_, at) => new Uint8Array(buffer, byteOffset + at * length, length));
}
