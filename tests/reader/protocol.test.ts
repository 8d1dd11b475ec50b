/** The pipe's protocol: what is sent arrives, and anything else ends the reader without a word of it getting through. */
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LaunchedProcess } from '#sandbox/jail/launch.ts';
import { alignedView } from '#sandbox/jail/aligned.ts';
import { FrameCutter } from '#sandbox/jail/frames.ts';
import { PipeError, ReaderPipe } from '#sandbox/reader/reader-pipe.ts';
import {
  type Column,
  decodeAnswer,
  encodeColumns,
  encodeRecordRange,
  encodeStatement,
  encodeValue,
  type RecordRange,
  type UnitRecords,
} from '#sandbox/reader/protocol.ts';
import { encodeRecords } from '#sandbox/worker/records.ts';

const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const text = fc
  .string({ unit: 'grapheme', maxLength: 30 })
  .filter((value) => Buffer.byteLength(value) <= 256);

function column(
  kind: Column['kind'],
  value: fc.Arbitrary<NonNullable<Column['values'][number]>>,
  rows: number,
) {
  const values = fc.array(fc.option(value), { minLength: rows, maxLength: rows });
  return values.map((filled): Column => ({ kind, values: filled }));
}

const result = fc
  .nat({ max: 20 })
  .chain((rows) =>
    fc.tuple(
      column('integer', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), rows),
      column('hugeInteger', fc.bigInt({ min: -(2n ** 127n), max: 2n ** 127n - 1n }), rows),
      column('number', finite, rows),
      column('boolean', fc.boolean(), rows),
      column('text', text, rows),
    ),
  );

/** The frame without its length. */
function bodyOf(pieces: readonly Uint8Array[] | null): Buffer {
  return Buffer.concat(pieces ?? []).subarray(4);
}

test('columns arrive as they were sent', () => {
  fc.assert(
    fc.property(result, (columns) => {
      expect(decodeAnswer(bodyOf(encodeColumns(7, columns, 1e6)))).toEqual({ id: 7, columns });
    }),
  );
});

const TYPES = {
  integer: 'bigint',
  hugeInteger: 'bigint',
  number: 'number',
  boolean: 'boolean',
  text: 'string',
};

/** What is wrong with an answer that was accepted: columns of unequal length, or values not of their kind. */
function misshapen(bytes: Buffer): readonly string[] {
  let answer;
  try {
    answer = decodeAnswer(bytes);
  } catch {
    return [];
  }
  const columns = 'columns' in answer ? answer.columns : [];
  const lengths = new Set(columns.map(({ values }) => values.length));
  const strangers = columns.flatMap(({ kind, values }) =>
    values
      .filter((value) => value !== null && typeof value !== TYPES[kind])
      .map((value) => `${kind}: ${typeof value}`),
  );
  return lengths.size > 1 ? ['columns of unequal length', ...strangers] : strangers;
}

test('no change of a byte makes an answer that is taken for another shape', () => {
  fc.assert(
    fc.property(result, fc.nat(), fc.integer({ min: 1, max: 255 }), (columns, position, change) => {
      const bytes = bodyOf(encodeColumns(7, columns, 1e6));
      const at = position % bytes.length;
      bytes[at] = bytes[at]! ^ change;
      expect(misshapen(bytes)).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

describe('ranges of records', () => {
  const record = (rows: number): UnitRecords => ({
    rows,
    units: Int32Array.from({ length: rows }, (_, row) => row - 1),
    hashes: BigUint64Array.from({ length: rows }, (_, row) => 2n ** 63n + BigInt(row)),
    bytes: encodeRecords({
      rows,
      columns: [{ kind: 'boolean', values: new Uint8Array(rows).fill(1) }],
    }),
  });
  const whole = (range: RecordRange): Buffer => Buffer.concat(encodeRecordRange(7, range)).subarray(4);

  test('come back as they went, wherever their numbers lie in the frame', () => {
    const records = [record(1), record(3), { ...record(2), units: null, hashes: null }, record(0), record(5)];
    const frame = whole({ records, next: 11 });
    for (let shift = 0; shift < 8; shift += 1) {
      const held = Buffer.from(new ArrayBuffer(frame.length + 8)).subarray(shift, shift + frame.length);
      frame.copy(held);
      const answer = decodeAnswer(held);
      expect(answer).toMatchObject({ id: 7, next: 11 });
      const found = 'records' in answer ? answer.records : [];
      expect(
        found.map(({ rows, units, hashes, bytes }) => [rows, units, hashes, Buffer.from(bytes)]),
      ).toEqual(records.map(({ rows, units, hashes, bytes }) => [rows, units, hashes, Buffer.from(bytes)]));
    }
  });

  test('that announce other bytes than they bring, or more records than a buffer holds, are refused', () => {
    const frame = (header: unknown): Buffer => {
      const head = Buffer.from(JSON.stringify(header));
      const length = Buffer.alloc(4);
      length.writeUInt32LE(head.length);
      return Buffer.concat([length, head, Buffer.alloc(32)]);
    };
    const decoded = (fields: object) => decodeAnswer(frame({ id: 7, next: null, ...fields }));
    expect(decoded({ records: [[1, false, 32]] })).toHaveProperty('records');
    expect(decoded({ records: [[1, true, 20]] })).toHaveProperty('records');
    for (const wrong of [
      { records: [[1, false, 31]] },
      { records: [[1, false, 33]] },
      { records: [[1, true, 32]] },
      { records: [[65_537, false, 32]] },
      { records: [[-1, false, 32]] },
      { records: [[1.5, false, 32]] },
      { records: [[1, false]] },
      { records: [[1, false, 32, 0]] },
      { records: 'all' },
      { records: [7] },
      { records: [[1, false, 32]], next: -1 },
      { records: [[1, false, 32]], next: 'soon' },
      { records: [[1, false, 32]], next: undefined },
    ])
      expect(() => decoded(wrong), JSON.stringify(wrong)).toThrow(RangeError);
  });
});

test('frames are cut wherever the pipe cuts them', () => {
  const frames = [encodeValue({ id: 1, value: 'a' }), encodeValue({ id: 2, error: 'ENGINE' })];
  const stream = Buffer.concat(frames.flat());
  for (let size = 1; size <= stream.length; size += 1) {
    const cutter = new FrameCutter(1000);
    const cut: Buffer[] = [];
    for (let at = 0; at < stream.length; at += size) cut.push(...cutter.push(stream.subarray(at, at + size)));
    expect(cut.map(decodeAnswer)).toEqual([
      { id: 1, value: 'a' },
      { id: 2, error: 'ENGINE' },
    ]);
  }
});

test('a text over 256 bytes and a result over its limit are not encoded', () => {
  expect(encodeColumns(1, [{ kind: 'text', values: ['x'.repeat(257)] }], 1e6)).toBeNull();
  expect(encodeColumns(1, [{ kind: 'text', values: ['π'.repeat(128)] }], 1e6)).not.toBeNull();
  expect(encodeColumns(1, [{ kind: 'integer', values: [1n, 2n] }], 17)).toBeNull();
  expect(encodeColumns(1, [{ kind: 'integer', values: [1n, 2n] }], 18)).not.toBeNull();
});

test('a bound number is finite', () => {
  expect(() => encodeStatement({ sql: 'SELECT $1', params: [Number.NaN] })).toThrow(RangeError);
  expect(() => encodeStatement({ sql: 'SELECT $1', params: [[1, Infinity]] })).toThrow(RangeError);
});

/** A process of two pipes: what the test writes is what the reader says. */
function fakeReader(maxBytes = 1000) {
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  const exit = Promise.withResolvers<void>();
  let kills = 0;
  const process: LaunchedProcess = {
    stdin,
    stdout,
    stderr: null,
    programId: Promise.resolve(null),
    exited: exit.promise,
    kill: () => {
      kills += 1;
      exit.resolve();
    },
  };
  return { pipe: new ReaderPipe(process, maxBytes), say: stdout, kills: () => kills, exit: exit.resolve };
}

function framed(header: string, body: Buffer = Buffer.alloc(0)): Buffer {
  const text = Buffer.from(header);
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32LE(4 + text.length + body.length, 0);
  lengths.writeUInt32LE(text.length, 4);
  return Buffer.concat([lengths, text, body]);
}

const integer = Buffer.from('010700000000000000', 'hex');

const NONSENSE: readonly { readonly name: string; readonly bytes: Buffer }[] = [
  { name: 'text in place of JSON', bytes: framed('secret value') },
  { name: 'an answer to a question nobody asked', bytes: framed('{"id":2,"value":1}') },
  { name: 'an answer without a question’s number', bytes: framed('{"value":1}') },
  { name: 'an error with a text', bytes: framed('{"id":1,"error":"secret value"}') },
  { name: 'a value followed by bytes', bytes: framed('{"id":1,"value":1}', integer) },
  { name: 'a column of no kind', bytes: framed('{"id":1,"rows":1,"columns":[["blob",9]]}', integer) },
  {
    name: 'a column of an inherited kind',
    bytes: framed('{"id":1,"rows":1,"columns":[["toString",9]]}', integer),
  },
  {
    name: 'a column that is too short',
    bytes: framed('{"id":1,"rows":2,"columns":[["integer",9]]}', integer),
  },
  {
    name: 'a column beyond the frame',
    bytes: framed('{"id":1,"rows":1,"columns":[["integer",99]]}', integer),
  },
  {
    name: 'rows that are no number',
    bytes: framed('{"id":1,"rows":"1","columns":[["integer",9]]}', integer),
  },
  { name: 'rows without end', bytes: framed('{"id":1,"rows":1e15,"columns":[["integer",9]]}', integer) },
  { name: 'bytes after the columns', bytes: framed('{"id":1,"rows":0,"columns":[]}', integer) },
  {
    name: 'a number that is none',
    bytes: framed('{"id":1,"rows":1,"columns":[["number",9]]}', Buffer.from('01000000000000f87f', 'hex')),
  },
  {
    name: 'a flag that is neither',
    bytes: framed('{"id":1,"rows":1,"columns":[["boolean",2]]}', Buffer.of(1, 2)),
  },
  {
    name: 'a text that is no UTF-8',
    bytes: framed('{"id":1,"rows":1,"columns":[["text",4]]}', Buffer.of(1, 1, 0, 0xff)),
  },
  {
    name: 'a text longer than its bytes',
    bytes: framed('{"id":1,"rows":1,"columns":[["text",4]]}', Buffer.of(1, 2, 0, 65)),
  },
  { name: 'a header longer than its frame', bytes: Buffer.from('0400000099000000', 'hex') },
  { name: 'a frame longer than the limit', bytes: Buffer.from('ffffff7f', 'hex') },
];

test.for(NONSENSE)('a reader that says $name is killed, and nobody hears it', async ({ bytes }) => {
  const { pipe, say, kills } = fakeReader();
  const call = pipe.call({ kind: 'describe' }, 10_000).catch((error: unknown) => error);
  await Promise.resolve();
  say.write(bytes);
  const error = await call;
  expect(error).toBeInstanceOf(PipeError);
  expect(error).toMatchObject({ outcome: 'GONE', message: 'reader: GONE' });
  expect(error).not.toHaveProperty('cause');
  expect(kills()).toBe(1);
  expect(pipe.isGone).toBe(true);
});

test('a reader that says what it should is heard, and may say that something went wrong', async () => {
  const { pipe, say, kills } = fakeReader();
  const [first, second] = [pipe.call({ kind: 'describe' }, 10_000), pipe.call({ kind: 'digest' }, 10_000)];
  await Promise.resolve();
  say.write(framed('{"id":1,"rows":1,"columns":[["integer",9]]}', integer));
  expect(await first).toEqual({ id: 1, columns: [{ kind: 'integer', values: [7n] }] });
  await Promise.resolve();
  say.write(framed('{"id":2,"error":"SIZE"}'));
  await expect(second).rejects.toMatchObject({ outcome: 'SIZE' });
  expect(kills()).toBe(0);
});

test('a reader that speaks before it is asked is killed', async () => {
  const { pipe, say, kills } = fakeReader();
  say.write(framed('{"id":1,"value":1}'));
  await expect.poll(kills).toBe(1);
  await expect(pipe.call({ kind: 'describe' }, 10_000)).rejects.toMatchObject({ outcome: 'GONE' });
});

test('a reader that says nothing is killed at the deadline; one that ends, at once', async () => {
  const silent = fakeReader();
  await expect(silent.pipe.call({ kind: 'describe' }, 20)).rejects.toMatchObject({ outcome: 'DEADLINE' });
  expect(silent.kills()).toBe(1);
  const ended = fakeReader();
  const call = ended.pipe.call({ kind: 'describe' }, 10_000);
  ended.exit();
  await expect(call).rejects.toMatchObject({ outcome: 'GONE' });
});

test('numbers are seen wherever their bytes lie, and never more than there are bytes', () => {
  const bytes = new Uint8Array(new ArrayBuffer(33));
  new DataView(bytes.buffer).setFloat64(1, 2.5, true);
  new DataView(bytes.buffer).setFloat64(8, -1, true);
  expect([...alignedView(Float64Array, bytes.subarray(1, 9), 1)]).toEqual([
    alignedView(Float64Array, bytes.slice(1, 9), 1)[0],
  ]);
  expect([...alignedView(Float64Array, bytes.subarray(8, 16), 1)]).toEqual([-1]);
  for (const at of [0, 1, 8])
    expect(() => alignedView(Float64Array, bytes.subarray(at, at + 15), 2)).toThrow(
      'fewer bytes than numbers',
    );
});
