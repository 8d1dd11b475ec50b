/**
 * The value of an expression over clear columns: what decides which whole ciphertexts of encrypted data are summed.
 *
 * Clear values are disclosed and few, so they are evaluated here, one tuple at a time, and no engine is asked.
 * Guarantee: the same value as in the engines, to the bit, for every expression that `isExact` admits (tests compare
 * with the reference evaluator and with the ordinary path of a query).
 * Not covered: ln and exp, which mathematical libraries do not round alike (IEEE 754-2019, 9.2); they are refused.
 */
import { type Expr, operandsOf, type Scalar, type ScalarType, typeOf, isInOrder } from '../expression.ts';
import { extract, truncate } from '../query/dates.ts';
import { bucketOf } from '../query/keys.ts';

/** Values by column, as a manifest lists them. */
export type ClearTuple = ReadonlyMap<string, Scalar>;

type Of<Op extends Expr['op']> = Extract<Expr, { op: Op }>;

/** Whether every operation of an expression is rounded alike everywhere. */
export function isExact(expr: Expr): boolean {
  if (expr.op === 'numeric' && (expr.fn === 'ln' || expr.fn === 'exp')) return false;
  return operandsOf(expr).every(isExact);
}

/** The value of an expression whose columns are all in the tuple. RangeError for any other. */
export function clearValueOf(expr: Expr, tuple: ClearTuple): Scalar {
  const of = (operand: Expr): Scalar => clearValueOf(operand, tuple);
  switch (expr.op) {
    case 'column': {
      const value = tuple.get(expr.name);
      if (value === undefined) throw new RangeError('a column that is not clear');
      return value;
    }
    case 'literal':
      return expr.value;
    case 'and':
    case 'or':
      return joined(expr.args.map(of), expr.op === 'or');
    case 'not': {
      const value = of(expr.arg);
      return value === null ? null : !value;
    }
    case 'isNull':
      return of(expr.arg) === null;
    case 'case':
      return of(expr.branches.find(({ when }) => of(when) === true)?.then ?? expr.otherwise);
    case 'coalesce':
      return expr.args.map(of).find((value) => value !== null) ?? null;
    case 'in':
      return isMember(of(expr.arg), expr.values, typeOf(expr.arg));
    case 'compare':
    case 'arithmetic': {
      const [left, right] = [of(expr.left), of(expr.right)];
      if (left === null || right === null) return null;
      return expr.op === 'compare'
        ? isInOrder(orderOf(left, right, typeOf(expr.left)), expr.operator)
        : finite(arithmetic(Number(left), expr.operator, Number(right)));
    }
    default: {
      const value = of(expr.arg);
      return value === null ? null : computed(expr, value);
    }
  }
}

/** AND (decided by false) and OR (decided by true) of three values. */
function joined(values: readonly Scalar[], decisive: boolean): boolean | null {
  if (values.includes(decisive)) return decisive;
  return values.includes(null) ? null : !decisive;
}

function isMember(value: Scalar, values: readonly Scalar[], type: ScalarType): boolean | null {
  if (value === null) return null;
  if (values.some((member) => member !== null && orderOf(value, member, type) === 0)) return true;
  return values.includes(null) ? null : false;
}

/** Texts by their UTF-8 bytes; dates and timestamps in time; numbers by size; false before true. */
function orderOf(left: NonNullable<Scalar>, right: NonNullable<Scalar>, type: ScalarType): number {
  if (type === 'number' || type === 'boolean') return Math.sign(Number(left) - Number(right));
  const [a, b] = [left, right].map((text) => Buffer.from(type === 'string' ? String(text) : instant(text)));
  return Buffer.compare(a!, b!);
}

/** A text whose order as bytes is the order in time; a date is its midnight. */
function instant(text: NonNullable<Scalar>): string {
  const [moment = '', fraction = ''] = String(text).split('.');
  return `${moment.length === 10 ? `${moment}T00:00:00` : moment}.${fraction.padEnd(6, '0')}`;
}

function arithmetic(left: number, operator: Of<'arithmetic'>['operator'], right: number): number {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    case '%':
      return left % right;
  }
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function computed(
  expr: Of<'like' | 'negate' | 'numeric' | 'dateTrunc' | 'extract' | 'widthBucket'>,
  value: NonNullable<Scalar>,
): Scalar {
  switch (expr.op) {
    case 'like':
      return isLike(String(value), expr.pattern);
    case 'negate':
      return -Number(value);
    case 'numeric':
      return numeric(expr.fn, Number(value));
    case 'dateTrunc':
      return truncated(truncate(expr.unit, String(value)), expr);
    case 'extract':
      return extract(expr.field, String(value));
    case 'widthBucket':
      return bucketOf(Number(value), expr);
  }
}

function numeric(fn: Of<'numeric'>['fn'], value: number): number | null {
  switch (fn) {
    case 'abs':
      return Math.abs(value);
    case 'floor':
      return Math.floor(value);
    case 'ceil':
      return Math.ceil(value);
    case 'sqrt':
      return finite(Math.sqrt(value));
    default:
      throw new RangeError('a function that is not rounded alike everywhere');
  }
}

function truncated(start: string, { type }: Of<'dateTrunc'>): string {
  return type === 'timestamp' && start.length === 10 ? `${start}T00:00:00` : start;
}

/**
 * LIKE over code points: `%` any run, `_` exactly one, backslash makes the next one literal. The last `%` alone is
 * tried again further on, so that no pattern takes longer than its length times that of the text.
 */
function isLike(text: string, pattern: string): boolean {
  const points = Array.from(text);
  const symbols = pattern.match(/\\.|./gsu) ?? [];
  let [at, symbol] = [0, 0];
  let [runAt, runSymbol] = [0, -1];
  while (at < points.length) {
    const wanted = symbols[symbol];
    if (wanted === '%') {
      [runAt, runSymbol] = [at, symbol];
      symbol += 1;
    } else if (wanted !== undefined && (wanted === '_' || literalOf(wanted) === points[at])) {
      at += 1;
      symbol += 1;
    } else if (runSymbol >= 0) {
      runAt += 1;
      [at, symbol] = [runAt, runSymbol + 1];
    } else return false;
  }
  return symbols.slice(symbol).every((rest) => rest === '%');
}

function literalOf(symbol: string): string {
  return symbol.length > 1 && symbol.startsWith('\\') ? symbol.slice(1) : symbol;
}
