/**
 * The custodian's memory: an append-only journal of what it was asked and what it answered, under a Merkle log.
 *
 * Guarantee: an entry is on disk (fsync) before anything that rests on it happens. A last line that a crash cut off was
 * never acted on and is removed. Each entry is a leaf of an RFC 6962 tree whose signed checkpoint is written after it,
 * so that an entry that was changed or removed later makes `open` and `verifyJournal` fail. After a write that failed
 * nothing more is written until the process starts again.
 * Not covered: whoever puts back an older journal together with its older checkpoint. Attestations name the size of
 * the log, so that the platform sees that; so does a checkpoint that somebody kept. One process writes
 * (directory-lock.ts); the caller holds the lock.
 */
import {
  appendFileSync,
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { areEqual, toHex } from '#crypto/bytes.ts';
import { EvidenceError } from '#crypto/evidence.ts';
import type { OrderCode } from '#crypto/he/order.ts';
import { type Checkpoint, openCheckpoint, signNextCheckpoint } from '#crypto/log/checkpoint.ts';
import { appendLeaf, EMPTY_FRONTIER, type Frontier, rootOfFrontier } from '#crypto/log/frontier.ts';
import { consistencyProof, leafHash } from '#crypto/log/merkle.ts';
import { type NoteSigner, type NoteVerifier, verifierOf } from '#crypto/log/note.ts';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';

/** What happened, in the order it happened. Times are ISO 8601. */
export type JournalEntry =
  | { readonly type: 'started'; readonly at: string }
  | { readonly type: 'keyMade'; readonly at: string; readonly keyId: string; readonly profile: string }
  | {
      readonly type: 'manifestAccepted';
      readonly at: string;
      readonly manifestDigest: string;
      readonly keyId: string;
    }
  /** From here on the order is spent. */
  | ({ readonly type: 'reserved' } & Reservation)
  /** `body` is what was answered, and is answered again. */
  | { readonly type: 'answered'; readonly at: string; readonly orderId: string; readonly body: string }
  | { readonly type: 'failed'; readonly at: string; readonly orderId: string }
  | {
      readonly type: 'refused';
      readonly at: string;
      readonly orderId: string;
      readonly orderDigest: string;
      readonly signer: string;
      readonly code: OrderCode;
    };

export interface Reservation {
  readonly at: string;
  readonly orderId: string;
  readonly orderDigest: string;
  readonly keyId: string;
  readonly manifestDigest: string;
  readonly planDigest: string;
  readonly purpose: string;
  /** Thumbprint of the platform key. */
  readonly signer: string;
  /** Which order under the key this is, from 1 on. */
  readonly order: number;
  /** Integers that leave with it. */
  readonly values: number;
  /** What it costs, in nano-ρ, rounded up. */
  readonly rhoNano: string;
}

/** Where the log stood after an entry. */
export interface LogPosition {
  readonly size: bigint;
  readonly root: Uint8Array;
}

const JOURNAL = 'journal.jsonl';
const CHECKPOINT = 'checkpoint.txt';

export class Journal {
  readonly #directory: string;
  readonly #signer: NoteSigner;
  readonly #file: number;
  readonly #nodes = new Map<string, Uint8Array>();
  #frontier: Frontier = EMPTY_FRONTIER;
  #checkpoint: Checkpoint | null = null;
  #isBroken = false;

  private constructor(directory: string, signer: NoteSigner, file: number) {
    this.#directory = directory;
    this.#signer = signer;
    this.#file = file;
  }

  /**
   * Opens or begins a journal; `onEntry` gets every entry that is in it. Failure CONFIG when it is not what the
   * last checkpoint signed.
   */
  static open(directory: string, signer: NoteSigner, onEntry: (entry: JournalEntry) => void): Journal {
    cutTornEntry(join(directory, JOURNAL));
    const { lines, checkpoint } = readJournal(directory, verifierOf(signer));
    // A checkpoint follows its entry: a crash between the two leaves one entry without.
    if (BigInt(lines.length) > (checkpoint?.size ?? 0n) + 1n) throw changed(directory);
    const journal = new Journal(directory, signer, openSync(join(directory, JOURNAL), 'a', 0o600));
    syncDirectory(directory);
    for (const line of lines) {
      journal.#grow(line);
      onEntry(JSON.parse(line) as JournalEntry);
    }
    journal.#checkpoint = checkpoint;
    if (journal.#frontier.size > (checkpoint?.size ?? 0n)) journal.#sign();
    return journal;
  }

  /** Writes an entry to disk; returns where the log then stands. Failure MACHINE_FAULT when that cannot be done. */
  append(entry: JournalEntry): LogPosition {
    if (this.#isBroken) throw new Failure('MACHINE_FAULT', say('custodian.journalUnwritable'));
    const line = JSON.stringify(entry);
    try {
      appendFileSync(this.#file, `${line}\n`);
      fsyncSync(this.#file);
      this.#grow(line);
      this.#sign();
    } catch (error) {
      // Half a line may stand there now; what comes next must not be glued to it.
      this.#isBroken = true;
      throw new Failure('MACHINE_FAULT', say('custodian.journalUnwritable'), { cause: error });
    }
    return { size: this.#frontier.size, root: rootOfFrontier(this.#frontier) };
  }

  close(): void {
    this.#isBroken = true;
    closeSync(this.#file);
  }

  #grow(line: string): void {
    const { frontier, newNodes } = appendLeaf(this.#frontier, leafOf(line));
    for (const { level, index, hash } of newNodes) this.#nodes.set(`${level}/${index}`, hash);
    this.#frontier = frontier;
  }

  /** INVARIANT: written after every entry, so that at most one entry is ever without a checkpoint. */
  #sign(): void {
    const next = {
      origin: this.#signer.name,
      size: this.#frontier.size,
      root: rootOfFrontier(this.#frontier),
    };
    const previous = this.#checkpoint;
    const path =
      previous === null
        ? []
        : consistencyProof(previous.size, next.size, (level, index) => this.#nodes.get(`${level}/${index}`)!);
    const note = signNextCheckpoint({ previous, next, path }, this.#signer);
    replaceFile(join(this.#directory, CHECKPOINT), note);
    syncDirectory(this.#directory);
    this.#checkpoint = next;
  }
}

/** What a journal on disk holds, and what its checkpoint vouches for. */
export interface VerifiedJournal {
  readonly entries: readonly JournalEntry[];
  /** Entries that the checkpoint signs; one may have come after it. */
  readonly signed: bigint;
  readonly root: string;
}

/**
 * Checks a journal against its signed checkpoint, and against one that was kept from before. Failure CONFIG when an
 * entry was changed, removed or added without the custodian's log key.
 */
export function verifyJournal(
  directory: string,
  log: NoteVerifier,
  kept: string | null = null,
): VerifiedJournal {
  const { lines, checkpoint } = readJournal(directory, log);
  if (kept !== null && !beginsWith(lines, opened(kept, directory, log))) throw changed(directory);
  return {
    entries: lines.map((line) => JSON.parse(line) as JournalEntry),
    signed: checkpoint?.size ?? 0n,
    root: toHex(rootOfLines(lines)),
  };
}

interface JournalText {
  readonly lines: readonly string[];
  readonly checkpoint: Checkpoint | null;
}

/** The checkpoint is read first: a process that writes meanwhile only adds to what it signs. */
function readJournal(directory: string, log: NoteVerifier): JournalText {
  const file = join(directory, CHECKPOINT);
  const checkpoint = existsSync(file) ? opened(readFileSync(file, 'utf8'), directory, log) : null;
  const lines = wholeLines(readText(join(directory, JOURNAL)))
    .split('\n')
    .slice(0, -1);
  if (checkpoint !== null && !beginsWith(lines, checkpoint)) throw changed(directory);
  return { lines, checkpoint };
}

/** What stands after the last line feed was never acted on. */
function cutTornEntry(path: string): void {
  const text = readText(path);
  const whole = wholeLines(text);
  if (whole.length < text.length) truncateSync(path, Buffer.byteLength(whole));
}

function wholeLines(text: string): string {
  return text.slice(0, text.lastIndexOf('\n') + 1);
}

function readText(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** Whether the first entries are those that a checkpoint signs. */
function beginsWith(lines: readonly string[], { size, root }: Checkpoint): boolean {
  return size <= BigInt(lines.length) && areEqual(rootOfLines(lines.slice(0, Number(size))), root);
}

function rootOfLines(lines: readonly string[]): Uint8Array {
  return rootOfFrontier(
    lines.reduce((frontier, line) => appendLeaf(frontier, leafOf(line)).frontier, EMPTY_FRONTIER),
  );
}

function leafOf(line: string): Uint8Array {
  return leafHash(new TextEncoder().encode(line));
}

function opened(note: string, directory: string, log: NoteVerifier): Checkpoint {
  try {
    return openCheckpoint(note, log);
  } catch (error) {
    if (error instanceof EvidenceError) throw changed(directory);
    throw error;
  }
}

function changed(directory: string): Failure {
  return new Failure('CONFIG', say('custodian.journalChanged', { directory }));
}

/** Puts a file in the place of another, whole or not at all. The caller syncs the directory. */
function replaceFile(path: string, text: string): void {
  const draft = `${path}.new`;
  writeFileSync(draft, text, { mode: 0o600, flush: true });
  renameSync(draft, path);
}

function syncDirectory(directory: string): void {
  const folder = openSync(directory, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
