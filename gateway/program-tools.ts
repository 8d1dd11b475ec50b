/**
 * What the gateway, the runner and the command line ask of the program front end: reading, admitting, compiling.
 *
 * One value of this type is made where a process starts and handed down, so that the tests can bring a front end of
 * their own. Null where a process has none: programs are then refused by name.
 */
import type { Sentence } from '#policies/words.ts';
import type { Program, ProgramManifest, ProgramMode } from '#sandbox/program/program.ts';
import type { Catalogue, Compiled } from '#sandbox/query/compile.ts';
import type { AccuracyAsk } from '#sandbox/release/accuracy.ts';

/** Something that admission says about a place in a program. */
export interface Finding {
  readonly rule: string;
  readonly line: number;
  readonly column: number;
  readonly sentence: Sentence;
  readonly severity: 'error' | 'warning';
}

export interface Admission {
  readonly admitted: boolean;
  readonly findings: readonly Finding[];
  /** What runs; null where nothing may. */
  readonly code: string | null;
}

/** A request to run a program. `null` means the policy's or the manifest's default. */
export interface ProgramAsk extends AccuracyAsk {
  readonly program: Program;
  readonly params: Readonly<Record<string, unknown>> | null;
  readonly delta: number | null;
}

export interface ProgramTools {
  /** A manifest from what its file says. Failure CONFIG that names field and rule. */
  readManifest(written: unknown, file: string): ProgramManifest;
  admit(module: string, mode: ProgramMode, manifest: ProgramManifest | null): Admission;
  /** Refuses as a query does, and PARAM for parameters. */
  compile(ask: ProgramAsk, catalogue: Catalogue): Compiled;
  /** Of what admission rests on, by name: kept with the findings. */
  readonly versions: Readonly<Record<string, string>>;
}

/** The front end of this build. */
export const PROGRAM_TOOLS: ProgramTools | null = null;
