/** A small encrypted dataset to test with: two clear columns, a column of costs, and one of ages that may be absent. */
import { generateSigningKey } from '#crypto/ed25519-key.ts';
import { keyDigestOf } from '#crypto/he/dataset-files.ts';
import type { DatasetDescription } from '#crypto/he/dataset-manifest.ts';
import type { EncryptionJob } from '#crypto/he/encrypt-dataset.ts';
import { profileOf } from '#crypto/he/profiles.ts';
import type { RowGroup } from '#crypto/he/row-groups.ts';
import type { KeySet } from '#crypto/he/seal.ts';

export const PROVIDER = generateSigningKey();

export function describe({
  publicKey,
  relinKeys,
}: Pick<KeySet, 'publicKey' | 'relinKeys'>): DatasetDescription {
  return {
    name: 'visits',
    profile: 'bfv-agg-8k',
    plainModulus: String(profileOf('bfv-agg-8k').plainModulus),
    keyId: 'visits-2026',
    publicKeyDigest: keyDigestOf(publicKey),
    relinKeysDigest: keyDigestOf(relinKeys),
    bounding: { rowsPerUnit: 4, maxRows: 100_000 },
    disclosedToPlatform: [
      { name: 'region', values: ['north', 'south', null] },
      { name: 'urgent', values: [true, false] },
    ],
    columns: [
      {
        name: 'cost',
        low: '0',
        high: '1000',
        granularity: '0.01',
        lowGrid: '0',
        highGrid: '100000',
        mid: '50000',
        nullable: false,
      },
      {
        name: 'age',
        low: '0',
        high: '120',
        granularity: '1',
        lowGrid: '0',
        highGrid: '120',
        mid: '60',
        nullable: true,
      },
    ],
    createdAt: '2026-02-03T04:05:06Z',
  };
}

/** Rows that any run makes again: `region`, `urgent` and how many. */
export function group(region: 'north' | 'south' | null, urgent: boolean, rows: number): RowGroup {
  const cost = BigInt64Array.from({ length: rows }, (_, at) => BigInt((at * 7_919 + rows) % 100_001));
  const age = BigInt64Array.from({ length: rows }, (_, at) => BigInt((at * 31) % 121));
  const present = Uint8Array.from({ length: rows }, (_, at) => (at % 5 === 0 ? 0 : 1));
  return {
    values: [region, urgent],
    rows,
    columns: [
      { grid: cost, present: null },
      { grid: age, present },
    ],
  };
}

export const GROUPS: readonly RowGroup[] = [
  group('north', true, 8_200),
  group('south', false, 17),
  group(null, false, 1),
];

export function jobOf(directory: string, keys: KeySet, changes: Partial<EncryptionJob> = {}): EncryptionJob {
  const { publicKey, relinKeys } = keys;
  const description = describe(keys);
  return { directory, description, publicKey, relinKeys, signingKey: PROVIDER, groups: GROUPS, ...changes };
}
