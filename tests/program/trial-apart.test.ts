/**
 * Trials tell what a program threw and returned; jobs must not. Nothing that a job runs can reach what tells.
 */
import { afterAll, describe, expect, test } from 'vitest';
import { WorkerPool } from '#sandbox/worker/pool.ts';
import { encodeHello, encodeMap, encodeSetup } from '#sandbox/worker/protocol.ts';
import type { TrialSetup } from '#sandbox/worker/trial-protocol.ts';
import { trialProgram } from '#sandbox/worker/trial-worker.ts';
import { workerProgram } from '#sandbox/worker/worker-program.ts';
import { FramePipe } from '#sandbox/jail/frame-pipe.ts';
import { startConfined } from '#sandbox/jail/jail.ts';
import {
  codeFiles,
  importsOf,
  lineAt,
  resolveFrom,
  sourceFile,
  type SourceFile,
  type SyntaxNode,
} from '../tidy/source.ts';
import { mapSetup, printed, visits } from '../worker/worker-setup.ts';

const pool = new WorkerPool({ warm: 0 });
afterAll(() => pool.close());

/** Every file that a file leads to by imports, itself included. Types are erased before anything runs, and lead nowhere. */
function reachedFrom(start: string, files: ReadonlyMap<string, SourceFile>): ReadonlySet<string> {
  const reached = new Set<string>();
  const visit = (path: string): void => {
    const file = files.get(path);
    if (file === undefined || reached.has(path)) return;
    reached.add(path);
    const erased = new Set(file.nodes.filter(isErased).map(({ end }) => lineAt(file.text, end)));
    for (const { specifier, line } of importsOf(file)) {
      if (erased.has(line)) continue;
      if (specifier.startsWith('#')) visit(specifier.slice(1));
      if (specifier.startsWith('.')) visit(resolveFrom(path, specifier));
    }
  };
  visit(start);
  return reached;
}

/** `import type` and `export type`, on the line where they name what they import. */
function isErased({ type, importKind, exportKind }: SyntaxNode): boolean {
  return type === 'TSImportType' || importKind === 'type' || exportKind === 'type';
}

const isOfTrials = (path: string): boolean => /(^|\/)(trial|traced|trace)[^/]*$/.test(path);

describe('a job', () => {
  const files = new Map(codeFiles().map((file) => [file.path, file]));
  const JOB = ['sandbox/program/measure.ts', 'sandbox/worker/worker-process.ts', 'gateway/runner/run-job.ts'];

  test.each(JOB)('reaches nothing of trials from %s', (start) => {
    const reached = reachedFrom(start, files);
    expect(reached.size).toBeGreaterThan(5);
    expect([...reached].filter(isOfTrials)).toEqual([]);
  });

  test('would be seen to reach it: the control', () => {
    const planted = new Map(files);
    const measure = files.get('sandbox/program/measure.ts')!;
    planted.set(measure.path, sourceFile(measure.path, `${measure.text}\nexport * from './trial.ts';`));
    const found = [...reachedFrom(measure.path, planted)].filter(isOfTrials);
    expect(found).toContain('sandbox/worker/trial-worker.ts');
    expect(found).toContain('sandbox/program/admission/traced.ts');
  });

  test('runs in a process that has no module of trials in its jail', () => {
    const modules = (paths: readonly string[]): string[] => paths.map((path) => path.split('/').at(-1) ?? '');
    expect(modules(workerProgram('strict').modules).filter(isOfTrials)).toEqual([]);
    expect(modules(workerProgram('strict').modules)).toContain('worker-process.ts');
    expect(modules(trialProgram('strict').modules)).toContain('trial-driver.ts');
    expect(modules(trialProgram('strict').modules)).not.toContain('worker-process.ts');
  });
});

const TRIAL: TrialSetup = {
  mode: 'trial',
  job: mapSetup(`${printed('throw new Error("told");')}\nexport function $line() { return 1; }`),
  outputs: [{ name: 'value', keys: [], limit: { low: 0, high: 1 } }],
  blocks: [[[[1, true, 'north']]]],
  first: 0,
  deadlineMs: 1000,
};

describe('the processes', () => {
  test('of jobs end at the setup of a trial', async () => {
    await expect(pool.take('fast', 'preferred', TRIAL as never)).rejects.toMatchObject({
      code: 'MACHINE_FAULT',
    });
  });

  test('of trials tell what was thrown, and end at the records of a reader', async () => {
    const confined = await startConfined(trialProgram('fast'), 'preferred');
    const pipe = new FramePipe(confined, 2 ** 20);
    await pipe.ask(encodeHello(), 30_000);
    // The control: this process does tell.
    const told = await pipe.ask(encodeSetup(TRIAL as never), 30_000);
    expect(told.toString()).toContain('Error: told');
    expect(await pipe.ask(encodeMap(visits(1), Uint16Array.of(0), 1000), 30_000)).toBe('GONE');
  });
});
