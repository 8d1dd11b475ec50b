/** Grouping keys: which expressions may be one, and the public list of values each takes. */
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { Column, Dataset } from '../manifest/dataset.ts';
import type { PlanKey } from '../plan.ts';
import { dateBounds, intervalOf } from './bounds.ts';
import { parseTimestamp, periodsBetween, truncate } from './dates.ts';
import type { Expr, Scalar, TruncUnit } from '../expression.ts';

interface KeyRules {
  readonly dataset: Dataset;
  /** Whether the policy lets keys without a public list be thresholded. */
  readonly thresholded: boolean;
  /** No enumeration goes further than one above this. */
  readonly maxCells: number;
}

/** A GROUP BY item as a key of a Plan. Refuses: PRIVATE_KEY, BOUNDS_MISSING, CELLS. */
export function keyOf(expr: Expr, name: string, rules: KeyRules): PlanKey {
  const domain = domainOf(expr, name, rules);
  if (domain === null && !rules.thresholded)
    throw new Refusal('PRIVATE_KEY', say('query.privateKey', { name }));
  if (domain !== null && domain.length > rules.maxCells) {
    throw new Refusal('CELLS', say('query.cells', { cells: `> ${rules.maxCells}`, max: rules.maxCells }));
  }
  return { expr, domain };
}

function domainOf(expr: Expr, name: string, rules: KeyRules): readonly Scalar[] | null {
  switch (expr.op) {
    case 'column':
      return columnDomain(
        rules.dataset.columns.find((column) => column.name === expr.name)!,
        rules,
      );
    case 'dateTrunc':
      return truncDomain(expr, name, rules);
    case 'widthBucket':
      return bucketDomain(expr, rules);
    case 'extract': {
      const interval = intervalOf(expr, rules.dataset);
      if (interval === null) throw new Refusal('BOUNDS_MISSING', say('query.keyBounds', { name }));
      return integers(interval.low, interval.high);
    }
    case 'case':
      return constantDomain(expr, name);
    default:
      throw new Refusal('PRIVATE_KEY', say('query.privateKey', { name }));
  }
}

/** Listed values; both booleans; the days or integers between declared bounds; else nothing public. */
function columnDomain(column: Column, rules: KeyRules): readonly Scalar[] | null {
  if (column.role !== 'key') throw new Refusal('PRIVATE_KEY', say('query.privateKey', { name: column.name }));
  if (column.values !== null) return column.values;
  const [low, high] = column.bounds ?? [null, null];
  switch (column.type.kind) {
    case 'boolean':
      return [false, true];
    case 'date':
      if (typeof low === 'string' && typeof high === 'string')
        return periodsBetween('day', low, high, rules.maxCells);
      if (rules.thresholded) return null;
      throw new Refusal('BOUNDS_MISSING', say('query.keyBounds', { name: column.name }));
    case 'integer':
      if (typeof low === 'number' && typeof high === 'number' && high - low <= rules.maxCells)
        return integers(low, high);
      return null;
    case 'string':
      return null;
    default:
      throw new Refusal('PRIVATE_KEY', say('query.privateKey', { name: column.name }));
  }
}

function truncDomain(
  expr: Extract<Expr, { op: 'dateTrunc' }>,
  name: string,
  rules: KeyRules,
): readonly Scalar[] {
  const range = dateBounds(expr.arg, rules.dataset);
  if (range === null) throw new Refusal('BOUNDS_MISSING', say('query.keyBounds', { name }));
  return truncPeriods(expr.unit, range, expr.arg, rules.maxCells);
}

/** Periods within the bounds; of an inner truncation, only the periods that it can reach. */
function truncPeriods(
  unit: TruncUnit,
  range: readonly [string, string],
  arg: Expr,
  max: number,
): readonly string[] {
  const canonical = (text: string, end: string): string =>
    unit !== 'hour' ? text : text.length === 10 ? `${text}${end}` : parseTimestamp(text)!;
  const low = arg.op === 'dateTrunc' ? truncate(arg.unit, range[0]) : range[0];
  return periodsBetween(unit, canonical(low, 'T00:00:00'), canonical(range[1], 'T23:59:59'), max);
}

/** Buckets 0 (below) to count + 1 (at or above the high end), without those that declared bounds rule out. */
function bucketDomain(expr: Extract<Expr, { op: 'widthBucket' }>, rules: KeyRules): readonly Scalar[] {
  const interval = intervalOf(expr.arg, rules.dataset);
  if (interval === null) return integers(0, expr.count + 1);
  return integers(bucketOf(interval.low, expr), bucketOf(interval.high, expr));
}

/** The bucket of a value: SQL's width_bucket in doubles. */
export function bucketOf(
  value: number,
  { low, high, count }: { readonly low: number; readonly high: number; readonly count: number },
): number {
  if (value < low) return 0;
  return value >= high ? count + 1 : Math.min(count, Math.floor(((value - low) * count) / (high - low)) + 1);
}

/** CASE over constants: its constants in order of appearance. NULL is no cell. */
function constantDomain(expr: Extract<Expr, { op: 'case' }>, name: string): readonly Scalar[] {
  const values = [...expr.branches.map((branch) => branch.then), expr.otherwise].map((value) => {
    if (value.op !== 'literal') throw new Refusal('PRIVATE_KEY', say('query.privateKey', { name }));
    return value.value;
  });
  return [...new Set(values)].filter((value) => value !== null);
}

function integers(low: number, high: number): readonly number[] {
  return Array.from({ length: Math.floor(high) - Math.ceil(low) + 1 }, (_, index) => Math.ceil(low) + index);
}
