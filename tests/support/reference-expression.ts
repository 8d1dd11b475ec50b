/**
 * What every expression of a Plan means, evaluated one row at a time in plain JavaScript.
 *
 * Guarantee: an independent statement of the contract of values, written to be read and not to be fast. It shares
 * no code with the front end or the printed SQL, so that a mistake would have to be made twice to go unseen.
 * Not covered: the last bit of ln and exp, which mathematical libraries do not round alike (IEEE 754-2019, 9.2).
 */
import { type Expr, type Scalar, type ScalarType, typeOf } from '#sandbox/expression.ts';

/** One record after the scan: numbers (±Inf allowed), strings, booleans, date and timestamp texts, or null. */
export type Row = Readonly<Record<string, Scalar>>;

type Of<Op extends Expr['op']> = Extract<Expr, { op: Op }>;

/**
 * The value of `expr` for one row. Total: never throws for an expression that a Plan may contain. Timestamps
 * are local texts already, so no time zone enters here.
 */
export function evaluate(expr: Expr, row: Row): Scalar {
  switch (expr.op) {
    case 'column':
      return columnValue(row[expr.name] ?? null, expr.type);
    case 'literal':
      return expr.value;
    case 'and':
    case 'or':
    case 'not':
    case 'isNull':
    case 'case':
    case 'coalesce':
      return conditional(expr, row);
    case 'compare':
      return compared(expr, row);
    case 'in':
      return isMember(evaluate(expr.arg, row), expr.values, typeOf(expr.arg));
    case 'like': {
      const text = evaluate(expr.arg, row);
      return text === null ? null : matchesLike(String(text), expr.pattern);
    }
    default:
      return computed(expr, row);
  }
}

/** Three-valued order of two values of one type: negative, zero or positive. Neither may be null. */
export function orderOf(left: Scalar, right: Scalar, type: ScalarType): number {
  switch (type) {
    case 'string':
      return Buffer.compare(Buffer.from(String(left), 'utf8'), Buffer.from(String(right), 'utf8'));
    case 'date':
    case 'timestamp': {
      const [a, b] = [sortableInstant(String(left)), sortableInstant(String(right))];
      return a < b ? -1 : Number(a > b);
    }
    default: {
      const [a, b] = [Number(left), Number(right)];
      return a < b ? -1 : Number(a > b);
    }
  }
}

/** Timestamps have six decimals or, when those are zero, none. */
export function canonicalTimestamp(text: string): string {
  const [whole = '', fraction = ''] = text.split('.');
  const micros = fraction.padEnd(6, '0');
  return micros === '000000' ? whole : `${whole}.${micros}`;
}

function columnValue(value: Scalar, type: ScalarType): Scalar {
  if (typeof value === 'number' && Number.isNaN(value)) return null;
  return type === 'timestamp' && typeof value === 'string' ? canonicalTimestamp(value) : value;
}

function conditional(expr: Of<'and' | 'or' | 'not' | 'isNull' | 'case' | 'coalesce'>, row: Row): Scalar {
  switch (expr.op) {
    case 'and': {
      const values = expr.args.map((arg) => evaluate(arg, row));
      if (values.includes(false)) return false;
      return values.includes(null) ? null : true;
    }
    case 'or': {
      const values = expr.args.map((arg) => evaluate(arg, row));
      if (values.includes(true)) return true;
      return values.includes(null) ? null : false;
    }
    case 'not': {
      const value = evaluate(expr.arg, row);
      return value === null ? null : !value;
    }
    case 'isNull':
      return evaluate(expr.arg, row) === null;
    case 'case': {
      const taken = expr.branches.find((branch) => evaluate(branch.when, row) === true);
      return evaluate(taken?.then ?? expr.otherwise, row);
    }
    case 'coalesce':
      return expr.args.map((arg) => evaluate(arg, row)).find((value) => value !== null) ?? null;
  }
}

function compared(expr: Of<'compare'>, row: Row): boolean | null {
  const left = evaluate(expr.left, row);
  const right = evaluate(expr.right, row);
  if (left === null || right === null) return null;
  const order = orderOf(left, right, typeOf(expr.left));
  switch (expr.operator) {
    case '=':
      return order === 0;
    case '<>':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

function isMember(value: Scalar, values: readonly Scalar[], type: ScalarType): boolean | null {
  if (value === null) return null;
  if (values.some((member) => member !== null && orderOf(value, member, type) === 0)) return true;
  return values.includes(null) ? null : false;
}

/**
 * LIKE over code points: `%` any run, `_` exactly one, backslash makes the next one literal. `reached` holds
 * every length of text that the pattern so far can match, so nothing is ever tried twice.
 */
function matchesLike(text: string, pattern: string): boolean {
  const points = Array.from(text);
  let reached = new Set([0]);
  const symbols = Array.from(pattern);
  for (let i = 0; i < symbols.length; i++) {
    const symbol = symbols[i];
    const next = new Set<number>();
    if (symbol === '%') {
      const from = Math.min(...reached);
      for (let end = from; end <= points.length; end++) next.add(end);
    } else {
      const wanted = symbol === '\\' ? symbols[++i] : symbol;
      if (wanted === undefined) throw new RangeError('a pattern must not end with its escape');
      const anyPoint = symbol === '_';
      for (const at of reached)
        if (at < points.length && (anyPoint || points[at] === wanted)) next.add(at + 1);
    }
    if (next.size === 0) return false;
    reached = next;
  }
  return reached.has(points.length);
}

function computed(
  expr: Of<'arithmetic' | 'negate' | 'numeric' | 'dateTrunc' | 'extract' | 'widthBucket'>,
  row: Row,
): Scalar {
  if (expr.op === 'arithmetic') {
    const [left, right] = [evaluate(expr.left, row), evaluate(expr.right, row)];
    return left === null || right === null ? null : arithmetic(expr.operator, Number(left), Number(right));
  }
  const value = evaluate(expr.arg, row);
  if (value === null) return null;
  switch (expr.op) {
    case 'negate':
      return -Number(value);
    case 'numeric':
      return numeric(expr.fn, Number(value));
    case 'dateTrunc':
      return truncated(String(value), expr);
    case 'extract':
      return extracted(String(value), expr.field);
    case 'widthBucket':
      return bucketOf(Number(value), expr);
  }
}

/**
 * The last resort of every operator that can make what is not a finite number of finite ones: it gives NULL. The
 * others (negation, abs, floor, ceil, CASE, COALESCE) hand an infinity on, as a column does, to be clamped.
 */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function arithmetic(operator: Of<'arithmetic'>['operator'], left: number, right: number): number | null {
  switch (operator) {
    case '+':
      return finite(left + right);
    case '-':
      return finite(left - right);
    case '*':
      return finite(left * right);
    case '/':
      return finite(left / right);
    case '%':
      return finite(left % right);
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
    case 'ln':
      return finite(Math.log(value));
    case 'exp':
      return finite(Math.exp(value));
  }
}

/** SQL:2003 WIDTH_BUCKET: 0 below, count + 1 at or above, else 1…count. */
function bucketOf(x: number, { low, high, count }: Of<'widthBucket'>): number {
  if (x < low) return 0;
  if (x >= high) return count + 1;
  return Math.min(count, Math.floor(((x - low) * count) / (high - low)) + 1);
}

function truncated(text: string, { unit, type }: Of<'dateTrunc'>): string {
  const [year = '', month = ''] = text.split('-');
  const day = text.slice(0, 10);
  const quarterMonth = String(Math.floor((Number(month) - 1) / 3) * 3 + 1).padStart(2, '0');
  const hour = text.slice(11, 13) || '00';
  const start = {
    year: `${year}-01-01`,
    quarter: `${year}-${quarterMonth}-01`,
    month: `${year}-${month}-01`,
    week: mondayOf(day),
    day,
    hour: day,
  }[unit];
  return type === 'date' ? start : `${start}T${unit === 'hour' ? hour : '00'}:00:00`;
}

/** The Monday of the ISO 8601 week of a date. */
function mondayOf(day: string): string {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7));
  return date.toISOString().slice(0, 10);
}

function extracted(text: string, field: Of<'extract'>['field']): number {
  const [year, month, day] = text.slice(0, 10).split('-').map(Number) as [number, number, number];
  const hour = Number(text.slice(11, 13) || '0');
  const dow = new Date(`${text.slice(0, 10)}T00:00:00Z`).getUTCDay();
  return { year, quarter: Math.floor((month - 1) / 3) + 1, month, day, dow, hour }[field];
}

/** A text whose order as a string is the order in time; a date is its midnight. */
function sortableInstant(text: string): string {
  const [whole = '', fraction = ''] = (text.length === 10 ? `${text}T00:00:00` : text).split('.');
  return `${whole}.${fraction.padEnd(6, '0')}`;
}
