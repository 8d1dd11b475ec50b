/**
 * What a key-management service does for us: keys that never leave it wrap data keys that never rest.
 *
 * One contract, several adapters (`local.ts`, `vault.ts`), one suite of tests over all of them
 * (tests/crypto/kms/contract.ts).
 *
 * Guarantee of every adapter: a wrapped key is unwrapped only under the key and version that wrapped it and with the
 * context it was wrapped with; whatever fails is a KmsError with a code and never a key. Nothing is retried with
 * weaker checks, and nothing is answered from a copy once a key was disabled or destroyed.
 * Not covered: plaintext data keys that were given out before; their holder wipes them.
 */

import type { EncryptionContext } from '../encryption-context.ts';

/** active: wraps and unwraps. decrypt-only: unwraps. disabled: neither, until enabled. destroyed: neither, for ever. */
export type VersionState = 'active' | 'decrypt-only' | 'disabled' | 'destroyed';

export interface KeyVersion {
  /** From 1 on, without gaps. */
  readonly version: number;
  readonly state: VersionState;
  /** ISO 8601; null where the service does not tell. */
  readonly createdAt: string | null;
  /** First 16 bytes of a hash of the key material in hex, where the adapter can know it. */
  readonly fingerprint: string | null;
}

export interface KeyDescription {
  readonly id: string;
  /** Of the key: that of its newest version. */
  readonly state: VersionState;
  /** The version that wraps. */
  readonly latestVersion: number;
  /** Algorithm that wraps data keys, e.g. `AES-256-GCM`. */
  readonly algorithm: string;
  /** Oldest first. A service that forgets destroyed versions leaves them out. */
  readonly versions: readonly KeyVersion[];
}

/** A data key under a key-encryption key. */
export interface WrappedKey {
  readonly keyId: string;
  readonly version: number;
  /** Text of the adapter's own form, printable ASCII without spaces. */
  readonly ciphertext: string;
}

export interface DataKey {
  /** To be wiped (`fill(0)`) after use. */
  readonly plaintext: Uint8Array;
  readonly wrapped: WrappedKey;
}

/** What was destroyed: canonical JSON with strings and safe integers only, so that it can be signed as it is. */
export interface DestructionRecord {
  readonly type: 'unseen-key-destruction';
  readonly adapter: KmsAdapter['kind'];
  readonly keyId: string;
  readonly versions: readonly Pick<KeyVersion, 'version' | 'createdAt' | 'fingerprint'>[];
  readonly destroyedAt: string;
}

export interface KmsHealth {
  readonly ok: boolean;
  /** Why not; null when ok. */
  readonly code: KmsCode | null;
}

export interface KmsAdapter {
  readonly kind: 'local' | 'vault';

  /** Makes a key with its version 1. KEY_EXISTS, also for an id whose key was destroyed where that is known. */
  createKey(id: string): Promise<KeyDescription>;
  /** KEY_UNKNOWN when there is none. */
  describe(id: string): Promise<KeyDescription>;
  /** Ids in ascending order. */
  list(): Promise<readonly string[]>;

  /** A fresh random data key of 16 or 32 bytes, wrapped under the newest version. */
  generateDataKey(id: string, context: EncryptionContext, bytes: 16 | 32): Promise<DataKey>;
  /** Wraps 16 to 64 bytes under the newest version. */
  wrap(id: string, dataKey: Uint8Array, context: EncryptionContext): Promise<WrappedKey>;
  /** The data key, to be wiped after use. WRAPPED_REFUSED for another context, another key or altered text. */
  unwrap(wrapped: WrappedKey, context: EncryptionContext): Promise<Uint8Array>;
  /** The same data key under the newest version. */
  rewrap(wrapped: WrappedKey, context: EncryptionContext): Promise<WrappedKey>;

  /** Makes a new version; those before become decrypt-only. */
  rotate(id: string): Promise<KeyDescription>;
  /** Nothing is wrapped or unwrapped under any version, until `enable`. */
  disable(id: string): Promise<KeyDescription>;
  enable(id: string): Promise<KeyDescription>;
  /** Destroys the material of every version below `version`, which must not be above the newest. */
  destroyBefore(id: string, version: number): Promise<DestructionRecord>;
  /** Destroys the key material of every version, for ever. */
  destroy(id: string): Promise<DestructionRecord>;

  /** Whether keys can be used now. Never throws. */
  health(): Promise<KmsHealth>;
  /** Wipes what is in memory and lets go of files and connections. Every later call is refused: CLOSED. */
  close(): Promise<void>;
}

export const KMS_CODES = [
  // What was asked.
  'KEY_ID_INVALID',
  'CONTEXT_INVALID',
  'DATA_KEY_LENGTH',
  'VERSION_INVALID',
  'WRAPPED_MALFORMED',
  // The key.
  'KEY_UNKNOWN',
  'KEY_EXISTS',
  'KEY_DISABLED',
  'KEY_DESTROYED',
  'WRAPPED_REFUSED',
  // The service.
  'PERMISSION_DENIED',
  'SEALED',
  'UNAVAILABLE',
  'TIMEOUT',
  'CIRCUIT_OPEN',
  'RESPONSE_MALFORMED',
  'CONFIGURATION',
  'CLOSED',
  // The sealed file.
  'STORE_MISSING',
  'STORE_EXISTS',
  'STORE_DAMAGED',
  'STORE_BUSY',
  'STORE_UNWRITABLE',
  'ROOT_REFUSED',
  'KEY_FILE_UNSAFE',
  'PASSPHRASE_SHORT',
] as const;

export type KmsCode = (typeof KMS_CODES)[number];

/** Thrown by every adapter. It carries no text of the service and nothing of what was asked. */
export class KmsError extends Error {
  readonly code: KmsCode;

  constructor(code: KmsCode) {
    super(code);
    this.name = 'KmsError';
    this.code = code;
  }
}
