/**
 * Warm readers: a job over a dataset version that was read lately finds its source open.
 *
 * Guarantee: a reader serves one job at a time and one version only; at most `maxReaders` processes exist; jobs
 * wait in order of arrival. The source is compared with the version's identity before and after each job, so an
 * answer computed while the file changed is never returned.
 * Not covered: that a warm reader is faster can be seen from outside; release times are not this file's matter.
 */
import type { JailDemand } from '../jail/jail.ts';
import { openReader, type Reader, type ReaderOptions } from './reader.ts';
import {
  checkUnchanged,
  isSameIdentity,
  sourceChanged,
  type SourceFile,
  type SourceIdentity,
} from './source.ts';

/** A dataset version's file as it was registered, and what its policy demands of the jail. */
export interface SourceVersion {
  readonly source: SourceFile;
  readonly identity: SourceIdentity;
  readonly jail: JailDemand;
}

export interface PoolOptions extends Omit<ReaderOptions, 'source' | 'jail'> {
  /** Processes at once; each may take `memoryMiB`. */
  readonly maxReaders?: number;
  /** A reader without work for this long is closed. */
  readonly idleMs?: number;
}

const DEFAULT_MAX_READERS = 2;
const DEFAULT_IDLE_MS = 60_000;

interface IdleReader {
  readonly reader: Reader;
  readonly name: string;
  readonly timer: NodeJS.Timeout;
}

export class ReaderPool {
  readonly #options: PoolOptions;
  readonly #maxReaders: number;
  /** Longest idle first. */
  #idle: IdleReader[] = [];
  readonly #open = new Set<Reader>();
  /** Jobs that hold one of `maxReaders` places, with or without a reader yet. */
  #placesTaken = 0;
  readonly #queue: (() => void)[] = [];
  #isClosed = false;

  constructor(options: PoolOptions = {}) {
    this.#options = options;
    this.#maxReaders = options.maxReaders ?? DEFAULT_MAX_READERS;
  }

  /**
   * Runs a job with a reader of its own for that long.
   * Refuses and fails as `openReader` does, with SOURCE_CHANGED when the file is not the version's, and as the job does.
   */
  async run<T>(version: SourceVersion, job: (reader: Reader) => Promise<T>): Promise<T> {
    await this.#takePlace();
    try {
      await checkUnchanged(version.source, version.identity);
      const reader = await this.#obtain(version);
      try {
        const result = await job(reader);
        await checkUnchanged(version.source, version.identity);
        return result;
      } finally {
        await this.#giveBack(reader, version);
      }
    } finally {
      this.#leavePlace();
    }
  }

  /** Kills every reader. Jobs under way fail; later ones are a mistake of the caller. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { timer } of this.#idle) clearTimeout(timer);
    this.#idle = [];
    await Promise.all([...this.#open].map((reader) => this.#retire(reader)));
  }

  async #takePlace(): Promise<void> {
    if (this.#isClosed) throw new RangeError('the pool is closed');
    if (this.#placesTaken < this.#maxReaders) this.#placesTaken += 1;
    else await new Promise<void>((resolve) => this.#queue.push(resolve));
    if (this.#isClosed) {
      this.#leavePlace();
      throw new RangeError('the pool is closed');
    }
  }

  /** A place goes straight to the first that waits, so nobody overtakes. */
  #leavePlace(): void {
    const next = this.#queue.shift();
    if (next === undefined) this.#placesTaken -= 1;
    else next();
  }

  async #obtain(version: SourceVersion): Promise<Reader> {
    const name = nameOf(version);
    const warm = this.#idle.find((idle) => idle.name === name && !idle.reader.isGone);
    if (warm !== undefined) {
      this.#forget(warm);
      return warm.reader;
    }
    // Taken places count this job's own, so that the reader about to be opened still fits.
    while (this.#idle.length + this.#placesTaken > this.#maxReaders) await this.#retireOldest();
    const reader = await openReader({ ...this.#options, source: version.source, jail: version.jail });
    this.#open.add(reader);
    if (!this.#isClosed && isSameIdentity(reader.identity, version.identity)) return reader;
    await this.#retire(reader);
    throw this.#isClosed ? new RangeError('the pool is closed') : sourceChanged(version.source);
  }

  async #giveBack(reader: Reader, version: SourceVersion): Promise<void> {
    if (this.#isClosed || reader.isGone) return this.#retire(reader);
    const timer = setTimeout(() => {
      this.#forget(idle);
      void this.#retire(reader);
    }, this.#options.idleMs ?? DEFAULT_IDLE_MS);
    const idle = { reader, name: nameOf(version), timer };
    this.#idle.push(idle);
  }

  async #retireOldest(): Promise<void> {
    const [oldest] = this.#idle;
    if (oldest === undefined) return;
    this.#forget(oldest);
    await this.#retire(oldest.reader);
  }

  #forget(idle: IdleReader): void {
    clearTimeout(idle.timer);
    this.#idle = this.#idle.filter((other) => other !== idle);
  }

  async #retire(reader: Reader): Promise<void> {
    await reader.close();
    this.#open.delete(reader);
  }
}

function nameOf({ source, identity, jail }: SourceVersion): string {
  const { size, mtimeNs, inode, device, footer } = identity;
  return JSON.stringify([source.type, source.path, jail, String([size, mtimeNs, inode, device]), footer]);
}
