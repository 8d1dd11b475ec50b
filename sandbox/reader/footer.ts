/**
 * The footer of a source file: the bytes at its end that change when the file is written anew, hashed.
 *
 * For Parquet they are the file metadata (schema, row groups, offsets, statistics) before the trailing length and `PAR1`
 * (Apache Parquet, "File Format"); for CSV, and for a sealed file of either type, the last 64 KiB. Nothing is parsed. Runs on both sides of the jail.
 */
import { createHash } from 'node:crypto';
import { fstatSync, readSync } from 'node:fs';

const PARQUET_MAGIC = 'PAR1';
/** `PAR1` at the start; metadata length and `PAR1` at the end. */
const PARQUET_FRAME_BYTES = 12;
const TAIL_BYTES = 64 * 1024;
/** Metadata of a million column chunks; a longer one is not hashed at every job. */
const MAX_FOOTER_BYTES = 256 * 2 ** 20;

export type FooterType = 'parquet' | 'csv' | 'sealed';

/** SHA-256 (hex) of an open file's footer. Throws RangeError when the file does not end as its type does. */
export function footerOf(file: number, type: FooterType): string {
  const { size } = fstatSync(file);
  const start = type === 'parquet' ? parquetFooterStart(file, size) : Math.max(0, size - TAIL_BYTES);
  return createHash('sha256')
    .update(readAt(file, start, size - start))
    .digest('hex');
}

function parquetFooterStart(file: number, size: number): number {
  if (size < PARQUET_FRAME_BYTES) throw new RangeError('too short for a Parquet file');
  const tail = readAt(file, size - 8, 8);
  const length = tail.readUInt32LE(0);
  const start = size - 8 - length;
  if (tail.toString('latin1', 4) !== PARQUET_MAGIC || start < 4 || length > MAX_FOOTER_BYTES) {
    throw new RangeError('no Parquet footer');
  }
  return start;
}

function readAt(file: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length;) {
    const count = readSync(file, bytes, at, length - at, position + at);
    if (count === 0) throw new RangeError('the file became shorter while it was read');
    at += count;
  }
  return bytes;
}
