/** The client: one key through all attempts of a creation, tokens renewed and never carried elsewhere, every page read. */
import { createServer, type Server } from 'node:http';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { generateSigningKey } from '#crypto/ed25519-key.ts';
import { verifyCompact } from '#crypto/signing.ts';
import { Client } from '#gateway/client/client.ts';
import { ProblemError, UnreachableError } from '#gateway/client/problem.ts';
import { commandLine } from './captured-terminal.ts';

const key = generateSigningKey();
const URL_OF_SERVER = 'https://data.example.org';

interface Sent {
  readonly url: string;
  readonly headers: Headers;
  readonly body: string;
  readonly redirect: string | undefined;
}

type Answer = (sent: Sent) => Response | Promise<Response>;

/** The client sends text and forms only. */
function textOf(init: RequestInit | undefined): string {
  return init?.body instanceof URLSearchParams ? init.body.toString() : ((init?.body ?? '') as string);
}

/** A client whose server answers what `answer` says; tokens are given for `tokenSeconds`. */
function clientWith(
  answer: Answer,
  tokenSeconds = 300,
): { client: Client; sent: Sent[]; assertions: string[] } {
  const sent: Sent[] = [];
  const assertions: string[] = [];
  const fetcher: typeof fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    const body = textOf(init);
    if (url.endsWith('/oauth/token')) {
      assertions.push(new URLSearchParams(body).get('client_assertion') ?? '');
      return Response.json({ access_token: `token-${assertions.length}`, expires_in: tokenSeconds });
    }
    const call = { url, headers: new Headers(init?.headers), body, redirect: init?.redirect };
    sent.push(call);
    return answer(call);
  };
  return {
    client: new Client({ url: URL_OF_SERVER, account: 'ana', key, fetch: fetcher }),
    sent,
    assertions,
  };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const problem = (status: number, code: string, headers: Readonly<Record<string, string>> = {}): Response =>
  new Response(JSON.stringify({ code, detail: `no: ${code}`, jobId: 'j-1' }), {
    status,
    headers: { 'content-type': 'application/problem+json', ...headers },
  });

const ASK = { grant: 'g', sql: 'SELECT COUNT(*) FROM visits', purpose: 'public_health' };

test('a creation whose answer was lost is sent again under the same Idempotency-Key', async () => {
  const answers = [
    () => Promise.reject(new TypeError('socket hang up')),
    () => problem(409, 'IN_FLIGHT', { 'retry-after': '0' }),
    () => Response.json({ id: 'j-1' }, { status: 202 }),
  ];
  const { client, sent } = clientWith(() => answers[sent.length - 1]!());
  expect(await client.submit(ASK)).toEqual({ id: 'j-1' });
  const keys = sent.map(({ headers }) => headers.get('idempotency-key'));
  expect(keys).toHaveLength(3);
  expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
  expect(new Set(keys).size).toBe(1);
});

test('two creations have two keys', async () => {
  const { client, sent } = clientWith(() => Response.json({ id: 'x' }));
  await client.submit(ASK);
  await client.submit(ASK);
  expect(new Set(sent.map(({ headers }) => headers.get('idempotency-key'))).size).toBe(2);
});

test.for([
  { status: 422, code: 'NOT_AGGREGATE' },
  { status: 429, code: 'BUDGET' },
  { status: 503, code: 'JAIL' },
  { status: 504, code: 'RUN_LIMIT' },
])(
  'a decision ($code, $status) is not asked for twice, and is thrown with code, detail and job',
  async (given) => {
    const { client, sent } = clientWith(() => problem(given.status, given.code));
    const error = await client.submit(ASK).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ProblemError);
    expect(error).toMatchObject({ ...given, detail: `no: ${given.code}`, jobId: 'j-1' });
    expect(sent).toHaveLength(1);
  },
);

test('a server that asks for much patience is left to the caller', async () => {
  const { client, sent } = clientWith(() => problem(429, 'RATE', { 'retry-after': '3600' }));
  await expect(client.me()).rejects.toMatchObject({ code: 'RATE' });
  expect(sent).toHaveLength(1);
});

test('what is no answer of this API is told apart from a refusal', async () => {
  const page = clientWith(() => new Response('<html>', { status: 403 }));
  await expect(page.client.me()).rejects.toMatchObject({ code: 'HTTP_403' });
  const portal = clientWith(() => new Response('<html>welcome', { status: 200 }));
  await expect(portal.client.me()).rejects.toBeInstanceOf(UnreachableError);
});

test('one token serves many calls, is renewed before it ends, and once when the server forgot it', async () => {
  let forgets = false;
  const { client, sent, assertions } = clientWith(() => {
    if (!forgets) return Response.json({});
    forgets = false;
    return problem(401, 'UNAUTHENTICATED');
  });
  await client.me();
  await client.me();
  expect(assertions).toHaveLength(1);
  vi.setSystemTime(Date.now() + 271_000);
  await client.me();
  expect(assertions).toHaveLength(2);
  forgets = true;
  await client.me();
  expect(assertions).toHaveLength(3);
  expect(sent.at(-1)?.headers.get('authorization')).toBe('Bearer token-3');
});

test('a token that is refused twice is not asked for for ever', async () => {
  const { client, sent, assertions } = clientWith(() => problem(401, 'UNAUTHENTICATED'));
  await expect(client.me()).rejects.toMatchObject({ status: 401 });
  expect([sent.length, assertions.length]).toEqual([2, 2]);
});

test('an assertion is signed, short, used once, and for this server alone', async () => {
  const { client, assertions } = clientWith(() => Response.json({}), 0);
  await client.me();
  await client.me();
  const trust = { typ: 'JWT', keys: [key.publicJwk], acceptEmbedded: false };
  const claims = await Promise.all(
    assertions.map(async (text) => (await verifyCompact(text, trust)).payload),
  );
  const now = Math.floor(Date.now() / 1000);
  expect(claims[0]).toMatchObject({ iss: 'ana', sub: 'ana', aud: URL_OF_SERVER, iat: now, exp: now + 60 });
  expect(claims[0]?.['jti']).not.toBe(claims[1]?.['jti']);
});

test('a redirect is an error: the token does not follow it', async () => {
  vi.useRealTimers();
  const reached: string[] = [];
  const listen = (server: Server): Promise<string> =>
    new Promise((resolve) => {
      server.listen(0, '127.0.0.1', () =>
        resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
      );
    });
  const thief = createServer((request, response) => {
    reached.push(request.url ?? '');
    response.end('{}');
  });
  const thiefUrl = await listen(thief);
  const gateway = createServer((request, response) => {
    if (request.url === '/oauth/token') response.end('{"access_token":"secret","expires_in":300}');
    else response.writeHead(307, { location: `${thiefUrl}/stolen` }).end();
  });
  const client = new Client({ url: await listen(gateway), account: 'ana', key });
  await expect(client.me()).rejects.toBeInstanceOf(UnreachableError);
  // The trap is real: a client that follows redirects does get there.
  await fetch(`${await addressOf(gateway)}/v1/me`);
  expect(reached).toEqual(['/stolen']);
  thief.close();
  gateway.close();
});

function addressOf(server: Server): Promise<string> {
  return Promise.resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

test('every page of a list is read, and a file in pieces to its end', async () => {
  const { client, sent } = clientWith(({ url, headers }) => {
    const cursor = new URL(url).searchParams.get('cursor');
    if (headers.get('accept') === 'application/json')
      return Response.json({ items: [cursor ?? 'first'], nextCursor: cursor === null ? 'next' : null });
    return new Response('\uFEFFid,job\r\nfirst,j\r\n');
  });
  expect(await client.datasets()).toEqual(['first', 'next']);
  const pages: string[] = [];
  const ask = { format: 'csv', from: '2026-01-01T00:00:00Z' } as const;
  for await (const piece of client.reports.usageFile(ask)) pages.push(piece);
  expect(pages.join('')).toBe('\uFEFFid,job\r\nfirst,j\r\n');
  expect(sent.at(-1)?.url).toContain('from=2026-01-01');
});

test('a dataset is registered with the runner, as text, with the directory that its paths are relative to', async () => {
  vi.useRealTimers();
  const line = commandLine();
  await line.run(['login', '--url', 'http://127.0.0.1:7788', '--account', 'petra', '--new-key']);
  mkdirSync(join(line.directory, 'data'));
  writeFileSync(join(line.directory, 'data', 'visits.yaml'), 'kind: Dataset\n');
  writeFileSync(join(line.directory, 'policy.yaml'), 'kind: ReleasePolicy\n');
  const calls: { url: string; body: unknown }[] = [];
  const runner: typeof fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    if (url.endsWith('/oauth/token')) return Response.json({ access_token: 't', expires_in: 300 });
    calls.push({ url, body: JSON.parse(textOf(init)) });
    return Response.json(
      { name: 'visits', versionId: 'v', commitment: 'c', prepared: true },
      { status: 201 },
    );
  };
  const manifest = join(line.directory, 'data', 'visits.yaml');
  const args = ['dataset', 'add', manifest, '--policy', join(line.directory, 'policy.yaml')];
  const { code, out } = await line.run(args, { fetch: runner });
  expect({ code, out }).toEqual({ code: 0, out: 'NAME        visits\nVERSION     v\nCOMMITMENT  c\n' });
  expect(calls).toEqual([
    {
      url: 'http://127.0.0.1:7789/v1/datasets',
      body: {
        manifest: 'kind: Dataset\n',
        policy: 'kind: ReleasePolicy\n',
        baseDirectory: join(line.directory, 'data'),
      },
    },
  ]);
  line.remove();
});
