/** Names of outputs, and HAVING, ORDER BY and LIMIT, which read released values only. */
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { OrderTerm, Presentation, ReleasedPredicate } from '../plan.ts';
import type { BoundAggregate } from './aggregates.ts';
import { nameOf } from './bind.ts';
import { parseDate, parseTimestamp } from './dates.ts';
import { type CompareOperator, type Expr, type Scalar, type ScalarType, typeOf } from '../expression.ts';
import {
  type CallSyntax,
  type SelectSyntax,
  type Syntax,
  sameExpression,
  type TargetSyntax,
} from './syntax.ts';

/** A GROUP BY item: its bound expression and the name its values go by. */
export interface Group {
  readonly expr: Expr;
  readonly name: string;
}

export type SelectItem =
  | { readonly kind: 'key'; readonly target: TargetSyntax; readonly key: number }
  | {
      readonly kind: 'aggregate';
      readonly target: TargetSyntax & { readonly expr: CallSyntax };
      readonly bound: BoundAggregate;
    };

/** Refuses: PREDICATE (HAVING), SHAPE (ORDER BY) for anything that is no output of the SELECT; TYPE (HAVING). */
export function presentationOf(
  select: SelectSyntax,
  items: readonly SelectItem[],
  groups: readonly Group[],
  aggregates: readonly (number | null)[],
): Presentation {
  const outputs = outputsOf(items, aggregates);
  const terms: Terms = { items, groups, outputOf: outputs.ofItem };
  return {
    keyNames: uniqueNames(groups.map((group) => group.name)),
    outputs: outputs.list,
    having: select.having === null ? null : havingOf(select.having, terms),
    orderBy: select.orderBy.map((order) => ({
      by: orderTerm(order.expr, terms),
      descending: order.descending,
      nullsFirst: order.nullsFirst,
    })),
    limit: select.limit,
    offset: select.offset,
  };
}

interface Terms {
  readonly items: readonly SelectItem[];
  readonly groups: readonly Group[];
  readonly outputOf: readonly (number | null)[];
}

function outputsOf(
  items: readonly SelectItem[],
  aggregates: readonly (number | null)[],
): { readonly list: Presentation['outputs']; readonly ofItem: readonly (number | null)[] } {
  const shown = items.flatMap((item, index) => (item.kind === 'aggregate' ? [{ item, index }] : []));
  const names = uniqueNames(shown.map(({ item }) => item.target.alias ?? outputName(item.target.expr)));
  const list = shown.map(({ item, index }, position) => ({
    name: names[position]!,
    aggregate: aggregates[index]!,
    binKey: item.bound.fn === 'histogram' ? `${columnName(item.target.expr.args[0]) ?? 'x'}_bin` : null,
  }));
  const ofItem = items.map((_, index) => {
    const position = shown.findIndex((entry) => entry.index === index);
    return position < 0 ? null : position;
  });
  return { list, ofItem };
}

/** function_column in lower case: count, sum_cost, quantile_cost_0_5. */
function outputName(call: CallSyntax): string {
  const column = columnName(call.args[0]);
  const quantile = /^(quantile|percentile)/.test(call.name) ? call.args[1] : undefined;
  const parts = [
    call.name,
    column,
    quantile?.kind === 'literal' ? String(quantile.value).replaceAll('.', '_') : null,
  ];
  return parts
    .filter((part) => part !== null)
    .join('_')
    .toLowerCase();
}

function columnName(syntax: Syntax | undefined): string | null {
  return syntax?.kind === 'name' ? syntax.path.at(-1)! : null;
}

/** A second one of a name gets _2, a third _3. */
function uniqueNames(names: readonly string[]): readonly string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    let candidate = name;
    for (let count = 2; taken.has(candidate); count += 1) candidate = `${name}_${count}`;
    taken.add(candidate);
    return candidate;
  });
}

function havingOf(syntax: Syntax, terms: Terms): ReleasedPredicate {
  switch (syntax.kind) {
    case 'and':
    case 'or':
      return { op: syntax.kind, args: syntax.args.map((arg) => havingOf(arg, terms)) };
    case 'not':
      return { op: 'not', arg: havingOf(syntax.arg, terms) };
    case 'between': {
      const bounds: ReleasedPredicate = {
        op: 'and',
        args: [
          comparison('>=', syntax.arg, syntax.low, terms),
          comparison('<=', syntax.arg, syntax.high, terms),
        ],
      };
      return syntax.negated ? { op: 'not', arg: bounds } : bounds;
    }
    case 'binary':
      if (/[=<>]/.test(syntax.operator))
        return comparison(syntax.operator as '=', syntax.left, syntax.right, terms);
      throw notAnOutput(syntax);
    default:
      throw notAnOutput(syntax);
  }
}

function notAnOutput({ at }: Syntax): Refusal {
  return new Refusal('PREDICATE', say('query.havingOutput', { at }));
}

function comparison(operator: CompareOperator, left: Syntax, right: Syntax, terms: Terms): ReleasedPredicate {
  const mirrored = { '=': '=', '<>': '<>', '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as const;
  if (isConstant(right)) return compared(operator, havingTerm(left, terms), right, terms);
  if (isConstant(left)) return compared(mirrored[operator], havingTerm(right, terms), left, terms);
  throw notAnOutput(left);
}

function compared(
  operator: CompareOperator,
  left: OrderTerm,
  constant: Constant,
  { groups }: Terms,
): ReleasedPredicate {
  const type = left.kind === 'output' ? 'number' : typeOf(groups[left.key]!.expr);
  return { op: 'compare', operator, left, right: constantOfType(constant, type) };
}

type Constant = Extract<Syntax, { kind: 'literal' | 'dated' }>;

function isConstant(syntax: Syntax): syntax is Constant {
  return syntax.kind === 'literal' || syntax.kind === 'dated';
}

/** A constant in the form in which cells hold values of a type. Refuses: TYPE. */
function constantOfType(syntax: Constant, type: ScalarType): Scalar {
  const value = syntax.kind === 'dated' ? syntax.text : syntax.value;
  if (value === null) return null;
  if ((type === 'date' || type === 'timestamp') && typeof value === 'string') {
    const canonical = type === 'date' ? parseDate(value) : parseTimestamp(value);
    if (canonical !== null) return canonical;
    throw new Refusal('TYPE', say('query.literal', { text: value, at: syntax.at, type }));
  }
  const found = syntax.kind === 'dated' ? syntax.type : typeof value;
  if (found !== type) throw new Refusal('TYPE', say('query.type', { at: syntax.at, expected: type, found }));
  return value;
}

function havingTerm(syntax: Syntax, terms: Terms): OrderTerm {
  const term = termOf(syntax, terms);
  if (term === null) throw notAnOutput(syntax);
  return term;
}

function orderTerm(syntax: Syntax, terms: Terms): OrderTerm {
  const term = termOf(syntax, terms);
  if (term === null) throw new Refusal('SHAPE', say('query.orderOutput', { at: syntax.at }));
  return term;
}

/** The SELECT item that an alias, a position, a grouping name or the same expression means. */
function termOf(syntax: Syntax, terms: Terms): OrderTerm | null {
  const { items, groups } = terms;
  const position = syntax.kind === 'literal' && typeof syntax.value === 'number' ? syntax.value - 1 : -1;
  const name = columnName(syntax);
  const index = [
    items.findIndex((item) => name !== null && item.target.alias === name),
    items.findIndex((item) => sameExpression(item.target.expr, syntax)),
    items.findIndex(
      (item) => name !== null && item.kind === 'aggregate' && outputName(item.target.expr) === name,
    ),
    position in items ? position : -1,
  ].find((candidate) => candidate >= 0);
  const item = index === undefined ? undefined : items[index];
  if (item?.kind === 'key') return { kind: 'key', key: item.key };
  if (item?.kind === 'aggregate')
    return item.bound.fn === 'histogram' ? null : { kind: 'output', output: terms.outputOf[index!]! };
  const key = groups.findIndex((group) => group.name === name || group.name === nameOf(syntax));
  return key >= 0 && syntax.kind !== 'literal' ? { kind: 'key', key } : null;
}
