/** The crypto inventory: everything given is in it once, in its state, and nothing secret. */
import { expect, test } from 'vitest';
import { readHead } from '#crypto/at-rest/envelope-head.ts';
import { inventoryLines } from '#crypto/at-rest/inventory.ts';
import type { KeyDescription, VersionState } from '#crypto/kms/adapter.ts';
import { KEY, sealed } from './samples.ts';

const states: readonly VersionState[] = ['destroyed', 'decrypt-only', 'active'];

const KEYS: readonly KeyDescription[] = [
  {
    id: 'visits-3',
    state: 'active',
    latestVersion: 3,
    algorithm: 'AES-256-GCM',
    versions: states.map((state, at) => {
      return { version: at + 1, state, createdAt: `2026-0${at + 1}-01T00:00:00.000Z`, fingerprint: null };
    }),
  },
  {
    id: 'a',
    state: 'disabled',
    latestVersion: 1,
    algorithm: 'SM4-GCM',
    versions: [{ version: 1, state: 'disabled', createdAt: null, fingerprint: 'ab' }],
  },
];

const wrapped = (keyId: string, version: number) => [{ keyId, version, ciphertext: 'local:v1:AAAA' }];

async function lines() {
  const plain = Buffer.from('secret contents');
  const envelopes = [
    await sealed(plain, { wrapped: wrapped('visits-3', 2), objectId: 'z' }),
    await sealed(plain, { suite: 2, dataKey: KEY.subarray(16), wrapped: wrapped('gone', 1), objectId: 'y' }),
  ];
  const objects = envelopes.map((bytes) => ({ head: readHead(bytes), sealedAt: '2026-03-02T00:00:00.000Z' }));
  return { objects, lines: inventoryLines(KEYS, objects) };
}

test('algorithms, key versions and objects are each a component, in order', async () => {
  const { lines: given } = await lines();
  const components = given.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(components.map((component) => component['bom-ref'])).toEqual([
    'algorithm:AES-256-GCM',
    'algorithm:SM4-GCM',
    'algorithm:HKDF-SHA256',
    'algorithm:HKDF-SM3',
    'key:a:1',
    'key:visits-3:1',
    'key:visits-3:2',
    'key:visits-3:3',
    'data-key:y',
    'data-key:z',
  ]);
  expect(new Set(components.map(({ type }) => type))).toEqual(new Set(['cryptographic-asset']));
});

test('a version says its state in SP 800-57’s words, when it was made and when it stopped wrapping', async () => {
  const { lines: given } = await lines();
  const material = given.map(
    (line) => /"relatedCryptoMaterialProperties":(\{[^}]*\})/.exec(line)?.[1] ?? '{}',
  );
  expect(JSON.parse(material[5]!)).toEqual({
    type: 'secret-key',
    id: 'visits-3/1',
    state: 'destroyed',
    algorithmRef: 'algorithm:AES-256-GCM',
    creationDate: '2026-01-01T00:00:00.000Z',
    activationDate: '2026-01-01T00:00:00.000Z',
    updateDate: '2026-02-01T00:00:00.000Z',
  });
  expect(material.slice(4, 8).map((text) => (JSON.parse(text) as { state: string }).state)).toEqual([
    'suspended',
    'destroyed',
    'deactivated',
    'active',
  ]);
});

test('an object says what wraps its key, and a key that is not there is unknown', async () => {
  const { lines: given } = await lines();
  expect(given[9]).toContain('"securedBy":{"algorithmRef":"algorithm:AES-256-GCM","mechanism":"Software"}');
  expect(given[9]).toContain('{"name":"unseen:wrapped-by","value":"key:visits-3:2"}');
  expect(given[9]).toContain('{"name":"unseen:key-state","value":"decrypt-only"}');
  expect(given[9]).toContain('{"name":"unseen:context:dataset","value":"visits"}');
  expect(given[8]).toContain('{"name":"unseen:key-state","value":"unknown"}');
  expect(given[8]).toContain('"size":128');
  expect(given[8]).not.toContain('securedBy');
});

test('the order of what is given does not matter, and no wrapped key is in it', async () => {
  const { objects, lines: given } = await lines();
  expect(inventoryLines(KEYS.toReversed(), objects.toReversed())).toEqual(given);
  expect(given.join('')).not.toContain('local:v1');
});
