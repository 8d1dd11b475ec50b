/**
 * The segments of one envelope under the keys that its data key gives: STREAM (Hoang, Reyhanitabar, Rogaway and
 * Vizár, "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", CRYPTO 2015, §7).
 *
 * HKDF (RFC 5869) of the data key, salted by the envelope's own 32 random bytes and bound to the head's digest, gives
 * the segment key, a nonce prefix and the commitment. Segment i is sealed with nonce = prefix (7 bytes) ||
 * i (4 bytes) || last (1 byte) and associated data = head digest || i || last.
 *
 * Guarantee: a segment opens only under its key, in its place, in its envelope, and as the last or not the last as it
 * was sealed. The commitment is equal only for the same data key and head (collision resistance of the hash), which
 * GCM alone does not give (Dodis, Grubbs, Ristenpart and Woodage, CRYPTO 2018).
 * Not covered: the order of calls; `seal.ts` and `open.ts` keep it.
 */
import { hkdfSync, timingSafeEqual } from 'node:crypto';

import { NONCE_BYTES } from '../aead.ts';
import { COMMITMENT_BYTES, headDigest, type ObjectHeader } from './envelope-head.ts';
import { EnvelopeError } from './envelope-error.ts';
import type { Suite } from './suites.ts';

const PREFIX_BYTES = 7;
const INDEX_MAX = 2 ** 32 - 1;

export class Segments {
  readonly #suite: Suite;
  readonly #key: Buffer;
  readonly #nonce: Buffer;
  readonly #aad: Buffer;
  readonly #commitment: Buffer;

  /** Derives everything from the data key, which stays the caller's. EnvelopeError KEY_LENGTH. */
  constructor(suite: Suite, object: ObjectHeader, dataKey: Uint8Array) {
    if (dataKey.length !== suite.aead.keyBytes) throw new EnvelopeError('KEY_LENGTH');
    const digest = headDigest(suite, object);
    const derive = (label: string, bytes: number): Buffer =>
      Buffer.from(
        hkdfSync(suite.hash, dataKey, object.salt, Buffer.concat([Buffer.from(label), digest]), bytes),
      );
    this.#suite = suite;
    this.#commitment = derive('unseen/envelope/1/commitment ', COMMITMENT_BYTES);
    this.#key = derive('unseen/envelope/1/segments ', suite.aead.keyBytes);
    this.#nonce = Buffer.concat([derive('unseen/envelope/1/nonce ', PREFIX_BYTES)], NONCE_BYTES);
    this.#aad = Buffer.concat([digest], digest.length + NONCE_BYTES - PREFIX_BYTES);
  }

  get commitment(): Uint8Array {
    return this.#commitment;
  }

  /** Whether an envelope that says this was sealed with the same data key and head. Constant in time. */
  isCommittedTo(commitment: Uint8Array): boolean {
    return commitment.length === COMMITMENT_BYTES && timingSafeEqual(commitment, this.#commitment);
  }

  /** The sealed segment, in one part or several. EnvelopeError TOO_LONG beyond 2^32 segments. */
  seal(index: number, isLast: boolean, plaintext: Uint8Array): readonly Uint8Array[] {
    this.#turnTo(index, isLast);
    const { aead } = this.#suite;
    const input = [this.#key, this.#nonce, this.#aad, plaintext] as const;
    return aead.sealApart?.(...input) ?? [aead.seal(...input)];
  }

  /** EnvelopeError SEGMENT_REFUSED when it is not that segment, TOO_LONG beyond 2^32. */
  open(index: number, isLast: boolean, sealed: Uint8Array): Uint8Array {
    this.#turnTo(index, isLast);
    const plaintext = this.#suite.aead.open(this.#key, this.#nonce, this.#aad, sealed);
    if (plaintext === null) throw new EnvelopeError('SEGMENT_REFUSED');
    return plaintext;
  }

  /** Overwrites the keys. Nothing can be sealed or opened afterwards: what comes then is not authentic. */
  wipe(): void {
    for (const secret of [this.#key, this.#nonce, this.#commitment]) secret.fill(0);
  }

  #turnTo(index: number, isLast: boolean): void {
    if (index > INDEX_MAX) throw new EnvelopeError('TOO_LONG');
    for (const [buffer, at] of [
      [this.#nonce, PREFIX_BYTES],
      [this.#aad, this.#aad.length - 5],
    ] as const) {
      buffer.writeUInt32BE(index, at);
      buffer.writeUInt8(isLast ? 1 : 0, at + 4);
    }
  }
}
