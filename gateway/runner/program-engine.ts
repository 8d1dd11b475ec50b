/** What runs programs beside the data, as the runner sees it: the front end of program-tools.ts, and the run itself. */
import type { Partials } from '#sandbox/plan.ts';
import type { Program } from '#sandbox/program/program.ts';
import type { Compiled } from '#sandbox/planning.ts';
import type { NoisePool } from '#sandbox/release/noise-pool.ts';
import type { RandomSource } from '#sandbox/release/random.ts';
import type { ProgramPlan } from '#sandbox/program/compile.ts';
import { layersOfRun, measureProgram } from '#sandbox/program/measure.ts';
import type { WorkerPool } from '#sandbox/worker/pool.ts';
import { PROGRAM_TOOLS, type ProgramTools } from '../program-tools.ts';
import type { OpenSource } from './sources.ts';

/** The program front end with what runs beside the data. */
export interface ProgramEngine extends ProgramTools {
  /** What a program's records add up to, bounded, with the noise for it. Ends at once when it is called off. */
  measure(run: ProgramRun): Promise<Measured>;
}

/** One run of a program over one source. */
export interface ProgramRun {
  readonly program: Program;
  readonly compiled: Compiled;
  readonly params: Readonly<Record<string, unknown>> | null;
  readonly source: OpenSource;
  readonly seed: string;
  readonly random: RandomSource;
  readonly signal: AbortSignal;
}

export interface Measured {
  readonly partials: Partials;
  readonly noise: NoisePool;
  /** Layers of isolation in force, for the receipt. */
  readonly layers: readonly string[];
}

/** The engine of this build. */
export function programEngine(workers: WorkerPool): ProgramEngine {
  return {
    ...PROGRAM_TOOLS,
    measure: ({ compiled, source, seed, random, signal }) => {
      if (!isProgramPlan(compiled))
        throw new RangeError('what a program front end compiled is a Plan of a program');
      const { policy } = compiled;
      return source.use(async (engine) => {
        const means = { engines: [engine], workers, jail: policy.jail, seed, random, signal };
        const { layers, ...made } = await measureProgram(compiled, means);
        return { ...made, layers: layersOfRun(source.layers, layers) };
      }, signal);
    },
  };
}

function isProgramPlan(compiled: Compiled): compiled is ProgramPlan {
  return 'program' in compiled;
}
