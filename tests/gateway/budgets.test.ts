/** A budget explained over HTTP: each charge with its reason, to whom it may be shown, and sums that are the ledger's. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BudgetCharge, BudgetView } from '#gateway/client/resources.ts';
import { findViolations } from '#gateway/storage/invariants.ts';
import { findLedgers, freezeLedgers, thawLedger } from '#gateway/storage/ledger.ts';
import {
  jsonOf,
  makeDataset,
  makeGrant,
  makeWorld,
  type Person,
  type World,
  worldGrant,
} from '#tests/support/gateway-world.ts';

const LEDGERS = ['beds', 'wards', 'population:city'] as const;

let world: World;
/** Ids of jobs by what became of them. */
const jobs: Record<string, string> = {};

async function submit(name: string, dataset: string, epsilon: number, more: object = {}): Promise<void> {
  const sql = `SELECT region, COUNT(*) AS n FROM ${dataset} GROUP BY region`;
  const ask = { grant: 'g-city', sql, purpose: 'public_health', epsilon, ...more };
  const response = await world.as('ben', '/v1/jobs', ask);
  jobs[name] = (await jsonOf<{ id: string }>(response)).id;
}

beforeAll(async () => {
  world = await makeWorld();
  for (const [name, digest] of [
    ['beds', 'b'],
    ['wards', 'c'],
  ] as const)
    await makeDataset(world.db, {
      name,
      timing: '{ quantumMs: 1 }',
      digest: digest.repeat(64),
      population: 'city',
    });
  const datasets = ['beds', 'wards'].map((dataset) => ({
    dataset,
    version: 'latest',
    columns: ['region', 'cost', 'age'],
    rowScope: 'all',
  }));
  await makeGrant(world.db, worldGrant({ id: 'g-city', datasets }));
  await makeGrant(world.db, worldGrant({ id: 'g-rival', holder: 'rival-lab', datasets }));
  await submit('released', 'beds', 0.25);
  await world.runAll();
  await world.as('ben', `/v1/jobs/${jobs['released']}?wait=20`);
  await submit('repeat', 'beds', 0.25);
  await submit('failed', 'beds', 0.2);
  await world.runAll({ fail: true });
  await submit('cancelled', 'beds', 0.15);
  await world.as('ben', `/v1/jobs/${jobs['cancelled']}/cancel`, {});
  await submit('neighbour', 'wards', 0.5);
  await world.runAll();
  await submit('waiting', 'beds', 0.1);
  const rival = { grant: 'g-rival', purpose: 'public_health', epsilon: 0.3 };
  const answer = await world.as('rival', '/v1/jobs', { ...rival, sql: 'SELECT COUNT(*) FROM beds' });
  jobs['rival'] = (await jsonOf<{ id: string }>(answer)).id;
});
afterAll(() => world.close());

/** A budget as a person sees it, page after page. */
async function budgetOf(
  person: Person,
  name: string,
  { limit = 200, language = 'en' }: { readonly limit?: number; readonly language?: string } = {},
): Promise<BudgetView> {
  const items: BudgetCharge[] = [];
  for (let cursor: string | null = '', from = ''; ; from = `&cursor=${cursor}`) {
    const path = `/v1/budgets/${name}?limit=${limit}${from}`;
    const headers = { 'accept-language': language };
    const page = await jsonOf<BudgetView & { nextCursor: string | null }>(
      world.as(person, path, undefined, headers),
    );
    items.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === null) return { ...page, items };
  }
}

const chargesOf = ({ items }: BudgetView, name: string): readonly BudgetCharge[] =>
  items.filter(({ job }) => job === jobs[name]);

describe('every charge says why it stands as it does', () => {
  test.for([
    ['released', 'spent', 'released', 2],
    ['repeat', 'free', 'repeat', 1],
    ['failed', 'spent', 'failed', 2],
    ['cancelled', 'returned', 'returned', 2],
    ['waiting', 'held', 'waiting', 2],
  ] as const)('%s', async ([name, state, reason, ledgers]) => {
    const charges = chargesOf(await budgetOf('olga', 'beds'), name);
    expect(charges.map((charge) => charge.ledger).toSorted()).toEqual(
      ['beds', 'population:city'].slice(0, ledgers),
    );
    for (const charge of charges) {
      expect(charge).toMatchObject({ state, reason, grant: 'g-city', account: 'ben', dataset: 'beds' });
      expect(charge.nano === '0').toBe(state === 'returned' || state === 'free');
      expect(charge.organisation).toBe('city-university');
    }
  });

  test('in the language of its reader, with the code of a failure', async () => {
    const [english, chinese] = await Promise.all(
      ['en', 'zh-CN'].map(async (language) =>
        chargesOf(await budgetOf('olga', 'beds', { language }), 'failed'),
      ),
    );
    expect(english![0]!.why).toMatch(/^failed \(MACHINE_FAULT\) after data were opened/);
    expect(chinese![0]!.why).toMatch(/MACHINE_FAULT.*仍计为已消耗/);
  });

  test('newest first, and the same on pages of two', async () => {
    const [whole, paged] = [await budgetOf('olga', 'beds'), await budgetOf('olga', 'beds', { limit: 2 })];
    expect(paged).toEqual(whole);
    const times = whole.items.map(({ submittedAt }) => submittedAt);
    expect(times).toEqual(times.toSorted().toReversed());
  });
});

/** What the charges on a ledger add up to, and what the ledger has reserved and spent. */
async function sums(charges: readonly BudgetCharge[], ledger: string): Promise<readonly string[]> {
  const [kept] = await findLedgers(world.db, [ledger]);
  const listed = charges
    .filter((charge) => charge.ledger === ledger)
    .reduce((sum, { nano }) => sum + BigInt(nano), BigInt(kept?.accounted.nano ?? 0));
  return [String(listed), String(BigInt(kept?.reserved.nano ?? -1) + BigInt(kept?.spent.nano ?? -1))];
}

describe('the charges of a ledger', () => {
  test('add up to it, to the last unit, for its lineage and for the population over several', async () => {
    const seen = [await budgetOf('olga', 'beds'), await budgetOf('adele', 'wards')];
    const charges = seen.flatMap(({ items }) => items);
    const once = [...new Map(charges.map((charge) => [`${charge.job} ${charge.ledger}`, charge])).values()];
    for (const ledger of LEDGERS) {
      const [listed, kept] = await sums(once, ledger);
      expect({ ledger, listed }).toEqual({ ledger, listed: kept });
      const shown = seen.flatMap(({ ledgers }) => ledgers).find((one) => one.ledger === ledger);
      expect(shown?.spent.nano).toBe(kept);
      expect(BigInt(shown?.spent.nano ?? 0) + BigInt(shown?.left?.nano ?? 0)).toBe(
        BigInt(shown?.capacity?.nano ?? 0),
      );
    }
    // Control: a charge that was left out, or was taken for less by one, would be seen.
    const [first, ...rest] = once.filter(({ nano }) => nano !== '0');
    for (const wrong of [rest, [{ ...first!, nano: String(BigInt(first!.nano) - 1n) }, ...rest]]) {
      const [listed, kept] = await sums(wrong, first!.ledger);
      expect(listed).not.toBe(kept);
    }
    expect(await findViolations(world.db)).toEqual([]);
  });

  test('B6: an alias of the lineage shows the same charges, and its population those of every member', async () => {
    const population = async (name: string): Promise<readonly BudgetCharge[]> =>
      (await budgetOf('olga', name)).items.filter(({ ledger }) => ledger === 'population:city');
    expect(await population('beds')).toEqual(await population('wards'));
    expect(new Set((await population('beds')).map(({ dataset }) => dataset))).toEqual(
      new Set(['beds', 'wards']),
    );
  });
});

describe('a buyer', () => {
  test('sees the charges of his own organisation only, and nobody else by name', async () => {
    for (const [person, own, other] of [
      ['berta', 'released', 'rival'],
      ['rival', 'rival', 'released'],
    ] as const) {
      const budget = await budgetOf(person, 'beds');
      expect(chargesOf(budget, own)).toHaveLength(2);
      expect(chargesOf(budget, other)).toEqual([]);
      for (const word of ['account', 'organisation', 'grant', 'accounted'])
        expect(JSON.stringify(budget)).not.toContain(`"${word}"`);
    }
  });

  test('sees of the ledgers what a quote says is left: of the fullest', async () => {
    const ask = { grant: 'g-city', sql: 'SELECT SUM(cost) FROM wards', purpose: 'public_health' };
    const quote = await jsonOf<{ budget: { nanoLeft: string } }>(world.as('ben', '/v1/quotes', ask));
    const lefts = (await budgetOf('ben', 'wards')).ledgers.map(({ ledger, left }) => [ledger, left?.nano]);
    expect(lefts.find(([ledger]) => ledger === 'population:city')?.[1]).toBe(quote.budget.nanoLeft);
    // The population is fuller than the lineage, by all that was asked of beds.
    expect(BigInt(lefts.find(([ledger]) => ledger === 'wards')?.[1] ?? 0)).toBeGreaterThan(
      BigInt(quote.budget.nanoLeft),
    );
  });

  test('without a grant on the dataset is told nothing of its budget', async () => {
    const refused = await world.as('rival', '/v1/budgets/visits');
    expect([refused.status, (await jsonOf(refused))['code']]).toEqual([403, 'NO_GRANT']);
    expect((await world.as('ben', '/v1/budgets/nowhere')).status).toBe(404);
  });
});

test('a provider sees every charge on his own data, with its grant', async () => {
  const charges = chargesOf(await budgetOf('petra', 'beds'), 'rival');
  expect(charges).toMatchObject([{ organisation: 'rival-lab' }, { organisation: 'rival-lab' }]);
});

// Last, because it freezes every ledger.
test('what an operator accounted for after a restore stands beside the charges, and the sum stays right', async () => {
  await freezeLedgers(world.db);
  await thawLedger(world.db, 'beds', { nano: 17n, thresholdDeltaYocto: 0n });
  const { ledgers, items } = await budgetOf('olga', 'beds');
  expect(ledgers.map(({ ledger, accounted, frozen }) => [ledger, accounted?.nano, frozen])).toEqual([
    ['beds', '17', false],
    ['population:city', '0', true],
  ]);
  const [listed, kept] = await sums(items, 'beds');
  expect(listed).toBe(kept);
});
