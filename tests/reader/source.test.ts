/** The identity of a source: any change after registration is seen, and a file that is not whole is not opened. */
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openReader } from '#sandbox/reader/reader.ts';
import {
  checkUnchanged,
  contentDigest,
  identify,
  type SourceFile,
  type SourceIdentity,
} from '#sandbox/reader/source.ts';
import { makeDirectory, PEOPLE, SECRET_NAME, writeSource } from './source-files.ts';

const directory = makeDirectory();
let original: SourceFile;

beforeAll(async () => {
  original = await writeSource(PEOPLE, join(directory, 'original.parquet'));
});

afterAll(() => rmSync(directory, { recursive: true }));

let copies = 0;

/** A copy of its own for each test. */
function copy(type: 'parquet' | 'csv' = 'parquet'): SourceFile {
  copies += 1;
  const path = join(directory, `copy-${copies}.${type}`);
  copyFileSync(original.path, path);
  return { type, path };
}

function flipByte(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at < 0 ? bytes.length + at : at]! ^= 0xff;
  writeFileSync(path, bytes);
}

/** Leaves the length and the magic words, between which nothing makes sense any more. */
function ruinMetadata(path: string): void {
  const bytes = readFileSync(path);
  const end = bytes.length - 8;
  writeFileSync(path, bytes.fill(0xff, end - bytes.readUInt32LE(end), end));
}

test('a file that nobody touched is unchanged', async () => {
  const source = copy();
  const identity = await identify(source);
  await expect(checkUnchanged(source, identity)).resolves.toBeUndefined();
  expect(await identify(source)).toEqual(identity);
});

const CHANGES: readonly { readonly name: string; readonly change: (path: string) => void }[] = [
  { name: 'appended to', change: (path) => appendFileSync(path, readFileSync(path).subarray(-200)) },
  { name: 'touched', change: (path) => utimesSync(path, 1, 1) },
  {
    name: 'rewritten with its size and clock kept, but for the footer',
    change: (path) => {
      const { atime, mtime } = statSync(path);
      flipByte(path, -20);
      utimesSync(path, atime, mtime);
    },
  },
  {
    name: 'replaced by an equal file',
    change: (path) => {
      copyFileSync(path, `${path}.new`);
      const { atime, mtime } = statSync(path);
      utimesSync(`${path}.new`, atime, mtime);
      renameSync(`${path}.new`, path);
    },
  },
];

test.for(CHANGES)('a file that was $name is changed', async ({ change }) => {
  const source = copy();
  const identity = await identify(source);
  change(source.path);
  const failed = await checkUnchanged(source, identity).catch((error: unknown) => error);
  expect(failed).toMatchObject({ name: 'Failure', code: 'SOURCE_CHANGED' });
  expect(String(failed)).toContain(source.path);
});

const RUINS: readonly { readonly name: string; readonly ruin: (path: string) => void }[] = [
  { name: 'missing', ruin: (path) => rmSync(path) },
  { name: 'empty', ruin: (path) => truncateSync(path, 0) },
  { name: 'cut in half', ruin: (path) => truncateSync(path, Math.floor(statSync(path).size / 2)) },
  { name: 'without its last byte', ruin: (path) => truncateSync(path, statSync(path).size - 1) },
  { name: 'text', ruin: (path) => writeFileSync(path, `name\n${SECRET_NAME}\n`) },
  {
    name: 'without a footer between its magic words',
    ruin: (path) => writeFileSync(path, `PAR1\xff\xff\xff\x7fPAR1`),
  },
  { name: 'of ruined metadata', ruin: ruinMetadata },
  {
    name: 'a directory',
    ruin: (path) => {
      rmSync(path);
      mkdirSync(path);
    },
  },
  {
    name: 'a named pipe',
    ruin: (path) => {
      rmSync(path);
      spawnSync('/usr/bin/mkfifo', [path]);
    },
  },
  {
    name: 'a link to nowhere',
    ruin: (path) => {
      rmSync(path);
      symlinkSync(`${path}.gone`, path);
    },
  },
];

test.for(RUINS)('a file that is $name is unreadable, and only its path is said', async ({ ruin }) => {
  const source = copy();
  ruin(source.path);
  const failed = await openReader({ source, jail: 'preferred' }).catch((error: unknown) => error);
  expect(failed).toMatchObject({ name: 'Failure', code: 'SOURCE_UNREADABLE' });
  expect((failed as Error).message).toBe(
    `the source file \`${source.path}\` is missing, cannot be read, or is not a whole parquet file`,
  );
  expect((failed as Error).cause).toBeUndefined();
});

test('a warm reader whose file is truncated, replaced or removed says so, not what the engine says', async () => {
  for (const [ruin, code] of [
    [(path: string) => truncateSync(path, 100), 'SOURCE_UNREADABLE'],
    [(path: string) => rmSync(path), 'SOURCE_UNREADABLE'],
    [(path: string) => flipByte(path, -30), 'SOURCE_CHANGED'],
  ] as const) {
    const source = copy();
    const reader = await openReader({ source, jail: 'preferred' });
    ruin(source.path);
    await expect(reader.query('SELECT CAST(name AS INTEGER) FROM source')).rejects.toMatchObject({ code });
    await reader.close();
  }
});

test('a source is hashed once for each identity, and never under the identity of another', async () => {
  const source = copy();
  const identity = await identify(source);
  const reader = await openReader({ source, jail: 'preferred' });
  let hashed = 0;
  const digester = {
    digest: () => {
      hashed += 1;
      return reader.digest();
    },
  };
  const first = await contentDigest(digester, source, identity);
  expect(await contentDigest(digester, source, identity)).toBe(first);
  expect(hashed).toBe(1);

  const other: SourceIdentity = { ...identity, footer: '0'.repeat(64) };
  await expect(contentDigest(digester, source, other)).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
  await expect(contentDigest(digester, source, other)).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
  expect(hashed).toBe(3); // A failure is not kept.
  await reader.close();
});
