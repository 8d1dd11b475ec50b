/**
 * The header row of a CSV source, RFC 4180: its column names, read without looking at any row after it.
 *
 * An engine that finds out the columns by itself samples the values too, and what it finds then depends on them.
 */
import { closeSync, openSync, readSync } from 'node:fs';

/** A longer header is taken for a file that is no CSV. */
const MAX_HEADER_BYTES = 2 ** 20;

/** Column names in order. Throws RangeError when the first record is no header: empty, endless, unclear or not UTF-8. */
export function readCsvHeader(path: string): readonly string[] {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(MAX_HEADER_BYTES);
    const length = readSync(file, bytes, 0, MAX_HEADER_BYTES, 0);
    return parseCsvHeader(bytes.subarray(0, length));
  } finally {
    closeSync(file);
  }
}

/** The first record of `bytes`, with a byte order mark taken off. */
export function parseCsvHeader(bytes: Buffer): readonly string[] {
  const record = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, endOfRecord(bytes)));
  const names: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  for (let match = field.exec(record); match !== null; match = field.exec(record)) {
    names.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === '') break;
  }
  if (field.lastIndex !== record.length || names.includes('')) throw new RangeError('no header row');
  if (new Set(names.map(foldName)).size !== names.length) throw new RangeError('two columns of one name');
  return names;
}

/** The engine tells names apart by letters only. */
function foldName(name: string): string {
  return name.toLowerCase();
}

const QUOTE = 0x22;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** Where the first line end outside quotes is, or the end of a file that is only a header. */
function endOfRecord(bytes: Buffer): number {
  let isQuoted = false;
  for (const [at, byte] of bytes.entries()) {
    if (byte === QUOTE) isQuoted = !isQuoted;
    else if (!isQuoted && (byte === LINE_FEED || byte === CARRIAGE_RETURN)) return at;
  }
  if (isQuoted || bytes.length === MAX_HEADER_BYTES) throw new RangeError('the header row has no end');
  return bytes.length;
}
