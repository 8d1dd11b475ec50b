/** Filed documents through the API: who may file, approve and read which, and grants that rest on an agreement. */
import { afterAll, beforeAll, expect, test } from 'vitest';

import { signAccessToken } from '#gateway/auth/issuer.ts';
import { findViolations } from '#gateway/storage/invariants.ts';
import { saveAccount } from '#gateway/storage/parties.ts';
import { agreementFile, productFile } from '#tests/support/document-files.ts';
import { ASK, jsonOf, makeWorld, type Person, type World, worldGrant } from '#tests/support/gateway-world.ts';
import { capFile, cardFile, ceilingFile } from '#tests/support/price-files.ts';

interface Filed {
  readonly id: string;
  readonly revision: number;
  readonly state: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly filed: { readonly by: string | null };
}

let world: World;
let number = 0;
beforeAll(async () => {
  world = await makeWorld();
});
afterAll(() => world.close());

/** A code that no product has. */
const freshCode = (): string => `P-${String((number += 1)).padStart(4, '9')}`;
const freshId = (): string => `OA-${(number += 1)}`;

const post = (person: Person, kind: string, body: object) => world.as(person, `/v1/documents/${kind}`, body);
const act = (person: Person, wording: string, action: 'approve' | 'withdraw') =>
  world.as(person, `/v1/documents/${wording}/${action}`, {});

/** Files as one and approves as another. */
async function inForce(
  kind: string,
  file: { readonly id: string },
  by: readonly [Person, Person],
): Promise<Filed> {
  const filed = await post(by[0], kind, file);
  expect(filed.status).toBe(201);
  const { revision } = await jsonOf<Filed>(filed);
  const approved = await act(by[1], `${kind}/${file.id}/revisions/${revision}`, 'approve');
  expect([await approved.clone().text(), approved.status]).toEqual([expect.any(String), 200]);
  return jsonOf<Filed>(approved);
}

const worldAgreement = (changes: Readonly<Record<string, unknown>> = {}) => ({
  ...agreementFile(),
  id: freshId(),
  from: '2020-01-01T00:00:00+08:00',
  to: null,
  datasets: ['visits', 'visits_late', 'visits_reviewed'].map((dataset) => ({
    dataset,
    contributors: [{ contributor: 'hospital-1', weight: 1 }],
  })),
  ...changes,
});
const product = (changes: Readonly<Record<string, unknown>> = {}) =>
  productFile({ id: freshCode(), ...changes });

test('an agreement is filed by the operator, approved by somebody else, and then in force', async () => {
  const file = worldAgreement();
  const filed = await jsonOf<Filed>(post('olga', 'Agreement', file));
  expect(filed).toMatchObject({ id: file.id, revision: 1, state: 'filed', filed: { by: 'olga' } });
  const wording = `Agreement/${file.id}/revisions/1`;
  const own = await act('olga', wording, 'approve');
  expect([own.status, (await jsonOf(own))['code']]).toEqual([403, 'NO_GRANT']);
  // Nor by the operator alone, whoever of it.
  expect((await act('oscar', wording, 'approve')).status).toBe(403);
  expect((await act('petra', wording, 'approve')).status).toBe(200);
  expect(await jsonOf(world.as('olga', `/v1/documents/Agreement/${file.id}`))).toMatchObject({
    state: 'active',
    approved: { by: 'petra' },
    body: { payees: file.payees },
  });
  expect(await findViolations(world.db)).toEqual([]);
});

test.for([
  ['Agreement', 'oscar supervisor'],
  ['Product', 'oscar supervisor'],
] as const)('%s: who may approve, each on a wording of its own', async ([kind]) => {
  const statuses: Record<string, number> = {};
  for (const person of ['oscar', 'petra', 'susan', 'ben', 'bill', 'adele'] as const) {
    const file = kind === 'Agreement' ? worldAgreement() : product();
    await post('olga', kind, file);
    statuses[person] = (await act(person, `${kind}/${file.id}/revisions/1`, 'approve')).status;
  }
  // What divides the earnings of others is not the operator's alone to agree to.
  expect(statuses).toEqual({
    oscar: kind === 'Agreement' ? 403 : 200,
    petra: 200,
    susan: 200,
    ben: 403,
    bill: 403,
    adele: 403,
  });
});

test('a provider approves what is about his own data, and reads it', async () => {
  const file = worldAgreement({
    parties: { authoriser: 'regulator', operator: 'platform', providers: ['regulator', 'health-bureau'] },
  });
  await post('olga', 'Agreement', file);
  expect((await world.as('petra', `/v1/documents/Agreement/${file.id}`)).status).toBe(200);
  expect((await world.as('ben', `/v1/documents/Agreement/${file.id}`)).status).toBe(404);
  expect((await act('petra', `Agreement/${file.id}/revisions/1`, 'approve')).status).toBe(200);
});

test('an agreement about parties or data that nobody registered is refused by field', async () => {
  const faultsOf = async (changes: object) => {
    const response = await post('olga', 'Agreement', worldAgreement({ ...changes }));
    const { errors } = await jsonOf<{ errors: { field: string }[] }>(response);
    return [response.status, ...errors.map(({ field }) => field)];
  };
  const parties = { authoriser: 'health-bureau', operator: 'platform', providers: ['health-bureau'] };
  expect(await faultsOf({ parties: { ...parties, operator: 'nobody' } })).toEqual([422, 'parties.operator']);
  expect(
    await faultsOf({ parties: { ...parties, providers: ['regulator'], authoriser: 'regulator' } }),
  ).toEqual([422, 'datasets[0].dataset']);
  const datasets = [{ dataset: 'none', contributors: [{ contributor: 'x', weight: 1 }] }];
  expect(await faultsOf({ datasets })).toEqual([422, 'datasets[0].dataset']);
  expect(await faultsOf({ currency: 'USD', mode: 'free' })).toEqual([422, 'mode', 'currency']);
});

test('a product is published when its question has a Plan and gives the columns that it states', async () => {
  const code = async (changes: object) => {
    const response = await post('olga', 'Product', product({ ...changes }));
    return [response.status, (await jsonOf(response))['code']];
  };
  expect(await code({ outputSchema: [{ name: 'region', type: 'text', unit: null }] })).toEqual([
    422,
    'PARAM',
  ]);
  const parameters = {};
  expect(await code({ sql: { template: 'SELECT region FROM visits', parameters } })).toEqual([
    422,
    'NOT_AGGREGATE',
  ]);
  expect(await code({ sql: { template: 'SELECT COUNT(*) FROM nothing', parameters } })).toEqual([
    422,
    'TABLE',
  ]);
  const program = { digest: `sha256:${'0'.repeat(64)}`, parameters };
  expect(await code({ sql: undefined, program })).toEqual([403, 'PROGRAM_NOT_APPROVED']);
  expect(await code({ meterUnit: undefined })).toEqual([422, 'PARAM']);
  expect(await code({})).toEqual([201, undefined]);
});

test('everybody is told of a product that is approved; what it asks of the data, neither buyers nor billing', async () => {
  const file = product();
  await post('olga', 'Product', file);
  const show = (person: Person) => world.as(person, `/v1/documents/Product/${file.id}`);
  expect((await show('ben')).status).toBe(404);
  await act('oscar', `Product/${file.id}/revisions/1`, 'approve');
  for (const person of ['ben', 'bill', 'rival'] as const) {
    const seen = await (await show(person)).text();
    expect(seen).toContain('"parameters":{"age"');
    expect(seen).not.toContain('SELECT');
    expect(seen).not.toContain('olga');
  }
  for (const person of ['olga', 'petra', 'adele', 'susan'] as const)
    expect(await (await show(person)).text()).toContain('SELECT');
});

test('a buyer is told of a rate card that is published, and of no discount but his own', async () => {
  const card = {
    ...cardFile(),
    id: 'RC-documents',
    discounts: [
      { buyers: ['rival-lab'], reason: 'law', perMille: 100, until: '2030-01-01T00:00:00+08:00' },
      { buyers: ['city-university'], reason: 'law', perMille: 50, until: '2030-01-01T00:00:00+08:00' },
    ],
  };
  expect((await post('ben', 'RateCard', card)).status).toBe(403);
  expect((await post('petra', 'RateCard', card)).status).toBe(403);
  await inForce('RateCard', card, ['bill', 'olga']);
  const seen = await (await world.as('ben', '/v1/documents/RateCard/RC-documents')).text();
  expect(seen).toContain('"perMille":50');
  expect(seen).not.toContain('rival-lab');
  expect(seen).not.toContain('"perMille":100');
  // A digest of the whole would tell whether a guess at the hidden part is right.
  expect(seen).toContain('"digest":null');
  const operator = await (await world.as('olga', '/v1/documents/RateCard/RC-documents')).text();
  expect(operator).toContain('rival-lab');
  expect(operator).toContain('"digest":"sha256:');
});

test('who audits files, approves and withdraws nothing, whatever else he is', async () => {
  const caller = { id: 'both', organisationId: 'platform', roles: ['operator', 'auditor'] } as const;
  await saveAccount(world.db, { ...caller, keys: [] });
  const token = await signAccessToken(world.shell, caller);
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const tried = (path: string, body: object) =>
    world.request(`/v1/documents/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  expect((await tried('Agreement', worldAgreement())).status).toBe(403);
  const { id } = await jsonOf<Filed>(post('olga', 'Product', product()));
  for (const action of ['approve', 'withdraw'])
    expect((await tried(`Product/${id}/revisions/1/${action}`, {})).status).toBe(403);
});

test('what limits the operator is not filed or approved by it', async () => {
  const ceiling = ceilingFile();
  expect((await post('olga', 'RevenueCeiling', ceiling)).status).toBe(403);
  expect((await post('olga', 'PriceCap', capFile())).status).toBe(403);
  expect((await post('susan', 'RevenueCeiling', ceiling)).status).toBe(201);
  const wording = `RevenueCeiling/RCL-city/revisions/1/approve`;
  expect((await world.as('olga', `/v1/documents/${wording}`, {})).status).toBe(403);
  const own = await world.as('susan', `/v1/documents/${wording}`, {});
  expect((await jsonOf(own))['detail']).toContain('somebody else approves it');
});

test('a grant on an agreement starts while it is in force, is covered by it, and ends with it', async () => {
  const file = worldAgreement({ to: '2030-01-01T00:00:00+08:00' });
  const grantOn = (changes: object) =>
    world.as('olga', '/v1/grants', worldGrant({ id: 'g-docs', parentAgreement: file.id, ...changes }));
  await post('olga', 'Agreement', file);
  const early = await grantOn({});
  expect([early.status, (await jsonOf<{ errors: { field: string }[] }>(early)).errors[0]?.field]).toEqual([
    422,
    'parentAgreement',
  ]);
  await act('petra', `Agreement/${file.id}/revisions/1`, 'approve');
  expect((await grantOn({ start: '2019-01-01T00:00:00+08:00' })).status).toBe(422);
  expect((await grantOn({})).status).toBe(201);
  expect((await world.as('petra', '/v1/grants/g-docs/approve', { side: 'provider' })).status).toBe(200);
  expect((await world.as('ben', '/v1/grants/g-docs/approve', { side: 'buyer' })).status).toBe(200);
  const quote = { ...ASK, grant: 'g-docs' };
  const allowed = await jsonOf<{ refused: unknown }>(world.as('ben', '/v1/quotes', quote));
  expect(allowed.refused).toBeNull();
  expect((await world.as('ben', `/v1/documents/Agreement/${file.id}`)).status).toBe(200);
  expect((await world.as('rival', `/v1/documents/Agreement/${file.id}`)).status).toBe(404);

  const narrower = { ...file, from: file.to, to: null, datasets: file.datasets.slice(1) };
  await post('olga', 'Agreement', narrower);
  const refused = await act('petra', `Agreement/${file.id}/revisions/2`, 'approve');
  expect((await jsonOf(refused))['detail']).toContain('g-docs');

  // Within the grant, after the agreement.
  world.advance(Date.parse('2031-01-01T00:00:00+08:00') - Date.now());
  const late = await jsonOf<{ refused: { code: string } }>(world.as('ben', '/v1/quotes', quote));
  expect(late.refused.code).toBe('GRANT_EXPIRED');
  world.advance(Date.now() - Date.parse('2031-01-01T00:00:00+08:00'));

  expect((await act('susan', `Agreement/${file.id}/revisions/1`, 'withdraw')).status).toBe(200);
  const ended = await jsonOf<{ refused: { code: string } }>(world.as('ben', '/v1/quotes', quote));
  expect(ended.refused.code).toBe('GRANT_REVOKED');
  // The control: the world's own grant rests on an agreement that was never filed.
  expect(await jsonOf<{ refused: unknown }>(world.as('ben', '/v1/quotes', ASK))).toMatchObject({
    refused: null,
  });
});

test('a list is paged, by id and revision, and a wording is asked for by its number', async () => {
  const page = await jsonOf<{ items: Filed[]; nextCursor: string | null }>(
    world.as('olga', '/v1/documents/Agreement?limit=2'),
  );
  expect(page.items).toHaveLength(2);
  const rest = await jsonOf<{ items: Filed[] }>(
    world.as('olga', `/v1/documents/Agreement?limit=200&cursor=${page.nextCursor}`),
  );
  const all = [...page.items, ...rest.items].map(({ id, revision }) => `${id}/${revision}`);
  expect(new Set(all).size).toBe(all.length);
  const [first] = page.items;
  expect((await world.as('olga', `/v1/documents/Agreement/${first?.id}?revision=1`)).status).toBe(200);
  expect((await world.as('olga', `/v1/documents/Agreement/${first?.id}?revision=9`)).status).toBe(404);
  expect((await world.as('olga', '/v1/documents/Poem')).status).toBe(404);
  expect(world.bugs).toEqual([]);
});
