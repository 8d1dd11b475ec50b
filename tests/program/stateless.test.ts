/**
 * No admitted program carries anything from one record to the next, by generated programs that try.
 *
 * Oracle (non-interference, Goguen and Meseguer 1982): records 2, 3 and 4 answer the same whatever record 1 was.
 * Not covered: the isolate and its compilers; here programs run in a child process with frozen built-ins.
 */
import { expect, test } from 'vitest';

import { admitProgram } from '#sandbox/program/admission/admit.ts';
import { sized } from '#tests/support/audit-size.ts';

import { runModules } from './run-modules.ts';
import { statePrograms } from './state-programs.ts';

const PROGRAMS = statePrograms();
/** Every so many in the quick run; a prime, so that every store, write and read is met. */
const SAMPLED = PROGRAMS.filter((_, index) => index % sized(5, 1) === 0);

const AFTER_ONE = [{ v: 1 }, { v: 0 }, { v: 0 }, { v: 0 }];
const AFTER_NONE = [{ v: 0 }, { v: 0 }, { v: 0 }, { v: 0 }];

/** The programs whose later records tell what the first one was. Each run has a module, and a process, of its own. */
function stateful(codes: readonly string[], isMetered: boolean): string[] {
  const run = (rows: readonly unknown[], world: string): string[][] =>
    runModules(
      codes.map((code, index) => ({
        code: `${code}\n// ${world} ${index}`,
        params: { list: [0] },
        fuel: isMetered ? 1000 : null,
        rows,
      })),
      { isFrozen: isMetered },
    );
  const [one, none] = [run(AFTER_ONE, 'one'), run(AFTER_NONE, 'none')];
  return codes.filter((_, index) => one[index]!.slice(1).join() !== none[index]!.slice(1).join());
}

const admitted = SAMPLED.flatMap((module) => {
  const { code } = admitProgram(module, 'map', null);
  return code === null ? [] : [{ module, code }];
});

test('thousands of programs that try are refused, or run without state', () => {
  expect(PROGRAMS.length).toBeGreaterThan(7000);
  expect(SAMPLED.length - admitted.length).toBeGreaterThan(20);
  expect(admitted.length).toBeGreaterThan(sized(1000, 5000));
  expect(
    stateful(
      admitted.map(({ code }) => code),
      true,
    ),
  ).toEqual([]);
});

test('control: many of the admitted ones carry state as they were written, and when printed without freezing', () => {
  // Programs that change built-ins would reach each other here: only those with a store of their own.
  const own = admitted.filter(({ module }) => /^(const|class|function) /.test(module)).slice(0, 600);
  expect(
    stateful(
      own.map(({ module }) => module),
      false,
    ).length,
  ).toBeGreaterThan(60);
  const unfrozen = own.map(({ code }) => code.replaceAll(/\$harden\(\w+\);/g, ''));
  expect(stateful(unfrozen, true).length).toBeGreaterThan(30);
});
