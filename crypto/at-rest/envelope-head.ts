/**
 * The head of an envelope: what it is, whose key it needs, and a commitment to that key.
 *
 *     offset  bytes  what
 *          0      4  `UNS1`
 *          4      2  suite, big-endian
 *          6      4  length n of the object's header, big-endian
 *         10      n  the object's header: canonical JSON (RFC 8785)
 *       10+n   4096  key block: length (4 bytes, big-endian), canonical JSON of the wrapped data keys, zeros
 *     4106+n     32  key commitment
 *     4138+n         segments
 *
 * The object's header never changes; its digest goes into key derivation and into every segment. The key block has a
 * length of its own, so that wrapping the data key anew (rotation) changes these 4,096 bytes in place and nothing
 * else.
 *
 * Guarantee: a head has one spelling; any other is refused.
 * Not covered here: whether a head is authentic. The commitment decides that for the object's header; a changed key
 * block leads to a refusal of the key-management service, or to a data key that the commitment refuses.
 */
import { createHash } from 'node:crypto';

import { decodeBytes, encodeBytes } from '../bytes.ts';
import { type EncryptionContext, isContext, sortedContext } from '../encryption-context.ts';
import type { WrappedKey } from '../kms/adapter.ts';
import { EnvelopeError } from './envelope-error.ts';
import { type Suite, suiteOf } from './suites.ts';

export const COMMITMENT_BYTES = 32;
export const SALT_BYTES = 32;

/** A head is never longer than this: whoever reads so many bytes of a file has all of it. */
export const HEAD_BYTES_MAX = 40 << 10;

const MAGIC = 0x554e5331; // UNS1
const FIXED_BYTES = 10;
const OBJECT_BYTES_MAX = 32 << 10;
const KEY_BLOCK_BYTES = 4_096;
const KEYS_MAX = 4;
const SEGMENT_BYTES_MIN = 64;
const SEGMENT_BYTES_MAX = 16 << 20;

const OBJECT_ID = /^[a-zA-Z0-9][a-zA-Z0-9._:/-]{0,199}$/;
const KEY_ID = /^[a-z0-9][a-z0-9_-]{0,63}$/;
const WRAPPED_TEXT = /^[!-~]{1,1024}$/;
const VERSION_MAX = 1_000_000;

/** What an envelope holds, and how it is cut. Public, and bound to every byte of it. */
export interface ObjectHeader {
  /** 1 to 200 letters, digits, `.`, `_`, `:`, `/`, `-`. */
  readonly objectId: string;
  readonly context: EncryptionContext;
  /** Plaintext bytes of every segment but the last. */
  readonly segmentBytes: number;
  /** 32 random bytes, drawn for this envelope. */
  readonly salt: Uint8Array;
}

export interface EnvelopeHead {
  readonly suite: Suite;
  readonly object: ObjectHeader;
  /** The data key, wrapped; more than one where several services may open it, none where the key is known otherwise. */
  readonly wrapped: readonly WrappedKey[];
  readonly commitment: Uint8Array;
  /** The suite's hash over magic, suite and the object's header. */
  readonly digest: Uint8Array;
  /** Of the whole head: where the first segment begins. */
  readonly bytes: number;
}

/** Digest of all that never changes in a head. EnvelopeError HEAD_MALFORMED for an object header outside its rules. */
export function headDigest(suite: Suite, object: ObjectHeader): Uint8Array {
  return createHash(suite.hash).update(fixedPart(suite, object)).digest();
}

/** The bytes of a head. EnvelopeError HEAD_MALFORMED or HEAD_TOO_LARGE for parts outside their rules. */
export function renderHead(
  head: Pick<EnvelopeHead, 'suite' | 'object' | 'wrapped' | 'commitment'>,
): Uint8Array {
  return Buffer.concat([fixedPart(head.suite, head.object), keyBlock(head.wrapped), head.commitment]);
}

/**
 * Reads a head from the first bytes of an envelope; HEAD_BYTES_MAX of them are always enough. EnvelopeError
 * NOT_AN_ENVELOPE, SUITE_UNKNOWN, HEAD_TOO_LARGE, HEAD_MALFORMED, or TRUNCATED when there are too
 * few bytes.
 */
export function readHead(bytes: Uint8Array): EnvelopeHead {
  const length = headLength(bytes);
  if (length === null || bytes.length < length) throw new EnvelopeError('TRUNCATED');
  const view = viewOf(bytes);
  const suite = suiteOf(view.getUint16(4));
  const objectEnd = FIXED_BYTES + view.getUint32(6);
  const keysEnd = objectEnd + KEY_BLOCK_BYTES;
  const object = readObject(bytes.subarray(FIXED_BYTES, objectEnd));
  const wrapped = readKeyBlock(bytes.subarray(objectEnd, keysEnd));
  const commitment = new Uint8Array(bytes.subarray(keysEnd, length));
  // One spelling: what was read must be written in the same way.
  if (Buffer.compare(renderHead({ suite, object, wrapped, commitment }), bytes.subarray(0, length)) !== 0) {
    throw new EnvelopeError('HEAD_MALFORMED');
  }
  return { suite, object, wrapped, commitment, digest: headDigest(suite, object), bytes: length };
}

/** How long the head is that begins with these bytes; null while that cannot be told. Throws as `readHead`. */
export function headLength(bytes: Uint8Array): number | null {
  if (bytes.length < FIXED_BYTES) return null;
  const view = viewOf(bytes);
  if (view.getUint32(0) !== MAGIC) throw new EnvelopeError('NOT_AN_ENVELOPE');
  const objectBytes = view.getUint32(6);
  if (objectBytes > OBJECT_BYTES_MAX) throw new EnvelopeError('HEAD_TOO_LARGE');
  return FIXED_BYTES + objectBytes + KEY_BLOCK_BYTES + COMMITMENT_BYTES;
}

/**
 * The same head with other wrapped keys: of the same length, different only in the key block, so that it may be
 * written over the old one. Throws as `readHead` and `renderHead`.
 */
export function rewrapHead(head: Uint8Array, wrapped: readonly WrappedKey[]): Uint8Array {
  const { suite, object, commitment } = readHead(head);
  return renderHead({ suite, object, wrapped, commitment });
}

function fixedPart(suite: Suite, object: ObjectHeader): Uint8Array {
  const { context, objectId, segmentBytes } = checkedObject(object);
  const salt = encodeBytes(object.salt, 'base64url');
  // Members in ascending order and no number but integers: canonical JSON without the package for it.
  const text = Buffer.from(JSON.stringify({ context: sortedContext(context), objectId, salt, segmentBytes }));
  if (text.length > OBJECT_BYTES_MAX) throw new EnvelopeError('HEAD_TOO_LARGE');
  const fixed = Buffer.alloc(FIXED_BYTES);
  fixed.writeUInt32BE(MAGIC, 0);
  fixed.writeUInt16BE(suite.number, 4);
  fixed.writeUInt32BE(text.length, 6);
  return Buffer.concat([fixed, text]);
}

function checkedObject(object: ObjectHeader): ObjectHeader {
  const { objectId, context, segmentBytes, salt } = object;
  const isWithin = segmentBytes >= SEGMENT_BYTES_MIN && segmentBytes <= SEGMENT_BYTES_MAX;
  const isGood =
    OBJECT_ID.test(objectId) &&
    isContext(context) &&
    Number.isSafeInteger(segmentBytes) &&
    isWithin &&
    salt.length === SALT_BYTES;
  if (!isGood) throw new EnvelopeError('HEAD_MALFORMED');
  return object;
}

function readObject(bytes: Uint8Array): ObjectHeader {
  const { objectId, context, segmentBytes, salt } = parseJson(bytes) as Record<keyof ObjectHeader, unknown>;
  const saltBytes = typeof salt === 'string' ? decodeBytes(salt, 'base64url') : null;
  if (typeof objectId !== 'string' || typeof segmentBytes !== 'number' || saltBytes === null) {
    throw new EnvelopeError('HEAD_MALFORMED');
  }
  return checkedObject({ objectId, context: context as EncryptionContext, segmentBytes, salt: saltBytes });
}

function keyBlock(wrapped: readonly WrappedKey[]): Uint8Array {
  if (wrapped.length > KEYS_MAX || !wrapped.every(isWrapped)) throw new EnvelopeError('HEAD_MALFORMED');
  const keys = wrapped.map(({ ciphertext, keyId, version }) => ({ ciphertext, keyId, version }));
  const text = Buffer.from(JSON.stringify(keys));
  if (text.length > KEY_BLOCK_BYTES - 4) throw new EnvelopeError('HEAD_TOO_LARGE');
  const block = Buffer.alloc(KEY_BLOCK_BYTES);
  block.writeUInt32BE(text.length, 0);
  block.set(text, 4);
  return block;
}

function readKeyBlock(block: Uint8Array): readonly WrappedKey[] {
  const length = viewOf(block).getUint32(0);
  if (length > KEY_BLOCK_BYTES - 4) throw new EnvelopeError('HEAD_MALFORMED');
  const keys = parseJson(block.subarray(4, 4 + length));
  if (!Array.isArray(keys) || !keys.every(isWrapped)) throw new EnvelopeError('HEAD_MALFORMED');
  return keys;
}

function isWrapped(value: unknown): value is WrappedKey {
  if (typeof value !== 'object' || value === null) return false;
  const { keyId, version, ciphertext } = value as Partial<Record<keyof WrappedKey, unknown>>;
  return (
    typeof keyId === 'string' &&
    KEY_ID.test(keyId) &&
    typeof ciphertext === 'string' &&
    WRAPPED_TEXT.test(ciphertext) &&
    Number.isSafeInteger(version) &&
    (version as number) >= 1 &&
    (version as number) <= VERSION_MAX
  );
}

function parseJson(bytes: Uint8Array): object {
  try {
    const value: unknown = JSON.parse(
      new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes),
    );
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Not UTF-8 or not JSON: the same to the reader.
  }
  throw new EnvelopeError('HEAD_MALFORMED');
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
