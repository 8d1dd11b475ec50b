/**
 * Frames: how the pipes between the runner and its jailed processes are cut, on both sides.
 *
 * A frame is a 32-bit little-endian length and that many bytes. What the bytes mean is each protocol's own.
 * Guarantee: a frame that announces more than a limit given in advance is an error before it is held.
 * Not covered: how often frames come; whoever did not ask for one ends the pipe.
 */

/** A frame of these pieces: its length, then they. */
export function frameOf(pieces: readonly Uint8Array[]): readonly Uint8Array[] {
  return [uint32(pieces.reduce((sum, { length }) => sum + length, 0)), ...pieces];
}

/** Cuts a stream of bytes into frames of at most `maxBytes`. */
export class FrameCutter {
  readonly #maxBytes: number;
  #pieces: Buffer[] = [];
  #held = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Takes what arrived; returns the frames that are now whole. Throws RangeError at one that is too long. */
  push(piece: Buffer): readonly Buffer[] {
    this.#pieces.push(piece);
    this.#held += piece.length;
    const frames: Buffer[] = [];
    while (this.#held >= 4) {
      const length = this.#head().readUInt32LE(0);
      if (length > this.#maxBytes) throw new RangeError('a frame is too long');
      if (this.#held < 4 + length) break;
      const bytes = Buffer.concat(this.#pieces);
      frames.push(bytes.subarray(4, 4 + length));
      const rest = bytes.subarray(4 + length);
      this.#pieces = rest.length === 0 ? [] : [rest];
      this.#held = rest.length;
    }
    return frames;
  }

  /** The first piece, made long enough to hold a length. */
  #head(): Buffer {
    if (this.#pieces[0]!.length < 4) this.#pieces = [Buffer.concat(this.#pieces)];
    return this.#pieces[0]!;
  }
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
