/**
 * The neighbour check itself: it finds nothing in the oracle, and it catches engines that are broken on purpose.
 *
 * Not covered: the engine under test; it is held to the same check elsewhere.
 */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Dataset } from '#sandbox/manifest/dataset.ts';
import type { Keys, Partials, Plan } from '#sandbox/plan.ts';
import { distances, neighbourPairs, violations } from '#tests/support/neighbours.ts';
import { bounded, col, planWith } from '#tests/support/plan-builder.ts';
import { sha256Rank } from '#tests/support/ranks.ts';
import { exactPartials } from '#tests/support/reference-engine.ts';
import type { Row } from '#tests/support/reference-expression.ts';

const rank = sha256Rank('test');
const x = bounded(col('x'), -2, 10);
const key = col('k', 'string');
const listed: Keys = { mode: 'listed', keys: [{ expr: key, domain: ['p', 'q', 'r', 's'] }], cells: 4 };

describe('the neighbour check', () => {
  /** Twelve rows in each of four cells for one unit, and twenty units with one row each. */
  const heavy = ['p', 'q', 'r', 's'].flatMap((k) =>
    Array.from({ length: 12 }, (_, i) => ({ u: 'heavy', k, x: i % 6 === 0 ? -2 : 10 })),
  );
  const others = Array.from({ length: 20 }, (_, i) => ({
    u: `u${i}`,
    k: 'pqrs'[i % 4] as string,
    x: i === 7 ? NaN : i - 5,
  }));
  const dataset = datasetOf();
  const plan = planWith({
    keys: listed,
    bounding: { cellsPerUnit: 2, rowsPerUnit: 3, chooseCells: true },
    measures: [
      { kind: 'units' },
      { kind: 'rows', argument: null },
      { kind: 'sum', argument: x },
      { kind: 'centredSum', argument: x },
      { kind: 'centredSquares', argument: x },
      { kind: 'histogram', argument: col('x'), low: 0, high: 10, bins: 5 },
      { kind: 'quantile', argument: x, bins: 8 },
    ],
  });

  type Engine = (rows: readonly Row[]) => Partials;
  const found = (engine: Engine): readonly string[] => {
    const pairs = neighbourPairs({ dataset, rows: [...heavy, ...others] });
    return [
      ...new Set(
        pairs.flatMap((pair) => violations(distances(engine(pair.rows), engine(pair.without), plan), plan)),
      ),
    ];
  };
  const withBounding = (bounding: Partial<Plan['bounding']>): Engine => {
    return (rows) => exactPartials({ ...plan, bounding: { ...plan.bounding, ...bounding } }, rows, rank);
  };

  test('finds nothing in the oracle', () => {
    expect(found(withBounding({}))).toEqual([]);
  });

  test('reaches the bound of every measure, so that none is loose', () => {
    const pairs = neighbourPairs({ dataset, rows: heavy.filter((row) => row.x === 10) });
    const engine = withBounding({});
    const removal = pairs.find((pair) => pair.name === 'the heaviest unit');
    const { vectors } = distances(engine(removal?.rows ?? []), engine(removal?.without ?? []), plan);
    // L0′ = 2 cells of R = 3 rows of value 10: y = 10 − 4 = 6.
    expect(vectors.map((vector) => vector.l1)).toEqual([2n, 6n, 60n, 36n, 216n, 6n, 6n]);
    expect(vectors.map((vector) => vector.l2Squared)).toEqual([2n, 18n, 1800n, 648n, 23_328n, 18n, 18n]);
  });

  test('catches an engine that ignores R', () => {
    const broken = found(withBounding({ rowsPerUnit: 1000 }));
    expect(broken).toEqual(plan.measures.slice(1).map((measure, m) => `measure ${m + 1}: ${measure.kind}`));
  });

  test('catches an engine that ignores L0', () => {
    const broken = found(withBounding({ chooseCells: false }));
    expect(broken).toHaveLength(plan.measures.length);
  });

  test('catches an AVG that is not weighted down when a unit has more than R rows', () => {
    const unweighted = withBounding({ rowsPerUnit: 1000 });
    const broken: Engine = (rows) => {
      const vectors = [...withBounding({})(rows).vectors];
      vectors[3] = unweighted(rows).vectors[3] as readonly bigint[];
      return { keys: null, vectors };
    };
    expect(found(broken)).toEqual(['measure 3: centredSum']);
  });

  test('catches NaN that passes a clamp and is cast to an integer', () => {
    // A clamp by two comparisons lets NaN through; a C cast of it to int64 is commonly the least integer.
    const leastInteger = -(2n ** 63n);
    const broken: Engine = (rows) => {
      const partials = withBounding({})(rows);
      const sums = (partials.vectors[2] as readonly bigint[]).map((sum, cell) => {
        const poisoned = rows.some((row) => Number.isNaN(row['x']) && row['k'] === 'pqrs'[cell]);
        return poisoned ? leastInteger : sum;
      });
      return { keys: null, vectors: partials.vectors.map((vector, m) => (m === 2 ? sums : vector)) };
    };
    expect(found(broken)).toEqual(['measure 2: sum']);
  });

  test('refuses partials that are no integers or of another shape', () => {
    const good = withBounding({})(heavy);
    const vectors = good.vectors.map((vector) => vector.map(Number)) as unknown as bigint[][];
    expect(() => distances({ keys: null, vectors }, good, plan)).toThrow(RangeError);
    expect(() => distances({ keys: null, vectors: good.vectors.slice(1) }, good, plan)).toThrow(RangeError);
  });

  test('counts keys that cross the minimum cohort instead of measuring them', () => {
    const keys: Keys = {
      mode: 'thresholded',
      keys: [{ expr: key, domain: null }],
      maxEntries: 9,
      units: 0,
    };
    const thresholded = planWith({
      keys,
      minimumCohort: 5,
      bounding: plan.bounding,
      measures: [{ kind: 'units' }],
    });
    const rows = others.filter((row) => row.k === 'p' || row.u === 'u1');
    const [left, right] = [rows, rows.filter((row) => row.u !== 'u0')].map((side) =>
      exactPartials(thresholded, side, rank),
    );
    expect(distances(left as Partials, right as Partials, thresholded)).toEqual({
      vectors: [{ l1: 0n, l2Squared: 0n }],
      changedKeys: 1,
    });
  });

  test('the order of the file changes nothing', () => {
    const rows = [...heavy, ...others];
    const want = exactPartials(plan, rows, rank);
    fc.assert(
      fc.property(fc.shuffledSubarray(rows, { minLength: rows.length }), (shuffled) => {
        expect(exactPartials(plan, shuffled, rank)).toEqual(want);
      }),
      { numRuns: 20 },
    );
  });
});

function datasetOf(): Dataset {
  const column = { bounds: null, granularity: null, values: null };
  return {
    kind: 'Dataset',
    name: 'd',
    title: null,
    source: { type: 'csv', path: '/d.csv' },
    lineage: 'd',
    timeZone: 'UTC',
    privacyUnit: { kind: 'column', column: 'u' },
    unitDomain: 'd',
    population: null,
    origin: 'synthetic',
    grade: 'general',
    maxRows: 1000,
    columns: [
      { ...column, name: 'u', type: { kind: 'string' }, role: 'unit' },
      { ...column, name: 'k', type: { kind: 'string' }, role: 'key' },
      { ...column, name: 'x', type: { kind: 'number' }, role: 'value' },
    ],
  };
}
