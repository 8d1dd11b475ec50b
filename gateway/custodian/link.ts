/** The way from a runner to the custodian of an encrypted dataset: a connection, and the key that signs its orders. */
import { readFileSync } from 'node:fs';
import { importSigningKey, type SigningKey } from '#crypto/ed25519-key.ts';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { Custodian } from '#sandbox/encrypted/measure.ts';
import type { CustodianAddress } from '#sandbox/manifest/dataset.ts';
import { CustodianClient } from './client.ts';

export interface CustodianLink {
  readonly custodian: Custodian;
  /** Signs orders; the custodian knows it. */
  readonly orderKey: SigningKey;
}

/** Reads certificates and order key; nothing is asked yet. Fails CONFIG, naming the file. */
export function linkToCustodian(address: CustodianAddress): CustodianLink {
  return { custodian: new CustodianClient(address), orderKey: readOrderKey(address.orderKey) };
}

/** The private JWK in a file. */
function readOrderKey(path: string): SigningKey {
  try {
    return importSigningKey(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    throw new Failure('CONFIG', say('encrypted.orderKey', { path }));
  }
}
