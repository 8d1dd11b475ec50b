/** Whose approval counts, what a granted right allows, and what the runner decides again before it opens data. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signAccessToken } from '#gateway/auth/issuer.ts';
import { recheck } from '#gateway/runner/recheck.ts';
import { catalogueOf, compileAsk, type KeptRequest } from '#gateway/services/planning.ts';
import { listDatasets } from '#gateway/storage/dataset-list.ts';
import { approveGrant, saveGrant } from '#gateway/storage/grant-store.ts';
import { saveAccount } from '#gateway/storage/parties.ts';
import { type ClaimedJob, claimJob } from '#gateway/storage/queue.ts';
import { policyEngine } from '#policies/decide.ts';
import { parseGrant } from '#policies/grant.ts';
import { Refusal } from '#policies/refusal.ts';
import type { Role } from '#policies/roles.ts';
import { ASK, jsonOf, makeGrant, makeWorld, type World, worldGrant } from '#tests/support/gateway-world.ts';

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});
afterAll(() => world.close());

/** An approval by an account that is made for it. */
async function approvalBy(
  account: { readonly id: string; readonly organisation: string; readonly roles: readonly Role[] },
  grant: string,
  body: object,
): Promise<number> {
  const { id, organisation, roles } = account;
  await saveAccount(world.db, { id, organisationId: organisation, roles, keys: [] });
  const token = await signAccessToken(world.shell, { id, organisationId: organisation, roles });
  const response = await world.request(`/v1/grants/${grant}/approve`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return response.status;
}

describe('an approval', () => {
  test('is not an auditor’s to give, on either side, whatever other role the account holds', async () => {
    await world.as('olga', '/v1/grants', worldGrant({ id: 'g-audited' }));
    const sides = [
      { side: 'provider', organisation: 'platform', role: 'operator', evidence: 'doc-1' },
      { side: 'provider', organisation: 'health-bureau', role: 'provider' },
      { side: 'buyer', organisation: 'city-university', role: 'buyer' },
    ] as const;
    for (const { organisation, role, ...body } of sides) {
      const both = { id: `audits-${organisation}`, organisation, roles: [role, 'auditor'] as const };
      expect([role, await approvalBy(both, 'g-audited', body)]).toEqual([role, 403]);
    }
    // Control: the same people without the second role.
    for (const { organisation, role, ...body } of sides) {
      const one = { id: `acts-${organisation}`, organisation, roles: [role] };
      expect([role, await approvalBy(one, 'g-audited', body)]).toEqual([role, 200]);
    }
  });

  test('is needed of the data subjects as well where the grant is about persons', async () => {
    const persons = { personalData: true, consentReference: 'consent-2025-11' };
    await makeGrant(world.db, worldGrant({ id: 'g-persons', ...persons }));
    const ask = { ...ASK, grant: 'g-persons' };
    expect(await jsonOf(world.as('ben', '/v1/quotes', ask))).toMatchObject({ refused: { code: 'NO_GRANT' } });
    expect(await jsonOf(world.as('ben', '/v1/jobs', ask))).toMatchObject({ status: 403, code: 'NO_GRANT' });
    const approve = (body: object): Promise<Response> =>
      world.as('oscar', '/v1/grants/g-persons/approve', body);
    expect((await approve({ side: 'subject' })).status).toBe(422);
    expect((await approve({ side: 'subject', evidence: 'consents-7' })).status).toBe(200);
    expect(await jsonOf(world.as('ben', '/v1/quotes', ask))).toMatchObject({ refused: null });
  });
});

test('without the right to process nothing is quoted or run, whatever other right there is', async () => {
  await makeGrant(world.db, worldGrant({ id: 'g-held', rights: ['hold', 'operate_product'] }));
  const ask = { ...ASK, grant: 'g-held' };
  expect(await jsonOf(world.as('ben', '/v1/quotes', ask))).toMatchObject({ refused: { code: 'MODE' } });
  expect(await jsonOf(world.as('ben', '/v1/jobs', ask))).toMatchObject({ status: 403, code: 'MODE' });
  // Control: with it, the same request is allowed.
  await makeGrant(world.db, worldGrant({ id: 'g-processed', rights: ['process_use'] }));
  expect(await jsonOf(world.as('ben', '/v1/quotes', { ...ask, grant: 'g-processed' }))).toMatchObject({
    refused: null,
  });
});

describe('before data are opened the runner decides again', () => {
  let job: ClaimedJob;
  beforeAll(async () => {
    await makeGrant(world.db, worldGrant({ id: 'g-again' }));
    await world.as('ben', '/v1/jobs', { ...ASK, grant: 'g-again', epsilon: 0.02 });
    const claimed = await claimJob(world.db, { runner: 'again', leaseMs: 60_000 });
    if (claimed?.grantId !== 'g-again')
      throw new RangeError('the job of this grant is the only one that waits');
    job = claimed;
  });

  /** What the runner finds when the grant has become this since the job was admitted. */
  async function findAgain(change: Readonly<Record<string, unknown>>): Promise<string> {
    const grant = parseGrant(worldGrant({ id: 'g-again', ...change }));
    const revision = await saveGrant(world.db, { grant, upstream: [], by: 'olga' });
    for (const side of ['provider', 'buyer'] as const)
      await approveGrant(world.db, { grantId: 'g-again', revision, side, by: side });
    const ask = job.request as KeptRequest;
    const compiled = await compileAsk(
      world.db,
      { ask, organisation: 'city-university' },
      catalogueOf(await listDatasets(world.db)),
    );
    const shell = { db: world.db, policies: policyEngine(), channel: 'operation' } as const;
    try {
      return (await recheck(shell, job, compiled))?.effect ?? 'nothing';
    } catch (error) {
      if (error instanceof Refusal) return error.code;
      throw error;
    }
  }

  const columnsOf = (columns: readonly string[]): Readonly<Record<string, unknown>> => ({
    datasets: [{ dataset: 'visits', version: 'latest', columns, rowScope: 'all' }],
  });

  /** What the gateway says of the same request meanwhile. */
  async function findAtGateway(): Promise<string> {
    const quote = await jsonOf(world.as('ben', '/v1/quotes', { ...ASK, grant: 'g-again', epsilon: 0.02 }));
    return (quote['refused'] as { code: string } | null)?.code ?? 'permit';
  }

  // The job holds one run of the quota: it counts for the next request, and not against itself.
  test.for([
    { name: 'as it was', change: {}, runner: 'permit', gateway: 'permit' },
    { name: 'without a column', change: columnsOf(['region', 'age']), runner: 'COLUMN' },
    {
      name: 'for another purpose',
      change: { purposes: ['public_education'] },
      runner: 'PURPOSE_NOT_GRANTED',
    },
    { name: 'of fewer runs', change: { quota: { total: { runs: 0 } } }, runner: 'QUOTA' },
    {
      name: 'of exactly this run',
      change: { quota: { total: { runs: 1 } } },
      runner: 'permit',
      gateway: 'QUOTA',
    },
    {
      name: 'of no run for its purpose',
      change: { quota: { total: { runs: 9 }, perPurpose: [{ purpose: 'public_health', runs: 0 }] } },
      runner: 'QUOTA',
    },
    {
      name: 'of one run for its purpose, which counts from now on',
      change: { quota: { total: { runs: 9 }, perPurpose: [{ purpose: 'public_welfare', runs: 1 }] } },
      runner: 'permit',
    },
    {
      name: 'that asks for a cost centre',
      change: { quota: { total: { runs: 9 }, costCentres: [{ id: 'ward-7' }] } },
      runner: 'PARAM',
    },
    { name: 'at its end', change: { end: '2021-01-01T00:00:00+08:00' }, runner: 'GRANT_EXPIRED' },
    { name: 'without the right', change: { rights: ['hold'] }, runner: 'MODE' },
    // The request named no scene, which meant that of the grant as it was.
    {
      name: 'of another scene',
      change: { scene: { id: 'x', description: 'x' } },
      runner: 'PURPOSE_NOT_GRANTED',
      gateway: 'permit',
    },
  ])('on a grant $name', async ({ change, runner, gateway = runner }) => {
    expect(await findAgain(change)).toBe(runner);
    expect(await findAtGateway()).toBe(gateway);
  });
});
