/** Calls of products: a code and typed parameters in, a fixed question under a fixed ε and price out. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyReceipt } from '#crypto/receipt.ts';
import { findViolations } from '#gateway/storage/invariants.ts';
import { jsonOf, makeGrant, makeWorld, type World, worldGrant } from '#tests/support/gateway-world.ts';
import { productFile } from '#tests/support/document-files.ts';
import { putInForce, SINCE_LONG } from '#tests/support/in-force.ts';
import { cardFile } from '#tests/support/price-files.ts';

type Json = Readonly<Record<string, unknown>>;

let world: World;
const CALL = { grant: 'g-2', purpose: 'market_analysis', product: 'P-0012' };

beforeAll(async () => {
  world = await makeWorld();
  const industry = { id: 'g-2', purposeClass: 'industry', purposes: ['market_analysis'] };
  await makeGrant(world.db, worldGrant(industry));
  await putInForce(world.db, productFile({ ...SINCE_LONG, epsilon: 0.2, purposes: ['industry'] }));
  const own = { id: 'P-0020', sql: undefined, dataset: 'visits', epsilon: 0.3, purposes: ['industry'] };
  await putInForce(world.db, JSON.parse(JSON.stringify(productFile({ ...SINCE_LONG, ...own }))) as Json);
  const flat = [{ basis: 'runs', model: 'flat', unitPrice: '5.00' }];
  const priced = { ...SINCE_LONG, id: 'RC-P-0012', applies: { product: 'P-0012' }, charges: flat };
  await putInForce(world.db, cardFile(priced));
  // What a query of one's own costs is another card.
  await putInForce(world.db, cardFile({ ...SINCE_LONG, id: 'RC-visits' }));
});
afterAll(() => world.close());

const quoteFor = (ask: Json): Promise<Json> => jsonOf(world.as('ben', '/v1/quotes', ask));
const submit = (ask: Json): Promise<Json> => jsonOf(world.as('ben', '/v1/jobs', ask));

async function called(ask: Json): Promise<Json> {
  const quote = await quoteFor(ask);
  const job = await submit({ ...ask, quote: quote['id'] });
  await world.runAll();
  return jsonOf(world.as('ben', `/v1/jobs/${String(job['id'])}?wait=20`));
}

describe('a call', () => {
  test('asks what its product asks, under the ε and price of the product, whatever its parameters', async () => {
    const quotes = await Promise.all([
      quoteFor({ ...CALL, parameters: { age: 40 } }),
      quoteFor({ ...CALL, parameters: { age: '65' } }),
    ]);
    for (const quote of quotes) {
      expect(quote).toMatchObject({
        refused: null,
        product: { id: 'P-0012', revision: 1 },
        dataset: 'visits',
        price: { amountFen: '500', amount: '5.00' },
        cost: { epsilon: 0.2 },
        outputs: [{ name: 'visits' }],
      });
    }
    expect(quotes[0]?.['planDigest']).not.toBe(quotes[1]?.['planDigest']);
  });

  test('leaves its product and wording in job, usage record and receipt, and a repetition is answered from store', async () => {
    const ask = { ...CALL, parameters: { age: 30 } };
    const job = await called(ask);
    const product = { id: 'P-0012', revision: 1 };
    expect(job).toMatchObject({
      outcome: 'released',
      product,
      sql: 'SELECT region, COUNT(*) AS visits FROM visits WHERE age <= 30 GROUP BY region',
      request: { product: { ...product, parameters: { age: 30 } } },
      quoted: { 'data_usage/runs': '5000000000' },
    });
    const { receipt } = await jsonOf<{ receipt: string }>(
      world.as('ben', `/v1/receipts/${String(job['id'])}`),
    );
    const { payload } = await verifyReceipt({ receipt, keys: [world.receiptKey.publicJwk] });
    expect(payload?.request).toMatchObject({
      frontEnd: 'sql',
      product: { id: 'P-0012', revision: '1' },
    });
    const again = await called(ask);
    expect(again).toMatchObject({ repeat: true, releaseId: job['releaseId'], cost: { nano: '0' } });
    const { items } = await jsonOf<{ items: { subject: string; data: Json }[] }>(
      world.as('ben', '/v1/usage?limit=200'),
    );
    const data = items.find(({ subject }) => subject === job['id'])?.data;
    expect(data).toMatchObject({ product, fees: [{ card: { id: 'RC-P-0012' } }, { card: null }] });
    expect(JSON.stringify(items)).not.toContain('SELECT');
  });

  test('by a newer wording is another product revision, and a quote of the older one is for that only', async () => {
    const ask = { ...CALL, parameters: { age: 31 } };
    const quote = await quoteFor(ask);
    const from = new Date(world.shell.now()).toISOString();
    await putInForce(world.db, productFile({ from, to: null, epsilon: 0.2, purposes: ['industry'] }));
    expect(await submit({ ...ask, quote: quote['id'] })).toMatchObject({ code: 'PARAM' });
    expect(await quoteFor(ask)).toMatchObject({ product: { id: 'P-0012', revision: 2 } });
  });

  test.for([
    { name: 'a product that is none', ask: { product: 'P-9999' }, code: 'PARAM', says: 'P-9999' },
    { name: 'no parameter', ask: { parameters: {} }, code: 'PARAM', says: 'age' },
    { name: 'one that is not its own', ask: { parameters: { age: 3, x: 1 } }, code: 'PARAM', says: '`x`' },
    { name: 'one of another type', ask: { parameters: { age: '1 OR 1=1' } }, code: 'PARAM', says: 'age' },
    { name: 'one out of range', ask: { parameters: { age: 121 } }, code: 'PARAM', says: '1 … 120' },
    { name: 'an ε of its own', ask: { epsilon: 0.1 }, code: 'PARAM', says: 'fixed' },
    { name: 'another scene', ask: { scene: 'measles' }, code: 'PARAM', says: 'influenza' },
    {
      name: 'a purpose that it is not for',
      ask: { purpose: 'public_health' },
      code: 'PURPOSE_NOT_GRANTED',
      says: 'industry',
    },
    {
      name: 'a query beside it',
      ask: { sql: 'SELECT COUNT(*) FROM visits', parameters: undefined },
      code: 'PARAM',
      says: 'its own question',
    },
  ])('with $name is refused and recorded', async ({ ask, code, says }) => {
    const refused = await submit({ ...CALL, parameters: { age: 33 }, ...ask });
    expect(refused).toMatchObject({ code, jobId: expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect(String(refused['detail'])).toContain(says);
    const kept = await jsonOf(world.as('ben', `/v1/jobs/${String(refused['jobId'])}`));
    expect(kept).toMatchObject({ outcome: 'refused', code, quoted: {} });
    expect(await quoteFor({ ...CALL, parameters: { age: 33 }, ...ask })).toMatchObject({ refused: { code } });
  });

  test('with parameters but no product is told so', async () => {
    const { product: _, ...plain } = CALL;
    const answer = await submit({ ...plain, sql: 'SELECT COUNT(*) FROM visits', parameters: { age: 3 } });
    expect(answer).toMatchObject({ code: 'PARAM', errors: [{ field: 'parameters' }] });
  });
});

describe('a product that is a dataset', () => {
  const OWN = { ...CALL, product: 'P-0020' };

  test('takes questions of the buyer’s own, about that dataset, under its ε', async () => {
    const quote = await quoteFor({ ...OWN, sql: 'SELECT COUNT(*) FROM visits' });
    expect(quote).toMatchObject({
      refused: null,
      product: { id: 'P-0020', revision: 1 },
      cost: { epsilon: 0.3 },
    });
    // Priced by the product's cards only: there is none.
    expect(quote['price']).toMatchObject({ amountFen: '0', fees: [{ zeroReason: 'no_rate_card' }, {}] });
    const other = await quoteFor({ ...OWN, sql: 'SELECT COUNT(*) FROM visits_late' });
    expect(other).toMatchObject({ refused: { code: 'PARAM' } });
    const none = await quoteFor({ ...OWN, parameters: {} });
    expect(none).toMatchObject({ refused: { code: 'PARAM', detail: expect.stringContaining('your own') } });
  });
});

test('all of it leaves every invariant of storage standing', async () => {
  expect(await findViolations(world.db)).toEqual([]);
  expect(world.bugs).toEqual([]);
});
