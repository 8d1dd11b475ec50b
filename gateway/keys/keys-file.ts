/**
 * keys.yaml: where the key-encryption keys of sealed data are kept, and how long a destruction waits.
 *
 * One file for runner, lab and command line. Without it keys are in a sealed file in the data directory, under a root
 * key in a file beside it: enough for a trial, and no protection against whoever has the whole directory.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import * as z from 'zod';
import type { SuiteNumber } from '#crypto/at-rest/suites.ts';
import type { VaultOptions } from '#crypto/kms/vault-client.ts';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { parseManifestText, readManifestText } from '#sandbox/manifest/manifest-text.ts';
import { checkAgainst } from '#sandbox/manifest/schema-check.ts';
import { cryptoProfileOfEnvironment, keysFileOfEnvironment } from '../config.ts';

const DAY_MS = 86_400_000;
const WAIT_DAYS = 7;
/** What is sealed with where keys.yaml does not say. */
const CIPHERS = { international: 'aes-256-gcm', sm: 'sm4-gcm' } as const;
const WAIT_DAYS_MAX = 365;

const place = z.string().min(1, { error: 'manifest.emptyText' });

const schema = z.strictObject({
  kind: z.literal('Keys'),
  service: z.enum(['local', 'vault']),
  local: z
    .strictObject({
      directory: place.optional(),
      rootKey: place.optional(),
      passphraseFile: place.optional(),
    })
    .optional(),
  vault: z
    .strictObject({
      address: z.string().startsWith('https://'),
      caFile: place,
      tokenFile: place,
      mount: place.optional(),
      namespace: place.optional(),
      timeoutMs: z.int().min(100).max(60_000).optional(),
    })
    .optional(),
  cipher: z.enum(['aes-256-gcm', 'sm4-gcm']).optional(),
  destruction: z.strictObject({ waitDays: z.number().min(0).max(WAIT_DAYS_MAX) }).optional(),
});

/** Where the root of a local keyring comes from. */
export type RootPlace = { readonly keyFile: string } | { readonly passphraseFile: string };

/** keys.yaml with its defaults; paths are absolute. */
export interface KeysConfig {
  readonly service:
    | { readonly kind: 'local'; readonly directory: string; readonly root: RootPlace }
    | ({ readonly kind: 'vault' } & Omit<VaultOptions, 'clock'>);
  readonly suite: SuiteNumber;
  /** From the approval of a destruction to the destruction. */
  readonly waitMs: number;
}

/** Reads the configuration of a data directory. Failure CONFIG that names file, field and rule. */
export function readKeysConfig(dataDir: string, stated = keysFileOfEnvironment()): KeysConfig {
  const file = stated ?? join(dataDir, 'keys.yaml');
  if (stated === undefined && !existsSync(file)) return configOf({ kind: 'Keys', service: 'local' }, dataDir);
  const value = parseManifestText(readManifestText(file), file);
  return configOf(checkAgainst(schema, value, file), dirname(resolve(file)), dataDir);
}

function configOf(stated: z.infer<typeof schema>, base: string, dataDir = base): KeysConfig {
  return {
    service: stated.service === 'vault' ? vaultOf(stated, base) : localOf(stated, base, dataDir),
    suite: (stated.cipher ?? CIPHERS[cryptoProfileOfEnvironment()]) === 'sm4-gcm' ? 2 : 1,
    waitMs: Math.round((stated.destruction?.waitDays ?? WAIT_DAYS) * DAY_MS),
  };
}

function localOf({ local }: z.infer<typeof schema>, base: string, dataDir: string): KeysConfig['service'] {
  if (local?.rootKey !== undefined && local.passphraseFile !== undefined)
    throw new Failure('CONFIG', say('keys.oneRoot'));
  const directory =
    local?.directory === undefined ? join(resolve(dataDir), 'keyring') : resolve(base, local.directory);
  const root =
    local?.passphraseFile !== undefined
      ? { passphraseFile: resolve(base, local.passphraseFile) }
      : { keyFile: resolve(base, local?.rootKey ?? join(resolve(dataDir), 'keys', 'keyring-root.key')) };
  return { kind: 'local', directory, root };
}

function vaultOf({ vault }: z.infer<typeof schema>, base: string): KeysConfig['service'] {
  if (vault === undefined) throw new Failure('CONFIG', say('keys.noVault'));
  const { address, caFile, tokenFile, mount, namespace, timeoutMs } = vault;
  return {
    kind: 'vault',
    address,
    caFile: resolve(base, caFile),
    tokenFile: resolve(base, tokenFile),
    ...(mount !== undefined && { mount }),
    ...(namespace !== undefined && { namespace }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  };
}

/** A passphrase from a file that only its owner may read, without its last line end. Failure CONFIG. */
export function readPassphrase(file: string): Uint8Array {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found?.isFile()) throw new Failure('CONFIG', say('cli.fileUnreadable', { file }));
  if ((found.mode & 0o077) !== 0) throw new Failure('CONFIG', say('cli.keyExposed', { file }));
  const bytes = readFileSync(file);
  return bytes.at(-1) === 0x0a ? bytes.subarray(0, -1) : bytes;
}
