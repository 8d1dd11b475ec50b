/**
 * The keys of a data directory: made at the first start, read ever after.
 *
 * Guarantee: a private key is written once, readable by its owner only, and never changed; tokens, the log and
 * receipts have a key each. Not covered: a key-management system; whoever can read the directory has the keys.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  exportSigningKey,
  generateSigningKey,
  importSigningKey,
  parsePublicJwk,
  type SigningKey,
} from '#crypto/ed25519-key.ts';
import type { GatewayKeys } from './shell.ts';

/** The key that the runner of an embedded deployment signs receipts with. */
export function receiptKeyOf(dataDir: string): SigningKey {
  return keyOf(dataDir, 'receipt-key.jwk');
}

/** The key of the first operator's account in an embedded deployment, and where it lies. */
export function operatorKeyPair(dataDir: string): { readonly key: SigningKey; readonly file: string } {
  return { key: keyOf(dataDir, 'operator-key.jwk'), file: join(dataDir, 'keys', 'operator-key.jwk') };
}

/** Keys of the gateway. `receiptKeyFile`: the runner's public key, where the runner has a directory of its own. */
export function loadKeys(
  dataDir: string,
  options: { readonly logOrigin: string; readonly receiptKeyFile: string | null },
): GatewayKeys {
  const { logOrigin, receiptKeyFile } = options;
  const receipt =
    receiptKeyFile === null
      ? receiptKeyOf(dataDir).publicJwk
      : parsePublicJwk(JSON.parse(readFileSync(receiptKeyFile, 'utf8')));
  return {
    token: keyOf(dataDir, 'token-key.jwk'),
    log: { name: logOrigin, key: keyOf(dataDir, 'log-key.jwk') },
    receipts: [receipt],
  };
}

function keyOf(dataDir: string, name: string): SigningKey {
  const directory = join(dataDir, 'keys');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, name);
  if (!existsSync(path))
    writeFileSync(path, JSON.stringify(exportSigningKey(generateSigningKey())), {
      mode: 0o600,
      flag: 'wx',
      flush: true,
    });
  return importSigningKey(JSON.parse(readFileSync(path, 'utf8')));
}
