/**
 * The kill switch: ends the work on jobs that were stopped, within a second of the stop.
 *
 * Guarantee: a job whose stop is committed has its signal aborted at the next look, at most LOOK_MS later, and mostly at
 * once, because whoever stops tells. Whatever works for the job ends by that signal; that nothing of it is released does
 * not rest on it (storage/release.ts).
 * Not covered: a runner that cannot reach the database. It cannot commit a release either.
 */
import type { Database } from '../storage/database.ts';
import { findHalted } from '../storage/queue.ts';

/** How often a runner looks by itself, because being told may fail. */
const LOOK_MS = 1_000;

export class KillSwitch {
  readonly #db: Database;
  readonly #reportBug: (error: unknown) => void;
  readonly #watched = new Map<string, AbortController>();
  #timer: NodeJS.Timeout | undefined;
  #unlisten: () => Promise<void> = () => Promise.resolve();

  constructor(db: Database, reportBug: (error: unknown) => void) {
    this.#db = db;
    this.#reportBug = reportBug;
  }

  /** Looks from now on, whenever told and regularly. */
  async start(): Promise<void> {
    this.#unlisten = await this.#db.listen('halt', () => void this.#look());
    this.#timer = setInterval(() => void this.#look(), LOOK_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#unlisten();
  }

  /** The signal by which a job is called off, until `forget`. */
  watch(jobId: string): AbortSignal {
    const controller = new AbortController();
    this.#watched.set(jobId, controller);
    return controller.signal;
  }

  forget(jobId: string): void {
    this.#watched.delete(jobId);
  }

  async #look(): Promise<void> {
    const ids = [...this.#watched.keys()];
    if (ids.length === 0) return;
    try {
      for (const id of await findHalted(this.#db, ids)) this.#watched.get(id)?.abort();
    } catch (error) {
      this.#reportBug(error);
    }
  }
}
