/**
 * Sensitivities and ranges of measured vectors: what one privacy unit can change, and what a sandbox may return.
 *
 * Guarantee: neighbours that differ by all rows of one unit move a vector by at most these amounts (grid
 * integers), for contributions bounded as the doc comments of `Measure` say. √L0′ (L2) and L0′ (L1) carry the
 * cells one unit may contribute to, but not of blocks: there a unit can change every entry of one block's answer.
 */
import {
  type BlocksMeasure,
  type BoundedArgument,
  cellsPerUnitOf,
  type Measure,
  midGridOf,
  type Plan,
  type VectorMeasure,
  widthOf,
} from '../plan.ts';
import type { Sensitivity } from './noise.ts';

/** Levels of a dyadic tree of `bins` leaves below its root. */
export function levelsOf(bins: number): number {
  return Math.log2(bins);
}

/** How far one unit can move a measured vector of a Plan. */
export function sensitivityOf(plan: Plan, measure: Measure): Sensitivity {
  if (measure.kind === 'blocks') return blocksSensitivity(measure);
  const cells = BigInt(cellsPerUnitOf(plan, measure));
  if (measure.kind === 'vector') return vectorSensitivity(measure, cells);
  const perCell = perCellOf(measure, BigInt(plan.bounding.rowsPerUnit));
  // A row counts once on every level of a tree.
  const levels = measure.kind === 'quantile' ? BigInt(levelsOf(measure.bins)) : 1n;
  return { l1: perCell * cells * levels, l2Squared: perCell * perCell * cells * levels };
}

/** ‖v‖₂ ≤ C in each of L0′ cells, and so ‖v‖₁ ≤ √d·C; of integers, the integer below that. */
function vectorSensitivity({ clipGrid, length }: VectorMeasure, cells: bigint): Sensitivity {
  const squared = clipGrid * clipGrid;
  const root = rootUp(BigInt(length) * squared);
  const l1 = root * root > BigInt(length) * squared ? root - 1n : root;
  return { l1: l1 * cells, l2Squared: squared * cells };
}

/** One block's answers go from anywhere to anywhere within their bounds: one unit less may change all of them. */
function blocksSensitivity({ outputs }: BlocksMeasure): Sensitivity {
  const spans = outputs.map(({ argument, width }) => ({
    span: argument.highGrid - argument.lowGrid,
    width: BigInt(width),
  }));
  return {
    l1: spans.reduce((sum, { span, width }) => sum + width * span, 0n),
    l2Squared: spans.reduce((sum, { span, width }) => sum + width * span * span, 0n),
  };
}

/** The least integer from 0 whose square is not below a value from 0 (Newton's iteration). */
export function rootUp(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << BigInt(Math.ceil(value.toString(2).length / 2));
  for (let next = (root + value / root) >> 1n; next < root; next = (root + value / root) >> 1n) root = next;
  return root * root < value ? root + 1n : root;
}

function perCellOf(measure: PerCellMeasure, rows: bigint): bigint {
  switch (measure.kind) {
    case 'units':
      return 1n;
    case 'rows':
    case 'histogram':
    case 'quantile':
      return rows;
    case 'sum':
      return rows * max(abs(min(measure.argument.lowGrid, 0n)), max(measure.argument.highGrid, 0n));
    case 'centredSum':
      return rows * centredReach(measure.argument);
    case 'centredSquares':
      return rows * centredReach(measure.argument) ** 2n;
  }
}

/** A range of entries, and how many released entries of a cell have it. */
export interface EntryRange {
  readonly low: bigint;
  readonly high: bigint;
  readonly entries: number;
}

/** The smallest and largest entries that data of at most `maxRows` rows can give, in the order of a cell's entries. */
export function rangesOf(plan: Plan, measure: Measure): readonly EntryRange[] {
  if (measure.kind !== 'blocks') return [{ ...rangeOf(plan, measure), entries: measuredWidthOf(measure) }];
  const count = BigInt(measure.count);
  return measure.outputs.map(({ argument, width }) => ({
    low: count * argument.lowGrid,
    high: count * argument.highGrid,
    entries: width,
  }));
}

type PerCellMeasure = Exclude<Measure, { kind: 'vector' | 'blocks' }>;

function rangeOf(
  plan: Plan,
  measure: PerCellMeasure | VectorMeasure,
): { readonly low: bigint; readonly high: bigint } {
  const rows = BigInt(plan.dataset.maxRows);
  switch (measure.kind) {
    case 'units':
    case 'rows':
    case 'histogram':
    case 'quantile':
      return { low: 0n, high: rows };
    case 'sum':
      return {
        low: rows * min(measure.argument.lowGrid, 0n),
        high: rows * max(measure.argument.highGrid, 0n),
      };
    case 'centredSum': {
      const reach = centredReach(measure.argument);
      return { low: -rows * reach, high: rows * reach };
    }
    case 'centredSquares':
      return { low: 0n, high: rows * centredReach(measure.argument) ** 2n };
    case 'vector':
      return { low: -rows * measure.clipGrid, high: rows * measure.clipGrid };
  }
}

/** Entries of a measured vector per cell as they are released: a tree has more than its leaves. */
export function measuredWidthOf(measure: Measure): number {
  return measure.kind === 'quantile' ? 2 * measure.bins - 2 : widthOf(measure);
}

/** The largest |x − mid| of a bounded argument, in grid integers. */
export function centredReach(argument: BoundedArgument): bigint {
  const mid = midGridOf(argument);
  return max(mid - argument.lowGrid, argument.highGrid - mid);
}

function abs(value: bigint): bigint {
  return value < 0n ? -value : value;
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
