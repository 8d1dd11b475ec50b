/**
 * What went wrong with a key or an envelope, as a Refusal or Failure of ours.
 *
 * Guarantee: a sentence names the key, the file and the code of crypto/, and nothing that a service said.
 */
import { EnvelopeError } from '#crypto/at-rest/envelope-error.ts';
import { KmsError, type KmsCode } from '#crypto/kms/adapter.ts';
import { Failure, Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';

/** Decisions about the key that was named. */
const ABOUT_THE_KEY: ReadonlySet<KmsCode> = new Set([
  'KEY_UNKNOWN',
  'KEY_DISABLED',
  'KEY_DESTROYED',
  'WRAPPED_REFUSED',
  'WRAPPED_MALFORMED',
  'CONTEXT_INVALID',
  'DATA_KEY_LENGTH',
  'KEY_ID_INVALID',
  'KEY_EXISTS',
  'VERSION_INVALID',
]);

/** The service is there for others, or will be: trying again may help. */
const OF_THE_SERVICE: ReadonlySet<KmsCode> = new Set([
  'PERMISSION_DENIED',
  'SEALED',
  'UNAVAILABLE',
  'TIMEOUT',
  'CIRCUIT_OPEN',
  'RESPONSE_MALFORMED',
  'CLOSED',
]);

/** Whether a key service decided about the key, and did not fail. */
export function isAboutTheKey(error: unknown): boolean {
  return error instanceof KmsError && ABOUT_THE_KEY.has(error.code);
}

/** For operators and providers, who may know all of it. What is none of the two errors of crypto/ comes back as it is. */
function keyFault(error: unknown, names: { readonly key: string; readonly file?: string }): unknown {
  if (error instanceof EnvelopeError)
    return new Failure(
      'SOURCE_UNREADABLE',
      say('keys.envelope', { file: names.file ?? '', code: error.code }),
    );
  if (!(error instanceof KmsError)) return error;
  const { code } = error;
  if (ABOUT_THE_KEY.has(code))
    return new Refusal('KEY_REFUSED', say('keys.notUsable', { key: names.key, code }));
  if (OF_THE_SERVICE.has(code)) return new Failure('KMS_UNAVAILABLE', say('keys.service', { code }));
  if (code === 'STORE_BUSY') return new Failure('STATE_BUSY', say('keys.busy'));
  return new Failure('CONFIG', say('keys.store', { code }));
}

/** Awaits work on a key; what it throws of crypto/ is thrown as `keyFault` says. */
export async function withKeyFaults<T>(
  names: { readonly key: string; readonly file?: string },
  work: Promise<T>,
): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw keyFault(error, names);
  }
}
