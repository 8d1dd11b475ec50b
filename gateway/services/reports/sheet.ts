/**
 * Tables as CSV (RFC 4180) that a spreadsheet opens as they are: UTF-8 with a byte order mark, lines that end in CRLF.
 *
 * Guarantee: no cell is read as a formula. Text that begins with one of = + - @, also full width, tab, carriage return
 * or line feed, and is no plain decimal number, gets an apostrophe in front (OWASP, CSV Injection).
 * Not covered: spreadsheets show numbers of more than 15 digits rounded. Import such columns as text.
 */

/** A cell; null is empty. */
export type Cell = string | number | boolean | null;

/** A column: its name, which never changes, and its value in a row. */
export type Column<Row> = readonly [name: string, value: (row: Row) => Cell];

/** What a file begins with: mark and names of the columns. */
export function sheetHead<Row>(columns: readonly Column<Row>[]): string {
  return sheetOf([columns.map(([name]) => name)]);
}

/** A file of lines that differ in their number of cells. */
export function sheetOf(lines: readonly (readonly Cell[])[]): string {
  return `\uFEFF${lines.map(sheetLine).join('')}`;
}

/** A line for each row. */
export function sheetLines<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  return rows.map((row) => sheetLine(columns.map(([, value]) => value(row)))).join('');
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
