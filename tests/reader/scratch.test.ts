/** Scratch directories: private, removed with their reader, and swept when their process was killed. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { makeScratch, removeScratch, sweepScratch } from '#sandbox/reader/scratch.ts';
import { makeDirectory } from './source-files.ts';

const parent = makeDirectory();

afterAll(() => rmSync(parent, { recursive: true }));

test('a directory belongs to this user alone and is removed with its content', () => {
  const directory = makeScratch(parent);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  expect(dirname(directory)).toBe(parent);
  writeFileSync(join(directory, 'spilled'), 'rows');
  removeScratch(directory);
  expect(existsSync(directory)).toBe(false);
  removeScratch(directory);
});

test('what a killed process left is swept; what a living one uses, and what is not ours, stays', () => {
  const living = makeScratch(parent);
  const { pid: dead } = spawnSync('/bin/true');
  const abandoned = join(parent, basename(living).replace(String(process.pid), String(dead)));
  renameSync(makeScratch(parent), abandoned);
  const elsewhere = join(parent, `unseen-reader-000000000000-${dead}-abcdef`);
  const foreign = join(parent, 'another-program');
  for (const path of [elsewhere, foreign]) mkdirSync(path);
  writeFileSync(join(abandoned, 'spilled'), 'rows');
  expect(sweepScratch(parent)).toEqual([basename(abandoned)]);
  expect(readdirSync(parent).toSorted()).toEqual(
    [living, elsewhere, foreign].map((path) => basename(path)).toSorted(),
  );
  removeScratch(living);
});
