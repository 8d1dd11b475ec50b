/** Who may do what: every route by every role, what strangers see, and what no route answers with. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routeTable } from '#gateway/app.ts';
import { generateSigningKey } from '#crypto/ed25519-key.ts';
import { signAccessToken } from '#gateway/auth/issuer.ts';
import { surfaceOf } from '#gateway/http/surface.ts';
import { createListener } from '#gateway/runner/listener.ts';
import { Sources } from '#gateway/runner/sources.ts';
import { visitsManifest, MODULE } from '#tests/support/visits-program.ts';
import {
  makeGrant,
  makeWorld,
  PEOPLE,
  type Person,
  SQL,
  untilReleaseTime,
  type World,
  worldGrant,
} from '#tests/support/gateway-world.ts';

let world: World;
let jobId = '';
let releaseId = '';
let waitingId = '';
let programId = '';
beforeAll(async () => {
  world = await makeWorld();
  const submitted = await world.as('ben', '/v1/jobs', { grant: 'g-1', sql: SQL, purpose: 'public_health' });
  jobId = ((await submitted.json()) as { id: string }).id;
  await world.runAll();
  releaseId = world.released[0] ?? '';
  await world.as('ben', `/v1/jobs/${jobId}?wait=20`);
  const program = await world.as('ben', '/v1/programs', { module: MODULE, manifest: visitsManifest() });
  programId = ((await program.json()) as { digest: string }).digest;
  const sql = 'SELECT COUNT(*) FROM visits_reviewed';
  const waiting = await world.as('ben', '/v1/jobs', { grant: 'g-1', sql, purpose: 'public_health' });
  waitingId = ((await waiting.json()) as { id: string }).id;
  await world.runAll();
  await untilReleaseTime(world.db, waitingId);
});
afterAll(() => world.close());

const MISSING = '0'.repeat(32);
const NO_PROGRAM = `sha256:${'0'.repeat(64)}`;

/** Each route with a request that is well formed; POSTs name things that are not there, so that nothing changes. */
function requests(): Readonly<Record<string, { readonly path: string; readonly body?: object }>> {
  const ask = { grant: 'none', sql: SQL, purpose: 'public_health' };
  const jwk = world.keys.bill.publicJwk;
  return {
    'get /v1/me': { path: '/v1/me' },
    'post /v1/organisations': { path: '/v1/organisations', body: { id: 'rival-lab', name: 'The rival-lab' } },
    'get /v1/organisations': { path: '/v1/organisations' },
    'post /v1/accounts': {
      path: '/v1/accounts',
      body: { id: 'x', organisation: 'nowhere', roles: ['buyer'], jwk },
    },
    'get /v1/accounts': { path: '/v1/accounts' },
    'post /v1/accounts/{id}/revoke': { path: '/v1/accounts/nobody/revoke', body: {} },
    'get /v1/datasets': { path: '/v1/datasets' },
    'get /v1/datasets/{name}': { path: '/v1/datasets/visits' },
    'get /v1/budgets/{name}': { path: '/v1/budgets/visits' },
    'post /v1/datasets/{name}/suspend': { path: '/v1/datasets/none/suspend', body: {} },
    'post /v1/datasets/{name}/resume': { path: '/v1/datasets/none/resume', body: {} },
    'post /v1/datasets/{name}/withdraw': { path: '/v1/datasets/none/withdraw', body: {} },
    'post /v1/organisations/{id}/suspend': { path: '/v1/organisations/none/suspend', body: {} },
    'post /v1/organisations/{id}/resume': { path: '/v1/organisations/none/resume', body: {} },
    'post /v1/grants/{id}/suspend': { path: '/v1/grants/none/suspend', body: {} },
    'post /v1/grants/{id}/resume': { path: '/v1/grants/none/resume', body: {} },
    'post /v1/programs': {
      path: '/v1/programs',
      body: { module: MODULE, manifest: visitsManifest({ inputs: { none: ['age'] } }) },
    },
    'get /v1/programs': { path: '/v1/programs' },
    'get /v1/programs/{digest}': { path: `/v1/programs/${programId}` },
    'post /v1/programs/{digest}/approval': { path: `/v1/programs/${NO_PROGRAM}/approval`, body: {} },
    'post /v1/programs/{digest}/rejection': {
      path: `/v1/programs/${NO_PROGRAM}/rejection`,
      body: { reason: 'RISK_TOO_HIGH', text: 'x', basis: 'y' },
    },
    'post /v1/programs/{digest}/withdrawal': {
      path: `/v1/programs/${NO_PROGRAM}/withdrawal`,
      body: { reason: 'x' },
    },
    'post /v1/grants': { path: '/v1/grants', body: {} },
    'get /v1/grants': { path: '/v1/grants' },
    'get /v1/grants/{id}': { path: '/v1/grants/g-1' },
    'post /v1/grants/{id}/approve': { path: '/v1/grants/none/approve', body: { side: 'provider' } },
    'post /v1/grants/{id}/revoke': { path: '/v1/grants/none/revoke', body: { reason: 'x' } },
    'post /v1/quotes': { path: '/v1/quotes', body: ask },
    'post /v1/jobs': { path: '/v1/jobs', body: ask },
    'get /v1/jobs': { path: '/v1/jobs' },
    'get /v1/jobs/{id}': { path: `/v1/jobs/${jobId}` },
    'get /v1/jobs/{id}/events': { path: `/v1/jobs/${jobId}/events` },
    'post /v1/jobs/{id}/cancel': { path: `/v1/jobs/${MISSING}/cancel`, body: {} },
    'get /v1/reviews': { path: '/v1/reviews' },
    'get /v1/reviews/{id}': { path: `/v1/reviews/${waitingId}` },
    'post /v1/reviews/{id}/approve': { path: `/v1/reviews/${MISSING}/approve`, body: {} },
    'post /v1/reviews/{id}/reject': {
      path: `/v1/reviews/${MISSING}/reject`,
      body: { reason: 'KIND_MISMATCH' },
    },
    'get /v1/releases/{id}': { path: `/v1/releases/${releaseId}` },
    'get /v1/receipts/{id}': { path: `/v1/receipts/${jobId}` },
    'get /v1/log/checkpoint': { path: '/v1/log/checkpoint' },
    'get /v1/log/proofs/{id}': { path: `/v1/log/proofs/${jobId}` },
    'get /v1/log/consistency': { path: '/v1/log/consistency?from=1' },
    'get /v1/usage': { path: '/v1/usage' },
    // A year and a ceiling that nobody has, and no entries: nothing is opened, closed or entered.
    'post /v1/price-deviations': { path: '/v1/price-deviations', body: { year: 2001 } },
    'get /v1/price-tasks': { path: '/v1/price-tasks' },
    'post /v1/price-tasks/close': {
      path: '/v1/price-tasks/close',
      body: { year: 2001, ceiling: 'none', outcome: 'x' },
    },
    'post /v1/costs': { path: '/v1/costs', body: { kind: 'CostEntries' } },
    'get /v1/costs': { path: '/v1/costs?year=2001' },
  };
}

/**
 * What each role is answered. 403: the role may never; 404: not this one; 422: it may, and the request names nothing that
 * is there. Columns: operator provider buyer rival billing auditor supervisor.
 */
const ROLES_ASKED = ['olga', 'petra', 'ben', 'rival', 'bill', 'adele', 'susan'] as const satisfies Person[];
const MATRIX: Readonly<Record<string, string>> = {
  'get /v1/me': '200 200 200 200 200 200 200',
  'post /v1/organisations': '201 403 403 403 403 403 403',
  'get /v1/organisations': '200 403 403 403 403 403 403',
  'post /v1/accounts': '422 403 403 403 403 403 403',
  'get /v1/accounts': '200 403 403 403 403 403 403',
  'post /v1/accounts/{id}/revoke': '404 403 403 403 403 403 403',
  'get /v1/datasets': '200 200 200 200 200 200 200',
  'get /v1/datasets/{name}': '200 200 200 200 200 200 200',
  'get /v1/budgets/{name}': '200 200 200 403 403 200 200',
  'post /v1/datasets/{name}/suspend': '404 404 403 403 403 403 404',
  'post /v1/datasets/{name}/resume': '404 403 403 403 403 403 403',
  'post /v1/datasets/{name}/withdraw': '404 404 403 403 403 403 404',
  'post /v1/organisations/{id}/suspend': '404 403 403 403 403 403 404',
  'post /v1/organisations/{id}/resume': '404 403 403 403 403 403 403',
  'post /v1/grants/{id}/suspend': '404 404 403 403 403 403 404',
  'post /v1/grants/{id}/resume': '404 403 403 403 403 403 403',
  'post /v1/programs': '403 403 422 422 403 403 403',
  'get /v1/programs': '200 200 200 200 403 200 200',
  'get /v1/programs/{digest}': '200 200 200 404 403 200 200',
  'post /v1/programs/{digest}/approval': '404 404 403 403 403 403 403',
  'post /v1/programs/{digest}/rejection': '404 404 403 403 403 403 403',
  'post /v1/programs/{digest}/withdrawal': '404 404 404 404 403 403 404',
  'post /v1/grants': '422 403 403 403 403 403 403',
  'get /v1/grants': '200 200 200 200 200 200 200',
  'get /v1/grants/{id}': '200 200 200 404 404 200 200',
  'post /v1/grants/{id}/approve': '404 404 404 404 403 403 403',
  'post /v1/grants/{id}/revoke': '404 404 403 403 403 403 404',
  'post /v1/quotes': '403 403 201 201 403 403 403',
  'post /v1/jobs': '403 403 403 403 403 403 403',
  'get /v1/jobs': '200 200 200 200 403 200 200',
  'get /v1/jobs/{id}': '200 200 200 404 403 200 200',
  'get /v1/jobs/{id}/events': '200 200 200 404 403 200 200',
  'post /v1/jobs/{id}/cancel': '404 403 404 404 403 403 403',
  'get /v1/reviews': '200 200 403 403 403 403 403',
  'get /v1/reviews/{id}': '200 200 403 403 403 403 403',
  'post /v1/reviews/{id}/approve': '404 404 403 403 403 403 403',
  'post /v1/reviews/{id}/reject': '404 404 403 403 403 403 403',
  'get /v1/releases/{id}': '403 403 200 404 403 200 200',
  'get /v1/receipts/{id}': '200 200 200 404 403 200 200',
  'get /v1/log/checkpoint': '200 200 200 200 200 200 200',
  'get /v1/log/proofs/{id}': '200 200 200 404 403 200 200',
  'get /v1/log/consistency': '200 200 200 200 200 200 200',
  'get /v1/usage': '200 200 200 200 200 200 200',
  'post /v1/price-deviations': '200 403 403 403 200 403 403',
  'get /v1/price-tasks': '200 403 403 403 200 200 200',
  'post /v1/price-tasks/close': '422 403 403 403 422 403 403',
  'post /v1/costs': '422 403 403 403 422 403 403',
  'get /v1/costs': '200 403 403 403 200 200 200',
};

const OPEN = [
  'get /healthz',
  'get /readyz',
  'get /metrics',
  'get /openapi.json',
  'get /.well-known/oauth-authorization-server',
  'get /.well-known/jwks.json',
  'get /v1/log/key',
  'get /v1/prices',
  'get /v1/prices/history',
];

describe('the route table', () => {
  test('has exactly the routes that the matrix and the list of open routes name', () => {
    const table = routeTable(surfaceOf(world.shell)).map(({ method, path }) => `${method} ${path}`);
    expect(table.toSorted()).toEqual([...Object.keys(MATRIX), ...OPEN, 'post /oauth/token'].toSorted());
  });

  test('answers every role as the matrix says', async () => {
    const found: Record<string, string> = {};
    for (const [route, { path, body }] of Object.entries(requests())) {
      const statuses: number[] = [];
      for (const person of ROLES_ASKED) statuses.push((await world.as(person, path, body)).status);
      found[route] = statuses.join(' ');
    }
    expect(found).toEqual(MATRIX);
    expect(world.bugs).toEqual([]);
  });

  test('never answers a stranger but on the open routes', async () => {
    for (const [route, { path, body }] of Object.entries(requests())) {
      const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
      const response = await world.request(path, {
        ...init,
        headers: { 'content-type': 'application/json' },
      });
      expect([route, response.status]).toEqual([route, 401]);
      expect(response.headers.get('content-type')).toBe('application/problem+json');
    }
    for (const route of OPEN) {
      expect([route, (await world.request(route.slice('get '.length))).status]).toEqual([route, 200]);
    }
  });

  test('has a schema for every answer, and none of them is a row: no hidden column, unit or source leaves', async () => {
    const texts: string[] = [];
    for (const { path, body } of Object.values(requests())) {
      for (const person of ['olga', 'ben', 'adele'] as const)
        texts.push(await (await world.as(person, path, body)).text());
    }
    for (const route of OPEN) texts.push(await (await world.request(route.slice('get '.length))).text());
    const all = texts.join('\n');
    // Public facts are there, so that the search below is not of nothing.
    expect(all).toContain('"visits"');
    for (const secret of [
      'visits.csv',
      '/nowhere',
      'f'.repeat(64),
      '1'.repeat(64),
      'diagnosis_text',
      '"hidden"',
    ]) {
      expect([secret, all.includes(secret)]).toEqual([secret, false]);
    }
  });
});

test('the runner’s listener answers no stranger, and registers for operators and providers only', async () => {
  const { db, shell } = world;
  const sources = new Sources({ prepare: false });
  const listener = createListener({
    reader: () => Promise.resolve(shell),
    db,
    policies: shell.policies,
    sources,
    destructions: {
      db,
      kms: { get: () => Promise.reject(new RangeError('no key is asked for')) },
      sources,
      signingKey: generateSigningKey(),
      issuer: shell.publicUrl,
      waitMs: 0,
      reportBug: (error) => world.bugs.push(error),
    },
    reportBug: (error) => world.bugs.push(error),
  });
  // It is no manifest, so whoever may register is told that, and nothing is registered.
  const body = JSON.stringify({ manifest: 'kind: Nothing', policy: '', baseDirectory: '/nowhere' });
  const register = async (headers: Readonly<Record<string, string>>): Promise<number> =>
    (
      await listener.request('/v1/datasets', {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json', ...headers },
      })
    ).status;
  expect(await register({})).toBe(401);
  expect((await listener.request('/v1/jail')).status).toBe(401);
  const found: number[] = [];
  for (const person of ROLES_ASKED) {
    const { organisation, roles } = PEOPLE[person];
    const token = await signAccessToken(shell, { id: person, organisationId: organisation, roles });
    found.push(await register({ authorization: `Bearer ${token}` }));
  }
  expect(found).toEqual([422, 422, 403, 403, 403, 403, 403]);
  await sources.close();
});

describe('what is read of others', () => {
  test('a buyer sees the jobs and usage of the own organisation only', async () => {
    const list = async (person: Person, path: string): Promise<number> =>
      ((await (await world.as(person, path)).json()) as { items: unknown[] }).items.length;
    expect(await list('berta', '/v1/usage')).toBeGreaterThan(0);
    expect(await list('berta', '/v1/jobs?account=ben')).toBeGreaterThan(0);
    expect(await list('rival', '/v1/jobs?account=ben')).toBe(0);
    expect(await list('rival', '/v1/jobs?dataset=visits')).toBe(0);
    expect(await list('rival', '/v1/usage?account=ben')).toBe(0);
    expect(await list('rival', '/v1/grants')).toBe(0);
    // A job of another organisation is not told from one that is not there.
    const [others, none] = [
      await world.as('rival', `/v1/jobs/${jobId}`),
      await world.as('rival', `/v1/jobs/${MISSING}`),
    ];
    const told = async (response: Response) => ({ ...((await response.json()) as object), instance: null });
    expect(await told(others)).toEqual(await told(none));
  });

  test('another buyer’s grant is no grant, for quotes and for jobs', async () => {
    const ask = { grant: 'g-1', sql: SQL, purpose: 'public_health' };
    const quote = await (await world.as('rival', '/v1/quotes', ask)).json();
    expect(quote).toMatchObject({ refused: { code: 'NO_GRANT' }, cost: null });
    expect(await (await world.as('rival', '/v1/jobs', ask)).json()).toMatchObject({
      code: 'NO_GRANT',
      status: 403,
    });
  });

  test('the text of requests is shown to the buyer, auditors and supervisors, and to nobody else', async () => {
    const shows = async (person: Person): Promise<boolean> =>
      (await (await world.as(person, `/v1/jobs/${jobId}`)).text()).includes('SELECT');
    const found = await Promise.all(
      (['olga', 'petra', 'ben', 'berta', 'rival', 'bill', 'adele', 'susan'] as const).map(async (person) => [
        person,
        await shows(person),
      ]),
    );
    expect(Object.fromEntries(found)).toEqual({
      olga: false,
      petra: false,
      ben: true,
      berta: true,
      rival: false,
      bill: false,
      adele: true,
      susan: true,
    });
  });

  test('billing reads usage without a word of what was asked', async () => {
    const text = await (await world.as('bill', '/v1/usage')).text();
    expect(text).toContain(jobId);
    const csv = await (await world.as('bill', '/v1/usage', undefined, { accept: 'text/csv' })).text();
    expect(csv).toContain(jobId);
    for (const word of ['SELECT', 'COUNT', 'region']) expect(`${text}${csv}`).not.toContain(word);
  });

  test('an operator who also bills reads no text, and a buyer of the operator buys nothing', async () => {
    await world.as('olga', '/v1/accounts', {
      id: 'both',
      organisation: 'platform',
      roles: ['operator', 'buyer'],
      jwk: world.keys.olga.publicJwk,
    });
    await makeGrant(world.db, worldGrant({ id: 'g-own', holder: 'platform' }));
    const token = await signAccessToken(world.shell, { id: 'both', organisationId: 'platform', roles: [] });
    const response = await world.request('/v1/quotes', {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ grant: 'g-own', sql: SQL, purpose: 'public_health' }),
    });
    expect(await response.json()).toMatchObject({ refused: { code: 'NO_GRANT' } });
  });

  test('covers every person of this world', () => {
    expect([...ROLES_ASKED, 'berta', 'opal', 'oscar', 'paul'].toSorted()).toEqual(
      Object.keys(PEOPLE).toSorted(),
    );
  });
});
