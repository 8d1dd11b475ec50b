/**
 * Generated datasets and policies: one schema with every column type, random manifests over it, and rows that
 * contain what real files contain at their worst.
 *
 * Rows have heavy units, units in very many cells, NULL units, duplicates, NaN, ±Inf, −0, 1e308, halves of grid
 * steps, and texts with quotes, backslashes, wildcards and Chinese characters.
 */
import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import type { Column, ColumnRole, ColumnType, Dataset } from '#sandbox/manifest/dataset.ts';
import type { ReleasePolicy } from '#sandbox/manifest/policy.ts';
import type { Scalar } from '#sandbox/expression.ts';
import type { Row } from './reference-expression.ts';

/** A dataset manifest with the rows of its source, as written to a file (before the scan). */
export interface World {
  readonly dataset: Dataset;
  readonly rows: readonly Row[];
}

const REGIONS = ['north', '华东', "o'brien", 'back\\slash', '', 'a%b_c', '"quoted"', 'Ünïcode🚀'] as const;
const WORDS = ['alpha', 'βeta', '词', "x'y", '', 'long-'.repeat(60), 'NULL', ...REGIONS.slice(0, 3)] as const;
const NOTES = [
  'plain',
  '100%',
  'a_b',
  'tab\there',
  'back\\slash',
  "it''s",
  '',
  '备注：重要',
  'naïve 🚀',
] as const;
const UNIT_NAMES = ['u1', 'u2', '张三', "o'hara", 'u\\5', '', 'u7', 'u8', 'u9', 'u10', 'u11', 'u12'] as const;

type Extra = Partial<Pick<Column, 'bounds' | 'granularity' | 'values'>>;

function column(
  name: string,
  kind: ColumnType['kind'] | `decimal(${number})`,
  role: ColumnRole,
  extra: Extra = {},
): Column {
  const type: ColumnType = kind.startsWith('decimal(')
    ? { kind: 'decimal', scale: Number(kind.slice(8, -1)) }
    : { kind: kind as Exclude<ColumnType['kind'], 'decimal'> };
  return { name, type, role, bounds: null, granularity: null, values: null, ...extra };
}

/** Column names that need quoting, and one in Chinese, are part of the schema on purpose. */
export const ORDER_COLUMN = 'order';
export const AMOUNT_COLUMN = '金额';

const maybeNull = (values: readonly Scalar[]): fc.Arbitrary<readonly Scalar[]> =>
  fc.boolean().map((listed) => (listed ? [...values, null] : values));

/** More values than a CASE is printed for, so that a lookup is. */
const LONG_LIST = Array.from({ length: 20 }, (_, i) => `region ${i}`);

const keyColumns = fc.record({
  region: fc
    .tuple(fc.subarray([...REGIONS], { minLength: 1 }), fc.constantFrom([], [], LONG_LIST))
    .chain(([some, more]) => maybeNull([...some, ...more])),
  order: fc.oneof(
    fc
      .constantFrom([2, 1, 3], [1, 2, 3])
      .chain(maybeNull)
      .map((values): Extra => ({ values })),
    fc.constant<Extra>({ bounds: [-1, 4] }),
  ),
  flag: fc.oneof(
    fc.constant<Extra>({}),
    maybeNull([true, false]).map((values): Extra => ({ values })),
  ),
  lastDay: fc.constantFrom('2024-01-09', '2024-02-01'),
  granularity: fc.constantFrom(null, 0.01, 0.25, 1, 0.001),
  unitKind: fc.constantFrom('string' as const, 'integer' as const),
  byRow: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
});

/** Manifests: the names and types are always the same, lists, bounds, grids and the unit vary. */
const datasets: fc.Arbitrary<Dataset> = keyColumns.map((choice) => ({
  kind: 'Dataset',
  name: 'visits',
  title: null,
  source: { type: 'parquet', path: '/nonexistent/visits.parquet' },
  lineage: 'visits',
  timeZone: 'Asia/Shanghai',
  privacyUnit: choice.byRow ? { kind: 'row' } : { kind: 'column', column: 'uid' },
  unitDomain: 'visits',
  population: null,
  origin: 'synthetic',
  grade: 'general',
  maxRows: 4096,
  columns: [
    column('uid', choice.unitKind, choice.byRow ? 'value' : 'unit'),
    column('region', 'string', 'key', { values: choice.region }),
    column(ORDER_COLUMN, 'integer', 'key', choice.order),
    column('flag', 'boolean', 'key', choice.flag),
    column('day', 'date', 'key', { bounds: ['2023-12-28', choice.lastDay] }),
    column('word', 'string', 'key'),
    column('code', 'integer', 'key'),
    column('since', 'date', 'key'),
    column('at', 'timestamp', 'value', { bounds: ['2023-12-30', '2024-01-02'] }),
    column('born', 'date', 'value'),
    column('age', 'integer', 'value', { bounds: [0, 120] }),
    column(AMOUNT_COLUMN, 'number', 'value', { bounds: [-50, 5000], granularity: choice.granularity }),
    column('price', 'decimal(2)', 'value', { bounds: [0, 999.99] }),
    column('big', 'number', 'value', { bounds: [-1e6, 3e6] }),
    column('rate', 'number', 'value', { bounds: [-0.000001, 0.000003] }),
    column('debt', 'number', 'value', { bounds: [-300, -100], granularity: 0.5 }),
    column('score', 'number', 'value'),
    column('note', 'string', 'value'),
    column('secret', 'string', 'hidden'),
  ],
}));

/** A value of a numeric column: bounds, halves of grid steps, specials, and ordinary values in and out of bounds. */
function numbers(low: number, high: number, step: number): fc.Arbitrary<number> {
  const span = high - low;
  return fc.oneof(
    { weight: 3, arbitrary: fc.double({ min: low, max: high, noNaN: true }) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: 40 }).map((k) => low + (span * k) / 40) },
    { weight: 2, arbitrary: fc.integer({ min: -20, max: 20 }).map((k) => (k + 0.5) * step) },
    { weight: 1, arbitrary: fc.double({ min: low - span, max: high + span, noNaN: true }) },
    { weight: 1, arbitrary: fc.constantFrom(low, high, 0, -0, 1, -1, NaN, Infinity, -Infinity) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(1e308, -1e308, Number.MAX_VALUE, 5e-324, 2 ** 53 + 2, 0.1 + 0.2),
    },
  );
}

const digits = (value: number, width: number): string => String(value).padStart(width, '0');
const dayOf = (offset: number): string =>
  new Date(Date.UTC(2023, 11, 25 + offset)).toISOString().slice(0, 10);
const nearDays = fc.integer({ min: 0, max: 18 }).map(dayOf);
const anyDays = fc.oneof(
  nearDays,
  fc.constantFrom('0001-01-01', '9999-12-31', '1970-01-01', '2000-02-29', '1900-03-01'),
);
const times = fc
  .record({
    day: fc.oneof({ weight: 6, arbitrary: nearDays }, { weight: 1, arbitrary: anyDays }),
    hour: fc.integer({ min: 0, max: 23 }),
    minute: fc.constantFrom(0, 30, 59),
    fraction: fc.constantFrom('', '.000001', '.500000', '.999999'),
  })
  .map(({ day, hour, minute, fraction }) => `${day}T${digits(hour, 2)}:${digits(minute, 2)}:07${fraction}`);

const orNull = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.option(arbitrary, { freq: 8, nil: null });

/** Units: a third of the rows belongs to one, the rest to a dozen; one row in thirteen to none. */
const unitNumbers = fc.option(
  fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 8, arbitrary: fc.integer({ min: 0, max: UNIT_NAMES.length - 1 }) },
  ),
  { freq: 12, nil: null },
);

const integers = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 120 }) },
  { weight: 1, arbitrary: fc.constantFrom(-7, 500, 2 ** 40, -(2 ** 53) + 1) },
);

const rowParts = fc.record({
  uid: unitNumbers,
  region: orNull(fc.constantFrom(...REGIONS, 'unlisted')),
  [ORDER_COLUMN]: orNull(fc.integer({ min: -2, max: 5 })),
  flag: orNull(fc.boolean()),
  day: orNull(nearDays),
  word: orNull(fc.constantFrom(...WORDS)),
  code: orNull(fc.constantFrom(-7, 0, 8, 2 ** 40)),
  since: orNull(fc.constantFrom('0001-01-01', '2024-02-29', '9999-12-31')),
  at: orNull(times),
  born: orNull(anyDays),
  age: orNull(integers),
  [AMOUNT_COLUMN]: orNull(numbers(-50, 5000, 0.01)),
  price: orNull(fc.integer({ min: -100, max: 120_000 }).map((cents) => cents / 100)),
  big: orNull(numbers(-1e6, 3e6, 4)),
  rate: orNull(numbers(-0.000001, 0.000003, 2 ** -38)),
  debt: orNull(numbers(-300, -100, 0.5)),
  score: orNull(numbers(-10, 10, 1)),
  note: orNull(fc.constantFrom(...NOTES)),
  secret: fc.constant('never read'),
});

/** Rows for a manifest, at most `maxLength`, with some of them doubled. */
function rowsOf(dataset: Dataset, maxLength: number): fc.Arbitrary<readonly Row[]> {
  const numeric = dataset.columns.some(
    (candidate) => candidate.name === 'uid' && candidate.type.kind === 'integer',
  );
  const unitOf = (index: number | null): Scalar => {
    if (index === null) return null;
    return numeric ? index * 7 - 3 : (UNIT_NAMES[index] as string);
  };
  return fc
    .tuple(fc.array(rowParts, { maxLength, size: 'max' }), fc.integer({ min: 0, max: 5 }))
    .map(([rows, twice]) =>
      [...rows, ...rows.slice(0, twice)].map((row) => ({ ...row, uid: unitOf(row.uid) })),
    );
}

/** Datasets with rows; now and then without any. */
export function worlds({ rowsMax = 60 }: { rowsMax?: number } = {}): fc.Arbitrary<World> {
  return datasets.chain((dataset) => rowsOf(dataset, rowsMax).map((rows) => ({ dataset, rows })));
}

/** Policies whose budget never stands in the way: what is generated is to be accepted. */
export const policies: fc.Arbitrary<ReleasePolicy> = fc
  .record({
    maxGroupsPerUnit: fc.constantFrom(1, 2, 3, 50),
    maxRowsPerUnit: fc.constantFrom(1, 2, 3, 7, 100),
    minimumCohort: fc.constantFrom(1, 2, 4),
    keys: fc.constantFrom('listed' as const, 'thresholded' as const),
    laplace: fc.boolean(),
    hideBelow: fc.constantFrom(null, null, 3),
    quantileBins: fc.constantFrom(2, 16, 64),
  })
  .map(({ laplace, ...choice }) => {
    const pure = laplace && choice.keys === 'listed';
    const content = {
      kind: 'ReleasePolicy' as const,
      mechanism: pure ? ('laplace' as const) : ('gaussian' as const),
      budget: { epsilon: 1e9, delta: pure ? 0 : 1e-3 },
      perJob: { epsilon: 1, max: 1000, delta: pure ? 0 : 1e-6, thresholdDelta: pure ? 0 : 1e-7 },
      ...choice,
      maxCells: 10_000,
      timing: { mode: 'exact' as const },
      jail: 'preferred' as const,
      prepare: false,
      repeats: 'stored' as const,
      release: 'automatic' as const,
    };
    return { ...content, digest: createHash('sha256').update(JSON.stringify(content)).digest('hex') };
  });
