/** What is allowed and what is not: grants from filing to revocation, and refusals with their code, record and fix. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findSeenJob } from '#gateway/storage/oversight.ts';
import type { KeptRequest } from '#gateway/services/planning.ts';
import { SERVER_TIMING } from '#gateway/services/planning.ts';
import { findViolations } from '#gateway/storage/invariants.ts';
import { DEFAULT_TIMING } from '#gateway/runner/run-job.ts';
import { REFUSED_CODES } from '#policies/refusal.ts';
import { replay } from '#policies/decide.ts';
import { render, say } from '#policies/words.ts';
import {
  ASK,
  jsonOf,
  makeGrant,
  makeWorld,
  SQL,
  type World,
  worldGrant,
} from '#tests/support/gateway-world.ts';

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});
afterAll(() => world.close());

type Json = Record<string, unknown>;

describe('a grant', () => {
  test('is filed by one operator, approved on both sides by others, and only then in force', async () => {
    const filed = await world.as('olga', '/v1/grants', worldGrant({ id: 'g-2' }));
    expect(filed.status).toBe(201);
    expect(await filed.json()).toMatchObject({ id: 'g-2', state: 'filed', revision: 1 });
    const ask = { ...ASK, grant: 'g-2' };
    expect(await jsonOf(world.as('ben', '/v1/quotes', ask))).toMatchObject({ refused: { code: 'NO_GRANT' } });

    const approve = (person: 'olga' | 'oscar' | 'petra' | 'ben' | 'rival', body: object): Promise<Response> =>
      world.as(person, '/v1/grants/g-2/approve', body);
    // Who filed it does not approve it, the holder not the provider's side, a stranger nothing, nobody without evidence.
    expect(await jsonOf(approve('olga', { side: 'provider', evidence: 'doc-1' }))).toMatchObject({
      code: 'NO_GRANT',
    });
    expect((await approve('ben', { side: 'provider', evidence: 'doc-1' })).status).toBe(403);
    expect((await approve('rival', { side: 'buyer' })).status).toBe(404);
    expect((await approve('oscar', { side: 'buyer' })).status).toBe(422);
    expect((await approve('petra', { side: 'provider' })).status).toBe(200);
    expect(await jsonOf(world.as('ben', '/v1/quotes', ask))).toMatchObject({ refused: { code: 'NO_GRANT' } });
    const accepted = await approve('ben', { side: 'buyer' });
    expect(await accepted.json()).toMatchObject({ state: 'active', waitsFor: [] });
    expect(await jsonOf(world.as('ben', '/v1/quotes', ask))).toMatchObject({ refused: null });
  });

  test('is not approved on both sides by one person', async () => {
    await world.as('olga', '/v1/grants', worldGrant({ id: 'g-3' }));
    const approve = (side: string): Promise<Response> =>
      world.as('oscar', '/v1/grants/g-3/approve', { side, evidence: 'doc-2' });
    expect((await approve('provider')).status).toBe(200);
    expect(await jsonOf(approve('buyer'))).toMatchObject({ status: 403, code: 'NO_GRANT' });
  });

  test('with faults is refused with every field that is at fault', async () => {
    const { purposes: _purposes, ...without } = worldGrant() as Json;
    const response = await world.as('olga', '/v1/grants', { ...without, id: '', extra: 1 });
    const problem = await jsonOf(response);
    expect(problem['status']).toBe(422);
    const fields = (problem['errors'] as { field: string }[]).map(({ field }) => field);
    expect(fields.toSorted()).toEqual(['extra', 'id', 'purposes']);
    const stranger = await world.as('olga', '/v1/grants', worldGrant({ id: 'g-x', holder: 'nobody' }));
    expect(await jsonOf(stranger)).toMatchObject({ errors: [{ field: 'holder' }] });
    const borrowed = await world.as('olga', '/v1/grants', worldGrant({ id: 'g-x', authoriser: 'rival-lab' }));
    expect(await jsonOf(borrowed)).toMatchObject({ status: 422, code: 'PARAM' });
  });

  test('that is revoked refuses the next request and stops what waits', async () => {
    await makeGrant(world.db, worldGrant({ id: 'g-4' }));
    const ask = { ...ASK, grant: 'g-4', epsilon: 0.01 };
    const { id } = await jsonOf(world.as('ben', '/v1/jobs', ask));
    const revoked = await world.as('petra', '/v1/grants/g-4/revoke', { reason: 'agreement ended' });
    expect(await revoked.json()).toMatchObject({ state: 'revoked' });
    expect(await jsonOf(world.as('ben', '/v1/jobs', { ...ask, epsilon: 0.02 }))).toMatchObject({
      status: 403,
      code: 'GRANT_REVOKED',
    });
    expect(await jsonOf(world.as('ben', '/v1/quotes', ask))).toMatchObject({
      refused: { code: 'GRANT_REVOKED' },
    });
    await world.runAll();
    expect(await jsonOf(world.as('ben', `/v1/jobs/${String(id)}`))).toMatchObject({
      state: 'done',
      outcome: 'refused',
      code: 'GRANT_REVOKED',
      cost: { nano: '0' },
    });
  });

  test('of n runs allows n, and the next is refused as QUOTA', async () => {
    await makeGrant(world.db, worldGrant({ id: 'g-5', quota: { total: { runs: 3 } } }));
    const ask = (epsilon: number): Promise<Json> =>
      jsonOf(world.as('ben', '/v1/jobs', { ...ASK, grant: 'g-5', epsilon }));
    for (const epsilon of [0.011, 0.012, 0.013])
      expect(await ask(epsilon)).toMatchObject({ state: 'queued' });
    expect(await ask(0.014)).toMatchObject({ status: 429, code: 'QUOTA' });
    expect(await jsonOf(world.as('ben', '/v1/quotes', { ...ASK, grant: 'g-5' }))).toMatchObject({
      refused: { code: 'QUOTA' },
    });
  });
});

describe('a refused request', () => {
  const late = worldGrant({ id: 'g-late', end: '2021-01-01T00:00:00+08:00' });

  test.for([
    { name: 'rows', change: { sql: 'SELECT region FROM visits' }, code: 'NOT_AGGREGATE', status: 422 },
    { name: 'no SQL', change: { sql: 'DROP TABLE visits' }, code: 'PARSE', status: 422 },
    { name: 'another table', change: { sql: 'SELECT COUNT(*) FROM pg_user' }, code: 'TABLE', status: 422 },
    {
      name: 'the unit',
      change: { sql: 'SELECT patient, COUNT(*) FROM visits GROUP BY patient' },
      code: 'PRIVATE_KEY',
      status: 422,
    },
    { name: 'too much ε', change: { epsilon: 5 }, code: 'PARAM', status: 422 },
    { name: 'ε 0 (B7)', change: { epsilon: 0 }, code: 'PARAM', status: 422 },
    { name: 'ε −1 (B7)', change: { epsilon: -1 }, code: 'PARAM', status: 422 },
    { name: 'ε 1e308 (B7)', change: { epsilon: 1e308 }, code: 'PARAM', status: 422 },
    { name: 'δ 0 (B7)', change: { delta: 0 }, code: 'PARAM', status: 422 },
    { name: 'δ 1 (B7)', change: { delta: 1 }, code: 'PARAM', status: 422 },
    { name: 'another purpose', change: { purpose: 'insurance' }, code: 'PURPOSE_NOT_GRANTED', status: 403 },
    {
      name: 'a purpose that is none',
      change: { purpose: 'curiosity' },
      code: 'PURPOSE_NOT_GRANTED',
      status: 403,
    },
    { name: 'ε and accuracy', change: { maxError: 500 }, code: 'PARAM', status: 422 },
    { name: 'an accuracy of 0', change: { epsilon: undefined, maxError: 0 }, code: 'PARAM', status: 422 },
    {
      name: 'no accuracy, but a size',
      change: { epsilon: undefined, atSize: 9 },
      code: 'PARAM',
      status: 422,
    },
    {
      name: 'an accuracy out of reach',
      change: { epsilon: undefined, maxError: 0.5 },
      code: 'PARAM',
      status: 422,
    },
    { name: 'another scene', change: { scene: 'marketing' }, code: 'PURPOSE_NOT_GRANTED', status: 403 },
    { name: 'another output kind', change: { outputKind: 'model' }, code: 'OUTPUT_KIND', status: 403 },
    { name: 'a verification', change: { outputKind: 'verification' }, code: 'OUTPUT_KIND', status: 403 },
    { name: 'a grant that ended', change: { grant: 'g-late' }, code: 'GRANT_EXPIRED', status: 403 },
    { name: 'no grant', change: { grant: 'g-nowhere' }, code: 'NO_GRANT', status: 403 },
  ])(
    'for $name is $code in the quote with a fix, and as a job with a record',
    async ({ change, code, status }) => {
      await makeGrant(world.db, late);
      const ask = { ...ASK, epsilon: 0.05, ...change };
      const quote = await jsonOf(world.as('ben', '/v1/quotes', ask));
      const { fix } = quote['refused'] as { fix: string };
      expect(quote['refused']).toMatchObject({ code });
      expect(fix).toBe(render(say(`fix.${code as (typeof REFUSED_CODES)[number]}`), 'en'));
      const problem = await jsonOf(world.as('ben', '/v1/jobs', ask));
      expect(problem).toMatchObject({
        status,
        code,
        detail: (quote['refused'] as { detail: string }).detail,
      });
      const jobId = String(problem['jobId']);
      const job = await jsonOf(world.as('ben', `/v1/jobs/${jobId}`));
      expect(job).toMatchObject({ state: 'done', outcome: 'refused', code, releaseId: null });
      const evidence = await jsonOf(world.as('ben', `/v1/receipts/${jobId}`));
      expect(evidence['receipt']).toBeNull();
      expect(JSON.parse(String(evidence['record']))).toMatchObject({
        jobId,
        outcome: 'refused',
        code,
        charged: false,
      });
      expect(evidence['proof']).toContain('c2sp.org/tlog-proof@v1');
    },
  );

  test('keeps its decision, which can be made again from the record', async () => {
    const problem = await jsonOf(world.as('ben', '/v1/jobs', { ...ASK, purpose: 'insurance' }));
    const job = await findSeenJob(world.db, String(problem['jobId']));
    if (job === null) throw new RangeError('a refusal has a job');
    const { decision } = job.request as KeptRequest;
    if (decision === null) throw new RangeError('a decision was reached');
    expect(decision.decision.requestDigest).toBe(problem['decisionId']);
    expect(replay(decision)).toMatchObject({ same: true, differs: [] });
    // Negative control: a record whose request was changed afterwards is found out.
    const request = { ...decision.request, now: '2020-06-01T00:00:00Z' } as typeof decision.request;
    expect(replay({ ...decision, request }).same).toBe(false);
  });

  test('of an exhausted budget says so before and after', async () => {
    // 8 of ε in all and at most 1 each: asked often enough, the lineage is empty.
    await makeGrant(world.db, worldGrant({ id: 'g-6', quota: { total: { runs: 10_000 } } }));
    const ask = (n: number): object => ({
      ...ASK,
      grant: 'g-6',
      epsilon: 1,
      sql: `SELECT COUNT(*) FROM visits_late WHERE age > ${n}`,
    });
    let refused: Json | null = null;
    for (let n = 0; refused === null && n < 120; n += 1) {
      const answer = await jsonOf(world.as('ben', '/v1/jobs', ask(n)));
      if (answer['state'] !== 'queued') refused = answer;
    }
    expect(refused).toMatchObject({ status: 429, code: 'BUDGET' });
    const quote = await jsonOf(world.as('ben', '/v1/quotes', ask(999)));
    expect(quote).toMatchObject({ refused: { code: 'BUDGET' }, budget: { answersLeft: '0' } });
    // What was asked for an accuracy names the nearest that the rest allows, before and as a job, and that is allowed.
    const exact = { ...ask(997), epsilon: undefined, maxError: 40 };
    const short = await jsonOf(world.as('ben', '/v1/quotes', exact));
    const { detail } = short['refused'] as { detail: string };
    expect(await jsonOf(world.as('ben', '/v1/jobs', exact))).toMatchObject({ code: 'BUDGET', detail });
    const [, error = '', epsilon = ''] = /nearest: maxError (\S+), with epsilon (\S+)$/.exec(detail) ?? [];
    expect(Number(error)).toBeGreaterThan(40);
    const nearest = { ...exact, maxError: Number(error) };
    expect(await jsonOf(world.as('ben', '/v1/quotes', nearest))).toMatchObject({
      refused: null,
      cost: { epsilon: Number(epsilon) },
      budget: { answersLeft: '1' },
    });
    // Another grant, of the same or another organisation, finds the same ledger empty.
    expect(await jsonOf(world.as('ben', '/v1/jobs', { ...ask(998), grant: 'g-1' }))).toMatchObject({
      code: 'BUDGET',
    });
  });

  test('leaves no invariant of storage broken, and no bug', async () => {
    expect(await findViolations(world.db)).toEqual([]);
    expect(world.bugs).toEqual([]);
  });
});

describe('a quote', () => {
  test('binds the Plan it was made for, its organisation, its grant and its hour', async () => {
    const quote = await jsonOf(world.as('ben', '/v1/quotes', { ...ASK, epsilon: 0.03 }));
    const submit = (change: object): Promise<Json> =>
      jsonOf(world.as('ben', '/v1/jobs', { ...ASK, epsilon: 0.03, quote: quote['id'], ...change }));
    expect(await submit({ epsilon: 0.031 })).toMatchObject({ code: 'PARAM' });
    expect(await submit({ sql: `${SQL} `.replace('SUM', 'AVG') })).toMatchObject({ code: 'PARAM' });
    expect(await submit({ quote: '0'.repeat(32) })).toMatchObject({ code: 'PARAM' });
    expect(await submit({ grant: 'g-2' })).toMatchObject({ code: 'PARAM' });
    // HAVING, ORDER BY and LIMIT are no part of the Plan.
    expect(await submit({ sql: `${SQL} LIMIT 1` })).toMatchObject({
      state: 'queued',
      planDigest: quote['planDigest'],
    });
  });
});

describe('accuracy instead of ε', () => {
  const COUNT = 'SELECT region, COUNT(*) AS visits FROM visits GROUP BY region';
  const asked = { ...ASK, grant: 'g-7', sql: COUNT, maxError: 300 };
  let fresh: World;
  beforeAll(async () => {
    fresh = await makeWorld();
    await makeGrant(fresh.db, worldGrant({ id: 'g-7' }));
  });
  afterAll(() => fresh.close());

  test('is quoted as what it costs, how wrong it may be and how many such answers are left', async () => {
    const quote = await jsonOf(fresh.as('ben', '/v1/quotes', asked));
    const cost = quote['cost'] as { nano: string; rho: string; epsilon: number };
    const budget = quote['budget'] as Record<string, string>;
    expect(quote).toMatchObject({ refused: null, outputs: [{ name: 'visits', half95: 300 }] });
    expect(Number(cost.rho)).toBeCloseTo(Number(cost.nano) / 1e9, 12);
    expect(Number(budget['rhoLeft']) - Number(budget['rhoLeftAfter'])).toBeCloseTo(Number(cost.rho), 12);
    const [nano, left] = [BigInt(cost.nano), BigInt(budget['nanoLeft'] ?? '')];
    expect(BigInt(budget['nanoLeftAfter'] ?? '')).toBe(left - nano);
    expect(budget['answersLeft']).toBe(String(left / nano));
    const share = (100 * Number(nano)) / Number(left);
    const pattern = new RegExp(
      `^This answer costs ([\\d.]+) % of the remaining budget \\(ε ${cost.epsilon}\\); ` +
        `\`visits\` will be right to ±300 in 95 of 100 answers, and ${left / nano} such answers are left`,
    );
    const stated = Number(pattern.exec(String(quote['summary']))?.[1]);
    expect(stated / share).toBeGreaterThanOrEqual(1);
    expect(stated / share).toBeLessThan(1.1);
    const chinese = await jsonOf(fresh.as('ben', '/v1/quotes', asked, { 'accept-language': 'zh-CN' }));
    expect(chinese['summary']).toContain(`还可进行 ${left / nano} 次`);
  });

  test('costs as a job what its quote says, and so does the ε of the quote', async () => {
    const quote = await jsonOf(fresh.as('ben', '/v1/quotes', asked));
    const { epsilon } = quote['cost'] as { epsilon: number };
    const job = await jsonOf(fresh.as('ben', '/v1/jobs', { ...asked, quote: quote['id'] }));
    const same = { planDigest: quote['planDigest'], cost: quote['cost'] };
    expect(job).toMatchObject({ state: 'queued', ...same, request: { maxError: 300, atSize: null } });
    const { maxError: _, ...plain } = asked;
    // A quote is for one job.
    const second = await jsonOf(fresh.as('ben', '/v1/quotes', asked));
    const byEpsilon = { ...plain, epsilon, quote: second['id'] };
    expect(await jsonOf(fresh.as('ben', '/v1/jobs', byEpsilon))).toMatchObject({ state: 'queued', ...same });
    // Negative control: another accuracy is another Plan, for which the quote does not stand.
    const third = await jsonOf(fresh.as('ben', '/v1/quotes', asked));
    const other = await jsonOf(fresh.as('ben', '/v1/jobs', { ...asked, maxError: 299, quote: third['id'] }));
    expect(other).toMatchObject({ code: 'PARAM', detail: expect.stringContaining('another request') });
    await fresh.runAll();
    expect(await jsonOf(fresh.as('ben', `/v1/jobs/${String(job['id'])}?wait=20`))).toMatchObject({
      outcome: 'released',
      ...same,
    });
    const repeat = await jsonOf(fresh.as('ben', '/v1/quotes', { ...plain, epsilon }));
    expect(repeat).toMatchObject({ repeat: true, cost: { nano: '0', rho: '0' } });
    expect(repeat['summary']).toMatch(/stored answer costs nothing; `visits` will be right to ±300 /);
  });

  test('at a size is quoted for that size too', async () => {
    const sql =
      'SELECT AVG(cost) AS mean, COUNT(*) AS visits, MEDIAN(age) AS age, SUM(age) AS years FROM visits';
    const ask = { ...asked, sql, maxError: 30_000, atSize: 2_500 };
    const quote = await jsonOf(fresh.as('ben', '/v1/quotes', ask));
    const [mean] = quote['outputs'] as { atSize: { size: number; half95: number }[] }[];
    expect(mean?.atSize.map(({ size }) => size)).toEqual([100, 1_000, 2_500, 10_000]);
    expect(quote['summary']).toMatch(/`mean` will be right to ±\d+ in a group of 2500, /);
    expect(quote['summary']).toMatch(/, and 1 more as listed in 95 of 100 answers/);
  });

  test('leaves no invariant of storage broken, and no bug', async () => {
    expect(await findViolations(fresh.db)).toEqual([]);
    expect(fresh.bugs).toEqual([]);
  });
});

test('the gateway and the runner mean the same by an absent timing', () => {
  expect(SERVER_TIMING).toEqual(DEFAULT_TIMING);
});

test('every refusal has a fix in both languages', () => {
  for (const code of REFUSED_CODES) {
    for (const language of ['en', 'zh'] as const) expect(render(say(`fix.${code}`), language)).not.toBe('');
  }
});
