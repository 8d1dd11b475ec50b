/**
 * Commitments: how a receipt speaks of data and answers without saying anything about them.
 *
 * Guarantee: a commitment to a dataset version hides the content digest from everyone without the version key, and
 * whoever opens it cannot open it to another content (HMAC-SHA-256, RFC 2104). An output digest hides cells that
 * were not shown behind a salt of at least 128 bits.
 * Not covered: choosing key and salt. Both must be random and fresh per version and per release.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

import { type Digest, digestOf } from './canonical.ts';

export type VersionCommitment = `hmac-sha256:${string}`;

const VERSION_KEY_BYTES_MIN = 32;

/** 128 bits or more in hex. */
const SALT = /^(?:[0-9a-f]{2}){16,64}$/;

/**
 * HMAC-SHA-256(versionKey, content digest), the digest as its text `sha256:<hex>` in UTF-8. The provider keeps the
 * key and may open the commitment to an auditor. RangeError for a key below 256 bits.
 */
export function commitVersion(versionKey: Uint8Array, contentDigest: Digest): VersionCommitment {
  if (versionKey.length < VERSION_KEY_BYTES_MIN) throw new RangeError('a version key has at least 32 bytes');
  if (!/^sha256:[0-9a-f]{64}$/.test(contentDigest)) throw new RangeError('a content digest is sha256:<hex>');
  return `hmac-sha256:${createHmac('sha256', versionKey).update(contentDigest).digest('hex')}`;
}

/** Whether key and content digest open the commitment. Constant in time, because the key is secret. */
export function opensCommitment(
  commitment: string,
  opening: { readonly versionKey: Uint8Array; readonly contentDigest: Digest },
): boolean {
  const made = Buffer.from(commitVersion(opening.versionKey, opening.contentDigest));
  const given = Buffer.from(commitment);
  return made.length === given.length && timingSafeEqual(made, given);
}

/** The digest of released cells: SHA-256 over the canonical JSON of { cells, salt }. `salt` is hex, 16 to 64 bytes. */
export function outputDigestOf(salt: string, cells: unknown): Digest {
  if (!SALT.test(salt)) throw new RangeError('an output salt is 16 to 64 bytes in hex');
  return digestOf({ cells, salt });
}
