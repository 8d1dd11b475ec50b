/**
 * Large parameters: the weights of a model go with a request, through quote, job, runner and worker, and are shown and
 * kept only as far as they need be.
 *
 * Controls: a query of the same size, and a program of more than 32 MiB, are too large.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { digestOf } from '#crypto/canonical.ts';
import { exportSigningKey } from '#crypto/ed25519-key.ts';
import { quoteAsk } from '#gateway/http/schemas.ts';
import { sized } from '#tests/support/audit-size.ts';
import { commandLine } from '#tests/cli/captured-terminal.ts';
import { ISSUER, jsonOf } from '#tests/support/gateway-world.ts';
import { startSteps, type StepsWorld } from '#tests/support/steps-world.ts';
import { visitsManifest } from '#tests/support/visits-program.ts';

const COUNT = 200_000;
const MODULE = 'export const map = (row, params) => params.w[params.w.length - 1] + row.cost;\n';
const MANIFEST = visitsManifest({
  name: 'weights',
  inputs: { steps: ['cost'] },
  params: { w: { type: 'numbers' } },
  outputs: { score: { kind: 'sum', bounds: [0, 100] } },
});

/** Numbers as long as doubles get. */
const weights = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => 1 / (i + 3));
const w = weights(COUNT);

let steps: StepsWorld;
let program: string;

beforeAll(async () => {
  steps = await startSteps(200);
  program = await steps.approved(MODULE, MANIFEST);
});
afterAll(() => steps.close());

const post = (path: string, body: object): Promise<Response> =>
  steps.world.as('ben', path, { grant: 'g-steps', purpose: 'public_health', ...body });
const requestOf = async (id: unknown): Promise<Record<string, unknown>> => {
  const [row] = await steps.world.db.rows<{ request: Record<string, unknown> }>(
    sql`SELECT request FROM job WHERE id = ${id}`,
  );
  return row?.request ?? {};
};

test(`a program runs with ${COUNT} numbers, which its job keeps and shows by their digest`, async () => {
  const params = { w };
  expect(await jsonOf(post('/v1/quotes', { program, params }))).toMatchObject({ refused: null });
  const job = await steps.ended({ program, params });
  expect(job).toMatchObject({ outcome: 'released', code: null });
  expect(job['request']).toMatchObject({ params: null, paramsDigest: digestOf(params) });
  expect((await requestOf(job['id']))['params']).toEqual(params);
  // Control: a few numbers are shown as they were sent.
  const few = await steps.ended({ program, params: { w: [1, 2] } });
  expect(few['request']).toMatchObject({ params: { w: [1, 2] }, paramsDigest: digestOf({ w: [1, 2] }) });
  expect(steps.world.bugs).toEqual([]);
}, 60_000);

test('the command line runs a program with hundreds of thousands of numbers', async () => {
  const line = commandLine({
    fetch: (async (input: URL | string, init?: RequestInit) => {
      const url = new URL(String(input));
      return steps.world.request(`${url.pathname}${url.search}`, init);
    }) as typeof fetch,
  });
  const write = (name: string, value: unknown): string => {
    const path = join(line.directory, name);
    writeFileSync(path, JSON.stringify(value));
    return path;
  };
  try {
    const key = write('ben.jwk', exportSigningKey(steps.world.keys.ben));
    const login = ['login', '--url', ISSUER, '--account', 'ben', '--key', key, '--profile', 'ben'];
    expect(await line.run(login)).toMatchObject({ code: 0 });
    const params = ['--params', write('params.json', { w: weights(sized(300_000, 1_000_000)) })];
    const terms = ['--grant', 'g-steps', '--purpose', 'public_health', '--profile', 'ben'];
    const run = await line.json(['run', 'weights', ...terms, ...params]);
    expect(run).toMatchObject({ code: 0, value: { decision: 'released' } });
  } finally {
    line.remove();
  }
}, 120_000);

test('a request that is refused keeps the digest of its parameters and not them', async () => {
  const params = { w, more: 1 };
  const refused = await jsonOf(post('/v1/jobs', { program, params }));
  expect(refused).toMatchObject({ code: 'PARAM' });
  const kept = await requestOf(refused['jobId']);
  expect(kept).toMatchObject({ refused: true, params: null, paramsDigest: digestOf(params) });
  expect(JSON.stringify(kept).length).toBeLessThan(10_000);
});

test('the schema takes lists of a million numbers, and no longer ones', () => {
  const ask = { grant: 'g-steps', purpose: 'public_health', program };
  const million = weights(1_000_000);
  const params = { w: million };
  expect(quoteAsk.safeParse({ ...ask, params }).success).toBe(true);
  expect(quoteAsk.safeParse({ ...ask, params: { w: [...million, 1] } }).success).toBe(false);
  // What the route reads holds a million of the longest.
  expect(25 * million.length).toBeLessThan(2 ** 25);
  expect(JSON.stringify(params).length).toBeLessThan(2 ** 25);
});

test.for(['/v1/quotes', '/v1/jobs'])(
  '%s takes no query of that size, and no program beyond 32 MiB',
  async (path) => {
    const long = 'x'.repeat(2 ** 21);
    const query = await post(path, { sql: long });
    expect([query.status, (await jsonOf(query))['detail']]).toEqual([
      413,
      expect.stringContaining('1048576'),
    ]);
    const huge = await post(path, { program, params: { name: 'x'.repeat(2 ** 25) } });
    expect([huge.status, (await jsonOf(huge))['detail']]).toEqual([413, expect.stringContaining('33554432')]);
    // Whoever may not submit is told so before a byte of it is read.
    const other = await steps.world.as('adele', path, { sql: long });
    expect((await jsonOf(other))['code']).toBe('NO_GRANT');
  },
);
