/** Profiles: private keys stay private, on disk and on the screen, and go to the server they are for. */
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { exportSigningKey, generateSigningKey } from '#crypto/ed25519-key.ts';
import { configDirectory } from '#gateway/config.ts';
import { type CommandLine, commandLine } from './captured-terminal.ts';

let line: CommandLine;
beforeEach(() => {
  line = commandLine();
});
afterEach(() => line.remove());

const LOCAL = ['--url', 'http://127.0.0.1:7788', '--account', 'ana'];
const profiles = (): string => join(line.directory, 'config', 'profiles');
const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

test('a new key is kept for its owner alone, and only its public half is printed', async () => {
  const { code, out, err } = await line.run(['login', ...LOCAL, '--new-key']);
  expect(code).toBe(0);
  const stored = JSON.parse(readFileSync(join(profiles(), 'default.key'), 'utf8')) as {
    x: string;
    d: string;
  };
  expect(JSON.parse(out)).toEqual({ kty: 'OKP', crv: 'Ed25519', x: stored.x });
  expect(out + err).not.toContain(stored.d);
  expect(modeOf(profiles())).toBe('700');
  expect(readdirSync(profiles()).map((file) => modeOf(join(profiles(), file)))).toEqual([
    '600',
    '600',
    '600',
  ]);
});

test('no verb prints a private key, with --json neither', async () => {
  const { value } = await line.json(['login', ...LOCAL, '--new-key']);
  const { d } = JSON.parse(readFileSync(join(profiles(), 'default.key'), 'utf8')) as { d: string };
  expect(JSON.stringify(value)).not.toContain(d);
  expect(value).toMatchObject({ profile: 'default', runnerUrl: 'http://127.0.0.1:7789' });
});

test('a key that others can read is not used', async () => {
  await line.run(['login', ...LOCAL, '--new-key']);
  chmodSync(join(profiles(), 'default.key'), 0o640);
  const { code, err } = await line.run(['whoami']);
  expect(code).toBe(2);
  expect(err).toContain('can be read by others');
});

test('a profile is not overwritten, because its key may be the only copy', async () => {
  await line.run(['login', ...LOCAL, '--new-key']);
  const before = readFileSync(join(profiles(), 'default.key'), 'utf8');
  const { code, err } = await line.run(['login', ...LOCAL, '--new-key']);
  expect(code).toBe(2);
  expect(err).toContain('profile `default` exists');
  expect(readFileSync(join(profiles(), 'default.key'), 'utf8')).toBe(before);
});

test('the last profile made is the current one; logout removes it with its key', async () => {
  await line.run(['login', ...LOCAL, '--new-key', '--profile', 'one']);
  await line.run(['login', ...LOCAL, '--new-key'], { profile: 'two' });
  expect((await line.run(['logout'])).out).toContain('`two`');
  expect(readdirSync(profiles()).sort()).toEqual(['one.json', 'one.key']);
  expect((await line.run(['logout'])).code).toBe(2);
  expect((await line.run(['logout', '--profile', 'one'])).code).toBe(0);
  expect(readdirSync(profiles())).toEqual([]);
});

test.for([
  ['http://data.example.org', 'is not encrypted'],
  ['http://127.0.0.1.example.org', 'is not encrypted'],
  ['ftp://127.0.0.1', 'is no address'],
  ['data.example.org', 'is no address'],
  ['https://ana:secret@data.example.org', 'is no address'],
])('%s is not spoken to: %s', async ([url = '', says = '']) => {
  const { code, err } = await line.run(['login', '--url', url, '--account', 'ana', '--new-key']);
  expect(code).toBe(2);
  expect(err).toContain(says);
  expect(existsSync(profiles())).toBe(false);
});

test('--allow-http speaks to another machine without encryption', async () => {
  const url = 'http://gateway.internal:7788/';
  const { value } = await line.json(['login', '--url', url, '--account', 'ana', '--new-key', '--allow-http']);
  expect(value).toMatchObject({ url: 'http://gateway.internal:7788', runnerUrl: null });
});

test('a key that the server does not take is not kept', async () => {
  const file = join(line.directory, 'ana.pem');
  const { privateKey } = generateKeyPairSync('ed25519');
  writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const refusing: typeof fetch = async () => Response.json({ error: 'invalid_client' }, { status: 401 });
  const { code, err } = await line.run(['login', ...LOCAL, '--key', file], { fetch: refusing });
  expect(code).toBe(4);
  expect(err).toContain('the server does not know this account with this key');
  expect(existsSync(profiles())).toBe(false);
});

test.for([
  ['no key', 'not a key'],
  ['{"kty":"OKP","crv":"Ed25519","x":"AA"}', 'a public key'],
  [
    generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
    'RSA',
  ],
])('a key file that holds none of ours is refused', async ([text]) => {
  const file = join(line.directory, 'bad.key');
  writeFileSync(file, text as string);
  const { code, err } = await line.run(['login', ...LOCAL, '--key', file]);
  expect(code).toBe(2);
  expect(err).toContain('holds no usable Ed25519 key');
});

test('a private key is refused before it is sent as the key of an account', async () => {
  await line.run(['login', ...LOCAL, '--new-key']);
  const file = join(line.directory, 'ana.jwk');
  writeFileSync(file, JSON.stringify(exportSigningKey(generateSigningKey())));
  const args = ['account', 'create', 'ana', '--organisation', 'lab', '--role', 'buyer', '--public-key', file];
  const { code, err } = await line.run(args);
  expect(code).toBe(2);
  expect(err).toContain('holds a private key');
});

test('a new key for an account goes into a new file only', async () => {
  await line.run(['login', ...LOCAL, '--new-key']);
  const file = join(line.directory, 'bot.key');
  writeFileSync(file, 'kept');
  const args = ['account', 'create', 'bot', '--organisation', 'lab', '--role', 'buyer', '--new-key', file];
  const { code } = await line.run(args);
  expect(code).toBe(2);
  expect(readFileSync(file, 'utf8')).toBe('kept');
  expect(readdirSync(line.directory).sort()).toEqual(['bot.key', 'config']);
});

test.for([
  [{ XDG_CONFIG_HOME: '/etc/xdg' }, '/etc/xdg/unseen'],
  [{ XDG_CONFIG_HOME: 'relative' }, '.config/unseen'],
  [{}, '.config/unseen'],
] as const)('the configuration directory for %j ends in %s', ([environment, end]) => {
  expect(configDirectory(environment)).toMatch(new RegExp(`${end}$`));
});
