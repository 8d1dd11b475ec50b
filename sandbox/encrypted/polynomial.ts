/**
 * What one row adds to a measure over encrypted columns: a polynomial of degree at most two, exact.
 *
 * An expression is read as Σ weight·Πfactors over the values of encrypted columns, with fractions that never round.
 * `termsOf` turns it into what the ciphertexts hold: y = x − mid of a column in grid integers (0 where the value is
 * absent) and the presence of a row (1 or 0). Whatever is no such polynomial is null, for the caller to refuse.
 */
import type { Expr } from '../expression.ts';
import { type BoundedArgument, type Grid, midGridOf } from '../plan.ts';
import { rational, type Rational, rationalOfDecimal } from '../release/rational.ts';

/** weight · Π values of these columns (none: a constant), in alphabetical order. */
export interface Monomial {
  readonly weight: Rational;
  readonly factors: readonly string[];
}

/** Each product of columns at most once; no weight is zero. */
export type Polynomial = readonly Monomial[];

/** The same in integers, over what ciphertext files hold: `factors` are their names without `.ct`. */
export interface Term {
  readonly weight: bigint;
  readonly factors: readonly string[];
}

/** An encrypted column: bounds and grid as it was encrypted with. */
export type EncryptedColumns = ReadonlyMap<string, BoundedArgument>;

const DEGREE_MAX = 2;
const ONE = rational(1n);

/** The polynomial that an expression is, or null. Columns that are not encrypted make it null as well. */
export function polynomialOf(expr: Expr, columns: EncryptedColumns): Polynomial | null {
  const of = (operand: Expr): Polynomial | null => polynomialOf(operand, columns);
  switch (expr.op) {
    case 'column':
      return columns.has(expr.name) ? [{ weight: ONE, factors: [expr.name] }] : null;
    case 'literal':
      return typeof expr.value === 'number' ? constant(rationalOfDecimal(expr.value)) : null;
    case 'negate':
      return product(constant(rational(-1n)), of(expr.arg));
    case 'arithmetic': {
      const [left, right] = [of(expr.left), of(expr.right)];
      if (expr.operator === '+') return sum(left, right);
      if (expr.operator === '-') return sum(left, product(constant(rational(-1n)), right));
      if (expr.operator === '*') return product(left, right);
      return expr.operator === '/' ? product(left, inverse(right)) : null;
    }
    default:
      return null;
  }
}

function constant(weight: Rational): Polynomial {
  return weight.numerator === 0n ? [] : [{ weight, factors: [] }];
}

function sum(a: Polynomial | null, b: Polynomial | null): Polynomial | null {
  return a === null || b === null ? null : collected([...a, ...b]);
}

function product(a: Polynomial | null, b: Polynomial | null): Polynomial | null {
  if (a === null || b === null) return null;
  const all = collected(a.flatMap((left) => b.map((right) => times(left, right))));
  return all.some(({ factors }) => factors.length > DEGREE_MAX) ? null : all;
}

/** Of a constant that is not zero. */
function inverse(divisor: Polynomial | null): Polynomial | null {
  const [only, ...others] = divisor ?? [];
  if (only === undefined || others.length > 0 || only.factors.length > 0) return null;
  return constant(rational(only.weight.denominator, only.weight.numerator));
}

function times(a: Monomial, b: Monomial): Monomial {
  const { numerator, denominator } = a.weight;
  return {
    weight: rational(numerator * b.weight.numerator, denominator * b.weight.denominator),
    factors: [...a.factors, ...b.factors].toSorted(),
  };
}

function plus(a: Rational, b: Rational): Rational {
  return rational(a.numerator * b.denominator + b.numerator * a.denominator, a.denominator * b.denominator);
}

/** Each product of columns once, in the order of its first appearance. */
function collected(monomials: readonly Monomial[]): Polynomial {
  const byFactors = new Map<string, Monomial>();
  for (const { weight, factors } of monomials) {
    const name = JSON.stringify(factors);
    const known = byFactors.get(name)?.weight ?? rational(0n);
    byFactors.set(name, { weight: plus(known, weight), factors });
  }
  return [...byFactors.values()].filter(({ weight }) => weight.numerator !== 0n);
}

/** The step of a grid, base^-exponent. */
function stepOf({ base, exponent }: Grid): Rational {
  const power = BigInt(base) ** BigInt(Math.abs(exponent));
  return exponent >= 0 ? rational(1n, power) : rational(power);
}

/**
 * A polynomial of values as one of grid integers, in steps of `grid`; null where a weight is no integer there, so that
 * the sum would not lie on the grid.
 */
export function onGrid(polynomial: Polynomial, columns: EncryptedColumns, grid: Grid): Polynomial | null {
  const step = stepOf(grid);
  const scaled = polynomial.map(({ weight, factors }) => {
    const steps = factors.map((name) => stepOf(columns.get(name)!.grid));
    const all = [weight, ...steps, rational(step.denominator, step.numerator)];
    const inSteps = all.reduce((a, b) => rational(a.numerator * b.numerator, a.denominator * b.denominator));
    return { weight: inSteps, factors };
  });
  return scaled.every(({ weight }) => weight.denominator === 1n) ? scaled : null;
}

/** A polynomial less a number. */
export function less(polynomial: Polynomial, number: bigint): Polynomial {
  return collected([...polynomial, ...constant(rational(-number))]);
}

/** Its square, or null above the largest degree. */
export function squareOf(polynomial: Polynomial): Polynomial | null {
  return product(polynomial, polynomial);
}

/** The least and the largest value over grid integers within the bounds of the columns, by interval arithmetic. */
export function rangeOf(
  polynomial: Polynomial,
  columns: EncryptedColumns,
): { readonly low: bigint; readonly high: bigint } {
  let [low, high] = [0n, 0n];
  for (const { weight, factors } of polynomial) {
    const values = extremesOf(factors, columns).map((value) => weight.numerator * value);
    low += values.reduce((a, b) => (a < b ? a : b));
    high += values.reduce((a, b) => (a > b ? a : b));
  }
  return { low, high };
}

/** Values among which are the least and the largest of a product of columns. */
function extremesOf(factors: readonly string[], columns: EncryptedColumns): readonly bigint[] {
  const [first, second] = factors.map((name) => {
    const { lowGrid, highGrid } = columns.get(name)!;
    return [lowGrid, highGrid] as const;
  });
  if (first === undefined) return [1n];
  if (second === undefined) return first;
  if (factors[0] !== factors[1]) return first.flatMap((a) => second.map((b) => a * b));
  const squares = first.map((end) => end * end);
  return first[0] < 0n && first[1] > 0n ? [...squares, 0n] : squares;
}

/**
 * A polynomial of grid integers over what is encrypted: x = y + mid·presence for every column, and `presence` for the
 * constant. Exact where no column is absent without the whole of `presence`.
 */
export function termsOf(
  polynomial: Polynomial,
  columns: EncryptedColumns,
  presence: string,
): readonly Term[] {
  const centred = polynomial.flatMap(({ weight, factors }) =>
    factors
      .map((name) => [{ weight: ONE, factors: [name] }, ...constant(rational(midGridOf(columns.get(name)!)))])
      .reduce<Polynomial>(
        (a, b) => a.flatMap((left) => b.map((right) => times(left, right))),
        [{ weight, factors: [] }],
      ),
  );
  return collected(centred).map(({ weight, factors }) => ({
    weight: weight.numerator,
    factors: factors.length === 0 ? [presence] : factors,
  }));
}
