/**
 * Canonical JSON (RFC 8785, JCS) and the digests taken over it: one value, one text, one hash.
 *
 * Guarantee: two values that are not the same JSON value have different texts; what JSON cannot say exactly
 * (undefined, functions, symbols, BigInt, NaN, ±Infinity, holes, class instances, cycles, lone surrogates)
 * is refused with a RangeError instead of being dropped or changed.
 * Not covered: numbers are IEEE 754 doubles, as in RFC 8785 §3.2.2.3. -0 is written as 0, and a literal beyond
 * 2^53 has already lost digits when it was parsed (9007199254740993 reads as …992). What is evidence is
 * therefore written with `evidenceJson`, which admits no number but safe integers: amounts are strings there.
 */
import { createHash } from 'node:crypto';

import canonicalize from 'canonicalize';

/** A SHA-256 digest with its algorithm in front. */
export type Digest = `sha256:${string}`;

/** Deep enough for every document we write; a cycle ends here as well. */
const DEPTH_MAX = 1_000;

/** RFC 8785 text of a JSON value. RangeError for anything that is not one. */
export function canonicalJson(value: unknown): string {
  checkValue(value, Number.isFinite, 0);
  return textOf(value);
}

/** The same for evidence: no number but safe integers, so that no reader in any language sees another value. */
export function evidenceJson(value: unknown): string {
  checkValue(value, Number.isSafeInteger, 0);
  return textOf(value);
}

/** UTF-8 bytes of `canonicalJson`. */
export function canonicalBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(canonicalJson(value));
}

/** SHA-256 of bytes, or of the UTF-8 bytes of a text, in lower-case hex. */
export function sha256Hex(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** The digest of a JSON value: SHA-256 over its canonical bytes. */
export function digestOf(value: unknown): Digest {
  return `sha256:${sha256Hex(canonicalJson(value))}`;
}

function textOf(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new RangeError('canonical JSON has no text for this value');
  return text;
}

// No message names a property or a value: they may be a provider's.
function checkValue(value: unknown, isNumberAllowed: (number: number) => boolean, depth: number): void {
  if (depth > DEPTH_MAX) throw new RangeError('canonical JSON: nested too deeply, or in a cycle');
  if (value === null || typeof value === 'boolean') return;
  if (typeof value === 'number') {
    if (!isNumberAllowed(value)) throw new RangeError('canonical JSON: this number is not allowed here');
    return;
  }
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new RangeError('canonical JSON: text with a lone surrogate');
    return;
  }
  if (typeof value !== 'object') throw new RangeError(`canonical JSON: no ${typeof value}`);
  for (const [name, member] of membersOf(value)) {
    if (!name.isWellFormed()) throw new RangeError('canonical JSON: a name with a lone surrogate');
    checkValue(member, isNumberAllowed, depth + 1);
  }
}

function membersOf(value: object): [string, unknown][] {
  const members = Object.entries(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  const isArray = Array.isArray(value);
  if (!isArray && prototype !== Object.prototype && prototype !== null) {
    throw new RangeError('canonical JSON: only plain objects and arrays');
  }
  // A hole has no entry, a property on an array has one too many; a symbol would be dropped silently.
  if (isArray && (members.length !== value.length || members.some(([name], at) => name !== String(at)))) {
    throw new RangeError('canonical JSON: an array with holes or with names');
  }
  if (Object.getOwnPropertySymbols(value).length > 0) throw new RangeError('canonical JSON: no symbol names');
  return members;
}
