/** Reading CSV (RFC 4180) with a head of named columns: what a bank or a spreadsheet wrote. */
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';

/** A field, quoted or not, and what ends it. */
const FIELD = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;

/**
 * The rows of a sheet that has at least these columns, in any order; others are passed over. Failure CONFIG for a missing
 * column, a row of another length, or a quote that is not closed.
 */
export function parseSheet<Name extends string>(
  text: string,
  { file, columns }: { readonly file: string; readonly columns: readonly Name[] },
): readonly Readonly<Record<Name, string>>[] {
  const [head = [], ...rows] = rowsOf(text.replace(/^\uFEFF/, ''), file);
  const places = columns.map((name) => {
    const at = head.indexOf(name);
    if (at < 0) throw new Failure('CONFIG', say('cli.sheet.column', { file, column: name }));
    return [name, at] as const;
  });
  return rows.map((row, at) => {
    if (row.length !== head.length) throw new Failure('CONFIG', say('cli.sheet.row', { file, row: at + 2 }));
    return Object.fromEntries(places.map(([name, place]) => [name, row[place] ?? ''])) as Record<
      Name,
      string
    >;
  });
}

function rowsOf(text: string, file: string): readonly (readonly string[])[] {
  const rows: string[][] = [];
  let row: string[] = [];
  FIELD.lastIndex = 0;
  while (FIELD.lastIndex < text.length) {
    const found = FIELD.exec(text);
    if (found === null) throw new Failure('CONFIG', say('cli.sheet.row', { file, row: rows.length + 1 }));
    const [, quoted, plain = '', end] = found;
    row.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === ',') continue;
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  }
  return rows;
}
