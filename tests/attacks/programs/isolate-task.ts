/** What isolate-process.ts is asked and answers, and the call of it: programs over rows, in isolates as workers make them. */
import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { stageProgram } from '#sandbox/jail/program.ts';
import { type Engine, workerProgram } from '#sandbox/worker/worker-program.ts';

/** A record of the state programs: who, the victim's secret, and a text. */
export interface IsolateRow {
  readonly id: number;
  readonly v: number;
  readonly t: string;
}

export interface IsolateTask {
  /** `bare`: nothing that comes with the language is frozen. */
  readonly realm: 'locked' | 'bare';
  /** All runs of a program in one isolate, one after the other. */
  readonly isShared: boolean;
  readonly fuel: number;
  readonly params: Readonly<Record<string, number | readonly number[]>>;
  readonly programs: readonly { readonly code: string; readonly runs: readonly (readonly IsolateRow[])[] }[];
}

/** Per record what it gave; null is nothing. */
export type RunValues = readonly (number | null)[] | 'died';

const PROCESS = fileURLToPath(new URL('./isolate-process.ts', import.meta.url));

/** The results of every run of every program. Throws when the process does not answer. */
export async function runInIsolates(task: IsolateTask, engine: Engine): Promise<RunValues[][]> {
  const worker = workerProgram(engine);
  // Node without a compiler of machine code cannot strip types, so the process is laid out as the worker is.
  const { directory, entry } = stageProgram({ ...worker, modules: [PROCESS, ...worker.modules.slice(1)] });
  try {
    const imports = { '#sandbox/worker/*.ts': './*.mjs' };
    writeFileSync(join(directory, 'package.json'), JSON.stringify({ imports }));
    const child = spawn(process.execPath, [...worker.nodeFlags, entry], { stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdin.end(JSON.stringify(task));
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    if (stdout === '') throw new Error(`the isolates did not answer: ${stderr.slice(0, 2000)}`);
    return JSON.parse(stdout) as RunValues[][];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
