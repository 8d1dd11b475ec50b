/** What a statement means, built beside the front end, and whether a Plan means the same. */
import { isDeepStrictEqual } from 'node:util';
import { type Aggregate, expressionsOf, measureOf, type Plan } from '#sandbox/plan.ts';
import type { Compiled } from '#sandbox/query/compile.ts';
import type { Expr } from '#sandbox/expression.ts';
import { type Row, evaluate } from './reference-expression.ts';

/** An aggregate as meant: its function, its argument (null: rows, or the unit) and its constants. */
export interface MeantAggregate {
  readonly fn: Aggregate['fn'];
  readonly argument: Expr | null;
  readonly q?: number;
  readonly bins?: { readonly low: number; readonly high: number; readonly count: number };
}

export interface Meant {
  readonly where: Expr | null;
  readonly keys: readonly Expr[];
  /** Items of the SELECT list that are no aggregates, if the statement was read and not generated. */
  readonly shown?: readonly Expr[];
  /** In the order of the SELECT list. */
  readonly aggregates: readonly MeantAggregate[];
}

/**
 * What differs between a Plan and a meaning, null if nothing does. Values of conditions, keys and arguments are
 * compared row by row: the two trees need not look alike.
 */
export function differenceOf(
  meant: Meant,
  { plan, presentation }: Compiled,
  rows: readonly Row[],
): string | null {
  const values = (expr: Expr | null): readonly unknown[] =>
    rows.map((row) => (expr === null ? true : withoutNegativeZero(evaluate(expr, row))));
  const passes = (expr: Expr | null): readonly boolean[] => values(expr).map((value) => value === true);
  const keys = plan.keys.mode === 'none' ? [] : plan.keys.keys.map((key) => values(key.expr));
  const same = isDeepStrictEqual;
  if (!same(passes(plan.where), passes(meant.where))) return 'WHERE keeps other rows';
  const isKey = (expr: Expr): boolean => keys.some((key) => same(key, values(expr)));
  const isMeant = (key: readonly unknown[]): boolean => meant.keys.some((expr) => same(key, values(expr)));
  if (!meant.keys.every(isKey) || !keys.every(isMeant)) return 'the keys are others';
  if (!(meant.shown ?? []).every(isKey)) return 'a value is shown that is no key';
  if (presentation.outputs.length !== meant.aggregates.length) return 'there are more or fewer outputs';
  for (const [i, aggregate] of meant.aggregates.entries()) {
    const found = aggregateOf(plan, presentation.outputs[i]!.aggregate);
    const { fn, argument, q = null, bins = null } = aggregate;
    if (found.fn !== fn || !same(found.constants, [q, bins])) return `output ${i} is ${found.fn}`;
    // To COUNT a value is known or not, and no more.
    const seen = (expr: Expr | null): readonly unknown[] =>
      fn === 'count' ? values(expr).map((value) => value !== null) : values(expr);
    if (!same(seen(found.argument), seen(argument))) return `output ${i} has another argument`;
  }
  return null;
}

function withoutNegativeZero(value: unknown): unknown {
  return value === 0 ? 0 : value;
}

function aggregateOf(plan: Plan, index: number): { fn: string; argument: Expr | null; constants: unknown[] } {
  const aggregate = plan.aggregates[index]!;
  const measure = measureOf(plan, aggregate);
  const constants = [
    aggregate.fn === 'quantile' ? aggregate.q : null,
    measure.kind === 'histogram' ? { low: measure.low, high: measure.high, count: measure.bins } : null,
  ];
  return { fn: aggregate.fn, argument: expressionsOf(measure)[0] ?? null, constants };
}
