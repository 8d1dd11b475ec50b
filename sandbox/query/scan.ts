/**
 * The scan: physical columns of a source as values of the manifest's types, by total conversions.
 *
 * NaN, unparsable and out-of-type values and dates outside 0001–9999 become NULL here and nowhere else.
 */
import type { Column, Dataset } from '../manifest/dataset.ts';
import { quoteName, quoteText } from './print-expression.ts';

/** Column name → the engine's type of the stored column. */
export type PhysicalColumns = ReadonlyMap<string, string>;

/** The name under which a reader shows its one source. */
export const SOURCE = 'source';

const INTEGERS = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER)$/;
const NARROW = /^(U?(TINY|SMALL)INT|U?INTEGER)$/;
const SAFE = Number.MAX_SAFE_INTEGER;

/** The privacy unit's value as stored, converted only where text must be read as a number. */
export function printUnit(column: Column, physical: PhysicalColumns): string {
  const stored = storedName(column.name);
  const isText = physical.get(column.name) === 'VARCHAR';
  return isText && column.type.kind === 'integer' ? `TRY_CAST(${stored} AS HUGEINT)` : stored;
}

/** One column's conversion. */
export function printColumn(column: Column, dataset: Dataset, physical: PhysicalColumns): string {
  const stored = storedName(column.name);
  const type = physical.get(column.name)!;
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
      return dateColumn(type === 'DATE' ? stored : `TRY_CAST(${local(stored, type, dataset)} AS DATE)`);
    case 'timestamp':
      return timestampColumn(
        type === 'TIMESTAMP' ? stored : `TRY_CAST(${local(stored, type, dataset)} AS TIMESTAMP)`,
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

/** An instant as wall-clock time of the dataset's zone; anything else as it is. */
function local(stored: string, type: string, dataset: Dataset): string {
  return type === 'TIMESTAMP WITH TIME ZONE' ? `timezone(${quoteText(dataset.timeZone)}, ${stored})` : stored;
}

function storedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** SELECT list of the scan: the unit as u, and the columns a query needs under their quoted names. */
export function printScan(
  dataset: Dataset,
  unit: Column | null,
  names: Iterable<string>,
  physical: PhysicalColumns,
): string {
  const columns = [...names].toSorted().map((name) => {
    const column = dataset.columns.find((candidate) => candidate.name === name)!;
    return `${printColumn(column, dataset, physical)} AS ${quoteName(name)}`;
  });
  const unitItem = unit === null ? [] : [`${printUnit(unit, physical)} AS u`];
  const where = unit === null ? '' : ` WHERE ${storedName(unit.name)} IS NOT NULL`;
  const items = [...unitItem, ...columns];
  return `SELECT ${items.length === 0 ? '1 AS nothing' : items.join(', ')} FROM ${SOURCE}${where}`;
}
