/**
 * Cases for tests of the whole SQL path: a dataset with rows, a policy, and statements over them; and the two ways
 * to their exact integers, through the engine and through the oracle.
 *
 * ORACLE_RUNS and ORACLE_SEED choose another number of cases and other ones.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import type { ReleasePolicy } from '#sandbox/manifest/policy.ts';
import type { Partials, Plan } from '#sandbox/plan.ts';
import { type Compiled, compileQuery } from '#sandbox/query/compile.ts';
import { typeOf } from '#sandbox/expression.ts';
import { sized } from './audit-size.ts';
import { type World, policies, worlds } from './dataset-generator.ts';
import { type InProcessEngine, openInProcess } from './in-process-engine.ts';
import { type GeneratedQuery, queriesFor } from './query-generator.ts';
import { engineRank } from './ranks.ts';
import { compareKeys, exactPartials } from './reference-engine.ts';
import type { Row } from './reference-expression.ts';
import { writeCsv, writeParquet } from './source-file.ts';

export interface SqlCase {
  readonly world: World;
  readonly policy: ReleasePolicy;
  readonly queries: readonly GeneratedQuery[];
}

export const RUNS = Number(process.env['ORACLE_RUNS'] ?? sized(25, 400));
const SEED = Number(process.env['ORACLE_SEED'] ?? 20_261_121);
/** Shrinking runs the engine thousands of times; the statement and the seed say enough. */
export const PARAMETERS = { seed: SEED, endOnFailure: true } as const;
/** The secret seed of the lineage in all tests of the SQL path. */
export const LINEAGE_SEED = 'the secret of a lineage';

/** Cases of `queryCount` statements each, over datasets of at most `rowsMax` rows and a few doubles. */
export function sqlCases(queryCount: number, rowsMax: number): fc.Arbitrary<SqlCase> {
  return fc
    .tuple(worlds({ rowsMax }), policies)
    .chain(([world, policy]) =>
      fc
        .array(queriesFor(world.dataset, policy), { minLength: queryCount, maxLength: queryCount })
        .map((queries) => ({ world, policy, queries })),
    );
}

/** Compiles a statement of a case with the policy's own ε and δ. */
export function compileCase(sql: string, { world, policy }: SqlCase): Compiled {
  return compileQuery(
    { sql, epsilon: null, delta: null },
    {
      datasets: [world.dataset],
      policyOf: () => policy,
      versionIdOf: () => 'v1',
      defaultTiming: { mode: 'exact' },
    },
  );
}

/** A directory of source files that goes when it is disposed of. */
export class SourceFolder implements Disposable {
  readonly #path = mkdtempSync(join(tmpdir(), 'oracle-'));
  #files = 0;

  /** An engine over these rows in a new file. */
  async open(
    rows: readonly Row[],
    { dataset }: World,
    type: 'parquet' | 'csv' = 'parquet',
  ): Promise<InProcessEngine> {
    this.#files += 1;
    const path = join(this.#path, `${this.#files}.${type}`);
    if (type === 'csv') writeCsv(rows, dataset.columns, path);
    else await writeParquet(rows, dataset.columns, path);
    return openInProcess({ type, path }, this.#path);
  }

  [Symbol.dispose](): void {
    rmSync(this.#path, { recursive: true });
  }
}

/** The oracle's Partials of scanned rows, with cells and rows chosen by the engine's own hash. */
export async function oraclePartials(
  plan: Plan,
  rows: readonly Row[],
  engine: InProcessEngine,
): Promise<Partials> {
  const stored = plan.unit === null ? 'BIGINT' : (engine.physical.types.get(plan.unit) as string);
  const isNumber = rows.some((row) => typeof row[plan.unit ?? ''] === 'number');
  // An integer unit that is stored as text is hashed as an integer.
  const unitType = stored === 'VARCHAR' && isNumber ? 'HUGEINT' : stored;
  const rank = await engineRank(engine.connection, plan, rows, { seed: LINEAGE_SEED, unitType });
  return exactPartials(plan, rows, rank);
}

/** Thresholded keys come in the engine's order; here in ascending order, with their entries. */
export function inKeyOrder({ keys, vectors }: Partials, plan: Plan): Partials {
  if (keys === null || plan.keys.mode !== 'thresholded') return { keys, vectors };
  const types = plan.keys.keys.map((key) => typeOf(key.expr));
  const order = [...keys.keys()].sort((a, b) => compareKeys(keys[a] ?? [], keys[b] ?? [], types));
  return {
    keys: order.map((place) => keys[place] ?? []),
    vectors: vectors.map((vector) => order.map((place) => vector[place] as bigint)),
  };
}
