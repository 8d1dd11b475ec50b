/** One form for equal conditions, so that spellings of one question share a Plan and its stored answer. */
import type { Expr, Scalar } from '../expression.ts';

/** Flattens, sorts and de-duplicates AND, OR and IN, at every depth. The meaning is unchanged. */
export function normalise(expr: Expr): Expr {
  switch (expr.op) {
    case 'column':
    case 'literal':
      return expr;
    case 'and':
    case 'or': {
      const args = sorted(expr.args.map(normalise).flatMap((arg) => (arg.op === expr.op ? arg.args : [arg])));
      return args.length === 1 ? args[0]! : { op: expr.op, args };
    }
    case 'in':
      return { op: 'in', arg: normalise(expr.arg), values: sorted<Scalar>(expr.values) };
    case 'compare':
    case 'arithmetic':
      return { ...expr, left: normalise(expr.left), right: normalise(expr.right) };
    case 'coalesce':
      return { ...expr, args: expr.args.map(normalise) };
    case 'case':
      return {
        ...expr,
        branches: expr.branches.map((branch) => ({
          when: normalise(branch.when),
          then: normalise(branch.then),
        })),
        otherwise: normalise(expr.otherwise),
      };
    default:
      return { ...expr, arg: normalise(expr.arg) };
  }
}

function sorted<T>(items: readonly T[]): readonly T[] {
  const byText = new Map(items.map((item) => [JSON.stringify(item), item]));
  return [...byText].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
}
