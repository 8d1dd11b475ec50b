/**
 * The files of an encrypted dataset: `public.key`, `relin.keys`, and `<part>.ct` with one ciphertext after the other.
 *
 * Guarantee: a file has exactly the length that the signed manifest implies, and no byte of a key or ciphertext is
 * handed out before its SHA-256 is the manifest's. A file that is missing, shorter, longer or changed, also while it
 * is being read, is refused.
 */
import { hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';

import type { DatasetManifest } from './dataset-manifest.ts';
import { HeError } from './he-error.ts';
import { type Profile, profileOf } from './profiles.ts';

export const MANIFEST_FILE = 'manifest.jws';
export const PUBLIC_KEY_FILE = 'public.key';
export const RELIN_KEYS_FILE = 'relin.keys';

/** The path of a part's ciphertexts. */
export function partPath(directory: string, part: string): string {
  return `${directory}/${part}.ct`;
}

/** An encrypted dataset whose manifest was opened before. */
export class DatasetFiles implements AsyncDisposable {
  readonly #directory: string;
  readonly #manifest: DatasetManifest;
  readonly #profile: Profile;
  readonly #open = new Map<string, FileHandle>();

  constructor(directory: string, manifest: DatasetManifest) {
    this.#directory = directory;
    this.#manifest = manifest;
    this.#profile = profileOf(manifest.profile);
  }

  /** HeError FILE_ABSENT, FILE_LENGTH or DIGEST, with the name of the file. */
  publicKey(): Promise<Uint8Array> {
    const { publicKeyDigest } = this.#manifest;
    return this.#key(PUBLIC_KEY_FILE, this.#profile.bytes.publicKey, publicKeyDigest);
  }

  relinKeys(): Promise<Uint8Array> {
    const { relinKeysDigest } = this.#manifest;
    return this.#key(RELIN_KEYS_FILE, this.#profile.bytes.relinKeys, relinKeysDigest);
  }

  /** Ciphertext `at` of a part, counted over all groups. HeError FILE_ABSENT, FILE_LENGTH or DIGEST. */
  async block(part: string, at: number): Promise<Uint8Array> {
    const digests = this.#manifest.parts.find(({ name }) => name === part)?.digests;
    const expected = digests?.[at];
    if (digests === undefined || expected === undefined) throw new HeError('FILE_ABSENT', part);
    const length = this.#profile.bytes.ciphertext.fresh;
    const file = await this.#file(part, digests.length * length);
    const bytes = await readAt(file, at * length, length);
    if (bytes === null) throw new HeError('FILE_LENGTH', part);
    if (hash('sha256', bytes, 'hex') !== expected) throw new HeError('DIGEST', part);
    return bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const file of this.#open.values()) await file.close();
    this.#open.clear();
  }

  async #file(part: string, length: number): Promise<FileHandle> {
    const known = this.#open.get(part);
    if (known !== undefined) return known;
    const file = await openExisting(partPath(this.#directory, part), part);
    this.#open.set(part, file);
    if ((await file.stat()).size !== length) throw new HeError('FILE_LENGTH', part);
    return file;
  }

  async #key(name: string, length: number, expected: string): Promise<Uint8Array> {
    await using file = await openExisting(`${this.#directory}/${name}`, name);
    if ((await file.stat()).size !== length) throw new HeError('FILE_LENGTH', name);
    const bytes = await readAt(file, 0, length);
    if (bytes === null) throw new HeError('FILE_LENGTH', name);
    if (keyDigestOf(bytes) !== expected) throw new HeError('DIGEST', name);
    return bytes;
  }
}

/** The digest of a key, as a manifest names it. */
export function keyDigestOf(bytes: Uint8Array): `sha256:${string}` {
  return `sha256:${hash('sha256', bytes, 'hex')}`;
}

/** Exactly `length` bytes, or null where the file ends before. */
export async function readAt(file: FileHandle, from: number, length: number): Promise<Uint8Array | null> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const { bytesRead } = await file.read(bytes, done, length - done, from + done);
    if (bytesRead === 0) return null;
    done += bytesRead;
  }
  return bytes;
}

/** Opens a file to read. HeError FILE_ABSENT. */
async function openExisting(path: string, name: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch {
    throw new HeError('FILE_ABSENT', name);
  }
}
