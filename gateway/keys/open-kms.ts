/**
 * Opens the key service that keys.yaml names: for tools at once, for a runner when a sealed source is opened.
 *
 * Guarantee: a keyring is made only where somebody makes a key (`unseen key create`), never by a runner.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { KmsAdapter } from '#crypto/kms/adapter.ts';
import { createLocalKeyring, openLocalKms } from '#crypto/kms/local.ts';
import { openVaultKms } from '#crypto/kms/vault.ts';
import { createKeyFile, type RootSecret } from '#crypto/kms/root-key.ts';
import { lockDirectory } from '../storage/directory-lock.ts';
import { withKeyFaults } from './key-faults.ts';
import { type KeysConfig, readPassphrase } from './keys-file.ts';

/** The key service. Failure CONFIG when it is not set up, with the code of what is wrong. */
export function openKms(config: KeysConfig): Promise<KmsAdapter> {
  return withKeyFaults({ key: '' }, openLater(config));
}

/** Makes the keyring of a local key service where there is none; a remote one makes its own. */
export function prepareKms(config: KeysConfig): Promise<void> {
  return withKeyFaults({ key: '' }, prepareLater(config));
}

async function openLater({ service }: KeysConfig): Promise<KmsAdapter> {
  const now = (): string => new Date().toISOString();
  if (service.kind === 'vault') return openVaultKms({ ...service, now, clock: () => performance.now() });
  const { directory, root } = service;
  const secret = secretOf(root);
  try {
    return openLocalKms({ directory, root: secret, now, lock: lockDirectory });
  } finally {
    wipe(secret);
  }
}

async function prepareLater({ service, suite }: KeysConfig): Promise<void> {
  if (service.kind === 'vault' || existsSync(join(service.directory, 'keyring.sealed'))) return;
  const { directory, root } = service;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if ('keyFile' in root && !existsSync(root.keyFile)) {
    mkdirSync(dirname(root.keyFile), { recursive: true, mode: 0o700 });
    createKeyFile(root.keyFile);
  }
  const secret = secretOf(root);
  try {
    createLocalKeyring({ directory, root: secret }, suite);
  } finally {
    wipe(secret);
  }
}

type Root = Extract<KeysConfig['service'], { kind: 'local' }>['root'];

function secretOf(root: Root): RootSecret {
  return 'keyFile' in root ? root : { passphrase: readPassphrase(root.passphraseFile) };
}

function wipe(secret: RootSecret): void {
  if ('passphrase' in secret) secret.passphrase.fill(0);
}

/** A key service that is opened at its first use, and again after it could not be. */
export class LazyKms {
  readonly #config: KeysConfig;
  #opened: Promise<KmsAdapter> | null = null;

  constructor(config: KeysConfig) {
    this.#config = config;
  }

  get config(): KeysConfig {
    return this.#config;
  }

  /** Failure CONFIG, as `openKms`. */
  get(): Promise<KmsAdapter> {
    if (this.#opened === null) {
      const opened = openKms(this.#config);
      opened.catch(() => {
        this.#opened = null;
      });
      this.#opened = opened;
    }
    return this.#opened;
  }

  async close(): Promise<void> {
    const opened = await this.#opened?.catch(() => null);
    await opened?.close();
  }
}
