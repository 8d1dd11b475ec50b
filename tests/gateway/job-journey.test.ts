/** The life of a request through the API: quoted, submitted, run, delivered, evidenced and accounted for. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyReceipt } from '#crypto/receipt.ts';
import { dueInMs } from '#gateway/storage/job-view.ts';
import { findViolations } from '#gateway/storage/invariants.ts';
import { ASK, jsonOf, makeWorld, type Person, SQL, type World } from '#tests/support/gateway-world.ts';

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});
afterAll(() => world.close());

interface Job {
  readonly id: string;
  readonly state: string;
  readonly cost: Record<string, unknown>;
  readonly usage: Record<string, string>;
  readonly outcome: string | null;
  readonly releaseId: string;
  readonly links: { readonly release: string };
}

describe('a request', () => {
  let quote: Record<string, unknown>;
  let job: Job;

  test('is quoted without spending anything', async () => {
    const response = await world.as('ben', '/v1/quotes', ASK);
    expect(response.status).toBe(201);
    quote = await jsonOf(response);
    expect(quote).toMatchObject({ refused: null, repeat: false, price: { currency: 'CNY', amountFen: '0' } });
    const outputs = quote['outputs'] as Record<string, unknown>[];
    expect(outputs.map(({ name }) => name)).toEqual(['visits', 'cost']);
    expect(outputs.every(({ half95 }) => typeof half95 === 'number' && half95 > 0)).toBe(true);
    const again = await jsonOf(world.as('ben', '/v1/quotes', ASK));
    expect(again['budget']).toEqual(quote['budget']);
  });

  test('costs as a job exactly what its quote says', async () => {
    const response = await world.as('ben', '/v1/jobs', { ...ASK, quote: quote['id'] });
    expect(response.status).toBe(202);
    job = await jsonOf<Job>(response);
    expect(response.headers.get('location')).toBe(`/v1/jobs/${job.id}`);
    expect(job).toMatchObject({ state: 'queued', outcome: null, cost: quote['cost'], usage: quote['usage'] });
    const after = await jsonOf(world.as('ben', '/v1/quotes', { ...ASK, sql: `${SQL} HAVING COUNT(*) > 0` }));
    const { nanoLeft } = after['budget'] as { nanoLeft: string };
    expect(nanoLeft).toBe((quote['budget'] as { nanoLeftAfter: string }).nanoLeftAfter);
  });

  test('is answered after the runner has released it', async () => {
    expect(await world.runAll()).toBe(1);
    job = await jsonOf<Job>(world.as('ben', `/v1/jobs/${job.id}?wait=20`));
    expect(job).toMatchObject({ state: 'done', outcome: 'released', code: null, cost: quote['cost'] });
    const release = await jsonOf(world.as('ben', job.links.release));
    const outputs = release['outputs'] as { name: string; key: object; exact: string }[];
    expect(outputs.map(({ name, key }) => [name, key])).toEqual([
      ['visits', { region: 'north' }],
      ['cost', { region: 'north' }],
      ['visits', { region: 'south' }],
      ['cost', { region: 'south' }],
    ]);
    expect((release['notes'] as string[]).length).toBeGreaterThan(3);
    expect(release['budget']).toMatchObject({ nanoSpent: job.cost['nano'] });
  });

  test('comes as CSV with one row per key and its notes as comments', async () => {
    const response = await world.as('ben', job.links.release, undefined, { accept: 'text/csv' });
    const lines = (await response.text()).trimEnd().split('\r\n');
    const rows = lines.filter((line) => !line.startsWith('#'));
    expect(rows[0]).toBe(
      'region,visits,visits_stddev,visits_low,visits_high,cost,cost_stddev,cost_low,cost_high',
    );
    expect(rows.slice(1).map((row) => row.split(',')[0])).toEqual(['north', 'south']);
    expect(lines[0]).toMatch(/^# release [0-9a-f]{32}/);
  });

  test('has a receipt that verifies offline against the published keys and a proof in the log', async () => {
    const envelope = await jsonOf<{ receipt: string; proof: string }>(
      world.as('ben', `/v1/receipts/${job.id}`),
    );
    const release = await jsonOf(world.as('ben', job.links.release));
    const logKey = (await (await world.request('/v1/log/key')).text()).trim();
    const disclosed = { salt: release['salt'] as string, cells: release['cells'] };
    const keys = [world.receiptKey.publicJwk];
    const found = await verifyReceipt({ ...envelope, keys, logKey, disclosed });
    expect(found).toMatchObject({ verdict: 'valid', valid: true });
    // Negative control: the same answer with one figure changed is not what the receipt covers.
    const forged = { ...disclosed, cells: JSON.parse(JSON.stringify(disclosed.cells).replace('100', '101')) };
    expect((await verifyReceipt({ ...envelope, keys, logKey, disclosed: forged })).valid).toBe(false);
  });

  test('asked again is answered from store for nothing, shown as the new text wants it', async () => {
    const sql = `${SQL} ORDER BY visits DESC LIMIT 1`;
    expect(await jsonOf(world.as('ben', '/v1/quotes', { ...ASK, sql }))).toMatchObject({
      repeat: true,
      cost: { nano: '0', epsilon: 0 },
    });
    const { id } = await jsonOf<Job>(world.as('ben', '/v1/jobs', { ...ASK, sql }));
    const repeat = await jsonOf<Job>(world.as('ben', `/v1/jobs/${id}?wait=20`));
    expect(repeat).toMatchObject({ repeat: true, releaseId: job.releaseId, cost: { nano: '0' } });
    const release = await jsonOf(world.as('ben', repeat.links.release));
    expect((release['outputs'] as { key: object }[]).map(({ key }) => key)).toEqual([
      { region: 'south' },
      { region: 'south' },
    ]);
    const envelope = await jsonOf<{ receipt: string; proof: string }>(world.as('ben', `/v1/receipts/${id}`));
    const first = await jsonOf<{ receipt: string; proof: string }>(world.as('ben', `/v1/receipts/${job.id}`));
    expect(envelope.receipt).toBe(first.receipt);
  });

  test('leaves one usage event each, with planned quantities, and measured ones for operators only', async () => {
    const mine = await jsonOf<{ items: { data: Record<string, unknown> }[] }>(world.as('ben', '/v1/usage'));
    expect(mine.items).toHaveLength(3);
    // The job named a quote, and so accepted it.
    const id = String(quote['id']);
    expect(mine.items[0]).toMatchObject({ type: 'unseen.usage.quote', id: `${id}/quote`, subject: id });
    expect(mine.items[1]).toMatchObject({ specversion: '1.0', id: `${job.id}/release`, subject: job.id });
    expect(mine.items[1]?.data).toMatchObject({
      planned: job.usage,
      charged: true,
      repeat: false,
      quote: id,
    });
    expect(JSON.stringify(mine)).not.toContain('measured');
    const all = await jsonOf<{ items: { data: Record<string, unknown> }[] }>(world.as('olga', '/v1/usage'));
    expect(all.items[1]?.data['measured']).toEqual({ cpuMs: 12_345 });
    const csv = await (
      await world.as('ben', '/v1/exports/usage?format=csv', undefined, { accept: 'text/csv' })
    ).text();
    expect(csv.split('\r\n')).toHaveLength(2 + 2);
  });

  test('keeps every invariant of storage, and reports no bug', async () => {
    expect(await findViolations(world.db)).toEqual([]);
    expect(world.bugs).toEqual([]);
  });
});

describe('events', () => {
  test('tell the public states in order and go on after Last-Event-ID', async () => {
    const { id } = await jsonOf<Job>(world.as('ben', '/v1/jobs', { ...ASK, epsilon: 0.1 }));
    const listening = world.as('ben', `/v1/jobs/${id}/events`).then((response) => response.text());
    await world.runAll();
    const text = await listening;
    expect([...text.matchAll(/^event: (\w+)$/gm)].map(([, state]) => state)).toEqual([
      'queued',
      'accepted',
      'done',
    ]);
    const last = /^id: (\d+)\nevent: accepted/m.exec(text)?.[1] ?? '';
    const rest = await world.as('ben', `/v1/jobs/${id}/events`, undefined, { 'last-event-id': last });
    expect(await rest.text()).toMatch(/^id: \d+\nevent: done\ndata: \{"state":"done"\}\n\n$/);
  });
});

describe('a job that ends without an answer', () => {
  test('is shown as failed, with its usage record as evidence, and what it cost', async () => {
    const submitted = await jsonOf<Job>(world.as('ben', '/v1/jobs', { ...ASK, epsilon: 0.2 }));
    await world.runAll({ fail: true });
    const job = await jsonOf<Job>(world.as('ben', `/v1/jobs/${submitted.id}?wait=20`));
    expect(job).toMatchObject({
      outcome: 'failed',
      code: 'MACHINE_FAULT',
      releaseId: null,
      cost: submitted.cost,
    });
    const evidence = await jsonOf<{ receipt: null; record: string; proof: string }>(
      world.as('ben', `/v1/receipts/${job.id}`),
    );
    expect(evidence.receipt).toBeNull();
    expect(JSON.parse(evidence.record)).toMatchObject({ jobId: job.id, outcome: 'failed' });
    expect(evidence.proof).toContain('c2sp.org/tlog-proof@v1');
  });

  test('can be cancelled while it waits, and costs nothing then', async () => {
    const { id } = await jsonOf<Job>(world.as('ben', '/v1/jobs', { ...ASK, epsilon: 0.15 }));
    const response = await world.as('ben', `/v1/jobs/${id}/cancel`, {});
    expect(response.status).toBe(202);
    expect(await jsonOf(response)).toMatchObject({
      state: 'done',
      outcome: 'failed',
      code: 'KILLED',
      cost: { nano: '0' },
    });
    expect(await world.runAll()).toBe(0);
  });
});

describe('before its release time', () => {
  test('an ended job looks as if it ran: resource, events, answer, receipt, usage and checkpoint', async () => {
    const ask = { ...ASK, sql: SQL.replace('visits GROUP', 'visits_late GROUP') };
    const [events, size] = [await doneEvents(), await checkpointSize()];
    const { id } = await jsonOf<Job>(world.as('ben', '/v1/jobs', ask));
    const before = await jsonOf(world.as('ben', `/v1/jobs/${id}`));
    const budget = await budgetOf('ben', id);
    expect(budget.charge).toMatchObject({ state: 'held', reason: 'waiting', ...costOf(before) });
    await world.runAll();
    const releaseId = world.released.at(-1);
    expect(await dueInMs(world.db, id)).toBeGreaterThan(0);
    expect(await jsonOf(world.as('ben', `/v1/jobs/${id}`))).toEqual({ ...before, state: 'accepted' });
    expect((await world.as('ben', `/v1/releases/${releaseId}`)).status).toBe(404);
    expect((await world.as('ben', `/v1/receipts/${id}`)).status).toBe(404);
    expect(await (await world.as('olga', '/v1/usage?limit=200')).text()).not.toContain(id);
    expect([await doneEvents(), await checkpointSize()]).toEqual([events, size]);
    // Its budget is spent by now, and is shown as that of a run whose data are open, to operators as well.
    for (const person of ['ben', 'olga', 'petra', 'adele'] as const) {
      const { ledgers, charge } = await budgetOf(person, id);
      expect(charge).toMatchObject({ state: 'opened', reason: 'running', ...costOf(before) });
      expect(ledgers).toMatchObject(budget.ledgers);
    }
    // The same request again is not answered from what nobody may see: it waits, and costs, as if it were the first.
    const twin = await jsonOf<Job>(world.as('ben', '/v1/jobs', ask));
    expect(twin).toMatchObject({ state: 'queued', cost: before['cost'], repeat: null });
    expect(await jsonOf(world.as('ben', '/v1/quotes', ask))).toMatchObject({ repeat: false });
    await world.as('ben', `/v1/jobs/${twin.id}/cancel`, {});
    // A cancellation is answered as if the job still ran.
    const cancelled = await world.as('ben', `/v1/jobs/${id}/cancel`, {});
    expect(await jsonOf(cancelled)).toEqual({ ...before, state: 'accepted' });
    // Control: at its time all of it is there.
    expect(await dueInMs(world.db, id)).toBeGreaterThan(0);
    await jsonOf(world.as('ben', `/v1/jobs/${id}?wait=20`));
    expect((await world.as('ben', `/v1/releases/${releaseId}`)).status).toBe(200);
    expect([await doneEvents(), await checkpointSize()]).toEqual([events + 2, size + 2]);
    const after = await budgetOf('ben', id);
    expect(after.charge).toMatchObject({ state: 'spent', reason: 'released', ...costOf(before) });
    expect(after.ledgers).toEqual(budget.ledgers);
  });
});

/** The ledgers of the late dataset, and one job's charge on them, as a person sees them. */
async function budgetOf(
  person: Person,
  job: string,
): Promise<{ readonly ledgers: object[]; readonly charge: object | undefined }> {
  const { ledgers, items } = await jsonOf<{ ledgers: object[]; items: { job: string }[] }>(
    world.as(person, '/v1/budgets/visits_late'),
  );
  return { ledgers, charge: items.find((item) => item.job === job) };
}

/** What a job is to cost, as its charge says it. */
function costOf({ cost }: Record<string, unknown>): object {
  const { nano, thresholdDeltaYocto } = cost as Record<string, unknown>;
  return { nano, thresholdDeltaYocto };
}

/** What the metrics count as done. */
async function doneEvents(): Promise<number> {
  const text = await (await world.request('/metrics')).text();
  return Number(/^unseen_job_events\{state="done"\} (\d+)$/m.exec(text)?.[1]);
}

/** The size of the log as it is published. */
async function checkpointSize(): Promise<number> {
  return Number((await (await world.as('ben', '/v1/log/checkpoint')).text()).split('\n')[1]);
}
