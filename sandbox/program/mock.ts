/**
 * Made-up records with the shape of a dataset, from its manifest alone: for trying a program before it is approved.
 *
 * Guarantee: the same manifest gives the same records on every machine, and no data are read. Every listed value, both
 * bounds of every column, values beyond them, NULL in every column and a record of nothing but NULL are among them.
 * Not covered: how values of real records hang together. What a program faults on here is its mistake; what it does
 * not fault on may still be wrong.
 */
import type { Scalar } from '../expression.ts';
import type { Column, Dataset } from '../manifest/dataset.ts';

/** A made-up record: the dataset's columns by name, as the scan would give them. */
export type MockRecord = Readonly<Record<string, Scalar>>;

/** What a dataset says in public of its columns: all that a trial is made from. */
export type TrialDataset = Pick<Dataset, 'name' | 'columns'>;

/** Records that a program is tried on when it is submitted. */
export const MOCK_RECORDS = 1_200;

const DEFAULT_BOUNDS = [-1_000, 1_000] as const;
const DAYS_BETWEEN = 12;
const DAY_MS = 86_400_000;
const UNLISTED = ['', 'not listed', '未列出', ' North ', '0'];
const WORDS = [
  '',
  'a',
  'I21.9',
  'E11',
  '北京市 海淀区',
  ' spaces  around ',
  '12.50',
  'Ünïcode 🚀',
  'x'.repeat(300),
];

/** `count` records of a dataset's columns, without hidden ones and the privacy unit. */
export function mockRecords(
  { columns }: Pick<Dataset, 'columns'>,
  count = MOCK_RECORDS,
): readonly MockRecord[] {
  const seen = columns.filter(({ role }) => role !== 'hidden' && role !== 'unit');
  const choices = seen.map((column) => ({ name: column.name, values: valuesFor(column) }));
  const longest = choices.reduce((most, { values }) => Math.max(most, values.length), 1);
  const random = scrambler();
  return Array.from({ length: Math.max(count, longest + 1) }, (_, row) =>
    Object.fromEntries(
      choices.map(({ name, values }) => {
        if (row === 0) return [name, null];
        // First each value of each column, then values of all columns against each other.
        const at = row <= longest ? row - 1 : random();
        return [name, values[at % values.length]!];
      }),
    ),
  );
}

function valuesFor(column: Column): readonly Scalar[] {
  switch (column.type.kind) {
    case 'boolean':
      return [true, false, null];
    case 'string':
      return column.values === null ? [...WORDS, null] : unique([...column.values, ...UNLISTED, null]);
    case 'date':
    case 'timestamp':
      return unique([...(column.values ?? []), ...momentsFor(column), null]);
    default:
      return unique([...(column.values ?? []), ...numbersFor(column), null]);
  }
}

/** Ends, middle and outside of the bounds: a program sees values as they are stored, unclamped. */
function numbersFor({ type, bounds, granularity }: Column): readonly number[] {
  const [low, high] =
    typeof bounds?.[0] === 'number' ? (bounds as readonly [number, number]) : DEFAULT_BOUNDS;
  const step = granularity ?? (type.kind === 'decimal' ? 10 ** -type.scale : 1);
  const width = high - low;
  const inside = [0.03, 0.17, 0.25, 0.5, 0.61, 0.75, 0.92].map((part) => low + part * width);
  const all = [low, high, low + step, high - step, low - step, high + step, high + width, 0, 1, ...inside];
  return type.kind === 'integer' ? all.map(Math.round) : all;
}

function momentsFor({ type, bounds }: Column): readonly string[] {
  const [first, last] = (bounds ?? ['2000-01-01', '2029-12-31']).map((text) =>
    Date.parse(String(text).slice(0, 10)),
  );
  const days = Math.max(1, Math.round((last! - first!) / DAY_MS));
  const moments = Array.from({ length: DAYS_BETWEEN }, (_, index) =>
    new Date(first! + Math.floor((index * days) / (DAYS_BETWEEN - 1)) * DAY_MS).toISOString().slice(0, 10),
  );
  return type.kind === 'date'
    ? moments
    : moments.map((day, index) => `${day}T${String((index * 7) % 24).padStart(2, '0')}:30:00`);
}

function unique(values: readonly Scalar[]): readonly Scalar[] {
  return [...new Set(values)];
}

/** The same numbers everywhere (Marsaglia, Xorshift RNGs, 2003): these records protect nobody. */
function scrambler(): () => number {
  let state = 0x9e3779b9;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
