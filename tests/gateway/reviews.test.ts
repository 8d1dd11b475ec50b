/** The gate before release: what waits for a person, who may see and decide it, what its buyer sees, and repeats. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from 'drizzle-orm';
import { verifyReceipt } from '#crypto/receipt.ts';
import { findViolations } from '#gateway/storage/invariants.ts';
import { resume, suspend } from '#gateway/storage/suspension.ts';
import {
  ASK,
  jsonOf,
  makeGrant,
  makeWorld,
  type Person,
  SQL,
  untilReleaseTime,
  type World,
  worldGrant,
} from '#tests/support/gateway-world.ts';

let world: World;
const KINDS = ['statistic', 'index', 'model', 'report', 'interface', 'application'];

beforeAll(async () => {
  world = await makeWorld();
  await makeGrant(world.db, worldGrant({ id: 'g-kinds', outputKinds: KINDS }));
  await makeGrant(world.db, worldGrant({ id: 'g-own', holder: 'health-bureau', authoriser: 'platform' }));
});
afterAll(() => world.close());

interface Job {
  readonly id: string;
  readonly state: string;
  readonly outcome: string | null;
  readonly releaseId: string;
  readonly review: boolean;
  readonly code: string | null;
  readonly releaseAt: string;
  readonly cost: object;
}

/** A question that nobody asked before. */
let asked = 0;
const question = (dataset = 'visits'): string =>
  `SELECT region, COUNT(*) AS visits FROM ${dataset} WHERE age > ${(asked += 1)} GROUP BY region`;

const KINDS_ASK = { ...ASK, grant: 'g-kinds' };

/** Submits, runs, and lets its release time pass; the job as its buyer sees it then. */
async function ran(body: object): Promise<Job> {
  const { id } = await jsonOf<Job>(world.as('ben', '/v1/jobs', body));
  await world.runAll();
  await untilReleaseTime(world.db, id);
  return jobOf(id);
}

const jobOf = (id: string): Promise<Job> => jsonOf<Job>(world.as('ben', `/v1/jobs/${id}`));
const approve = (person: Person, id: string): Promise<Response> =>
  world.as(person, `/v1/reviews/${id}/approve`, {});
const reject = (
  person: Person,
  id: string,
  body: object = { reason: 'GROUPS_TOO_FINE' },
): Promise<Response> => world.as(person, `/v1/reviews/${id}/reject`, body);
async function listed(person: Person): Promise<readonly string[]> {
  const { items } = await jsonOf<{ items: { job: string }[] }>(world.as(person, '/v1/reviews?limit=200'));
  return items.map(({ job }) => job);
}

describe('which answers wait', () => {
  test.for([
    ['statistic', 'visits', false],
    ['index', 'visits', false],
    ['model', 'visits', true],
    ['report', 'visits', true],
    ['interface', 'visits', true],
    ['application', 'visits', true],
    ['statistic', 'visits_reviewed', true],
    ['index', 'visits_reviewed', true],
  ] as const)('a %s of %s: %s', async ([outputKind, dataset, waits]) => {
    const ask = { ...KINDS_ASK, sql: question(dataset), outputKind };
    const quote = await jsonOf(world.as('ben', '/v1/quotes', ask));
    expect(quote).toMatchObject({ review: waits, refused: null });
    const job = await ran(ask);
    expect(job).toMatchObject({ review: waits, state: waits ? 'accepted' : 'done' });
    expect((await listed('olga')).includes(job.id)).toBe(waits);
  });

  test('a model of more parameters than a person looks through is refused before anything is spent', async () => {
    const small = `SELECT HISTOGRAM(age, 0, 120, 1000) AS n FROM visits`;
    const large = `SELECT HISTOGRAM(age, 0, 120, 1001) AS n FROM visits`;
    const before = await jsonOf(world.as('ben', '/v1/quotes', { ...KINDS_ASK, sql: question() }));
    const refused = await world.as('ben', '/v1/jobs', { ...KINDS_ASK, sql: large, outputKind: 'model' });
    expect(await jsonOf(refused)).toMatchObject({ code: 'OUTPUT_KIND', status: 403 });
    expect(
      await jsonOf(world.as('ben', '/v1/quotes', { ...KINDS_ASK, sql: large, outputKind: 'model' })),
    ).toMatchObject({ refused: { code: 'OUTPUT_KIND' } });
    const after = await jsonOf(world.as('ben', '/v1/quotes', { ...KINDS_ASK, sql: question() }));
    expect(after['budget']).toEqual(before['budget']);
    // Controls: one parameter less, and the same as a statistic.
    for (const [text, outputKind] of [
      [small, 'model'],
      [large, 'statistic'],
    ])
      expect(
        await jsonOf(world.as('ben', '/v1/quotes', { ...KINDS_ASK, sql: text, outputKind })),
      ).toMatchObject({ refused: null });
  });
});

describe('while an answer waits', () => {
  let ask: typeof KINDS_ASK;
  let before: Job;
  let job: Job;
  let seen: { events: number; budget: unknown };

  beforeAll(async () => {
    ask = { ...KINDS_ASK, sql: question('visits_reviewed') };
    before = await jsonOf<Job>(world.as('ben', '/v1/jobs', ask));
    seen = { events: await doneEvents(), budget: await budgetLeft() };
    await world.runAll();
    await untilReleaseTime(world.db, before.id);
    job = await jobOf(before.id);
  });

  test('it looks to its buyer as if it still ran: job, events, answer, receipt, proof, usage, budget', async () => {
    const releaseId = world.released.at(-1) ?? '';
    expect(await listed('olga')).toContain(job.id);
    expect(job).toEqual({ ...before, state: 'accepted' });
    // Waiting for it takes as long as it is told to.
    const since = performance.now();
    expect(await jsonOf(world.as('ben', `/v1/jobs/${job.id}?wait=1`))).toEqual(job);
    expect(performance.now() - since).toBeGreaterThan(900);
    for (const person of ['ben', 'berta', 'adele', 'susan'] as const) {
      for (const path of [`/v1/releases/${releaseId}`, `/v1/releases/${releaseId}?job=${job.id}`])
        expect([person, path, (await world.as(person, path)).status]).toEqual([person, path, 404]);
      expect((await world.as(person, `/v1/receipts/${job.id}`)).status).toBe(404);
      expect((await world.as(person, `/v1/log/proofs/${job.id}`)).status).toBe(404);
      expect(await (await world.as(person, '/v1/usage?limit=200')).text()).not.toContain(job.id);
    }
    expect(await doneEvents()).toBe(seen.events);
    expect(await budgetLeft()).toEqual(seen.budget);
    const cancelled = await world.as('ben', `/v1/jobs/${job.id}/cancel`, {});
    expect(await jsonOf(cancelled)).toEqual(job);
  });

  test('its events go on without an end', async () => {
    const { id } = job;
    const response = await world.as('ben', `/v1/jobs/${id}/events`);
    const reader = response.body!.getReader();
    const first = new TextDecoder().decode((await reader.read()).value);
    const second = new TextDecoder().decode((await reader.read()).value);
    expect(first + second).toMatch(/event: queued\n[\s\S]*event: accepted\n/);
    const more = await Promise.race([
      reader.read().then(() => 'more'),
      new Promise((done) => setTimeout(() => done('silent'), 1_500)),
    ]);
    expect(more).toBe('silent');
    await reader.cancel();
  });

  test('it does not stop the log: what is released after it has its proof', async () => {
    const other = await ran({ ...KINDS_ASK, sql: question() });
    const evidence = await jsonOf<{ proof: string | null }>(world.as('ben', `/v1/receipts/${other.id}`));
    expect(evidence.proof).toContain('c2sp.org/tlog-proof@v1');
  });

  test('the same question is refused while it waits, as it was while it ran, and costs nothing', async () => {
    const again = await world.as('ben', '/v1/jobs', ask);
    const told = await jsonOf(again);
    expect(told).toMatchObject({ code: 'RELEASE_WAITING', status: 409 });
    expect(told['detail']).toContain(job.id);
    const sameAs = (kind: string) => ({ ...ask, outputKind: kind, sql: `${ask.sql} LIMIT 1` });
    expect(await jsonOf(world.as('ben', '/v1/jobs', sameAs('index')))).toMatchObject({
      code: 'RELEASE_WAITING',
    });
    expect(await jsonOf(world.as('ben', '/v1/quotes', ask))).toMatchObject({
      repeat: false,
      refused: { code: 'RELEASE_WAITING' },
    });
    expect(await budgetLeft()).toEqual(seen.budget);
    // While the first one still runs, the words are the same but for its id.
    const running = { ...KINDS_ASK, sql: question('visits_reviewed') };
    const first = await jsonOf<Job>(world.as('ben', '/v1/jobs', running));
    const early = await jsonOf(world.as('ben', '/v1/jobs', running));
    expect(String(early['detail']).replace(first.id, job.id)).toBe(told['detail']);
    await world.as('ben', `/v1/jobs/${first.id}/cancel`, {});
    // Control: one that was cancelled is no longer waited for. Another grant has nothing to do with either.
    expect((await world.as('ben', '/v1/jobs', running)).status).toBe(202);
    expect((await world.as('ben', '/v1/jobs', { ...ask, grant: 'g-1' })).status).toBe(202);
    await world.runAll();
  });

  test('a reviewer sees exactly what the buyer would get, byte for byte, and that he did is on record', async () => {
    const counted = await requestsCounted();
    const response = await world.as('petra', `/v1/reviews/${job.id}`);
    const shown = await response.text();
    const readings = await world.db.rows<{ account: string; release: string }>(
      sql`SELECT account_id AS account, release_id AS release FROM release_reading`,
    );
    expect(readings).toContainEqual({ account: 'petra', release: (JSON.parse(shown) as { id: string }).id });
    expect(shown).not.toContain('SELECT');
    expect((await approve('petra', job.id)).status).toBe(200);
    // Everybody may read the metrics: no reading and no decision is counted there.
    expect(await requestsCounted()).toBe(counted);
    const done = await jobOf(job.id);
    const released = await (await world.as('ben', `/v1/releases/${done.releaseId}?job=${job.id}`)).text();
    expect(released).toBe(shown);
  });
});

describe('an approval', () => {
  test('releases from that moment on, with a decision in the log beside the receipt', async () => {
    const job = await ran({ ...KINDS_ASK, sql: question(), outputKind: 'report' });
    const listening = world.as('ben', `/v1/jobs/${job.id}?wait=20`);
    const decidedAfter = Date.now();
    expect(await jsonOf(approve('olga', job.id))).toEqual({ job: job.id, decision: 'approved' });
    const done = await jsonOf<Job>(listening);
    expect(done).toMatchObject({ state: 'done', outcome: 'released', code: null });
    expect(Date.parse(done.releaseAt)).toBeGreaterThanOrEqual(decidedAfter - 1);
    const usage = await jsonOf<{ items: { subject: string; time: string; type: string }[] }>(
      world.as('ben', '/v1/usage?limit=200'),
    );
    const event = usage.items.find(({ subject }) => subject === job.id);
    expect(event).toMatchObject({ time: done.releaseAt, type: 'unseen.usage.release' });
    const evidence = await jsonOf<{
      receipt: string;
      proof: string;
      review: { record: string; proof: string };
    }>(world.as('ben', `/v1/receipts/${job.id}`));
    const keys = [world.receiptKey.publicJwk];
    const logKey = (await (await world.request('/v1/log/key')).text()).trim();
    expect(await verifyReceipt({ ...evidence, keys, logKey })).toMatchObject({ verdict: 'valid' });
    expect(JSON.parse(evidence.review.record)).toMatchObject({
      type: 'review',
      jobId: job.id,
      decision: 'approved',
      reviewer: 'olga',
      reason: null,
    });
    expect(evidence.review.proof).toContain('c2sp.org/tlog-proof@v1');
    expect(await listed('olga')).not.toContain(job.id);
  });

  test('makes the same question free, of any kind', async () => {
    const ask = { ...KINDS_ASK, sql: question(), outputKind: 'model' };
    const { id } = await ran(ask);
    await approve('petra', id);
    for (const outputKind of ['model', 'statistic']) {
      const repeat = await ran({ ...ask, outputKind });
      expect(repeat).toMatchObject({ state: 'done', repeat: true, cost: { nano: '0' } });
    }
  });

  test('is refused while grant, holder or dataset is stopped; a rejection is not', async () => {
    const job = await ran({ ...KINDS_ASK, sql: question(), outputKind: 'report' });
    for (const [kind, id] of [
      ['grant', 'g-kinds'],
      ['account', 'ben'],
      ['organisation', 'city-university'],
      ['dataset', 'visits'],
    ] as const) {
      await suspend(world.db, kind, id);
      expect([kind, await jsonOf(approve('olga', job.id))]).toMatchObject([kind, { code: 'GRANT_REVOKED' }]);
      await resume(world.db, kind, id);
    }
    expect(await listed('olga')).toContain(job.id);
    await suspend(world.db, 'grant', 'g-kinds');
    expect((await reject('olga', job.id)).status).toBe(200);
    await resume(world.db, 'grant', 'g-kinds');
  });

  test('does not come back as another kind: what a rule released is not reviewed afterwards', async () => {
    const ask = { ...KINDS_ASK, sql: question() };
    await ran(ask);
    expect(await jsonOf(world.as('ben', '/v1/jobs', { ...ask, outputKind: 'report' }))).toMatchObject({
      code: 'OUTPUT_KIND',
    });
    expect(await ran({ ...ask, outputKind: 'index' })).toMatchObject({ state: 'done', repeat: true });
  });
});

describe('a rejection', () => {
  let ask: typeof KINDS_ASK;
  let before: Job;
  let budget: unknown;

  beforeAll(async () => {
    ask = { ...KINDS_ASK, sql: question('visits_reviewed') };
    before = await ran(ask);
    budget = await budgetLeft();
    await reject('petra', before.id, { reason: 'PURPOSE_MISMATCH', note: 'they price insurance with it' });
  });

  test('ends the job as refused, with the reason and without the note; the budget stays spent', async () => {
    const job = await jobOf(before.id);
    expect(job).toMatchObject({
      state: 'done',
      outcome: 'refused',
      code: 'RELEASE_REJECTED',
      releaseId: null,
      cost: before.cost,
    });
    expect(JSON.stringify(job)).toContain('does not serve the purpose');
    expect(await budgetLeft()).toEqual(budget);
    const usage = await (await world.as('ben', '/v1/usage?limit=200')).text();
    const { items } = JSON.parse(usage) as { items: { subject: string; type: string; data: object }[] };
    expect(items.find(({ subject }) => subject === job.id)).toMatchObject({
      type: 'unseen.usage.refusal',
      data: {
        outcome: 'refused',
        code: 'RELEASE_REJECTED',
        charged: true,
        spent: { nano: expect.stringMatching(/[1-9]/) },
      },
    });
    const evidence = await jsonOf<{ receipt: null; record: string; proof: string }>(
      world.as('ben', `/v1/receipts/${job.id}`),
    );
    expect(evidence.receipt).toBeNull();
    expect(JSON.parse(evidence.record)).toMatchObject({ decision: 'rejected', reason: 'PURPOSE_MISMATCH' });
    expect(evidence.proof).toContain('c2sp.org/tlog-proof@v1');
    const [row] = await world.db.rows<{ note: string }>(
      sql`SELECT note FROM release_review WHERE job_id = ${job.id}`,
    );
    expect(row?.note).toContain('insurance');
    expect(JSON.stringify([job, usage, evidence])).not.toContain('insurance');
  });

  test('leaves the answer to nobody: not by its id, not by the job, not to those who read everything', async () => {
    const releaseId = await releaseIdOf(before.id);
    for (const person of ['ben', 'adele', 'susan', 'olga', 'petra'] as const) {
      for (const path of [`/v1/releases/${releaseId}`, `/v1/releases/${releaseId}?job=${before.id}`])
        expect((await world.as(person, path)).status).not.toBe(200);
    }
    expect(await jsonOf(world.as('olga', `/v1/reviews/${before.id}`))).toMatchObject({ code: 'CONFLICT' });
  });

  test('holds for the same question, of any kind, which is refused for the same reason and costs nothing', async () => {
    for (const outputKind of ['statistic', 'index', 'report']) {
      const refused = await world.as('ben', '/v1/jobs', { ...ask, outputKind });
      const told = await jsonOf(refused);
      expect(told).toMatchObject({ code: 'RELEASE_REJECTED', status: 403 });
      expect(told['detail']).toContain('does not serve the purpose');
    }
    expect(await jsonOf(world.as('ben', '/v1/quotes', ask))).toMatchObject({
      refused: { code: 'RELEASE_REJECTED' },
    });
    expect(await budgetLeft()).toEqual(budget);
  });

  test('is given for a listed reason, and for nothing else', async () => {
    const job = await ran({ ...KINDS_ASK, sql: question(), outputKind: 'report' });
    for (const body of [{}, { reason: 'NO' }, { reason: 'KIND_MISMATCH', count: 3 }])
      expect((await reject('petra', job.id, body)).status).toBe(422);
    expect(await listed('petra')).toContain(job.id);
  });
});

describe('a decision', () => {
  test('is made once, by whoever comes first', async () => {
    const job = await ran({ ...KINDS_ASK, sql: question(), outputKind: 'report' });
    const answers = await Promise.all([
      approve('olga', job.id),
      reject('petra', job.id),
      approve('oscar', job.id),
      reject('olga', job.id),
    ]);
    const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
    expect(statuses).toEqual([200, 409, 409, 409]);
    expect(await jsonOf(approve('olga', job.id))).toMatchObject({ code: 'CONFLICT' });
  });

  test('is nobody’s of the applicant’s side, also where that side provides the data or runs the platform', async () => {
    const { id } = await ran({ ...KINDS_ASK, sql: question(), outputKind: 'report' });
    for (const person of ['ben', 'berta', 'rival', 'bill', 'adele', 'susan'] as const) {
      expect([person, (await world.as(person, '/v1/reviews')).status]).toEqual([person, 403]);
      for (const response of [
        await world.as(person, `/v1/reviews/${id}`),
        await approve(person, id),
        await reject(person, id),
      ])
        expect([person, response.status]).toEqual([person, 403]);
    }
    // Whoever asks for data of others as a provider has roles enough and is of the wrong side.
    await world.db.rows(sql`UPDATE account SET roles = '["buyer", "provider"]' WHERE id IN ('ben', 'rival')`);
    await world.db.rows(sql`UPDATE dataset SET organisation_id = 'city-university' WHERE name = 'visits'`);
    for (const person of ['ben', 'berta', 'rival'] as const) {
      expect(await listed(person).catch(() => [])).not.toContain(id);
      for (const response of [
        await world.as(person, `/v1/reviews/${id}`),
        await approve(person, id),
        await reject(person, id),
      ])
        expect([person, response.status]).not.toEqual([person, 200]);
    }
    await world.db.rows(sql`UPDATE dataset SET organisation_id = 'health-bureau' WHERE name = 'visits'`);
    await world.db.rows(sql`UPDATE account SET roles = '["buyer"]' WHERE id IN ('ben', 'rival')`);
    expect(await listed('petra')).toContain(id);
  });

  test('of a planned answer is not asked for before its planned time', async () => {
    const ask = { ...KINDS_ASK, sql: question('visits_late'), outputKind: 'report' };
    const job = await jsonOf<Job>(world.as('ben', '/v1/jobs', ask));
    await world.runAll();
    expect(await listed('olga')).not.toContain(job.id);
    expect((await approve('olga', job.id)).status).toBe(404);
    await expect.poll(() => listed('olga'), { timeout: 5_000 }).toContain(job.id);
    expect((await approve('olga', job.id)).status).toBe(200);
  });
});

test('the list says of a job what its reviewer needs to know, a page at a time, and no text of the request', async () => {
  const job = await ran({ ...KINDS_ASK, sql: question(), outputKind: 'report' });
  const found: unknown[] = [];
  let cursor: string | null = '';
  do {
    const page: { items: unknown[]; nextCursor: string | null } = await jsonOf(
      world.as('petra', `/v1/reviews?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`),
    );
    found.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  expect(found.length).toBeGreaterThan(2);
  expect(found).toContainEqual({
    job: job.id,
    dataset: 'visits',
    grant: 'g-kinds',
    organisation: 'city-university',
    account: 'ben',
    purpose: 'public_health',
    scene: 'influenza',
    kind: 'report',
    since: expect.stringMatching(/^\d{4}-.*\+08:00$/),
  });
  expect(JSON.stringify(found)).not.toContain('SELECT');
});

test('none of this broke an invariant of storage, or was a bug', async () => {
  expect(await findViolations(world.db)).toEqual([]);
  expect(world.bugs).toEqual([]);
});

async function budgetLeft(): Promise<unknown> {
  const sql_ = SQL.replace('visits GROUP', 'visits_reviewed GROUP');
  const quote = await jsonOf(world.as('ben', '/v1/quotes', { ...KINDS_ASK, sql: sql_ }));
  return (quote['budget'] as { nanoLeft: string }).nanoLeft;
}

async function doneEvents(): Promise<number> {
  const text = await (await world.request('/metrics')).text();
  return Number(/^unseen_job_events\{state="done"\} (\d+)$/m.exec(text)?.[1]);
}

/** What the metrics say of requests, but for the reading of metrics itself. */
async function requestsCounted(): Promise<string> {
  const text = await (await world.request('/metrics')).text();
  return (text.match(/^unseen_http_requests_total.*$/gm) ?? [])
    .filter((line) => !line.includes('/metrics'))
    .join('\n');
}

async function releaseIdOf(jobId: string): Promise<string> {
  const [row] = await world.db.rows<{ id: string }>(
    sql`SELECT release_id AS id FROM job WHERE id = ${jobId}`,
  );
  return row?.id ?? '';
}
