/**
 * What a runner writes down about a run that opened data: over real readers and workers.
 *
 * Controls: a process that has not exited and a key that was not wiped leave a record that is not complete.
 */
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { EmployedWorkers, lostRemains, remainsOf } from '#gateway/runner/remains.ts';
import { recordDestruction, recordLost } from '#gateway/storage/destruction.ts';
import { describeJail } from '#sandbox/jail/jail.ts';
import type { Worker } from '#sandbox/worker/worker.ts';
import { startSteps, type StepsWorld } from '#tests/support/steps-world.ts';
import { visitsManifest } from '#tests/support/visits-program.ts';

const MODULE = `export function map(row, params) {
  return row.age < params.age ? row.cost : 0;
}
`;
const MANIFEST = visitsManifest({ name: 'plain', inputs: { steps: ['age', 'cost'] } });
const SQL = 'SELECT COUNT(*) AS steps FROM steps';

interface Row {
  readonly id: string;
  readonly record: Readonly<Record<string, unknown>> | null;
  readonly complete: boolean | null;
}

let steps: StepsWorld;
beforeAll(async () => {
  steps = await startSteps(100);
});
afterAll(() => steps.close());

/** The record of a job, once it is there: it is written after the job has ended. */
async function recordOf(id: string): Promise<Row> {
  const read = async (): Promise<Row | undefined> => {
    const [row] = await steps.world.db.rows<Row>(sql`
      SELECT job_id AS id, record, complete FROM run_destruction WHERE job_id = ${id}`);
    return row;
  };
  await expect.poll(read, { timeout: 10_000 }).toBeDefined();
  return (await read())!;
}

const PLAIN = { reader: 'kept', readerKept: true, prepared: false, spillFiles: 0, dataKey: 'none' };

test('a query leaves its reader to further jobs, and nothing else', async () => {
  const job = await steps.ended({ sql: SQL });
  expect(job).toMatchObject({ outcome: 'released' });
  const { record, complete } = await recordOf(String(job['id']));
  expect({ record, complete }).toEqual({
    record: { ...PLAIN, workers: { began: 0, exited: 0 } },
    complete: true,
  });
});

test('of a program its process has exited', async () => {
  const program = await steps.approved(MODULE, MANIFEST);
  const job = await steps.ended({ program, params: { age: 40 } });
  expect(job).toMatchObject({ outcome: 'released' });
  const { record, complete } = await recordOf(String(job['id']));
  expect({ record, complete }).toEqual({
    record: { ...PLAIN, workers: { began: 1, exited: 1 } },
    complete: true,
  });
});

test('what is answered from store or refused has opened nothing, and has no record', async () => {
  const again = await steps.ended({ sql: SQL });
  expect(again).toMatchObject({ repeat: true });
  const rows = await steps.world.db.rows<{ id: string }>(sql`
    SELECT j.id FROM job j JOIN run_destruction d ON d.job_id = j.id WHERE j.opened_at IS NULL`);
  expect(rows).toEqual([]);
});

test('no buyer is told, and a record stays as it was written', async () => {
  const job = await steps.ended({ sql: `${SQL} WHERE age < 7` });
  const id = String(job['id']);
  const before = await recordOf(id);
  await recordDestruction(steps.world.db, { jobId: id, record: {}, complete: false });
  expect(await recordOf(id)).toEqual(before);
  for (const path of [`/v1/jobs/${id}`, `/v1/jobs/${id}/events`, '/v1/usage'])
    expect(await (await steps.world.as('ben', path)).text()).not.toMatch(/destruction|readerKept|spillFiles/);
});

test('a run whose runner ended without a record is written down as lost, once, by the runner of that name', async () => {
  const { db } = steps.world;
  const { id = '' } = await steps.ended({ sql: `${SQL} WHERE age < 9` });
  await recordOf(String(id));
  await db.transact(async (tx) => {
    await tx.rows(sql`SET LOCAL session_replication_role = replica`);
    await tx.rows(sql`DELETE FROM run_destruction WHERE job_id = ${String(id)}`);
  });
  const { mode } = await describeJail();
  const lost = lostRemains(mode !== 'plain');
  expect(await recordLost(db, { runner: 'another', ...lost })).toBe(0);
  expect(await recordLost(db, { runner: 'steps', ...lost })).toBe(1);
  expect(await recordLost(db, { runner: 'steps', ...lost })).toBe(0);
  expect(await recordOf(String(id))).toMatchObject({ record: { lost: true }, complete: mode !== 'plain' });
  expect(lostRemains(false).complete).toBe(false);
  expect(steps.world.bugs).toEqual([]);
});

test('a process that was killed and has not exited counts as left', async () => {
  const worker = (exited: Promise<void>) => ({ exited }) as Worker;
  const given = [worker(Promise.resolve()), worker(new Promise(() => undefined))];
  const workers = new EmployedWorkers({ take: () => Promise.resolve(given.pop()!) });
  const ask = ['strict', 'preferred', {} as never] as const;
  await workers.take(...ask);
  await workers.take(...ask);
  expect(await workers.remains(20)).toEqual({ began: 2, exited: 1 });
});

test('what is left makes a record incomplete', async () => {
  const none = new EmployedWorkers({ take: () => Promise.reject(new RangeError('none')) });
  const source = (reader: 'kept' | 'exited' | 'left', spillFiles = 0) => ({
    remains: () => Promise.resolve({ reader, prepared: false, spillFiles }),
  });
  const clean = { workers: none, source: source('exited'), dataKey: new Uint8Array(32) };
  expect(await remainsOf(clean)).toMatchObject({ complete: true, record: { dataKey: 'wiped' } });
  expect(await remainsOf({ ...clean, dataKey: Uint8Array.of(0, 1) })).toMatchObject({ complete: false });
  expect(await remainsOf({ ...clean, source: source('left') })).toMatchObject({ complete: false });
  expect(await remainsOf({ ...clean, source: source('exited', 1) })).toMatchObject({ complete: false });
  expect(await remainsOf({ ...clean, source: null })).toMatchObject({ complete: true });
});
