/** The printed program: it means what was written, and it stops where a record has used up what is its own. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { admitProgram } from '#sandbox/program/admission/admit.ts';
import { RULES } from '#sandbox/program/admission/rules.ts';
import { readProgramManifest } from '#sandbox/program/manifest-file.ts';
import samples from '#tests/programs/accepted.json' with { type: 'json' };
import { sized } from '#tests/support/audit-size.ts';

import { programs } from './expressions.ts';
import { runModules } from './run-modules.ts';
import { TRICKY } from './tricky-programs.ts';

const PLENTY = 1_000_000;

function printed(module: string): string {
  const { code, findings } = admitProgram(module, 'map', null);
  if (code === null)
    throw new Error(`refused: ${findings.map(({ sentence }) => sentence.id).join()} ${module}`);
  return code;
}

/** What one printed module gives for rows, with fuel. */
function run(module: string, rows: readonly unknown[], fuel = 1000): string[] {
  return runModules([{ code: printed(module), params: {}, fuel, rows }], { isFrozen: true })[0]!;
}

interface Sample {
  readonly name: string;
  readonly module: string;
  readonly params: unknown;
  readonly rows: readonly unknown[];
  readonly expected: readonly string[];
}

const SAMPLES: readonly Sample[] = Object.entries(samples).map(([name, sample]) => ({
  name,
  module: readFileSync(`tests/programs/accepted/${name}.js`, 'utf8'),
  ...sample,
}));

describe('the accepted programs', () => {
  test('give what they should, as written and as printed, with the default fuel', () => {
    const jobs = SAMPLES.map(({ module, params, rows }) => ({ module, params, rows }));
    const plain = runModules(
      jobs.map(({ module, ...rest }) => ({ ...rest, code: module, fuel: null })),
      { isFrozen: false },
    );
    const metered = runModules(
      jobs.map(({ module, ...rest }) => ({ ...rest, code: printed(module), fuel: 1000 })),
      { isFrozen: true },
    );
    for (const [index, { name, expected }] of SAMPLES.entries()) {
      expect([name, plain[index]]).toEqual([name, expected]);
      expect([name, metered[index]]).toEqual([name, expected]);
    }
  });

  test('give the same as written and as printed for rows of any kind', () => {
    const value = fc.oneof(
      fc.constantFrom(
        null,
        true,
        false,
        0,
        -0,
        1,
        -1,
        0.5,
        17,
        65,
        1e9,
        '',
        'north',
        '2024-02-29',
        '年龄',
        '1:2,3:4',
      ),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer({ min: -10, max: 200 }),
      fc.string({ maxLength: 12 }),
    );
    const rowsFor = (name: string): unknown[] => {
      const columns = readProgramManifest(`tests/programs/accepted/${name}.yaml`).inputs[0]!.columns;
      const row = fc.record(Object.fromEntries(columns.map((column) => [column.name, value])));
      return fc.sample(row, { numRuns: sized(60, 3000), seed: 4 });
    };
    const jobs = SAMPLES.map(({ name, module, params }) => ({ module, params, rows: rowsFor(name) }));
    const plain = runModules(
      jobs.map(({ module, ...rest }) => ({ ...rest, code: module, fuel: null })),
      { isFrozen: false },
    );
    const metered = runModules(
      jobs.map(({ module, ...rest }) => ({ ...rest, code: printed(module), fuel: PLENTY })),
      { isFrozen: true },
    );
    expect(metered).toEqual(plain);
    // Not all of it is failures.
    expect(plain.flat().filter((outcome) => outcome !== 'threw').length).toBeGreaterThan(900);
  });
});

test('programs that lean on every corner of the language mean the same when printed', () => {
  const modules = [...TRICKY, ...RULES.flatMap(({ accepts }) => accepts)];
  const rows = [{ x: 3, note: 'a1b2' }, { x: 0, note: '，。' }, { x: null }, { x: 'text', ms: [1, 2] }];
  const plain = runModules(
    modules.map((code) => ({ code, params: { today: '2024-05-01' }, fuel: null, rows })),
    { isFrozen: false },
  );
  const metered = runModules(
    modules.map((module) => ({ code: printed(module), params: { today: '2024-05-01' }, fuel: PLENTY, rows })),
    { isFrozen: true },
  );
  for (const [index, module] of modules.entries())
    expect([module, metered[index]]).toEqual([module, plain[index]]);
  expect(TRICKY.length).toBeGreaterThan(30);
});

test('printing is a function of the program, in ASCII, with three exports and no import', () => {
  for (const { module } of SAMPLES) {
    const code = printed(module);
    expect(printed(module)).toBe(code);
    expect(code).toMatch(/^export \{ (\w+ as )?map, \$begin, \$spent \};$/m);
    expect(code.match(/^(export|import)/gm)).toHaveLength(1);
    const outsidePatterns = code.replaceAll(/\/(?:[^/\n\\]|\\.)+\/[a-z]*/g, '');
    expect(outsidePatterns).toMatch(/^[\0-\x7f]*$/); // oxlint-disable-line no-control-regex -- ASCII is the point
  }
});

describe('fuel', () => {
  test('is spent by calls and rounds, and a record that has none left is spent whatever it returns', () => {
    const loop = 'export function map(row) { let n = 0; while (n < row.n) n++; return n; }';
    expect(run(loop, [{ n: 10 }, { n: 998 }, { n: 999 }, { n: 1000 }, { n: 5 }])).toEqual([
      '10',
      '998',
      '999',
      'spent',
      '5',
    ]);
    const call =
      'const f = (n) => n; export function map(row) { let s = 0; for (let i = 0; i < row.n; i++) s += f(1); return s; }';
    expect(run(call, [{ n: 499 }, { n: 500 }])).toEqual(['499', 'spent']);
  });

  test.for([
    ['for (;;) { }'],
    ['for (let i = 9007199254740992; i < 9007199254740996; i++) ;'],
    [
      'const again = function f() { return f; }; const o = { get n() { return again().call.call(o.m) ; }, m() { return o.n; } }; return o.n;',
    ],
    ['while (true) try { while (true); } catch { }'],
    ['do { } while (true);'],
    ['for (const a of [1]) for (;;) ;'],
    ['const f = () => f(); try { f(); } catch { return 1; } return 2;'],
    ['const o = { toString() { return `${o}`; } }; try { return `${o}`; } catch (e) { return 3; }'],
    ['const o = { get a() { return o.a; } }; try { return o.a; } catch { } return 4;'],
    ['const o = { valueOf: (x = +o) => x }; try { return +o; } catch { } return 5;'],
    ['try { [1].map(function f(x) { return [x].map(f); }); } catch { } return 6;'],
    ['try { (function f(...xs) { return f(...xs, 1); })(); } catch { } return 7;'],
    ['try { JSON.stringify({ toJSON() { return JSON.stringify(this); } }); } catch { } return 8;'],
    ['try { Math.max(...new Array(500000).fill(1)); } catch { return 9; } return 10;'],
    // What the engine's compiler of expressions may hold depends on what is left of it.
    ["try { new RegExp('a'.repeat(1000000)).test('b'); } catch { return 14; } return 15;"],
    [
      'let deep = []; for (let i = 0; i < 900; i++) for (let j = 0; j < 90; j++) deep = [deep]; try { return String(deep).length; } catch { return 11; }',
    ],
  ])('is never given back: %s', ([body]) => {
    const module = `export function map(row) { ${body} }`;
    // With fuel to spare, what is left is depth and the stack: never caught either.
    expect(run(module, [{}, {}], PLENTY)).toEqual(['spent', 'spent']);
  });

  test('control: without the guard a record could answer after all', () => {
    const module =
      'export function map(row) { const f = () => f(); try { f(); } catch { return 1; } return 2; }';
    const unguarded = printed(module).replaceAll('$guard($e);', '').replaceAll('|| ($depth += 1) > 100', '');
    const [outcome] = runModules([{ code: unguarded, params: {}, fuel: PLENTY, rows: [{}] }], {
      isFrozen: true,
    });
    expect(outcome).toEqual(['1']);
  });
});

describe('depth', () => {
  test('is a hundred calls, given back on every way out of a function', () => {
    const deep = 'function f(n) { if (n <= 0) return 0; return 1 + f(n - 1); }';
    expect(
      run(`${deep} export function map(row) { return f(row.n); }`, [
        { n: 90 },
        { n: 99 },
        { n: 100 },
        { n: 90 },
      ]),
    ).toEqual(['90', '99', 'spent', '90']);
    const ways = `${deep}
      function throws(n) { if (n > 50) throw new Error('x'); return throws(n + 1); }
      function catches() { try { return throws(0); } catch (e) { return f(90); } }
      function falls(n) { for (const a of [1, 2]) { if (a === n) { f(1); return; } } f(2); }
      export function map(row) { let s = 0; for (let i = 0; i < 200; i++) { s += catches(); falls(i); s += [1].map((x) => f(x))[0]; } return s; }`;
    expect(run(ways, [{}, {}], PLENTY)).toEqual(['18200', '18200']);
  });

  test('is counted for a function that knows itself by an inner name', () => {
    const module =
      'export const map = function me(row) { return row.n <= 0 ? 0 : 1 + me({ n: row.n - 1 }); };';
    expect(run(module, [{ n: 99 }, { n: 100 }])).toEqual(['99', 'spent']);
  });

  test('is counted for a function that its own objects lead back to', () => {
    const module = `export function map(row) {
      let left = row.n;
      const box = { };
      function F() { return left-- > 0 ? +box : 0; }
      box.valueOf = new F()['constr' + 'uctor'];
      return F();
    }`;
    expect(run(module, [{ n: 98 }, { n: 200 }])).toEqual(['0', 'spent']);
  });

  test('costs a large function more, so that a hundred of them do not fill the stack', () => {
    const locals = Array.from({ length: 400 }, (_, i) => `let v${i} = n + ${i};`).join('');
    const sum = Array.from({ length: 400 }, (_, i) => `v${i}`).join(' + ');
    const module = `function f(n) { ${locals} return n <= 0 ? 0 : f(n - 1) + (${sum.split(' + ').slice(0, 60).join(' + ')}) * 0; } export function map(row) { return f(row.n); }`;
    expect(run(module, [{ n: 5 }, { n: 90 }], PLENTY)).toEqual(['0', 'spent']);
  });
});

describe('what all records share', () => {
  const store =
    'const o = { list: [] }; export function map(row) { const l = o["li" + "st"]; const was = l.length; try { const add = l.push; if (row.v) add.call(l, 1); } catch { } return was; }';

  test('is frozen at birth, through and through', () => {
    expect(run(store, [{ v: 1 }, { v: 0 }, { v: 0 }])).toEqual(['0', '0', '0']);
    const view = `const s = new Set([1]); const m = new Map([[1, { a: [1] }]]);
      export function map(row) {
        const was = s.size + m.size + m.get(1).a.length + [...s].length + [...m.keys()].length + Object.keys(s).length * 0;
        for (const f of [() => Set['proto' + 'type'].add.call(s, 2), () => s.add(2), () => m.set(2, 2), () => m.get(1).a.concat, () => s.forEach((v, k, all) => all.add(3)), () => { const [e] = m; e[1].a[1] = 1; }]) { try { f(); } catch { } }
        return was + (s.has(1) ? 10 : 0) + (s.has(2) ? 100 : 0);
      }`
      .replaceAll('s.add(2)', "s['ad' + 'd'](2)")
      .replaceAll('m.set(2, 2)', "m['se' + 't'](2, 2)");
    expect(run(view, [{}, {}])).toEqual(['15', '15']);
  });

  test('control: printed without freezing, the same program carries state', () => {
    const unfrozen = printed(store).replaceAll(/\$harden\(\w+\);/g, '');
    const [outcome] = runModules([{ code: unfrozen, params: {}, fuel: 1000, rows: [{ v: 1 }, { v: 0 }] }], {
      isFrozen: true,
    });
    expect(outcome).toEqual(['0', '1']);
  });
});

test('random programs mean the same when printed', () => {
  const texts = fc.sample(programs, { numRuns: sized(500, 10_000), seed: 11 });
  const modules = texts.filter((module) => admitProgram(module, 'map', null).admitted);
  // The rest is no JavaScript, or breaks a rule.
  expect(modules.length).toBeGreaterThan(texts.length / 6);
  const rows = [{ x: 1, y: 0 }, { x: 'ab' }, { x: null, y: -3.5 }];
  const plain = runModules(
    modules.map((code) => ({ code, params: {}, fuel: null, rows })),
    { isFrozen: false },
  );
  const metered = runModules(
    modules.map((module) => ({ code: printed(module), params: {}, fuel: PLENTY, rows })),
    { isFrozen: true },
  );
  // The text of a function is that of the printed one: the one difference there may be.
  const isOfText = (outcomes: readonly string[]): boolean =>
    /=>|function |'f',\s+'u',\s+'n'/.test(outcomes.join());
  const differing = modules.filter(
    (_, index) => !isOfText(plain[index]!) && plain[index]!.join('\n') !== metered[index]!.join('\n'),
  );
  expect(plain.filter(isOfText).length).toBeLessThan(modules.length / 5);
  expect(differing).toEqual([]);
});
