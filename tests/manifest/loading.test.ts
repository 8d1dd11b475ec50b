/** What a good dataset.yaml and policy.yaml become: values, defaults, paths; and files that cannot be read. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, describe, expect, test } from 'vitest';

import { LAB_MAX_ROWS, parseDataset, readDataset } from '#sandbox/manifest/dataset-file.ts';
import { MANIFEST_BYTES_MAX } from '#sandbox/manifest/manifest-text.ts';
import { parsePolicy, readPolicy } from '#sandbox/manifest/policy-file.ts';

import {
  DATASET_YAML,
  type Json,
  POLICY_YAML,
  datasetText,
  faultOfCall,
  patched,
  policyText,
} from './examples.ts';

const folder = mkdtempSync(join(tmpdir(), 'unseen-manifest-'));
afterAll(() => rmSync(folder, { recursive: true }));

function written(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const dataset = (patch: Json = {}) => parseDataset(datasetText(patch), { path: '/data/d.yaml' });
const policy = (patch: Json = {}) => parsePolicy(policyText(patch), { path: 'p.yaml' });
const columnOf = (patch: Json, name: string) =>
  dataset({ columns: { [name]: patch } }).columns.find((column) => column.name === name);

test('the example dataset becomes exactly this', () => {
  expect(parseDataset(DATASET_YAML, { path: '/data/d.yaml' })).toEqual({
    kind: 'Dataset',
    name: 'visits',
    title: { en: 'Hospital visits', zh: '就诊记录' },
    source: { type: 'parquet', path: '/data/visits.parquet' },
    lineage: 'visits',
    timeZone: 'Asia/Shanghai',
    privacyUnit: { kind: 'column', column: 'patient_id' },
    unitDomain: 'visits',
    population: null,
    origin: 'public',
    grade: 'business_important',
    maxRows: 2 ** 24,
    columns: [
      { name: 'patient_id', type: { kind: 'string' }, role: 'unit', ...none },
      { name: 'region', type: { kind: 'string' }, role: 'key', ...none, values: ['north', 'south'] },
      { name: 'visited_on', type: { kind: 'date' }, role: 'value', ...none },
      { name: 'age', type: { kind: 'integer' }, role: 'value', ...none, bounds: [0, 120] },
      {
        name: 'cost',
        type: { kind: 'number' },
        role: 'value',
        ...none,
        bounds: [0, 5000],
        granularity: 0.01,
      },
      { name: 'note', type: { kind: 'string' }, role: 'hidden', ...none },
    ],
  });
});
const none = { bounds: null, granularity: null, values: null };

test('the example policy becomes exactly this', () => {
  const { digest, ...body } = parsePolicy(POLICY_YAML, { path: 'p.yaml' });
  expect(digest).toMatch(/^[0-9a-f]{64}$/);
  expect(body).toEqual({
    kind: 'ReleasePolicy',
    mechanism: 'gaussian',
    budget: { epsilon: 8, delta: 1e-6 },
    perJob: { epsilon: 0.25, max: 1, delta: 1e-7, thresholdDelta: 1e-9 },
    maxGroupsPerUnit: 4,
    maxRowsPerUnit: 8,
    minimumCohort: 10,
    keys: 'listed',
    hideBelow: null,
    maxCells: 10_000,
    quantileBins: 4096,
    timing: { mode: 'quantum', quantumMs: 125 },
    jail: 'required',
    prepare: true,
    repeats: 'stored',
    release: 'automatic',
  });
});

test('a policy that states only what is required gets the safe defaults', () => {
  const text =
    'kind: ReleasePolicy\nmechanism: laplace\nbudget: { epsilon: 2, delta: 1e-5 }\nperJob: { epsilon: 0.5 }\nmaxGroupsPerUnit: 3\n';
  const { perJob, maxRowsPerUnit, minimumCohort, keys, timing, jail } = parsePolicy(text, { path: 'p.yaml' });
  expect(perJob).toEqual({ epsilon: 0.5, max: 0.5, delta: 1e-6, thresholdDelta: 1e-7 });
  expect({ maxRowsPerUnit, minimumCohort, keys, timing, jail }).toEqual({
    maxRowsPerUnit: 1,
    minimumCohort: 10,
    keys: 'listed',
    timing: null,
    jail: 'required',
  });
});

test('a default delta is the decimal tenth, without the dust of binary division', () => {
  for (let exponent = 1; exponent <= 22; exponent += 1) {
    const { perJob } = policy({
      budget: { delta: Number(`1e-${exponent}`) },
      perJob: { delta: null, thresholdDelta: null },
    });
    expect(perJob.delta).toBe(Number(`1e-${exponent + 1}`));
    expect(perJob.thresholdDelta).toBe(Number(`1e-${exponent + 2}`));
  }
});

describe('policies at the edges are accepted:', () => {
  test.for<{ name: string; patch: Json }>([
    {
      name: 'near-exact readings for tests',
      patch: { budget: { epsilon: 1e10 }, perJob: { epsilon: 1e9, max: 1e10 } },
    },
    {
      name: 'a pure budget',
      patch: {
        mechanism: 'laplace',
        budget: { delta: 0 },
        perJob: { delta: null, thresholdDelta: null },
      },
    },
    { name: 'an unlimited budget', patch: { budget: 'unlimited' } },
    {
      name: 'an unlimited pure budget',
      patch: { mechanism: 'laplace', budget: 'unlimited', perJob: { delta: 0, thresholdDelta: 0 } },
    },
    { name: 'listed keys without a threshold delta', patch: { perJob: { thresholdDelta: 0 } } },
    {
      name: 'a threshold delta of exactly half',
      patch: { keys: 'thresholded', perJob: { thresholdDelta: 5e-7 } },
    },
    { name: 'one job that takes the whole budget', patch: { perJob: { epsilon: 8, max: 8, delta: 1e-6 } } },
    { name: 'the fewest and', patch: { quantileBins: 2 } },
    { name: 'the most quantile bins', patch: { quantileBins: 65536 } },
    { name: 'what holds by construction', patch: { engine: 'strict', noise: 'own', release: 'automatic' } },
  ])('$name', ({ patch }) => {
    expect(faultOfCall(() => policy(patch))).toBe('accepted');
  });
});

test('a pure budget has no delta anywhere', () => {
  const { perJob } = policy({
    mechanism: 'laplace',
    budget: { delta: 0 },
    perJob: { delta: null, thresholdDelta: null },
  });
  expect(perJob).toMatchObject({ delta: 0, thresholdDelta: 0 });
});

test('timing is told apart: absent, planned, exact, quantum', () => {
  expect(policy({ timing: null }).timing).toBeNull();
  expect(parsePolicy(policyText({ timing: 'planned' }), { path: 'p' }).timing).toEqual({ mode: 'planned' });
  expect(parsePolicy(policyText({ timing: 'exact' }), { path: 'p' }).timing).toEqual({ mode: 'exact' });
});

test('lineage defaults to the name, the unit domain to the lineage', () => {
  expect(dataset({ lineage: 'city-visits' })).toMatchObject({
    lineage: 'city-visits',
    unitDomain: 'city-visits',
  });
  expect(dataset({ unitDomain: 'city-ids' })).toMatchObject({ lineage: 'visits', unitDomain: 'city-ids' });
});

test('the privacy unit is a column by either spelling, or each row', () => {
  expect(dataset({ privacyUnit: { column: 'patient_id' } }).privacyUnit).toEqual(dataset().privacyUnit);
  const rows = dataset({ privacyUnit: 'row', columns: { patient_id: { role: 'hidden' } } });
  expect(rows.privacyUnit).toEqual({ kind: 'row' });
  expect(columnOf({ role: null }, 'patient_id')?.role).toBe('unit');
});

test('maxRows has a default in the lab and is required at registration', () => {
  expect(dataset().maxRows).toBe(LAB_MAX_ROWS);
  const options = { path: 'd.yaml', requireMaxRows: true };
  expect(faultOfCall(() => parseDataset(datasetText(), options))).toMatchObject({
    code: 'CONFIG',
    rule: 'manifest.missing',
    field: 'maxRows',
  });
  expect(parseDataset(datasetText({ maxRows: 5 }), options).maxRows).toBe(5);
});

test('names may be Chinese, up to 63 bytes', () => {
  const name = '数'.repeat(21);
  const loaded = dataset({ name, columns: { 就诊费用: { type: 'decimal(2)', bounds: [0, 5000] } } });
  expect(loaded.name).toBe(name);
  expect(loaded.columns.at(-1)).toMatchObject({ name: '就诊费用', type: { kind: 'decimal', scale: 2 } });
});

describe('columns', () => {
  test('a bare day bounds timestamps by its first and its last moment', () => {
    const column = columnOf({ type: 'timestamp', bounds: ['2024-01-01', '2024-02-29'] }, 'visited_on');
    expect(column?.bounds).toEqual(['2024-01-01T00:00:00', '2024-02-29T23:59:59.999999']);
  });

  test('one moment has one text', () => {
    const values = ['2024-01-01 10:20:30', '2024-01-01T10:20:30.500', '2024-01-01T10:20:00.000'];
    expect(columnOf({ type: 'timestamp', values }, 'visited_on')?.values).toEqual([
      '2024-01-01T10:20:30',
      '2024-01-01T10:20:30.5',
      '2024-01-01T10:20:00',
    ]);
  });

  test('equal dates and equal numbers are bounds', () => {
    expect(columnOf({ bounds: [0.5, 0.5], granularity: null }, 'cost')?.bounds).toEqual([0.5, 0.5]);
    expect(columnOf({ bounds: ['2024-01-01', '2024-01-01'] }, 'visited_on')?.bounds?.[0]).toBe('2024-01-01');
    expect(columnOf({ bounds: [7, 7] }, 'age')?.bounds).toEqual([7, 7]);
  });

  test('a date key with bounds or with values is accepted', () => {
    const bounds = ['2024-01-01', '2024-12-31'];
    expect(columnOf({ role: 'key', bounds }, 'visited_on')?.role).toBe('key');
    expect(columnOf({ role: 'key', values: ['2024-01-01'] }, 'visited_on')?.values).toEqual(['2024-01-01']);
  });

  test('the leap days of the Gregorian calendar, and no others, exist', () => {
    const isDay = (day: string) =>
      faultOfCall(() => columnOf({ bounds: [day, '9999-12-31'] }, 'visited_on')) === 'accepted';
    expect(['2000-02-29', '2024-02-29', '0001-01-01', '9999-12-31'].filter(isDay)).toHaveLength(4);
    expect(['1900-02-29', '2023-02-29', '2024-02-30', '2024-04-31', '2024-00-01'].filter(isDay)).toEqual([]);
  });

  test('values of every type keep their order; null may be one of them', () => {
    expect(columnOf({ values: ['south', null, 'north'] }, 'region')?.values).toEqual([
      'south',
      null,
      'north',
    ]);
    expect(columnOf({ type: 'boolean', values: [true, false] }, 'note')?.values).toEqual([true, false]);
    expect(columnOf({ type: 'decimal(2)', values: [1.05, -3, 0] }, 'cost')?.values).toEqual([1.05, -3, 0]);
  });

  test('every power that the grid allows is accepted, neighbours in the last place are not', () => {
    const tens = Array.from({ length: 16 }, (_, k) => Number(`1e-${k}`));
    const twos = Array.from({ length: 105 }, (_, k) => 2 ** (k - 52));
    const isStep = (granularity: number) =>
      faultOfCall(() => columnOf({ bounds: null, granularity }, 'cost')) === 'accepted';
    const steps = [...tens, ...twos];
    expect(steps.filter((step) => !isStep(step))).toEqual([]);
    expect(steps.filter((step) => isStep(step * (1 + Number.EPSILON)))).toEqual([]);
  });
});

describe('what YAML does not change', () => {
  test('numbers with an exponent are numbers, without a point, with a capital and with a sign', () => {
    const text = POLICY_YAML.replace('epsilon: 8, delta: 1e-6', 'epsilon: 1e10, delta: 1E-6').replace(
      'maxRowsPerUnit: 8',
      'maxRowsPerUnit: 1e+2',
    );
    const { budget, maxRowsPerUnit } = parsePolicy(text, { path: 'p.yaml' });
    expect({ budget, maxRowsPerUnit }).toEqual({
      budget: { epsilon: 10_000_000_000, delta: 0.000001 },
      maxRowsPerUnit: 100,
    });
  });

  test.for(['', '%YAML 1.1\n---\n'])('dates, yes, no and on stay text (after %j)', (directive) => {
    const text = `${directive}${DATASET_YAML.trim()
      .replace('[north, south]', '[yes, no, on, Off, 12:30:45, 1_000, 0o17x]')
      .replace(
        'visited_on: { type: date }',
        'visited_on: { type: date, bounds: [2024-01-01, 2024-12-31] }',
      )}`;
    const { columns } = parseDataset(text, { path: 'd.yaml' });
    expect(columns[1]?.values).toEqual(['yes', 'no', 'on', 'Off', '12:30:45', '1_000', '0o17x']);
    expect(columns[2]?.bounds).toEqual(['2024-01-01', '2024-12-31']);
  });

  test('a date that YAML 1.1 would make a moment can be listed unquoted', () => {
    const text = DATASET_YAML.replace('{ type: date }', '{ type: date, role: key, values: [2024-01-31] }');
    expect(parseDataset(text, { path: 'd.yaml' }).columns[2]?.values).toEqual(['2024-01-31']);
  });

  test('JSON is accepted, with tabs and a byte order mark', () => {
    const json = JSON.stringify(JSON.parse(policyText()), null, '\t');
    const path = written('bom.json', `\u{FEFF}${json}`);
    expect(readPolicy(path)).toEqual(parsePolicy(POLICY_YAML, { path: 'p.yaml' }));
  });

  test('a plain alias is followed', () => {
    const text = DATASET_YAML.replace('[north, south]', '&regions [north, south]').replace(
      'note:       { type: string, role: hidden }',
      'other: { type: string, role: key, values: *regions }',
    );
    expect(parseDataset(text, { path: 'd.yaml' }).columns.at(-1)?.values).toEqual(['north', 'south']);
  });
});

describe('files', () => {
  test('a source is found from the manifest, through a symbolic link as well', () => {
    mkdirSync(join(folder, 'deep'), { recursive: true });
    const path = written('deep/dataset.yaml', DATASET_YAML);
    expect(readDataset(path).source.path).toBe(join(folder, 'deep/visits.parquet'));
    const link = join(folder, 'link.yaml');
    symlinkSync(path, link);
    expect(readDataset(link).source.path).toBe(join(folder, 'visits.parquet'));
    expect(dataset({ source: { path: '/elsewhere/x.csv' } }).source.path).toBe('/elsewhere/x.csv');
    expect(dataset({ source: { path: '~/x.csv' } }).source.path).toBe('/data/~/x.csv');
    expect(dataset({ source: { path: '../x.csv' } }).source.path).toBe('/x.csv');
  });

  test.for([
    { name: 'a missing file', rule: 'manifest.unreadable', make: () => join(folder, 'nothing.yaml') },
    { name: 'a folder', rule: 'manifest.notFile', make: () => folder },
    {
      name: 'a pipe that nobody writes to',
      rule: 'manifest.notFile',
      make: () => {
        execFileSync('sh', ['-c', 'mkfifo "$0"', join(folder, 'pipe')]);
        return join(folder, 'pipe');
      },
    },
    { name: 'a device', rule: 'manifest.notFile', make: () => '/dev/zero' },
    {
      name: 'a file of one byte too many',
      rule: 'manifest.tooLarge',
      make: () => written('large.yaml', '#'.repeat(MANIFEST_BYTES_MAX + 1)),
    },
    {
      name: 'a file that is not UTF-8',
      rule: 'manifest.notUtf8',
      make: () => written('gbk.yaml', new Uint8Array([0xc8, 0xcb])),
    },
  ])('$name is CONFIG', ({ rule, make }) => {
    const path = make();
    expect(faultOfCall(() => readDataset(path))).toMatchObject({ code: 'CONFIG', rule, file: path });
    expect(faultOfCall(() => readPolicy(path))).toMatchObject({ code: 'CONFIG', rule, file: path });
  });

  test('a text of one byte too many is refused without a file', () => {
    const text = '数'.repeat(MANIFEST_BYTES_MAX / 3 + 1);
    expect(faultOfCall(() => parsePolicy(text, { path: 'p' }))).toMatchObject({ rule: 'manifest.tooLarge' });
  });
});

test('messages keep out line breaks and directions of writing that a name brings along', () => {
  const fault = faultOfCall(() =>
    parsePolicy('kind: ReleasePolicy\n"a\\u202e\\nb": 1\n', { path: 'p\n.yaml' }),
  );
  expect(fault).toMatchObject({
    rule: 'manifest.unknownField',
    field: 'a\u{FFFD}\u{FFFD}b',
    file: 'p\u{FFFD}.yaml',
  });
});

test('a patch of the examples removes what it sets to null', () => {
  expect(patched({ a: 1, b: { c: 2, d: 3 } }, { a: null, b: { c: null } })).toEqual({ b: { d: 3 } });
});
