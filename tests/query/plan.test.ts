/**
 * From accepted SQL to the facts of its Plan: measures, bounds, keys, names, cost.
 *
 * Not covered: refusals (tests/attacks), and what the Plan computes (tests/oracle, tests/lab).
 */
import { describe, expect, test } from 'vitest';
import { Refusal } from '#policies/refusal.ts';
import type { BoundedArgument, Measure, Plan } from '#sandbox/plan.ts';
import { planDigestOf } from '#sandbox/release/statement.ts';
import { type Circumstances, compiled, policyWith, rowsOfPeople } from './people.ts';

const planOf = (sql: string, given: Circumstances = {}): Plan => compiled(sql, given).plan;
const thresholded = policyWith({ keys: 'thresholded' });

function codeOf(sql: string, given: Circumstances = {}): string | null {
  try {
    compiled(sql, given);
    return null;
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

/** The argument of the one SUM of a statement. */
function argumentOf(expression: string): BoundedArgument {
  const measure = planOf(`SELECT SUM(${expression}) FROM people`).measures[0] as Extract<
    Measure,
    { kind: 'sum' }
  >;
  return measure.argument;
}

test('positions in messages count characters, also behind wide ones', () => {
  for (const comment of ['/* plain */', '/* 词语 */', '/* 🚀é */']) {
    const sql = `SELECT COUNT(*) ${comment} FROM people WHERE nope = 1`;
    expect(() => compiled(sql)).toThrow(`at character ${sql.indexOf('nope') + 1}`);
  }
});

describe('measures', () => {
  test.for([
    ['COUNT(*)', ['rows']],
    ['COUNT(*), COUNT(*) AS again', ['rows']],
    ['COUNT(*), COUNT(age)', ['rows', 'rows']],
    ['COUNT(age), AVG(age), VARIANCE(age), STDDEV(age)', ['centredSquares', 'centredSum', 'rows']],
    ['AVG(age), AVG(income)', ['centredSum', 'centredSum', 'rows', 'rows']],
    ['SUM(age), AVG(age)', ['centredSum', 'rows', 'sum']],
    ['COUNT(DISTINCT uid), COUNT(DISTINCT uid) AS u', ['units']],
    ['MEDIAN(age), QUANTILE(age, 0.9), percentile_cont(0.1) WITHIN GROUP (ORDER BY age)', ['quantile']],
    ['MEDIAN(age), MEDIAN(income)', ['quantile', 'quantile']],
    ['HISTOGRAM(age, 0, 100, 5)', ['histogram']],
    ['COUNT(*) FILTER (WHERE age > 3), COUNT(*) FILTER (WHERE 3 < age)', ['rows']],
  ] as const)('of %s are %j, each once', ([items, kinds]) => {
    expect(
      planOf(`SELECT ${items} FROM people`)
        .measures.map(({ kind }) => kind)
        .toSorted(),
    ).toEqual(kinds);
  });

  test('share the distinct-unit count between an output, hideBelow and key selection', () => {
    const hiding = policyWith({ hideBelow: 20 });
    const listed = planOf('SELECT zip, COUNT(DISTINCT uid) FROM people GROUP BY zip', { policy: hiding });
    expect(listed.measures.map(({ kind }) => kind)).toEqual(['units']);
    expect(listed.hideBelow).toEqual({ below: 20, units: 0 });
    const added = planOf('SELECT zip, COUNT(*) FROM people GROUP BY zip', { policy: hiding });
    expect(added.measures.map(({ kind }) => kind)).toEqual(['rows', 'units']);
    const selected = planOf('SELECT job, COUNT(DISTINCT uid) FROM people GROUP BY job', {
      policy: thresholded,
    });
    expect(selected.measures.map(({ kind }) => kind)).toEqual(['units']);
    expect(selected.keys).toMatchObject({ mode: 'thresholded', units: 0 });
  });
});

describe('contribution bounds', () => {
  test.for([
    // keys, L0′, whether cells must be chosen; the policy has L0 2 and R 3
    ['', { cellsPerUnit: 1, rowsPerUnit: 3, chooseCells: false }],
    ['flag', { cellsPerUnit: 2, rowsPerUnit: 3, chooseCells: false }],
    ['zip', { cellsPerUnit: 2, rowsPerUnit: 3, chooseCells: true }],
    ['zip, flag', { cellsPerUnit: 2, rowsPerUnit: 3, chooseCells: true }],
    ["CASE WHEN age > 5 THEN 'old' END", { cellsPerUnit: 1, rowsPerUnit: 3, chooseCells: false }],
  ] as const)('grouped by %j', ([keys, bounding]) => {
    const sql = keys === '' ? 'SELECT COUNT(*) FROM people' : `SELECT COUNT(*) FROM people GROUP BY ${keys}`;
    expect(planOf(sql).bounding).toEqual(bounding);
  });

  test('are one row and one cell where each row is a unit', () => {
    const plan = planOf('SELECT zip, COUNT(*) FROM people GROUP BY zip', { dataset: rowsOfPeople });
    expect(plan.bounding).toEqual({ cellsPerUnit: 1, rowsPerUnit: 1, chooseCells: false });
    expect(plan.unit).toBeNull();
  });

  test('of thresholded keys end at ⌊maxRows·L0/k⌋ entries', () => {
    expect(
      planOf('SELECT job, COUNT(*) FROM people GROUP BY job', { policy: thresholded }).keys,
    ).toMatchObject({ maxEntries: 200 });
  });
});

describe('keys', () => {
  const days = (from: number, to: number, month: string): readonly string[] =>
    Array.from({ length: to - from + 1 }, (_, i) => `2024-${month}-${String(from + i).padStart(2, '0')}`);

  test.for([
    ['zip', ['100', '200', '300']],
    ['flag', [false, true]],
    ['shift', [1, 2, 3]],
    ["date_trunc('month', day)", ['2024-01-01', '2024-02-01', '2024-03-01']],
    ["date_trunc('quarter', day)", ['2024-01-01']],
    ["date_trunc('year', seen)", ['2024-01-01']],
    ["date_trunc('week', day)", ['2024-01-29', '2024-02-05', '2024-02-12', '2024-02-19', '2024-02-26']],
    ["date_trunc('day', day)", [...days(30, 31, '01'), ...days(1, 29, '02'), ...days(1, 2, '03')]],
    [
      "date_trunc('hour', seen)",
      ['28', '29'].flatMap((day) =>
        Array.from({ length: 24 }, (_, hour) => `2024-02-${day}T${String(hour).padStart(2, '0')}:00:00`),
      ),
    ],
    ['width_bucket(age, 0, 60, 3)', [1, 2, 3, 4]],
    ['width_bucket(age, 30, 200, 2)', [0, 1, 2]],
    ['width_bucket(score, 0, 60, 3)', [0, 1, 2, 3, 4]],
    ["CASE WHEN age < 18 THEN 'child' WHEN age < 65 THEN 'adult' ELSE 'child' END", ['child', 'adult']],
    ['CASE WHEN age < 18 THEN 1 END', [1]],
    ['extract(month FROM born)', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]],
    ['extract(year FROM day)', [2024]],
    ["date_part('dow', day)", [0, 1, 2, 3, 4, 5, 6]],
  ] as const)('of %s are listed from public facts', ([expression, domain]) => {
    const { keys } = planOf(`SELECT COUNT(*) FROM people GROUP BY ${expression}`);
    expect(keys).toMatchObject({ mode: 'listed', cells: domain.length });
    expect(keys.mode === 'listed' && keys.keys[0]!.domain).toEqual(domain);
  });

  test('several make the product of their lists, and one of them without a list a threshold', () => {
    expect(planOf('SELECT COUNT(*) FROM people GROUP BY zip, flag, shift').keys).toMatchObject({ cells: 18 });
    const { keys } = planOf('SELECT COUNT(*) FROM people GROUP BY zip, job', { policy: thresholded });
    expect(keys).toMatchObject({
      mode: 'thresholded',
      keys: [{ domain: ['100', '200', '300'] }, { domain: null }],
    });
    expect(codeOf('SELECT COUNT(*) FROM people GROUP BY zip, job')).toBe('PRIVATE_KEY');
  });
});

describe('names', () => {
  test.for([
    ['COUNT(*), COUNT(*) AS x, COUNT(age), SUM(income)', ['count', 'x', 'count_age', 'sum_income']],
    ['COUNT(*), COUNT(zip) AS count, COUNT(flag) AS count', ['count', 'count_2', 'count_3']],
    ['SUM(age), SUM(age)', ['sum_age', 'sum_age_2']],
    ['QUANTILE(income, 0.5), MEDIAN(income)', ['quantile_income_0_5', 'median_income']],
    ['SUM(age + 1), SUM(age + 2)', ['sum', 'sum_2']],
    ['COUNT(DISTINCT uid)', ['count_uid']],
    ['SUM(people.age)', ['sum_age']],
    ['SUM(age) AS "Größe 年龄"', ['Größe 年龄']],
  ] as const)('of %s', ([items, names]) => {
    expect(compiled(`SELECT ${items} FROM people`).presentation.outputs.map(({ name }) => name)).toEqual(
      names,
    );
  });

  test('of keys are alias, column or function, and a histogram bin is one more', () => {
    const sql =
      "SELECT zip AS z, flag, date_trunc('month', day), COUNT(*), HISTOGRAM(age, 0, 9, 3) FROM people GROUP BY 1, 2, 3";
    const { presentation } = compiled(sql);
    expect(presentation.keyNames).toEqual(['z', 'flag', 'date_trunc']);
    expect(presentation.outputs.map(({ binKey }) => binKey)).toEqual([null, 'age_bin']);
  });
});

describe('bounds and grids', () => {
  const integers = { base: 10, exponent: 0 };
  test.for([
    ['age', 0, 120, integers],
    ['price', 0, 999.99, { base: 10, exponent: 2 }],
    ['debt', -500, 250, { base: 10, exponent: 2 }],
    // 100,000 / 2^20 rounded up to a power of two is 2^-3.
    ['income', 0, 100_000, { base: 2, exponent: 3 }],
    ['age + 1', 1, 121, integers],
    ['age - debt', -250, 620, { base: 10, exponent: 2 }],
    ['-debt', -250, 500, { base: 10, exponent: 2 }],
    ['debt * debt', -125_000, 250_000, { base: 10, exponent: 4 }],
    ['age * -2', -240, 0, integers],
    ['age / 2', 0, 60, { base: 2, exponent: 14 }],
    ['income / (age + 1)', 0, 100_000, { base: 2, exponent: 3 }],
    ['age % 7', 0, 7, integers],
    ['debt % 7', -7, 7, { base: 10, exponent: 2 }],
    ['abs(debt)', 0, 500, { base: 10, exponent: 2 }],
    ['floor(debt)', -500, 250, integers],
    ['ceil(price)', 0, 1000, integers],
    ['sqrt(debt + 404)', 0, Math.sqrt(654), { base: 2, exponent: 15 }],
    ['ln(age + 1)', 0, Math.log(121), { base: 2, exponent: 17 }],
    ['CASE WHEN age > 3 THEN age ELSE -1 END', -1, 120, integers],
    ['CASE WHEN age > 3 THEN 1 END', 1, 1, integers],
    ['COALESCE(debt, 300)', -500, 300, { base: 10, exponent: 2 }],
    ['NULLIF(age, 5)', 0, 120, integers],
    ['extract(hour FROM seen)', 0, 23, integers],
    ['width_bucket(income, 0, 10, 5)', 0, 6, integers],
    ['0.5', 0.5, 0.5, { base: 10, exponent: 1 }],
  ] as const)('of %s follow from declared ones', ([expression, low, high, grid]) => {
    const argument = argumentOf(expression);
    expect({ low: argument.low, high: argument.high, grid: argument.grid }).toEqual({ low, high, grid });
    const inverse = grid.base ** grid.exponent;
    expect(argument.lowGrid).toBe(BigInt(Math.floor(low * inverse + 0.5)));
    expect(argument.highGrid).toBe(BigInt(Math.floor(high * inverse + 0.5)));
  });

  test('the table is no table of the code: a wrong bound would be seen', () => {
    expect(argumentOf('age + 1').high).not.toBe(argumentOf('age').high);
  });
});

describe('cost', () => {
  test('is the policy’s unless the request asks for less, and never more than the maximum', () => {
    const count = 'SELECT COUNT(*) FROM people';
    expect(planOf(count).cost).toMatchObject({
      unit: 'rho',
      epsilon: 1,
      delta: 1e-7,
      thresholdDeltaYocto: 0n,
    });
    expect(planOf(count, { epsilon: 2, delta: 1e-9 }).cost).toMatchObject({ epsilon: 2, delta: 1e-9 });
    expect(codeOf(count, { epsilon: 2.0001 })).toBe('PARAM');
    expect(codeOf(count, { delta: 2e-7 })).toBe('PARAM');
  });

  test('does not depend on the number of outputs, cells or rows', () => {
    const costs = [
      'SELECT COUNT(*) FROM people',
      'SELECT zip, flag, COUNT(*), AVG(age), MEDIAN(income), HISTOGRAM(age, 0, 9, 9) FROM people GROUP BY 1, 2',
      "SELECT SUM(age) FROM people WHERE disease = 'rare'",
    ].map((sql) => planOf(sql).cost);
    expect(new Set(costs.map(({ nano }) => nano)).size).toBe(1);
  });

  test('of thresholded keys has a δ of its own, and only where they are used', () => {
    const given = { policy: thresholded };
    expect(planOf('SELECT job, COUNT(*) FROM people GROUP BY job', given).cost.thresholdDeltaYocto).toBe(
      10n ** 16n,
    );
    expect(planOf('SELECT zip, COUNT(*) FROM people GROUP BY zip', given).cost.thresholdDeltaYocto).toBe(0n);
  });

  test('of a pure budget is nano-ε, with δ 0', () => {
    const pure = policyWith({
      mechanism: 'laplace',
      budget: { epsilon: 10, delta: 0 },
      perJob: { epsilon: 0.5 },
    });
    const count = 'SELECT COUNT(*) FROM people';
    expect(planOf(count, { policy: pure }).cost).toEqual({
      unit: 'epsilon',
      nano: 500_000_000n,
      thresholdDeltaYocto: 0n,
      epsilon: 0.5,
      delta: 0,
    });
    expect(codeOf(count, { policy: pure, delta: 1e-9 })).toBe('PARAM');
  });
});

describe('B4: one question has one Plan, however it is spelt', () => {
  const digest = (sql: string, given: Circumstances = {}): string => planDigestOf(planOf(sql, given));
  const base = "SELECT zip, COUNT(*), SUM(age) FROM people WHERE age > 1 AND zip = '100' GROUP BY zip";

  test.for([
    "SELECT zip, COUNT(*), SUM(age) FROM people WHERE zip = '100' AND age > 1 GROUP BY zip",
    "select ZIP, sum(AGE), count(*) from PEOPLE where '100' = zip and 1 < age group by 1",
    "SELECT SUM(age) AS s, COUNT(*) AS c, zip AS z FROM people p WHERE (age > 1 AND (zip = '100' AND age > 1)) GROUP BY z",
    "WITH t AS (SELECT * FROM people WHERE age > 1) SELECT zip, COUNT(*), SUM(age) FROM t WHERE zip = '100' GROUP BY zip",
    "SELECT g, COUNT(*), SUM(a) FROM (SELECT zip AS g, age AS a FROM people WHERE zip = '100') AS s WHERE a > 1 GROUP BY g",
    "SELECT zip, COUNT(*), SUM(age) FROM people WHERE age > 1 AND zip = '100' GROUP BY zip HAVING COUNT(*) > 5 ORDER BY 2 DESC LIMIT 1",
    "SELECT COUNT(*), SUM(age) FROM people WHERE age > 1 AND zip = '100' GROUP BY zip",
  ])('%s', (sql) => {
    expect(digest(sql)).toBe(digest(base));
  });

  test.for([
    "SELECT zip, COUNT(*), SUM(age) FROM people WHERE age >= 1 AND zip = '100' GROUP BY zip",
    "SELECT zip, COUNT(*), SUM(age) FROM people WHERE age > 1 OR zip = '100' GROUP BY zip",
    "SELECT zip, COUNT(*) FROM people WHERE age > 1 AND zip = '100' GROUP BY zip",
    "SELECT flag, COUNT(*), SUM(age) FROM people WHERE age > 1 AND zip = '100' GROUP BY flag",
  ])('the control, another question: %s', (sql) => {
    expect(digest(sql)).not.toBe(digest(base));
  });

  test('ε, δ, the policy and the bounds belong to the question', () => {
    const others = [
      { epsilon: 0.5 },
      { delta: 1e-8 },
      { policy: policyWith({ maxRowsPerUnit: 4 }) },
      { dataset: rowsOfPeople },
    ];
    const digests = [{}, ...others].map((given) => digest(base, given));
    expect(new Set(digests).size).toBe(digests.length);
  });
});

describe('what a reader of released values may say', () => {
  test('HAVING and ORDER BY name outputs by alias, position, key or the same expression', () => {
    const { presentation } = compiled(
      "SELECT zip AS z, COUNT(*) AS c, SUM(age) FROM people GROUP BY zip HAVING c > 5 AND SUM(age) <= 1e3 AND z <> '100' ORDER BY 3 DESC, z, count DESC NULLS LAST LIMIT 2 OFFSET 1",
    );
    expect(presentation.having).toMatchObject({
      op: 'and',
      args: [
        { left: { kind: 'output', output: 0 } },
        { left: { kind: 'output', output: 1 } },
        { left: { kind: 'key', key: 0 }, right: '100' },
      ],
    });
    expect(
      presentation.orderBy.map(({ by, descending, nullsFirst }) => [by, descending, nullsFirst]),
    ).toEqual([
      [{ kind: 'output', output: 1 }, true, true],
      [{ kind: 'key', key: 0 }, false, false],
      [{ kind: 'output', output: 0 }, true, false],
    ]);
    expect(presentation).toMatchObject({ limit: 2, offset: 1 });
  });

  test('constants of HAVING are read as the type they are compared with', () => {
    const hour = (constant: string): unknown =>
      compiled(`SELECT date_trunc('hour', seen) AS h, COUNT(*) FROM people GROUP BY h HAVING h = ${constant}`)
        .presentation.having;
    for (const constant of ["TIMESTAMP '2024-02-28 05:00:00'", "'2024-02-28 05:00'", "'2024-02-28T05:00:00'"])
      expect(hour(constant)).toMatchObject({ right: '2024-02-28T05:00:00' });
    expect(codeOf('SELECT zip, COUNT(*) FROM people GROUP BY zip HAVING zip > 5')).toBe('TYPE');
    expect(codeOf("SELECT COUNT(*) FROM people HAVING COUNT(*) > 'many'")).toBe('TYPE');
  });
});

describe('release times', () => {
  test.for([
    [{}, { mode: 'exact' }],
    [{ timing: 'exact' }, { mode: 'exact' }],
    [{ timing: { quantumMs: 125 } }, { mode: 'quantum', quantumMs: 125 }],
    [{ timing: 'planned' }, { mode: 'planned', releaseAfterMs: 2000 }],
  ] as const)('of policy %j are a function of the Plan', ([changes, timing]) => {
    expect(planOf('SELECT COUNT(*), AVG(age) FROM people', { policy: policyWith(changes) }).timing).toEqual(
      timing,
    );
  });
});
