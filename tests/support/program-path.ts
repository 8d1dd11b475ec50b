/**
 * The whole path of a program inside a test: manifests, admission, Plan, records from rows, a real jailed worker, bounding.
 *
 * Not covered: the reader's process, and what a lab or server puts round a run.
 */
import { parseDataset } from '#sandbox/manifest/dataset-file.ts';
import type { Dataset } from '#sandbox/manifest/dataset.ts';
import { parsePolicy } from '#sandbox/manifest/policy-file.ts';
import { admitProgram } from '#sandbox/program/admission/admit.ts';
import { BlocksBounding } from '#sandbox/program/blocks-bounding.ts';
import { MapBounding } from '#sandbox/program/bounding.ts';
import { compileProgram, type ProgramPlan } from '#sandbox/program/compile.ts';
import { programManifestOf } from '#sandbox/program/manifest-file.ts';
import { measureProgram } from '#sandbox/program/measure.ts';
import { type Program, programDigestOf } from '#sandbox/program/program.ts';
import { recordsOf } from '#sandbox/program/record-source.ts';
import { runBlocks } from '#sandbox/program/run-blocks.ts';
import { runMap } from '#sandbox/program/run-map.ts';
import type { Partials } from '#sandbox/plan.ts';
import { secureRandom } from '#sandbox/release/random.ts';
import type { WorkerPool } from '#sandbox/worker/pool.ts';
import type { Setup } from '#sandbox/worker/protocol.ts';
import type { Worker } from '#sandbox/worker/worker.ts';
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

/** More than any buffer here takes. */
const BUFFER_MS = 10_000;
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

/** What is different in a build that is weak on purpose. */
export interface Weakness {
  /** The printed program. */
  readonly code?: (code: string) => string;
  /** Whoever stands between the runner and its worker. */
  readonly worker?: (worker: Worker) => Worker;
  /** The unit by which records are put into blocks. */
  readonly privacyUnit?: Dataset['privacyUnit'];
}

/** The Partials of a run that is put together here of the product's parts, some of them weakened. */
export async function replayed(
  { plan, program, dataset }: ProgramPlan,
  rows: readonly Row[],
  workers: WorkerPool,
  weakness: Weakness = {},
): Promise<Partials> {
  using engine = await openRows(rows, dataset.columns);
  const { manifest, module } = program.program;
  const [source] = program.sources;
  const columns = source!.columns;
  const admitted = admitProgram(module, manifest.mode, manifest).code!;
  const code = weakness.code?.(admitted) ?? admitted;
  const { fuel, cpuMs, maxAborts, columns: outputs } = plan.program!;
  const { params, keys } = program;
  const setup: Setup =
    manifest.mode === 'map'
      ? { mode: 'map', code, params, fuel, columns, outputs, keys }
      : { mode: 'blocks', code, params, cpuMs, inputs: [{ dataset: dataset.name, columns }], outputs };
  const startWorker = async (): Promise<Worker> => {
    const worker = await workers.take('fast', 'preferred', setup);
    return weakness.worker?.(worker) ?? worker;
  };
  if (setup.mode === 'blocks') {
    const bounding = new BlocksBounding(plan);
    const split = { ...dataset, privacyUnit: weakness.privacyUnit ?? dataset.privacyUnit };
    const { count } = manifest.blocks!;
    const run = { count, secret: SEED, inputs: [{ engine, dataset: split, columns }], startWorker };
    for (const answer of await runBlocks(run)) bounding.take(answer ?? 'failed');
    return bounding.partials();
  }
  const bounding = new MapBounding(plan, SEED);
  const names = columns.map(({ column }) => column);
  const records = recordsOf(engine, { dataset, columns: names }, secureRandom());
  await runMap({ setup, maxAborts, startWorker, limitMs: () => BUFFER_MS }, records, bounding);
  return bounding.partials();
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
