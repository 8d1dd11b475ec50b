/**
 * Pieces of SQL, each as text and as the meaning it is meant to have.
 *
 * The meaning is built here and not by the front end, so that a mistake in binding shows as a difference of values.
 */
import type {
  Expr,
  ExtractField,
  NumericFunction,
  Scalar,
  ScalarType,
  TruncUnit,
} from '#sandbox/expression.ts';

/** How a source column is written where the expression stands. */
export type Naming = (column: string) => string;

/** An expression as text and as meaning. */
export interface Term {
  readonly expr: Expr;
  readonly sql: (names: Naming) => string;
}

/** A SQL text constant. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export function columnTerm(name: string, type: ScalarType): Term {
  return { expr: { op: 'column', name, type }, sql: (names) => names(name) };
}

export function literalTerm(value: Scalar, type: ScalarType, sql?: string): Term {
  const text = sql ?? (typeof value === 'string' ? quoted(value) : String(value));
  return { expr: { op: 'literal', type, value }, sql: () => text };
}

/** The comparison operators, equality first. */
export const COMPARISONS = ['=', '<>', '<', '<=', '>', '>='] as const;

export function compareTerms(left: Term, right: Term, operator: (typeof COMPARISONS)[number]): Term {
  const written = operator === '<>' ? '!=' : operator;
  return {
    expr: { op: 'compare', operator, left: left.expr, right: right.expr },
    sql: (names) => `(${left.sql(names)} ${written} ${right.sql(names)})`,
  };
}

export function arithmeticTerm(left: Term, right: Term, operator: '+' | '-' | '*' | '/' | '%'): Term {
  return {
    expr: { op: 'arithmetic', operator, left: left.expr, right: right.expr },
    sql: (names) => `(${left.sql(names)} ${operator} ${right.sql(names)})`,
  };
}

export function negated(term: Term): Term {
  return { expr: { op: 'negate', arg: term.expr }, sql: (names) => `(- ${term.sql(names)})` };
}

export function functionTerm(fn: NumericFunction, arg: Term): Term {
  return { expr: { op: 'numeric', fn, arg: arg.expr }, sql: (names) => `${fn}(${arg.sql(names)})` };
}

export function extractTerm(field: ExtractField, arg: Term): Term {
  const expr: Expr = { op: 'extract', field, arg: arg.expr };
  if (field === 'dow') return { expr, sql: (names) => `date_part('dow', ${arg.sql(names)})` };
  return { expr, sql: (names) => `EXTRACT(${field} FROM ${arg.sql(names)})` };
}

export function truncTerm(unit: TruncUnit, arg: Term): Term {
  return {
    expr: { op: 'dateTrunc', unit, type: unit === 'hour' ? 'timestamp' : 'date', arg: arg.expr },
    sql: (names) => `date_trunc('${unit}', ${arg.sql(names)})`,
  };
}

export function bucketTerm(arg: Term, low: number, high: number, count: number): Term {
  return {
    expr: { op: 'widthBucket', arg: arg.expr, low, high, count },
    sql: (names) => `width_bucket(${arg.sql(names)}, ${low}, ${high}, ${count})`,
  };
}

export function chosenTerm(
  type: ScalarType,
  branches: readonly { when: Term; then: Term }[],
  otherwise: Term | null,
): Term {
  return {
    expr: {
      op: 'case',
      type,
      branches: branches.map(({ when, then }) => ({ when: when.expr, then: then.expr })),
      otherwise: otherwise?.expr ?? { op: 'literal', type, value: null },
    },
    sql: (names) => {
      const whens = branches.map(({ when, then }) => `WHEN ${when.sql(names)} THEN ${then.sql(names)}`);
      return `CASE ${whens.join(' ')}${otherwise === null ? '' : ` ELSE ${otherwise.sql(names)}`} END`;
    },
  };
}

export function junction(op: 'and' | 'or', args: readonly Term[]): Term {
  return {
    expr: { op, args: args.map((arg) => arg.expr) },
    sql: (names) => `(${args.map((arg) => arg.sql(names)).join(` ${op.toUpperCase()} `)})`,
  };
}

export function complement(term: Term): Term {
  return { expr: { op: 'not', arg: term.expr }, sql: (names) => `(NOT ${term.sql(names)})` };
}
