/**
 * Runs modules over rows in a process of its own: as they were written, or as they were printed, with frozen built-ins.
 *
 * Reads jobs as JSON from standard input and writes what each record gave, as text that also tells NaN and -0 apart.
 */
import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import 'ses';

export interface ModuleJob {
  readonly code: string;
  readonly params: unknown;
  /** Null: there is nothing to begin, since the module is as it was written. */
  readonly fuel: number | null;
  readonly rows: readonly unknown[];
}

interface Loaded {
  map(row: unknown, params: unknown): unknown;
  $begin?(fuel: number): void;
  $spent?(): boolean;
}

const { isFrozen, jobs } = JSON.parse(await text(process.stdin)) as { isFrozen: boolean; jobs: ModuleJob[] };
if (isFrozen) {
  lockdown({ errorTaming: 'safe', evalTaming: 'no-eval', localeTaming: 'safe', consoleTaming: 'unsafe' });
  // The first realm keeps powers that those of a compartment lack, such as Error.stackTraceLimit.
  const { Error, Math, RegExp, Date } = new Compartment().globalThis;
  Object.assign(globalThis, { $harden: harden, $iterator: Symbol.iterator, Error, Math, RegExp, Date });
} else Object.assign(globalThis, { $harden: (value: unknown) => value, $iterator: Symbol.iterator });

const results: string[][] = [];
for (const job of jobs) results.push(await run(job));
process.stdout.write(JSON.stringify(results));

async function run({ code, params, fuel, rows }: ModuleJob): Promise<string[]> {
  if (isFrozen) harden(params);
  const module = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as Loaded;
  return rows.map((row) => {
    module.$begin?.(fuel ?? 0);
    try {
      const value = module.map(structuredClone(row), params);
      return module.$spent?.() ? 'spent' : inspect(value, { depth: 9 });
    } catch {
      return module.$spent?.() ? 'spent' : 'threw';
    }
  });
}
