/** Small envelopes for tests, and what comes out of whatever is opened. */
import { EnvelopeError } from '#crypto/at-rest/envelope-error.ts';
import { type Expected, openEnvelope } from '#crypto/at-rest/open.ts';
import { sealEnvelope, type SealOptions } from '#crypto/at-rest/seal.ts';

export const SEGMENT = 64;
export const SEALED_SEGMENT = SEGMENT + 16;
export const KEY = Buffer.alloc(32, 7);
export const EXPECTED: Expected = { objectId: 'visits/3/cost', context: { dataset: 'visits', version: '3' } };

/** What was given out before the end, and how it ended. */
export interface Outcome {
  readonly given: Buffer;
  /** Null: to its end. */
  readonly code: string | null;
}

export async function sealed(plaintext: Uint8Array, changes: Partial<SealOptions> = {}): Promise<Buffer> {
  const options = {
    suite: 1,
    dataKey: KEY,
    wrapped: [],
    segmentBytes: SEGMENT,
    ...EXPECTED,
    ...changes,
  } as const;
  const parts: Uint8Array[] = [];
  for await (const part of sealEnvelope(options, [plaintext])) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

export async function opened(
  source: Iterable<Uint8Array>,
  { key = KEY, expected = EXPECTED }: { readonly key?: Uint8Array; readonly expected?: Expected } = {},
): Promise<Outcome> {
  const parts: Uint8Array[] = [];
  try {
    for await (const part of openEnvelope(key, expected, source)) parts.push(Buffer.from(part));
    return { given: Buffer.concat(parts), code: null };
  } catch (error) {
    if (!(error instanceof EnvelopeError) || error.message !== error.code) throw error;
    return { given: Buffer.concat(parts), code: error.code };
  }
}

/** Bytes that differ from place to place, so that a segment in another place is another. */
export function counted(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, at) => (at * 31 + (at >> 8)) & 255));
}

/** Cut at these lengths, again and again. */
export function* cut(bytes: Uint8Array, lengths: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const length = lengths[turn % lengths.length] ?? bytes.length;
    yield bytes.subarray(at, at + length);
    at += length;
  }
}
