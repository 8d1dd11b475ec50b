/**
 * Opening an envelope with its plain data key, one segment in memory at a time. No key-management service is needed
 * here, so that a jailed reader can do it: `OPENER_MODULES` lists all that it must be given.
 *
 * Guarantee: every byte given out was authenticated, in its place, in this object and context, before it is given
 * out; an envelope that was truncated, extended, reordered, mixed with another, or whose data key or head is another,
 * is refused at the first segment that differs. Only when iteration ends without an error was all of it given.
 * Not covered: an older envelope of the same object put back in place; whoever names objects gives each content its
 * own id. Whoever uses bytes before the end must be able to drop what he made of them.
 */
import { contextText, type EncryptionContext } from '../encryption-context.ts';
import { TAG_BYTES } from '../aead.ts';
import { type EnvelopeHead, headLength, readHead } from './envelope-head.ts';
import { EnvelopeError } from './envelope-error.ts';
import { Pieces } from './pieces.ts';
import { Segments } from './segments.ts';

/** The modules of ours that this file needs, as addresses from `crypto/`, without their ending; no package. */
export const OPENER_MODULES = [
  'at-rest/open',
  'at-rest/envelope-head',
  'at-rest/envelope-error',
  'at-rest/pieces',
  'at-rest/segments',
  'at-rest/suites',
  'aead',
  'bytes',
  'encryption-context',
  'sm/sm4-gcm',
  'sm/ghash',
] as const;

/** What the opener knows beforehand; an envelope that says otherwise is refused. */
export interface Expected {
  readonly objectId: string;
  readonly context: EncryptionContext;
}

interface Opening {
  readonly segments: Segments;
  readonly pieces: Pieces;
}

/** Opens step by step: what every `push` gives, then what `finish` gives, once; `wipe` in the end. */
export class EnvelopeOpener {
  readonly #dataKey: Uint8Array;
  readonly #expected: Expected;
  #early: Uint8Array = new Uint8Array();
  #opening: Opening | null = null;
  #index = 0;

  /** The data key is copied; the caller wipes his own. */
  constructor(dataKey: Uint8Array, expected: Expected) {
    this.#dataKey = Buffer.from(dataKey);
    this.#expected = expected;
  }

  /**
   * The plaintext of the segments that are complete with these bytes. EnvelopeError as `readHead`, CONTEXT_MISMATCH,
   * KEY_LENGTH, KEY_REFUSED, SEGMENT_REFUSED, TOO_LONG; after one of them only `wipe` may be called.
   */
  *push(bytes: Uint8Array): Generator<Uint8Array> {
    const { sealed, opening } = this.#begin(bytes);
    if (opening === null) return;
    for (const piece of opening.pieces.push(sealed)) yield opening.segments.open(this.#index++, false, piece);
  }

  /** The plaintext of the last segment. EnvelopeError TRUNCATED when there is none, SEGMENT_REFUSED as `push`. */
  finish(): Uint8Array {
    const last = this.#opening?.pieces.rest();
    if (last === undefined || last.length < TAG_BYTES) throw new EnvelopeError('TRUNCATED');
    return this.#opening!.segments.open(this.#index, true, last);
  }

  /** Overwrites all keys. */
  wipe(): void {
    this.#dataKey.fill(0);
    this.#opening?.segments.wipe();
  }

  /** Reads the head once enough bytes are there; gives what follows it. */
  #begin(bytes: Uint8Array): { readonly sealed: Uint8Array; readonly opening: Opening | null } {
    if (this.#opening !== null) return { sealed: bytes, opening: this.#opening };
    this.#early = this.#early.length === 0 ? bytes : Buffer.concat([this.#early, bytes]);
    const length = headLength(this.#early);
    if (length === null || this.#early.length < length) {
      this.#early = new Uint8Array(this.#early);
      return { sealed: new Uint8Array(), opening: null };
    }
    const head = readHead(this.#early);
    const sealed = this.#early.subarray(head.bytes);
    this.#early = new Uint8Array();
    this.#opening = {
      segments: openSegments(head, this.#dataKey, this.#expected),
      pieces: new Pieces(head.object.segmentBytes + TAG_BYTES),
    };
    return { sealed, opening: this.#opening };
  }
}

/** The plaintext of the envelope that the source gives. Throws as `EnvelopeOpener`, and whatever the source throws. */
export async function* openEnvelope(
  dataKey: Uint8Array,
  expected: Expected,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const opener = new EnvelopeOpener(dataKey, expected);
  try {
    for await (const chunk of source) yield* opener.push(chunk);
    yield opener.finish();
  } finally {
    opener.wipe();
  }
}

/**
 * The segments of an envelope, once its head is what was expected and commits to this data key. EnvelopeError
 * CONTEXT_MISMATCH, KEY_LENGTH, KEY_REFUSED.
 */
function openSegments(head: EnvelopeHead, dataKey: Uint8Array, expected: Expected): Segments {
  const { objectId, context } = head.object;
  if (objectId !== expected.objectId || contextText(context) !== contextText(expected.context)) {
    throw new EnvelopeError('CONTEXT_MISMATCH');
  }
  const segments = new Segments(head.suite, head.object, dataKey);
  if (!segments.isCommittedTo(head.commitment)) {
    segments.wipe();
    throw new EnvelopeError('KEY_REFUSED');
  }
  return segments;
}
