/** Aggregates of encrypted numbers are those of the plain numbers: the same integers, to the last unit. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { SlotDecryptor, sumOfSlots } from '#crypto/he/decrypt.ts';
import { BlockEncryptor } from '#crypto/he/encrypt.ts';
import { Evaluation } from '#crypto/he/evaluate.ts';
import type { HeError } from '#crypto/he/he-error.ts';
import { PROFILE_NAMES, centred, largestMagnitude, profileOf } from '#crypto/he/profiles.ts';
import { type Cipher, type KeySet, Seal } from '#crypto/he/seal.ts';

/** Whole numbers below 2^48 that any run makes again. */
function numbersFrom(seed: string): () => number {
  let count = 0;
  return () => createHash('sha256').update(`${seed} ${count++}`).digest().readUIntBE(0, 6);
}

function column(seed: string, length: number, most: bigint): BigInt64Array {
  const next = numbersFrom(seed);
  const span = 2n * most + 1n;
  return BigInt64Array.from({ length }, () => (BigInt(next()) % span) - most);
}

function dot(left: BigInt64Array, right: BigInt64Array): bigint {
  return left.reduce((sum, value, at) => sum + value * right[at]!, 0n);
}

function total(values: BigInt64Array): bigint {
  return values.reduce((sum, value) => sum + value, 0n);
}

describe.for(PROFILE_NAMES)('%s', (name) => {
  const profile = profileOf(name);
  const most = largestMagnitude(profile);
  /** So small that the sum of all products fits: |x| <= 2^13, three blocks. */
  const small = 1n << 13n;
  let seal: Seal;
  let keys: KeySet;
  let encryptor: BlockEncryptor;
  let decryptor: SlotDecryptor;
  let evaluation: Evaluation;

  beforeAll(async () => {
    seal = await Seal.open(name);
    keys = seal.generateKeys();
    encryptor = new BlockEncryptor(seal, keys.publicKey);
    decryptor = new SlotDecryptor(seal, keys.secretKey);
    evaluation = new Evaluation(seal, keys);
  });
  afterAll(() => seal[Symbol.dispose]());

  function blocksOf(values: BigInt64Array): Uint8Array[] {
    const blocks: Uint8Array[] = [];
    for (let at = 0; at < values.length; at += profile.slots) {
      blocks.push(encryptor.encryptBlock(values.subarray(at, at + profile.slots)));
    }
    return blocks;
  }

  test('sums stop before their noise would be too much', () => {
    const key = seal.loadPublicKey(keys.publicKey);
    const [one, two] = [seal.encrypt(key, BigInt64Array.of(1n)), seal.encrypt(key, BigInt64Array.of(1n))];
    const grow = (): void => {
      for (let turn = 0; turn < 400; turn += 1) {
        seal.add(one, two);
        seal.add(two, one);
      }
    };
    expect(grow).toThrow(expect.objectContaining({ code: 'NOISE' }));
    for (const made of [one, two, key]) made[Symbol.dispose]();
  });

  /** Masked, decrypted, unmasked: all slots, each as the number nearest to 0. */
  function slotsOf(sum: Cipher): bigint[] {
    const next = numbersFrom('mask');
    const mask = BigUint64Array.from({ length: profile.slots }, () => BigInt(next()) % profile.plainModulus);
    const slots = decryptor.decryptSlots(evaluation.mask(sum, mask));
    return Array.from(slots, (slot, at) => centred(profile, slot - mask[at]!));
  }

  function sumOf(sum: Cipher): bigint {
    const { plainModulus, slots } = profile;
    const released = decryptor.decryptSlots(evaluation.mask(sum, new BigUint64Array(slots).fill(7n)));
    return centred(profile, sumOfSlots(released, plainModulus) - 7n * BigInt(slots));
  }

  test('a sum over blocks, the last of them not full', () => {
    const values = column('sum', profile.slots * 2 + 1_234, small);
    expect(sumOf(evaluation.addAll(blocksOf(values)))).toBe(total(values));
  });

  test('presence, for COUNT and AVG', () => {
    const present = column('present', profile.slots + 99, 1n).map((value) => (value < 0n ? 0n : value));
    expect(sumOf(evaluation.addAll(blocksOf(present)))).toBe(total(present));
  });

  test('squares and products, relinearised once', () => {
    const [a, b] = ['a', 'b'].map((seed) => column(seed, profile.slots * 2 + 77, small >> 3n));
    const [left, right] = [blocksOf(a!), blocksOf(b!)];
    expect(sumOf(evaluation.sumOfProducts(left.map((block) => [block, block])))).toBe(dot(a!, a!));
    expect(sumOf(evaluation.sumOfProducts(left.map((block, at) => [block, right[at]!])))).toBe(dot(a!, b!));
  });

  test('a linear score with weights of both signs and 0', () => {
    const weights = [3n, 0n, -1n, 250n, -999n];
    const columns = weights.map((_, at) => column(`score ${at}`, profile.slots + 5, small));
    const terms = columns.map((values, at) => ({
      sum: evaluation.addAll(blocksOf(values)),
      weight: weights[at]!,
    }));
    const expected = columns.reduce((sum, values, at) => sum + weights[at]! * total(values), 0n);
    expect(sumOf(evaluation.linearCombination(terms))).toBe(expected);
  });

  test('every slot is exact at both ends of the range, and just beyond it wraps around', () => {
    const ends = BigInt64Array.from({ length: profile.slots }, (_, at) => [most, -most, 0n, 1n][at % 4]!);
    expect(slotsOf(evaluation.addAll(blocksOf(ends)))).toEqual([...ends]);
    const ones = new BigInt64Array(profile.slots).fill(1n);
    const beyond = slotsOf(evaluation.addAll([...blocksOf(ends), ...blocksOf(ones)]));
    // This is why whoever plans a query demands |sum| <= (t-1)/2 beforehand.
    expect(beyond.slice(0, 4)).toEqual([-most, 1n - most, 1n, 2n]);
  });

  test('products at the ends of the range', () => {
    const root = BigInt(Math.floor(Math.sqrt(Number(most))));
    const ends = BigInt64Array.from({ length: profile.slots }, (_, at) => [root, -root][at % 2]!);
    const [block] = blocksOf(ends);
    expect(new Set(slotsOf(evaluation.sumOfProducts([[block!, block!]])))).toEqual(new Set([root * root]));
  });

  test('the largest weight', () => {
    const values = BigInt64Array.of(1n, -1n, 0n);
    const [block] = blocksOf(values);
    for (const weight of [most, -most]) {
      const scored = evaluation.linearCombination([{ sum: evaluation.addAll([block!]), weight }]);
      expect(slotsOf(scored).slice(0, 4)).toEqual([weight, -weight, 0n, 0n]);
    }
  });

  test('nothing to add, weights of 0 only, weights out of range', () => {
    const sum = evaluation.addAll(blocksOf(BigInt64Array.of(1n)));
    const code = (work: () => unknown) => {
      try {
        work();
      } catch (error) {
        return (error as HeError).code;
      }
      return null;
    };
    expect(code(() => evaluation.addAll([]))).toBe('EMPTY');
    expect(code(() => evaluation.sumOfProducts([]))).toBe('EMPTY');
    expect(code(() => evaluation.linearCombination([{ sum, weight: 0n }]))).toBe('EMPTY');
    for (const weight of [most + 1n, -most - 1n, 1n << 80n]) {
      expect(code(() => evaluation.linearCombination([{ sum, weight }]))).toBe('WEIGHT_RANGE');
    }
    expect(code(() => encryptor.encryptBlock(BigInt64Array.of(most + 1n)))).toBe('VALUE_RANGE');
    expect(code(() => encryptor.encryptBlock(BigInt64Array.of(-most - 1n)))).toBe('VALUE_RANGE');
    expect(code(() => encryptor.encryptBlock(BigInt64Array.of(-(2n ** 63n))))).toBe('VALUE_RANGE');
    expect(code(() => encryptor.encryptBlock(new Int32Array(profile.slots + 1)))).toBe('VALUE_COUNT');
  });

  test('after all that no handle is left', () => {
    for (const part of [evaluation, decryptor, encryptor]) part[Symbol.dispose]();
    expect(seal.liveHandles).toBe(0);
  });
});
