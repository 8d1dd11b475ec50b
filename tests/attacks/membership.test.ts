/**
 * D1, D2, D6 to D9: attacks that ask whether one person is among the data, from differences of counts to the order of an
 * answer. Each is played on the data with and without the victim, as often as statistics need.
 *
 * Guarantee: no attack proves more than the ε that its questions were charged, and each reads the truth from a build
 * without noise, or with the one mistake that it is made for. Limits of Clopper and Pearson at 10⁻⁶ on both sides.
 */
import { describe, expect, test } from 'vitest';
import { sized } from '#tests/support/audit-size.ts';
import { tapedRandom } from '#tests/support/byte-tape.ts';
import { clopperPearson } from '#tests/support/goodness-of-fit.ts';
import { certifiedEpsilon, type Hits, hitsOf } from '#tests/support/privacy-test.ts';
import type { Row } from '#tests/support/reference-expression.ts';
import {
  affordable,
  answered,
  type Build,
  NOISE_FREE,
  provenEpsilon,
  type Question,
  REAL,
  type Subject,
  subjectOf,
  Target,
} from '#tests/support/sql-path.ts';

/** Attacks per side, and those that ask for twenty means. */
const N = sized(5_000, 100_000);
const N_OF_MEANS = sized(2_000, 20_000);
const FLAGS = Array.from({ length: 20 }, (_, i) => `f${i}`);

const MANIFEST = {
  name: 'people',
  privacyUnit: 'uid',
  columns: {
    uid: { type: 'integer', role: 'unit' },
    zip: { type: 'string', role: 'key', values: ['100', '200', '300'] },
    job: { type: 'string', role: 'key' },
    age: { type: 'integer', bounds: [0, 120] },
    ...Object.fromEntries(FLAGS.map((name) => [name, { type: 'integer', bounds: [0, 1] }])),
  },
};
/** A pure ledger: ε adds up, and there is no δ to hide behind. */
const subject = subjectOf(MANIFEST, {
  mechanism: 'laplace',
  budget: { epsilon: 2, delta: 0 },
  perJob: { epsilon: 0.5, max: 2 },
  maxGroupsPerUnit: 1,
});

/** 60 people in two of three places; the victim alone is 37 and a judge. */
const random = tapedRandom('people');
const OTHERS: readonly Row[] = Array.from({ length: 60 }, (_, uid) => ({
  uid,
  zip: uid % 2 === 0 ? '100' : '200',
  job: ['baker', 'judge', 'miner'][uid % 3]!,
  age: 20 + (uid % 17),
  ...Object.fromEntries(FLAGS.map((name) => [name, random.below(2)])),
}));
const VICTIM: Row = {
  uid: 4711,
  zip: '100',
  job: 'judge',
  age: 37,
  ...Object.fromEntries(FLAGS.map((name, i) => [name, i % 2])),
};

/** What statements are about with and without the victim, under the real engine. */
async function onBothSides(
  statements: readonly (readonly [sql: string, epsilon?: number])[],
  victim: readonly Row[] = [VICTIM],
  about: Subject = subject,
): Promise<readonly [readonly Question[], readonly Question[]]> {
  const sides: Question[][] = [];
  for (const rows of [[...OTHERS, ...victim], OTHERS]) {
    using target = await Target.over(rows, about);
    const questions: Question[] = [];
    for (const [sql, epsilon] of statements) questions.push(await target.ask(sql, epsilon));
    sides.push(questions);
  }
  return sides as [Question[], Question[]];
}

const epsilonOf = (questions: readonly Question[]): number =>
  questions.reduce((sum, { plan }) => sum + plan.cost.epsilon, 0);

describe('differences of counts', () => {
  const count = (where: string): readonly [string] => [`SELECT COUNT(*) FROM people WHERE ${where}`];
  const TRACKERS = {
    'D1: a place, and the place without the victim': {
      ask: [count("zip = '100'"), count("zip = '100' AND NOT (age = 37 AND job = 'judge')")],
      isThere: ([all, rest]: readonly number[]) => all! - rest! >= 0.5,
    },
    // q(C) = q(A) − q(A and not B), with C = A and B the victim alone: no small set is ever named.
    'D2: an individual tracker': {
      ask: [count("job = 'judge'"), count("job = 'judge' AND NOT age = 37")],
      isThere: ([all, rest]: readonly number[]) => all! - rest! >= 0.5,
    },
    // q(C) = q(C or T) + q(C or not T) − q(T) − q(not T), with T about half of all people.
    'D2: a general tracker': {
      ask: [
        count("(age = 37 AND job = 'judge') OR f0 = 1"),
        count("(age = 37 AND job = 'judge') OR NOT f0 = 1"),
        count('f0 = 1'),
        count('NOT f0 = 1'),
      ],
      isThere: ([a, b, t, notT]: readonly number[]) => a! + b! - t! - notT! >= 0.5,
    },
  };

  test.for(Object.entries(TRACKERS))('%s', async ([, { ask, isThere }]) => {
    const sides = await onBothSides(ask);
    const [questions] = sides;
    // Each of them is charged: the ledger of ε 2 has room for four.
    expect(affordable([...questions, ...questions, ...questions], subject)).toHaveLength(4);
    expect(provenEpsilon(sides, isThere, { build: REAL, n: N })).toBeLessThanOrEqual(epsilonOf(questions));
    expect(provenEpsilon(sides, isThere, { build: NOISE_FREE, n: N })).toBeGreaterThan(
      2 * epsilonOf(questions),
    );
  });
});

test('D6: the means of twenty traits do not tell a participant, and exact means do', async () => {
  const sides = await onBothSides([
    [`SELECT ${FLAGS.map((name) => `AVG(${name})`).join(', ')} FROM people`, 2],
  ]);
  // Inner product of the victim's traits and the means, both less the population's (Dwork, Smith, Steinke, Ullman
  // and Vadhan 2015). The limit lies between the exact statistics of both sides.
  const statistic = (means: readonly number[]): number =>
    means.reduce((sum, mean, i) => sum + (Number(VICTIM[FLAGS[i]!]) - 0.5) * (mean - 0.5), 0);
  const exact = sides.map(([question]) =>
    statistic(answered(question!, tapedRandom('exact'), NOISE_FREE).map(({ value }) => value!)),
  ) as [number, number];
  expect(exact[0]).toBeGreaterThan(exact[1]);
  const isThere = (means: readonly number[]): boolean => statistic(means) > (exact[0] + exact[1]) / 2;
  expect(provenEpsilon(sides, isThere, { build: REAL, n: N_OF_MEANS })).toBeLessThanOrEqual(2);
  expect(provenEpsilon(sides, isThere, { build: NOISE_FREE, n: N_OF_MEANS })).toBeGreaterThan(4);
});

describe('D7: a key that only a small group has', () => {
  // δ of key selection is large here, so that it can be seen at all.
  const DELTA = 0.01;
  const COHORT = 10;
  const thresholded = subjectOf(MANIFEST, {
    mechanism: 'gaussian',
    budget: { epsilon: 4, delta: 0.05 },
    perJob: { epsilon: 1, delta: 1e-6, thresholdDelta: DELTA },
    maxGroupsPerUnit: 1,
    minimumCohort: COHORT,
    keys: 'thresholded',
  });
  const astronaut = (uid: number): Row => ({ ...VICTIM, uid, job: 'astronaut' });
  const crew = Array.from({ length: COHORT }, (_, i) => astronaut(5000 + i));

  /** Released keys of N answers with a whole crew, and with one person less. */
  async function showings(build: Build): Promise<readonly [Hits, Hits]> {
    const sides = await Promise.all(
      [crew, crew.slice(1)].map(async (group) => {
        using target = await Target.over([...OTHERS, ...group], thresholded);
        return await target.ask('SELECT job, COUNT(DISTINCT uid) FROM people GROUP BY job');
      }),
    );
    return sides.map((question, side) => {
      const tape = tapedRandom(`keys ${side}`);
      const answers = Array.from({ length: N }, () => answered(question, tape, build));
      return hitsOf(answers, (outputs) => outputs.some(({ key }) => key!['job'] === 'astronaut'));
    }) as [Hits, Hits];
  }
  const provenDelta = ({ hits, n }: Hits): number => clopperPearson(hits, n, 'lower');

  test('shows with probability δ at most with its last member, and never without', async () => {
    const [with_, without] = await showings(REAL);
    expect(provenDelta(with_)).toBeLessThanOrEqual(DELTA);
    expect(without.hits).toBe(0);
  });

  test.for<[string, Build]>([
    ['a threshold that begins at the first person', { released: (plan) => ({ ...plan, minimumCohort: 1 }) }],
    [
      'the cohort alone',
      {
        released: (plan) => ({ ...plan, cost: { ...plan.cost, thresholdDeltaYocto: 10n ** 24n / 2n } }),
      },
    ],
  ])('negative control: %s shows it', async ([, build]) => {
    const [with_] = await showings(build);
    expect(provenDelta(with_)).toBeGreaterThan(3 * DELTA);
  });
});

describe('D8: the order of an answer', () => {
  const BY_ZIP = 'SELECT zip, COUNT(*) FROM people GROUP BY zip';
  const FIRST = `${BY_ZIP} ORDER BY COUNT(*) DESC LIMIT 1`;
  // With the victim 200 has one person more than 100; without, as many, and 100 stands first.
  const victim = { ...VICTIM, zip: '200' };

  test('says whose noisy count is the largest, and no more than ε', async () => {
    const sides = await onBothSides([[FIRST, 0.5]], [victim]);
    const [[whole]] = await onBothSides([[BY_ZIP, 0.5]], [victim]);
    for (let i = 0; i < 200; i += 1) {
      // The Plan is the same, and so is the noise on one tape.
      const all = answered(whole!, tapedRandom(`order ${i}`));
      const [first, ...others] = answered(sides[0][0]!, tapedRandom(`order ${i}`));
      expect(others).toEqual([]);
      expect(first!.value).toBe(Math.max(...all.map(({ value }) => value!)));
    }
    const firsts = (question: Question, build: Build, seed: string): Hits => {
      const tape = tapedRandom(seed);
      const answers = Array.from({ length: N }, () => answered(question, tape, build)[0]!.key!['zip']);
      return hitsOf(answers, (zip) => zip === '200');
    };
    const provenBy = (build: Build): number =>
      certifiedEpsilon(firsts(sides[0][0]!, build, 'a'), firsts(sides[1][0]!, build, 'b'), 0);
    expect(provenBy(REAL)).toBeLessThanOrEqual(0.5);
    // The control: an order by exact counts, whatever is printed beside it.
    expect(provenBy(NOISE_FREE)).toBeGreaterThan(1);
  });
});

test('D9: a listed key is in every answer, also where nobody is', async () => {
  const sides = await onBothSides(
    [['SELECT zip, COUNT(*), AVG(age) FROM people GROUP BY zip', 0.5]],
    [{ ...VICTIM, zip: '300' }],
  );
  const keys = sides.map(([question]) => answered(question!, tapedRandom('keys')).map(({ key }) => key));
  expect(keys[0]).toEqual(keys[1]);
  expect(new Set(keys[1]!.map((key) => key!['zip']))).toEqual(new Set(['100', '200', '300']));
  // The control: a build that shows the groups it found.
  const found = sides.map(
    ([question]) => question!.partials.vectors[0]!.filter((count) => count !== 0n).length,
  );
  expect(found).toEqual([3, 2]);
});
