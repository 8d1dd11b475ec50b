/**
 * Test data as files: rows to CSV (RFC 4180) and, through DuckDB in this process, to Parquet.
 *
 * Not covered: anything a product needs. Values are passed as text and cast by DuckDB, slowly and exactly.
 */
import { writeFileSync } from 'node:fs';
import { DuckDBInstance } from '@duckdb/node-api';
import type { Column, ColumnType } from '#sandbox/manifest/dataset.ts';
import type { Scalar } from '#sandbox/query/ir.ts';
import type { Row } from './reference-expression.ts';

/** Name and type of a column to be written; other members of a manifest's column are ignored. */
export type FileColumn = Pick<Column, 'name' | 'type'>;

const CHUNK_ROWS = 500;

/** Writes CSV with a header: NULL is an empty field, an empty text is a pair of quotes. */
export function writeCsv(rows: readonly Row[], columns: readonly Pick<Column, 'name'>[], path: string): void {
  const lines = [
    columns.map(({ name }) => csvText(name)),
    ...rows.map((row) => columns.map(({ name }) => csvField(row[name]))),
  ];
  writeFileSync(path, lines.map((fields) => `${fields.join(',')}\n`).join(''));
}

/** Writes Parquet with the physical types of the manifest's (integer BIGINT, number DOUBLE, decimal(n) DECIMAL(18, n)). */
export async function writeParquet(
  rows: readonly Row[],
  columns: readonly FileColumn[],
  path: string,
): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    const names = columns.map(({ name }) => `"${name.replaceAll('"', '""')}"`);
    await connection.run(`CREATE TABLE raw (${names.map((name) => `${name} VARCHAR`).join(', ')})`);
    for (let from = 0; from < rows.length; from += CHUNK_ROWS) {
      const tuples = rows.slice(from, from + CHUNK_ROWS).map((row) => {
        return `(${columns.map(({ name }) => sqlText(row[name] ?? null)).join(', ')})`;
      });
      await connection.run(`INSERT INTO raw VALUES ${tuples.join(', ')}`);
    }
    const casts = columns.map(({ type }, i) => `CAST(${names[i]} AS ${physicalType(type)}) AS ${names[i]}`);
    await connection.run(`COPY (SELECT ${casts.join(', ')} FROM raw) TO ${sqlText(path)} (FORMAT parquet)`);
  } finally {
    connection.closeSync();
    instance.closeSync();
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
