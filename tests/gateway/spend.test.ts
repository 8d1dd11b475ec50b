/** Money before the run: cost centres, standing ceilings and quotes, and who sees what is counted and told of it. */
import { afterAll, beforeAll, expect, test } from 'vitest';

import { signAccessToken } from '#gateway/auth/issuer.ts';
import { parseRateCard } from '#gateway/billing/rate-card.ts';
import { approveDocument, fileDocument } from '#gateway/storage/documents.ts';
import { findViolations } from '#gateway/storage/invariants.ts';
import { saveAccount } from '#gateway/storage/parties.ts';
import { returnSpend } from '#gateway/storage/spend-returns.ts';
import {
  jsonOf,
  makeGrant,
  makeWorld,
  type Person,
  SQL,
  untilReleaseTime,
  type World,
  worldGrant,
} from '#tests/support/gateway-world.ts';
import { cardFile } from '#tests/support/price-files.ts';

const YUAN = 1_000_000_000n;
const yuan = (amount: number): string => String(BigInt(amount) * YUAN);

/** What a call costs. */
const PRICE = 4;
const STANDING = { perCall: { spendNano: yuan(5) }, perDay: { spendNano: yuan(1_000) } };
const GRANTS: Readonly<Record<string, object>> = {
  wards: {
    total: { runs: 100, spendNano: yuan(20) },
    costCentres: [{ id: 'ward-7', spendNano: yuan(8) }, { id: '病房 8' }],
    standing: STANDING,
  },
  strict: { total: { runs: 100 } },
  failing: { total: { runs: 100, spendNano: yuan(8) }, standing: STANDING },
};

/** Use for the public good is free. */
const INDUSTRY = { purposeClass: 'industry', purposes: ['finance'] };

let world: World;
beforeAll(async () => {
  world = await makeWorld();
  const body = cardFile({
    from: '2026-01-01T00:00:00+08:00',
    charges: [{ basis: 'calls', model: 'unit', unitPrice: String(PRICE), per: '1' }],
  });
  const { id, from } = parseRateCard(body);
  const filed = await fileDocument(world.db, {
    kind: 'RateCard',
    id,
    body,
    from: new Date(from),
    to: null,
    by: 'olga',
  });
  await approveDocument(world.db, { ...filed, by: 'oscar' });
  for (const [grant, quota] of Object.entries(GRANTS))
    await makeGrant(world.db, worldGrant({ id: grant, quota, ...INDUSTRY }));
});
afterAll(() => world.close());

let asked = 0;
/** A request that nobody sent before. */
function request(grant: string, more: object = {}): object {
  asked += 1;
  return { grant, sql: `${SQL} ORDER BY region LIMIT ${asked}`, purpose: 'finance', ...more };
}

/** The code with which a job and a quote of the same request are refused, `admitted` for none. */
async function outcomesOf(
  body: object,
): Promise<{ readonly quote: string; readonly job: string; readonly detail: string }> {
  const quote = await jsonOf<{ refused: { code: string } | null }>(world.as('ben', '/v1/quotes', body));
  const job = await jsonOf<{ code: string | null; detail?: string }>(world.as('ben', '/v1/jobs', body));
  return { quote: quote.refused?.code ?? 'admitted', job: job.code ?? 'admitted', detail: job.detail ?? '' };
}

interface SpendView {
  readonly counters: readonly {
    readonly scope: string;
    readonly counted: Record<string, string>;
    readonly spendPercent: number | null;
  }[];
  readonly items: readonly { readonly scope: string; readonly percent: number; readonly limitNano: string }[];
  readonly nextCursor: string | null;
}

async function spendOf(grant: string, person: Person = 'ben', query = ''): Promise<SpendView> {
  return jsonOf<SpendView>(world.as(person, `/v1/grants/${grant}/spend${query}`));
}

test('a run names one of the cost centres that its grant lists, and a quote says so like the job', async () => {
  const missing = await outcomesOf(request('wards'));
  expect(missing).toMatchObject({ quote: 'PARAM', job: 'PARAM' });
  expect(missing.detail).toContain('`costCentre`');
  expect(missing.detail).toContain('ward-7, 病房 8');
  const other = await outcomesOf(request('wards', { costCentre: 'ward-9' }));
  expect(other).toMatchObject({ quote: 'PARAM', job: 'PARAM' });
  expect(other.detail).toContain('ward-9');
  expect(await outcomesOf(request('failing', { costCentre: 'ward-7' }))).toMatchObject({
    quote: 'PARAM',
    job: 'PARAM',
  });
});

test.for([{ costCentre: '' }, { costCentre: 'x'.repeat(101) }, { costCentre: 'a\0b' }, { costCentre: 7 }])(
  'a cost centre that is none is a fault of its field: %j',
  async (bad) => {
    const told = await jsonOf(world.as('ben', '/v1/jobs', request('wards', bad)));
    expect(told).toMatchObject({ code: 'PARAM', errors: [{ field: 'costCentre' }] });
  },
);

test('a cost centre that is used up refuses quote and job alike, and no other one', async () => {
  const free = { quote: 'admitted', job: 'admitted' };
  expect(await outcomesOf(request('wards', { costCentre: 'ward-7' }))).toMatchObject(free);
  expect(await outcomesOf(request('wards', { costCentre: 'ward-7' }))).toMatchObject(free);
  expect(await outcomesOf(request('wards', { costCentre: 'ward-7' }))).toMatchObject({
    quote: 'QUOTA',
    job: 'QUOTA',
  });
  expect(await outcomesOf(request('wards', { costCentre: '病房 8' }))).toMatchObject(free);
});

test('who holds the grant or oversees all sees what is counted beside its limits, and the alerts', async () => {
  const { counters, items, nextCursor } = await spendOf('wards');
  const money = counters.map(({ scope, counted, spendPercent }) => [
    scope.replace(/\d{4}.*/, '…'),
    counted['spendNano'],
    spendPercent,
  ]);
  expect(money).toEqual([
    ['total', yuan(12), 60],
    ['cost-centre:ward-7', yuan(8), 100],
    ['cost-centre:病房 8', yuan(4), null],
    ['standing:…', yuan(12), 1],
  ]);
  expect(nextCursor).toBeNull();
  const told = items.map(({ scope, percent, limitNano }) => `${scope} ${percent} ${limitNano}`);
  expect(told.toSorted()).toEqual([
    `cost-centre:ward-7 100 ${yuan(8)}`,
    `cost-centre:ward-7 50 ${yuan(8)}`,
    `cost-centre:ward-7 80 ${yuan(8)}`,
    `total 50 ${yuan(20)}`,
  ]);
  // Newest first: the total passed its mark last.
  expect(items[0]).toMatchObject({ scope: 'total' });
  const pages: object[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: SpendView = await spendOf(
      'wards',
      'ben',
      `?limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`,
    );
    pages.push(...page.items);
    cursor = page.nextCursor;
  }
  expect(pages).toEqual(items);
  for (const person of ['olga', 'adele', 'susan', 'berta'] as const)
    expect(await spendOf('wards', person)).toEqual(await spendOf('wards'));
});

test('its holder’s billing sees it too, and nobody else: not the provider, nor other buyers and their billing', async () => {
  await saveAccount(world.db, {
    id: 'counts',
    organisationId: 'city-university',
    roles: ['billing'],
    keys: [],
  });
  const token = await signAccessToken(world.shell, {
    id: 'counts',
    organisationId: 'city-university',
    roles: ['billing'],
  });
  const headers = { authorization: `Bearer ${token}` };
  expect(await jsonOf(world.request('/v1/grants/wards/spend', { headers }))).toEqual(await spendOf('wards'));
  const statuses = (['petra', 'rival', 'bill', 'paul'] as const).map(
    async (person) => (await world.as(person, '/v1/grants/wards/spend')).status,
  );
  expect(await Promise.all(statuses)).toEqual([403, 404, 404, 404]);
});

test('without a standing ceiling a run that costs money needs an accepted quote, and says so', async () => {
  const body = request('strict');
  const alone = await jsonOf<{ code: string; detail: string }>(world.as('ben', '/v1/jobs', body));
  expect(alone).toMatchObject({ code: 'QUOTA' });
  expect(alone.detail).toContain('quote');
  const { id } = await jsonOf<{ id: string }>(world.as('ben', '/v1/quotes', body));
  await world.as('ben', `/v1/quotes/${id}/accept`, {});
  expect(await jsonOf(world.as('ben', '/v1/jobs', { ...body, quote: id }))).toMatchObject({
    state: 'queued',
  });
});

test('a failed run counts until it may be seen, and then pays nothing', async () => {
  await world.runAll();
  const { id } = await jsonOf<{ id: string }>(world.as('ben', '/v1/jobs', request('failing')));
  const before = await spendOf('failing');
  await world.runAll({ fail: true });
  expect(await spendOf('failing')).toEqual(before);
  await untilReleaseTime(world.db, id);
  expect(await returnSpend(world.db)).toBe(1);
  const { counters, items } = await spendOf('failing');
  expect(counters[0]).toMatchObject({ counted: { runs: '1', calls: '1', spendNano: '0' }, spendPercent: 0 });
  // What was told stays told.
  expect(items).toMatchObject([{ scope: 'total', percent: 50 }]);
  expect(await findViolations(world.db)).toEqual([]);
});

test('the metrics count the alerts, of all grants in one number', async () => {
  const text = await (await world.request('/metrics')).text();
  expect(text).toContain('unseen_spend_alerts{percent="50"} 3');
  expect(text).toContain('unseen_spend_alerts{percent="100"} 1');
  expect(text).not.toContain('wards');
});
