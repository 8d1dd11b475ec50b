/** A reader in its jail: exact answers, bound parameters, silence about the data, and what becomes of one that dies. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PLAIN_JAIL } from '#sandbox/jail/jail.ts';
import { JAIL_LAYERS } from '#sandbox/jail/self-test.ts';
import { openReader, type Reader, type ReaderOptions } from '#sandbox/reader/reader.ts';
import { identify, type SourceFile } from '#sandbox/reader/source.ts';
import { isJailMissing } from '../jail/jail-presence.ts';
import { makeDirectory, PEOPLE, SECRET_NAME, writeSource } from './source-files.ts';

const directory = makeDirectory();
/** Where tests run without a jail the answers are checked all the same. */
const jail = isJailMissing ? 'preferred' : 'required';

let people: SourceFile;
let reader: Reader;

function open(options: Partial<ReaderOptions> = {}): Promise<Reader> {
  return openReader({ source: people, jail, scratchParent: directory, ...options });
}

function scratches(): readonly string[] {
  return readdirSync(directory).filter((name) => name.startsWith('unseen-reader-'));
}

beforeAll(async () => {
  people = await writeSource(PEOPLE, join(directory, 'people.parquet'));
  reader = await open();
});

afterAll(async () => {
  await reader.close();
  rmSync(directory, { recursive: true });
});

test.skipIf(isJailMissing)('a reader has every layer of the jail', () => {
  expect(reader.layers).toEqual(JAIL_LAYERS);
});

test('integers of any width come back exactly, with finite numbers, booleans, texts and NULL', async () => {
  const sql = `SELECT 42::TINYINT, 9223372036854775807, (-9223372036854775808)::BIGINT, 18446744073709551615::UBIGINT,
    (-170141183460469231731687303715884105727)::HUGEINT, (sum(id) * 1e18::HUGEINT)::HUGEINT, 0.1::DOUBLE, -0.0::DOUBLE,
    true, 'π', '', NULL::BIGINT, NULL::VARCHAR FROM source`;
  expect(await reader.query(sql)).toEqual([
    [42n],
    [2n ** 63n - 1n],
    [-(2n ** 63n)],
    [2n ** 64n - 1n],
    [-(2n ** 127n) + 1n],
    [28n * 10n ** 18n],
    [0.1],
    [-0],
    [true],
    ['π'],
    [''],
    [null],
    [null],
  ]);
});

test('columns have all rows in order, and an empty result still has its columns', async () => {
  const rows = await reader.query(
    'SELECT i, i::HUGEINT * i, i % 3 = 0, i::VARCHAR FROM range(5000) t(i) ORDER BY i',
  );
  expect(rows[0]).toEqual(Array.from({ length: 5000 }, (_, i) => BigInt(i)));
  expect(rows[1]?.[4999]).toBe(4999n * 4999n);
  expect(rows[2]?.slice(0, 4)).toEqual([true, false, false, true]);
  expect(rows[3]?.[4999]).toBe('4999');
  expect(await reader.query('SELECT id, name FROM source WHERE id < 0')).toEqual([[], []]);
});

test('an instant becomes local time by an explicit zone, and dates and times are text', async () => {
  const sql = `SELECT CAST(timezone('Asia/Shanghai', min(seen)) AS DATE), timezone('America/New_York', min(seen)),
    timezone('Asia/Kolkata', TIMESTAMPTZ '2024-06-30 20:00:00.25+00') FROM source`;
  expect(await reader.query(sql)).toEqual([
    ['2024-07-01'],
    ['2024-06-30T16:00:00'],
    ['2024-07-01T01:30:00.25'],
  ]);
  expect(await reader.query(`SELECT current_setting('TimeZone')`)).toEqual([['UTC']]);
});

test('parameters are bound, so text in them stays text', async () => {
  const sql = 'SELECT $1, $2 + 1, $3 * 2, $4, $5 IS NULL, list_contains($6, $7), len($8)';
  const text = `'; SELECT name FROM source; --`;
  expect(
    await reader.query(sql, [text, 41n, 0.5, true, null, ['a', text], text, [1n, 2n ** 70n, null]]),
  ).toEqual([[text], [42n], [1], [true], [true], [true], [3n]]);
  expect(await reader.query('SELECT $1 - $2', [2n ** 100n, 1n])).toEqual([[2n ** 100n - 1n]]);
});

test('the source describes itself and hashes itself', async () => {
  expect(await reader.describe()).toEqual([
    { name: 'id', type: 'BIGINT' },
    { name: 'name', type: 'VARCHAR' },
    { name: 'even', type: 'BOOLEAN' },
    { name: 'share', type: 'DOUBLE' },
    { name: 'seen', type: 'TIMESTAMP WITH TIME ZONE' },
  ]);
  const { sha256, footer } = await reader.digest();
  expect(sha256).toBe(createHash('sha256').update(readFileSync(people.path)).digest('hex'));
  expect(footer).toBe((await identify(people)).footer);
});

test('queries of one reader wait for each other and each gets its own answer', async () => {
  const asked = Array.from({ length: 20 }, (_, i) =>
    reader.query('SELECT $1 + count(*) FROM source', [BigInt(i)]),
  );
  expect(await Promise.all(asked)).toEqual(Array.from({ length: 20 }, (_, i) => [[BigInt(i) + 8n]]));
});

test('two readers work side by side on different sources', async () => {
  const other = await writeSource('SELECT i AS id FROM range(100) t(i)', join(directory, 'other.parquet'));
  await using both = disposable(await open({ source: other }));
  const count = 'SELECT count(*) FROM source, range(100000)';
  expect(await Promise.all([reader.query(count), both.reader.query(count)])).toEqual([
    [[800000n]],
    [[10000000n]],
  ]);
});

test('what the engine says about a value reaches an operator who asked, and no error', async () => {
  const said: string[] = [];
  await using told = disposable(await open({ onDiagnostic: (text) => said.push(text) }));
  const failed = await told.reader
    .query('SELECT CAST(name AS INTEGER) FROM source')
    .catch((error: unknown) => error);
  expect(failed).toMatchObject({ name: 'Failure', code: 'MACHINE_FAULT' });
  const everything = textOf(failed);
  expect(everything).toContain('MACHINE_FAULT');
  expect(everything).not.toMatch(/person|hidden|Conversion|INT32/);
  // The control: the engine did name a value, so its silence above is ours.
  await expect.poll(() => said.join('')).toMatch(/Could not convert string '(person \d|hidden-name-4711)'/);
  expect(await told.reader.query('SELECT count(*) FROM source')).toEqual([[8n]]);
});

/** Everything an error carries, also what does not show when it is printed. */
function textOf(error: unknown): string {
  const seen: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause) {
    for (const name of Reflect.ownKeys(at))
      seen.push(String(name), JSON.stringify(Reflect.get(at, name)) ?? '');
    seen.push(at.message, String(at.stack), at.name);
  }
  return seen.join('\n');
}

test.for([
  `SELECT * FROM read_text('/etc/passwd')`,
  `SELECT * FROM read_csv('/etc/passwd', header = false)`,
  `SELECT * FROM glob('/*')`,
  `SELECT * FROM '/app/node'`,
  `COPY (SELECT 1) TO '/scratch/out.csv'`,
  `COPY source TO '/source/data.parquet'`,
  `EXPORT DATABASE '/scratch/out'`,
  `INSTALL httpfs`,
  `LOAD httpfs`,
  `ATTACH '/scratch/other.db'`,
  `SET enable_external_access = true`,
  `SET allowed_paths = ['/etc/passwd']`,
  `RESET lock_configuration`,
  `PRAGMA enable_profiling`,
  `PRAGMA disable_verification`,
  `CALL pragma_version()`,
  `CREATE TABLE copied AS SELECT * FROM source`,
  `DROP VIEW source`,
  `SET VARIABLE kept = 1`,
  `SELECT 1; SELECT 2`,
  `SELECT getenv('HOME')`,
  ``,
])('a reader does not run: %s', async (sql) => {
  await expect(reader.query(sql)).rejects.toMatchObject({ code: 'MACHINE_FAULT' });
  expect(await reader.query('SELECT count(*) FROM source')).toEqual([[8n]]);
});

test('results that no Plan has are not answered: other types, not-numbers, long texts, too many parameters', async () => {
  for (const sql of [
    'SELECT seen FROM source',
    'SELECT [1]',
    `SELECT 'x'::BLOB`,
    'SELECT 1.5',
    `SELECT INTERVAL 1 DAY`,
  ]) {
    await expect(reader.query(sql)).rejects.toMatchObject({ code: 'MACHINE_FAULT' });
  }
  await expect(reader.query(`SELECT repeat('x', 257)`)).rejects.toMatchObject({ code: 'MACHINE_FAULT' });
  expect(await reader.query(`SELECT repeat('x', 256)`)).toEqual([['x'.repeat(256)]]);
  await expect(reader.query('SELECT 1', [1n])).rejects.toMatchObject({ code: 'MACHINE_FAULT' });
  await expect(reader.query('SELECT $1, $2', [1n])).rejects.toMatchObject({ code: 'MACHINE_FAULT' });
  expect(reader.isGone).toBe(false);
});

test('a number that is not finite breaks the shape, and the reader with it', async () => {
  await using other = disposable(await open());
  await expect(other.reader.query(`SELECT 'nan'::DOUBLE`)).rejects.toMatchObject({ code: 'MACHINE_FAULT' });
  expect(other.reader.isGone).toBe(true);
});

test('a result beyond the limit is not sent', async () => {
  await using small = disposable(await open({ maxResultBytes: 9 * 100 }));
  await expect(small.reader.query('SELECT i FROM range(101) t(i)')).rejects.toMatchObject({
    code: 'MACHINE_FAULT',
  });
  expect((await small.reader.query('SELECT i FROM range(100) t(i)'))[0]).toHaveLength(100);
});

test('prepared tables serve later queries of the same reader', async () => {
  await using other = disposable(await open());
  await other.reader.prepare([
    { sql: 'CREATE TABLE units AS SELECT id, hash(id, $1) AS code FROM source', params: [7n] },
    { sql: 'CREATE VIEW evens AS SELECT * FROM units WHERE id % 2 = 0', params: [] },
  ]);
  expect(await other.reader.query('SELECT count(*) FROM evens')).toEqual([[4n]]);
  const copy = { sql: `COPY source TO '/scratch/out.csv'`, params: [] };
  await expect(other.reader.prepare([copy])).rejects.toMatchObject({ code: 'MACHINE_FAULT' });
});

const ENDLESS =
  'SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE (a.range * b.range) % 7 = 3';

test('a query beyond its time limit is ended, and its reader with it', async () => {
  const slow = await open();
  const started = performance.now();
  await expect(slow.query(ENDLESS, [], { timeoutMs: 200 })).rejects.toMatchObject({ code: 'RUN_LIMIT' });
  expect(performance.now() - started).toBeLessThan(5000);
  expect(slow.isGone).toBe(true);
  await expect(slow.query('SELECT 1')).rejects.toMatchObject({ code: 'MACHINE_FAULT' });
  await slow.close();
});

test('a reader that is killed in a query fails it and what waits behind it, and leaves nothing on disk', async () => {
  const before = scratches();
  const doomed = await open();
  const [scratch] = scratches().filter((name) => !before.includes(name));
  expect(existsSync(join(directory, scratch!))).toBe(true);
  const asked = [doomed.query(ENDLESS), doomed.query('SELECT 1')];
  process.kill(newestChild(), 'SIGKILL');
  for (const query of asked) await expect(query).rejects.toMatchObject({ code: 'MACHINE_FAULT' });
  await expect.poll(() => scratches()).toEqual(before);
  await doomed.close();
});

/** The newest child of this process, which is the launcher of the reader opened last. */
function newestChild(): number {
  const numbers = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  return Math.max(...numbers.filter((id) => parentOf(id) === process.pid));
}

function parentOf(processId: number): number | null {
  try {
    return Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${processId}/status`, 'utf8'))?.[1]);
  } catch {
    return null; // It ended while we looked.
  }
}

test('without a jail the same reader runs as a plain process and says so', async () => {
  const wild = await writeSource(PEOPLE, join(directory, `we[ir]d *'name.parquet`));
  await using plain = disposable(await open({ source: wild, jail: 'preferred', jailReport: PLAIN_JAIL }));
  expect(plain.reader.layers).toEqual(['process', 'empty-environment']);
  expect(await plain.reader.query('SELECT count(*), max(name) FROM source WHERE id <> 3')).toEqual([
    [7n],
    ['person 7'],
  ]);
  await expect(plain.reader.query(`SELECT * FROM read_text('/etc/passwd')`)).rejects.toMatchObject({
    code: 'MACHINE_FAULT',
  });
  await expect(open({ jail: 'required', jailReport: PLAIN_JAIL })).rejects.toMatchObject({ code: 'JAIL' });
});

test('a query larger than its memory spills into the scratch directory and comes out right', async () => {
  const before = scratches();
  await using tight = disposable(await open({ memoryMiB: 96, threads: 2 }));
  const [scratch] = scratches().filter((name) => !before.includes(name));
  const sql = `SELECT count(*), sum(c)::HUGEINT FROM (
    SELECT i % 600000 AS g, 'a text that makes groups heavy ' || (i % 600000) AS t, count(*) AS c
    FROM range(1200000) AS r(i) GROUP BY ALL)`;
  let hasSpilled = false;
  const watch = setInterval(() => {
    hasSpilled ||= readdirSync(join(directory, scratch!)).length > 0;
  }, 10);
  expect(await tight.reader.query(sql)).toEqual([[600000n], [1200000n]]);
  clearInterval(watch);
  expect(hasSpilled).toBe(true);
});

test('the secret that these tests look for is in the source', async () => {
  expect(await reader.query('SELECT name FROM source WHERE id = 3')).toEqual([[SECRET_NAME]]);
});

function disposable(opened: Reader): AsyncDisposable & { readonly reader: Reader } {
  return { reader: opened, [Symbol.asyncDispose]: () => opened.close() };
}
