/** The sealed file: the contract, its root, its files, and what a kill, a second process or a stranger can do to it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readHead, renderHead } from '#crypto/at-rest/envelope-head.ts';
import { KmsError } from '#crypto/kms/adapter.ts';
import { emptyKeyring, materialOf, parseKeyring, renderKeyring, withNewKey } from '#crypto/kms/keyring.ts';
import { withNewVersion, withoutBefore } from '#crypto/kms/keyring.ts';
import { createLocalKeyring, type LocalKmsOptions, openLocalKms } from '#crypto/kms/local.ts';
import { createKeyFile, type RootSecret } from '#crypto/kms/root-key.ts';
import { lockDirectory } from '#gateway/storage/directory-lock.ts';
import { codeOf, kmsContract } from './contract.ts';

const CONTEXT = { dataset: 'visits', version: '3' };
const PASSPHRASE: RootSecret = { passphrase: Buffer.from('correct horse battery staple') };
const NOW = '2026-11-21T12:00:00.000Z';

let base: string;
let directory: string;
let keyFile: string;

function newBase(): void {
  base = mkdtempSync(join(tmpdir(), 'unseen-keyring-'));
  directory = mkdtempSync(join(base, 'ring-'));
  keyFile = join(base, 'root.key');
  createKeyFile(keyFile);
}

function optionsOf(changes: Partial<LocalKmsOptions> = {}): LocalKmsOptions {
  return { directory, root: { keyFile }, now: () => NOW, lock: lockDirectory, ...changes };
}

kmsContract('the sealed file', {
  destroyed: 'KEY_DESTROYED',
  world: async () => {
    newBase();
    createLocalKeyring({ directory, root: { keyFile } }, 1);
    return {
      open: () => openLocalKms(optionsOf()),
      end: async () => {
        rmSync(base, { recursive: true });
      },
    };
  },
});

kmsContract('the sealed file of suite 2', {
  destroyed: 'KEY_DESTROYED',
  algorithm: 'SM4-GCM',
  world: async () => {
    newBase();
    createLocalKeyring({ directory, root: { keyFile } }, 2);
    return {
      open: () => openLocalKms(optionsOf()),
      end: async () => {
        rmSync(base, { recursive: true });
      },
    };
  },
});

describe('the sealed file', () => {
  beforeEach(newBase);
  afterEach(() => {
    rmSync(base, { recursive: true, force: true });
  });

  const file = (): string => join(directory, 'keyring.sealed');
  const opening = (changes: Partial<LocalKmsOptions> = {}) => {
    return () => openLocalKms(optionsOf(changes));
  };

  test('opens with its passphrase alone', async () => {
    createLocalKeyring({ directory, root: PASSPHRASE }, 1);
    const kms = openLocalKms(optionsOf({ root: PASSPHRASE }));
    await kms.createKey('k');
    const { wrapped } = await kms.generateDataKey('k', CONTEXT, 32);
    await kms.close();
    const again = openLocalKms(optionsOf({ root: PASSPHRASE }));
    expect(await again.unwrap(wrapped, CONTEXT)).toHaveLength(32);
    await again.close();
    const other = { passphrase: Buffer.from('correct horse battery stable') };
    expect(opening({ root: other })).toThrow(new KmsError('ROOT_REFUSED'));
    expect(opening()).toThrow(new KmsError('ROOT_REFUSED'));
  });

  test('opens with its key file alone, which must be its owner’s', () => {
    createLocalKeyring({ directory, root: { keyFile } }, 1);
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    const other = join(base, 'other.key');
    createKeyFile(other);
    expect(opening({ root: { keyFile: other } })).toThrow(new KmsError('ROOT_REFUSED'));
    expect(opening({ root: PASSPHRASE })).toThrow(new KmsError('ROOT_REFUSED'));
    symlinkSync(keyFile, join(base, 'link.key'));
    writeFileSync(join(base, 'short.key'), 'x', { mode: 0o600 });
    for (const name of ['link.key', 'short.key', 'absent.key']) {
      expect(opening({ root: { keyFile: join(base, name) } })).toThrow(new KmsError('KEY_FILE_UNSAFE'));
    }
    chmodSync(keyFile, 0o640);
    expect(opening()).toThrow(new KmsError('KEY_FILE_UNSAFE'));
    expect(() => {
      createKeyFile(keyFile);
    }).toThrow(new KmsError('KEY_FILE_UNSAFE'));
  });

  test('is made once, from a passphrase that is not short, and only of a suite that is there', () => {
    expect(opening()).toThrow(new KmsError('STORE_MISSING'));
    const short = { passphrase: Buffer.from('12345678901') };
    expect(() => {
      createLocalKeyring({ directory, root: short }, 1);
    }).toThrow(new KmsError('PASSPHRASE_SHORT'));
    createLocalKeyring({ directory, root: { keyFile } }, 1);
    expect(() => {
      createLocalKeyring({ directory, root: { keyFile } }, 1);
    }).toThrow(new KmsError('STORE_EXISTS'));
  });

  test('is refused with any bit changed, cut off, prolonged or readable by others', async () => {
    createLocalKeyring({ directory, root: { keyFile } }, 1);
    const kms = openLocalKms(optionsOf());
    await kms.createKey('k');
    await kms.close();
    const whole = readFileSync(file());
    const tried = [
      whole.subarray(0, -1),
      whole.subarray(0, 100),
      Buffer.alloc(0),
      Buffer.concat([whole, whole]),
    ];
    for (let at = 0; at < whole.length; at += at > 200 && at < 4_200 ? 97 : 1) {
      const flipped = Buffer.from(whole);
      flipped[at]! ^= 1 << (at % 8);
      tried.push(flipped);
    }
    for (const bytes of tried) {
      writeFileSync(file(), bytes);
      expect(opening()).toThrow(/^(STORE_DAMAGED|ROOT_REFUSED)$/);
    }
    writeFileSync(file(), whole);
    openLocalKms(optionsOf());
    chmodSync(file(), 0o644);
    expect(opening()).toThrow(new KmsError('STORE_DAMAGED'));
  });

  test.for([
    { memoryKiB: '1048577' },
    { memoryKiB: '31' },
    { passes: '17' },
    { lanes: '17' },
    { lanes: '0' },
    { salt: '' },
  ])('a head that asks for work outside our limits is refused before any of it: %j', (cost) => {
    createLocalKeyring({ directory, root: PASSPHRASE }, 1);
    const whole = readFileSync(file());
    const { bytes, object, ...head } = readHead(whole);
    const hostile = { ...head, object: { ...object, context: { ...object.context, ...cost } } };
    writeFileSync(file(), Buffer.concat([renderHead(hostile), whole.subarray(bytes)]));
    const started = performance.now();
    expect(opening({ root: PASSPHRASE })).toThrow(new KmsError('ROOT_REFUSED'));
    expect(performance.now() - started).toBeLessThan(100);
  });

  test('an older copy put back under a running process is refused', async () => {
    createLocalKeyring({ directory, root: { keyFile } }, 1);
    const kms = openLocalKms(optionsOf());
    await kms.createKey('k');
    const { wrapped } = await kms.generateDataKey('k', CONTEXT, 32);
    copyFileSync(file(), join(base, 'old'));
    await kms.destroy('k');
    copyFileSync(join(base, 'old'), file());
    expect(await codeOf(kms.unwrap(wrapped, CONTEXT))).toBe('STORE_DAMAGED');
    rmSync(file());
    expect(await codeOf(kms.unwrap(wrapped, CONTEXT))).toBe('STORE_MISSING');
    expect(await kms.health()).toEqual({ ok: false, code: 'STORE_MISSING' });
  });

  test('another process that holds the lock makes it busy, and nothing is changed', async () => {
    createLocalKeyring({ directory, root: { keyFile } }, 1);
    const before = readFileSync(file());
    const lock = await lockDirectory(directory, { waitMs: 0 });
    const impatient = (path: string): ReturnType<typeof lockDirectory> => lockDirectory(path, { waitMs: 50 });
    const kms = openLocalKms(optionsOf({ lock: impatient }));
    expect(await codeOf(kms.createKey('k'))).toBe('STORE_BUSY');
    expect(readFileSync(file())).toEqual(before);
    await lock.release();
    expect((await kms.createKey('k')).state).toBe('active');
    await kms.close();
  });

  test('a directory that cannot be written leaves the keyring as it was', async () => {
    createLocalKeyring({ directory, root: { keyFile } }, 1);
    const noLock = async (): Promise<{ release(): Promise<void> }> => ({ release: async () => {} });
    const kms = openLocalKms(optionsOf({ lock: noLock }));
    // A draft that cannot be removed or made, whoever runs the test.
    mkdirSync(join(directory, 'keyring.sealed.new'));
    expect(await codeOf(kms.createKey('k'))).toBe('STORE_UNWRITABLE');
    expect(await codeOf(kms.describe('k'))).toBe('KEY_UNKNOWN');
    await kms.close();
  });

  test('every version promised before a kill -9 is there after it, eight times', async () => {
    createLocalKeyring({ directory, root: { keyFile } }, 1);
    const first = openLocalKms(optionsOf());
    await first.createKey('k');
    const { wrapped, plaintext } = await first.generateDataKey('k', CONTEXT, 32);
    await first.close();
    const writer = fileURLToPath(new URL('./local-writer.ts', import.meta.url));
    let least = 1;
    for (let round = 0; round < 8; round += 1) {
      const child = spawn(process.execPath, [writer, directory, keyFile], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let told = '';
      child.stdout.on('data', (part: Buffer) => (told += part.toString()));
      await once(child.stdout, 'data');
      await new Promise((resolve) => {
        setTimeout(resolve, 3 + 7 * round);
      });
      child.kill('SIGKILL');
      await once(child, 'close');
      const kms = openLocalKms(optionsOf());
      const promised = Number(told.slice(0, told.lastIndexOf('\n')).split('\n').at(-1));
      const { latestVersion } = await kms.describe('k');
      expect(promised).toBeGreaterThan(least);
      expect([promised, promised + 1]).toContain(latestVersion);
      expect(Buffer.from(await kms.unwrap(wrapped, CONTEXT))).toEqual(Buffer.from(plaintext));
      // A dead process's lock and draft are in nobody's way.
      least = (await kms.rotate('k')).latestVersion;
      await kms.close();
    }
    expect(readdirSync(directory).filter((name) => !name.startsWith('lock'))).toEqual(['keyring.sealed']);
  }, 30_000);

  test('what stands where an old file was is not readable through it', async () => {
    createLocalKeyring({ directory, root: { keyFile } }, 1);
    const kms = openLocalKms(optionsOf());
    const old = openSync(file(), 'r');
    await kms.createKey('k');
    const bytes = Buffer.alloc(8_192, 1);
    const length = readSync(old, bytes, 0, bytes.length, 0);
    closeSync(old);
    expect(length).toBeGreaterThan(4_096);
    expect(bytes.subarray(0, length).every((byte) => byte === 0)).toBe(true);
    expect(existsSync(file())).toBe(true);
    await kms.close();
  });
});

describe('a keyring', () => {
  const ring = withNewVersion(withNewKey(emptyKeyring(1), 'k', NOW), 'k', NOW);

  test('is read as it was written', () => {
    expect(parseKeyring(renderKeyring(ring))).toEqual(ring);
  });

  test('holds material as long as it is not destroyed, and not a byte of it afterwards', () => {
    const [first, second] = [materialOf(ring, 'k', 1), materialOf(ring, 'k', 2)].map((bytes) =>
      Buffer.from(bytes),
    );
    const before = Buffer.from(renderKeyring(ring));
    // The search finds what is there: the negative control.
    expect([before.includes(first!), before.includes(second!)]).toEqual([true, true]);
    const { ring: after, record } = withoutBefore(ring, 'k', 2, NOW);
    const bytes = Buffer.from(renderKeyring(after));
    expect([bytes.includes(first!), bytes.includes(second!)]).toEqual([false, true]);
    expect(record.versions).toEqual([
      { version: 1, createdAt: NOW, fingerprint: expect.stringMatching(/^[0-9a-f]{32}$/) },
    ]);
    expect(JSON.stringify(record)).not.toContain(first!.toString('hex').slice(0, 16));
  });

  test('of another form is damaged', () => {
    const bytes = Buffer.from(renderKeyring(ring));
    for (const other of [
      bytes.subarray(0, 3),
      bytes.subarray(0, -1),
      Buffer.concat([bytes, Buffer.alloc(1)]),
    ]) {
      expect(() => parseKeyring(other)).toThrow(new KmsError('STORE_DAMAGED'));
    }
  });
});
