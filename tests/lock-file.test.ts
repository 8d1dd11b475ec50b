/** The lock file: `npm ci` accepts it on every platform, and it names versions and hashes but no place to fetch from. */
import { describe, expect, test } from 'vitest';
import { entryOf, lacksOf } from '../.ci/lock.ts';
import lock from '../package-lock.json' with { type: 'json' };
import manifest from '../package.json' with { type: 'json' };

const entries = lock.packages as Readonly<Record<string, Readonly<Record<string, unknown>>>>;

describe('package-lock.json', () => {
  test('holds everything that any package in it demands, for other platforms too', () => {
    expect(lacksOf(entries)).toEqual([]);
  });

  test('is of the dependencies that package.json names', () => {
    const { dependencies, devDependencies, optionalDependencies } = manifest;
    expect(entries['']).toMatchObject({ dependencies, devDependencies, optionalDependencies });
  });

  test('names no place to fetch from, and a hash for everything that runs here', () => {
    expect(Object.keys(entries).filter((place) => 'resolved' in (entries[place] ?? {}))).toEqual([]);
    const here = Object.entries(entries).filter(
      ([place, entry]) => place !== '' && !(Array.isArray(entry['os']) && Array.isArray(entry['cpu'])),
    );
    expect(here.length).toBeGreaterThan(100);
    expect(
      here.filter(([, entry]) => !String(entry['integrity']).startsWith('sha512-')).map(([place]) => place),
    ).toEqual([]);
  });

  test('holds no package that wants to run a script when it is installed, but those we know', () => {
    const scripted = Object.keys(entries).filter((place) => entries[place]?.['hasInstallScript'] === true);
    // isolated-vm's compiles what it also ships compiled for every platform here.
    // esbuild's replaces its start script by its binary, which works without too; `.npmrc` runs no script at all.
    expect(new Set(scripted.map((place) => place.replace(/.*node_modules\//, '')))).toEqual(
      new Set(['esbuild', 'isolated-vm']),
    );
  });
});

describe('what a lock file lacks', () => {
  const LOCK = {
    '': { dependencies: { a: '1.0.0' } },
    'node_modules/a': {
      dependencies: { '@s/b': '^2.0.0' },
      optionalDependencies: { 'c-linux-arm64-musl': '3.0.0' },
      dev: true,
    },
    'node_modules/a/node_modules/@s/b': { dependencies: { a: '1.0.0', d: '4.0.0' } },
  };

  test('is found where Node.js would look, and up from there', () => {
    const lacks = lacksOf(LOCK);
    expect(lacks.map(({ name }) => name)).toEqual(['c-linux-arm64-musl', 'd']);
    expect(lacksOf({ ...LOCK, 'node_modules/d': {}, 'node_modules/c-linux-arm64-musl': {} })).toEqual([]);
    expect(lacksOf({ ...LOCK, 'node_modules/x/node_modules/d': {} }).map(({ name }) => name)).toContain('d');
  });

  test('is completed from its name only where it is optional and of a platform', () => {
    const [other, plain] = lacksOf(LOCK);
    expect(other && entryOf(other, LOCK)).toEqual({
      version: '3.0.0',
      cpu: ['arm64'],
      dev: true,
      libc: ['musl'],
      optional: true,
      os: ['linux'],
    });
    expect(() => plain && entryOf(plain, LOCK)).toThrow(RangeError);
    expect(() => entryOf({ by: '', name: 'e-darwin-x64', version: '^1.0.0', optional: true }, LOCK)).toThrow(
      RangeError,
    );
    expect(() => entryOf({ by: '', name: 'e-darwin-x64', version: '1.0.0', optional: false }, LOCK)).toThrow(
      RangeError,
    );
  });
});
