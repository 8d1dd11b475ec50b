/**
 * Binding: names to columns of the dataset, syntax to typed expressions, each role kept to its place.
 *
 * Guarantee: a column of role unit or hidden never enters an expression; sub-queries are folded away, so that
 * a bound expression speaks of source columns only.
 */
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { Column, Dataset } from '../manifest/dataset.ts';
import { parseDate, parseTimestamp } from './dates.ts';
import { bindCall, isScalarFunction } from './functions.ts';
import { type CompareOperator, type Expr, operandsOf, type ScalarType, typeOf } from '../expression.ts';
import type { FromSyntax, SelectSyntax, Syntax } from './syntax.ts';
import { someNode } from './syntax.ts';

/** Where an expression stands: it decides how a private column in it is refused. */
export type Place = 'condition' | 'argument' | 'key' | 'projection';

/** A row source with sub-queries folded in: output names → expressions over source columns, and all conditions. */
export interface Relation {
  readonly dataset: Dataset;
  readonly qualifiers: ReadonlySet<string>;
  readonly columns: ReadonlyMap<string, Expr>;
  readonly where: Expr | null;
}

export interface Scope {
  readonly datasets: readonly Dataset[];
  readonly ctes: ReadonlyMap<string, Relation>;
}

/** The relation that a FROM clause names. Refuses: TABLE, COLUMN, SHAPE and what binding an expression refuses. */
export function bindFrom(from: FromSyntax, scope: Scope): Relation {
  if (from.kind === 'select') return qualified(bindRowWise(from.select, scope), from.alias);
  const cte = scope.ctes.get(from.name);
  if (cte !== undefined) return qualified(cte, from.alias ?? from.name);
  const dataset = named(scope.datasets, from.name);
  if (dataset === undefined) {
    const known = scope.datasets.map((candidate) => candidate.name).join(', ');
    throw new Refusal('TABLE', say('query.table', { name: from.name, known }));
  }
  const columns = new Map(dataset.columns.map((column) => [column.name, columnExpr(column)]));
  return { dataset, qualifiers: new Set([from.alias ?? from.name]), columns, where: null };
}

/** Adds the relations of a WITH clause to a scope, each seeing those before it. */
export function bindWiths(select: SelectSyntax, scope: Scope): Scope {
  const ctes = new Map(scope.ctes);
  for (const { name, select: query } of select.withs)
    ctes.set(name, bindRowWise(query, { datasets: scope.datasets, ctes }));
  return { datasets: scope.datasets, ctes };
}

/** A sub-query that chooses and computes row by row. */
function bindRowWise(select: SelectSyntax, outer: Scope): Relation {
  checkRowWise(select);
  const scope = bindWiths(select, outer);
  const source = bindFrom(select.from, scope);
  const columns = new Map<string, Expr>();
  for (const target of select.targets) {
    if (target.expr.kind === 'star')
      for (const [name, expr] of starOf(target.expr, source)) columns.set(name, expr);
    else columns.set(target.alias ?? nameOf(target.expr), bindProjection(target.expr, source));
  }
  return {
    dataset: source.dataset,
    qualifiers: new Set(),
    columns,
    where: conjunction(source.where, bindCondition(select.where, source)),
  };
}

/** All columns, if the star is that of this relation. Refuses: COLUMN. */
function starOf(star: Extract<Syntax, { kind: 'star' }>, relation: Relation): Relation['columns'] {
  const { qualifier, at } = star;
  if (qualifier === null || relation.qualifiers.has(qualifier)) return relation.columns;
  throw unknownColumn({ kind: 'name', at, path: [qualifier, '*'] }, relation);
}

function checkRowWise(select: SelectSyntax): void {
  const clauses: readonly [boolean, string][] = [
    [select.groupBy.length > 0, 'GROUP BY'],
    [select.having !== null, 'HAVING'],
    [select.orderBy.length > 0, 'ORDER BY'],
    [select.limit !== null || select.offset > 0, 'LIMIT'],
    [select.targets.some((target) => someNode(target.expr, isAggregateCall)), 'an aggregate'],
  ];
  const refused = clauses.find(([present]) => present);
  if (refused !== undefined) throw new Refusal('SHAPE', say('query.subqueryClause', { clause: refused[1] }));
}

/** Whether a node is a call of a function that is not row-wise. */
export function isAggregateCall(node: Syntax): boolean {
  return node.kind === 'call' && !isScalarFunction(node.name);
}

/** A bare column passes a sub-query whatever its role; anything computed is bound as usual. */
function bindProjection(syntax: Syntax, relation: Relation): Expr {
  return syntax.kind === 'name' ? resolve(syntax, relation) : bindExpr(syntax, relation, 'projection');
}

/** A WHERE condition, or null. Refuses: PREDICATE for columns that may not be in one. */
export function bindCondition(syntax: Syntax | null, relation: Relation): Expr | null {
  if (syntax === null) return null;
  checkPrivate(syntax, relation);
  return expectType(bindExpr(syntax, relation, 'condition'), 'boolean', syntax.at);
}

function checkPrivate(syntax: Syntax, relation: Relation): void {
  someNode(syntax, (node) => {
    if (node.kind === 'name') resolveIn(node, relation, 'condition');
    return false;
  });
}

/** Binds an expression in its place. Refuses: COLUMN, PREDICATE, PRIVATE_KEY, FUNCTION, TYPE, SHAPE. */
export function bindExpr(syntax: Syntax, relation: Relation, place: Place): Expr {
  return checkExtent(bindNode(syntax, relation, place));
}

function bindNode(syntax: Syntax, relation: Relation, place: Place): Expr {
  const bind = (node: Syntax): Expr => bindExpr(node, relation, place);
  const condition = (node: Syntax): Expr =>
    expectType(bindExpr(node, relation, 'condition'), 'boolean', node.at);
  switch (syntax.kind) {
    case 'name':
      return resolveIn(syntax, relation, place);
    case 'star':
      throw new Refusal('SHAPE', say('query.unknownNode', { node: '*', at: syntax.at }));
    case 'literal':
      return literal(syntax.value);
    case 'dated':
      return dated(syntax.text, syntax.type, syntax.at);
    case 'and':
    case 'or':
      return { op: syntax.kind, args: syntax.args.map(condition) };
    case 'not':
      return { op: 'not', arg: condition(syntax.arg) };
    case 'isNull': {
      const test: Expr = { op: 'isNull', arg: bind(syntax.arg) };
      return syntax.negated ? { op: 'not', arg: test } : test;
    }
    case 'isBoolean':
      return isBoolean(condition(syntax.arg), syntax.value, syntax.negated);
    case 'negate':
      return { op: 'negate', arg: expectType(bind(syntax.arg), 'number', syntax.at) };
    case 'binary':
      return binary(syntax, bind);
    case 'distinct': {
      const same = notDistinct(bind(syntax.left), bind(syntax.right), syntax.at);
      return syntax.negated ? same : { op: 'not', arg: same };
    }
    case 'between': {
      const [arg, low, high] = [bind(syntax.arg), bind(syntax.low), bind(syntax.high)];
      const within: Expr = {
        op: 'and',
        args: [compare('>=', arg, low, syntax.at), compare('<=', arg, high, syntax.at)],
      };
      return syntax.negated ? { op: 'not', arg: within } : within;
    }
    case 'in':
      return membership(bind(syntax.arg), syntax.values.map(bind), syntax.negated, syntax.at);
    case 'like':
      return like(bind(syntax.arg), bind(syntax.pattern), syntax.negated, syntax.at);
    case 'case':
      return choose(
        caseTests(syntax, relation).map((when, index) => ({
          when,
          then: bind(syntax.branches[index]!.then),
        })),
        syntax.otherwise === null ? literal(null) : bind(syntax.otherwise),
        syntax.at,
      );
    case 'coalesce': {
      const args = unified(syntax.args.map(bind), syntax.at);
      return { op: 'coalesce', type: typeOf(args[0]!), args };
    }
    case 'nullif': {
      const [left, right] = [bind(syntax.left), bind(syntax.right)];
      return choose([{ when: compare('=', left, right, syntax.at), then: literal(null) }], left, syntax.at);
    }
    case 'call':
      return bindCall(syntax, bind);
  }
}

/** The conditions of a CASE; an operand is bound once and compared with each value. */
function caseTests(syntax: Extract<Syntax, { kind: 'case' }>, relation: Relation): readonly Expr[] {
  const bind = (node: Syntax): Expr => bindExpr(node, relation, 'condition');
  if (syntax.operand === null)
    return syntax.branches.map((branch) => expectType(bind(branch.when), 'boolean', branch.when.at));
  const operand = bind(syntax.operand);
  return syntax.branches.map((branch) => compare('=', operand, bind(branch.when), branch.when.at));
}

function binary(syntax: Extract<Syntax, { kind: 'binary' }>, bind: (node: Syntax) => Expr): Expr {
  const { operator, at } = syntax;
  const [left, right] = [bind(syntax.left), bind(syntax.right)];
  if (
    operator === '=' ||
    operator === '<>' ||
    operator === '<' ||
    operator === '<=' ||
    operator === '>' ||
    operator === '>='
  ) {
    return compare(operator, left, right, at);
  }
  return {
    op: 'arithmetic',
    operator,
    left: expectType(left, 'number', at),
    right: expectType(right, 'number', at),
  };
}

/** Puts a comparison in one form (constant on the right), so that two spellings of it are one Plan. */
function compare(operator: CompareOperator, left: Expr, right: Expr, at: number): Expr {
  const [a, b] = unified([left, right], at) as [Expr, Expr];
  const mirrored = { '=': '=', '<>': '<>', '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as const;
  if (a.op === 'literal' && b.op !== 'literal')
    return { op: 'compare', operator: mirrored[operator], left: b, right: a };
  return { op: 'compare', operator, left: a, right: b };
}

function notDistinct(left: Expr, right: Expr, at: number): Expr {
  const equal = compare('=', left, right, at);
  const bothNull: Expr = {
    op: 'and',
    args: [
      { op: 'isNull', arg: left },
      { op: 'isNull', arg: right },
    ],
  };
  return { op: 'coalesce', type: 'boolean', args: [{ op: 'or', args: [equal, bothNull] }, literal(false)] };
}

function isBoolean(arg: Expr, value: boolean, negated: boolean): Expr {
  const holds: Expr = {
    op: 'coalesce',
    type: 'boolean',
    args: [value ? arg : { op: 'not', arg }, literal(false)],
  };
  return negated ? { op: 'not', arg: holds } : holds;
}

function membership(arg: Expr, values: readonly Expr[], negated: boolean, at: number): Expr {
  const [subject, ...members] = unified([arg, ...values], at) as [Expr, ...Expr[]];
  const constants = members.map((member) => {
    if (member.op !== 'literal')
      throw new Refusal('SHAPE', say('query.parameter', { name: 'IN', at, rule: '(constant, …)' }));
    return member.value;
  });
  const test: Expr = { op: 'in', arg: subject, values: constants };
  return negated ? { op: 'not', arg: test } : test;
}

function like(arg: Expr, pattern: Expr, negated: boolean, at: number): Expr {
  const text = pattern.op === 'literal' && typeof pattern.value === 'string' ? pattern.value : null;
  const escapes = text === null ? 0 : (/\\*$/.exec(text)?.[0].length ?? 0);
  if (text === null || escapes % 2 === 1) throw new Refusal('TYPE', say('query.likePattern', { at }));
  const test: Expr = { op: 'like', arg: expectType(arg, 'string', at), pattern: text };
  return negated ? { op: 'not', arg: test } : test;
}

function choose(branches: readonly { when: Expr; then: Expr }[], otherwise: Expr, at: number): Expr {
  const values = unified([...branches.map((branch) => branch.then), otherwise], at);
  return {
    op: 'case',
    type: typeOf(values.find((value) => !isNull(value)) ?? otherwise),
    branches: branches.map((branch, index) => ({ when: branch.when, then: values[index]! })),
    otherwise: values.at(-1)!,
  };
}

/** Gives operands one type: NULL takes any, text constants become dates where dates are meant. */
function unified(args: readonly Expr[], at: number): readonly Expr[] {
  const typed = args.filter((arg) => !isNull(arg));
  const target =
    typed.find((arg) => arg.op !== 'literal') ?? typed.find((arg) => typeOf(arg) !== 'string') ?? typed[0];
  const type = target === undefined ? 'number' : typeOf(target);
  return args.map((arg) => (isNull(arg) ? { op: 'literal', type, value: null } : coerce(arg, type, at)));
}

function coerce(arg: Expr, type: ScalarType, at: number): Expr {
  const found = typeOf(arg);
  if (found === type) return arg;
  if (arg.op === 'literal' && typeof arg.value === 'string' && (type === 'date' || type === 'timestamp')) {
    return dated(arg.value, type, at);
  }
  throw new Refusal('TYPE', say('query.type', { at, expected: type, found }));
}

function expectType(expr: Expr, type: ScalarType, at: number): Expr {
  return isNull(expr) ? { op: 'literal', type, value: null } : coerce(expr, type, at);
}

function isNull(expr: Expr): boolean {
  return expr.op === 'literal' && expr.value === null;
}

function literal(value: number | string | boolean | null): Expr {
  const type = value === null ? 'number' : (typeof value as 'number' | 'string' | 'boolean');
  return { op: 'literal', type, value: Object.is(value, -0) ? 0 : value };
}

function dated(text: string, type: 'date' | 'timestamp', at: number): Expr {
  const value = type === 'date' ? parseDate(text) : parseTimestamp(text);
  if (value === null) throw new Refusal('TYPE', say('query.literal', { text, at, type }));
  return { op: 'literal', type, value };
}

interface Extent {
  readonly nodes: number;
  readonly depth: number;
}
const NODES_MAX = 2000;
const DEPTH_MAX = 250;
/** Expressions share parts (a sub-query's column used twice), so extents are remembered by node. */
const extents = new WeakMap<Expr, Extent>();

/** Refuses an expression that, written out, is larger or deeper than an engine should be given (PARSE). */
function checkExtent(expr: Expr): Expr {
  const { nodes, depth } = extentOf(expr);
  if (nodes > NODES_MAX || depth > DEPTH_MAX)
    throw new Refusal('PARSE', say('query.tooLarge', { nodes: NODES_MAX, depth: DEPTH_MAX }));
  return expr;
}

function extentOf(expr: Expr): Extent {
  const known = extents.get(expr);
  if (known !== undefined) return known;
  const parts = operandsOf(expr).map(extentOf);
  const extent = {
    nodes: parts.reduce((sum, part) => sum + part.nodes, 1),
    depth: parts.reduce((depth, part) => Math.max(depth, part.depth), 0) + 1,
  };
  extents.set(expr, extent);
  return extent;
}

/** ANDs two conditions. */
export function conjunction(a: Expr | null, b: Expr | null): Expr | null {
  if (a === null || b === null) return a ?? b;
  return { op: 'and', args: [a, b] };
}

/** The name an unnamed SELECT item goes by: its column, or its function. */
export function nameOf(syntax: Syntax): string {
  if (syntax.kind === 'name') return syntax.path.at(-1)!;
  if (syntax.kind === 'call') return syntax.name;
  return syntax.kind === 'case' ? 'case' : 'column';
}

/** The column a name means, whatever its role. Refuses: COLUMN. */
export function resolve(syntax: Extract<Syntax, { kind: 'name' }>, relation: Relation): Expr {
  const [qualifier, name] = syntax.path.length === 2 ? syntax.path : [null, syntax.path[0]];
  const known = syntax.path.length <= 2 && (qualifier === null || relation.qualifiers.has(qualifier));
  const found = known ? (relation.columns.get(name!) ?? caseless(relation.columns, name!)) : undefined;
  if (found !== undefined) return found;
  throw unknownColumn(syntax, relation);
}

function unknownColumn(syntax: Extract<Syntax, { kind: 'name' }>, relation: Relation): Refusal {
  const open = [...relation.columns].filter(([, expr]) => roleOf(expr, relation.dataset) !== 'hidden');
  const known = open.map(([column]) => column).join(', ');
  return new Refusal('COLUMN', say('query.column', { name: syntax.path.join('.'), at: syntax.at, known }));
}

/** The role of a bound expression: a bare column's own, else value. */
export function roleOf(expr: Expr, dataset: Dataset): Column['role'] {
  if (expr.op !== 'column') return 'value';
  return dataset.columns.find((column) => column.name === expr.name)!.role;
}

function resolveIn(syntax: Extract<Syntax, { kind: 'name' }>, relation: Relation, place: Place): Expr {
  const expr = resolve(syntax, relation);
  const role = roleOf(expr, relation.dataset);
  if (role !== 'unit' && role !== 'hidden') return expr;
  const name = syntax.path.at(-1)!;
  if (place === 'condition') throw new Refusal('PREDICATE', say('query.privatePredicate', { name }));
  if (place === 'key') throw new Refusal('PRIVATE_KEY', say('query.privateKey', { name }));
  throw role === 'unit'
    ? new Refusal('COLUMN', say('query.unitColumn', { name }))
    : unknownColumn(syntax, relation);
}

function columnExpr(column: Column): Expr {
  const kind = column.type.kind;
  return {
    op: 'column',
    name: column.name,
    type: kind === 'integer' || kind === 'decimal' ? 'number' : kind,
  };
}

function qualified(relation: Relation, alias: string | null): Relation {
  return { ...relation, qualifiers: new Set(alias === null ? [] : [alias]) };
}

/** A dataset by its exact name, else by its name in any case if only one fits. */
function named(datasets: readonly Dataset[], name: string): Dataset | undefined {
  const same = datasets.filter((dataset) => dataset.name.toLowerCase() === name.toLowerCase());
  return datasets.find((dataset) => dataset.name === name) ?? (same.length === 1 ? same[0] : undefined);
}

function caseless(columns: ReadonlyMap<string, Expr>, name: string): Expr | undefined {
  const same = [...columns].filter(([column]) => column.toLowerCase() === name.toLowerCase());
  return same.length === 1 ? same[0]![1] : undefined;
}
