/** A key store of its own for a test: a local keyring in a new directory, and a file sealed under a key of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keyRelease } from '#gateway/keys/key-release.ts';
import { type KeysConfig, readKeysConfig } from '#gateway/keys/keys-file.ts';
import { LazyKms, prepareKms } from '#gateway/keys/open-kms.ts';
import { sealFile } from '#gateway/keys/sealed-file.ts';
import type { KmsAdapter } from '#crypto/kms/adapter.ts';
import type { KeyRelease } from '#gateway/runner/sources.ts';

export interface KeyPlace {
  readonly directory: string;
  readonly config: KeysConfig;
  readonly kms: KmsAdapter;
  /** As a runner holds it. */
  readonly lazy: LazyKms;
  readonly keys: KeyRelease;
  /** Seals a file of the dataset `steps` under a key that is made if need be; the path of the envelope. */
  seal(file: string, key?: string): Promise<string>;
  close(): Promise<void>;
}

export async function keyPlace(): Promise<KeyPlace> {
  const directory = mkdtempSync(join(tmpdir(), 'unseen-keys-'));
  const config = readKeysConfig(directory, undefined);
  await prepareKms(config);
  const lazy = new LazyKms(config);
  const kms = await lazy.get();
  return {
    directory,
    config,
    kms,
    lazy,
    keys: keyRelease(lazy),
    seal: async (file, key = 'steps') => {
      if (!(await kms.list()).includes(key)) await kms.createKey(key);
      const out = `${file}.${key}.sealed`;
      await sealFile(kms, { file, out, key, dataset: 'steps', lineage: 'steps', suite: config.suite });
      return out;
    },
    close: async () => {
      await lazy.close();
      rmSync(directory, { recursive: true });
    },
  };
}
