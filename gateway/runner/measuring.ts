/**
 * From a Plan and an open source to its Partials and noise, by whichever front end made the Plan: servers and lab alike.
 *
 * Guarantee: SQL runs in the reader, a program in a worker of its own, and nothing of either in this process.
 */
import { measure } from '#sandbox/execute.ts';
import type { Compiled } from '#sandbox/planning.ts';
import type { ProgramPlan } from '#sandbox/program/compile.ts';
import { layersOfRun, type MeasuredProgram, measureProgram } from '#sandbox/program/measure.ts';
import type { RandomSource } from '#sandbox/release/random.ts';
import type { WorkerPool } from '#sandbox/worker/pool.ts';
import type { OpenSource } from './sources.ts';

export interface MeasuringMeans {
  readonly workers: WorkerPool;
  /** The lineage's secret for keyed choices. */
  readonly seed: string;
  readonly random: RandomSource;
  /** Ends the work at once. */
  readonly signal?: AbortSignal;
}

/** What a request adds up to, bounded, with its noise. */
export type Measured = Pick<MeasuredProgram, 'partials' | 'noise'> & {
  /** Layers of isolation that were in force, for the receipt. */
  readonly layers: readonly string[];
};

/** Fails and refuses as `measure` and `measureProgram` do; KILLED when it is called off. */
export async function measureCompiled(
  compiled: Compiled | ProgramPlan,
  source: OpenSource,
  { workers, ...means }: MeasuringMeans,
): Promise<Measured> {
  const { plan, dataset, policy } = compiled;
  if (!('program' in compiled)) {
    const made = await source.use((engine) => measure(plan, dataset, engine, means), means.signal);
    return { ...made, layers: source.layers };
  }
  const made = await source.use(
    (engine) => measureProgram(compiled, { ...means, engines: [engine], workers, jail: policy.jail }),
    means.signal,
  );
  return { ...made, layers: layersOfRun(source.layers, made.layers) };
}
