/** The gateway as a process of its own on PostgreSQL: what it can do under its role, and what the database refuses it. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Client } from '#gateway/client/client.ts';
import { openDatabase } from '#gateway/storage/database.ts';
import { findRunnable } from '#gateway/runner/source-store.ts';
import { generateSigningKey, type SigningKey } from '#crypto/ed25519-key.ts';
import { HAS_POSTGRES } from '#tests/support/engines.ts';
import { type Cluster, startCluster } from '#tests/support/postgres.ts';
import { setUpWorld, SQL, worldGrant } from '#tests/support/gateway-world.ts';
import { SPARE_ENVIRONMENT } from '#tests/support/spare-environment.ts';

let cluster: Cluster;
let directory: string;
let databaseUrl: string;
const operatorKey = generateSigningKey();
const kills: (() => boolean)[] = [];

beforeAll(async () => {
  if (!HAS_POSTGRES) return;
  cluster = await startCluster();
  databaseUrl = await cluster.createDatabase();
  directory = mkdtempSync(join(tmpdir(), 'unseen-gateway-'));
});
afterAll(async () => {
  for (const kill of kills) kill();
  if (!HAS_POSTGRES) return;
  await cluster.stop();
  rmSync(directory, { recursive: true, force: true });
});

interface Running {
  readonly url: string;
  /** Its exit code after SIGTERM. */
  stop(): Promise<number | null>;
}

function startProcess(): Promise<Running> {
  const [receiptKeyFile, operatorKeyFile] = [join(directory, 'receipt.jwk'), join(directory, 'operator.jwk')];
  writeFileSync(receiptKeyFile, JSON.stringify(generateSigningKey().publicJwk));
  writeFileSync(operatorKeyFile, JSON.stringify(operatorKey.publicJwk));
  const child = spawn(process.execPath, ['--import', './gateway/quick-start.ts', 'gateway/main.ts'], {
    env: {
      ...SPARE_ENVIRONMENT,
      DATABASE_URL: databaseUrl,
      UNSEEN_LISTEN: '127.0.0.1:0',
      UNSEEN_PUBLIC_URL: 'https://unseen.example/',
      UNSEEN_DATA_DIR: join(directory, 'data'),
      UNSEEN_RECEIPT_KEY: receiptKeyFile,
      UNSEEN_OPERATOR_KEY: operatorKeyFile,
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  // A test that fails must not leave it behind.
  kills.push(() => child.kill('SIGKILL'));
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { msg, url } = JSON.parse(line) as { msg: string; url?: string };
      if (msg !== 'listening' || url === undefined) return;
      const stop = (): Promise<number | null> => {
        child.kill('SIGTERM');
        return exited;
      };
      resolve({ url, stop });
    });
    void exited.then((code) => reject(new Error(`the gateway ended with ${code}`)));
  });
}

test.runIf(HAS_POSTGRES)('serves operators and buyers under its role, and stops when told', async () => {
  const gateway = await startProcess();
  // The runner's side of the database: datasets are registered there and nowhere else.
  const runner = await openDatabase({ url: databaseUrl });
  const keys = await setUpWorld(runner);
  const clientOf = (account: string, key: SigningKey): Client =>
    new Client({ url: gateway.url, issuer: 'https://unseen.example', account, key });
  const operator = clientOf('operator', operatorKey);
  expect(await operator.me()).toMatchObject({ account: 'operator', roles: ['operator'] });
  await operator.createGrant(worldGrant({ id: 'g-2' }));
  expect((await operator.grants()).map(({ id }) => id)).toEqual(['g-1', 'g-2']);
  await operator.revokeGrant('g-2', 'not needed');

  const buyer = clientOf('ben', keys.ben);
  const ask = { grant: 'g-1', sql: SQL, purpose: 'public_health' };
  const quote = await buyer.quote(ask);
  const job = await buyer.submit({ ...ask, quote: quote.id });
  expect(job).toMatchObject({ state: 'queued', cost: quote.cost });
  await expect(buyer.submit({ ...ask, purpose: 'insurance' })).rejects.toMatchObject({
    code: 'PURPOSE_NOT_GRANTED',
  });
  expect(await buyer.cancelJob(job.id)).toMatchObject({ state: 'done', code: 'KILLED' });
  expect(await buyer.checkpoint()).toContain('unseen.local/log');

  await runner.close();
  expect(await gateway.stop()).toBe(0);
});

test.runIf(HAS_POSTGRES)('has no way to a source: the database refuses its role', async () => {
  const place = { url: databaseUrl, role: 'unseen_gateway' };
  const [gateway, runner] = [await openDatabase(place), await openDatabase({ url: databaseUrl })];
  await expect(findRunnable(gateway, '0'.repeat(32))).rejects.toMatchObject({ code: '42501' });
  // Control: the same question by the owner of the tables is answered.
  expect(await findRunnable(runner, '0'.repeat(32))).toBeUndefined();
  await Promise.all([gateway.close(), runner.close()]);
});
