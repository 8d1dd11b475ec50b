/**
 * What the lab's numbers are, read where noise is never drawn (ε 1e10): every aggregate against a calculation by hand.
 *
 * Not covered: generated statements (tests/oracle), values that break arithmetic (hostile-values.test.ts), and the
 * noise (noise.test.ts).
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Folder } from './lab-process.ts';
import { Rounds } from './rounds.ts';
import { exactPolicyOf } from './small-data.ts';
import { meanOf, readingsOf, ROWS, sumOf, townManifest, varianceOf, writeTown } from './town.ts';

const folder = new Folder();
afterAll(() => folder[Symbol.dispose]());
const rounds = new Rounds(folder);
beforeAll(async () => {
  await writeTown(folder, 'people', ROWS);
  await rounds.run();
});

const policies: Readonly<Record<string, string>> = {
  plain: folder.write('plain.yaml', exactPolicyOf({ maxGroupsPerUnit: 4, maxRowsPerUnit: 10 })),
  oneRow: folder.write('one-row.yaml', exactPolicyOf({ maxGroupsPerUnit: 4, maxRowsPerUnit: 1 })),
  oneCell: folder.write('one-cell.yaml', exactPolicyOf({ maxGroupsPerUnit: 1, maxRowsPerUnit: 10 })),
  thresholded: folder.write(
    'thresholded.yaml',
    exactPolicyOf({ maxGroupsPerUnit: 4, keys: 'thresholded', minimumCohort: 10 }),
  ),
  cohort9: folder.write(
    'cohort-9.yaml',
    exactPolicyOf({ maxGroupsPerUnit: 4, keys: 'thresholded', minimumCohort: 9 }),
  ),
  hiding: folder.write('hiding.yaml', exactPolicyOf({ maxGroupsPerUnit: 4, hideBelow: 12 })),
};

const dataset = folder.write('people.yaml', townManifest('people.parquet'));
const ask = (sql: string, { policy = 'plain' } = {}): object => ({ dataset, policy: policies[policy], sql });

const ages = ROWS.slice(0, 30).map((row) => row['age'] as number);
/** All ages within the limit of ten rows per person and cell. */
const allAges = [...ages, 50, 50, 50, 50, 50, 120, 120];
const southAges = [...ages.slice(10), 50, 50, 50, 50, 50, 120];

interface Reading {
  readonly sql: string;
  readonly policy?: string;
  readonly expected: object;
}

const READINGS: Readonly<Record<string, Reading>> = {
  'rows without a person are not counted': {
    sql: 'SELECT COUNT(*), COUNT(DISTINCT uid) FROM people',
    expected: { count: 37, count_uid: 30 },
  },
  'a person counts with at most R rows': {
    sql: 'SELECT COUNT(*), SUM(age) FROM people',
    policy: 'oneRow',
    expected: { count: 30, sum_age: sumOf(ages.slice(1, 29)) + 120 + 120 },
  },
  SUM: {
    sql: 'SELECT SUM(age), SUM(debt) FROM people WHERE age < 120',
    expected: {
      sum_age: sumOf(allAges) - 240,
      sum_debt: sumOf([...ages, 50, 50, 50, 50, 50].map((age) => Math.floor((21 - age) / 0.75 + 0.5) / 4)),
    },
  },
  'SUM of decimals': {
    sql: 'SELECT SUM(income) FROM people WHERE age < 50',
    policy: 'oneRow',
    expected: { sum_income: 435 },
  },
  AVG: { sql: 'SELECT AVG(age) FROM people', expected: { avg_age: meanOf(allAges) } },
  'listed keys all have a value, also when nobody is there': {
    sql: 'SELECT zip, COUNT(*), SUM(age), AVG(age) FROM people GROUP BY zip',
    expected: {
      n: [11, sumOf(ages.slice(0, 10)) + 120, meanOf([...ages.slice(0, 10), 120])],
      s: [26, sumOf(southAges), meanOf(southAges)],
      e: [0, 0, 60],
    },
  },
  'C3: AVG and VARIANCE over nobody are numbers within the bounds': {
    sql: "SELECT AVG(age), VARIANCE(age), STDDEV(age), SUM(age), COUNT(age) FROM people WHERE zip = 'e'",
    // Ten rows of squares each would have noise of a step in one answer of seven, at ε 10¹⁰ too.
    policy: 'oneRow',
    expected: { avg_age: 60, variance_age: 0, stddev_age: 0, sum_age: 0, count_age: 0 },
  },
  'a person in more cells than L0 keeps L0 of them': {
    sql: 'SELECT zip, COUNT(DISTINCT uid) FROM people WHERE age = 120 GROUP BY zip',
    policy: 'oneCell',
    expected: { total: 1 },
  },
  HISTOGRAM: { sql: 'SELECT HISTOGRAM(age, 20, 50, 3) AS h FROM people', expected: { 1: 9, 2: 10, 3: 18 } },
  'thresholded keys: c ≥ k and one more for τ': {
    sql: 'SELECT job, COUNT(DISTINCT uid) FROM people GROUP BY job',
    policy: 'thresholded',
    expected: { nurse: 11 },
  },
  'thresholded keys below k stay out, at k + 1 they come in': {
    sql: 'SELECT job, COUNT(DISTINCT uid) FROM people WHERE age < 120 GROUP BY job',
    policy: 'cohort9',
    expected: { miner: 10, nurse: 11 },
  },
  'hideBelow makes values null': {
    sql: 'SELECT zip, COUNT(*), SUM(age) FROM people GROUP BY zip',
    policy: 'hiding',
    expected: { n: [null, null], s: [21, sumOf(ages.slice(10, 29)) + 120 + 120], e: [null, null] },
  },
  'HAVING reads released values': {
    sql: 'SELECT zip, COUNT(*) AS c FROM people GROUP BY zip HAVING c >= 11 AND c < 26',
    expected: { n: [11] },
  },
  'ORDER BY and LIMIT read released values': {
    sql: 'SELECT zip, COUNT(*) AS c FROM people GROUP BY zip ORDER BY c DESC LIMIT 1',
    expected: { s: [26] },
  },
  'OFFSET goes on from there': {
    sql: 'SELECT zip, COUNT(*) AS c FROM people GROUP BY zip ORDER BY c DESC LIMIT 5 OFFSET 1',
    expected: { n: [11], e: [0] },
  },
  'a FILTER holds for its aggregate alone': {
    sql: "SELECT COUNT(*) FILTER (WHERE zip = 'n') AS north, COUNT(*) AS c FROM people",
    expected: { north: 11, c: 37 },
  },
  'C1: division by zero and domain errors are NULL': {
    sql: 'SELECT COUNT(1 / (age - 30)) AS divided, COUNT(sqrt(debt)) AS rooted, COUNT(ln(debt)) AS logged, COUNT(exp(age * 20)) AS grown FROM people WHERE age < 120',
    expected: { divided: 34, rooted: 1, logged: 0, grown: 15 },
  },
  'expressions have the bounds of interval arithmetic': {
    sql: 'SELECT SUM(age - grade * 2) AS a, SUM(CASE WHEN age > 45 THEN 1 ELSE 0 END) AS old FROM people WHERE age < 120',
    expected: { a: sumOf(allAges) - 240 - 2 * 60, old: 10 },
  },
};

const oneOfTwoCells = 'a person in more cells than L0 keeps L0 of them';
const asked = Object.fromEntries(
  Object.entries(READINGS).map(
    ([name, { sql, policy }]) =>
      [name, rounds.add(0, [ask(sql, policy === undefined ? {} : { policy })])] as const,
  ),
);

describe('readings', () => {
  test.for(
    Object.entries(READINGS).filter(
      ([name]) => name !== oneOfTwoCells && !name.startsWith('a person counts'),
    ),
  )('%s', ([name, { expected }]) => {
    const readings = readingsOf(asked[name]!()[0]!);
    expect(Object.keys(readings).toSorted()).toEqual(Object.keys(expected).toSorted());
    for (const [key, value] of Object.entries(expected) as [string, number | number[]][]) {
      const found = [readings[key]].flat();
      expect(found).toHaveLength([value].flat().length);
      // What noise there could be is below 10⁻⁶ of a step.
      expect(found.map(rounded), `${name}: ${key}`).toEqual([value].flat().map(rounded));
    }
  });

  test('one of two cells is kept, and which one is no matter of values', () => {
    const readings = readingsOf(asked[oneOfTwoCells]!()[0]!);
    expect(sumOf(Object.values(readings).flat() as number[])).toBe(1);
    expect(Object.values(readings)).toContainEqual([1]);
  });

  test('a person with more than R rows: SUM is clamped to R bounds, COUNT to R', () => {
    const readings = readingsOf(asked['a person counts with at most R rows']!()[0]!);
    expect(readings['count']).toBe(30);
    // R = 1: persons 1 (21 + 120 + 120) and 30 (6 × 50) come to 120 each.
    expect(readings['sum_age']).toBe(sumOf(ages.slice(1, 29)) + 240);
  });

  test('hidden cells carry a reason and no number at all', () => {
    const hidden = asked['hideBelow makes values null']!()[0]!.outputs.filter(({ value }) => value === null);
    expect(hidden).toHaveLength(4);
    for (const { name, key, ...rest } of hidden)
      expect([name, key, rest]).toEqual([
        name,
        key,
        { value: null, exact: null, stddev: null, low: null, high: null, reason: 'COHORT' },
      ]);
  });

  const average = rounds.add(0, [
    ask("SELECT AVG(age) FROM people WHERE zip = 's' AND age < 120", { policy: 'oneRow' }),
  ]);
  test('AVG weighs a person with more than R rows down, and so stays unbiased', () => {
    // R = 1: each of the 20 people of s counts once, person 30 with the mean of six rows of 50.
    expect(readingsOf(average()[0]!)['avg_age']).toBeCloseTo(meanOf(ages.slice(10)), 6);
  });

  const spread = rounds.add(0, [ask('SELECT VARIANCE(age), STDDEV(age), VARIANCE(grade) AS g FROM people')]);
  test('VARIANCE and STDDEV divide by n − 1', () => {
    const readings = readingsOf(spread()[0]!) as Record<string, number>;
    // Squares have the widest range and so some noise even here: 0.02. Division by n would be 19 off.
    expect(Math.abs(readings['variance_age']! - varianceOf(allAges))).toBeLessThan(0.5);
    expect(Math.abs(readings['stddev_age']! - Math.sqrt(varianceOf(allAges)))).toBeLessThan(0.01);
    const grades = [...ROWS.slice(0, 35).map((row) => row['grade'] as number), 1, 1];
    expect(readings['g']).toBeCloseTo(varianceOf(grades), 3);
  });

  const quantiles = rounds.add(0, [
    ask(
      'SELECT MEDIAN(age) AS m, QUANTILE(age, 0) AS low, QUANTILE(age, 0.9) AS q, QUANTILE(age, 1) AS high FROM people WHERE age < 120',
      { policy: 'oneRow' },
    ),
  ]);
  test('QUANTILE is the middle of the bin that holds it', () => {
    const width = 120 / 4096;
    const { m, low, q, high } = readingsOf(quantiles()[0]!) as Record<string, number>;
    for (const [found, lowest, highest] of [
      [m, 35, 36],
      [low, 21, 21],
      [q, 47, 48],
      [high, 50, 50],
    ] as const) {
      expect(found).toBeGreaterThanOrEqual(lowest - width);
      expect(found).toBeLessThanOrEqual(highest + width);
      expect((found! / width - 0.5) % 1).toBeCloseTo(0, 6);
    }
  });
});

function rounded(value: number | null | undefined): number | null {
  return value === null || value === undefined ? null : Math.round(value * 1e6) / 1e6;
}
