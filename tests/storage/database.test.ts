/** The handle over both databases: locks on directories, migrations, and what a transaction promises. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';

import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api';
import { sql } from 'drizzle-orm';
import { pgTable, text } from 'drizzle-orm/pg-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type Database, openDatabase, sqlStateOf, type Tx } from '#gateway/storage/database.ts';
import { type DirectoryLock, lockDirectory } from '#gateway/storage/directory-lock.ts';
import * as billing from '#gateway/storage/tables/billing.ts';
import * as catalogue from '#gateway/storage/tables/catalogue.ts';
import * as documents from '#gateway/storage/tables/documents.ts';
import * as evidence from '#gateway/storage/tables/evidence.ts';
import * as grants from '#gateway/storage/tables/grants.ts';
import * as identity from '#gateway/storage/tables/identity.ts';
import * as jobs from '#gateway/storage/tables/jobs.ts';
import * as shares from '#gateway/storage/tables/shares.ts';
import * as programs from '#gateway/storage/tables/programs.ts';
import * as keys from '#gateway/storage/tables/keys.ts';
import * as reviews from '#gateway/storage/tables/reviews.ts';
import { Failure } from '#policies/refusal.ts';
import { render } from '#policies/words.ts';
import { describeEngines, openEngine, type OpenEngine } from '#tests/support/engines.ts';

const scratch = mkdtempSync(join(tmpdir(), 'unseen-db-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let count = 0;
function freshDirectory(): string {
  count += 1;
  const path = join(scratch, String(count));
  mkdirSync(path);
  return path;
}

/** Runs a module that may import ours, in a process of its own. `ready` resolves when it has said so. */
function runModule(code: string): {
  readonly child: ChildProcess;
  readonly ready: Promise<void>;
  readonly gone: Promise<unknown>;
} {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ready = new Promise<void>((done) => child.stdout?.once('data', () => done()));
  return { child, ready, gone: new Promise((done) => child.once('exit', done)) };
}

const LOCK_AND_WAIT = (directory: string): string => `
  import { lockDirectory } from '#gateway/storage/directory-lock.ts';
  await lockDirectory(${JSON.stringify(directory)}, { waitMs: 0 });
  console.log('ready');
  setInterval(() => undefined, 1000);`;

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error = await work.catch((thrown: unknown) => thrown);
  if (!(error instanceof Failure)) throw new RangeError('it did not fail');
  return error;
}

describe('a lock on a directory', () => {
  test('is held by one process, which the other is told', async () => {
    const directory = freshDirectory();
    const { child, ready, gone } = runModule(LOCK_AND_WAIT(directory));
    await ready;
    const failure = await failureOf(lockDirectory(directory, { waitMs: 60 }));
    expect(failure.code).toBe('STATE_BUSY');
    expect(render(failure.sentence, 'en')).toContain(`\`${directory}\` is in use by process ${child.pid}`);
    child.kill('SIGKILL');
    await gone;
    // The dead process's lock is taken over, and its name is free again afterwards.
    await (await lockDirectory(directory, { waitMs: 0 })).release();
    expect(readdirSync(directory)).toEqual([]);
  });

  test('of many that take over a dead one at once, one has it', async () => {
    const directory = freshDirectory();
    for (let round = 0; round < 10; round += 1) {
      writeFileSync(
        join(directory, 'lock'),
        JSON.stringify({ pid: 2 ** 22 + round, start: '1', nonce: String(round).padStart(32, '0') }),
      );
      const takers = Array.from({ length: 20 }, () =>
        lockDirectory(directory, { waitMs: 0 }).catch(() => null),
      );
      const taken = (await Promise.all(takers)).filter((lock): lock is DirectoryLock => lock !== null);
      expect(taken).toHaveLength(1);
      await taken[0]?.release();
    }
    expect(readdirSync(directory)).toEqual([]);
  });

  test.for([
    {
      name: 'a pid that was given to another process since',
      text: JSON.stringify({ pid: process.pid, start: '1', nonce: '0'.repeat(32) }),
    },
    { name: 'a file that a stopping machine cut off', text: '{"pid":' },
    { name: 'an empty file', text: '' },
  ])('takes over $name', async ({ text }) => {
    const directory = freshDirectory();
    writeFileSync(join(directory, 'lock'), text);
    const lock = await lockDirectory(directory, { waitMs: 0 });
    expect(JSON.parse(readFileSync(join(directory, 'lock'), 'utf8'))).toMatchObject({ pid: process.pid });
    await lock.release();
  });

  test('is waited for', async () => {
    const directory = freshDirectory();
    const first = await lockDirectory(directory, { waitMs: 0 });
    const order: string[] = [];
    const waiting = async (): Promise<void> => {
      const second = await lockDirectory(directory, { waitMs: 5_000 });
      order.push('second');
      await second.release();
    };
    const done = waiting();
    order.push('first');
    await first.release();
    await done;
    expect(order).toEqual(['first', 'second']);
  });

  test('that is no longer ours is not removed', async () => {
    const directory = freshDirectory();
    const lock = await lockDirectory(directory, { waitMs: 0 });
    writeFileSync(join(directory, 'lock'), JSON.stringify({ pid: 1, start: '', nonce: 'f'.repeat(32) }));
    await lock.release();
    expect(existsSync(join(directory, 'lock'))).toBe(true);
  });
});

test('a PGlite directory keeps its rows, admits one process, and says that it is no place to bill', async () => {
  const dataDir = join(freshDirectory(), 'made', 'below');
  const db = await openDatabase({ dataDir });
  expect(db.durable).toBe(false);
  expect(render(db.label, 'en')).toContain('evaluation, not durable');
  await db.rows(sql`INSERT INTO organisation (id, name, region, sector) VALUES ('a', 'A', 'CN', 'x')`);
  const open = `
    import { openDatabase } from '#gateway/storage/database.ts';
    await openDatabase({ dataDir: ${JSON.stringify(dataDir)} }).catch((error) => console.log(error.code, error.message));`;
  const second = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', open], {
    encoding: 'utf8',
  });
  expect(second.stdout).toContain('STATE_BUSY');
  expect(second.stdout).toContain(`process ${process.pid}`);
  await db.close();
  const reopened = await openDatabase({ dataDir });
  expect(await reopened.rows(sql`SELECT id FROM organisation`)).toEqual([{ id: 'a' }]);
  await reopened.close();
});

describe('the checked-in migrations', () => {
  const declared = {
    ...catalogue,
    ...evidence,
    ...grants,
    ...identity,
    ...jobs,
    ...shares,
    ...programs,
    ...reviews,
    ...keys,
    ...documents,
    ...billing,
  };

  test('make the tables that the code declares', async () => {
    expect(await differences(declared)).toEqual([]);
  });

  test('would not pass with a table that no migration makes', async () => {
    const motto = pgTable('motto', { id: text('id').primaryKey() });
    expect((await differences({ ...declared, motto })).join()).toContain('CREATE TABLE "motto"');
  });
});

/** The SQL that would bring the newest migration to these tables. */
async function differences(tables: Record<string, unknown>): Promise<readonly string[]> {
  const newest = readdirSync('gateway/storage/migrations/meta')
    .filter((name) => name.endsWith('_snapshot.json'))
    .toSorted()
    .at(-1);
  const snapshot = JSON.parse(
    readFileSync(`gateway/storage/migrations/meta/${newest}`, 'utf8'),
  ) as ReturnType<typeof generateDrizzleJson>;
  return generateMigration(snapshot, generateDrizzleJson(tables));
}

test('a database that cannot be reached is a failure of configuration', async () => {
  const failure = await failureOf(
    openDatabase({ url: `postgresql://nobody@localhost/none?host=${encodeURIComponent(scratch)}` }),
  );
  expect([failure.code, failure.sentence.id]).toEqual(['CONFIG', 'storage.unreachable']);
});

describeEngines('a transaction on', (engine) => {
  let opened: OpenEngine;
  let db: Database;

  beforeAll(async () => {
    opened = await openEngine(engine);
    db = opened.db;
    await db.rows(sql`CREATE TABLE spot (id int PRIMARY KEY, n int NOT NULL, CHECK (n < 100))`);
    await db.rows(sql`INSERT INTO spot VALUES (1, 0), (2, 0)`);
  });
  afterAll(() => opened.close());

  const add = (tx: Tx, id: number, n: number) =>
    tx.rows(sql`UPDATE spot SET n = n + ${n}::int WHERE id = ${id}::int`);
  const read = async () =>
    (await db.rows<{ n: number }>(sql`SELECT n FROM spot ORDER BY id`)).map(({ n }) => n);

  test('that fails in the database says what is wrong and repeats no value of its statement', async () => {
    const statement = sql`INSERT INTO spot VALUES (3, ${77_777}::int)`;
    const told = async (work: Promise<unknown>): Promise<string> =>
      inspect(await work.catch((error: unknown) => error));
    const alone = await told(db.rows(statement));
    const within = await told(db.transact((tx) => tx.rows(statement)));
    for (const text of [alone, within]) {
      expect(text).toContain('spot_n_check');
      expect(text).not.toContain('77777');
    }
    // Negative control: the driver's own error does.
    expect(await told(db.orm.execute(statement))).toContain('77777');
  });

  test('that throws leaves nothing', async () => {
    const before = await read();
    const failed = db.transact(async (tx) => {
      await add(tx, 1, 5);
      throw new RangeError('no');
    });
    await expect(failed).rejects.toThrow('no');
    expect(await read()).toEqual(before);
  });

  test('that swallows the failure of a statement is not taken for committed', async () => {
    const before = await read();
    const swallowed = db.transact(async (tx) => {
      await add(tx, 1, 1);
      await add(tx, 1, 1_000).catch(() => undefined);
    });
    await expect(swallowed).rejects.toBeInstanceOf(Error);
    expect(await read()).toEqual(before);
  });

  test('uses its tx and nothing else: what would hang or escape is a RangeError', async () => {
    await expect(db.transact(() => db.rows(sql`SELECT 1`))).rejects.toThrow(RangeError);
    await expect(db.transact(() => db.transact(() => Promise.resolve()))).rejects.toThrow(RangeError);
    await expect(db.transact(() => Promise.resolve(db.orm))).rejects.toThrow(RangeError);
    expect(await db.rows(sql`SELECT 1 AS one`)).toEqual([{ one: 1 }]);
  });

  test('that another one ends by deadlock is run again', async () => {
    const before = await read();
    let runs = 0;
    const holding = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const both = (first: number, second: number) =>
      db.transact(async (tx) => {
        runs += 1;
        await add(tx, first, 1);
        // Each waits until both hold their first row; on PGlite the other one cannot even begin.
        holding[first - 1]?.resolve();
        if (engine === 'postgres') await holding[second - 1]?.promise;
        await add(tx, second, 1);
      });
    await Promise.all([both(1, 2), both(2, 1)]);
    expect(await read()).toEqual(before.map((n) => n + 2));
    // On PGlite transactions run one after the other, and there is no deadlock to be had. On PostgreSQL the one that is
    // run again may meet the other again where the machine is slow.
    expect(runs).toBeGreaterThanOrEqual(engine === 'postgres' ? 3 : 2);
  });

  test('gives instants as dates, amounts as text, and JSON as it was', async () => {
    const [row] = await db.rows<{ at: Date; amount: string; json: unknown }>(sql`
      SELECT timestamptz '2026-11-21 10:00:00.123+08' AS at, ${10n ** 37n}::numeric AS amount, ${'{"a":[1.5,null]}'}::jsonb AS json`);
    expect(row).toEqual({
      at: new Date('2026-11-21T02:00:00.123Z'),
      amount: String(10n ** 37n),
      json: { a: [1.5, null] },
    });
  });

  test('a failing notification fails nobody, and a hearer that stopped hears nothing', async () => {
    const heard: string[] = [];
    const stop = await db.listen('done', (payload) => heard.push(payload));
    const arrived = Promise.withResolvers<void>();
    await db.listen('done', () => arrived.resolve());
    await db.notify('done', 'x'.repeat(9_000));
    await stop();
    await db.notify('done', 'job');
    await arrived.promise;
    expect(heard.filter((payload) => payload === 'job')).toEqual([]);
  });

  test('knows whether a commit survives a power failure', async () => {
    expect(db.durable).toBe(engine === 'postgres');
    expect(sqlStateOf(new Error('no state'))).toBeNull();
    await Promise.resolve();
  });

  if (engine === 'pglite') return; // Has no connection that could be cut.
  test('is told of through a listener that comes back after its connection was cut', async () => {
    const again = Promise.withResolvers<void>();
    await db.listen('queue', (payload) => payload === '' && again.resolve());
    await db.rows(sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'`);
    await again.promise;
    const told = Promise.withResolvers<string>();
    await db.listen('queue', told.resolve);
    await db.notify('queue', 'job');
    expect(await told.promise).toBe('job');
  });
});
