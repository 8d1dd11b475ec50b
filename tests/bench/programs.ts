/**
 * P2, P2o, P2j, P2f, P2s, P3, PJ, P6, P6w, PB, P11w: what it costs to run a buyer's code in an isolate in a jail.
 *
 * The function caps a cost and passes a region on; rows have three columns, one of them text. Workers are jailed
 * processes as in production, buffers hold 61,440 records, and each buffer has an isolate of its own. Whole jobs
 * run from the lab's request to the signed receipt over a warm reader.
 */
import { spawnSync } from 'node:child_process';
import { runInThisContext } from 'node:vm';
import { getQuickJS } from 'quickjs-emscripten';
import { generateSigningKey } from '#crypto/ed25519-key.ts';
import { LabState } from '#gateway/lab/state.ts';
import { type LabRequest, rehearse } from '#gateway/lab/rehearse.ts';
import { Sources } from '#gateway/runner/sources.ts';
import { admitProgram } from '#sandbox/program/admission/admit.ts';
import { parseProgramManifest } from '#sandbox/program/manifest-file.ts';
import { type Program, programDigestOf } from '#sandbox/program/program.ts';
import { fileOrder, type Order, secretOrder } from '#sandbox/worker/order.ts';
import { WorkerPool } from '#sandbox/worker/pool.ts';
import type { MapSetup } from '#sandbox/worker/protocol.ts';
import { encodeRecords } from '#sandbox/worker/records.ts';
import { startWorker, type Worker } from '#sandbox/worker/worker.ts';
import { type Benchmark, lineOf, msOf, pairsOf, type Scale, say, type Subject } from './measure.ts';
import { descendantsOf, peakMiB, readProc } from './memory.ts';
import { freshEpsilon, readVisits, visitsFile, visitsManifest, type VisitsSize } from './visits.ts';

const MAP = 'map over 10 M rows × 3 columns in isolates of a jailed worker, profile fast';
const SHUFFLED: Subject = {
  id: 'P2',
  name: `${MAP}, shuffled buffers`,
  unit: 'ratio',
  better: 'lower',
  against: 'the same function in plain Node over the same arrays in order; at most 4',
};
const IN_ORDER: Subject = {
  ...SHUFFLED,
  id: 'P2o',
  name: `${MAP}, buffers in order`,
  against: 'the same function in plain Node over the same arrays in order; at most 1.5',
};
const STRICT: Subject = {
  id: 'P2j',
  name: 'rows per second of the same map, profile strict, shuffled',
  unit: 'ratio',
  better: 'higher',
  against: 'the same function in plain Node with --jitless; at least 0.5',
};
const FAST_PEER: Subject = {
  id: 'P2f',
  name: 'rows per second of the same map, profile fast, shuffled',
  unit: 'ratio',
  better: 'higher',
  against: 'the same function in quickjs-emscripten; at least 20',
};
const STRICT_PEER: Subject = {
  ...FAST_PEER,
  id: 'P2s',
  name: STRICT.name,
  against: 'the same function in quickjs-emscripten; at least 2',
};
const BY_UNIT: Subject = {
  id: 'P3',
  name: 'whole program job, profile fast, 10 M rows of 1 M units on prepared data, rows per second',
  unit: '1/s',
  better: 'higher',
  against: 'at least 3000000',
};
const BY_ROW: Subject = {
  ...BY_UNIT,
  id: 'PJ',
  name: 'whole program job, profile fast, 10 M Parquet rows that are units, rows per second',
  against: 'at least 8000000',
};
const COLD: Subject = {
  id: 'P6',
  name: 'cold program job: process, jail, snapshot, isolate, to the first row',
  unit: 'ms',
  better: 'lower',
  against: 'at most 200',
};
const WARM: Subject = { ...COLD, id: 'P6w', name: 'the same from a warm process', against: 'at most 60' };
const BLOCKS: Subject = {
  id: 'PB',
  name: '100 blocks of a small program over 200 k rows, whole job',
  unit: 'ms',
  better: 'lower',
  against: 'at most 1500',
};
const MEMORY: Subject = {
  id: 'P11w',
  name: 'peak memory of the worker in a map over 100 M rows',
  unit: 'MiB',
  better: 'lower',
  against: 'at most 1024',
};

const BUFFER_ROWS = 61_440;
const REGIONS = ['north', 'south', 'east', 'west'];
const MODULE = `export function map(row, params) {
  return { spend: row.cost > params.cap ? params.cap : row.cost * 1.1, region: row.region };
}
`;
const MANIFEST = `kind: Program
name: spend
mode: map
inputs: { visits: [region, age, cost] }
params: { cap: { type: number, default: 500 } }
outputs:
  spend: { kind: sum, bounds: [0, 550], granularity: 1, by: { region: [north, south, east, west] } }
`;
const BLOCK_MODULE = `export function run(table) {
  let sum = 0;
  for (const row of table) sum += row.cost ?? 0;
  return { mean: table.length === 0 ? 0 : sum / table.length };
}
`;
const BLOCK_MANIFEST = `kind: Program
name: mean-cost
mode: blocks
inputs: { visits: [cost] }
outputs:
  mean: { kind: mean, bounds: [0, 5000] }
blocks: { count: 100, cpuMs: 1000 }
`;

const MAPPED: readonly Subject[] = [SHUFFLED, IN_ORDER, STRICT, FAST_PEER, STRICT_PEER];
const JOBS: readonly Subject[] = [BY_UNIT, BY_ROW, COLD, WARM, BLOCKS, MEMORY];

export const PROGRAMS: Benchmark = {
  ids: [...MAPPED, ...JOBS].map(({ id }) => id),
  async *run(asked, scale) {
    for (const subject of MAPPED)
      if (asked.has(subject.id)) yield lineOf(subject, await MAPPINGS[subject.id]!(scale));
    for (const subject of JOBS)
      if (asked.has(subject.id)) yield lineOf(subject, await RUNS[subject.id]!(scale));
  },
};

const MAPPINGS: Readonly<Record<string, (scale: Scale) => Promise<readonly number[]>>> = {
  P2: (scale) => againstPlain(scale, secretOrder()),
  P2o: (scale) => againstPlain(scale, fileOrder),
  P2j: async ({ small }) => {
    const rows = small ? BUFFER_ROWS : 20 * BUFFER_ROWS;
    const ratios: number[] = [];
    for (let pair = 0; pair < (small ? 1 : 5); pair += 1)
      ratios.push(plainMs(rows, ['--jitless']) / (await mappedMs('strict', rows, secretOrder())));
    return ratios;
  },
  P2f: (scale) => againstQuickjs(scale, 'fast'),
  P2s: (scale) => againstQuickjs(scale, 'strict'),
};

const RUNS: Readonly<Record<string, (scale: Scale) => Promise<readonly number[]>>> = {
  P3: (scale) => jobRates(scale, { prepare: true, unit: 'patient_id' }),
  PJ: (scale) => jobRates(scale, { prepare: false, unit: 'row' }),
  P6: ({ small }) => startTimes(small ? 2 : 11, false),
  P6w: ({ small }) => startTimes(small ? 2 : 11, true),
  PB: ({ small }) => blockTimes(small),
  P11w: ({ small }) => workerPeak(small),
};

/** The same arrays for everyone: a text by code, an integer, a number. */
function columnsOf(rows: number): {
  readonly codes: Int32Array;
  readonly ages: Float64Array;
  readonly costs: Float64Array;
} {
  return {
    codes: Int32Array.from({ length: rows }, (_, row) => row % REGIONS.length),
    ages: Float64Array.from({ length: rows }, (_, row) => row % 96),
    costs: Float64Array.from({ length: rows }, (_, row) => (row * 7919) % 1000),
  };
}

function setup(): MapSetup {
  const { code } = admitProgram(MODULE, 'map', null);
  if (code === null) throw new Error('the benchmark’s own program is admitted');
  return {
    mode: 'map',
    code,
    params: { cap: 500 },
    fuel: 1000,
    columns: [
      { name: 'region', kind: 'text' },
      { name: 'age', kind: 'number' },
      { name: 'cost', kind: 'number' },
    ],
    outputs: [{ name: 'spend', width: 1 }],
    keys: [{ name: 'region', values: REGIONS }],
  };
}

async function againstPlain({ small }: Scale, order: Order): Promise<readonly number[]> {
  const buffers = small ? 2 : 163;
  const records = recordsOf();
  const ours = async (): Promise<void> => {
    const worker = await (await startWorker({ engine: 'fast' })).employ('preferred', setup(), order);
    await mapAll(worker, records, buffers);
    worker.kill();
  };
  const plain = plainFunction();
  const columns = columnsOf(BUFFER_ROWS);
  const theirs = (): Promise<void> => {
    for (let buffer = 0; buffer < buffers; buffer += 1) plain(columns, REGIONS);
    return Promise.resolve();
  };
  return pairsOf(small ? 1 : 5, ours, theirs);
}

function recordsOf(): Buffer {
  const { codes, ages, costs } = columnsOf(BUFFER_ROWS);
  return encodeRecords({
    rows: BUFFER_ROWS,
    columns: [
      { kind: 'text', codes, dictionary: REGIONS },
      { kind: 'number', values: ages },
      { kind: 'number', values: costs },
    ],
  });
}

/** As the runner does it: some buffers ahead, so that the worker never waits. */
async function mapAll(worker: Worker, records: Buffer, buffers: number): Promise<void> {
  const AHEAD = 3;
  const under: Promise<unknown>[] = [];
  for (let buffer = 0; buffer < buffers; buffer += 1) {
    under.push(worker.map(records, BUFFER_ROWS));
    if (under.length > AHEAD) await under.shift();
  }
  await Promise.all(under);
}

async function mappedMs(engine: 'fast' | 'strict', rows: number, order: Order): Promise<number> {
  const worker = await (await startWorker({ engine })).employ('preferred', setup(), order);
  const records = recordsOf();
  await worker.map(records, BUFFER_ROWS);
  const ms = await msOf(() => mapAll(worker, records, rows / BUFFER_ROWS));
  worker.kill();
  return ms;
}

/** What anyone would write: a row object per record, the function, its result read. */
const PLAIN = `({ codes, ages, costs }, regions) => {
  const map = ${MODULE.replace('export ', '')};
  const params = { cap: 500 };
  const spend = new Float64Array(codes.length), region = new Int32Array(codes.length);
  const index = new Map(regions.map((name, at) => [name, at]));
  for (let at = 0; at < codes.length; at += 1) {
    const result = map({ region: regions[codes[at]], age: ages[at], cost: costs[at] }, params);
    spend[at] = result.spend;
    region[at] = index.get(result.region) ?? -1;
  }
  return spend;
}`;

type PlainFunction = (columns: ReturnType<typeof columnsOf>, regions: readonly string[]) => Float64Array;

function plainFunction(): PlainFunction {
  return runInThisContext(`(${PLAIN})`) as PlainFunction;
}

const PLAIN_SCRIPT = `
  const rows = Number(process.argv[1]), regions = ${JSON.stringify(REGIONS)};
  const columns = {
    codes: Int32Array.from({ length: ${BUFFER_ROWS} }, (_, row) => row % regions.length),
    ages: Float64Array.from({ length: ${BUFFER_ROWS} }, (_, row) => row % 96),
    costs: Float64Array.from({ length: ${BUFFER_ROWS} }, (_, row) => (row * 7919) % 1000),
  };
  const run = ${PLAIN};
  run(columns, regions);
  const started = performance.now();
  for (let done = 0; done < rows; done += ${BUFFER_ROWS}) run(columns, regions);
  console.log(performance.now() - started);
`;

function plainMs(rows: number, flags: readonly string[]): number {
  const { stdout } = spawnSync(process.execPath, [...flags, '-e', PLAIN_SCRIPT, String(rows)], {
    encoding: 'utf8',
  });
  return Number(stdout);
}

async function againstQuickjs({ small }: Scale, engine: 'fast' | 'strict'): Promise<readonly number[]> {
  const rows = small ? BUFFER_ROWS : (engine === 'fast' ? 80 : 20) * BUFFER_ROWS;
  const ratios: number[] = [];
  for (let pair = 0; pair < (small ? 1 : 5); pair += 1) {
    const theirs = (await quickjsMs()) / BUFFER_ROWS;
    const ours = (await mappedMs(engine, rows, secretOrder())) / rows;
    ratios.push(theirs / ours);
  }
  return ratios;
}

/** One buffer in QuickJS, arrays made inside, so that nothing but the function is measured. */
async function quickjsMs(): Promise<number> {
  const context = (await getQuickJS()).newContext();
  const script = PLAIN_SCRIPT.replace('Number(process.argv[1])', String(BUFFER_ROWS))
    .replaceAll('performance.now()', '0')
    .replace('console.log(0 - started);', '');
  const warmed = script.slice(0, script.indexOf('run(columns, regions);'));
  context
    .unwrapResult(context.evalCode(`${warmed}; globalThis.run = () => { run(columns, regions); return 1; };`))
    .dispose();
  const ms = await msOf(() => {
    context.unwrapResult(context.evalCode('globalThis.run()')).dispose();
    return Promise.resolve();
  });
  context.dispose();
  return ms;
}

interface JobShape {
  readonly prepare: boolean;
  readonly unit: 'patient_id' | 'row';
}

async function jobRates({ small }: Scale, { prepare, unit }: JobShape): Promise<readonly number[]> {
  const size: VisitsSize = small ? { rows: 100_000, units: 10_000 } : { rows: 10_000_000, units: 1_000_000 };
  const times = await jobTimes(size, { prepare, unit, program: spendProgram(), runs: small ? 1 : 5 });
  return times.map((ms) => (size.rows * 1000) / ms);
}

async function blockTimes(small: boolean): Promise<readonly number[]> {
  const size = { rows: 200_000, units: 40_000 };
  return jobTimes(size, {
    prepare: true,
    unit: 'patient_id',
    program: programOf(BLOCK_MODULE, BLOCK_MANIFEST),
    runs: small ? 1 : 7,
  });
}

async function jobTimes(
  size: VisitsSize,
  { prepare, unit, program, runs }: JobShape & { readonly program: Program; readonly runs: number },
): Promise<readonly number[]> {
  const path = await visitsFile(size);
  const job = readVisits(visitsManifest(path, { name: 'visits', maxRows: size.rows, unit }));
  const sources = new Sources({ prepare });
  const workers = new WorkerPool();
  const state = LabState.inMemory(generateSigningKey());
  const policy = { ...job.policy, engine: 'fast' as const };
  try {
    const samples: number[] = [];
    for (let run = 0; run <= runs; run += 1) {
      const ask = { program, params: null, epsilon: freshEpsilon(), delta: null };
      const request: LabRequest = { datasets: [job.dataset], policy, ask };
      const ms = await msOf(() => rehearse(request, state, { sources, workers }));
      say(`${size.rows} rows: ${Math.round(ms)} ms${run === 0 ? ', with opening' : ''}`);
      if (run > 0) samples.push(ms);
    }
    return samples;
  } finally {
    await workers.close();
    await sources.close();
    await state.close();
  }
}

function spendProgram(): Program {
  return programOf(MODULE, MANIFEST.replace('east, west', 'east, centre'));
}

function programOf(module: string, manifestText: string): Program {
  const manifest = parseProgramManifest(manifestText, { path: 'prog.yaml' });
  return { module, manifest, digest: programDigestOf(module, manifest.source) };
}

async function startTimes(count: number, isWarm: boolean): Promise<readonly number[]> {
  const pool = new WorkerPool({ warm: isWarm ? 1 : 0 });
  const records = encodeRecords({
    rows: 1,
    columns: [
      { kind: 'text', codes: Int32Array.of(0), dictionary: REGIONS },
      { kind: 'number', values: Float64Array.of(1) },
      { kind: 'number', values: Float64Array.of(1) },
    ],
  });
  const samples: number[] = [];
  for (let run = 0; run <= count; run += 1) {
    if (isWarm) {
      pool.warm('strict');
      await new Promise((resolve) => {
        setTimeout(resolve, 1000);
      });
    }
    const ms = await msOf(async () => {
      const worker = await pool.take('strict', 'preferred', setup());
      await worker.map(records, 1);
      worker.kill();
    });
    if (run > 0) samples.push(ms);
  }
  await pool.close();
  return samples;
}

/** The most that a worker's process held, looked at while it runs. */
async function workerPeak(small: boolean): Promise<readonly number[]> {
  const size = small ? { rows: 100_000, units: 5_000 } : { rows: 100_000_000, units: 5_000_000 };
  let peak = 0;
  const look = setInterval(() => {
    for (const pid of descendantsOf(process.pid))
      if (readProc(`/proc/${pid}/cmdline`).includes('worker-process')) peak = Math.max(peak, peakMiB(pid));
  }, 50);
  try {
    const [ms] = await jobTimes(size, { prepare: false, unit: 'row', program: spendProgram(), runs: 1 });
    say(`the job took ${Math.round(ms!)} ms`);
    return [peak];
  } finally {
    clearInterval(look);
  }
}
