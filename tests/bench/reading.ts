/**
 * P1, P1L, P1b, P1r: what unit-level privacy costs over ten (P1L: a hundred) million rows, whole jobs against SQL typed into DuckDB.
 *
 * A job is what the lab runs: compile, the check that the source is unchanged, the jailed reader's query, noise, ledger
 * (in memory) and signed receipt. The reader is warm. DuckDB runs in this process with its defaults.
 */
import { generateSigningKey } from '#crypto/ed25519-key.ts';
import { LabState } from '#gateway/lab/state.ts';
import { rehearse } from '#gateway/lab/rehearse.ts';
import { Sources } from '#gateway/runner/sources.ts';
import { WorkerPool } from '#sandbox/worker/pool.ts';
import { compileQuery } from '#sandbox/query/compile.ts';
import { printPlan } from '#sandbox/query/print.ts';
import { SOURCE } from '#sandbox/query/scan.ts';
import { type Benchmark, lineOf, pairsOf, type Scale, type Subject } from './measure.ts';
import {
  freshEpsilon,
  readVisits,
  visitsFile,
  visitsManifest,
  type VisitsSize,
  withDuckdb,
} from './visits.ts';

const BOUNDED: Subject = {
  id: 'P1',
  name: 'unit-bounded GROUP BY over 10 M Parquet rows of 1 M units, whole job',
  unit: 'ratio',
  better: 'lower',
  against: 'the same bounded SQL typed into DuckDB; at most 1.10',
};
const LARGE: Subject = {
  ...BOUNDED,
  id: 'P1L',
  name: 'unit-bounded GROUP BY over 100 M Parquet rows of 5 M units, whole job, reader of 14 GiB',
};
const PREPARED: Subject = {
  id: 'P1b',
  name: 'the same job on prepared data',
  unit: 'ratio',
  better: 'lower',
  against: 'the plain, unbounded GROUP BY over the Parquet file in DuckDB; at most 20',
};
const BY_ROW: Subject = {
  id: 'P1r',
  name: 'the same job with privacyUnit row',
  unit: 'ratio',
  better: 'lower',
  against: 'the plain GROUP BY over the Parquet file in DuckDB; at most 1.3',
};

const TABLE = 'visits';
const QUESTION = `SELECT region, count(*) AS visits, sum(cost) AS cost FROM ${TABLE} GROUP BY region`;
const PAIRS = 9;
/** A pair takes minutes there. */
const PAIRS_LARGE = 3;
const SEED = 'f'.repeat(64);
/** Of our reader in P1L: enough not to spill, as what is typed has by default. */
const LARGE_MEMORY_MIB = 14_336;

export const READING: Benchmark = {
  ids: ['P1', 'P1L', 'P1b', 'P1r'],
  async *run(asked, scale) {
    const byUnit = { unit: 'patient_id', prepare: false, against: boundedSql, pairs: PAIRS } as const;
    for (const [subject, how] of [
      [BOUNDED, byUnit],
      [LARGE, { ...byUnit, pairs: PAIRS_LARGE, memoryMiB: LARGE_MEMORY_MIB }],
      [PREPARED, { ...byUnit, prepare: true, against: plainSql }],
      [BY_ROW, { ...byUnit, unit: 'row', prepare: true, against: plainSql }],
    ] as const) {
      if (!asked.has(subject.id)) continue;
      const size = sizeOf(subject === LARGE, scale);
      yield lineOf(subject, await ratiosOf(await visitsFile(size), { ...how, ...size, ...scale }));
    }
  },
};

function sizeOf(isLarge: boolean, { small }: Scale): VisitsSize {
  if (isLarge) return small ? { rows: 100_000, units: 5_000 } : { rows: 100_000_000, units: 5_000_000 };
  return small ? { rows: 20_000, units: 2_000 } : { rows: 10_000_000, units: 1_000_000 };
}

interface Comparison extends VisitsSize, Scale {
  readonly unit: 'patient_id' | 'row';
  readonly prepare: boolean;
  readonly memoryMiB?: number;
  readonly pairs: number;
  readonly against: (job: Job) => string;
}

/** One job: its text, and what it is asked of. */
type Job = ReturnType<typeof readVisits>;

async function ratiosOf(path: string, how: Comparison): Promise<readonly number[]> {
  const manifest = visitsManifest(path, { name: TABLE, maxRows: how.rows, unit: how.unit });
  const job = readVisits(manifest);
  const { prepare, memoryMiB } = how;
  const sources = new Sources({ prepare, ...(memoryMiB !== undefined && { memoryMiB }) });
  const state = LabState.inMemory(generateSigningKey());
  const ask = (): Promise<unknown> =>
    rehearse(
      {
        datasets: [job.dataset],
        policy: job.policy,
        ask: { sql: QUESTION, epsilon: freshEpsilon(), delta: null },
      },
      state,
      { sources, workers: new WorkerPool({ warm: 0 }) },
    );
  try {
    return await withDuckdb(async (connection) => {
      await connection.run(`CREATE VIEW ${SOURCE} AS SELECT * FROM read_parquet('${path}')`);
      const sql = how.against(job);
      const type = (): Promise<unknown> => connection.runAndReadAll(sql, sql.includes('$1') ? [SEED] : []);
      return pairsOf(how.small ? 2 : how.pairs, ask, type);
    });
  } finally {
    await sources.close();
    await state.close();
  }
}

function plainSql(): string {
  return `SELECT region, count(*), sum(cost) FROM ${SOURCE} GROUP BY region`;
}

/** What a person would have to type to bound contributions as a job does: our own statement over the stored columns. */
function boundedSql({ dataset, policy }: Job): string {
  const { plan } = compileQuery(
    { sql: QUESTION, epsilon: null, delta: null },
    {
      datasets: [dataset],
      policyOf: () => policy,
      versionIdOf: () => 'any',
      defaultTiming: { mode: 'exact' },
    },
  );
  const stored = new Map([
    ['patient_id', 'VARCHAR'],
    ['region', 'VARCHAR'],
    ['cost', 'DOUBLE'],
  ]);
  const [printed] = printPlan(plan, dataset, { types: stored, prepared: null });
  return printed!.sql;
}
