/**
 * The lab's state among processes: a killed one leaves its reservation spent and its lock behind, two wait for each other.
 *
 * Not covered: power failure (fsync is called; nothing here can pull the plug), and several machines on one directory.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { LabState } from '#gateway/lab/state.ts';
import { Failure } from '#policies/refusal.ts';
import { capacityOf } from '#sandbox/release/accountant.ts';
import { runBatch, runLab, startLab } from './lab-process.ts';
import { COST, type JournalEntry, LedgerFolder, left } from './ledger.ts';
import { csvOf, manifestOf, policyOf } from './small-data.ts';

const folder = new LedgerFolder();
afterAll(() => folder[Symbol.dispose]());
const { dataset, policy } = folder;
const fresh = (): string => folder.fresh();
const ask = (state: string, more: object = {}): object => folder.ask(state, more);

/** The whole budget (ε 10) in nano-ρ, rounded down. */
const CAPACITY = capacityOf(
  { epsilon: 10, delta: 1e-6 },
  { keysMayBeThresholded: false, mechanism: 'gaussian' },
).nano;

describe('a process that dies', () => {
  /** Planned: 1 s + 1 s per 2 million declared rows and vector, so that there is time to kill it. */
  const slow = folder.write('slow.yaml', policyOf({ timing: 'planned' }));
  const untilOpened = async (state: string): Promise<void> => {
    const journal = join(folder.path, state, 'journal.jsonl');
    for (
      let i = 0;
      i < 400 && !(existsSync(journal) && readFileSync(journal, 'utf8').includes('"opened"'));
      i += 1
    )
      await sleep(25);
  };

  test('B1: leaves its reservation spent, and its lock to the next, with and without the victim', async () => {
    folder.write(
      'without.csv',
      csvOf(Array.from({ length: 199 }, (_, i) => ({ uid: i, age: i % 90, zip: 'n' }))),
    );
    const without = folder.write('without.yaml', { ...manifestOf('without.csv'), name: 'people' });
    const remains = await Promise.all(
      [dataset, without].map(async (manifest) => {
        const state = fresh();
        const flags = ['--dataset', manifest, '--sql', 'SELECT COUNT(*) FROM people', '--state', state];
        const running = startLab(folder, [...flags, '--policy', slow]);
        await untilOpened(state);
        running.child.kill('SIGKILL');
        const { signal, stdout } = await running.ended;
        expect({ signal, stdout }).toEqual({ signal: 'SIGKILL', stdout: '' });
        expect(existsSync(join(folder.path, state, 'lock'))).toBe(true);
        const { answers } = await runLab(folder, ...flags, '--policy', policy);
        expect(answers[0]).toMatchObject({ decision: 'released', repeat: false });
        expect(folder.openedIn(state)).toBe(2n);
        return left(answers[0]);
      }),
    );
    // cdp_rho(10, 1e-6) rounded down, less two jobs.
    expect(remains).toEqual([CAPACITY - 2n * COST, CAPACITY - 2n * COST]);
  });

  test('in the middle of a batch has every printed answer on disk, and gives nothing back', async () => {
    const state = fresh();
    const lines = Array.from({ length: 400 }, (_, i) =>
      ask(state, { sql: `SELECT COUNT(*) FROM people WHERE age > ${i}`, epsilon: 0.01 }),
    );
    const file = folder.write('long.jsonl', lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const running = startLab(folder, ['--batch', file]);
    await running.printed(20);
    running.child.kill('SIGKILL');
    const { answers, signal } = await running.ended;
    expect(signal).toBe('SIGKILL');
    expect(answers.length).toBeGreaterThanOrEqual(20);
    expect(answers.length).toBeLessThan(400);
    const journal = readFileSync(join(folder.path, state, 'journal.jsonl'), 'utf8');
    const whole = journal.slice(0, journal.lastIndexOf('\n') + 1);
    const entries = whole
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as JournalEntry);
    const kept = new Set(entries.flatMap((entry) => (entry.type === 'released' ? [entry.releaseId] : [])));
    for (const answer of answers) expect(kept).toContain(answer.releaseId);
    const spent = entries.reduce((sum, entry) => sum + BigInt(entry.nano ?? 0), 0n);
    const [next] = await runBatch(folder, [lines[399]!]);
    const each = BigInt(next!.budget.rhoNanoSpent);
    expect(left(answers[0]) + each - left(next)).toBe(spent + each);
  });
});

describe('two processes on one directory', () => {
  const planned = folder.write('planned.yaml', policyOf({ timing: 'planned' }));

  test('wait for each other, and share one ledger', async () => {
    const state = fresh();
    const flags = (file: string, sql: string): readonly string[] => [
      '--dataset',
      dataset,
      '--policy',
      file,
      '--state',
      state,
      '--sql',
      sql,
    ];
    const first = startLab(folder, flags(planned, 'SELECT COUNT(*) FROM people'));
    while (!existsSync(join(folder.path, state, 'lock'))) await sleep(10);
    const second = startLab(folder, flags(policy, 'SELECT SUM(age) FROM people'));
    await expect(LabState.open(join(folder.path, state), { waitMs: 200 })).rejects.toSatisfy(
      (error) => error instanceof Failure && error.code === 'STATE_BUSY',
    );
    const [early, late] = await Promise.all([first.ended, second.ended]);
    expect([early.code, late.code]).toEqual([0, 0]);
    expect(left(early.answers[0]) - left(late.answers[0])).toBe(COST);
  });

  test('a lock of a dead process, or of one whose number was given away, is taken over', async () => {
    const state = join(folder.path, fresh());
    await (await LabState.open(state)).close();
    const gone = spawnSync(process.execPath, ['-e', '0']).pid;
    for (const holder of [
      { pid: gone, started: '1' },
      { pid: process.pid, started: '1' },
    ]) {
      writeFileSync(join(state, 'lock'), JSON.stringify(holder));
      const opened = await LabState.open(state, { waitMs: 0 });
      await opened.close();
    }
    // The control: a living holder keeps it.
    const opened = await LabState.open(state, { waitMs: 0 });
    await expect(LabState.open(state, { waitMs: 100 })).rejects.toThrow(Failure);
    await opened.close();
  });
});
