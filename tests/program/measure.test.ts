/** A program's run as a whole: what it is told, what ends it, and that its workers end with it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import type { RecordEngine } from '#sandbox/execute.ts';
import type { ProgramPlan } from '#sandbox/program/compile.ts';
import { layersOfRun, measureProgram } from '#sandbox/program/measure.ts';
import { recordsOf } from '#sandbox/program/record-source.ts';
import { secureRandom } from '#sandbox/release/random.ts';
import { WorkerPool } from '#sandbox/worker/pool.ts';
import { encodeRecords } from '#sandbox/worker/records.ts';
import type { Worker } from '#sandbox/worker/worker.ts';
import { measuredOver, plannedProgram } from '#tests/support/program-path.ts';

const pool = new WorkerPool();
afterAll(() => pool.close());

const COLUMNS = { cost: { type: 'number', bounds: [0, 10] } };
const ROWS = Array.from({ length: 20 }, (_, at) => ({ uid: at, cost: 4 }));

function planned(module: string, outputs: object): ProgramPlan {
  return plannedProgram(
    { module, manifest: { name: 'map', mode: 'map', inputs: { people: ['cost'] }, outputs } },
    { columns: COLUMNS, policy: { maxRowsPerUnit: 1 } },
  );
}

const COUNT = planned('export function map(row) { return { n: 1 }; }', { n: { kind: 'count' } });

describe('what a worker is told', () => {
  const ONE = { v: { kind: 'vector', length: 1, clip: 10, granularity: 1 } };

  test('of a vector of length one: it is a list, and a bare number is none', async () => {
    const list = await measuredOver(
      planned('export function map(row) { return { v: [row.cost] }; }', ONE),
      ROWS,
      pool,
    );
    expect(list.vectors).toEqual([[80n]]);
    const bare = await measuredOver(
      planned('export function map(row) { return { v: row.cost }; }', ONE),
      ROWS,
      pool,
    );
    expect(bare.vectors).toEqual([[0n]]);
  });

  test('is the program as it is admitted again: one that admission refuses does not run', async () => {
    const { program } = COUNT.program;
    const module = 'let n = 0;\nexport function map(row) { n += 1; return { n }; }';
    const changed = { ...COUNT, program: { ...COUNT.program, program: { ...program, module } } };
    await expect(measuredOver(changed, ROWS, pool)).rejects.toMatchObject({ code: 'PROGRAM_NOT_ADMITTED' });
  });
});

/** A pool of workers that never answer; how many were started and killed. */
function silentPool(startMs = 0) {
  const count = { started: 0, killed: 0 };
  const take = async (): Promise<Worker> => {
    count.started += 1;
    await sleep(startMs);
    let isGone = false;
    const gone = Promise.withResolvers<'died'>();
    return {
      layers: [],
      exited: Promise.resolve(),
      get isGone() {
        return isGone;
      },
      map: () => gone.promise,
      block: () => gone.promise,
      kill: () => {
        count.killed += 1;
        isGone = true;
        gone.resolve('died');
      },
    };
  };
  return { workers: { take } as unknown as WorkerPool, count };
}

/** One buffer of one record, from no engine: one that is closed under a run that goes on takes the process with it. */
const ENGINE = {
  physical: {
    types: new Map([
      ['uid', 'BIGINT'],
      ['cost', 'DOUBLE'],
    ]),
    prepared: null,
  },
  query: async () => [[1n]],
  prepare: async () => undefined,
  records: async () => ({
    records: [
      {
        rows: 1,
        units: Int32Array.of(0),
        hashes: BigUint64Array.of(7n),
        bytes: encodeRecords({ rows: 1, columns: [{ kind: 'number', values: Float64Array.of(4) }] }),
      },
    ],
    next: null,
  }),
} as unknown as RecordEngine;

function run(compiled: ProgramPlan, workers: WorkerPool, signal?: AbortSignal): Promise<unknown> {
  const means = { engines: [ENGINE], workers, jail: 'preferred', seed: 's', random: secureRandom() } as const;
  return measureProgram(compiled, { ...means, ...(signal !== undefined && { signal }) });
}

describe('a run', () => {
  const limited = (wallLimitMs: number): ProgramPlan => ({
    ...COUNT,
    plan: { ...COUNT.plan, program: { ...COUNT.plan.program!, wallLimitMs } },
  });

  test('that reaches its wall limit has failed, and its worker is gone', async () => {
    const { workers, count } = silentPool();
    await expect(run(limited(300), workers)).rejects.toMatchObject({ code: 'RUN_LIMIT' });
    expect(count).toEqual({ started: 1, killed: count.killed });
    expect(count.killed).toBeGreaterThan(0);
  });

  test('that is called off ends at once, its worker with it, and takes no other', async () => {
    const { workers, count } = silentPool();
    const stop = new AbortController();
    const ended = run(limited(60_000), workers, stop.signal);
    setTimeout(() => stop.abort(), 200);
    await expect(ended).rejects.toMatchObject({ code: 'KILLED' });
    expect(count.killed).toBeGreaterThan(0);
    await sleep(50);
    // The buffer under way is told that its process is gone, and would go on in another.
    expect(count.started).toBe(1);
  });

  test('that is called off before its worker is there kills the one that comes', async () => {
    const { workers, count } = silentPool(400);
    const ended = run(limited(60_000), workers, AbortSignal.timeout(100));
    await expect(ended).rejects.toMatchObject({ code: 'KILLED' });
    await expect.poll(() => count.killed).toBeGreaterThan(0);
    expect(count.started).toBe(1);
  });

  test('that is called off before it begins does not begin', async () => {
    const { workers } = silentPool();
    await expect(run(limited(60_000), workers, AbortSignal.abort())).rejects.toMatchObject({
      code: 'KILLED',
    });
  });

  test('that ends well leaves no worker behind', async () => {
    const taken: Worker[] = [];
    const watched = {
      take: async (...given: Parameters<WorkerPool['take']>) => {
        const worker = await pool.take(...given);
        taken.push(worker);
        return worker;
      },
    } as unknown as WorkerPool;
    await run(COUNT, watched);
    expect(taken.map(({ isGone }) => isGone)).toEqual([true]);
  });
});

test('layers round a run are those that reader and worker share, and those of the worker alone', () => {
  expect(layersOfRun(['namespaces', 'seccomp'], ['seccomp', 'rlimits', 'isolate', 'jitless'])).toEqual([
    'seccomp',
    'isolate',
    'jitless',
  ]);
});

describe('the order of records', () => {
  const RANGE = 491_520;
  /** Three ranges of three buffers, each of one record: its number, and where it lies. */
  const engine = {
    physical: { types: new Map([['cost', 'DOUBLE']]), prepared: { cost: 'plain' } },
    query: async () => [[BigInt(3 * RANGE)]],
    prepare: async () => undefined,
    records: async (_query: unknown, from: number) => ({
      records: [0, 1, 2].map((buffer) => ({
        rows: 1,
        units: null,
        hashes: null,
        bytes: encodeRecords({ rows: 1, columns: [{ kind: 'number', values: Float64Array.of(buffer) }] }),
        place: [from / RANGE, buffer],
      })),
      next: null,
    }),
  } as unknown as RecordEngine;

  test('is another in every run: of ranges, and of the buffers in each', async () => {
    const orders = { ranges: new Set<string>(), buffers: new Set<string>() };
    // Each of six orders fails to come up in 200 runs with a chance of 2e-16.
    for (let turn = 0; turn < 200; turn += 1) {
      const places: (readonly [number, number])[] = [];
      const dataset = { ...COUNT.dataset, privacyUnit: { kind: 'row' } } as const;
      for await (const buffer of recordsOf(engine, { dataset, columns: ['cost'] }, secureRandom()))
        places.push(Reflect.get(buffer, 'place') as [number, number]);
      expect(places).toHaveLength(9);
      orders.ranges.add(String([...new Set(places.map(([range]) => range))]));
      orders.buffers.add(String(places.slice(0, 3).map(([, buffer]) => buffer)));
    }
    expect([orders.ranges.size, orders.buffers.size]).toEqual([6, 6]);
  });
});
