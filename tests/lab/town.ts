/** Thirty people in three places, as rows and as a manifest: data whose every sum can be done by hand. */
import type { Row } from '#tests/support/reference-expression.ts';
import { writeParquet } from '#tests/support/source-file.ts';
import type { Answer, Folder } from './lab-process.ts';

const COLUMNS = {
  uid: { type: 'integer', role: 'unit' },
  zip: { type: 'string', role: 'key', values: ['n', 's', 'e'] },
  job: { type: 'string', role: 'key' },
  age: { type: 'integer', bounds: [0, 120] },
  income: { type: 'number', bounds: [0, 100], granularity: 0.01 },
  debt: { type: 'number', bounds: [-100, 50], granularity: 0.25 },
  score: { type: 'number', bounds: [-8, 8] },
  grade: { type: 'integer', bounds: [0, 4] },
} as const;
const FILE_COLUMNS = Object.entries(COLUMNS).map(([name, { type }]) => ({ name, type: { kind: type } }));

/** dataset.yaml over a Parquet file of such rows. */
export function townManifest(file: string): object {
  return {
    kind: 'Dataset',
    name: 'people',
    source: { type: 'parquet', path: file },
    privacyUnit: 'uid',
    origin: 'synthetic',
    maxRows: 10_000,
    timeZone: 'UTC',
    columns: COLUMNS,
  };
}

/** A person's row, with some values changed. */
export const person = (uid: number, row: Partial<Row> = {}): Row => ({
  uid,
  zip: 'n',
  job: 'baker',
  age: 40,
  income: 10,
  debt: -1,
  score: 1,
  grade: uid % 5,
  ...(row as Row),
});

/**
 * Thirty people: 1–10 live in n, 11–30 in s, nobody in e. Ages 21–50, incomes 1–30. Person 30 has
 * five more rows in s, person 1 one in n and one in s. One row has no person.
 */
export const ROWS: readonly Row[] = [
  ...Array.from({ length: 30 }, (_, i) =>
    person(i + 1, {
      zip: i < 10 ? 'n' : 's',
      job: i < 9 ? 'baker' : i < 19 ? 'miner' : 'nurse',
      age: 21 + i,
      income: i + 1,
      debt: -i / 3,
    }),
  ),
  ...Array.from({ length: 5 }, () =>
    person(30, { zip: 's', job: 'nurse', age: 50, income: 30, debt: -29 / 3 }),
  ),
  person(1, { zip: 'n', age: 120, income: 100 }),
  person(1, { zip: 's', age: 120, income: 100 }),
  { ...person(0), uid: null },
];

/** Writes rows as Parquet into a folder. */
export function writeTown(folder: Folder, file: string, rows: readonly Row[]): Promise<void> {
  return writeParquet(rows, FILE_COLUMNS, `${folder.path}/${file}.parquet`);
}

/** name → value of an answer without keys; key text → values of one with keys. */
export function readingsOf(
  answer: Answer,
): Readonly<Record<string, number | null | readonly (number | null)[]>> {
  if (answer.decision !== 'released') throw new Error(answer.message);
  const keyed = new Map<string, (number | null)[]>();
  for (const { key, value } of answer.outputs) {
    const name = Object.values(key ?? {}).join('/');
    keyed.set(name, [...(keyed.get(name) ?? []), value]);
  }
  const isKeyed = answer.outputs[0]?.key !== null;
  return isKeyed
    ? Object.fromEntries(keyed)
    : Object.fromEntries(answer.outputs.map(({ name, value }) => [name, value]));
}

export const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
export const meanOf = (values: readonly number[]): number => sumOf(values) / values.length;
export const varianceOf = (values: readonly number[]): number =>
  sumOf(values.map((value) => (value - meanOf(values)) ** 2)) / (values.length - 1);
