/**
 * Fuzzing of the SQL front end: a grammar far wider than what is accepted, and small changes of accepted statements.
 *
 * Guarantee: a text is refused with a code, or it becomes a Plan that a second reading of the same tree explains,
 * and whose integers from the printed SQL in DuckDB are those of the oracle.
 * Not covered: the last bit of ln and exp; what a statement shows of released values (HAVING, ORDER BY, LIMIT).
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { parseSync } from 'libpg-query';
import { afterAll, describe, expect, test } from 'vitest';
import { computePartials } from '#sandbox/execute.ts';
import { widthOf } from '#sandbox/plan.ts';
import { compileQuery } from '#sandbox/query/compile.ts';
import { sized } from '#tests/support/audit-size.ts';
import { tapedRandom } from '#tests/support/byte-tape.ts';
import {
  type Compile,
  judge,
  restsOnLibraries,
  TEXT_CODES,
  type World,
} from '#tests/support/front-end-fuzz.ts';
import { openRows } from '#tests/support/in-process-engine.ts';
import { scannedRows } from '#tests/support/reference-scan.ts';
import { inKeyOrder, LINEAGE_SEED, oraclePartials, PARAMETERS, sqlCases } from '#tests/support/sql-case.ts';
import { drawStatement } from '#tests/support/sql-grammar.ts';
import { mutated } from '#tests/support/sql-mutations.ts';

/** Worlds to ask about, with statements in scope for each. */
const worlds = fc.sample(sqlCases(12, 24), { ...PARAMETERS, numRuns: sized(10, 60) });

interface Run {
  readonly faults: readonly string[];
  readonly codes: ReadonlySet<string>;
  readonly accepted: readonly { readonly sql: string; readonly world: World }[];
}

/** Judges `count` texts, each of a world in turn. */
function run(count: number, compile: Compile, draw: (turn: number) => string): Run {
  const [faults, codes] = [new Set<string>(), new Set<string>()];
  const accepted: { sql: string; world: World }[] = [];
  for (let turn = 0; turn < count; turn += 1) {
    const world = worlds[turn % worlds.length]!;
    const sql = draw(turn);
    const verdict = judge(compile, sql, world);
    if (verdict.kind === 'fault') faults.add(`${verdict.what}: ${sql.slice(0, 400)}`);
    if (verdict.kind === 'refused') codes.add(verdict.code);
    if (verdict.kind === 'accepted') accepted.push({ sql, world });
  }
  return { faults: [...faults], codes, accepted };
}

/** Statements of the grammar. */
function drawn(seed: string): (turn: number) => string {
  const random = tapedRandom(seed);
  return () => drawStatement(random);
}

/** Changes of statements in scope, and of those that are accepted although they were changed. */
function changed(seed: string): (turn: number) => string {
  const random = tapedRandom(seed);
  return (turn) => {
    const { queries } = worlds[turn % worlds.length]!;
    const [text, other] = [queries[random.below(queries.length)]!, queries[random.below(queries.length)]!];
    return mutated(text.sql, other.sql, random);
  };
}

/** Kinds of nodes in a text's tree. */
function kindsIn(sql: string): readonly string[] {
  try {
    return [...JSON.stringify(parseSync(sql)).matchAll(/"([A-Z]\w+)":\{/g)].map(([, kind = '']) => kind);
  } catch {
    return [];
  }
}

/** Every kind of node that PostgreSQL's grammar can put into a SELECT. */
const SELECT_KINDS =
  `A_ArrayExpr A_Const A_Expr A_Indices A_Indirection A_Star BoolExpr BooleanTest CaseExpr CaseWhen
  CoalesceExpr CollateClause ColumnDef ColumnRef CommonTableExpr FuncCall GroupingFunc GroupingSet Integer JoinExpr
  JsonArgument JsonArrayAgg JsonArrayConstructor JsonArrayQueryConstructor JsonFuncExpr JsonIsPredicate JsonKeyValue
  JsonObjectAgg JsonObjectConstructor JsonParseExpr JsonScalarExpr JsonSerializeExpr JsonTable JsonTableColumn
  JsonValueExpr List LockingClause MinMaxExpr NamedArgExpr NullTest ParamRef RangeFunction RangeSubselect
  RangeTableFunc RangeTableFuncCol RangeTableSample RangeVar ResTarget RowExpr SQLValueFunction SelectStmt
  SetToDefault SortBy String SubLink TypeCast WindowDef XmlExpr XmlSerialize`.split(/\s+/);

/** Statements that are no SELECT, of which a few stand for all: the parser's door lets none of them in. */
const OTHER_KINDS = 'CallStmt CopyStmt DeleteStmt DoStmt ExplainStmt InsertStmt MergeStmt UpdateStmt'.split(
  ' ',
);

const STATEMENTS = sized(3000, 100_000);
const CHANGES = sized(2000, 60_000);
const COMPARED = sized(60, 3000);

const fromGrammar = once(() => run(STATEMENTS, compileQuery, drawn('statements')));
const fromChanges = once(() => run(CHANGES, compileQuery, changed('changes')));

/** Work that several tests look at, done by the first that asks. */
function once<T>(work: () => T): () => T {
  let done: { readonly result: T } | undefined;
  return () => (done ??= { result: work() }).result;
}

describe('any text at all', () => {
  test('of the grammar is refused with a code, or means what a second reading says', () => {
    expect(fromGrammar().faults.slice(0, 5)).toEqual([]);
    expect(fromGrammar().accepted.length / STATEMENTS).toBeGreaterThan(0.1);
    expect(fromGrammar().accepted.length / STATEMENTS).toBeLessThan(0.5);
  });

  test('that is a changed statement is refused with a code, or means what a second reading says', () => {
    expect(fromChanges().faults.slice(0, 5)).toEqual([]);
    expect(fromChanges().accepted.length / CHANGES).toBeGreaterThan(0.03);
  });

  test('leaves the parser as it was', () => {
    for (const { queries, ...world } of worlds)
      for (const { sql } of queries) expect(judge(compileQuery, sql, world).kind, sql).toBe('accepted');
  });

  test('has every kind of node that a SELECT can hold, and is refused with every code of a text', () => {
    const draw = drawn('statements');
    const seen = new Set(Array.from({ length: 3000 }, draw).flatMap(kindsIn));
    expect([...SELECT_KINDS, ...OTHER_KINDS].filter((kind) => !seen.has(kind))).toEqual([]);
    const codes = new Set([...fromGrammar().codes, ...fromChanges().codes]);
    expect(TEXT_CODES.filter((code) => !codes.has(code))).toEqual([]);
  });

  test('gives the integers of the oracle, where it is accepted', async () => {
    const all = [...fromGrammar().accepted, ...fromChanges().accepted];
    const step = Math.max(1, Math.floor(all.length / COMPARED));
    let compared = 0;
    for (const { sql, world } of all.filter((_, index) => index % step === 0)) {
      const difference = await integersDiffer(sql, world);
      expect(difference, sql).not.toBe(true);
      compared += Number(difference === false);
    }
    expect(compared).toBeGreaterThan(COMPARED / 2);
  });
});

/** Entries of all vectors above which the oracle takes its time. */
const ENTRIES_MAX = 20_000;

/** Whether the printed SQL and the oracle differ; null where nobody can say, or it takes too long. */
async function integersDiffer(sql: string, world: World): Promise<boolean | null> {
  const verdict = judge(compileQuery, sql, world);
  if (verdict.kind !== 'accepted') return true;
  const { plan, dataset } = verdict.compiled;
  const cells = plan.keys.mode === 'listed' ? plan.keys.cells : 1;
  const entries = cells * plan.measures.reduce((sum, measure) => sum + widthOf(measure), 0);
  if (restsOnLibraries(plan) || entries > ENTRIES_MAX) return null;
  const { rows } = world.world;
  using engine = await openRows(rows, dataset.columns);
  const want = await oraclePartials(plan, scannedRows(rows, dataset.columns), engine);
  const found = await computePartials(plan, dataset, engine, LINEAGE_SEED);
  return !isDeepStrictEqual(inKeyOrder(found, plan), want);
}

/** Defects as changes of the front end's source. One whose text is no longer there fails. */
const DEFECTS: readonly (readonly [
  name: string,
  file: string,
  text: string,
  instead: string,
  says: string,
])[] = [
  [
    'lets an unknown node through',
    'decode-expression.ts',
    'if (entry === undefined)\n',
    "if (entry === undefined && decoder.depth > 0) return { kind: 'literal', at, value: null };\n  if (entry === undefined)\n",
    'not explained',
  ],
  [
    'lets an unknown field through',
    'decode-expression.ts',
    '!entry.fields.includes(field)',
    'false',
    'not explained: over was not read',
  ],
  [
    'lets the parts of a node through unread',
    'decode-expression.ts',
    'if (unknown !== undefined)\n    throw',
    'if (false)\n    throw',
    'not explained',
  ],
  ['lets a clause through', 'decode.ts', 'of Object.keys(tree))', 'of [])', 'not explained'],
  ['does not see NOT', 'decode-expression.ts', "|| name.startsWith('NOT')", '', 'WHERE keeps other rows'],
  [
    'forgets the condition of a sub-query',
    'bind.ts',
    'conjunction(source.where, bindCondition(select.where, source))',
    'source.where',
    'WHERE keeps other rows',
  ],
  [
    'binds private columns',
    'bind.ts',
    "if (role !== 'unit' && role !== 'hidden') return expr;",
    'return expr;',
    'private',
  ],
  [
    'throws what is no refusal',
    'bind.ts',
    "throw new Refusal('TYPE', say('query.type'",
    "throw new TypeError(say('query.type'",
    'TypeError',
  ],
];

describe('control: a front end that', () => {
  // Below the project's root, so that `#policies/` means ours; git and the checks look past this folder.
  mkdirSync('.tmp', { recursive: true });
  const folder = mkdtempSync('.tmp/fuzz-');
  afterAll(() => rmSync(folder, { recursive: true }));

  test.for(DEFECTS)('%s is caught', async ([name, file, text, instead, says]) => {
    const build = join(folder, name.replaceAll(' ', '-'));
    cpSync('sandbox', build, { recursive: true });
    const path = join(build, 'query', file);
    const source = readFileSync(path, 'utf8');
    expect(source).toContain(text);
    writeFileSync(path, source.replace(text, instead));
    const broken = (await import(resolve(build, 'query/compile.ts'))) as { compileQuery: Compile };
    const draw = drawn('statements');
    const isCaught = (): boolean =>
      run(300, broken.compileQuery, draw).faults.some((fault) => fault.includes(says));
    expect(Array.from({ length: 10 }).some(isCaught)).toBe(true);
  });
});
