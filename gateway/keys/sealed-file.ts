/**
 * Sealed files: a file into an envelope, and an envelope's data key under a new version of its key.
 *
 * Guarantee: a target is there whole or not at all, and is never overwritten; plaintext is read and never written. A
 * rewrap replaces the file by one that differs in its key block only: whoever reads meanwhile has the one or the
 * other, and a crash leaves one of them.
 * Not covered: the plaintext that was sealed. It stays where it was, for its owner to erase.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  copyFileSync,
  createReadStream,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { type EnvelopeHead, HEAD_BYTES_MAX, readHead, rewrapHead } from '#crypto/at-rest/envelope-head.ts';
import { sealEnvelope } from '#crypto/at-rest/seal.ts';
import { type SuiteNumber, suiteOf } from '#crypto/at-rest/suites.ts';
import type { EncryptionContext } from '#crypto/encryption-context.ts';
import type { KmsAdapter } from '#crypto/kms/adapter.ts';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { withKeyFaults } from './key-faults.ts';

/** Which data a sealed file holds: what its keys are bound to, beside the file's own random id. */
export interface SealedFor {
  readonly dataset: string;
  readonly lineage: string;
}

/** The context of an object of a dataset. */
export function contextOf({ dataset, lineage }: SealedFor, objectId: string): EncryptionContext {
  return { dataset, lineage, object: objectId };
}

export interface SealRequest extends SealedFor {
  readonly file: string;
  readonly out: string;
  /** The key-encryption key. */
  readonly key: string;
  readonly suite: SuiteNumber;
  readonly onProgress?: (done: number, of: number) => void;
}

/** What was sealed. */
export interface SealedFile {
  readonly objectId: string;
  readonly keyVersion: number;
  readonly cipher: string;
  /** Of the envelope. */
  readonly bytes: number;
}

const CHUNK_BYTES = 4 * 2 ** 20;

/** Seals a file. Refuses: KEY_REFUSED. Fails: CONFIG when the file cannot be read or the target is there, KMS_UNAVAILABLE. */
export async function sealFile(kms: KmsAdapter, request: SealRequest): Promise<SealedFile> {
  const { file, out, key } = request;
  if (statSync(out, { throwIfNoEntry: false }) !== undefined) throw targetExists(out);
  const source = openRegular(file);
  try {
    const of = fstatSync(source).size;
    const objectId = randomBytes(16).toString('hex');
    const context = contextOf(request, objectId);
    const { suite } = request;
    const { aead } = suiteOf(suite);
    const made = await withKeyFaults({ key }, kms.generateDataKey(key, context, aead.keyBytes));
    try {
      const options = { suite, dataKey: made.plaintext, wrapped: [made.wrapped], objectId, context };
      const plain = counted(source, (done) => request.onProgress?.(done, of));
      const bytes = await writeNew(out, sealEnvelope(options, plain));
      return { objectId, keyVersion: made.wrapped.version, cipher: aead.name, bytes };
    } finally {
      made.plaintext.fill(0);
    }
  } finally {
    closeSync(source);
  }
}

/** The head of a sealed file. Throws EnvelopeError, or Node's own error when the file cannot be read. */
export function readSealedHead(path: string): EnvelopeHead {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const bytes = Buffer.alloc(HEAD_BYTES_MAX);
    let length = 0;
    for (let count = 1; count > 0 && length < bytes.length; length += count)
      count = readSync(file, bytes, length, bytes.length - length, null);
    return readHead(bytes.subarray(0, length));
  } finally {
    closeSync(file);
  }
}

/** What a rewrap did. */
export interface Rewrapped {
  readonly key: string;
  readonly from: number;
  readonly to: number;
}

/**
 * Puts the data key of a sealed file under the newest version of its key. Refuses: KEY_REFUSED. Fails:
 * SOURCE_UNREADABLE for a file that is none, KMS_UNAVAILABLE.
 */
export async function rewrapFile(kms: KmsAdapter, file: string): Promise<Rewrapped> {
  const head = await withKeyFaults({ key: '', file }, readHeadLater(file));
  const [wrapped, ...others] = head.wrapped;
  if (wrapped === undefined || others.length > 0) throw new Failure('CONFIG', say('keys.oneKey', { file }));
  const { keyId: key, version: from } = wrapped;
  const renewed = await withKeyFaults({ key }, kms.rewrap(wrapped, head.object.context));
  if (renewed.version !== from) replaceHead(file, [renewed]);
  return { key, from, to: renewed.version };
}

async function readHeadLater(file: string): Promise<EnvelopeHead> {
  try {
    return await Promise.resolve(readSealedHead(file));
  } catch (cause) {
    if (cause instanceof Error && 'syscall' in cause)
      throw new Failure('CONFIG', say('cli.fileUnreadable', { file }), { cause });
    throw cause;
  }
}

/** A copy with another key block in the file's place. Where the file system can, the copy shares its blocks. */
function replaceHead(file: string, wrapped: Parameters<typeof rewrapHead>[1]): void {
  const draft = draftOf(file);
  try {
    copyFileSync(file, draft, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    const copy = openSync(draft, 'r+');
    try {
      const { bytes } = readSealedHead(draft);
      const head = Buffer.alloc(bytes);
      readSync(copy, head, 0, bytes, 0);
      writeSync(copy, rewrapHead(head, wrapped), 0, bytes, 0);
      fsyncSync(copy);
    } finally {
      closeSync(copy);
    }
    renameSync(draft, file);
  } finally {
    rmSync(draft, { force: true });
  }
  syncDirectory(file);
}

/** Writes a new file whole: under another name until all of it is on disk. */
async function writeNew(out: string, pieces: AsyncIterable<Uint8Array>): Promise<number> {
  const draft = draftOf(out);
  const target = openNew(draft);
  let bytes = 0;
  try {
    for await (const piece of pieces) {
      for (let at = 0; at < piece.length;) at += writeSync(target, piece, at);
      bytes += piece.length;
    }
    fsyncSync(target);
    linkSync(draft, out);
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? targetExists(out) : error;
  } finally {
    closeSync(target);
    rmSync(draft, { force: true });
  }
  syncDirectory(out);
  return bytes;
}

function draftOf(file: string): string {
  return `${file}.${randomBytes(6).toString('hex')}.part`;
}

function openNew(path: string): number {
  try {
    return openSync(path, 'wx', 0o600);
  } catch (cause) {
    throw new Failure('CONFIG', say('keys.unwritable', { file: path }), { cause });
  }
}

/** Non-blocking, so that a named pipe is refused instead of waited for. */
function openRegular(file: string): number {
  let opened: number;
  try {
    opened = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw new Failure('CONFIG', say('cli.fileUnreadable', { file }), { cause });
  }
  if (fstatSync(opened).isFile()) return opened;
  closeSync(opened);
  throw new Failure('CONFIG', say('cli.fileUnreadable', { file }));
}

async function* counted(source: number, told: (done: number) => void): AsyncGenerator<Uint8Array> {
  let done = 0;
  const stream = createReadStream('', { fd: source, autoClose: false, highWaterMark: CHUNK_BYTES, start: 0 });
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    yield chunk;
    done += chunk.length;
    told(done);
  }
}

function targetExists(file: string): Failure {
  return new Failure('CONFIG', say('keys.targetExists', { file }));
}

/** A name is on disk when its directory is. */
function syncDirectory(file: string): void {
  const directory = openSync(dirname(file), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
