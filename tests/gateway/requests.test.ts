/** Reading requests: strict fields, limits, idempotency, pages, languages and problem documents. */
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HTTP_CODES, problemResponse, PROBLEM_CODES, statusOf } from '#gateway/problem.ts';
import { createApp } from '#gateway/app.ts';
import { signAccessToken } from '#gateway/auth/issuer.ts';
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { ASK, makeWorld, SQL, type World } from '#tests/support/gateway-world.ts';

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});
afterAll(() => world.close());

interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors?: { field: string; rule: string }[];
}

async function problemOf(response: Response | Promise<Response>): Promise<Problem> {
  const answered = await response;
  expect(answered.headers.get('content-type')).toBe('application/problem+json');
  const problem = (await answered.json()) as Problem;
  expect(problem.status).toBe(answered.status);
  return problem;
}

async function raw(body: string | Buffer, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  const token = await signAccessToken(world.shell, {
    id: 'ben',
    organisationId: 'city-university',
    roles: [],
  });
  return world.request('/v1/quotes', {
    method: 'POST',
    body,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
  });
}

describe('a body', () => {
  test.for([
    {
      name: 'an unknown field',
      body: { ...ASK, rows: true },
      field: 'rows',
      rule: 'is no field of this request',
    },
    { name: 'a missing field', body: { grant: 'g-1', sql: SQL }, field: 'purpose', rule: 'is required' },
    {
      name: 'a wrong type',
      body: { ...ASK, epsilon: '1' },
      field: 'epsilon',
      rule: 'must be of type number',
    },
    { name: 'a number for text', body: { ...ASK, sql: 7 }, field: 'sql', rule: 'must be of type string' },
    { name: 'a list', body: [ASK], field: 'body', rule: 'must be of type object' },
    { name: 'a prototype', body: '{"__proto__":{"grant":"g-1"}}', field: 'grant', rule: 'is required' },
    { name: 'nothing', body: '', field: 'body', rule: 'is required' },
  ])('with $name is refused, with the field and the rule', async ({ body, field, rule }) => {
    const problem = await problemOf(raw(typeof body === 'string' ? body : JSON.stringify(body)));
    expect(problem).toMatchObject({ status: 422, code: 'PARAM', type: '/problems/PARAM' });
    expect(problem.errors).toContainEqual({ field, rule });
  });

  test.for([
    { name: 'is no JSON', body: '{"grant":', status: 400 },
    { name: 'nests 10,000 deep', body: `${'['.repeat(10_000)}${']'.repeat(10_000)}`, status: 400 },
    { name: 'is not UTF-8', body: Buffer.from([0x22, 0xff, 0x22]), status: 400 },
    {
      name: 'has SQL of 1 MB',
      body: JSON.stringify({ ...ASK, sql: `SELECT ${'1'.repeat(2 ** 20)}` }),
      status: 413,
    },
    { name: 'has 10 MB and is no JSON', body: 'x'.repeat(10_000_000), status: 400 },
    { name: 'has 40 MB', body: 'x'.repeat(40_000_000), status: 413 },
  ])('that $name is refused', async ({ body, status }) => {
    expect((await problemOf(raw(body))).status).toBe(status);
  });

  test('that streams without stating its length is counted all the same', async () => {
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(16_384).fill(32)),
    });
    const init: RequestInit & { duplex: string } = { method: 'POST', body: endless, duplex: 'half' };
    const response = await world.request('/oauth/token', init);
    expect(response.status).toBe(413);
  });

  test('of another media type is refused', async () => {
    expect((await problemOf(raw(JSON.stringify(ASK), { 'content-type': 'text/plain' }))).status).toBe(415);
    expect((await problemOf(raw(JSON.stringify(ASK), { 'content-type': '' }))).status).toBe(415);
  });

  test('with 10,000 parentheses in its SQL is a refusal, quickly, and no fault', async () => {
    const sql = `SELECT COUNT(*) FROM visits WHERE ${'('.repeat(10_000)}age > 3${')'.repeat(10_000)}`;
    const started = performance.now();
    const response = await raw(JSON.stringify({ ...ASK, sql }));
    expect(response.status).toBe(201);
    const { refused } = (await response.json()) as { refused: { code: string } | null };
    expect(['PARSE', 'SHAPE']).toContain(refused?.code);
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(world.bugs).toEqual([]);
  });
});

describe('a path', () => {
  test('that is not there, or has no such method, is told as a problem', async () => {
    expect(await problemOf(world.request('/v2/jobs'))).toMatchObject({
      status: 404,
      code: 'NOT_FOUND',
      type: 'about:blank',
    });
    const response = await world.request('/v1/quotes', { method: 'DELETE' });
    expect(response.headers.get('allow')).toBe('POST');
    expect(await problemOf(response)).toMatchObject({ status: 405, code: 'METHOD' });
    expect((await problemOf(world.as('ben', "/v1/jobs/'%20OR%201=1"))).status).toBe(404);
  });

  test('carries the headers that every answer has', async () => {
    for (const response of [await world.request('/healthz'), await world.request('/nowhere')]) {
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    }
  });
});

describe('a problem', () => {
  test('has one page for each code, and every code a title in both languages', async () => {
    const pages = readdirSync('docs/problems').filter((page) => page !== 'README.md');
    expect(pages.map((page) => page.replace('.md', '')).toSorted()).toEqual([...PROBLEM_CODES].toSorted());
    for (const code of [...PROBLEM_CODES, ...HTTP_CODES]) expect(statusOf(code)).toBeGreaterThanOrEqual(400);
    const refusal = new Refusal('BUDGET', say('storage.budget', { lineage: 'visits' }));
    const titles = await Promise.all(
      (['en', 'zh'] as const).map(async (language) => {
        const response = problemResponse(refusal, { language, requestId: 'r' });
        return ((await response.json()) as Problem).title;
      }),
    );
    expect(titles).toEqual(['The privacy budget is spent', '隐私预算不足']);
  });

  test('speaks the language that is asked for', async () => {
    const ask = { ...ASK, purpose: 'insurance' };
    const [en, zh] = await Promise.all(
      ['en', 'zh-CN,zh;q=0.9'].map((language) =>
        world.as('ben', '/v1/jobs', ask, { 'accept-language': language }),
      ),
    );
    expect((await problemOf(en as Response)).detail).toMatch(
      /^grant `g-1` is for the purposes public_welfare/,
    );
    expect((await problemOf(zh as Response)).detail).toMatch(/^授权 g-1 的用途是/);
  });

  test('of ours says nothing but that it was reported', async () => {
    const broken = createApp({
      ...world.shell,
      db: { ...world.db, rows: () => Promise.reject(new Error('relation "secret" does not exist')) },
    });
    const before = world.bugs.length;
    const token = await signAccessToken(world.shell, { id: 'ben', organisationId: 'x', roles: [] });
    const response = await broken.request('/v1/me', { headers: { authorization: `Bearer ${token}` } });
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ code: 'INTERNAL', type: 'about:blank' });
    expect(text).not.toContain('secret');
    expect(world.bugs.splice(before)).toHaveLength(1);
  });
});

describe('an Idempotency-Key', () => {
  test('makes the same request once, with the same answer', async () => {
    const key = { 'idempotency-key': 'quote-1' };
    const first = await (await world.as('ben', '/v1/quotes', ASK, key)).text();
    expect(await (await world.as('ben', '/v1/quotes', ASK, key)).text()).toBe(first);
    // Control: without the key, it is another quote.
    expect(await (await world.as('ben', '/v1/quotes', ASK)).text()).not.toBe(first);
    const job = { 'idempotency-key': 'job-1' };
    const [one, two] = [
      await world.as('ben', '/v1/jobs', ASK, job),
      await world.as('ben', '/v1/jobs', ASK, job),
    ];
    expect([one.status, two.status]).toEqual([202, 202]);
    expect(await two.json()).toEqual(await one.json());
  });

  test('with another body is refused, and nothing of it is recorded', async () => {
    const key = { 'idempotency-key': 'job-2' };
    await world.as('ben', '/v1/jobs', { ...ASK, epsilon: 0.01 }, key);
    const count = async (): Promise<number> =>
      ((await (await world.as('ben', '/v1/jobs?limit=200')).json()) as { items: unknown[] }).items.length;
    const before = await count();
    const problem = await problemOf(world.as('ben', '/v1/jobs', { ...ASK, epsilon: 0.02 }, key));
    expect(problem).toMatchObject({ status: 422, code: 'PARAM' });
    expect(await count()).toBe(before);
  });

  test('repeats a refusal, and records it once', async () => {
    const key = { 'idempotency-key': 'job-3' };
    const ask = { ...ASK, sql: 'SELECT region FROM visits' };
    const [one, two] = [
      await world.as('ben', '/v1/jobs', ask, key),
      await world.as('ben', '/v1/jobs', ask, key),
    ];
    const [first, second] = [
      (await one.json()) as { jobId: string },
      (await two.json()) as { jobId: string },
    ];
    expect([one.status, two.status]).toEqual([422, 422]);
    expect(second.jobId).toBe(first.jobId);
  });

  test('of a request under way is told so', async () => {
    let reached: () => void = () => undefined;
    let open: () => void = () => undefined;
    const isReached = new Promise<void>((resolve) => (reached = resolve));
    const gate = new Promise<void>((resolve) => (open = resolve));
    const slow = createApp({
      ...world.shell,
      db: {
        ...world.db,
        transact: async (work) => {
          reached();
          await gate;
          return world.db.transact(work);
        },
      },
    });
    const token = await signAccessToken(world.shell, {
      id: 'ben',
      organisationId: 'city-university',
      roles: [],
    });
    const send = (): Promise<Response> | Response =>
      slow.request('/v1/jobs', {
        method: 'POST',
        body: JSON.stringify({ ...ASK, epsilon: 0.03 }),
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'idempotency-key': 'job-4',
        },
      });
    const first = Promise.resolve(send());
    await isReached;
    const twin = await send();
    expect(twin.headers.get('retry-after')).toBe('1');
    expect(await problemOf(twin)).toMatchObject({ status: 409, code: 'IN_FLIGHT' });
    open();
    const made = (await (await first).json()) as { id: string };
    expect((await (await send()).json()) as object).toMatchObject({ id: made.id });
  });

  test('that is no key is refused', async () => {
    expect((await problemOf(world.as('ben', '/v1/jobs', ASK, { 'idempotency-key': 'a b' }))).status).toBe(
      400,
    );
  });
});

describe('a list', () => {
  interface List {
    readonly items: { readonly id: string }[];
    readonly nextCursor: string | null;
  }

  test('comes in pages that hold every row once, newest first', async () => {
    const list = async (query: string): Promise<List> =>
      (await world.as('ben', `/v1/jobs?${query}`)).json() as Promise<List>;
    const whole = await list('limit=200');
    expect(whole.items.length).toBeGreaterThan(3);
    const ids: string[] = [];
    for (let query = 'limit=2'; ;) {
      const page = await list(query);
      ids.push(...page.items.map(({ id }) => id));
      if (page.nextCursor === null) break;
      query = `limit=2&cursor=${page.nextCursor}`;
    }
    expect(ids).toEqual(whole.items.map(({ id }) => id));
  });

  test('takes no cursor but its own', async () => {
    const { nextCursor } = (await (await world.as('ben', '/v1/jobs?limit=1')).json()) as List;
    const cursor = nextCursor ?? '';
    const flipped = `${cursor.slice(0, -1)}${cursor.endsWith('A') ? 'B' : 'A'}`;
    const bare = Buffer.from(JSON.stringify(['2026-01-01T00:00:00.000Z', '0'])).toString('base64url');
    expect((await world.as('ben', `/v1/jobs?limit=1&cursor=${cursor}`)).status).toBe(200);
    for (const forged of [flipped, bare, 'x', `${cursor}${bare}`]) {
      expect((await problemOf(world.as('ben', `/v1/jobs?cursor=${forged}`))).code).toBe('PARAM');
    }
    // Of the same list of another organisation, and of another list.
    expect((await world.as('rival', `/v1/jobs?cursor=${cursor}`)).status).toBe(422);
    expect((await world.as('ben', `/v1/usage?cursor=${cursor}`)).status).toBe(422);
  });

  test.for(['limit=0', 'limit=201', 'limit=x', 'order=asc'])('refuses %s', async (query) => {
    expect((await problemOf(world.as('ben', `/v1/jobs?${query}`))).errors).toHaveLength(1);
  });
});

describe('the rate limit', () => {
  test('counts per account, says what is left, and fills with time', async () => {
    const slow = createApp({ ...world.shell, ratePerMinute: 3 });
    const ask = async (account: string): Promise<Response> => {
      const token = await signAccessToken(world.shell, { id: account, organisationId: 'x', roles: [] });
      return slow.request('/v1/me', { headers: { authorization: `Bearer ${token}` } });
    };
    const first = await ask('ben');
    expect(first.headers.get('ratelimit-policy')).toBe('"account";q=3;w=60');
    expect(first.headers.get('ratelimit')).toMatch(/^"account";r=2;t=\d+$/);
    const rest = [await ask('ben'), await ask('ben'), await ask('ben')];
    expect(rest.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(Number(rest[2]?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await ask('rival')).status).toBe(200);
    world.advance(21_000);
    expect((await ask('ben')).status).toBe(200);
  });
});
