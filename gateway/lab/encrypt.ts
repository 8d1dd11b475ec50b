/**
 * A provider's rows into ciphertexts: read and bounded in a jailed reader, encrypted under the custodian's public key.
 *
 * Guarantee: which rows of a unit are kept is decided by a secret of the provider's, so that a run that goes on keeps
 * the same ones and nobody else can tell which.
 */
import { createHmac } from 'node:crypto';
import { exportSigningKey, type SigningKey } from '#crypto/ed25519-key.ts';
import { keyDigestOf } from '#crypto/he/dataset-files.ts';
import { encryptDataset } from '#crypto/he/encrypt-dataset.ts';
import { HeError } from '#crypto/he/he-error.ts';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { descriptionOf, type EncryptionPlan } from '#sandbox/encrypted/encryption-plan.ts';
import { boundRows } from '#sandbox/encrypted/rows.ts';
import { openReader } from '#sandbox/reader/reader.ts';
import { fileOf } from '#sandbox/reader/source.ts';

export interface EncryptionTask {
  /** Directory of the encrypted dataset. */
  readonly out: string;
  readonly publicKey: Uint8Array;
  readonly relinKeys: Uint8Array;
  /** The provider's. */
  readonly signingKey: SigningKey;
  /** Told after each block. */
  readonly onProgress: (rows: number, of: number) => void;
}

/** Encrypts, and gives the signed manifest. Fails: CONFIG, SOURCE_UNREADABLE, MACHINE_FAULT. */
export async function encryptRows(
  plan: EncryptionPlan,
  { out: directory, publicKey, relinKeys, signingKey, onProgress }: EncryptionTask,
): Promise<string> {
  const description = descriptionOf(plan, {
    publicKeyDigest: keyDigestOf(publicKey),
    relinKeysDigest: keyDigestOf(relinKeys),
    createdAt: new Date().toISOString(),
  });
  const reader = await openReader({ source: fileOf(plan.dataset), jail: 'preferred' });
  try {
    const { d } = exportSigningKey(signingKey);
    const seed = createHmac('sha256', d).update(`rows of ${plan.choice.keyId}`).digest('hex');
    const rows = await boundRows(reader, plan, seed);
    return await encryptDataset({
      directory,
      description,
      publicKey,
      relinKeys,
      signingKey,
      groups: rows.groups(),
      onProgress: (done) => onProgress(done.rows, rows.rows),
    });
  } catch (error) {
    if (error instanceof HeError)
      throw new Failure('CONFIG', say('encrypt.refused', { code: error.code, field: error.field ?? '–' }));
    throw error;
  } finally {
    await reader.close();
  }
}
