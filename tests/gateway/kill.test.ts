/**
 * The kill switch over real readers: whatever is stopped, what runs under it ends within five seconds, process and all.
 *
 * Guarantee: measured from before the request that stops to the end of the process and of the job. Nothing is released,
 * the reservation stays spent, and a planned job ends for its buyer at its planned time. A neighbour on the same reader
 * gets its answer all the same. Control: a runner that does not listen goes on working.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { generateSigningKey } from '#crypto/ed25519-key.ts';
import { runStatements } from '#gateway/demo/generate.ts';
import { recheck } from '#gateway/runner/recheck.ts';
import { registerWritten } from '#gateway/runner/register.ts';
import { runJob, type RunnerShell } from '#gateway/runner/run-job.ts';
import { type Runner, startRunner } from '#gateway/runner/runner.ts';
import { type OpenSource, Sources } from '#gateway/runner/sources.ts';
import { claimJob } from '#gateway/storage/queue.ts';
import { findViolations } from '#gateway/storage/invariants.ts';
import type { Dataset } from '#sandbox/manifest/dataset.ts';
import type { ReleasePolicy } from '#sandbox/manifest/policy.ts';
import { WorkerPool } from '#sandbox/worker/pool.ts';
import { jsonOf, makeGrant, makeWorld, type World, worldGrant } from '#tests/support/gateway-world.ts';

/** The promise, in milliseconds. */
const WITHIN_MS = 5_000;
/** Longer than any test waits, on any machine. */
const ENDLESS = 'SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE (a.range * b.range) % 7 = 3';

const directory = mkdtempSync(join(tmpdir(), 'unseen-kill-'));
let world: World;
let sources: BusySources;
const workers = new WorkerPool();
let runner: Runner | undefined;
let shell: RunnerShell;

/** Sources whose next jobs are given an endless query first. */
class BusySources extends Sources {
  endless = 0;

  override async open(dataset: Dataset, policy: ReleasePolicy): Promise<OpenSource> {
    const source = await super.open(dataset, policy);
    return {
      ...source,
      use: (job, signal) =>
        source.use(async (engine) => {
          if (this.endless > 0) {
            this.endless -= 1;
            await engine.query(ENDLESS, []);
          }
          return job(engine);
        }, signal),
    };
  }
}

beforeAll(async () => {
  world = await makeWorld();
  sources = new BusySources({ prepare: false });
  const rows = { steps: 4_000, planned_steps: 4_001 };
  await runStatements(
    Object.entries(rows).map(
      ([name, count]) =>
        `COPY (SELECT i % 1000 AS uid, (i % 90)::DOUBLE AS age, (i % 50)::DOUBLE AS cost FROM range(${count}) AS t(i)) TO '${join(directory, `${name}.parquet`)}' (FORMAT parquet)`,
    ),
  );
  for (const [name, timing] of [
    ['steps', { quantumMs: 1 }],
    ['planned_steps', 'planned'],
  ] as const)
    await register(name, timing);
  shell = {
    db: world.db,
    sources,
    workers,
    signingKey: generateSigningKey(),
    secret: Buffer.alloc(32, 1),
    issuer: 'unseen.example',
    separation: 'none',
    recheck: (job, compiled) =>
      recheck({ db: world.db, policies: world.shell.policies, channel: 'operation' }, job, compiled),
    reportAbort: () => undefined,
    reportBug: (error) => void world.bugs.push(error),
  };
});
beforeEach(async () => {
  grants += 1;
  await makeGrant(
    world.db,
    worldGrant({
      id: `g-${grants}`,
      datasets: ['steps', 'planned_steps'].map((dataset) => ({
        dataset,
        version: 'latest',
        columns: ['age', 'cost'],
        rowScope: 'all',
      })),
    }),
  );
  sources.endless = 0;
});
afterAll(async () => {
  await runner?.stop();
  await sources.close();
  await workers.close();
  await world.close();
  rmSync(directory, { recursive: true });
});

async function register(name: string, timing: unknown): Promise<void> {
  const number = (high: number) => ({ type: 'number', bounds: [0, high] });
  await registerWritten(world.db, sources, {
    manifest: JSON.stringify({
      kind: 'Dataset',
      name,
      source: { type: 'parquet', path: `${name}.parquet` },
      privacyUnit: 'uid',
      origin: 'public',
      grade: 'general',
      maxRows: 100_000,
      columns: { uid: { type: 'integer', role: 'unit' }, age: number(120), cost: number(100) },
    }),
    policy: JSON.stringify({
      kind: 'ReleasePolicy',
      mechanism: 'gaussian',
      budget: { epsilon: 1_000, delta: 1e-6 },
      perJob: { epsilon: 0.1, delta: 1e-9 },
      maxGroupsPerUnit: 1,
      timing,
      jail: 'preferred',
    }),
    baseDirectory: directory,
    organisation: 'health-bureau',
  });
}

let grants = 0;
let asked = 0;

/** Submits a question that nobody asked before, and waits until its data are being read. */
async function running(dataset = 'steps', program: string | null = null): Promise<string> {
  const what =
    program === null
      ? { sql: `SELECT SUM(cost) AS cost FROM ${dataset} WHERE age > ${(asked += 1)}` }
      : { program, params: { age: (asked += 1) } };
  const response = await world.as('ben', '/v1/jobs', {
    grant: `g-${grants}`,
    purpose: 'public_health',
    ...what,
  });
  const { id } = await jsonOf<{ id: string }>(response);
  expect(response.status).toBe(202);
  await until(async () => (await rowOf(id)).state === 'opened');
  return id;
}

async function rowOf(id: string): Promise<Record<string, unknown>> {
  const [row] = await world.db.rows<Record<string, unknown>>(sql`
    SELECT j.state, j.outcome, j.code, j.release_id, min(r.state) AS reservation,
      (extract(epoch FROM j.release_at - j.created_at) * 1000)::float8 AS "afterMs"
    FROM job j LEFT JOIN reservation r ON r.job_id = j.id WHERE j.id = ${id} GROUP BY j.id`);
  return row ?? {};
}

async function until(holds: () => Promise<boolean> | boolean, ms = WITHIN_MS): Promise<void> {
  for (const end = performance.now() + ms; !(await holds()); await sleep(20))
    if (performance.now() > end) throw new Error('it did not come about');
}

/** Processes of a program that this process has started, at whatever remove. */
function processesOf(program: 'reader-process' | 'worker-process'): number {
  const parents = new Map<number, number>();
  const lines = new Map<number, string>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)))
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
      lines.set(Number(name), readFileSync(`/proc/${name}/cmdline`, 'utf8'));
    } catch {
      // It ended meanwhile.
    }
  const isOurs = (id: number): boolean => id === process.pid || (id > 1 && isOurs(parents.get(id) ?? 0));
  return [...lines].filter(([id, line]) => line.includes(program) && isOurs(id)).length;
}

const KILLED = { state: 'done', outcome: 'failed', code: 'KILLED', release_id: null, reservation: 'spent' };
const post = (person: 'olga' | 'petra' | 'susan', path: string, body: object = {}): Promise<Response> =>
  world.as(person, path, body);

/** What stops a job, and what undoes it for the next test. */
const STOPS: Readonly<
  Record<string, readonly [stop: () => Promise<Response>, undo: () => Promise<unknown>]>
> = {
  'its grant is revoked': [
    () => post('petra', `/v1/grants/g-${grants}/revoke`, { reason: 'x' }),
    () => Promise.resolve(),
  ],
  'its grant is suspended': [() => post('susan', `/v1/grants/g-${grants}/suspend`), () => Promise.resolve()],
  'its dataset is suspended': [
    () => post('petra', '/v1/datasets/steps/suspend'),
    () => post('olga', '/v1/datasets/steps/resume'),
  ],
  'its buyer is suspended': [
    () => post('susan', '/v1/organisations/city-university/suspend'),
    () => post('olga', '/v1/organisations/city-university/resume'),
  ],
  'the provider of its data is suspended': [
    () => post('olga', '/v1/organisations/health-bureau/suspend'),
    () => post('olga', '/v1/organisations/health-bureau/resume'),
  ],
};

describe('a query under way', () => {
  beforeAll(async () => {
    runner = await startRunner(shell, { name: 'kill', concurrency: 3 });
  });

  test.for(Object.entries(STOPS))('ends within five seconds when %s', async ([, [stop, undo]]) => {
    sources.endless = 1;
    const id = await running();
    await until(() => sources.endless === 0 && processesOf('reader-process') > 0);
    await sleep(200);
    const [before, since] = [processesOf('reader-process'), performance.now()];
    expect((await stop()).status).toBe(200);
    await until(async () => processesOf('reader-process') < before && (await rowOf(id)).state === 'done');
    expect(performance.now() - since).toBeLessThan(WITHIN_MS);
    expect(await rowOf(id)).toMatchObject(KILLED);
    await undo();
  });

  test('is no neighbour’s loss: a job that waited for the same reader gets its answer', async () => {
    sources.endless = 1;
    const killed = await running();
    await until(() => sources.endless === 0);
    const grant = grants;
    await makeGrantFor((grants += 1));
    const waits = await running();
    expect((await post('petra', `/v1/grants/g-${grant}/revoke`, { reason: 'x' })).status).toBe(200);
    await until(async () => (await rowOf(waits)).state === 'done', 20_000);
    expect(await rowOf(killed)).toMatchObject(KILLED);
    expect(await rowOf(waits)).toMatchObject({ outcome: 'released', reservation: 'spent' });
  });

  async function makeGrantFor(number: number): Promise<void> {
    const columns = ['age', 'cost'];
    const datasets = [{ dataset: 'steps', version: 'latest', columns, rowScope: 'all' }];
    await makeGrant(world.db, worldGrant({ id: `g-${number}`, datasets }));
  }

  test('of a planned job ends at once, and for its buyer at the planned time, as any failure does', async () => {
    sources.endless = 1;
    const id = await running('planned_steps');
    const seen = await jsonOf(world.as('ben', `/v1/jobs/${id}`));
    const { releaseAfterMs } = seen['timing'] as { releaseAfterMs: number };
    const since = performance.now();
    await post('petra', `/v1/grants/g-${grants}/revoke`, { reason: 'x' });
    await until(async () => (await rowOf(id)).state === 'done');
    expect(performance.now() - since).toBeLessThan(WITHIN_MS);
    const row = await rowOf(id);
    expect(row).toMatchObject(KILLED);
    expect(Math.round(Number(row['afterMs']))).toBe(Math.round(releaseAfterMs));
    // Before that time it looks as it did while it ran.
    const early = await jsonOf(world.as('ben', `/v1/jobs/${id}`));
    const isEarly = Date.parse(String(seen['submittedAt'])) + releaseAfterMs > Date.now();
    expect(isEarly ? early : seen).toEqual(seen);
    await sleep(Math.max(0, Date.parse(String(seen['submittedAt'])) + releaseAfterMs + 50 - Date.now()));
    const late = await jsonOf(world.as('ben', `/v1/jobs/${id}`));
    expect(late).toMatchObject({ state: 'done', outcome: 'failed', code: 'KILLED', releaseId: null });
  });

  test('of a program ends when the program is withdrawn', async () => {
    // Every record works until its fuel is used up: minutes, all in all.
    const module =
      'export function map(row, params) {\n  let sum = 0;\n  while (sum >= 0) sum += row.age;\n  return sum > params.age ? row.cost : 0;\n}\n';
    const manifest = {
      kind: 'Program',
      name: 'endless',
      mode: 'map',
      inputs: { steps: ['age', 'cost'] },
      params: { age: { type: 'number', default: 0 } },
      outputs: { spend: { kind: 'sum', bounds: [0, 100] } },
      fuel: 1_000_000,
    };
    const submission = { module, manifest };
    const { digest } = await jsonOf<{ digest: string }>(world.as('ben', '/v1/programs', submission));
    for (const person of ['olga', 'petra'] as const) {
      await world.as(person, `/v1/programs/${digest}`);
      expect((await post(person, `/v1/programs/${digest}/approval`)).status).toBe(200);
    }
    const id = await running('steps', digest);
    await until(() => processesOf('worker-process') > 0);
    await sleep(500);
    const before = processesOf('worker-process');
    const since = performance.now();
    expect((await post('petra', `/v1/programs/${digest}/withdrawal`, { reason: 'flawed' })).status).toBe(200);
    await until(async () => processesOf('worker-process') < before && (await rowOf(id)).state === 'done');
    expect(performance.now() - since).toBeLessThan(WITHIN_MS);
    expect(await rowOf(id)).toMatchObject(KILLED);
  });

  test('of none of them left a broken invariant, or was a bug', async () => {
    expect(await findViolations(world.db)).toEqual([]);
    expect(world.bugs).toEqual([]);
  });

  test('control: of a runner that does not listen goes on, and the database alone keeps its answer back', async () => {
    await runner?.stop();
    runner = undefined;
    const body = { grant: `g-${grants}`, purpose: 'public_health' };
    const text = `SELECT SUM(cost) AS cost FROM steps WHERE age > ${(asked += 1)}`;
    const { id } = await jsonOf<{ id: string }>(world.as('ben', '/v1/jobs', { ...body, sql: text }));
    const job = await claimJob(world.db, { runner: 'deaf', leaseMs: 60_000 });
    expect(job?.id).toBe(id);
    sources.endless = 1;
    const [deaf, end] = [new AbortController(), new AbortController()];
    const run = runJob(shell, job!, { stopping: deaf.signal, killed: end.signal });
    await until(() => sources.endless === 0);
    await sleep(200);
    const before = processesOf('reader-process');
    await post('petra', `/v1/grants/g-${grants}/revoke`, { reason: 'x' });
    await sleep(2_000);
    expect(processesOf('reader-process')).toBe(before);
    expect((await rowOf(id)).state).toBe('opened');
    end.abort();
    await run;
    expect(await rowOf(id)).toMatchObject(KILLED);
  });
});
