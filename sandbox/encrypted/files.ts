/**
 * An encrypted dataset on disk, once its signed manifest is the one that was registered and says what dataset.yaml says.
 *
 * Guarantee: signature, digest, key, parameters, bounds, grids, lists and the number of rows are compared here, each
 * by name, before anything is computed; after it the digests of the manifest decide about every other byte.
 * Not covered: the rows. How many of a unit there are is the provider's word.
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { EvidenceError } from '#crypto/evidence.ts';
import { MANIFEST_FILE } from '#crypto/he/dataset-files.ts';
import { type DatasetManifest, openManifest } from '#crypto/he/dataset-manifest.ts';
import { HeError } from '#crypto/he/he-error.ts';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { Column, CustodianAddress } from '../manifest/dataset.ts';
import { inverseOf } from '../query/bounds.ts';
import { midGridOf } from '../plan.ts';
import { type EncryptedDataset, encryptedColumnsOf } from './circuits.ts';

export interface EncryptedFiles {
  readonly directory: string;
  readonly manifest: DatasetManifest;
  readonly custodian: CustodianAddress;
}

/** Longer than any signed text (crypto/signing.ts). */
const MANIFEST_BYTES_MAX = 2 ** 20;

/**
 * The files of a dataset. Fails: SOURCE_UNREADABLE for a manifest that is missing or not the provider's,
 * SOURCE_CHANGED for one that is not the registered one, CONFIG where dataset.yaml says otherwise.
 */
export async function openEncryptedFiles(dataset: EncryptedDataset): Promise<EncryptedFiles> {
  const { source, encryption } = dataset;
  if (source.type !== 'encrypted') throw new RangeError('encrypted data have an encrypted source');
  const path = join(source.path, MANIFEST_FILE);
  const jws = await readText(path);
  try {
    const key = { kty: 'OKP', crv: 'Ed25519', x: encryption.provider } as const;
    const { manifest, digest } = await openManifest(jws, [key]);
    if (digest !== `sha256:${encryption.manifestDigest}`)
      throw new Failure('SOURCE_CHANGED', say('source.changed', { path }));
    const field = disagreementOf(dataset, manifest);
    if (field !== null) throw new Failure('CONFIG', say('encrypted.disagrees', { path, field }));
    return { directory: source.path, manifest, custodian: source.custodian };
  } catch (error) {
    if (error instanceof EvidenceError || error instanceof HeError) throw unreadable(path);
    throw error;
  }
}

function unreadable(path: string): Failure {
  return new Failure('SOURCE_UNREADABLE', say('source.unreadable', { path, type: 'encrypted' }));
}

/** Non-blocking, so that a named pipe in the file's place is refused instead of waited for. */
async function readText(path: string): Promise<string> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { size } = await file.stat();
    if (size > MANIFEST_BYTES_MAX) throw unreadable(path);
    return (await file.readFile('utf8')).trim();
  } catch {
    throw unreadable(path);
  }
}

/** The first field in which a signed manifest says another thing than dataset.yaml, or null. */
function disagreementOf(dataset: EncryptedDataset, manifest: DatasetManifest): string | null {
  const { encryption, maxRows } = dataset;
  if (manifest.profile !== encryption.profile) return 'profile';
  if (manifest.keyId !== encryption.keyId) return 'keyId';
  if (manifest.bounding.rowsPerUnit !== encryption.rowsPerUnit) return 'bounding.rowsPerUnit';
  if (manifest.bounding.maxRows !== maxRows) return 'bounding.maxRows';
  return clearDisagreement(dataset, manifest) ?? encryptedDisagreement(dataset, manifest);
}

function clearDisagreement({ columns }: EncryptedDataset, manifest: DatasetManifest): string | null {
  const clear = columns.filter(({ role }) => role === 'key');
  const stated = manifest.disclosedToPlatform;
  if (stated.length !== clear.length) return 'disclosedToPlatform';
  const isSame = ({ name, values }: Column): boolean =>
    JSON.stringify(stated.find((column) => column.name === name)?.values) === JSON.stringify(values);
  const other = clear.find((column) => !isSame(column));
  return other === undefined ? null : `disclosedToPlatform.${other.name}`;
}

function encryptedDisagreement(dataset: EncryptedDataset, { columns }: DatasetManifest): string | null {
  const encrypted = encryptedColumnsOf(dataset);
  if (columns.length !== encrypted.size) return 'columns';
  for (const { name, low, high, granularity, lowGrid, highGrid, mid, nullable } of columns) {
    const argument = encrypted.get(name);
    const isSame =
      argument !== undefined &&
      Number(low) === argument.low &&
      Number(high) === argument.high &&
      Number(granularity) === 1 / inverseOf(argument.grid) &&
      BigInt(lowGrid) === argument.lowGrid &&
      BigInt(highGrid) === argument.highGrid &&
      BigInt(mid) === midGridOf(argument) &&
      nullable === dataset.encryption.nullable.includes(name);
    if (!isSame) return `columns.${name}`;
  }
  return null;
}
