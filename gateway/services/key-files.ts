/**
 * The keys of a data directory: made at the first start, read ever after.
 *
 * Guarantee: a private key is written once, readable by its owner only, and never changed; tokens, the log,
 * receipts and statements have a key each. The keys of log, receipts and statements are of the crypto profile that the deployment began with:
 * another is refused by name. Not covered: a key-management system; whoever can read the directory has the keys.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  exportSigningKey,
  generateSigningKey,
  importSigningKey,
  type SigningKey,
} from '#crypto/ed25519-key.ts';
import {
  type EvidenceJwk,
  type EvidenceKey,
  exportEvidenceKey,
  generateEvidenceKey,
  importEvidenceKey,
  parseEvidenceJwk,
  profileOfKey,
} from '#crypto/evidence-key.ts';
import type { Profile } from '#crypto/profile.ts';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { GatewayKeys } from './shell.ts';

/** The key that the runner of this directory signs receipts with. Fails: CONFIG for one of another profile. */
export function receiptKeyOf(dataDir: string, profile: Profile): EvidenceKey {
  return evidenceKeyIn(keyFile(dataDir, 'receipt-key.jwk'), profile);
}

/** The key in a file, made if there is none. Fails: CONFIG when it is of another profile. */
export function evidenceKeyIn(path: string, profile: Profile): EvidenceKey {
  const key = importEvidenceKey(readOrMake(path, () => exportEvidenceKey(generateEvidenceKey(profile))));
  checkKeyProfile(key.publicJwk, path, profile);
  return key;
}

/** The key of the first operator's account in an embedded deployment, and where it lies. */
export function operatorKeyPair(dataDir: string): { readonly key: SigningKey; readonly file: string } {
  return { key: keyOf(dataDir, 'operator-key.jwk'), file: keyFile(dataDir, 'operator-key.jwk') };
}

/**
 * Keys of the gateway. `receiptKeyFile`: the runner's public key, where the runner has a directory of its own. Fails:
 * CONFIG when a key of log, receipts or statements is of another profile.
 */
export function loadKeys(
  dataDir: string,
  options: {
    readonly logOrigin: string;
    readonly receiptKeyFile: string | null;
    readonly cryptoProfile: Profile;
  },
): GatewayKeys {
  const { logOrigin, receiptKeyFile, cryptoProfile } = options;
  const receipt =
    receiptKeyFile === null
      ? receiptKeyOf(dataDir, cryptoProfile).publicJwk
      : publicKeyIn(receiptKeyFile, cryptoProfile);
  return {
    token: keyOf(dataDir, 'token-key.jwk'),
    log: { name: logOrigin, key: evidenceKeyIn(keyFile(dataDir, 'log-key.jwk'), cryptoProfile) },
    receipts: [receipt],
    statement: evidenceKeyIn(keyFile(dataDir, 'statement-key.jwk'), cryptoProfile),
  };
}

function publicKeyIn(path: string, profile: Profile): EvidenceJwk {
  const key = parseEvidenceJwk(JSON.parse(readFileSync(path, 'utf8')));
  checkKeyProfile(key, path, profile);
  return key;
}

/** That a key is of the profile that was asked for. Fails: CONFIG. */
export function checkKeyProfile(key: EvidenceJwk, file: string, profile: Profile): void {
  const made = profileOfKey(key);
  if (made !== profile)
    throw new Failure('CONFIG', say('crypto.profileFixed', { file, made, asked: profile }));
}

function keyOf(dataDir: string, name: string): SigningKey {
  return importSigningKey(readOrMake(keyFile(dataDir, name), () => exportSigningKey(generateSigningKey())));
}

function keyFile(dataDir: string, name: string): string {
  return join(dataDir, 'keys', name);
}

function readOrMake(path: string, make: () => object): unknown {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  if (!existsSync(path))
    writeFileSync(path, JSON.stringify(make()), { mode: 0o600, flag: 'wx', flush: true });
  return JSON.parse(readFileSync(path, 'utf8'));
}
