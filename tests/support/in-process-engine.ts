/**
 * The reader's engine without its process and jail: the same settings, the same SQL, inside the test.
 *
 * Not covered: the pipe and the confinement, which have tests of their own.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Engine, RecordEngine } from '#sandbox/execute.ts';
import type { Dataset } from '#sandbox/manifest/dataset.ts';
import { printPreparation } from '#sandbox/query/prepare.ts';
import { describeSource, openSource, runCreate, runSelect, startEngine } from '#sandbox/reader/engine.ts';
import { readRange } from '#sandbox/reader/record-range.ts';
import type { Row } from './reference-expression.ts';
import { type FileColumn, tableOf } from './source-file.ts';

/** An engine over one file, and its connection for questions of the test's own. */
export interface InProcessEngine extends RecordEngine, Disposable {
  readonly connection: DuckDBConnection;
}

/** Opens a source as a reader does. `scratch` is a directory the engine may spill to. */
export async function openInProcess(
  source: { readonly type: 'parquet' | 'csv'; readonly path: string },
  scratch: string,
): Promise<InProcessEngine> {
  const settings = { ...source, scratch, memoryMiB: 512, spillMiB: 64, threads: 2 };
  const connection = await startEngine(settings);
  await openSource(connection, settings);
  return engineOf(connection);
}

/** The same over rows in memory: quicker, without a file and without the reader's settings. */
export async function openRows(
  rows: readonly Row[],
  columns: readonly FileColumn[],
): Promise<InProcessEngine> {
  return engineOf(await tableOf('source', rows, columns));
}

/** The engine on a connection that has a table `source`. */
export async function engineOf(connection: DuckDBConnection): Promise<InProcessEngine> {
  const types = new Map((await describeSource(connection)).map(({ name, type }) => [name, type] as const));
  return {
    connection,
    physical: { types, prepared: null },
    async query(sql, params) {
      const columns = await runSelect(
        connection,
        sql,
        params.map((param) => ['text', param]),
      );
      return columns.map((column) => column.values);
    },
    prepare: (sql, params = []) =>
      runCreate(
        connection,
        sql,
        params.map((param) => ['text', param]),
      ),
    records: ({ sql, units, fields }, from, to) =>
      readRange(connection, {
        id: 0,
        kind: 'records',
        units,
        fields,
        sql,
        params: [from, to].map((number) => ['integer', String(number)] as const),
      }),
    [Symbol.dispose]: () => connection.closeSync(),
  };
}

/** The same source behind a prepared copy, on the same connection. */
export async function prepareInProcess(engine: InProcessEngine, dataset: Dataset): Promise<InProcessEngine> {
  const { sql, physical } = printPreparation(dataset, engine.physical);
  await runCreate(engine.connection, sql, []);
  return { ...engine, physical };
}

/** What is run in the place of a printed statement. */
export type SqlChange = (sql: string) => string;

/** The engine, given other SQL than was printed: a defect on purpose. */
export function changedEngine(engine: Engine, change: SqlChange): Engine {
  return { physical: engine.physical, query: (sql, params) => engine.query(change(sql), params) };
}
