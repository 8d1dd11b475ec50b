/**
 * The closed expression language of a Plan: what a filter, a key and an argument may say.
 *
 * Every operator is total (contract of values): NULL in, NULL out unless stated; arithmetic, sqrt, ln and exp
 * without a finite result give NULL, and a stored ±Inf passes through what only moves or chooses values; a
 * comparison with NULL is unknown. Numbers are IEEE 754 doubles in every engine.
 */

export type ScalarType = 'number' | 'string' | 'boolean' | 'date' | 'timestamp';

/** A literal. Dates are `YYYY-MM-DD`; timestamps `YYYY-MM-DDTHH:MM:SS[.ffffff]` in the dataset's time zone. */
export type Scalar = number | string | boolean | null;

export type CompareOperator = '=' | '<>' | '<' | '<=' | '>' | '>=';
export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%';
export type NumericFunction = 'abs' | 'floor' | 'ceil' | 'sqrt' | 'ln' | 'exp';
export type TruncUnit = 'year' | 'quarter' | 'month' | 'week' | 'day' | 'hour';
export type ExtractField = 'year' | 'quarter' | 'month' | 'day' | 'dow' | 'hour';

export type Expr =
  | { readonly op: 'column'; readonly name: string; readonly type: ScalarType }
  | { readonly op: 'literal'; readonly type: ScalarType; readonly value: Scalar }
  | { readonly op: 'compare'; readonly operator: CompareOperator; readonly left: Expr; readonly right: Expr }
  | { readonly op: 'and' | 'or'; readonly args: readonly Expr[] }
  | { readonly op: 'not'; readonly arg: Expr }
  | { readonly op: 'isNull'; readonly arg: Expr }
  | { readonly op: 'in'; readonly arg: Expr; readonly values: readonly Scalar[] }
  | { readonly op: 'like'; readonly arg: Expr; readonly pattern: string }
  | {
      readonly op: 'case';
      readonly type: ScalarType;
      readonly branches: readonly { readonly when: Expr; readonly then: Expr }[];
      readonly otherwise: Expr;
    }
  | {
      readonly op: 'arithmetic';
      readonly operator: ArithmeticOperator;
      readonly left: Expr;
      readonly right: Expr;
    }
  | { readonly op: 'negate'; readonly arg: Expr }
  | { readonly op: 'numeric'; readonly fn: NumericFunction; readonly arg: Expr }
  | { readonly op: 'coalesce'; readonly type: ScalarType; readonly args: readonly Expr[] }
  | {
      readonly op: 'dateTrunc';
      readonly unit: TruncUnit;
      readonly type: 'date' | 'timestamp';
      readonly arg: Expr;
    }
  | { readonly op: 'extract'; readonly field: ExtractField; readonly arg: Expr }
  | {
      readonly op: 'widthBucket';
      readonly arg: Expr;
      readonly low: number;
      readonly high: number;
      readonly count: number;
    };

/** The type of an expression's value. */
export function typeOf(expr: Expr): ScalarType {
  switch (expr.op) {
    case 'column':
    case 'literal':
    case 'case':
    case 'coalesce':
    case 'dateTrunc':
      return expr.type;
    case 'compare':
    case 'and':
    case 'or':
    case 'not':
    case 'isNull':
    case 'in':
    case 'like':
      return 'boolean';
    case 'arithmetic':
    case 'negate':
    case 'numeric':
    case 'extract':
    case 'widthBucket':
      return 'number';
  }
}

/** The direct operands of an expression. */
export function operandsOf(expr: Expr): readonly Expr[] {
  switch (expr.op) {
    case 'column':
    case 'literal':
      return [];
    case 'compare':
    case 'arithmetic':
      return [expr.left, expr.right];
    case 'and':
    case 'or':
    case 'coalesce':
      return expr.args;
    case 'case':
      return [...expr.branches.flatMap((branch) => [branch.when, branch.then]), expr.otherwise];
    default:
      return [expr.arg];
  }
}

/** The source columns an expression reads. */
export function columnsOf(expr: Expr, into: Set<string> = new Set()): Set<string> {
  if (expr.op === 'column') into.add(expr.name);
  for (const operand of operandsOf(expr)) columnsOf(operand, into);
  return into;
}

/** Whether what compares as `order` (below 0, 0, above 0) to something stands in this relation to it. */
export function isInOrder(order: number, operator: CompareOperator): boolean {
  switch (operator) {
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
