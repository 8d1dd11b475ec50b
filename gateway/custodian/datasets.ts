/**
 * The encrypted datasets that a custodian answers for: manifests that their providers signed, kept in its directory.
 *
 * Guarantee: a manifest is read again, signature and all, at every start; one of a provider that was taken off the list,
 * or for a key that is not in the store, is used no more.
 */
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PublicJwk } from '#crypto/ed25519-key.ts';
import { EvidenceError } from '#crypto/evidence.ts';
import { type DatasetManifest, openManifest } from '#crypto/he/dataset-manifest.ts';
import { HeError } from '#crypto/he/he-error.ts';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { EncryptedShape } from '#sandbox/encrypted/order-noise.ts';
import type { AcceptedDataset } from './custodian.ts';
import type { KeyRecord } from './key-store.ts';

interface Trusted {
  readonly providerKeys: readonly PublicJwk[];
  readonly keys: readonly KeyRecord[];
}

/** A manifest that holds, with the name that orders give it. */
export interface Accepted extends AcceptedDataset {
  readonly digest: string;
  readonly name: string;
}

const FOLDER = 'manifests';

/** Takes a manifest into the store. Failure CONFIG when it is not a known provider's for a key of the store. */
export async function acceptManifest(directory: string, file: string, trusted: Trusted): Promise<Accepted> {
  const text = readText(file);
  const accepted = await opened(text, file, trusted);
  const folder = join(directory, FOLDER);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const kept = join(folder, `${accepted.digest.replace('sha256:', '')}.jws`);
  if (!existsSync(kept)) writeFileSync(kept, text, { mode: 0o600, flush: true });
  return accepted;
}

/** Every manifest of the store that still holds. */
export async function acceptedDatasets(directory: string, trusted: Trusted): Promise<readonly Accepted[]> {
  const files = globSync('*.jws', { cwd: join(directory, FOLDER) }).toSorted();
  const accepted: Accepted[] = [];
  for (const name of files) {
    const file = join(directory, FOLDER, name);
    accepted.push(await opened(readText(file), file, trusted));
  }
  return accepted;
}

async function opened(text: string, file: string, { providerKeys, keys }: Trusted): Promise<Accepted> {
  try {
    const { manifest, digest } = await openManifest(text, providerKeys);
    const key = keys.find(({ keyId }) => keyId === manifest.keyId);
    const isOurs =
      key !== undefined &&
      key.profile === manifest.profile &&
      key.publicKeyDigest === manifest.publicKeyDigest &&
      key.relinKeysDigest === manifest.relinKeysDigest;
    if (isOurs) return { digest, name: manifest.name, keyId: manifest.keyId, shape: shapeOf(manifest) };
  } catch (error) {
    if (!(error instanceof EvidenceError || error instanceof HeError)) throw error;
  }
  throw new Failure('CONFIG', say('custodian.manifestUnusable', { file }));
}

function shapeOf(manifest: DatasetManifest): EncryptedShape {
  const { plainModulus, bounding, disclosedToPlatform, columns } = manifest;
  return {
    modulus: BigInt(plainModulus),
    rowsPerUnit: bounding.rowsPerUnit,
    maxRows: bounding.maxRows,
    maxCells: disclosedToPlatform.reduce((cells, { values }) => cells * BigInt(values.length), 1n),
    columns: new Map(
      columns.map(({ name, lowGrid, highGrid, mid, nullable }) => [
        name,
        { lowGrid: BigInt(lowGrid), highGrid: BigInt(highGrid), midGrid: BigInt(mid), nullable },
      ]),
    ),
  };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new Failure('CONFIG', say('custodian.filesystem', { file }), { cause });
  }
}
