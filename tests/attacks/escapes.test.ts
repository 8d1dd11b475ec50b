/**
 * Attacks on the isolate by programs that were never admitted: each loses in a worker's isolate, and where it is weak
 * on purpose it wins.
 *
 * The corpus is data and only grows. `closedBy` names the layer that stops the attack; what only admission stops is
 * open in the isolate, which is the control of the harness, and admission refuses it.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { admitProgram } from '#sandbox/program/admission/admit.ts';
import type { EscapeReport } from '../worker/realm-process.ts';

interface Escape {
  readonly id: string;
  readonly category: string;
  readonly closedBy: 'realm' | 'driver' | 'isolate' | 'admission';
  /** Where it wins: in a context as it comes, in one that was given objects of the host, or nowhere we know of. */
  readonly weak: 'bare' | 'host' | null;
  readonly code: string;
  readonly before?: string;
}

const CORPUS = fileURLToPath(new URL('./programs/escapes.json', import.meta.url));
const escapes = JSON.parse(readFileSync(CORPUS, 'utf8')) as readonly Escape[];

function run(flags: readonly string[]): EscapeReport {
  const program = fileURLToPath(new URL('../worker/realm-process.ts', import.meta.url));
  const node = spawnSync(process.execPath, ['--no-node-snapshot', ...flags, program, 'escapes', CORPUS], {
    encoding: 'utf8',
  });
  expect(node.stderr).toBe('');
  return JSON.parse(node.stdout) as EscapeReport;
}

function ids(choose: (escape: Escape) => boolean): readonly string[] {
  return escapes.filter(choose).map(({ id }) => id);
}

describe.each([
  { name: 'with V8’s compilers', flags: [] },
  // Not `--jitless` itself: types are stripped by WebAssembly, which would be gone.
  { name: 'interpreted', flags: ['--no-opt', '--no-maglev', '--no-sparkplug'] },
])('$name', ({ flags }) => {
  const report = run(flags);

  test('no attack gets what it wants in the isolate of a worker, but what admission is there to stop', () => {
    expect(report.locked).toEqual(ids(({ closedBy }) => closedBy === 'admission'));
  });

  test('in a context as it comes the attacks that are made for it succeed, and no others', () => {
    expect(report.bare).toEqual(ids(({ weak }) => weak === 'bare'));
  });

  test('in a context that was given objects of the host the attacks on those succeed', () => {
    expect(report.host).toEqual(expect.arrayContaining([...ids(({ weak }) => weak === 'host')]));
  });
});

test('what only admission stops, admission refuses', () => {
  for (const { before = '', code, closedBy } of escapes) {
    if (closedBy !== 'admission') continue;
    const module = `${before}\nexport function map(row, params) { ${code} }`;
    expect(admitProgram(module, 'map', null).admitted).toBe(false);
  }
});

test('every layer has an attack that it alone is on record for, and that wins without it', () => {
  for (const layer of ['realm', 'driver', 'isolate', 'admission'] as const) {
    expect(ids(({ closedBy, weak }) => closedBy === layer && weak !== null)).not.toEqual([]);
  }
});
