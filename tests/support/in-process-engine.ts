/**
 * The engine without its jail: our printed SQL in DuckDB inside the test's own process.
 *
 * Not covered: the reader's process, pipe and confinement, which have tests of their own.
 */
import {
  DuckDBDateValue,
  DuckDBInstance,
  DuckDBTimestampValue,
  type DuckDBConnection,
} from '@duckdb/node-api';
import type { Engine, EngineColumns, EngineValue } from '#sandbox/execute.ts';

/** An engine over one file, and its connection for questions of the test's own. */
export interface InProcessEngine extends Engine, AsyncDisposable {
  readonly connection: DuckDBConnection;
}

/** Opens a Parquet file, or a CSV file all of whose columns are text. */
export async function openInProcess(type: 'parquet' | 'csv', path: string): Promise<InProcessEngine> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
  const connection = await instance.connect();
  const file = `'${path.replaceAll("'", "''")}'`;
  const reader =
    type === 'parquet' ? `read_parquet(${file})` : `read_csv(${file}, header = true, all_varchar = true)`;
  await connection.run(`CREATE VIEW source AS SELECT * FROM ${reader}`);
  const described = await connection.runAndReadAll('DESCRIBE source');
  const physical = new Map(described.getRows().map((row) => [String(row[0]), String(row[1])] as const));
  return {
    connection,
    physical,
    async query(sql, params) {
      const result = await connection.runAndReadAll(sql, [...params]);
      return result.getColumns().map((column) => column.map(engineValue)) satisfies EngineColumns;
    },
    async [Symbol.asyncDispose]() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

function engineValue(value: unknown): EngineValue {
  if (value instanceof DuckDBDateValue) return value.toString();
  if (value instanceof DuckDBTimestampValue) return value.toString().replace(' ', 'T');
  return value as EngineValue;
}
