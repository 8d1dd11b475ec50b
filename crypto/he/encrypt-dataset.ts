/**
 * Turns groups of rows into an encrypted dataset: a directory of keys, ciphertexts and a signed manifest.
 *
 * Guarantee: blocks hold rows of one group in a secret random order; every ciphertext is fresh. An interrupted run goes
 * on where it stood when it is started with the same rows, and encrypts again what is not on disk as its journal says.
 * The manifest is written last, at once and for good: without it the directory is not a dataset.
 * Not covered: the number of blocks of each group, and so its size to within a block, is not hidden from the platform.
 */
import { type FileHandle, access, constants, mkdir, open, rename } from 'node:fs/promises';
import { hash } from 'node:crypto';

import { digestOf } from '../canonical.ts';
import type { SigningKey } from '../ed25519-key.ts';
import {
  MANIFEST_FILE,
  PUBLIC_KEY_FILE,
  RELIN_KEYS_FILE,
  keyDigestOf,
  partPath,
  readAt,
} from './dataset-files.ts';
import {
  CIPHERTEXTS_MAX,
  type DatasetDescription,
  type DatasetManifest,
  parseDescription,
  partsOf,
  signManifest,
} from './dataset-manifest.ts';
import { EncryptionJournal } from './encryption-journal.ts';
import { EncryptionThreads } from './encryption-threads.ts';
import { HeError } from './he-error.ts';
import { profileOf } from './profiles.ts';
import { GroupCheck, type RowGroup, slotsOf } from './row-groups.ts';
import { rowOrder } from './row-order.ts';
import { checkKey } from './wire.ts';

/** Blocks that each thread has or waits for: the next one is ready when it is done with one. */
const BLOCKS_PER_THREAD = 2;

export interface EncryptionJob {
  readonly directory: string;
  readonly description: DatasetDescription;
  readonly publicKey: Uint8Array;
  readonly relinKeys: Uint8Array;
  /** The provider's, which signs the manifest. */
  readonly signingKey: SigningKey;
  /** Each combination of clear values once. A run that goes on has to give the same groups in the same order. */
  readonly groups: AsyncIterable<RowGroup> | Iterable<RowGroup>;
  readonly threads?: 1 | 2;
  /** Told after each block, also of blocks that an earlier run had finished. */
  readonly onProgress?: (progress: { readonly blocks: number; readonly rows: number }) => void;
}

/**
 * Encrypts, and gives the signed manifest. HeError for a description, key or row that is refused (see `GroupCheck`),
 * ALREADY_ENCRYPTED where there is a manifest, JOURNAL_FOREIGN where another run has begun.
 */
export async function encryptDataset(job: EncryptionJob): Promise<string> {
  const description = parseDescription(job.description);
  checkKeys(description, job);
  await mkdir(job.directory, { recursive: true, mode: 0o700 });
  if (await exists(`${job.directory}/${MANIFEST_FILE}`)) throw new HeError('ALREADY_ENCRYPTED');
  // An interrupted run may be finished later, by which time it is another day.
  const { createdAt: _, ...lasting } = description;
  await using journal = await EncryptionJournal.open(job.directory, digestOf(lasting));
  const { groups, digests } = await encryptBlocks(job, description, journal);
  await writeWhole(`${job.directory}/${PUBLIC_KEY_FILE}`, job.publicKey);
  await writeWhole(`${job.directory}/${RELIN_KEYS_FILE}`, job.relinKeys);
  const parts = partsOf(description).map((name, at) => ({
    name,
    digests: digests.map((block) => block[at]!),
  }));
  const jws = await signManifest({ ...description, groups, parts }, job.signingKey);
  await writeWhole(`${job.directory}/${MANIFEST_FILE}`, new TextEncoder().encode(jws));
  await journal.remove();
  return jws;
}

function checkKeys(description: DatasetDescription, { publicKey, relinKeys }: EncryptionJob): void {
  const profile = profileOf(description.profile);
  checkKey(profile, 'publicKey', publicKey);
  checkKey(profile, 'relinKeys', relinKeys);
  if (keyDigestOf(publicKey) !== description.publicKeyDigest) throw new HeError('DIGEST', 'publicKey');
  if (keyDigestOf(relinKeys) !== description.relinKeysDigest) throw new HeError('DIGEST', 'relinKeys');
}

interface Written {
  readonly groups: DatasetManifest['groups'];
  /** For each block the digest of each part. */
  readonly digests: readonly (readonly string[])[];
}

async function encryptBlocks(
  { directory, publicKey, groups: source, threads: count = 2, onProgress }: EncryptionJob,
  description: DatasetDescription,
  journal: EncryptionJournal,
): Promise<Written> {
  const { name: profile, slots } = profileOf(description.profile);
  await using threads = new EncryptionThreads(count, { profile, publicKey });
  await using files = await BlockFiles.open(directory, description);
  await using line = new Pipeline(count * BLOCKS_PER_THREAD);
  const check = new GroupCheck(description);
  const groups: DatasetManifest['groups'] = [];
  const digests: (readonly string[])[] = [];
  let done = { blocks: 0, rows: 0 };
  let block = 0;
  for await (const group of source) {
    check.check(group);
    if (group.rows === 0) continue;
    await journal.noteGroup(groups.length, bytesOf(group));
    const order = rowOrder(group.rows, journal.orderSeed(groups.length));
    // Told now rather than after hours.
    if ((block + Math.ceil(group.rows / slots)) * partsOf(description).length > CIPHERTEXTS_MAX) {
      throw new HeError('ROWS_TOO_MANY');
    }
    groups.push({ values: [...group.values], blocks: Math.ceil(group.rows / slots) });
    for (let from = 0; from < group.rows; from += slots) {
      const chosen = order.subarray(from, from + slots);
      const at = block++;
      await line.start(async () => {
        const values = () => slotsOf(description, group, chosen, slots);
        digests[at] = await finishBlock(at, {
          journal,
          files,
          encrypt: () => threads.encrypt({ values: values() }),
        });
        done = { blocks: done.blocks + 1, rows: done.rows + chosen.length };
        onProgress?.(done);
      });
    }
  }
  await line.drain();
  await files.finish(block);
  return { groups, digests };
}

interface BlockWork {
  readonly journal: EncryptionJournal;
  readonly files: BlockFiles;
  readonly encrypt: () => ReturnType<EncryptionThreads['encrypt']>;
}

/** The digests of a block's ciphertexts, which are in the files when this is done. */
async function finishBlock(at: number, { journal, files, encrypt }: BlockWork): Promise<readonly string[]> {
  const finished = journal.finished(at);
  if (finished !== null && (await files.holds(at, finished))) return finished;
  const { ciphertexts, digests } = await encrypt();
  await files.write(at, ciphertexts);
  await journal.noteBlock(at, digests);
  return digests;
}

/** The bytes of a group, for a digest that tells whether a run that goes on has the same rows. */
function* bytesOf({ values, columns }: RowGroup): Generator<Uint8Array> {
  yield new TextEncoder().encode(JSON.stringify(values));
  for (const { grid, present } of columns) {
    yield new Uint8Array(grid.buffer, grid.byteOffset, grid.byteLength);
    if (present !== null) yield present;
  }
}

/** One file for each part, written in any order. */
class BlockFiles implements AsyncDisposable {
  readonly #files: readonly FileHandle[];
  readonly #length: number;

  private constructor(files: readonly FileHandle[], length: number) {
    this.#files = files;
    this.#length = length;
  }

  static async open(directory: string, description: DatasetDescription): Promise<BlockFiles> {
    const { O_RDWR, O_CREAT } = constants;
    const files: FileHandle[] = [];
    for (const part of partsOf(description)) {
      files.push(await open(partPath(directory, part), O_RDWR | O_CREAT, 0o600));
    }
    return new BlockFiles(files, profileOf(description.profile).bytes.ciphertext.fresh);
  }

  async write(block: number, ciphertexts: readonly Uint8Array[]): Promise<void> {
    for (const [at, bytes] of ciphertexts.entries()) await this.#writeAll(this.#files[at]!, block, bytes);
  }

  /** Whether the ciphertexts of a block are there, by their digests. */
  async holds(block: number, digests: readonly string[]): Promise<boolean> {
    for (const [at, file] of this.#files.entries()) {
      const bytes = await readAt(file, block * this.#length, this.#length);
      if (bytes === null || hash('sha256', bytes, 'hex') !== digests[at]) return false;
    }
    return true;
  }

  /** Cuts off what another run may have left behind the last block, and waits for the disk. */
  async finish(blocks: number): Promise<void> {
    for (const file of this.#files) {
      await file.truncate(blocks * this.#length);
      await file.sync();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const file of this.#files) await file.close();
  }

  async #writeAll(file: FileHandle, block: number, bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const at = block * this.#length + done;
      done += (await file.write(bytes, done, bytes.length - done, at)).bytesWritten;
    }
  }
}

/** Lets a few pieces of work run at a time. The first failure stops the rest, once what runs has ended. */
class Pipeline implements AsyncDisposable {
  readonly #most: number;
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | null = null;

  constructor(most: number) {
    this.#most = most;
  }

  async start(work: () => Promise<void>): Promise<void> {
    while (this.#running.size >= this.#most) await Promise.race(this.#running);
    this.#demandSound();
    const run = work()
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  async drain(): Promise<void> {
    await Promise.all(this.#running);
    this.#demandSound();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#running);
  }

  #demandSound(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }
}

/** A file that is there as a whole or not at all. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const partial = `${path}.partial`;
  await using file = await open(partial, 'w', 0o600);
  await file.writeFile(bytes);
  await file.sync();
  await rename(partial, path);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
