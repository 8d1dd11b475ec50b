/**
 * What `unseen encrypt` makes of a dataset: which columns stay clear, which are encrypted, how rows are bounded, and the
 * SQL that a jailed reader runs for it.
 *
 * Guarantee: at most R rows of one unit are kept in all, chosen by the hash of their position under a secret that nobody
 * else has, before anything is encrypted; values are clamped to the bounds and rounded to the grid as an ordinary query
 * does it; a row whose clear values are not all listed is left out.
 */
import { type ClearValue, type DatasetDescription, parseDescription } from '#crypto/he/dataset-manifest.ts';
import { HeError } from '#crypto/he/he-error.ts';
import { profileOf } from '#crypto/he/profiles.ts';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { Column, Dataset, HeProfile } from '../manifest/dataset.ts';
import { type BoundedArgument, type Keys, midGridOf } from '../plan.ts';
import { unitColumn } from '../planning.ts';
import { boundColumn, inverseOf } from '../query/bounds.ts';
import { printGrid } from '../query/print.ts';
import { joinsOf, printCell } from '../query/print-cell.ts';
import { quoteName } from '../query/print-expression.ts';
import { type PhysicalColumns, printScan } from '../query/scan.ts';

/** What a provider asks for. Absent lists: no clear columns; every number with bounds is encrypted. */
export interface EncryptionChoice {
  readonly clear: readonly string[];
  readonly columns: readonly string[] | null;
  readonly nullable: readonly string[];
  readonly profile: HeProfile;
  /** R. Where each row is a unit it is 1. */
  readonly rowsPerUnit: number;
  readonly keyId: string;
}

export interface EncryptionPlan {
  readonly dataset: Dataset;
  readonly clear: readonly Column[];
  readonly encrypted: readonly {
    readonly column: Column;
    readonly argument: BoundedArgument;
    readonly nullable: boolean;
  }[];
  /** Columns that are in neither list, and of which nothing is kept. */
  readonly left: readonly string[];
  readonly choice: EncryptionChoice;
}

/** A table of the kept rows, in the order of their groups. */
const TABLE = 'encrypted';

/** Checks a choice. Fails CONFIG, naming column and rule. */
export function planEncryption(dataset: Dataset, choice: EncryptionChoice): EncryptionPlan {
  const named = (name: string): Column => {
    const found = dataset.columns.find((column) => column.name === name);
    if (found === undefined) throw fault(name, 'encrypt.absent');
    return found;
  };
  const clear = choice.clear.map(named);
  for (const { name, role, values } of clear) {
    if (role === 'unit' || role === 'hidden') throw fault(name, 'encrypt.private');
    if (role !== 'key' || values === null) throw fault(name, 'encrypt.listed');
    if (!values.every((value) => typeof value !== 'number' || Number.isSafeInteger(value)))
      throw fault(name, 'encrypt.whole');
  }
  const stated =
    choice.columns?.map(named) ?? dataset.columns.filter((column) => isPossible(column, dataset));
  const encrypted = stated.map((column) => {
    if (!isPossible(column, dataset)) throw fault(column.name, 'encrypt.number');
    const argument = boundColumn(column, dataset)!;
    return { column, argument, nullable: choice.nullable.includes(column.name) };
  });
  const unknown = choice.nullable.find((name) => !encrypted.some(({ column }) => column.name === name));
  if (unknown !== undefined) throw fault(unknown, 'encrypt.nullable');
  if (encrypted.length === 0) throw new Failure('CONFIG', say('encrypt.nothing'));
  const kept = new Set([...clear, ...encrypted.map(({ column }) => column)].map(({ name }) => name));
  const left = dataset.columns.map(({ name }) => name).filter((name) => !kept.has(name));
  return { dataset, clear, encrypted, left, choice };
}

function isPossible(column: Column, dataset: Dataset): boolean {
  const isNumber = ['integer', 'number', 'decimal'].includes(column.type.kind);
  return column.role === 'value' && isNumber && boundColumn(column, dataset) !== null;
}

function fault(
  column: string,
  rule:
    | 'encrypt.absent'
    | 'encrypt.private'
    | 'encrypt.listed'
    | 'encrypt.whole'
    | 'encrypt.number'
    | 'encrypt.nullable',
): Failure {
  return new Failure('CONFIG', say(rule, { column: column.slice(0, 63) }));
}

/** R as it is signed. */
export function rowsPerUnitOf({ dataset, choice }: EncryptionPlan): number {
  return unitColumn(dataset) === null ? 1 : choice.rowsPerUnit;
}

/** What the manifest will say. Fails CONFIG where the format has no place for it, as for the name of a column. */
export function descriptionOf(
  plan: EncryptionPlan,
  made: Pick<DatasetDescription, 'publicKeyDigest' | 'relinKeysDigest' | 'createdAt'>,
): DatasetDescription {
  const { dataset, clear, encrypted, choice } = plan;
  try {
    return parseDescription({
      name: dataset.name,
      profile: choice.profile,
      plainModulus: String(profileOf(choice.profile).plainModulus),
      keyId: choice.keyId,
      bounding: { rowsPerUnit: rowsPerUnitOf(plan), maxRows: dataset.maxRows },
      disclosedToPlatform: clear.map(({ name, values }) => ({ name, values })),
      columns: encrypted.map(({ column, argument, nullable }) => ({
        name: column.name,
        low: String(argument.low),
        high: String(argument.high),
        granularity: String(1 / inverseOf(argument.grid)),
        lowGrid: String(argument.lowGrid),
        highGrid: String(argument.highGrid),
        mid: String(midGridOf(argument)),
        nullable,
      })),
      ...made,
    });
  } catch (error) {
    if (error instanceof HeError)
      throw new Failure('CONFIG', say('encrypt.description', { field: error.field ?? error.code }));
    throw error;
  }
}

/**
 * The statement that bounds and sorts the rows, for `seed` as $1. Columns: `cell`, then per encrypted column its grid
 * integer (NULL where there is no value).
 */
export function printBounded(plan: EncryptionPlan, physical: PhysicalColumns): string {
  const { dataset, clear, encrypted } = plan;
  const unit = unitColumn(dataset);
  const names = [...clear, ...encrypted.map(({ column }) => column)].map(({ name }) => name);
  const keys = keysOf(clear);
  const columns = clear.map(({ name }) => quoteName(name));
  const grids = encrypted.map(
    ({ column, argument }, at) => `CAST(${printGrid(quoteName(column.name), argument)} AS BIGINT) AS g${at}`,
  );
  const numbered = `s AS (SELECT *, row_number() OVER () AS row FROM (${printScan(dataset, unit, names, physical)}))`;
  const items = [...(unit === null ? [] : ['u']), 'row', ...printCell(keys, columns, physical), ...grids];
  const listed = `r AS (SELECT ${items.join(', ')} FROM s${joinsOf(keys, columns, physical)})`;
  const rank = `row_number() OVER (PARTITION BY u ORDER BY hash(row, $1), row)`;
  const bounded = unit === null ? '' : ` QUALIFY ${rank} <= ${rowsPerUnitOf(plan)}`;
  const kept = `f AS (SELECT * FROM r WHERE cell IS NOT NULL${bounded})`;
  const values = ['cell', ...encrypted.map((_, at) => `g${at}`)].join(', ');
  return `CREATE TABLE ${TABLE} AS WITH ${numbered}, ${listed}, ${kept} SELECT ${values} FROM f ORDER BY cell, row`;
}

/** Whether the statement has a parameter. */
export function usesSeed({ dataset }: EncryptionPlan): boolean {
  return unitColumn(dataset) !== null;
}

/** Cells that rows are in, with the number of rows: in the order of the table. */
export const GROUPS_SQL = `SELECT cell, count(*) FROM ${TABLE} GROUP BY cell ORDER BY cell`;

/** Rows from one position up to another: per column its grid integer, and whether there is one. */
export function printRows({ encrypted }: EncryptionPlan, from: number, to: number): string {
  const items = encrypted.flatMap((_, at) => [`coalesce(g${at}, 0)`, `CAST(g${at} IS NOT NULL AS BIGINT)`]);
  return `SELECT ${items.join(', ')} FROM ${TABLE} WHERE rowid >= ${from} AND rowid < ${to} ORDER BY rowid`;
}

/** The clear values of a cell. */
export function valuesOfCell({ clear }: EncryptionPlan, cell: number): readonly ClearValue[] {
  let rest = cell;
  return clear
    .toReversed()
    .map(({ values }) => {
      const list = values!;
      const value = list[rest % list.length]!;
      rest = Math.floor(rest / list.length);
      return value;
    })
    .toReversed();
}

function keysOf(clear: readonly Column[]): Keys {
  if (clear.length === 0) return { mode: 'none' };
  const keys = clear.map(({ name, type: { kind }, values }) => ({
    expr: { op: 'column', name, type: kind === 'integer' || kind === 'decimal' ? 'number' : kind } as const,
    domain: values,
  }));
  return { mode: 'listed', keys, cells: keys.reduce((product, { domain }) => product * domain!.length, 1) };
}
