/** The lab as its users meet it: a real process, files in a folder, lines of JSON. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Output } from '#sandbox/release/present.ts';
import { SPARE_ENVIRONMENT } from '#tests/support/spare-environment.ts';

const BIN = fileURLToPath(new URL('../../gateway/bin.js', import.meta.url));

/** An answer of the lab, as printed. */
export interface Answer {
  readonly id?: unknown;
  readonly decision: 'released' | 'refused' | 'failed';
  readonly code: string | null;
  readonly message: string;
  readonly repeat?: boolean;
  readonly releaseId?: string;
  readonly outputs: readonly Output[];
  readonly notes: readonly string[];
  readonly budget: {
    readonly unit: string;
    readonly rhoNanoSpent: string;
    readonly rhoNanoLeft: string | null;
    readonly epsilonSpent: number;
    readonly delta: number;
    readonly lineage: Readonly<
      Record<'epsilonSpent' | 'epsilonLeft' | 'delta' | 'thresholdDeltaLeft', number>
    >;
  };
  readonly usage: Readonly<Record<string, string>>;
  readonly receipt: string | null;
}

/** How a process ended, and what it printed. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly answers: readonly Answer[];
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder that goes away with the block that made it. */
export class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'unseen-lab-'));

  /** Writes a file, objects as JSON (which YAML contains); its path. */
  write(name: string, content: string | object): string {
    const path = join(this.path, name);
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** A lab process that runs on: `ended` settles when it has. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when `count` lines have been printed, or the process has ended. */
  printed(count: number): Promise<void>;
}

/** Starts `unseen lab` in a folder. */
export function startLab(folder: Folder, args: readonly string[]): Running {
  const child = spawn(process.execPath, [BIN, 'lab', ...args], {
    cwd: folder.path,
    env: { ...SPARE_ENVIRONMENT, HOME: folder.path },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text.stdout += part));
  child.stderr.setEncoding('utf8').on('data', (part: string) => (text.stderr += part));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, ...text, answers: answersOf(text.stdout) }));
  });
  const printed = (count: number): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => {
        if (text.stdout.split('\n').length > count) resolve();
      };
      child.stdout.on('data', check);
      void ended.then(() => resolve());
      check();
    });
  return { child, ended, printed };
}

/** Runs `unseen lab` to its end. */
export function runLab(folder: Folder, ...args: readonly string[]): Promise<Ended> {
  return startLab(folder, args).ended;
}

/** Answers requests in one process, in order; throws when the process did not answer every line and end well. */
export async function runBatch(folder: Folder, lines: readonly object[]): Promise<readonly Answer[]> {
  const file = folder.write('batch.jsonl', lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const { code, answers, stderr } = await runLab(folder, '--batch', file);
  if (code !== 0 || answers.length !== lines.length) throw new Error(`exit ${code}: ${stderr}`);
  return answers;
}

/** Whole lines of stdout; what a killed process left unfinished is no answer. */
function answersOf(stdout: string): readonly Answer[] {
  return stdout
    .slice(0, stdout.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Answer);
}
