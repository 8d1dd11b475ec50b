/** DuckDB's own locks, without the jail round them and without the reader's rule of one SELECT. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSource, startEngine } from '#sandbox/reader/engine.ts';
import { makeDirectory, PEOPLE, writeSource } from './source-files.ts';

const directory = makeDirectory();
const scratch = makeDirectory();
const path = join(directory, 'people.parquet');
let locked: DuckDBConnection;
let open: DuckDBConnection;

beforeAll(async () => {
  await writeSource(PEOPLE, path);
  writeFileSync(join(directory, 'secret.txt'), 'a secret');
  const settings = { type: 'parquet', path, scratch, memoryMiB: 256, spillMiB: 256, threads: 1 } as const;
  locked = await startEngine(settings);
  await openSource(locked, settings);
  open = await (await DuckDBInstance.create(':memory:')).connect();
});

afterAll(() => {
  rmSync(directory, { recursive: true });
  rmSync(scratch, { recursive: true });
});

/** Each works in an engine that is not locked, so that its failure in ours is the lock's doing. */
const FORBIDDEN = [
  `SELECT * FROM read_text('${directory}/secret.txt')`,
  `SELECT * FROM read_csv('${directory}/secret.txt', header = false)`,
  `SELECT * FROM glob('${directory}/*')`,
  `COPY (SELECT 1) TO '${directory}/out.csv'`,
  `ATTACH '${directory}/other.db'`,
  `EXPORT DATABASE '${directory}/export'`,
  `SET memory_limit = '1GB'`,
  `SET threads = 1`,
  `SET TimeZone = 'Asia/Tokyo'`,
  `SET allowed_directories = ['/']`,
  `SET temp_directory = '${directory}'`,
];

test.for(FORBIDDEN)('the locked engine does not: %s', async (sql) => {
  await expect(locked.run(sql)).rejects.toThrow(/Permission Error|configuration has been locked/);
  await expect(open.run(sql)).resolves.toBeDefined();
});

test.for([`INSTALL httpfs`, `LOAD httpfs`, `SET enable_external_access = true`, `RESET lock_configuration`])(
  'the locked engine does not, wherever it runs: %s',
  async (sql) => {
    await expect(locked.run(sql)).rejects.toThrow(/Permission Error|configuration has been locked/);
  },
);

test('the locked engine reads its source', async () => {
  expect((await locked.runAndReadAll('SELECT count(*) FROM source')).getRows()).toEqual([[8n]]);
});

test('the secret seed of a statement is in none of the engine’s lists', async () => {
  const prepared = await locked.prepare('SELECT hash(id, $1) FROM source');
  prepared.bindBigInt(1, 4242424242n);
  await prepared.run();
  const lists = await locked.runAndReadAll(
    'SELECT name || value FROM duckdb_settings() UNION ALL SELECT sql FROM duckdb_views()',
  );
  expect(JSON.stringify(lists.getRows())).not.toContain('4242424242');
});
