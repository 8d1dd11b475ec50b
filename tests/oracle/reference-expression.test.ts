/** The oracle's own expressions, against values worked out by hand. */
import { expect, test } from 'vitest';
import type { CompareOperator, Expr, ExtractField, Scalar, TruncUnit } from '#sandbox/expression.ts';
import { col, lit } from '#tests/support/plan-builder.ts';
import { evaluate } from '#tests/support/reference-expression.ts';

const NULL = lit(null);
const TRUE = lit(true);
const FALSE = lit(false);
const UNKNOWN: Expr = { op: 'compare', operator: '=', left: lit(1), right: NULL };

const arithmetic = (left: number, operator: '+' | '-' | '*' | '/' | '%', right: number): Expr => {
  return { op: 'arithmetic', operator, left: lit(left), right: lit(right) };
};
const numeric = (fn: 'abs' | 'floor' | 'ceil' | 'sqrt' | 'ln' | 'exp', arg: number): Expr => {
  return { op: 'numeric', fn, arg: lit(arg) };
};
const compare = (left: Expr, operator: CompareOperator, right: Expr): Expr => {
  return { op: 'compare', operator, left, right };
};
const like = (text: string, pattern: string): Expr => ({ op: 'like', arg: lit(text), pattern });
const trunc = (unit: TruncUnit, text: string, type: 'date' | 'timestamp' = 'date'): Expr => {
  return { op: 'dateTrunc', unit, type, arg: lit(text, text.length > 10 ? 'timestamp' : 'date') };
};
const extract = (field: ExtractField, text: string): Expr => {
  return { op: 'extract', field, arg: lit(text, text.length > 10 ? 'timestamp' : 'date') };
};
const bucket = (x: number): Expr => ({ op: 'widthBucket', arg: lit(x), low: 0, high: 10, count: 5 });
const inside = (arg: Expr, ...values: Scalar[]): Expr => ({ op: 'in', arg, values });

test.for<[string, Expr, Scalar]>([
  ['adds doubles', arithmetic(0.1, '+', 0.2), 0.30000000000000004],
  ['gives NULL where a sum overflows', arithmetic(1e308, '+', 1e308), null],
  ['gives NULL where a product overflows', arithmetic(-1e308, '*', 10), null],
  ['gives NULL for a division by zero', arithmetic(1, '/', 0), null],
  ['gives NULL for zero by zero', arithmetic(0, '/', 0), null],
  ['gives NULL for a division by minus zero', arithmetic(1, '/', -0), null],
  ['keeps the sign of the dividend in %', arithmetic(-7, '%', 3), -1],
  ['ignores the sign of the divisor in %', arithmetic(7.5, '%', -2), 1.5],
  ['gives NULL for a remainder by zero', arithmetic(7, '%', 0), null],
  ['gives NULL for infinity in arithmetic', arithmetic(Infinity, '-', 1), null],
  ['divides by infinity to zero', arithmetic(1, '/', Infinity), 0],
  ['hands an infinity through a negation', { op: 'negate', arg: lit(Infinity) }, -Infinity],
  ['floors towards minus infinity', numeric('floor', -1.5), -2],
  ['takes the ceiling towards plus infinity', numeric('ceil', 1.2), 2],
  ['gives NULL for the root of a negative number', numeric('sqrt', -1e-300), null],
  ['gives NULL for the logarithm of zero', numeric('ln', 0), null],
  ['gives NULL for the logarithm of a negative number', numeric('ln', -1), null],
  ['gives NULL where exp overflows', numeric('exp', 710), null],
  ['lets exp underflow to zero', numeric('exp', -Infinity), 0],
  ['gives NULL for NULL in arithmetic', { op: 'arithmetic', operator: '+', left: lit(1), right: NULL }, null],
])('arithmetic: $0', ([, expr, want]) => {
  expect(evaluate(expr, {})).toBe(want);
});

test.for<[string, Expr, Scalar]>([
  ['false wins over unknown in AND', { op: 'and', args: [UNKNOWN, FALSE] }, false],
  ['unknown wins over true in AND', { op: 'and', args: [TRUE, UNKNOWN] }, null],
  ['true wins over unknown in OR', { op: 'or', args: [UNKNOWN, TRUE] }, true],
  ['unknown wins over false in OR', { op: 'or', args: [FALSE, UNKNOWN] }, null],
  ['NOT of unknown is unknown', { op: 'not', arg: UNKNOWN }, null],
  ['IS NULL is never unknown', { op: 'isNull', arg: UNKNOWN }, true],
  ['IN finds a member beside NULL', inside(lit(2), null, 2), true],
  ['IN is unknown where only NULL could be meant', inside(lit(3), 1, null), null],
  ['IN is false where no member is NULL', inside(lit(3), 1, 2), false],
  ['IN of NULL is unknown', inside(NULL, 1, 2), null],
  ['CASE takes the first true branch, not an unknown one', chosen([UNKNOWN, lit(1)], [TRUE, lit(2)]), 2],
  ['CASE without a true branch is its ELSE', chosen([UNKNOWN, lit(1)]), 9],
  [
    'COALESCE takes the first that is not NULL',
    { op: 'coalesce', type: 'number', args: [NULL, lit(0), lit(1)] },
    0,
  ],
  ['COALESCE of NULLs is NULL', { op: 'coalesce', type: 'number', args: [NULL, NULL] }, null],
])('logic: $0', ([, expr, want]) => {
  expect(evaluate(expr, {})).toBe(want);
});

function chosen(...branches: readonly [Expr, Expr][]): Expr {
  return {
    op: 'case',
    type: 'number',
    branches: branches.map(([when, then]) => ({ when, then })),
    otherwise: lit(9),
  };
}

test.for<[string, Expr, Scalar]>([
  ['minus zero equals zero', compare(lit(-0), '=', lit(0)), true],
  ['infinity is above every number', compare(lit(Infinity), '>', lit(1e308)), true],
  // UTF-8 of U+FF5E begins EF, of U+1F680 F0; in UTF-16 the order is the other way round (D83D < FF5E).
  ['text is ordered by UTF-8 bytes', compare(lit('～'), '<', lit('🚀')), true],
  ['upper case comes before lower case', compare(lit('Z'), '<', lit('a')), true],
  ['a prefix comes first', compare(lit('ab'), '<', lit('abc')), true],
  [
    'a date is its midnight',
    compare(lit('2024-01-01', 'timestamp'), '=', lit('2024-01-01T00:00:00', 'timestamp')),
    true,
  ],
  [
    'fractions of a second need not be padded',
    compare(lit('2024-01-01T00:00:00.5', 'timestamp'), '=', lit('2024-01-01T00:00:00.500000', 'timestamp')),
    true,
  ],
  ['<> of NULL is unknown', compare(lit('x'), '<>', lit(null, 'string')), null],
  ['false is below true', compare(FALSE, '<', TRUE), true],
])('comparison: $0', ([, expr, want]) => {
  expect(evaluate(expr, {})).toBe(want);
});

test.for<[string, string, boolean]>([
  ['华东地区', '华东%', true],
  ['🚀', '_', true],
  ['🚀', '__', false],
  ['', '%', true],
  ['', '_', false],
  ['100%', '100\\%', true],
  ['1000', '100\\%', false],
  ['a_b', 'a\\_b', true],
  ['axb', 'a\\_b', false],
  ['a\\b', 'a\\\\b', true],
  ['abcbc', 'a%bc', true],
  ['abcb', 'a%bc', false],
  ['line\nbreak', '%e_b%', true],
  ['Abc', 'abc', false],
])('LIKE: `%s` against `%s` is %s', ([text, pattern, want]) => {
  expect(evaluate(like(text, pattern), {})).toBe(want);
});

test.for<[TruncUnit, string, 'date' | 'timestamp', string]>([
  ['year', '2024-12-31', 'date', '2024-01-01'],
  ['quarter', '2024-09-30', 'date', '2024-07-01'],
  ['quarter', '2024-10-01', 'date', '2024-10-01'],
  ['month', '2024-02-29', 'date', '2024-02-01'],
  // 31 December 2023 was a Sunday, the last day of the week of Monday the 25th; 1 January 0001 was a Monday.
  ['week', '2023-12-31', 'date', '2023-12-25'],
  ['week', '2024-01-01', 'date', '2024-01-01'],
  ['week', '0001-01-05', 'date', '0001-01-01'],
  ['day', '2024-01-01T23:59:59.999999', 'date', '2024-01-01'],
  ['day', '2024-01-01T23:59:59.999999', 'timestamp', '2024-01-01T00:00:00'],
  ['hour', '2024-01-01T23:59:59.999999', 'timestamp', '2024-01-01T23:00:00'],
])('date_trunc: %s of %s as %s is %s', ([unit, text, type, want]) => {
  expect(evaluate(trunc(unit, text, type), {})).toBe(want);
});

test.for<[ExtractField, string, number]>([
  ['year', '0001-02-03', 1],
  ['quarter', '2024-03-31', 1],
  ['quarter', '2024-04-01', 2],
  ['month', '2024-11-05', 11],
  ['day', '2024-11-05', 5],
  ['dow', '2023-12-31', 0],
  ['dow', '2024-01-06', 6],
  ['hour', '2024-01-01T07:59:00', 7],
])('EXTRACT: %s of %s is %s', ([field, text, want]) => {
  expect(evaluate(extract(field, text), {})).toBe(want);
});

test.for<[number, number]>([
  [-0.001, 0],
  [0, 1],
  [1.999, 1],
  [2, 2],
  [9.999, 5],
  [10, 6],
  [Infinity, 6],
  [-Infinity, 0],
])('width_bucket(%s, 0, 10, 5) is %s', ([x, want]) => {
  expect(evaluate(bucket(x), {})).toBe(want);
});

test('a column reads NaN and absence as NULL and keeps infinity', () => {
  expect(evaluate(col('x'), { x: Number.NaN })).toBeNull();
  expect(evaluate(col('x'), {})).toBeNull();
  expect(evaluate(col('x'), { x: Infinity })).toBe(Infinity);
});
