/** A keyring that another process replaces, and overwrites, between two steps of its reader: at exactly that moment. */
import { copyFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { createLocalKeyring, openLocalKms } from '#crypto/kms/local.ts';
import { createKeyFile } from '#crypto/kms/root-key.ts';
import type * as sealedFile from '#crypto/kms/sealed-file.ts';
import { lockDirectory } from '#gateway/storage/directory-lock.ts';
import { codeOf } from './contract.ts';

/** What happens once a reader has the file open; it then reads this. */
const between = vi.hoisted(() => ({ happens: null as (() => Uint8Array) | null }));

vi.mock('#crypto/kms/sealed-file.ts', async (original) => {
  const real = await original<typeof sealedFile>();
  const readSecretFile = (path: string): Uint8Array | null => {
    const { happens } = between;
    between.happens = null;
    return happens === null ? real.readSecretFile(path) : happens();
  };
  return { ...real, readSecretFile };
});

test('the new one is read; without a new one it is damaged', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'unseen-replaced-'));
  const [file, next] = [join(directory, 'keyring.sealed'), join(directory, 'next')];
  const keyFile = join(directory, 'root.key');
  createKeyFile(keyFile);
  createLocalKeyring({ directory, root: { keyFile } }, 1);
  const options = {
    directory,
    root: { keyFile },
    now: () => '2026-11-21T12:00:00.000Z',
    lock: lockDirectory,
  };
  const writer = openLocalKms(options);
  const reader = openLocalKms(options);
  await writer.createKey('k');
  between.happens = () => {
    copyFileSync(file, next);
    renameSync(next, file);
    return new Uint8Array(5_000);
  };
  expect((await reader.describe('k')).state).toBe('active');
  await writer.rotate('k');
  // The control: nothing took its place.
  between.happens = () => new Uint8Array(5_000);
  expect(await codeOf(reader.describe('k'))).toBe('STORE_DAMAGED');
  expect((await reader.describe('k')).latestVersion).toBe(2);
  writeFileSync(file, 'x');
  expect(await codeOf(reader.describe('k'))).toBe('STORE_DAMAGED');
  await reader.close();
  await writer.close();
  rmSync(directory, { recursive: true });
});
