/**
 * Runs a program once per block of units (sample and aggregate: Nissim, Raskhodnikova and Smith, STOC 2007).
 *
 * Guarantee: all records of a unit are in one block, by a keyed hash of the unit; an answer is what its own block gives.
 * A block that fails, or whose worker dies, has no answer: its default stands in, and the others go on.
 */
import type { EngineValue, RecordEngine } from '../execute.ts';
import type { Dataset } from '../manifest/dataset.ts';
import { printBlockRanges, printBlocks, printRecords } from '../query/print-records.ts';
import { decodeRecords, encodeRecords, joinRecords, type RecordColumn } from '../worker/records.ts';
import type { Worker } from '../worker/worker.ts';
import { wholeRange } from './record-source.ts';

/** One dataset of a program, its columns, and where it is read. */
export interface BlockInput {
  readonly engine: RecordEngine;
  readonly dataset: Dataset;
  readonly columns: readonly { readonly column: string; readonly kind: RecordColumn['kind'] }[];
}

export interface BlocksRun {
  readonly count: number;
  /** Decides which unit is in which block; of this job alone. */
  readonly secret: string;
  readonly inputs: readonly BlockInput[];
  readonly startWorker: () => Promise<Worker>;
}

let copies = 0;

/** The answer of every block, in order: numbers per output, or null where it has none. */
export async function runBlocks(run: BlocksRun): Promise<readonly (readonly Float64Array[] | null)[]> {
  const tables: BlockTable[] = [];
  try {
    for (const input of run.inputs) tables.push(await BlockTable.make(input, run));
    const answers: (readonly Float64Array[] | null)[] = [];
    let worker = run.startWorker();
    for (let block = 0; block < run.count; block += 1) {
      const parts = await Promise.all(tables.map((table) => table.read(block)));
      const answer = await (await worker).block(parts);
      answers.push(typeof answer === 'string' ? null : answer);
      if ((await worker).isGone && block + 1 < run.count) worker = run.startWorker();
    }
    (await worker).kill();
    return answers;
  } finally {
    for (const table of tables) await table.drop();
  }
}

/** A copy of an input sorted by block. */
class BlockTable {
  readonly #input: BlockInput;
  readonly #name: string;
  readonly #ranges: ReadonlyMap<number, readonly [from: number, to: number]>;

  private constructor(input: BlockInput, name: string, ranges: EngineRanges) {
    this.#input = input;
    this.#name = name;
    this.#ranges = ranges;
  }

  static async make(input: BlockInput, { count, secret }: BlocksRun): Promise<BlockTable> {
    const { engine, dataset, columns } = input;
    const name = `blocks${(copies += 1)}`;
    const names = columns.map(({ column }) => column);
    const { sql, usesSecret } = printBlocks(dataset, names, {
      types: engine.physical.types,
      table: name,
      count,
    });
    await engine.prepare(sql, usesSecret ? [secret] : []);
    const [blocks = [], from = [], to = []] = await engine.query(printBlockRanges(name), []);
    return new BlockTable(
      input,
      name,
      new Map(blocks.map((block, row) => [number(block), [number(from[row]), number(to[row])]])),
    );
  }

  /** The records of a block as one buffer. */
  async read(block: number): Promise<Uint8Array> {
    const { engine, dataset, columns: fields } = this.#input;
    const columns = fields.map(({ column }) => column);
    const query = printRecords(dataset, columns, {
      physical: engine.physical,
      staged: this.#name,
      units: false,
    });
    const [from, to] = this.#ranges.get(block) ?? [0, 0];
    const buffers = await wholeRange(engine, query, { from, to });
    const parts = buffers.map(({ bytes }) => decodeRecords(bytes));
    return encodeRecords(
      joinRecords(
        parts,
        fields.map(({ kind }) => kind),
      ),
    );
  }

  /** A reader that is gone took its copy with it. */
  async drop(): Promise<void> {
    await this.#input.engine.prepare(`DROP TABLE ${this.#name}`).catch(() => undefined);
  }
}

type EngineRanges = ReadonlyMap<number, readonly [number, number]>;

function number(value: EngineValue | undefined): number {
  return Number(value);
}
