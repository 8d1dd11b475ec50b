/**
 * What is left of a run that opened data, after it has ended: looked at in the runner, and written down.
 *
 * Guarantee: only what the runner has checked itself: that processes have exited, that the data key it was given holds
 * zeros, that the directory to which an engine spilled is gone or how many files are in it. A reader of plain data goes on
 * for further jobs on the same version; the record says so, and whether it keeps a prepared copy of the same data.
 * Not covered: memory that an exited process had, and blocks of a disk: both are the operating system's. What a custodian
 * of encrypted data does with them is in his own journal.
 */
import type { Worker } from '#sandbox/worker/worker.ts';
import type { WorkerSource } from '#sandbox/worker/pool.ts';
import type { Destruction } from '../storage/destruction.ts';
import type { SourceRemains } from './sources.ts';

/** A killed process that has not exited by then counts as left. */
const EXIT_MS = 10_000;

/** A pool that remembers which processes one run was given. */
export class EmployedWorkers implements WorkerSource {
  readonly #pool: WorkerSource;
  readonly #employed: Worker[] = [];

  constructor(pool: WorkerSource) {
    this.#pool = pool;
  }

  async take(...ask: Parameters<WorkerSource['take']>): Promise<Worker> {
    const worker = await this.#pool.take(...ask);
    this.#employed.push(worker);
    return worker;
  }

  /** How many there were, and how many have exited or do so in time. */
  async remains(withinMs = EXIT_MS): Promise<{ readonly began: number; readonly exited: number }> {
    const exits = await Promise.all(this.#employed.map(({ exited }) => isInTime(exited, withinMs)));
    return { began: exits.length, exited: exits.filter(Boolean).length };
  }
}

/** What a run worked with, as far as it came. */
export interface RunMeans {
  readonly workers: EmployedWorkers;
  /** Null: none was opened. */
  readonly source: { remains(): Promise<SourceRemains> } | null;
  /** Null: the data are not sealed. */
  readonly dataKey: Uint8Array | null;
}

/** Looks at what is left of a run that has ended. */
export async function remainsOf({ workers, source, dataKey }: RunMeans): Promise<Destruction> {
  const processes = await workers.remains();
  const left = source === null ? null : await source.remains();
  const key = dataKey === null ? 'none' : dataKey.every((byte) => byte === 0) ? 'wiped' : 'left';
  const record = {
    workers: processes,
    reader: left?.reader ?? 'none',
    readerKept: left?.reader === 'kept',
    prepared: left?.prepared ?? false,
    spillFiles: left?.spillFiles ?? 0,
    dataKey: key,
  };
  const isComplete = processes.began === processes.exited && left?.reader !== 'left' && key !== 'left';
  // What a reader that has exited had spilled goes with it.
  return { record, complete: isComplete && (record.readerKept || record.spillFiles === 0) };
}

/**
 * Of runs whose runner ended without a record. Its processes ended with it where each was started to die with its parent;
 * without a jail nothing made sure of that.
 */
export function lostRemains(isJailed: boolean): Destruction {
  return { record: { lost: true, endedWithRunner: isJailed }, complete: isJailed };
}

async function isInTime(exited: Promise<void>, withinMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(() => resolve(false), withinMs);
  try {
    return await Promise.race([exited.then(() => true), promise]);
  } finally {
    clearTimeout(timer);
  }
}
