/**
 * Masked decryption: whoever decrypts sees uniform numbers, whoever asked gets the sum exactly.
 *
 * Uniformity: n = 4 × 8,192 slots in 64 bins of equal width, chi-square with 63 degrees of freedom against 131.7, which
 * a uniform mask passes but for a probability of 1e-6. Values are the least uniform there are: all slots the same.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';

import { SlotDecryptor, sumOfSlots } from '#crypto/he/decrypt.ts';
import { BlockEncryptor } from '#crypto/he/encrypt.ts';
import { Evaluation } from '#crypto/he/evaluate.ts';
import { centred } from '#crypto/he/profiles.ts';
import { Seal } from '#crypto/he/seal.ts';
import { residuesFrom } from './hostile-bytes.ts';

const [BINS, BOUND] = [64, 131.7];
const VALUE = 123_456n;

let seal: Seal;
let encryptor: BlockEncryptor;
let decryptor: SlotDecryptor;
let evaluation: Evaluation;

beforeAll(async () => {
  seal = await Seal.open('bfv-agg-8k');
  const keys = seal.generateKeys();
  encryptor = new BlockEncryptor(seal, keys.publicKey);
  decryptor = new SlotDecryptor(seal, keys.secretKey);
  evaluation = new Evaluation(seal, keys);
});
afterAll(() => seal[Symbol.dispose]());

/** What the custodian sees of a block that holds the same value in every slot, under each of the masks. */
function seen(masks: readonly BigUint64Array[]): bigint[] {
  const block = encryptor.encryptBlock(new BigInt64Array(seal.profile.slots).fill(VALUE));
  return masks.flatMap((mask) => [
    ...decryptor.decryptSlots(evaluation.mask(evaluation.addAll([block]), mask)),
  ]);
}

function chiSquare(values: readonly bigint[]): number {
  const counts = Array.from({ length: BINS }, () => 0);
  for (const value of values) counts[Number((value * BigInt(BINS)) / seal.profile.plainModulus)]! += 1;
  const expected = values.length / BINS;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

function masks(change: (residue: bigint) => bigint = (residue) => residue): BigUint64Array[] {
  const { slots, plainModulus } = seal.profile;
  return ['a', 'b', 'c', 'd'].map((seed) => residuesFrom(`mask ${seed}`, slots, plainModulus).map(change));
}

test('the slots under a uniform mask are uniform', () => {
  expect(chiSquare(seen(masks()))).toBeLessThan(BOUND);
});

test('control: no mask, and a mask of 44 bits for a modulus of 45, are seen to be none', () => {
  expect(chiSquare(seen(masks(() => 0n)))).toBeGreaterThan(BOUND);
  expect(chiSquare(seen(masks((residue) => residue >> 1n)))).toBeGreaterThan(BOUND);
});

test('the sum comes out exact, though every slot that was decrypted is another', () => {
  const { plainModulus, slots } = seal.profile;
  const [mask] = masks();
  const values = BigInt64Array.from({ length: slots }, (_, at) => BigInt(at * at) - 20_000_000n);
  const masked = evaluation.mask(evaluation.addAll([encryptor.encryptBlock(values)]), mask!);
  const decrypted = decryptor.decryptSlots(masked);
  const sum = sumOfSlots(decrypted, plainModulus) - sumOfSlots(mask!, plainModulus);
  expect(centred(seal.profile, sum)).toBe(values.reduce((total, value) => total + value, 0n));
});

test('the same sum under the same mask is another ciphertext every time', () => {
  const block = encryptor.encryptBlock(BigInt64Array.of(1n));
  const [mask] = masks();
  const [one, two] = [1, 2].map(() => evaluation.mask(evaluation.addAll([block]), mask!));
  expect(one).not.toEqual(two);
});

test('a ciphertext under another key decrypts to garbage without any error, which is why digests are signed', async () => {
  using other = new BlockEncryptor(seal, seal.generateKeys().publicKey);
  const block = other.encryptBlock(new BigInt64Array(seal.profile.slots).fill(VALUE));
  const slots = decryptor.decryptSlots(
    evaluation.mask(evaluation.addAll([block]), new BigUint64Array(8_192)),
  );
  expect(slots.filter((slot) => slot === VALUE).length).toBeLessThan(10);
});
