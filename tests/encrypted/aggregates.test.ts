/** Answers over encrypted columns are those over the columns themselves, to the last digit, where noise is never drawn. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { computePartials } from '#sandbox/execute.ts';
import type { Partials } from '#sandbox/plan.ts';
import { openInProcess } from '#tests/support/in-process-engine.ts';
import { csvOf } from '#tests/lab/small-data.ts';
import { fileOf } from '#sandbox/reader/source.ts';
import { EncryptedScene, EXACT_POLICY } from './scene.ts';

const REGIONS = ['north', 'south', 'east'];

/** 300 rows of 75 units with four rows each; a cost is sometimes missing, beyond its bounds or between two grid steps. */
const ROWS = Array.from({ length: 300 }, (_, at) => ({
  uid: at % 75,
  region: REGIONS[(at * 7) % 3]!,
  urgent: at % 2 === 0,
  day: `2026-0${1 + (at % 3)}-${at % 3 === 0 ? 12 : 20}`,
  cost: at % 11 === 0 ? null : ((at * 7919) % 130_000) / 100 - 100.004,
  stay: (at * 31) % 21,
  age: 18 + ((at * 13) % 80),
}));

const DAYS = [...new Set(ROWS.map(({ day }) => day))].toSorted();

const MANIFEST = {
  kind: 'Dataset',
  name: 'visits',
  privacyUnit: 'uid',
  origin: 'synthetic',
  maxRows: 500,
  columns: {
    uid: { type: 'integer', role: 'unit' },
    region: { type: 'string', role: 'key', values: REGIONS },
    urgent: { type: 'boolean', role: 'key', values: [false, true] },
    day: { type: 'date', role: 'key', bounds: ['2026-01-01', '2026-03-31'], values: DAYS },
    cost: { type: 'number', bounds: [0, 1000], granularity: 0.01 },
    stay: { type: 'integer', bounds: [0, 30] },
    age: { type: 'integer', bounds: [0, 120] },
  },
};

let scene: EncryptedScene;

beforeAll(async () => {
  scene = await EncryptedScene.make({
    manifest: MANIFEST,
    csv: csvOf(ROWS),
    choice: { clear: ['region', 'urgent', 'day'], nullable: ['cost'], rowsPerUnit: 4 },
  });
}, 60_000);
afterAll(() => scene?.[Symbol.asyncDispose]());

/** What the ordinary path adds up for the same question over the rows themselves. */
async function plainSums(sql: string): Promise<Partials['vectors']> {
  const { plan } = scene.compile(sql, EXACT_POLICY, scene.plain);
  using engine = await openInProcess(fileOf(scene.plain), scene.directory);
  return (await computePartials(plan, scene.plain, engine, 'seed')).vectors;
}

test.for([
  'SELECT COUNT(*), SUM(stay), AVG(age), SUM(cost), COUNT(cost) FROM ?',
  'SELECT region, COUNT(*), SUM(cost), AVG(cost) FROM ? GROUP BY region',
  'SELECT VARIANCE(stay), STDDEV(age) FROM ?',
  "SELECT urgent, SUM(2*stay - 3*age + 7) FROM ? WHERE region <> 'east' GROUP BY urgent",
  'SELECT region, SUM(stay*age), AVG(stay + age) FROM ? GROUP BY region',
  "SELECT SUM(cost) FILTER (WHERE region = 'north' AND urgent), SUM(CASE WHEN urgent THEN stay ELSE 0 END) FROM ?",
  "SELECT date_trunc('month', day), SUM(0.5*stay), COUNT(CASE WHEN region LIKE '%th' THEN 1 END) FROM ? GROUP BY 1",
  'SELECT SUM(stay) FROM ? WHERE extract(day FROM day) > 15 OR NOT urgent',
])('without noise, %s is the same over encrypted columns', async (sql) => {
  const compiled = scene.compile(sql.replace('?', 'encrypted_visits'));
  const { partials } = await scene.measure(compiled, { custodian: scene.silentCustodian });
  expect(partials.vectors).toEqual(await plainSums(sql.replace('?', 'visits')));
});

test('a whole answer by way of the custodian has the error bars of its Plan', async () => {
  const answer = await scene.answer('SELECT region, COUNT(*) AS n FROM encrypted_visits GROUP BY region');
  expect(answer).toMatchObject(REGIONS.map((region) => ({ name: 'n', key: { region }, exact: '100' })));
});
