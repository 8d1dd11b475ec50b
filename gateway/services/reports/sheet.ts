/**
 * Tables as CSV (RFC 4180) that a spreadsheet opens as they are: UTF-8 with a byte order mark, lines that end in CRLF.
 *
 * Guarantee: no cell is read as a formula. Text that begins with one of = + - @, also full width, tab, carriage return
 * or line feed, and is no plain decimal number, gets an apostrophe in front (OWASP, CSV Injection).
 * Not covered: spreadsheets show numbers of more than 15 digits rounded. Import such columns as text.
 */

import { remembered } from '../../remembered.ts';

/** A cell; null is empty. */
export type Cell = string | number | boolean | null;

/** A column: its name, which never changes, and its value in a row. */
export type Column<Row> = readonly [name: string, value: (row: Row) => Cell];

/** Columns that stand side by side, whose cells are the same in many rows. */
export interface ColumnGroup<Row> {
  readonly names: readonly string[];
  /** The cells of a row as text, with commas between. */
  readonly textOf: (row: Row) => string;
}

type Columns<Row> = readonly (Column<Row> | ColumnGroup<Row>)[];

/** Columns of what a text in each row says, which is looked at once for each text. */
export function columnGroup<Row, Part>(
  columns: readonly Column<Part>[],
  keyOf: (row: Row) => string,
  open: (key: string) => Part,
): ColumnGroup<Row> {
  const textOf = remembered((key: string) => lineText(columns, open(key)));
  return { names: columns.map(([name]) => name), textOf: (row) => textOf(keyOf(row)) };
}

/** What a file begins with: mark and names of the columns. */
export function sheetHead<Row>(columns: Columns<Row>): string {
  return sheetOf([columns.flatMap((column) => ('names' in column ? column.names : column[0]))]);
}

/** A file of lines that differ in their number of cells. */
export function sheetOf(lines: readonly (readonly Cell[])[]): string {
  return `\uFEFF${lines.map(sheetLine).join('')}`;
}

/** A line for each row. */
export function sheetLines<Row>(columns: Columns<Row>, rows: readonly Row[]): string {
  return rows.map((row) => `${lineText(columns, row)}\r\n`).join('');
}

/** Put together piece by piece: lists of cells on the way would take longer than the cells. */
function lineText<Row>(columns: Columns<Row>, row: Row): string {
  let text = '';
  for (const column of columns) {
    if (column !== columns[0]) text += ',';
    text += 'names' in column ? column.textOf(row) : cellText(column[1](row));
  }
  return text;
}

function sheetLine(cells: readonly Cell[]): string {
  return `${cells.map(cellText).join(',')}\r\n`;
}

/** Of most cells neither is true: they are looked at once. */
const SPECIAL = /^[=+\-@＝＋－＠\t]|[",\r\n]/;
const FORMULA = /^[=+\-@＝＋－＠\t\r\n]/;
const NUMBER = /^-?\d+(\.\d+)?$/;

function cellText(cell: Cell): string {
  if (typeof cell !== 'string') return cell === null ? '' : String(cell);
  if (!SPECIAL.test(cell)) return cell;
  const text = FORMULA.test(cell) && !NUMBER.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
