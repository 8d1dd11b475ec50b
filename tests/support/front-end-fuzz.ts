/**
 * Holds the SQL front end to its promise for any text at all: a Plan that means what the text says, or a refusal.
 *
 * Everything else is a fault: another error, a code that no query has, a private column in a Plan, an answer that
 * takes too long, or a meaning that the second reading (reference-reader.ts) does not find.
 */
import { Refusal, type RefusedCode } from '#policies/refusal.ts';
import type { Plan } from '#sandbox/plan.ts';
import type { Compiled, compileQuery } from '#sandbox/query/compile.ts';
import { differenceOf } from './meaning.ts';
import { readMeaning } from './reference-reader.ts';
import { scannedRows } from './reference-scan.ts';
import type { SqlCase } from './sql-case.ts';

/** The codes that a text can be refused with; the others are about grants, budgets and machines. */
export const TEXT_CODES: readonly RefusedCode[] = [
  'PARSE',
  'SHAPE',
  'NOT_AGGREGATE',
  'TABLE',
  'COLUMN',
  'FUNCTION',
  'PRIVATE_KEY',
  'PREDICATE',
  'JOIN',
  'TYPE',
  'BOUNDS_MISSING',
  'CELLS',
  'PARAM',
];

/** What the slowest text may take: some twenty times what it takes on two idle cores. */
const LIMIT_MS = 2000;

/** What became of one text. */
export type Verdict =
  | { readonly kind: 'refused'; readonly code: RefusedCode }
  | { readonly kind: 'accepted'; readonly compiled: Compiled }
  | { readonly kind: 'fault'; readonly what: string };

export type Compile = typeof compileQuery;
export type World = Omit<SqlCase, 'queries'>;

/** Compiles a text for a world and looks at what comes out. */
export function judge(compile: Compile, sql: string, { world, policy }: World): Verdict {
  const started = performance.now();
  let verdict: Verdict;
  try {
    const compiled = compile(
      { sql, epsilon: null, delta: null },
      {
        datasets: [world.dataset],
        policyOf: () => policy,
        versionIdOf: () => 'v1',
        defaultTiming: { mode: 'exact' },
      },
    );
    verdict = { kind: 'accepted', compiled };
  } catch (error) {
    verdict = refusalOf(error);
  }
  const ms = performance.now() - started;
  if (ms > LIMIT_MS) return { kind: 'fault', what: `it took ${Math.round(ms)} ms` };
  if (verdict.kind !== 'accepted') return verdict;
  const fault = faultOf(verdict.compiled, sql, world);
  return fault === null ? verdict : { kind: 'fault', what: fault };
}

function refusalOf(error: unknown): Verdict {
  if (!(error instanceof Refusal)) return { kind: 'fault', what: String(error) };
  const { code } = error;
  return TEXT_CODES.includes(code) ? { kind: 'refused', code } : { kind: 'fault', what: `code ${code}` };
}

/** What is wrong with an accepted statement, null if nothing is. */
function faultOf(compiled: Compiled, sql: string, world: World['world']): string | null {
  const closed = new Set(
    world.dataset.columns.filter(({ role }) => role === 'unit' || role === 'hidden').map(({ name }) => name),
  );
  const isPrivate = (value: unknown): boolean =>
    typeof value === 'object' &&
    value !== null &&
    (('op' in value && value.op === 'column' && 'name' in value && closed.has(String(value.name))) ||
      Object.values(value).some(isPrivate));
  if (isPrivate(compiled.plan)) return 'a private column is part of the Plan';
  try {
    return differenceOf(
      readMeaning(sql, world.dataset),
      compiled,
      scannedRows(world.rows, world.dataset.columns),
    );
  } catch (error) {
    return `accepted, and not explained: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Whether the last bit of ln or exp, in which libraries differ, could decide an integer of a Plan. */
export function restsOnLibraries(plan: Plan): boolean {
  return /"fn":"(?:ln|exp)"/.test(
    JSON.stringify(plan, (_, value: unknown) => (typeof value === 'bigint' ? null : value)),
  );
}
