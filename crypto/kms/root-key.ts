/**
 * The root of a sealed keyring: a key from a passphrase or from a key file.
 *
 * A passphrase goes through Argon2id (RFC 9106) with the second recommended parameters of its §4 (64 MiB, 3 passes,
 * 4 lanes): 0.4 to 0.6 s on a core of ours, while scrypt (RFC 7914) with N = 2^17, r = 8 takes as long for twice the
 * memory but has no defence of its own against trading memory for time. What was used stands in the head of the
 * sealed file, as its context, and is thereby authenticated.
 *
 * Guarantee: a key file that others may read is refused.
 * Not covered: a passphrase that can be guessed. Under suite 2 a key file is the choice: Argon2id is no GM/T algorithm.
 */
import { argon2Sync, hkdfSync } from 'node:crypto';

import type { Suite } from '../at-rest/suites.ts';
import { decodeBytes, encodeBytes } from '../bytes.ts';
import type { EncryptionContext } from '../encryption-context.ts';
import { freshBytes } from '../fresh-bytes.ts';
import { KmsError } from './adapter.ts';
import { readSecretFile, writeSecretFile } from './sealed-file.ts';

/** Where the root comes from. A passphrase has at least 12 bytes; a key file holds 32 and has mode 0600. */
export type RootSecret = { readonly passphrase: Uint8Array } | { readonly keyFile: string };

const KEY_FILE_BYTES = 32;
const PASSPHRASE_BYTES_MIN = 12;
const SALT_BYTES = 16;
const COST = { memoryKiB: '65536', passes: '3', lanes: '4' };
/** What a damaged or hostile file may make us spend before its tag is checked. */
const MEMORY_KIB_MAX = 1 << 20;
const PASSES_MAX = 16;
const LANES_MAX = 16;

/** How a new keyring gets its root: what stands in its head. PASSPHRASE_SHORT. */
export function newRootContext(secret: RootSecret): EncryptionContext {
  if ('keyFile' in secret) return { root: 'key-file' };
  if (secret.passphrase.length < PASSPHRASE_BYTES_MIN) throw new KmsError('PASSPHRASE_SHORT');
  return { root: 'argon2id', salt: encodeBytes(freshBytes(SALT_BYTES), 'base64url'), ...COST };
}

/**
 * The root key that a keyring with this context needs, to be wiped after use. ROOT_REFUSED when the secret is of the
 * other kind, or the context asks for more work than we do; KEY_FILE_UNSAFE.
 */
export function deriveRoot(
  secret: RootSecret,
  context: EncryptionContext,
  { aead, hash }: Suite,
): Uint8Array {
  const material =
    'keyFile' in secret ? fromKeyFile(secret.keyFile, context) : fromPassphrase(secret, context);
  const info = 'unseen/keyring-root/1';
  const key = Buffer.from(hkdfSync(hash, material, new Uint8Array(), info, aead.keyBytes));
  material.fill(0);
  return key;
}

/** Writes a new key file. KEY_FILE_UNSAFE when there is a file already. */
export function createKeyFile(path: string): void {
  const key = freshBytes(KEY_FILE_BYTES);
  if (!writeSecretFile(path, key)) throw new KmsError('KEY_FILE_UNSAFE');
  key.fill(0);
}

function fromKeyFile(path: string, { root }: EncryptionContext): Uint8Array {
  if (root !== 'key-file') throw new KmsError('ROOT_REFUSED');
  const key = readSecretFile(path);
  if (key?.length !== KEY_FILE_BYTES) throw new KmsError('KEY_FILE_UNSAFE');
  return key;
}

function fromPassphrase(
  { passphrase }: { readonly passphrase: Uint8Array },
  { root, salt = '', memoryKiB, passes, lanes }: EncryptionContext,
): Uint8Array {
  const nonce = decodeBytes(salt, 'base64url');
  const memory = upTo(MEMORY_KIB_MAX, memoryKiB);
  const parallelism = upTo(LANES_MAX, lanes);
  if (root !== 'argon2id' || nonce?.length !== SALT_BYTES || memory < 8 * parallelism) {
    throw new KmsError('ROOT_REFUSED');
  }
  const cost = { memory, parallelism, passes: upTo(PASSES_MAX, passes), tagLength: KEY_FILE_BYTES };
  return argon2Sync('argon2id', { message: passphrase, nonce, ...cost });
}

function upTo(max: number, text = ''): number {
  const value = /^[1-9]\d{0,8}$/.test(text) ? Number(text) : Infinity;
  if (value > max) throw new KmsError('ROOT_REFUSED');
  return value;
}
