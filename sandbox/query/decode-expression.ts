/** Decoding of the expression nodes that a query may use: each kind and each field is named here or refused. */
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { TreeNode } from './parse.ts';
import type { BinaryOperator, Syntax } from './syntax.ts';

export interface Decoder {
  readonly positionOf: (byteOffset: number) => number;
  /** How deep the node being decoded lies in its expression. */
  readonly depth: number;
}

type Decode = (fields: TreeNode, at: number, decoder: Decoder) => Syntax;

const DEPTH_MAX = 200;

const BINARY = new Set<string>(['=', '<>', '<', '<=', '>', '>=', '+', '-', '*', '/', '%']);

/** Node kind → the fields it may have and how it decodes. */
const NODES: Readonly<Record<string, { readonly fields: readonly string[]; readonly decode: Decode }>> = {
  ColumnRef: { fields: ['fields', 'location'], decode: columnRef },
  A_Const: { fields: ['ival', 'fval', 'sval', 'boolval', 'isnull', 'location'], decode: constant },
  A_Expr: {
    fields: ['kind', 'name', 'lexpr', 'rexpr', 'location', 'rexpr_list_start', 'rexpr_list_end'],
    decode: operator,
  },
  BoolExpr: { fields: ['boolop', 'args', 'location'], decode: boolean },
  NullTest: { fields: ['arg', 'nulltesttype', 'location'], decode: nullTest },
  BooleanTest: { fields: ['arg', 'booltesttype', 'location'], decode: booleanTest },
  CaseExpr: { fields: ['arg', 'args', 'defresult', 'location'], decode: caseExpression },
  CoalesceExpr: {
    fields: ['args', 'location'],
    decode: (fields, at, decoder) => ({ kind: 'coalesce', at, args: list(fields['args'], decoder) }),
  },
  TypeCast: { fields: ['arg', 'typeName', 'location'], decode: cast },
  FuncCall: {
    fields: [
      'funcname',
      'args',
      'agg_star',
      'agg_distinct',
      'agg_filter',
      'agg_order',
      'agg_within_group',
      'funcformat',
      'location',
    ],
    decode: call,
  },
};

/** What the parser's names mean to a reader, where they are not SQL words. */
const READABLE: Readonly<Record<string, string>> = {
  SubLink: 'a sub-query in an expression',
  ParamRef: 'a parameter',
  SQLValueFunction: 'CURRENT_DATE and the like',
  MinMaxExpr: 'GREATEST, LEAST',
  A_ArrayExpr: 'an array',
  A_Indirection: 'a subscript',
  RowExpr: 'a row value',
  over: 'a window (OVER)',
  useOp: 'ORDER BY … USING',
  typmods: 'the precision of a type',
  arrayBounds: 'an array type',
  schemaname: 'a schema name',
  catalogname: 'a database name',
};

/** The parser's name of a node or field, as a reader would say it. */
export function readableName(name: string): string {
  return READABLE[name] ?? name;
}

/** Kinds that are refused with a code of their own; all others are SHAPE. */
const REFUSED_NODES: Readonly<Record<string, 'FUNCTION'>> = {
  SQLValueFunction: 'FUNCTION',
  MinMaxExpr: 'FUNCTION',
  XmlExpr: 'FUNCTION',
  JsonFuncExpr: 'FUNCTION',
  GroupingFunc: 'FUNCTION',
};

/** Decodes one expression. Refuses: SHAPE, FUNCTION, TYPE, PREDICATE. */
export function decodeExpression(node: TreeNode, decoder: Decoder): Syntax {
  return sub(node, { ...decoder, depth: 0 });
}

function sub(unread: unknown, decoder: Decoder): Syntax {
  const node = unread as TreeNode;
  const kind = Object.keys(node)[0] ?? 'nothing';
  const fields = (node[kind] ?? {}) as TreeNode;
  const at = decoder.positionOf((fields['location'] as number | undefined) ?? 0);
  partOf(node, [kind], at);
  const entry = NODES[kind];
  if (entry === undefined)
    throw new Refusal(
      REFUSED_NODES[kind] ?? 'SHAPE',
      say('query.unknownNode', { node: readableName(kind), at }),
    );
  if (decoder.depth > DEPTH_MAX) throw new Refusal('PARSE', say('parse.tooDeep', { max: DEPTH_MAX }));
  const unknown = Object.keys(fields).find((field) => !entry.fields.includes(field));
  if (unknown !== undefined)
    throw new Refusal('SHAPE', say('query.unknownNode', { node: readableName(unknown), at }));
  return entry.decode(fields, at, { ...decoder, depth: decoder.depth + 1 });
}

function list(items: unknown, decoder: Decoder): readonly Syntax[] {
  return ((items as readonly TreeNode[] | undefined) ?? []).map((item) => sub(item, decoder));
}

/** The fields of a part of a node, which may have these and no others. Refuses: SHAPE. */
export function partOf(part: unknown, allowed: readonly string[], at: number): TreeNode {
  const fields = (part ?? {}) as TreeNode;
  const unknown = Object.keys(fields).find((field) => !allowed.includes(field));
  if (unknown !== undefined)
    throw new Refusal('SHAPE', say('query.unknownNode', { node: readableName(unknown), at }));
  return fields;
}

function stringsOf(names: unknown, at: number): readonly string[] {
  return ((names as readonly TreeNode[] | undefined) ?? []).map((name) => {
    const text = partOf(partOf(name, ['String'], at)['String'], ['sval'], at);
    return (text['sval'] as string | undefined) ?? '';
  });
}

function columnRef(fields: TreeNode, at: number): Syntax {
  const parts = fields['fields'] as readonly TreeNode[];
  if (!parts.some((part) => 'A_Star' in part)) return { kind: 'name', at, path: stringsOf(parts, at) };
  const path = stringsOf(parts.slice(0, -1), at);
  partOf(partOf(parts.at(-1), ['A_Star'], at)['A_Star'], [], at);
  return { kind: 'star', at, qualifier: path.length === 0 ? null : path.join('.') };
}

function constant(fields: TreeNode, at: number): Syntax {
  // The parser leaves out what is zero, false or empty.
  const part = (kind: string): unknown => partOf(fields[kind], [kind], at)[kind];
  if (fields['isnull'] === true) return { kind: 'literal', at, value: null };
  if (fields['sval'] !== undefined)
    return { kind: 'literal', at, value: (part('sval') as string | undefined) ?? '' };
  if (fields['boolval'] !== undefined)
    return { kind: 'literal', at, value: (part('boolval') as boolean | undefined) ?? false };
  const text = part('fval') as string | undefined;
  const value =
    text === undefined ? ((part('ival') as number | undefined) ?? 0) : Number(text.replaceAll('_', ''));
  if (!Number.isFinite(value))
    throw new Refusal('TYPE', say('query.literal', { text: text ?? '', at, type: 'number' }));
  return { kind: 'literal', at, value };
}

function operator(fields: TreeNode, at: number, decoder: Decoder): Syntax {
  const name = stringsOf(fields['name'], at).join('.');
  const negated = name.startsWith('!') || name === '<>' || name.startsWith('NOT');
  const left = (): Syntax => sub(fields['lexpr'], decoder);
  const right = (): Syntax => sub(fields['rexpr'], decoder);
  const items = (): readonly Syntax[] =>
    list(partOf(partOf(fields['rexpr'], ['List'], at)['List'], ['items'], at)['items'], decoder);
  switch (fields['kind']) {
    case 'AEXPR_OP':
      return arithmetic(name, fields, at, decoder);
    case 'AEXPR_IN':
      return { kind: 'in', at, arg: left(), values: items(), negated };
    case 'AEXPR_LIKE':
      return { kind: 'like', at, arg: left(), pattern: right(), negated };
    case 'AEXPR_DISTINCT':
    case 'AEXPR_NOT_DISTINCT':
      return {
        kind: 'distinct',
        at,
        left: left(),
        right: right(),
        negated: fields['kind'] === 'AEXPR_NOT_DISTINCT',
      };
    case 'AEXPR_NULLIF':
      return { kind: 'nullif', at, left: left(), right: right() };
    case 'AEXPR_BETWEEN':
    case 'AEXPR_NOT_BETWEEN': {
      const [low, high] = items();
      if (low === undefined || high === undefined) break;
      return { kind: 'between', at, arg: left(), low, high, negated };
    }
  }
  throw new Refusal('FUNCTION', say('query.unknownNode', { node: name, at }));
}

function arithmetic(name: string, fields: TreeNode, at: number, decoder: Decoder): Syntax {
  const operatorName = name === '!=' ? '<>' : name;
  if (!BINARY.has(operatorName)) throw new Refusal('FUNCTION', say('query.unknownNode', { node: name, at }));
  const right = sub(fields['rexpr'], decoder);
  if (fields['lexpr'] !== undefined) {
    return {
      kind: 'binary',
      at,
      operator: operatorName as BinaryOperator,
      left: sub(fields['lexpr'], decoder),
      right,
    };
  }
  if (name === '+') return right;
  if (name !== '-') throw new Refusal('FUNCTION', say('query.unknownNode', { node: name, at }));
  if (right.kind === 'literal' && typeof right.value === 'number')
    return { kind: 'literal', at, value: -right.value };
  return { kind: 'negate', at, arg: right };
}

function boolean(fields: TreeNode, at: number, decoder: Decoder): Syntax {
  const args = list(fields['args'], decoder);
  if (fields['boolop'] === 'NOT_EXPR') return { kind: 'not', at, arg: args[0]! };
  return { kind: fields['boolop'] === 'AND_EXPR' ? 'and' : 'or', at, args };
}

function nullTest(fields: TreeNode, at: number, decoder: Decoder): Syntax {
  return {
    kind: 'isNull',
    at,
    arg: sub(fields['arg'], decoder),
    negated: fields['nulltesttype'] === 'IS_NOT_NULL',
  };
}

function booleanTest(fields: TreeNode, at: number, decoder: Decoder): Syntax {
  const arg = sub(fields['arg'], decoder);
  const test = fields['booltesttype'] as string;
  const negated = test.startsWith('IS_NOT_');
  if (test.endsWith('UNKNOWN')) return { kind: 'isNull', at, arg, negated };
  return { kind: 'isBoolean', at, arg, value: test.endsWith('TRUE'), negated };
}

function caseExpression(fields: TreeNode, at: number, decoder: Decoder): Syntax {
  const operand = fields['arg'] === undefined ? null : sub(fields['arg'], decoder);
  const branches = (fields['args'] as readonly TreeNode[]).map((node) => {
    const branch = partOf(partOf(node, ['CaseWhen'], at)['CaseWhen'], ['expr', 'result', 'location'], at);
    return { when: sub(branch['expr'], decoder), then: sub(branch['result'], decoder) };
  });
  return {
    kind: 'case',
    at,
    operand,
    branches,
    otherwise: fields['defresult'] === undefined ? null : sub(fields['defresult'], decoder),
  };
}

/** Casts make dates and timestamps of constants; a number may be cast to a floating type, which changes nothing. */
function cast(fields: TreeNode, at: number, decoder: Decoder): Syntax {
  const typeName = fields['typeName'] as TreeNode;
  const type = withoutSystemSchema(stringsOf(typeName['names'], at));
  const arg = sub(fields['arg'], decoder);
  const value = arg.kind === 'literal' ? arg.value : null;
  const isInstant = typeof value === 'string' && (type === 'date' || type === 'timestamp');
  const isNumber = typeof value === 'number' && (type === 'float8' || type === 'numeric');
  if (!isInstant && !isNumber)
    throw new Refusal('FUNCTION', say('query.unknownNode', { node: `cast to ${type}`, at }));
  // A precision or an array would make another type of it than its name says.
  partOf(typeName, ['names', 'typemod', 'location'], at);
  return isInstant ? { kind: 'dated', at: arg.at, type, text: value } : arg;
}

/** Aggregates whose argument may stand in WITHIN GROUP (ORDER BY …). */
const ORDERED_SETS = new Set(['percentile_cont', 'quantile_cont', 'quantile']);
/** Without `useOp`, the operator of ORDER BY … USING. */
const SORT_FIELDS = ['node', 'sortby_dir', 'sortby_nulls', 'location'];

function withoutSystemSchema([first, ...rest]: readonly string[]): string {
  return first === 'pg_catalog' && rest.length > 0 ? rest.join('.') : [first, ...rest].join('.');
}

function call(fields: TreeNode, at: number, decoder: Decoder): Syntax {
  const name = withoutSystemSchema(stringsOf(fields['funcname'], at)).toLowerCase();
  const order = (fields['agg_order'] as readonly TreeNode[] | undefined) ?? [];
  const within = fields['agg_within_group'] === true;
  if (order.length > 0 && !within)
    throw new Refusal('SHAPE', say('query.clause', { clause: 'ORDER BY inside an aggregate' }));
  if (within && !ORDERED_SETS.has(name))
    throw new Refusal('FUNCTION', say('query.clause', { clause: 'WITHIN GROUP' }));
  const sorted = order.map((item) => {
    const sort = partOf(partOf(item, ['SortBy'], at)['SortBy'], SORT_FIELDS, at);
    if (sort['sortby_dir'] === 'SORTBY_DESC')
      throw new Refusal('SHAPE', say('query.clause', { clause: 'WITHIN GROUP (… DESC)' }));
    return sub(sort['node'], decoder);
  });
  return {
    kind: 'call',
    at,
    name,
    args: [...sorted, ...list(fields['args'], decoder)],
    star: fields['agg_star'] === true,
    distinct: fields['agg_distinct'] === true,
    filter: fields['agg_filter'] === undefined ? null : sub(fields['agg_filter'], decoder),
  };
}
