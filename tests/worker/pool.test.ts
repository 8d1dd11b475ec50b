/** The pool of workers: a process serves one job, demands are kept, and nothing outlives its closing. */
import { expect, test } from 'vitest';
import { PLAIN_JAIL } from '#sandbox/jail/jail.ts';
import { JAIL_LAYERS } from '#sandbox/jail/self-test.ts';
import { recordsPerBuffer } from '#sandbox/worker/protocol.ts';
import { WorkerPool } from '#sandbox/worker/pool.ts';
import { isJailMissing } from '../jail/jail-presence.ts';
import { blocksSetup, mapSetup, printed, visits } from './worker-setup.ts';

const SETUP = mapSetup(printed('return row.cost;'));
const JOB = Float64Array.of(5);

test.skipIf(isJailMissing)('a required jail is given, with every layer on record', async () => {
  const pool = new WorkerPool();
  try {
    const worker = await pool.take('strict', 'required', SETUP);
    expect(worker.layers).toEqual([...JAIL_LAYERS, 'isolate', 'lockdown', 'jitless']);
    expect(await worker.map(visits(5), 1)).toEqual({ values: [JOB], codes: [] });
    const fast = await pool.take('fast', 'required', SETUP);
    expect(fast.layers.slice(-2)).toEqual(['isolate', 'lockdown']);
    const blocks = await pool.take('strict', 'required', blocksSetup('export function run() { return 5; }'));
    expect(blocks.layers.slice(-2)).toEqual(['isolate', 'jitless']);
  } finally {
    await pool.close();
  }
});

test('where the jail is less, a dataset that requires it is refused, and one that prefers it says so', async () => {
  const pool = new WorkerPool({ jail: PLAIN_JAIL, warm: 0 });
  try {
    await expect(pool.take('strict', 'required', SETUP)).rejects.toMatchObject({ code: 'JAIL' });
    const worker = await pool.take('strict', 'preferred', SETUP);
    expect(worker.layers).toEqual(['process', 'empty-environment', 'isolate', 'lockdown', 'jitless']);
    expect(await worker.map(visits(5), 1)).toEqual({ values: [JOB], codes: [] });
  } finally {
    await pool.close();
  }
});

test('a killed worker is gone for every later call, and the pool has another', async () => {
  const pool = new WorkerPool();
  try {
    const worker = await pool.take('fast', 'preferred', SETUP);
    const underWay = worker.map(visits(5), 1);
    worker.kill();
    expect(worker.isGone).toBe(true);
    expect([await underWay, await worker.map(visits(5), 1)]).toEqual(['died', 'died']);
    const next = await pool.take('fast', 'preferred', SETUP);
    expect(await next.map(visits(5), 1)).toEqual({ values: [JOB], codes: [] });
  } finally {
    await pool.close();
  }
});

test('a process is given to one job only', async () => {
  const pool = new WorkerPool({ warm: 2 });
  try {
    pool.warm('fast');
    const [first, second] = [
      await pool.take('fast', 'preferred', SETUP),
      await pool.take('fast', 'preferred', SETUP),
    ];
    first.kill();
    expect(await second.map(visits(5), 1)).toEqual({ values: [JOB], codes: [] });
  } finally {
    await pool.close();
  }
});

test.skipIf(isJailMissing)('a process that is not confined as its jail says is not employed', async () => {
  // A report that claims every layer over a process that has none of them.
  const claimed = { ...PLAIN_JAIL, layers: [...JAIL_LAYERS], missing: [] };
  const pool = new WorkerPool({ jail: claimed, warm: 0 });
  try {
    await expect(pool.take('fast', 'required', SETUP)).rejects.toMatchObject({ code: 'JAIL' });
  } finally {
    await pool.close();
  }
});

test('closing the pool ends the workers that have a job', async () => {
  const pool = new WorkerPool();
  const worker = await pool.take('fast', 'preferred', SETUP);
  await pool.close();
  expect(await worker.map(visits(5), 1)).toBe('died');
});

test('wide vectors make buffers short enough for one answer', () => {
  const width = 10_000;
  expect(recordsPerBuffer({ outputs: [{ name: 'a', width: 1 }], keys: [] })).toBe(65_536);
  expect(recordsPerBuffer({ outputs: [{ name: 'a', width }], keys: [] })).toBe(
    Math.floor(2 ** 26 / (8 * width)),
  );
});

test('a buffer that is too long, or for another mode, is a mistake of the caller', async () => {
  const pool = new WorkerPool();
  try {
    const worker = await pool.take('fast', 'preferred', SETUP);
    await expect(worker.map(visits(5), 65_537)).rejects.toThrow(RangeError);
    await expect(worker.block([visits(5)])).rejects.toThrow(RangeError);
    expect(await worker.map(visits(5), 1)).toEqual({ values: [JOB], codes: [] });
  } finally {
    await pool.close();
  }
});
