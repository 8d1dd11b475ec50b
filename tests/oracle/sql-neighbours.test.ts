/**
 * Tier 0, deterministic neighbour replay of the SQL path (Re:cord-play, arXiv:2602.17454): generated statements over
 * datasets that differ by one unit. Both sides end alike, draw the same noise from one tape, show the same cells and
 * finite numbers, and no measured vector differs by more than one unit may contribute.
 *
 * 200 statements (2,000 in an audit) on six pairs each: a typical unit, the heaviest, special and extreme values, a key
 * of its own, the only unit there is. What a request costs is in its Plan, which exists before either content is seen.
 * Not covered: what the noise does with that distance; see the tests of release.
 */
import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { computePartials } from '#sandbox/execute.ts';
import type { Dataset } from '#sandbox/manifest/dataset.ts';
import type { Partials, Plan } from '#sandbox/plan.ts';
import { NoisePool } from '#sandbox/release/noise-pool.ts';
import { release } from '#sandbox/release/release.ts';
import { rangesOf, sensitivityOf } from '#sandbox/release/sensitivity.ts';
import { sized } from '#tests/support/audit-size.ts';
import { tapedRandom } from '#tests/support/byte-tape.ts';
import type { World } from '#tests/support/dataset-generator.ts';
import { changedEngine, openRows, type SqlChange } from '#tests/support/in-process-engine.ts';
import { contributionOf, distances, neighbourPairs, violations } from '#tests/support/neighbours.ts';
import { col, planWith } from '#tests/support/plan-builder.ts';
import type { Row } from '#tests/support/reference-expression.ts';
import {
  LINEAGE_SEED,
  PARAMETERS,
  RUNS,
  type SqlCase,
  compileCase,
  sqlCases,
} from '#tests/support/sql-case.ts';
import { compiledFor, subjectOf } from '#tests/support/sql-path.ts';

/** How an engine is broken: Plans of another meaning, or other SQL. */
interface Defect {
  readonly plan?: (plan: Plan) => Plan;
  readonly printed?: SqlChange;
}

/** Partials of several Plans over one content, computed once however often a pair names it; a code for what failed. */
function partialsOf(
  dataset: Dataset,
  plans: readonly Plan[],
  { plan: change = (plan) => plan, printed = (sql) => sql }: Defect = {},
): (rows: readonly Row[]) => Promise<readonly (Partials | string)[]> {
  const known = new Map<readonly Row[], readonly (Partials | string)[]>();
  return async (rows) => {
    const before = known.get(rows);
    if (before !== undefined) return before;
    using engine = await openRows(rows, dataset.columns);
    const changed = changedEngine(engine, printed);
    const found: (Partials | string)[] = [];
    for (const plan of plans) {
      found.push(
        await computePartials(change(plan), dataset, changed, LINEAGE_SEED).catch(() => 'MACHINE_FAULT'),
      );
    }
    known.set(rows, found);
    return found;
  };
}

/** Release on a fixed tape: what a buyer sees beside values, and where on the tape it ended. */
function replayed(plan: Plan, partials: Partials): object {
  const random = tapedRandom('replay');
  const cells = release(plan, partials, new NoisePool(plan, random).fill());
  const numbers = cells.flatMap(({ values }) =>
    values.flat().flatMap(({ value, stddev, low, high }) => [value, stddev, low, high]),
  );
  return {
    next: [random.word(), random.word()],
    keys: cells.map(({ key }) => key),
    widths: cells.map(({ values }) => values.map((list) => list.length)),
    finite: numbers.every((x) => x === null || Number.isFinite(x)),
  };
}

/** What is wrong with the exact integers of two neighbouring contents. */
function faultsOf(plan: Plan, left: Partials | string, right: Partials | string): readonly string[] {
  if (typeof left !== 'string' && typeof right !== 'string')
    return violations(distances(left, right, plan), plan);
  return left === right ? [] : ['another end'];
}

/** What is wrong with their releases. Which keys near a threshold are shown is noise, and so no fault. */
function replayFaultsOf(plan: Plan, left: Partials | string, right: Partials | string): readonly string[] {
  if (typeof left === 'string' || typeof right === 'string' || plan.keys.mode === 'thresholded') return [];
  const [ours, theirs] = [replayed(plan, left), replayed(plan, right)];
  return isDeepStrictEqual(ours, theirs) && isDeepStrictEqual(ours, { ...ours, finite: true })
    ? []
    : ['another replay'];
}

/** All faults of statements on all neighbours. Each statement is replayed on one pair: its noise is one size for all. */
async function findFaults(
  world: World,
  plans: readonly Plan[],
  defect: Defect = {},
): Promise<readonly string[]> {
  const compute = partialsOf(world.dataset, plans, defect);
  const found: string[] = [];
  const pairs = neighbourPairs(world);
  for (const [p, pair] of pairs.entries()) {
    const [left, right] = [await compute(pair.rows), await compute(pair.without)];
    for (const [i, plan] of plans.entries()) {
      const faults = [
        ...faultsOf(plan, left[i]!, right[i]!),
        ...(i % pairs.length === p ? replayFaultsOf(plan, left[i]!, right[i]!) : []),
      ];
      found.push(...faults.map((name) => `${pair.name}: ${name}: statement ${i}`));
    }
  }
  return found;
}

const plansOf = (chosen: SqlCase): readonly Plan[] =>
  chosen.queries.map((query) => compileCase(query.sql, chosen).plan);

test('neighbours end alike, and never differ by more than one unit may contribute', async () => {
  await fc.assert(
    fc.asyncProperty(sqlCases(8, 40), async (chosen) => {
      const faults = await findFaults(chosen.world, plansOf(chosen));
      expect(faults, chosen.queries.map(({ sql }, i) => `${i}: ${sql}`).join('\n')).toEqual([]);
    }),
    { ...PARAMETERS, numRuns: sized(15, 250) },
  );
});

test('Release declares what one unit may contribute, a tree once per level, and admits every integer found', async () => {
  await fc.assert(
    fc.asyncProperty(sqlCases(5, 40), async (chosen) => {
      const plans = plansOf(chosen);
      const found = await partialsOf(chosen.world.dataset, plans)(chosen.world.rows);
      for (const [i, plan] of plans.entries()) {
        for (const [m, measure] of plan.measures.entries()) {
          const levels = measure.kind === 'quantile' ? BigInt(Math.log2(measure.bins)) : 1n;
          const { l1, l2Squared } = contributionOf(measure, plan);
          expect(sensitivityOf(plan, measure)).toEqual({ l1: l1 * levels, l2Squared: l2Squared * levels });
          const { low, high } = rangesOf(plan, measure)[0]!;
          expect((found[i] as Partials).vectors[m]?.every((value) => value >= low && value <= high)).toBe(
            true,
          );
        }
      }
    }),
    { ...PARAMETERS, numRuns: RUNS },
  );
});

/** What a printer that left something out would compute. */
const IGNORES_R: Defect = {
  plan: (plan) => ({ ...plan, bounding: { ...plan.bounding, rowsPerUnit: 1000 } }),
};
const IGNORES_CELLS: Defect = {
  plan: (plan) => ({ ...plan, bounding: { ...plan.bounding, chooseCells: false } }),
};
const UNWEIGHTED: Defect = {
  printed: (sql) => sql.replaceAll(/CASE WHEN n\d+ > \d+ THEN/g, 'CASE WHEN FALSE THEN'),
};
const ONE_TOO_MANY: Defect = { printed: (sql) => sql.replaceAll(/ <= (\d+)\)/g, ' <= $1 + 1)') };
const NAN_PASSES: Defect = {
  printed: (sql) =>
    sql
      .replaceAll(/CASE WHEN NOT isnan\(("[^"]+")\) THEN \1 END/g, '$1')
      .replaceAll(/floor\(\(CASE WHEN a(\d+) < .*? ELSE a\1 END\)/g, 'floor((a$1)'),
};

test.for<readonly [string, Defect]>([
  ['ignores R', IGNORES_R],
  ['ignores L0', IGNORES_CELLS],
  ['keeps one cell or row too many', ONE_TOO_MANY],
  ['lets NaN through the scan and the clamp', NAN_PASSES],
])('negative control: an engine that %s is caught', async ([, defect]) => {
  const found: string[] = [];
  for (const chosen of fc.sample(sqlCases(4, 40), { ...PARAMETERS, numRuns: 60 })) {
    if (found.length > 0) break;
    found.push(...(await findFaults(chosen.world, plansOf(chosen), defect)));
  }
  expect(found).not.toEqual([]);
});

describe('a unit in thousands of cells, three times in each', () => {
  const CELLS = 2000;
  const columns = {
    uid: { type: 'integer', role: 'unit' },
    slot: { type: 'integer', role: 'key', bounds: [1, CELLS] },
    word: { type: 'string', role: 'key' },
    debt: { type: 'number', bounds: [-300, 100], granularity: 0.5 },
  };
  const manifest = { name: 'people', privacyUnit: 'uid', maxRows: 20_000, columns };
  const heavy = Array.from({ length: 3 * CELLS }, (_, i) => ({
    uid: 1,
    slot: 1 + (i % CELLS),
    word: `w${i % CELLS}`,
    debt: i % 7 === 0 ? NaN : -1000 + i,
  }));
  const others = Array.from({ length: 400 }, (_, i) => ({
    uid: 2 + (i % 50),
    slot: 1 + (i % 20),
    word: `w${i % 20}`,
    debt: [1e308, -Infinity, null, 5e-324, i][i % 5] ?? null,
  }));
  const STATEMENTS = [
    'SELECT slot, COUNT(*), COUNT(debt), COUNT(DISTINCT uid), SUM(debt), AVG(debt), VARIANCE(debt) FROM people GROUP BY slot',
    'SELECT slot, HISTOGRAM(debt, -300, 100, 4) FROM people GROUP BY slot',
    'SELECT word, COUNT(DISTINCT uid), SUM(debt), STDDEV(debt) FROM people GROUP BY word',
  ];
  const BOUNDS = [
    [1, 1],
    [50, 2],
  ];

  const subjects = BOUNDS.map(([maxGroupsPerUnit, maxRowsPerUnit]) =>
    subjectOf(manifest, {
      mechanism: 'gaussian',
      budget: { epsilon: 10, delta: 1e-3 },
      perJob: { epsilon: 1, delta: 1e-6, thresholdDelta: 1e-6 },
      keys: 'thresholded',
      minimumCohort: 2,
      maxGroupsPerUnit,
      maxRowsPerUnit,
    }),
  );
  const plans = subjects.flatMap((subject) => STATEMENTS.map((sql) => compiledFor(subject, sql).plan));
  const world: World = { dataset: subjects[0]!.dataset, rows: [...heavy, ...others] };

  test('is held to every bound of cells and rows', async () => {
    expect(await findFaults(world, plans)).toEqual([]);
  });

  test.for<readonly [string, Defect]>([
    ['ignores R', IGNORES_R],
    ['ignores L0', IGNORES_CELLS],
    ['does not weight an average down', UNWEIGHTED],
  ])('negative control: an engine that %s is caught', async ([, defect]) => {
    expect(await findFaults(world, plans, defect)).not.toEqual([]);
  });
});

test('negative control: a door that draws noise only where somebody is, is caught', () => {
  const listed = (domain: readonly string[]): Plan =>
    planWith({
      keys: { mode: 'listed', keys: [{ expr: col('k', 'string'), domain }], cells: domain.length },
      measures: [{ kind: 'units' }],
      aggregates: [{ fn: 'countUnits', units: 0 }],
    });
  const seen = [
    [4n, 1n],
    [4n, 0n],
  ].map((counts) => {
    const kept = counts.filter((count) => count !== 0n);
    return replayed(listed(['a', 'b'].slice(0, kept.length)), { keys: null, vectors: [kept] });
  });
  expect(seen[0]).not.toEqual(seen[1]);
  const right = [
    [4n, 1n],
    [4n, 0n],
  ].map((counts) => replayed(listed(['a', 'b']), { keys: null, vectors: [counts] }));
  expect(right[0]).toEqual(right[1]);
});
