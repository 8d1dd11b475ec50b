/**
 * The crypto inventory of a running system: which algorithms, keys and sealed objects there are, and in what state.
 *
 * One JSON object a line, each a component in the terms of CycloneDX 1.6 (ECMA-424, `cryptographic-asset`): first
 * the algorithms in use, then every version of every key, then the data key of every object. States of keys are
 * those of NIST SP 800-57 part 1, as CycloneDX has them.
 *
 * Guarantee: what is given is all there, in a fixed order, and the same input gives the same lines. No key material
 * is among it: neither descriptions nor heads hold any.
 * Not covered: whether keys and objects given are all that exist. Whoever gathers them says where from.
 */
import { canonicalJson } from '../canonical.ts';
import type { KeyDescription, KeyVersion, VersionState } from '../kms/adapter.ts';
import type { EnvelopeHead } from './envelope-head.ts';
import { suiteOf, type Suite } from './suites.ts';

/** A sealed object as its head tells it. */
export interface InventoryObject {
  readonly head: Pick<EnvelopeHead, 'suite' | 'object' | 'wrapped'>;
  /** ISO 8601, or null where nobody knows. */
  readonly sealedAt: string | null;
}

/** Of a key version: SP 800-57's name of the state. */
const STATE: Readonly<Record<VersionState, string>> = {
  active: 'active',
  'decrypt-only': 'deactivated',
  disabled: 'suspended',
  destroyed: 'destroyed',
};

/** The lines of the inventory, without their ends. */
export function inventoryLines(
  keys: readonly KeyDescription[],
  objects: readonly InventoryObject[],
): readonly string[] {
  const suites = new Set(objects.map(({ head }) => head.suite.number));
  const wrapping = [...new Set(keys.map(({ algorithm }) => algorithm))].sort();
  const algorithms = new Map(wrapping.map((name) => [name, cipherOf(name)]));
  for (const number of ([1, 2] as const).filter((each) => suites.has(each))) {
    for (const each of algorithmsOf(suiteOf(number))) algorithms.set(each.name, each);
  }
  const ordered = keys.toSorted((left, right) => compare(left.id, right.id));
  const sealed = objects.toSorted((left, right) =>
    compare(left.head.object.objectId, right.head.object.objectId),
  );
  return [
    ...algorithms.values(),
    ...ordered.flatMap((key) => key.versions.map((version) => keyVersion(key, version))),
    ...sealed.map((object) => dataKey(object, keys)),
  ].map(canonicalJson);
}

interface Component {
  readonly name: string;
  readonly [field: string]: unknown;
}

function algorithmsOf({ aead, hash }: Suite): readonly Component[] {
  return [
    cipherOf(aead.name),
    algorithm(`HKDF-${hash.toUpperCase()}`, { primitive: 'kdf', cryptoFunctions: ['keyderive'] }),
  ];
}

function cipherOf(name: string): Component {
  const size = /^AES-(\d+)-GCM$/.exec(name)?.[1] ?? '128';
  return algorithm(name, {
    primitive: 'ae',
    mode: 'gcm',
    parameterSetIdentifier: size,
    cryptoFunctions: ['encrypt', 'decrypt'],
  });
}

function algorithm(name: string, algorithmProperties: object): Component {
  return {
    type: 'cryptographic-asset',
    'bom-ref': refOf('algorithm', name),
    name,
    cryptoProperties: { assetType: 'algorithm', algorithmProperties },
  };
}

function keyVersion(key: KeyDescription, { version, state, createdAt, fingerprint }: KeyVersion): Component {
  // A version stops wrapping when the next one is made.
  const rotatedAt = key.versions.find((next) => next.version === version + 1)?.createdAt ?? null;
  return {
    type: 'cryptographic-asset',
    'bom-ref': refOf('key', key.id, version),
    name: key.id,
    version: String(version),
    cryptoProperties: {
      assetType: 'related-crypto-material',
      relatedCryptoMaterialProperties: {
        type: 'secret-key',
        id: `${key.id}/${version}`,
        state: STATE[state],
        algorithmRef: refOf('algorithm', key.algorithm),
        ...(createdAt !== null && { creationDate: createdAt, activationDate: createdAt }),
        ...(rotatedAt !== null && { updateDate: rotatedAt }),
      },
    },
    properties: propertiesOf({ 'unseen:state': state, 'unseen:fingerprint': fingerprint }),
  };
}

function dataKey({ head, sealedAt }: InventoryObject, keys: readonly KeyDescription[]): Component {
  const { suite, object, wrapped } = head;
  const wraps = wrapped.map(({ keyId, version }) => {
    const key = keys.find(({ id }) => id === keyId);
    const state = key?.versions.find((each) => each.version === version)?.state ?? 'unknown';
    return { ref: refOf('key', keyId, version), state, algorithm: key?.algorithm };
  });
  const by = wraps[0]?.algorithm;
  return {
    type: 'cryptographic-asset',
    'bom-ref': refOf('data-key', object.objectId),
    name: object.objectId,
    cryptoProperties: {
      assetType: 'related-crypto-material',
      relatedCryptoMaterialProperties: {
        type: 'secret-key',
        // In bits.
        size: suite.aead.keyBytes * 8,
        algorithmRef: refOf('algorithm', suite.aead.name),
        ...(sealedAt !== null && { creationDate: sealedAt }),
        ...(by !== undefined && {
          securedBy: { mechanism: 'Software', algorithmRef: refOf('algorithm', by) },
        }),
      },
    },
    properties: [
      ...propertiesOf({ 'unseen:suite': String(suite.number), ...contextOf(object.context) }),
      ...wraps.flatMap(({ ref, state }) =>
        propertiesOf({ 'unseen:wrapped-by': ref, 'unseen:key-state': state }),
      ),
    ],
  };
}

function contextOf(context: EnvelopeHead['object']['context']): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(context).map(([name, value]) => [`unseen:context:${name}`, value]),
  );
}

function propertiesOf(
  values: Readonly<Record<string, string | null>>,
): readonly { name: string; value: string }[] {
  return Object.entries(values).flatMap(([name, value]) => (value === null ? [] : [{ name, value }]));
}

function refOf(kind: string, ...names: readonly (string | number)[]): string {
  return [kind, ...names].join(':');
}

function compare(left: string, right: string): number {
  return left < right ? -1 : Number(left > right);
}
