/** Practice data: open to every buyer without a grant being filed, and nothing else is. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { registerDataset } from '#gateway/storage/registration.ts';
import { findGrant } from '#gateway/storage/grant-store.ts';
import { parseDataset } from '#sandbox/manifest/dataset-file.ts';
import { parsePolicy } from '#sandbox/manifest/policy-file.ts';
import { visitsManifest, visitsPolicy } from '#gateway/demo/visits.ts';
import { makeWorld, type World } from '#tests/support/gateway-world.ts';

let world: World;
beforeAll(async () => {
  world = await makeWorld();
  const manifest = visitsManifest({ name: 'sample', file: 'sample.parquet', origin: 'synthetic' });
  const { source: _source, ...stored } = parseDataset(manifest, { path: '/data/sample.yaml' });
  const policy = parsePolicy(visitsPolicy('synthetic'), { path: '/data/policy.yaml' });
  await registerDataset(world.db, {
    name: 'sample',
    organisation: 'health-bureau',
    ledger: { lineage: 'sample', unit: 'rho', capacity: null },
    population: null,
    manifest: stored,
    policy,
    policyDigest: policy.digest,
    version: { id: 'a'.repeat(32), commitment: `hmac-sha256:${'b'.repeat(64)}` },
    source: {
      path: '/data/sample.parquet',
      digest: 'c'.repeat(64),
      identity: {},
      versionKey: 'd'.repeat(64),
    },
  });
});
afterAll(() => world.close());

const SQL = 'SELECT hospital_level, COUNT(*) FROM sample GROUP BY hospital_level';

test('any buyer may practise: the grant is made at first use, once, and costs no budget', async () => {
  for (const person of ['ben', 'rival', 'rival'] as const) {
    const response = await world.as(person, '/v1/jobs', {
      grant: 'practice:sample',
      sql: SQL,
      purpose: 'public_research',
    });
    expect(response.status).toBe(202);
  }
  expect(await findGrant(world.db, 'practice:rival-lab:sample')).toMatchObject({
    revision: 1,
    organisationId: 'rival-lab',
    revoked: false,
  });
  expect(await findGrant(world.db, 'practice:city-university:sample')).not.toBeNull();
});

test('data that somebody is in are not open to practice, whatever the name of the grant', async () => {
  for (const grant of ['practice:visits', 'practice:', 'practice:city-university:visits']) {
    const response = await world.as('rival', '/v1/jobs', {
      grant,
      sql: 'SELECT COUNT(*) FROM visits',
      purpose: 'public_research',
    });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ code: 'NO_GRANT' });
  }
  expect(await findGrant(world.db, 'practice:rival-lab:visits')).toBeNull();
});

test('a practice grant covers its own dataset only', async () => {
  const ask = { grant: 'practice:sample', sql: 'SELECT COUNT(*) FROM visits', purpose: 'public_research' };
  expect((await world.as('rival', '/v1/jobs', ask)).status).toBe(403);
});

test('another organisation’s practice grant is as good as none', async () => {
  const ask = { grant: 'practice:city-university:sample', sql: SQL, purpose: 'public_research' };
  expect((await world.as('rival', '/v1/jobs', ask)).status).toBe(403);
});
