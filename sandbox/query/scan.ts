/**
 * The scan: physical columns of a source as values of the manifest's types, by total conversions.
 *
 * NaN, unparsable and out-of-type values and dates outside 0001–9999 become NULL here and nowhere else.
 */
import type { Column, Dataset } from '../manifest/dataset.ts';
import { quoteName, quoteText } from './print-expression.ts';

/** What is stored: column name → the engine's type, and what a prepared copy holds beside the columns. */
export interface PhysicalColumns {
  readonly types: ReadonlyMap<string, string>;
  /** Null: the source as it is. Else the columns of the prepared copy that have grid integers, or key codes, stored. */
  readonly prepared: { readonly grids: ReadonlySet<string>; readonly codes: ReadonlySet<string> } | null;
}

/** The table of a prepared copy: units dense and sorted, values converted, grid integers and key codes worked out. */
export const PREPARED = 'prepared';

/** Stored grid integers of a bounded column, and stored positions of a key's value in its public list. */
export const gridName = (name: string): string => `"g:${name.replaceAll('"', '""')}"`;
export const codeName = (name: string): string => `"k:${name.replaceAll('"', '""')}"`;

/** The name under which a reader shows its one source, and, of Parquet, the same with `file_row_number`. */
export const SOURCE = 'source';
export const NUMBERED = 'numbered';
/** The engine's own column of a row's position in a Parquet file. A file may have a column of this name itself. */
export const ROW_NUMBER = 'file_row_number';

const INTEGERS = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER)$/;
const NARROW = /^(U?(TINY|SMALL)INT|U?INTEGER)$/;
const SAFE = Number.MAX_SAFE_INTEGER;

/**
 * The privacy unit's value, NULL where it is none: persons whose values cannot be told apart would else share one
 * bound, and one of them could change it by more than a unit may.
 */
function printUnit(column: Column, dataset: Dataset, physical: PhysicalColumns): string {
  const stored = storedName(column.name);
  const type = physical.types.get(column.name)!;
  if (type === 'DOUBLE' || type === 'FLOAT') return `CASE WHEN NOT isnan(${stored}) THEN ${stored} END`;
  const { kind } = column.type;
  if (type !== 'VARCHAR' || kind === 'string') return stored;
  // Texts of one value are one person: 7 and 7.0, 2026-01-02 and 2026-1-2.
  if (kind === 'number' || kind === 'decimal')
    return `CASE WHEN isfinite(TRY_CAST(${stored} AS DOUBLE)) THEN TRY_CAST(${stored} AS DOUBLE) END`;
  if (kind !== 'integer')
    return `TRY_CAST(${kind === 'boolean' ? stored : moment(stored, type, dataset)} AS ${kind.toUpperCase()})`;
  // A cast alone would round, and make one person of 12.5 and 13.
  return `CASE WHEN regexp_full_match(${stored}, ' *[+-]?[0-9]+ *') THEN TRY_CAST(${stored} AS HUGEINT) END`;
}

/** One column's conversion. */
function printColumn(column: Column, dataset: Dataset, physical: PhysicalColumns): string {
  const stored = storedName(column.name);
  const type = physical.types.get(column.name)!;
  switch (column.type.kind) {
    case 'integer':
      return integerColumn(stored, type);
    case 'number':
    case 'decimal':
      return numberColumn(stored, type);
    case 'string':
      return type === 'VARCHAR' ? stored : `CAST(${stored} AS VARCHAR)`;
    case 'boolean':
      return type === 'BOOLEAN' ? stored : `TRY_CAST(${stored} AS BOOLEAN)`;
    case 'date':
      return dateColumn(type === 'DATE' ? stored : `TRY_CAST(${moment(stored, type, dataset)} AS DATE)`);
    case 'timestamp':
      return timestampColumn(
        type === 'TIMESTAMP' ? stored : `TRY_CAST(${moment(stored, type, dataset)} AS TIMESTAMP)`,
      );
  }
}

function integerColumn(stored: string, type: string): string {
  if (NARROW.test(type)) return `CAST(${stored} AS DOUBLE)`;
  const safe = `BETWEEN -${SAFE} AND ${SAFE}`;
  if (INTEGERS.test(type)) return `CASE WHEN ${stored} ${safe} THEN CAST(${stored} AS DOUBLE) END`;
  const value = `TRY_CAST(${stored} AS DOUBLE)`;
  return `CASE WHEN ${value} ${safe} AND trunc(${value}) = ${value} THEN ${value} END`;
}

function numberColumn(stored: string, type: string): string {
  if (INTEGERS.test(type) || type.startsWith('DECIMAL')) return `CAST(${stored} AS DOUBLE)`;
  const value = type === 'DOUBLE' ? stored : `TRY_CAST(${stored} AS DOUBLE)`;
  return `CASE WHEN NOT isnan(${value}) THEN ${value} END`;
}

function dateColumn(value: string): string {
  return `CASE WHEN ${value} BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN ${value} END`;
}

function timestampColumn(value: string): string {
  return `CASE WHEN ${value} BETWEEN TIMESTAMP '0001-01-01 00:00:00' AND TIMESTAMP '9999-12-31 23:59:59.999999' THEN ${value} END`;
}

/** Earliest and latest moment that is some local time of the years 0001 to 9999, and a day more on either side. */
const MOMENTS = ['0001-12-31 (BC) 00:00:00', '10000-01-02 00:00:00'] as const;

/** A time of day, then `Z` or a UTC offset: text that names an instant. */
const INSTANT_TEXT = String.raw`[0-9]:[0-9]{2}[0-9.:]* *(?:[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?) *$`;

/**
 * An instant, also as text with an offset, as wall-clock time of the dataset's zone; anything else as it is.
 * A cast of such text to TIMESTAMP would leave its offset out and shift it by hours.
 */
function moment(stored: string, type: string, dataset: Dataset): string {
  if (type === 'TIMESTAMP') return within(stored, 'TIMESTAMP', '');
  if (type === 'TIMESTAMP WITH TIME ZONE') return wallClock(stored, dataset);
  if (type !== 'VARCHAR') return stored;
  const instant = wallClock(`TRY_CAST(${stored} AS TIMESTAMPTZ)`, dataset);
  return `CASE WHEN regexp_matches(${stored}, ${quoteText(INSTANT_TEXT)}) THEN CAST(${instant} AS VARCHAR) ELSE ${stored} END`;
}

function wallClock(instant: string, { timeZone }: Dataset): string {
  return `timezone(${quoteText(timeZone)}, ${within(instant, 'TIMESTAMPTZ', '+00')})`;
}

/**
 * Conversions of moments near the ends of the engine's range throw, also inside TRY_CAST: such moments are NULL before
 * they are converted.
 */
function within(moment: string, literal: string, zone: string): string {
  const [first, last] = MOMENTS.map((text) => `${literal} ${quoteText(`${text}${zone}`)}`);
  return `CASE WHEN ${moment} BETWEEN ${first} AND ${last} THEN ${moment} END`;
}

function storedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * The scan: the unit as u, and the columns a query needs under their quoted names. Of a prepared copy it also
 * shows the stored grids and codes.
 */
export function printScan(
  dataset: Dataset,
  unit: Column | null,
  names: Iterable<string>,
  physical: PhysicalColumns,
  source: typeof SOURCE | typeof NUMBERED = SOURCE,
): string {
  const columns = [...names]
    .toSorted()
    .map((name) => dataset.columns.find((candidate) => candidate.name === name)!);
  if (physical.prepared !== null) return printPreparedScan(columns, unit, physical.prepared);
  const values = columns.map(
    (column) => `${printColumn(column, dataset, physical)} AS ${quoteName(column.name)}`,
  );
  const unitItem = unit === null ? [] : [`${printUnit(unit, dataset, physical)} AS u`];
  const where = unit === null ? '' : ` WHERE ${printUnit(unit, dataset, physical)} IS NOT NULL`;
  const number = source === NUMBERED ? [ROW_NUMBER] : [];
  const items = [...number, ...unitItem, ...values];
  return `SELECT ${items.length === 0 ? '1 AS nothing' : items.join(', ')} FROM ${source}${where}`;
}

function printPreparedScan(
  columns: readonly Column[],
  unit: Column | null,
  { grids, codes }: NonNullable<PhysicalColumns['prepared']>,
): string {
  const stored = columns.flatMap(({ name }) => [
    quoteName(name),
    ...(grids.has(name) ? [gridName(name)] : []),
    ...(codes.has(name) ? [codeName(name)] : []),
  ]);
  const items = [...(unit === null ? [] : ['u', 'h']), ...stored];
  return `SELECT ${items.length === 0 ? '1 AS nothing' : items.join(', ')} FROM ${PREPARED}`;
}
