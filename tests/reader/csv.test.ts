/** CSV sources: every column is text, nothing is guessed from the values, and no row can fail a query. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parseCsvHeader } from '#sandbox/reader/csv-header.ts';
import { openReader, type ResultColumns } from '#sandbox/reader/reader.ts';
import { makeDirectory } from './source-files.ts';

const directory = makeDirectory();

afterAll(() => rmSync(directory, { recursive: true }));

let files = 0;

async function readCsv(
  text: string | Buffer,
  sql = 'SELECT * FROM source',
): Promise<{ readonly names: readonly string[]; readonly columns: ResultColumns }> {
  files += 1;
  const path = join(directory, `data-${files}.csv`);
  writeFileSync(path, text);
  const reader = await openReader({ source: { type: 'csv', path }, jail: 'preferred' });
  try {
    const described = await reader.describe();
    expect(new Set(described.map(({ type }) => type))).toEqual(new Set(['VARCHAR']));
    return { names: described.map(({ name }) => name), columns: await reader.query(sql) };
  } finally {
    await reader.close();
  }
}

test('numbers, dates and flags stay the text they are, and an empty field is NULL', async () => {
  const { names, columns } = await readCsv('id,When,flag\n007,2024-02-30,true\n,1e3,NaN\n');
  expect(names).toEqual(['id', 'When', 'flag']);
  expect(columns).toEqual([
    ['007', null],
    ['2024-02-30', '1e3'],
    ['true', 'NaN'],
  ]);
});

test('quotes, commas, line ends and line feeds inside quotes follow RFC 4180', async () => {
  const { names, columns } = await readCsv(
    '"a ""b""",c\r\n"x, y","line\r\nfeed"\r\n"say ""hi""",\'single\'\r\n',
  );
  expect(names).toEqual(['a "b"', 'c']);
  expect(columns).toEqual([
    ['x, y', 'say "hi"'],
    ['line\r\nfeed', "'single'"],
  ]);
});

test('a byte order mark belongs to no name, and comment signs, semicolons and tabs mean nothing', async () => {
  const { names, columns } = await readCsv('\uFEFFid,text\n1,# no comment\n2,a;b\tc\n');
  expect(names).toEqual(['id', 'text']);
  expect(columns[1]).toEqual(['# no comment', 'a;b\tc']);
});

test('the first row is the header, whatever it looks like', async () => {
  const { names, columns } = await readCsv('1,2\n3,4\n');
  expect(names).toEqual(['1', '2']);
  expect(columns).toEqual([['3'], ['4']]);
});

test('a row that does not fit the header is left out and fails nothing', async () => {
  const rows = Array.from({ length: 30_000 }, (_, i) =>
    i % 10_000 === 9_999 ? 'too,many,fields' : `${i},x`,
  );
  const { columns } = await readCsv(
    `id,text\n${rows.join('\n')}\nshort\n`,
    'SELECT count(*), count(DISTINCT id) FROM source',
  );
  expect(columns).toEqual([[29_997n], [29_997n]]);
});

test('a row is left out where a query reads a text of it that is no valid UTF-8', async () => {
  const bytes = Buffer.concat([
    Buffer.from('id,text\n1,good\n2,'),
    Buffer.from([0xff, 0xfe]),
    Buffer.from('\n3,good\n'),
  ]);
  const { columns } = await readCsv(bytes, 'SELECT id, text FROM source ORDER BY id');
  expect(columns).toEqual([
    ['1', '3'],
    ['good', 'good'],
  ]);
});

test('a file without a row still has its columns; one without a header is no source', async () => {
  expect(await readCsv('id,text\n', 'SELECT count(*) FROM source')).toEqual({
    names: ['id', 'text'],
    columns: [[0n]],
  });
  await expect(readCsv('')).rejects.toMatchObject({ code: 'SOURCE_UNREADABLE' });
});

test('a header is its names and nothing else is', () => {
  const parse = (text: string | Buffer): readonly string[] => parseCsvHeader(Buffer.from(text));
  expect(parse('a,b\nc')).toEqual(['a', 'b']);
  expect(parse('\uFEFF"a\n,""",b\r\n')).toEqual(['a\n,"', 'b']);
  expect(parse('only')).toEqual(['only']);
  const unclear = [
    '',
    '\n',
    'a,,b\n',
    'a,\n',
    'a,A\n',
    '"a\n',
    'a"b\n',
    '"a"b,c\n',
    'x'.repeat(2 ** 20),
    Buffer.of(0xff, 0x0a),
  ];
  for (const text of unclear) expect(() => parse(text)).toThrow(Error);
});
