/** The ledger of a population in the lab: datasets about the same people pay it beside their own, with and without a state. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Lab } from '#gateway/lab/lab.ts';
import { COST, LedgerFolder } from './ledger.ts';
import { Rounds } from './rounds.ts';
import { csvOf, manifestOf, policyOf } from './small-data.ts';

const folder = new LedgerFolder();
afterAll(() => folder[Symbol.dispose]());

/** ε 2 in a lineage holds three jobs of ε 1; in a population, of which half of δ is for key selection, as many. */
const policy = folder.write('three.yaml', policyOf({ budget: { epsilon: 2, delta: 1e-6 } }));

/** A dataset of its own lineage and content, in a population or in none. */
function member(name: string, population: string | null): string {
  folder.write(`${name}.csv`, csvOf([{ uid: name.charCodeAt(0), age: 1, zip: 'n' }]));
  const about = population === null ? {} : { population };
  return folder.write(`${name}.yaml`, manifestOf(`${name}.csv`, { name, ...about }));
}

const clinics = member('clinics', 'city');
const schools = member('schools', 'city');
const elsewhere = member('elsewhere', 'country');
const alone = member('alone', null);
const later = folder.write('later.yaml', manifestOf('alone.csv', { name: 'alone', population: 'city' }));
const rounds = new Rounds(folder);
beforeAll(() => rounds.run());

const ask = (state: string | undefined, dataset: string, age: number, more: object = {}): object => {
  const table = dataset.split('/').at(-1)!.replace('.yaml', '').replace('later', 'alone');
  return { dataset, policy, state, sql: `SELECT COUNT(*) FROM ${table} WHERE age > ${age}`, ...more };
};

const full = folder.fresh();
const filling = rounds.add(0, [ask(full, clinics, 1), ask(full, clinics, 2), ask(full, schools, 1)]);
const refused = rounds.add(1, [
  ask(full, schools, 2),
  ask(full, clinics, 3),
  ask(full, elsewhere, 1),
  ask(full, schools, 1),
]);

test('B5: each lineage has room, the population is full: BUDGET, in another process too', () => {
  expect(filling().map(({ code }) => code)).toEqual([null, null, null]);
  expect(refused().map(({ code, repeat }) => [code, repeat])).toEqual([
    ['BUDGET', undefined],
    ['BUDGET', undefined],
    [null, false],
    [null, true],
  ]);
});

test('an answer says what is left of both, and its receipt has a line for each', () => {
  const [first, second, third] = filling();
  const lefts = [first, second, third].map((answer) => {
    const { rhoNanoLeft, population } = answer!.budget as unknown as {
      rhoNanoLeft: string;
      population: { rhoNanoLeft: string };
    };
    return [BigInt(rhoNanoLeft), BigInt(population.rhoNanoLeft)] as const;
  });
  expect(lefts[1]![1]).toBe(lefts[0]![1] - COST);
  expect(lefts[2]).toEqual([lefts[0]![0], lefts[0]![1] - 2n * COST]);
  const payload = Buffer.from(third!.receipt!.split('.')[1]!, 'base64url').toString();
  const { budget } = JSON.parse(payload) as { budget: Record<string, unknown>[] };
  const loss = (jobs: bigint): object => ({ nano: String(jobs * COST), thresholdDeltaYocto: '0' });
  expect(budget).toMatchObject([
    { lineage: 'schools', before: loss(0n), after: loss(1n) },
    { lineage: 'population:city', before: loss(2n), after: loss(3n) },
  ]);
});

const moved = folder.fresh();
const moving = rounds.add(0, [ask(moved, alone, 1), ask(moved, later, 2), ask(moved, alone, 3)]);

test('B6: a lineage that was used without a population cannot join one, nor leave it', () => {
  expect(moving().map(({ code }) => code)).toEqual([null, 'CONFIG', null]);
  expect(moving()[1]!.message).toContain('population');
});

const units = folder.fresh();
const pure = folder.write(
  'pure.yaml',
  policyOf({ mechanism: 'laplace', budget: { epsilon: 8, delta: 0 }, perJob: { epsilon: 1 } }),
);
const mixed = rounds.add(0, [ask(units, clinics, 1), ask(units, schools, 1, { policy: pure })]);

test('a member whose budget counts in another unit is refused by name', () => {
  expect(mixed().map(({ code }) => code)).toEqual([null, 'CONFIG']);
  expect(mixed()[1]!.message).toMatch(/^population: /);
});

const stateless = rounds.add(
  0,
  [1, 2, 3, 4].map((age) => ask(undefined, clinics, age)),
);

test('without a state every line has a fresh ledger of the population as well', () => {
  expect(stateless().map(({ code }) => code)).toEqual([null, null, null, null]);
});

test('B2: of fifty requests at once on two members, as many as the population holds are answered', async () => {
  const lab = new Lab('en');
  try {
    const state = join(folder.path, folder.fresh());
    const asked = Array.from({ length: 50 }, (_, i) => {
      const [dataset, table] = i % 2 === 0 ? [clinics, 'clinics'] : [schools, 'schools'];
      return lab.answer({
        dataset: [dataset],
        policy,
        state,
        sql: `SELECT COUNT(*) FROM ${table} WHERE age > ${i}`,
      });
    });
    const codes = (await Promise.all(asked)).map(({ code }) => code);
    expect(codes.filter((code) => code === null)).toHaveLength(3);
    expect(codes.filter((code) => code === 'BUDGET')).toHaveLength(47);
  } finally {
    await lab.close();
  }
});
