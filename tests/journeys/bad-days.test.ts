/**
 * Bad days of a real embedded server: sources that change, a second server, kill -9, oversized requests, revocations.
 *
 * After each of them the server goes on serving, what was spent stays spent, and nothing committed is lost.
 * Not covered: a power failure. The embedded database is for evaluation and does not sync to disk; processes.test.ts and
 * full-disk.test.ts are about PostgreSQL.
 */
import {
  appendFileSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generateSigningKey } from '#crypto/ed25519-key.ts';
import type { Client } from '#gateway/client/client.ts';
import { ProblemError } from '#gateway/client/problem.ts';
import type { Job } from '#gateway/client/resources.ts';
import { runStatements } from '#gateway/demo/generate.ts';
import { openDatabase } from '#gateway/storage/database.ts';
import { findViolations } from '#gateway/storage/invariants.ts';
import {
  clientOf,
  openGrant,
  openShop,
  type ServerProcess,
  type Shop,
  startServer,
} from '#tests/support/journey.ts';

const COST = 5_427_277n; // ε 0.5, δ 1e-7: ⌈cdp_rho · 10⁹⌉
const POLICY = `kind: ReleasePolicy
mechanism: gaussian
budget: { epsilon: 40, delta: 1e-6 }
perJob: { epsilon: 0.5, max: 1, delta: 1e-7 }
maxGroupsPerUnit: 2
maxRowsPerUnit: 4
timing: exact
jail: preferred
`;

const directory = mkdtempSync(join(tmpdir(), 'unseen-bad-days-'));
const dataDir = join(directory, 'server');
const pathOf = (file: string): string => join(directory, file);
let server: ServerProcess;
let shop: Shop;
let asked = 0;
let seeds = 1;

beforeAll(async () => {
  server = await startServer(dataDir);
  shop = await openShop(server);
  await runStatements([dataStatement('steady.parquet')]);
  await register('steady', 'parquet');
  await openGrant(shop, { id: 'steady', dataset: 'steady', columns: ['region', 'cost'] });
});

afterAll(async () => {
  if (server.child.exitCode === null && server.child.signalCode === null) await server.end('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

/** Rows of 500 people, another content every time: what one lineage holds is not registered for another. */
function dataStatement(file: string): string {
  seeds += 2;
  const format = file.endsWith('.csv') ? 'csv' : 'parquet';
  return `COPY (SELECT 'p' || (i % 500) AS patient_id, CASE WHEN i % 3 = 0 THEN 'north' ELSE 'south' END AS region,
    (100 + (i * ${seeds}) % 800)::DOUBLE AS cost FROM range(2000) AS t(i)) TO '${pathOf(file)}' (FORMAT ${format})`;
}

async function register(name: string, type: 'parquet' | 'csv'): Promise<string> {
  const manifest = `kind: Dataset
name: ${name}
source: { type: ${type}, path: ${name}.${type} }
privacyUnit: patient_id
origin: public
grade: general
maxRows: 50000
columns:
  patient_id: { type: string, role: unit }
  region: { type: string, role: key, values: [north, south] }
  cost: { type: number, bounds: [0, 1000], granularity: 0.01 }
`;
  const registration = { manifest, policy: POLICY, baseDirectory: directory };
  return (await shop.provider.registerDataset(registration)).versionId;
}

/** A request that nobody has made before, so that it is no repeat. */
function submit(buyer: Client, dataset: string): Promise<Job> {
  asked += 1;
  const sql = `SELECT region, SUM(cost) FROM ${dataset} WHERE cost <> ${asked} GROUP BY region`;
  return buyer.submit({ grant: dataset, purpose: 'public_health', sql });
}

async function run(dataset: string): Promise<Job> {
  return shop.buyer.waitForJob((await submit(shop.buyer, dataset)).id, 30_000);
}

async function spentOf(dataset: string): Promise<{ readonly spent: bigint; readonly reserved: bigint }> {
  const { budget } = (await shop.operator.dataset(dataset)) as unknown as {
    readonly budget: readonly { readonly spent: { nano: string }; readonly reserved: { nano: string } }[];
  };
  return { spent: BigInt(budget[0]!.spent.nano), reserved: BigInt(budget[0]!.reserved.nano) };
}

async function problem(call: () => Promise<unknown>): Promise<ProblemError> {
  const thrown = await call().then(
    () => null,
    (error: unknown) => error,
  );
  if (!(thrown instanceof ProblemError)) throw new Error('no problem document', { cause: thrown });
  return thrown;
}

interface Change {
  readonly name: string;
  readonly type: 'parquet' | 'csv';
  readonly code: 'SOURCE_CHANGED' | 'SOURCE_UNREADABLE';
  readonly happen: (file: string) => Promise<void> | void;
}

const CHANGES: readonly Change[] = [
  {
    name: 'appended',
    type: 'csv',
    code: 'SOURCE_CHANGED',
    happen: (file) => appendFileSync(file, 'p1,north,5.0\n'),
  },
  {
    name: 'replaced',
    type: 'parquet',
    code: 'SOURCE_CHANGED',
    happen: async (file) => {
      await runStatements([dataStatement('other.parquet')]);
      renameSync(pathOf('other.parquet'), file);
    },
  },
  {
    name: 'truncated',
    type: 'parquet',
    code: 'SOURCE_UNREADABLE',
    happen: (file) => truncateSync(file, Math.floor(statSync(file).size / 2)),
  },
  { name: 'emptied', type: 'csv', code: 'SOURCE_UNREADABLE', happen: (file) => truncateSync(file, 0) },
  { name: 'deleted', type: 'parquet', code: 'SOURCE_UNREADABLE', happen: (file) => rmSync(file) },
  {
    name: 'overgrown',
    type: 'csv',
    code: 'SOURCE_CHANGED',
    happen: (file) => appendFileSync(file, 'p1,north,5.0\n'.repeat(60_000)),
  },
  {
    name: 'reshaped',
    type: 'csv',
    code: 'SOURCE_CHANGED',
    happen: (file) => writeFileSync(file, 'who,where\np1,north\n'),
  },
];

test.each(CHANGES)(
  'a source that is $name after registration: $code, spent, others served, a new version works',
  async ({ name, type, code, happen }) => {
    const file = `${name}.${type}`;
    await runStatements([dataStatement(file)]);
    const version = await register(name, type);
    await openGrant(shop, { id: name, dataset: name, columns: ['region', 'cost'] });
    expect(await run(name)).toMatchObject({ outcome: 'released', versionId: version });

    await happen(pathOf(file));
    const failed = await run(name);
    expect(failed).toMatchObject({ outcome: 'failed', code, releaseId: null });
    expect(failed.detail).toContain(name);
    expect(failed.detail).not.toContain(directory);
    expect(await spentOf(name)).toEqual({ spent: 2n * COST, reserved: 0n });
    expect(await run('steady')).toMatchObject({ outcome: 'released' });

    await runStatements([dataStatement(file)]);
    expect(await run(name)).toMatchObject({ outcome: 'failed', code: 'SOURCE_CHANGED' });
    const renewed = await register(name, type);
    expect(renewed).not.toBe(version);
    expect(await run(name)).toMatchObject({ outcome: 'released', versionId: renewed });
    expect(server.complaints()).toBe('');
  },
);

test('a file that cannot be registered is named with its rule, and the server goes on', async () => {
  writeFileSync(pathOf('broken.parquet'), 'PAR1 and nothing else');
  expect(await problem(() => register('broken', 'parquet'))).toMatchObject({
    code: 'SOURCE_UNREADABLE',
    detail: expect.stringContaining('broken.parquet') as string,
  });
  expect(await problem(() => register('absent', 'csv'))).toMatchObject({ code: 'SOURCE_UNREADABLE' });
  writeFileSync(pathOf('narrow.csv'), 'patient_id,region\np1,north\n');
  expect(await problem(() => register('narrow', 'csv'))).toMatchObject({
    code: 'CONFIG',
    detail: expect.stringContaining('cost') as string,
  });
  expect(await run('steady')).toMatchObject({ outcome: 'released' });
});

test('a second server on the same directory is told who has it; the first goes on', async () => {
  const { pid } = server.child;
  const said = await startServer(dataDir).then(
    () => 'it started',
    (error: unknown) => (error instanceof Error ? error.message : ''),
  );
  expect(said).toMatch(/^exit 3: .*STATE_BUSY/);
  expect(said).toContain(dataDir);
  expect(said).toContain(String(pid));
  expect(await run('steady')).toMatchObject({ outcome: 'released' });
});

test('a body of 10 MB and SQL of 1 MB are refused by name, and the next request is answered', async () => {
  const { text } = await shop.buyer.token();
  const post = async (base: string, path: string, body: string): Promise<unknown> => {
    const headers = { authorization: `Bearer ${text}`, 'content-type': 'application/json' };
    const response = await fetch(`${base}${path}`, { method: 'POST', headers, body });
    const { code, detail } = (await response.json()) as { code: string; detail: string };
    return { status: response.status, code, detail };
  };
  const ask = (sql: string): string => JSON.stringify({ grant: 'steady', purpose: 'public_health', sql });
  const tooLarge = { status: 413, code: 'TOO_LARGE', detail: expect.stringContaining('1048576') as string };
  const { gatewayUrl, runnerUrl } = server;
  expect(await post(gatewayUrl, '/v1/jobs', ask('x'.repeat(10_000_000)))).toEqual(tooLarge);
  const long = `SELECT COUNT(*) FROM steady WHERE ${'cost > 1 AND '.repeat(81_000)} cost > 1`;
  expect(await post(gatewayUrl, '/v1/jobs', ask(long))).toEqual(tooLarge);
  expect(await post(gatewayUrl, '/v1/quotes', ask(long))).toEqual(tooLarge);
  expect(await post(runnerUrl, '/v1/datasets', ask('x'.repeat(10_000_000)))).toMatchObject({
    status: 413,
    code: 'TOO_LARGE',
  });
  expect(await run('steady')).toMatchObject({ outcome: 'released' });
});

/** Jobs that were asked for at once, so that most still wait when `stop` is called; as they ended. */
async function stopAmid(
  buyer: Client,
  dataset: string,
  stop: () => Promise<unknown>,
): Promise<readonly Job[]> {
  const jobs = await Promise.all(Array.from({ length: 12 }, () => submit(buyer, dataset)));
  await stop();
  return Promise.all(jobs.map(({ id }) => shop.operator.waitForJob(id, 30_000)));
}

/** Those that were not over before the stop released nothing, and only what was opened is spent. */
async function checkStopped(jobs: readonly Job[], dataset: string, stoppedAt: number): Promise<void> {
  const stopped = jobs.filter(({ outcome }) => outcome !== 'released');
  expect(stopped.length).toBeGreaterThan(0);
  for (const job of stopped) {
    expect(['GRANT_REVOKED', 'KILLED', 'NO_GRANT']).toContain(job.code);
    expect(job.releaseId).toBeNull();
  }
  for (const job of jobs.filter(({ outcome }) => outcome === 'released'))
    expect(Date.parse(job.releaseAt!)).toBeLessThanOrEqual(stoppedAt);
  const paid = jobs.filter(({ cost }) => cost?.nano !== '0');
  expect(await spentOf(dataset)).toEqual({ spent: COST * BigInt(paid.length), reserved: 0n });
}

test('a grant that is revoked while jobs wait stops them all; what was not opened costs nothing', async () => {
  await runStatements([dataStatement('granted.parquet')]);
  await register('granted', 'parquet');
  await openGrant(shop, { id: 'granted', dataset: 'granted', columns: ['region', 'cost'] });
  let stoppedAt = 0;
  const jobs = await stopAmid(shop.buyer, 'granted', async () => {
    await shop.operator.revokeGrant('granted', 'the purpose has ended');
    stoppedAt = Date.now();
  });
  await checkStopped(jobs, 'granted', stoppedAt);
  expect(await problem(() => submit(shop.buyer, 'granted'))).toMatchObject({ code: 'GRANT_REVOKED' });
  expect(await run('steady')).toMatchObject({ outcome: 'released' });
});

test('an account that is revoked midway asks and reads nothing more, and its waiting jobs are stopped', async () => {
  await runStatements([dataStatement('lent.parquet')]);
  await register('lent', 'parquet');
  await openGrant(shop, { id: 'lent', dataset: 'lent', columns: ['region', 'cost'] });
  const key = generateSigningKey();
  const account = {
    id: 'colleague',
    organisation: 'city-buyer',
    roles: ['buyer'],
    jwk: { ...key.publicJwk },
  };
  await shop.operator.createAccount(account);
  const colleague = clientOf(server, 'colleague', key);
  let stoppedAt = 0;
  const jobs = await stopAmid(colleague, 'lent', async () => {
    await shop.operator.revokeAccount('colleague');
    stoppedAt = Date.now();
  });
  await checkStopped(jobs, 'lent', stoppedAt);
  expect((await problem(() => colleague.job(jobs[0]!.id))).status).toBe(401);
  expect((await problem(() => submit(colleague, 'lent'))).status).toBe(401);
  expect(await run('lent')).toMatchObject({ outcome: 'released' });
});

test('evaluation database: after kill -9 the lock is taken over, and every record that was answered is there', async () => {
  const before = await shop.operator.jobs();
  const answers = await Promise.all(
    before
      .filter(({ releaseId, account }) => releaseId !== null && account === 'buyer')
      .slice(0, 5)
      .map(({ id, releaseId }) => shop.buyer.release(releaseId!, id)),
  );
  const waiting = await Promise.all(Array.from({ length: 6 }, () => submit(shop.buyer, 'steady')));
  await server.end('SIGKILL');

  server = await startServer(dataDir);
  const operator = clientOf(server, 'operator', server.operator.key);
  const buyer = clientOf(server, 'buyer', shop.buyerKey);
  shop = { ...shop, operator, buyer };
  const ended = await Promise.all(waiting.map(({ id }) => buyer.waitForJob(id, 30_000)));
  expect(ended.filter(({ outcome }) => outcome !== 'released').map(({ code }) => code)).toEqual(
    ended.filter(({ outcome }) => outcome !== 'released').map(() => 'MACHINE_FAULT'),
  );
  const after = new Map((await operator.jobs()).map((job) => [job.id, job]));
  for (const job of before)
    expect(after.get(job.id)).toMatchObject({ outcome: job.outcome, releaseId: job.releaseId });
  for (const answer of answers)
    expect({ ...(await buyer.release(answer.id, answer.jobId)), budget: null }).toEqual({
      ...answer,
      budget: null,
    });
  expect(await run('steady')).toMatchObject({ outcome: 'released' });

  await server.end('SIGTERM');
  const db = await openDatabase({ dataDir: join(dataDir, 'database') });
  try {
    expect(await findViolations(db)).toEqual([]);
  } finally {
    await db.close();
  }
});
