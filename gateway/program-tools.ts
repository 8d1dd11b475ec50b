/**
 * What the gateway, the runner and the command line ask of the program front end: reading, admitting, compiling.
 *
 * One value of this type is handed down from where a process starts, so that the tests can bring a front end of their own.
 */
import type { Catalogue, Compiled } from '#sandbox/planning.ts';
import { type Admission, admitProgram } from '#sandbox/program/admission/admit.ts';
import { PARSER_VERSION } from '#sandbox/program/admission/parse.ts';
import { compileProgram, type ProgramAsk } from '#sandbox/program/compile.ts';
import { programManifestOf } from '#sandbox/program/manifest-file.ts';
import type { ProgramManifest, ProgramMode } from '#sandbox/program/program.ts';

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
export const PROGRAM_TOOLS: ProgramTools = {
  readManifest: programManifestOf,
  admit: admitProgram,
  compile: compileProgram,
  versions: { acorn: PARSER_VERSION },
};
