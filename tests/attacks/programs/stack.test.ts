/**
 * The end of the stack as a channel that is open: whether a record overflows near it depends on what others called.
 *
 * Depth is metered, but a call may spread a million arguments, and so any program can come as near to the end as it
 * likes. There the first call of a function needs more room than later ones, since it is compiled then, and in `fast` a
 * function takes other room once it is compiled to machine code. A record that overflows contributes nothing, so that
 * one record decides about others of its buffer. When this test fails the channel was closed: then turn it round.
 * Not covered: it takes long, and is only part of the audit.
 */
import { describe, expect, test } from 'vitest';
import { admitProgram } from '#sandbox/program/admission/admit.ts';
import type { Engine } from '#sandbox/worker/worker-program.ts';
import { sized } from '#tests/support/audit-size.ts';
import { type IsolateRow, type IsolateTask, runInIsolates } from './isolate-task.ts';

/** `probe` is called by the victim far from the end, and by all others near it. */
const PROBES: Readonly<Record<string, string>> = {
  'a function of the program': `
function sum(x) { let s = 0; for (const part of [x, 1, 2, 3]) s += part * 2; for (const part of [x, 4]) s -= part; return s; }
function probe() { return [[1], [2]].map((list) => list.length).reduce((a, b) => a + b, sum(1)); }`,
  'a function of the realm': `function probe() { return 'a'.repeat(2).length; }`,
  'an expression': `function probe() { return /^((a)|(b))+c$/.test('abac') ? 1 : 0; }`,
  'an expression made of text': `
function probe() { return new RegExp('('.repeat(50) + ')'.repeat(50)).test('') ? 1 : 0; }`,
  'a literal': `function probe() { return [[1, [2, [3, [4]]]], { a: { b: { c: [] } } }].length; }`,
  'a class': `class Point { x = 1; twice() { return this.x * 2; } } function probe() { return new Point().twice(); }`,
  'a warm recursion': `
function down(n, a, b) { if (n === 0) return 0; const c = a + b, d = a * b, e = c - d; return down(n - 1, b, c) + (c + d + e) * 0; }
function probe() { for (let i = 0; i < 100; i += 1) down(80, i, 1.5); return down(80, 1, 2); }`,
};

/** `id` is the number of arguments, in fours. */
const codeOf = (probe: string): string => {
  const { code } = admitProgram(
    `${probe}
function near(...many) { return probe(many.length); }
export function map(row) {
  if (row.v === 1) return probe(0);
  const list = new Array(row.id).fill(0);
  return near(...list, ...list, ...list, ...list);
}
`,
    'map',
    null,
  );
  if (code === null) throw new RangeError('the probes are admitted');
  return code;
};

const first = (v: number): IsolateRow => ({ id: 0, v, t: '' });
const rowsAt = (from: number, step: number, count: number): readonly IsolateRow[] =>
  Array.from({ length: count }, (_, at) => ({ id: from - at * step, v: 0, t: '' }));

function run(codes: readonly string[], runs: readonly (readonly IsolateRow[])[]): IsolateTask {
  const programs = codes.map((code) => ({ code, runs }));
  return { realm: 'locked', isShared: false, fuel: 1_000_000, params: {}, programs };
}

/** Steps of the search for the end of the stack, in fours of arguments; 2^21 arguments are more than it holds. */
const STEPS = [2 ** 14, 2 ** 9] as const;
const MOST = 2 ** 19;
/** Room that the probes need: 96 KiB are more than any of them. */
const ROOM = 3_072;
const STEP = 128;

/** A number of arguments, in fours, that a record has no room for, though it has for fewer by the last step. */
async function endOfStack(engine: Engine): Promise<number> {
  const code = codeOf('function probe() { return 1; }');
  let end = MOST;
  let searched = MOST;
  for (const step of STEPS) {
    const rows = rowsAt(end, step, searched / step);
    const [[values]] = (await runInIsolates(run([code], [rows]), engine)) as [[readonly (number | null)[]]];
    const enough = values.findIndex((value) => value !== null);
    expect(enough).toBeGreaterThan(0);
    end = rows[enough - 1]!.id;
    searched = step;
  }
  return end;
}

/** The probes of which other records gave something else because the first had called the probe. */
async function found(engine: Engine): Promise<string[]> {
  const rows = rowsAt(await endOfStack(engine), STEP, ROOM / STEP);
  const names = Object.keys(PROBES);
  // Without the victim the first record is one that fails before it calls anything.
  const runs = [first(1), rows[0]!].map((record) => [record, ...rows]);
  const codes = names.map((name) => codeOf(PROBES[name]!));
  const results = await runInIsolates(run(codes, runs), engine);
  return names.filter((_, at) => {
    const [warm, cold] = results[at]!.map((values) => JSON.stringify(values.slice(1)));
    // Some of them overflow and some do not, or nothing was tried.
    expect(warm).toMatch(/null,\d/);
    return warm !== cold;
  });
}

describe.runIf(sized(false, true))('open: near the end of the stack', () => {
  test.for(['strict', 'fast'] as const)(
    'a record in engine %s notices what others called',
    async (engine) => {
      expect(await found(engine)).toContain('a function of the realm');
    },
  );
});
