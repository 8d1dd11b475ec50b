/**
 * LIN: what a whole job costs for each million rows, at one, ten and a hundred million rows of the same shape.
 *
 * The job is P1's, with twenty rows a unit on average; the reader is warm, has 14 GiB and reads the file as it is. The largest
 * file is P11's. Where a hundred times the rows cost a hundred times as much, all numbers are equal.
 */
import { generateSigningKey } from '#crypto/ed25519-key.ts';
import { LabState } from '#gateway/lab/state.ts';
import { rehearse } from '#gateway/lab/rehearse.ts';
import { Sources } from '#gateway/runner/sources.ts';
import { WorkerPool } from '#sandbox/worker/pool.ts';
import { type Benchmark, lineOf, medianOf, msOf, say, type Scale, type Subject } from './measure.ts';
import { freshEpsilon, readVisits, visitsFile, visitsManifest, type VisitsSize } from './visits.ts';

const ROWS_PER_UNIT = 20;
/** Enough for the largest not to spill. */
const MEMORY_MIB = 14_336;
const MILLION = 1e6;

interface Step extends Subject {
  readonly millions: number;
  readonly runs: number;
}

const step = (millions: number, runs: number): Step => ({
  id: `LIN${millions}`,
  name: `whole job of P1 over ${millions} M rows of ${millions / ROWS_PER_UNIT} M units, per million rows`,
  unit: 'ms',
  better: 'lower',
  against: '–',
  millions,
  runs,
});
const STEPS: readonly Step[] = [step(1, 9), step(10, 5), step(100, 3)];

const GROWTH: Subject = {
  id: 'LIN',
  name: 'cost of a job over 100 M rows, divided by ten times that over 10 M rows',
  unit: 'ratio',
  better: 'lower',
  against: '1 is linear growth',
};

/** Also asked by `LIN` alone, which needs them all. */
export const COST_GROWTH: Benchmark = {
  ids: [...STEPS.map(({ id }) => id), GROWTH.id],
  async *run(asked, scale) {
    const medians = new Map<number, number>();
    for (const { millions, runs, ...subject } of STEPS) {
      if (!asked.has(subject.id) && !asked.has(GROWTH.id)) continue;
      const samples = await costsOf(sizeOf(millions, scale), scale.small ? 2 : runs);
      medians.set(millions, medianOf(samples));
      yield lineOf(subject, samples);
    }
    if (asked.has(GROWTH.id)) yield lineOf(GROWTH, [medians.get(100)! / medians.get(10)!]);
  },
};

function sizeOf(millions: number, { small }: Scale): VisitsSize {
  const rows = millions * (small ? 1_000 : MILLION);
  return { rows, units: rows / ROWS_PER_UNIT };
}

/** Milliseconds per million rows of some jobs, after one that opens the file and is not counted. */
async function costsOf(size: VisitsSize, runs: number): Promise<readonly number[]> {
  const path = await visitsFile(size);
  const job = readVisits(visitsManifest(path, { name: 'visits', maxRows: size.rows }));
  const sources = new Sources({ prepare: false, memoryMiB: MEMORY_MIB });
  const state = LabState.inMemory(generateSigningKey());
  const sql = 'SELECT region, count(*) AS visits, sum(cost) AS cost FROM visits GROUP BY region';
  const samples: number[] = [];
  try {
    for (let run = 0; run <= runs; run += 1) {
      const asked = { sql, epsilon: freshEpsilon(), delta: null };
      const request = { datasets: [job.dataset], policy: job.policy, ask: asked };
      const ms = await msOf(() =>
        rehearse(request, state, { sources, workers: new WorkerPool({ warm: 0 }) }),
      );
      say(
        `${size.rows} rows: ${Math.round(ms)} ms${run === 0 ? ', with opening and digest of the file' : ''}`,
      );
      if (run > 0) samples.push((ms * MILLION) / size.rows);
    }
    return samples;
  } finally {
    await sources.close();
    await state.close();
  }
}
