/**
 * Runs a `map` over all records: buffers through isolates, results through trusted bounding.
 *
 * Guarantee: nothing is shared between records that one of them can use up. An isolate that dies is not a default for
 * its buffer: the buffer runs again in halves, down to single records, and only a record that kills an isolate alone
 * contributes nothing. A process that goes down takes several buffers with it, of which all but one are innocent: they run
 * again one at a time in a process of their own. More such records than the Plan allows, or 32 deaths for each of
 * them, end the job: PROGRAM_ABORTED, the one outcome that depends on the data.
 */
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { UnitRecords } from '../reader/protocol.ts';
import { type MapResult, type MapSetup, recordsPerBuffer } from '../worker/protocol.ts';
import { decodeRecords, encodeRecords, selectRecords } from '../worker/records.ts';
import type { Worker } from '../worker/worker.ts';
import type { MapBounding } from './bounding.ts';

/** Dead isolates for each record that may kill one: to find one among 65,536 takes 17. */
const DEATHS_PER_ABORT = 32;

/** Buffers that are on their way to the worker beside the one whose turn it is, so that it never waits. */
const AHEAD = 3;

export interface MapRun {
  readonly setup: MapSetup;
  readonly maxAborts: number;
  /** A fresh worker; a job takes another one only when one of its own is gone. */
  readonly startWorker: () => Promise<Worker>;
  /** What a buffer of so many records may take until its isolate is ended. */
  readonly limitMs: (rows: number) => number;
}

/** Maps every buffer and gives the results to the bounding. Fails: PROGRAM_ABORTED, and as `startWorker` and the records do. */
export async function runMap(
  run: MapRun,
  records: AsyncIterable<UnitRecords>,
  bounding: Pick<MapBounding, 'take'>,
): Promise<void> {
  const mapper = new Mapper(run);
  const under: { readonly buffer: UnitRecords; readonly result: Promise<MapResult> }[] = [];
  const finish = async (): Promise<void> => {
    const first = under.shift();
    if (first !== undefined) bounding.take(first.buffer.units, first.buffer.hashes, await first.result);
  };
  try {
    for await (const buffer of records) {
      const result = mapper.map(buffer.bytes, buffer.rows);
      // Heard when it is this buffer's turn.
      result.catch(() => undefined);
      under.push({ buffer, result });
      if (under.length > AHEAD) await finish();
    }
    while (under.length > 0) await finish();
  } finally {
    mapper.close();
  }
}

class Mapper {
  readonly #run: MapRun;
  readonly #replaced = new Set<Worker>();
  /** Works on several buffers at a time. */
  #worker: Promise<Worker>;
  /** Works on one at a time: what a process took with it that went down with several. */
  #careful: Promise<Worker> | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  #aborts = 0;
  #deaths = 0;

  constructor(run: MapRun) {
    this.#run = run;
    this.#worker = this.#start();
  }

  /** The result of a buffer, in as many parts as its results need, whatever becomes of the isolates that work on it. */
  async map(bytes: Buffer, rows: number): Promise<MapResult> {
    const most = recordsPerBuffer(this.#run.setup);
    return rows <= most
      ? this.#mapPart(bytes, rows)
      : inParts(bytes, rows, most, (part, length) => this.#mapPart(part, length));
  }

  async #mapPart(bytes: Buffer, rows: number): Promise<MapResult> {
    const worker = await this.#worker;
    const result = await worker.map(bytes, rows, this.#run.limitMs(rows));
    if (result !== 'died') return result;
    if (worker.isGone) {
      this.#replace(worker);
      return this.#inTurn(() => this.#mapAlone(bytes, rows));
    }
    return this.#afterDeath(bytes, rows, (part, length) => this.#mapPart(part, length));
  }

  /** Nothing else is in the process, so that its death, too, is that of these records. */
  async #mapAlone(bytes: Buffer, rows: number): Promise<MapResult> {
    this.#careful ??= this.#start();
    const worker = await this.#careful;
    const result = await worker.map(bytes, rows, this.#run.limitMs(rows));
    if (result !== 'died') return result;
    if (worker.isGone) this.#careful = null;
    return this.#afterDeath(bytes, rows, (part, length) => this.#mapAlone(part, length));
  }

  /** Halves, down to one record that contributes nothing. */
  #afterDeath(bytes: Buffer, rows: number, map: MapPart): Promise<MapResult> {
    this.#countDeath(rows === 1);
    return rows === 1
      ? Promise.resolve(nothing(this.#run.setup))
      : inParts(bytes, rows, Math.ceil(rows / 2), map);
  }

  #countDeath(isAbort: boolean): void {
    this.#deaths += 1;
    if (isAbort) this.#aborts += 1;
    const { maxAborts } = this.#run;
    if (this.#aborts > maxAborts || this.#deaths > DEATHS_PER_ABORT * maxAborts)
      throw new Failure('PROGRAM_ABORTED', say('program.aborted'));
  }

  /** The first to hear that a process is gone starts another, and counts its death. */
  #replace(worker: Worker): void {
    if (this.#replaced.has(worker)) return;
    this.#replaced.add(worker);
    this.#worker = this.#start();
    this.#countDeath(false);
  }

  #inTurn(work: () => Promise<MapResult>): Promise<MapResult> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  #start(): Promise<Worker> {
    const starting = this.#run.startWorker();
    starting.catch(() => undefined); // Heard by whoever waits for it.
    return starting;
  }

  close(): void {
    for (const starting of [this.#worker, this.#careful]) {
      void starting?.then(
        (worker) => worker.kill(),
        () => undefined,
      );
    }
  }
}

type MapPart = (bytes: Buffer, rows: number) => Promise<MapResult>;

/** Parts of at most `size` records, one after the other. */
async function inParts(bytes: Buffer, rows: number, size: number, map: MapPart): Promise<MapResult> {
  const buffer = decodeRecords(bytes);
  const parts: MapResult[] = [];
  for (let from = 0; from < rows; from += size) {
    const positions = Int32Array.from({ length: Math.min(size, rows - from) }, (_, index) => from + index);
    parts.push(await map(encodeRecords(selectRecords(buffer, positions)), positions.length));
  }
  return joined(parts);
}

/** What a record gives that gives nothing. */
function nothing({ outputs, keys }: MapSetup): MapResult {
  return {
    values: outputs.map(({ width }) => new Float64Array(width).fill(NaN)),
    codes: keys.map(() => new Int32Array(1).fill(-1)),
  };
}

function joined(parts: readonly MapResult[]): MapResult {
  const [first] = parts;
  return {
    values: first!.values.map((_, index) => joinedNumbers(parts.map(({ values }) => values[index]!))),
    codes: first!.codes.map((_, index) => Int32Array.from(parts.flatMap(({ codes }) => [...codes[index]!]))),
  };
}

function joinedNumbers(parts: readonly Float64Array[]): Float64Array {
  const whole = new Float64Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
