/** Prices in a gateway: the three levels at approval, the public list, a year's deviation and its task, and the ledger. */
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { priceWarnings } from '#gateway/services/price-checks.ts';
import { findDocument, withdrawDocument } from '#gateway/storage/documents.ts';
import { jsonOf, makeWorld, type Person, type World } from '#tests/support/gateway-world.ts';
import { capFile, cardFile, ceilingFile } from '#tests/support/price-files.ts';
import {
  approvePrice,
  type BilledLine,
  billMonth,
  clearDocuments,
  filePrice,
  ZONE,
} from '#tests/support/price-world.ts';

const DAY_MS = 86_400_000;

let world: World;
beforeAll(async () => {
  world = await makeWorld();
  await world.db.rows(
    sql`UPDATE dataset SET manifest = jsonb_set(manifest, '{origin}', '"enterprise"') WHERE name = 'visits_late'`,
  );
});
afterAll(() => world.close());

const file = (body: Record<string, unknown>) => filePrice(world.db, body);
const approve = (body: Record<string, unknown>): Promise<string> => approvePrice(world.db, body);
const bill = (
  month: string,
  lines: readonly BilledLine[],
  state: Parameters<typeof billMonth>[1]['state'] = 'issued',
): Promise<void> => billMonth(world.db, { month, lines, state });
beforeEach(() => clearDocuments(world.db));

const dear = [{ basis: 'calls', model: 'unit', unitPrice: '0.006', per: '1' }];

describe('approval', () => {
  test('a card above a cap in force is refused with cap and price, and one at the cap is not', async () => {
    expect(await approve(ceilingFile())).toBe('');
    expect(await approve(capFile())).toBe('');
    expect(await approve(cardFile({ charges: dear }))).toMatch(/0\.006.*PriceCap\/PC-visits\/1.*0\.005/);
    const atCap = [{ basis: 'calls', model: 'unit', unitPrice: '0.005', per: '1' }];
    expect(await approve(cardFile({ charges: atCap }))).toBe('');
  });

  test('a cap under a ceiling that nobody approved for its year is refused', async () => {
    expect(await approve(capFile())).toContain('RCL-city');
    expect(await approve(ceilingFile())).toBe('');
    expect(await approve(capFile({ from: '2026-12-31T23:59:59+08:00' }))).toContain('2026');
    expect(await approve(capFile({ id: 'PC-2', from: '2027-01-01T00:00:00+08:00' }))).toBe('');
  });

  test('caps whose projected revenue exceeds the ceiling warn and are kept, with every year named', async () => {
    await approve(ceilingFile());
    const much = [{ basis: 'calls', maxUnitPrice: '0.005', per: '1', projectedPerYear: '4007100000' }];
    const exact = await file(capFile({ caps: much }));
    expect(await priceWarnings(world.db, exact, ZONE)).toEqual([]);
    const more = [{ basis: 'calls', maxUnitPrice: '0.005', per: '1', projectedPerYear: '4007100001' }];
    const above = await file(capFile({ caps: more }));
    const warnings = await priceWarnings(world.db, above, ZONE);
    expect(warnings.map(({ args }) => args)).toEqual(
      [2027, 2028, 2029].map((year) => ({
        ceiling: 'RCL-city',
        year,
        projected: '20035500.01',
        permitted: '20035500.00',
      })),
    );
    expect(await findDocument(world.db, 'PriceCap', above)).not.toBeNull();
  });

  test('caps are added up with the others that are in force under the same ceiling', async () => {
    await approve(ceilingFile());
    const half = [{ basis: 'calls', maxUnitPrice: '0.005', per: '1', projectedPerYear: '4007100000' }];
    await approve(capFile({ caps: half, to: '2028-01-01T00:00:00+08:00' }));
    const other = await file(capFile({ id: 'PC-rows', feeType: 'technical_service' }));
    const warnings = await priceWarnings(world.db, other, ZONE);
    expect(warnings.map(({ args }) => args['year'])).toEqual([2027]);
  });

  test('a cap below a price that is approved names the card', async () => {
    await approve(cardFile({ charges: dear }));
    await approve(ceilingFile());
    const cap = await file(capFile());
    expect((await priceWarnings(world.db, cap, ZONE)).map(({ id, args }) => [id, args['card']])).toEqual([
      ['price.cap.cardAbove', 'RateCard/RC-visits/1'],
    ]);
  });

  test('the same data, scene and fee have one price at a time', async () => {
    expect(await approve(cardFile())).toBe('');
    expect(await approve(cardFile({ id: 'RC-2' }))).toContain('same price');
    expect(await approve(cardFile({ id: 'RC-2', scene: 'triage' }))).toBe('');
  });

  test('public data needs a guided price, other data a market price, and data that nobody registered has none', async () => {
    expect(await approve(cardFile({ priceSource: 'market', guidanceDocument: null }))).toContain('guided');
    const applies = { dataset: 'visits_late' };
    expect(await approve(cardFile({ id: 'RC-e', applies }))).toContain('not public data');
    expect(await approve(cardFile({ id: 'RC-e', applies, priceSource: 'market', state: 'formal' }))).toBe('');
    expect(await approve(cardFile({ id: 'RC-n', applies: { dataset: 'nothing' } }))).toContain(
      'not registered',
    );
    expect(await approve(cardFile({ id: 'RC-p', applies: { product: 'P-0001' } }))).toContain(
      'not registered',
    );
  });

  test('a price goes from trial to formal one step at a time, after a full operating year', async () => {
    const step = (id: string, state: string, from: string, to: string | null): Promise<string> =>
      approve(
        cardFile({
          id,
          state,
          from: `${from}T00:00:00+08:00`,
          to: to === null ? null : `${to}T00:00:00+08:00`,
        }),
      );
    expect(await step('RC-1', 'formal', '2025-01-01', null)).toContain('on trial');
    expect(await step('RC-2', 'trial', '2025-01-01', '2025-06-01')).toBe('');
    expect(await step('RC-3', 'formal', '2026-01-01', null)).toContain('next state is applied');
    expect(await step('RC-4', 'applied', '2025-06-01', '2025-09-01')).toBe('');
    expect(await step('RC-5', 'assessed', '2025-09-01', '2026-02-01')).toBe('');
    expect(await step('RC-6', 'trial', '2026-02-01', null)).toContain('cannot become trial');
    expect(await step('RC-7', 'formal', '2026-02-01', null)).toContain('cap');
    await approve(ceilingFile({ cycle: { from: 2026, to: 2028 }, from: '2026-01-01T00:00:00+08:00' }));
    expect(await approve(capFile({ from: '2026-01-01T00:00:00+08:00' }))).toBe('');
    expect(await step('RC-8', 'formal', '2026-02-01', null)).toBe('');
  });

  test('two cards for the same that are approved at once: one is refused', async () => {
    const outcomes = await Promise.all([approve(cardFile()), approve(cardFile({ id: 'RC-2' }))]);
    expect(outcomes.filter((outcome) => outcome === '')).toHaveLength(1);
  });
});

interface YearView {
  readonly ceiling: string;
  readonly revenueYuan: string;
  readonly disputedYuan: string;
  readonly percent: string;
  readonly taskKind: string;
  readonly final: boolean;
  readonly note: string | null;
  readonly working: readonly string[];
  readonly carryOver: Readonly<Record<string, string>>;
  readonly task: { readonly kind: string; readonly openedAt: string } | null;
}

async function deviation(year: number, person: Person = 'bill'): Promise<readonly YearView[]> {
  const answer = await jsonOf<{ items: readonly YearView[] }>(
    world.as(person, '/v1/price-deviations', { year }),
  );
  return answer.items;
}

const past = (id: string, changes: object = {}): Record<string, unknown> => {
  const inputs = {
    ...(ceilingFile()['inputs'] as object),
    surveyYear: 2022,
    bondYield: { year: 2021, percent: '2.30' },
  };
  return ceilingFile({
    id,
    cycle: { from: 2023, to: 2025 },
    inputs,
    from: '2023-01-01T00:00:00+08:00',
    to: null,
    ...changes,
  });
};

describe('the deviation of a year', () => {
  test('counts issued and settled lines of industry under guided prices, once each, and opens one task', async () => {
    await approve(cardFile({ from: '2023-01-01T00:00:00+08:00' }));
    await approve(
      cardFile({
        id: 'RC-e',
        applies: { dataset: 'visits_late' },
        priceSource: 'market',
        from: '2023-01-01T00:00:00+08:00',
      }),
    );
    await approve(past('RCL-a'));
    await bill('2023-01', [
      { fen: 2_000_000_000n },
      { fen: 7n, purposeClass: 'governance_welfare' },
      { fen: 9n, card: 'RC-e' },
    ]);
    await bill('2023-02', [{ fen: 203_904_000n }], 'settled');
    await bill('2023-03', [{ fen: 11n }], 'closed');
    await bill('2023-04', [{ fen: 13n }], 'disputed');
    await bill('2023-12', [{ fen: 1_500n }, { fen: -500n }]);
    await bill('2022-12', [{ fen: 17n }]);
    const [found] = await deviation(2023);
    expect(found).toMatchObject({
      ceiling: 'RCL-a',
      revenueYuan: '22039050.00',
      disputedYuan: '0.13',
      percent: '10.000000',
      taskKind: 'actual_price',
      final: true,
      note: null,
    });
    expect(found?.task?.kind).toBe('actual_price');
    // Later figures change what is shown, and not the task that was opened.
    await bill('2023-05', [{ fen: 1_000n }]);
    const [again] = await deviation(2023);
    expect(again).toMatchObject({ revenueYuan: '22039060.00', taskKind: 'cap' });
    expect(again?.task).toEqual(found?.task);
    const tasks = await jsonOf<{ items: unknown[] }>(world.as('susan', '/v1/price-tasks'));
    expect(tasks.items).toHaveLength(1);
  });

  test('what came in above the ceiling is carried over, and the next cycle may not forget it', async () => {
    await approve(cardFile({ from: '2023-01-01T00:00:00+08:00' }));
    await approve(past('RCL-a', { to: '2026-12-01T00:00:00+08:00' }));
    const [found] = await deviation(2023);
    expect(found?.carryOver).toEqual({
      openingYuan: '0.00',
      deductedYuan: '0.00',
      excessYuan: '2003560.00',
      closingYuan: '2003560.00',
    });
    const next = (changes: object): Record<string, unknown> =>
      ceilingFile({ id: 'RCL-a', from: '2026-12-01T00:00:00+08:00', ...changes });
    expect(await approve(next({ carryOver: { opening: '2003559.99', cycles: 2 } }))).toMatch(
      /2003559\.99.*2003560\.00/,
    );
    expect(await approve(next({ cycle: { from: 2025, to: 2027 }, inputs: past('x')['inputs'] }))).toContain(
      '2023–2025',
    );
    expect(await approve(next({ carryOver: { opening: '2003560.00', cycles: 2 } }))).toBe('');
    const [later] = await deviation(2027);
    expect(later?.carryOver).toMatchObject({
      openingYuan: '2003560.00',
      deductedYuan: '1001780.00',
      closingYuan: '1001780.00',
    });
  });

  test('of a year that is not over is shown, and opens nothing', async () => {
    await approve(past('RCL-c', { cycle: { from: 2026, to: 2026 } }));
    const [found] = await deviation(2026);
    expect(found).toMatchObject({ final: false, task: null, taskKind: 'cap' });
    expect(found?.note).toContain('2026');
  });

  test('counts only the fees and agreements that the ceiling is about', async () => {
    await approve(cardFile({ from: '2023-01-01T00:00:00+08:00' }));
    await approve(past('RCL-d', { agreements: ['A-2'], feeTypes: ['technical_service'] }));
    await bill('2024-01', [
      { fen: 100n, agreement: 'A-1', feeType: 'technical_service' },
      { fen: 200n, agreement: 'A-2', feeType: 'technical_service' },
      { fen: 400n, agreement: 'A-2' },
    ]);
    expect((await deviation(2024))[0]?.revenueYuan).toBe('2.00');
  });

  test('a task is closed once, with what came of it', async () => {
    const end = { year: 2023, ceiling: 'RCL-a', outcome: 'prices lowered' };
    const closed = await world.as('olga', '/v1/price-tasks/close', end);
    expect(await jsonOf(closed)).toMatchObject({ closedBy: 'olga', outcome: 'prices lowered' });
    expect((await world.as('olga', '/v1/price-tasks/close', end)).status).toBe(422);
  });
});

describe('the separate ledger', () => {
  const entry = {
    period: '2026-05',
    purposeClass: 'industry',
    category: 'storage',
    amount: '1000.00',
    description: 'disks',
  };
  const enter = (body: object, person: Person = 'bill'): Promise<Response> =>
    world.as(person, '/v1/costs', { kind: 'CostEntries', ...body });
  interface Books {
    readonly classes: readonly {
      readonly purposeClass: string;
      readonly costsYuan: string;
      readonly netCostsYuan: string;
    }[];
    readonly entries: readonly {
      readonly id: string;
      readonly amountYuan: string;
      readonly reverses: string | null;
    }[];
  }
  const books = (): Promise<Books> => jsonOf<Books>(world.as('adele', '/v1/costs?year=2026'));

  test('keeps each class by itself, and cost of free use is in no sum of paid products', async () => {
    const free = { ...entry, purposeClass: 'governance_welfare', amount: '500.50' };
    const subsidy = { ...entry, category: 'government_subsidy', amount: '100.00' };
    expect((await enter({ entries: [entry, free, subsidy] })).status).toBe(201);
    const { classes } = await books();
    expect(classes).toMatchObject([
      { purposeClass: 'governance_welfare', costsYuan: '500.50', netCostsYuan: '500.50' },
      { purposeClass: 'industry', costsYuan: '1000.00', netCostsYuan: '900.00' },
    ]);
  });

  test('undoes an entry by its exact negative, once, and never a reversal', async () => {
    const { entries } = await books();
    const first = entries.find(({ amountYuan }) => amountYuan === '1000.00')?.id ?? '';
    const undo = (id: string) => enter({ reversals: [{ reverses: id, description: 'entered twice' }] });
    const made = await jsonOf<{ items: Books['entries'] }>(undo(first));
    expect(made.items).toMatchObject([{ amountYuan: '-1000.00', reverses: first }]);
    expect((await books()).classes[1]).toMatchObject({ costsYuan: '0.00' });
    expect((await undo(first)).status).toBe(422);
    expect((await undo(made.items[0]?.id ?? '')).status).toBe(422);
    expect((await undo('0'.repeat(32))).status).toBe(422);
  });

  test('takes a file as a whole or not at all, and the database forbids changing an entry', async () => {
    const before = (await books()).entries.length;
    const bad = await enter({
      entries: [entry],
      reversals: [{ reverses: '0'.repeat(32), description: 'x' }],
    });
    expect(bad.status).toBe(422);
    expect((await books()).entries).toHaveLength(before);
    await expect(world.db.rows(sql`UPDATE cost_entry SET amount_fen = 0`)).rejects.toThrow(
      /reversed, never changed|denied/,
    );
    await expect(world.db.rows(sql`DELETE FROM cost_entry`)).rejects.toThrow(
      /reversed, never changed|denied/,
    );
  });

  test.for([
    ['a category of its own', { category: 'parties' }, 'entries[0].category'],
    ['nothing', { amount: '0.00' }, 'entries[0].amount'],
    ['an amount below zero', { amount: '-1.00' }, 'entries[0].amount'],
    ['a number for an amount', { amount: 1 }, 'entries[0].amount'],
    ['a month that is none', { period: '2026-13' }, 'entries[0].period'],
    ['both classes at once', { purposeClass: 'both' }, 'entries[0].purposeClass'],
  ] as const)('refuses %s by the field', async ([, change, field]) => {
    const answer = await enter({ entries: [{ ...entry, ...change }] });
    expect(answer.status).toBe(422);
    expect((await jsonOf<{ errors: { field: string }[] }>(answer)).errors.map((one) => one.field)).toEqual([
      field,
    ]);
  });

  test('a ceiling whose survey says more than the ledger of industry holds is refused', async () => {
    await enter({ entries: [{ ...entry, purposeClass: 'governance_welfare', amount: '90000000.00' }] });
    expect(await approve(ceilingFile())).toMatch(/ledger of 2026/);
    const { classes } = await books();
    expect(classes[1]?.purposeClass).toBe('industry');
  });

  test('is the operator’s: who bills for others reads and writes nothing', async () => {
    for (const person of ['ben', 'petra', 'rival'] as const) {
      expect((await enter({ entries: [entry] }, person)).status).toBe(403);
      expect((await world.as(person, '/v1/costs?year=2026')).status).toBe(403);
    }
    expect((await enter({ entries: [entry] }, 'adele')).status).toBe(403);
  });
});

describe('the public list', () => {
  interface PublicList {
    readonly products: readonly object[];
    readonly prices: readonly { readonly id: string; readonly history: readonly object[] }[];
  }
  const list = async (): Promise<PublicList> => jsonOf<PublicList>(world.request('/v1/prices'));

  test('is told without a login: prices in force with state, unit, source and guidance, and their history', async () => {
    const from = '2026-01-01T00:00:00+08:00';
    await approve(cardFile({ from, to: '2026-11-01T00:00:00+08:00' }));
    await approve(cardFile({ id: 'RC-2', from: '2026-11-01T00:00:00+08:00', charges: dear }));
    const { prices } = await list();
    expect(prices).toMatchObject([
      {
        id: 'RC-2',
        applies: { dataset: 'visits' },
        state: 'trial',
        stateLabel: 'trial price',
        priceSource: 'guided',
        guidanceDocument: 'PD-2026-17',
        charges: dear,
        history: [{ revision: 1, state: 'trial' }],
      },
    ]);
    const old = await jsonOf<{ items: { history: object[] }[] }>(
      world.request('/v1/prices/history?id=RC-visits'),
    );
    expect(old.items[0]?.history).toMatchObject([{ revision: 1, charges: [{ unitPrice: '0.004' }] }]);
    const all = await jsonOf<{ items: { id: string }[] }>(world.request('/v1/prices/history'));
    expect(all.items.map(({ id }) => id)).toEqual(['RC-2', 'RC-visits']);
    expect((await world.request('/v1/prices/history?id=RC-none')).status).toBe(404);
  });

  test('never names a buyer, nor a price that was agreed with one, nor what nobody approved', async () => {
    const from = '2026-01-01T00:00:00+08:00';
    const discounts = [
      {
        buyers: ['city-university'],
        reason: 'new_user_period',
        perMille: 100,
        until: '2027-01-01T00:00:00+08:00',
      },
    ];
    await approve(cardFile({ from, discounts }));
    const applies = { dataset: 'visits_late' };
    await approve(
      cardFile({ id: 'RC-secret', applies, priceSource: 'negotiated', guidanceDocument: null, from }),
    );
    await file(cardFile({ id: 'RC-filed', scene: 'triage', from }));
    const text = JSON.stringify(await list());
    expect(text).toContain('new_user_period');
    for (const secret of ['city-university', 'RC-secret', 'visits_late', 'RC-filed', 'olga'])
      expect(text).not.toContain(secret);
    expect((await world.request('/v1/prices/history?id=RC-secret')).status).toBe(404);
  });

  test('leaves out what is over and what is withdrawn, and keeps it in the history', async () => {
    const from = '2026-01-01T00:00:00+08:00';
    await approve(cardFile({ from }));
    await withdrawDocument(world.db, { kind: 'RateCard', id: 'RC-visits', revision: 1, by: 'olga' });
    world.advance(DAY_MS);
    expect((await list()).prices).toEqual([]);
    const old = await jsonOf<{ items: { history: { withdrawnAt: string | null }[] }[] }>(
      world.request('/v1/prices/history'),
    );
    expect(old.items[0]?.history[0]?.withdrawnAt).toMatch(/^20/);
    world.advance(-DAY_MS);
  });
});
