/** The self-test of workers: every inner layer holds as it is, and each that is taken away is named. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { GLOBALS } from '#sandbox/program/admission/globals.ts';
import { CANARIES } from '#sandbox/worker/canaries.ts';
import type { WorkerInspection } from '#sandbox/worker/inspection.ts';
import { ALLOWED_GLOBALS } from '#sandbox/worker/realm.ts';
import { judge, testWorkers } from '#sandbox/worker/self-test.ts';
import type { RealmReport } from './realm-process.ts';

const SOUND: WorkerInspection = { walk: { objects: 400, found: [] }, got: [], hasCompiler: false };

/** What isolates show in a Node of their own; `realm` says which walls they have. */
function inspect(realm: 'locked' | 'unfrozen' | 'bare', flags: readonly string[] = []): RealmReport {
  const path = fileURLToPath(new URL('./realm-process.ts', import.meta.url));
  const { stdout, stderr } = spawnSync(process.execPath, ['--no-node-snapshot', ...flags, path, realm], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as RealmReport;
}

test.each(['strict', 'fast'] as const)('workers of engine %s hold what they should', async (engine) => {
  const layers = engine === 'strict' ? ['isolate', 'lockdown', 'jitless'] : ['isolate', 'lockdown'];
  expect(await testWorkers(engine)).toEqual(layers);
});

test('the walk over the hardened realm finds no object that can be changed and no setter that stores', () => {
  const { walk } = inspect('locked');
  expect(walk.found).toEqual([]);
  expect(walk.objects).toBeGreaterThan(300);
});

test('the walk finds what is left open where SES alone made the realm, and where nobody did', () => {
  const unfrozen = inspect('unfrozen').walk.found;
  expect(unfrozen).toContain('global.Promise is not frozen');
  expect(unfrozen).toContain('global is not frozen');
  const bare = inspect('bare').walk.found;
  expect(bare).toContain('function.prototype is not frozen');
  expect(bare.length).toBeGreaterThan(300);
});

test('no canary gets through in the hardened realm, and in an isolate as it comes every one does', () => {
  expect(inspect('locked').got).toEqual([]);
  expect(inspect('bare').got).toEqual(Object.keys(CANARIES));
});

test.each([
  { name: 'an object that can be changed', change: { walk: { objects: 400, found: ['x is not frozen'] } } },
  { name: 'a walk that saw nothing', change: { walk: { objects: 3, found: [] } } },
  { name: 'a canary that got through', change: { got: ['a clock is read'] } },
])('$name means that the realm is not locked', ({ change }) => {
  expect(judge({ ...SOUND, ...change }, '7.0.1')).toEqual(['isolate', 'jitless']);
});

test('the realm gives the names that admission allows, and no others', () => {
  expect(ALLOWED_GLOBALS.toSorted()).toEqual(Object.keys(GLOBALS).sort());
});

test('a compiler means not jitless; an isolated-vm before 7.0.1 means no isolate', () => {
  expect(judge({ ...SOUND, hasCompiler: true }, '7.0.1')).toEqual(['isolate', 'lockdown']);
  for (const old of ['7.0.0', '6.1.2', '6.9.9']) expect(judge(SOUND, old)).not.toContain('isolate');
  for (const sound of ['7.0.1', '7.1.0', '8.0.0']) expect(judge(SOUND, sound)).toContain('isolate');
});
