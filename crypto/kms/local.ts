/**
 * Key management in a sealed file on this machine: `keyring.sealed` in a directory of its own.
 *
 * The file is an envelope (`at-rest/envelope-head.ts`) under a root key from a passphrase or a key file. A change is
 * made under a lock on the directory, over what the file holds at that moment, and is on disk before the call
 * returns. Every use looks first whether another process changed the file, so a key that was destroyed there is
 * destroyed here.
 *
 * Guarantee: as in `adapter.ts`. After `destroy` returned, no material of the key is in the file, and a file with
 * fewer changes than this process has seen is refused.
 * Not covered: an older copy of the file (a backup) opens with the root that sealed it: keep the directory out of
 * backups of data, or destroy the backups too. An older copy put back before this process began is not noticed.
 */
import { join } from 'node:path';

import { EnvelopeError } from '../at-rest/envelope-error.ts';
import { EnvelopeOpener } from '../at-rest/open.ts';
import { EnvelopeSealer } from '../at-rest/seal.ts';
import { HEAD_BYTES_MAX, readHead } from '../at-rest/envelope-head.ts';
import { type Suite, type SuiteNumber, suiteOf } from '../at-rest/suites.ts';
import { NONCE_BYTES } from '../aead.ts';
import { decodeBytes, encodeBytes } from '../bytes.ts';
import { contextText, type EncryptionContext } from '../encryption-context.ts';
import { freshBytes } from '../fresh-bytes.ts';
import { type DestructionRecord, type KeyDescription, type KmsAdapter, KmsError } from './adapter.ts';
import type { DataKey, KmsHealth, WrappedKey } from './adapter.ts';
import { checkContext, checkDataKey, checkKeyId, checkWrapped } from './checks.ts';
import * as rings from './keyring.ts';
import { deriveRoot, newRootContext, type RootSecret } from './root-key.ts';
import { fileIdentity, readSecretFile, replaceFile, writeSecretFile } from './sealed-file.ts';

const FILE = 'keyring.sealed';
const OBJECT_ID = 'unseen-keyring';
const LOCK_WAIT_MS = 10_000;

export interface LocalKmsOptions {
  /** An existing directory that nothing else uses. */
  readonly directory: string;
  readonly root: RootSecret;
  /** The time, ISO 8601. */
  readonly now: () => string;
  /** Locks a directory against every other process, waiting at most so long; throws when it cannot. */
  readonly lock: (
    directory: string,
    wait: { readonly waitMs: number },
  ) => Promise<{ release(): Promise<void> }>;
}

/** Makes an empty keyring, whose keys will be of this suite. STORE_EXISTS, PASSPHRASE_SHORT, KEY_FILE_UNSAFE. */
export function createLocalKeyring(
  { directory, root }: Pick<LocalKmsOptions, 'directory' | 'root'>,
  suite: SuiteNumber,
): void {
  const context = newRootContext(root);
  const rootKey = deriveRoot(root, context, suiteOf(suite));
  const bytes = sealKeyring(rings.emptyKeyring(suite), rootKey, context);
  rootKey.fill(0);
  if (!writeSecretFile(join(directory, FILE), bytes)) throw new KmsError('STORE_EXISTS');
}

/** Opens the keyring of a directory. STORE_MISSING, STORE_DAMAGED, ROOT_REFUSED, KEY_FILE_UNSAFE. */
export function openLocalKms(options: LocalKmsOptions): KmsAdapter {
  return new LocalKms(options);
}

class LocalKms implements KmsAdapter {
  readonly kind = 'local';
  readonly #path: string;
  readonly #options: LocalKmsOptions;
  readonly #context: EncryptionContext;
  readonly #rootKey: Uint8Array;
  #ring: rings.Keyring;
  #identity: string | null = null;
  #isClosed = false;
  /** Changes of this process, one after the other. */
  #changes: Promise<unknown> = Promise.resolve();

  constructor(options: LocalKmsOptions) {
    this.#options = options;
    this.#path = join(options.directory, FILE);
    const { suite, object } = headOf(readStore(this.#path));
    this.#context = object.context;
    this.#rootKey = deriveRoot(options.root, object.context, suite);
    this.#ring = rings.emptyKeyring(suite.number);
    this.#refresh();
  }

  async createKey(id: string): Promise<KeyDescription> {
    return this.#describeAfter(id, (ring, now) => rings.withNewKey(ring, id, now));
  }

  async describe(id: string): Promise<KeyDescription> {
    checkKeyId(id);
    return rings.describeKey(this.#current(), id);
  }

  async list(): Promise<readonly string[]> {
    return this.#current().keys.map(({ id }) => id);
  }

  async generateDataKey(id: string, context: EncryptionContext, bytes: 16 | 32): Promise<DataKey> {
    const plaintext = freshBytes(bytes);
    return { plaintext, wrapped: await this.wrap(id, plaintext, context) };
  }

  async wrap(id: string, dataKey: Uint8Array, context: EncryptionContext): Promise<WrappedKey> {
    checkKeyId(id);
    checkDataKey(dataKey);
    checkContext(context);
    const ring = this.#current();
    const version = rings.keyOf(ring, id).versions.length;
    const material = rings.materialOf(ring, id, version);
    const nonce = freshBytes(NONCE_BYTES);
    const sealed = aeadOf(ring).seal(material, nonce, wrapAad(id, version, context), dataKey);
    const text = encodeBytes(Buffer.concat([nonce, sealed]), 'base64url');
    return { keyId: id, version, ciphertext: `${prefixOf(version)}${text}` };
  }

  async unwrap(wrapped: WrappedKey, context: EncryptionContext): Promise<Uint8Array> {
    checkWrapped(wrapped);
    checkContext(context);
    const { keyId, version, ciphertext } = wrapped;
    const prefix = prefixOf(version);
    const bytes = ciphertext.startsWith(prefix)
      ? decodeBytes(ciphertext.slice(prefix.length), 'base64url')
      : null;
    if (bytes === null || bytes.length < NONCE_BYTES) throw new KmsError('WRAPPED_MALFORMED');
    const ring = this.#current();
    const material = rings.materialOf(ring, keyId, version);
    const [nonce, sealed] = [bytes.subarray(0, NONCE_BYTES), bytes.subarray(NONCE_BYTES)];
    const dataKey = aeadOf(ring).open(material, nonce, wrapAad(keyId, version, context), sealed);
    if (dataKey === null) throw new KmsError('WRAPPED_REFUSED');
    return dataKey;
  }

  async rewrap(wrapped: WrappedKey, context: EncryptionContext): Promise<WrappedKey> {
    const dataKey = await this.unwrap(wrapped, context);
    try {
      return await this.wrap(wrapped.keyId, dataKey, context);
    } finally {
      dataKey.fill(0);
    }
  }

  async rotate(id: string): Promise<KeyDescription> {
    return this.#describeAfter(id, (ring, now) => rings.withNewVersion(ring, id, now));
  }

  async disable(id: string): Promise<KeyDescription> {
    return this.#describeAfter(id, (ring) => rings.withDisabled(ring, id, true));
  }

  async enable(id: string): Promise<KeyDescription> {
    return this.#describeAfter(id, (ring) => rings.withDisabled(ring, id, false));
  }

  async destroyBefore(id: string, version: number): Promise<DestructionRecord> {
    return this.#destroy(id, ({ latestVersion }) => {
      if (!Number.isSafeInteger(version) || version < 1 || version > latestVersion) {
        throw new KmsError('VERSION_INVALID');
      }
      return version;
    });
  }

  async destroy(id: string): Promise<DestructionRecord> {
    return this.#destroy(id, ({ latestVersion }) => latestVersion + 1);
  }

  async health(): Promise<KmsHealth> {
    try {
      this.#current();
      return { ok: true, code: null };
    } catch (error) {
      return { ok: false, code: error instanceof KmsError ? error.code : 'UNAVAILABLE' };
    }
  }

  async close(): Promise<void> {
    // Whoever waits for a change has its outcome; whether it failed is his matter.
    await this.#changes.catch(() => {});
    this.#isClosed = true;
    this.#rootKey.fill(0);
    rings.wipeKeyring(this.#ring);
  }

  async #destroy(id: string, below: (key: KeyDescription) => number): Promise<DestructionRecord> {
    checkKeyId(id);
    let record: DestructionRecord | undefined;
    await this.#change((ring, now) => {
      const without = rings.withoutBefore(ring, id, below(rings.describeKey(ring, id)), now);
      ({ record } = without);
      return without.ring;
    });
    return record!;
  }

  async #describeAfter(
    id: string,
    change: (ring: rings.Keyring, now: string) => rings.Keyring,
  ): Promise<KeyDescription> {
    checkKeyId(id);
    return rings.describeKey(await this.#change(change), id);
  }

  /** The keyring as the file has it now. */
  #current(): rings.Keyring {
    if (this.#isClosed) throw new KmsError('CLOSED');
    this.#refresh();
    return this.#ring;
  }

  #refresh(): void {
    const identity = fileIdentity(this.#path);
    if (identity !== null && identity === this.#identity) return;
    const ring = openKeyring(readStore(this.#path), this.#rootKey, this.#context);
    if (ring.sequence < this.#ring.sequence) {
      rings.wipeKeyring(ring);
      throw new KmsError('STORE_DAMAGED');
    }
    rings.wipeKeyring(this.#ring);
    this.#ring = ring;
    this.#identity = identity;
  }

  /** Makes a change durable and gives the keyring with it. STORE_BUSY, STORE_UNWRITABLE. */
  #change(change: (ring: rings.Keyring, now: string) => rings.Keyring): Promise<rings.Keyring> {
    const changed = this.#changes.catch(() => {}).then(() => this.#changeAlone(change));
    this.#changes = changed;
    return changed;
  }

  async #changeAlone(change: (ring: rings.Keyring, now: string) => rings.Keyring): Promise<rings.Keyring> {
    const lock = await this.#lock();
    try {
      const next = change(this.#current(), this.#options.now());
      const bytes = sealKeyring(next, this.#rootKey, this.#context);
      writeStore(this.#path, bytes);
      // Read back: what this process uses from here on is what the file holds.
      this.#refresh();
      return this.#ring;
    } finally {
      await lock.release();
    }
  }

  async #lock(): Promise<{ release(): Promise<void> }> {
    try {
      return await this.#options.lock(this.#options.directory, { waitMs: LOCK_WAIT_MS });
    } catch {
      throw new KmsError('STORE_BUSY');
    }
  }
}

function aeadOf({ suite }: rings.Keyring): Suite['aead'] {
  return suiteOf(suite).aead;
}

function prefixOf(version: number): string {
  return `local:v${version}:`;
}

function wrapAad(id: string, version: number, context: EncryptionContext): Uint8Array {
  return Buffer.from(`unseen/wrap/1 ${id} ${version} ${contextText(context)}`);
}

function readStore(path: string): Uint8Array {
  if (fileIdentity(path) === null) throw new KmsError('STORE_MISSING');
  const bytes = readSecretFile(path);
  // There, and not a file of its owner's alone.
  if (bytes === null) throw new KmsError('STORE_DAMAGED');
  return bytes;
}

function writeStore(path: string, bytes: Uint8Array): void {
  try {
    replaceFile(path, bytes);
  } catch {
    throw new KmsError('STORE_UNWRITABLE');
  }
}

function headOf(bytes: Uint8Array): ReturnType<typeof readHead> {
  try {
    return readHead(bytes.subarray(0, HEAD_BYTES_MAX));
  } catch {
    throw new KmsError('STORE_DAMAGED');
  }
}

function sealKeyring(ring: rings.Keyring, rootKey: Uint8Array, context: EncryptionContext): Uint8Array {
  const plain = rings.renderKeyring(ring);
  const options = { suite: ring.suite, dataKey: rootKey, wrapped: [], objectId: OBJECT_ID, context };
  const sealer = new EnvelopeSealer(options);
  try {
    return Buffer.concat([sealer.head, ...sealer.push(plain), ...sealer.finish()]);
  } finally {
    sealer.wipe();
    plain.fill(0);
  }
}

/** STORE_DAMAGED, or ROOT_REFUSED when the key is not the one that sealed it. */
function openKeyring(bytes: Uint8Array, rootKey: Uint8Array, context: EncryptionContext): rings.Keyring {
  const opener = new EnvelopeOpener(rootKey, { objectId: OBJECT_ID, context });
  const parts: Uint8Array[] = [];
  try {
    parts.push(...opener.push(bytes));
    parts.push(opener.finish());
  } catch (error) {
    const isRoot = error instanceof EnvelopeError && error.code === 'KEY_REFUSED';
    throw new KmsError(isRoot ? 'ROOT_REFUSED' : 'STORE_DAMAGED');
  } finally {
    opener.wipe();
  }
  const plain = Buffer.concat(parts);
  try {
    return rings.parseKeyring(plain);
  } finally {
    for (const part of [plain, ...parts]) part.fill(0);
  }
}
