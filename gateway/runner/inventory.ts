/**
 * The inventory of cryptography, gathered from the running system: keys of the key service, sealed objects, the runner's
 * own keys, and what links them; one JSON object a line (crypto/at-rest/inventory.ts says in which terms).
 *
 * Guarantee: every registered sealed version and every key that the service lists is a line, or the inventory fails;
 * a file that is not there is a line that says so. No key is among it.
 * Not covered: TLS in front of the listeners, which a proxy ends; the gateway's own keys, which it publishes itself.
 */
import { statSync } from 'node:fs';
import { type InventoryObject, inventoryLines } from '#crypto/at-rest/inventory.ts';
import { canonicalJson } from '#crypto/canonical.ts';
import { algorithmOf, type EvidenceKey } from '#crypto/evidence-key.ts';
import type { KeyDescription, KmsAdapter } from '#crypto/kms/adapter.ts';
import { withKeyFaults } from '../keys/key-faults.ts';
import { readSealedHead } from '../keys/sealed-file.ts';
import type { Database } from '../storage/database.ts';
import { listSealedVersions, type SealedVersion } from './source-store.ts';

export interface InventoryShell {
  readonly db: Database;
  readonly kms: { get(): Promise<KmsAdapter> };
  readonly signingKey: EvidenceKey;
}

/** The lines, without their ends. Fails: KMS_UNAVAILABLE, CONFIG. */
export async function inventoryOf({ db, kms, signingKey }: InventoryShell): Promise<readonly string[]> {
  const versions = await listSealedVersions(db);
  const [service, keys] = versions.length === 0 ? await keysOrNone(kms) : await keysOf(kms);
  const sealed = versions.map((version) => ({ version, object: objectOf(version) }));
  const objects = sealed.flatMap(({ object }) => (object === null ? [] : [object]));
  return [
    ...inventoryLines(keys, objects),
    ...[
      ...sealed.map(({ version, object }) => datasetLine(version, object)),
      ...ownLines(signingKey),
      ...serviceLines(service),
      ...libraryLines(),
    ].map(canonicalJson),
  ];
}

type Service = KmsAdapter['kind'] | null;

async function keysOf(kms: InventoryShell['kms']): Promise<[Service, readonly KeyDescription[]]> {
  const service = await kms.get();
  const ids = await withKeyFaults({ key: '' }, service.list());
  return [service.kind, await Promise.all(ids.map((key) => withKeyFaults({ key }, service.describe(key))))];
}

/** Where nothing is sealed there may be no key store. */
async function keysOrNone(kms: InventoryShell['kms']): Promise<[Service, readonly KeyDescription[]]> {
  return keysOf(kms).catch(() => [null, []]);
}

function objectOf({ path }: SealedVersion): InventoryObject | null {
  try {
    return { head: readSealedHead(path), sealedAt: statSync(path).mtime.toISOString() };
  } catch {
    return null;
  }
}

function datasetLine(
  { dataset, versionId, provider, key, registeredAt }: SealedVersion,
  object: InventoryObject | null,
): object {
  return {
    type: 'data',
    'bom-ref': `dataset:${dataset}:${versionId}`,
    name: dataset,
    version: versionId,
    properties: propertiesOf({
      'unseen:key': key,
      'unseen:object': object === null ? 'missing' : `data-key:${object.head.object.objectId}`,
      'unseen:owner': provider,
      'unseen:registered': registeredAt.toISOString(),
    }),
  };
}

/** What the runner itself signs and derives with. */
function ownLines({ kid, publicJwk }: EvidenceKey): readonly object[] {
  return [
    material(`receipt-key:${kid}`, 'public-key', algorithmOf(publicJwk), 256, {
      'unseen:use': 'receipts and destruction records',
      'unseen:owner': 'operator',
      'unseen:library': opensslOf(),
    }),
    material('runner-secret', 'secret-key', 'HMAC-SHA256', 256, {
      'unseen:use': 'seeds of keyed choices',
      'unseen:owner': 'operator',
      'unseen:library': opensslOf(),
    }),
  ];
}

function material(
  name: string,
  type: string,
  algorithm: string,
  size: number,
  properties: Readonly<Record<string, string>>,
): object {
  return {
    type: 'cryptographic-asset',
    'bom-ref': `runner:${name}`,
    name,
    cryptoProperties: {
      assetType: 'related-crypto-material',
      relatedCryptoMaterialProperties: {
        type,
        size,
        state: 'active',
        algorithmRef: `algorithm:${algorithm}`,
      },
    },
    properties: propertiesOf(properties),
  };
}

/** How the key service is reached. */
function serviceLines(service: Service): readonly object[] {
  if (service !== 'vault') return [];
  return [
    {
      type: 'cryptographic-asset',
      'bom-ref': 'protocol:key-service',
      name: 'key service',
      cryptoProperties: { assetType: 'protocol', protocolProperties: { type: 'tls' } },
      properties: propertiesOf({ 'unseen:library': opensslOf() }),
    },
  ];
}

function libraryLines(): readonly object[] {
  const { node, openssl } = process.versions;
  return [
    { type: 'library', 'bom-ref': 'library:openssl', name: 'openssl', version: openssl ?? '' },
    { type: 'library', 'bom-ref': 'library:node', name: 'node', version: node },
  ];
}

function opensslOf(): string {
  return `openssl ${process.versions.openssl ?? ''}`;
}

function propertiesOf(values: Readonly<Record<string, string>>): readonly object[] {
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}
