/**
 * P4, P4k, P4pg, P5: small SQL jobs through the whole platform, one at a time and many at once.
 *
 * Sources are prepared and readers are warm; timing is `exact`, so that no job waits for its release time. Each job
 * asks an ε that nobody asked before, so that none is answered from store.
 */
import { createDatabase } from './durable-postgres.ts';
import { descendantsOf, readProc } from './memory.ts';
import { type Benchmark, lineOf, medianOf, say, type Scale, type Subject } from './measure.ts';
import { type Platform, type PlatformOptions, startPlatform } from './platform.ts';

const SMALL_JOB = '200 k rows, 40 k units, prepared; submission to committed release, exact timing, warm';
const ONE: Subject = {
  id: 'P4',
  name: `SUM without keys on PGlite (${SMALL_JOB})`,
  unit: 'ms',
  better: 'lower',
  against: 'at most 40',
};
const KEYS: Subject = {
  ...ONE,
  id: 'P4k',
  name: `SUM by four listed keys on PGlite (${SMALL_JOB})`,
  against: 'at most 80',
};
const DURABLE: Subject = {
  ...ONE,
  id: 'P4pg',
  name: `SUM without keys on durable PostgreSQL (${SMALL_JOB})`,
  against: '–',
};
const SUSTAINED: Subject = {
  id: 'P5',
  name: 'small SQL jobs sustained (20 k rows, 5 k units, prepared, 20 lineages and grants, durable PostgreSQL)',
  unit: '1/s',
  better: 'higher',
  against: 'at least 60',
};

const total = (table: string): string => `SELECT sum(cost) AS cost FROM ${table}`;
const byWard = (table: string): string => `SELECT ward, sum(cost) AS cost FROM ${table} GROUP BY ward`;

export const LATENCY: Benchmark = {
  ids: ['P4', 'P4k', 'P4pg'],
  async *run(asked, scale) {
    const one = {
      rows: scale.small ? 2_000 : 200_000,
      units: scale.small ? 400 : 40_000,
      datasets: 1,
      concurrency: 1,
    };
    if (asked.has('P4') || asked.has('P4k')) {
      const embedded = await startPlatform({ ...one, place: { memory: true } });
      if (asked.has('P4')) yield lineOf(ONE, await latencies(embedded, total, scale));
      if (asked.has('P4k')) yield lineOf(KEYS, await latencies(embedded, byWard, scale));
      await embedded.close();
    }
    if (asked.has('P4pg')) {
      yield await withPostgres(one, async (platform) =>
        lineOf(DURABLE, await latencies(platform, total, scale)),
      );
    }
  },
};

export const THROUGHPUT: Benchmark = {
  ids: ['P5'],
  async *run(_asked, { small }) {
    const size = small
      ? { rows: 500, units: 100, datasets: 2 }
      : { rows: 20_000, units: 5_000, datasets: 20 };
    const options = { ...size, concurrency: CONCURRENCY };
    yield await withPostgres(options, async (platform) => {
      const seconds = small ? 1 : 5;
      await sustained(platform, options, seconds);
      const before = cpuTimes();
      const rates: number[] = [];
      for (let window = 0; window < (small ? 1 : 5); window += 1) {
        rates.push(await sustained(platform, options, seconds));
        say(`${rates.at(-1)!.toFixed(1)} jobs/s`);
      }
      tellLimit(before, rates);
      return lineOf(SUSTAINED, rates);
    });
  },
};

/** Jobs that the runner works on at once, and jobs that buyers have submitted and wait for. */
const CONCURRENCY = 6;
const SUBMITTED = 12;
const SAMPLES = 60;
const WARM_UP = 20;

async function latencies(
  platform: Platform,
  question: (table: string) => string,
  { small }: Scale,
): Promise<readonly number[]> {
  for (let run = 0; run < (small ? 1 : WARM_UP); run += 1) await platform.run(0, question);
  const samples: number[] = [];
  for (let run = 0; run < (small ? 3 : SAMPLES); run += 1) samples.push(await platform.run(0, question));
  return samples;
}

/** Jobs released per second while buyers keep a fixed number submitted, each at the next dataset in turn. */
async function sustained(
  platform: Platform,
  { datasets }: Pick<PlatformOptions, 'datasets'>,
  seconds: number,
): Promise<number> {
  const started = performance.now();
  let [next, done] = [0, 0];
  const buyer = async (): Promise<void> => {
    while (performance.now() - started < seconds * 1_000) {
      next += 1;
      await platform.run(next % datasets, total);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: SUBMITTED }, buyer));
  return done / ((performance.now() - started) / 1_000);
}

async function withPostgres<T>(
  options: Omit<PlatformOptions, 'place'>,
  work: (platform: Platform) => Promise<T>,
): Promise<T> {
  const platform = await startPlatform({ ...options, place: { url: await createDatabase() } });
  try {
    return await work(platform);
  } finally {
    await platform.close();
  }
}

interface CpuTimes {
  readonly atMs: number;
  /** Milliseconds of this process, of PostgreSQL and of the readers. */
  readonly node: number;
  readonly postgres: number;
  readonly readers: number;
}

const TICK_MS = 10;

function cpuTimes(): CpuTimes {
  const { user, system } = process.cpuUsage();
  let [postgres, readers] = [0, 0];
  for (const pid of descendantsOf(process.pid)) {
    const stat = readProc(`/proc/${pid}/stat`);
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // utime, stime: fields 14 and 15 of proc(5); the slice starts at field 3.
    const ms = (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * TICK_MS;
    if (stat.includes('(postgres)')) postgres += ms;
    else readers += ms;
  }
  return { atMs: performance.now(), node: (user + system) / 1_000, postgres, readers };
}

/** Who had the processors: the first that comes near a whole one, or all together two, is the limit. */
function tellLimit(before: CpuTimes, rates: readonly number[]): void {
  const after = cpuTimes();
  const elapsed = after.atMs - before.atMs;
  const jobs = (medianOf(rates) * elapsed) / 1_000;
  const part = (who: 'node' | 'postgres' | 'readers'): string => {
    const ms = after[who] - before[who];
    return `${who} ${(ms / elapsed).toFixed(2)} processors, ${(ms / jobs).toFixed(1)} ms a job`;
  };
  say(`${part('node')}; ${part('postgres')}; ${part('readers')}`);
}
