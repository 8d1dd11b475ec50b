/**
 * What the library's objects look like as bytes, checked before the library sees one.
 *
 * Guarantee: an object has exactly the length of its kind in its profile, and every byte before its coefficients (the
 * version, "not compressed", parameters, number of parts, degree, number of primes, scale, sizes) is the only one
 * allowed there. Compressed, seeded, larger, smaller and foreign objects are refused by this alone.
 * Not covered: the coefficients, whose range the library checks, and who made them: digests in a signed manifest.
 *
 * The layout is that of SEAL 4.1 (native/src/seal: serialization.h, ciphertext.cpp, plaintext.h, kswitchkeys.cpp).
 */
import { HeError } from './he-error.ts';
import type { Level, Profile, Rung } from './profiles.ts';

const HEADER_BYTES = 16;
/** Magic number, length of this header, version 4.1, no compression, two reserved bytes. */
const HEADER_START = [0x5e, 0xa1, 0x10, 4, 1, 0, 0, 0];
const COEFFICIENT_BYTES = 8;

export type KeyKind = 'publicKey' | 'secretKey' | 'relinKeys';

/** Throws LENGTH or HEADER unless `bytes` has the form of a ciphertext of two parts at that level. */
export function checkCiphertext(profile: Profile, level: Level, bytes: Uint8Array): void {
  demandLength(bytes, profile.bytes.ciphertext[level]);
  demandStart(bytes, 0, ciphertextStart(profile, profile.levels[level], false));
}

/** The same for a key. */
export function checkKey(profile: Profile, kind: KeyKind, bytes: Uint8Array): void {
  demandLength(bytes, profile.bytes[kind]);
  if (kind === 'secretKey') demandStart(bytes, 0, secretKeyStart(profile));
  else if (kind === 'publicKey') demandStart(bytes, 0, ciphertextStart(profile, profile.key, true));
  else checkRelinKeys(profile, bytes);
}

/** One key of a set for each prime but the last, each of them a public key by form. */
function checkRelinKeys(profile: Profile, bytes: Uint8Array): void {
  const count = profile.primes.length - 1;
  const set = [
    ...header(profile.bytes.relinKeys),
    ...hexBytes(profile.key.parmsId),
    ...u64(1),
    ...u64(count),
  ];
  demandStart(bytes, 0, set);
  const member = ciphertextStart(profile, profile.key, true);
  for (let at = 0; at < count; at += 1) demandStart(bytes, set.length + at * profile.bytes.publicKey, member);
}

function ciphertextStart(profile: Profile, { primes, parmsId }: Rung, isTransformed: boolean): number[] {
  const [parts, one] = [2, 1];
  const size = parts * primes * profile.slots;
  // Parameters, form, parts, degree, primes, scale 1, correction factor 1: 73 bytes; then the coefficients.
  const rest = 73 + HEADER_BYTES + COEFFICIENT_BYTES + size * COEFFICIENT_BYTES;
  return [
    ...header(HEADER_BYTES + rest),
    ...hexBytes(parmsId),
    isTransformed ? 1 : 0,
    ...[parts, profile.slots, primes].flatMap(u64),
    ...f64(one),
    ...u64(one),
    ...arrayStart(size),
  ];
}

function secretKeyStart(profile: Profile): number[] {
  const size = profile.key.primes * profile.slots;
  return [
    ...header(profile.bytes.secretKey),
    ...hexBytes(profile.key.parmsId),
    ...u64(size),
    ...f64(1),
    ...arrayStart(size),
  ];
}

function arrayStart(size: number): number[] {
  return [...header(HEADER_BYTES + COEFFICIENT_BYTES + size * COEFFICIENT_BYTES), ...u64(size)];
}

function header(length: number): number[] {
  return [...HEADER_START, ...u64(length)];
}

function demandLength(bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) throw new HeError('LENGTH');
}

function demandStart(bytes: Uint8Array, from: number, start: readonly number[]): void {
  if (start.some((byte, at) => bytes[from + at] !== byte)) throw new HeError('HEADER');
}

function u64(value: number): number[] {
  return [...new Uint8Array(BigUint64Array.of(BigInt(value)).buffer)];
}

function f64(value: number): number[] {
  return [...new Uint8Array(Float64Array.of(value).buffer)];
}

function hexBytes(hex: string): number[] {
  return [...Buffer.from(hex, 'hex')];
}
