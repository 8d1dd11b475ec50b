/**
 * The decoder is closed: every node that PostgreSQL's parser knows, and every field of those that are understood.
 *
 * Trees are changed by hand here, so that nodes are tried where no text could put them.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Refusal } from '#policies/refusal.ts';
import { decodeSelect } from '#sandbox/query/decode.ts';
import { parseSelect, type TreeNode } from '#sandbox/query/parse.ts';
import { sized } from '#tests/support/audit-size.ts';

/** One statement with everything in it that the decoder understands. */
const RICH = `
  WITH t AS MATERIALIZED (SELECT v.*, age + 1 AS x FROM ONLY people AS v WHERE flag IS NOT TRUE)
  SELECT CASE zip WHEN 'a' THEN 1 ELSE 2 END AS k, COUNT(*), SUM(DISTINCT x) AS a,
    PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY x ASC NULLS LAST),
    AVG(- COALESCE(x, NULLIF(x, 1.5))) FILTER (WHERE x IN (1, 2) AND NOT (x BETWEEN 3 AND 4))
  FROM (SELECT * FROM t) AS s
  WHERE x IS NULL OR zip LIKE 'a%' OR x IS DISTINCT FROM 7 OR TRUE = flag OR day < DATE '2024-01-01'
  GROUP BY 1 HAVING a > 3 ORDER BY 1 DESC NULLS FIRST LIMIT 3 OFFSET 1`;

/** Every kind of node there is, from the declarations of the parser's package. */
const KINDS = kindsOf();

function kindsOf(): readonly string[] {
  const parser = createRequire(import.meta.url).resolve('libpg-query');
  const types = join(dirname(createRequire(parser).resolve('@pgsql/types')), 'types.d.ts');
  return [...readFileSync(types, 'utf8').matchAll(/^\s+(\w+): \1;$/gm)].map(([, kind = '']) => kind);
}

type Path = readonly (string | number)[];
const isObject = (value: unknown): value is TreeNode => typeof value === 'object' && value !== null;

/** Every place in a tree, with what stands there. */
function placesOf(value: unknown, path: Path = []): readonly (readonly [Path, TreeNode])[] {
  if (!isObject(value)) return [];
  const inner = Object.entries(value).flatMap(([name, part]) => placesOf(part, [...path, name]));
  return Array.isArray(value) ? inner : [[path, value], ...inner];
}

function decode(change: (tree: TreeNode) => void): string {
  const parsed = parseSelect(RICH);
  const tree = structuredClone(parsed.tree);
  change(tree);
  try {
    decodeSelect({ ...parsed, tree });
    return 'accepted';
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

function at(tree: TreeNode, path: Path): Record<string, unknown> {
  return path.reduce<Record<string, unknown>>(
    (node, name) => node[name] as Record<string, unknown>,
    tree as Record<string, unknown>,
  );
}

const places = placesOf(parseSelect(RICH).tree);
/** Where a node stands: an object of one field, the node's kind. */
const nodePlaces = places.filter(([path, value]) => {
  const [kind = '', ...more] = Object.keys(value);
  return path.length > 0 && more.length === 0 && KINDS.includes(kind) && !isInner(path);
});

/** `{ ival: { ival: 1 } }`: the value of a constant, which has no kind of its own. */
function isInner(path: Path): boolean {
  return ['ival', 'fval', 'sval', 'boolval'].includes(String(path.at(-1)));
}

describe('the decoder', () => {
  test('accepts the statement that is changed here, and knows what there is', () => {
    expect(decode(() => undefined)).toBe('accepted');
    expect(KINDS.length).toBeGreaterThan(250);
    expect(KINDS).toEqual(expect.arrayContaining(['A_Expr', 'SubLink', 'WindowFunc', 'JsonTable', 'DoStmt']));
    expect(nodePlaces.length).toBeGreaterThan(80);
  });

  test('refuses a field that it does not know, in whatever part of the tree', () => {
    const letBy = places.filter(
      ([path]) => decode((tree) => (at(tree, path)['unheard_of'] = true)) === 'accepted',
    );
    expect(letBy.map(([path]) => path.join('.'))).toEqual([]);
  });

  test('refuses every node that does not belong, in every place where a node stands', () => {
    const known = new Set(nodePlaces.flatMap(([, value]) => Object.keys(value)));
    const strangers = KINDS.filter((kind) => !known.has(kind));
    // Every pair in the audit; on every commit each kind in one place out of eight, and each place with one out of eight.
    const step = sized(8, 1);
    const letBy = nodePlaces.flatMap(([path], place) =>
      strangers
        .filter((_, index) => (index + place) % step === 0)
        .filter((kind) => decode((tree) => replace(tree, path, { [kind]: {} })) === 'accepted')
        .map((kind) => `${kind} at ${path.join('.')}`),
    );
    expect(letBy).toEqual([]);
  });
});

function replace(tree: TreeNode, path: Path, node: TreeNode): void {
  at(tree, path.slice(0, -1))[path.at(-1)!] = node;
}
