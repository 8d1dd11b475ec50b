/**
 * State between records: thousands of programs that try to carry some, and builds with one layer less in which they do.
 *
 * The oracle is state-oracle.ts. How many of the programs mean what they try is measured, so that a generator that
 * went blunt is noticed.
 */
import { describe, expect, test } from 'vitest';
import { admitProgram } from '#sandbox/program/admission/admit.ts';
import { sized } from '#tests/support/audit-size.ts';
import { runInIsolates } from './isolate-task.ts';
import { findIntent, findState, REAL } from './state-oracle.ts';
import { statePrograms } from './state-generator.ts';
import { asWritten, withoutAdmission, withoutHardening } from './weak-builds.ts';

/** A seed of its own for every full run; the quick one is always the same. */
const SEED = sized(20260921, Date.now() & 0x7fffffff);
const PROGRAMS = statePrograms(sized(150, 6_000), SEED);
/** At a time, so that what passes through a pipe stays small. */
const BATCH = 500;
const CONTROL_PROGRAMS = 40;

interface Tried {
  readonly store: string;
  readonly module: string;
  /** Null: refused. */
  readonly code: string | null;
}

const TRIED: readonly Tried[] = PROGRAMS.map((program) => ({
  ...program,
  code: admitProgram(program.module, 'map', null).code,
}));
const ACCEPTED = TRIED.flatMap((tried) => (tried.code === null ? [] : [{ ...tried, code: tried.code }]));

async function inBatches<T>(
  items: readonly T[],
  find: (batch: readonly T[]) => Promise<boolean[]>,
): Promise<T[]> {
  const found: T[] = [];
  for (let at = 0; at < items.length; at += BATCH) {
    const batch = items.slice(at, at + BATCH);
    const are = await find(batch);
    found.push(...batch.filter((_, index) => are[index]));
  }
  return found;
}

/** Stores for which freezing everything is not enough: what is declared, what reads, what writes. */
const ONLY_A_RULE = [
  ['a variable of the module', 'let n = 0;', 'n', 'n = 1'],
  ['the binding of a function', 'function f() { return 0; }', 'f()', 'f = () => 1'],
  [
    'the closure of a call',
    'const c = (() => { let n = 0; return { put: (x) => { n = x; }, get: () => n }; })();',
    'c.get()',
    'c.put(1)',
  ],
  [
    'the closure of a maker',
    'const make = () => { let n = 0; return (x) => (n += x); }; const add = [...[make()]][0];',
    'add(0)',
    'add(1)',
  ],
  [
    'a generator',
    'function* count() { let n = 0; for (;;) n += yield n; } const g = count();',
    'g.next(0).value',
    'g.next(0); g.next(1)',
  ],
  ['an iterator', 'const it = [1, 2, 3, 4, 5, 6].values();', 'it.next().value', 'it.next()'],
  [
    'a static private name',
    'class S { static #n = 0; static put(x) { S.#n = x; } static get() { return S.#n; } }',
    'S.get()',
    'S.put(1)',
  ],
  [
    'a private name stamped on what is frozen',
    'class R { constructor(o) { return o; } } class S extends R { #n = 1; static has(o) { return #n in o; } }',
    'S.has(Object) ? 1 : 0',
    'new S(Object)',
  ],
  ['a date', 'const d = new Date(0);', 'd.getTime()', 'd.setTime(1)'],
  ['a map', 'const m = new Map();', 'm.size', "m.set('n', 1)"],
  ['a set in a list', 'const s = [new Set()];', 's[0].size', 's[0].add(1)'],
] as const;

describe('programs that try to carry state', () => {
  test('are refused, or every record gives what it gives alone, in any order, with and without a compiler', async () => {
    const stateful = await inBatches(ACCEPTED, (batch) =>
      findState(
        batch.map(({ code }) => code),
        REAL,
      ),
    );
    expect(stateful.map(({ store, module }) => `${store}, seed ${SEED}:\n${module}`)).toEqual([]);
  });

  test('do carry it as they are written, in an isolate as it comes', async () => {
    const meant = await inBatches(TRIED, (batch) => findIntent(batch.map(({ module }) => asWritten(module))));
    const refused = meant.filter(({ code }) => code === null).length;
    // Quick is always the same. Of 250 programs of another seed 206 meant it, 159 of them accepted; shares of 6,000 have a
    // standard deviation below 0.007, so that a generator as it is fails here with a chance below 1e-30.
    expect(meant.length / TRIED.length).toBeGreaterThan(0.65);
    expect((meant.length - refused) / TRIED.length).toBeGreaterThan(0.4);
    expect(refused).toBeGreaterThan(TRIED.length / 20);
  });
});

describe('control:', () => {
  const some = ACCEPTED.slice(0, CONTROL_PROGRAMS);

  test('without freezing the values of the module, or what comes with the language, accepted programs carry state', async () => {
    const codes = some.map(({ code }) => code);
    const [unfrozen, bare] = await Promise.all([
      findState(codes.map(withoutHardening), REAL),
      findState(codes, { ...REAL, realm: 'bare' }),
    ]);
    const carriers = (found: readonly boolean[]): Set<string> =>
      new Set(some.filter((_, index) => found[index]).map(({ store }) => store));
    expect(carriers(unfrozen).size).toBeGreaterThan(2);
    expect(carriers(bare).size).toBeGreaterThan(5);
  });

  test('without its rule each of these stores carries state, though everything is frozen that can be', async () => {
    const modules = ONLY_A_RULE.map(
      ([, before, read, write]) => `${before}
export function map(row) {
  const got = ${read};
  if (row.v === 1) { ${write}; }
  return got;
}
`,
    );
    const carries = await findState(modules.map(withoutAdmission), REAL);
    expect(ONLY_A_RULE.filter((_, index) => !carries[index]).map(([store]) => store)).toEqual([]);
    // A map or set is let by, as a view that cannot change.
    const admitted = modules.flatMap((module) => admitProgram(module, 'map', null).code ?? []);
    expect(admitted.length).toBeLessThan(3);
    expect(await findState(admitted, REAL)).toEqual(admitted.map(() => false));
  });

  test('in an isolate that buffers share, one buffer finds what another left', async () => {
    const code = asWritten('let n = 0; export function map() { n += 1; return n; }\n');
    const row = { id: 1, v: 0, t: '' };
    const task = {
      realm: 'locked',
      fuel: 100,
      params: {},
      programs: [{ code, runs: [[row], [row]] }],
    } as const;
    const [[apart], [together]] = (await Promise.all(
      [false, true].map((isShared) => runInIsolates({ ...task, isShared }, 'strict')),
    )) as [(number | null)[][][], (number | null)[][][]];
    expect([apart, together]).toEqual([
      [[1], [1]],
      [[1], [2]],
    ]);
  });
});
