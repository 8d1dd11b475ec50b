/**
 * C6: what a file’s order, the number of threads, and values themselves could move, if sums or choices depended on them.
 *
 * Guarantee: exact integers are bit for bit the same for every order of rows on one thread and on eight; which cells and
 * rows of a unit count is no matter of values or of positions. Sums in doubles, and choices by value or by position,
 * do not pass.
 */
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { computePartials } from '#sandbox/execute.ts';
import type { Partials } from '#sandbox/plan.ts';
import { changedEngine, engineOf, type SqlChange } from '#tests/support/in-process-engine.ts';
import { compiledFor, subjectOf, Target } from '#tests/support/sql-path.ts';

/** Several row groups, so that threads have something to share. */
const ROWS = 250_000;
const subject = subjectOf(
  {
    name: 'people',
    privacyUnit: 'uid',
    maxRows: 1_000_000,
    columns: {
      uid: { type: 'integer', role: 'unit' },
      zip: { type: 'integer', role: 'key', bounds: [1, 5] },
      income: { type: 'number', bounds: [-100, 1000], granularity: 0.01 },
    },
  },
  {
    mechanism: 'gaussian',
    budget: { epsilon: 10, delta: 1e-6 },
    perJob: { epsilon: 1, delta: 1e-7 },
    maxGroupsPerUnit: 2,
    maxRowsPerUnit: 3,
  },
);
const { plan } = compiledFor(
  subject,
  'SELECT zip, COUNT(*), SUM(income), AVG(income), STDDEV(income), MEDIAN(income), HISTOGRAM(income, 0, 900, 5) FROM people GROUP BY zip',
);

let instance: DuckDBInstance;
beforeAll(async () => {
  instance = await DuckDBInstance.create(':memory:');
});
afterAll(() => instance.closeSync());

const ORDERS = ['i', 'i DESC', 'hash(i)'];
const THREADS = [1, 8];

interface Reading {
  readonly partials: Partials;
  /** The same sum in doubles, in the order in which the engine finds the rows. */
  readonly naive: unknown;
}

/** What the same people come to in every order, on so many threads. */
async function readings(
  change: SqlChange,
  { orders = ORDERS, threadCounts = THREADS } = {},
): Promise<readonly Reading[]> {
  const found: Reading[] = [];
  for (const order of orders) {
    for (const threads of threadCounts) {
      const connection = await instance.connect();
      await connection.run('SET threads = 1');
      await connection.run(`CREATE TEMP TABLE source AS
        SELECT i % 9973 AS uid, 1 + (i * 7919) % 5 AS zip, ((i * 104729) % 1000003) / 997 AS income
        FROM range(${ROWS}) AS t(i) ORDER BY ${order}`);
      await connection.run(`SET threads = ${threads}`);
      using engine = await engineOf(connection);
      const partials = await computePartials(plan, subject.dataset, changedEngine(engine, change), 'seed');
      const [[naive]] = (await engine.query('SELECT sum(income) FROM source', [])) as [[unknown]];
      found.push({ partials, naive });
    }
  }
  return found;
}

test('the order of rows and the number of threads move nothing', async () => {
  const [first, ...others] = await readings((sql) => sql);
  for (const { partials } of others) expect(partials).toEqual(first!.partials);
  // Rows were chosen, and there was something to move.
  expect(first!.partials.vectors.flat().some((entry) => entry !== 0n)).toBe(true);
  expect(new Set([first!, ...others].map(({ naive }) => naive)).size).toBeGreaterThan(1);
});

test('negative control: rows chosen by their position move with the order', async () => {
  const byPosition: SqlChange = (sql) =>
    sql.replaceAll(
      'row_number() OVER (PARTITION BY u, cell ORDER BY bin) AS o',
      'row_number() OVER (PARTITION BY u, cell) AS o',
    );
  const vectors = (await readings(byPosition, { orders: ORDERS.slice(0, 2), threadCounts: [1] })).map(
    ({ partials }) => partials.vectors,
  );
  expect(vectors[0]).not.toEqual(vectors[1]);
});

/** Forty people in five places each, whose incomes there are in one order or in the other; and as many rows, or more. */
function placesOf(incomeOf: (uid: number, zip: number) => number, copies: number) {
  return Array.from({ length: 40 }, (_, uid) =>
    [1, 2, 3, 4, 5].flatMap((zip) =>
      Array.from({ length: zip === 1 ? copies : 1 }, () => ({ uid, zip, income: incomeOf(uid, zip) })),
    ),
  ).flat();
}

/** How many people keep each place. */
async function kept(change?: SqlChange): Promise<readonly unknown[]> {
  const sides = [placesOf((uid, zip) => uid + zip, 1), placesOf((uid, zip) => uid - zip, 3)];
  const found: unknown[] = [];
  for (const rows of sides) {
    using target = await Target.over(rows, subject, change);
    const sql = 'SELECT zip, COUNT(DISTINCT uid), SUM(income) FROM people GROUP BY zip';
    const question = await target.ask(sql);
    const units = question.plan.measures.findIndex(({ kind }) => kind === 'units');
    found.push(question.partials.vectors[units]);
  }
  return found;
}

test('which cells a unit keeps is no matter of values or of how many rows it has', async () => {
  const [one, other] = await kept();
  expect(one).toEqual(other);
  expect((one as bigint[]).reduce((sum, count) => sum + count, 0n)).toBe(80n);
});

test('negative control: cells chosen by value move with it', async () => {
  const [one, other] = await kept((sql) =>
    sql.replaceAll('hash(hash(u), cell, $1)', 's0, hash(hash(u), cell, $1)'),
  );
  expect(one).not.toEqual(other);
});
