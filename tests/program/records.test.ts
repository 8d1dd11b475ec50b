/** Records as a program will see them: the scan's values, every row once, those of a unit together. */
import * as fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { RecordEngine } from '#sandbox/execute.ts';
import type { Scalar } from '#sandbox/expression.ts';
import type { Dataset } from '#sandbox/manifest/dataset.ts';
import { recordsOf } from '#sandbox/program/record-source.ts';
import { isNumbered, printRecords } from '#sandbox/query/print-records.ts';
import { secureRandom } from '#sandbox/release/random.ts';
import { decodeRecords, type RecordColumn } from '#sandbox/worker/records.ts';
import { type World, worlds } from '#tests/support/dataset-generator.ts';
import { openInProcess, openRows, prepareInProcess } from '#tests/support/in-process-engine.ts';
import { scannedRows } from '#tests/support/reference-scan.ts';
import { writeParquet } from '#tests/support/source-file.ts';

const directory = mkdtempSync(join(tmpdir(), 'unseen-records-'));
afterAll(() => rmSync(directory, { recursive: true }));
const random = secureRandom();

function valueOf(column: RecordColumn, row: number): Scalar {
  if (column.kind === 'number') return Number.isNaN(column.values[row]!) ? null : column.values[row]!;
  if (column.kind === 'boolean') return column.values[row] === 2 ? null : column.values[row] === 1;
  return column.codes[row] === -1 ? null : column.dictionary[column.codes[row]!]!;
}

interface Seen {
  /** Records as text, sorted, by the hash of their unit ('' where rows are units). */
  readonly byUnit: ReadonlyMap<string, readonly string[]>;
  /** The units' numbers in the order in which they came, per buffer. */
  readonly orders: readonly (readonly number[])[];
}

async function readAll(engine: RecordEngine, dataset: Dataset, columns: readonly string[]): Promise<Seen> {
  const byUnit = new Map<string, string[]>();
  const orders: number[][] = [];
  for await (const { rows, units, hashes, bytes } of recordsOf(engine, { dataset, columns }, random)) {
    const buffer = decodeRecords(bytes);
    expect(buffer.rows).toBe(rows);
    if (units !== null) orders.push([...units]);
    for (let row = 0; row < rows; row += 1) {
      const record = JSON.stringify(buffer.columns.map((column) => valueOf(column, row)));
      const unit = hashes === null ? '' : String(hashes[row]);
      byUnit.set(unit, [...(byUnit.get(unit) ?? []), record]);
    }
  }
  for (const records of byUnit.values()) records.sort();
  return { byUnit, orders };
}

/** What the scan says a file holds: records by unit, without those of no unit. */
function expected({ dataset, rows }: World, columns: readonly string[]): readonly string[] {
  const unit = dataset.privacyUnit.kind === 'column' ? dataset.privacyUnit.column : null;
  const byUnit = new Map<Scalar, string[]>();
  for (const row of scannedRows(rows, dataset.columns)) {
    const owner = unit === null ? '' : row[unit]!;
    if (owner === null) continue;
    const record = JSON.stringify(columns.map((name) => row[name] ?? null));
    byUnit.set(owner, [...(byUnit.get(owner) ?? []), record]);
  }
  return [...byUnit.values()].map((records) => records.sort().join('\n')).sort();
}

const groups = (seen: Seen): readonly string[] =>
  [...seen.byUnit.values()].map((records) => records.join('\n')).sort();

const columnsOf = ({ columns }: Dataset): readonly string[] =>
  columns.filter(({ role }) => role !== 'hidden' && role !== 'unit').map(({ name }) => name);

describe('records of a generated source', () => {
  test('are the values of the scan, with each unit’s records together, from a copy made for the job', async () => {
    await fc.assert(
      fc.asyncProperty(worlds(), async (world) => {
        using engine = await openRows(world.rows, world.dataset.columns);
        const dataset = { ...world.dataset, source: { ...world.dataset.source, type: 'csv' as const } };
        const columns = columnsOf(dataset);
        const seen = await readAll(engine, dataset, columns);
        expect(groups(seen)).toEqual(expected(world, columns));
        for (const order of seen.orders) expect(order).toEqual([...order].sort((a, b) => a - b));
        // The copy is gone.
        expect(
          await engine.query("SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'staged%'", []),
        ).toEqual([[0n]]);
      }),
      { numRuns: 60 },
    );
  });

  test('are the same from a prepared copy', async () => {
    await fc.assert(
      fc.asyncProperty(worlds(), async (world) => {
        using plain = await openRows(world.rows, world.dataset.columns);
        await plain.prepare('DROP TABLE IF EXISTS prepared');
        const engine = await prepareInProcess(plain, world.dataset);
        const columns = columnsOf(world.dataset);
        expect(groups(await readAll(engine, world.dataset, columns))).toEqual(expected(world, columns));
      }),
      { numRuns: 60 },
    );
  });

  test('are the same from a Parquet file whose rows are units, without any copy', async () => {
    await fc.assert(
      fc.asyncProperty(worlds(), async (world) => {
        const path = join(directory, 'rows.parquet');
        await writeParquet(world.rows, world.dataset.columns, path);
        const dataset: Dataset = {
          ...world.dataset,
          privacyUnit: { kind: 'row' },
          source: { type: 'parquet', path },
        };
        using engine = await openInProcess({ type: 'parquet', path }, directory);
        expect(isNumbered(dataset, engine.physical)).toBe(true);
        const columns = columnsOf(dataset).filter((name) => name !== 'uid');
        expect(groups(await readAll(engine, dataset, columns))).toEqual(
          expected({ dataset, rows: world.rows }, columns),
        );
      }),
      { numRuns: 25 },
    );
  });
});

const NOTES: Dataset = {
  kind: 'Dataset',
  name: 'notes',
  title: null,
  source: { type: 'parquet', path: '' },
  lineage: 'notes',
  timeZone: 'UTC',
  privacyUnit: { kind: 'column', column: 'person' },
  unitDomain: 'notes',
  population: null,
  origin: 'synthetic',
  grade: 'general',
  maxRows: 2 ** 24,
  columns: (['person', 'note'] as const).map((name) => ({
    name,
    type: { kind: name === 'person' ? 'integer' : 'string' },
    role: name === 'person' ? 'unit' : 'value',
    bounds: null,
    granularity: null,
    values: null,
  })),
};

test('a range of long texts comes in parts, and no record is lost between them', async () => {
  const rows = Array.from({ length: 30_000 }, (_, row) => ({
    person: row % 7000,
    note: `${row} `.padEnd(4000, 'x'),
  }));
  using engine = await openRows(rows, NOTES.columns);
  let answers = 0;
  const counting: RecordEngine = {
    ...engine,
    records: (query, from, to) => {
      answers += 1;
      return engine.records(query, from, to);
    },
  };
  const seen = await readAll(counting, NOTES, ['note']);
  expect(answers).toBeGreaterThan(1);
  expect([...seen.byUnit.values()].flat()).toHaveLength(30_000);
  expect(new Set([...seen.byUnit.values()].flat()).size).toBe(30_000);
});

test('a text of more than 4,096 bytes is null to a program', async () => {
  const rows = [4096, 4097].map((length) => ({ person: length, note: 'y'.repeat(length) }));
  using engine = await openRows(rows, NOTES.columns);
  const seen = await readAll(engine, NOTES, ['note']);
  expect([...seen.byUnit.values()].flat().sort()).toEqual(
    [JSON.stringify(['y'.repeat(4096)]), '[null]'].sort(),
  );
});

test('a file with a column of the engine’s own name is copied instead of numbered', async () => {
  const named: Dataset = {
    ...NOTES,
    privacyUnit: { kind: 'row' },
    columns: NOTES.columns.map((column) => ({
      ...column,
      role: 'value',
      name: column.name === 'note' ? 'File_Row_Number' : column.name,
    })),
  };
  const path = join(directory, 'named.parquet');
  await writeParquet([{ person: 1, File_Row_Number: 'a' }], named.columns, path);
  const dataset: Dataset = { ...named, source: { type: 'parquet', path } };
  using engine = await openInProcess({ type: 'parquet', path }, directory);
  expect(isNumbered(dataset, engine.physical)).toBe(false);
  expect([...(await readAll(engine, dataset, ['File_Row_Number'])).byUnit.values()]).toEqual([['["a"]']]);
});

test('the rows of a million-row copy are in order within every buffer, whatever threads read them', async () => {
  const rows = Array.from({ length: 300_000 }, (_, row) => ({ person: (row * 7919) % 50_000, note: 'n' }));
  using engine = await openRows(rows, NOTES.columns);
  const seen = await readAll(engine, NOTES, []);
  for (const order of seen.orders)
    expect(order.every((unit, at) => at === 0 || order[at - 1]! <= unit)).toBe(true);
  expect(seen.orders.reduce((sum, order) => sum + order.length, 0)).toBe(300_000);
  // The order in which buffers come is not that of the table: 1 chance in 5! to see it by accident.
  expect(seen.orders.length).toBe(5);
  expect(printRecords(NOTES, [], { physical: engine.physical, staged: 't' }).rows).toBeGreaterThan(300_000);
});
