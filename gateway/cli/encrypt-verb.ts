/**
 * `unseen encrypt`: the provider's tool that turns a dataset into an encrypted one.
 *
 * It reads the source in a jailed reader, bounds there, encrypts under the custodian's public key and prints the
 * dataset.yaml with which the result is registered. It never has a secret key: that one is made by the custodian and
 * stays there. It asks no server. An interrupted run goes on with --resume.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { sha256Hex } from '#crypto/canonical.ts';
import {
  exportSigningKey,
  generateSigningKey,
  importSigningKey,
  parsePublicJwk,
  type SigningKey,
} from '#crypto/ed25519-key.ts';
import { PUBLIC_KEY_FILE, RELIN_KEYS_FILE } from '#crypto/he/dataset-files.ts';
import { openManifest } from '#crypto/he/dataset-manifest.ts';
import { PROFILE_NAMES, type ProfileName, profileOf } from '#crypto/he/profiles.ts';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { type EncryptionPlan, planEncryption } from '#sandbox/encrypted/encryption-plan.ts';
import { registrationOf } from '#sandbox/encrypted/registration.ts';
import { readDataset } from '#sandbox/manifest/dataset-file.ts';
import { encryptRows } from '../lab/encrypt.ts';
import { type Terminal, worded } from './terminal.ts';
import { defineVerb, printJson, type VerbCall, type VerbHost } from './verb.ts';

export function registerEncryptVerb(host: VerbHost): void {
  defineVerb(
    host,
    {
      name: 'encrypt',
      about: 'cli.encrypt',
      offline: true,
      flags: [
        { flags: '--dataset <file>', about: 'cli.flag.encryptDataset', required: true },
        { flags: '--out <directory>', about: 'cli.flag.encryptOut', required: true },
        { flags: '--keys <directory>', about: 'cli.flag.encryptKeys', required: true },
        { flags: '--signing-key <file>', about: 'cli.flag.encryptSigningKey', required: true },
        { flags: '--custodian-key <file>', about: 'cli.flag.custodianKey', required: true },
        { flags: '--custodian-url <url>', about: 'cli.flag.custodianUrl', required: true },
        { flags: '--rows-per-unit <count>', about: 'cli.flag.rowsPerUnit' },
        { flags: '--clear <columns>', about: 'cli.flag.clear' },
        { flags: '--columns <columns>', about: 'cli.flag.encryptColumns' },
        { flags: '--nullable <columns>', about: 'cli.flag.nullable' },
        { flags: '--resume', about: 'cli.flag.resume' },
      ],
      examples: [
        'unseen encrypt --dataset visits.yaml --out visits.enc --keys he-keys --signing-key provider.jwk --custodian-key custodian.jwk --custodian-url https://keys.example:8443 --clear region --rows-per-unit 4 > encrypted.yaml',
      ],
    },
    encrypt,
  );
}

async function encrypt(call: VerbCall): Promise<void> {
  const out = resolve(call.text('out') ?? '');
  checkPlace(out, call.isSet('resume'));
  const keys = readPublicKeys(resolve(call.text('keys') ?? ''));
  const plan = planOf(call, keys);
  const signingKey = signingKeyOf(resolve(call.text('signingKey') ?? ''));
  const custodianKey = readCustodianKey(call.text('custodianKey') ?? '');
  const { publicKey, relinKeys } = keys;
  const bar = new ProgressBar(call.terminal);
  const jws = await encryptRows(plan, {
    out,
    publicKey,
    relinKeys,
    signingKey,
    onProgress: (rows, of) => bar.show(rows, of),
  });
  bar.end();
  const { digest } = await openManifest(jws, [signingKey.publicJwk]);
  const registration = registrationOf(plan, {
    path: out,
    manifestDigest: digest,
    provider: signingKey.publicJwk.x,
    custodianKey,
    custodian: {
      url: call.text('custodianUrl') ?? '',
      ca: 'custodian-ca.pem',
      cert: 'runner-cert.pem',
      certKey: 'runner-key.pem',
      orderKey: 'order-key.jwk',
    },
  });
  const { terminal } = call;
  if (plan.left.length > 0)
    terminal.err(`${worded(terminal, 'encrypt.left', { columns: plan.left.join(', ') })}\n`);
  terminal.err(`${worded(terminal, 'encrypt.done', { directory: out })}\n`);
  if (call.json) return printJson(call, registration);
  // JSON is YAML 1.2 as well.
  await terminal.out(`${JSON.stringify(registration, null, 2)}\n`);
}

/** Nothing is written over, and an interrupted run is gone on with on purpose only. */
function checkPlace(out: string, isResumed: boolean): void {
  const isUsed = existsSync(out) && readdirSync(out).length > 0;
  if (isUsed && !isResumed) throw new Failure('CONFIG', say('encrypt.exists', { directory: out }));
}

interface PublicKeys {
  readonly publicKey: Uint8Array;
  readonly relinKeys: Uint8Array;
  readonly profile: ProfileName;
  readonly keyId: string;
}

/** The custodian's public keys. Their length tells the profile, and the public key names itself, as in its store. */
function readPublicKeys(directory: string): PublicKeys {
  const publicKey = readKey(join(directory, PUBLIC_KEY_FILE));
  const relinKeys = readKey(join(directory, RELIN_KEYS_FILE));
  const profile = PROFILE_NAMES.find((name) => profileOf(name).bytes.publicKey === publicKey.length);
  if (profile === undefined || profileOf(profile).bytes.relinKeys !== relinKeys.length)
    throw new Failure('CONFIG', say('encrypt.keys', { directory }));
  return { publicKey, relinKeys, profile, keyId: `he-${sha256Hex(publicKey).slice(0, 32)}` };
}

function readKey(file: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(file));
  } catch {
    throw new Failure('CONFIG', say('cli.fileUnreadable', { file }));
  }
}

function planOf(call: VerbCall, { profile, keyId }: PublicKeys): EncryptionPlan {
  const dataset = readDataset(resolve(call.text('dataset') ?? ''), { requireMaxRows: true });
  const rows = Number(call.text('rowsPerUnit') ?? '1');
  if (!(Number.isSafeInteger(rows) && rows >= 1)) throw new Failure('CONFIG', say('encrypt.rowsPerUnit'));
  return planEncryption(dataset, {
    clear: listOf(call, 'clear') ?? [],
    columns: listOf(call, 'columns'),
    nullable: listOf(call, 'nullable') ?? [],
    profile,
    keyId,
    rowsPerUnit: rows,
  });
}

function listOf(call: VerbCall, flag: string): readonly string[] | null {
  const text = call.text(flag);
  if (text === undefined) return null;
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** The provider's key, made at its first use and readable by its owner only. */
function signingKeyOf(file: string): SigningKey {
  try {
    if (!existsSync(file))
      writeFileSync(file, JSON.stringify(exportSigningKey(generateSigningKey())), {
        mode: 0o600,
        flag: 'wx',
        flush: true,
      });
    return importSigningKey(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    throw new Failure('CONFIG', say('encrypt.signingKey', { file }));
  }
}

/** `x` of the custodian's public key. */
function readCustodianKey(file: string): string {
  try {
    return parsePublicJwk(JSON.parse(readFileSync(resolve(file), 'utf8'))).x;
  } catch {
    throw new Failure('CONFIG', say('encrypt.custodianKey', { file }));
  }
}

const BAR_WIDTH = 32;

/** For a person who watches: how much is done, on one line of standard error. */
class ProgressBar {
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(done: number, rows: number): void {
    if (!this.#terminal.isWatched) return;
    const part = rows === 0 ? 1 : done / rows;
    const filled = Math.round(part * BAR_WIDTH);
    const bar = `[${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}]`;
    const told = worded(this.#terminal, 'encrypt.progress', { percent: Math.floor(100 * part), rows: done });
    this.#terminal.err(`\r${bar} ${told}`);
  }

  end(): void {
    if (this.#terminal.isWatched) this.#terminal.err('\n');
  }
}
