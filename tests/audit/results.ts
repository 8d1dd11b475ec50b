/**
 * Runs test files one after the other and says what became of the tests that a claim names.
 *
 * One file at a time: what is timed or measured has the machine for itself. A test that is skipped, or a file that
 * cannot be loaded, is not passed.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Claim } from './claim.ts';
import { testAt } from './places.ts';

/** One test as Vitest reports it. */
interface Ran {
  readonly title: string;
  readonly ancestorTitles: readonly string[];
  readonly status: string;
  readonly duration?: number | null;
}

export interface FileResult {
  readonly file: string;
  readonly tests: readonly Ran[];
  readonly seconds: number;
}

/** What became of a place: how many tests it stands for, and whether all of them passed. */
export interface PlaceResult {
  readonly place: string;
  readonly passed: boolean;
  readonly n: number;
  readonly seconds: number;
}

/** What became of a claim. */
export interface Verdict {
  readonly claim: Claim;
  readonly passed: boolean;
  /** Tests and controls that ran. */
  readonly n: number;
  readonly seconds: number;
  readonly faults: readonly string[];
  readonly results: readonly PlaceResult[];
}

/** Full sizes take as long as they take; a test that hangs is noticed after an hour. */
const TIMEOUT_MS = 3_600_000;

/** Runs one file at full size. */
export async function runFile(file: string, root: string): Promise<FileResult> {
  const folder = mkdtempSync(join(tmpdir(), 'unseen-audit-'));
  const report = join(folder, 'report.json');
  const words = ['run', file, '--reporter=json', `--outputFile=${report}`];
  const limits = [`--testTimeout=${TIMEOUT_MS}`, `--hookTimeout=${TIMEOUT_MS}`];
  const started = performance.now();
  const child = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', ...words, ...limits], {
    cwd: root,
    env: { ...process.env, UNSEEN_AUDIT: 'full' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await new Promise((resolve) => child.once('close', resolve));
  const seconds = (performance.now() - started) / 1000;
  try {
    const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
      testResults: readonly { assertionResults: readonly Ran[] }[];
    };
    return { file, tests: testResults.flatMap(({ assertionResults }) => assertionResults), seconds };
  } catch {
    return { file, tests: [], seconds };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What became of a place, given the result of its file. */
export function resultAt(place: string, { tests }: FileResult): PlaceResult {
  const pattern = patternOf(testAt(place).title);
  const meant = tests.filter((test) =>
    [test.title, ...test.ancestorTitles].some((title) => pattern.test(title)),
  );
  const ms = meant.reduce((sum, { duration }) => sum + (duration ?? 0), 0);
  const passed = meant.length > 0 && meant.every(({ status }) => status === 'passed');
  return { place, passed, n: meant.length, seconds: ms / 1000 };
}

/** A title as it is written, with what stands for arguments, as what it may have become. */
function patternOf(title: string): RegExp {
  const parts = title
    .split(/%[sdifjoc]|\$[a-zA-Z_][\w.]*/)
    .map((part) => part.replaceAll(/[$()*+./?[\\\]^{|}-]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's');
}
