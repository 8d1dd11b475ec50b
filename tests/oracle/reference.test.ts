/** The oracle's own Partials, against integers worked out by hand. */
import { describe, expect, test } from 'vitest';
import type { Keys, Measure, Partials, Plan } from '#sandbox/plan.ts';
import { bounded, col, lit, planWith } from '#tests/support/plan-builder.ts';
import { sha256Rank } from '#tests/support/ranks.ts';
import { type Rank, binOf, exactPartials, gridInteger } from '#tests/support/reference-engine.ts';
import type { Row } from '#tests/support/reference-expression.ts';

const rank = sha256Rank('test');
const x = bounded(col('x'), -2, 10);

const listed = (...domain: readonly (string | null)[]): Keys => {
  return { mode: 'listed', keys: [{ expr: col('k', 'string'), domain }], cells: domain.length };
};

/** Unit a has three rows in p (one without a value) and one in q; b has one row in p; c one in no cell of a list. */
const ROWS: readonly Row[] = [
  { u: 'a', k: 'p', x: 10 },
  { u: 'a', k: 'p', x: 4.6 },
  { u: 'a', k: 'p', x: null },
  { u: 'a', k: 'q', x: Infinity },
  { u: 'b', k: 'p', x: -7 },
  { u: 'c', k: 'elsewhere', x: 1 },
  { u: null, k: 'p', x: 1 },
];

const measured = (measure: Measure, parts: Partial<Plan> = {}): readonly bigint[] => {
  const plan = planWith({ keys: listed('p', 'q'), measures: [measure], ...parts });
  return exactPartials(plan, ROWS, rank).vectors[0] as readonly bigint[];
};

describe('measures with R = 2', () => {
  test('units: a and b are in p, a is in q', () => {
    expect(measured({ kind: 'units' })).toEqual([2n, 1n]);
  });

  test('rows: min(3, 2) of a and 1 of b in p', () => {
    expect(measured({ kind: 'rows', argument: null })).toEqual([3n, 1n]);
  });

  test('rows of an argument: a has two values in p, both count', () => {
    expect(measured({ kind: 'rows', argument: col('x') }, { bounding: bounds({ rowsPerUnit: 1 }) })).toEqual([
      2n,
      1n,
    ]);
  });

  test('sum: 10 + 5 of a, −2 of b (clamped) in p; infinity clamps to 10 in q', () => {
    expect(measured({ kind: 'sum', argument: x })).toEqual([13n, 10n]);
  });

  test('sum with R = 1: 15 clamps to 1·10', () => {
    expect(measured({ kind: 'sum', argument: x }, { bounding: bounds({ rowsPerUnit: 1 }) })).toEqual([
      8n,
      10n,
    ]);
  });

  test('a sum of bounds that leave out zero is clamped to between zero and R·U', () => {
    const high = bounded(col('x'), 5, 10);
    // a: 10 + 5 (4.6 clamps up) within 0…20; b: 5, which no lower bound of R·5 may raise.
    expect(measured({ kind: 'sum', argument: high })).toEqual([20n, 10n]);
    const low = bounded(col('x'), -10, -5);
    // a: −5 − 5 within −20…0; b: −7.
    expect(measured({ kind: 'sum', argument: low })).toEqual([-17n, -5n]);
  });

  // mid = floor((−2 + 10) / 2) = 4: y of a in p is 6 and 1, of b −6; in q 6.
  test('centred sum and squares of no more than R rows are plain', () => {
    expect(measured({ kind: 'centredSum', argument: x })).toEqual([1n, 6n]);
    expect(measured({ kind: 'centredSquares', argument: x })).toEqual([73n, 36n]);
  });

  test('centred sum and squares of more than R rows are weighted down and truncated', () => {
    const bounding = bounds({ rowsPerUnit: 1 });
    // a in p: trunc(1·7/2) = 3 and trunc(1·37/2) = 18; b: −6 and 36.
    expect(measured({ kind: 'centredSum', argument: x }, { bounding })).toEqual([-3n, 6n]);
    expect(measured({ kind: 'centredSquares', argument: x }, { bounding })).toEqual([54n, 36n]);
  });

  test('weighting down truncates towards zero', () => {
    const rows = [-1, -1, -1].map((value) => ({ u: 'a', x: 4 + value }));
    const plan = planWith({ measures: [{ kind: 'centredSum', argument: x }] });
    // trunc(2·(−3)/3) = −2; with −1, −1, 0 it is trunc(−4/3) = −1.
    expect(exactPartials(plan, rows, rank).vectors).toEqual([[-2n]]);
    expect(exactPartials(plan, [...rows.slice(1), { u: 'a', x: 4 }], rank).vectors).toEqual([[-1n]]);
  });

  test('mid of an odd sum of bounds is rounded down, below zero too', () => {
    const argument = bounded(col('x'), -4, 1);
    // (−4 + 1) / 2 rounds down to −2: the single row −4 gives −2.
    const plan = planWith({ measures: [{ kind: 'centredSum', argument }] });
    expect(exactPartials(plan, [{ u: 'a', x: -4 }], rank).vectors).toEqual([[-2n]]);
  });

  test('histogram and quantile: values outside fall into the end bins', () => {
    const values = [-5, -2, 0.9, 1, 4, 9.99, 10, Infinity].map((value, i) => ({ u: `u${i}`, x: value }));
    // Four bins of width 3: [−2, 1) [1, 4) [4, 7) [7, 10).
    const histogram: Measure = { kind: 'histogram', argument: col('x'), low: -2, high: 10, bins: 4 };
    const quantile: Measure = { kind: 'quantile', argument: x, bins: 4 };
    const plan = planWith({ measures: [histogram, quantile] });
    expect(exactPartials(plan, values, rank).vectors).toEqual([
      [3n, 1n, 1n, 3n],
      [3n, 1n, 1n, 3n],
    ]);
  });

  test('a histogram keeps the R values whose ordinals in bin order have the smallest rank', () => {
    const byOrdinal: Rank = (_unit, _cell, ordinal) => (ordinal === 3 ? 0n : ordinal === 1 ? 1n : 2n);
    const rows = [9, 5, -1, 2].map((value) => ({ u: 'a', x: value }));
    const plan = planWith({
      measures: [{ kind: 'histogram', argument: col('x'), low: -2, high: 10, bins: 4 }],
    });
    // In bin order −1, 2, 5, 9: the third is 5 (bin 2), the first −1 (bin 0).
    expect(exactPartials(plan, rows, byOrdinal).vectors).toEqual([[1n, 0n, 1n, 0n]]);
  });
});

function bounds(parts: Partial<Plan['bounding']>): Plan['bounding'] {
  return { cellsPerUnit: 2, rowsPerUnit: 2, chooseCells: false, ...parts };
}

describe('cells', () => {
  const count: Measure = { kind: 'rows', argument: null };
  const rows: readonly Row[] = ['p', 'q', null, 'p'].map((k) => ({ u: 'a', k, x: 1 }));

  test('a NULL key is a cell only where the list has it', () => {
    expect(
      exactPartials(planWith({ keys: listed('q', null), measures: [count] }), rows, rank).vectors,
    ).toEqual([[1n, 1n]]);
    expect(
      exactPartials(planWith({ keys: listed('p', 'q'), measures: [count] }), rows, rank).vectors,
    ).toEqual([[2n, 1n]]);
  });

  test('cells of two keys are numbered with the first key slowest', () => {
    const number = { expr: col('n'), domain: [2, 0] };
    const keys: Keys = {
      mode: 'listed',
      keys: [{ expr: col('k', 'string'), domain: ['p', 'q'] }, number],
      cells: 4,
    };
    const found = exactPartials(planWith({ keys, measures: [count] }), [{ u: 'a', k: 'q', n: -0 }], rank);
    expect(found).toEqual({ keys: null, vectors: [[0n, 0n, 0n, 1n]] });
  });

  test('a unit in too many cells keeps those of smallest rank, ties by cell, after the list is applied', () => {
    const bounding = bounds({ cellsPerUnit: 1, chooseCells: true });
    const last: Rank = (_unit, cell) => (cell.key[0] === 'q' ? 0n : 1n);
    const tied: Rank = () => 0n;
    const kept = (keys: Keys, chosen: Rank): unknown => {
      return exactPartials(planWith({ keys, bounding, measures: [count] }), rows, chosen).vectors;
    };
    expect(kept(listed('p', 'q'), last)).toEqual([[0n, 1n]]);
    expect(kept(listed('p', 'q'), tied)).toEqual([[2n, 0n]]);
    // q is not listed here, so it cannot use up the unit's only cell.
    expect(kept(listed('p', 'x'), last)).toEqual([[2n, 0n]]);
  });

  test('WHERE keeps rows for which it is true, not unknown', () => {
    const where = { op: 'compare', operator: '<', left: col('x'), right: lit(5) } as const;
    const plan = planWith({ where, measures: [count] });
    const found = exactPartials(
      plan,
      [1, 5, null, Number.NaN].map((value) => ({ u: 'a', x: value })),
      rank,
    );
    expect(found.vectors).toEqual([[1n]]);
  });

  test('without a unit column every row is a unit', () => {
    const plan = planWith({ unit: null, measures: [{ kind: 'units' }, count] });
    expect(exactPartials(plan, rows, rank).vectors).toEqual([[4n], [4n]]);
  });
});

describe('thresholded keys', () => {
  const keys: Keys = {
    mode: 'thresholded',
    keys: [{ expr: col('k', 'string'), domain: null }],
    maxEntries: 9,
    units: 0,
  };
  const found = (rows: readonly Row[], parts: Partial<Plan> = {}): Partials => {
    return exactPartials(
      planWith({ keys, minimumCohort: 2, measures: [{ kind: 'units' }], ...parts }),
      rows,
      rank,
    );
  };

  test('need the minimum cohort of units, not of rows, and come in ascending order of bytes', () => {
    const rows = ['b', 'b', 'a', 'a', 'Z', 'Z'].map((k, i) => ({ u: k === 'b' ? 'one' : i, k }));
    expect(found(rows)).toEqual({ keys: [['Z'], ['a']], vectors: [[2n, 2n]] });
  });

  test('of more than 256 bytes, or NULL, are no cells', () => {
    const [fits, tooLong] = ['é'.repeat(128), `${'é'.repeat(128)}x`];
    const rows = [fits, tooLong, null].flatMap((k) => [
      { u: 1, k },
      { u: 2, k },
    ]);
    expect(found(rows).keys).toEqual([[fits]]);
  });

  test('count units after each has chosen its cells', () => {
    const rows = [1, 2].flatMap((u) => ['a', 'b'].map((k) => ({ u, k })));
    const bounding = bounds({ cellsPerUnit: 1, chooseCells: true });
    const onePerKey: Rank = (unit, cell) => ((unit === 1) === (cell.key[0] === 'a') ? 0n : 1n);
    expect(
      exactPartials(
        planWith({ keys, bounding, minimumCohort: 2, measures: [{ kind: 'units' }] }),
        rows,
        onePerKey,
      ).keys,
    ).toEqual([]);
    expect(found(rows, { minimumCohort: 2 }).keys).toEqual([['a'], ['b']]);
  });
});

test.for<[number, number, bigint]>([
  [0.005, 2, 1n],
  // 1.005 is the double below it: 100.49999999999999 + 0.5 is floored to 100.
  [1.005, 2, 100n],
  [-0.005, 2, 0n],
  [-0.015, 2, -1n],
  [1e308, 2, 500_000n],
])('grid integer: floor(%s · 10^%s + 1/2) is %s', ([value, exponent, want]) => {
  expect(gridInteger(value, bounded(col('x'), -5000, 5000, { base: 10, exponent }))).toBe(want);
});

test('a step larger than one is a negative exponent of two', () => {
  const argument = bounded(col('x'), -1024, 1024, { base: 2, exponent: -4 });
  expect([-1024, -9, -8, 7.9, 8, 2000].map((value) => gridInteger(value, argument))).toEqual([
    -64n,
    -1n,
    0n,
    0n,
    1n,
    64n,
  ]);
});

test('the upper end of the last bin belongs to it', () => {
  expect([0, 0.999, 1, 3.999, 4, -1, 99].map((value) => binOf(value, { low: 0, high: 4, bins: 4 }))).toEqual([
    0, 0, 1, 3, 3, 0, 3,
  ]);
});
