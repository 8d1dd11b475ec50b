/**
 * Key management by the transit engine of HashiCorp Vault or OpenBao (their HTTP API, `/v1/transit/…`).
 *
 * Keys are `aes256-gcm96` with `derived: true`: Vault wraps under a key that it derives from the named key and our
 * encryption context, so that a wrapped key opens with its context alone, in every verb, `rewrap` and `datakey`
 * among them. Keys are made neither exportable nor open to plaintext backup.
 *
 * States in Vault's own numbers: versions below `min_available_version` are trimmed, that is destroyed. A key is
 * disabled when versions that are still there lie below `min_decryption_version`: `disable` makes a version that has
 * wrapped nothing and moves that number up to it, `enable` moves it back.
 *
 * Guarantee: as in `adapter.ts`; what the server says is taken only in the form that it must have.
 * Not covered: whoever administers Vault with other tools; a key deleted there is KEY_UNKNOWN here, as after
 * `destroy`, and Vault would make a new key of the same name (nothing wrapped before opens under it).
 */
import { decodeBytes, encodeBytes } from '../bytes.ts';
import { contextText, type EncryptionContext } from '../encryption-context.ts';
import { type DestructionRecord, type KeyDescription, type KmsAdapter, KmsError } from './adapter.ts';
import type { DataKey, KeyVersion, KmsHealth, VersionState, WrappedKey } from './adapter.ts';
import { checkContext, checkDataKey, checkKeyId, checkWrapped } from './checks.ts';
import { type VaultAnswer, VaultClient, type VaultOptions } from './vault-client.ts';

const CREATE = { type: 'aes256-gcm96', derived: true, exportable: false, allow_plaintext_backup: false };
const CIPHERTEXT = /^vault:v([1-9]\d{0,6}):[A-Za-z0-9+/]+=*$/;

/** CONFIGURATION. Nothing is asked of the server yet; see `health`. */
export function openVaultKms(options: VaultOptions & { readonly now: () => string }): KmsAdapter {
  return new VaultKms(options);
}

/** What Vault says of a key. */
interface KeyPolicy {
  readonly latest: number;
  /** The first that is not trimmed. */
  readonly available: number;
  readonly decryptable: number;
  /** Unix seconds by version, of those that may decrypt. */
  readonly created: ReadonlyMap<number, number>;
}

class VaultKms implements KmsAdapter {
  readonly kind = 'vault';
  readonly #client: VaultClient;
  readonly #now: () => string;

  constructor(options: VaultOptions & { readonly now: () => string }) {
    this.#client = new VaultClient(options);
    this.#now = options.now;
  }

  async createKey(id: string): Promise<KeyDescription> {
    checkKeyId(id);
    if ((await this.#policy(id)) !== null) throw new KmsError('KEY_EXISTS');
    const answer = await this.#done('POST', `keys/${id}`, CREATE);
    // Someone else made it meanwhile: Vault then does nothing and says so.
    if (isRecord(answer.body) && Array.isArray(answer.body['warnings'])) throw new KmsError('KEY_EXISTS');
    return this.describe(id);
  }

  async describe(id: string): Promise<KeyDescription> {
    checkKeyId(id);
    return descriptionOf(id, await this.#known(id));
  }

  async list(): Promise<readonly string[]> {
    const answer = await this.#client.transit('GET', 'keys?list=true');
    // Vault has no list of nothing.
    if (answer.status === 404) return [];
    const keys = dataOf(done(answer))['keys'];
    if (!Array.isArray(keys) || !keys.every((key) => typeof key === 'string')) {
      throw new KmsError('RESPONSE_MALFORMED');
    }
    return keys.toSorted();
  }

  async generateDataKey(id: string, context: EncryptionContext, bytes: 16 | 32): Promise<DataKey> {
    checkKeyId(id);
    checkContext(context);
    await this.#usable(id);
    const body = { context: contextOf(context), bits: bytes * 8 };
    const data = dataOf(await this.#done('POST', `datakey/plaintext/${id}`, body));
    return { plaintext: keyOf(data, bytes), wrapped: wrappedOf(id, data) };
  }

  async wrap(id: string, dataKey: Uint8Array, context: EncryptionContext): Promise<WrappedKey> {
    checkKeyId(id);
    checkDataKey(dataKey);
    checkContext(context);
    // Vault would make a key that is not there, and not as ours are.
    await this.#usable(id);
    const body = { plaintext: encodeBytes(dataKey, 'base64'), context: contextOf(context) };
    return wrappedOf(id, dataOf(await this.#done('POST', `encrypt/${id}`, body)));
  }

  async unwrap(wrapped: WrappedKey, context: EncryptionContext): Promise<Uint8Array> {
    return keyOf(await this.#opened('decrypt', wrapped, context), null);
  }

  async rewrap(wrapped: WrappedKey, context: EncryptionContext): Promise<WrappedKey> {
    checkWrapped(wrapped);
    await this.#usable(wrapped.keyId);
    return wrappedOf(wrapped.keyId, await this.#opened('rewrap', wrapped, context));
  }

  async rotate(id: string): Promise<KeyDescription> {
    checkKeyId(id);
    await this.#usable(id);
    await this.#done('POST', `keys/${id}/rotate`, {});
    return this.describe(id);
  }

  async disable(id: string): Promise<KeyDescription> {
    checkKeyId(id);
    if (!isDisabled(await this.#known(id))) {
      await this.#done('POST', `keys/${id}/rotate`, {});
      const { latest } = await this.#known(id);
      await this.#configure(id, latest, latest);
    }
    return this.describe(id);
  }

  async enable(id: string): Promise<KeyDescription> {
    checkKeyId(id);
    const { available, latest } = await this.#known(id);
    await this.#configure(id, available, latest);
    return this.describe(id);
  }

  async destroyBefore(id: string, version: number): Promise<DestructionRecord> {
    checkKeyId(id);
    const policy = await this.#usable(id);
    if (!Number.isSafeInteger(version) || version < 1 || version > policy.latest) {
      throw new KmsError('VERSION_INVALID');
    }
    if (version > policy.available) {
      await this.#configure(id, version, policy.latest);
      await this.#done('POST', `keys/${id}/trim`, { min_available_version: version });
      if ((await this.#known(id)).available !== version) throw new KmsError('RESPONSE_MALFORMED');
    }
    return this.#recordOf(id, policy, version);
  }

  async destroy(id: string): Promise<DestructionRecord> {
    checkKeyId(id);
    const policy = await this.#known(id);
    await this.#done('POST', `keys/${id}/config`, { deletion_allowed: true });
    await this.#done('DELETE', `keys/${id}`);
    // A server that only says so has destroyed nothing.
    if ((await this.#policy(id)) !== null) throw new KmsError('RESPONSE_MALFORMED');
    return this.#recordOf(id, policy, policy.latest + 1);
  }

  async health(): Promise<KmsHealth> {
    try {
      await this.list();
      return { ok: true, code: null };
    } catch (error) {
      return { ok: false, code: error instanceof KmsError ? error.code : 'UNAVAILABLE' };
    }
  }

  async close(): Promise<void> {
    this.#client.close();
  }

  /** Asks to open a wrapped key; what a refusal means is looked up, since Vault says it only in words. */
  async #opened(
    verb: 'decrypt' | 'rewrap',
    wrapped: WrappedKey,
    context: EncryptionContext,
  ): Promise<Record<string, unknown>> {
    checkWrapped(wrapped);
    checkContext(context);
    const { keyId, version, ciphertext } = wrapped;
    if (versionOf(ciphertext) !== version) throw new KmsError('WRAPPED_MALFORMED');
    const body = { ciphertext, context: contextOf(context) };
    const answer = await this.#client.transit('POST', `${verb}/${keyId}`, body);
    if (answer.status !== 400) return dataOf(done(answer));
    const policy = await this.#known(keyId);
    if (version < policy.available) throw new KmsError('KEY_DESTROYED');
    throw new KmsError(isDisabled(policy) ? 'KEY_DISABLED' : 'WRAPPED_REFUSED');
  }

  async #policy(id: string): Promise<KeyPolicy | null> {
    const answer = await this.#client.transit('GET', `keys/${id}`);
    return answer.status === 404 ? null : policyOf(dataOf(done(answer)));
  }

  async #known(id: string): Promise<KeyPolicy> {
    const policy = await this.#policy(id);
    if (policy === null) throw new KmsError('KEY_UNKNOWN');
    return policy;
  }

  async #usable(id: string): Promise<KeyPolicy> {
    const policy = await this.#known(id);
    if (isDisabled(policy)) throw new KmsError('KEY_DISABLED');
    return policy;
  }

  async #configure(id: string, decryptable: number, encryptable: number): Promise<void> {
    const body = { min_decryption_version: decryptable, min_encryption_version: encryptable };
    await this.#done('POST', `keys/${id}/config`, body);
  }

  async #done(method: 'POST' | 'DELETE', path: string, body?: object): Promise<VaultAnswer> {
    return done(await this.#client.transit(method, path, body));
  }

  #recordOf(id: string, policy: KeyPolicy, below: number): DestructionRecord {
    const versions = descriptionOf(id, policy)
      .versions.filter(({ version, state }) => version < below && state !== 'destroyed')
      .map(({ version, createdAt, fingerprint }) => ({ version, createdAt, fingerprint }));
    return {
      type: 'unseen-key-destruction',
      adapter: 'vault',
      keyId: id,
      versions,
      destroyedAt: this.#now(),
    };
  }
}

/** An answer that did what was asked. KEY_UNKNOWN for 404, RESPONSE_MALFORMED for a refusal that cannot be. */
function done(answer: VaultAnswer): VaultAnswer {
  if (answer.status === 404) throw new KmsError('KEY_UNKNOWN');
  if (answer.status >= 400) throw new KmsError('RESPONSE_MALFORMED');
  return answer;
}

function dataOf({ body }: VaultAnswer): Record<string, unknown> {
  const data = isRecord(body) ? body['data'] : undefined;
  if (!isRecord(data)) throw new KmsError('RESPONSE_MALFORMED');
  return data;
}

/** A key that was not made as ours are is refused: it would wrap without context, or could be exported. */
function policyOf(data: Record<string, unknown>): KeyPolicy {
  const { type, derived, exportable, allow_plaintext_backup: backup, keys } = data;
  const isOurs = type === CREATE.type && derived === true && exportable === false && backup === false;
  if (!isOurs) throw new KmsError('CONFIGURATION');
  const latest = countOf(data['latest_version']);
  const available = Math.max(countOf(data['min_available_version']), 1);
  const decryptable = Math.max(countOf(data['min_decryption_version']), 1);
  if (!isRecord(keys) || latest < 1 || available > latest || decryptable > latest) {
    throw new KmsError('RESPONSE_MALFORMED');
  }
  const created = Object.entries(keys).map(([version, at]) => [Number(version), countOf(at)] as const);
  return { latest, available, decryptable, created: new Map(created) };
}

function countOf(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new KmsError('RESPONSE_MALFORMED');
  return value as number;
}

function isDisabled({ available, decryptable }: KeyPolicy): boolean {
  return decryptable > available;
}

function descriptionOf(id: string, policy: KeyPolicy): KeyDescription {
  const versions = Array.from({ length: policy.latest }, (_, at): KeyVersion => {
    const seconds = policy.created.get(at + 1);
    const createdAt = seconds === undefined ? null : new Date(seconds * 1_000).toISOString();
    return { version: at + 1, state: stateOf(policy, at + 1), createdAt, fingerprint: null };
  });
  const state = stateOf(policy, policy.latest);
  return { id, state, latestVersion: policy.latest, algorithm: 'AES-256-GCM', versions };
}

function stateOf(policy: KeyPolicy, version: number): VersionState {
  if (version < policy.available) return 'destroyed';
  if (isDisabled(policy)) return 'disabled';
  return version === policy.latest ? 'active' : 'decrypt-only';
}

function contextOf(context: EncryptionContext): string {
  return encodeBytes(Buffer.from(contextText(context)), 'base64');
}

function keyOf({ plaintext }: Record<string, unknown>, length: number | null): Uint8Array {
  const key = typeof plaintext === 'string' ? decodeBytes(plaintext, 'base64') : null;
  if (key === null || (length !== null && key.length !== length)) throw new KmsError('RESPONSE_MALFORMED');
  return key;
}

function wrappedOf(keyId: string, { ciphertext }: Record<string, unknown>): WrappedKey {
  const version = typeof ciphertext === 'string' ? versionOf(ciphertext) : null;
  if (version === null) throw new KmsError('RESPONSE_MALFORMED');
  return { keyId, version, ciphertext: ciphertext as string };
}

function versionOf(ciphertext: string): number | null {
  const version = CIPHERTEXT.exec(ciphertext)?.[1];
  return version === undefined ? null : Number(version);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
