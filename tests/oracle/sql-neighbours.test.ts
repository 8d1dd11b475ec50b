/**
 * Deterministic neighbour replay of the SQL path: generated statements over datasets that differ by one unit, with
 * the distance of every measured vector held to what one unit may contribute.
 *
 * Not covered: what the noise does with that distance; see the tests of release.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { computePartials } from '#sandbox/execute.ts';
import type { Partials, Plan } from '#sandbox/plan.ts';
import { rangeOf, sensitivityOf } from '#sandbox/release/sensitivity.ts';
import { openRows } from '#tests/support/in-process-engine.ts';
import { contributionOf, distances, neighbourPairs, violations } from '#tests/support/neighbours.ts';
import type { Row } from '#tests/support/reference-expression.ts';
import {
  LINEAGE_SEED,
  PARAMETERS,
  RUNS,
  type SqlCase,
  compileCase,
  sqlCases,
} from '#tests/support/sql-case.ts';

/** Partials of several Plans over one content, computed once however often a pair names it. */
function partialsOf(
  chosen: SqlCase,
  plans: readonly Plan[],
): (rows: readonly Row[]) => Promise<readonly Partials[]> {
  const known = new Map<readonly Row[], readonly Partials[]>();
  return async (rows) => {
    const before = known.get(rows);
    if (before !== undefined) return before;
    using engine = await openRows(rows, chosen.world.dataset.columns);
    const found: Partials[] = [];
    for (const plan of plans) {
      found.push(await computePartials(plan, chosen.world.dataset, engine, LINEAGE_SEED));
    }
    known.set(rows, found);
    return found;
  };
}

/** What the neighbour check finds in an engine that runs `changed` Plans and is held to the right ones. */
async function findViolations(chosen: SqlCase, changed: (plan: Plan) => Plan): Promise<readonly string[]> {
  const plans = chosen.queries.map((query) => compileCase(query.sql, chosen).plan);
  const compute = partialsOf(chosen, plans.map(changed));
  const found: string[] = [];
  for (const pair of neighbourPairs(chosen.world)) {
    const [left, right] = [await compute(pair.rows), await compute(pair.without)];
    for (const [i, plan] of plans.entries()) {
      const names = violations(distances(left[i] as Partials, right[i] as Partials, plan), plan);
      found.push(...names.map((name) => `${pair.name}: ${name}: ${chosen.queries[i]?.sql}`));
    }
  }
  return found;
}

test('neighbours never differ by more than one unit may contribute', async () => {
  await fc.assert(
    fc.asyncProperty(sqlCases(4, 40), async (chosen) => {
      expect(await findViolations(chosen, (plan) => plan)).toEqual([]);
    }),
    { ...PARAMETERS, numRuns: Math.ceil(RUNS / 4) },
  );
});

test('Release declares what one unit may contribute, a tree once per level, and admits every integer found', async () => {
  await fc.assert(
    fc.asyncProperty(sqlCases(5, 40), async (chosen) => {
      const plans = chosen.queries.map((query) => compileCase(query.sql, chosen).plan);
      const found = await partialsOf(chosen, plans)(chosen.world.rows);
      for (const [i, plan] of plans.entries()) {
        for (const [m, measure] of plan.measures.entries()) {
          const levels = measure.kind === 'quantile' ? BigInt(Math.log2(measure.bins)) : 1n;
          const { l1, l2Squared } = contributionOf(measure, plan);
          expect(sensitivityOf(plan, measure)).toEqual({ l1: l1 * levels, l2Squared: l2Squared * levels });
          const { low, high } = rangeOf(plan, measure);
          expect(found[i]?.vectors[m]?.every((value) => value >= low && value <= high)).toBe(true);
        }
      }
    }),
    { ...PARAMETERS, numRuns: RUNS },
  );
});

/** Plans of another meaning: what a printer that left something out would compute. */
const DEFECTS: readonly (readonly [name: string, change: (plan: Plan) => Plan])[] = [
  ['ignores R', (plan) => ({ ...plan, bounding: { ...plan.bounding, rowsPerUnit: 1000 } })],
  ['ignores L0', (plan) => ({ ...plan, bounding: { ...plan.bounding, chooseCells: false } })],
];

test.for(DEFECTS)('an engine that %s is caught', async ([, change]) => {
  const found: string[] = [];
  for (const chosen of fc.sample(sqlCases(4, 40), { ...PARAMETERS, numRuns: 60 })) {
    if (found.length > 0) break;
    found.push(...(await findViolations(chosen, change)));
  }
  expect(found).not.toEqual([]);
});
