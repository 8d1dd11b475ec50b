/** What the adapter refuses before the library, after it, and how the library fares: mutated objects, exceptions, traps. */
import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { initialize } from 'node-seal';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { SlotDecryptor } from '#crypto/he/decrypt.ts';
import { BlockEncryptor } from '#crypto/he/encrypt.ts';
import { Evaluation } from '#crypto/he/evaluate.ts';
import type { HeError } from '#crypto/he/he-error.ts';
import { NODE_SEAL, canRunOn } from '#crypto/he/library.ts';
import { type KeySet, Seal } from '#crypto/he/seal.ts';
import { type Mutant, mutantsOf } from './hostile-bytes.ts';

/** The library as it is installed. */
const PACKAGE = new URL('../../../node_modules/node-seal/', import.meta.url);

let seal: Seal;
let keys: KeySet;
let ciphertext: Uint8Array;
let mutants: readonly Mutant[];

beforeAll(async () => {
  seal = await Seal.open('bfv-agg-8k', { exceptionsMax: 10_000 });
  keys = seal.generateKeys();
  ciphertext = encrypted(seal, keys.publicKey);
  using larger = await Seal.open('bfv-agg-16k');
  mutants = mutantsOf({
    ciphertext,
    otherKey: encrypted(seal, seal.generateKeys().publicKey),
    otherProfile: encrypted(larger, larger.generateKeys().publicKey),
    publicKey: keys.publicKey,
    primes: seal.profile.primes.slice(0, 3),
  });
});
afterAll(() => seal[Symbol.dispose]());

function encrypted(by: Seal, publicKey: Uint8Array): Uint8Array {
  using encryptor = new BlockEncryptor(by, publicKey);
  return encryptor.encryptBlock(Int32Array.from({ length: 8_192 }, (_, at) => at - 4_000));
}

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as HeError).code;
  }
  return 'none';
}

function load(bytes: Uint8Array): void {
  using cipher = seal.loadCiphertext(bytes, 'fresh');
  expect(cipher.level).toBe('fresh');
}

test('every mutant has another digest than the manifest says', () => {
  const digest = hash('sha256', ciphertext, 'hex');
  expect(mutants.length).toBeGreaterThan(1_100);
  expect(mutants.filter(({ bytes }) => hash('sha256', bytes, 'hex') === digest)).toEqual([]);
});

test('mutants of length, form and transparency are refused by themselves, before or after the library', () => {
  const before = seal.heapBytes;
  for (const { name, bytes, codes } of mutants) {
    const code = codeOf(() => load(bytes));
    expect(codes ?? ['none', 'REFUSED'], name).toContain(code);
  }
  // Without a bomb going off, without a handle, and the next honest one is read.
  expect(seal.heapBytes - before).toBeLessThan(2 ** 24);
  expect(seal.liveHandles).toBe(0);
  load(ciphertext);
});

test('control: the library itself takes a transparent forgery and wrong bits, and inflates what is compressed', async () => {
  const library = await initialize();
  const context = contextOf(library);
  const taken = (name: RegExp) =>
    mutants
      .filter((mutant) => name.test(mutant.name))
      .filter(({ bytes }) => {
        using raw = new library.Ciphertext();
        return codeOf(() => raw.loadFromArray(context, bytes)) === 'none';
      }).length;
  expect(taken(/^transparent/)).toBe(1);
  expect(taken(/^coefficient bit/)).toBeGreaterThan(20);
  expect(taken(/^1 longer/)).toBe(1);
  using raw = new library.Ciphertext();
  raw.loadFromArray(context, ciphertext);
  const compressed = raw.saveToArray(library.ComprModeType.zstd) as Uint8Array;
  expect(codeOf(() => raw.loadFromArray(context, compressed))).toBe('none');
  expect(codeOf(() => load(compressed))).toBe('LENGTH');
});

function contextOf(library: Awaited<ReturnType<typeof initialize>>) {
  const parameters = new library.EncryptionParameters(library.SchemeType.bfv);
  parameters.setPolyModulusDegree(8_192);
  parameters.setCoeffModulus(library.CoeffModulus.Create(8_192, Int32Array.of(50, 50, 50, 50)));
  parameters.setPlainModulus(library.PlainModulus.Batching(8_192, 45));
  return new library.SEALContext(parameters, true, library.SecLevelType.tc128);
}

test('keys that were changed, or are of another kind, are refused', () => {
  const start = (bytes: Uint8Array) => bytes.slice().fill(2, 5, 6);
  const end = (bytes: Uint8Array) => bytes.slice().fill(255, -8);
  for (const [load, bytes] of [
    [(key: Uint8Array) => seal.loadPublicKey(key), keys.publicKey],
    [(key: Uint8Array) => seal.loadSecretKey(key), keys.secretKey],
    [(key: Uint8Array) => seal.loadRelinKeys(key), keys.relinKeys],
  ] as const) {
    expect(codeOf(() => load(bytes.slice(1)))).toBe('LENGTH');
    expect(codeOf(() => load(start(bytes)))).toBe('HEADER');
    expect(codeOf(() => load(end(bytes)))).toBe('REFUSED');
    expect(codeOf(() => load(ciphertext))).toBe('LENGTH');
  }
  // The header of the second key of a set is checked as well.
  const inner = keys.relinKeys.slice();
  inner[64 + keys.publicKey.length + 5] = 2;
  expect(codeOf(() => seal.loadRelinKeys(inner))).toBe('HEADER');
  expect(seal.liveHandles).toBe(0);
});

test('a Buffer, a view into a larger one, and shared memory are read as what they hold', () => {
  const around = new Uint8Array(ciphertext.length + 20);
  around.set(ciphertext, 10);
  const shared = new Uint8Array(new SharedArrayBuffer(ciphertext.length));
  shared.set(ciphertext);
  for (const bytes of [Buffer.from(ciphertext), around.subarray(10, -10), shared]) load(bytes);
  expect(seal.liveHandles).toBe(0);
});

test('handles of another instance, disposed ones, wrong levels and too much noise are refused', async () => {
  using other = await Seal.open('bfv-agg-8k');
  using foreign = other.loadCiphertext(ciphertext, 'fresh');
  using publicKey = seal.loadPublicKey(keys.publicKey);
  using secretKey = seal.loadSecretKey(keys.secretKey);
  using relinKeys = seal.loadRelinKeys(keys.relinKeys);
  const make = () => seal.loadCiphertext(ciphertext, 'fresh');
  using cipher = make();
  using gone = make();
  using released = make();
  gone[Symbol.dispose]();
  seal.toRelease(released);
  expect(codeOf(() => seal.add(cipher, foreign))).toBe('FOREIGN_HANDLE');
  expect(codeOf(() => seal.add(cipher, gone))).toBe('FOREIGN_HANDLE');
  expect(codeOf(() => other.encryptZero(publicKey))).toBe('FOREIGN_HANDLE');
  expect(codeOf(() => seal.add(cipher, released))).toBe('LEVEL');
  expect(codeOf(() => seal.toRelease(released))).toBe('LEVEL');
  expect(codeOf(() => seal.scale(released, 2n))).toBe('LEVEL');
  expect(codeOf(() => seal.multiply(cipher, released))).toBe('LEVEL');
  expect(codeOf(() => seal.relinearise(cipher, relinKeys))).toBe('LEVEL');
  // What is not at the release level is never decrypted.
  expect(codeOf(() => seal.decrypt(secretKey, cipher))).toBe('LEVEL');
  expect(codeOf(() => seal.addSlots(cipher, new BigUint64Array(5)))).toBe('VALUE_COUNT');
  const beyond = new BigUint64Array(8_192).fill(seal.profile.plainModulus);
  expect(codeOf(() => seal.addSlots(cipher, beyond))).toBe('VALUE_RANGE');
  using product = seal.multiply(cipher, cipher);
  expect(codeOf(() => seal.saveCiphertext(product))).toBe('LEVEL');
  expect(codeOf(() => seal.addSlots(product, new BigUint64Array(8_192)))).toBe('LEVEL');
  seal.relinearise(product, relinKeys);
  expect(codeOf(() => seal.multiply(product, cipher))).toBe('NOISE');
  using scaled = seal.scale(cipher, 2n ** 40n);
  using twice = seal.scale(scaled, 2n ** 40n);
  expect(codeOf(() => seal.scale(twice, 8n))).toBe('NOISE');
  expect(codeOf(() => seal.scale(product, 2n ** 25n))).toBe('NOISE');
});

test('an evaluation without relinearisation keys has no products, and one with wrong keys does not begin', () => {
  using evaluation = new Evaluation(seal, { publicKey: keys.publicKey, relinKeys: null });
  expect(codeOf(() => evaluation.startProducts())).toBe('LEVEL');
  expect(codeOf(() => new Evaluation(seal, { ...keys, relinKeys: keys.publicKey }))).toBe('LENGTH');
  using decryptor = new SlotDecryptor(seal, keys.secretKey);
  expect(codeOf(() => decryptor.decryptSlots(ciphertext))).toBe('LENGTH');
});

test('after its share of exceptions an instance is spent, and frees what it has all the same', async () => {
  using spent = await Seal.open('bfv-agg-8k', { exceptionsMax: 3 });
  using held = spent.loadCiphertext(ciphertext, 'fresh');
  const bad = ciphertext.slice().fill(255, 200);
  for (let time = 0; time < 3; time += 1)
    expect(codeOf(() => spent.loadCiphertext(bad, 'fresh'))).toBe('REFUSED');
  expect(codeOf(() => spent.loadCiphertext(ciphertext, 'fresh'))).toBe('SPENT');
  held[Symbol.dispose]();
  expect(spent.liveHandles).toBe(0);
  spent[Symbol.dispose]();
  expect(codeOf(() => spent.generateKeys())).toBe('CLOSED');
});

test('2,000 refused ciphertexts: neither heap nor stack moves, and no handle is left', () => {
  const bad = ciphertext.slice().fill(255, 200);
  const refuse = () => expect(codeOf(() => seal.loadCiphertext(bad, 'fresh'))).toBe('REFUSED');
  refuse();
  const [heap, top] = [seal.heapBytes, seal.stackTop];
  for (let time = 0; time < 2_000; time += 1) refuse();
  expect([seal.heapBytes, seal.stackTop, seal.liveHandles]).toEqual([heap, top, 0]);
});

const SCRIPT = new URL('exception-soak.ts', import.meta.url).pathname;
const soak = (mode: string) =>
  JSON.parse(execFileSync(process.execPath, [SCRIPT, mode, '30000'], { encoding: 'utf8' })) as object;

test('30,000 exceptions: the fence holds heap and stack where they were', () => {
  const whole = { thrown: 30_000, ended: null, heapGrowth: 0, stackGrowth: 0, isSound: true };
  expect(soak('fenced')).toEqual(whole);
});

test('control: without putting the stack back the library is corrupt after some thousands', () => {
  const { thrown, ended, isSound } = soak('bare') as { thrown: number; ended: string; isSound: boolean };
  expect(ended).toBe('RuntimeError');
  expect(thrown).toBeLessThan(5_000);
  expect(isSound).toBe(false);
});

test('after a trap the whole process computes no more', () => {
  expect(soak('trap')).toEqual({ first: 'TRAPPED', next: 'TRAPPED', opened: 'TRAPPED' });
});

test('the version of Node.js is one that runs the library right', () => {
  for (const version of ['24.16.0', '24.21.0', '25.0.0', '26.10.0'])
    expect(canRunOn(version), version).toBe(true);
  for (const version of ['18.0.0', '20.20.2', '22.23.3', '23.9.0', '24.14.1', '24.15.9']) {
    expect(canRunOn(version), version).toBe(false);
  }
});

test('a library with one changed byte is not run', () => {
  const folder = mkdtempSync(`${tmpdir()}/unseen-he-library-`);
  try {
    const [ours, theirs] = [
      new URL('../../../crypto/he/', import.meta.url),
      `${folder}/node_modules/node-seal`,
    ];
    for (const name of ['library.ts', 'he-error.ts']) copyFileSync(new URL(name, ours), `${folder}/${name}`);
    writeFileSync(`${folder}/package.json`, '{"type":"module"}');
    const program = `const { Library } = await import('./library.ts');
      const code = await Library.open().then(() => 'none', (error) => error.code); process.stdout.write(code);`;
    const run = () => execFileSync(process.execPath, ['-e', program], { cwd: folder, encoding: 'utf8' });
    const copy = () => cpSync(PACKAGE, theirs, { recursive: true, dereference: true });
    copy();
    expect(run()).toBe('none');
    for (const name of Object.keys(NODE_SEAL.files)) {
      copy();
      const bytes = readFileSync(`${theirs}/dist/${name}`);
      bytes[bytes.length - 1]! ^= 1;
      writeFileSync(`${theirs}/dist/${name}`, bytes);
      expect(run(), name).toBe('LIBRARY_CHANGED');
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the pinned version is the one in use', () => {
  const { version } = JSON.parse(readFileSync(new URL('package.json', PACKAGE), 'utf8')) as {
    version: string;
  };
  expect(version).toBe(NODE_SEAL.version);
});
