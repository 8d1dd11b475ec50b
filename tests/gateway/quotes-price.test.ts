/** Prices before the run: what a quote shows and binds, how it is accepted, and what is refused for its price. */
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mostFen } from '#gateway/services/quote-price.ts';
import { findViolations } from '#gateway/storage/invariants.ts';
import { ASK, jsonOf, makeGrant, makeWorld, type World, worldGrant } from '#tests/support/gateway-world.ts';
import { agreementFile } from '#tests/support/document-files.ts';
import { putInForce, SINCE_LONG } from '#tests/support/in-force.ts';
import { capFile, cardFile } from '#tests/support/price-files.ts';

type Json = Readonly<Record<string, unknown>>;

let world: World;
/** The card of the data usage fee. */
const DATA = { ...SINCE_LONG, id: 'RC-visits-data' };
/** What costs money: use for industry. */
const INDUSTRY = { grant: 'g-2', purpose: 'market_analysis' };
const QUERY = { ...INDUSTRY, sql: 'SELECT COUNT(*) FROM visits' };

beforeAll(async () => {
  world = await makeWorld();
  const industry = { id: 'g-2', purposeClass: 'industry', purposes: ['market_analysis'] };
  await makeGrant(world.db, worldGrant(industry));
  const standing = { perCall: { spendNano: '100000000' }, perDay: { spendNano: '400000000' } };
  const quota = { total: { runs: 100, spendNano: '1000000000' }, standing };
  await makeGrant(world.db, worldGrant({ ...industry, id: 'g-3', quota }));
  await putInForce(world.db, agreementFile({ ...SINCE_LONG, id: 'operation-7' }));
  const charges = [
    { basis: 'calls', model: 'unit', unitPrice: '0.004', per: '1' },
    {
      basis: 'rows',
      model: 'graduated',
      per: '1000',
      tiers: [
        { upTo: '50000', unitPrice: '0.0001' },
        { upTo: null, unitPrice: '0.00005' },
      ],
    },
    { basis: 'epsilonNano', model: 'unit', unitPrice: '0.1', per: '1000000000' },
  ];
  await putInForce(world.db, cardFile({ ...DATA, charges }));
  const tax = { rateBasisPoints: 600, inclusive: false };
  const discounts = [
    {
      buyers: ['city-university'],
      reason: 'new_user_period',
      perMille: 100,
      until: '2099-01-01T00:00:00+08:00',
    },
  ];
  const service = {
    ...SINCE_LONG,
    id: 'RC-visits-service',
    feeType: 'technical_service',
    payee: 'platform',
    discounts,
    tax,
  };
  const flat = [{ basis: 'runs', model: 'flat', unitPrice: '0.05' }];
  await putInForce(world.db, cardFile({ ...service, priceSource: 'market', state: 'formal', charges: flat }));
});
afterAll(() => world.close());

/** A number for each test, so that no question is asked twice unless a test means it. */
let asked = 0;
function freshQuery(terms: Json = INDUSTRY): Json {
  asked += 1;
  return { ...terms, sql: `SELECT COUNT(*) FROM visits WHERE age >= ${asked}` };
}

const quoteFor = (ask: Json): Promise<Json> => jsonOf(world.as('ben', '/v1/quotes', ask));
const submit = (ask: Json): Promise<Json> => jsonOf(world.as('ben', '/v1/jobs', ask));
const accept = (id: unknown): Promise<Response> => world.as('ben', `/v1/quotes/${String(id)}/accept`, {});

async function acceptances(id: unknown): Promise<Json[]> {
  return world.db.rows<Json>(sql`
    SELECT q.record, l.body, l.class FROM quote_acceptance q LEFT JOIN audit_leaf l ON l.index = q.leaf_index
    WHERE q.quote_id = ${String(id)}`);
}

describe('a quote', () => {
  test('shows both fees item by item, with card, state, tax and discount, and the most in fen', async () => {
    const quote = await quoteFor({ ...QUERY, epsilon: 0.25 });
    expect(quote['refused']).toBeNull();
    const price = quote['price'] as Json & { fees: (Json & { charges: Json[] })[] };
    const [data, service] = price.fees;
    expect(data).toMatchObject({
      feeType: 'data_usage',
      card: { id: 'RC-visits-data', revision: 1 },
      state: 'trial',
      stateText: 'trial price',
      zeroReason: null,
      taxText: 'tax of 6.00 % included',
    });
    // 100,000 rows, each at the dearest tier: 0.01; ε 0.25 at 0.1; one call.
    expect(data?.charges).toMatchObject([
      { basis: 'calls', quantity: '1', amount: '0.004', amountFen: '1' },
      { basis: 'rows', quantity: '100000', amount: '0.01', amountFen: '1' },
      { basis: 'epsilonNano', quantity: '250000000', amount: '0.025', amountFen: '3' },
    ]);
    // 0.05 − 10 % + 6 % of tax on top.
    expect(service).toMatchObject({
      feeType: 'technical_service',
      discount: { reason: 'new_user_period', perMille: 100 },
      taxText: 'tax of 6.00 % on top, counted in',
      charges: [{ basis: 'runs', model: 'flat', quantity: '1', amount: '0.0477', amountFen: '5' }],
    });
    expect(price).toMatchObject({ amountFen: '10', amount: '0.10', exact: '0.0867' });
    expect((quote['usage'] as Json)['spendNano']).toBe('86700000');
    expect(price['otherwise']).toMatchObject({
      money: 'A request that is refused and a run that fails cost no money.',
      privacy: expect.stringContaining('stays spent'),
    });
    const chinese = await jsonOf(
      world.as('ben', '/v1/quotes', { ...QUERY, epsilon: 0.25 }, { 'accept-language': 'zh-CN' }),
    );
    expect(JSON.stringify(chinese['price'])).toContain('试行价格');
  });

  test('of public data for welfare is free and says why', async () => {
    const { price } = (await quoteFor(ASK)) as { price: Json & { fees: Json[] } };
    expect(price).toMatchObject({ amountFen: '0' });
    expect(price.fees.map(({ zeroReason }) => zeroReason)).toEqual(['public_welfare', 'public_welfare']);
  });

  test('that is accepted twice at once is accepted once, with one leaf that says the same', async () => {
    const quote = await quoteFor(freshQuery());
    const answers = await Promise.all([accept(quote['id']), accept(quote['id']), accept(quote['id'])]);
    const bodies = await Promise.all(answers.map((answer) => jsonOf(answer)));
    expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1);
    const found = await acceptances(quote['id']);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ class: 'quote', body: bodies[0]?.['record'] });
    const record = JSON.parse(String(bodies[0]?.['record'])) as Json;
    expect(record).toMatchObject({
      id: `${String(quote['id'])}/quote`,
      priceFen: (quote['price'] as Json)['amountFen'],
      planned: quote['usage'],
      accountId: 'ben',
    });
  });

  test('is nobody else’s to accept, and a refused request has nothing to accept', async () => {
    const quote = await quoteFor(freshQuery());
    const path = `/v1/quotes/${String(quote['id'])}/accept`;
    expect((await world.as('rival', path, {})).status).toBe(404);
    const refused = await quoteFor({ ...QUERY, sql: 'SELECT SUM(nothing) FROM visits' });
    expect(refused).toMatchObject({ refused: { code: 'COLUMN' }, price: null });
    expect(await jsonOf(accept(refused['id']))).toMatchObject({ code: 'PARAM' });
    expect(await acceptances(refused['id'])).toEqual([]);
  });

  test('is counted for its account and day, and shown to operators only', async () => {
    const counts = async (): Promise<Json> => {
      const { items } = await jsonOf<{ items: Json[] }>(world.as('olga', '/v1/usage/quotes'));
      return items.find(({ account }) => account === 'ben') ?? {};
    };
    const before = await counts();
    const quote = await quoteFor(freshQuery());
    await accept(quote['id']);
    await quoteFor(freshQuery());
    expect(await counts()).toMatchObject({
      made: Number(before['made']) + 2,
      accepted: Number(before['accepted']) + 1,
    });
    expect((await world.as('ben', '/v1/usage/quotes')).status).toBe(403);
  });

  test('is stated in fen so that no bill of its items, each rounded once, is above it', () => {
    expect(mostFen({ 'data_usage/calls': '4000000', 'data_usage/rows': '10000001' })).toBe(1n + 2n);
    expect(mostFen({ 'data_usage/calls': '0' })).toBe(0n);
  });
});

describe('a job', () => {
  test('under a quote accepts it, keeps its price from admission to usage record, and is counted with it', async () => {
    const ask = freshQuery();
    const quote = await quoteFor(ask);
    const job = await submit({ ...ask, quote: quote['id'] });
    expect(job).toMatchObject({ state: 'queued', quote: quote['id'], usage: quote['usage'] });
    expect(await acceptances(quote['id'])).toHaveLength(1);
    await world.runAll();
    await world.as('ben', `/v1/jobs/${String(job['id'])}?wait=20`);
    const [record] = await world.db.rows<Json>(sql`
      SELECT u.billing, u.quoted, u.planned->>'spendNano' AS spend, u.quote_id AS quote, j.billing::jsonb = u.billing::jsonb AS same
      FROM usage_record u JOIN job j ON j.id = u.job_id WHERE u.job_id = ${String(job['id'])}`);
    expect(record).toMatchObject({ same: true, quote: quote['id'], quoted: job['quoted'] });
    const sum = Object.values(record?.['quoted'] as Record<string, string>).reduce(
      (a, b) => a + BigInt(b),
      0n,
    );
    expect(String(sum)).toBe(record?.['spend']);
    expect(record?.['billing']).toMatchObject({
      buyer: 'city-university',
      purposeClass: 'industry',
      agreement: { id: 'operation-7', revision: 1 },
      contributions: [
        { dataset: 'visits', contributor: 'hospital-1', weight: '2' },
        { dataset: 'visits', contributor: 'hospital-2', weight: '1' },
      ],
    });
    const { items } = await jsonOf<{ items: (Json & { data: Json })[] }>(
      world.as('olga', '/v1/usage?limit=200'),
    );
    const events = items.filter(({ id }) =>
      [`${String(quote['id'])}/quote`, `${String(job['id'])}/release`].includes(String(id)),
    );
    expect(events.map(({ type }) => type)).toEqual(['unseen.usage.quote', 'unseen.usage.release']);
    expect(events[1]?.data).toMatchObject({
      purposeClass: 'industry',
      agreement: { id: 'operation-7', revision: 1 },
      quote: quote['id'],
      quoted: job['quoted'],
      fees: [{ card: { id: 'RC-visits-data' } }, { card: { id: 'RC-visits-service' } }],
      planned: {
        seats: '0',
        gpuMs: '0',
        memoryMbMs: expect.stringMatching(/^\d+$/),
        storageMbMs: expect.any(String),
      },
    });
  });

  test('without a quote is admitted under the standing ceiling only', async () => {
    expect(await submit(freshQuery())).toMatchObject({ code: 'QUOTA' });
    expect(await submit(freshQuery({ ...INDUSTRY, grant: 'g-3' }))).toMatchObject({
      state: 'queued',
      quote: null,
    });
    // Free use needs no ceiling.
    expect(await submit(ASK)).toMatchObject({ state: 'queued', quoted: { 'data_usage/calls': '0' } });
    await world.runAll();
  });

  test('names a quote that is its own, for the same terms, open and unused; and two at once make one job', async () => {
    const ask = freshQuery();
    const quote = (await quoteFor(ask))['id'];
    const elsewhere = { ...ask, grant: 'g-3', quote };
    expect(await submit(elsewhere)).toMatchObject({ code: 'PARAM' });
    const rival = await world.as('rival', '/v1/jobs', { ...ask, quote });
    expect(await jsonOf(rival)).toMatchObject({ code: 'NO_GRANT' });
    const twins = await Promise.all([submit({ ...ask, quote }), submit({ ...ask, quote })]);
    expect(twins.map(({ state, code }) => String(state ?? code)).toSorted()).toEqual(['PARAM', 'queued']);
    expect(await submit({ ...ask, quote })).toMatchObject({
      code: 'PARAM',
      detail: expect.stringContaining('one job'),
    });
    await world.runAll();
    const late = freshQuery();
    const { id } = await quoteFor(late);
    await world.db.rows(sql`ALTER TABLE quote DISABLE TRIGGER never_changed`);
    await world.db.rows(sql`UPDATE quote SET expires_at = now() WHERE id = ${String(id)}`);
    await world.db.rows(sql`ALTER TABLE quote ENABLE TRIGGER never_changed`);
    expect(await submit({ ...late, quote: id })).toMatchObject({ code: 'PARAM' });
    expect(await acceptances(id)).toEqual([]);
  });

  test('of a question that was answered pays for the call again, and nothing for privacy', async () => {
    const ask = { ...freshQuery({ ...INDUSTRY, grant: 'g-3' }), epsilon: 0.25 };
    const first = await submit(ask);
    await world.runAll();
    await world.as('ben', `/v1/jobs/${String(first['id'])}?wait=20`);
    const again = await submit(ask);
    expect(again).toMatchObject({ state: 'done', repeat: true });
    const [one, two] = [first, again].map(({ quoted }) => quoted as Record<string, string>);
    expect(one?.['data_usage/epsilonNano']).toBe('25000000');
    expect(two).toEqual({ ...one, 'data_usage/epsilonNano': '0' });
  });

  test('keeps the price of its quote when a newer card is in force, which prices whatever has none', async () => {
    const ask = freshQuery({ ...INDUSTRY, grant: 'g-3' });
    const quote = await quoteFor(ask);
    const from = new Date(world.shell.now()).toISOString();
    const charges = [{ basis: 'calls', model: 'unit', unitPrice: '0.009', per: '1' }];
    await putInForce(world.db, cardFile({ ...DATA, from, charges }));
    const job = await submit({ ...ask, quote: quote['id'] });
    expect((job['quoted'] as Json)['data_usage/calls']).toBe('4000000');
    const without = await submit(freshQuery({ ...INDUSTRY, grant: 'g-3' }));
    expect((without['quoted'] as Json)['data_usage/calls']).toBe('9000000');
    expect(without['fees']).toMatchObject([{ card: { revision: 2 } }, { card: { revision: 1 } }]);
    await world.runAll();
  });

  test('is refused, not clipped, while its price is above a cap in force', async () => {
    const ask = freshQuery();
    const before = await quoteFor(ask);
    const caps = [{ basis: 'calls', maxUnitPrice: '0.008999999', per: '1', projectedPerYear: '1' }];
    await putInForce(world.db, capFile({ ...SINCE_LONG, caps }));
    expect(await quoteFor(freshQuery())).toMatchObject({ refused: { code: 'PRICE' }, price: null });
    const refused = await submit(freshQuery({ ...INDUSTRY, grant: 'g-3' }));
    expect(refused).toMatchObject({ code: 'PRICE', status: 409 });
    expect(String(refused['detail'])).toContain('PriceCap/PC-visits/1');
    // What was quoted before stands; free use has no price that could be above a cap.
    expect(await submit({ ...ask, quote: before['id'] })).toMatchObject({ state: 'queued' });
    expect(await submit({ ...ASK, epsilon: 0.11 })).toMatchObject({ state: 'queued' });
    await world.runAll();
  });

  test('of which some were refused, failed, repeated and quoted leaves every invariant of storage standing', async () => {
    await submit({ ...ASK, epsilon: 0.12 });
    await world.runAll({ fail: true });
    expect(await findViolations(world.db)).toEqual([]);
    expect(world.bugs).toEqual([]);
  });
});
