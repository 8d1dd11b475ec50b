/**
 * The four-way oracle of statelessness: what a record gives may depend on nothing but the record.
 *
 * A program is run with the first record changed, with the records in another order, with an isolate for each record,
 * and with and without a compiler of machine code; what all other records give must be the same in all of them.
 */
import type { Engine } from '#sandbox/worker/worker-program.ts';
import { type IsolateRow, type IsolateTask, type RunValues, runInIsolates } from './isolate-task.ts';

const OTHERS: readonly IsolateRow[] = [2, 3, 4].map((id) => ({ id, v: 0, t: 'abc' }));
const victim = (v: number): IsolateRow => ({ id: 1, v, t: 'abc' });
const [second, third, fourth] = OTHERS as [IsolateRow, IsolateRow, IsolateRow];

type Run = readonly IsolateRow[];

/** Runs of a program; the first is what the others are compared with. */
const RUNS: readonly Run[] = [
  [victim(1), ...OTHERS],
  [victim(0), ...OTHERS],
  [third, fourth, victim(1), second],
  [fourth],
];

/** What separates records here: the build under attack. */
export type Build = Pick<IsolateTask, 'realm' | 'isShared'>;
export const REAL: Build = { realm: 'locked', isShared: false };

/** Too little for a loop that the parts call long, enough for all others. */
const FUEL = 2_000;

/** Per program whether some other record gave something else in some of the runs. */
export async function findState(codes: readonly string[], build: Build): Promise<boolean[]> {
  const [strict, fast] = await Promise.all([
    valuesOf(codes, RUNS, { ...build, engine: 'strict' }),
    valuesOf(codes, RUNS.slice(0, 2), { ...build, engine: 'fast' }),
  ]);
  return codes.map((_, index) => !areAlike([...strict[index]!, ...fast[index]!]));
}

/** The same of programs as they were written, in isolates as they come, with a compiler only: what they mean to do. */
export async function findIntent(codes: readonly string[]): Promise<boolean[]> {
  const values = await valuesOf(codes, [RUNS[0]!, RUNS[2]!], {
    realm: 'bare',
    isShared: false,
    engine: 'fast',
  });
  return values.map((runs) => !areAlike(runs));
}

async function valuesOf(
  codes: readonly string[],
  runs: readonly Run[],
  { engine, ...build }: Build & { readonly engine: Engine },
): Promise<Map<number, number | null>[][]> {
  const programs = codes.map((code) => ({ code, runs }));
  const results = await runInIsolates({ ...build, fuel: FUEL, params: { list: [1] }, programs }, engine);
  return results.map((values) => values.map((each, run) => byRecord(each, runs[run]!)));
}

/** What each record but the victim's gave. One that died gave nothing to anybody. */
function byRecord(values: RunValues, run: Run): Map<number, number | null> {
  const entries = run.map(({ id }, at) => [id, values === 'died' ? null : values[at]!] as const);
  return new Map(entries.filter(([id]) => id !== 1));
}

function areAlike(runs: readonly ReadonlyMap<number, number | null>[]): boolean {
  return OTHERS.every(({ id }) => {
    const seen = runs.flatMap((run) => (run.has(id) ? [run.get(id)] : []));
    return new Set(seen).size === 1;
  });
}
