/**
 * What a measure reads of a mapped record: one exact integer, or nothing.
 *
 * What a worker returned is not trusted: whatever double it is, what comes out here is an integer within the bounds of
 * the Plan, or NaN for nothing.
 */
import type { BoundedArgument, Measure, Plan } from '../plan.ts';
import { midGridOf } from '../plan.ts';
import { inverseOf } from '../query/bounds.ts';
import { qualityColumns } from './planned-outputs.ts';

/** The integer that a measure takes of a record's one value (NaN: none), or of all its entries; NaN: it takes nothing. */
type ValueReading = { readonly ofValue: (value: number) => number };
type EntriesReading = { readonly ofEntries: (entries: Float64Array) => number };

/** How a scalar measure reads records: which output of what a worker returns, and what of it. */
export type MappedColumn = { readonly output: number; readonly width: number } & (
  | ValueReading
  | EntriesReading
);

type Reading = ValueReading['ofValue'];

type ScalarMeasure = Extract<
  Measure,
  { kind: 'rows' | 'sum' | 'centredSum' | 'centredSquares' | 'histogram' | 'quantile' }
>;

/** The column of a scalar measure. */
export function mappedColumnOf(plan: Plan, measure: ScalarMeasure): MappedColumn {
  const { columns } = plan.program!;
  const expr =
    'expr' in (measure.argument ?? {}) ? (measure.argument as BoundedArgument).expr : measure.argument;
  if (expr === null || !('op' in expr) || expr.op !== 'column')
    throw new RangeError('a measure of a mapped table is of one of its columns');
  const at = (name: string): number => columns.findIndex((column) => column.name === name);
  const output = at(expr.name);
  if (output >= 0) {
    const ofValue = measure.kind === 'rows' && expr.type === 'boolean' ? one : readingOf(measure);
    return { output, width: 1, ofValue };
  }
  const found = columns.findIndex(({ name }) => Object.values(qualityColumns(name)).includes(expr.name));
  if (found < 0) throw new RangeError('a mapped table has no such column');
  const { name, width } = columns[found]!;
  const isDefaulted = qualityColumns(name).defaulted === expr.name;
  return { output: found, width, ...(isDefaulted ? { ofEntries: defaulted } : clampedBy(plan, name)) };
}

/** The integers that a measure takes of all records of a buffer. */
export function readColumn(column: MappedColumn, values: Float64Array, into: Float64Array): void {
  const { width } = column;
  if ('ofValue' in column) {
    const { ofValue } = column;
    for (let row = 0; row < into.length; row += 1) into[row] = ofValue(values[row]!);
    return;
  }
  for (let row = 0; row < into.length; row += 1)
    into[row] = column.ofEntries(values.subarray(row * width, (row + 1) * width));
}

/** `count`: 1 counts; other numbers are clamped to [0, 1] and rounded. */
function one(value: number): number {
  return Math.floor(value + 0.5) >= 1 ? 1 : NaN;
}

function present(value: number): number {
  return value === value ? 1 : NaN;
}

function defaulted(entries: Float64Array): number {
  return entries.includes(NaN) ? 1 : NaN;
}

function readingOf(measure: ScalarMeasure): Reading {
  switch (measure.kind) {
    case 'rows':
      return present;
    case 'sum':
      return gridReading(measure.argument, 0);
    case 'centredSum':
      return gridReading(measure.argument, Number(midGridOf(measure.argument)));
    case 'centredSquares': {
      const centred = gridReading(measure.argument, Number(midGridOf(measure.argument)));
      return (value) => centred(value) ** 2;
    }
    case 'histogram':
      return binReading(measure);
    case 'quantile':
      return binReading({ low: measure.argument.low, high: measure.argument.high, bins: measure.bins });
  }
}

/** floor(clamp(x)·(1/g) + 1/2) − mid, in the same double operations as the engines. */
export function gridReading(
  { low, high, grid }: Pick<BoundedArgument, 'low' | 'high' | 'grid'>,
  mid: number,
): Reading {
  const inverse = inverseOf(grid);
  return (value) => {
    const clamped = value < low ? low : value > high ? high : value;
    return Math.floor(clamped * inverse + 0.5) - mid;
  };
}

/** The bin among equal ones of [low, high); values outside fall into the end bins. */
function binReading({ low, high, bins }: { low: number; high: number; bins: number }): Reading {
  return (value) => {
    if (value >= high) return bins - 1;
    if (value < low) return 0;
    return Math.min(Math.floor(((value - low) * bins) / (high - low)), bins - 1);
  };
}

/** Whether a record's value lay outside what its output allows: the bounds, 0 or 1 of `count`, the clip of a vector. */
function clampedBy(plan: Plan, name: string): ValueReading | EntriesReading {
  for (const measure of plan.measures) {
    if (measure.kind === 'vector' && measure.argument.op === 'column' && measure.argument.name === name) {
      const squared = measure.clip ** 2;
      return {
        ofEntries: (entries) => (entries.reduce((sum, entry) => sum + entry * entry, 0) > squared ? 1 : NaN),
      };
    }
    const bounds = boundsOf(measure, name);
    if (bounds !== null) return { ofValue: (value) => (value < bounds[0] || value > bounds[1] ? 1 : NaN) };
  }
  return { ofValue: (value) => (value === value && value !== 0 && value !== 1 ? 1 : NaN) };
}

/** The bounds that a measure of an output states. */
function boundsOf(measure: Measure, name: string): readonly [number, number] | null {
  const isOf = (expr: { readonly op: string; readonly name?: string }): boolean =>
    expr.op === 'column' && expr.name === name;
  switch (measure.kind) {
    case 'histogram':
      return isOf(measure.argument) ? [measure.low, measure.high] : null;
    case 'sum':
    case 'centredSum':
    case 'centredSquares':
    case 'quantile':
      return isOf(measure.argument.expr) ? [measure.argument.low, measure.argument.high] : null;
    default:
      return null;
  }
}
