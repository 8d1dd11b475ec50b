/**
 * The reader's engine without its process and jail: the same settings, the same SQL, inside the test.
 *
 * Not covered: the pipe and the confinement, which have tests of their own.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Engine } from '#sandbox/execute.ts';
import { describeSource, openSource, runSelect, startEngine } from '#sandbox/reader/engine.ts';

/** An engine over one file, and its connection for questions of the test's own. */
export interface InProcessEngine extends Engine, Disposable {
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
    [Symbol.dispose]: () => connection.closeSync(),
  };
}
