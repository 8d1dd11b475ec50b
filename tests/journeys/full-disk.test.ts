/**
 * A full disk under a running server: requests are refused by name, the server lives, and when there is room again it
 * goes on with every record that it had answered.
 *
 * The disk is a small tmpfs, which only root may mount; elsewhere the tests are counted as skipped.
 * Not covered: a disk that fails. On the embedded database, which is for evaluation, nothing is said of power failures.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ProblemError } from '#gateway/client/problem.ts';
import type { Job, Release } from '#gateway/client/resources.ts';
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
import { findPostgres, startCluster } from '#tests/support/postgres.ts';

/** Room for a cluster with its first log segments, and a bit more. */
const DISK_MB = 160;
const COST = 5_427_277n; // ε 0.5, δ 1e-7: ⌈cdp_rho · 10⁹⌉

const MANIFEST = `kind: Dataset
name: visits
source: { type: parquet, path: visits.parquet }
privacyUnit: patient_id
origin: public
grade: general
maxRows: 50000
columns:
  patient_id: { type: string, role: unit }
  region: { type: string, role: key, values: [north, south] }
  cost: { type: number, bounds: [0, 1000], granularity: 0.01 }
`;
const POLICY = `kind: ReleasePolicy
mechanism: gaussian
budget: { epsilon: 40, delta: 1e-6 }
perJob: { epsilon: 0.5, max: 1, delta: 1e-7 }
maxGroupsPerUnit: 2
maxRowsPerUnit: 4
timing: exact
jail: preferred
`;

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** A disk of its own in a new directory, which others may enter; null where it cannot be had. */
function mountDisk(megabytes: number): string | null {
  const directory = mkdtempSync(join(tmpdir(), 'unseen-disk-'));
  chmodSync(directory, 0o755);
  const size = `size=${megabytes}m,mode=755`;
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', size, 'tmpfs', directory]);
  const unmount = (): unknown => status === 0 && spawnSync('umount', ['-l', directory]);
  closing.push(() => rmSync(directory, { recursive: true, force: true }), unmount);
  return status === 0 ? directory : null;
}

function canMount(): boolean {
  const can = mountDisk(1) !== null;
  for (const close of closing.splice(0).toReversed()) close();
  return can;
}

/** Writes until not one byte more has room; how to make room again. */
function fill(directory: string): () => void {
  const path = join(directory, 'filler');
  const file = openSync(path, 'w');
  for (const size of [2 ** 20, 2 ** 12, 1]) writeUntilFull(file, Buffer.alloc(size, 7));
  closeSync(file);
  return () => rmSync(path);
}

function writeUntilFull(file: number, block: Buffer): void {
  try {
    for (;;) writeSync(file, block);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

/** The address of a database on the disk, or undefined for the embedded one. */
async function makeDatabase(engine: 'postgres' | 'pglite', disk: string): Promise<string | undefined> {
  if (engine === 'pglite') return undefined;
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = disk;
  const cluster = await startCluster().finally(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  });
  closing.push(() => cluster.stop());
  return cluster.createDatabase();
}

async function openVisits(server: ServerProcess): Promise<Shop> {
  const shop = await openShop(server);
  const directory = mkdtempSync(join(tmpdir(), 'unseen-source-'));
  closing.push(() => rmSync(directory, { recursive: true, force: true }));
  await runStatements([
    `COPY (SELECT 'p' || (i % 500) AS patient_id, CASE WHEN i % 3 = 0 THEN 'north' ELSE 'south' END AS region,
      (i % 900)::DOUBLE AS cost FROM range(2000) AS t(i)) TO '${join(directory, 'visits.parquet')}' (FORMAT parquet)`,
  ]);
  await shop.provider.registerDataset({ manifest: MANIFEST, policy: POLICY, baseDirectory: directory });
  await openGrant(shop, { id: 'visits', dataset: 'visits', columns: ['region', 'cost'], runs: 10_000 });
  return shop;
}

let asked = 0;

/** A request that nobody has made before, so that it is no repeat. */
function submit({ buyer }: Shop): Promise<Job> {
  asked += 1;
  const sql = `SELECT region, SUM(cost) FROM visits WHERE cost <> ${asked} GROUP BY region`;
  return buyer.submit({ grant: 'visits', purpose: 'public_health', sql });
}

async function answer(shop: Shop): Promise<Release> {
  const { id, releaseId } = await shop.buyer.waitForJob((await submit(shop)).id);
  return shop.buyer.release(releaseId!, id);
}

/** Asks until the disk is felt; what was admitted meanwhile, and the problem. */
async function askUntilRefused(
  shop: Shop,
): Promise<{ readonly admitted: readonly Job[]; readonly problem: unknown }> {
  const admitted: Job[] = [];
  // What a table has left of its last page and the log of its last segment is used up after a few dozen requests.
  while (admitted.length < 500) {
    try {
      admitted.push(await submit(shop));
    } catch (problem) {
      return { admitted, problem };
    }
  }
  throw new Error('the disk was never full');
}

const HAS = { mount: canMount(), postgres: findPostgres() !== null };

test.for(['postgres', 'pglite'] as const)(
  '%s on a full disk: refused by name, alive, and whole again when there is room',
  async (engine, { skip }) => {
    if (!HAS.mount || (engine === 'postgres' && !HAS.postgres)) skip();
    const disk = mountDisk(DISK_MB)!;
    const databaseUrl = await makeDatabase(engine, disk);
    const dataDir = join(disk, 'server');
    let server = await startServer(dataDir, databaseUrl);
    closing.push(() => server.end('SIGKILL'));
    let shop = await openVisits(server);
    const answers = [await answer(shop), await answer(shop)];

    const makeRoom = fill(disk);
    const { admitted, problem } = await askUntilRefused(shop);
    expect(problem).toBeInstanceOf(ProblemError);
    expect(problem).toMatchObject({ status: 503, code: 'STATE_BUSY' });
    expect((problem as ProblemError).detail).toContain('disk');
    expect(server.complaints()).toMatch(/No space left on device/);
    expect(server.child.exitCode).toBeNull();
    // What needs no room is answered all the while.
    expect(await shop.buyer.me()).toMatchObject({ account: 'buyer' });
    expect(await shop.buyer.release(answers[0]!.id, answers[0]!.jobId)).toMatchObject({
      outputs: answers[0]!.outputs,
    });

    makeRoom();
    answers.push(await answer(shop));

    // A start ends what could not be ended on the full disk: nothing of it is released, and what was opened is spent.
    await server.end('SIGTERM');
    server = await startServer(dataDir, databaseUrl);
    const [operator, buyer] = [
      clientOf(server, 'operator', server.operator.key),
      clientOf(server, 'buyer', shop.buyerKey),
    ];
    shop = { ...shop, operator, buyer };
    const ended = await Promise.all(admitted.map(({ id }) => buyer.waitForJob(id, 20_000)));
    for (const job of ended)
      expect(['released', 'STATE_BUSY', 'MACHINE_FAULT']).toContain(job.code ?? job.outcome);
    for (const { id, jobId, outputs } of answers)
      expect(await buyer.release(id, jobId)).toMatchObject({ outputs });
    answers.push(await answer(shop));

    const paid = ended.filter(({ cost }) => cost?.nano !== '0').length + answers.length;
    const { budget } = (await operator.dataset('visits')) as unknown as { budget: readonly object[] };
    expect(budget).toMatchObject([{ spent: { nano: String(COST * BigInt(paid)) }, reserved: { nano: '0' } }]);
    await server.end('SIGTERM');
    const db = await openDatabase(
      databaseUrl === undefined ? { dataDir: join(dataDir, 'database') } : { url: databaseUrl },
    );
    closing.push(() => db.close());
    expect(await findViolations(db)).toEqual([]);
  },
);
