/**
 * A second reading of SQL text: from PostgreSQL's tree to what a statement means, independent of the front end.
 *
 * Guarantee: whatever of the tree is not read is an error (`Unexplained`), field by field, so that a statement which
 * the front end accepts and this cannot explain has a part that nobody understood.
 * Not covered: HAVING, ORDER BY and LIMIT are looked through and not given a meaning; they act on released values.
 */
import { loadModule, parseSync } from 'libpg-query';
import type { Dataset } from '#sandbox/manifest/dataset.ts';
import {
  type Expr,
  type NumericFunction,
  type Scalar,
  type ScalarType,
  typeOf,
} from '#sandbox/expression.ts';
import type { Meant, MeantAggregate } from './meaning.ts';
import {
  constantOf,
  constantValue,
  type Fields,
  instant,
  listOf,
  only,
  readCast,
  readFields,
  readNode,
  textOf,
  Unexplained,
} from './tree-reading.ts';

await loadModule();

/** Where names are looked up. */
interface Table {
  readonly names: ReadonlySet<string>;
  readonly columns: ReadonlyMap<string, Expr>;
  readonly wheres: readonly Expr[];
}

type Tables = ReadonlyMap<string, Table>;

/** What a statement over this dataset means. Throws Unexplained for anything that it does not understand. */
export function readMeaning(sql: string, dataset: Dataset): Meant {
  const { stmts = [] } = parseSync(sql) as unknown as { stmts?: readonly { stmt: unknown }[] };
  if (stmts.length !== 1) throw new Unexplained('not one statement');
  const source: Table = {
    names: new Set([dataset.name]),
    columns: new Map(dataset.columns.map(({ name, type }) => [name, columnOf(name, type.kind)])),
    wheres: [],
  };
  return readNode(stmts[0]!.stmt, 'SelectStmt', (fields) =>
    readOuter(fields, new Map([[dataset.name, source]])),
  );
}

function columnOf(name: string, kind: string): Expr {
  const type = kind === 'integer' || kind === 'decimal' ? 'number' : (kind as ScalarType);
  return { op: 'column', name, type };
}

/** A SELECT that aggregates. */
function readOuter(fields: Fields, outer: Tables): Meant {
  const { tables, table, where } = readBody(fields, outer);
  const targets = listOf(fields['targetList']).map((node) =>
    readNode(node, 'ResTarget', (target) => ({ name: target['name'], value: target['val'] })),
  );
  const groups = listOf(fields['groupClause']).map((node) => groupMeant(node, targets, table));
  const aggregates = targets
    .filter(({ value }) => isAggregate(value))
    .map(({ value }) => readCall(value, table));
  const keys = groups.map((node) => read(node, table));
  // What is shown and is no aggregate must be one of the groups.
  const others = targets.filter(({ value }) => !isAggregate(value)).map(({ value }) => read(value, table));
  if (tables.size === 0 || others.length > others.filter(() => keys.length > 0).length)
    throw new Unexplained('a value that is neither key nor aggregate');
  readPresentation(fields, table);
  return { where: where.length === 0 ? null : { op: 'and', args: where }, keys, shown: others, aggregates };
}

/** WITH, FROM and WHERE of any SELECT. */
function readBody(fields: Fields, outer: Tables): { tables: Tables; table: Table; where: readonly Expr[] } {
  only(fields['op'], 'SETOP_NONE');
  only(fields['limitOption'], 'LIMIT_OPTION_DEFAULT', 'LIMIT_OPTION_COUNT');
  const tables = new Map(outer);
  if (fields['withClause'] !== undefined) {
    readFields(fields['withClause'] as Fields, (clause) => {
      for (const node of listOf(clause['ctes'])) {
        readNode(node, 'CommonTableExpr', (cte) => {
          const inner = readNode(cte['ctequery'], 'SelectStmt', (query) => readInner(query, tables));
          tables.set(String(cte['ctename']), inner);
        });
      }
    });
  }
  const [from, ...more] = listOf(fields['fromClause']);
  if (more.length > 0) throw new Unexplained('several tables');
  const table = readTable(from, tables);
  const condition = fields['whereClause'];
  return {
    tables,
    table,
    where: [...table.wheres, ...(condition === undefined ? [] : [read(condition, table)])],
  };
}

function readTable(node: unknown, tables: Tables): Table {
  const kind = Object.keys(node as Fields)[0];
  const aliasOf = (fields: Fields): string | undefined =>
    fields['alias'] === undefined
      ? undefined
      : readFields(fields['alias'] as Fields, (alias) => String(alias['aliasname']));
  if (kind === 'RangeSubselect') {
    return readNode(node, kind, (fields) => {
      const alias = aliasOf(fields);
      const inner = readNode(fields['subquery'], 'SelectStmt', (query) => readInner(query, tables));
      return { ...inner, names: new Set(alias === undefined ? [] : [alias]) };
    });
  }
  return readNode(node, 'RangeVar', (fields) => {
    const name = String(fields['relname']);
    const found = tables.get(name) ?? tables.get([...tables.keys()].find((key) => isSame(key, name)) ?? '');
    if (found === undefined) throw new Unexplained(`no table ${name}`);
    return { ...found, names: new Set([aliasOf(fields) ?? name]) };
  });
}

const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** A sub-query: names for expressions, row by row. */
function readInner(fields: Fields, outer: Tables): Table {
  const { table, where } = readBody(fields, outer);
  const columns = new Map<string, Expr>();
  for (const node of listOf(fields['targetList'])) {
    readNode(node, 'ResTarget', (target) => {
      const value = target['val'] as Fields;
      const name = target['name'] as string | undefined;
      if (isStar(value, table)) for (const [each, expr] of table.columns) columns.set(each, expr);
      else columns.set(name ?? defaultName(value), read(value, table));
    });
  }
  return { names: new Set(), columns, wheres: where };
}

function isStar(node: Fields, { names }: Table): boolean {
  const parts = listOf((node['ColumnRef'] as Fields | undefined)?.['fields']);
  if (!parts.some((part) => 'A_Star' in (part as Fields))) return false;
  const [qualifier, ...more] = parts.slice(0, -1).map(textOf);
  if (more.length > 0 || (qualifier !== undefined && !names.has(qualifier))) throw new Unexplained('a star');
  return true;
}

/** The name of a column that is given none. */
function defaultName(node: Fields): string {
  if ('ColumnRef' in node) return textOf(listOf((node['ColumnRef'] as Fields)['fields']).at(-1));
  if ('FuncCall' in node)
    return textOf(listOf((node['FuncCall'] as Fields)['funcname']).at(-1)).toLowerCase();
  return 'CaseExpr' in node ? 'case' : 'column';
}

/** What GROUP BY means by a place, an alias or an expression. */
function groupMeant(
  node: unknown,
  targets: readonly { name: unknown; value: unknown }[],
  table: Table,
): unknown {
  const constant = (node as Fields)['A_Const'] as Fields | undefined;
  if (constant?.['ival'] !== undefined)
    return targets[Number((constant['ival'] as Fields)['ival'] ?? 0) - 1]?.value;
  const names = listOf(((node as Fields)['ColumnRef'] as Fields | undefined)?.['fields']);
  if (names.length !== 1) return node;
  const name = textOf(names[0]);
  return table.columns.has(name) ? node : (targets.find((target) => target.name === name)?.value ?? node);
}

/** Every node of HAVING, ORDER BY and LIMIT is one that can be read where it stands. */
function readPresentation(fields: Fields, table: Table): void {
  const look = (node: unknown): void => {
    const [kind] = Object.keys(node as Fields);
    if (kind === 'A_Const') return;
    if (kind === 'ColumnRef') listOf(((node as Fields)[kind] as Fields)['fields']).forEach(textOf);
    else if (kind === 'FuncCall' && isAggregate(node)) readCall(node, table);
    else if (kind === 'BoolExpr')
      readNode(node, kind, (test) => [test['boolop'], listOf(test['args']).forEach(look)]);
    else if (kind === 'A_Expr') {
      readNode(node, kind, (test) => {
        const right = test['rexpr'] as Fields;
        const isList = 'List' in right;
        only(test['kind'], 'AEXPR_OP', 'AEXPR_BETWEEN', 'AEXPR_NOT_BETWEEN');
        listOf(test['name']).forEach(textOf);
        if (test['lexpr'] !== undefined) look(test['lexpr']);
        if (isList) readNode(right, 'List', (list) => listOf(list['items']).forEach(look));
        else look(right);
      });
    } else read(node, table);
  };
  if (fields['havingClause'] !== undefined) look(fields['havingClause']);
  for (const node of listOf(fields['sortClause'])) {
    readNode(node, 'SortBy', (sort) => {
      only(sort['sortby_dir'], 'SORTBY_DEFAULT', 'SORTBY_ASC', 'SORTBY_DESC');
      only(sort['sortby_nulls'], 'SORTBY_NULLS_DEFAULT', 'SORTBY_NULLS_FIRST', 'SORTBY_NULLS_LAST');
      look(sort['node']);
    });
  }
  for (const field of ['limitCount', 'limitOffset']) if (fields[field] !== undefined) look(fields[field]);
}

const AGGREGATES: Readonly<Record<string, MeantAggregate['fn']>> = {
  count: 'count',
  sum: 'sum',
  avg: 'avg',
  mean: 'avg',
  variance: 'variance',
  var_samp: 'variance',
  stddev: 'stddev',
  stddev_samp: 'stddev',
  quantile: 'quantile',
  quantile_cont: 'quantile',
  percentile_cont: 'quantile',
  median: 'quantile',
  histogram: 'histogram',
};

function functionName(call: Fields): string {
  const parts = listOf(call['funcname']).map(textOf);
  if (parts.length > 2 || (parts.length === 2 && parts[0] !== 'pg_catalog'))
    throw new Unexplained(`a function ${parts.join('.')}`);
  return parts.at(-1)!.toLowerCase();
}

function isAggregate(node: unknown): boolean {
  const call = (node as Fields | undefined)?.['FuncCall'] as Fields | undefined;
  return call !== undefined && Object.hasOwn(AGGREGATES, functionName(call));
}

function readCall(node: unknown, table: Table): MeantAggregate {
  return readNode(node, 'FuncCall', (call) => {
    const name = functionName(call);
    const fn = AGGREGATES[name]!;
    const filter = call['agg_filter'] === undefined ? null : read(call['agg_filter'], table);
    const args = [...sortedArguments(call, name), ...listOf(call['args'])];
    if (call['agg_star'] === true && (fn !== 'count' || args.length > 0)) throw new Unexplained('a star');
    if (call['agg_distinct'] === true) return countedUnits(fn, args, filter);
    const one: Expr = { op: 'literal', type: 'number', value: 1 };
    const given = args[0] === undefined ? null : read(args[0], table);
    const argument = filter === null ? given : when(filter, given ?? one);
    const constants = args.slice(1).map(constantOf);
    if (fn === 'quantile') return { fn, argument, q: name === 'median' ? 0.5 : Number(constants[0]) };
    if (fn === 'histogram') {
      const [low, high, count] = constants.map(Number) as [number, number, number];
      return { fn, argument, bins: { low, high, count } };
    }
    if (constants.length > 0) throw new Unexplained('too many arguments');
    return { fn, argument };
  });
}

/** The ORDER BY of an ordered-set aggregate, which is its argument. */
function sortedArguments(call: Fields, name: string): readonly unknown[] {
  if (call['agg_within_group'] !== true) {
    only(call['agg_order'], undefined);
    return [];
  }
  only(name, 'percentile_cont', 'quantile_cont', 'quantile');
  return listOf(call['agg_order']).map((node) =>
    readNode(node, 'SortBy', (sort) => {
      only(sort['sortby_dir'], 'SORTBY_DEFAULT', 'SORTBY_ASC');
      // NULL takes no part in a quantile, so that its place does not matter.
      only(sort['sortby_nulls'], 'SORTBY_NULLS_DEFAULT', 'SORTBY_NULLS_FIRST', 'SORTBY_NULLS_LAST');
      return sort['node'];
    }),
  );
}

function countedUnits(fn: string, args: readonly unknown[], filter: Expr | null): MeantAggregate {
  if (fn !== 'count' || args.length !== 1 || filter !== null) throw new Unexplained('DISTINCT');
  return { fn: 'countUnits', argument: null };
}

const NULL: Expr = { op: 'literal', type: 'number', value: null };
const truth = (value: boolean): Expr => ({ op: 'literal', type: 'boolean', value });

function when(condition: Expr, value: Expr, otherwise: Expr = NULL): Expr {
  return { op: 'case', type: typeOf(value), branches: [{ when: condition, then: value }], otherwise };
}

/** A row-wise expression. */
function read(node: unknown, table: Table): Expr {
  const [kind = 'nothing'] = Object.keys(node ?? {});
  const reader = READERS[kind];
  if (reader === undefined) throw new Unexplained(`a node ${kind}`);
  return readNode(node, kind, (fields) => reader(fields, table));
}

const READERS: Readonly<Record<string, (fields: Fields, table: Table) => Expr>> = {
  ColumnRef: (fields, table) => columnMeant(listOf(fields['fields']).map(textOf), table),
  A_Const: (fields) => literal(constantValue(fields)),
  TypeCast: (fields) => {
    const { type, value } = readCast(fields);
    return { op: 'literal', type, value };
  },
  BoolExpr: (fields, table) => {
    const args = listOf(fields['args']).map((arg) => read(arg, table));
    if (fields['boolop'] === 'NOT_EXPR') return { op: 'not', arg: args[0]! };
    only(fields['boolop'], 'AND_EXPR', 'OR_EXPR');
    return { op: fields['boolop'] === 'AND_EXPR' ? 'and' : 'or', args };
  },
  NullTest: (fields, table) => {
    const test: Expr = { op: 'isNull', arg: read(fields['arg'], table) };
    only(fields['nulltesttype'], 'IS_NULL', 'IS_NOT_NULL');
    return fields['nulltesttype'] === 'IS_NULL' ? test : { op: 'not', arg: test };
  },
  BooleanTest: (fields, table) => {
    const arg = read(fields['arg'], table);
    const [, not, word] = /^IS_(NOT_)?(TRUE|FALSE|UNKNOWN)$/.exec(String(fields['booltesttype'])) ?? [];
    if (word === undefined) throw new Unexplained('a test of a condition');
    const holds: Expr =
      word === 'UNKNOWN'
        ? { op: 'isNull', arg }
        : when(word === 'TRUE' ? arg : { op: 'not', arg }, truth(true), truth(false));
    return not === undefined ? holds : { op: 'not', arg: holds };
  },
  CoalesceExpr: (fields, table) => {
    const args = listOf(fields['args']).map((arg) => read(arg, table));
    const type = commonType(args);
    return { op: 'coalesce', type, args: args.map((arg) => as(arg, type)) };
  },
  CaseExpr: readCase,
  A_Expr: readOperator,
  FuncCall: readFunction,
};

function literal(value: Scalar): Expr {
  return { op: 'literal', type: value === null ? 'number' : (typeof value as ScalarType), value };
}

function columnMeant(path: readonly string[], { names, columns }: Table): Expr {
  const [name, qualifier] = path.toReversed();
  if (path.length > 2 || (qualifier !== undefined && !names.has(qualifier)))
    throw new Unexplained(`a name ${path.join('.')}`);
  const found =
    columns.get(name!) ?? columns.get([...columns.keys()].find((key) => isSame(key, name!)) ?? '');
  if (found === undefined) throw new Unexplained(`no column ${name}`);
  return found;
}

/** The type that operands have together: a text constant or NULL takes that of the others. */
function commonType(args: readonly Expr[]): ScalarType {
  const known = args.filter((arg) => arg.op !== 'literal' || arg.value !== null);
  const strict = known.find((arg) => arg.op !== 'literal') ?? known.find((arg) => typeOf(arg) !== 'string');
  return typeOf(strict ?? known[0] ?? NULL);
}

function as(arg: Expr, type: ScalarType): Expr {
  if (arg.op !== 'literal' || typeOf(arg) === type) return arg;
  const { value } = arg;
  const isInstant = typeof value === 'string' && (type === 'date' || type === 'timestamp');
  return { op: 'literal', type, value: isInstant ? instant(value, type) : value };
}

function compared(operator: Extract<Expr, { op: 'compare' }>['operator'], left: Expr, right: Expr): Expr {
  const type = commonType([left, right]);
  return { op: 'compare', operator, left: as(left, type), right: as(right, type) };
}

function readCase(fields: Fields, table: Table): Expr {
  const operand = fields['arg'] === undefined ? null : read(fields['arg'], table);
  const branches = listOf(fields['args']).map((node) =>
    readNode(node, 'CaseWhen', (branch) => {
      const test = read(branch['expr'], table);
      return {
        when: operand === null ? test : compared('=', operand, test),
        then: read(branch['result'], table),
      };
    }),
  );
  const otherwise = fields['defresult'] === undefined ? NULL : read(fields['defresult'], table);
  const type = commonType([...branches.map(({ then }) => then), otherwise]);
  return {
    op: 'case',
    type,
    branches: branches.map((branch) => ({ when: branch.when, then: as(branch.then, type) })),
    otherwise: as(otherwise, type),
  };
}

const COMPARISONS = { '=': '=', '<>': '<>', '!=': '<>', '<': '<', '<=': '<=', '>': '>', '>=': '>=' } as const;
const ARITHMETIC = ['+', '-', '*', '/', '%'] as const;

function readOperator(fields: Fields, table: Table): Expr {
  const names = listOf(fields['name']).map(textOf);
  const [name = ''] = names;
  if (names.length !== 1) throw new Unexplained(`an operator ${names.join('.')}`);
  const left = fields['lexpr'] === undefined ? null : read(fields['lexpr'], table);
  const inverted = (test: Expr, isInverted: boolean): Expr => (isInverted ? { op: 'not', arg: test } : test);
  const right = (): Expr => read(fields['rexpr'], table);
  const items = (): readonly Expr[] =>
    readNode(fields['rexpr'], 'List', (list) => listOf(list['items']).map((item) => read(item, table)));
  switch (fields['kind']) {
    case 'AEXPR_OP':
      return plainOperator(name, left, right());
    case 'AEXPR_IN':
      return inverted(memberOf(left!, items()), name === '<>');
    case 'AEXPR_LIKE': {
      const pattern = right();
      if (pattern.op !== 'literal' || typeof pattern.value !== 'string') throw new Unexplained('a pattern');
      only(name, '~~', '!~~');
      return inverted({ op: 'like', arg: left!, pattern: pattern.value }, name === '!~~');
    }
    case 'AEXPR_BETWEEN':
    case 'AEXPR_NOT_BETWEEN': {
      const [low, high] = items() as [Expr, Expr];
      const args = [compared('>=', left!, low), compared('<=', left!, high)];
      return inverted({ op: 'and', args }, fields['kind'] === 'AEXPR_NOT_BETWEEN');
    }
    case 'AEXPR_DISTINCT':
    case 'AEXPR_NOT_DISTINCT':
      return inverted(same(left!, right()), fields['kind'] === 'AEXPR_DISTINCT');
    case 'AEXPR_NULLIF': {
      const other = right();
      return { ...when(compared('=', left!, other), NULL, left!), type: typeOf(left!) } as Expr;
    }
    default:
      throw new Unexplained(`an expression ${String(fields['kind'])}`);
  }
}

function plainOperator(name: string, left: Expr | null, right: Expr): Expr {
  if (left === null) {
    only(name, '-', '+');
    return name === '-' ? { op: 'negate', arg: right } : right;
  }
  const operator = ARITHMETIC.find((each) => each === name);
  if (operator !== undefined) return { op: 'arithmetic', operator, left, right };
  if (!Object.hasOwn(COMPARISONS, name)) throw new Unexplained(`an operator ${name}`);
  return compared(COMPARISONS[name as keyof typeof COMPARISONS], left, right);
}

/** IN is a chain of equalities. */
function memberOf(subject: Expr, items: readonly Expr[]): Expr {
  const type = commonType([subject, ...items]);
  return { op: 'or', args: items.map((item) => compared('=', as(subject, type), as(item, type))) };
}

/** IS NOT DISTINCT FROM, by cases of NULL. */
function same(left: Expr, right: Expr): Expr {
  const isNull = (arg: Expr): Expr => ({ op: 'isNull', arg });
  return when(isNull(left), isNull(right), when(isNull(right), truth(false), compared('=', left, right)));
}

const NUMERIC: Readonly<Record<string, NumericFunction>> = {
  abs: 'abs',
  floor: 'floor',
  ceil: 'ceil',
  ceiling: 'ceil',
  sqrt: 'sqrt',
  ln: 'ln',
  exp: 'exp',
};

function readFunction(fields: Fields, table: Table): Expr {
  const name = functionName(fields);
  const args = listOf(fields['args']);
  const word = (): never => String(constantOf(args[0])).toLowerCase() as never;
  if (Object.hasOwn(NUMERIC, name) && args.length === 1)
    return { op: 'numeric', fn: NUMERIC[name]!, arg: read(args[0], table) };
  if (name === 'date_trunc' && args.length === 2) {
    const unit: string = word();
    const type = unit === 'hour' ? 'timestamp' : 'date';
    return { op: 'dateTrunc', unit: unit as never, type, arg: read(args[1], table) };
  }
  if ((name === 'extract' || name === 'date_part') && args.length === 2)
    return { op: 'extract', field: word(), arg: read(args[1], table) };
  if (name === 'width_bucket' && args.length === 4) {
    const [low, high, count] = args.slice(1).map((arg) => Number(constantOf(arg))) as [
      number,
      number,
      number,
    ];
    return { op: 'widthBucket', arg: read(args[0], table), low, high, count };
  }
  throw new Unexplained(`a function ${name}`);
}
