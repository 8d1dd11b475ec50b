/** A share of a budget through the API: filed and approved within what is left, shown in quotes, given back at the end. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findViolations } from '#gateway/storage/invariants.ts';
import { costNanoRho } from '#sandbox/release/privacy-loss.ts';
import { jsonOf, makeWorld, type Person, SQL, type World, worldGrant } from '#tests/support/gateway-world.ts';

/** Of the world's ε 8, which hold about 1.05 of ρ: this is 0.46, and ε 4 is 0.32. */
const SHARE = { epsilon: 5, delta: 1e-6 };
const SHARE_NANO = costNanoRho(SHARE.epsilon, SHARE.delta);

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});
afterAll(() => world.close());

/** A grant on the world's first dataset with a share of its budget. */
function sharing(id: string, budgetShare: object, changes: object = {}): object {
  const dataset = {
    dataset: 'visits',
    version: 'latest',
    columns: ['region', 'cost', 'age'],
    rowScope: 'all',
  };
  return worldGrant({ id, datasets: [{ ...dataset, budgetShare }], ...changes });
}

const file = (grant: object): Promise<Response> => world.as('olga', '/v1/grants', grant);

/** Both approvals; the status of the second, which brings the grant into force. */
async function approve(id: string, buyer: Person): Promise<number> {
  expect((await world.as('petra', `/v1/grants/${id}/approve`, { side: 'provider' })).status).toBe(200);
  return (await world.as(buyer, `/v1/grants/${id}/approve`, { side: 'buyer' })).status;
}

async function leftFor(person: Person, grant: string): Promise<bigint> {
  const ask = { grant, sql: SQL, purpose: 'public_health' };
  const quote = await jsonOf<{ budget: { nanoLeft: string } }>(world.as(person, '/v1/quotes', ask));
  return BigInt(quote.budget.nanoLeft);
}

test('comes into force with the grant, is its holder’s in a quote, and nobody else’s', async () => {
  const before = await leftFor('ben', 'g-1');
  expect((await file(sharing('g-rival', SHARE, { holder: 'rival-lab' }))).status).toBe(201);
  expect(await leftFor('ben', 'g-1')).toBe(before);
  expect(await approve('g-rival', 'rival')).toBe(200);
  expect(await leftFor('ben', 'g-1')).toBe(before - SHARE_NANO);
  expect(await leftFor('rival', 'g-rival')).toBe(before);
  const { ledgers } = await jsonOf<{ ledgers: object[] }>(world.as('ben', '/v1/budgets/visits'));
  expect(ledgers).toMatchObject([
    { left: { nano: String(before - SHARE_NANO) }, setAside: { nano: String(SHARE_NANO) } },
  ]);
});

test('that exceeds what is left is refused with BUDGET when it is filed', async () => {
  const asked = await file(sharing('g-large', { epsilon: 8, delta: 1e-6 }));
  expect([asked.status, await jsonOf(asked)]).toMatchObject([
    429,
    { code: 'BUDGET', detail: expect.stringContaining('`budgetShare`') },
  ]);
  expect((await world.as('olga', '/v1/grants/g-large')).status).toBe(404);
});

test('is refused with its last approval when it was used up since it was filed', async () => {
  for (const id of ['g-second', 'g-third'])
    expect((await file(sharing(id, { epsilon: 4, delta: 1e-6 }))).status).toBe(201);
  expect(await approve('g-second', 'ben')).toBe(200);
  expect(await approve('g-third', 'ben')).toBe(429);
  expect(await jsonOf(world.as('olga', '/v1/grants/g-third'))).toMatchObject({
    state: 'filed',
    approvals: { buyer: null },
  });
});

test('goes back when the grant is revoked', async () => {
  const before = await leftFor('ben', 'g-1');
  const { status } = await world.as('petra', '/v1/grants/g-rival/revoke', { reason: 'the study has ended' });
  expect(status).toBe(200);
  expect(await leftFor('ben', 'g-1')).toBe(before + SHARE_NANO);
});

test.for([
  ['a δ of 0 for a budget that has one', { epsilon: 1, delta: 0 }, 'datasets[0].budgetShare'],
  ['no δ', { epsilon: 1 }, 'datasets[0].budgetShare.delta'],
  ['an ε of 0', { epsilon: 0, delta: 1e-6 }, 'datasets[0].budgetShare.epsilon'],
  ['another field', { epsilon: 1, delta: 1e-6, nano: 5 }, 'datasets[0].budgetShare.nano'],
] as const)('with %s is refused by the name of the field', async ([, share, field]) => {
  const problem = await jsonOf<{ code: string; errors: object[] }>(file(sharing('g-faulty', share)));
  expect(problem).toMatchObject({ code: 'PARAM', errors: [{ field }] });
});

test('every invariant holds, and no bug was reported', async () => {
  expect(await findViolations(world.db)).toEqual([]);
  expect(world.bugs).toEqual([]);
});
