/**
 * Sensitivities and ranges of measured vectors: what one privacy unit can change, and what a sandbox may return.
 *
 * Guarantee: neighbours that differ by all rows of one unit move a vector by at most these amounts (grid
 * integers), for contributions bounded as the doc comments of `Measure` say. √L0′ (L2) and L0′ (L1) carry the
 * cells one unit may contribute to.
 */
import { type BoundedArgument, type Measure, midGridOf, type Plan, widthOf } from '../plan.ts';
import type { Sensitivity } from './noise.ts';

/** Levels of a dyadic tree of `bins` leaves below its root. */
export function levelsOf(bins: number): number {
  return Math.log2(bins);
}

/** How far one unit can move a measured vector of a Plan. */
export function sensitivityOf(plan: Plan, measure: Measure): Sensitivity {
  const cells = BigInt(plan.bounding.cellsPerUnit);
  const perCell = perCellOf(measure, BigInt(plan.bounding.rowsPerUnit));
  // A row counts once on every level of a tree.
  const levels = measure.kind === 'quantile' ? BigInt(levelsOf(measure.bins)) : 1n;
  return { l1: perCell * cells * levels, l2Squared: perCell * perCell * cells * levels };
}

function perCellOf(measure: Measure, rows: bigint): bigint {
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

/** The smallest and largest entry that data of at most `maxRows` rows can give. */
export function rangeOf(plan: Plan, measure: Measure): { readonly low: bigint; readonly high: bigint } {
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
