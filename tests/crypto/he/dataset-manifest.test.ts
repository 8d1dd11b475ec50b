/** The signed manifest: what its parts must say of one another, and that nobody else can say it. */
import { beforeAll, expect, test } from 'vitest';

import { digestOf } from '#crypto/canonical.ts';
import { generateSigningKey } from '#crypto/ed25519-key.ts';
import {
  type DatasetManifest,
  groupRanges,
  openManifest,
  partsOf,
  signManifest,
} from '#crypto/he/dataset-manifest.ts';
import { Seal } from '#crypto/he/seal.ts';
import { signCompact } from '#crypto/signing.ts';
import { PROVIDER, describe as describeDataset } from './sample-dataset.ts';

type Unsigned = Omit<DatasetManifest, 'version'>;

let manifest: Unsigned;

beforeAll(async () => {
  using seal = await Seal.open('bfv-agg-8k');
  const description = describeDataset(seal.generateKeys());
  const groups = [
    { values: ['north', true], blocks: 2 },
    { values: [null, false], blocks: 1 },
  ];
  const parts = partsOf(description).map((name, part) => ({
    name,
    digests: [0, 1, 2].map((block) => digestOf([part, block]).slice('sha256:'.length)),
  }));
  manifest = { ...description, groups, parts };
});

function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'none',
    (error: Error) => error.message,
  );
}

test('what was signed is read again, by the digest of its payload', async () => {
  const jws = await signManifest(manifest, PROVIDER);
  const opened = await openManifest(jws, [PROVIDER.publicJwk]);
  expect(opened).toEqual({
    manifest: { version: '1', ...manifest },
    digest: digestOf({ version: '1', ...manifest }),
    signer: PROVIDER.kid,
  });
  expect(groupRanges(opened.manifest)).toEqual([
    { from: 0, to: 2 },
    { from: 2, to: 3 },
  ]);
});

test('another key, another kind of statement, and any changed character are refused', async () => {
  const jws = await signManifest(manifest, PROVIDER);
  expect(await codeOf(openManifest(jws, [generateSigningKey().publicJwk]))).toBe('KEY_UNKNOWN');
  const other = await signCompact({ version: '1', ...manifest }, PROVIDER, { typ: 'unseen-order+jwt' });
  expect(await codeOf(openManifest(other, [PROVIDER.publicJwk]))).toBe('TYP_WRONG');
  for (let at = 0; at < jws.length; at += 97) {
    const changed = `${jws.slice(0, at)}${jws[at] === 'A' ? 'B' : 'A'}${jws.slice(at + 1)}`;
    expect(await codeOf(openManifest(changed, [PROVIDER.publicJwk])), String(at)).not.toBe('none');
  }
});

/** Changes that a provider, by mistake or not, could sign as well. */
const CHANGES: readonly [string, (changed: Unsigned) => void][] = [
  ['PROFILE', (m) => Object.assign(m, { profile: 'ckks-agg-8k' })],
  ['MANIFEST_INCONSISTENT plainModulus', (m) => (m.plainModulus = '65537')],
  ['MANIFEST_INCONSISTENT plainModulus', (m) => (m.profile = 'bfv-agg-16k')],
  ['MANIFEST_INCONSISTENT columns.0.mid', (m) => (m.columns[0]!.mid = '100001')],
  ['MANIFEST_INCONSISTENT columns.0.mid', (m) => (m.columns[0]!.lowGrid = '60000')],
  ['MANIFEST_INCONSISTENT columns.0.highGrid', (m) => (m.columns[0]!.highGrid = '99999999999999')],
  ['MANIFEST_INCONSISTENT columns', (m) => (m.columns[1]!.name = 'COST')],
  ['MANIFEST_INCONSISTENT columns', (m) => (m.disclosedToPlatform[0]!.name = 'age')],
  ['MANIFEST_INCONSISTENT disclosedToPlatform.0.values', (m) => m.disclosedToPlatform[0]!.values.push(null)],
  ['MANIFEST_INCONSISTENT groups.0.values', (m) => (m.groups[0]!.values = ['west', true])],
  ['MANIFEST_INCONSISTENT groups.0.values', (m) => (m.groups[0]!.values = ['north'])],
  ['MANIFEST_INCONSISTENT groups', (m) => (m.groups[1]!.values = ['north', true])],
  ['MANIFEST_INCONSISTENT parts', (m) => (m.groups[0]!.blocks = 3)],
  ['MANIFEST_INCONSISTENT parts', (m) => m.parts[1]!.digests.pop()],
  ['MANIFEST_INCONSISTENT parts', (m) => m.parts.pop()],
  ['MANIFEST_INCONSISTENT parts', (m) => m.parts.reverse()],
  ['MANIFEST_INCONSISTENT parts', (m) => (m.columns[0]!.nullable = true)],
  ['MANIFEST_SCHEMA columns.0.name', (m) => (m.columns[0]!.name = '../cost')],
  ['MANIFEST_SCHEMA columns.0.name', (m) => (m.columns[0]!.name = '$rows')],
  ['MANIFEST_SCHEMA columns.0.name', (m) => (m.columns[0]!.name = '.hidden')],
  ['MANIFEST_SCHEMA columns.0.low', (m) => (m.columns[0]!.low = 'NaN')],
  ['MANIFEST_SCHEMA columns.0.lowGrid', (m) => (m.columns[0]!.lowGrid = '-0')],
  ['MANIFEST_SCHEMA bounding.rowsPerUnit', (m) => (m.bounding.rowsPerUnit = 0)],
  ['MANIFEST_SCHEMA bounding.maxRows', (m) => (m.bounding.maxRows = 1.5)],
  ['MANIFEST_SCHEMA groups.0.blocks', (m) => (m.groups[0]!.blocks = -1)],
  ['MANIFEST_SCHEMA parts.0.digests.0', (m) => (m.parts[0]!.digests[0] = 'ABC')],
  ['MANIFEST_SCHEMA publicKeyDigest', (m) => Object.assign(m, { publicKeyDigest: 'sha256:00' })],
  ['MANIFEST_SCHEMA createdAt', (m) => (m.createdAt = 'yesterday')],
  ['MANIFEST_SCHEMA', (m) => Object.assign(m, { extra: 1 })],
];

test.for(CHANGES)('a manifest is refused as %s when signed with %s', async ([code, change]) => {
  const changed = structuredClone(manifest);
  change(changed);
  const said = code === 'PROFILE' ? 'MANIFEST_SCHEMA profile' : code;
  expect(await codeOf(signManifest(changed, PROVIDER))).toContain(said);
  // Signed all the same, it is refused by whoever reads it.
  const isSignable = Number.isSafeInteger(changed.bounding.maxRows);
  const jws = await signCompact(isSignable ? { version: '1', ...changed } : { version: 2 }, PROVIDER, {
    typ: 'unseen-encrypted-dataset+jwt',
  });
  expect(await codeOf(openManifest(jws, [PROVIDER.publicJwk]))).toContain('MANIFEST_');
});

test('more ciphertexts than a signed text has room for are refused', async () => {
  const digests = Array.from({ length: 2_501 }, () => '0'.repeat(64));
  const parts = manifest.parts.map(({ name }) => ({ name, digests }));
  const large = { ...manifest, groups: [{ values: ['north', true], blocks: 2_501 }], parts };
  expect(await codeOf(signManifest(large, PROVIDER))).toBe('ROWS_TOO_MANY');
  const most = digests.slice(1);
  const fitting = { ...large, groups: [{ values: ['north', true], blocks: 2_500 }] };
  const signed = signManifest(
    { ...fitting, parts: parts.map(({ name }) => ({ name, digests: most })) },
    PROVIDER,
  );
  expect(await codeOf(openManifest(await signed, [PROVIDER.publicJwk]))).toBe('none');
});
