/**
 * An encrypted dataset from nothing, by the command line alone: a custodian in a process of its own behind mutual TLS,
 * the provider's encryption, and a question to the lab, which holds no key.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exportSigningKey, generateSigningKey } from '#crypto/ed25519-key.ts';
import type { ReceiptPayload } from '#crypto/receipt-payload.ts';
import { csvOf } from '#tests/lab/small-data.ts';

const BIN = resolve('gateway/bin.js');
const ROWS = Array.from({ length: 60 }, (_, at) => ({
  uid: at % 20,
  region: at % 3 === 0 ? 'north' : 'south',
  cost: (at * 31) % 100,
}));
const MANIFEST = {
  kind: 'Dataset',
  name: 'visits',
  source: { type: 'csv', path: 'visits.csv' },
  privacyUnit: 'uid',
  origin: 'synthetic',
  maxRows: 100,
  columns: {
    uid: { type: 'integer', role: 'unit' },
    region: { type: 'string', role: 'key', values: ['north', 'south'] },
    cost: { type: 'integer', bounds: [0, 100] },
  },
};
const POLICY = {
  kind: 'ReleasePolicy',
  mechanism: 'gaussian',
  budget: { epsilon: 8, delta: 1e-6 },
  perJob: { epsilon: 1, delta: 1e-7 },
  maxGroupsPerUnit: 2,
  jail: 'preferred',
};

const folder = mkdtempSync(join(tmpdir(), 'unseen-journey-'));
const file = (name: string): string => join(folder, name);
let serving: ChildProcess;
let url = '';

/** Runs a command line; what it printed. Its exit status is 0 unless it is to fail. */
async function unseen(...args: readonly string[]): Promise<{ stdout: string; stderr: string; code: number }> {
  const run = promisify(execFile)(process.execPath, [BIN, ...args], { cwd: folder });
  return run.then(
    ({ stdout, stderr }) => ({ stdout, stderr, code: 0 }),
    (error: { stdout: string; stderr: string; code: number }) => error,
  );
}

const ENCRYPT = [
  'encrypt',
  '--dataset',
  'visits.yaml',
  '--out',
  'visits.enc',
  '--keys',
  'public',
  '--signing-key',
  'provider.jwk',
  '--custodian-key',
  'custodian.jwk',
  '--clear',
  'region',
  '--rows-per-unit',
  '2',
  '--custodian-url',
];

async function serveCustodian(): Promise<void> {
  serving = spawn(process.execPath, [BIN, 'custodian', 'serve', '--dir', 'custodian', '--json'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await new Promise<string>((done, reject) => {
    createInterface({ input: serving.stdout! }).once('line', done);
    serving.once('exit', (code) => reject(new Error(`the custodian ended with ${code}`)));
  });
  url = (JSON.parse(line) as { url: string }).url;
}

beforeAll(async () => {
  writeFileSync(file('visits.csv'), csvOf(ROWS));
  writeFileSync(file('visits.yaml'), JSON.stringify(MANIFEST));
  writeFileSync(file('policy.yaml'), JSON.stringify(POLICY));
  const [order, provider] = [generateSigningKey(), generateSigningKey()];
  for (const [name, key] of [
    ['order-key', order],
    ['provider', provider],
  ] as const) {
    writeFileSync(file(`${name}.jwk`), JSON.stringify(exportSigningKey(key)), { mode: 0o600 });
    writeFileSync(file(`${name}.pub.jwk`), JSON.stringify(key.publicJwk));
  }
  const made = await unseen(
    'custodian',
    'init',
    '--dir',
    'custodian',
    '--platform-key',
    'order-key.pub.jwk',
    '--provider-key',
    'provider.pub.jwk',
    '--purpose',
    'public_research',
    '--port',
    '0',
    '--with-certificates',
    '--server-name',
    '127.0.0.1',
    '--host',
    '127.0.0.1',
    '--json',
  );
  writeFileSync(
    file('custodian.jwk'),
    JSON.stringify((JSON.parse(made.stdout) as { publicJwk: object }).publicJwk),
  );
  await unseen(
    'custodian',
    'keys',
    '--dir',
    'custodian',
    '--create',
    'bfv-agg-8k',
    '--out',
    'public',
    '--json',
  );
  const { stdout } = await unseen(...ENCRYPT, 'https://127.0.0.1:1');
  writeFileSync(file('printed.yaml'), stdout);
  await unseen('custodian', 'keys', '--dir', 'custodian', '--accept', 'visits.enc/manifest.jws', '--json');
  await serveCustodian();
  const dataset = JSON.parse(stdout) as { source: { custodian: object } };
  const tls = {
    ca: 'custodian/tls/ca.crt',
    cert: 'custodian/tls/client.crt',
    certKey: 'custodian/tls/client.key',
  };
  dataset.source.custodian = { ...dataset.source.custodian, ...tls, url };
  writeFileSync(file('encrypted.yaml'), JSON.stringify(dataset));
}, 60_000);
afterAll(() => {
  serving?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  readonly decision: string;
  readonly code: string | null;
  readonly notes: readonly string[];
  readonly receipt: string;
  readonly outputs: readonly {
    readonly key: { region: string };
    readonly value: number;
    readonly low: number;
    readonly high: number;
  }[];
}

async function lab(sql: string, dataset = 'encrypted.yaml'): Promise<Answer> {
  const { stdout, stderr, code } = await unseen(
    'lab',
    '--dataset',
    dataset,
    '--policy',
    'policy.yaml',
    '--sql',
    sql,
  );
  if (stdout === '') throw new Error(`${code}: ${stderr}`);
  return JSON.parse(stdout) as Answer;
}

const SQL = 'SELECT region, SUM(cost) FROM encrypted_visits GROUP BY region';

describe('encrypted from nothing', () => {
  test('the provider’s tool leaves no secret key, and no row, behind', () => {
    const files = readdirSync(file('visits.enc')).toSorted();
    expect(files).toEqual(['$rows.ct', 'cost.ct', 'manifest.jws', 'public.key', 'relin.keys']);
    expect(readdirSync(file('public')).toSorted()).toEqual(['public.key', 'relin.keys']);
    expect(statSync(file('provider.jwk')).mode & 0o077).toBe(0);
  });

  test('a question in ordinary SQL is answered, near the truth, with the provider’s word in its notes', async () => {
    const answer = await lab(SQL);
    expect(answer).toMatchObject({ decision: 'released', code: null });
    expect(answer.notes.join('\n')).toContain('the bound is the provider’s word, signed in the manifest');
    for (const { key, value, low, high } of answer.outputs) {
      const truth = ROWS.filter(({ region }) => region === key.region).reduce(
        (sum, { cost }) => sum + cost,
        0,
      );
      // Two of three rows of a unit are kept: at most a third of the sum is missing, and noise is within 7 σ (3e-12).
      const sigma = (high - low) / 4;
      expect(value).toBeGreaterThan(-7 * sigma);
      expect(value).toBeLessThan(truth + 7 * sigma);
    }
  }, 30_000);

  test('the receipt names manifest, key, custodian and order', async () => {
    const [, payload = ''] = (await lab(SQL)).receipt.split('.');
    const { encrypted } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as ReceiptPayload;
    expect(encrypted).toMatchObject({ profile: 'bfv-agg-8k', boundedBy: 'provider' });
    expect(encrypted?.keyId).toMatch(/^he-[0-9a-f]{32}$/);
    expect(readFileSync(file('custodian/journal.jsonl'), 'utf8')).toContain(encrypted!.orderDigest);
  }, 30_000);

  test('what cannot be asked is refused before anybody is', async () => {
    const before = readFileSync(file('custodian/journal.jsonl'), 'utf8');
    expect(await lab('SELECT MEDIAN(cost) FROM encrypted_visits')).toMatchObject({
      decision: 'refused',
      code: 'FUNCTION',
    });
    expect(await lab('SELECT SUM(cost) FROM encrypted_visits WHERE cost > 3')).toMatchObject({
      code: 'PREDICATE',
    });
    expect(readFileSync(file('custodian/journal.jsonl'), 'utf8')).toBe(before);
  }, 30_000);

  test('a second run is refused, but for one that goes on', async () => {
    expect(await unseen(...ENCRYPT, url)).toMatchObject({ code: 2 });
    const { stderr, code } = await unseen(...ENCRYPT, url, '--resume');
    expect([code, stderr]).toEqual([2, expect.stringContaining('ALREADY_ENCRYPTED')]);
  }, 30_000);

  test('an order of a key that the custodian does not know: a failure, nothing released', async () => {
    const dataset = JSON.parse(readFileSync(file('encrypted.yaml'), 'utf8')) as {
      source: { custodian: { orderKey: string } };
    };
    writeFileSync(file('stranger.jwk'), JSON.stringify(exportSigningKey(generateSigningKey())));
    dataset.source.custodian.orderKey = 'stranger.jwk';
    writeFileSync(file('foreign.yaml'), JSON.stringify(dataset));
    expect(await lab(SQL, 'foreign.yaml')).toMatchObject({ decision: 'failed', code: 'CUSTODIAN_REFUSED' });
  }, 30_000);

  test('a custodian that is killed is waited for: once it is back at its place, the answer comes', async () => {
    const ended = new Promise((done) => serving.once('exit', done));
    serving.kill('SIGKILL');
    await ended;
    const config = file('custodian/custodian.yaml');
    const placed = readFileSync(config, 'utf8').replace('"port": 0', `"port": ${new URL(url).port}`);
    expect(placed).toContain(new URL(url).port);
    writeFileSync(config, placed);
    const asked = lab('SELECT COUNT(*) FROM encrypted_visits');
    // Long enough for the order to meet nobody.
    await sleep(4000);
    await serveCustodian();
    expect(await asked).toMatchObject({ decision: 'released', code: null });
  }, 60_000);
});
