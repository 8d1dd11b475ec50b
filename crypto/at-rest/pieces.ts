/**
 * Cuts a stream of bytes into pieces of one length, in memory of one piece.
 *
 * The last piece stays here until `rest`: only at the end is it known to be the last, and it must be sealed as such.
 */
export class Pieces {
  readonly #size: number;
  readonly #held: Uint8Array;
  #length = 0;

  /** @param size of every piece but the last, in bytes. */
  constructor(size: number) {
    this.#size = size;
    this.#held = Buffer.allocUnsafeSlow(size);
  }

  /** The pieces that are complete and not the last. Each is valid until the next is asked for. */
  *push(chunk: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < chunk.length;) {
      if (this.#length === this.#size) {
        yield this.#held;
        this.#length = 0;
      }
      // More than a piece at once is not copied.
      if (this.#length === 0 && chunk.length - at > this.#size) {
        yield chunk.subarray(at, at + this.#size);
        at += this.#size;
        continue;
      }
      const part = chunk.subarray(at, at + this.#size - this.#length);
      this.#held.set(part, this.#length);
      this.#length += part.length;
      at += part.length;
    }
  }

  /** What is left: the last piece, at most as long as the others. */
  rest(): Uint8Array {
    return this.#held.subarray(0, this.#length);
  }

  wipe(): void {
    this.#held.fill(0);
    this.#length = 0;
  }
}
