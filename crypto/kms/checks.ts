/** What every adapter asks of its arguments before anything else, so that no service ever sees what breaks a rule. */
import { type EncryptionContext, isContext } from '../encryption-context.ts';
import { KmsError, type WrappedKey } from './adapter.ts';

const KEY_ID = /^[a-z0-9][a-z0-9_-]{0,63}$/;
const VERSION_MAX = 1_000_000;
const WRAPPED_TEXT = /^[!-~]{1,1024}$/;
const DATA_KEY_BYTES_MIN = 16;
const DATA_KEY_BYTES_MAX = 64;

/** KEY_ID_INVALID unless 1 to 64 of `a-z 0-9 _ -`, the first a letter or digit: safe in a path, whatever the service. */
export function checkKeyId(id: string): void {
  if (!KEY_ID.test(id)) throw new KmsError('KEY_ID_INVALID');
}

/** CONTEXT_INVALID unless it keeps the rules of `isContext`; an empty one is no context. */
export function checkContext(context: EncryptionContext): void {
  if (!isContext(context)) throw new KmsError('CONTEXT_INVALID');
}

/** DATA_KEY_LENGTH outside 16 to 64 bytes. */
export function checkDataKey({ length }: Uint8Array): void {
  if (length < DATA_KEY_BYTES_MIN || length > DATA_KEY_BYTES_MAX) throw new KmsError('DATA_KEY_LENGTH');
}

/** WRAPPED_MALFORMED, or KEY_ID_INVALID, unless it has the form that every adapter gives it. */
export function checkWrapped({ keyId, version, ciphertext }: WrappedKey): void {
  checkKeyId(keyId);
  const isVersion = Number.isSafeInteger(version) && version >= 1 && version <= VERSION_MAX;
  if (!isVersion || !WRAPPED_TEXT.test(ciphertext)) throw new KmsError('WRAPPED_MALFORMED');
}
