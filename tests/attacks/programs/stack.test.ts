/**
 * The end of the stack as a channel: nobody but the engine may be told that it was reached.
 *
 * How deep a record may go depends on what earlier ones called, and so had compiled. An overflow that is seen ends the
 * isolate, and its records are run again, down to each alone. One that the engine drops, inside `return` of an
 * iterator that it closes because of a throw, would be the program's own to read; so no iterator is a program's.
 */
import { describe, expect, test } from 'vitest';
import { admitProgram } from '#sandbox/program/admission/admit.ts';
import { type IsolateTask, runInIsolates } from './isolate-task.ts';

/** Ways to have the engine close an iterator of the program's own; `inner` is one whose `return` throws. */
const WAYS: Readonly<Record<string, string>> = {
  'a helper of iterators': 'for (const one of [0].values().flatMap(() => inner)) throw own;',
  'the constructor of iterators':
    "for (const one of [].values()[['const', 'ructor'].join('')].from(inner)) throw own;",
  'the symbol of iterators': `
    const symbols = Object[['getOwn', 'PropertySymbols'].join('')](Object.getPrototypeOf([]));
    const symbol = symbols.find((key) => String(key) === 'Symbol(Symbol.iterator)');
    for (const one of { [symbol]: () => inner }) throw own;`,
  'the symbol, by a list of entries': `
    const symbols = Object[['getOwn', 'PropertySymbols'].join('')](Object.getPrototypeOf([]));
    const symbol = symbols.find((key) => String(key) === 'Symbol(Symbol.iterator)');
    Array.from({ [symbol]: () => inner }, () => { throw own; });`,
};

/** 1: what `return` threw was dropped. 0: there was no way to it. */
function codeOf(way: string): string {
  const { code, findings } = admitProgram(
    `const own = { name: 'own' };
export function map(row) {
  const inner = { next() { return { done: false, value: 0 }; }, return() { throw { name: 'dropped' }; } };
  try {
    ${way}
  } catch (error) {
    return error === own ? 1 : 0;
  }
  return 0;
}
`,
    'map',
    null,
  );
  expect(findings).toEqual([]);
  return code!;
}

async function outcomes(realm: IsolateTask['realm']): Promise<readonly unknown[]> {
  const runs = [[{ id: 1, v: 1, t: '' }]];
  const programs = Object.values(WAYS).map((way) => ({ code: codeOf(way), runs }));
  const task: IsolateTask = { realm, isShared: false, fuel: 10_000, params: {}, programs };
  return (await runInIsolates(task, 'strict')).map(([values]) => values![0]);
}

describe('an overflow of the stack', () => {
  test('is nowhere dropped by the engine: there is no way to an iterator of the program’s own', async () => {
    expect(await outcomes('locked')).toEqual(Object.keys(WAYS).map(() => 0));
  });

  test('would be dropped in every one of these ways: the control', async () => {
    expect(await outcomes('bare')).toEqual(Object.keys(WAYS).map(() => 1));
  });
});
