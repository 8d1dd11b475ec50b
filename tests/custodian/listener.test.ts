/** The listener and its client: who gets in, what an error says, and a custodian that is down, slow, busy or restarted. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fingerprintOf, makeCertificates } from '#gateway/custodian/certificates.ts';
import { CustodianClient } from '#gateway/custodian/client.ts';
import { renderFrame } from '#gateway/custodian/frame.ts';
import { type CustodianListener, listenAsCustodian, type ListenerLimits } from '#gateway/custodian/server.ts';
import { outcomeOf, Scene } from './scene.ts';

const folder = mkdtempSync(join(tmpdir(), 'unseen-tls-'));
const [ours, theirs] = [join(folder, 'ours'), join(folder, 'theirs')];
let client = '';
beforeAll(() => {
  client = makeCertificates(ours, '127.0.0.1').client;
  makeCertificates(theirs, '127.0.0.1');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const pem = (directory: string, name: string): string => readFileSync(join(directory, name), 'utf8');

interface Listening extends CustodianListener {
  readonly bugs: unknown[];
}

async function listening(scene: Scene, limits: Partial<ListenerLimits> = {}, port = 0): Promise<Listening> {
  const bugs: unknown[] = [];
  const listener = await listenAsCustodian(scene.custodian, {
    host: '127.0.0.1',
    port,
    cert: pem(ours, 'server.crt'),
    key: pem(ours, 'server.key'),
    clientCa: pem(ours, 'ca.crt'),
    clients: [client],
    limits,
    reportBug: (error) => bugs.push(error),
  });
  return { ...listener, close: () => listener.close(), bugs };
}

function clientAt(url: string, times = {}): CustodianClient {
  const at = (name: string): string => join(ours, name);
  const files = { ca: at('ca.crt'), cert: at('client.crt'), certKey: at('client.key') };
  return new CustodianClient({ url, ...files }, { attemptMs: 2_000, totalMs: 2_500, ...times });
}

const CERTIFIED = (): ConnectionOptions => ({
  ca: pem(ours, 'ca.crt'),
  cert: pem(ours, 'client.crt'),
  key: pem(ours, 'client.key'),
});

interface Replied {
  readonly status: number;
  readonly body: string;
}

/** One request with these TLS options; rejects where there is no HTTP. */
function ask(url: string, path: string, options: ConnectionOptions, body?: Uint8Array): Promise<Replied> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST';
    const sent = request(new URL(path, url), { method, agent: false, ...options }, (response) => {
      let text = '';
      response.on('data', (part: Buffer) => (text += part.toString()));
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

describe('who gets in', () => {
  test('the certificate on the list does; health says whose custodian it is', async () => {
    await using scene = new Scene();
    const { url, close } = await listening(scene);
    const { status, body } = await ask(url, '/v1/health', CERTIFIED());
    expect([status, JSON.parse(body)]).toEqual([200, { status: 'ok', custodian: scene.key.kid }]);
    await close();
  });

  test.for<readonly [string, () => ConnectionOptions]>([
    ['without a certificate', () => ({ ca: pem(ours, 'ca.crt') })],
    [
      'with a certificate of another authority',
      () => ({ ca: pem(ours, 'ca.crt'), cert: pem(theirs, 'client.crt'), key: pem(theirs, 'client.key') }),
    ],
    ['by TLS 1.2', () => ({ ...CERTIFIED(), maxVersion: 'TLSv1.2' })],
    [
      'as a server certificate',
      () => ({ ...CERTIFIED(), cert: pem(ours, 'server.crt'), key: pem(ours, 'server.key') }),
    ],
  ])('nobody does %s', async ([, options]) => {
    await using scene = new Scene();
    const { url, close } = await listening(scene);
    expect(await outcomeOf(ask(url, '/v1/health', options()))).toMatch(
      /^(ECONNRESET|EPIPE|EPROTO|ERR_SSL_\w+)$/,
    );
    await close();
  });

  test('a certificate of the authority that is not on the list gets one word for everything', async () => {
    await using scene = new Scene();
    const wrong = client;
    client = fingerprintOf(pem(theirs, 'client.crt'));
    const { url, close } = await listening(scene);
    client = wrong;
    for (const path of ['/v1/health', '/v1/orders', '/'])
      expect(await ask(url, path, CERTIFIED())).toEqual({ status: 403, body: '{"code":"CLIENT_UNKNOWN"}' });
    await close();
  });

  test('a client does not speak to a server of another authority', async () => {
    const server = createServer(
      { cert: pem(theirs, 'server.crt'), key: pem(theirs, 'server.key') },
      (_, response) => response.end('{}'),
    );
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await outcomeOf(clientAt(url, { totalMs: 500 }).answer('x', []))).toBe('CUSTODIAN_UNAVAILABLE');
    server.close();
  });
});

describe('what is sent', () => {
  test('that says it is too long is refused before any of it came', async () => {
    await using scene = new Scene();
    const { url, close } = await listening(scene, { bodyBytes: 1_000 });
    const status = await new Promise<number>((resolve, reject) => {
      const headers = { 'content-length': '1000001' };
      const options = { method: 'POST', agent: false, headers, ...CERTIFIED() };
      const sent = request(new URL('/v1/orders', url), options, (response) => {
        resolve(response.statusCode ?? 0);
        sent.destroy();
      });
      sent.once('error', reject);
      sent.setTimeout(2_000, () => reject(new Error('it waits for a body')));
      sent.flushHeaders();
    });
    expect(status).toBe(413);
    await close();
  });

  test('an order is answered; the same answer comes to the client again, and over a new connection', async () => {
    await using scene = new Scene();
    const { url, close, bugs } = await listening(scene);
    const ciphertexts = scene.ciphertexts(4);
    const order = await scene.order(ciphertexts);
    const first = await clientAt(url).answer(order, ciphertexts);
    expect(first.values).toHaveLength(4);
    expect(await clientAt(url).answer(order, ciphertexts)).toEqual(first);
    expect(bugs).toEqual([]);
    await close();
  });

  test('what is wrong with it comes back as one code and no text', async () => {
    await using scene = new Scene();
    const { url, close } = await listening(scene, { bodyBytes: 100_000 });
    const ciphertexts = scene.ciphertexts(4);
    const frame = (order: string): Uint8Array => renderFrame(order, ciphertexts);
    const sent: readonly (readonly [Uint8Array, number, string])[] = [
      [frame('a.b.c'), 401, 'ORDER_NOT_SIGNED'],
      [frame(await scene.order(ciphertexts, { keyId: 'other' })), 422, 'KEY_UNKNOWN'],
      [Uint8Array.of(1, 2, 3), 400, 'BODY_MALFORMED'],
      [Uint8Array.of(255, 255, 255, 255, 1), 400, 'BODY_MALFORMED'],
      [new Uint8Array(0), 400, 'BODY_MALFORMED'],
      [new Uint8Array(100_001), 413, 'TOO_LARGE'],
    ];
    for (const [body, status, code] of sent)
      expect(await ask(url, '/v1/orders', CERTIFIED(), body)).toEqual({
        status,
        body: JSON.stringify({ code }),
      });
    expect(await ask(url, '/v1/nothing', CERTIFIED())).toEqual({ status: 404, body: '{"code":"NOT_FOUND"}' });
    const refusal = await clientAt(url)
      .answer(await scene.order(ciphertexts, { keyId: 'other' }), ciphertexts)
      .catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      code: 'CUSTODIAN_REFUSED',
      message: expect.stringContaining('KEY_UNKNOWN'),
    });
    await close();
  });

  test('a body without a length is cut off where it becomes too large', async () => {
    await using scene = new Scene();
    const { url, close } = await listening(scene, { bodyBytes: 10_000 });
    const answered = new Promise<number>((resolve, reject) => {
      const sent = request(
        new URL('/v1/orders', url),
        { method: 'POST', agent: false, ...CERTIFIED() },
        (response) => {
          resolve(response.statusCode ?? 0);
          response.resume();
        },
      );
      sent.once('error', reject);
      for (let part = 0; part < 20; part += 1) sent.write(new Uint8Array(1_000));
    });
    expect(await answered).toBe(413);
    await close();
  });

  test('who sends slowly is cut off, and others are served meanwhile', async () => {
    await using scene = new Scene();
    const { url, close } = await listening(scene, { requestMs: 400 });
    const { hostname, port } = new URL(url);
    const slow = await new Promise<TLSSocket>((resolve) => {
      const socket = connect({ host: hostname, port: Number(port), ...CERTIFIED() }, () => resolve(socket));
    });
    const began = performance.now();
    slow.write('POST /v1/orders HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n');
    const drip = setInterval(() => slow.write('x'), 50);
    slow.on('error', () => undefined);
    const cut = new Promise((resolve) => slow.once('close', resolve));
    slow.resume();
    expect((await ask(url, '/v1/health', CERTIFIED())).status).toBe(200);
    await cut;
    clearInterval(drip);
    expect(performance.now() - began).toBeLessThan(5_000);
    await close();
  });
});

describe('a custodian that is', () => {
  test('down makes the runner fail, in time', async () => {
    await using scene = new Scene();
    const { url, close } = await listening(scene);
    await close();
    const began = performance.now();
    const error = await clientAt(url, { totalMs: 600 })
      .answer('x', [])
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'CUSTODIAN_UNAVAILABLE', sentence: { id: 'custodian.down' } });
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  test('slow makes the runner fail, in time; its answer stays, for the same order', async () => {
    await using scene = new Scene();
    const { url, close } = await listening(scene);
    const ciphertexts = scene.ciphertexts(4);
    const order = await scene.order(ciphertexts);
    const gate = Promise.withResolvers<void>();
    scene.reader.gate = gate.promise;
    const error = await clientAt(url, { attemptMs: 200, totalMs: 700 })
      .answer(order, ciphertexts)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'CUSTODIAN_UNAVAILABLE', sentence: { id: 'custodian.slow' } });
    gate.resolve();
    expect((await clientAt(url).answer(order, ciphertexts)).values).toHaveLength(4);
    expect(scene.reader.seen).toHaveLength(4);
    await close();
  });

  test('started again while it is asked answers when it is back', async () => {
    await using scene = new Scene();
    const first = await listening(scene);
    const { port } = new URL(first.url);
    await first.close();
    const ciphertexts = scene.ciphertexts(4);
    const order = await scene.order(ciphertexts);
    const asked = clientAt(first.url, { totalMs: 10_000 }).answer(order, ciphertexts);
    await new Promise((resolve) => setTimeout(resolve, 300));
    scene.restart();
    const second = await listening(scene, {}, Number(port));
    expect((await asked).values).toHaveLength(4);
    await second.close();
  });

  test('started again without an answer says that the order is spent', async () => {
    await using scene = new Scene();
    const { url, close } = await listening(scene);
    const broken = Array.from({ length: 4 }, () => Uint8Array.of(1, 2, 3));
    const order = await scene.order(broken);
    const asked = clientAt(url).answer(order, broken);
    await expect(asked).rejects.toMatchObject({
      code: 'CUSTODIAN_REFUSED',
      sentence: { id: 'custodian.spent' },
    });
    await close();
  });

  test('busy is asked again', async () => {
    await using scene = new Scene({}, { concurrency: 1 });
    const { url, close } = await listening(scene);
    const ciphertexts = scene.ciphertexts(4);
    const orders = await Promise.all([scene.order(ciphertexts), scene.order(ciphertexts)]);
    const gate = Promise.withResolvers<void>();
    scene.reader.gate = gate.promise;
    const asked = orders.map((order) => clientAt(url).answer(order, ciphertexts));
    setTimeout(gate.resolve, 300);
    expect((await Promise.all(asked)).map(({ values }) => values.length)).toEqual([4, 4]);
    await close();
  });

  test('asked no more when the job was stopped', async () => {
    await using scene = new Scene();
    const { url, close } = await listening(scene);
    const ciphertexts = scene.ciphertexts(4);
    const gate = Promise.withResolvers<void>();
    scene.reader.gate = gate.promise;
    const stop = new AbortController();
    const asked = clientAt(url).answer(await scene.order(ciphertexts), ciphertexts, stop.signal);
    setTimeout(() => stop.abort(new Error('killed')), 100);
    await expect(asked).rejects.toThrow('killed');
    gate.resolve();
    await close();
  });
});

test('an address without encryption, or without files, is refused before anything is sent', () => {
  const files = {
    ca: join(ours, 'ca.crt'),
    cert: join(ours, 'client.crt'),
    certKey: join(ours, 'client.key'),
  };
  const make = (changes: object) => () =>
    new CustodianClient({ url: 'https://127.0.0.1:1', ...files, ...changes });
  expect(make({ url: 'http://127.0.0.1:1' })).toThrow(expect.objectContaining({ code: 'CONFIG' }));
  expect(make({ url: 'nowhere' })).toThrow(expect.objectContaining({ code: 'CONFIG' }));
  expect(make({ certKey: join(folder, 'gone') })).toThrow(expect.objectContaining({ code: 'CONFIG' }));
});
