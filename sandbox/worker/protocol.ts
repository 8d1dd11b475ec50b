/**
 * What passes through the pipe between the runner and a worker: jobs and buffers in, bounded numbers out.
 *
 * Frames are those of sandbox/jail/frames.ts; the first byte of each is its kind. Both sides run this file.
 * Guarantee: an answer has the length that setup and buffer fix in advance, and every value in it is checked: a
 * worker gone wrong can choose finite numbers, "nothing", and codes within the declared lists, and no more.
 * Not covered: the records themselves, which the runner forwards as a reader made them.
 */
import { alignedView } from '../jail/aligned.ts';
import { frameOf, uint32 } from '../jail/frames.ts';
import { BUFFER_RECORDS } from './records.ts';

export type ColumnKind = 'number' | 'boolean' | 'text';

export interface SetupColumn {
  readonly name: string;
  readonly kind: ColumnKind;
}

export interface SetupOutput {
  readonly name: string;
  /** 1, or a vector's length. */
  readonly width: number;
  /** Whether it is read as an array; unless said, what is wider than 1 is. */
  readonly isVector?: boolean;
}

type Param = number | string | boolean | readonly number[];

/** One job in mode `map`. */
export interface MapSetup {
  readonly mode: 'map';
  /** The admitted program as printed: exports `map`, `$begin` and `$spent`. */
  readonly code: string;
  readonly params: Readonly<Record<string, Param>>;
  /** Ticks per record. */
  readonly fuel: number;
  /** Fields of the row object, in the order of the buffer's columns. */
  readonly columns: readonly SetupColumn[];
  readonly outputs: readonly SetupOutput[];
  /** Every column named in any `by`, with its list. */
  readonly keys: readonly {
    readonly name: string;
    readonly values: readonly (number | string | boolean | null)[];
  }[];
}

/** One job in mode `blocks`. */
export interface BlocksSetup {
  readonly mode: 'blocks';
  /** The module, which exports `run`. */
  readonly code: string;
  readonly params: Readonly<Record<string, Param>>;
  /** Processor time of one block. */
  readonly cpuMs: number;
  readonly inputs: readonly { readonly dataset: string; readonly columns: readonly SetupColumn[] }[];
  readonly outputs: readonly SetupOutput[];
}

export type Setup = MapSetup | BlocksSetup;

/** What a buffer was mapped to, in the order of its records. */
export interface MapResult {
  /** Per output: rows × width numbers, row by row; NaN is "nothing". */
  readonly values: Float64Array[];
  /** Per key: index into its values, -1 is none. */
  readonly codes: Int32Array[];
}

/** A request is one of these; an answer says how the request ended. */
export const ASK = { hello: 1, setup: 2, map: 3, block: 4, inspect: 5 } as const;
export const ANSWER = { ready: 1, result: 2, failed: 3, died: 4 } as const;

/** Most bytes of one answer: vectors of a whole buffer could be gigabytes. */
const MAX_RESULT_BYTES = 64 * 2 ** 20;
/** What stands before the numbers of a result, so that they may be looked at where they lie: the kind, and zeros. */
const RESULT_HEAD = 8;
/** Longest answer, kind included. */
export const MAX_ANSWER_BYTES = RESULT_HEAD + MAX_RESULT_BYTES;

/** Bytes of a result over `rows` records. */
function resultBytes({ outputs, keys }: Pick<MapSetup, 'outputs' | 'keys'>, rows: number): number {
  const numbers = outputs.reduce((sum, { width }) => sum + width, 0);
  return rows * (8 * numbers + 4 * keys.length);
}

/** Records that may go into one buffer, so that its result is no longer than an answer may be. */
export function recordsPerBuffer(setup: Pick<MapSetup, 'outputs' | 'keys'>): number {
  return Math.max(1, Math.min(BUFFER_RECORDS, Math.floor(MAX_RESULT_BYTES / resultBytes(setup, 1))));
}

export function encodeSetup(setup: Setup): readonly Uint8Array[] {
  return frameOf([Buffer.of(ASK.setup), Buffer.from(JSON.stringify(setup))]);
}

/** Answered with ANSWER.ready by a process that is warm. */
export function encodeHello(): readonly Uint8Array[] {
  return frameOf([Buffer.of(ASK.hello)]);
}

/** Where the parts of a `map` request lie: kind, padding, deadline, rows; then the order and the records, at multiples of 8. */
const MAP_HEAD = 16;

/** A buffer to map in the given order of records (positions), within `deadlineMs`. */
export function encodeMap(
  records: Uint8Array,
  order: Uint16Array,
  deadlineMs: number,
): readonly Uint8Array[] {
  const head = Buffer.alloc(MAP_HEAD);
  head.writeUInt8(ASK.map, 0);
  head.writeUInt32LE(deadlineMs, 8);
  head.writeUInt32LE(order.length, 12);
  const orderBytes = new Uint8Array(order.buffer, order.byteOffset, order.byteLength);
  return frameOf([head, orderBytes, Buffer.alloc(aligned(orderBytes.length) - orderBytes.length), records]);
}

/** Answered with ANSWER.result and the JSON of a WorkerInspection. */
export function encodeInspect(): readonly Uint8Array[] {
  return frameOf([Buffer.of(ASK.inspect)]);
}

export interface MapRequest {
  readonly deadlineMs: number;
  readonly rows: number;
  /** Offset of the positions in the frame, and of the records. */
  readonly orderAt: number;
  readonly recordsAt: number;
}

export function decodeMap(frame: Buffer): MapRequest {
  const rows = frame.readUInt32LE(12);
  return {
    deadlineMs: frame.readUInt32LE(8),
    rows,
    orderAt: MAP_HEAD,
    recordsAt: MAP_HEAD + aligned(2 * rows),
  };
}

/** The tables of one block, one for each input. */
export function encodeBlock(tables: readonly Uint8Array[], deadlineMs: number): readonly Uint8Array[] {
  const head = Buffer.alloc(8);
  head.writeUInt8(ASK.block, 0);
  head.writeUInt32LE(deadlineMs, 4);
  return frameOf([head, ...tables.flatMap((table) => [uint32(table.length), uint32(0), table])]);
}

export interface BlockRequest {
  readonly deadlineMs: number;
  readonly tables: readonly Buffer[];
}

export function decodeBlock(frame: Buffer): BlockRequest {
  const tables: Buffer[] = [];
  for (let at = 8; at < frame.length;) {
    const length = frame.readUInt32LE(at);
    tables.push(frame.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return { deadlineMs: frame.readUInt32LE(4), tables };
}

/** The header text of a buffer of records, and where its columns begin, counted from its first byte. */
export function headerOf(records: Buffer): { readonly header: string; readonly columnsAt: number } {
  const length = records.readUInt32LE(0);
  return { header: records.toString('utf8', 4, 4 + length), columnsAt: aligned(4 + length) };
}

/** An answer of one word. */
export function encodeWord(kind: Exclude<(typeof ANSWER)[keyof typeof ANSWER], 2>): readonly Uint8Array[] {
  return frameOf([Buffer.of(kind)]);
}

/** An answer with a body: the numbers of a result, or the JSON of a report. */
export function encodeResult(body: Uint8Array): readonly Uint8Array[] {
  const head = Buffer.alloc(RESULT_HEAD);
  head[0] = ANSWER.result;
  return frameOf([head, body]);
}

/** What an answer of `encodeResult` holds; null for any other. */
export function resultBody(frame: Buffer): Buffer | null {
  return frame[0] === ANSWER.result && frame.length >= RESULT_HEAD ? frame.subarray(RESULT_HEAD) : null;
}

/** The result in an answer, 'died', or null for anything that is neither. */
export function decodeMapAnswer(frame: Buffer, setup: MapSetup, rows: number): MapResult | 'died' | null {
  if (isEmpty(frame, ANSWER.died)) return 'died';
  const body = resultBody(frame);
  if (body?.length !== resultBytes(setup, rows)) return null;
  let at = 0;
  const values = setup.outputs.map(({ width }) => {
    const part = alignedView(Float64Array, body.subarray(at), rows * width);
    at += part.byteLength;
    return part;
  });
  const codes = setup.keys.map(() => {
    const part = alignedView(Int32Array, body.subarray(at), rows);
    at += part.byteLength;
    return part;
  });
  const isSound =
    values.every(isFiniteOrNothing) &&
    codes.every((part, key) => isWithin(part, setup.keys[key]!.values.length));
  return isSound ? { values, codes } : null;
}

/** The outputs of a block, 'failed', or null for anything that is neither. */
export function decodeBlockAnswer(frame: Buffer, { outputs }: BlocksSetup): Float64Array[] | 'failed' | null {
  if (isEmpty(frame, ANSWER.failed)) return 'failed';
  const body = resultBody(frame);
  if (body?.length !== resultBytes({ outputs, keys: [] }, 1)) return null;
  let at = 0;
  const values = outputs.map(({ width }) => {
    const part = alignedView(Float64Array, body.subarray(at), width);
    at += part.byteLength;
    return part;
  });
  return values.every((part) => part.every((value) => Number.isFinite(value))) ? values : null;
}

/** Whether a frame says `kind` and nothing else. */
export function isEmpty(frame: Buffer, kind: number): boolean {
  return frame.length === 1 && frame[0] === kind;
}

function isFiniteOrNothing(values: Float64Array): boolean {
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index]!;
    if (value === Infinity || value === -Infinity) return false;
  }
  return true;
}

function isWithin(codes: Int32Array, length: number): boolean {
  for (let index = 0; index < codes.length; index += 1) {
    const code = codes[index]!;
    if (code < -1 || code >= length) return false;
  }
  return true;
}

function aligned(length: number): number {
  return Math.ceil(length / 8) * 8;
}
