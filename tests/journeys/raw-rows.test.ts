/** No route of the servers, no verb of the command line and no request to the lab gives anybody a value of a row. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EXIT } from '#gateway/cli/exit-code.ts';
import { generateSigningKey } from '#crypto/ed25519-key.ts';
import { createListener } from '#gateway/runner/listener.ts';
import { plainGrant } from '#gateway/services/plain-grant.ts';
import { allVerbs } from '#tests/cli/captured-terminal.ts';
import { runLab } from '#tests/lab/lab-process.ts';
import { MODULE, STATEFUL_MODULE, visitsManifest } from '#tests/support/visits-program.ts';
import { ANSWERED, MANIFEST, MarkedServer, PEOPLE, POLICY, SEEKING } from '#tests/support/marked-server.ts';
import {
  ADVICE,
  agreement,
  commandLines,
  CORRECTION,
  COST,
  ELSEWHERE,
  OFFLINE,
  STATEMENTLESS,
} from './command-lines.ts';

const server = new MarkedServer();
beforeAll(() => server.open());
afterAll(() => server.close());

interface Sent {
  readonly path: string;
  readonly body?: string;
  readonly type?: string;
}

/** Bodies of the routes that take one, and what their paths name. */
function posts(): Readonly<
  Record<string, { readonly ids?: readonly string[]; readonly bodies: readonly object[] }>
> {
  const asks = [...ANSWERED, ...SEEKING].map((sql) => ({ grant: 'rows', purpose: 'public_health', sql }));
  const runs = [1, 2].map((age) => ({
    grant: 'rows',
    purpose: 'public_health',
    program: server.programs[0],
    params: { age },
  }));
  const spare = {
    authoriser: 'city-provider',
    holder: 'city-buyer',
    purpose: 'public_health',
    scene: 'x',
    runs: 1,
  };
  const jwk = generateSigningKey().publicJwk;
  return {
    'post /oauth/token': { bodies: [{}] },
    'post /v1/organisations': { bodies: [{ id: 'spare', name: 'Spare' }] },
    'post /v1/accounts': { bodies: [{ id: 'spare', organisation: 'spare', roles: ['buyer'], jwk }] },
    'post /v1/accounts/{id}/revoke': { ids: ['spare'], bodies: [{}] },
    'post /v1/grants': {
      bodies: [plainGrant({ id: 'spare', dataset: 'visits', columns: ['ward'], ...spare }, Date.now())],
    },
    'post /v1/grants/{id}/approve': { ids: ['spare'], bodies: [{ side: 'provider' }, { side: 'buyer' }] },
    'post /v1/grants/{id}/revoke': { ids: ['spare'], bodies: [{ reason: 'x' }] },
    // Of what is not there, and resumed at once: the rest of the test asks on.
    'post /v1/datasets/{name}/suspend': { ids: ['none'], bodies: [{}] },
    'post /v1/datasets/{name}/resume': { ids: ['visits'], bodies: [{}] },
    'post /v1/datasets/{name}/withdraw': { ids: ['none'], bodies: [{}] },
    'post /v1/organisations/{id}/suspend': { ids: ['spare'], bodies: [{}] },
    'post /v1/organisations/{id}/resume': { ids: ['spare'], bodies: [{}] },
    'post /v1/grants/{id}/suspend': { ids: ['spare'], bodies: [{}] },
    'post /v1/grants/{id}/resume': { ids: ['spare'], bodies: [{}] },
    'post /v1/programs': {
      bodies: [
        { module: `${MODULE}// by HTTP\n`, manifest: visitsManifest() },
        { module: STATEFUL_MODULE, manifest: visitsManifest() },
      ],
    },
    'post /v1/programs/{digest}/approval': { ids: server.programs.slice(1, 2), bodies: [{}] },
    'post /v1/programs/{digest}/rejection': {
      ids: server.programs.slice(2, 3),
      bodies: [{ reason: 'RISK_TOO_HIGH', text: 'x', basis: 'y' }],
    },
    'post /v1/programs/{digest}/withdrawal': {
      ids: server.programs.slice(3, 4),
      bodies: [{ reason: 'x' }],
    },
    'post /v1/documents/{kind}': { ids: ['Agreement'], bodies: [agreement('OA-spare')] },
    'post /v1/documents/{kind}/{id}/revisions/{revision}/approve': {
      ids: ['Agreement/OA-spare/revisions/1'],
      bodies: [{}],
    },
    'post /v1/documents/{kind}/{id}/revisions/{revision}/withdraw': {
      ids: ['Agreement/OA-spare/revisions/1'],
      bodies: [{}],
    },
    'post /v1/quotes': { bodies: [...asks, ...runs] },
    'post /v1/quotes/{id}/accept': { ids: ['f'.repeat(32)], bodies: [{}] },
    'post /v1/jobs': { bodies: [...asks, ...runs] },
    'post /v1/reviews/{id}/approve': { ids: server.waiting.slice(1, 2), bodies: [{}] },
    'post /v1/reviews/{id}/reject': {
      ids: server.waiting.slice(2, 3),
      bodies: [{ reason: 'KIND_MISMATCH' }],
    },
    'post /v1/price-deviations': { bodies: [{ year: 2001 }] },
    'post /v1/price-tasks/close': { bodies: [{ year: 2001, ceiling: 'none', outcome: 'x' }] },
    'post /v1/costs': { bodies: [{ kind: 'CostEntries', entries: [COST] }] },
    // No month of this server is over, so none of these finds a statement.
    'post /v1/statements': { bodies: [{ month: '2026-01' }, { month: '2026-01', dryRun: true }] },
    'post /v1/statements/{id}/issue': { ids: ['none'], bodies: [{}] },
    'post /v1/statements/{id}/dispute': { ids: ['none'], bodies: [{ reason: 'x' }] },
    'post /v1/statements/{id}/resolve': { ids: ['none'], bodies: [{ reason: 'x' }] },
    'post /v1/statements/{id}/settle': { ids: ['none'], bodies: [{}] },
    'post /v1/statements/{id}/sent': { ids: ['none'], bodies: [{}] },
    'post /v1/statement-lines/{id}/invoice': {
      ids: ['none'],
      bodies: [{ number: 'x', issuedOn: '2026-11-20', issuer: 'x' }],
    },
    'post /v1/corrections': { bodies: [CORRECTION] },
    'post /v1/corrections/{id}/approve': { ids: ['none'], bodies: [{}] },
    'post /v1/corrections/{id}/reject': { ids: ['none'], bodies: [{}] },
    'post /v1/settlements/advices': { bodies: [{ advices: [ADVICE] }] },
    'post /v1/jobs/{id}/cancel': { ids: server.jobs.map(({ id }) => id), bodies: [{}] },
  };
}

/** What stands for `{id}` or `{name}` in a path that is read. */
function idsOf(path: string): readonly string[] {
  if (path.startsWith('/v1/datasets/')) return ['visits'];
  if (path.startsWith('/v1/grants/')) return ['rows'];
  if (path === '/v1/documents/{kind}') return ['Agreement', 'Product'];
  if (path.startsWith('/v1/documents/')) return ['Agreement/OA-spare'];
  if (path.startsWith('/v1/reviews/')) return server.waiting.slice(0, 1);
  if (path.startsWith('/v1/programs/')) return server.programs.slice(0, 7);
  if (path.startsWith('/v1/releases/')) return server.jobs.map(({ releaseId }) => releaseId!);
  return server.jobs.map(({ id }) => id);
}

/** Every request that is made of a route of the gateway. */
function requestsOf(route: string): readonly Sent[] {
  const [method = '', path = ''] = route.split(' ');
  const { ids = idsOf(path), bodies = [] } = posts()[route] ?? {};
  const paths = path.includes('{') ? ids.map((id) => path.replace(/\{.*\}/, id)) : [path];
  if (method === 'get')
    return paths.map((one) => ({ path: one.endsWith('consistency') ? `${one}?from=1` : one }));
  return paths.flatMap((one) => bodies.map((body) => ({ path: one, body: JSON.stringify(body) })));
}

/** Sends a request as somebody, once for each form that an answer may have; what leaks, by request and person. */
async function sweep(
  url: string,
  sent: Sent,
  { person, using = fetch }: { readonly person: string; readonly using?: typeof fetch },
): Promise<readonly string[]> {
  const { text: token } = await server.clients.get(person)!.token();
  const found: string[] = [];
  for (const accept of sent.body === undefined ? ['application/json', 'text/csv'] : ['application/json']) {
    const headers = { authorization: `Bearer ${token}`, accept, 'content-type': 'application/json' };
    const init = sent.body === undefined ? { headers } : { headers, method: 'POST', body: sent.body };
    const response = await using(`${url}${sent.path}`, init);
    const text = `${JSON.stringify([...response.headers])}\n${await response.text()}`;
    if (server.leaksIn(text).length > 0) found.push(`${person} ${accept} ${sent.path}`);
  }
  return found;
}

/** The routes of the gateway, as its own description lists them. */
async function routes(): Promise<readonly string[]> {
  const document = (await (await fetch(`${server.served.gatewayUrl}/openapi.json`)).json()) as {
    readonly paths: Readonly<Record<string, object>>;
  };
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
}

describe('a value of a row leaves', () => {
  test('by no route of the gateway, for no role', async () => {
    expect(server.jobs.map(({ outcome }) => outcome)).toEqual(ANSWERED.map(() => 'released'));
    const all = await routes();
    expect(all.filter((route) => route.startsWith('post')).toSorted()).toEqual(
      Object.keys(posts()).toSorted(),
    );
    const leaks: string[] = [];
    for (const route of all) {
      for (const [at, sent] of requestsOf(route).entries())
        // Who may not ask at all is told so by the first request.
        for (const person of PEOPLE.filter((one) => one === 'x-buyer' || at === 0 || sent.body === undefined))
          leaks.push(...(await sweep(server.served.gatewayUrl, sent, { person })));
    }
    expect(leaks).toEqual([]);
    expect(server.bugs).toEqual([]);
  });

  test('by no route of the runner, for no role', async () => {
    const columns = { ...MANIFEST.columns, note: { type: 'integer', bounds: [0, 1] } };
    const registration = (manifest: object): string =>
      JSON.stringify({
        manifest: JSON.stringify(manifest),
        policy: JSON.stringify(POLICY),
        baseDirectory: server.folder.path,
      });
    const sent: Record<string, readonly Sent[]> = {
      'GET /healthz': [{ path: '/healthz' }],
      'GET /v1/keys/:id/destruction': [{ path: '/v1/keys/visits/destruction' }],
      'GET /v1/crypto-inventory': [{ path: '/v1/crypto-inventory' }],
      'GET /v1/jail': [{ path: '/v1/jail' }],
      // Again, and with a column declared as what it is not: the engine's own words must not come out.
      'POST /v1/datasets': [
        { path: '/v1/datasets', body: registration(MANIFEST) },
        {
          path: '/v1/datasets',
          body: registration({ ...MANIFEST, name: 'other', lineage: 'other', columns }),
        },
      ],
    };
    const keyed = 'destruction destruction/approval destruction/cancellation hold hold/lifting'.split(' ');
    for (const place of keyed)
      sent[`POST /v1/keys/:id/${place}`] = [{ path: `/v1/keys/visits/${place}`, body: '{"reason":"x"}' }];
    const { routes: table } = createListener({} as never);
    expect([...new Set(table.map(({ method, path }) => `${method} ${path}`))].toSorted()).toEqual(
      Object.keys(sent).toSorted(),
    );
    const leaks: string[] = [];
    for (const one of Object.values(sent).flat())
      for (const person of PEOPLE) leaks.push(...(await sweep(server.served.runnerUrl, one, { person })));
    expect(leaks).toEqual([]);
  });

  test('control: a route that answered with one row, bare or in base64url, would be seen', async () => {
    const row = readFileSync(join(server.folder.path, 'visits.csv'), 'utf8').split('\n')[3]!;
    for (const body of [row, Buffer.from(row).toString('base64url')]) {
      const broken = (() => Promise.resolve(new Response(`{"sample":"${body}"}`))) as typeof fetch;
      expect(
        await sweep(server.served.gatewayUrl, { path: '/v1/me' }, { person: 'x-buyer', using: broken }),
      ).toHaveLength(2);
    }
    expect(server.secrets.size).toBeGreaterThan(1_200);
  });

  test('by no verb of the command line, for no role', async () => {
    const leaks: string[] = [];
    const useless: string[] = [];
    for (const [verb, lines] of Object.entries(commandLines(server))) {
      const uses: Use[] = [];
      for (const args of lines) {
        // Who may not ask at all is told so by the first line.
        const refused = new Set(uses.filter(({ code }) => code === EXIT.refused).map(({ person }) => person));
        const people = PEOPLE.filter((person) => person === 'x-buyer' || !refused.has(person));
        uses.push(...(await usesOf(verb, args, people)));
      }
      leaks.push(...uses.filter(({ leaks: found }) => found.length > 0).map(({ as }) => as));
      if (!uses.some(({ code }) => code === 0)) useless.push(verb);
    }
    expect(leaks).toEqual([]);
    // What is verified here is no receipt; every other verb worked for somebody.
    // Nor did anybody agree to a destruction that had been called off.
    expect(useless.toSorted()).toEqual(
      ['unseen key approve-destruction', 'unseen verify', ...STATEMENTLESS].toSorted(),
    );
    expect(Object.keys(commandLines(server)).concat(ELSEWHERE).toSorted()).toEqual(
      allVerbs()
        .map(({ name }) => name)
        .toSorted(),
    );
  });

  test('by no request to the lab', async () => {
    const [dataset, policy] = [
      server.folder.write('d.json', MANIFEST),
      server.folder.write('p.json', POLICY),
    ];
    const requests = [...ANSWERED, ...SEEKING].map((sql) => JSON.stringify({ dataset, policy, sql }));
    const { stdout, stderr, answers } = await runLab(
      server.folder,
      '--batch',
      server.folder.write('batch.jsonl', `${requests.join('\n')}\n`),
    );
    const decisions = answers.map(({ decision }) => decision);
    expect(decisions).toEqual([...ANSWERED.map(() => 'released'), ...SEEKING.map(() => 'refused')]);
    expect(server.leaksIn(`${stdout}\n${stderr}`)).toEqual([]);
  });
});

interface Use {
  readonly person: string;
  readonly as: string;
  readonly code: number;
  readonly leaks: readonly string[];
}

/** Uses a verb as everybody, or once if it asks no server; for programs and, as a buyer, for people. */
async function usesOf(
  verb: string,
  args: readonly string[],
  people: readonly string[],
): Promise<readonly Use[]> {
  const uses: Use[] = [];
  for (const person of OFFLINE.has(verb) ? ['x-buyer'] : people) {
    const profile = ['--profile', verb === 'unseen login' ? `${person}-again` : person];
    const forms = person === 'x-buyer' ? [[], ['--json']] : [['--json']];
    for (const form of args.includes('--csv') ? [[]] : forms) {
      const words = [...verb.split(' ').slice(1), ...args, ...(OFFLINE.has(verb) ? [] : profile), ...form];
      const { code, out, err } = await server.line.run(words);
      uses.push({
        person,
        as: `${person} ${verb} ${form.join('')}`,
        code,
        leaks: server.leaksIn(`${out}\n${err}`),
      });
    }
  }
  return uses;
}
