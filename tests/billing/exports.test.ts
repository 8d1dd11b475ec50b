/** Files and reports about use and money: what stands in them, for whom, and that every FOCUS row keeps its rules. */
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { generateSigningKey } from '#crypto/ed25519-key.ts';
import { createApp } from '#gateway/app.ts';
import { signAccessToken } from '#gateway/auth/issuer.ts';
import { unitsOf } from '#gateway/billing/decimal.ts';
import type { Shell } from '#gateway/services/shell.ts';
import { FOCUS_COLUMNS } from '#gateway/services/reports/focus.ts';
import { sheetOf } from '#gateway/services/reports/sheet.ts';
import { type Database, openDatabase } from '#gateway/storage/database.ts';
import { saveAccount } from '#gateway/storage/parties.ts';
import { closeMonth } from '#gateway/storage/statements.ts';
import { policyEngine } from '#policies/decide.ts';
import type { Role } from '#policies/roles.ts';
import { makeBilledMonths, type BilledMonths, ZONE } from '#tests/support/billed-months.ts';
import { CALL_QUOTED, closingOf, issueAs, OCTOBER, statementOf } from '#tests/support/billing-acts.ts';
import { addUsage, factsOf, fileCard, makeBillingScene, UNIT_CARD } from '#tests/support/billing-world.ts';
import { emptyImage } from '#tests/support/pglite-image.ts';
import { faultsOf, MANDATORY, type Row } from './focus-rules.ts';

let db: Database;
let books: BilledMonths;
let get: (path: string, as?: Reader, headers?: Record<string, string>) => Promise<Response>;

type Reader = 'auditor' | 'buyer' | 'provider' | 'stranger' | 'billing';

beforeAll(async () => {
  db = await openDatabase({ memory: true, image: await emptyImage() });
  books = await makeBilledMonths(db);
  const key = generateSigningKey();
  const shell: Shell = {
    db,
    policies: policyEngine(),
    trial: null,
    keys: { token: key, log: { name: 'unseen.example/log', key }, receipts: [key.publicJwk], statement: key },
    publicUrl: 'https://unseen.example',
    timeZone: ZONE,
    channel: 'operation',
    ratePerMinute: 100_000,
    now: Date.now,
    reportBug: (error) => {
      throw error;
    },
  };
  const { scene } = books;
  const readers = {
    auditor: [scene.operator, ['auditor']],
    buyer: [scene.buyer, ['buyer']],
    provider: [scene.provider, ['provider']],
    stranger: [scene.provider, ['buyer']],
    billing: [scene.operator, ['billing']],
  } as const satisfies Record<Reader, readonly [string, readonly Role[]]>;
  for (const [id, [organisationId, roles]] of Object.entries(readers))
    await saveAccount(db, { id, organisationId, roles, keys: [] });
  const app = createApp(shell);
  get = async (path, as = 'auditor', headers = {}) => {
    const [organisationId, roles] = readers[as];
    const token = await signAccessToken(shell, { id: as, organisationId, roles });
    return app.request(path, { headers: { authorization: `Bearer ${token}`, ...headers } });
  };
});
afterAll(() => db.close());

async function jsonLines(path: string, as?: Reader): Promise<Record<string, unknown>[]> {
  const response = await get(path, as);
  const body = await response.text();
  if (response.status !== 200) throw new Error(body);
  return body
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** The text of an answer with its byte order mark, which `text()` takes away. */
async function raw(path: string): Promise<string> {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(await (await get(path)).bytes());
}

/** The rows of a CSV, by column. */
function table(csv: string): Record<string, string>[] {
  const lines = csv.slice(1).trimEnd().split('\r\n').map(cellsOf);
  const [head = [], ...rows] = lines;
  return rows.map((row) => Object.fromEntries(head.map((name, at) => [name, row[at] ?? ''])));
}

function cellsOf(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
  );
}

describe('usage', () => {
  test('is every record once, as lines and as a table that a spreadsheet opens', async () => {
    const events = await jsonLines('/v1/exports/usage');
    const [stored] = await db.rows<{ count: number }>(sql`SELECT count(*)::int AS count FROM usage_record`);
    expect(new Set(events.map(({ id }) => id)).size).toBe(stored?.count);
    expect(events.every(({ specversion }) => specversion === '1.0')).toBe(true);
    const csv = await (await get('/v1/exports/usage?format=csv')).bytes();
    expect(Array.from(csv.slice(0, 3))).toEqual([0xef, 0xbb, 0xbf]);
    const rows = table(new TextDecoder('utf-8', { ignoreBOM: true }).decode(csv));
    expect(rows.map(({ id }) => id)).toEqual(events.map(({ id }) => id));
    expect(rows[1]).toMatchObject({
      purposeClass: 'industry',
      channel: 'operation',
      agreement: `${books.scene.agreement}/1`,
      contributions: `${books.scene.dataset}:${books.scene.provider}:1`,
      rateCards: 'data_usage:prices/1 technical_service:',
      quoted: 'data_usage/calls:500000000 data_usage/rows:300000000 technical_service/calls:0',
      spendNano: '800000000',
      seats: '',
    });
    const [, first] = events as { data: Record<string, unknown> }[];
    expect(first?.data).toMatchObject({
      purposeClass: 'industry',
      agreement: { id: books.scene.agreement, revision: 1 },
      fees: [{ card: { id: 'prices', revision: 1 } }, { card: null }],
      quoted: { 'data_usage/calls': '500000000' },
      planned: { spendNano: '800000000' },
    });
  });

  test('is the same as page by page', async () => {
    const pages: unknown[] = [];
    for (let cursor = ''; ;) {
      const answer = await get(`/v1/usage?limit=20${cursor}`);
      const page = (await answer.json()) as { items: unknown[]; nextCursor: string | null };
      pages.push(...page.items);
      if (page.nextCursor === null) break;
      cursor = `&cursor=${page.nextCursor}`;
    }
    expect(await jsonLines('/v1/exports/usage')).toEqual(pages);
  });

  test.for([
    ['outcome=refused', 2],
    ['outcome=failed', 1],
    ['purpose=public_welfare&outcome=released', 49],
    ['from=2026-10-01T00:00:00%2B08:00&to=2026-11-01T00:00:00%2B08:00', 31],
    ['scene=nothing', 0],
    ['product=P-1', 0],
  ] as const)('filtered by %s has %i records', async ([query, count]) => {
    expect(await jsonLines(`/v1/exports/usage?${query}`)).toHaveLength(count);
  });

  test('is filtered by each party and dataset, and shows a stranger nothing', async () => {
    const { scene } = books;
    const all = (await jsonLines('/v1/exports/usage')).length;
    for (const query of [
      `buyer=${scene.buyer}`,
      `provider=${scene.provider}`,
      `dataset=${scene.dataset}`,
      `grant=${scene.grant}&outcome=released`,
    ])
      expect((await jsonLines(`/v1/exports/usage?${query}`)).length).toBeGreaterThan(all - 4);
    expect(await jsonLines(`/v1/exports/usage?buyer=${scene.provider}`)).toEqual([]);
    expect(await jsonLines('/v1/exports/usage', 'stranger')).toEqual([]);
    expect((await jsonLines('/v1/exports/usage', 'provider')).length).toBe(all);
  });

  test('says what is wrong with half an extract', async () => {
    const response = await get('/v1/exports/usage?throughLeaf=3');
    expect(response.status).toBe(400);
    expect(((await response.json()) as { detail: string }).detail).toContain('throughAt');
  });
});

describe('lines of statements', () => {
  test('sum to their statements, as events and as a table', async () => {
    const events = await jsonLines('/v1/exports/lines?month=2026-09&to=2026-10');
    const rows = table(await raw('/v1/exports/lines?month=2026-09&to=2026-10&format=csv'));
    expect(rows.map((row) => row['line'])).toEqual(events.map(({ id }) => id));
    expect(new Set(events.map(({ type }) => type))).toEqual(new Set(['unseen.cost.line']));
    const totals = await db.rows<{ id: string; fen: string }>(
      sql`SELECT id, total_fen::text AS fen FROM statement ORDER BY seq`,
    );
    const sums = Map.groupBy(rows, (row) => row['statement'] ?? '');
    for (const { id, fen } of totals) {
      const sum = (sums.get(id) ?? []).reduce(
        (total, row) => total + unitsOf(row['amountYuan'] ?? '', 2),
        0n,
      );
      expect(String(sum)).toBe(fen);
    }
  });

  test('have no cell that a spreadsheet takes for a formula', async () => {
    const rows = table(await raw('/v1/exports/lines?month=2026-09&format=csv'));
    expect(new Set(rows.map((row) => row['costCentre']))).toContain(`'=HYPERLINK("x")`);
    const cells = rows.flatMap((row) => Object.values(row));
    expect(cells.filter((cell) => /^[=+@\t\r]/.test(cell) || /^-(?!\d+(\.\d+)?$)/.test(cell))).toEqual([]);
    // The control: without the apostrophe the same cell would be one.
    expect(sheetOf([['=1+1', '-1.5', '-x', '+1']])).toBe(`\uFEFF'=1+1,-1.5,'-x,'+1\r\n`);
    expect(sheetOf([['\n=1', '＝1+1', '＠x', '\t=1', '\r=1']])).toBe(
      `\uFEFF"'\n=1",'＝1+1,'＠x,'\t=1,"'\r=1"\r\n`,
    );
  });

  test('are the buyer’s own, and nobody else’s', async () => {
    const own = await jsonLines('/v1/exports/lines?month=2026-09', 'buyer');
    expect(own.length).toBeGreaterThan(0);
    expect(await jsonLines(`/v1/exports/lines?month=2026-09&buyer=${books.scene.buyer}`, 'stranger')).toEqual(
      [],
    );
    expect((await get('/v1/exports/lines?month=2026-09', 'provider')).status).toBe(403);
    expect((await get('/v1/exports/lines?month=2026-13')).status).toBe(422);
  });
});

describe('FOCUS 1.4', () => {
  test('every row keeps the rules of every column', async () => {
    const rows = (await jsonLines('/v1/exports/focus?month=2026-09&to=2026-10')) as Row[];
    expect(rows.length).toBeGreaterThan(10);
    expect(rows.flatMap(faultsOf)).toEqual([]);
    expect(Object.keys(MANDATORY)).toHaveLength(21);
    expect(Object.keys(rows[0] ?? {})).toEqual([...FOCUS_COLUMNS]);
  });

  test('the rules find a row that breaks them', async () => {
    const [row = {}] = (await jsonLines('/v1/exports/focus?month=2026-09')) as Row[];
    const broken: Row[] = [
      { ...row, BilledCost: null },
      { ...row, BilledCost: '1e3' },
      { ...row, ChargeClass: 'Refund' },
      { ...row, BillingPeriodStart: '2026-09-01T00:00:00+08:00' },
      { ...row, ContractedCost: '99' },
      { ...row, ListUnitPrice: '-1' },
      { ...row, FeeType: 'x' },
    ];
    expect(broken.filter((each) => faultsOf(each).length === 0)).toEqual([]);
  });

  test('corrections name the statement that they correct, and costs sum to the statements', async () => {
    const rows = (await jsonLines('/v1/exports/focus?month=2026-10')) as Row[];
    const taken = rows.filter((row) => row['x_ReferenceInvoiceId'] !== null);
    expect(new Set(taken.map((row) => row['ChargeClass']))).toEqual(new Set(['Correction']));
    expect(new Set(taken.map((row) => row['x_ReferenceInvoiceId']))).toEqual(new Set([books.statements[0]]));
    const [total] = await db.rows<{ fen: string }>(
      sql`SELECT total_fen::text AS fen FROM statement WHERE id = ${books.statements[1]}`,
    );
    expect(String(rows.reduce((sum, row) => sum + unitsOf(row['BilledCost'] ?? '', 2), 0n))).toBe(total?.fen);
  });
});

interface Shown {
  readonly title: string;
  readonly figures: readonly {
    readonly name: string;
    readonly value: string;
    readonly previous: string;
    readonly change: string;
  }[];
  readonly tables: readonly {
    readonly name: string;
    readonly columns: readonly { readonly name: string }[];
    readonly rows: readonly (readonly unknown[])[];
  }[];
}

async function report(path: string, as?: Reader, headers?: Record<string, string>): Promise<Shown> {
  const response = await get(`/v1/reports/${path}`, as, headers);
  if (response.status !== 200) throw new Error(await response.text());
  return (await response.json()) as Shown;
}

function figures({ figures: all }: Shown): Record<string, readonly string[]> {
  return Object.fromEntries(
    all.map(({ name, value, previous, change }) => [name, [value, previous, change]]),
  );
}

function rowsOf({ tables }: Shown, name: string): Record<string, unknown>[] {
  const found = tables.find((each) => each.name === name);
  return (found?.rows ?? []).map((row) =>
    Object.fromEntries(found!.columns.map((column, at) => [column.name, row[at]])),
  );
}

describe('reports', () => {
  test('the provider’s has use by dataset, buyer and purpose, and the money of his datasets, beside the month before', async () => {
    const shown = await report('provider?month=2026-10', 'provider');
    expect(figures(shown)['runs']).toEqual(['31', '20', '11']);
    const [use] = rowsOf(shown, 'usage');
    const { scene } = books;
    expect(use).toMatchObject({
      dataset: scene.dataset,
      buyer: scene.buyer,
      purpose: 'public_welfare',
      runs: '31',
    });
    const september = rowsOf(await report('provider?month=2026-09', 'provider'), 'money');
    const paid = september.find((row) => row['amountYuan'] !== '0.00');
    // 8 calls at 0.50, 3 at 0.45, 24,000 rows in tiers: 4.00 + 1.35 + 1.00 + 0.70; 70 per cent of each to contributors.
    expect(paid).toMatchObject({ amountYuan: '7.05', shareYuan: '4.94', instructedYuan: '4.94' });
  });

  test('the buyer’s has quoted beside charged, and only his own', async () => {
    const shown = await report('buyer?month=2026-09', 'buyer');
    const calls = rowsOf(shown, 'lines').find(
      (row) => row['basis'] === 'calls' && row['amountYuan'] === '4.00',
    );
    expect(calls).toMatchObject({ quotedYuan: '4.000000000', quantity: '8', priceState: 'trial' });
    expect(figures(shown)['amountYuan']).toEqual(['7.05', '0.00', '7.05']);
    expect(
      rowsOf(await report(`buyer?month=2026-09&buyer=${books.scene.buyer}`, 'stranger'), 'lines'),
    ).toEqual([]);
  });

  test('price variance has every line that is not at its list price, with the reason', async () => {
    const rows = rowsOf(await report('variance?month=2026-09'), 'deviations');
    const reduced = rows.find((row) => row['reason'] === 'new_user_period');
    expect(reduced).toMatchObject({
      listYuan: '1.50',
      chargedYuan: '1.35',
      differenceYuan: '-0.15',
      perMille: '100',
    });
    expect(new Set(rows.map((row) => row['reason']))).toEqual(
      new Set(['new_user_period', 'public_welfare', 'no_rate_card', 'failed_run']),
    );
    expect((await get('/v1/reports/variance?month=2026-09', 'buyer')).status).toBe(403);
  });

  test('self-dealing lists who is affiliated and nobody else’s runs', async () => {
    const shown = await report('self-dealing?month=2026-09', 'billing');
    expect(rowsOf(shown, 'affiliated')).toEqual([{ organisation: books.scene.operator }]);
    expect(rowsOf(shown, 'usage')).toEqual([]);
    // The same buyer, once he runs the platform.
    await db.rows(sql`UPDATE organisation SET operator = true WHERE id = ${books.scene.buyer}`);
    const own = await report('self-dealing?month=2026-09');
    await db.rows(sql`UPDATE organisation SET operator = false WHERE id = ${books.scene.buyer}`);
    expect(figures(own)['runs']?.[0]).toBe('20');
    expect(rowsOf(own, 'prices').length).toBeGreaterThan(0);
  });

  test('the annual report has six blocks', async () => {
    await db.rows(sql`
      INSERT INTO cost_entry (id, period, purpose_class, category, amount_fen, description, entered_by)
      VALUES ('c1', '2026-09', 'industry', 'staff', 300, 'x', ${books.scene.clerks[0]})`);
    const shown = await report('annual?year=2026');
    expect(shown.tables.map(({ name }) => name)).toEqual([
      'operation',
      'costs',
      'profit',
      'sales',
      'deviation',
      'adjustments',
    ]);
    const [total] = await db.rows<{ fen: string }>(sql`SELECT sum(total_fen)::text AS fen FROM statement`);
    const industry = rowsOf(shown, 'profit').find((row) => row['purposeClass'] === 'industry');
    const income = unitsOf(String(industry?.['salesYuan']), 2);
    expect(String(income)).toBe(total?.fen);
    expect(unitsOf(String(industry?.['profitYuan']), 2)).toBe(income - 300n);
    expect(rowsOf(shown, 'sales').reduce((sum, row) => sum + unitsOf(String(row['amountYuan']), 2), 0n)).toBe(
      income,
    );
    expect(rowsOf(shown, 'adjustments')).toContainEqual(
      expect.objectContaining({ kind: 'RateCard', id: 'prices', priceState: 'trial', before: null }),
    );
    expect((await get('/v1/reports/annual?month=2026-09')).status).toBe(400);
  });

  test('usage is summed by one dimension', async () => {
    const shown = await report('usage?month=2026-09&by=outcome');
    expect(rowsOf(shown, 'usage').map((row) => [row['outcome'], row['runs']])).toEqual([
      ['failed', '1'],
      ['refused', '2'],
      ['released', '17'],
    ]);
  });

  test('a day far above the four weeks before is marked, and a usual one is not', async () => {
    const october = rowsOf(await report('anomalies?month=2026-10'), 'marks');
    expect(october).toEqual([
      expect.objectContaining({
        grant: books.scene.grant,
        day: '2026-10-20',
        events: '30',
        median: '0',
        most: '6',
      }),
    ]);
    expect(rowsOf(await report('anomalies?month=2026-09'), 'marks')).toEqual([]);
  });

  test('speaks the reader’s language, and is a file for a spreadsheet', async () => {
    const zh = await report('usage?month=2026-09', 'auditor', { 'accept-language': 'zh' });
    expect(zh.title).toBe('用量');
    const csv = await raw('/v1/reports/buyer?month=2026-09&format=csv');
    expect(csv.startsWith('\uFEFFreport,period,previous\r\nbuyer,2026-09,2026-08\r\n')).toBe(true);
  });

  test('reconciliation is for oversight', async () => {
    const found = (await (await get('/v1/reconciliation?month=2026-09')).json()) as { breaches: unknown };
    expect(found).toMatchObject({ month: '2026-09', rules: 13, breaches: [] });
    expect((await get('/v1/reconciliation', 'billing')).status).toBe(200);
    expect((await get('/v1/reconciliation', 'buyer')).status).toBe(403);
    expect(await (await get('/metrics')).text()).toContain('unseen_reconcile_violations 0');
  });
});

describe('what is not a reader’s own', () => {
  test('a buyer is told of no line before it is issued, and never who gets which part', async () => {
    const path = '/v1/exports/lines?month=2026-09&to=2026-11';
    const sharesIn = (lines: readonly Record<string, unknown>[]): readonly unknown[] =>
      lines.flatMap(({ data }) => (data as { shares: unknown[] }).shares);
    expect(sharesIn(await jsonLines(path)).length).toBeGreaterThan(0);
    const own = await jsonLines(path, 'buyer');
    expect(own.length).toBeGreaterThan(0);
    expect(sharesIn(own)).toEqual([]);
    await setState('closed');
    try {
      const ids = (lines: readonly Record<string, unknown>[]): ReadonlySet<unknown> =>
        new Set(lines.map(({ subject }) => subject));
      expect(ids(await jsonLines(path))).toEqual(new Set(books.statements));
      expect(ids(await jsonLines(path, 'buyer'))).toEqual(new Set([books.statements[0]]));
      expect(rowsOf(await report('buyer?month=2026-10', 'buyer'), 'lines')).toEqual([]);
      expect(rowsOf(await report('provider?month=2026-10', 'provider'), 'money')).toEqual([]);
      expect(rowsOf(await report('buyer?month=2026-10'), 'lines')).not.toEqual([]);
    } finally {
      await setState('issued');
    }
  });

  /** The state of October’s statement, by hand. */
  async function setState(state: string): Promise<void> {
    await db.transact(async (tx) => {
      await tx.rows(sql`SET LOCAL session_replication_role = replica`);
      await tx.rows(sql`ALTER TABLE statement DROP CONSTRAINT IF EXISTS statement_issued`);
      await tx.rows(sql`UPDATE statement SET state = ${state} WHERE id = ${books.statements[1]}`);
    });
  }

  test('a provider’s statement has the money of his data also where no agreement was filed', async () => {
    const scene = await makeBillingScene(db);
    const card = await fileCard(db, scene, UNIT_CARD);
    const billing = factsOf(scene, { card }, { agreement: null, contributions: [] });
    await addUsage(db, scene, [{ at: OCTOBER, copies: 1000, billing, quoted: CALL_QUOTED }]);
    const { id } = statementOf(await closeMonth(db, closingOf(scene, '2026-10')));
    await issueAs(db, scene, id);
    const shown = await report(`provider?month=2026-10&provider=${scene.provider}`);
    expect(rowsOf(shown, 'money').map((row) => row['amountYuan'])).toContain('4.00');
  });
});

test('an export goes on behind a stretch of the log that has nothing of what is asked for', async () => {
  const other = await makeBillingScene(db);
  const refused = { at: OCTOBER, billing: null, quoted: {}, outcome: 'refused' } as const;
  await addUsage(db, other, [{ ...refused, copies: 2_100 }]);
  const [last] = await addUsage(db, books.scene, [refused]);
  const path = `/v1/exports/usage?grant=${books.scene.grant}`;
  const events = await jsonLines(path);
  const ofGrant = sql`SELECT count(*)::int AS count FROM usage_record WHERE grant_id = ${books.scene.grant}`;
  const [stored] = await db.rows<{ count: number }>(ofGrant);
  expect(events).toHaveLength(stored?.count ?? 0);
  expect(events.at(-1)?.['id']).toBe(last);
  expect(table(await raw(`${path}&format=csv`)).map(({ id }) => id)).toEqual(events.map(({ id }) => id));
});
