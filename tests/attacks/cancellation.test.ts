/**
 * A cancellation as a clock: a buyer who stops a run and looks whether an answer comes all the same would learn when
 * the run had ended, to the millisecond, where its release time is planned.
 *
 * Not covered: an operator, who sees measured times anyway.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openJob } from '#gateway/storage/open.ts';
import { dueInMs } from '#gateway/storage/job-view.ts';
import { claimJob, type ClaimedJob } from '#gateway/storage/queue.ts';
import { commitRelease } from '#gateway/storage/release.ts';
import { Failure } from '#policies/refusal.ts';
import { makeWorld, type Person, type World } from '#tests/support/gateway-world.ts';
import { handIn } from '#tests/support/world.ts';

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});
afterAll(() => world.close());

/** A job over the dataset with a planned release time, opened by a runner. */
async function openedJob(age: number): Promise<ClaimedJob> {
  const sql = `SELECT COUNT(*) FROM visits_late WHERE age > ${age}`;
  const sent = await world.as('ben', '/v1/jobs', { grant: 'g-1', sql, purpose: 'public_health' });
  expect(sent.status).toBe(202);
  const job = await claimJob(world.db, { runner: 'by hand', leaseMs: 60_000 });
  if (job === null) throw new RangeError('a submitted job waits');
  await openJob(world.db, { jobId: job.id, attempt: job.attempt });
  return job;
}

async function cancel(person: Person, { id }: ClaimedJob): Promise<void> {
  expect((await world.as(person, `/v1/jobs/${id}/cancel`, {})).status).toBe(202);
}

/** The runner hands its answer in; a job that was stopped meanwhile is ended by that. */
async function finish(job: ClaimedJob): Promise<void> {
  await commitRelease(world.db, handIn(job)).catch((error: unknown) => {
    if (!(error instanceof Failure)) throw error;
  });
}

/** What the buyer sees when the release time has come. */
async function outcomeOf({ id }: ClaimedJob): Promise<unknown> {
  await sleep(((await dueInMs(world.db, id)) ?? 0) + 20);
  const seen = (await (await world.as('ben', `/v1/jobs/${id}`)).json()) as Record<string, unknown>;
  return { state: seen['state'], outcome: seen['outcome'], code: seen['code'], cost: seen['cost'] };
}

test('by a buyer has the same end before and after the run has ended', async () => {
  const [early, late] = [await openedJob(10), await openedJob(20)];
  await cancel('ben', early);
  await finish(early);
  await finish(late);
  await cancel('ben', late);
  expect(await outcomeOf(early)).toEqual(await outcomeOf(late));
});

test('by an operator has not, which the comparison sees', async () => {
  const [early, late] = [await openedJob(30), await openedJob(40)];
  await cancel('olga', early);
  await finish(early);
  await finish(late);
  await cancel('olga', late);
  expect(await outcomeOf(early)).toMatchObject({ outcome: 'failed', code: 'KILLED' });
  expect(await outcomeOf(early)).not.toEqual(await outcomeOf(late));
});
