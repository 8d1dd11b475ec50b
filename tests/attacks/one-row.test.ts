/**
 * One row as a weapon: values, files and spellings by which a single row could stop every job, or count twice.
 *
 * Not covered: the engine's own decoding of a damaged file, beyond the damage that is made here.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { registerWritten } from '#gateway/runner/register.ts';
import { Sources } from '#gateway/runner/sources.ts';
import type { Database } from '#gateway/storage/database.ts';
import { computePartials } from '#sandbox/execute.ts';
import { parseDataset } from '#sandbox/manifest/dataset-file.ts';
import { parsePolicy } from '#sandbox/manifest/policy-file.ts';
import type { Dataset } from '#sandbox/manifest/dataset.ts';
import type { Partials, Plan } from '#sandbox/plan.ts';
import { printPreparation } from '#sandbox/query/prepare.ts';
import { sensitivityOf } from '#sandbox/release/sensitivity.ts';
import { type InProcessEngine, openRows, prepareInProcess } from '#tests/support/in-process-engine.ts';
import type { Row } from '#tests/support/reference-expression.ts';
import { writeParquet } from '#tests/support/source-file.ts';
import { compiled, PEOPLE_MANIFEST, people, POLICY_MANIFEST, rowsOfPeople } from '../query/people.ts';

const SEED = 'seed';

/** Partials from a prepared copy. Tests share one engine, so the copy goes again. */
async function preparedPartials(plan: Plan, dataset: Dataset, engine: InProcessEngine): Promise<Partials> {
  const prepared = await prepareInProcess(engine, dataset);
  const partials = await computePartials(plan, dataset, prepared, SEED);
  await engine.connection.run('DROP TABLE prepared');
  return partials;
}

const folder = mkdtempSync(join(tmpdir(), 'one-row-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('an instant at the end of the engine’s range', () => {
  const zones = ['UTC', 'Asia/Shanghai', 'America/New_York'];
  const ends = ['294247-01-10 04:00:54.775806+00', '290309-12-22 (BC) 00:00:00+00', 'infinity', '-infinity'];
  const honest = ['2024-02-28 12:00:00+00', '0001-01-02 00:00:00+00', '9999-12-30 00:00:00+00'];
  const moments: readonly Row[] = [...honest, ...ends].map((text, uid) => ({ uid, seen: text, day: text }));
  const columns = people.columns
    .filter(({ name }) => ['uid', 'seen', 'day'].includes(name))
    .map((column) => (column.name === 'uid' ? column : { ...column, stored: 'TIMESTAMPTZ' }));

  test.for(zones)('is NULL like any moment outside the years 0001 to 9999, in %s', async (timeZone) => {
    const dataset = {
      ...people,
      timeZone,
      columns: people.columns.filter((c) => columns.some((k) => k.name === c.name)),
    };
    const { plan } = compiled('SELECT COUNT(*), COUNT(seen), COUNT(day) FROM people', { dataset });
    using engine = await openRows(moments, columns);
    const scanned = await computePartials(plan, dataset, engine, SEED);
    expect(
      scanned.vectors
        .flat()
        .map(Number)
        .toSorted((a, b) => a - b),
    ).toEqual([3, 3, 7]);
    expect(await preparedPartials(plan, dataset, engine)).toEqual(scanned);
  });

  test('would stop every job over its column if it were converted', async () => {
    using engine = await openRows(moments, columns);
    const naive = `SELECT count(TRY_CAST(timezone('Asia/Shanghai', "seen") AS TIMESTAMP)) FROM source`;
    await expect(engine.query(naive, [])).rejects.toThrow('Unable to convert');
  });
});

describe('a text that is no UTF-8', () => {
  const path = join(folder, 'damaged.parquet');
  const written = (file: string) => ({
    manifest: JSON.stringify({
      ...PEOPLE_MANIFEST,
      source: { type: 'parquet', path: file },
      maxRows: 10_000,
      columns: COLUMNS,
    }),
    policy: JSON.stringify({ ...POLICY_MANIFEST, prepare: false, jail: 'preferred' }),
    baseDirectory: folder,
    organisation: 'o',
  });
  const COLUMNS = { uid: { type: 'integer', role: 'unit' }, disease: { type: 'string' } };
  const columns = people.columns.filter(({ name }) => name in COLUMNS);
  const reached = new Error('the database was reached');
  const db = { transact: () => Promise.reject(reached) } as unknown as Database;

  test('fails the registration, and no job: also where no copy is prepared', async () => {
    const rows = Array.from({ length: 3000 }, (_, uid): Row => ({
      uid,
      disease: uid === 2500 ? 'MARKEDMARKED' : `d${uid}`,
    }));
    const whole = join(folder, 'whole.parquet');
    await writeParquet(rows, columns, whole);
    const bytes = readFileSync(whole);
    for (let at = bytes.indexOf('MARKED'); at >= 0; at = bytes.indexOf('MARKED', at)) bytes[at] = 0xff;
    writeFileSync(path, bytes);

    const sources = new Sources({ prepare: true });
    try {
      // What stops the damaged file is neither its opening nor the database, which the whole one reaches.
      const { manifest, policy } = written(path);
      const dataset = parseDataset(manifest, { path: join(folder, 'dataset.yaml') });
      const release = parsePolicy(policy, { path: join(folder, 'policy.yaml') });
      expect(await sources.open(dataset, release)).toMatchObject({ prepared: false });
      await expect(registerWritten(db, sources, written(whole))).rejects.toBe(reached);
      await expect(registerWritten(db, sources, written(path))).rejects.toMatchObject({
        code: 'SOURCE_UNREADABLE',
      });
    } finally {
      await sources.close();
    }
  });
});

describe('one instant in many spellings', () => {
  const spellings = ['.5', '.50', '.500', '.5000', '.50000', '.500000'];
  const keys = [1, 2, 3].flatMap((day) =>
    spellings.map(
      (fraction, i) => `WHEN age = ${day * 10 + i} THEN TIMESTAMP '2024-01-0${day} 00:00:00${fraction}'`,
    ),
  );
  const sql = `SELECT CASE ${keys.join(' ')} END, COUNT(*) FROM people GROUP BY 1`;
  const { plan } = compiled(sql, { dataset: rowsOfPeople });
  const total = async (asked: Plan): Promise<bigint> => {
    using engine = await openRows([{ uid: 1, age: 10 }], rowsOfPeople.columns);
    const { vectors } = await computePartials(asked, rowsOfPeople, engine, SEED);
    return vectors.flat().reduce((sum, count) => sum + count, 0n);
  };

  test('is one key, so that a row is in one cell', async () => {
    expect(plan.keys.mode === 'listed' ? plan.keys.cells : 0).toBe(3);
    expect(await total(plan)).toBe(1n);
  });

  test('as keys of their own would count a row more often than Release declares', async () => {
    if (plan.keys.mode !== 'listed') throw new RangeError('the keys are listed');
    const [key] = plan.keys.keys;
    const domain = [1, 2, 3].flatMap((day) =>
      spellings.map((fraction) => `2024-01-0${day}T00:00:00${fraction}`),
    );
    const spelled: Plan = {
      ...plan,
      keys: { mode: 'listed', keys: [{ ...key!, domain }], cells: domain.length },
    };
    expect(await total(spelled)).toBeGreaterThan(sensitivityOf(plan, plan.measures[0]!).l1);
  });
});

test('a column too wide to be summed does not keep its dataset from being prepared', async () => {
  const columns = { ...PEOPLE_MANIFEST.columns, serial: { type: 'integer', bounds: [0, 2 ** 50] } };
  const dataset = parseDataset(JSON.stringify({ ...PEOPLE_MANIFEST, columns }), {
    path: '/nowhere/people.yaml',
  });
  const types = new Map(dataset.columns.map(({ name }) => [name, 'BIGINT']));
  const { physical } = printPreparation(dataset, { types, prepared: null });
  expect(physical.prepared?.grids.has('serial')).toBe(false);
  expect(physical.prepared?.grids.has('age')).toBe(true);
  const { plan } = compiled('SELECT COUNT(serial) FROM people WHERE serial > 5', { dataset });
  using engine = await openRows(
    [
      { uid: 1, serial: 2 ** 49 },
      { uid: 2, serial: 1 },
    ],
    dataset.columns,
  );
  expect((await preparedPartials(plan, dataset, engine)).vectors).toEqual([[1n]]);
});

test('bounds up to the last day of the calendar list their periods', () => {
  const columns = { ...PEOPLE_MANIFEST.columns, day: { type: 'date', bounds: ['9990-01-01', '9999-12-31'] } };
  const dataset = parseDataset(JSON.stringify({ ...PEOPLE_MANIFEST, columns }), {
    path: '/nowhere/people.yaml',
  });
  const { plan } = compiled("SELECT date_trunc('year', day), COUNT(*) FROM people GROUP BY 1", { dataset });
  expect(plan.keys.mode === 'listed' ? plan.keys.keys[0]?.domain : null).toEqual(
    Array.from({ length: 10 }, (_, year) => `${9990 + year}-01-01`),
  );
});
