/**
 * Sealing an object into an envelope, one segment in memory at a time. `envelope-head.ts` draws the format.
 *
 * Guarantee: what `open.ts` opens with the same data key is exactly the bytes given here; without the last segment
 * it is refused, so a seal that was cut off by a crash never passes for a whole object. Keys derived here are
 * overwritten at the end, also when the source fails.
 * Not covered: the length of the plaintext, which everyone sees. The data key stays the caller's, who wipes it.
 */
import type { EncryptionContext } from '../encryption-context.ts';
import { freshBytes } from '../fresh-bytes.ts';
import type { WrappedKey } from '../kms/adapter.ts';
import { type ObjectHeader, renderHead, SALT_BYTES } from './envelope-head.ts';
import { Pieces } from './pieces.ts';
import { Segments } from './segments.ts';
import { type SuiteNumber, suiteOf } from './suites.ts';

const SEGMENT_BYTES = 1 << 20;

export interface SealOptions {
  readonly suite: SuiteNumber;
  /** As long as keys of the suite: 32 bytes in suite 1, 16 in suite 2. */
  readonly dataKey: Uint8Array;
  /** The data key as key-management services wrapped it; at most four. */
  readonly wrapped: readonly WrappedKey[];
  readonly objectId: string;
  readonly context: EncryptionContext;
  /** Plaintext bytes a segment, 64 to 16 Mi; 1 MiB when absent. */
  readonly segmentBytes?: number;
}

/** Seals step by step: first `head`, then what every `push` gives, then `finish`, once; `wipe` in the end. */
export class EnvelopeSealer {
  /** The first bytes of the envelope. */
  readonly head: Uint8Array;
  readonly #segments: Segments;
  readonly #pieces: Pieces;
  #index = 0;

  /** EnvelopeError SUITE_UNKNOWN, KEY_LENGTH, HEAD_MALFORMED, HEAD_TOO_LARGE. */
  constructor({
    suite: number,
    dataKey,
    wrapped,
    objectId,
    context,
    segmentBytes = SEGMENT_BYTES,
  }: SealOptions) {
    const suite = suiteOf(number);
    const object: ObjectHeader = { objectId, context, segmentBytes, salt: freshBytes(SALT_BYTES) };
    this.#segments = new Segments(suite, object, dataKey);
    this.head = renderHead({ suite, object, wrapped, commitment: this.#segments.commitment });
    this.#pieces = new Pieces(segmentBytes);
  }

  /** The segments that are complete with these bytes. EnvelopeError TOO_LONG. */
  *push(plaintext: Uint8Array): Generator<Uint8Array> {
    for (const piece of this.#pieces.push(plaintext)) yield* this.#segments.seal(this.#index++, false, piece);
  }

  /** The last segment. An empty object is one empty segment. */
  finish(): readonly Uint8Array[] {
    return this.#segments.seal(this.#index, true, this.#pieces.rest());
  }

  wipe(): void {
    this.#segments.wipe();
    this.#pieces.wipe();
  }
}

/** The envelope of everything that the source gives. Throws as `EnvelopeSealer`, and whatever the source throws. */
export async function* sealEnvelope(
  options: SealOptions,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const sealer = new EnvelopeSealer(options);
  try {
    yield sealer.head;
    for await (const chunk of source) yield* sealer.push(chunk);
    yield* sealer.finish();
  } finally {
    sealer.wipe();
  }
}
