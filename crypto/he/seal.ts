/**
 * Homomorphic encryption over one instance of the library: the operations there are, each with its checks.
 *
 * Guarantee: lengths, headers, ranges, levels and owners are checked before the library is called, and what it made
 * of bytes is checked again after it. A handle belongs to its instance, is freed by `using` or at the latest with the
 * instance, and is refused afterwards; `liveHandles` counts them. No operation shows how much noise a ciphertext has
 * (that leaks the key: SEAL's SECURITY.md); instead each carries a bound on how far noise can have grown, and going
 * beyond what the profile has room for is refused. Nothing is ever multiplied by zero.
 * Not covered: whose key a ciphertext is under, and who made it. Wrong ones decrypt to garbage: a signed manifest with
 * the digest of each (dataset-manifest.ts) is what refuses them.
 */
import type { Ciphertext, Encryptor, EncryptionParameters, SEALContext } from 'node-seal';
import type { BatchEncoder, ClassHandle, Decryptor, Evaluator, RelinKeys } from 'node-seal';

import { HeError } from './he-error.ts';
import { Library, type LibraryOptions, type Module } from './library.ts';
import { type Level, type Profile, type Rung, largestMagnitude, profileOf } from './profiles.ts';
import { checkCiphertext, checkKey } from './wire.ts';

/** Bits of a profile's room that always remain, so that decryption is never near failing (eprint 2024/127). */
const ROOM_BITS_LEFT = 14;

/** A ciphertext inside an instance. */
export interface Cipher extends Disposable {
  readonly level: Level;
}
/** A key inside an instance. */
export interface Key<Kind extends KeyKind> extends Disposable {
  readonly kind: Kind;
}
type KeyKind = 'public' | 'secret' | 'relin';

export interface KeySet {
  readonly publicKey: Uint8Array;
  readonly relinKeys: Uint8Array;
  /** Whoever has it reads everything; it belongs to the custodian alone. */
  readonly secretKey: Uint8Array;
}

/** What is known of a ciphertext without asking the library. */
interface State {
  readonly raw: Ciphertext;
  readonly cipher: { level: Level };
  /** Two, or three between a product and its relinearisation. */
  parts: 2 | 3;
  /** Bound on the noise, as a multiple of that of a fresh ciphertext. */
  growth: number;
}

/** What the library keeps a key in. */
interface KeyHandles {
  readonly public: Encryptor;
  readonly secret: Decryptor;
  readonly relin: RelinKeys;
}

interface Tools {
  readonly context: SEALContext;
  readonly encoder: BatchEncoder;
  readonly evaluator: Evaluator;
}

export class Seal implements Disposable {
  readonly profile: Profile;
  readonly #library: Library;
  readonly #tools: Tools;
  readonly #own: readonly ClassHandle[];
  readonly #ciphers = new Map<Cipher, State>();
  readonly #keys = new Map<Key<KeyKind>, KeyHandles[KeyKind]>();
  #temporaries = 0;

  private constructor(profile: Profile, library: Library) {
    this.profile = profile;
    this.#library = library;
    const { tools, own } = library.call((module) => {
      using parameters = parametersOf(module, profile);
      // The library checks the size of the modulus against its own 128-bit table as well.
      const context = new module.SEALContext(parameters, true, module.SecLevelType.tc128);
      const [encoder, evaluator] = [new module.BatchEncoder(context), new module.Evaluator(context)];
      return { tools: { context, encoder, evaluator }, own: [evaluator, encoder, context] };
    });
    this.#tools = tools;
    this.#own = own;
    if (!library.call(() => tools.context.parametersSet())) throw new HeError('LIBRARY_UNUSABLE');
    this.#demandPinned();
  }

  /** A new instance. Searching for auxiliary primes takes it a second or so (bfv-agg-16k: three), so it is kept warm. */
  static async open(profile: string, options?: LibraryOptions): Promise<Seal> {
    return new Seal(profileOf(profile), await Library.open(options));
  }

  /** Ciphertexts and keys that nobody has disposed of. */
  get liveHandles(): number {
    return this.#ciphers.size + this.#keys.size + this.#temporaries;
  }

  /** Bytes of memory that the library has taken. */
  get heapBytes(): number {
    return this.#library.heapBytes;
  }

  /** Where its stack stands: the same place between any two calls. */
  get stackTop(): number {
    return this.#library.stackTop;
  }

  [Symbol.dispose](): void {
    for (const cipher of this.#ciphers.keys()) cipher[Symbol.dispose]();
    for (const key of this.#keys.keys()) key[Symbol.dispose]();
    for (const handle of this.#own) this.#library.release(() => handle.delete());
    this.#library.close();
  }

  /** A new secret key with what belongs to it. Random numbers are the operating system's. */
  generateKeys(): KeySet {
    return this.#library.call((module) => {
      const { none } = module.ComprModeType;
      using generator = new module.KeyGenerator(this.#tools.context);
      using secretKey = generator.secretKey();
      using publicKey = generator.createPublicKey();
      using relinKeys = generator.createRelinKeys();
      const keys: KeySet = {
        publicKey: publicKey.saveToArray(none) as Uint8Array,
        relinKeys: relinKeys.saveToArray(none) as Uint8Array,
        secretKey: secretKey.saveToArray(none) as Uint8Array,
      };
      return keys;
    });
  }

  /** The key that encrypts. LENGTH, HEADER, or REFUSED when it is none of this profile. */
  loadPublicKey(bytes: Uint8Array): Key<'public'> {
    checkKey(this.profile, 'publicKey', bytes);
    const encryptor = this.#library.call((module) => {
      using key = new module.PublicKey();
      key.loadFromArray(this.#tools.context, plainBytes(bytes));
      return new module.Encryptor(this.#tools.context, key);
    });
    return this.#ownKey('public', encryptor);
  }

  /** The key that decrypts. */
  loadSecretKey(bytes: Uint8Array): Key<'secret'> {
    checkKey(this.profile, 'secretKey', bytes);
    const decryptor = this.#library.call((module) => {
      using key = new module.SecretKey();
      key.loadFromArray(this.#tools.context, plainBytes(bytes));
      return new module.Decryptor(this.#tools.context, key);
    });
    return this.#ownKey('secret', decryptor);
  }

  /** The keys that bring a product back to two parts. */
  loadRelinKeys(bytes: Uint8Array): Key<'relin'> {
    checkKey(this.profile, 'relinKeys', bytes);
    return this.#ownKey(
      'relin',
      this.#make((module) => new module.RelinKeys(), bytes),
    );
  }

  /** A ciphertext from bytes of exactly the length and form of the level; TRANSPARENT when it hides nothing. */
  loadCiphertext(bytes: Uint8Array, level: Level): Cipher {
    checkCiphertext(this.profile, level, bytes);
    const raw = this.#make((module) => new module.Ciphertext(), bytes);
    const cipher = this.#ownCipher(raw, level);
    try {
      this.#demandAsSaid(raw, this.profile.levels[level]);
      return cipher;
    } catch (error) {
      cipher[Symbol.dispose]();
      throw error;
    }
  }

  /** Its bytes, uncompressed. LEVEL for a product that has not been brought back to two parts. */
  saveCiphertext(cipher: Cipher): Uint8Array {
    const { raw, parts } = this.#stateOf(cipher);
    if (parts !== 2) throw new HeError('LEVEL');
    const bytes = this.#library.call((module) => raw.saveToArray(module.ComprModeType.none) as Uint8Array);
    checkCiphertext(this.profile, cipher.level, bytes);
    return bytes;
  }

  /** Encrypts up to `slots` integers with |x| <= (t-1)/2; slots that are not given are 0. */
  encrypt(key: Key<'public'>, values: BigInt64Array | Int32Array): Cipher {
    const signed = values instanceof BigInt64Array ? values : BigInt64Array.from(values, BigInt);
    demandSigned(this.profile, signed);
    const encryptor = this.#keyOf(key);
    return this.#made((module, raw) => {
      using plain = new module.Plaintext();
      this.#tools.encoder.encode(signed, plain);
      encryptor.encrypt(plain, raw);
    });
  }

  /** A fresh encryption of 0 in every slot. */
  encryptZero(key: Key<'public'>): Cipher {
    const encryptor = this.#keyOf(key);
    return this.#made((_, raw) => encryptor.encryptZero(raw));
  }

  /** Every slot, from 0 to t-1. At the release level only: nothing else is ever to be decrypted. */
  decrypt(key: Key<'secret'>, cipher: Cipher): BigUint64Array {
    const decryptor = this.#keyOf(key);
    const { raw } = this.#stateOf(cipher);
    if (cipher.level !== 'release') throw new HeError('LEVEL');
    const slots = this.#library.call((module) => {
      using plain = new module.Plaintext();
      decryptor.decrypt(raw, plain);
      return this.#tools.encoder.decodeBigUint64(plain) as BigUint64Array;
    });
    demandResidues(this.profile, slots);
    return slots;
  }

  /** Adds `other` to `into`, slot by slot. */
  add(into: Cipher, other: Cipher): void {
    const [left, right] = [this.#stateOf(into), this.#stateOf(other)];
    if (into.level !== other.level || left.parts !== right.parts) throw new HeError('LEVEL');
    this.#demandRoom(left.growth + right.growth);
    this.#library.call(() => this.#tools.evaluator.addInplace(left.raw, right.raw));
    left.growth += right.growth;
  }

  /** Adds one public number from 0 to t-1 to each slot. */
  addSlots(into: Cipher, slots: BigUint64Array): void {
    demandResidues(this.profile, slots);
    const { raw, parts } = this.#stateOf(into);
    if (parts !== 2) throw new HeError('LEVEL');
    this.#library.call((module) => {
      using plain = new module.Plaintext();
      this.#tools.encoder.encode(slots, plain);
      this.#tools.evaluator.addPlainInplace(raw, plain);
    });
  }

  /** Slot by slot product of two ciphertexts as they were encrypted: sums and products are not multiplied. */
  multiply(left: Cipher, right: Cipher): Cipher {
    const [a, b] = [this.#stateOf(left), this.#stateOf(right)];
    if (left.level !== 'fresh' || right.level !== 'fresh') throw new HeError('LEVEL');
    if (a.growth !== 1 || b.growth !== 1) throw new HeError('NOISE');
    const { evaluator } = this.#tools;
    return this.#made(
      (_, raw) => (a === b ? evaluator.square(a.raw, raw) : evaluator.multiply(a.raw, b.raw, raw)),
      { parts: 3, growth: 2 ** this.profile.room.productBits },
    );
  }

  /** Brings a product, or a sum of products, back to two parts. */
  relinearise(cipher: Cipher, key: Key<'relin'>): void {
    const state = this.#stateOf(cipher);
    if (state.parts !== 3) throw new HeError('LEVEL');
    const keys = this.#keyOf(key);
    this.#library.call(() => this.#tools.evaluator.relinearizeInplace(state.raw, keys));
    state.parts = 2;
  }

  /** A new ciphertext, `weight` times the other one. WEIGHT_RANGE for 0 and for |weight| > (t-1)/2. */
  scale(cipher: Cipher, weight: bigint): Cipher {
    const state = this.#stateOf(cipher);
    const size = weight < 0n ? -weight : weight;
    if (size === 0n || size > largestMagnitude(this.profile)) throw new HeError('WEIGHT_RANGE');
    if (state.parts !== 2 || cipher.level !== 'fresh') throw new HeError('LEVEL');
    const growth = state.growth * Number(size);
    this.#demandRoom(growth);
    const { encoder, evaluator } = this.#tools;
    return this.#made(
      (module, raw) => {
        using plain = new module.Plaintext();
        encoder.encode(new BigUint64Array(this.profile.slots).fill(size), plain);
        evaluator.multiplyPlain(state.raw, plain, raw);
        // Multiplying by t - |w| instead would cost as much room as t has bits.
        if (weight < 0n) evaluator.negateInplace(raw);
      },
      { growth },
    );
  }

  /** Drops every prime but two: smaller, and with the noise of the switch in place of what the sum left. */
  toRelease(cipher: Cipher): void {
    const state = this.#stateOf(cipher);
    if (state.parts !== 2 || cipher.level !== 'fresh') throw new HeError('LEVEL');
    const { fresh, release } = this.profile.levels;
    this.#library.call(() => {
      for (let primes = fresh.primes; primes > release.primes; primes -= 1) {
        this.#tools.evaluator.cipherModSwitchToNextInplace(state.raw);
      }
    });
    state.cipher.level = 'release';
  }

  /** An object of the library, filled from bytes, or freed again when it refuses them. */
  #make<H extends ClassHandle & { loadFromArray(context: SEALContext, bytes: Uint8Array): void }>(
    empty: (module: Module) => H,
    bytes: Uint8Array,
  ): H {
    const handle = this.#library.call(empty);
    this.#temporaries += 1;
    try {
      this.#library.call(() => handle.loadFromArray(this.#tools.context, plainBytes(bytes)));
    } catch (error) {
      this.#library.release(() => handle.delete());
      throw error;
    } finally {
      this.#temporaries -= 1;
    }
    return handle;
  }

  /** A new ciphertext at the fresh level that `fill` makes. */
  #made(
    fill: (module: Module, raw: Ciphertext) => void,
    state: Partial<Pick<State, 'parts' | 'growth'>> = {},
  ): Cipher {
    const raw = this.#library.call((module) => new module.Ciphertext());
    const cipher = this.#ownCipher(raw, 'fresh', state);
    try {
      this.#library.call((module) => fill(module, raw));
      return cipher;
    } catch (error) {
      cipher[Symbol.dispose]();
      throw error;
    }
  }

  #ownCipher(raw: Ciphertext, level: Level, state: Partial<State> = {}): Cipher {
    const cipher = {
      level,
      [Symbol.dispose]: () => {
        if (this.#ciphers.delete(cipher)) this.#library.release(() => raw.delete());
      },
    };
    this.#ciphers.set(cipher, { parts: 2, growth: 1, ...state, raw, cipher });
    return cipher;
  }

  #ownKey<Kind extends KeyKind>(kind: Kind, handle: KeyHandles[Kind]): Key<Kind> {
    const key: Key<Kind> = {
      kind,
      [Symbol.dispose]: () => {
        if (this.#keys.delete(key)) this.#library.release(() => handle.delete());
      },
    };
    this.#keys.set(key, handle);
    return key;
  }

  #stateOf(cipher: Cipher): State {
    const state = this.#ciphers.get(cipher);
    if (state === undefined) throw new HeError('FOREIGN_HANDLE');
    return state;
  }

  #keyOf<Kind extends KeyKind>(key: Key<Kind>): KeyHandles[Kind] {
    const handle = this.#keys.get(key);
    if (handle === undefined) throw new HeError('FOREIGN_HANDLE');
    // The kind is in the type of the key, and no key changes its kind.
    return handle as KeyHandles[Kind];
  }

  #demandRoom(growth: number): void {
    if (growth > 2 ** (this.profile.room.bits - ROOM_BITS_LEFT)) throw new HeError('NOISE');
  }

  /** What the library made of the bytes is what they said, and is encrypted at all. */
  #demandAsSaid(raw: Ciphertext, { primes, parmsId }: Rung): void {
    const seen = this.#library.call(() => {
      using id = raw.parmsId();
      return {
        isTransparent: raw.isTransparent(),
        isAsSaid:
          raw.size() === 2 &&
          raw.coeffModulusSize() === primes &&
          raw.polyModulusDegree() === this.profile.slots &&
          !raw.isNttForm() &&
          hexOf(id.values() as BigUint64Array) === parmsId,
      };
    });
    if (!seen.isAsSaid) throw new HeError('HEADER');
    if (seen.isTransparent) throw new HeError('TRANSPARENT');
  }

  /** The library gives these parameters the hashes that are pinned. */
  #demandPinned(): void {
    const { key, levels } = this.profile;
    const seen = this.#library.call(() => {
      using keyId = this.#tools.context.keyParmsId();
      using firstId = this.#tools.context.firstParmsId();
      return [keyId, firstId].map((id) => hexOf(id.values() as BigUint64Array));
    });
    if (seen[0] !== key.parmsId || seen[1] !== levels.fresh.parmsId) throw new HeError('LIBRARY_UNUSABLE');
  }
}

function parametersOf(module: Module, { slots, plainModulus, primes }: Profile): EncryptionParameters {
  const parameters = new module.EncryptionParameters(module.SchemeType.bfv);
  using chain = new module.VectorModulus();
  for (const prime of primes) {
    using modulus = new module.Modulus(prime);
    chain.push_back(modulus);
  }
  using modulus = new module.Modulus(plainModulus);
  parameters.setPolyModulusDegree(slots);
  parameters.setCoeffModulus(chain);
  parameters.setPlainModulus(modulus);
  return parameters;
}

/** The library takes no Buffer and nothing over shared memory. */
function plainBytes(bytes: Uint8Array): Uint8Array {
  const isPlain =
    Object.getPrototypeOf(bytes) === Uint8Array.prototype && bytes.buffer instanceof ArrayBuffer;
  return isPlain ? bytes : Uint8Array.from(bytes);
}

/** Checked by halves, because a BigInt for each of millions of values would cost more than encrypting them. */
function demandSigned(profile: Profile, values: BigInt64Array): void {
  if (values.length > profile.slots) throw new HeError('VALUE_COUNT');
  const most = Number(largestMagnitude(profile));
  const halves = new Int32Array(values.buffer, values.byteOffset, values.length * 2);
  for (let at = 0; at < halves.length; at += 2) {
    // Exact below 2^53; larger numbers are rounded, and are too large whichever way.
    if (Math.abs(halves[at + 1]! * 2 ** 32 + (halves[at]! >>> 0)) > most) throw new HeError('VALUE_RANGE');
  }
}

function demandResidues({ slots, plainModulus }: Profile, values: BigUint64Array): void {
  if (values.length !== slots) throw new HeError('VALUE_COUNT');
  const bound = Number(plainModulus);
  const halves = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
  for (let at = 0; at < halves.length; at += 2) {
    if (halves[at + 1]! * 2 ** 32 + halves[at]! >= bound) throw new HeError('VALUE_RANGE');
  }
}

function hexOf(words: BigUint64Array): string {
  return Buffer.from(words.buffer, words.byteOffset, words.byteLength).toString('hex');
}
