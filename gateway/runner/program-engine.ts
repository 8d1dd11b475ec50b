/** What runs programs beside the data, as the runner sees it: the front end of program-tools.ts, and the run itself. */
import type { Partials } from '#sandbox/plan.ts';
import type { Program } from '#sandbox/program/program.ts';
import type { Compiled } from '#sandbox/query/compile.ts';
import type { NoisePool } from '#sandbox/release/noise-pool.ts';
import type { RandomSource } from '#sandbox/release/random.ts';
import type { ProgramTools } from '../program-tools.ts';
import type { OpenSource } from './sources.ts';

/** The program front end with what runs beside the data. */
export interface ProgramEngine extends ProgramTools {
  /** What a program's records add up to, bounded, with the noise for it. Ends at once when it is called off. */
  measure(run: ProgramRun): Promise<Measured & { readonly profile: 'strict' | 'fast' }>;
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
export const PROGRAM_ENGINE: ProgramEngine | null = null;
