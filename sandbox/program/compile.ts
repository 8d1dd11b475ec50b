/**
 * From a buyer's program and its parameters to a Plan: the program front end's whole story, in order.
 *
 * What the program returns is a table of its own, one column per output and per column of a `by`; measures and keys are
 * of that table, so that sensitivities, noise and answers are those of SQL.
 * Guarantee: touches no data and runs no code; what a Plan costs, shows and releases follows from manifests, policy and
 * parameters alone. Keys are listed always, whatever the policy says of SQL's.
 * Not covered: whether the program may run at all (admission, approval, grants).
 */
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { Column, Dataset } from '../manifest/dataset.ts';
import type { ReleasePolicy } from '../manifest/policy.ts';
import type { Keys, Plan, PlannedProgram, PlanKey } from '../plan.ts';
import {
  boundingOf,
  type Catalogue,
  checkCells,
  checkSize,
  type Compiled,
  costUnder,
  datasetPart,
  draftEpsilon,
  finishedPlan,
  type PricedAsk,
  timingUnder,
  unitColumn,
} from '../planning.ts';
import { accuracyOf } from '../release/accuracy.ts';
import { runTimesOf } from './limits.ts';
import { keysOfOutputs } from './mapped-keys.ts';
import { blocksOutputs, mapOutputs, type PlannedOutputs } from './planned-outputs.ts';
import { type Params, paramsDigestOf, paramsOf } from './params.ts';
import type { ByColumn, Program, ProgramManifest } from './program.ts';
import { MAX_ABORTS, strictestOf } from './strictest-policy.ts';

/** A request for a program. `null` means the program's or the policy's default. */
export interface ProgramAsk extends PricedAsk {
  readonly program: Program;
  readonly params: Readonly<Record<string, unknown>> | null;
}

/** A column as it reaches the program: `name` in the row, `column` in the dataset. */
export interface ProgramColumn {
  readonly name: string;
  readonly column: string;
  readonly kind: 'number' | 'boolean' | 'text';
}

/** One dataset that a program reads. */
export interface ProgramSource {
  readonly dataset: Dataset;
  readonly policy: ReleasePolicy;
  readonly columns: readonly ProgramColumn[];
}

/** What a runner needs beside the Plan: everything that a worker is set up with but the admitted code. */
export interface CompiledProgram {
  readonly program: Program;
  readonly params: Params;
  readonly sources: readonly ProgramSource[];
  /** `map`: every column of a `by` and its list, in the order of the Plan's keys. */
  readonly keys: readonly ByColumn[];
}

export interface ProgramPlan extends Compiled {
  readonly program: CompiledProgram;
}

/**
 * Compiles a request. Refuses: TABLE, COLUMN, JOIN for what it reads; TYPE, CELLS, SHAPE for its keys, size and names;
 * BOUNDS_MISSING; GRADE and MODE for what the policies do not allow; PARAM for parameters, ε, δ, accuracy and a run
 * that would be too long.
 */
export function compileProgram(ask: ProgramAsk, catalogue: Catalogue): ProgramPlan {
  const accuracy = accuracyOf(ask);
  const { program } = ask;
  const { manifest } = program;
  // What opens, decides about and charges one dataset must not read another.
  if (manifest.inputs.length > 1 && catalogue.takesSeveral !== true)
    throw new Refusal('MODE', say('plan.severalInputs'));
  const sources = manifest.inputs.map((input) => sourceOf(input, catalogue));
  const { dataset } = sources[0]!;
  checkTogether(sources);
  const policy = strictestOf(sources.map((source) => source.policy));
  const params = paramsOf(manifest.params, ask.params);
  const by = keysOfOutputs(manifest.outputs, sources);
  const outputs = outputsOf(program, { by, policy });
  const keys = keysOf(outputs.keys);
  checkSize({ keys }, outputs.measures);
  const planned = plannedProgram(program, { sources, policy, catalogue, params, columns: outputs.returned });
  const epsilon = draftEpsilon(ask, accuracy, policy);
  const draft: Plan = {
    program: planned,
    ...datasetPart(dataset, catalogue),
    where: null,
    keys,
    bounding: boundingOf(dataset, policy, outputs.mostCells),
    minimumCohort: policy.minimumCohort,
    hideBelow: outputs.hideBelow,
    measures: outputs.measures,
    aggregates: outputs.aggregates,
    mechanism: policy.mechanism,
    cost: costUnder(policy, { epsilon, delta: ask.delta, thresholded: false }),
    timing: timingUnder(policy, fallbackOf(catalogue), planned.wallLimitMs),
    policyDigest: policy.digest,
  };
  const { presentation } = outputs;
  const plan = finishedPlan(draft, accuracy, presentation);
  const keysRead = program.manifest.mode === 'map' ? by : [];
  return {
    plan,
    presentation,
    dataset,
    policy,
    program: { program, params, sources, keys: keysRead },
  };
}

/** The dataset and columns of an input. Refuses: TABLE, COLUMN. */
function sourceOf(input: ProgramManifest['inputs'][number], catalogue: Catalogue): ProgramSource {
  const { dataset, columns } = inputOf(input, catalogue.datasets);
  if (dataset.encryption !== undefined) throw new Refusal('MODE', say('encrypted.program'));
  return { dataset, policy: catalogue.policyOf(dataset), columns };
}

/** What a dataset says of its columns. */
type Described = Pick<Dataset, 'name' | 'columns'>;

/** The dataset that an input names, and its columns as they reach the program. Refuses: TABLE, COLUMN. */
export function inputOf<Given extends Described>(
  { dataset: name, columns }: ProgramManifest['inputs'][number],
  datasets: readonly Given[],
): { readonly dataset: Given; readonly columns: readonly ProgramColumn[] } {
  const dataset = datasets.find((candidate) => candidate.name === name);
  if (dataset === undefined) {
    const known = datasets.map((candidate) => candidate.name).join(', ');
    throw new Refusal('TABLE', say('query.table', { name, known }));
  }
  return {
    dataset,
    columns: columns.map((input) => ({ ...input, kind: kindOf(columnOf(dataset, input.column)) })),
  };
}

/** A column that a program may read. Refuses: COLUMN. */
function columnOf(dataset: Described, name: string): Column {
  const column = dataset.columns.find((candidate) => candidate.name === name);
  if (column?.role === 'unit') throw new Refusal('COLUMN', say('plan.unitColumn', { name }));
  if (column !== undefined && column.role !== 'hidden') return column;
  const known = dataset.columns
    .filter(({ role }) => role === 'key' || role === 'value')
    .map((candidate) => candidate.name)
    .join(', ');
  throw new Refusal('COLUMN', say('plan.column', { name, dataset: dataset.name, known }));
}

function kindOf({ type }: Column): ProgramColumn['kind'] {
  switch (type.kind) {
    case 'integer':
    case 'number':
    case 'decimal':
      return 'number';
    case 'boolean':
      return 'boolean';
    default:
      return 'text';
  }
}

/** Refuses JOIN: units that cannot be told to be the same. GRADE: an engine that a grade does not allow. */
function checkTogether(sources: readonly ProgramSource[]): void {
  const [first, ...others] = sources.map(({ dataset }) => dataset);
  for (const other of others) {
    const joined =
      other.unitDomain === first!.unitDomain && unitColumn(other) !== null && unitColumn(first!) !== null;
    if (!joined) throw new Refusal('JOIN', say('plan.unitDomain', { left: first!.name, right: other.name }));
  }
  for (const { dataset, policy } of sources) {
    const { name, grade } = dataset;
    if (policy.engine === 'fast' && grade !== 'general')
      throw new Refusal('GRADE', say('plan.engine', { dataset: name, grade }));
  }
}

function outputsOf(
  { manifest }: Program,
  { by, policy }: { readonly by: readonly ByColumn[]; readonly policy: ReleasePolicy },
): PlannedOutputs {
  if (manifest.mode === 'map') return mapOutputs(manifest.outputs, { by, policy });
  if (policy.hideBelow !== null) throw new Refusal('MODE', say('plan.hideBelow'));
  if (manifest.blocks === null) throw new RangeError('a manifest of blocks that states none');
  const { defaults, blocks } = manifest;
  const outputs = blocksOutputs(manifest.outputs, { defaults, count: blocks.count });
  for (const output of manifest.outputs)
    checkCells(
      output.by.reduce((cells, { values }) => cells * values.length, 1),
      policy,
    );
  return outputs;
}

function keysOf(keys: readonly PlanKey[]): Keys {
  if (keys.length === 0) return { mode: 'none' };
  return { mode: 'listed', keys, cells: keys.reduce((cells, { domain }) => cells * domain!.length, 1) };
}

function plannedProgram(
  { digest, manifest }: Program,
  context: {
    readonly sources: readonly ProgramSource[];
    readonly policy: ReleasePolicy;
    readonly catalogue: Catalogue;
    readonly params: Params;
    readonly columns: PlannedProgram['columns'];
  },
): PlannedProgram {
  const { sources, policy, catalogue, params, columns } = context;
  const engine = policy.engine ?? 'strict';
  const maxAborts = policy.maxAborts ?? MAX_ABORTS;
  const maxRows = sources.reduce((rows, { dataset }) => rows + dataset.maxRows, 0);
  const { mode, fuel, blocks } = manifest;
  const times =
    mode === 'map'
      ? runTimesOf({ mode, engine, maxRows, fuel, maxAborts })
      : runTimesOf({ mode, engine, maxRows, ...blocks! });
  return {
    digest,
    mode,
    engine,
    inputs: sources.map(({ dataset, columns: read }) => ({
      dataset: dataset.name,
      lineage: dataset.lineage,
      versionId: catalogue.versionIdOf(dataset),
      maxRows: dataset.maxRows,
      columns: [...new Set(read.map(({ column }) => column))],
    })),
    paramsDigest: paramsDigestOf(params),
    fuel: mode === 'map' ? fuel : 0,
    cpuMs: mode === 'map' ? 0 : blocks!.cpuMs,
    maxAborts,
    columns,
    ...times,
  };
}

/** What an absent `timing` means: planned, but exact where the front end is the lab's. */
function fallbackOf({ defaultTiming }: Catalogue): Parameters<typeof timingUnder>[1] {
  return defaultTiming.mode === 'exact' ? defaultTiming : { mode: 'planned' };
}
