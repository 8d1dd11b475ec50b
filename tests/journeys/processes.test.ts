/**
 * One journey through real processes: gateway and runner apart on PostgreSQL, jailed readers, real HTTP, and kill -9.
 *
 * After every kill the process is started again under its own name. At the end nothing committed is lost, no budget
 * has come back, and every invariant of the database holds.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, readFileSync, readlinkSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generateSigningKey, parsePublicJwk } from '#crypto/ed25519-key.ts';
import { verifyReceipt } from '#crypto/receipt.ts';
import type { Client } from '#gateway/client/client.ts';
import type { Job } from '#gateway/client/resources.ts';
import { runStatements } from '#gateway/demo/generate.ts';
import { openDatabase } from '#gateway/storage/database.ts';
import { findViolations } from '#gateway/storage/invariants.ts';
import { findLedgers } from '#gateway/storage/ledger.ts';
import { sized } from '#tests/support/audit-size.ts';
import { answering, freePort, openGrant, openShop, patiently } from '#tests/support/journey.ts';
import { type Cluster, findPostgres, startCluster } from '#tests/support/postgres.ts';
import { SPARE_ENVIRONMENT } from '#tests/support/spare-environment.ts';

const PROGRAM = { gateway: 'gateway/main.ts', runner: 'gateway/runner/main.ts' } as const;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Of each two processes are killed. */
const ROUNDS = sized(3, 25);
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
  age: { type: integer, bounds: [0, 120] }
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

class Platform {
  readonly directory = mkdtempSync(join(tmpdir(), 'unseen-journey-'));
  readonly operatorKey = generateSigningKey();
  readonly #processes = new Map<keyof typeof PROGRAM, ChildProcess>();
  readonly #environment: Record<string, string>;
  readonly gatewayUrl: string;
  readonly runnerUrl: string;

  constructor(databaseUrl: string, ports: readonly [number, number]) {
    [this.gatewayUrl, this.runnerUrl] = ports.map((port) => `http://127.0.0.1:${port}`) as [string, string];
    const operatorKeyFile = join(this.directory, 'operator.jwk');
    writeFileSync(operatorKeyFile, JSON.stringify(this.operatorKey.publicJwk));
    this.#environment = {
      ...SPARE_ENVIRONMENT,
      DATABASE_URL: databaseUrl,
      UNSEEN_DATA_DIR: join(this.directory, 'gateway'),
      UNSEEN_RUNNER_DATA_DIR: join(this.directory, 'runner'),
      UNSEEN_LISTEN: `127.0.0.1:${ports[0]}`,
      UNSEEN_RUNNER_LISTEN: `127.0.0.1:${ports[1]}`,
      UNSEEN_PUBLIC_URL: this.gatewayUrl,
      UNSEEN_OPERATOR_KEY: operatorKeyFile,
      UNSEEN_RECEIPT_KEY: join(this.directory, 'runner', 'receipt-key.public.jwk'),
      UNSEEN_RUNNER_NAME: 'journey',
    };
  }

  async start(name: keyof typeof PROGRAM): Promise<ChildProcess> {
    const child = spawn(process.execPath, ['--import', './gateway/quick-start.ts', PROGRAM[name]], {
      cwd: ROOT,
      env: this.#environment,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    this.#processes.set(name, child);
    await answering(name === 'gateway' ? this.gatewayUrl : this.runnerUrl);
    return child;
  }

  async kill(name: keyof typeof PROGRAM): Promise<void> {
    const child = this.#processes.get(name)!;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  async stop(): Promise<void> {
    for (const [name, child] of this.#processes)
      if (child.exitCode === null && child.signalCode === null) await this.kill(name);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

const isHere = findPostgres() !== null;
let cluster: Cluster;
let platform: Platform;
let databaseUrl: string;

beforeAll(async () => {
  if (!isHere) return;
  cluster = await startCluster();
  databaseUrl = await cluster.createDatabase();
  platform = new Platform(databaseUrl, [await freePort(), await freePort()]);
  const file = join(platform.directory, 'visits.parquet');
  await runStatements([
    `COPY (SELECT 'p' || (i % 5000) AS patient_id, CASE WHEN i % 3 = 0 THEN 'north' ELSE 'south' END AS region,
      (i % 100)::INTEGER AS age, (i % 900)::DOUBLE AS cost FROM range(20000) AS t(i)) TO '${file}' (FORMAT parquet)`,
  ]);
  await platform.start('runner');
  await platform.start('gateway');
});

afterAll(async () => {
  if (!isHere) return;
  await platform.stop();
  await cluster.stop();
});

test.skipIf(!isHere)(
  'answers, survives kill -9 of runner and gateway, and gives no budget back',
  { timeout: sized(120_000, 3_600_000) },
  async () => {
    const buyer = await openShopWithVisits();
    const settled: Job[] = [];
    const ask = (round: number, asked = 0): Promise<Job> =>
      patiently(() =>
        buyer.submit({
          grant: 'journey',
          purpose: 'public_health',
          sql: `SELECT region, SUM(cost) FROM visits WHERE age >= ${asked} AND cost >= ${round} GROUP BY region`,
        }),
      );

    const first = await buyer.waitForJob((await ask(0)).id);
    expect(first).toMatchObject({ outcome: 'released' });
    const answer = await buyer.release(first.releaseId!, first.id);

    const submitted: string[] = [];
    for (let round = 1; round <= ROUNDS; round += 1) {
      for (let asked = 1; asked <= 6; asked += 1) submitted.push((await ask(round, asked)).id);
      await sleep(randomInt(60));
      await Promise.all(
        (['runner', 'gateway'] as const).map(async (name) => {
          await platform.kill(name);
          await platform.start(name);
        }),
      );
    }
    for (const id of submitted) settled.push(await patiently(() => buyer.waitForJob(id, 30_000)));

    // What was released stays released, byte for byte, and is proven by its receipt.
    // What is left of the budget is the ledger's, and moves on.
    const again = await buyer.release(first.releaseId!, first.id);
    expect({ ...again, budget: null }).toEqual({ ...answer, budget: null });
    expect(settled.every((job) => job.state === 'done')).toBe(true);
    expect(settled.filter((job) => job.outcome === 'released').length).toBeGreaterThan(0);
    await checkReceipt(buyer, first.id);

    const db = await openDatabase({ url: databaseUrl });
    try {
      expect(await findViolations(db)).toEqual([]);
      const [ledger] = await findLedgers(db, ['visits']);
      const paid = settled.filter((job) => job.outcome === 'released' || job.outcome === 'failed').length + 1;
      expect(ledger).toMatchObject({ reserved: { nano: '0' }, spent: { nano: String(COST * BigInt(paid)) } });
    } finally {
      await db.close();
    }
  },
);

test.skipIf(!isHere)(
  'the gateway process has neither the source open nor an engine that could open it',
  async () => {
    const child = await restarted();
    const maps = readFileSync(`/proc/${child.pid}/maps`, 'utf8');
    expect(maps).not.toMatch(/duckdb/i);
    const open = readdirSync(`/proc/${child.pid}/fd`).map((fd) => {
      try {
        return readlinkSync(`/proc/${child.pid}/fd/${fd}`);
      } catch {
        return '';
      }
    });
    expect(open.filter((path) => path.includes('visits.parquet'))).toEqual([]);
    // Negative control: the engine is seen in this very process, which made the file.
    expect(readFileSync(`/proc/${process.pid}/maps`, 'utf8')).toMatch(/duckdb/i);
  },
);

async function restarted(): Promise<ChildProcess> {
  await platform.kill('gateway');
  return platform.start('gateway');
}

/** A provider, a buyer, a dataset and a grant. */
async function openShopWithVisits(): Promise<Client> {
  const { gatewayUrl, runnerUrl, operatorKey } = platform;
  const shop = await openShop({
    gatewayUrl,
    runnerUrl,
    operator: { account: 'operator', key: operatorKey },
  });
  await shop.provider.registerDataset({
    manifest: MANIFEST,
    policy: POLICY,
    baseDirectory: platform.directory,
  });
  await openGrant(shop, {
    id: 'journey',
    dataset: 'visits',
    columns: ['region', 'age', 'cost'],
    runs: 1_000,
  });
  return shop.buyer;
}

async function checkReceipt(buyer: Client, jobId: string): Promise<void> {
  const { receipt, proof } = await buyer.receipt(jobId);
  const { keys } = (await buyer.keySet()) as { readonly keys: readonly Record<string, unknown>[] };
  const trusted = keys.map(({ kty, crv, x }) => parsePublicJwk({ kty, crv, x }));
  const logKey = (await buyer.logKey()).trim();
  const verification = await verifyReceipt({ receipt: receipt!, keys: trusted, proof: proof!, logKey });
  expect(verification).toMatchObject({ verdict: 'valid', payload: { separation: 'processes' } });
}
