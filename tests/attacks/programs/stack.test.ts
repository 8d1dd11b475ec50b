/**
 * The end of the stack as a channel that is open: what a record can do near it depends on what earlier ones called.
 *
 * Depth is metered, but a call may spread a million arguments, and so any program can come as near to the end as it
 * likes. There the first call of a function needs more room than later ones, since it is compiled then. An overflow that
 * is seen ends the isolate; one inside `return()` of an iterator that a throw closes is swallowed by the engine.
 * When this test fails the channel was closed: then turn it round.
 * Not covered: it takes long, and is part of the audit only.
 */
import { describe, expect, test } from 'vitest';
import { admitProgram } from '#sandbox/program/admission/admit.ts';
import type { Engine } from '#sandbox/worker/worker-program.ts';
import { sized } from '#tests/support/audit-size.ts';
import { type IsolateRow, type IsolateTask, runInIsolates } from './isolate-task.ts';

/** What the victim calls far from the end, and all others near it. */
const PROBES: Readonly<Record<string, string>> = {
  'a function of the program': `
function sum(x) { let s = 0; for (const part of [x, 1, 2, 3]) s += part * 2; for (const part of [x, 4]) s -= part; return s; }
function probe() { return [[1], [2]].map((list) => list.length).reduce((a, b) => a + b, sum(1)); }`,
  'a function of the realm': `function probe() { return 'a'.repeat(2).length; }`,
};

/** `id` is the number of arguments, in fours. */
const codeOf = (probe: string): string => {
  const { code } = admitProgram(
    `${probe}
function near(...many) { return probe(many.length); }
export function map(row) {
  if (row.v === 1) return near();
  const list = new Array(row.id).fill(0);
  let reached = 0;
  const inner = {
    next() { return { done: false, value: 0 }; },
    return() { near(...list, ...list, ...list, ...list); reached = 1; return {}; },
  };
  try { for (const one of [0].values().flatMap(() => inner)) throw one; } catch { }
  return reached;
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
    const enough = values.findIndex((value) => value === 1);
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
    // Somebody overflows and somebody does not, or nothing was tried.
    expect(`${warm}${cold}`).toMatch(/0.*1|1.*0/);
    return warm !== cold;
  });
}

describe.runIf(sized(false, true))('open: near the end of the stack', () => {
  test('a record notices what others called', async () => {
    expect(await found('strict')).toContain('a function of the realm');
  });
});
