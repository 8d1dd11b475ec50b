/** Buffers of records: what is encoded is decoded, and bytes that nobody encoded are refused. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fileOrder, secretOrder } from '#sandbox/worker/order.ts';
import {
  decodeRecords,
  encodeRecords,
  type RecordBuffer,
  type RecordColumn,
  selectRecords,
} from '#sandbox/worker/records.ts';

function column(rows: number): fc.Arbitrary<RecordColumn> {
  const size = { minLength: rows, maxLength: rows };
  const numbers = fc.array(fc.double(), size);
  const flags = fc.array(fc.integer({ min: 0, max: 2 }), size);
  const texts = fc
    .uniqueArray(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 5 })
    .chain((dictionary) =>
      fc.tuple(fc.constant(dictionary), fc.array(fc.integer({ min: -1, max: dictionary.length - 1 }), size)),
    );
  return fc.oneof(
    numbers.map((values): RecordColumn => ({ kind: 'number', values: Float64Array.from(values) })),
    flags.map((values): RecordColumn => ({ kind: 'boolean', values: Uint8Array.from(values) })),
    texts.map(([dictionary, codes]): RecordColumn => ({
      kind: 'text',
      codes: Int32Array.from(codes),
      dictionary,
    })),
  );
}

const buffer: fc.Arbitrary<RecordBuffer> = fc
  .nat({ max: 30 })
  .chain((rows) => fc.record({ rows: fc.constant(rows), columns: fc.array(column(rows), { maxLength: 4 }) }));

test('a buffer is decoded as it was encoded, wherever its bytes lie', () => {
  fc.assert(
    fc.property(buffer, fc.nat({ max: 16 }), (records, shift) => {
      const bytes = encodeRecords(records);
      const moved = Buffer.alloc(shift + bytes.length);
      bytes.copy(moved, shift);
      expect(decodeRecords(moved.subarray(shift))).toEqual(records);
    }),
  );
});

test('bytes that are shorter, longer or changed in a header are refused, or are another whole buffer', () => {
  fc.assert(
    fc.property(buffer, fc.nat(), fc.integer({ min: 0, max: 255 }), (records, place, byte) => {
      const bytes = encodeRecords(records);
      expect(() => decodeRecords(bytes.subarray(0, place % bytes.length))).toThrow(Error);
      expect(() => decodeRecords(Buffer.concat([bytes, Buffer.alloc(8)]))).toThrow(RangeError);
      const changed = Buffer.from(bytes);
      changed[place % bytes.length] = byte;
      let decoded: RecordBuffer | null = null;
      try {
        decoded = decodeRecords(changed);
      } catch {
        // Refused, as it should be when a length, kind or code is not what it was.
      }
      for (const { kind, ...rest } of decoded?.columns ?? []) {
        const body = 'codes' in rest ? rest.codes : rest.values;
        expect([kind, body.length]).toEqual([kind, decoded!.rows]);
      }
    }),
  );
});

test('some records of a buffer are those at the positions, in their order', () => {
  fc.assert(
    fc.property(buffer, fc.array(fc.nat()), (records, chosen) => {
      const positions = Int32Array.from(records.rows === 0 ? [] : chosen, (at) => at % records.rows);
      const selected = selectRecords(records, positions);
      expect(selected.rows).toBe(positions.length);
      for (const [index, position] of positions.entries()) {
        const one = selectRecords(records, Int32Array.of(position));
        expect(selectRecords(selected, Int32Array.of(index))).toEqual(one);
      }
    }),
  );
});

test('a secret order has every position once, and is another at every call', () => {
  const order = secretOrder();
  for (const rows of [0, 1, 2, 1000, 65_536]) {
    expect(order(rows).toSorted()).toEqual(fileOrder(rows));
  }
  expect(order(1000)).not.toEqual(order(1000));
});

test('every order of four records is as likely as any other', () => {
  // 24,000 draws over 24 orders; chi-square with 23 degrees of freedom exceeds 58.6 with probability 6e-5.
  const [draws, cells] = [24_000, 24];
  const order = secretOrder();
  const counts = new Map<string, number>();
  for (let draw = 0; draw < draws; draw += 1) {
    const drawn = order(4).join('');
    counts.set(drawn, (counts.get(drawn) ?? 0) + 1);
  }
  expect(counts.size).toBe(cells);
  const expected = draws / cells;
  const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  expect(chiSquare).toBeLessThan(58.6);
});
