/** Made-up records: every value that a program must stand, the same everywhere, and nothing that it may not see. */
import * as fc from 'fast-check';
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Scalar } from '#sandbox/expression.ts';
import type { Column, Dataset } from '#sandbox/manifest/dataset.ts';
import { MOCK_RECORDS, type MockRecord, mockRecords } from '#sandbox/program/mock.ts';
import { decodeRecords, encodeRecords, type RecordColumn } from '#sandbox/worker/records.ts';
import { bufferOf } from '#sandbox/worker/trial-records.ts';
import { ORDER_COLUMN, worlds } from '#tests/support/dataset-generator.ts';

/** What is wrong with made-up records of a dataset. */
function faultsOf({ columns }: Pick<Dataset, 'columns'>, records: readonly MockRecord[]): string[] {
  const seen = columns.filter(({ role }) => role === 'key' || role === 'value');
  const names = JSON.stringify(seen.map(({ name }) => name));
  return [
    ...(records.length >= 1_000 ? [] : ['too few']),
    ...(records.every((record) => JSON.stringify(Object.keys(record)) === names) ? [] : ['other columns']),
    ...(records.some((record) => Object.values(record).every((value) => value === null))
      ? []
      : ['no empty record']),
    ...seen.flatMap((column) => absentOf(column, new Set(records.map((record) => record[column.name]!)))),
  ];
}

/** Values of a column that must be there and are not. */
function absentOf({ name, type, bounds, values }: Column, there: ReadonlySet<Scalar>): string[] {
  const wanted: Scalar[] = [null, ...(values ?? [])];
  if (type.kind === 'boolean') wanted.push(true, false);
  if (bounds !== null)
    wanted.push(...(bounds as readonly Scalar[]).map((bound) => momentOf(bound, type.kind)));
  const absent = wanted
    .filter((value) => !there.has(value))
    .map((value) => `${name} is never ${String(value)}`);
  const [low, high] = bounds ?? [];
  const isBeyond = (far: (value: number) => boolean): boolean =>
    [...there].some((value) => typeof value === 'number' && far(value));
  if (typeof low === 'number' && !isBeyond((value) => value < low)) absent.push(`${name} is never too low`);
  if (typeof high === 'number' && !isBeyond((value) => value > high))
    absent.push(`${name} is never too high`);
  return absent;
}

function momentOf(bound: Scalar, kind: string): Scalar {
  // The first and last moment of a timestamp fall on the days of its bounds, at an hour of their own.
  return kind === 'timestamp' ? null : bound;
}

describe('made-up records', () => {
  test('hold every listed value, both bounds and what is beyond, NULL in every column, and no hidden one', () => {
    fc.assert(
      fc.property(worlds(), ({ dataset }) => {
        expect(faultsOf(dataset, mockRecords(dataset))).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  test('would be found wanting: the control', () => {
    const { dataset } = fc.sample(worlds(), { numRuns: 1, seed: 1 })[0]!;
    const records = mockRecords(dataset);
    const without = (kept: (record: MockRecord) => boolean): readonly MockRecord[] => records.filter(kept);
    expect(faultsOf(dataset, records.slice(0, 999))).toContain('too few');
    expect(faultsOf(dataset, records.slice(1))).toContain('no empty record');
    expect(
      faultsOf(
        dataset,
        without(({ age }) => age === null || Number(age) <= 120),
      ),
    ).toContain('age is never too high');
    expect(
      faultsOf(
        dataset,
        without((record) => record[ORDER_COLUMN] !== null),
      ),
    ).toContain(`${ORDER_COLUMN} is never null`);
    expect(
      faultsOf(
        dataset,
        records.map((record) => ({ ...record, secret: 'x' })),
      ),
    ).toContain('other columns');
  });

  test('are the same on every machine and every day', () => {
    const { dataset } = fc.sample(worlds(), { numRuns: 1, seed: 7 })[0]!;
    const columns: readonly Column[] = [
      ...dataset.columns.filter(({ name }) => name === 'age' || name === 'at' || name === 'born'),
      { ...dataset.columns.find(({ name }) => name === 'region')!, values: ['north', '华东', null] },
    ];
    const records = mockRecords({ columns });
    expect(records).toHaveLength(MOCK_RECORDS);
    expect(createHash('sha256').update(JSON.stringify(records)).digest('hex')).toBe(DIGEST);
  });

  test('come through a buffer of a worker as they are', () => {
    fc.assert(
      fc.property(worlds(), ({ dataset }) => {
        const records = mockRecords(dataset);
        const names = Object.keys(records[0]!);
        const columns = names.map((name) => ({ name, kind: kindOf(dataset, name) }));
        const table = records.map((record) => names.map((name) => record[name]!));
        const buffer = decodeRecords(encodeRecords(bufferOf(table, columns)));
        expect(buffer.rows).toBe(records.length);
        const read = records.map((_, row) => buffer.columns.map((column) => valueOf(column, row)));
        expect(read).toEqual(table);
      }),
      { numRuns: 10 },
    );
  });
});

const DIGEST = 'c5e696446edd0e8e69a09b13c500ba2478206827386fb1204c6fb18e82313852';

function kindOf({ columns }: Dataset, name: string): RecordColumn['kind'] {
  const { kind } = columns.find((column) => column.name === name)!.type;
  if (kind === 'boolean') return 'boolean';
  return kind === 'integer' || kind === 'number' || kind === 'decimal' ? 'number' : 'text';
}

function valueOf(column: RecordColumn, row: number): Scalar {
  if (column.kind === 'number') return Number.isNaN(column.values[row]!) ? null : column.values[row]!;
  if (column.kind === 'boolean') return column.values[row] === 2 ? null : column.values[row] === 1;
  return column.codes[row] === -1 ? null : column.dictionary[column.codes[row]!]!;
}
