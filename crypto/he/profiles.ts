/**
 * The only parameters that encrypted data may have: named profiles of the BFV scheme, with everything pinned.
 *
 * Guarantee: degree, every prime, plaintext modulus, and the library's own hash of them are constants here; the
 * modulus with all primes, which keys live under, lies inside the 128-bit column for quantum attackers of "Security
 * Guidelines for Implementing Homomorphic Encryption" (eprint 2024/463, ternary secret): a test compares them. Each
 * kind of object has exactly one length and one first part, so that a foreign one is known before the library sees it.
 * Not covered: CKKS, whose released results give the key away (Li and Micciancio, eprint 2020/1533).
 */
import { HeError } from './he-error.ts';

export type ProfileName = 'bfv-agg-8k' | 'bfv-agg-16k';

/** Where a ciphertext stands: as encrypted and computed with, or masked and ready to be decrypted. */
export type Level = 'fresh' | 'release';

/** One place in the chain of moduli. */
export interface Rung {
  /** How many of the primes, from the first on. */
  readonly primes: number;
  /** The library's hash of the parameters there: BLAKE2b-256, in hex, as it stands in every object. */
  readonly parmsId: string;
}

export interface Profile {
  readonly name: ProfileName;
  /** Values in a ciphertext; the degree N of the ring. */
  readonly slots: number;
  /** t: values are integers modulo this prime. */
  readonly plainModulus: bigint;
  /** The primes of the modulus; the last is for switching keys only and is in no ciphertext. */
  readonly primes: readonly bigint[];
  /** Keys. */
  readonly key: Rung;
  readonly levels: Readonly<Record<Level, Rung>>;
  /**
   * Bits between the noise of a fresh ciphertext and where decryption would fail, and how many of them one product
   * of two fresh ones takes, at the largest values.
   */
  readonly room: { readonly bits: number; readonly productBits: number };
  /** Exact lengths, in bytes. */
  readonly bytes: {
    readonly ciphertext: Readonly<Record<Level, number>>;
    readonly publicKey: number;
    readonly secretKey: number;
    readonly relinKeys: number;
  };
}

/*
 * The release level keeps two primes. At the very last one (50 or 60 bits) the rounding of the switch itself would
 * leave no room between the noise and q/2t: decryption would be wrong for bfv-agg-8k, and nearly so for the other.
 */
const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  'bfv-agg-8k': {
    name: 'bfv-agg-8k',
    slots: 8_192,
    plainModulus: 35_184_371_613_697n,
    primes: [1_125_899_905_351_681n, 1_125_899_905_744_897n, 1_125_899_906_629_633n, 1_125_899_906_826_241n],
    key: { primes: 4, parmsId: '58617369aa8d5103bcb17ff4e46436fc8133fa325acd37f99683606eee0dbec1' },
    levels: {
      fresh: { primes: 3, parmsId: 'a95f289e268e12fb4ca2a7b7d3c59e63468a60100f7dce3944a1f5ca46f1ebbf' },
      release: { primes: 2, parmsId: 'd46db2c441d7b7f862df0c69a0e3463c45a1968f1bf8caa91e02c114e7678f95' },
    },
    room: { bits: 96, productBits: 58 },
    bytes: {
      ciphertext: { fresh: 393_329, release: 262_257 },
      publicKey: 524_401,
      secretKey: 262_232,
      relinKeys: 1_573_267,
    },
  },
  'bfv-agg-16k': {
    name: 'bfv-agg-16k',
    slots: 16_384,
    plainModulus: 1_125_899_904_679_937n,
    primes: [
      1_152_921_504_600_260_609n,
      1_152_921_504_604_979_201n,
      1_152_921_504_605_962_241n,
      1_152_921_504_606_584_833n,
      1_152_921_504_606_683_137n,
      1_152_921_504_606_748_673n,
    ],
    key: { primes: 6, parmsId: 'abc76b61241765131d7bec502869b096415d0503bf670a7b21261ad70e765096' },
    levels: {
      fresh: { primes: 5, parmsId: 'e8d8b528f4333c4d5d26b4b1096c94f75c61864de9b9b8be537c74b37bf3e339' },
      release: { primes: 2, parmsId: '80caff53d3ed4fbf855d5c5633a9b5b20c999aa80d34913e1f39d63c5a397c4d' },
    },
    room: { bits: 240, productBits: 64 },
    bytes: {
      ciphertext: { fresh: 1_310_833, release: 524_401 },
      publicKey: 1_572_977,
      secretKey: 786_520,
      relinKeys: 7_864_949,
    },
  },
};

/** Every profile there is. */
export const PROFILE_NAMES = Object.keys(PROFILES) as readonly ProfileName[];

/** The profile of that name. HeError PROFILE_UNKNOWN for any other text. */
export function profileOf(name: string): Profile {
  const profile = Object.hasOwn(PROFILES, name) ? PROFILES[name as ProfileName] : undefined;
  if (profile === undefined) throw new HeError('PROFILE_UNKNOWN');
  return profile;
}

/** The largest |x| that a slot, and any sum of slots, can hold without wrapping around: (t-1)/2. */
export function largestMagnitude({ plainModulus }: Profile): bigint {
  return (plainModulus - 1n) / 2n;
}

/** What x modulo t stands for, when |x| <= (t-1)/2: the representative nearest to 0. */
export function centred({ plainModulus }: Profile, residue: bigint): bigint {
  const least = ((residue % plainModulus) + plainModulus) % plainModulus;
  return least > (plainModulus - 1n) / 2n ? least - plainModulus : least;
}
