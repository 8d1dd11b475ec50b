/**
 * Printing of the queries that read records for a program: ranges of rows of the source or of a copy sorted by unit.
 *
 * Values are those that the scan makes, so a program sees what SQL computes with. A range is chosen by row number alone.
 * Texts of more than MAX_TEXT_BYTES are NULL to a program: one long text must not decide how much fits into a pipe.
 */
import type { Column, Dataset } from '../manifest/dataset.ts';
import type { RecordField } from '../reader/protocol.ts';
import { unitColumn } from '../planning.ts';
import { printCode } from './print-cell.ts';
import { quoteName } from './print-expression.ts';
import { codeName, NUMBERED, type PhysicalColumns, PREPARED, printScan, ROW_NUMBER } from './scan.ts';

/** A query over a range of row numbers, bound as $1 ≤ number < $2. Columns: number, then unit and hash if `units`, then fields. */
export interface RecordQuery {
  readonly sql: string;
  readonly units: boolean;
  readonly fields: readonly RecordField[];
  /** The table whose rows are numbered. */
  readonly table: string;
  /** Rows of one range. */
  readonly rows: number;
}

/** Longest text that a program sees, in bytes. */
const MAX_TEXT_BYTES = 4096;
/** Four row groups of the engine: fewer cost more queries, more cost memory (measured: 490 ms per 10 M rows against 910 at an eighth). */
const RANGE_ROWS = 4 * 122_880;
/** Longer lists would be a long CASE for every row. */
const MAX_LISTED = 16;

/** Whether the rows that a program reads are numbered as they lie: in a prepared copy, or, each its own unit, in Parquet. */
export function isNumbered(dataset: Dataset, { prepared, types }: PhysicalColumns): boolean {
  if (prepared !== null) return true;
  const names = [...types.keys()].map((name) => name.toLowerCase());
  return unitColumn(dataset) === null && dataset.source.type === 'parquet' && !names.includes(ROW_NUMBER);
}

/** The statement that makes `table`: a copy of these columns, sorted by unit, for one job. */
export function printStaging(
  dataset: Dataset,
  columns: readonly string[],
  { physical, table }: { readonly physical: PhysicalColumns; readonly table: string },
): string {
  const unit = unitColumn(dataset);
  const scan = printScan(dataset, unit, columns, physical);
  if (unit === null) return `CREATE TABLE ${table} AS ${scan}`;
  const items = columns.map((name) => `, s.${quoteName(name)}`).join('');
  const units = 'n AS MATERIALIZED (SELECT u, row_number() OVER () - 1 AS n FROM (SELECT DISTINCT u FROM s))';
  return `CREATE TABLE ${table} AS WITH s AS (${scan}), ${units} SELECT CAST(n.n AS INTEGER) AS u, hash(n.u) AS h${items} FROM s JOIN n USING (u) ORDER BY n.n`;
}

interface PlacedRecords {
  readonly physical: PhysicalColumns;
  /** The copy that a job made for itself, or null. */
  readonly staged: string | null;
  /** Whether it is said whose each record is. */
  readonly units?: boolean;
}

/** The query that reads the columns of a program. `staged`: the copy that `printStaging` made, or null. */
export function printRecords(
  dataset: Dataset,
  names: readonly string[],
  { physical, staged, units = true }: PlacedRecords,
): RecordQuery {
  const unit = units ? unitColumn(dataset) : null;
  const columns = names.map((name) => dataset.columns.find((column) => column.name === name)!);
  const printed = columns.map((column) => printField(column, staged === null ? physical.prepared : null));
  const isTable = staged !== null || physical.prepared !== null;
  const number = isTable ? 'rowid' : ROW_NUMBER;
  const own = unit === null ? [] : ['u', 'h'];
  const items = [number, ...own, ...printed.flatMap(({ sql }) => sql)].join(', ');
  const range = `${number} >= CAST($1 AS BIGINT) AND ${number} < CAST($2 AS BIGINT)`;
  const table = staged ?? (physical.prepared !== null ? PREPARED : NUMBERED);
  const scan = isTable ? '' : `WITH s AS (${printScan(dataset, null, names, physical, NUMBERED)}) `;
  return {
    sql: `${scan}SELECT ${items} FROM ${isTable ? table : 's'} WHERE ${range}`,
    units: unit !== null,
    fields: printed.map(({ field }) => field),
    table,
    rows: RANGE_ROWS,
  };
}

function printField(
  column: Column,
  prepared: PhysicalColumns['prepared'],
): { readonly field: RecordField; readonly sql: readonly string[] } {
  const name = quoteName(column.name);
  switch (column.type.kind) {
    case 'integer':
    case 'number':
    case 'decimal':
      return { field: { kind: 'number' }, sql: [`coalesce(${name}, 'NaN'::DOUBLE)`] };
    case 'boolean':
      return { field: { kind: 'boolean' }, sql: [`coalesce(CAST(${name} AS TINYINT), 2::TINYINT)`] };
    case 'date':
      return {
        field: { kind: 'date' },
        sql: [`CAST(coalesce(date_diff('day', DATE '1970-01-01', ${name}), -2147483648) AS INTEGER)`],
      };
    case 'timestamp':
      return {
        field: { kind: 'text', values: [] },
        sql: ['-1::INTEGER', `replace(strftime(${name}, '%Y-%m-%dT%H:%M:%S.%f'), '.000000', '')`],
      };
    case 'string':
      return printText(column, name, prepared);
  }
}

/** Listed values come as their positions, and only what is not listed as text: reading texts one by one is slow. */
function printText(
  column: Column,
  name: string,
  prepared: PhysicalColumns['prepared'],
): { readonly field: RecordField; readonly sql: readonly string[] } {
  const values = (column.values ?? []).filter((value): value is string => typeof value === 'string');
  const short = `CASE WHEN strlen(${name}) <= ${MAX_TEXT_BYTES} THEN ${name} END`;
  if (values.length === 0 || values.length > MAX_LISTED)
    return { field: { kind: 'text', values: [] }, sql: ['-1::INTEGER', short] };
  // A stored code counts a listed NULL too.
  const isStored = prepared?.codes.has(column.name) === true && values.length === column.values?.length;
  const key = { expr: { op: 'column', name, type: 'string' }, domain: values } as const;
  const code = isStored ? codeName(column.name) : printCode(key, name, 0);
  return {
    field: { kind: 'text', values },
    sql: [`CAST(coalesce(${code}, -1) AS INTEGER)`, `CASE WHEN ${code} IS NULL THEN ${short} END`],
  };
}

/**
 * The statement that makes `table`: a copy of these columns sorted by block. The block of a unit hangs on the unit and the
 * job's secret alone, bound as $1 (`usesSecret`); where each row is a unit, it is drawn at random for each. It reads
 * the source itself, since a prepared copy numbers its units for itself.
 */
export function printBlocks(
  dataset: Dataset,
  columns: readonly string[],
  {
    types,
    table,
    count,
  }: Pick<PhysicalColumns, 'types'> & { readonly table: string; readonly count: number },
): { readonly sql: string; readonly usesSecret: boolean } {
  const unit = unitColumn(dataset);
  const scan = printScan(dataset, unit, columns, { types, prepared: null });
  const items = columns.map((name) => `, s.${quoteName(name)}`).join('');
  if (unit === null) {
    const drawn = `CAST(floor(random() * ${count}) AS INTEGER) AS b`;
    const sql = `CREATE TABLE ${table} AS WITH s AS (${scan}) SELECT ${drawn}${items} FROM s ORDER BY b`;
    return { sql, usesSecret: false };
  }
  const block = `CAST(hash(sha256($1 || CAST(u AS VARCHAR))) % ${count} AS INTEGER) AS b`;
  const units = `n AS MATERIALIZED (SELECT u, ${block} FROM (SELECT DISTINCT u FROM s))`;
  const sql = `CREATE TABLE ${table} AS WITH s AS (${scan}), ${units} SELECT n.b${items} FROM s JOIN n USING (u) ORDER BY n.b`;
  return { sql, usesSecret: true };
}

/** The numbers of the first row and of the row after the last of every block that has rows. */
export function printBlockRanges(table: string): string {
  return `SELECT b, min(rowid), max(rowid) + 1 FROM ${table} GROUP BY b`;
}
