/** `unseen verify`: from files alone, naming the first thing that does not hold. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generateSigningKey } from '#crypto/ed25519-key.ts';
import { issueReceipt } from '#crypto/receipt.ts';
import { CELLS, logOf, RELEASED, SALT } from '#tests/crypto/sample-receipt.ts';
import { commandLine, type Ended } from './captured-terminal.ts';

const line = commandLine();
const key = generateSigningKey();
const own = generateSigningKey();
const path = (name: string): string => join(line.directory, name);
const write = (name: string, text: string): void => writeFileSync(path(name), text);
const verify = (...args: string[]): Promise<Ended> =>
  line.run(['verify', ...args.map((arg) => (arg.startsWith('--') || arg === '-' ? arg : path(arg)))]);

beforeAll(async () => {
  const receipts = await Promise.all(
    [0, 1, 2].map((at) => issueReceipt({ ...RELEASED, jobId: `job-${at}` }, key, { embedKey: false })),
  );
  const log = logOf(receipts);
  const receipt = receipts[1] ?? '';
  const [header = '', payload = '', signature = ''] = receipt.split('.');
  const altered = Buffer.from(payload, 'base64url').toString().replace('"nano":"7"', '"nano":"6"');
  write('receipt.jwt', `${receipt}\n`);
  write('altered.jwt', [header, Buffer.from(altered).toString('base64url'), signature].join('.'));
  // Of 86 characters of base64url 68 are left, 51 whole bytes: well formed still, but too short a signature.
  write('truncated.jwt', receipt.slice(0, -18));
  write('ragged.jwt', receipt.slice(0, -1));
  write('cut.jwt', `${header}.${payload}`);
  write('lab.jwt', await issueReceipt(RELEASED, own, { embedKey: true }));
  write(
    'jwks.json',
    JSON.stringify({
      keys: [
        { kty: 'EC', crv: 'P-256' },
        { ...key.publicJwk, kid: key.kid },
      ],
    }),
  );
  write('one.json', JSON.stringify(key.publicJwk));
  write('foreign.json', JSON.stringify({ keys: [generateSigningKey().publicJwk] }));
  write('none.json', JSON.stringify({ keys: [{ kty: 'RSA' }] }));
  write('proof.txt', log.proofOf(1, 3));
  write('other-proof.txt', log.proofOf(2, 3));
  write('log.key', `${log.logKey}\n`);
  write('other-log.key', logOf([]).logKey);
  write('answer.json', JSON.stringify({ decision: 'released', salt: SALT, cells: CELLS, outputs: [] }));
  write('other-answer.json', JSON.stringify({ salt: SALT, cells: [] }));
});
afterAll(() => line.remove());

const ALL = [
  '--keys',
  'jwks.json',
  '--proof',
  'proof.txt',
  '--log-key',
  'log.key',
  '--answer',
  'answer.json',
];

test('a receipt with key, proof and answer is valid', async () => {
  const { code, out, err } = await verify('receipt.jwt', ...ALL);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out.split('\n')[0]).toBe('Valid: everything that could be checked holds.');
  expect(out).toMatch(/\+ +inclusion +The receipt is in the log/);
  expect(out).toMatch(/JOB +job-1/);
});

test('a single public key does as well as a set', async () => {
  expect((await verify('receipt.jwt', '--keys', 'one.json')).code).toBe(0);
});

test.for([
  { args: ['altered.jwt', ...ALL], check: 'signature', code: 'SIGNATURE_INVALID' },
  { args: ['truncated.jwt', ...ALL], check: 'signature', code: 'SIGNATURE_INVALID' },
  { args: ['ragged.jwt', ...ALL], check: 'form', code: 'JWS_MALFORMED' },
  { args: ['cut.jwt', ...ALL], check: 'form', code: 'JWS_MALFORMED' },
  { args: ['receipt.jwt', '--keys', 'foreign.json'], check: 'key', code: 'KEY_UNKNOWN' },
  { args: ['receipt.jwt'], check: 'key', code: 'KEY_UNKNOWN' },
  { args: ['receipt.jwt', ...ALL, '--proof', 'other-proof.txt'], check: 'inclusion', code: 'NOT_INCLUDED' },
  { args: ['receipt.jwt', ...ALL, '--proof', 'receipt.jwt'], check: 'proof', code: 'PROOF_MALFORMED' },
  {
    args: ['receipt.jwt', ...ALL, '--log-key', 'other-log.key'],
    check: 'checkpoint',
    code: 'NOTE_NOT_SIGNED',
  },
  {
    args: ['receipt.jwt', ...ALL, '--answer', 'other-answer.json'],
    check: 'output',
    code: 'OUTPUT_MISMATCH',
  },
])('$args does not hold at $check', async ({ args, check, code }) => {
  const human = await verify(...args);
  expect(human.code).toBe(5);
  expect(human.out).toMatch(/^Not valid\.\n.+\n/);
  const json = await verify(...args, '--json');
  const value = JSON.parse(json.out) as { failed: { name: string; code: string; message: string } };
  expect(json.code).toBe(5);
  expect(value).toMatchObject({ verdict: 'invalid', valid: false });
  expect(value.failed).toMatchObject({ name: check, code });
  expect(human.out.split('\n')[1]).toBe(value.failed.message);
});

test('a receipt of the lab is intact, but signed by a key that nobody pinned', async () => {
  const { code, out } = await verify('lab.jwt');
  expect(code).toBe(6);
  expect(out).toContain(`signed by key ${own.kid}, not pinned`);
  expect(out).not.toMatch(/^Valid/);
});

test('a proof without a log key leaves the place in the log unanchored', async () => {
  const { code } = await verify('receipt.jwt', '--keys', 'jwks.json', '--proof', 'proof.txt');
  expect(code).toBe(6);
});

test.for([
  { args: ['absent.jwt'], says: 'cannot be read' },
  { args: ['receipt.jwt', '--keys', 'none.json'], says: 'holds no key of receipts' },
  { args: ['receipt.jwt', '--keys', 'receipt.jwt'], says: 'is not JSON' },
  { args: ['receipt.jwt', '--answer', 'jwks.json'], says: 'is not an answer' },
])('$args is a wrong argument and not a verdict', async ({ args, says }) => {
  const { code, err, out } = await verify(...args);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toContain(says);
});

test('the verdict is Chinese for those who read Chinese, and JSON has the same shape', async () => {
  const { out } = await line.run(['verify', path('altered.jwt'), '--keys', path('jwks.json')], {
    language: 'zh',
  });
  expect(out).toMatch(/^无效。\n签名无效/);
  const { value } = await line.json(['verify', path('receipt.jwt'), '--keys', path('jwks.json')], {
    language: 'zh',
  });
  expect(Object.keys(value as object)).toEqual([
    'verdict',
    'valid',
    'message',
    'failed',
    'checks',
    'payload',
  ]);
});

test('a receipt is read from standard input as well', async () => {
  const input = async (): Promise<string> => readFileSync(path('receipt.jwt'), 'utf8');
  const { code } = await line.run(['verify', '-', '--keys', path('jwks.json')], { input });
  expect(code).toBe(0);
});

// The terminal of these tests has no fetch that works; here the real process has a profile of a server that is not
// there, and no name service.
test('verification asks nobody: it holds with a dead server in the profile and with fetch taken away', () => {
  mkdirSync(join(line.directory, 'unseen', 'profiles'), { recursive: true });
  write(
    'unseen/profiles/default.json',
    '{"url":"http://192.0.2.1:1","runnerUrl":null,"issuer":"x","account":"x"}',
  );
  write(
    'no-network.mjs',
    `import net from 'node:net';
     import dns from 'node:dns';
     const stop = () => { process.stderr.write('went to the network'); process.exit(9); };
     globalThis.fetch = stop; net.Socket.prototype.connect = stop; dns.lookup = stop;`,
  );
  const run = (args: readonly string[]) =>
    spawnSync(process.execPath, ['--import', path('no-network.mjs'), resolve('gateway/bin.js'), ...args], {
      encoding: 'utf8',
      env: { PATH: '/usr/bin', XDG_CONFIG_HOME: line.directory },
    });
  const files = ALL.map((arg) => (arg.startsWith('--') ? arg : path(arg)));
  expect(run(['verify', path('receipt.jwt'), ...files])).toMatchObject({ status: 0, stderr: '' });
  // The same trap catches a verb that does ask.
  write(
    'unseen/profiles/default.key',
    JSON.stringify({ ...own.publicJwk, ...own.privateKey.export({ format: 'jwk' }) }),
  );
  spawnSync('chmod', ['600', path('unseen/profiles/default.key')]);
  expect(run(['whoami'])).toMatchObject({ status: 9, stderr: 'went to the network' });
});
