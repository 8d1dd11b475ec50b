/**
 * F1 to F3, F5 and C4: what the last digits of answers give away. Mironov (CCS 2012) reads the input off the low bits of
 * noise in doubles; Casacuberta and others (arXiv:2207.10635) move a sum by the order of its additions.
 *
 * Guarantee: every answer is a whole number of public steps, whatever the data; an answer’s digits tell no more than ε;
 * sums do not know the order of rows. F4, a clamp after rounding, is in tests/lab/hostile-values.test.ts.
 */
import { describe, expect, test } from 'vitest';
import { sized } from '#tests/support/audit-size.ts';
import { tapedRandom } from '#tests/support/byte-tape.ts';
import type { Row } from '#tests/support/reference-expression.ts';
import {
  answered,
  type Build,
  NOISE_FREE,
  provenEpsilon,
  type Question,
  REAL,
  subjectOf,
  Target,
  valueOf,
} from '#tests/support/sql-path.ts';

const CELLS = 1000;
const MANIFEST = {
  name: 'people',
  privacyUnit: 'uid',
  maxRows: 10_000,
  columns: {
    uid: { type: 'integer', role: 'unit' },
    cell: { type: 'integer', role: 'key', bounds: [1, CELLS] },
    age: { type: 'integer', bounds: [0, 120] },
    income: { type: 'number', bounds: [0, 100], granularity: 0.01 },
    score: { type: 'number', bounds: [0, 1] },
    far: { type: 'number', bounds: [-1, 2 ** 47], granularity: 1 },
  },
};
const subject = subjectOf(MANIFEST, {
  mechanism: 'laplace',
  budget: { epsilon: 1, delta: 0 },
  perJob: { epsilon: 0.5 },
  maxGroupsPerUnit: 1,
});

async function asked(sql: string, rows: readonly Row[]): Promise<Question> {
  using target = await Target.over(rows, subject);
  return await target.ask(sql);
}

/** The textbook: noise by the inverse of its distribution, in doubles, from one of 2^53 numbers. */
function naiveLaplace(input: number, place: number, scale: number): number {
  const u = place / 2 ** 53 - 0.5;
  return input - scale * Math.sign(u) * Math.log(1 - 2 * Math.abs(u));
}

describe('F1: a hundred thousand answers', () => {
  const ANSWERS = sized(34, 340);
  const sql =
    'SELECT cell, COUNT(*) AS people, SUM(income) AS money, SUM(score) AS points FROM people GROUP BY cell';
  /** Everybody alone in a cell, with values that no step of a grid hits. */
  const filled = Array.from({ length: CELLS }, (_, i) => ({
    uid: i,
    cell: i + 1,
    income: 33.333_333,
    score: Math.PI - 3,
  }));
  const isOnGrid: Readonly<Record<string, (value: number) => boolean>> = {
    people: Number.isInteger,
    money: (value) => Math.round(value * 100) / 100 === value,
    // 1/2^20 is exact in a double, and so is its product.
    points: (value) => Number.isInteger(value * 2 ** 20),
  };
  const classesOf = {
    people: (x: number) => x,
    money: (x: number) => ((Math.round(x * 100) % 100) + 100) % 100,
  };

  test('are on the public grid, and no class of values belongs to one side alone', async () => {
    const seen = await Promise.all(
      [filled, []].map(async (rows, side) => {
        const question = await asked(sql, rows);
        const tape = tapedRandom(`grid ${side}`);
        return Array.from({ length: ANSWERS }, () => answered(question, tape)).flat();
      }),
    );
    for (const outputs of seen) {
      expect(outputs).toHaveLength(3 * CELLS * ANSWERS);
      expect(outputs.filter(({ name, value }) => !isOnGrid[name]!(value!))).toEqual([]);
      expect(outputs.filter(({ exact, value }) => Number(exact) !== value)).toEqual([]);
    }
    // Every whole number near the truth, and every last pair of digits, comes from both sides.
    for (const name of ['people', 'money'] as const) {
      const [a, b] = seen.map(
        (outputs) =>
          new Set(outputs.filter((o) => o.name === name).map(({ value }) => classesOf[name](value!))),
      );
      for (let value = name === 'people' ? -10 : 0; value < (name === 'people' ? 11 : 100); value += 1)
        expect([a!.has(value), b!.has(value)]).toEqual([true, true]);
    }
  });

  test('control: noise in doubles is on no grid, and its classes tell the sides apart', () => {
    const tape = tapedRandom('doubles');
    const shares = [0, 1].map((input) => {
      const answers = Array.from({ length: 20_000 }, () => naiveLaplace(input, tape.below(2 ** 53), 2));
      expect(answers.filter(isOnGrid['points']!).length).toBeLessThan(100);
      return answers.filter((x) => Number.isInteger(x * 2 ** 53)).length / answers.length;
    });
    // What is no multiple of 2^-53 cannot have come from 1.
    expect(shares[1]).toBe(1);
    expect(shares[0]).toBeLessThan(0.9);
  });
});

describe('F2: an attacker who knows which doubles can come from which input', () => {
  const EPSILON = 0.5;
  const N = sized(20_000, 500_000);

  /** Whether noise in doubles on this input can give this answer. */
  function isReachable(answer: number, input: number): boolean {
    const noise = answer - input;
    const u = (Math.sign(noise) * -Math.expm1(-Math.abs(noise) * EPSILON)) / 2;
    const near = Math.round((u + 0.5) * 2 ** 53);
    return Array.from({ length: 9 }, (_, i) => naiveLaplace(input, near + i - 4, 1 / EPSILON)).includes(
      answer,
    );
  }

  /** Guesses 0 or 1: by what cannot be, else by what is nearer. */
  function guess(answer: number): number {
    const [zero, one] = [isReachable(answer, 0), isReachable(answer, 1)];
    if (zero !== one) return one ? 1 : 0;
    return answer >= 0.5 ? 1 : 0;
  }

  const accuracy = (answers: readonly (readonly number[])[]): number =>
    answers.flatMap((list, input) => list.filter((answer) => guess(answer) === input)).length / (2 * N);
  // Any test of ε is right with at most this probability, plus 6 standard deviations of the share: 10⁻⁹.
  const LIMIT = 0.5 + Math.expm1(EPSILON) / (2 * (Math.exp(EPSILON) + 1)) + 6 * Math.sqrt(0.25 / (2 * N));

  test('guesses a sum of one value, 0 or 1, no better than ε lets anybody', async () => {
    const answers = await Promise.all(
      [0, 1].map(async (score) => {
        const question = await asked('SELECT SUM(score) FROM people', [{ uid: 1, score }]);
        const tape = tapedRandom(`sum ${score}`);
        return Array.from({ length: N }, () => valueOf(question, tape));
      }),
    );
    expect(accuracy(answers)).toBeLessThanOrEqual(LIMIT);
    expect(accuracy(answers)).toBeGreaterThan(0.55);
  });

  test('control: reads it off noise in doubles', () => {
    const tape = tapedRandom('naive');
    const answers = [0, 1].map((input) =>
      Array.from({ length: N }, () => naiveLaplace(input, tape.below(2 ** 53), 1 / EPSILON)),
    );
    expect(accuracy(answers)).toBeGreaterThan(LIMIT + 0.1);
  });
});

test('F3: a sum beyond 2^53 and many ones of both signs are one sum in every order, and in doubles several', async () => {
  // 2^47 is the largest number of steps that a bound may have.
  const values = Array.from({ length: 600 }, (_, i) => [2 ** 47, 1, -1][i % 3]!);
  const only = (kind: number): number[] => values.filter((x) => x === kind);
  const orders = [
    values,
    values.toReversed(),
    [...only(-1), ...only(2 ** 47), ...only(1)],
    [...only(1), ...only(2 ** 47), ...only(-1)],
  ];
  const naive = orders.map((order) => order.reduce((sum, x) => sum + x, 0));
  expect(new Set(naive).size).toBeGreaterThan(2);
  const sums = await Promise.all(
    orders.map(async (order) => {
      const rows = order.map((x, uid) => ({ uid, far: x }));
      return (await asked('SELECT SUM(far) FROM people', rows)).partials.vectors;
    }),
  );
  for (const vectors of sums) expect(vectors).toEqual([[200n * 2n ** 47n]]);
});

test('F3: a tenth, ten times, is rounded once each and is one', async () => {
  const rows = Array.from({ length: 10 }, (_, uid) => ({ uid, income: 0.1 }));
  const { partials } = await asked('SELECT SUM(income) FROM people', rows);
  expect(partials.vectors).toEqual([[100n]]);
  expect(rows.reduce((sum, { income }) => sum + income, 0)).not.toBe(1);
});

test('F5: an average does not show its denominator', async () => {
  const others = Array.from({ length: 100 }, (_, uid) => ({ uid, age: (uid * 7) % 90 }));
  const ask = (rows: readonly Row[]): Promise<Question> => asked('SELECT AVG(age) FROM people', rows);
  const sides = [[await ask([...others, { uid: 4711, age: 1 }])], [await ask(others)]] as const;
  /** The least denominator that a quotient can have. */
  const denominatorOf = (value: number): number => {
    let q = 1;
    while (q < 1000 && Math.abs(value * q - Math.round(value * q)) > 1e-7) q += 1;
    return q;
  };
  const isThere = ([mean]: readonly number[]): boolean => denominatorOf(mean!) === 101;
  const proven = (build: Build): number => provenEpsilon(sides, isThere, { build, n: sized(5_000, 100_000) });
  expect(proven(REAL)).toBeLessThanOrEqual(0.5);
  expect(proven(NOISE_FREE)).toBeGreaterThan(4);
});

test('C4: a variance that noise makes negative is zero, and no failure', async () => {
  const question = await asked(
    'SELECT VARIANCE(age), STDDEV(age) FROM people',
    Array.from({ length: 20 }, (_, uid) => ({ uid, age: 40 })),
  );
  const tape = tapedRandom('variance');
  const values = Array.from({ length: 1_000 }, () => answered(question, tape)).flat();
  expect(values.filter(({ value }) => !(Number.isFinite(value) && value! >= 0))).toEqual([]);
  // Zero comes about half the time: the clamp was needed.
  expect(values.filter(({ value }) => value === 0).length).toBeGreaterThan(500);
});
