/**
 * Test data as files: rows to CSV (RFC 4180) and, through DuckDB in this process, to Parquet.
 *
 * Not covered: anything a product needs. Values are passed as text and cast by DuckDB, slowly and exactly.
 */
import { writeFileSync } from 'node:fs';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import type { Column, ColumnType } from '#sandbox/manifest/dataset.ts';
import type { Scalar } from '#sandbox/expression.ts';
import type { Row } from './reference-expression.ts';

/** A column to be written: other members of a manifest's column are ignored. */
export interface FileColumn extends Pick<Column, 'name' | 'type'> {
  /** The engine's type it is stored in, if not that of its declared type. */
  readonly stored?: string;
}

const CHUNK_ROWS = 500;

/** Writes CSV with a header: NULL is an empty field, an empty text is a pair of quotes. */
export function writeCsv(rows: readonly Row[], columns: readonly Pick<Column, 'name'>[], path: string): void {
  const lines = [
    columns.map(({ name }) => csvText(name)),
    ...rows.map((row) => columns.map(({ name }) => csvField(row[name]))),
  ];
  writeFileSync(path, lines.map((fields) => `${fields.join(',')}\n`).join(''));
}

/** Starting an engine takes longer than writing a small file, so all files of a test process share one. */
const shared = DuckDBInstance.create(':memory:', { threads: '1' });

/** A connection of its own to the shared engine, with a temporary table `name` that holds the rows. */
export async function tableOf(
  name: string,
  rows: readonly Row[],
  columns: readonly FileColumn[],
): Promise<DuckDBConnection> {
  const connection = await (await shared).connect();
  const names = columns.map((column) => `"${column.name.replaceAll('"', '""')}"`);
  const types = columns.map(({ type, stored }) => stored ?? physicalType(type));
  await connection.run(
    `CREATE TEMP TABLE ${name} (${names.map((column, i) => `${column} ${types[i]}`).join(', ')})`,
  );
  const casts = types.map((type, i) => `CAST(c${i} AS ${type})`).join(', ');
  const raw = types.map((_, i) => `c${i}`).join(', ');
  for (let from = 0; from < rows.length; from += CHUNK_ROWS) {
    const tuples = rows.slice(from, from + CHUNK_ROWS).map((row) => {
      return `(${columns.map((column) => sqlText(row[column.name] ?? null)).join(', ')})`;
    });
    await connection.run(
      `INSERT INTO ${name} SELECT ${casts} FROM (VALUES ${tuples.join(', ')}) AS raw(${raw})`,
    );
  }
  return connection;
}

/** Writes Parquet with the physical types of the manifest's (integer BIGINT, number DOUBLE, decimal(n) DECIMAL(18, n)). */
export async function writeParquet(
  rows: readonly Row[],
  columns: readonly FileColumn[],
  path: string,
): Promise<void> {
  const connection = await tableOf('written', rows, columns);
  try {
    await connection.run(`COPY written TO ${sqlText(path)} (FORMAT parquet)`);
  } finally {
    connection.closeSync();
  }
}

function physicalType(type: ColumnType): string {
  switch (type.kind) {
    case 'integer':
      return 'BIGINT';
    case 'number':
      return 'DOUBLE';
    case 'decimal':
      return `DECIMAL(18, ${type.scale})`;
    case 'string':
      return 'VARCHAR';
    case 'boolean':
      return 'BOOLEAN';
    case 'date':
      return 'DATE';
    case 'timestamp':
      return 'TIMESTAMP';
  }
}

/** The shortest text that reads back to the same value; −0 keeps its sign. */
function plainText(value: NonNullable<Scalar>): string {
  return Object.is(value, -0) ? '-0.0' : String(value);
}

function sqlText(value: Scalar): string {
  return value === null ? 'NULL' : `'${plainText(value).replaceAll("'", "''")}'`;
}

function csvField(value: Scalar | undefined): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? csvText(value) : plainText(value);
}

function csvText(text: string): string {
  return /^[\w. :-]+$/.test(text) ? text : `"${text.replaceAll('"', '""')}"`;
}
