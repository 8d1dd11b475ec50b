/** Warm readers: who gets which, how many there are, and that a changed source is never answered from. */
import { appendFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Reader } from '#sandbox/reader/reader.ts';
import { type PoolOptions, ReaderPool, type SourceVersion } from '#sandbox/reader/reader-pool.ts';
import { identify } from '#sandbox/reader/source.ts';
import { makeDirectory, writeSource } from './source-files.ts';

const directory = makeDirectory();
const versions: SourceVersion[] = [];
const pools: ReaderPool[] = [];

beforeAll(async () => {
  for (const rows of [1, 2, 3]) versions.push(await makeVersion(`rows-${rows}`, rows));
});

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

afterAll(() => rmSync(directory, { recursive: true }));

async function makeVersion(name: string, rows: number): Promise<SourceVersion> {
  const source = await writeSource(`SELECT i FROM range(${rows}) t(i)`, join(directory, `${name}.parquet`));
  return { source, identity: await identify(source), jail: 'preferred' };
}

function makePool(options: PoolOptions = {}): ReaderPool {
  const pool = new ReaderPool({ scratchParent: directory, ...options });
  pools.push(pool);
  return pool;
}

async function countOf(reader: Reader): Promise<unknown> {
  return (await reader.query('SELECT count(*) FROM source'))[0]?.[0];
}

/** A job that waits until it is let go, and says when it has started. */
function heldJob(): {
  job: (reader: Reader) => Promise<Reader>;
  started: Promise<Reader>;
  letGo: () => void;
} {
  const start = Promise.withResolvers<Reader>();
  const end = Promise.withResolvers<void>();
  const job = async (reader: Reader): Promise<Reader> => {
    start.resolve(reader);
    await end.promise;
    return reader;
  };
  return { job, started: start.promise, letGo: end.resolve };
}

test('a job finds the reader of the job before, if it is over the same version', async () => {
  const pool = makePool();
  const [one, two] = versions as [SourceVersion, SourceVersion];
  const first = await pool.run(one, async (reader) => reader);
  expect(await pool.run(one, async (reader) => reader)).toBe(first);
  const other = await pool.run(two, async (reader) => reader);
  expect(other).not.toBe(first);
  expect(await pool.run(one, countOf)).toBe(1n);
  expect(await pool.run(two, countOf)).toBe(2n);
});

test('two jobs at once over one version have a reader each', async () => {
  const pool = makePool();
  const [held, second] = [heldJob(), heldJob()];
  const runs = [pool.run(versions[0]!, held.job), pool.run(versions[0]!, second.job)];
  expect(await held.started).not.toBe(await second.started);
  held.letGo();
  second.letGo();
  await Promise.all(runs);
});

test('there are never more readers than allowed: the longest idle one makes room, and jobs wait in order', async () => {
  const pool = makePool({ maxReaders: 1 });
  const first = await pool.run(versions[0]!, async (reader) => reader);
  const held = heldJob();
  const order: number[] = [];
  const running = pool.run(versions[1]!, held.job);
  await held.started;
  expect(first.isGone).toBe(true);
  const waiting = [2, 0, 1].map((index) =>
    pool.run(versions[index]!, async (reader) => {
      order.push(index);
      return countOf(reader);
    }),
  );
  await sleep(50);
  expect(order).toEqual([]);
  held.letGo();
  await running;
  expect(await Promise.all(waiting)).toEqual([3n, 1n, 2n]);
  expect(order).toEqual([2, 0, 1]);
});

test('a reader without work is closed after a while', async () => {
  const pool = makePool({ idleMs: 30 });
  const reader = await pool.run(versions[0]!, async (opened) => opened);
  expect(reader.isGone).toBe(false);
  await expect.poll(() => reader.isGone).toBe(true);
  expect(await pool.run(versions[0]!, countOf)).toBe(1n);
});

test('a reader that died in a job serves no other, and the place is free again', async () => {
  const pool = makePool({ maxReaders: 1 });
  const dead = await pool.run(versions[0]!, async (reader) => {
    await reader.close();
    return reader;
  });
  const next = await pool.run(versions[0]!, async (reader) => reader);
  expect(next).not.toBe(dead);
  await expect(pool.run(versions[0]!, () => Promise.reject(new Error('the job failed')))).rejects.toThrow(
    'the job',
  );
  expect(await pool.run(versions[0]!, async (reader) => reader)).toBe(next);
});

test('a source that changed before or during a job is not answered from', async () => {
  const pool = makePool();
  const version = await makeVersion('changing', 4);
  const change = (): void => appendFileSync(version.source.path, 'PAR1');
  const during = pool.run(version, async (reader) => {
    const count = await countOf(reader);
    change();
    return count;
  });
  await expect(during).rejects.toMatchObject({ code: /SOURCE_(CHANGED|UNREADABLE)/ });
  let isRun = false;
  const after = pool.run(version, async () => {
    isRun = true;
  });
  await expect(after).rejects.toMatchObject({ code: /SOURCE_(CHANGED|UNREADABLE)/ });
  expect(isRun).toBe(false);
});

test('closing kills readers at work and refuses what comes later', async () => {
  const pool = makePool({ maxReaders: 1 });
  const held = heldJob();
  const running = pool.run(versions[0]!, async (reader) => {
    await held.job(reader);
    return countOf(reader);
  });
  const waiting = pool.run(versions[1]!, countOf);
  const reader = await held.started;
  await pool.close();
  expect(reader.isGone).toBe(true);
  held.letGo();
  await expect(running).rejects.toMatchObject({ code: 'MACHINE_FAULT' });
  await expect(waiting).rejects.toThrow('the pool is closed');
  await expect(pool.run(versions[0]!, countOf)).rejects.toThrow('the pool is closed');
});
