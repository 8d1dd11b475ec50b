/**
 * P11m, P11p: the most memory that a jailed reader ever holds in an aggregate over a hundred million rows of five million units.
 *
 * The number is the kernel's own high-water mark of resident memory (VmHWM in proc(5)) of the reader's process, and
 * counts pages of the mapped file as well. The engine may spill to disk. P11m reads the file as it is; P11p has the
 * copy made that registration prepares, and asks it.
 */
import { globSync, readFileSync } from 'node:fs';
import { generateSigningKey } from '#crypto/ed25519-key.ts';
import { LabState } from '#gateway/lab/state.ts';
import { rehearse } from '#gateway/lab/rehearse.ts';
import { Sources } from '#gateway/runner/sources.ts';
import { WorkerPool } from '#sandbox/worker/pool.ts';
import { type Benchmark, lineOf, msOf, say, type Subject } from './measure.ts';
import { freshEpsilon, readVisits, visitsFile, visitsManifest } from './visits.ts';

const MEMORY: Subject = {
  id: 'P11m',
  name: 'peak memory of a reader in a 100 M-row, 5 M-unit aggregate by listed keys',
  unit: 'MiB',
  better: 'lower',
  against: 'at most 2048',
};

const QUESTION = 'SELECT region, count(*) AS visits, sum(cost) AS cost FROM visits GROUP BY region';

const PREPARED: Subject = {
  ...MEMORY,
  id: 'P11p',
  name: `${MEMORY.name}, with the prepared copy made first`,
};

export const READER_MEMORY: Benchmark = {
  ids: ['P11m', 'P11p'],
  async *run(asked, { small }) {
    const size = small ? { rows: 100_000, units: 5_000 } : { rows: 100_000_000, units: 5_000_000 };
    const path = await visitsFile(size);
    if (asked.has('P11m')) yield lineOf(MEMORY, [await peakOf(path, size.rows, false)]);
    if (asked.has('P11p')) yield lineOf(PREPARED, [await peakOf(path, size.rows, true)]);
  },
};

/** Most MiB that the reader's process held in one job and, before it, the preparation. */
async function peakOf(path: string, rows: number, prepare: boolean): Promise<number> {
  const job = readVisits(visitsManifest(path, { name: 'visits', maxRows: rows }));
  const sources = new Sources({ prepare });
  const state = LabState.inMemory(generateSigningKey());
  const asked = { sql: QUESTION, epsilon: freshEpsilon(), delta: null };
  const request = { datasets: [job.dataset], policy: job.policy, ask: asked };
  try {
    const ms = await msOf(() => rehearse(request, state, { sources, workers: new WorkerPool({ warm: 0 }) }));
    say(`the job, with opening and digest of the file, took ${Math.round(ms)} ms`);
    return Math.max(...descendantsOf(process.pid).map(peakMiB));
  } finally {
    await sources.close();
    await state.close();
  }
}

/** Processes started by a process, and by those, and so on. */
export function descendantsOf(pid: number): readonly number[] {
  const parents = new Map(
    globSync('/proc/[0-9]*/stat').flatMap((path) => {
      const stat = readProc(path);
      // The name in parentheses may hold anything; what follows it is plain: state, parent.
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      return stat === '' ? [] : [[Number(path.split('/')[2]), parent] as const];
    }),
  );
  const isBelow = (child: number): boolean => {
    const parent = parents.get(child);
    return parent !== undefined && (parent === pid || isBelow(parent));
  };
  return [...parents.keys()].filter(isBelow);
}

/** The high-water mark of a process's resident memory. */
export function peakMiB(pid: number): number {
  const match = /^VmHWM:\s+(\d+) kB$/m.exec(readProc(`/proc/${pid}/status`));
  return Number(match?.[1] ?? 0) / 1024;
}

/** A file of /proc, or nothing when its process has ended meanwhile. */
export function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
