/** The profiles: inside the guideline, as pinned, with the lengths and the room for noise that they state. */
import { initialize } from 'node-seal';
import { expect, test } from 'vitest';

import type { HeError } from '#crypto/he/he-error.ts';
import { PROFILE_NAMES, centred, largestMagnitude, profileOf } from '#crypto/he/profiles.ts';
import { Seal } from '#crypto/he/seal.ts';

/**
 * Most bits of the whole modulus for 128-bit security against quantum attackers, with ternary secrets: "Security
 * Guidelines for Implementing Homomorphic Encryption" (eprint 2024/463), by degree of the ring.
 */
const QUANTUM_BITS_MAX: Readonly<Record<number, number>> = {
  4_096: 101,
  8_192: 203,
  16_384: 409,
  32_768: 825,
};

test.for(PROFILE_NAMES)('%s is inside the 128-bit guideline, and batches', (name) => {
  const { slots, primes, plainModulus } = profileOf(name);
  const modulus = primes.reduce((product, prime) => product * prime, 1n);
  expect(modulus.toString(2).length).toBeLessThanOrEqual(QUANTUM_BITS_MAX[slots]!);
  expect(new Set(primes).size).toBe(primes.length);
  // One value per slot needs 2N to divide t-1, and fast transforms 2N to divide each prime less 1.
  for (const prime of [...primes, plainModulus]) expect((prime - 1n) % BigInt(2 * slots)).toBe(0n);
});

test('control: what the library calls its default is beyond that guideline', async () => {
  const library = await initialize();
  const bits = (degree: number) => library.CoeffModulus.MaxBitCount(degree, library.SecLevelType.tc128);
  expect(bits(8_192)).toBeGreaterThan(QUANTUM_BITS_MAX[8_192]!);
  expect(bits(16_384)).toBeGreaterThan(QUANTUM_BITS_MAX[16_384]!);
});

test.for(PROFILE_NAMES)('%s: keys and ciphertexts have exactly the stated lengths', async (name) => {
  using seal = await Seal.open(name);
  const { bytes } = seal.profile;
  const keys = seal.generateKeys();
  expect(keys.publicKey.length).toBe(bytes.publicKey);
  expect(keys.secretKey.length).toBe(bytes.secretKey);
  expect(keys.relinKeys.length).toBe(bytes.relinKeys);
  using publicKey = seal.loadPublicKey(keys.publicKey);
  using cipher = seal.encryptZero(publicKey);
  expect(seal.saveCiphertext(cipher).length).toBe(bytes.ciphertext.fresh);
  seal.toRelease(cipher);
  expect(seal.saveCiphertext(cipher).length).toBe(bytes.ciphertext.release);
});

test.for(PROFILE_NAMES)(
  '%s: there is at least the stated room for noise, at the largest values',
  async (name) => {
    const { room, slots, primes, plainModulus, levels, ...profile } = profileOf(name);
    const library = await initialize();
    const parameters = new library.EncryptionParameters(library.SchemeType.bfv);
    parameters.setPolyModulusDegree(slots);
    const chain = new library.VectorModulus();
    for (const prime of primes) chain.push_back(new library.Modulus(prime));
    parameters.setCoeffModulus(chain);
    parameters.setPlainModulus(new library.Modulus(plainModulus));
    const context = new library.SEALContext(parameters, true, library.SecLevelType.tc128);
    const generator = new library.KeyGenerator(context);
    const encryptor = new library.Encryptor(context, generator.createPublicKey());
    const decryptor = new library.Decryptor(context, generator.secretKey());
    const evaluator = new library.Evaluator(context);
    const [plain, cipher, square] = [
      new library.Plaintext(),
      new library.Ciphertext(),
      new library.Ciphertext(),
    ];
    const most = largestMagnitude(profileOf(name));
    const ends = BigInt64Array.from({ length: slots }, (_, at) => (at % 2 === 0 ? most : -most));
    new library.BatchEncoder(context).encode(ends, plain);
    encryptor.encrypt(plain, cipher);
    expect(decryptor.invariantNoiseBudget(cipher)).toBeGreaterThanOrEqual(room.bits);
    evaluator.square(cipher, square);
    evaluator.relinearizeInplace(square, generator.createRelinKeys());
    expect(decryptor.invariantNoiseBudget(square)).toBeGreaterThanOrEqual(room.bits - room.productBits);
    // The release level leaves room, and the one below it would leave next to none.
    for (let at = levels.fresh.primes; at > levels.release.primes; at -= 1)
      evaluator.cipherModSwitchToNextInplace(cipher);
    expect(decryptor.invariantNoiseBudget(cipher)).toBeGreaterThanOrEqual(40);
    evaluator.cipherModSwitchToNextInplace(cipher);
    expect(decryptor.invariantNoiseBudget(cipher)).toBeLessThan(4);
    expect(profile.name).toBe(name);
  },
);

test('residues stand for the number nearest to 0, and other names for nothing', () => {
  for (const name of PROFILE_NAMES) {
    const profile = profileOf(name);
    const [most, t] = [largestMagnitude(profile), profile.plainModulus];
    for (const value of [0n, 1n, -1n, most, -most]) {
      expect(centred(profile, value)).toBe(value);
      expect(centred(profile, value + t)).toBe(value);
      expect(centred(profile, value - 3n * t)).toBe(value);
    }
    expect(centred(profile, most + 1n)).toBe(-most);
  }
  for (const name of ['ckks-agg-8k', 'bfv-agg-4k', '', 'toString', '__proto__']) {
    expect(codeOf(() => profileOf(name))).toBe('PROFILE_UNKNOWN');
  }
});

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as HeError).code;
  }
  return 'none';
}
