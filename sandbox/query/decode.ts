/**
 * Strict decoding of PostgreSQL's tree into our own syntax: a closed list of nodes and of their fields.
 *
 * Guarantee: whatever is not named here, node or field, is refused by name and position; nothing passes unread.
 */
import { Refusal, type RefusedCode } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { decodeExpression, type Decoder, partOf, readableName } from './decode-expression.ts';
import type { ParsedSelect, TreeNode } from './parse.ts';
import type { FromSyntax, OrderSyntax, SelectSyntax, TargetSyntax } from './syntax.ts';

const SELECT_DEPTH_MAX = 8;
const LIMIT_MAX = 2 ** 31 - 1;

/** Clauses of a SELECT that have no aggregate meaning here, by the field the parser puts them in. */
const REFUSED_CLAUSES: Readonly<Record<string, string>> = {
  distinctClause: 'SELECT DISTINCT',
  intoClause: 'SELECT INTO',
  windowClause: 'WINDOW',
  valuesLists: 'VALUES',
  lockingClause: 'FOR UPDATE',
  groupDistinct: 'GROUP BY DISTINCT',
  groupByAll: 'GROUP BY ALL',
  larg: 'UNION, INTERSECT or EXCEPT',
  rarg: 'UNION, INTERSECT or EXCEPT',
};

const SELECT_FIELDS = new Set([
  'targetList',
  'fromClause',
  'whereClause',
  'groupClause',
  'havingClause',
  'sortClause',
  'limitCount',
  'limitOffset',
  'limitOption',
  'withClause',
  'op',
]);

/** Decodes a parsed SELECT. Refuses: SHAPE, TABLE, JOIN, FUNCTION, TYPE, PREDICATE. */
export function decodeSelect(parsed: ParsedSelect): SelectSyntax {
  return selectOf(parsed.tree, { positionOf: parsed.positionOf, depth: 0 }, 0);
}

function selectOf(tree: TreeNode, decoder: Decoder, depth: number): SelectSyntax {
  if (depth > SELECT_DEPTH_MAX) throw new Refusal('SHAPE', say('query.clause', { clause: 'deep nesting' }));
  checkClauses(tree);
  const targets = nodes(tree['targetList']).map((node) => targetOf(node, decoder));
  return {
    at: targets[0]?.at ?? 1,
    withs: withsOf(tree['withClause'] as TreeNode | undefined, decoder, depth),
    targets,
    from: fromOf(nodes(tree['fromClause']), decoder, depth),
    where:
      tree['whereClause'] === undefined ? null : decodeExpression(tree['whereClause'] as TreeNode, decoder),
    groupBy: nodes(tree['groupClause']).map((node) => groupOf(node, decoder)),
    having:
      tree['havingClause'] === undefined ? null : decodeExpression(tree['havingClause'] as TreeNode, decoder),
    orderBy: nodes(tree['sortClause']).map((node) => orderOf(node, decoder)),
    limit: countOf(tree['limitCount'], 'LIMIT', decoder),
    offset: countOf(tree['limitOffset'], 'OFFSET', decoder) ?? 0,
  };
}

function checkClauses(tree: TreeNode): void {
  if (tree['op'] !== 'SETOP_NONE')
    throw new Refusal('SHAPE', say('query.clause', { clause: 'UNION, INTERSECT or EXCEPT' }));
  for (const field of Object.keys(tree)) {
    const clause = REFUSED_CLAUSES[field];
    if (clause !== undefined) throw new Refusal('SHAPE', say('query.clause', { clause }));
    if (!SELECT_FIELDS.has(field)) throw new Refusal('SHAPE', say('query.clause', { clause: field }));
  }
  if (tree['limitOption'] === 'LIMIT_OPTION_WITH_TIES')
    throw new Refusal('SHAPE', say('query.clause', { clause: 'WITH TIES' }));
}

function targetOf(node: TreeNode, decoder: Decoder): TargetSyntax {
  const target = fieldsOf(node, 'ResTarget', ['name', 'val', 'location'], decoder);
  const expr = decodeExpression(target['val'] as TreeNode, decoder);
  return { at: expr.at, expr, alias: (target['name'] as string | undefined) ?? null };
}

function withsOf(tree: TreeNode | undefined, decoder: Decoder, depth: number): SelectSyntax['withs'] {
  if (tree === undefined) return [];
  partOf(tree, ['ctes', 'recursive', 'location'], 1);
  if (tree['recursive'] === true)
    throw new Refusal('SHAPE', say('query.clause', { clause: 'WITH RECURSIVE' }));
  return nodes(tree['ctes']).map((node) => {
    const cte = fieldsOf(
      node,
      'CommonTableExpr',
      ['ctename', 'ctematerialized', 'ctequery', 'location'],
      decoder,
    );
    const { SelectStmt: query, ...more } = cte['ctequery'] as TreeNode;
    if (query === undefined || Object.keys(more).length > 0)
      throw new Refusal('SHAPE', say('query.clause', { clause: 'WITH … AS (not a SELECT)' }));
    return { name: cte['ctename'] as string, select: selectOf(query as TreeNode, decoder, depth + 1) };
  });
}

function fromOf(items: readonly TreeNode[], decoder: Decoder, depth: number): FromSyntax {
  const item = items[0];
  if (item === undefined) throw new Refusal('TABLE', say('query.tableKind', { at: 1 }));
  if (items.length > 1 || 'JoinExpr' in item) throw new Refusal('JOIN', say('query.join'));
  if ('RangeVar' in item) {
    const table = fieldsOf(
      item,
      'RangeVar',
      ['relname', 'inh', 'relpersistence', 'alias', 'location'],
      decoder,
      'TABLE',
    );
    return {
      kind: 'table',
      at: positionOf(table, decoder),
      name: table['relname'] as string,
      alias: aliasOf(table['alias'], decoder),
    };
  }
  if ('RangeSubselect' in item) {
    const sub = fieldsOf(item, 'RangeSubselect', ['subquery', 'alias'], decoder);
    const query = partOf(sub['subquery'], ['SelectStmt'], 1)['SelectStmt'] as TreeNode;
    return {
      kind: 'select',
      at: 1,
      select: selectOf(query, decoder, depth + 1),
      alias: aliasOf(sub['alias'], decoder),
    };
  }
  if ('RangeTableSample' in item) throw new Refusal('SHAPE', say('query.clause', { clause: 'TABLESAMPLE' }));
  throw new Refusal(
    'TABLE',
    say('query.tableKind', { at: positionOf(Object.values(item)[0] as TreeNode, decoder) }),
  );
}

function aliasOf(alias: unknown, decoder: Decoder): string | null {
  if (alias === undefined) return null;
  const fields = alias as TreeNode;
  if ('colnames' in fields)
    throw new Refusal('SHAPE', say('query.clause', { clause: 'a list of column aliases' }));
  return fieldsOf({ Alias: fields }, 'Alias', ['aliasname'], decoder)['aliasname'] as string;
}

function groupOf(node: TreeNode, decoder: Decoder): ReturnType<typeof decodeExpression> {
  if ('GroupingSet' in node)
    throw new Refusal('SHAPE', say('query.clause', { clause: 'GROUPING SETS, CUBE or ROLLUP' }));
  return decodeExpression(node, decoder);
}

function orderOf(node: TreeNode, decoder: Decoder): OrderSyntax {
  const sort = fieldsOf(node, 'SortBy', ['node', 'sortby_dir', 'sortby_nulls', 'location'], decoder);
  const direction = sort['sortby_dir'];
  if (direction === 'SORTBY_USING')
    throw new Refusal('SHAPE', say('query.clause', { clause: 'ORDER BY … USING' }));
  const descending = direction === 'SORTBY_DESC';
  const nulls = sort['sortby_nulls'];
  return {
    expr: decodeExpression(sort['node'] as TreeNode, decoder),
    descending,
    nullsFirst: nulls === 'SORTBY_NULLS_DEFAULT' ? descending : nulls === 'SORTBY_NULLS_FIRST',
  };
}

function countOf(node: unknown, clause: string, decoder: Decoder): number | null {
  if (node === undefined) return null;
  const syntax = decodeExpression(node as TreeNode, decoder);
  const value = syntax.kind === 'literal' ? syntax.value : undefined;
  if (value === null) return null;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > LIMIT_MAX) {
    throw new Refusal('PARAM', say('query.parameter', { name: clause, at: syntax.at, rule: '0, 1, 2, …' }));
  }
  return value;
}

function nodes(list: unknown): readonly TreeNode[] {
  return (list as readonly TreeNode[] | undefined) ?? [];
}

function positionOf(fields: TreeNode, decoder: Decoder): number {
  return decoder.positionOf((fields['location'] as number | undefined) ?? 0);
}

/** The fields of a node of the one expected kind; any other kind or field is refused by name. */
function fieldsOf(
  node: TreeNode,
  kind: string,
  allowed: readonly string[],
  decoder: Decoder,
  code: RefusedCode = 'SHAPE',
): TreeNode {
  const fields = node[kind] as TreeNode | undefined;
  const other = Object.keys(node).find((name) => name !== kind);
  const unknown = other ?? Object.keys(fields ?? {}).find((field) => !allowed.includes(field));
  if (fields === undefined || unknown !== undefined) {
    const at = positionOf(fields ?? (Object.values(node)[0] as TreeNode), decoder);
    throw new Refusal(code, say('query.unknownNode', { node: readableName(unknown ?? kind), at }));
  }
  return fields;
}
