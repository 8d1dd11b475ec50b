/**
 * Values that break careless arithmetic, rows in another order, and the grid that all released sums lie on.
 *
 * Guarantee: NaN and NULL take no part, infinities clamp, every printed number is finite and a multiple of the
 * public step, and the order of rows changes nothing.
 * Not covered: operators inside expressions (tests/oracle).
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Row } from '#tests/support/reference-expression.ts';
import { Folder } from './lab-process.ts';
import { type Answers, Rounds } from './rounds.ts';
import { exactPolicyOf } from './small-data.ts';
import { meanOf, person, readingsOf, ROWS, townManifest, varianceOf, writeTown } from './town.ts';

const folder = new Folder();
afterAll(() => folder[Symbol.dispose]());
const rounds = new Rounds(folder);
/** What is written to disk before the first round. */
const files: { readonly file: string; readonly rows: readonly Row[] }[] = [];

const plain = folder.write('plain.yaml', exactPolicyOf({ maxGroupsPerUnit: 4, maxRowsPerUnit: 10 }));
const oneRow = folder.write('one-row.yaml', exactPolicyOf({ maxGroupsPerUnit: 4 }));
const ask = (sql: string, file: string, policy: string): object => ({
  dataset: folder.write(`${file}.yaml`, townManifest(`${file}.parquet`)),
  policy,
  sql,
});

beforeAll(async () => {
  const mixed = ROWS.map((row, i) => ({ row, at: (i * 17) % ROWS.length })).toSorted((a, b) => a.at - b.at);
  files.push(
    { file: 'people', rows: ROWS },
    { file: 'reversed', rows: ROWS.toReversed() },
    { file: 'mixed', rows: mixed.map(({ row }) => row) },
  );
  for (const { file, rows } of files) await writeTown(folder, file, rows);
  await rounds.run();
});

describe('hostile values', () => {
  const honest = Array.from({ length: 20 }, (_, i) => person(i + 1));
  const VALUES: readonly (readonly [string, number | null, number])[] = [
    // value, and what a person with it adds to a SUM of incomes between 0 and 100
    ['NaN', NaN, 0],
    ['NULL', null, 0],
    ['infinity', Infinity, 100],
    ['minus infinity', -Infinity, 0],
    ['minus zero', -0, 0],
    ['1e308', 1e308, 100],
    ['-1e308', -1e308, 0],
    ['the smallest number', 5e-324, 0],
    ['F4: 0.1 + 0.2', 0.1 + 0.2, 0.3],
    ['half a step', 0.005, 0.01],
    ['just over the bound', 100.004, 100],
  ];
  const sql = 'SELECT SUM(income), COUNT(income), AVG(income), STDDEV(income), MEDIAN(income) FROM people';
  const answers = VALUES.map(([, value], index) => {
    const file = `hostile-${index}`;
    files.push({ file, rows: [...honest, person(99, { income: value })] });
    return rounds.add(0, [ask(sql, file, oneRow)]);
  });

  test.for(VALUES.map(([name, value, added], index) => [name, value, added, index] as const))(
    'C2: %s',
    ([, value, added, index]) => {
      const answer = answers[index]!()[0]!;
      const readings = readingsOf(answer) as Record<string, number>;
      const counted = value === null || Number.isNaN(value) ? 20 : 21;
      const held = [...Array.from({ length: 20 }, () => 10), ...(counted === 21 ? [added] : [])];
      expect(answer.outputs.find(({ name }) => name === 'sum_income')!.exact).toBe((200 + added).toFixed(2));
      expect(readings['count_income']).toBe(counted);
      expect(readings['avg_income']).toBeCloseTo(meanOf(held), 6);
      // Noise on squares of 5,000 steps: 0.04 on their sum, under a root.
      expect(Math.abs(readings['stddev_income']! - Math.sqrt(varianceOf(held)))).toBeLessThan(0.3);
      for (const output of answer.outputs)
        for (const field of ['value', 'low', 'high'] as const)
          expect(Number.isFinite(output[field])).toBe(true);
      expect(JSON.stringify(answer.outputs)).not.toMatch(/NaN|Infinity/);
    },
  );
});

describe('hostile texts in a CSV file', () => {
  const texts = ['NaN', 'nan', '-nan', 'inf', '-Infinity', '1e999', '', 'ten', '0x10', ' 7 ', '7'];
  folder.write('text.csv', `uid,income\n${texts.map((text, i) => `${i},${text}`).join('\n')}\n`);
  const columns = { uid: { type: 'integer', role: 'unit' }, income: { type: 'number', bounds: [0, 100] } };
  const manifest = { ...townManifest('text.csv'), source: { type: 'csv', path: 'text.csv' }, columns };
  const dataset = folder.write('text.yaml', manifest);
  const sql =
    'SELECT COUNT(*) AS people, COUNT(income) AS numbers, COUNT(*) FILTER (WHERE income > 1000) AS large FROM people';
  const read = rounds.add(0, [{ dataset, policy: oneRow, sql }]);

  test('C2: NaN and what is no number are NULL; infinities are larger than all', () => {
    const { people, numbers, large } = readingsOf(read()[0]!) as Record<string, number>;
    // Numbers: both infinities, ` 7 ` and `7`; what the engine makes of 1e999 and 0x10 is at most two more.
    expect(people).toBe(texts.length);
    expect(numbers).toBeGreaterThanOrEqual(4);
    expect(numbers).toBeLessThanOrEqual(6);
    expect(large).toBeGreaterThanOrEqual(1);
    expect(large).toBeLessThanOrEqual(2);
  });
});

describe('C6: the order of rows', () => {
  const sql =
    'SELECT zip, COUNT(*), COUNT(DISTINCT uid), SUM(debt), AVG(debt), STDDEV(grade), MEDIAN(age), HISTOGRAM(age, 0, 100, 4) FROM people GROUP BY zip';
  const orders = ['people', 'reversed', 'mixed'];
  const read: readonly Answers[] = orders.map((file) => rounds.add(0, [ask(sql, file, plain)]));

  test('changes no digit', () => {
    const [first, ...others] = read.map((answers) => answers()[0]!.outputs);
    expect(first!.length).toBe(3 * 10);
    for (const other of others) expect(other).toEqual(first);
  });
});

describe('F1: the grid', () => {
  const noisy = folder.write(
    'noisy.yaml',
    exactPolicyOf({
      budget: { epsilon: 100, delta: 1e-3 },
      perJob: { epsilon: 0.5, delta: 1e-6 },
      maxGroupsPerUnit: 4,
    }),
  );
  const dataset = folder.write('people.yaml', townManifest('people.parquet'));
  const read = rounds.add(
    0,
    Array.from({ length: 60 }, () => ({
      dataset,
      policy: noisy,
      sql: 'SELECT zip, SUM(income), SUM(debt), SUM(score), COUNT(*) FROM people GROUP BY zip',
    })),
  );

  test('holds every released sum and count exactly', () => {
    // score has no granularity: 16 / 2^20 is 2^-16.
    const steps: Readonly<Record<string, number>> = {
      sum_income: 100,
      sum_debt: 4,
      sum_score: 2 ** 16,
      count: 1,
    };
    const outputs = read().flatMap((answer) => answer.outputs);
    expect(outputs).toHaveLength(60 * 3 * 4);
    for (const { name, value, exact } of outputs) {
      expect(isOnGrid(exact!, steps[name]!)).toBe(true);
      expect(value).toBe(Number(exact));
    }
    // Noise was there to see, and the check can fail.
    expect(new Set(outputs.map(({ exact }) => exact)).size).toBeGreaterThan(400);
    expect(isOnGrid('1.005', 100)).toBe(false);
  });

  /** Whether decimal text is a whole number of steps of 1/`steps`, in integers. */
  function isOnGrid(text: string, steps: number): boolean {
    const [whole, fraction = ''] = text.split('.');
    return (BigInt(`${whole}${fraction}`) * BigInt(steps)) % 10n ** BigInt(fraction.length) === 0n;
  }
});
