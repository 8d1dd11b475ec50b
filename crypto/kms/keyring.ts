/**
 * A keyring: keys with their versions and states, as a value, and what may happen to it.
 *
 * Guarantee: every function gives a new keyring or refuses with a KmsError and changes nothing; a destroyed version
 * never gets material again, and its id is never given to another key. Bytes of a keyring hold the material of
 * destroyed versions nowhere.
 * Not covered: who may ask (approvals), and where the bytes are kept.
 */
import { createHash } from 'node:crypto';

import { type SuiteNumber, suiteOf } from '../at-rest/suites.ts';
import { canonicalBytes } from '../canonical.ts';
import { freshBytes } from '../fresh-bytes.ts';
import { type DestructionRecord, type KeyDescription, KmsError, type VersionState } from './adapter.ts';

export interface RingVersion {
  readonly createdAt: string;
  readonly fingerprint: string;
  /** Null once destroyed. */
  readonly material: Uint8Array | null;
}

export interface RingKey {
  readonly id: string;
  readonly isDisabled: boolean;
  /** Version n is at n - 1. */
  readonly versions: readonly RingVersion[];
}

export interface Keyring {
  /** Decides the algorithm of every key. */
  readonly suite: SuiteNumber;
  /** Counts changes, so that an older copy is known as one. */
  readonly sequence: number;
  readonly keys: readonly RingKey[];
}

const HEADER_BYTES = 4;
const FINGERPRINT_CHARACTERS = 32;

export function emptyKeyring(suite: SuiteNumber): Keyring {
  return { suite, sequence: 0, keys: [] };
}

/** KEY_UNKNOWN when there is none. */
export function keyOf(ring: Keyring, id: string): RingKey {
  const key = ring.keys.find((each) => each.id === id);
  if (key === undefined) throw new KmsError('KEY_UNKNOWN');
  return key;
}

export function describeKey(ring: Keyring, id: string): KeyDescription {
  const key = keyOf(ring, id);
  const versions = key.versions.map(({ createdAt, fingerprint }, at) => {
    return { version: at + 1, state: stateOf(key, at + 1), createdAt, fingerprint };
  });
  const latestVersion = versions.length;
  const { name: algorithm } = suiteOf(ring.suite).aead;
  return { id, state: stateOf(key, latestVersion), latestVersion, algorithm, versions };
}

function stateOf(key: RingKey, version: number): VersionState {
  if (key.versions[version - 1]!.material === null) return 'destroyed';
  if (key.isDisabled) return 'disabled';
  return version === key.versions.length ? 'active' : 'decrypt-only';
}

/** The material of a version that may be used. KEY_UNKNOWN, WRAPPED_REFUSED for no such version, KEY_DISABLED, KEY_DESTROYED. */
export function materialOf(ring: Keyring, id: string, version: number): Uint8Array {
  const key = keyOf(ring, id);
  const material = key.versions[version - 1]?.material;
  if (material === undefined) throw new KmsError('WRAPPED_REFUSED');
  if (material === null) throw new KmsError('KEY_DESTROYED');
  if (key.isDisabled) throw new KmsError('KEY_DISABLED');
  return material;
}

/** A key with a first version. KEY_EXISTS, for a destroyed key too. */
export function withNewKey(ring: Keyring, id: string, now: string): Keyring {
  if (ring.keys.some((key) => key.id === id)) throw new KmsError('KEY_EXISTS');
  const key = { id, isDisabled: false, versions: [freshVersion(ring, now)] };
  const keys = [...ring.keys, key].sort((left, right) => (left.id < right.id ? -1 : 1));
  return { ...ring, sequence: ring.sequence + 1, keys };
}

/** A further version. KEY_DISABLED, KEY_DESTROYED. */
export function withNewVersion(ring: Keyring, id: string, now: string): Keyring {
  const key = keyOf(ring, id);
  materialOf(ring, id, key.versions.length);
  return withKey(ring, { ...key, versions: [...key.versions, freshVersion(ring, now)] });
}

/** Disables or enables. KEY_DESTROYED. */
export function withDisabled(ring: Keyring, id: string, isDisabled: boolean): Keyring {
  const key = keyOf(ring, id);
  checkAlive(key);
  return withKey(ring, { ...key, isDisabled });
}

/**
 * Without the material of every version below `version`; one beyond the newest stands for all. The caller wipes the
 * old keyring's copies. KEY_DESTROYED.
 */
export function withoutBefore(
  ring: Keyring,
  id: string,
  version: number,
  now: string,
): { readonly ring: Keyring; readonly record: DestructionRecord } {
  const key = keyOf(ring, id);
  checkAlive(key);
  const goes = (each: RingVersion, at: number): boolean => at + 1 < version && each.material !== null;
  const versions = key.versions.map((each, at) => (goes(each, at) ? { ...each, material: null } : each));
  const destroyed = key.versions.flatMap((each, at) => {
    const { createdAt, fingerprint } = each;
    return goes(each, at) ? [{ version: at + 1, createdAt, fingerprint }] : [];
  });
  return {
    ring: withKey(ring, { ...key, versions }),
    record: {
      type: 'unseen-key-destruction',
      adapter: 'local',
      keyId: id,
      versions: destroyed,
      destroyedAt: now,
    },
  };
}

/**
 * A keyring as bytes: length of the text (4 bytes, big-endian), canonical JSON without material, then the material
 * of all versions that have some, in order. Material is never a text, so that it can be overwritten.
 */
export function renderKeyring(ring: Keyring): Uint8Array {
  const keys = ring.keys.map(({ id, isDisabled, versions }) => {
    return {
      id,
      isDisabled,
      versions: versions.map(({ createdAt, fingerprint, material }) => {
        return { createdAt, fingerprint, bytes: material?.length ?? 0 };
      }),
    };
  });
  const text = canonicalBytes({ suite: ring.suite, sequence: ring.sequence, keys });
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(text.length);
  const materials = ring.keys.flatMap(({ versions }) => versions.map(({ material }) => material));
  return Buffer.concat([header, text, ...materials.filter((material) => material !== null)]);
}

/** What `renderKeyring` wrote. STORE_DAMAGED for anything else. Material is copied; the caller wipes the bytes. */
export function parseKeyring(bytes: Uint8Array): Keyring {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const end = HEADER_BYTES + view.readUInt32BE(0);
    const { suite, sequence, keys } = JSON.parse(view.toString('utf8', HEADER_BYTES, end)) as KeyringText;
    let at = end;
    const take = (length: number): Uint8Array | null => {
      if (length === 0) return null;
      at += length;
      return Buffer.from(view.subarray(at - length, at));
    };
    const ring: Keyring = {
      suite,
      sequence,
      keys: keys.map(({ id, isDisabled, versions }) => {
        const read = versions.map(({ createdAt, fingerprint, bytes: length }) => {
          return { createdAt, fingerprint, material: take(length) };
        });
        return { id, isDisabled, versions: read };
      }),
    };
    if (Buffer.compare(renderKeyring(ring), view) === 0) return ring;
    wipeKeyring(ring);
  } catch {
    // It was authentic, so it is ours and of another format; nothing of it is told.
  }
  throw new KmsError('STORE_DAMAGED');
}

/** Overwrites all material. */
export function wipeKeyring(ring: Keyring): void {
  for (const { versions } of ring.keys) for (const { material } of versions) material?.fill(0);
}

interface KeyringText {
  readonly suite: SuiteNumber;
  readonly sequence: number;
  readonly keys: readonly {
    readonly id: string;
    readonly isDisabled: boolean;
    readonly versions: readonly {
      readonly createdAt: string;
      readonly fingerprint: string;
      readonly bytes: number;
    }[];
  }[];
}

function freshVersion(ring: Keyring, createdAt: string): RingVersion {
  const { aead, hash } = suiteOf(ring.suite);
  const material = freshBytes(aead.keyBytes);
  const digest = createHash(hash).update('unseen/key-fingerprint/1 ').update(material).digest('hex');
  return { createdAt, fingerprint: digest.slice(0, FINGERPRINT_CHARACTERS), material };
}

function checkAlive(key: RingKey): void {
  if (key.versions.every(({ material }) => material === null)) throw new KmsError('KEY_DESTROYED');
}

function withKey(ring: Keyring, changed: RingKey): Keyring {
  const keys = ring.keys.map((key) => (key.id === changed.id ? changed : key));
  return { ...ring, sequence: ring.sequence + 1, keys };
}
