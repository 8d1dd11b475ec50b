/** Tables: columns line up beside Chinese, figures have the digits of their error, nothing moves the cursor. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rounded } from '#gateway/cli/answer.ts';
import { displayWidth, printable, renderFields, renderTable } from '#gateway/cli/table.ts';

// Widths by Unicode Standard Annex #11 (W and F: two columns) and #29 (one grapheme, one width).
test.for([
  ['', 0],
  ['cost', 4],
  ['就诊记录', 8],
  ['ＡＢ', 4],
  ['ｱ', 1],
  ['한글', 4],
  ['a\u0301', 1],
  ['e\u0301te\u0301', 3],
  ['、。「」', 8],
  ['𠮷', 2],
  ['👩‍🔬', 2],
  ['🇨🇳', 2],
  ['±95 %', 5],
  ['ε', 1],
  ['–', 1],
] as const)('%s takes %i columns', ([text, width]) => {
  expect(displayWidth(text)).toBe(width);
});

test('every column begins at the same place in every line, whatever the script', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', 'Z', '7', '中', '文', 'é', '，', 'ア', '한', '🎉'),
    maxLength: 8,
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 6 }), (rows) => {
      const table = renderTable(
        [{ title: '名称' }, { title: 'END' }, { title: 'X' }],
        rows.map(([first, second]) => [first, second, '|']),
      );
      const ends = table
        .split('\n')
        .slice(1, -1)
        .map((line) => displayWidth(line.slice(0, line.lastIndexOf('|'))));
      expect(new Set(ends).size).toBe(1);
    }),
  );
});

test('counting characters instead of columns would not line up', () => {
  const byLength = (cells: readonly string[]): string[] =>
    cells.map((cell) => cell.padEnd(Math.max(...cells.map(({ length }) => length))));
  const widths = byLength(['就诊', 'cost']).map(displayWidth);
  expect(new Set(widths).size).toBe(2);
});

test('figures stand under each other at the right, and no line ends in a space', () => {
  const table = renderTable(
    [{ title: 'REGION' }, { title: 'VALUE', align: 'right' }],
    [
      ['北京', '7'],
      ['north', '1234'],
    ],
  );
  expect(table).toBe('REGION  VALUE\n北京        7\nnorth    1234\n');
  expect(renderFields([['名称', '']])).toBe('名称\n');
});

test.for([
  ['\u001b[31mred', '\\u{001B}[31mred'],
  ['two\nlines', 'two\\u{000A}lines'],
  ['abc\u202Ecba', 'abc\\u{202E}cba'],
  ['a\u2066b', 'a\\u{2066}b'],
  ['zero\u0000', 'zero\\u{0000}'],
  ['公共卫生', '公共卫生'],
])('a text from outside cannot change the screen: %j', ([text, shown]) => {
  expect(printable(text ?? '')).toBe(shown);
  expect(renderTable([{ title: 'T' }], [[text ?? '']])).toBe(`T\n${shown}\n`);
});

test.for([
  [1234.567, 0.5, '1234.57'],
  [1234.567, 5.2, '1234.6'],
  [1234.567, 52, '1235'],
  [1234.567, 0, '1234.567'],
  [0.1 + 0.2, 0.01, '0.300'],
  [-0.000123, 0.00004, '-0.000123'],
] as const)('%d with an error of %d is shown as %s', ([value, error, shown]) => {
  expect(rounded(value, error)).toBe(shown);
});
