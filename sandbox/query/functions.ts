/** The row-wise functions a query may call, as data: name → argument rule and how it binds. */
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { type Expr, type ExtractField, type NumericFunction, type TruncUnit, typeOf } from '../expression.ts';
import type { CallSyntax, Syntax } from './syntax.ts';

export const AGGREGATE_NAMES = [
  'count',
  'sum',
  'avg',
  'mean',
  'variance',
  'var_samp',
  'stddev',
  'stddev_samp',
  'quantile',
  'quantile_cont',
  'percentile_cont',
  'median',
  'histogram',
] as const;

const TRUNC_UNITS: readonly TruncUnit[] = ['year', 'quarter', 'month', 'week', 'day', 'hour'];
const EXTRACT_FIELDS: readonly ExtractField[] = ['year', 'quarter', 'month', 'day', 'dow', 'hour'];
const BUCKETS_MAX = 10_000;

type Bind = (node: Syntax) => Expr;

const SCALARS: Readonly<Record<string, (call: CallSyntax, bind: Bind) => Expr>> = {
  abs: numeric('abs'),
  floor: numeric('floor'),
  ceil: numeric('ceil'),
  ceiling: numeric('ceil'),
  sqrt: numeric('sqrt'),
  ln: numeric('ln'),
  exp: numeric('exp'),
  date_trunc: dateTrunc,
  extract: extract,
  date_part: extract,
  width_bucket: widthBucket,
};

export function isScalarFunction(name: string): boolean {
  return Object.hasOwn(SCALARS, name);
}

/** Binds a call of a row-wise function. Refuses: FUNCTION, TYPE, PARAM, SHAPE (an aggregate out of place). */
export function bindCall(call: CallSyntax, bind: Bind): Expr {
  if ((AGGREGATE_NAMES as readonly string[]).includes(call.name)) {
    throw new Refusal('SHAPE', say('query.nestedAggregate', { name: call.name, at: call.at }));
  }
  const entry = Object.hasOwn(SCALARS, call.name) ? SCALARS[call.name] : undefined;
  if (entry === undefined || call.distinct || call.star || call.filter !== null) throw unknownFunction(call);
  return entry(call, bind);
}

/** The refusal for a function that is not on the list. */
export function unknownFunction(call: CallSyntax): Refusal {
  return new Refusal(
    'FUNCTION',
    say('query.function', {
      name: call.name,
      at: call.at,
      aggregates: AGGREGATE_NAMES.join(', '),
      scalars: Object.keys(SCALARS).join(', '),
    }),
  );
}

/** A numeric constant argument, or a refusal that names it. */
export function constantOf(node: Syntax | undefined, name: string, at: number): number {
  if (node?.kind === 'literal' && typeof node.value === 'number') return node.value;
  throw new Refusal('PARAM', say('query.parameter', { name, at, rule: 'a numeric constant' }));
}

function numeric(fn: NumericFunction): (call: CallSyntax, bind: Bind) => Expr {
  return (call, bind) => ({
    op: 'numeric',
    fn,
    arg: typed(bind(only(call, 'one number', 1)[0]!), ['number'], call.at),
  });
}

function dateTrunc(call: CallSyntax, bind: Bind): Expr {
  const [unitNode, argNode] = only(call, "('month', a date or timestamp)", 2);
  const unit = wordOf(unitNode!, TRUNC_UNITS, call);
  const arg = typed(bind(argNode!), ['date', 'timestamp'], call.at);
  if (unit === 'hour')
    return { op: 'dateTrunc', unit, type: 'timestamp', arg: typed(arg, ['timestamp'], call.at) };
  return { op: 'dateTrunc', unit, type: 'date', arg };
}

function extract(call: CallSyntax, bind: Bind): Expr {
  const [fieldNode, argNode] = only(call, '(field FROM a date or timestamp)', 2);
  const field = wordOf(fieldNode!, EXTRACT_FIELDS, call);
  const allowed = field === 'hour' ? (['timestamp'] as const) : (['date', 'timestamp'] as const);
  return { op: 'extract', field, arg: typed(bind(argNode!), allowed, call.at) };
}

function widthBucket(call: CallSyntax, bind: Bind): Expr {
  const [argNode, lowNode, highNode, countNode] = only(call, '(a number, low, high, count)', 4);
  const [low, high] = [constantOf(lowNode, 'low', call.at), constantOf(highNode, 'high', call.at)];
  const count = checkBuckets(call, low, high, constantOf(countNode, 'count', call.at));
  return { op: 'widthBucket', arg: typed(bind(argNode!), ['number'], call.at), low, high, count };
}

/** The number of equal steps between two constants, checked. Refuses: PARAM. */
export function checkBuckets(call: CallSyntax, low: number, high: number, count: number): number {
  if (!(low < high))
    throw new Refusal(
      'PARAM',
      say('query.parameter', { name: call.name, at: call.at, rule: 'given low < high' }),
    );
  if (!Number.isInteger(count) || count < 1 || count > BUCKETS_MAX) {
    throw new Refusal(
      'PARAM',
      say('query.parameter', { name: 'count', at: call.at, rule: `1 … ${BUCKETS_MAX}` }),
    );
  }
  return count;
}

function only(call: CallSyntax, expected: string, count: number): readonly Syntax[] {
  if (call.args.length === count) return call.args;
  throw new Refusal('FUNCTION', say('query.arguments', { name: call.name, at: call.at, expected }));
}

function wordOf<T extends string>(node: Syntax, words: readonly T[], call: CallSyntax): T {
  const text = node.kind === 'literal' && typeof node.value === 'string' ? node.value.toLowerCase() : '';
  const word = words.find((candidate) => candidate === text);
  if (word !== undefined) return word;
  throw new Refusal(
    'PARAM',
    say('query.parameter', { name: call.name, at: call.at, rule: `one of ${words.join(', ')}` }),
  );
}

function typed(expr: Expr, allowed: readonly string[], at: number): Expr {
  const found = typeOf(expr);
  if (allowed.includes(found)) return expr;
  throw new Refusal('TYPE', say('query.type', { at, expected: allowed.join(' / '), found }));
}
