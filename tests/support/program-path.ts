/**
 * The whole path of a program inside a test: manifests, admission, Plan, records from rows, a real jailed worker, bounding.
 *
 * Not covered: the reader's process, and what a lab or server puts round a run.
 */
import { parseDataset } from '#sandbox/manifest/dataset-file.ts';
import { parsePolicy } from '#sandbox/manifest/policy-file.ts';
import { compileProgram, type ProgramPlan } from '#sandbox/program/compile.ts';
import { programManifestOf } from '#sandbox/program/manifest-file.ts';
import { measureProgram } from '#sandbox/program/measure.ts';
import { type Program, programDigestOf } from '#sandbox/program/program.ts';
import type { Partials } from '#sandbox/plan.ts';
import { secureRandom } from '#sandbox/release/random.ts';
import type { WorkerPool } from '#sandbox/worker/pool.ts';
import { openRows } from './in-process-engine.ts';
import type { Row } from './reference-expression.ts';

/** A program as its buyer writes it. */
export interface WrittenProgram {
  readonly module: string;
  readonly manifest: Readonly<Record<string, unknown>>;
}

/** A dataset of units `uid` with these columns, and a policy with these changes. */
export interface Surroundings {
  readonly columns: Readonly<Record<string, unknown>>;
  readonly policy?: Readonly<Record<string, unknown>>;
}

const SEED = 'the secret of a lineage';

/** The Plan of a program over the dataset `people`. */
export function plannedProgram(
  { module, manifest }: WrittenProgram,
  { columns, policy = {} }: Surroundings,
): ProgramPlan {
  const dataset = parseDataset(
    JSON.stringify({
      kind: 'Dataset',
      name: 'people',
      source: { type: 'parquet', path: 'none.parquet' },
      privacyUnit: 'uid',
      origin: 'synthetic',
      maxRows: 100_000,
      columns: { uid: { type: 'integer', role: 'unit' }, ...columns },
    }),
    { path: '/nowhere/people.yaml' },
  );
  const stated = {
    kind: 'ReleasePolicy',
    mechanism: 'gaussian',
    budget: { epsilon: 10, delta: 1e-6 },
    perJob: { epsilon: 1, delta: 1e-6 },
    maxGroupsPerUnit: 1,
    jail: 'preferred',
    ...policy,
  };
  const program: Program = {
    module,
    manifest: programManifestOf({ kind: 'Program', ...manifest }, 'prog.yaml'),
    digest: programDigestOf(module, JSON.stringify(manifest)),
  };
  const price = { epsilon: null, delta: null, maxError: null, atSize: null };
  return compileProgram(
    { program, params: null, ...price },
    {
      datasets: [dataset],
      policyOf: () => parsePolicy(JSON.stringify(stated), { path: '/nowhere/policy.yaml' }),
      versionIdOf: () => 'v1',
      defaultTiming: { mode: 'exact' },
    },
  );
}

/** What a program's run over these rows leaves for Release. */
export async function measuredOver(
  planned: ProgramPlan,
  rows: readonly Row[],
  workers: WorkerPool,
): Promise<Partials> {
  using engine = await openRows(rows, planned.dataset.columns);
  const means = {
    engines: [engine],
    workers,
    jail: 'preferred',
    seed: SEED,
    random: secureRandom(),
  } as const;
  return (await measureProgram(planned, means)).partials;
}
