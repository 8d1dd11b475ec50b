/**
 * What a report is: figures of a period beside those of the period before, and tables, whatever it is about.
 *
 * Guarantee: numbers are decimal text; a figure's change is its value less the earlier one, exactly. Titles are in the
 * reader's language, names never change.
 */
import { type Language, render, say, type SentenceId } from '#policies/words.ts';
import { decimalText, placesOf, unitsOf } from '../../billing/decimal.ts';
import { type Cell, sheetOf } from './sheet.ts';

/** A total of the period. */
export interface Figure {
  readonly name: string;
  readonly title: SentenceId;
  /** Decimal text. */
  readonly value: string;
  /** Of the period before. */
  readonly previous: string;
}

export interface ReportColumn {
  readonly name: string;
  readonly title: SentenceId;
}

export interface ReportTable {
  readonly name: string;
  readonly title: SentenceId;
  readonly columns: readonly ReportColumn[];
  /** Each with a cell for each column. */
  readonly rows: readonly (readonly Cell[])[];
}

export interface Report {
  readonly kind: string;
  readonly title: SentenceId;
  /** `2026-11`, or `2026`. */
  readonly period: string;
  /** The one that it is compared with. */
  readonly previous: string;
  readonly figures: readonly Figure[];
  readonly tables: readonly ReportTable[];
}

/** A report as JSON, with titles. */
export function reportJson({ figures, tables, title, ...rest }: Report, language: Language): object {
  const titled = (id: SentenceId): string => render(say(id), language);
  return {
    ...rest,
    title: titled(title),
    figures: figures.map((figure) => ({ ...figure, title: titled(figure.title), change: changeOf(figure) })),
    tables: tables.map((table) => ({
      name: table.name,
      title: titled(table.title),
      columns: table.columns.map(({ name, title: column }) => ({ name, title: titled(column) })),
      rows: table.rows,
    })),
  };
}

/** A report as one file for a spreadsheet: the figures, then table after table, each under its name. */
export function reportCsv({ kind, period, previous, figures, tables }: Report): string {
  return sheetOf([
    ['report', 'period', 'previous'],
    [kind, period, previous],
    [],
    ['figure', 'value', 'previous', 'change'],
    ...figures.map((figure) => [figure.name, figure.value, figure.previous, changeOf(figure)]),
    ...tables.flatMap(({ name, columns, rows }) => [
      [],
      [name],
      columns.map((column) => column.name),
      ...rows,
    ]),
  ]);
}

function changeOf({ value, previous }: Figure): string {
  const places = Math.max(placesOf(value), placesOf(previous));
  return decimalText(unitsOf(value, places) - unitsOf(previous, places), places);
}

/** Columns whose titles are `report.column.<name>`. */
export function columnsOf(names: readonly ColumnName[]): readonly ReportColumn[] {
  return names.map((name) => ({ name, title: `report.column.${name}` as const }));
}

type ColumnName = SentenceId extends infer Id
  ? Id extends `report.column.${infer Name}`
    ? Name
    : never
  : never;

/** Sums by key, in the order of the keys. */
export class Sums<Key extends readonly Cell[]> {
  readonly #rows = new Map<string, { readonly key: Key; readonly sums: bigint[] }>();

  add(key: Key, amounts: readonly bigint[]): void {
    const name = JSON.stringify(key);
    const row = this.#rows.get(name) ?? { key, sums: amounts.map(() => 0n) };
    for (const [at, amount] of amounts.entries()) row.sums[at] = (row.sums[at] ?? 0n) + amount;
    this.#rows.set(name, row);
  }

  rows(): readonly { readonly key: Key; readonly sums: readonly bigint[] }[] {
    return [...this.#rows.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  }
}
