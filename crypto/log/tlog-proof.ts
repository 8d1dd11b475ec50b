/**
 * Proof files (C2SP tlog-proof, `c2sp.org/tlog-proof@v1`): that an entry is in a log, checked without the log.
 *
 * A proof is index, inclusion path and the checkpoint it leads to, as one text file.
 * Guarantee: reading what was written gives the same proof, and there is one spelling of each.
 * Not covered: reading is not believing; receipt.ts checks signature and inclusion. `extra` is authenticated by nobody.
 */
import { decodeBytes, encodeBytes } from '../bytes.ts';
import { EvidenceError } from '../evidence.ts';
import { HASH_BYTES } from './merkle.ts';

const HEADER = 'c2sp.org/tlog-proof@v1';
const INDEX_MAX = (1n << 64n) - 1n;

/** A tree of 2^64 leaves has paths of 64 hashes. */
const PATH_MAX = 64;
const PROOF_CHARACTERS_MAX = 1 << 20;

export interface TlogProof {
  readonly index: bigint;
  /** From the leaf's sibling up to the root's child. */
  readonly path: readonly Uint8Array[];
  /** The checkpoint as a signed note, verbatim. */
  readonly checkpoint: string;
  readonly extra: Uint8Array | null;
}

/** The proof as text. */
export function renderTlogProof({ index, path, checkpoint, extra }: TlogProof): string {
  if (index < 0n || index > INDEX_MAX) throw new RangeError('a log index is an unsigned 64-bit integer');
  if (path.length > PATH_MAX || path.some((hash) => hash.length !== HASH_BYTES)) {
    throw new RangeError('an inclusion path is at most 64 SHA-256 hashes');
  }
  if (extra?.length === 0) throw new RangeError('extra data are left out when there are none');
  const lines = [
    HEADER,
    ...(extra === null ? [] : [`extra ${encodeBytes(extra, 'base64')}`]),
    `index ${index}`,
    ...path.map((hash) => encodeBytes(hash, 'base64')),
  ];
  return `${lines.join('\n')}\n\n${checkpoint}`;
}

/** Reads a proof. EvidenceError PROOF_MALFORMED. */
export function parseTlogProof(text: string): TlogProof {
  // The first empty line ends the proof; the checkpoint may hold further ones.
  const split = text.length <= PROOF_CHARACTERS_MAX ? text.indexOf('\n\n') : -1;
  const [header, ...lines] = text.slice(0, Math.max(split, 0)).split('\n');
  const checkpoint = text.slice(split + 2);
  if (header !== HEADER || checkpoint === '') throw new EvidenceError('PROOF_MALFORMED');
  const extra = lines[0]?.startsWith('extra ') ? (lines.shift()?.slice('extra '.length) ?? '') : null;
  const index = parseIndex(lines.shift());
  if (lines.length > PATH_MAX) throw new EvidenceError('PROOF_MALFORMED');
  return { index, path: lines.map(parseHash), checkpoint, extra: extra === null ? null : parseExtra(extra) };
}

function parseIndex(line: string | undefined): bigint {
  const [, digits] = /^index (0|[1-9]\d{0,19})$/.exec(line ?? '') ?? [];
  const index = digits === undefined ? -1n : BigInt(digits);
  if (index < 0n || index > INDEX_MAX) throw new EvidenceError('PROOF_MALFORMED');
  return index;
}

function parseHash(line: string): Uint8Array {
  const hash = decodeBytes(line, 'base64');
  if (hash?.length !== HASH_BYTES) throw new EvidenceError('PROOF_MALFORMED');
  return hash;
}

function parseExtra(encoded: string): Uint8Array {
  const extra = decodeBytes(encoded, 'base64');
  if (extra === null || extra.length === 0) throw new EvidenceError('PROOF_MALFORMED');
  return extra;
}
