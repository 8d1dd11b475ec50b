/** Bytes that came through a pipe, seen as numbers in the machine's order: without a copy where they lie as numbers may. */

type NumberArray = Float64Array | Int32Array | Uint32Array | BigUint64Array;

interface NumberArrayKind<T extends NumberArray> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer, byteOffset: number, length: number): T;
}

/** The first `length` numbers of `bytes`; a view of them, or of a copy. */
export function alignedView<T extends NumberArray>(
  kind: NumberArrayKind<T>,
  bytes: Uint8Array,
  length: number,
): T {
  if (bytes.length < length * kind.BYTES_PER_ELEMENT) throw new RangeError('fewer bytes than numbers');
  const isAligned = bytes.byteOffset % kind.BYTES_PER_ELEMENT === 0;
  const { buffer, byteOffset } = isAligned
    ? bytes
    : Uint8Array.from(bytes.subarray(0, length * kind.BYTES_PER_ELEMENT));
  return new kind(buffer as ArrayBuffer, byteOffset, length);
}
