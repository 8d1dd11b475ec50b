/**
 * The runner: takes jobs from the queue, a few at a time, under a lease that it keeps extending.
 *
 * Every job has a signal of its own, by which a stop ends its work (kill-switch.ts).
 * A runner that dies leaves its jobs to `recover`: held ones wait again, opened ones are spent. It looks for work
 * when told and every few seconds anyway, because being told may fail.
 */
import { describeJail } from '#sandbox/jail/jail.ts';
import { recover } from '../storage/abort.ts';
import { recordLost } from '../storage/destruction.ts';
import { hasApprovedPrograms } from '../storage/program-store.ts';
import { type ClaimedJob, claimJob, extendLease } from '../storage/queue.ts';
import { KillSwitch } from './kill-switch.ts';
import { lostRemains } from './remains.ts';
import { runJob, type RunnerShell } from './run-job.ts';

const LEASE_MS = 60_000;
const LOOK_MS = 2_000;
const RECOVER_MS = 15_000;

export interface Runner {
  /** Takes no more jobs and waits for those under way. */
  stop(): Promise<void>;
}

/** Starts a runner. `name` tells runners on one database apart; a runner that starts anew under it takes its jobs back. */
export async function startRunner(
  shell: RunnerShell,
  { name, concurrency }: { readonly name: string; readonly concurrency: number },
): Promise<Runner> {
  await recover(shell.db, { runner: name });
  const { mode } = await describeJail();
  await recordLost(shell.db, { runner: name, ...lostRemains(mode !== 'plain') });
  // A worker takes a moment to start; who has no programs is spared the memory of one that waits.
  if (await hasApprovedPrograms(shell.db)) shell.workers.warm('strict');
  const killSwitch = new KillSwitch(shell.db, (error) => shell.reportBug(error, 'kill switch'));
  await killSwitch.start();
  const loop = new RunnerLoop(shell, { name, concurrency, killSwitch });
  const unlisten = await shell.db.listen('queue', () => loop.look());
  const looking = setInterval(() => loop.look(), LOOK_MS);
  const recovering = setInterval(
    () => void recover(shell.db).catch((error: unknown) => shell.reportBug(error, 'recover')),
    RECOVER_MS,
  );
  loop.look();
  return {
    stop: async () => {
      clearInterval(looking);
      clearInterval(recovering);
      await unlisten();
      await loop.stop();
      await killSwitch.stop();
    },
  };
}

class RunnerLoop {
  readonly #shell: RunnerShell;
  readonly #name: string;
  readonly #concurrency: number;
  readonly #killSwitch: KillSwitch;
  readonly #running = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  #claiming = false;
  #again = false;
  #stopped = false;

  constructor(
    shell: RunnerShell,
    options: { readonly name: string; readonly concurrency: number; readonly killSwitch: KillSwitch },
  ) {
    this.#shell = shell;
    this.#name = options.name;
    this.#concurrency = options.concurrency;
    this.#killSwitch = options.killSwitch;
  }

  /** Claims what there is, up to the concurrency; called as often as one likes. */
  look(): void {
    this.#again = true;
    if (this.#claiming) return;
    this.#claiming = true;
    void this.#fill()
      .catch((error: unknown) => this.#shell.reportBug(error, 'claim'))
      .finally(() => {
        this.#claiming = false;
        if (this.#again && !this.#stopped && this.#running.size < this.#concurrency) this.look();
      });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopping.abort();
    await Promise.all(this.#running);
  }

  async #fill(): Promise<void> {
    while (!this.#stopped && this.#running.size < this.#concurrency) {
      this.#again = false;
      const job = await claimJob(this.#shell.db, { runner: this.#name, leaseMs: LEASE_MS });
      if (job === null) return;
      const run = this.#run(job).finally(() => {
        this.#running.delete(run);
        this.look();
      });
      this.#running.add(run);
    }
  }

  async #run(job: ClaimedJob): Promise<void> {
    const fence = { jobId: job.id, attempt: job.attempt, leaseMs: LEASE_MS };
    const extending = setInterval(
      () => void extendLease(this.#shell.db, fence).catch(() => undefined),
      LEASE_MS / 3,
    );
    try {
      const killed = this.#killSwitch.watch(job.id);
      await runJob(this.#shell, job, { stopping: this.#stopping.signal, killed });
    } finally {
      this.#killSwitch.forget(job.id);
      clearInterval(extending);
    }
  }
}
