/** Traced code: it computes what printed code computes, for the same fuel, and says on which line it is. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { admitProgram } from '#sandbox/program/admission/admit.ts';
import { tracedProgram } from '#sandbox/program/admission/traced.ts';
import accepted from '../programs/accepted.json' with { type: 'json' };
import { runModules } from './run-modules.ts';

const FOLDER = 'tests/programs/accepted';
const MODULES = readdirSync(FOLDER).filter((name) => name.endsWith('.js'));
const CASES: Readonly<Record<string, { readonly params: unknown; readonly rows: readonly unknown[] }>> =
  accepted;

function codeOf(module: string): string {
  const { code } = admitProgram(module, 'map', null);
  if (code === null) throw new Error('not admitted');
  return code;
}

describe('a traced program', () => {
  test('gives what the printed one gives, and runs out of fuel where it does', () => {
    const jobs = MODULES.flatMap((file) => {
      const module = readFileSync(`${FOLDER}/${file}`, 'utf8');
      const { params, rows } = CASES[file.replace('.js', '')]!;
      return [1_000, 40, 12, 4, 1].flatMap((fuel) =>
        [codeOf(module), tracedProgram(module)].map((code) => ({ code, params, rows, fuel })),
      );
    });
    const results = runModules(jobs, { isFrozen: true });
    expect(results.length).toBe(10 * MODULES.length);
    for (let at = 0; at < results.length; at += 2) expect(results[at + 1]).toEqual(results[at]);
    expect(results.flat()).toContain('spent');
  });

  test('is printed without a trace for a job', () => {
    for (const file of MODULES) {
      const module = readFileSync(`${FOLDER}/${file}`, 'utf8');
      expect(codeOf(module)).not.toMatch(/\$at|\$left|\$from|\$line/);
      expect(tracedProgram(module)).toMatch(/\$at = \d+;/);
    }
  });

  test('is made of admitted text only', () => {
    expect(() => tracedProgram('export function map( {')).toThrow(RangeError);
  });
});
