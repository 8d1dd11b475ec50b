/**
 * Neighbours through the running platform: what a buyer sees of a server is the same, byte for byte, whether a heavy,
 * strange unit is among its data or not, but for released values, ids, salts, signatures and clock times.
 *
 * Not covered: requests under way at the same time under a quantum. Their leaves in the log, and with them the ledger's
 * amounts in their receipts, are in the order of their ends, which depends on how long each one ran. Nor which of the
 * keys near the threshold are released.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { ProblemError } from '#gateway/client/problem.ts';
import { runStatements } from '#gateway/demo/generate.ts';
import { serve, type Served } from '#gateway/embedded.ts';
import { type Exchange, recorder, viewOf } from '#tests/support/buyer-view.ts';
import { openGrant, openShop, type Shop } from '#tests/support/journey.ts';

const ISSUER = 'https://unseen.example';
/** Of 6,000 patients: so many that every common diagnosis is released, and the keys are the same on both sides. */
const ROWS = 30_000;
/** More rows than all others together, and every one of them strange. */
const HEAVY_ROWS = 40_000;
const PLANNED_MS = 2_000;

const MANIFEST = `kind: Dataset
name: visits
source: { type: parquet, path: visits.parquet }
privacyUnit: patient_id
origin: public
grade: general
maxRows: 100000
columns:
  patient_id: { type: string, role: unit }
  region: { type: string, role: key, values: [north, south] }
  diagnosis: { type: string, role: key }
  visited_on: { type: date, bounds: ['2025-01-01', '2025-12-31'] }
  age: { type: integer, bounds: [0, 120] }
  cost: { type: number, bounds: [0, 1000], granularity: 0.01 }
  note: { type: string, role: hidden }
`;
const POLICY = `kind: ReleasePolicy
mechanism: gaussian
budget: { epsilon: 1, delta: 1e-6 }
perJob: { epsilon: 0.5, max: 1, delta: 1e-7, thresholdDelta: 1e-9 }
maxGroupsPerUnit: 2
maxRowsPerUnit: 4
minimumCohort: 10
keys: thresholded
timing: planned
jail: preferred
`;

const LISTED =
  'SELECT region, COUNT(*) AS visits, AVG(cost) AS mean FROM visits WHERE age >= 18 GROUP BY region';
const THRESHOLDED = 'SELECT diagnosis, SUM(cost) AS spend FROM visits GROUP BY diagnosis';
const QUANTILE = 'SELECT MEDIAN(cost) AS middle, VARIANCE(cost) AS spread FROM visits';
const REPORT = 'SELECT region, COUNT(*) AS visits FROM visits GROUP BY region';
const REFUSED = [
  'SELECT * FROM visits',
  'SELECT note, COUNT(*) FROM visits GROUP BY note',
  'SELECT COUNT(*) FROM visits WHERE cost > (SELECT AVG(cost) FROM visits)',
];

const START = Date.now();

class Side {
  readonly directory = mkdtempSync(join(tmpdir(), 'unseen-neighbour-'));
  readonly seen = recorder();
  readonly bugs: unknown[] = [];
  /** What a measurement of its data would give. */
  readonly rows: number;
  served: Served | undefined;
  shop!: Shop;

  constructor(rows: number) {
    this.rows = rows;
  }

  async open(): Promise<void> {
    await runStatements([dataStatement(join(this.directory, 'visits.parquet'), this.rows - ROWS)]);
    this.served = await serve({
      dataDir: join(this.directory, 'server'),
      host: '127.0.0.1',
      gatewayPort: 0,
      runnerPort: 0,
      publicUrl: ISSUER,
      timeZone: 'Asia/Shanghai',
      reportAbort: () => undefined,
      reportBug: (error) => this.bugs.push(error),
    });
    this.shop = await openShop(this.served, { issuer: ISSUER, fetch: this.seen.fetch });
    const registration = { manifest: MANIFEST, policy: POLICY, baseDirectory: this.directory };
    await this.shop.provider.registerDataset(registration);
    const columns = ['region', 'diagnosis', 'visited_on', 'age', 'cost'];
    const outputKinds = ['statistic', 'report'];
    await openGrant(this.shop, { id: 'journey', dataset: 'visits', columns, outputKinds, now: START });
  }

  async close(): Promise<void> {
    await this.served?.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Ordinary patients, and `heavy` rows of one who is alone with each of his diagnoses. */
function dataStatement(path: string, heavy: number): string {
  return `COPY (
    SELECT 'p' || (i % 6000) AS patient_id, CASE WHEN i % 3 = 0 THEN 'north' ELSE 'south' END AS region,
      'D' || (i % 7) AS diagnosis, DATE '2025-01-01' + (i % 365)::INTEGER AS visited_on, (i % 100)::INTEGER AS age,
      (i % 900)::DOUBLE AS cost, 'n' || i AS note FROM range(${ROWS}) AS t(i)
    UNION ALL
    SELECT 'heavy', 'north', 'only his ' || i, DATE '1700-01-01' + i::INTEGER, 900 + i::INTEGER,
      [NULL, 'nan', 'inf', '-inf', '1e308', '-1e308', '5e-324'][1 + (i % 7)]::DOUBLE, repeat('x', 200) FROM range(${heavy}) AS t(i)
  ) TO '${path}' (FORMAT parquet)`;
}

const sides = [new Side(ROWS + HEAVY_ROWS), new Side(ROWS)] as const;

beforeAll(async () => {
  await Promise.all(sides.map(async (side) => side.open().then(() => buy(side))));
});

afterAll(async () => {
  await Promise.all(sides.map((side) => side.close()));
});

/** The same session on every side: all that a buyer can do and read. */
async function buy({ shop, seen, served }: Side): Promise<void> {
  const { buyer } = shop;
  const ask = (sql: string) => ({ grant: 'journey', purpose: 'public_health', sql });
  const read = async (path: string, accept: string): Promise<void> => {
    const { text } = await buyer.token();
    const headers = { authorization: `Bearer ${text}`, accept };
    await (await seen.fetch(`${served!.gatewayUrl}${path}`, { headers })).text();
  };
  /** As another reader sees it, so that how often one has to look is in no view; then until the run has surely ended. */
  const untilOpened = async (id: string): Promise<void> => {
    let { state } = await shop.operator.job(id);
    for (; state === 'queued'; { state } = await shop.operator.job(id)) await sleep(10);
    if (state === 'accepted') await sleep(PLANNED_MS / 4);
  };
  const run = async (sql: string): Promise<void> => {
    const { id: quote } = await buyer.quote(ask(sql));
    const { id } = await buyer.submit({ ...ask(sql), quote });
    await untilOpened(id);
    await buyer.budget('visits');
    await read(`/v1/jobs/${id}/events`, 'text/event-stream');
    const { releaseId } = await buyer.waitForJob(id);
    await buyer.release(releaseId!, id);
    await buyer.releaseCsv(releaseId!, id);
    await buyer.receipt(id);
    await buyer.logProof(id);
  };
  for (const sql of [LISTED, THRESHOLDED, QUANTILE, LISTED]) await run(sql);
  await buyer.budget('visits');
  for (const sql of REFUSED) {
    await buyer.quote(ask(sql));
    await refused(() => buyer.submit(ask(sql)));
  }
  const dear = { ...ask(`${QUANTILE} WHERE age < 5`), epsilon: 1 };
  await buyer.quote(dear);
  await refused(() => buyer.submit(dear));
  await refused(() => buyer.submit({ ...ask(LISTED), purpose: 'market_analysis' }));
  await refused(() => buyer.job('0'.repeat(32)));
  // An answer that waits for a person: all that its buyer can read of it until the decision.
  const report = { ...ask(REPORT), epsilon: 0.1, outputKind: 'report' };
  await buyer.quote(report);
  const { id: waiting } = await buyer.submit(report);
  await vi.waitFor(async () => expect(await shop.provider.reviews()).toHaveLength(1), { timeout: 30_000 });
  const { id: releaseId } = await shop.provider.review(waiting);
  expect(await buyer.job(waiting)).toMatchObject({ state: 'accepted', review: true, releaseId: null });
  await buyer.cancelJob(waiting);
  for (const look of [
    () => buyer.release(releaseId, waiting),
    () => buyer.release(releaseId),
    () => buyer.receipt(waiting),
    () => buyer.logProof(waiting),
    () => buyer.reviews(),
    () => buyer.submit(report),
  ])
    await refused(look);
  await buyer.quote(report);
  await buyer.me();
  await buyer.datasets();
  await buyer.dataset('visits');
  await buyer.grants();
  await buyer.grant('journey');
  await buyer.grantSpend('journey');
  for (const { id, state } of await buyer.jobs()) if (state === 'done') await buyer.receipt(id);
  for await (const event of buyer.usage()) expect(event).not.toHaveProperty('data.measured');
  let csv = '';
  for await (const piece of buyer.reports.usageFile({ format: 'csv' })) csv += piece;
  expect(csv).toContain('visits');
  await buyer.checkpoint();
  await buyer.keySet();
  await buyer.logKey();
  await read('/metrics', 'text/plain');
}

async function refused(call: () => Promise<unknown>): Promise<void> {
  await expect(call()).rejects.toBeInstanceOf(ProblemError);
}

const textsOf = (exchanges: readonly Exchange[]): string[] =>
  viewOf(exchanges).map((view) => JSON.stringify(view, null, 1));

test('the two servers answered, planned and charged as they should', () => {
  for (const { seen, bugs } of sides) {
    expect(bugs).toEqual([]);
    const statuses = seen.exchanges.map(({ status }) => status);
    expect(statuses.filter((status) => status >= 500)).toEqual([]);
    const text = textsOf(seen.exchanges).join('\n');
    expect(text).toContain(`${PLANNED_MS} ms after its submission`);
    for (const code of ['NOT_AGGREGATE', 'BUDGET', 'PURPOSE_NOT_GRANTED', 'RELEASE_WAITING'])
      expect(text).toContain(code);
    for (const reason of ['running', 'released', 'repeat']) expect(text).toContain(`"reason": "${reason}"`);
    expect(text).toContain('"repeat": true');
    // E10: the length of a compressed body would depend on more than the digits that are released.
    expect(seen.exchanges.filter(({ headers }) => 'content-encoding' in headers)).toEqual([]);
  }
});

test('a heavy unit with keys and values of its own changes nothing that a buyer sees but released values', () => {
  const [with_, without] = sides.map(({ seen }) => textsOf(seen.exchanges));
  expect(with_).toEqual(without);
});

type Leak = (exchange: Exchange, rows: number) => Exchange;

/** Adds to a body wherever it holds `at`. */
const intoBody =
  (at: string, more: (rows: number) => string): Leak =>
  (exchange, rows) => ({ ...exchange, body: exchange.body.replace(at, `${more(rows)}${at}`) });

/** Negative controls: what a careless change might show of the data, by its number of rows. */
const LEAKS: Readonly<Record<string, Leak>> = {
  'a measured count in the job': intoBody('"state":"done"', (rows) => `"rowsRead":${rows},`),
  'a count in the place of a digest': (exchange, rows) => ({
    ...exchange,
    body: exchange.body.replace(/"decisionId":"[0-9a-f]{64}"/, `"decisionId":"${rows}"`),
  }),
  'a size in a header': (exchange, rows) => ({
    ...exchange,
    headers: { ...exchange.headers, etag: `"${rows}"` },
  }),
  'a release time that waits for the reader': (exchange, rows) => ({
    ...exchange,
    body: exchange.body.replace(/"releaseAt":"([^"]+)"/, (_whole, at: string) => {
      const late = new Date(Date.parse(at) + Math.floor(rows / 10_000)).toISOString();
      return `"releaseAt":"${late}"`;
    }),
  }),
  'a column of the usage table': (exchange, rows) => ({
    ...exchange,
    body: exchange.headers['content-type']?.startsWith('text/csv')
      ? exchange.body.replaceAll(/$/gm, `,${rows}`)
      : exchange.body,
  }),
  'a limit that pays for work': (exchange, rows) => ({
    ...exchange,
    headers: { ...exchange.headers, ratelimit: `"account";r=${5_999 - rows};t=1` },
  }),
  'a charge by what was read': (exchange, rows) => ({
    ...exchange,
    body: exchange.body.replace('"state":"opened"', rows > ROWS ? '"state":"opened"' : '"state":"spent"'),
  }),
  'a problem that says how many': intoBody('"code":"BUDGET"', (rows) => `"left":${rows},`),
  'a word of what a reviewer sees': intoBody('"review":true', (rows) => `"waiting":${rows > ROWS},`),
  'a metric of the reader': (exchange, rows) => ({
    ...exchange,
    body: exchange.call.endsWith('/metrics') ? `${exchange.body}rows_read ${rows}\n` : exchange.body,
  }),
  'one event more for a long run': (exchange, rows) => ({
    ...exchange,
    body:
      exchange.call.endsWith('/events') && rows > ROWS
        ? exchange.body.replace('event: done', 'event: working\n\nevent: done')
        : exchange.body,
  }),
  'a longer body': (exchange, rows) => ({
    ...exchange,
    headers: { ...exchange.headers, 'content-length': String(1_000 + rows) },
  }),
  'a receipt of measured rows': (exchange, rows) => ({
    ...exchange,
    body: exchange.body.replace(
      /"receipt":"([^."]+)\.([^."]+)\./,
      (_whole, head: string, payload: string) => {
        const told = Buffer.from(payload, 'base64url').toString().replace('{', `{"rows":"${rows}",`);
        return `"receipt":"${head}.${Buffer.from(told).toString('base64url')}.`;
      },
    ),
  }),
};

test.each(Object.entries(LEAKS))('control: %s would be seen', (_name, leak) => {
  const [with_, without] = sides.map(({ seen, rows }) =>
    textsOf(seen.exchanges.map((exchange) => leak(exchange, rows))),
  );
  expect(with_).not.toEqual(without);
});
