/**
 * The custodian's secret keys at rest: one file for each, sealed under a data key that a key service wraps.
 *
 * Guarantee: a file gives its key only to whoever the key service gives the data key to, for that key id and profile;
 * a changed file, or one under another name, does not open. Files have mode 0600 and are never written twice.
 * Not covered: the plaintext while a key is made (the process of `unseen custodian keys --create`, which ends) and while
 * it is used (decryptor-process.ts). Neither can promise to overwrite it in memory.
 */
import { globSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { aes256Gcm, NONCE_BYTES } from '#crypto/aead.ts';
import { decodeBytes, encodeBytes } from '#crypto/bytes.ts';
import { canonicalBytes, canonicalJson, type Digest, sha256Hex } from '#crypto/canonical.ts';
import type { KeySet } from '#crypto/he/seal.ts';
import { PROFILE_NAMES, type ProfileName } from '#crypto/he/profiles.ts';
import type { KmsAdapter } from '#crypto/kms/adapter.ts';
import { readSecretFile, writeSecretFile } from '#crypto/kms/sealed-file.ts';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { withKeyFaults } from '../keys/key-faults.ts';

const VERSION = '1';
/** The key-encryption key of a custodian. */
export const WRAPPING_KEY = 'custodian';

const digest = z.templateLiteral([z.literal('sha256:'), z.string().regex(/^[0-9a-f]{64}$/)]);

const fileSchema = z.strictObject({
  version: z.literal(VERSION),
  keyId: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/),
  profile: z.enum(PROFILE_NAMES),
  publicKeyDigest: digest,
  relinKeysDigest: digest,
  createdAt: z.iso.datetime({ offset: true }),
  wrapped: z.strictObject({ keyId: z.string(), version: z.int(), ciphertext: z.string() }),
  nonce: z.string(),
  sealed: z.string(),
});

type KeyFile = z.infer<typeof fileSchema>;

/** What anybody may know of a key. */
export type KeyRecord = Pick<
  KeyFile,
  'keyId' | 'profile' | 'publicKeyDigest' | 'relinKeysDigest' | 'createdAt'
>;

/** A sealed key with what opens it; `openSealedKey` takes it. */
export interface SealedKey {
  readonly profile: ProfileName;
  /** To be wiped after use. */
  readonly dataKey: Uint8Array;
  readonly nonce: Uint8Array;
  readonly aad: Uint8Array;
  readonly sealed: Uint8Array;
}

/** Seals a new key into the store. Failures of the key service as `withKeyFaults` says; CONFIG when the id is taken. */
export async function storeKey(
  directory: string,
  kms: KmsAdapter,
  { profile, keys, createdAt }: { profile: ProfileName; keys: KeySet; createdAt: string },
): Promise<KeyRecord> {
  const publicKeyDigest: Digest = `sha256:${sha256Hex(keys.publicKey)}`;
  const relinKeysDigest: Digest = `sha256:${sha256Hex(keys.relinKeys)}`;
  // The public key is random enough to name the key.
  const keyId = `he-${publicKeyDigest.slice('sha256:'.length, 'sha256:'.length + 32)}`;
  const record = { keyId, profile, publicKeyDigest, relinKeysDigest, createdAt };
  const data = await withKeyFaults(
    { key: WRAPPING_KEY },
    kms.generateDataKey(WRAPPING_KEY, contextOf(record), 32),
  );
  // A data key seals one thing once, so that any nonce will do.
  const nonce = new Uint8Array(NONCE_BYTES);
  const sealed = aes256Gcm.seal(data.plaintext, nonce, aadOf(record), keys.secretKey);
  data.plaintext.fill(0);
  const file: KeyFile = {
    version: VERSION,
    ...record,
    wrapped: data.wrapped,
    nonce: encodeBytes(nonce, 'base64url'),
    sealed: encodeBytes(sealed, 'base64url'),
  };
  mkdirSync(join(directory, 'keys'), { recursive: true, mode: 0o700 });
  const path = fileOf(directory, keyId);
  if (!writeSecretFile(path, Buffer.from(canonicalJson(file))))
    throw new Failure('CONFIG', say('custodian.filesystem', { file: path }));
  return record;
}

/** Every key of a store. Failure CONFIG for a file that is none. */
export function listKeys(directory: string): readonly KeyRecord[] {
  return globSync('he-*.json', { cwd: join(directory, 'keys') })
    .toSorted()
    .map((name) => {
      const { keyId, profile, publicKeyDigest, relinKeysDigest, createdAt } = readKeyFile(
        directory,
        basename(name, '.json'),
      );
      return { keyId, profile, publicKeyDigest, relinKeysDigest, createdAt };
    });
}

/** A sealed key and its data key. Failures of the key service; CONFIG when the file is not what was stored. */
export async function fetchSealedKey(directory: string, kms: KmsAdapter, keyId: string): Promise<SealedKey> {
  const file = readKeyFile(directory, keyId);
  const dataKey = await withKeyFaults({ key: WRAPPING_KEY }, kms.unwrap(file.wrapped, contextOf(file)));
  const [nonce, sealed] = [decodeBytes(file.nonce, 'base64url'), decodeBytes(file.sealed, 'base64url')];
  if (nonce?.length !== NONCE_BYTES || sealed === null) throw damaged(keyId);
  return { profile: file.profile, dataKey, nonce, aad: aadOf(file), sealed };
}

/** The secret key; null when the seal does not hold. */
export function openSealedKey({ dataKey, nonce, aad, sealed }: SealedKey): Uint8Array | null {
  return aes256Gcm.open(dataKey, nonce, aad, sealed);
}

function readKeyFile(directory: string, keyId: string): KeyFile {
  const bytes = readSecretFile(fileOf(directory, keyId));
  let value: unknown = null;
  try {
    value = bytes === null ? null : JSON.parse(Buffer.from(bytes).toString());
  } catch {
    // No JSON is no key file.
  }
  const parsed = fileSchema.safeParse(value);
  if (!parsed.success || parsed.data.keyId !== keyId) throw damaged(keyId);
  return parsed.data;
}

function contextOf({ keyId, profile }: Pick<KeyRecord, 'keyId' | 'profile'>): Record<string, string> {
  return { purpose: 'he-secret-key', keyId, profile };
}

function aadOf({ keyId, profile, publicKeyDigest, relinKeysDigest, createdAt }: KeyRecord): Uint8Array {
  return canonicalBytes({ keyId, profile, publicKeyDigest, relinKeysDigest, createdAt });
}

function fileOf(directory: string, keyId: string): string {
  return join(directory, 'keys', `${keyId}.json`);
}

function damaged(key: string): Failure {
  return new Failure('CONFIG', say('custodian.keyDamaged', { key }));
}
