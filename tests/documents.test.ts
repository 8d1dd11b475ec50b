/**
 * Documents: their links lead somewhere, what they name as a test is one, and each has one title.
 *
 * Not covered: whether what they say is true.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const documents = globSync(['*.md', 'docs/**/*.md', 'docker/*.md']).map((path) => ({
  path,
  text: readFileSync(path, 'utf8'),
}));

interface Document {
  readonly path: string;
  readonly text: string;
}

/** Links to files of the project that do not exist. */
function deadLinks({ path, text }: Document): string[] {
  return [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target) && !existsSync(join(dirname(path), target)))
    .map((target) => `${path}: ${target}`);
}

/** Test files named in code that do not exist. */
function absentTests({ path, text }: Document): string[] {
  return [...text.matchAll(/`(tests\/[\w./-]+\.ts)`/g)]
    .map(([, file = '']) => file)
    .filter((file) => !existsSync(file))
    .map((file) => `${path}: ${file}`);
}

/** Headings of the first level, outside of code. */
function titles({ text }: Document): number {
  return text.replaceAll(/^```[\s\S]*?^```/gm, '').match(/^# /gm)?.length ?? 0;
}

test('every document has one title, links that lead somewhere, and tests that exist', () => {
  expect(documents.map(({ path }) => path)).toEqual(
    expect.arrayContaining([
      'README.md',
      'README.zh-CN.md',
      'SECURITY.md',
      'docs/known-limits.md',
      'docker/README.md',
    ]),
  );
  expect(documents.flatMap(deadLinks)).toEqual([]);
  expect(documents.flatMap(absentTests)).toEqual([]);
  expect(documents.filter((document) => titles(document) !== 1).map(({ path }) => path)).toEqual([]);
});

test('control: a dead link, an absent test and a second title are noticed', () => {
  const planted = {
    path: 'docs/planted.md',
    text: '# One\n\n```sh\n# no title\n```\n\n# Two\n\n[gone](gone.md#here) [there](cli.md) `tests/gone.test.ts`\n',
  };
  expect(deadLinks(planted)).toEqual(['docs/planted.md: gone.md']);
  expect(absentTests(planted)).toEqual(['docs/planted.md: tests/gone.test.ts']);
  expect(titles(planted)).toBe(2);
});

test('both READMEs give the same commands', () => {
  const commands = (path: string): string[] =>
    readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => /^ {4}(npx|npm|cd|mkdir|awk|for|D=|K=)/.test(line))
      .map((line) => line.replace(/\s+#.*/, ''));
  expect(commands('README.md').length).toBeGreaterThan(20);
  expect(commands('README.zh-CN.md')).toEqual(commands('README.md'));
});
