/** Plans and bounded arguments written by hand, for tests of what works on a Plan without a front end. */
import type { BoundedArgument, Grid, Plan } from '#sandbox/plan.ts';
import type { Expr, Scalar, ScalarType } from '#sandbox/expression.ts';

export const col = (name: string, type: ScalarType = 'number'): Expr => ({ op: 'column', name, type });

export const lit = (value: Scalar, type?: ScalarType): Expr => ({
  op: 'literal',
  type: type ?? (value === null ? 'number' : (typeof value as 'number' | 'string' | 'boolean')),
  value,
});

/** A numeric column as an argument; the bounds must lie on the grid. */
export function bounded(
  expr: Expr,
  low: number,
  high: number,
  grid: Grid = { base: 10, exponent: 0 },
): BoundedArgument {
  const inverse = grid.base ** grid.exponent;
  return { expr, low, high, grid, lowGrid: BigInt(low * inverse), highGrid: BigInt(high * inverse) };
}

/** A Plan over unit column `u` that differs from a plain one in the parts named. */
export function planWith(parts: Partial<Plan>): Plan {
  return {
    dataset: { name: 'd', lineage: 'd', versionId: 'v', maxRows: 1000, timeZone: 'UTC' },
    unit: 'u',
    where: null,
    keys: { mode: 'none' },
    bounding: { cellsPerUnit: 1, rowsPerUnit: 2, chooseCells: false },
    minimumCohort: 1,
    hideBelow: null,
    measures: [],
    aggregates: [],
    mechanism: 'gaussian',
    cost: { unit: 'rho', nano: 1n, thresholdDeltaYocto: 0n, epsilon: 1, delta: 1e-6 },
    timing: { mode: 'exact' },
    policyDigest: '0'.repeat(64),
    ...parts,
  };
}
