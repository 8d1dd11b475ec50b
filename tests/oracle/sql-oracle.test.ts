/**
 * The SQL path against the oracle: generated statements over generated data, from text to exact integers.
 *
 * Guarantee: every operator and aggregate is generated; a difference of a single unit in any integer fails. The
 * front end is also held to the meaning that the generator built beside the text.
 * Not covered: the last bit of ln and exp; sources beyond the size of a test.
 */
import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { computePartials } from '#sandbox/execute.ts';
import type { Partials } from '#sandbox/plan.ts';
import { changedEngine, openRows, prepareInProcess } from '#tests/support/in-process-engine.ts';
import { AMOUNT_COLUMN } from '#tests/support/dataset-generator.ts';
import { differenceOf } from '#tests/support/meaning.ts';
import { FEATURES } from '#tests/support/query-generator.ts';
import type { Row } from '#tests/support/reference-expression.ts';
import { dirtied, scannedRows } from '#tests/support/reference-scan.ts';
import {
  LINEAGE_SEED,
  PARAMETERS,
  RUNS,
  SourceFolder,
  compileCase,
  inKeyOrder,
  oraclePartials,
  sqlCases,
} from '#tests/support/sql-case.ts';

const folder = new SourceFolder();
afterAll(() => folder[Symbol.dispose]());

test('accepts every generated statement, and every feature is generated', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(sqlCases(20, 0), (chosen) => {
      for (const query of chosen.queries) {
        compileCase(query.sql, chosen);
        for (const feature of query.features) seen.add(feature);
      }
    }),
    { ...PARAMETERS, numRuns: RUNS },
  );
  expect(FEATURES.filter((feature) => !seen.has(feature))).toEqual([]);
});

test('means by every statement what its text says', () => {
  fc.assert(
    fc.property(sqlCases(5, 20), (chosen) => {
      for (const query of chosen.queries) {
        const difference = differenceOf(query, compileCase(query.sql, chosen), chosen.world.rows);
        expect(difference, query.sql).toBeNull();
      }
    }),
    { ...PARAMETERS, numRuns: RUNS },
  );
});

const isFilled = ({ vectors }: Partials): boolean =>
  vectors.some((vector) => vector.some((value) => value !== 0n));

test('computes exactly the integers of the oracle, from the source and from a prepared copy', async () => {
  let [filled, all] = [0, 0];
  await fc.assert(
    fc.asyncProperty(sqlCases(5, 60), async (chosen) => {
      using engine = await folder.open(chosen.world.rows, chosen.world);
      const prepared = await prepareInProcess(engine, chosen.world.dataset);
      const rows = scannedRows(chosen.world.rows, chosen.world.dataset.columns);
      for (const { sql } of chosen.queries) {
        const { plan, dataset } = compileCase(sql, chosen);
        const want = await oraclePartials(plan, rows, engine);
        for (const source of [engine, prepared]) {
          const found = await computePartials(plan, dataset, source, LINEAGE_SEED);
          expect(inKeyOrder(found, plan), sql).toEqual(want);
        }
        [filled, all] = [filled + Number(isFilled(want)), all + 1];
      }
    }),
    { ...PARAMETERS, numRuns: RUNS },
  );
  // Agreement on nothing but zeros would prove little.
  expect(filled / all).toBeGreaterThan(0.4);
});

test('cleans dirty text as the oracle does', async () => {
  await fc.assert(
    fc.asyncProperty(sqlCases(5, 60), async (chosen) => {
      const { columns } = chosen.world.dataset;
      const stored = dirtied(chosen.world.rows, columns);
      using engine = await folder.open(stored, chosen.world, 'csv');
      const rows = scannedRows(emptyTextAsNull(stored), columns);
      for (const { sql } of chosen.queries) {
        const { plan, dataset } = compileCase(sql, chosen);
        const found = inKeyOrder(await computePartials(plan, dataset, engine, LINEAGE_SEED), plan);
        expect(found, sql).toEqual(await oraclePartials(plan, rows, engine));
      }
    }),
    { ...PARAMETERS, numRuns: Math.ceil(RUNS / 2) },
  );
});

/** In CSV an empty text and NULL are one. */
function emptyTextAsNull(rows: readonly Row[]): readonly Row[] {
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value === '' ? null : value])),
  );
}

/** Columns as other systems store them: numbers as text, days with a time, instants instead of local time. */
const STORED: Readonly<Record<string, string>> = {
  order: 'SMALLINT',
  flag: 'VARCHAR',
  day: 'VARCHAR',
  code: 'HUGEINT',
  since: 'TIMESTAMP',
  at: 'TIMESTAMP WITH TIME ZONE',
  age: 'DOUBLE',
  [AMOUNT_COLUMN]: 'VARCHAR',
  price: 'DOUBLE',
};

test('reads columns that are stored in another type', async () => {
  await fc.assert(
    fc.asyncProperty(sqlCases(5, 60), async (chosen) => {
      const { columns } = chosen.world.dataset;
      // Shanghai has been at UTC+8 all year only since 1992.
      const local = chosen.world.rows.map((row) => (String(row['at']) < '1992' ? { ...row, at: null } : row));
      const rows = local.map((row) => (row['at'] === null ? row : { ...row, at: `${row['at']}+08:00` }));
      const stored = columns.map(({ name, type }) => {
        const unit = name === 'uid' && type.kind === 'integer' ? 'DOUBLE' : undefined;
        return {
          name,
          type,
          ...((unit ?? STORED[name]) ? { stored: unit ?? (STORED[name] as string) } : {}),
        };
      });
      using engine = await openRows(rows.map(withBadNumbers), stored);
      const scanned = scannedRows(local.map(withBadNumbers), columns);
      for (const { sql } of chosen.queries) {
        const { plan, dataset } = compileCase(sql, chosen);
        const found = inKeyOrder(await computePartials(plan, dataset, engine, LINEAGE_SEED), plan);
        expect(found, sql).toEqual(await oraclePartials(plan, scanned, engine));
      }
    }),
    { ...PARAMETERS, numRuns: Math.ceil(RUNS / 2) },
  );
});

/** What a column of doubles can hold and an integer column cannot. */
function withBadNumbers(row: Row, i: number): Row {
  if (i % 5 !== 0) return row;
  const age = [Number.NaN, 1.5, Infinity, 2 ** 60][(i / 5) % 4] as number;
  return typeof row['uid'] === 'number' ? { ...row, age, uid: Number.NaN } : { ...row, age };
}

/** Defects as changes of the printed SQL. One that no longer changes any statement is missed, and so fails. */
const DEFECTS: readonly (readonly [name: string, pattern: RegExp, replacement: string])[] = [
  ['lets NaN through the scan', /CASE WHEN NOT isnan\(("[^"]+")\) THEN \1 END/g, '$1'],
  ['keeps rows without a unit', /FROM source WHERE .* IS NOT NULL\)/g, 'FROM source)'],
  ['lets infinities out of arithmetic', /CASE WHEN isfinite\((t\d+)\) THEN \1 END/g, '$1'],
  ['rounds down to the grid', /\+ 0\.5e0\)/g, '+ 0e0)'],
  ['knows no escape in LIKE', / ESCAPE '\\'/g, ''],
  ['chooses by another hash', /hash\(hash\(u\), /g, "hash('x', "],
  ['keeps one cell or row too many', / <= (\d+)\)$/gm, ' <= $1 + 1)'],
  ['keeps one cell or row too many inside', / <= (\d+)\),$/gm, ' <= $1 + 1),'],
  ['does not weight an average down', /CASE WHEN n\d+ > \d+ THEN/g, 'CASE WHEN FALSE THEN'],
  ['asks for more than the cohort', /HAVING count\(\*\) >= /g, 'HAVING count(*) > '],
];

test('shows defects of the printed SQL', async () => {
  const missed = new Map(DEFECTS.map((defect) => [defect[0], defect]));
  for (const chosen of fc.sample(sqlCases(5, 60), { ...PARAMETERS, numRuns: 2 * RUNS })) {
    if (missed.size === 0) break;
    using engine = await openRows(chosen.world.rows, chosen.world.dataset.columns);
    const rows = scannedRows(chosen.world.rows, chosen.world.dataset.columns);
    for (const { sql } of chosen.queries) {
      const { plan, dataset } = compileCase(sql, chosen);
      const want = await oraclePartials(plan, rows, engine);
      for (const [name, pattern, replacement] of missed.values()) {
        const broken = changedEngine(engine, (text) => text.replaceAll(pattern, replacement));
        const found = await computePartials(plan, dataset, broken, LINEAGE_SEED).catch(() => null);
        const agrees = found !== null && isDeepStrictEqual(inKeyOrder(found, plan), want);
        if (!agrees) missed.delete(name);
      }
    }
  }
  expect([...missed.keys()]).toEqual([]);
});
