/**
 * The exact integers of a Plan, computed row by row in BigInt: the oracle that the engine's SQL is held to.
 *
 * A Plan of measures over different keys is one Plan per list of keys. Entry i of a vector `v` is column `v.i` of a row.
 * Guarantee: follows the documentation of `Measure` and `Bounding` word for word, without regard to speed: every
 * row of every unit is kept in memory, and each (unit, cell) is bounded on its own.
 * Not covered: values before the scan (see `scannedRows`), noise, and anything after Partials.
 */
import {
  type BoundedArgument,
  cellsOf,
  keysOf,
  type Measure,
  midGridOf,
  type Partials,
  type Plan,
  type PlanKey,
  type VectorMeasure,
  widthOf,
} from '#sandbox/plan.ts';
import { type Expr, type Scalar, typeOf } from '#sandbox/expression.ts';
import { type Row, evaluate, orderOf } from './reference-expression.ts';

/** A cell: its key values and, for listed keys, its place in the product of the domains. */
export interface Cell {
  readonly index: number | null;
  readonly key: readonly Scalar[];
}

/**
 * The keyed hash that chooses cells (`ordinal` null) and rows: smallest first. Injected, because the choice is
 * arbitrary but must be the engine's own for a comparison.
 */
export type Rank = (unit: Scalar, cell: Cell, ordinal: number | null, over?: readonly number[]) => bigint;

/** What one unit has in one cell. */
interface Visit {
  readonly unit: Scalar;
  readonly cell: Cell;
  readonly rows: Row[];
}

interface Total {
  readonly cell: Cell;
  units: number;
  readonly vectors: bigint[][];
}

/** Longest key text, in UTF-8 bytes, that a thresholded key may have. */
const KEY_TEXT_MAX_BYTES = 256;

/** The Partials of `plan` over scanned rows. */
export function exactPartials(plan: Plan, rows: Iterable<Row>, rank: Rank): Partials {
  if (!plan.measures.some(({ over }) => over !== undefined)) return gridPartials(plan, rows, rank);
  const known = [...rows];
  const vectors = plan.measures.map(
    (measure) =>
      gridPartials(planOver(plan, measure), known, (unit, cell, ordinal) =>
        rank(unit, cell, ordinal, measure.over),
      ).vectors[0]!,
  );
  return { keys: null, vectors };
}

/** The Plan of one measure alone, over its own keys. */
function planOver(plan: Plan, measure: Measure): Plan {
  const { over: _over, ...alone } = measure;
  const keys = keysOf(plan, measure);
  const cells = cellsOf(plan, measure)!;
  const bounding = {
    ...plan.bounding,
    cellsPerUnit: Math.min(plan.bounding.cellsPerUnit, cells),
    chooseCells: plan.unit !== null && cells > plan.bounding.cellsPerUnit,
  };
  return {
    ...plan,
    keys: keys.length === 0 ? { mode: 'none' } : { mode: 'listed', keys, cells },
    bounding,
    measures: [alone],
  };
}

function gridPartials(plan: Plan, rows: Iterable<Row>, rank: Rank): Partials {
  const totals = new Map<string, Total>();
  if (plan.keys.mode !== 'thresholded') {
    for (const cell of listedCells(plan)) totals.set(tokenOf(cell.key), emptyTotal(plan, cell));
  }
  for (const visits of visitsByUnit(plan, rows)) {
    for (const visit of keptVisits(plan, visits, rank)) addVisit(plan, totals, { visit, rank });
  }
  const cells = [...totals.values()];
  if (plan.keys.mode !== 'thresholded') return { keys: null, vectors: joined(plan, cells) };
  const types = plan.keys.keys.map((key) => typeOf(key.expr));
  const released = cells
    .filter((total) => total.units >= plan.minimumCohort)
    .sort((a, b) => compareKeys(a.cell.key, b.cell.key, types));
  return { keys: released.map((total) => total.cell.key), vectors: joined(plan, released) };
}

/** floor(clamp(x)·(1/g) + 1/2): the grid integer of a value, by the same double operations as the engines. */
export function gridInteger(x: number, argument: BoundedArgument): bigint {
  const { base, exponent } = argument.grid;
  const inverse = base === 2 ? 2 ** exponent : Number(`1e${exponent}`);
  const clamped = Math.min(Math.max(x, argument.low), argument.high);
  return BigInt(Math.floor(clamped * inverse + 0.5));
}

/** The bin (from 0) of x among `bins` equal bins of [low, high); outside values fall into the end bins. */
export function binOf(x: number, { low, high, bins }: { low: number; high: number; bins: number }): number {
  if (x >= high) return bins - 1;
  if (x < low) return 0;
  return Math.min(Math.floor(((x - low) * bins) / (high - low)), bins - 1);
}

/** Text that is equal exactly for equal keys. */
export function tokenOf(key: readonly Scalar[]): string {
  return key.map((value) => JSON.stringify([typeof value, String(value)])).join();
}

/** Ascending order of keys, NULL last. */
export function compareKeys(
  left: readonly Scalar[],
  right: readonly Scalar[],
  types: readonly ReturnType<typeof typeOf>[],
): number {
  for (const [i, type] of types.entries()) {
    const [a, b] = [left[i] ?? null, right[i] ?? null];
    if (a === null && b === null) continue;
    if (a === null || b === null) return a === null ? 1 : -1;
    const order = orderOf(a, b, type);
    if (order !== 0) return order;
  }
  return 0;
}

function emptyTotal(plan: Plan, cell: Cell): Total {
  const vectors = plan.measures.map((measure) => Array.from({ length: widthOf(measure) }, () => 0n));
  return { cell, units: 0, vectors };
}

/** The product of the listed domains, first key slowest; one cell without keys. */
function listedCells(plan: Plan): Cell[] {
  if (plan.keys.mode === 'none') return [{ index: 0, key: [] }];
  const keys = plan.keys.keys.reduce<Scalar[][]>(
    (prefixes, key) => prefixes.flatMap((prefix) => (key.domain ?? []).map((value) => [...prefix, value])),
    [[]],
  );
  return keys.map((key, index) => ({ index, key }));
}

/** Rows that pass WHERE and have a unit and a cell, by unit and then by cell. */
function visitsByUnit(plan: Plan, rows: Iterable<Row>): Visit[][] {
  const units = new Map<string, Map<string, Visit>>();
  let rowNumber = 0;
  for (const row of rows) {
    rowNumber += 1;
    if (plan.where !== null && evaluate(plan.where, row) !== true) continue;
    const unit = plan.unit === null ? rowNumber : withoutNegativeZero(row[plan.unit] ?? null);
    const cell = cellOf(plan, row);
    if (unit === null || Number.isNaN(unit) || cell === null) continue;
    const cells = units.get(tokenOf([unit])) ?? new Map<string, Visit>();
    units.set(tokenOf([unit]), cells);
    const visit = cells.get(tokenOf(cell.key)) ?? { unit, cell, rows: [] };
    cells.set(tokenOf(cell.key), visit);
    visit.rows.push(row);
  }
  return [...units.values()].map((cells) => [...cells.values()]);
}

/** The cell of a row, or null when it has none. */
function cellOf(plan: Plan, row: Row): Cell | null {
  if (plan.keys.mode === 'none') return { index: 0, key: [] };
  const key: Scalar[] = [];
  let index = 0;
  for (const planKey of plan.keys.keys) {
    const value = withoutNegativeZero(evaluate(planKey.expr, row));
    if (value === null && plan.keys.mode === 'thresholded') return null;
    const place = placeInDomain(value, planKey);
    if (place === null) return null;
    index = index * (planKey.domain?.length ?? 1) + place;
    key.push(value);
  }
  return { index: plan.keys.mode === 'listed' ? index : null, key };
}

/** Where a key value stands in its list (0 without a list), or null when it makes no cell. */
function placeInDomain(value: Scalar, { expr, domain }: PlanKey): number | null {
  if (domain !== null) {
    const place = domain.findIndex((member) =>
      member === null || value === null ? member === value : orderOf(member, value, typeOf(expr)) === 0,
    );
    return place === -1 ? null : place;
  }
  if (value === null) return null;
  return Buffer.byteLength(String(value), 'utf8') > KEY_TEXT_MAX_BYTES ? null : 0;
}

function withoutNegativeZero(value: Scalar): Scalar {
  return value === 0 ? 0 : value;
}

/** The cells a unit may contribute to: those of smallest rank, ties by cell. */
function keptVisits(plan: Plan, visits: Visit[], rank: Rank): Visit[] {
  if (!plan.bounding.chooseCells) return visits;
  const types = plan.keys.mode === 'none' ? [] : plan.keys.keys.map((key) => typeOf(key.expr));
  const ranked = visits.map((visit) => ({ visit, rank: rank(visit.unit, visit.cell, null) }));
  ranked.sort((a, b) => {
    if (a.rank !== b.rank) return a.rank < b.rank ? -1 : 1;
    const [left, right] = [a.visit.cell, b.visit.cell];
    return (left.index ?? 0) - (right.index ?? 0) || compareKeys(left.key, right.key, types);
  });
  return ranked.slice(0, plan.bounding.cellsPerUnit).map((entry) => entry.visit);
}

function addVisit(
  plan: Plan,
  totals: Map<string, Total>,
  { visit, rank }: { visit: Visit; rank: Rank },
): void {
  const token = tokenOf(visit.cell.key);
  const total = totals.get(token) ?? emptyTotal(plan, visit.cell);
  totals.set(token, total);
  total.units += 1;
  for (const [m, measure] of plan.measures.entries()) {
    const vector = total.vectors[m] as bigint[];
    for (const [entry, amount] of contribution(measure, visit, { plan, rank }).entries()) {
      vector[entry] = (vector[entry] as bigint) + amount;
    }
  }
}

/** What one unit contributes to one measure in one cell, after bounding. */
function contribution(measure: Measure, visit: Visit, { plan, rank }: { plan: Plan; rank: Rank }): bigint[] {
  const rowsMax = BigInt(plan.bounding.rowsPerUnit);
  switch (measure.kind) {
    case 'units':
      return [1n];
    case 'rows': {
      const { argument } = measure;
      const count = argument === null ? visit.rows.length : valuesOf(argument, visit.rows).length;
      return [least(BigInt(count), rowsMax)];
    }
    case 'sum': {
      const { argument } = measure;
      const sum = total(numbersOf(argument.expr, visit.rows).map((x) => gridInteger(x, argument)));
      const low = rowsMax * least(argument.lowGrid, 0n);
      const high = rowsMax * -least(-argument.highGrid, 0n);
      return [-least(-least(sum, high), -low)];
    }
    case 'centredSum':
    case 'centredSquares':
      return [centred(measure, visit.rows, rowsMax)];
    case 'histogram':
      return binned(numbersOf(measure.argument, visit.rows), measure, { visit, rank, rowsMax });
    case 'quantile': {
      const { low, high, expr } = measure.argument;
      const shape = { low, high, bins: measure.bins };
      return binned(numbersOf(expr, visit.rows), shape, { visit, rank, rowsMax });
    }
    case 'vector':
      return clipped(measure, visit.rows);
    case 'blocks':
      throw new RangeError('blocks are not bounded per cell');
  }
}

/** Σ of the rows that have all entries, shortened to clipGrid where it is longer. */
function clipped({ argument, length, clip, clipGrid, grid }: VectorMeasure, rows: readonly Row[]): bigint[] {
  const name = argument.op === 'column' ? argument.name : '';
  const bound = { expr: argument, low: -clip, high: clip, grid, lowGrid: -clipGrid, highGrid: clipGrid };
  const sums = Array.from({ length }, () => 0n);
  for (const row of rows) {
    const entries = sums.map((_, entry) => row[`${name}.${entry}`] ?? null);
    if (entries.includes(null)) continue;
    for (const [entry, value] of entries.entries()) {
      const k = gridInteger(Number(value), bound);
      sums[entry]! += k > clipGrid ? clipGrid : k < -clipGrid ? -clipGrid : k;
    }
  }
  const squared = total(sums.map((sum) => sum * sum));
  if (squared <= clipGrid * clipGrid) return sums;
  let norm = BigInt(Math.floor(Math.sqrt(Number(squared))));
  while (norm * norm < squared) norm += 1n;
  while ((norm - 1n) * (norm - 1n) >= squared) norm -= 1n;
  return sums.map((sum) => (clipGrid * sum) / norm);
}

function centred(
  { kind, argument }: Extract<Measure, { kind: 'centredSum' | 'centredSquares' }>,
  rows: readonly Row[],
  rowsMax: bigint,
): bigint {
  const mid = midGridOf(argument);
  const ys = numbersOf(argument.expr, rows).map((x) => gridInteger(x, argument) - mid);
  const sum = total(ys.map((y) => (kind === 'centredSum' ? y : y * y)));
  const count = BigInt(ys.length);
  // BigInt division truncates towards zero, which is the `trunc` of the definition.
  return count > rowsMax ? (rowsMax * sum) / count : sum;
}

/**
 * Counts per bin of at most `rowsMax` values. The ordinal of a value is its place among the unit's values in
 * order of their bins, so that the choice cannot depend on the order of the file.
 */
function binned(
  values: readonly number[],
  shape: { low: number; high: number; bins: number },
  { visit, rank, rowsMax }: { visit: Visit; rank: Rank; rowsMax: bigint },
): bigint[] {
  const counts = Array.from({ length: shape.bins }, () => 0n);
  const kept = values
    .map((value) => binOf(value, shape))
    .sort((a, b) => a - b)
    .map((bin, i) => ({ bin, ordinal: i + 1, rank: rank(visit.unit, visit.cell, i + 1) }))
    .sort((a, b) => (a.rank === b.rank ? a.ordinal - b.ordinal : a.rank < b.rank ? -1 : 1))
    .slice(0, Number(rowsMax));
  for (const { bin } of kept) counts[bin] = (counts[bin] as bigint) + 1n;
  return counts;
}

function valuesOf(expr: Expr, rows: readonly Row[]): Scalar[] {
  return rows.map((row) => evaluate(expr, row)).filter((value) => value !== null);
}

function numbersOf(expr: Expr, rows: readonly Row[]): number[] {
  return valuesOf(expr, rows).map(Number);
}

function total(amounts: readonly bigint[]): bigint {
  return amounts.reduce((sum, amount) => sum + amount, 0n);
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function joined(plan: Plan, cells: readonly Total[]): bigint[][] {
  return plan.measures.map((_, m) => cells.flatMap((cell) => cell.vectors[m] as bigint[]));
}
