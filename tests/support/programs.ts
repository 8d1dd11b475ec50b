/** Programs over the table of people, written by hand, for tests of what works on a manifest without reading one. */
import {
  type Program,
  programDigestOf,
  type ProgramManifest,
  type ProgramOutput,
} from '#sandbox/program/program.ts';
import { type ProgramAsk, compileProgram, type ProgramPlan } from '#sandbox/program/compile.ts';
import type { Dataset } from '#sandbox/manifest/dataset.ts';
import type { ReleasePolicy } from '#sandbox/manifest/policy.ts';
import type { Timing } from '#sandbox/plan.ts';
import { people, policyWith } from '#tests/query/people.ts';

const MODULE = 'export function map(row) { return 0; }';

/** A program of one count over ages that differs in the parts named. */
export function programWith(parts: Partial<ProgramManifest> = {}): Program {
  const stated: Omit<ProgramManifest, 'source'> = {
    kind: 'Program',
    name: 'adults',
    title: null,
    mode: 'map',
    inputs: [{ dataset: 'people', columns: [{ name: 'age', column: 'age' }] }],
    params: [],
    outputs: [countOf('adults')],
    fuel: 1000,
    blocks: null,
    defaults: {},
    ...parts,
  };
  const source = JSON.parse(JSON.stringify(stated)) as unknown;
  return { module: MODULE, manifest: { ...stated, source }, digest: programDigestOf(MODULE, source) };
}

/** A program of mode `blocks`. */
export function blocksWith(parts: Partial<ProgramManifest> = {}): Program {
  return programWith({
    mode: 'blocks',
    outputs: [
      { kind: 'mean', name: 'median_age', by: [], quality: false, bounds: [0, 120], granularity: null },
    ],
    blocks: { count: 100, cpuMs: 200 },
    fuel: 0,
    ...parts,
  });
}

export function countOf(name: string, parts: Partial<ProgramOutput> = {}): ProgramOutput {
  return { kind: 'count', name, by: [], quality: false, ...parts } as ProgramOutput;
}

type SumOutput = Extract<ProgramOutput, { kind: 'sum' | 'mean' | 'variance' }>;

export function sumOf(name: string, parts: Partial<SumOutput> = {}): SumOutput {
  return {
    kind: 'sum',
    name,
    by: [],
    quality: false,
    bounds: [0, 100],
    granularity: null,
    ...parts,
  };
}

export interface ProgramCircumstances {
  readonly ask?: Partial<Omit<ProgramAsk, 'program'>>;
  readonly policy?: Readonly<Record<string, unknown>>;
  readonly policyOf?: (dataset: Dataset) => ReleasePolicy;
  readonly datasets?: readonly Dataset[];
  readonly timing?: Timing;
  readonly takesSeveral?: boolean;
}

/** Compiles a program as a front end would. */
export function compiledProgram(program: Program, given: ProgramCircumstances = {}): ProgramPlan {
  const policy = policyWith(given.policy ?? {});
  return compileProgram(
    { program, params: null, epsilon: null, delta: null, ...given.ask },
    {
      datasets: given.datasets ?? [people],
      policyOf: given.policyOf ?? (() => policy),
      versionIdOf: (dataset) => `${dataset.name} v1`,
      defaultTiming: given.timing ?? { mode: 'quantum', quantumMs: 125 },
      takesSeveral: given.takesSeveral ?? true,
    },
  );
}
