/** Files of the demo: written by the engine in this process, because nothing in them is anybody's. */
import { DuckDBInstance } from '@duckdb/node-api';

/** Runs statements of our own that write files; the first column of the last statement's first row. */
export async function runStatements(statements: readonly string[]): Promise<unknown> {
  const instance = await DuckDBInstance.create(':memory:', { temp_directory: '' });
  const connection = await instance.connect();
  try {
    let rows: readonly (readonly unknown[])[] = [];
    for (const statement of statements) rows = (await connection.runAndReadAll(statement)).getRowsJson();
    return rows;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
