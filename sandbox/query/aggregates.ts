/** Aggregate calls of a SELECT list: which there are, what each takes, and how its argument is bounded. */
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { BoundedArgument } from '../plan.ts';
import { bindCondition, bindExpr, isAggregateCall, type Relation, resolve, roleOf } from './bind.ts';
import { boundArgument } from './bounds.ts';
import { AGGREGATE_NAMES, checkBuckets, constantOf, unknownFunction } from './functions.ts';
import { type Expr, typeOf } from '../expression.ts';
import { normalise } from './normalise.ts';
import type { CallSyntax, Syntax } from './syntax.ts';

/** An aggregate with its bound argument, before measures are shared out. */
export type BoundAggregate =
  | { readonly fn: 'count'; readonly argument: Expr | null }
  | { readonly fn: 'countUnits' }
  | { readonly fn: 'sum' | 'avg' | 'variance' | 'stddev'; readonly argument: BoundedArgument }
  | { readonly fn: 'quantile'; readonly argument: BoundedArgument; readonly q: number }
  | {
      readonly fn: 'histogram';
      readonly argument: Expr;
      readonly low: number;
      readonly high: number;
      readonly bins: number;
    };

const STATISTICS = {
  sum: 'sum',
  avg: 'avg',
  mean: 'avg',
  variance: 'variance',
  var_samp: 'variance',
  stddev: 'stddev',
  stddev_samp: 'stddev',
} as const;

/** Whether a SELECT item is an aggregate; one that hides inside another expression is refused (SHAPE, FUNCTION). */
export function isAggregateTarget(expr: Syntax): expr is CallSyntax {
  return isAggregateCall(expr);
}

/** Binds an aggregate. Refuses: FUNCTION, COLUMN, PREDICATE, TYPE, PARAM, BOUNDS_MISSING, SHAPE. */
export function bindAggregate(call: CallSyntax, relation: Relation): BoundAggregate {
  if (!(AGGREGATE_NAMES as readonly string[]).includes(call.name)) throw unknownFunction(call);
  if (call.distinct) return countUnits(call, relation);
  if (call.name === 'count') return { fn: 'count', argument: countArgument(call, relation) };
  const statistic = Object.hasOwn(STATISTICS, call.name)
    ? STATISTICS[call.name as keyof typeof STATISTICS]
    : undefined;
  if (statistic !== undefined) {
    expectArguments(call, 1, 'one number');
    return { fn: statistic, argument: bounded(call, relation) };
  }
  return call.name === 'histogram' ? histogram(call, relation) : quantile(call, relation);
}

function countUnits(call: CallSyntax, relation: Relation): BoundAggregate {
  const unit = relation.dataset.privacyUnit;
  if (unit.kind === 'row') throw new Refusal('FUNCTION', say('query.distinctRow'));
  if (unit.kind === 'encrypted') throw new Refusal('FUNCTION', say('encrypted.units'));
  const [arg] = call.args;
  const isUnit =
    call.name === 'count' &&
    call.args.length === 1 &&
    arg?.kind === 'name' &&
    roleOf(resolve(arg, relation), relation.dataset) === 'unit';
  if (!isUnit) throw new Refusal('FUNCTION', say('query.distinct', { unit: unit.column }));
  if (call.filter !== null)
    throw new Refusal('SHAPE', say('query.clause', { clause: 'FILTER on COUNT(DISTINCT …)' }));
  return { fn: 'countUnits' };
}

/** COUNT(*) counts rows (null); a FILTER becomes an argument that is NULL where the condition does not hold. */
function countArgument(call: CallSyntax, relation: Relation): Expr | null {
  if (!call.star) expectArguments(call, 1, '* or one expression');
  const one: Expr = { op: 'literal', type: 'number', value: 1 };
  if (call.star && call.filter === null) return null;
  return filtered(call.star ? one : bindExpr(call.args[0]!, relation, 'argument'), call, relation);
}

function bounded(call: CallSyntax, relation: Relation): BoundedArgument {
  const expr = numericArgument(call, relation);
  return boundArgument(expr, relation.dataset, call.name.toUpperCase(), call.at);
}

function numericArgument(call: CallSyntax, relation: Relation): Expr {
  const expr = bindExpr(call.args[0]!, relation, 'argument');
  const found = typeOf(expr);
  if (found !== 'number')
    throw new Refusal('TYPE', say('query.type', { at: call.args[0]!.at, expected: 'number', found }));
  return filtered(expr, call, relation);
}

function filtered(expr: Expr, call: CallSyntax, relation: Relation): Expr {
  const when = bindCondition(call.filter, relation);
  if (when === null) return normalise(expr);
  const type = typeOf(expr);
  return normalise({
    op: 'case',
    type,
    branches: [{ when, then: expr }],
    otherwise: { op: 'literal', type, value: null },
  });
}

function quantile(call: CallSyntax, relation: Relation): BoundAggregate {
  const median = call.name === 'median';
  expectArguments(call, median ? 1 : 2, median ? 'one number' : 'a number and a constant between 0 and 1');
  const q = median ? 0.5 : constantOf(call.args[1], 'the quantile', call.at);
  if (!(q >= 0 && q <= 1))
    throw new Refusal(
      'PARAM',
      say('query.parameter', { name: 'the quantile', at: call.at, rule: 'between 0 and 1' }),
    );
  return { fn: 'quantile', argument: bounded(call, relation), q };
}

function histogram(call: CallSyntax, relation: Relation): BoundAggregate {
  // Without its public bins this is the engines' own HISTOGRAM, whose keys are data.
  if (call.args.length !== 4)
    throw new Refusal(
      'FUNCTION',
      say('query.arguments', { name: call.name, at: call.at, expected: '(a number, low, high, bins)' }),
    );
  const [low, high] = [constantOf(call.args[1], 'low', call.at), constantOf(call.args[2], 'high', call.at)];
  const bins = checkBuckets(call, low, high, constantOf(call.args[3], 'bins', call.at));
  return { fn: 'histogram', argument: numericArgument(call, relation), low, high, bins };
}

function expectArguments(call: CallSyntax, count: number, expected: string): void {
  if (call.star || call.args.length !== count) {
    throw new Refusal('FUNCTION', say('query.arguments', { name: call.name, at: call.at, expected }));
  }
}
