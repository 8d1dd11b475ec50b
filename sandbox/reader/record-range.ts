/**
 * Reads one range of rows as buffers of records: typed arrays from the engine's own memory, texts through a dictionary.
 *
 * Rows come in the order of their numbers, whatever order the engine's threads finish in: whoever bounds contributions
 * relies on the rows of a unit standing together. A buffer ends early when its texts are long, and so does a range,
 * which is then asked for again from where it stopped.
 */
import type { DuckDBConnection, DuckDBDataChunk, DuckDBVector } from '@duckdb/node-api';
import { BUFFER_RECORDS, encodeRecords, type RecordColumn } from '../worker/records.ts';
import { runStream } from './engine.ts';
import type { ReaderRequest, RecordField, RecordRange, UnitRecords } from './protocol.ts';

type RecordRequest = Extract<ReaderRequest, { kind: 'records' }>;

/** Text in one buffer, and bytes of one answer, after which no more rows are added. */
const BUFFER_TEXT_BYTES = 16 * 2 ** 20;
const RANGE_BYTES = 64 * 2 ** 20;

const NULL_DAY = -(2 ** 31);
const DAY_MS = 86_400_000;

/** The buffers of one range, in the order of its rows. */
export async function readRange(connection: DuckDBConnection, request: RecordRequest): Promise<RecordRange> {
  return runStream(connection, request, async (result) => {
    const chunks: Chunk[] = [];
    for (let chunk = await result.fetchChunk(); chunk !== null; chunk = await result.fetchChunk()) {
      const { rowCount } = chunk;
      if (rowCount === 0) break;
      const [first] = itemsOf(chunk.getColumnVector(0), BigInt64Array);
      chunks.push({ first: Number(first), rows: rowCount, chunk });
    }
    return buffersOf(
      chunks.sort((a, b) => a.first - b.first),
      request,
    );
  });
}

/** Consecutive rows, as the engine hands them over. */
interface Chunk {
  /** Number of its first row. */
  readonly first: number;
  readonly rows: number;
  readonly chunk: DuckDBDataChunk;
}

function buffersOf(chunks: readonly Chunk[], request: RecordRequest): RecordRange {
  const records: UnitRecords[] = [];
  let bytes = 0;
  for (let at = 0; at < chunks.length;) {
    if (bytes >= RANGE_BYTES) return { records, next: chunks[at]!.first };
    const builder = new BufferBuilder(request);
    while (at < chunks.length && builder.takes(chunks[at]!)) at += 1;
    const buffer = builder.finish();
    bytes += buffer.bytes.length;
    records.push(buffer);
  }
  return { records, next: null };
}

class BufferBuilder {
  readonly #units: Int32Array | null;
  readonly #hashes: BigUint64Array | null;
  readonly #columns: readonly ColumnBuilder[];
  readonly #fieldsAt: readonly number[];
  #rows = 0;

  constructor({ units, fields }: RecordRequest) {
    this.#units = units ? new Int32Array(BUFFER_RECORDS) : null;
    this.#hashes = units ? new BigUint64Array(BUFFER_RECORDS) : null;
    this.#columns = fields.map(builderOf);
    let at = units ? 3 : 1;
    this.#fieldsAt = fields.map(
      (field) => (at += field.kind === 'text' ? 2 : 1) - (field.kind === 'text' ? 2 : 1),
    );
  }

  /** Adds a chunk, unless the buffer is full; an empty one takes any. */
  takes({ chunk, rows }: Chunk): boolean {
    const texts = this.#columns.reduce((sum, { textBytes }) => sum + textBytes, 0);
    if (this.#rows > 0 && (this.#rows + rows > BUFFER_RECORDS || texts >= BUFFER_TEXT_BYTES)) return false;
    this.#units?.set(itemsOf(chunk.getColumnVector(1), Int32Array), this.#rows);
    this.#hashes?.set(itemsOf(chunk.getColumnVector(2), BigUint64Array), this.#rows);
    for (const [index, column] of this.#columns.entries())
      column.add(chunk, this.#fieldsAt[index]!, { from: this.#rows, rows });
    this.#rows += rows;
    return true;
  }

  finish(): UnitRecords {
    const rows = this.#rows;
    return {
      rows,
      units: this.#units?.subarray(0, rows) ?? null,
      hashes: this.#hashes?.subarray(0, rows) ?? null,
      bytes: encodeRecords({ rows, columns: this.#columns.map((column) => column.column(rows)) }),
    };
  }
}

/** Collects one column of a buffer. */
interface ColumnBuilder {
  readonly textBytes: number;
  /** Takes the column that stands at `at` in a chunk. */
  add(chunk: DuckDBDataChunk, at: number, place: { readonly from: number; readonly rows: number }): void;
  column(rows: number): RecordColumn;
}

function builderOf(field: RecordField): ColumnBuilder {
  switch (field.kind) {
    case 'number':
      return numberBuilder();
    case 'boolean':
      return booleanBuilder();
    case 'date':
      return new TextBuilder([], daysAt);
    case 'text':
      return new TextBuilder(field.values, textsAt);
  }
}

function numberBuilder(): ColumnBuilder {
  const values = new Float64Array(BUFFER_RECORDS);
  return {
    textBytes: 0,
    add: (chunk, at, { from }) => values.set(itemsOf(chunk.getColumnVector(at), Float64Array), from),
    column: (rows) => ({ kind: 'number', values: values.subarray(0, rows) }),
  };
}

function booleanBuilder(): ColumnBuilder {
  const values = new Uint8Array(BUFFER_RECORDS);
  return {
    textBytes: 0,
    add: (chunk, at, { from }) => values.set(itemsOf(chunk.getColumnVector(at), Int8Array), from),
    column: (rows) => ({ kind: 'boolean', values: values.subarray(0, rows) }),
  };
}

/** Fills in codes of `rows` rows from `from` on. */
type CodesAt = (
  chunk: DuckDBDataChunk,
  at: number,
  into: { readonly codes: Int32Array; readonly dictionary: Dictionary },
) => void;

class TextBuilder implements ColumnBuilder {
  readonly #codes = new Int32Array(BUFFER_RECORDS);
  readonly #dictionary: Dictionary;
  readonly #codesAt: CodesAt;

  constructor(listed: readonly string[], codesAt: CodesAt) {
    this.#dictionary = new Dictionary(listed);
    this.#codesAt = codesAt;
  }

  get textBytes(): number {
    return this.#dictionary.bytes;
  }

  add(
    chunk: DuckDBDataChunk,
    at: number,
    { from, rows }: { readonly from: number; readonly rows: number },
  ): void {
    const codes = this.#codes.subarray(from, from + rows);
    this.#codesAt(chunk, at, { codes, dictionary: this.#dictionary });
  }

  column(rows: number): RecordColumn {
    return { kind: 'text', codes: this.#codes.subarray(0, rows), dictionary: this.#dictionary.texts };
  }
}

/** Calendar days as text, each made once. The scan lets only years 1 to 9999 through. */
const daysAt: CodesAt = (chunk, at, { codes, dictionary }) => {
  const days = itemsOf(chunk.getColumnVector(at), Int32Array);
  for (let row = 0; row < codes.length; row += 1) {
    const day = days[row]!;
    codes[row] = day === NULL_DAY ? -1 : dictionary.codeOf(day);
  }
};

/** Listed values come as their codes; what is not listed is looked up, row by row. */
const textsAt: CodesAt = (chunk, at, { codes, dictionary }) => {
  codes.set(itemsOf(chunk.getColumnVector(at), Int32Array));
  const texts = chunk.getColumnVector(at + 1);
  for (let row = 0; row < codes.length; row += 1) {
    if (codes[row]! >= 0) continue;
    const text = texts.getItem(row);
    if (typeof text === 'string') codes[row] = dictionary.codeOf(text);
  }
};

/** Texts by code. A day is known by its number until its text is needed. */
class Dictionary {
  readonly texts: string[];
  /** Of texts that were added, as UTF-16. */
  bytes = 0;
  readonly #codes = new Map<string | number, number>();

  constructor(listed: readonly string[]) {
    this.texts = [...listed];
  }

  codeOf(value: string | number): number {
    const known = this.#codes.get(value);
    if (known !== undefined) return known;
    const text = typeof value === 'string' ? value : new Date(value * DAY_MS).toISOString().slice(0, 10);
    const code = this.texts.push(text) - 1;
    this.#codes.set(value, code);
    this.bytes += 2 * text.length;
    return code;
  }
}

/** A vector's values as they lie in the engine's memory, which are of this kind. No value of these columns is NULL. */
function itemsOf<T>(vector: DuckDBVector, kind: new (length: number) => T): T {
  const items: unknown = Reflect.get(vector, 'items');
  if (!(items instanceof kind))
    throw new RangeError('a column of records has another type than was asked for');
  return items;
}
