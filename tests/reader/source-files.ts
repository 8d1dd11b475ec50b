/** Source files for the tests of readers: made by DuckDB in this process, in a directory that each test file owns. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { SourceFile } from '#sandbox/reader/source.ts';

/** A new directory under the system's temporary one. */
export function makeDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'unseen-test-'));
}

/** Writes the result of a SELECT as a source. */
export async function writeSource(
  select: string,
  path: string,
  type: 'parquet' | 'csv' = 'parquet',
): Promise<SourceFile> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    const format = type === 'csv' ? '(FORMAT csv, HEADER)' : '(FORMAT parquet)';
    await connection.run(`COPY (${select}) TO '${path.replaceAll("'", "''")}' ${format}`);
    return { type, path };
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** Names, numbers and instants of eight people; the name of one is a secret to be found nowhere. */
export const SECRET_NAME = 'hidden-name-4711';
export const PEOPLE = `
  SELECT i AS id, CASE i WHEN 3 THEN '${SECRET_NAME}' ELSE 'person ' || i END AS name, i % 2 = 0 AS even,
    i / 4 AS share, TIMESTAMPTZ '2024-06-30 20:00:00+00' + to_hours(i) AS seen
  FROM range(8) AS t(i)`;
