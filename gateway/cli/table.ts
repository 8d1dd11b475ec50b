/**
 * Tables for a terminal: columns that line up also where Chinese stands beside Latin letters and figures.
 *
 * Guarantee: text from a server or a file cannot move the cursor, colour the screen or reverse the writing:
 * control and direction characters are shown as their code points.
 * Not covered: fonts that draw ambiguous characters (such as ± or “) in two columns.
 *
 * Widths: Unicode Standard Annex #11, East_Asian_Width W and F count two columns.
 */

/** First and last code points of East_Asian_Width W and F, without emoji (those are found by property). */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2329, 0x232a],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0xa4c6],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6b],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18dff],
  [0x1aff0, 0x1b2ff],
  [0x20000, 0x3fffd],
];
const EMOJI = /\p{Emoji_Presentation}|\uFE0F/u;
/** Combining marks, joiners and other characters that take no column of their own. */
const NO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]$/u;
/** What changes how the rest of a line reads: controls, line separators, direction marks, lone surrogates. */
const DANGEROUS = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069\uFEFF]/gu;
const GAP = '  ';

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

export interface TableColumn {
  readonly title: string;
  /** Figures stand under each other at the right. */
  readonly align?: 'left' | 'right';
}

/** How many columns of a terminal a text takes. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += graphemeWidth(segment);
  return width;
}

/** A text that is safe to show: every character that could change the screen stands as its code point. */
export function printable(text: string): string {
  return text.replace(
    DANGEROUS,
    (found) => `\\u{${(found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}}`,
  );
}

/** Lines of equal columns, each ended by a line feed. No spaces at the ends of lines. */
export function renderTable(columns: readonly TableColumn[], rows: readonly (readonly string[])[]): string {
  const lines = [columns.map(({ title }) => title), ...rows].map((row) => row.map(printable));
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => displayWidth(line[at] ?? ''))));
  return lines
    .map((line) => {
      const cells = columns.map(({ align }, at) => padded(line[at] ?? '', widths[at] ?? 0, align));
      return `${cells.join(GAP).trimEnd()}\n`;
    })
    .join('');
}

/** Names and values, one to a line. */
export function renderFields(fields: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...fields.map(([name]) => displayWidth(name)));
  return fields
    .map(([name, value]) => `${padded(printable(name), width, 'left')}${GAP}${printable(value)}`.trimEnd())
    .map((line) => `${line}\n`)
    .join('');
}

function padded(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, width - displayWidth(text)));
  return align === 'left' ? text + space : space + text;
}

function graphemeWidth(grapheme: string): number {
  if (EMOJI.test(grapheme)) return 2;
  let width = 0;
  for (const character of grapheme) {
    if (NO_WIDTH.test(character)) continue;
    const point = character.codePointAt(0) ?? 0;
    width = Math.max(width, WIDE.some(([first, last]) => first <= point && point <= last) ? 2 : 1);
  }
  return width;
}
