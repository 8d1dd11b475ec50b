/**
 * Frames: how the pipes between the runner and its jailed processes are cut, on both sides.
 *
 * A frame is a 32-bit little-endian length and that many bytes. What the bytes mean is each protocol's own.
 * Guarantee: a frame that announces more than a limit given in advance is an error before it is held; a frame that was
 * cut lies in an ArrayBuffer of exactly its length, which nothing else shares.
 * Not covered: how often frames come; whoever did not ask for one ends the pipe.
 */

/** A frame of these pieces: its length, then they. */
export function frameOf(pieces: readonly Uint8Array[]): readonly Uint8Array[] {
  return [uint32(pieces.reduce((sum, { length }) => sum + length, 0)), ...pieces];
}

/** Cuts a stream of bytes into frames of at most `maxBytes`, each in memory of its own. */
export class FrameCutter {
  readonly #maxBytes: number;
  readonly #head = Buffer.alloc(4);
  #headBytes = 0;
  #frame: Buffer | null = null;
  #frameBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Takes what arrived; returns the frames that are now whole. Throws RangeError at one that is too long. */
  push(piece: Buffer): readonly Buffer[] {
    const frames: Buffer[] = [];
    for (let at = 0; ;) {
      if (this.#frame === null) {
        const count = piece.copy(this.#head, this.#headBytes, at);
        at += count;
        this.#headBytes += count;
        if (this.#headBytes < this.#head.length) return frames;
        this.#begin(this.#head.readUInt32LE(0));
      }
      const count = piece.copy(this.#frame!, this.#frameBytes, at);
      at += count;
      this.#frameBytes += count;
      if (this.#frameBytes < this.#frame!.length) return frames;
      frames.push(this.#frame!);
      this.#frame = null;
    }
  }

  #begin(length: number): void {
    if (length > this.#maxBytes) throw new RangeError('a frame is too long');
    this.#frame = Buffer.from(new ArrayBuffer(length));
    this.#frameBytes = 0;
    this.#headBytes = 0;
  }
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
