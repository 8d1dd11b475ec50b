/** Runs modules over rows in a child process (module-process.ts), so that built-ins can be frozen there and not here. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import type { ModuleJob } from './module-process.ts';

const CHILD = fileURLToPath(new URL('./module-process.ts', import.meta.url));

/** What each record of each job gave, as text: a value, `threw` or `spent`. `flags` are V8's. */
export function runModules(
  jobs: readonly ModuleJob[],
  { isFrozen, flags = [] }: { readonly isFrozen: boolean; readonly flags?: readonly string[] },
): string[][] {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [...flags, '--disable-warning=ExperimentalWarning', CHILD],
    { input: JSON.stringify({ isFrozen, jobs }), encoding: 'utf8', maxBuffer: 2 ** 28 },
  );
  if (status !== 0) throw new Error(`the child ended with ${status}: ${stderr.slice(0, 2000)}`);
  return JSON.parse(stdout) as string[][];
}
