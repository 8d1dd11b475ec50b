/**
 * Programs that kill their isolates, over a real worker: the job ends, the operator is told, and the third such job
 * suspends the program until both sides have approved it again.
 *
 * Controls: as many deadly records as the policy admits release an answer, and two aborted jobs suspend nothing.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generateSigningKey } from '#crypto/ed25519-key.ts';
import { runStatements } from '#gateway/demo/generate.ts';
import { recheck } from '#gateway/runner/recheck.ts';
import { registerWritten } from '#gateway/runner/register.ts';
import { type Runner, startRunner } from '#gateway/runner/runner.ts';
import { Sources } from '#gateway/runner/sources.ts';
import { findViolations } from '#gateway/storage/invariants.ts';
import type { ProgramAbort } from '#gateway/storage/program-store.ts';
import { WorkerPool } from '#sandbox/worker/pool.ts';
import { visitsManifest } from '#tests/support/visits-program.ts';
import { jsonOf, makeGrant, makeWorld, type World, worldGrant } from '#tests/support/gateway-world.ts';

/** Each death takes a second: an isolate whose stack has overflowed waits for its deadline. */
const MAX_ABORTS = 1;

/** Ends its isolate for every patient of an age below the parameter: V8 has no stack for text that is nested so deep. */
const MODULE = `export function map(row, params) {
  let nested = [];
  if (row.age < params.age) for (let depth = 0; depth < 100000; depth += 1) nested = [nested];
  return JSON.stringify(nested).length + row.cost;
}
`;
const MANIFEST = visitsManifest({ name: 'deep', inputs: { steps: ['age', 'cost'] }, fuel: 110_000 });

const directory = mkdtempSync(join(tmpdir(), 'unseen-aborts-'));
const sources = new Sources({ prepare: false });
const workers = new WorkerPool();
const aborts: ProgramAbort[] = [];
let world: World;
let runner: Runner;
let digest: string;

beforeAll(async () => {
  world = await makeWorld();
  const { db } = world;
  const path = join(directory, 'steps.parquet');
  await runStatements([
    `COPY (SELECT i AS uid, i::DOUBLE AS age, (i % 50)::DOUBLE AS cost FROM range(2) AS t(i)) TO '${path}' (FORMAT parquet)`,
  ]);
  await register();
  const columns = ['age', 'cost'];
  const datasets = [{ dataset: 'steps', version: 'latest', columns, rowScope: 'all' }];
  await makeGrant(db, worldGrant({ id: 'g-steps', datasets }));
  const shell = {
    db,
    sources,
    workers,
    signingKey: generateSigningKey(),
    secret: Buffer.alloc(32, 1),
    issuer: 'unseen.example',
    separation: 'none' as const,
    recheck: (job, compiled) =>
      recheck({ db, policies: world.shell.policies, channel: 'operation' }, job, compiled),
    reportAbort: (abort) => void aborts.push(abort),
    reportBug: (error) => void world.bugs.push(error),
  } satisfies Parameters<typeof startRunner>[0];
  runner = await startRunner(shell, { name: 'aborts', concurrency: 1 });
  const submitted = world.as('ben', '/v1/programs', { module: MODULE, manifest: MANIFEST });
  ({ digest } = await jsonOf<{ digest: string }>(submitted));
  await approve();
});
afterAll(async () => {
  await runner.stop();
  await workers.close();
  await sources.close();
  await world.close();
  rmSync(directory, { recursive: true });
});

async function register(): Promise<void> {
  const number = (high: number) => ({ type: 'number', bounds: [0, high] });
  await registerWritten(world.db, sources, {
    manifest: JSON.stringify({
      kind: 'Dataset',
      name: 'steps',
      source: { type: 'parquet', path: 'steps.parquet' },
      privacyUnit: 'uid',
      origin: 'public',
      grade: 'general',
      maxRows: 100_000,
      columns: { uid: { type: 'integer', role: 'unit' }, age: number(120), cost: number(100) },
    }),
    policy: JSON.stringify({
      kind: 'ReleasePolicy',
      mechanism: 'gaussian',
      budget: { epsilon: 100, delta: 1e-6 },
      perJob: { epsilon: 0.1, delta: 1e-9 },
      maxGroupsPerUnit: 1,
      maxAborts: MAX_ABORTS,
      timing: { quantumMs: 1 },
      jail: 'preferred',
    }),
    baseDirectory: directory,
    organisation: 'health-bureau',
  });
}

async function approve(): Promise<void> {
  for (const person of ['olga', 'petra'] as const) {
    await world.as(person, `/v1/programs/${digest}`);
    expect((await world.as(person, `/v1/programs/${digest}/approval`, {})).status).toBe(200);
  }
}

const ask = (age: number, epsilon: number): Promise<Response> =>
  world.as('ben', '/v1/jobs', {
    grant: 'g-steps',
    purpose: 'public_health',
    program: digest,
    params: { age },
    epsilon,
  });

/** Runs the program with so many deadly records; how its job ended. */
async function ended(deadly: number, epsilon: number): Promise<unknown> {
  const response = await ask(deadly, epsilon);
  if (response.status !== 202) throw new Error(await response.text());
  const { id } = await jsonOf<{ id: string }>(response);
  for (;;) {
    const job = await jsonOf(world.as('ben', `/v1/jobs/${id}`));
    if (job['state'] === 'done') return job['code'] ?? job['outcome'];
    await sleep(50);
  }
}

const shown = () =>
  jsonOf<{ state: string; waitsFor: readonly string[]; events: readonly { event: string }[] }>(
    world.as('olga', `/v1/programs/${digest}`),
  );

test('three jobs that a program aborts suspend it, and both sides reinstate it', async () => {
  expect(await ended(MAX_ABORTS, 0.01)).toBe('released');
  expect(aborts).toEqual([]);
  for (const epsilon of [0.011, 0.012]) expect(await ended(MAX_ABORTS + 1, epsilon)).toBe('PROGRAM_ABORTED');
  expect((await shown()).state).toBe('approved');
  expect(await ended(MAX_ABORTS, 0.013)).toBe('released');
  expect(await ended(MAX_ABORTS + 1, 0.014)).toBe('PROGRAM_ABORTED');

  expect(aborts.map(({ program, aborts, suspended }) => [program, aborts, suspended])).toEqual([
    [digest, 1, false],
    [digest, 2, false],
    [digest, 3, true],
  ]);
  const refused = await jsonOf(ask(0, 0.015));
  expect(refused).toMatchObject({ code: 'PROGRAM_NOT_APPROVED' });
  expect(String(refused['detail'])).toContain('is suspended: 3 of its jobs ended as PROGRAM_ABORTED');
  const { state, waitsFor, events } = await shown();
  expect(state).toBe('suspended');
  expect(waitsFor).toEqual(['the approval of the operator', 'the approval of the provider `health-bureau`']);
  const kinds = events.map(({ event }) => event).filter((event) => event !== 'read');
  expect(kinds.slice(-4)).toEqual(['aborted', 'aborted', 'aborted', 'suspended']);
  const list = await (await world.as('olga', '/v1/programs')).text();
  expect(list).toContain('"state":"suspended"');

  await approve();
  expect(await ended(0, 0.016)).toBe('released');
  expect(await findViolations(world.db)).toEqual([]);
  expect(world.bugs).toEqual([]);
}, 120_000);
