/**
 * What passes through the pipe between the runner and a reader: frames of JSON, and result columns as bytes.
 *
 * Frames are those of sandbox/jail/frames.ts. A request is JSON. An answer is a 32-bit header length,
 * a JSON header and the bodies of the columns that the header lists, in order. Both sides run this file.
 * Guarantee: `decodeAnswer` accepts exactly what `encodeColumns` makes. Every length, bound and tag is checked, so
 * a reader gone wrong can choose values of the right type and nothing else.
 */
import type { Expected } from '#crypto/at-rest/open.ts';
import { alignedView } from '../jail/aligned.ts';
import { frameOf, uint32 } from '../jail/frames.ts';
import { BUFFER_RECORDS } from '../worker/records.ts';

/** A bound parameter. A list binds as LIST of the type of its members. */
export type ReaderParam = ScalarParam | readonly ScalarParam[];
export type ScalarParam = string | number | bigint | boolean | null;

export interface ReaderStatement {
  readonly sql: string;
  readonly params: readonly ReaderParam[];
}

/** A value of a result. Integers of any width are bigint; dates and timestamps are text as in a Plan. */
export type ColumnValue = bigint | number | string | boolean | null;

export type ColumnKind = 'integer' | 'hugeInteger' | 'number' | 'boolean' | 'text';

export interface Column {
  readonly kind: ColumnKind;
  readonly values: readonly ColumnValue[];
}

/**
 * What the runner may ask. `id` counts up and comes back in the answer. `sealed`: the envelope that is to be opened to
 * `path` first; the frame after such a request is its data key, as bytes, so that it is never a string.
 */
export type ReaderRequest =
  | ({ readonly id: number; readonly kind: 'open'; readonly sealed: SealedInput | null } & EngineSettings)
  | { readonly id: number; readonly kind: 'describe' }
  | { readonly id: number; readonly kind: 'digest' }
  | ({ readonly id: number; readonly kind: 'query'; readonly maxBytes: number } & EncodedStatement)
  | { readonly id: number; readonly kind: 'prepare'; readonly statements: readonly EncodedStatement[] }
  | ({
      readonly id: number;
      readonly kind: 'records';
      readonly units: boolean;
      readonly fields: readonly RecordField[];
    } & EncodedStatement);

/** An envelope as the reader sees it: where it is, and what it must be. */
export interface SealedInput extends Expected {
  readonly from: string;
}

/** How one column of records comes out of a query (sandbox/query/print-records.ts). */
export type RecordField =
  /** One column: NaN for NULL. */
  | { readonly kind: 'number' }
  /** One column: 0, 1, or 2 for NULL. */
  | { readonly kind: 'boolean' }
  /** One column: days since 1970, or the least 32-bit integer for NULL. */
  | { readonly kind: 'date' }
  /** Two columns: the position in `values` or −1, and the text where it is not among them. */
  | { readonly kind: 'text'; readonly values: readonly string[] };

/** How the engine is set up. Paths are as the reader sees them. */
export interface EngineSettings {
  readonly type: 'parquet' | 'csv';
  readonly path: string;
  readonly scratch: string;
  readonly memoryMiB: number;
  readonly spillMiB: number;
  readonly threads: number;
}

/** What an answer may say went wrong. Never a text: an engine's message can hold a value of the data. */
export const READER_ERRORS = ['ENGINE', 'SOURCE', 'SIZE'] as const;
export type ReaderError = (typeof READER_ERRORS)[number];

export type ReaderAnswer =
  | { readonly id: number; readonly error: ReaderError }
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly columns: readonly Column[] }
  | ({ readonly id: number } & RecordRange);

/** What was read of a range of rows. */
export interface RecordRange {
  readonly records: readonly UnitRecords[];
  /** The number of the first row that did not fit, or null when the range is whole. */
  readonly next: number | null;
}

/** A buffer of records and whose they are: for each its unit's number and its unit's hash; null where each row is a unit. */
export interface UnitRecords {
  readonly rows: number;
  readonly units: Int32Array | null;
  readonly hashes: BigUint64Array | null;
  /** As `encodeRecords` made it: for a worker, and not taken apart on the way. */
  readonly bytes: Buffer;
}

/** Longest text in a result, in bytes: that of a grouping key. */
const MAX_TEXT_BYTES = 256;
/** Longest header of an answer. A wide source with long column names is the longest there is. */
export const MAX_HEADER_BYTES = 4 * 2 ** 20;
const MAX_COLUMNS = 10_000;

/** Bytes per value; text has its length here and its bytes after the column's. */
const WIDTHS: Readonly<Record<ColumnKind, number>> = {
  integer: 8,
  hugeInteger: 16,
  number: 8,
  boolean: 1,
  text: 2,
};

type EncodedScalar = readonly [
  'text' | 'number' | 'integer' | 'boolean' | 'null',
  string | number | boolean | null,
];
export type EncodedParam = EncodedScalar | readonly ['list', readonly EncodedScalar[]];

interface EncodedStatement {
  readonly sql: string;
  readonly params: readonly EncodedParam[];
}

/** A statement as it travels: JSON has no bigint and would lose the type of a whole number. */
export function encodeStatement({ sql, params }: ReaderStatement): EncodedStatement {
  return {
    sql,
    params: params.map((param) =>
      isList(param) ? (['list', param.map(encodeScalar)] as const) : encodeScalar(param),
    ),
  };
}

function isList(param: ReaderParam): param is readonly ScalarParam[] {
  return Array.isArray(param);
}

function encodeScalar(value: ScalarParam): EncodedScalar {
  if (value === null) return ['null', null];
  if (typeof value === 'bigint') return ['integer', String(value)];
  if (typeof value === 'boolean') return ['boolean', value];
  if (typeof value === 'string') return ['text', value];
  if (!Number.isFinite(value)) throw new RangeError('a bound number is finite');
  return ['number', value];
}

/** A frame of JSON. */
export function encodeRequest(request: ReaderRequest): Buffer {
  const body = Buffer.from(JSON.stringify(request));
  return Buffer.concat(frameOf([body]));
}

/** A frame without columns. */
export function encodeValue(
  answer: { readonly id: number } & Record<string, unknown>,
): readonly Uint8Array[] {
  return frame(answer, []);
}

/** A frame with a result, or null when a text is too long or the bodies together are longer than `maxBytes`. */
export function encodeColumns(
  id: number,
  columns: readonly Column[],
  maxBytes: number,
): readonly Uint8Array[] | null {
  const rows = columns[0]?.values.length ?? 0;
  let left = maxBytes;
  const bodies: Buffer[] = [];
  for (const column of columns) {
    const body = encodeColumn(column);
    left -= body?.length ?? Infinity;
    if (body === null || left < 0) return null;
    bodies.push(body);
  }
  const header = { id, rows, columns: columns.map(({ kind }, index) => [kind, bodies[index]!.length]) };
  return frame(header, bodies);
}

/** Largest frame of records. What is sent at a time is about an eighth; the rest is for one group of very long texts. */
export const MAX_RANGE_BYTES = 512 * 2 ** 20;

/** A frame with what was read of a range. */
export function encodeRecordRange(id: number, { records, next }: RecordRange): readonly Uint8Array[] {
  const bodies = records.flatMap(({ units, hashes, bytes }) => [
    ...(units === null || hashes === null ? [] : [bytesOf(units), bytesOf(hashes)]),
    bytes,
  ]);
  const heads = records.map(({ rows, units, bytes }) => [rows, units !== null, bytes.length]);
  return frame({ id, records: heads, next }, bodies);
}

function decodeRecordRange(records: unknown, body: Buffer): readonly UnitRecords[] {
  check(Array.isArray(records), 'records');
  let at = 0;
  const take = (length: number): Buffer => {
    check(at + length <= body.length, 'length');
    at += length;
    return body.subarray(at - length, at);
  };
  const buffers = records.map((entry: unknown): UnitRecords => {
    check(Array.isArray(entry) && entry.length === 3, 'buffer');
    const [rows, hasUnits, length] = entry as [unknown, unknown, unknown];
    check(isCount(rows) && rows <= BUFFER_RECORDS && isCount(length), 'buffer');
    if (hasUnits !== true) return { rows, units: null, hashes: null, bytes: take(length) };
    const units = alignedView(Int32Array, take(4 * rows), rows);
    const hashes = alignedView(BigUint64Array, take(8 * rows), rows);
    return { rows, units, hashes, bytes: take(length) };
  });
  check(at === body.length, 'body');
  return buffers;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function frame(header: unknown, bodies: readonly Buffer[]): readonly Uint8Array[] {
  const text = Buffer.from(JSON.stringify(header));
  // White space after JSON, so that the bodies begin where numbers may lie.
  const padding = Buffer.alloc(-(4 + text.length) & 7, ' ');
  return frameOf([uint32(text.length + padding.length), text, padding, ...bodies]);
}

/**
 * One byte per row for NULL or not, then the values, then the bytes of texts; a NULL is written as zero. Null when
 * a text is too long. Numbers are in the machine's order, which is little endian wherever this runs.
 */
function encodeColumn({ kind, values }: Column): Buffer | null {
  const presence = new Uint8Array(values.length);
  for (let row = 0; row < values.length; row += 1) presence[row] = values[row] === null ? 0 : 1;
  if (kind !== 'text') return Buffer.concat([presence, bytesOf(packValues(kind, values))]);
  const texts = values.map((value) => Buffer.from(value === null ? '' : String(value)));
  if (texts.some((text) => text.length > MAX_TEXT_BYTES)) return null;
  return Buffer.concat([presence, bytesOf(Uint16Array.from(texts, (text) => text.length)), ...texts]);
}

/**
 * Loops over typed arrays, here and in decoding: a million values take 15 ms, against 250 by the methods of Buffer
 * and 100 by `from` with a function (measured).
 */
function packValues(kind: Exclude<ColumnKind, 'text'>, values: readonly ColumnValue[]): ArrayBufferView {
  const count = values.length;
  if (kind === 'number' || kind === 'boolean') {
    const numbers = kind === 'number' ? new Float64Array(count) : new Uint8Array(count);
    for (let row = 0; row < count; row += 1) numbers[row] = Number(values[row]);
    return numbers;
  }
  const words = new BigInt64Array(kind === 'integer' ? count : 2 * count);
  for (let row = 0; row < count; row += 1) {
    const value = (values[row] ?? 0n) as bigint;
    if (kind === 'integer') words[row] = value;
    else {
      words[2 * row] = value; // Stored modulo 2^64.
      words[2 * row + 1] = value >> 64n;
    }
  }
  return words;
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}

/** An answer from its frame (without the length). Throws RangeError at anything that is not exactly one. */
export function decodeAnswer(bytes: Buffer): ReaderAnswer {
  check(bytes.length >= 4, 'header');
  const headerBytes = bytes.readUInt32LE(0);
  check(headerBytes <= MAX_HEADER_BYTES && 4 + headerBytes <= bytes.length, 'header length');
  const header: unknown = JSON.parse(bytes.toString('utf8', 4, 4 + headerBytes));
  check(isRecord(header) && typeof header['id'] === 'number', 'id');
  const { id, error, rows, columns, records, next } = header;
  const body = bytes.subarray(4 + headerBytes);
  if (columns !== undefined) return { id, columns: decodeColumns(rows, columns, body) };
  if (records !== undefined) {
    check(next === null || isCount(next), 'next');
    return { id, records: decodeRecordRange(records, body), next };
  }
  check(body.length === 0, 'body');
  if (error === undefined) return { id, value: header['value'] };
  const known = READER_ERRORS.find((code) => code === error);
  check(known !== undefined, 'error');
  return { id, error: known };
}

function decodeColumns(rows: unknown, columns: unknown, body: Buffer): readonly Column[] {
  check(typeof rows === 'number' && Number.isSafeInteger(rows) && rows >= 0, 'rows');
  check(Array.isArray(columns) && columns.length <= MAX_COLUMNS, 'columns');
  let at = 0;
  const decoded = columns.map((entry: unknown): Column => {
    check(Array.isArray(entry) && entry.length === 2, 'column');
    const [kind, length] = entry as [unknown, unknown];
    check(typeof kind === 'string' && Object.hasOwn(WIDTHS, kind), 'kind');
    check(typeof length === 'number' && Number.isSafeInteger(length) && length >= 0, 'length');
    const part = body.subarray(at, at + length);
    check(part.length === length, 'length');
    at += length;
    return { kind: kind as ColumnKind, values: decodeColumn(kind as ColumnKind, rows, part) };
  });
  check(at === body.length, 'body');
  return decoded;
}

function decodeColumn(kind: ColumnKind, rows: number, bytes: Buffer): readonly ColumnValue[] {
  const head = rows * (1 + WIDTHS[kind]);
  check(kind === 'text' ? bytes.length >= head : bytes.length === head, 'column length');
  const packed = Uint8Array.from(bytes.subarray(rows, head)).buffer; // A copy is aligned.
  const values =
    kind === 'text' ? unpackTexts(packed, bytes.subarray(head)) : unpackValues(kind, packed, rows);
  for (let row = 0; row < rows; row += 1) {
    check(bytes[row]! <= 1, 'presence');
    if (bytes[row] === 0) values[row] = null;
  }
  return values;
}

function unpackValues(kind: Exclude<ColumnKind, 'text'>, packed: ArrayBuffer, rows: number): ColumnValue[] {
  if (kind === 'number' || kind === 'boolean') return unpackNumbers(kind, packed, rows);
  const [low, high] = [new BigUint64Array(packed), new BigInt64Array(packed)];
  const values = Array<ColumnValue>(rows);
  for (let row = 0; row < rows; row += 1) {
    values[row] = kind === 'integer' ? high[row]! : low[2 * row]! + (high[2 * row + 1]! << 64n);
  }
  return values;
}

function unpackNumbers(kind: 'number' | 'boolean', packed: ArrayBuffer, rows: number): ColumnValue[] {
  const numbers = kind === 'number' ? new Float64Array(packed) : new Uint8Array(packed);
  const values = Array<ColumnValue>(rows);
  for (let row = 0; row < rows; row += 1) {
    const number = numbers[row]!;
    check(kind === 'number' ? Number.isFinite(number) : number <= 1, kind);
    values[row] = kind === 'number' ? number : number === 1;
  }
  return values;
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function unpackTexts(packed: ArrayBuffer, bytes: Buffer): ColumnValue[] {
  let at = 0;
  const values = Array.from(new Uint16Array(packed), (length) => {
    check(length <= MAX_TEXT_BYTES && at + length <= bytes.length, 'text');
    at += length;
    return UTF8.decode(bytes.subarray(at - length, at));
  });
  check(at === bytes.length, 'text');
  return values;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new RangeError(`an answer has a wrong ${what}`);
}
