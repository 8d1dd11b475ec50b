/**
 * A program's Plan in, Partials out: reads the records, runs the program on them in a jailed worker, and bounds what came
 * back.
 *
 * The worker is not trusted: its numbers are clamped and its codes looked at here, and Release checks shape and range
 * again. Noise is drawn meanwhile. What ends a run early is `signal`, or the Plan's wall limit.
 */
import { setImmediate } from 'node:timers/promises';
import { Failure, Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { RecordEngine } from '../execute.ts';
import type { JailDemand } from '../jail/jail.ts';
import { JAIL_LAYERS } from '../jail/self-test.ts';
import type { Partials } from '../plan.ts';
import { NoisePool } from '../release/noise-pool.ts';
import type { RandomSource } from '../release/random.ts';
import type { WorkerSource } from '../worker/pool.ts';
import type { Setup } from '../worker/protocol.ts';
import type { Worker, WorkerLayer } from '../worker/worker.ts';
import { admitProgram } from './admission/admit.ts';
import { BlocksBounding } from './blocks-bounding.ts';
import { MapBounding } from './bounding.ts';
import type { ProgramPlan } from './compile.ts';
import { bufferLimitMs } from './limits.ts';
import type { ProgramManifest } from './program.ts';
import { recordsOf } from './record-source.ts';
import { runBlocks } from './run-blocks.ts';
import { runMap } from './run-map.ts';

export interface ProgramMeans {
  /** Where the records of each source of the program are read, in their order. */
  readonly engines: readonly RecordEngine[];
  readonly workers: WorkerSource;
  readonly jail: JailDemand;
  /** The lineage's secret for keyed choices. */
  readonly seed: string;
  readonly random: RandomSource;
  /** Ends the run: its work is stopped, and nothing of it is used. */
  readonly signal?: AbortSignal;
}

export interface MeasuredProgram {
  readonly partials: Partials;
  readonly noise: NoisePool;
  /** Layers round the program. */
  readonly layers: readonly WorkerLayer[];
}

/**
 * The Partials of a program's Plan, and its noise. Refuses: PROGRAM_NOT_ADMITTED, JAIL. Fails: RUN_LIMIT,
 * PROGRAM_ABORTED, KILLED, MACHINE_FAULT, and as the readers do.
 */
export async function measureProgram(compiled: ProgramPlan, means: ProgramMeans): Promise<MeasuredProgram> {
  const pool = new NoisePool(compiled.plan, means.random);
  const [measured, noise] = await Promise.all([
    new ProgramRun(compiled, means).partials(),
    setImmediate().then(() => pool.fill()),
  ]);
  return { ...measured, noise };
}

class ProgramRun {
  readonly #compiled: ProgramPlan;
  readonly #means: ProgramMeans;
  readonly #setup: Setup;
  readonly #workers = new Set<Worker>();
  #isOver = false;

  constructor(compiled: ProgramPlan, means: ProgramMeans) {
    this.#compiled = compiled;
    this.#means = means;
    this.#setup = setupOf(compiled);
  }

  async partials(): Promise<Omit<MeasuredProgram, 'noise'>> {
    const { promise: ended, end } = this.#ends();
    try {
      const work = this.#setup.mode === 'map' ? this.#mapped() : this.#answered();
      const partials = await Promise.race([work, ended]);
      return { partials, layers: [...new Set([...this.#workers].flatMap(({ layers }) => layers))] };
    } finally {
      end();
      this.#isOver = true;
      for (const worker of this.#workers) worker.kill();
    }
  }

  /** Rejects when the run is to end before it is done; until then its workers live. */
  #ends(): { readonly promise: Promise<never>; readonly end: () => void } {
    const { signal } = this.#means;
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => undefined);
    const kill = (): void => reject(new Failure('KILLED', say('program.killed')));
    const limit = setTimeout(
      () => reject(new Failure('RUN_LIMIT', say('program.timeLimit'))),
      this.#compiled.plan.program!.wallLimitMs,
    );
    if (signal?.aborted === true) kill();
    signal?.addEventListener('abort', kill, { once: true });
    const end = (): void => {
      clearTimeout(limit);
      signal?.removeEventListener('abort', kill);
    };
    return { promise, end };
  }

  async #mapped(): Promise<Partials> {
    const { plan, program } = this.#compiled;
    const { engines, seed, random } = this.#means;
    if (this.#setup.mode !== 'map') throw new RangeError('a map has the setup of one');
    const [source] = program.sources;
    const columns = source!.columns.map(({ column }) => column);
    const bounding = new MapBounding(plan, seed);
    const { maxAborts, engine, fuel } = plan.program!;
    const run = {
      setup: this.#setup,
      maxAborts,
      startWorker: () => this.#startWorker(),
      limitMs: (rows: number) => bufferLimitMs({ engine, fuel }, rows),
    };
    await runMap(run, recordsOf(engines[0]!, { dataset: source!.dataset, columns }, random), bounding);
    return bounding.partials();
  }

  async #answered(): Promise<Partials> {
    const { plan, program } = this.#compiled;
    const bounding = new BlocksBounding(plan);
    const answers = await runBlocks({
      count: program.program.manifest.blocks!.count,
      secret: secretOf(this.#means.random),
      inputs: program.sources.map(({ dataset, columns }, index) => ({
        engine: this.#means.engines[index]!,
        dataset,
        columns,
      })),
      startWorker: () => this.#startWorker(),
    });
    for (const answer of answers) bounding.take(answer ?? 'failed');
    return bounding.partials();
  }

  async #startWorker(): Promise<Worker> {
    const { workers, jail } = this.#means;
    if (this.#isOver) throw new Failure('KILLED', say('program.killed'));
    const worker = await workers.take(this.#compiled.plan.program!.engine, jail, this.#setup);
    this.#workers.add(worker);
    // A run that was ended is still told of its last worker's death, and must not go on with another.
    if (this.#isOver) worker.kill();
    return worker;
  }
}

/** Whether a program returns a list under a name, however short it is. */
function isList({ mode, outputs }: ProgramManifest, name: string): boolean {
  const output = outputs.find((candidate) => candidate.name === name);
  return output?.kind === 'vector' || (mode === 'blocks' && output !== undefined && output.by.length > 0);
}

/** 256 bits, for this job alone. */
function secretOf(random: RandomSource): string {
  const SECRET_WORDS = 8;
  return Array.from({ length: SECRET_WORDS }, () => random.word().toString(16).padStart(8, '0')).join('');
}

/** The layers round a run: those that reader and worker both have, and those round the program alone. */
export function layersOfRun(reader: readonly string[], worker: readonly string[]): readonly string[] {
  const jail: readonly string[] = JAIL_LAYERS;
  return [
    ...reader.filter((layer) => worker.includes(layer)),
    ...worker.filter((layer) => !jail.includes(layer)),
  ];
}

/** The job as a worker is told it. The program is admitted again: what runs is what was just read and printed. */
function setupOf({ plan, program }: ProgramPlan): Setup {
  const { module, manifest } = program.program;
  const { code } = admitProgram(module, manifest.mode, manifest);
  if (code === null) throw new Refusal('PROGRAM_NOT_ADMITTED', say('program.notAdmitted'));
  const { params, keys, sources } = program;
  const inputs = sources.map(({ dataset, columns }) => ({ dataset: dataset.name, columns }));
  const { fuel, cpuMs, columns } = plan.program!;
  const outputs = columns.map((column) => ({ ...column, isVector: isList(manifest, column.name) }));
  return manifest.mode === 'map'
    ? { mode: 'map', code, params, fuel, columns: inputs[0]!.columns, outputs, keys }
    : { mode: 'blocks', code, params, cpuMs, inputs, outputs };
}
