/**
 * Records on their way from a reader through the runner into a worker, column by column, as bytes.
 *
 * One layout for all three: the runner forwards what a reader sent without taking it apart. Numbers are doubles with
 * NaN for NULL (no stored value is NaN: the scan makes it NULL); booleans are bytes with 2 for NULL; texts, dates
 * and timestamps are codes into a dictionary of the buffer, -1 for NULL.
 * Guarantee: `decodeRecords` accepts exactly what `encodeRecords` makes, and checks every length and code.
 */

/** Most records in one buffer: also the reach of a channel that nobody knows of, since each buffer has its own isolate. */
export const BUFFER_RECORDS = 65_536;

export type RecordColumn =
  | { readonly kind: 'number'; readonly values: Float64Array }
  | { readonly kind: 'boolean'; readonly values: Uint8Array }
  | { readonly kind: 'text'; readonly codes: Int32Array; readonly dictionary: readonly string[] };

/** Columns of equal length. */
export interface RecordBuffer {
  readonly rows: number;
  readonly columns: readonly RecordColumn[];
}

type ColumnHead =
  | readonly ['number' | 'boolean']
  /** With the dictionary. */
  | readonly ['text', readonly string[]];

/** Longest header: dictionaries of a buffer, as JSON. */
const MAX_HEADER_BYTES = 256 * 2 ** 20;
const ALIGNMENT = 8;
const BYTES_PER_RECORD = { number: 8, boolean: 1, text: 4 } as const;

/** The bytes of a buffer: header length, header (JSON), then every column, each at a multiple of 8. */
export function encodeRecords({ rows, columns }: RecordBuffer): Buffer {
  const heads = columns.map((column): ColumnHead =>
    column.kind === 'text' ? ['text', column.dictionary] : [column.kind],
  );
  const header = Buffer.from(JSON.stringify([rows, heads]));
  const start = aligned(4 + header.length);
  const bodies = columns.map((column) => (column.kind === 'text' ? column.codes : column.values));
  const length = bodies.reduce((sum, body) => sum + aligned(body.byteLength), start);
  const bytes = Buffer.alloc(length);
  bytes.writeUInt32LE(header.length);
  header.copy(bytes, 4);
  let at = start;
  for (const body of bodies) {
    bytes.set(new Uint8Array(body.buffer, body.byteOffset, body.byteLength), at);
    at += aligned(body.byteLength);
  }
  return bytes;
}

/** A buffer from its bytes. Throws RangeError at anything that `encodeRecords` did not make. */
export function decodeRecords(bytes: Uint8Array): RecordBuffer {
  // A copy of its own is aligned, and nobody else's.
  const { buffer } = bytes.byteOffset % ALIGNMENT === 0 ? bytes : Uint8Array.from(bytes);
  const offset = bytes.byteOffset % ALIGNMENT === 0 ? bytes.byteOffset : 0;
  check(bytes.byteLength >= 4, 'header');
  const view = new DataView(buffer, offset, bytes.byteLength);
  const headerBytes = view.getUint32(0, true);
  check(headerBytes <= MAX_HEADER_BYTES && 4 + headerBytes <= bytes.byteLength, 'header');
  const header: unknown = JSON.parse(Buffer.from(buffer, offset + 4, headerBytes).toString('utf8'));
  check(Array.isArray(header) && header.length === 2, 'header');
  const [rows, heads] = header as [unknown, unknown];
  check(typeof rows === 'number' && Number.isSafeInteger(rows) && rows >= 0, 'rows');
  check(Array.isArray(heads), 'columns');
  let at = aligned(4 + headerBytes);
  const columns = heads.map((head: unknown): RecordColumn => {
    check(Array.isArray(head), 'column');
    const [kind, dictionary] = head as [unknown, unknown];
    check(kind === 'number' || kind === 'boolean' || kind === 'text', 'kind');
    const from = offset + at;
    const length = rows * BYTES_PER_RECORD[kind];
    at += aligned(length);
    check(at <= bytes.byteLength, 'column');
    if (kind === 'number') return { kind, values: new Float64Array(buffer, from, rows) };
    if (kind === 'boolean') return { kind, values: new Uint8Array(buffer, from, rows) };
    return textColumn(new Int32Array(buffer, from, rows), dictionary);
  });
  check(at === bytes.byteLength, 'length');
  return { rows, columns };
}

function textColumn(codes: Int32Array, dictionary: unknown): RecordColumn {
  check(Array.isArray(dictionary) && dictionary.every((text) => typeof text === 'string'), 'dictionary');
  for (const code of codes) check(code >= -1 && code < dictionary.length, 'code');
  return { kind: 'text', codes, dictionary };
}

/** The records at these positions, in this order: for running part of a buffer again. */
export function selectRecords({ columns }: RecordBuffer, positions: Int32Array): RecordBuffer {
  const pick = <T extends Float64Array | Uint8Array | Int32Array>(from: T, into: T): T => {
    for (const [index, position] of positions.entries()) into[index] = from[position]!;
    return into;
  };
  const rows = positions.length;
  return {
    rows,
    columns: columns.map((column): RecordColumn => {
      if (column.kind === 'number') return { ...column, values: pick(column.values, new Float64Array(rows)) };
      if (column.kind === 'boolean') return { ...column, values: pick(column.values, new Uint8Array(rows)) };
      return { ...column, codes: pick(column.codes, new Int32Array(rows)) };
    }),
  };
}

/** One buffer of all records of several, which may then be more than a buffer may hold on its way to a `map`. */
export function joinRecords(
  parts: readonly RecordBuffer[],
  kinds: readonly RecordColumn['kind'][],
): RecordBuffer {
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  return {
    rows,
    columns: kinds.map((kind, index) =>
      joinColumns(
        parts.map(({ columns }) => columns[index]!),
        kind,
        rows,
      ),
    ),
  };
}

function joinColumns(parts: readonly RecordColumn[], kind: RecordColumn['kind'], rows: number): RecordColumn {
  if (kind === 'number')
    return {
      kind,
      values: joinArrays(
        parts.flatMap((part) => (part.kind === kind ? [part.values] : [])),
        new Float64Array(rows),
      ),
    };
  if (kind === 'boolean')
    return {
      kind,
      values: joinArrays(
        parts.flatMap((part) => (part.kind === kind ? [part.values] : [])),
        new Uint8Array(rows),
      ),
    };
  const dictionary: string[] = [];
  const codes = parts.flatMap((part) => {
    if (part.kind !== kind) return [];
    const before = dictionary.length;
    for (const text of part.dictionary) dictionary.push(text);
    return [part.codes.map((code) => (code < 0 ? code : code + before))];
  });
  return { kind, codes: joinArrays(codes, new Int32Array(rows)), dictionary };
}

function joinArrays<T extends Float64Array | Uint8Array | Int32Array>(parts: readonly T[], into: T): T {
  let at = 0;
  for (const part of parts) {
    into.set(part, at);
    at += part.length;
  }
  return into;
}

function aligned(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}

function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new RangeError(`a buffer of records has a wrong ${what}`);
}
