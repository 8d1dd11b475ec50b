/** The Vault adapter: the contract over a local server of the transit protocol, and every way a server can fail. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Circuit } from '#crypto/kms/circuit.ts';
import { type KmsAdapter, KmsError } from '#crypto/kms/adapter.ts';
import { openVaultKms } from '#crypto/kms/vault.ts';
import { makeCertificate } from './certificate.ts';
import { codeOf, kmsContract, type KmsWorld } from './contract.ts';
import { type Fault, startVaultServer, type VaultServer } from './vault-server.ts';

const CONTEXT = { dataset: 'visits', version: '3' };
const TIMEOUT_MS = 300;
const now = (): string => '2026-11-21T12:00:00.000Z';

let directory: string;
let tls: { readonly key: string; readonly cert: string };
let otherTls: typeof tls;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'unseen-vault-'));
  tls = makeCertificate(directory, 'vault');
  otherTls = makeCertificate(directory, 'other');
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

function adapterOf(
  server: VaultServer,
  changes: Partial<Parameters<typeof openVaultKms>[0]> = {},
): KmsAdapter {
  const tokenFile = join(directory, 'token');
  return openVaultKms({
    address: server.address,
    caFile: tls.cert,
    tokenFile,
    timeoutMs: TIMEOUT_MS,
    clock: () => performance.now(),
    now,
    ...changes,
  });
}

function writeToken(token: string): void {
  writeFileSync(join(directory, 'token'), `${token}\n`, { mode: 0o600 });
}

async function vaultWorld(): Promise<KmsWorld> {
  const server = await startVaultServer(tls);
  writeToken(server.token);
  return { open: () => adapterOf(server, { timeoutMs: 5_000 }), end: () => server.stop() };
}

kmsContract('the Vault adapter', { world: vaultWorld, destroyed: 'KEY_UNKNOWN' });

describe('a Vault that fails', () => {
  let server: VaultServer;
  let kms: KmsAdapter;

  beforeEach(async () => {
    server = await startVaultServer(tls);
    writeToken(server.token);
    kms = adapterOf(server);
  });

  afterEach(async () => {
    await kms.close();
    await server.stop();
  });

  test.for<readonly [Fault, string]>([
    ['sealed', 'SEALED'],
    ['overloaded', 'UNAVAILABLE'],
    ['crashed', 'UNAVAILABLE'],
    ['reset', 'UNAVAILABLE'],
    ['slow', 'TIMEOUT'],
    ['silent', 'TIMEOUT'],
    ['moved', 'RESPONSE_MALFORMED'],
    ['html', 'RESPONSE_MALFORMED'],
    ['huge', 'UNAVAILABLE'],
    ['not-json', 'RESPONSE_MALFORMED'],
    ['no-data', 'RESPONSE_MALFORMED'],
    ['wrong-shape', 'RESPONSE_MALFORMED'],
  ])('%s is refused as %s, and works again afterwards', async ([fault, code]) => {
    await kms.createKey('k');
    const { wrapped } = await kms.generateDataKey('k', CONTEXT, 32);
    server.fault = fault;
    expect(await codeOf(kms.unwrap(wrapped, CONTEXT))).toBe(code);
    const second = fault === 'wrong-shape' ? 'CONFIGURATION' : code;
    expect(await codeOf(kms.generateDataKey('k', CONTEXT, 32))).toBe(second);
    expect(await kms.health()).toEqual({ ok: false, code });
    server.fault = null;
    expect(await kms.unwrap(wrapped, CONTEXT)).toHaveLength(32);
    expect(await kms.health()).toEqual({ ok: true, code: null });
  });

  test('a data key of another length is refused', async () => {
    await kms.createKey('k');
    server.fault = 'other-key-length';
    expect(await codeOf(kms.generateDataKey('k', CONTEXT, 32))).toBe('RESPONSE_MALFORMED');
  });

  test('a server that keeps what it says to have deleted does not pass for having destroyed it', async () => {
    await kms.createKey('k');
    server.fault = 'keeps-deleted';
    expect(await codeOf(kms.destroy('k'))).toBe('RESPONSE_MALFORMED');
  });

  test('a key that was made without a context, or open to export, is refused', async () => {
    await kms.createKey('k');
    server.keys.set('loose', { ...server.keys.get('k')!, isDerived: false });
    expect(await codeOf(kms.generateDataKey('loose', CONTEXT, 32))).toBe('CONFIGURATION');
  });

  test('a refused token is read again from its file, once', async () => {
    await kms.createKey('k');
    server.token = 's.second';
    expect(await codeOf(kms.describe('k'))).toBe('PERMISSION_DENIED');
    writeToken('s.second');
    expect((await kms.describe('k')).state).toBe('active');
    writeToken('s.wrong');
    server.token = 's.third';
    const before = server.asked;
    expect(await codeOf(kms.describe('k'))).toBe('PERMISSION_DENIED');
    expect(server.asked - before).toBe(2);
  });

  test('a server that is down is asked five times, then not for a while, then once', async () => {
    let time = 0;
    await kms.close();
    kms = adapterOf(server, { clock: () => time });
    await kms.createKey('k');
    server.fault = 'crashed';
    const before = server.asked;
    const codes: unknown[] = [];
    for (let call = 0; call < 8; call += 1) codes.push(await codeOf(kms.describe('k')));
    expect(codes).toEqual([
      ...Array<string>(5).fill('UNAVAILABLE'),
      ...Array<string>(3).fill('CIRCUIT_OPEN'),
    ]);
    expect(server.asked - before).toBe(5);
    time = 10_000;
    expect(await codeOf(kms.describe('k'))).toBe('UNAVAILABLE');
    expect(await codeOf(kms.describe('k'))).toBe('CIRCUIT_OPEN');
    time = 20_000;
    server.fault = null;
    expect((await kms.describe('k')).state).toBe('active');
    expect((await kms.describe('k')).state).toBe('active');
  });

  test('a server without our authority behind it is not spoken to', async () => {
    await kms.close();
    kms = adapterOf(server, { caFile: otherTls.cert });
    expect(await codeOf(kms.describe('k'))).toBe('UNAVAILABLE');
    expect(server.asked).toBe(0);
  });

  test('a server that is not there is unavailable', async () => {
    await server.stop();
    expect(await codeOf(kms.describe('k'))).toBe('UNAVAILABLE');
    server = await startVaultServer(tls);
  });

  test.for([
    { address: 'http://127.0.0.1:8200' },
    { address: 'https://user@127.0.0.1:8200' },
    { address: 'https://127.0.0.1:8200/v1' },
    { address: 'vault' },
    { mount: '../sys' },
    { mount: 'a//b' },
    { namespace: 'a\r\nx-vault-token: b' },
    { caFile: '/nowhere/ca.pem' },
    { tokenFile: '/nowhere/token' },
  ])('refuses the configuration %j', (changes) => {
    expect(() => adapterOf(server, changes)).toThrow(new KmsError('CONFIGURATION'));
  });
});

test('a circuit without a limit would never open: the negative control', () => {
  const limited = new Circuit({ failuresMax: 2, pauseMs: 10 }, () => 0);
  const unlimited = new Circuit({ failuresMax: Infinity, pauseMs: 10 }, () => 0);
  for (const circuit of [limited, unlimited]) for (let at = 0; at < 9; at += 1) circuit.failed();
  expect([limited.admits(), unlimited.admits()]).toEqual([false, true]);
});
