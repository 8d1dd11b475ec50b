/**
 * custodian.yaml: whom a custodian answers, what it allows, and how much leaves under one of its keys.
 *
 * Guarantee: everything that decides an answer stands in this file, has a limit, and is refused when it is misspelt.
 * Paths are relative to the file.
 */
import { dirname, join, resolve } from 'node:path';
import * as z from 'zod';
import { parsePublicJwk, type PublicJwk } from '#crypto/ed25519-key.ts';
import { CIRCUITS } from '#crypto/he/order.ts';
import { PURPOSES, type Purpose } from '#policies/purpose.ts';
import { parseManifestText, readManifestText } from '#sandbox/manifest/manifest-text.ts';
import { checkAgainst } from '#sandbox/manifest/schema-check.ts';
import type { CustodianRules } from './custodian.ts';

export const CONFIG_FILE = 'custodian.yaml';

const place = z.string().min(1, { error: 'manifest.emptyText' });
const jwk = z
  .strictObject({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string() })
  .refine(isPublicKey);
const fingerprint = z.string().regex(/^(?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/);
const epsilon = z.number().gt(0).max(1e10);
const delta = z.number().gt(0).lt(1);
const count = z.int().min(1).max(1e9);

const schema = z.strictObject({
  kind: z.literal('Custodian'),
  /** Names the log. */
  name: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,62}(?:\/[a-z0-9.-]{1,62})?$/),
  listen: z.strictObject({ host: place, port: z.int().min(0).max(65_535) }),
  tls: z.strictObject({
    cert: place,
    key: place,
    clientCa: place,
    clients: z.array(fingerprint).min(1),
  }),
  platformKeys: z.array(jwk).min(1),
  providerKeys: z.array(jwk).min(1),
  circuits: z.array(z.enum(CIRCUITS)).min(1),
  purposes: z.array(z.enum(Object.keys(PURPOSES) as [Purpose, ...Purpose[]])).min(1),
  limits: z.strictObject({
    perOrder: z.strictObject({ epsilon, delta, outputs: count }),
    perKey: z.strictObject({ epsilon, delta, orders: count, releases: count }),
  }),
  orders: z.strictObject({
    lifetimeSeconds: z.int().min(1).max(86_400),
    clockSkewSeconds: z.int().min(0).max(3_600),
    concurrency: z.int().min(1).max(64),
  }),
});

type ConfigText = z.infer<typeof schema>;

/** What may be written into a new file, before it is checked. */
export interface ConfigInput extends Omit<
  ConfigText,
  'platformKeys' | 'providerKeys' | 'purposes' | 'circuits'
> {
  readonly platformKeys: readonly unknown[];
  readonly providerKeys: readonly unknown[];
  readonly purposes: readonly string[];
  readonly circuits: readonly string[];
}

/** The file with absolute paths. */
export interface CustodianConfig {
  readonly logName: string;
  readonly listen: ConfigText['listen'];
  readonly tls: ConfigText['tls'];
  readonly providerKeys: readonly PublicJwk[];
  readonly rules: CustodianRules;
}

/** The file of a new custodian with these values. Failure CONFIG that names field and rule. */
export function renderConfig(value: ConfigInput, directory: string): string {
  const checked = checkAgainst(schema, value, join(directory, CONFIG_FILE));
  return `${JSON.stringify(checked, null, 2)}\n`;
}

/** Reads the file of a custodian's directory. Failure CONFIG that names file, field and rule. */
export function readCustodianConfig(directory: string): CustodianConfig {
  const file = join(directory, CONFIG_FILE);
  return configOf(checkAgainst(schema, parseManifestText(readManifestText(file), file), file), file);
}

function configOf(stated: ConfigText, file: string): CustodianConfig {
  const at = (path: string): string => resolve(dirname(file), path);
  const { tls, orders } = stated;
  return {
    logName: stated.name,
    listen: stated.listen,
    tls: { ...tls, cert: at(tls.cert), key: at(tls.key), clientCa: at(tls.clientCa) },
    providerKeys: stated.providerKeys,
    rules: {
      platformKeys: stated.platformKeys,
      circuits: stated.circuits,
      purposes: stated.purposes,
      limits: stated.limits,
      times: {
        lifetimeMs: orders.lifetimeSeconds * 1_000,
        clockSkewMs: orders.clockSkewSeconds * 1_000,
      },
      concurrency: orders.concurrency,
    },
  };
}

function isPublicKey(value: unknown): boolean {
  try {
    parsePublicJwk(value);
    return true;
  } catch {
    return false;
  }
}
