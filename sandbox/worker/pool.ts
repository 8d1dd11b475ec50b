/**
 * Warm workers: processes that have made their snapshot and wait for the one job of their lives.
 *
 * Guarantee: a process that was taken is never given to another job; in its place a new one is started.
 * Not covered: how many jobs run at once. A pool without a warm process starts one, and whoever asked waits for it.
 */
import type { JailDemand, JailReport } from '../jail/jail.ts';
import type { JailProgram } from '../jail/program.ts';
import type { Setup } from './protocol.ts';
import { heldLayers } from './self-test.ts';
import type { Engine } from './worker-program.ts';
import { type IdleWorker, startWorker, type Worker } from './worker.ts';

export interface WorkerPoolOptions {
  /** Warm processes kept for each engine that was asked for; 60 MiB each. */
  readonly warm?: number;
  /** A lesser jail to use than this machine's own. */
  readonly jail?: JailReport;
  /** Another program in place of the worker's own. */
  readonly program?: JailProgram;
  readonly onDiagnostic?: (text: string) => void;
}

/** Where a run gets its process. */
export interface WorkerSource {
  /** A process for one job. Refuses: JAIL when a required layer is missing. Fails: MACHINE_FAULT. */
  take(engine: Engine, demand: JailDemand, setup: Setup): Promise<Worker>;
}

export class WorkerPool implements WorkerSource {
  readonly #options: WorkerPoolOptions;
  readonly #idle: Readonly<Record<Engine, Promise<IdleWorker>[]>> = { strict: [], fast: [] };
  readonly #employed = new Set<Worker>();
  #isClosed = false;

  constructor(options: WorkerPoolOptions = {}) {
    this.#options = options;
  }

  /** Starts warm processes of an engine, so that the first job finds one. */
  warm(engine: Engine): void {
    const idle = this.#idle[engine];
    while (!this.#isClosed && idle.length < (this.#options.warm ?? 1)) {
      const starting = startWorker({ engine, ...this.#options });
      starting.catch(() => undefined); // Whoever takes it hears it.
      heldLayers(engine).catch(() => undefined); // So does whoever employs it.
      idle.push(starting);
    }
  }

  async take(engine: Engine, demand: JailDemand, setup: Setup): Promise<Worker> {
    const idle = await this.#next(engine);
    try {
      const worker = await idle.employ(demand, setup);
      if (this.#isClosed) worker.kill();
      for (const earlier of this.#employed) if (earlier.isGone) this.#employed.delete(earlier);
      this.#employed.add(worker);
      return worker;
    } catch (error) {
      idle.kill();
      throw error;
    }
  }

  /** Kills every process, warm or at work. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const worker of this.#employed) worker.kill();
    const idle = Object.values(this.#idle).flatMap((waiting) => waiting.splice(0));
    for (const started of await Promise.allSettled(idle)) {
      if (started.status === 'fulfilled') started.value.kill();
    }
  }

  /** A warm process that still lives; one that died or failed while it waited is passed over. */
  async #next(engine: Engine): Promise<IdleWorker> {
    const idle = this.#idle[engine];
    for (let waiting = idle.shift(); waiting !== undefined; waiting = idle.shift()) {
      const started = await waiting.catch(() => null);
      if (started === null || started.isGone) continue;
      this.warm(engine);
      return started;
    }
    heldLayers(engine).catch(() => undefined); // Meanwhile, if nobody has asked before.
    const started = await startWorker({ engine, ...this.#options });
    this.warm(engine);
    return started;
  }
}
