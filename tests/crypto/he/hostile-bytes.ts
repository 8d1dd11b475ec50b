/** Ciphertexts as somebody would make them who wants to crash, fool or fill up whoever loads them: a corpus from a seed. */
import { createCipheriv } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';

/** A mutant, and how it must be refused at the latest when its bytes themselves are looked at. */
export interface Mutant {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** The codes that may refuse it; null where only its digest is wrong. */
  readonly codes: readonly string[] | null;
}

export interface Originals {
  readonly ciphertext: Uint8Array;
  /** The same values under another key of the same profile. */
  readonly otherKey: Uint8Array;
  /** A ciphertext of the other profile. */
  readonly otherProfile: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly primes: readonly bigint[];
}

const [HEADER_BYTES, COEFFICIENTS_AT] = [16, 113];

/** Bytes that any run makes again. */
function bytesFrom(seed: string, count: number): Uint8Array {
  const key = new Uint8Array(32);
  key.set(new TextEncoder().encode(seed).subarray(0, 32));
  return Uint8Array.from(
    createCipheriv('aes-256-ctr', key, new Uint8Array(16)).update(new Uint8Array(count)),
  );
}

/** Numbers below a bound, by rejection, that any run makes again. */
export function residuesFrom(seed: string, count: number, bound: bigint): BigUint64Array {
  const bits = bound.toString(2).length;
  const words = new BigUint64Array(bytesFrom(seed, count * 64).buffer);
  return words
    .map((word) => BigInt.asUintN(bits, word))
    .filter((word) => word < bound)
    .slice(0, count);
}

export function mutantsOf(originals: Originals): readonly Mutant[] {
  const { ciphertext, otherKey, otherProfile, publicKey } = originals;
  return [
    ...headerFlips(ciphertext),
    ...bodyFlips(ciphertext),
    ...lengths(ciphertext),
    ...bombs(ciphertext),
    ...forgeries(originals),
    { name: 'other profile', bytes: otherProfile, codes: ['LENGTH'] },
    { name: 'other kind of object', bytes: publicKey, codes: ['LENGTH'] },
    { name: 'other key', bytes: otherKey, codes: null },
  ];
}

/** Each bit of everything before the coefficients. */
function headerFlips(ciphertext: Uint8Array): Mutant[] {
  return Array.from({ length: COEFFICIENTS_AT * 8 }, (_, bit) => ({
    name: `header bit ${bit}`,
    bytes: flipped(ciphertext, bit),
    codes: ['HEADER'],
  }));
}

/** Bits of the coefficients: high ones leave the range that the library checks, low ones make another ciphertext. */
function bodyFlips(ciphertext: Uint8Array): Mutant[] {
  const places = new Uint32Array(bytesFrom('flips', 200 * 4).buffer);
  return Array.from(places, (place) => {
    const bit = COEFFICIENTS_AT * 8 + (place % ((ciphertext.length - COEFFICIENTS_AT) * 8));
    return { name: `coefficient bit ${bit}`, bytes: flipped(ciphertext, bit), codes: null };
  });
}

function lengths(ciphertext: Uint8Array): Mutant[] {
  const shorter = [
    0,
    1,
    HEADER_BYTES,
    COEFFICIENTS_AT,
    200_000,
    ciphertext.length - 8,
    ciphertext.length - 1,
  ];
  const longer = [1, 8, 393_329];
  return [
    ...shorter.map((length) => ({ name: `cut to ${length}`, bytes: ciphertext.slice(0, length) })),
    ...longer.map((more) => ({
      name: `${more} longer`,
      bytes: padded(ciphertext, ciphertext.length + more),
    })),
  ].map((mutant) => ({ ...mutant, codes: ['LENGTH'] }));
}

/** 256 MiB of zeros in a few kilobytes, as the library's own compressed form, short and padded to the right length. */
function bombs(ciphertext: Uint8Array): Mutant[] {
  const packed = zstdCompressSync(new Uint8Array(2 ** 28));
  const bomb = new Uint8Array(HEADER_BYTES + packed.length);
  bomb.set(ciphertext.subarray(0, HEADER_BYTES));
  // Byte 5 says how it is compressed: 1 is zlib, 2 is zstd. Then the length of it all.
  bomb[5] = 2;
  new DataView(bomb.buffer).setBigUint64(8, BigInt(bomb.length), true);
  bomb.set(packed, HEADER_BYTES);
  return [
    { name: 'zstd bomb', bytes: bomb, codes: ['LENGTH'] },
    { name: 'zstd bomb, padded', bytes: padded(bomb, ciphertext.length), codes: ['HEADER'] },
  ];
}

function forgeries({ ciphertext, primes }: Originals): Mutant[] {
  const half = COEFFICIENTS_AT + (ciphertext.length - COEFFICIENTS_AT) / 2;
  const tooLarge = changed(ciphertext, (words) => words.fill(primes.at(-1)!, 5, 6));
  return [
    { name: 'transparent: c1 is 0', bytes: filled(ciphertext, half, 0), codes: ['TRANSPARENT', 'REFUSED'] },
    {
      name: 'all coefficients 0',
      bytes: filled(ciphertext, COEFFICIENTS_AT, 0),
      codes: ['TRANSPARENT', 'REFUSED'],
    },
    { name: 'all ones', bytes: filled(ciphertext, COEFFICIENTS_AT, 255), codes: ['REFUSED'] },
    { name: 'one coefficient as large as a prime', bytes: tooLarge, codes: ['REFUSED'] },
    { name: 'noise', bytes: bytesFrom('noise', ciphertext.length), codes: ['HEADER'] },
  ];
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
}

function filled(bytes: Uint8Array, from: number, value: number): Uint8Array {
  return bytes.slice().fill(value, from);
}

function padded(bytes: Uint8Array, length: number): Uint8Array {
  const copy = new Uint8Array(length);
  copy.set(bytes);
  return copy;
}

function changed(bytes: Uint8Array, change: (words: BigUint64Array) => void): Uint8Array {
  const words = new BigUint64Array(bytes.slice(COEFFICIENTS_AT).buffer);
  change(words);
  const copy = bytes.slice();
  copy.set(new Uint8Array(words.buffer), COEFFICIENTS_AT);
  return copy;
}
