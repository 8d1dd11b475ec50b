/**
 * What an interrupted encryption has finished: a file of lines beside the ciphertexts, private to its owner.
 *
 * Guarantee: a run goes on only with the same description, keys and rows as the one that began (a keyed digest of
 * each group says so, and nothing about the rows to whoever lacks the seed); the order of rows, which every column of
 * a block shares, is the same again. A line that was cut off is as if it had not been written.
 * Not covered: secrecy of the order of rows from whoever can read this file. It is removed when all is done.
 *
 * The seed decides the order of rows only; encryption draws fresh randomness every time.
 */
import { createHmac } from 'node:crypto';
import { type FileHandle, open, readFile, rm } from 'node:fs/promises';

import { fromHex, toHex } from '../bytes.ts';
import { type Digest, evidenceJson } from '../canonical.ts';
import { freshBytes } from '../fresh-bytes.ts';
import { HeError } from './he-error.ts';

const JOURNAL_FILE = 'journal.jsonl';
const SEED_BYTES = 32;

interface Start {
  readonly description: Digest;
  readonly seed: string;
}
interface GroupLine {
  readonly group: number;
  readonly rows: string;
}
interface BlockLine {
  readonly block: number;
  readonly digests: readonly string[];
}

export class EncryptionJournal implements AsyncDisposable {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #seed: Uint8Array;
  readonly #groups: Map<number, string>;
  readonly #blocks: ReadonlyMap<number, readonly string[]>;

  private constructor(
    path: string,
    file: FileHandle,
    start: Start,
    lines: readonly (GroupLine | BlockLine)[],
  ) {
    this.#path = path;
    this.#file = file;
    this.#seed = fromHex(start.seed)!;
    this.#groups = new Map(lines.flatMap((line) => ('group' in line ? [[line.group, line.rows]] : [])));
    this.#blocks = new Map(lines.flatMap((line) => ('block' in line ? [[line.block, line.digests]] : [])));
  }

  /** Begins a journal, or goes on with the one there is. HeError JOURNAL_FOREIGN or JOURNAL_UNUSABLE. */
  static async open(directory: string, description: Digest): Promise<EncryptionJournal> {
    const path = `${directory}/${JOURNAL_FILE}`;
    const text = await readFile(path, 'utf8').catch(() => '');
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    const [first, ...others] = whole.split('\n').slice(0, -1).map(parseLine);
    const start = first as Start | undefined;
    if (start !== undefined && start.description !== description) throw new HeError('JOURNAL_FOREIGN');
    if (start !== undefined && fromHex(start.seed)?.length !== SEED_BYTES)
      throw new HeError('JOURNAL_UNUSABLE');
    const begun = start ?? { description, seed: toHex(freshBytes(SEED_BYTES)) };
    const file = await open(path, 'a', 0o600);
    // A line that was cut off would run into the next one.
    await file.truncate(Buffer.byteLength(whole));
    const journal = new EncryptionJournal(path, file, begun, others as (GroupLine | BlockLine)[]);
    if (start === undefined) await journal.#append(begun);
    return journal;
  }

  /** A seed of 32 bytes for the order of rows of a group. */
  orderSeed(group: number): Uint8Array {
    return createHmac('sha256', this.#seed).update(`order ${group}`).digest();
  }

  /** Notes the rows of a group, given as bytes. HeError JOURNAL_FOREIGN when they are not those of the first run. */
  async noteGroup(group: number, rows: Iterable<Uint8Array>): Promise<void> {
    const keyed = createHmac('sha256', this.#seed).update(`rows ${group} `);
    for (const bytes of rows) keyed.update(bytes);
    const digest = keyed.digest('hex');
    const known = this.#groups.get(group);
    if (known !== undefined && known !== digest) throw new HeError('JOURNAL_FOREIGN');
    if (known === undefined) await this.#append({ group, rows: digest });
    this.#groups.set(group, digest);
  }

  /** Digests of a block's ciphertexts, if a run before this one wrote it. Whether they are in the files is to be seen. */
  finished(block: number): readonly string[] | null {
    return this.#blocks.get(block) ?? null;
  }

  /** Notes a block that was written. */
  async noteBlock(block: number, digests: readonly string[]): Promise<void> {
    await this.#append({ block, digests });
  }

  /** All is done: nothing is to be remembered. */
  async remove(): Promise<void> {
    await rm(this.#path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }

  async #append(line: Start | GroupLine | BlockLine): Promise<void> {
    await this.#file.appendFile(`${evidenceJson(line)}\n`);
  }
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new HeError('JOURNAL_UNUSABLE');
  }
}
