/**
 * Neighbouring datasets and the exact distance of what is measured on them: deterministic replay against declared
 * sensitivities, the cheapest check that finds a bound which is not kept (Re:cord-play, arXiv:2602.17454).
 *
 * Guarantee: neighbours differ by all rows of one privacy unit. Distances are exact integers.
 * Not covered: keys that cross the minimum cohort between neighbours. They are counted, and what they may reveal
 * is the affair of the threshold.
 */
import {
  type BoundedArgument,
  cellsOf,
  cellsPerUnitOf,
  type Measure,
  type Partials,
  type Plan,
  midGridOf,
  widthOf,
} from '#sandbox/plan.ts';
import type { Dataset } from '#sandbox/manifest/dataset.ts';
import type { Scalar } from '#sandbox/expression.ts';
import type { World } from './dataset-generator.ts';
import { tokenOf } from './reference-engine.ts';
import type { Row } from './reference-expression.ts';

/** Two contents of one dataset that differ by one privacy unit, which only `rows` (and not `without`) has. */
export interface NeighbourPair {
  readonly name: string;
  readonly rows: readonly Row[];
  readonly without: readonly Row[];
}

/** L1 and squared L2 of the difference of one measured vector. */
export interface Distance {
  readonly l1: bigint;
  readonly l2Squared: bigint;
}

export interface PartialsDistance {
  /** One per measure of the Plan. */
  readonly vectors: readonly Distance[];
  /** Thresholded keys that only one side has. */
  readonly changedKeys: number;
}

/** Values that a numeric column of a hostile unit has. */
const EXTREMES = [NaN, Infinity, -Infinity, -0, 1e308, -1e308, 5e-324, null] as const;
/** A key value that no other unit has, within every limit of length. */
const UNIQUE_TEXT = '独一无二';

/** The neighbour pairs that every query is to be tried on. */
export function neighbourPairs({ dataset, rows }: World): readonly NeighbourPair[] {
  const { privacyUnit } = dataset;
  const unitOf = (row: Row, index: number): Scalar =>
    privacyUnit.kind !== 'column' ? index : (row[privacyUnit.column] ?? null);
  const byUnit = new Map<Scalar, Row[]>();
  for (const [index, row] of rows.entries()) {
    const unit = unitOf(row, index);
    if (unit !== null) byUnit.set(unit, [...(byUnit.get(unit) ?? []), row]);
  }
  const units = [...byUnit.entries()].sort(([, a], [, b]) => b.length - a.length);
  const removal = (name: string, chosen: readonly [Scalar, Row[]] | undefined): NeighbourPair[] =>
    chosen === undefined
      ? []
      : [{ name, rows, without: rows.filter((row, index) => unitOf(row, index) !== chosen[0]) }];
  const addition = (name: string, added: readonly Row[]): NeighbourPair => ({
    name,
    rows: [...rows, ...added],
    without: rows,
  });
  const heaviest = units[0]?.[1] ?? [];
  return [
    ...removal('the heaviest unit', units[0]),
    ...removal('a typical unit', units[Math.floor(units.length / 2)]),
    ...removal(
      'a unit with special values',
      units.find(([, own]) => own.some(hasSpecialValue)),
    ),
    addition('a unit of extremes', extremeRows(heaviest, dataset)),
    addition('a unit with a key of its own', uniqueRows(heaviest, privacyUnit)),
    { name: 'the only unit there is', rows: heaviest, without: [] },
  ]
    .filter((pair) => pair.rows.length > pair.without.length)
    .map((pair) => (privacyUnit.kind === 'row' ? oneRowApart(pair) : pair));
}

function hasSpecialValue(row: Row): boolean {
  return Object.values(row).some(
    (value) =>
      value === null || (typeof value === 'number' && (!Number.isFinite(value) || Math.abs(value) > 1e300)),
  );
}

/** A new unit in every cell where the heaviest is, several times over, with an extreme in every number. */
function extremeRows(heaviest: readonly Row[], { privacyUnit, columns }: Dataset): readonly Row[] {
  const numeric = columns.filter(({ type, role }) => type.kind === 'number' && role !== 'unit');
  return EXTREMES.flatMap((extreme) =>
    heaviest.slice(0, 20).map((row) => {
      const replaced = Object.fromEntries(numeric.map(({ name }) => [name, extreme]));
      return asNewUnit({ ...row, ...replaced }, privacyUnit);
    }),
  );
}

function uniqueRows(heaviest: readonly Row[], unit: Dataset['privacyUnit']): readonly Row[] {
  return heaviest
    .slice(0, 10)
    .map((row) => asNewUnit({ ...row, word: UNIQUE_TEXT, region: UNIQUE_TEXT }, unit));
}

function asNewUnit(row: Row, unit: Dataset['privacyUnit']): Row {
  if (unit.kind !== 'column') return row;
  const now = row[unit.column];
  return { ...row, [unit.column]: typeof now === 'number' ? 999_983 : 'a new unit' };
}

/** Where each row is a unit, neighbours differ by a single row. */
function oneRowApart(pair: NeighbourPair): NeighbourPair {
  if (pair.rows.length === pair.without.length + 1) return pair;
  return { ...pair, rows: [...pair.without, ...pair.rows.slice(-1)] };
}

/**
 * How far apart two Partials of one Plan are. A thresholded key that one side lacks counts as zeros where the
 * minimum cohort is 1 (nobody is there), else it is left out of the distance and counted in `changedKeys`.
 * @throws RangeError when either does not have the shape that the Plan fixes.
 */
export function distances(left: Partials, right: Partials, plan: Plan): PartialsDistance {
  checkShape(left, plan);
  checkShape(right, plan);
  const places = matchingCells(left, right, plan);
  const shared = places.filter(([a, b]) => plan.minimumCohort <= 1 || (a !== null && b !== null));
  const vectors = plan.measures.map((measure, m) => {
    const width = widthOf(measure);
    const [ours, theirs] = [left.vectors[m] as readonly bigint[], right.vectors[m] as readonly bigint[]];
    let [l1, l2Squared] = [0n, 0n];
    for (const [a, b] of shared) {
      for (let i = 0; i < width; i++) {
        const [x, y] = [a === null ? 0n : ours[a * width + i], b === null ? 0n : theirs[b * width + i]];
        const difference = (x as bigint) - (y as bigint);
        l1 += difference < 0n ? -difference : difference;
        l2Squared += difference * difference;
      }
    }
    return { l1, l2Squared };
  });
  return { vectors, changedKeys: places.filter(([a, b]) => a === null || b === null).length };
}

/**
 * What one unit can change, derived here from the documentation of `Measure` and not from the code under test:
 * L0′ times (L1), and L0′ times the square of (L2²), the most it contributes to one cell.
 */
export function contributionOf(measure: Measure, plan: Plan): Distance {
  const cells = BigInt(cellsPerUnitOf(plan, measure));
  if (measure.kind === 'vector') {
    const squared = measure.clipGrid ** 2n;
    const l1 = cells * BigInt(Math.ceil(Math.sqrt(measure.length) * Number(measure.clipGrid)));
    return { l1, l2Squared: cells * squared };
  }
  if (measure.kind === 'blocks') throw new RangeError('blocks are not bounded per cell');
  const perCell = perCellBound(measure, BigInt(plan.bounding.rowsPerUnit));
  return { l1: cells * perCell, l2Squared: cells * perCell * perCell };
}

/** The measures whose distance is above what one unit may change. */
export function violations({ vectors, changedKeys }: PartialsDistance, plan: Plan): readonly string[] {
  const broken = plan.measures.flatMap((measure, m) => {
    const bound = contributionOf(measure, plan);
    const distance = vectors[m] as Distance;
    return distance.l1 > bound.l1 || distance.l2Squared > bound.l2Squared
      ? [`measure ${m}: ${measure.kind}`]
      : [];
  });
  return changedKeys > plan.bounding.cellsPerUnit ? [...broken, 'keys'] : broken;
}

function perCellBound(measure: Exclude<Measure, { kind: 'vector' | 'blocks' }>, rowsMax: bigint): bigint {
  switch (measure.kind) {
    case 'units':
      return 1n;
    case 'sum':
      return rowsMax * reachOf(measure.argument, 0n);
    case 'centredSum':
      return rowsMax * reachOf(measure.argument, midGridOf(measure.argument));
    case 'centredSquares':
      return rowsMax * reachOf(measure.argument, midGridOf(measure.argument)) ** 2n;
    case 'rows':
    case 'histogram':
    case 'quantile':
      return rowsMax;
  }
}

/** The largest distance of a grid integer within the bounds from `centre`. */
function reachOf({ lowGrid, highGrid }: BoundedArgument, centre: bigint): bigint {
  const ends = [lowGrid - centre, highGrid - centre].map((end) => (end < 0n ? -end : end)) as [
    bigint,
    bigint,
  ];
  return ends[0] > ends[1] ? ends[0] : ends[1];
}

function checkShape({ keys, vectors }: Partials, plan: Plan): void {
  const wrong = plan.measures.findIndex(
    (measure, m) => vectors[m]?.length !== (cellsOf(plan, measure) ?? keys!.length) * widthOf(measure),
  );
  if (wrong !== -1 || vectors.length !== plan.measures.length)
    throw new RangeError('partials of another shape');
  if (vectors.some((vector) => vector.some((value) => typeof value !== 'bigint'))) {
    throw new RangeError('partials must be integers');
  }
}

/** Pairs of cell numbers that are the same cell; null where a side lacks it. */
function matchingCells(
  left: Partials,
  right: Partials,
  plan: Plan,
): readonly (readonly [number | null, number | null])[] {
  if (left.keys === null || right.keys === null) {
    const cells = plan.keys.mode === 'listed' ? plan.keys.cells : 1;
    return Array.from({ length: cells }, (_, cell) => [cell, cell] as const);
  }
  const places = (keys: readonly (readonly Scalar[])[]): Map<string, number> =>
    new Map(keys.map((key, place) => [tokenOf(key), place]));
  const [ours, theirs] = [places(left.keys), places(right.keys)];
  const tokens = new Set([...ours.keys(), ...theirs.keys()]);
  return [...tokens].map((token) => [ours.get(token) ?? null, theirs.get(token) ?? null] as const);
}
