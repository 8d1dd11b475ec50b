/**
 * The prepared copy of a source: what every job would work out again, worked out once at registration.
 *
 * Rows sorted by unit; units as dense integers; values converted as the scan converts them; grid integers of
 * bounded columns and positions of listed keys stored beside them. Rows without a unit are gone. Partials from it
 * are those of the source: what an over-active unit keeps hangs on the hash of the unit, not on its number here.
 * It lives in the reader's own process and memory, and ends with it.
 */
import type { Column, Dataset } from '../manifest/dataset.ts';
import type { PlanKey } from '../plan.ts';
import { boundColumn } from './bounds.ts';
import { unitColumn } from '../planning.ts';
import { printGrid } from './print.ts';
import { printCode } from './print-cell.ts';
import { quoteName } from './print-expression.ts';
import { codeName, gridName, type PhysicalColumns, PREPARED, printScan } from './scan.ts';

/** The statement that makes a prepared copy, and what is then stored. */
export function printPreparation(
  dataset: Dataset,
  physical: PhysicalColumns,
): { readonly sql: string; readonly physical: PhysicalColumns } {
  const unit = unitColumn(dataset);
  const columns = dataset.columns.filter((column) => column.role !== 'hidden' && column.role !== 'unit');
  const grids = columns.filter((column) => boundColumn(column, dataset) !== null);
  const codes = columns.filter(
    (column) => column.role === 'key' && column.values !== null && !needsJoin(column),
  );
  const items = [
    ...(unit === null ? [] : ['CAST(n.n AS INTEGER) AS u', 'hash(n.u) AS h']),
    ...columns.map((column) => `s.${quoteName(column.name)}`),
    ...grids.map((column) => `CAST(${gridOf(column, dataset)} AS BIGINT) AS ${gridName(column.name)}`),
    ...codes.map((column) => `CAST(${codeOf(column)} AS BIGINT) AS ${codeName(column.name)}`),
  ];
  const scan = printScan(
    dataset,
    unit,
    columns.map((column) => column.name),
    physical,
  );
  const source = unit === null ? 's' : 's JOIN n USING (u)';
  const units =
    unit === null
      ? ''
      : ', n AS MATERIALIZED (SELECT u, row_number() OVER () - 1 AS n FROM (SELECT DISTINCT u FROM s))';
  const order = unit === null ? '' : ' ORDER BY n.n';
  const sql = `CREATE TABLE ${PREPARED} AS WITH s AS (${scan})${units} SELECT ${items.join(', ')} FROM ${source}${order}`;
  const names = (list: readonly Column[]): ReadonlySet<string> => new Set(list.map((column) => column.name));
  return { sql, physical: { types: physical.types, prepared: { grids: names(grids), codes: names(codes) } } };
}

/**
 * A query that reads and converts every value that a job may read. What throws here (text that is no UTF-8, moments
 * beyond the engine's range) would throw at every job that reads its column: an answer about one row.
 */
export function printReading(dataset: Dataset, physical: PhysicalColumns): string {
  const unit = unitColumn(dataset);
  const names = dataset.columns
    .filter((column) => column.role !== 'hidden' && column.role !== 'unit')
    .map((column) => column.name);
  const values = [...(unit === null ? [] : ['u']), ...names.map(quoteName), '1'];
  return `SELECT max(hash(${values.join(', ')})) FROM (${printScan(dataset, unit, names, physical)})`;
}

function gridOf(column: Column, dataset: Dataset): string {
  return printGrid(`s.${quoteName(column.name)}`, boundColumn(column, dataset)!);
}

/** Long lists of values are looked up by a join, which a single projection cannot hold; such keys are coded per job. */
function needsJoin(column: Column): boolean {
  return column.values!.length > 16;
}

function codeOf(column: Column): string {
  const kind = column.type.kind;
  const type = kind === 'integer' || kind === 'decimal' ? 'number' : kind;
  const key: PlanKey = { expr: { op: 'column', name: column.name, type }, domain: column.values };
  return printCode(key, `s.${quoteName(column.name)}`, 0);
}
