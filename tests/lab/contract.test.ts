/**
 * What another program relies on when it reads the lab's answers: names, keys, order and values, the same from Parquet and
 * from CSV.
 *
 * Readings have ε 1e10, so that counts are exact. Not covered: sums and statistics (near-exact.test.ts), exit codes
 * and budgets (command.test.ts, state.test.ts).
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Column } from '#sandbox/manifest/dataset.ts';
import type { Row } from '#tests/support/reference-expression.ts';
import { type FileColumn, writeCsv, writeParquet } from '#tests/support/source-file.ts';
import { Folder } from './lab-process.ts';
import { Rounds } from './rounds.ts';
import { exactPolicyOf } from './small-data.ts';

const folder = new Folder();
afterAll(() => folder[Symbol.dispose]());
const rounds = new Rounds(folder);

const COLUMNS = {
  uid: { type: 'string', role: 'unit' },
  区域: { type: 'string', role: 'key', values: ["it's", 'say "hi"', null] },
  member: { type: 'boolean', role: 'key' },
  day: { type: 'date', role: 'key', bounds: ['2024-02-28', '2024-03-01'] },
  at: { type: 'timestamp', role: 'key', bounds: ['2024-01-01', '2024-01-02'] },
  visits: { type: 'integer', role: 'key', bounds: [0, 3] },
  x: { type: 'number', bounds: [-4, 4] },
} as const;

/** The dataset's zone is Asia/Shanghai, +08:00 throughout. */
const ROWS: readonly Row[] = [
  { uid: 'a', 区域: "it's", member: true, day: '2024-02-29', at: '2023-12-31T16:30:00Z', visits: 0, x: NaN },
  {
    uid: 'b',
    区域: 'say "hi"',
    member: false,
    day: '2024-02-29',
    at: '2024-01-01 00:30:00+08',
    visits: 3,
    x: 1,
  },
  { uid: 'c', 区域: null, member: null, day: '2024-03-01', at: '2024-01-01 01:30:00-05', visits: 9, x: 2 },
  { uid: 'd', 区域: 'other', member: true, day: null, at: '2024-01-01 10:00:00.5+0530', visits: 1, x: 3 },
  { uid: null, 区域: "it's", member: true, day: '2024-02-29', at: '2024-01-01 00:00:00Z', visits: 1, x: 3 },
];
const FILE_COLUMNS: readonly FileColumn[] = Object.entries(COLUMNS).map(([name, { type }]) => ({
  name,
  type: { kind: type } as Column['type'],
  ...(name === 'at' && { stored: 'TIMESTAMPTZ' }),
}));

const manifestOf = (type: string): string =>
  folder.write(`${type}.yaml`, {
    kind: 'Dataset',
    name: 'visits',
    source: { type, path: `visits.${type}` },
    privacyUnit: 'uid',
    origin: 'synthetic',
    columns: COLUMNS,
  });
const policy = folder.write('policy.yaml', exactPolicyOf({ maxGroupsPerUnit: 4, maxRowsPerUnit: 10 }));

beforeAll(async () => {
  writeCsv(ROWS, FILE_COLUMNS, `${folder.path}/visits.csv`);
  await writeParquet(ROWS, FILE_COLUMNS, `${folder.path}/visits.parquet`);
  await rounds.run();
});

type Reading = readonly [name: string, key: object | null, exact: string];

const READINGS: Readonly<Record<string, readonly [sql: string, readonly Reading[]]>> = {
  'a second output of a name gets _2': [
    'SELECT COUNT(*), COUNT(x), COUNT(*), COUNT(X) FROM visits',
    [
      ['count', null, '4'],
      ['count_x', null, '3'],
      ['count_2', null, '4'],
      ['count_x_2', null, '3'],
    ],
  ],
  'listed texts with quotes and null come in the order of the list': [
    'SELECT 区域, COUNT(*) AS "Total" FROM visits GROUP BY 区域',
    [
      ['Total', { 区域: "it's" }, '1'],
      ['Total', { 区域: 'say "hi"' }, '1'],
      ['Total', { 区域: null }, '1'],
    ],
  ],
  'truth values are JSON truth values, false first': [
    'SELECT member, COUNT(*) FROM visits GROUP BY 1',
    [
      ['count', { member: false }, '1'],
      ['count', { member: true }, '2'],
    ],
  ],
  'days between their bounds': [
    'SELECT day AS d, COUNT(*) FROM visits GROUP BY day',
    [
      ['count', { d: '2024-02-28' }, '0'],
      ['count', { d: '2024-02-29' }, '2'],
      ['count', { d: '2024-03-01' }, '1'],
    ],
  ],
  'instants count in the hour of the zone that they are in': [
    "SELECT date_trunc('hour', at) AS h, COUNT(*) AS n FROM visits GROUP BY h HAVING n > 0",
    [
      ['n', { h: '2024-01-01T00:00:00+08:00' }, '2'],
      ['n', { h: '2024-01-01T12:00:00+08:00' }, '1'],
      ['n', { h: '2024-01-01T14:00:00+08:00' }, '1'],
    ],
  ],
  'instants are compared as times of the zone': [
    "SELECT COUNT(*) FROM visits WHERE at < TIMESTAMP '2024-01-01 12:30:00'",
    [['count', null, '2']],
  ],
  'bins are numbered from 1 and named by their column': [
    'SELECT HISTOGRAM(visits, 0, 4, 2) AS h, COUNT(*) FROM visits',
    [
      ['h', { visits_bin: 1 }, '2'],
      ['h', { visits_bin: 2 }, '2'],
      ['count', null, '4'],
    ],
  ],
  'constants of a CASE come in their order, null is no cell': [
    "SELECT CASE WHEN visits > 2 THEN 'many' WHEN visits = 1 THEN NULL ELSE 'few' END AS k, COUNT(*) FROM visits GROUP BY k",
    [
      ['count', { k: 'many' }, '2'],
      ['count', { k: 'few' }, '1'],
    ],
  ],
};

describe.for(['parquet', 'csv'])('%s', (type) => {
  const dataset = manifestOf(type);
  const asked = Object.entries(READINGS).map(
    ([title, [sql, expected]]) => [title, expected, rounds.add(0, [{ dataset, policy, sql }])] as const,
  );

  test.for(asked)('%s', ([, expected, answers]) => {
    const [answer] = answers();
    const found = answer!.outputs.map(({ name, key, exact }) => [name, key, exact]);
    expect(found, answer!.message).toEqual(expected);
  });
});

describe('a line', () => {
  const line = { dataset: manifestOf('csv'), policy };
  const sql = 'SELECT COUNT(*) FROM visits';
  const asked = [
    ['without a question', rounds.add(0, [line]), 'PARAM'],
    ['with two questions', rounds.add(0, [{ ...line, sql, program: 'p.js' }]), 'PARAM'],
    ['with a program and no manifest', rounds.add(0, [{ ...line, program: 'p.js' }]), 'CONFIG'],
    ['whose program is null', rounds.add(0, [{ ...line, sql, program: null, params: null }]), null],
  ] as const;

  test.for(asked)('%s is decided as it stands', ([, answers, code]) => {
    expect(answers()[0]!.code).toBe(code);
  });
});
