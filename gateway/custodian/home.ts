/**
 * A custodian's directory: made once, opened by one process at a time.
 *
 * | file | what it is |
 * |---|---|
 * | `custodian.yaml` | config-file.ts |
 * | `attestation-key.jwk`, `log-key.jwk` | the custodian's own signing keys, 0600 |
 * | `keys/` | sealed secret keys (key-store.ts), whose data keys keys.yaml's service wraps |
 * | `manifests/` | signed manifests of encrypted datasets (datasets.ts) |
 * | `journal.jsonl`, `checkpoint.txt` | what was asked and answered (journal.ts) |
 * | `tls/` | certificates, where `init` made them |
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  exportSigningKey,
  generateSigningKey,
  importSigningKey,
  type PublicJwk,
  type SigningKey,
} from '#crypto/ed25519-key.ts';
import { CIRCUITS } from '#crypto/he/order.ts';
import type { ProfileName } from '#crypto/he/profiles.ts';
import { Seal } from '#crypto/he/seal.ts';
import type { KmsAdapter } from '#crypto/kms/adapter.ts';
import { type NoteSigner, renderVerifier, verifierOf } from '#crypto/log/note.ts';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { secureRandom } from '#sandbox/release/random.ts';
import { withKeyFaults } from '../keys/key-faults.ts';
import { readKeysConfig } from '../keys/keys-file.ts';
import { openKms, prepareKms } from '../keys/open-kms.ts';
import { type DirectoryLock, lockDirectory } from '../storage/directory-lock.ts';
import { makeCertificates } from './certificates.ts';
import {
  CONFIG_FILE,
  type ConfigInput,
  type CustodianConfig,
  readCustodianConfig,
  renderConfig,
} from './config-file.ts';
import { Custodian } from './custodian.ts';
import { type Accepted, acceptedDatasets, acceptManifest } from './datasets.ts';
import { DecryptorHost } from './decryptor-host.ts';
import { Journal, type VerifiedJournal, verifyJournal } from './journal.ts';
import { fetchSealedKey, type KeyRecord, listKeys, storeKey, WRAPPING_KEY } from './key-store.ts';

const LOCK_WAIT_MS = 2_000;
/** The fingerprint of nobody: until the operator puts one there, no client is answered. */
const NO_CLIENT = Array(32).fill('00').join(':');

export interface NewCustodian {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly platformKeys: readonly PublicJwk[];
  readonly providerKeys: readonly PublicJwk[];
  readonly purposes: readonly string[];
  readonly withCertificates: boolean;
  /** What the server's certificate is made for. */
  readonly serverName: string;
}

/** Who a custodian is, for the platform. */
export interface CustodianIdentity {
  readonly publicJwk: PublicJwk;
  readonly kid: string;
  /** The log's key as text (C2SP signed-note). */
  readonly logKey: string;
}

/** Makes a custodian in a new or empty directory. Failure CONFIG when there is one, or for what the file refuses. */
export async function createCustodian(directory: string, wanted: NewCustodian): Promise<CustodianIdentity> {
  if (existsSync(join(directory, CONFIG_FILE)))
    throw new Failure('CONFIG', say('custodian.exists', { directory }));
  // Before anything is made.
  renderConfig(configInput(wanted, NO_CLIENT), directory);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const client = wanted.withCertificates
    ? makeCertificates(join(directory, 'tls'), wanted.serverName).client
    : NO_CLIENT;
  for (const name of [ATTESTATION_KEY, LOG_KEY]) makeKey(join(directory, name));
  writeFileSync(
    join(directory, CONFIG_FILE),
    renderConfig(configInput(wanted, client), directory),
    OWNER_ONLY,
  );
  const config = readCustodianConfig(directory);
  const keysConfig = readKeysConfig(directory);
  await prepareKms(keysConfig);
  const kms = await openKms(keysConfig);
  try {
    await withKeyFaults({ key: WRAPPING_KEY }, kms.createKey(WRAPPING_KEY));
  } finally {
    await kms.close();
  }
  return identityOf(directory, config);
}

/** Who the custodian of a directory is. Failure CONFIG when there is none. */
export function identityOf(directory: string, config = configIn(directory)): CustodianIdentity {
  const key = keyIn(directory, ATTESTATION_KEY);
  return {
    publicJwk: key.publicJwk,
    kid: key.kid,
    logKey: renderVerifier(verifierOf(logSigner(directory, config))),
  };
}

/** Makes a key pair of a profile: the secret key goes into the store, the public ones are given. */
export async function createKeyPair(
  directory: string,
  profile: ProfileName,
): Promise<{ readonly record: KeyRecord; readonly publicKey: Uint8Array; readonly relinKeys: Uint8Array }> {
  return exclusively(directory, async (config, kms) => {
    using seal = await Seal.open(profile);
    const keys = seal.generateKeys();
    const createdAt = new Date().toISOString();
    const record = await storeKey(directory, kms, { profile, keys, createdAt });
    keys.secretKey.fill(0);
    recordIn(directory, config, { type: 'keyMade', at: createdAt, keyId: record.keyId, profile });
    return { record, publicKey: keys.publicKey, relinKeys: keys.relinKeys };
  });
}

/** Accepts the signed manifest of an encrypted dataset. */
export function acceptDataset(directory: string, file: string): Promise<Accepted> {
  return exclusively(directory, async (config) => {
    const trusted = { providerKeys: config.providerKeys, keys: listKeys(directory) };
    const accepted = await acceptManifest(directory, file, trusted);
    const { digest: manifestDigest, keyId } = accepted;
    recordIn(directory, config, {
      type: 'manifestAccepted',
      at: new Date().toISOString(),
      manifestDigest,
      keyId,
    });
    return accepted;
  });
}

/** The keys and datasets of a custodian, without opening any. */
export async function contentsOf(
  directory: string,
): Promise<{ readonly keys: readonly KeyRecord[]; readonly datasets: readonly Accepted[] }> {
  const { providerKeys } = configIn(directory);
  const keys = listKeys(directory);
  return { keys, datasets: await acceptedDatasets(directory, { providerKeys, keys }) };
}

/** The journal of a custodian, checked against its checkpoint and one that was kept. It may be running. */
export function checkJournal(directory: string, kept: string | null = null): VerifiedJournal {
  const config = configIn(directory);
  return verifyJournal(directory, verifierOf(logSigner(directory, config)), kept);
}

/** A custodian that answers. */
export interface OpenCustodian {
  readonly custodian: Custodian;
  readonly config: CustodianConfig;
  close(): Promise<void>;
}

/** Opens the custodian of a directory. Failure CONFIG, STATE_BUSY, and those of the key service. */
export async function openCustodian(directory: string): Promise<OpenCustodian> {
  const config = configIn(directory);
  await using opened = new AsyncDisposableStack();
  const lock = await locked(directory);
  opened.defer(() => lock.release());
  const kms = await openKms(readKeysConfig(directory));
  opened.defer(() => kms.close());
  const keys = listKeys(directory);
  const datasets = await acceptedDatasets(directory, { providerKeys: config.providerKeys, keys });
  const hosts = new Map(
    keys.map(({ keyId }) => [keyId, new DecryptorHost(() => fetchSealedKey(directory, kms, keyId))]),
  );
  for (const host of hosts.values()) opened.defer(() => host.close());
  // A key that cannot be opened is found at the start, and not by an order that it would cost.
  for (const { keyId } of datasets) await hosts.get(keyId)?.warm();
  const custodian = Custodian.open({
    directory,
    rules: config.rules,
    key: keyIn(directory, ATTESTATION_KEY),
    log: logSigner(directory, config),
    datasets: new Map(datasets.map((dataset) => [dataset.digest, dataset])),
    decryptorOf: (keyId) => hosts.get(keyId) ?? null,
    random: secureRandom(),
    now: Date.now,
  });
  opened.defer(() => custodian.close());
  const open = opened.move();
  return { custodian, config, close: () => open.disposeAsync() };
}

const ATTESTATION_KEY = 'attestation-key.jwk';
const LOG_KEY = 'log-key.jwk';
const OWNER_ONLY = { mode: 0o600, flag: 'wx', flush: true } as const;

function configInput(wanted: NewCustodian, client: string): ConfigInput {
  const { name, host, port, platformKeys, providerKeys, purposes } = wanted;
  return {
    kind: 'Custodian',
    name,
    listen: { host, port },
    tls: { cert: 'tls/server.crt', key: 'tls/server.key', clientCa: 'tls/ca.crt', clients: [client] },
    platformKeys,
    providerKeys,
    circuits: CIRCUITS,
    purposes,
    limits: {
      perOrder: { epsilon: 1, delta: 1e-6, outputs: 512 },
      perKey: { epsilon: 10, delta: 1e-6, orders: 1_000, releases: 8_000 },
    },
    orders: { lifetimeSeconds: 600, clockSkewSeconds: 60, concurrency: 4 },
  };
}

/** Work on a custodian that does not run. */
async function exclusively<T>(
  directory: string,
  work: (config: CustodianConfig, kms: KmsAdapter) => Promise<T>,
): Promise<T> {
  const config = configIn(directory);
  const lock = await locked(directory);
  try {
    const kms = await openKms(readKeysConfig(directory));
    try {
      return await work(config, kms);
    } finally {
      await kms.close();
    }
  } finally {
    await lock.release();
  }
}

function recordIn(directory: string, config: CustodianConfig, entry: Parameters<Journal['append']>[0]): void {
  const journal = Journal.open(directory, logSigner(directory, config), () => undefined);
  try {
    journal.append(entry);
  } finally {
    journal.close();
  }
}

function locked(directory: string): Promise<DirectoryLock> {
  return lockDirectory(directory, { waitMs: LOCK_WAIT_MS });
}

function configIn(directory: string): CustodianConfig {
  if (!existsSync(join(directory, CONFIG_FILE)))
    throw new Failure('CONFIG', say('custodian.absent', { directory }));
  return readCustodianConfig(directory);
}

function logSigner(directory: string, { logName }: CustodianConfig): NoteSigner {
  return { name: logName, key: keyIn(directory, LOG_KEY) };
}

function makeKey(path: string): void {
  writeFileSync(path, JSON.stringify(exportSigningKey(generateSigningKey())), OWNER_ONLY);
}

function keyIn(directory: string, name: string): SigningKey {
  const file = join(directory, name);
  try {
    return importSigningKey(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    throw new Failure('CONFIG', say('custodian.filesystem', { file }), { cause });
  }
}
