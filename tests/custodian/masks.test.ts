/** What a curious custodian sees of two neighbouring datasets: with masks a one-time pad, without them the data. */
import { beforeAll, afterAll, expect, test } from 'vitest';
import { SlotDecryptor } from '#crypto/he/decrypt.ts';
import { BlockEncryptor } from '#crypto/he/encrypt.ts';
import { Evaluation } from '#crypto/he/evaluate.ts';
import { Seal, type KeySet } from '#crypto/he/seal.ts';
import { secureRandom } from '#sandbox/release/random.ts';
import { differenceOf, uniformityExcess } from '#tests/support/uniformity.ts';

let seal: Seal;
let keys: KeySet;
beforeAll(async () => {
  seal = await Seal.open('bfv-agg-8k');
  keys = seal.generateKeys();
}, 30_000);
afterAll(() => seal[Symbol.dispose]());

/** Costs of 5,000 rows; the neighbour lacks the rows of one unit. */
const rows = BigInt64Array.from({ length: 5_000 }, (_, at) => BigInt(((at * 7_919) % 1_001) - 500));
const neighbour = rows.map((value, at) => (at === 17 || at === 3_042 ? 0n : value));

/** Slots as the custodian decrypts them, of a dataset summed and masked by `maskOf`. */
function seen(values: BigInt64Array, maskOf: (slots: number) => BigUint64Array): BigUint64Array {
  using encryptor = new BlockEncryptor(seal, keys.publicKey);
  using evaluation = new Evaluation(seal, { publicKey: keys.publicKey, relinKeys: null });
  using decryptor = new SlotDecryptor(seal, keys.secretKey);
  const sum = evaluation.addAll([encryptor.encryptBlock(values)]);
  return decryptor.decryptSlots(evaluation.mask(sum, maskOf(seal.profile.slots)));
}

const random = secureRandom();
const uniformMask = (slots: number): BigUint64Array =>
  BigUint64Array.from({ length: slots }, () => random.bigBelow(seal.profile.plainModulus));
const noMask = (slots: number): BigUint64Array => new BigUint64Array(slots);

// n = 8,192 slots for each χ², whose limit a uniform pad passes less than once in 10⁶; three of them: 3·10⁻⁶.
test('masked sums of neighbours are uniform, and so is their difference', () => {
  const t = seal.profile.plainModulus;
  const [one, other] = [seen(rows, uniformMask), seen(neighbour, uniformMask)];
  expect(uniformityExcess(one, t)).toBeLessThan(0);
  expect(uniformityExcess(other, t)).toBeLessThan(0);
  expect(uniformityExcess(differenceOf(one, other, t), t)).toBeLessThan(0);
});

test('control: a runner that skips the mask, or uses one twice, is caught', () => {
  const t = seal.profile.plainModulus;
  const [one, other] = [seen(rows, noMask), seen(neighbour, noMask)];
  expect(uniformityExcess(one, t)).toBeGreaterThan(0);
  // It sees the very rows in which the two differ.
  const changed = [...differenceOf(one, other, t).entries()].filter(([, value]) => value !== 0n);
  expect(changed.map(([at]) => at)).toEqual([17, 3_042]);
  const mask = uniformMask(seal.profile.slots);
  const twice = differenceOf(
    seen(rows, () => mask),
    seen(neighbour, () => mask),
    t,
  );
  expect(uniformityExcess(twice, t)).toBeGreaterThan(0);
});

test('control: a mask that covers half of the residues, or half of the slots, is caught', () => {
  const t = seal.profile.plainModulus;
  const half = (slots: number): BigUint64Array =>
    BigUint64Array.from({ length: slots }, () => random.bigBelow(t / 2n));
  const some = (slots: number): BigUint64Array => uniformMask(slots).map((r, at) => (at % 2 === 0 ? r : 0n));
  expect(uniformityExcess(seen(rows, half), t)).toBeGreaterThan(0);
  expect(uniformityExcess(seen(rows, some), t)).toBeGreaterThan(0);
});
