/**
 * Files with copies of usage: written section after section, checked as a whole, and read in the order of the log.
 *
 * Guarantee: `openCopy` gives a copy only if every line of its file is part of a section that is whole, unchanged, signed
 * and in its place; otherwise a Failure CONFIG that names the line. A section is added as a whole or not at all, unless
 * the machine stops meanwhile: then the file is cut off, and says so when it is read.
 */
import { createReadStream, existsSync, statSync, truncateSync } from 'node:fs';
import { open } from 'node:fs/promises';

import type { EvidenceJwk, EvidenceKey } from '#crypto/evidence-key.ts';
import { Failure } from '#policies/refusal.ts';
import { say, type SentenceId } from '#policies/words.ts';

import { linesOf } from './lines.ts';
import { type CopyRecord, readRecord } from './record.ts';
import {
  checkSignature,
  type CopyHead,
  type CopyPosition,
  EventTree,
  headLine,
  readHead,
  type SignatureFault,
  signatureLine,
} from './section.ts';

/** A section that was checked, and where its events stand in the file. */
interface Section {
  readonly head: CopyHead;
  readonly begin: number;
  readonly end: number;
}

/** A copy that was checked. */
export interface CheckedCopy {
  readonly file: string;
  readonly organisation: string;
  /** How far it goes: from the beginning up to here. */
  readonly through: CopyPosition;
  readonly records: bigint;
  /** Thumbprint of the key that signed all of it. */
  readonly kid: string;
  /** Whether that is one of the keys that the reader named. */
  readonly pinned: boolean;
  readonly sections: readonly Section[];
}

/** Reads a copy through once and checks all of it. `keys`: the only ones that may have signed it; none: any one. */
export async function openCopy(file: string, keys: readonly EvidenceJwk[]): Promise<CheckedCopy> {
  const reading = new Reading(file, keys);
  for await (const line of linesIn(file, 0)) await reading.take(line);
  return reading.end();
}

/** The records of a copy in the order of the log. Failure CONFIG for one that is there twice. */
export async function* recordsOf({ file, sections }: CheckedCopy): AsyncGenerator<CopyRecord> {
  const heads = await Promise.all(
    sections.map(async (section) => {
      const records = recordsIn(file, section);
      return { records, next: await records.next() };
    }),
  );
  let before: CopyRecord | null = null;
  for (;;) {
    let least: (typeof heads)[number] | null = null;
    for (const head of heads)
      if (head.next.done !== true && (least === null || head.next.value.leaf < leafAt(least))) least = head;
    if (least === null || least.next.done === true) return;
    const { value } = least.next;
    if (value.leaf === before?.leaf) throw new Failure('CONFIG', say('copy.twice', { file, id: value.id }));
    before = value;
    yield value;
    least.next = await least.records.next();
  }
}

function leafAt({ next }: { readonly next: IteratorResult<CopyRecord, void> }): bigint {
  return next.done === true ? -1n : next.value.leaf;
}

async function* recordsIn(file: string, { begin, end }: Section): AsyncGenerator<CopyRecord, void> {
  if (begin === end) return;
  for await (const line of linesIn(file, begin, end - 1)) {
    const record = readRecord(line);
    if (record !== null) yield record;
  }
}

/**
 * Adds what came to be seen since the copy ended, or begins a copy. Returns how many records were added; a section
 * without any is not written, unless it is the first.
 */
export async function extendCopy(
  file: string,
  head: CopyHead,
  { lines, key }: { readonly lines: AsyncIterable<string>; readonly key: EvidenceKey },
): Promise<bigint> {
  const before = existsSync(file) ? statSync(file).size : 0;
  const out = await open(file, 'a', 0o600);
  const tree = new EventTree();
  let isWhole = false;
  try {
    await out.appendFile(headLine(head));
    for await (const batch of batchesOf(lines)) {
      for (const line of batch) tree.add(line);
      await out.appendFile(`${batch.join('\n')}\n`);
    }
    await out.appendFile(await signatureLine(head, tree, key));
    await out.sync();
    isWhole = tree.count > 0n || before === 0;
  } finally {
    await out.close();
    if (!isWhole) truncateSync(file, before);
  }
  return tree.count;
}

const BATCH = 500;

async function* batchesOf(lines: AsyncIterable<string>): AsyncGenerator<readonly string[]> {
  let batch: string[] = [];
  for await (const line of lines) {
    batch.push(line);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

async function* linesIn(file: string, start: number, end?: number): AsyncGenerator<string> {
  const stream = createReadStream(file, { start, ...(end !== undefined && { end }), encoding: 'utf8' });
  try {
    yield* linesOf(stream as AsyncIterable<string>);
  } catch (cause) {
    if (!(cause instanceof Error && 'syscall' in cause)) throw cause;
    throw new Failure('CONFIG', say('cli.fileUnreadable', { file }), { cause });
  }
}

const FAULTS = {
  signature: 'copy.signature',
  key: 'copy.key',
  events: 'copy.changed',
} as const satisfies Record<SignatureFault, SentenceId>;

/** The state of reading a copy line by line. */
class Reading {
  readonly #file: string;
  readonly #keys: readonly EvidenceJwk[];
  readonly #sections: Section[] = [];
  #line = 0;
  #offset = 0;
  #open: { readonly head: CopyHead; readonly begin: number; readonly line: number } | null = null;
  #tree = new EventTree();
  #leaf = -1n;
  #records = 0n;
  #signer: { readonly kid: string; readonly pinned: boolean } | null = null;

  constructor(file: string, keys: readonly EvidenceJwk[]) {
    this.#file = file;
    this.#keys = keys;
  }

  async take(line: string): Promise<void> {
    this.#line += 1;
    const begin = this.#offset;
    this.#offset += Buffer.byteLength(line) + 1;
    if (this.#open === null) this.#begin(line);
    else if (line.startsWith('{"signature":')) await this.#close(line, this.#open, begin);
    else this.#event(line);
  }

  end(): CheckedCopy {
    const [first, last] = [this.#sections[0], this.#sections.at(-1)];
    if (this.#open !== null) this.#fail('copy.cut', { begin: this.#open.line });
    if (first === undefined || last === undefined || this.#signer === null) this.#fail('copy.empty');
    return {
      file: this.#file,
      organisation: first.head.organisation,
      through: last.head.through,
      records: this.#records,
      ...this.#signer,
      sections: this.#sections,
    };
  }

  #begin(line: string): void {
    const head = readHead(line);
    if (head === null) this.#fail('copy.head');
    const before = this.#sections.at(-1)?.head;
    const { after, organisation } = head;
    const goesOn = after?.leaf === before?.through.leaf && after?.at === before?.through.at;
    if (!goesOn || organisation !== (before?.organisation ?? organisation)) this.#fail('copy.order');
    this.#open = { head, begin: this.#offset, line: this.#line };
    this.#tree = new EventTree();
    this.#leaf = -1n;
  }

  #event(line: string): void {
    const record = readRecord(line);
    if (record === null) this.#fail('copy.line');
    if (record.leaf <= this.#leaf) this.#fail('copy.repeated', { id: record.id });
    this.#leaf = record.leaf;
    this.#tree.add(line);
  }

  async #close(
    line: string,
    { head, begin, line: first }: { readonly head: CopyHead; readonly begin: number; readonly line: number },
    end: number,
  ): Promise<void> {
    const signer = await checkSignature(line, { head, tree: this.#tree }, this.#keys);
    if (typeof signer === 'string') this.#fail(FAULTS[signer], { begin: first });
    if (this.#signer !== null && this.#signer.kid !== signer.kid && !signer.pinned)
      this.#fail('copy.signers');
    this.#signer = signer;
    this.#records += this.#tree.count;
    this.#sections.push({ head, begin, end });
    this.#open = null;
  }

  #fail(sentence: SentenceId, more: Readonly<Record<string, string | number>> = {}): never {
    throw new Failure('CONFIG', say(sentence, { file: this.#file, line: this.#line, ...more }));
  }
}
