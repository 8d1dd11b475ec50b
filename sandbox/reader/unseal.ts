/**
 * Opens an envelope inside the reader's jail, into memory of the jail.
 *
 * Guarantee: what is written was authenticated first, and nothing is written where a disk is: the place must be a
 * tmpfs. Of an envelope that is not whole, or not what was expected, nothing is left but an error without words.
 * Not covered: swap. The kernel may move memory of a tmpfs there, so a machine for sealed data has none, or an
 * encrypted one.
 */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { EnvelopeOpener } from '#crypto/at-rest/open.ts';
import type { SealedInput } from './protocol.ts';

/** TMPFS_MAGIC of linux/magic.h. */
const TMPFS = 0x01021994;
const CHUNK_BYTES = 4 * 2 ** 20;

/** Decrypts to `path`; SHA-256 (hex) of the plaintext. Throws EnvelopeError, RangeError, or Node's own errors. */
export function unseal({ from, ...expected }: SealedInput, path: string, dataKey: Uint8Array): string {
  if (statfsSync(dirname(path)).type !== TMPFS) throw new RangeError('plaintext goes to memory only');
  const opener = new EnvelopeOpener(dataKey, expected);
  const [source, target] = [openSync(from, 'r'), openSync(path, 'wx', 0o600)];
  try {
    const hash = createHash('sha256');
    const keep = (bytes: Uint8Array): void => {
      hash.update(bytes);
      for (let at = 0; at < bytes.length;) at += writeSync(target, bytes, at);
    };
    const chunk = Buffer.alloc(CHUNK_BYTES);
    for (let count = readSync(source, chunk); count > 0; count = readSync(source, chunk))
      for (const plaintext of opener.push(chunk.subarray(0, count))) keep(plaintext);
    keep(opener.finish());
    return hash.digest('hex');
  } catch (error) {
    rmSync(path);
    throw error;
  } finally {
    opener.wipe();
    closeSync(source);
    closeSync(target);
  }
}
