/**
 * Public bounds and grids of numeric expressions, by interval arithmetic over declared column bounds.
 *
 * Guarantee: functions of the manifest and the expression alone. The value that is summed is clamped to these
 * bounds whatever the data hold, so a wrong bound costs accuracy and never privacy.
 */
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { Column, Dataset } from '../manifest/dataset.ts';
import type { BoundedArgument, Grid } from '../plan.ts';
import type { Expr } from '../expression.ts';

/** The steps a default grid divides the bounds into. */
const DEFAULT_STEPS = 2 ** 20;
/** Grid integers stay below 2^47, so that squares of 2^24 and more rows fit 127 bits and products are exact doubles. */
const GRID_MAX = 2n ** 47n;
const INTEGER_GRID: Grid = { base: 10, exponent: 0 };

/** What bounds are taken from. */
type Columns = Pick<Dataset, 'columns'>;

/** Bounds of an expression's value, and the grid all its values lie on if one is known. */
interface Interval {
  readonly low: number;
  readonly high: number;
  readonly grid: Grid | null;
}

/** The clamp bounds and grid of an aggregate's argument. Refuses: BOUNDS_MISSING. */
export function boundArgument(expr: Expr, dataset: Columns, name: string, at: number): BoundedArgument {
  const argument = argumentOf(expr, dataset);
  if (argument === null) throw new Refusal('BOUNDS_MISSING', say('query.bounds', { name, at }));
  if (!isSummable(argument)) throw new Refusal('BOUNDS_MISSING', say('query.range', { name, at }));
  return argument;
}

/** The same of a column as it is; null where no aggregate could take it. */
export function boundColumn({ name }: Column, dataset: Columns): BoundedArgument | null {
  const argument = argumentOf({ op: 'column', name, type: 'number' }, dataset);
  return argument !== null && isSummable(argument) ? argument : null;
}

function argumentOf(expr: Expr, dataset: Columns): BoundedArgument | null {
  const interval = intervalOf(expr, dataset);
  if (interval === null || !Number.isFinite(interval.high - interval.low)) return null;
  return argumentWithin(expr, interval);
}

function argumentWithin(expr: Expr, { low, high, grid: known }: Interval): BoundedArgument {
  const grid = known ?? defaultGrid(low, high);
  return { expr, low, high, grid, lowGrid: toGrid(low, grid), highGrid: toGrid(high, grid) };
}

/** An argument with bounds and granularity of its own; null where nothing can be summed within them. */
export function declaredArgument(
  expr: Expr,
  { bounds: [low, high], granularity }: { bounds: readonly [number, number]; granularity: number | null },
): BoundedArgument | null {
  const grid = granularity === null ? null : gridOfStep(granularity);
  if (!(low <= high && Number.isFinite(high - low)) || (granularity !== null && grid === null)) return null;
  const argument = argumentWithin(expr, { low, high, grid });
  return isSummable(argument) ? argument : null;
}

function isSummable({ lowGrid, highGrid }: BoundedArgument): boolean {
  return -lowGrid <= GRID_MAX && highGrid <= GRID_MAX;
}

/** Steps per unit as a double: what a value is multiplied by before it is rounded. */
export function inverseOf(grid: Grid): number {
  return grid.base ** grid.exponent;
}

/** floor(x · (1/g) + 1/2), in the same double operations as the engines. */
function toGrid(value: number, grid: Grid): bigint {
  return BigInt(Math.floor(value * inverseOf(grid) + 0.5));
}

/** Steps of default grids: no finer than 2^-200 and no coarser than 2^900, so that every power is a normal double. */
const FINEST = -200;
const COARSEST = 900;

/** (high − low) / 2^20 rounded up to a power of two. */
function defaultGrid(low: number, high: number): Grid {
  const span = high > low ? high - low : Math.max(Math.abs(low), 1);
  const estimate = Math.min(
    COARSEST,
    Math.max(FINEST, Math.ceil(Math.log2(span) - Math.log2(DEFAULT_STEPS))),
  );
  // The logarithm may be off by one step of a double at powers of two.
  const fits = (exponent: number): boolean => 2 ** exponent * DEFAULT_STEPS >= span;
  const exponent = !fits(estimate)
    ? estimate + 1
    : estimate > FINEST && fits(estimate - 1)
      ? estimate - 1
      : estimate;
  return { base: 2, exponent: exponent === 0 ? 0 : -exponent };
}

/** The interval of a numeric expression, or null when nothing bounds it. */
export function intervalOf(expr: Expr, dataset: Columns): Interval | null {
  const of = (operand: Expr): Interval | null => intervalOf(operand, dataset);
  switch (expr.op) {
    case 'column':
      return columnInterval(dataset.columns.find((column) => column.name === expr.name)!);
    case 'literal':
      return typeof expr.value === 'number'
        ? { low: expr.value, high: expr.value, grid: literalGrid(expr.value) }
        : null;
    case 'negate': {
      const arg = of(expr.arg);
      return arg && { low: -arg.high, high: -arg.low, grid: arg.grid };
    }
    case 'case':
      return hull([...expr.branches.map((branch) => branch.then), expr.otherwise], of);
    case 'coalesce':
      return hull(expr.args, of);
    case 'arithmetic':
      return arithmeticInterval(expr, of(expr.left), of(expr.right));
    case 'numeric':
      return functionInterval(expr.fn, of(expr.arg));
    case 'extract':
      return extractInterval(expr, dataset);
    case 'widthBucket':
      return { low: 0, high: expr.count + 1, grid: INTEGER_GRID };
    default:
      return null;
  }
}

function columnInterval(column: Column): Interval | null {
  const [low, high] = column.bounds ?? [null, null];
  if (typeof low !== 'number' || typeof high !== 'number') return null;
  return { low, high, grid: columnGrid(column) };
}

/** The declared granularity as a grid; 1 for integers, 10^-n for decimal(n), else not known. */
function columnGrid(column: Column): Grid | null {
  if (column.granularity !== null) return gridOfStep(column.granularity);
  if (column.type.kind === 'integer') return INTEGER_GRID;
  return column.type.kind === 'decimal' ? { base: 10, exponent: column.type.scale } : null;
}

/** 10^-k or 2^-k as a grid, or null for any other step. */
export function gridOfStep(step: number): Grid | null {
  for (let exponent = 0; exponent <= 15; exponent += 1)
    if (Number(`1e-${exponent}`) === step) return { base: 10, exponent };
  const exponent = -Math.log2(step);
  return Number.isInteger(exponent) && 2 ** -exponent === step ? { base: 2, exponent } : null;
}

function literalGrid(value: number): Grid | null {
  const digits = /^-?\d+(?:\.(\d+))?$/.exec(String(value));
  return digits === null ? null : { base: 10, exponent: digits[1]?.length ?? 0 };
}

function hull(values: readonly Expr[], of: (value: Expr) => Interval | null): Interval | null {
  const intervals = values.filter((value) => !(value.op === 'literal' && value.value === null)).map(of);
  const [first] = intervals;
  if (first === undefined) return { low: 0, high: 0, grid: INTEGER_GRID };
  return intervals.reduce(
    (a, b) =>
      a && b && { low: Math.min(a.low, b.low), high: Math.max(a.high, b.high), grid: finer(a.grid, b.grid) },
  );
}

function arithmeticInterval(
  expr: Extract<Expr, { op: 'arithmetic' }>,
  a: Interval | null,
  b: Interval | null,
): Interval | null {
  if (a === null || b === null) return null;
  switch (expr.operator) {
    case '+':
      return { low: a.low + b.low, high: a.high + b.high, grid: finer(a.grid, b.grid) };
    case '-':
      return { low: a.low - b.high, high: a.high - b.low, grid: finer(a.grid, b.grid) };
    case '*':
      return { ...corners(a, b, (x, y) => x * y), grid: product(a.grid, b.grid) };
    case '/':
      return b.low <= 0 && b.high >= 0 ? null : { ...corners(a, b, (x, y) => x / y), grid: null };
    case '%': {
      const reach = Math.max(Math.abs(b.low), Math.abs(b.high));
      return { low: a.low < 0 ? -reach : 0, high: a.high > 0 ? reach : 0, grid: finer(a.grid, b.grid) };
    }
  }
}

function corners(
  a: Interval,
  b: Interval,
  apply: (x: number, y: number) => number,
): { low: number; high: number } {
  const values = [a.low, a.high].flatMap((x) => [apply(x, b.low), apply(x, b.high)]);
  return { low: Math.min(...values) + 0, high: Math.max(...values) + 0 };
}

function functionInterval(fn: Extract<Expr, { op: 'numeric' }>['fn'], arg: Interval | null): Interval | null {
  if (arg === null) return null;
  const { low, high, grid } = arg;
  switch (fn) {
    case 'abs': {
      const reach = Math.max(Math.abs(low), Math.abs(high));
      return { low: low > 0 ? low : high < 0 ? -high : 0, high: reach, grid };
    }
    case 'floor':
      return { low: Math.floor(low), high: Math.floor(high), grid: INTEGER_GRID };
    case 'ceil':
      return { low: Math.ceil(low), high: Math.ceil(high), grid: INTEGER_GRID };
    case 'sqrt':
      return { low: Math.sqrt(Math.max(0, low)), high: Math.sqrt(Math.max(0, high)), grid: null };
    case 'ln':
      return low > 0 ? { low: Math.log(low), high: Math.log(high), grid: null } : null;
    case 'exp':
      return { low: Math.exp(low), high: Math.exp(high), grid: null };
  }
}

function extractInterval(expr: Extract<Expr, { op: 'extract' }>, dataset: Columns): Interval | null {
  const integers = (low: number, high: number): Interval => ({ low, high, grid: INTEGER_GRID });
  switch (expr.field) {
    case 'quarter':
      return integers(1, 4);
    case 'month':
      return integers(1, 12);
    case 'day':
      return integers(1, 31);
    case 'dow':
      return integers(0, 6);
    case 'hour':
      return integers(0, 23);
    case 'year': {
      const range = dateBounds(expr.arg, dataset);
      return range && integers(Number(range[0].slice(0, 4)), Number(range[1].slice(0, 4)));
    }
  }
}

/** The declared bounds of a date or timestamp column, or null. */
export function dateBounds(expr: Expr, dataset: Columns): readonly [string, string] | null {
  if (expr.op === 'dateTrunc') return dateBounds(expr.arg, dataset);
  if (expr.op !== 'column') return null;
  const [low, high] = dataset.columns.find((column) => column.name === expr.name)!.bounds ?? [null, null];
  return typeof low === 'string' && typeof high === 'string' ? [low, high] : null;
}

/** A grid that both lie on, if they share a base or one is the integers. */
function finer(a: Grid | null, b: Grid | null): Grid | null {
  if (a === null || b === null) return null;
  if (a.exponent === 0 && b.exponent >= 0) return b;
  if (b.exponent === 0 && a.exponent >= 0) return a;
  return a.base === b.base ? { base: a.base, exponent: Math.max(a.exponent, b.exponent) } : null;
}

function product(a: Grid | null, b: Grid | null): Grid | null {
  if (a === null || b === null || a.exponent < 0 || b.exponent < 0) return null;
  if (a.exponent === 0) return b;
  if (b.exponent === 0) return a;
  return a.base === b.base && a.exponent + b.exponent <= 15
    ? { base: a.base, exponent: a.exponent + b.exponent }
    : null;
}
