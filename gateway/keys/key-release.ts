/**
 * Gives out data keys: what a runner asks the key service for, once for each opening of a sealed source.
 *
 * Guarantee: a key is asked for with the context of the dataset that is asked about, never with what the file says of
 * itself; nothing of a key is kept, so that a key that was disabled or destroyed opens nothing from then on. To a buyer
 * all decisions about a key are one sentence.
 */
import { contextText } from '#crypto/encryption-context.ts';
import { EnvelopeError } from '#crypto/at-rest/envelope-error.ts';
import type { EnvelopeHead } from '#crypto/at-rest/envelope-head.ts';
import { type KmsAdapter, KmsError } from '#crypto/kms/adapter.ts';
import { Failure, Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { Dataset } from '#sandbox/manifest/dataset.ts';
import { fileOf, type ReleasedKey, sourceUnreadable } from '#sandbox/reader/source.ts';
import type { KeyRelease } from '../runner/sources.ts';
import { isAboutTheKey } from './key-faults.ts';
import { contextOf, readSealedHead } from './sealed-file.ts';

/** The data keys of a key service, which is opened when the first is asked for. */
export function keyRelease(kms: { get(): Promise<KmsAdapter> }): KeyRelease {
  return {
    async releaseKey(dataset: Dataset): Promise<ReleasedKey> {
      const { objectId, context, wrapped } = envelopeOf(dataset);
      const service = await kms.get();
      try {
        return { dataKey: await service.unwrap(wrapped, context), objectId, context };
      } catch (error) {
        if (isAboutTheKey(error)) throw refused(dataset);
        if (error instanceof KmsError)
          throw new Failure('KMS_UNAVAILABLE', say('keys.unavailable'), { cause: error });
        throw error;
      }
    },
  };
}

/** What the file of a dataset says, once it says what it must. Refuses: KEY_REFUSED; fails: SOURCE_UNREADABLE. */
function envelopeOf(
  dataset: Dataset,
): Omit<ReleasedKey, 'dataKey'> & { readonly wrapped: EnvelopeHead['wrapped'][number] } {
  const { object, wrapped } = headOf(dataset);
  const { objectId } = object;
  const context = contextOf({ dataset: dataset.name, lineage: dataset.lineage }, objectId);
  const own = wrapped.find(({ keyId }) => keyId === dataset.source.sealed?.key);
  if (own === undefined || contextText(object.context) !== contextText(context)) throw refused(dataset);
  return { objectId, context, wrapped: own };
}

function headOf(dataset: Dataset): EnvelopeHead {
  const source = fileOf(dataset);
  try {
    return readSealedHead(source.path);
  } catch (error) {
    const isFile = error instanceof EnvelopeError || (error instanceof Error && 'syscall' in error);
    throw isFile ? sourceUnreadable(source) : error;
  }
}

function refused({ name }: Dataset): Refusal {
  return new Refusal('KEY_REFUSED', say('keys.refused', { dataset: name }));
}
