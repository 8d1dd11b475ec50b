/**
 * Checkpoints (C2SP tlog-checkpoint 1.0): a log's origin, size and root as a signed note.
 *
 * Guarantee: `signNextCheckpoint` signs only what continues the last checkpoint, so one signer with one memory
 * never signs two histories. `openCheckpoint` accepts only the signature of the key named like the origin.
 * Not covered: a log that shows different readers different histories, each continued properly. Readers see that
 * only by comparing checkpoints, or through witnesses that cosign.
 */
import { areEqual, decodeBytes, encodeBytes } from '../bytes.ts';
import { EvidenceError } from '../evidence.ts';
import { HASH_BYTES, emptyRoot, verifyConsistency } from './merkle.ts';
import { type NoteSigner, type NoteVerifier, openNote, signNote } from './note.ts';

const SIZE_MAX = (1n << 64n) - 1n;

export interface Checkpoint {
  /** The log's name: the name of its key. */
  readonly origin: string;
  /** Number of leaves. */
  readonly size: bigint;
  readonly root: Uint8Array;
}

export interface NextCheckpoint {
  /** What was signed last, or null for the first checkpoint of a log. */
  readonly previous: Checkpoint | null;
  readonly next: Checkpoint;
  /** `consistencyProof(previous.size, next.size)`; empty when there is no previous leaf. */
  readonly path: readonly Uint8Array[];
}

/** The note text: three lines, without extensions. */
export function renderCheckpoint({ origin, size, root }: Checkpoint): string {
  if (origin === '' || origin.includes('\n'))
    throw new RangeError('a checkpoint origin is one line, not empty');
  if (size < 0n || size > SIZE_MAX) throw new RangeError('a checkpoint size is an unsigned 64-bit integer');
  if (root.length !== HASH_BYTES) throw new RangeError('a checkpoint root is a SHA-256 hash');
  return `${origin}\n${size}\n${encodeBytes(root, 'base64')}\n`;
}

/** Reads a note text; extension lines are allowed and left out. EvidenceError CHECKPOINT_MALFORMED. */
export function parseCheckpoint(text: string): Checkpoint {
  const lines = text.split('\n');
  const [origin, size, encoded] = lines;
  const root = decodeBytes(encoded ?? '', 'base64');
  const isComplete = lines.length >= 4 && lines.pop() === '' && lines.every((line) => line !== '');
  if (!isComplete || origin === undefined || root?.length !== HASH_BYTES) {
    throw new EvidenceError('CHECKPOINT_MALFORMED');
  }
  return { origin, size: parseUint64(size), root };
}

/** Signs the checkpoint that follows `previous`. EvidenceError LOG_FORKED when it does not continue it. */
export function signNextCheckpoint({ previous, next, path }: NextCheckpoint, signer: NoteSigner): string {
  if (next.origin !== signer.name)
    throw new RangeError('a log signs with the key that is named like its origin');
  if (!isContinuation(previous, next, path)) throw new EvidenceError('LOG_FORKED');
  return signNote(renderCheckpoint(next), signer);
}

/** A checkpoint that this log signed. EvidenceError NOTE_…, CHECKPOINT_MALFORMED or CHECKPOINT_ORIGIN. */
export function openCheckpoint(note: string, log: NoteVerifier): Checkpoint {
  const checkpoint = parseCheckpoint(openNote(note, [log]).text);
  if (checkpoint.origin !== log.name) throw new EvidenceError('CHECKPOINT_ORIGIN');
  return checkpoint;
}

/** Whether `next` has `previous` as its beginning. The empty tree begins every tree and needs no proof. */
function isContinuation(previous: Checkpoint | null, next: Checkpoint, path: readonly Uint8Array[]): boolean {
  if (next.size === 0n && !areEqual(next.root, emptyRoot())) return false;
  if (previous === null) return path.length === 0;
  if (previous.origin !== next.origin) return false;
  if (previous.size === 0n) return path.length === 0 && areEqual(previous.root, emptyRoot());
  return verifyConsistency({ first: previous, second: next, path });
}

function parseUint64(text: string | undefined): bigint {
  if (text === undefined || !/^(?:0|[1-9]\d{0,19})$/.test(text))
    throw new EvidenceError('CHECKPOINT_MALFORMED');
  const value = BigInt(text);
  if (value > SIZE_MAX) throw new EvidenceError('CHECKPOINT_MALFORMED');
  return value;
}
