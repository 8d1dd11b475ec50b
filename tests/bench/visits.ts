/**
 * The benchmarks' data: visits that never happened, as Parquet, made once and kept in the temporary directory.
 *
 * Every value is a function of (seed, row), so a file of one size and seed is the same on every machine. A unit's
 * rows lie scattered over the file, as where visits are stored by time.
 */
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { checkTogether } from '#sandbox/manifest/agreement.ts';
import { parseDataset } from '#sandbox/manifest/dataset-file.ts';
import type { Dataset } from '#sandbox/manifest/dataset.ts';
import { parsePolicy } from '#sandbox/manifest/policy-file.ts';
import type { ReleasePolicy } from '#sandbox/manifest/policy.ts';
import { say } from './measure.ts';

const REGIONS = ['north', 'northeast', 'east', 'centre', 'south', 'southwest', 'northwest'];
const WARDS = ['surgery', 'medicine', 'children', 'other'];

export interface VisitsSize {
  readonly rows: number;
  readonly units: number;
}

/** Makes the file if it is not there. Returns its path. */
export async function visitsFile({ rows, units }: VisitsSize, seed = 1): Promise<string> {
  const directory = join(tmpdir(), `unseen-bench-${process.getuid?.() ?? 0}`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, `visits-${rows}-${units}-${seed}.parquet`);
  if (existsSync(path)) return path;
  say(`making ${path}`);
  const unfinished = `${path}.${process.pid}`;
  await withDuckdb((connection) => connection.run(visitsStatement({ rows, units }, seed, unfinished)));
  renameSync(unfinished, path);
  return path;
}

/** A reader takes no more by default. */
const READER_THREADS_MAX = 4;

/** Runs `work` with an engine in this process: DuckDB as anyone has it, with as many threads as a reader. */
export async function withDuckdb<T>(
  work: (connection: Awaited<ReturnType<DuckDBInstance['connect']>>) => Promise<T>,
): Promise<T> {
  const threads = String(Math.min(availableParallelism(), READER_THREADS_MAX));
  const instance = await DuckDBInstance.create(':memory:', { threads });
  const connection = await instance.connect();
  try {
    return await work(connection);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

function visitsStatement({ rows, units }: VisitsSize, seed: number, path: string): string {
  const draw = (tag: string): string => `hash(i, '${tag}', ${seed})`;
  const pick = (values: readonly string[], tag: string): string =>
    `[${values.map((value) => `'${value}'`).join(', ')}][1 + (${draw(tag)} % ${values.length})::INTEGER]`;
  return `COPY (
    SELECT printf('P%07d', (${draw('patient')} % ${units})::INTEGER) AS patient_id, ${pick(REGIONS, 'region')} AS region,
      ${pick(WARDS, 'ward')} AS ward, (${draw('age')} % 96)::INTEGER AS age, (${draw('cost')} % 500000)::DOUBLE / 100 AS cost
    FROM range(${rows}) AS t(i)
  ) TO '${path.replaceAll("'", "''")}' (FORMAT parquet)`;
}

/** dataset.yaml of a file of visits, one patient or one row being the unit. */
export function visitsManifest(
  path: string,
  {
    name,
    maxRows,
    unit = 'patient_id',
  }: { readonly name: string; readonly maxRows: number; readonly unit?: 'patient_id' | 'row' },
): string {
  return `kind: Dataset
name: ${name}
source: { type: parquet, path: ${JSON.stringify(path)} }
privacyUnit: ${unit}
grade: general
maxRows: ${maxRows}
columns:
  patient_id: { type: string, role: ${unit === 'row' ? 'hidden' : 'unit'} }
  region: { type: string, role: key, values: [${REGIONS.join(', ')}] }
  ward: { type: string, role: key, values: [${WARDS.join(', ')}] }
  age: { type: integer, bounds: [0, 120] }
  cost: { type: number, bounds: [0, 5000], granularity: 0.01 }
`;
}

/** policy.yaml with a budget that no benchmark uses up; four groups a unit, so that of seven regions some are chosen. */
export const VISITS_POLICY = `kind: ReleasePolicy
mechanism: gaussian
budget: { epsilon: 100000, delta: 1e-6 }
perJob: { epsilon: 0.5, max: 1, delta: 1e-7 }
maxGroupsPerUnit: 4
maxRowsPerUnit: 8
timing: exact
jail: preferred
`;

/** Manifest and policy, read as an operator's would be. */
export function readVisits(manifest: string): { readonly dataset: Dataset; readonly policy: ReleasePolicy } {
  const dataset = parseDataset(manifest, { path: join(tmpdir(), 'dataset.yaml') });
  const policy = parsePolicy(VISITS_POLICY, { path: join(tmpdir(), 'policy.yaml') });
  checkTogether(dataset, policy);
  return { dataset, policy };
}

let asked = 0;

/** An ε that nobody asked before, so that no answer comes from store. */
export function freshEpsilon(): number {
  asked += 1;
  return Number((0.1 + asked * 1e-6).toFixed(6));
}
