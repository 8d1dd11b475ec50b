/**
 * The scan as the oracle understands it: what a stored value is worth as a value of the manifest's type.
 *
 * Also the dirt that real files hold, to be written where the scan has to clean it away.
 */
import type { Column, ColumnType } from '#sandbox/manifest/dataset.ts';
import type { Scalar } from '#sandbox/expression.ts';
import { type Row, canonicalTimestamp } from './reference-expression.ts';

/** Rows as queries see them: NaN, values of another type and dates outside 0001–9999 are NULL. */
export function scannedRows(rows: readonly Row[], columns: readonly Column[]): readonly Row[] {
  return rows.map((row) =>
    Object.fromEntries(columns.map(({ name, type }) => [name, scannedValue(row[name] ?? null, type)])),
  );
}

function scannedValue(value: Scalar, type: ColumnType): Scalar {
  switch (type.kind) {
    case 'integer':
      return Number.isSafeInteger(value) ? value : null;
    case 'number':
    case 'decimal':
      return typeof value === 'number' && !Number.isNaN(value) ? value : null;
    case 'string':
      return typeof value === 'string' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      return typeof value === 'string' && isDate(value) ? value : null;
    case 'timestamp':
      return typeof value === 'string' && isTimestamp(value) ? canonicalTimestamp(value) : null;
  }
}

function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || text < '0001') return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

function isTimestamp(text: string): boolean {
  const time = /^T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?$/;
  return isDate(text.slice(0, 10)) && time.test(text.slice(10));
}

/** Texts that are no value of a type, as a CSV file may hold them. */
const JUNK: Readonly<Record<Exclude<ColumnType['kind'], 'string'>, readonly string[]>> = {
  integer: ['n/a', '1.5', '99999999999999999999', '--1', 'Infinity'],
  number: ['n/a', 'nan', '1,5', '0x1F', '１２'],
  decimal: ['n/a', 'NaN', '1.2.3'],
  boolean: ['maybe', '2'],
  date: ['2024-02-30', '10000-01-01', 'infinity', '0000-12-31', 'tomorrow'],
  timestamp: ['2024-01-01T25:00:00', '2024-13-01T00:00:00', '-infinity', '12345-01-01T00:00:00'],
};

/** The same rows with junk in every third, each time in another column: the unit's own included. */
export function dirtied(rows: readonly Row[], columns: readonly Column[]): readonly Row[] {
  const typed = columns.filter(({ type }) => type.kind !== 'string');
  return rows.map((row, i) => {
    const target = typed[Math.floor(i / 3) % typed.length];
    if (i % 3 !== 0 || target === undefined || target.type.kind === 'string') return row;
    const junk = JUNK[target.type.kind];
    return { ...row, [target.name]: junk[Math.floor(i / (3 * typed.length)) % junk.length] as string };
  });
}
