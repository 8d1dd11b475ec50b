/** Encrypted data in a server: registered, quoted with the provider's word, asked under a grant, released with a receipt. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generateSigningKey } from '#crypto/ed25519-key.ts';
import { recheck } from '#gateway/runner/recheck.ts';
import { registerWritten } from '#gateway/runner/register.ts';
import { startRunner } from '#gateway/runner/runner.ts';
import { Sources } from '#gateway/runner/sources.ts';
import { WorkerPool } from '#sandbox/worker/pool.ts';
import { csvOf } from '#tests/lab/small-data.ts';
import { jsonOf, makeGrant, makeWorld, type World, worldGrant } from '#tests/support/gateway-world.ts';
import { EncryptedScene } from './scene.ts';

const ROWS = Array.from({ length: 40 }, (_, at) => ({
  uid: at % 20,
  region: at % 2 === 0 ? 'north' : 'south',
  stay: (at * 31) % 21,
}));

const opened = new AsyncDisposableStack();
let world: World;
/** Of the manifest in the database: it may hold no word of the custodian's address. */
let stored: string;

beforeAll(async () => {
  const scene = opened.use(
    await EncryptedScene.make({
      manifest: {
        kind: 'Dataset',
        name: 'stays',
        privacyUnit: 'uid',
        origin: 'public',
        grade: 'general',
        maxRows: 100,
        columns: {
          uid: { type: 'integer', role: 'unit' },
          region: { type: 'string', role: 'key', values: ['north', 'south'] },
          stay: { type: 'integer', bounds: [0, 30] },
        },
      },
      csv: csvOf(ROWS),
      choice: { clear: ['region'], rowsPerUnit: 2 },
    }),
  );
  world = await makeWorld();
  opened.defer(() => world.close());
  const sources = new Sources({
    prepare: false,
    linkOf: () => ({ custodian: scene.custodian, orderKey: scene.orderKey }),
  });
  opened.defer(() => sources.close());
  const policy = {
    kind: 'ReleasePolicy',
    mechanism: 'gaussian',
    budget: { epsilon: 100, delta: 1e-6 },
    perJob: { epsilon: 1, delta: 1e-9 },
    maxGroupsPerUnit: 1,
    timing: { quantumMs: 1 },
    jail: 'preferred',
  };
  await registerWritten(world.db, sources, {
    manifest: JSON.stringify(scene.registration),
    policy: JSON.stringify(policy),
    baseDirectory: scene.directory,
    organisation: 'health-bureau',
  });
  const datasets = [
    { dataset: 'encrypted_stays', version: 'latest', columns: ['region', 'stay'], rowScope: 'all' },
  ];
  await makeGrant(world.db, worldGrant({ id: 'g-stays', datasets }));
  const workers = new WorkerPool();
  opened.defer(() => workers.close());
  const runner = await startRunner(
    {
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
    },
    { name: 'stays', concurrency: 1 },
  );
  opened.defer(() => runner.stop());
  stored = JSON.stringify(await jsonOf(world.as('olga', '/v1/datasets/encrypted_stays')));
}, 60_000);
afterAll(() => opened.disposeAsync());

const ASK = {
  grant: 'g-stays',
  purpose: 'public_health',
  sql: 'SELECT region, SUM(stay) AS stays FROM encrypted_stays GROUP BY region',
};

test('whoever may see the dataset sees how it was encrypted, and not where its custodian is', () => {
  expect(stored).toContain('"profile":"bfv-agg-8k"');
  expect(stored).not.toContain('custodian.test');
});

test('a quote says whose word the bound is', async () => {
  const quote = await jsonOf(world.as('ben', '/v1/quotes', ASK));
  expect(quote['summary']).toContain('the bound is the provider’s word, signed in the manifest');
});

test('a job is released, with the custodian’s noise and its order in the receipt', async () => {
  const { id } = await jsonOf<{ id: string }>(world.as('ben', '/v1/jobs', ASK));
  let job: Record<string, unknown> = {};
  for (let tries = 0; tries < 200 && job['state'] !== 'done'; tries += 1) {
    await sleep(50);
    job = await jsonOf(world.as('ben', `/v1/jobs/${id}`));
  }
  expect(job).toMatchObject({ state: 'done', outcome: 'released' });
  const { receipt } = await jsonOf<{ receipt: string }>(world.as('ben', `/v1/receipts/${id}`));
  const [, payload = ''] = receipt.split('.');
  expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({
    encrypted: { keyId: 'key-1', boundedBy: 'provider' },
  });
  expect(world.bugs).toEqual([]);
}, 20_000);
