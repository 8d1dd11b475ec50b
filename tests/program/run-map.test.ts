/** Buffers through workers that die: what is run again, what contributes nothing, and when the job ends. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runMap } from '#sandbox/program/run-map.ts';
import type { UnitRecords } from '#sandbox/reader/protocol.ts';
import { type MapResult, type MapSetup, recordsPerBuffer } from '#sandbox/worker/protocol.ts';
import { decodeRecords, encodeRecords } from '#sandbox/worker/records.ts';
import type { Worker } from '#sandbox/worker/worker.ts';

const SETUP: MapSetup = {
  mode: 'map',
  code: '',
  params: {},
  fuel: 1000,
  columns: [{ name: 'x', kind: 'number' }],
  outputs: [{ name: 'double', width: 1 }],
  keys: [{ name: 'parity', values: [0, 1] }],
};

function bufferOf(values: readonly number[]): UnitRecords {
  const columns = [{ kind: 'number', values: Float64Array.from(values) }] as const;
  return {
    rows: values.length,
    units: Int32Array.from(values),
    hashes: null,
    bytes: encodeRecords({ rows: values.length, columns }),
  };
}

interface Deaths {
  /** Records that end the isolate they are in. */
  readonly isolate: ReadonlySet<number>;
  /** Records that end the process they are in. */
  readonly process: ReadonlySet<number>;
}

/** A worker that doubles, two buffers at a time, answers in turn, and dies of some records; `started` counts processes. */
function mortalWorkers({ isolate, process }: Deaths): {
  start: () => Promise<Worker>;
  started: () => number;
  deaths: () => number;
} {
  let started = 0;
  let deaths = 0;
  const start = async (): Promise<Worker> => {
    started += 1;
    let isGone = false;
    let turn: Promise<unknown> = Promise.resolve();
    const under: (readonly number[])[] = [];
    const answer = (): MapResult | 'died' => {
      const atWork = under.slice(0, 2).flat();
      const values = under.shift()!;
      if (isGone) return 'died';
      if (atWork.some((value) => process.has(value))) isGone = true;
      if (isGone || values.some((value) => isolate.has(value))) {
        deaths += 1;
        return 'died';
      }
      return {
        values: [Float64Array.from(values, (value) => 2 * value)],
        codes: [Int32Array.from(values, (value) => Math.abs(value % 2))],
      };
    };
    return {
      layers: [],
      exited: Promise.resolve(),
      get isGone() {
        return isGone;
      },
      map: (bytes) => {
        const [column] = decodeRecords(bytes).columns;
        under.push(column?.kind === 'number' ? [...column.values] : []);
        const mine = turn.then(() => new Promise<void>((done) => setImmediate(done))).then(answer);
        turn = mine;
        return mine;
      },
      block: () => Promise.reject(new RangeError('a map has no blocks')),
      kill: () => {
        isGone = true;
      },
    };
  };
  return { start, started: () => started, deaths: () => deaths };
}

async function mapped(
  buffers: readonly (readonly number[])[],
  deaths: Deaths,
  maxAborts = 8,
): Promise<{ seen: Map<number, number>; started: number; deaths: number }> {
  const workers = mortalWorkers(deaths);
  const seen = new Map<number, number>();
  async function* records(): AsyncGenerator<UnitRecords> {
    for (const values of buffers) yield bufferOf(values);
  }
  await runMap({ setup: SETUP, maxAborts, startWorker: workers.start, limitMs: () => 1000 }, records(), {
    take: (units, _hashes, { values, codes }) => {
      for (const [at, unit] of units!.entries()) {
        seen.set(unit, values[0]![at]!);
        expect(codes[0]![at]).toBe(Number.isNaN(values[0]![at]!) ? -1 : Math.abs(unit % 2));
      }
    },
  });
  return { seen, started: workers.started(), deaths: workers.deaths() };
}

const NONE: ReadonlySet<number> = new Set();

describe('a map over buffers', () => {
  test('gives every record its own result, whichever isolates and processes die', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: -500, max: 500 }), { minLength: 1, maxLength: 120 }),
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.tuple(fc.nat(), fc.boolean()), { maxLength: 6 }),
        async (values, size, killers) => {
          const deadly = (ofProcess: boolean): Set<number> =>
            new Set(
              killers.filter(([, kind]) => kind === ofProcess).map(([at]) => values[at % values.length]!),
            );
          const deaths = { isolate: deadly(false), process: deadly(true) };
          const buffers = Array.from({ length: Math.ceil(values.length / size) }, (_, at) =>
            values.slice(at * size, (at + 1) * size),
          );
          const { seen } = await mapped(buffers, deaths);
          expect(seen.size).toBe(values.length);
          for (const [value, double] of seen) {
            const isDeadly = deaths.isolate.has(value) || deaths.process.has(value);
            expect(double).toBe(isDeadly ? NaN : 2 * value);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  test('takes another process only for one that is gone', async () => {
    const values = Array.from({ length: 300 }, (_, at) => at);
    const buffers = [values.slice(0, 100), values.slice(100, 200), values.slice(200)];
    expect((await mapped(buffers, { isolate: new Set([5]), process: NONE })).started).toBe(1);
    // With its neighbour; then, each in a process of its own: 100, 50, 25, 13, 7, 4, 2 records, and the one alone.
    expect(await mapped(buffers, { isolate: NONE, process: new Set([150]) })).toMatchObject({
      started: 11,
      deaths: 9,
    });
  });

  test('cuts a buffer whose results would be longer than an answer may be', async () => {
    const wide: MapSetup = { ...SETUP, outputs: [{ name: 'double', width: 2 ** 20 }], keys: [] };
    const most = recordsPerBuffer(wide);
    const values = Array.from({ length: 3 * most + 1 }, (_, at) => at);
    const asked: number[] = [];
    const worker: Worker = {
      layers: [],
      exited: Promise.resolve(),
      isGone: false,
      map: (bytes, rows) => {
        asked.push(rows);
        const [column] = decodeRecords(bytes).columns;
        return Promise.resolve({
          values: [column?.kind === 'number' ? column.values : new Float64Array()],
          codes: [],
        });
      },
      block: () => Promise.reject(new RangeError('a map has no blocks')),
      kill: () => {},
    };
    const seen: number[] = [];
    async function* records(): AsyncGenerator<UnitRecords> {
      yield bufferOf(values);
    }
    await runMap(
      { setup: wide, maxAborts: 8, startWorker: () => Promise.resolve(worker), limitMs: () => 1000 },
      records(),
      {
        take: (_units, _hashes, result) => seen.push(...result.values[0]!),
      },
    );
    expect(Math.max(...asked)).toBe(most);
    expect(seen).toEqual(values);
  });

  test('ends when more records kill alone than the policy admits', async () => {
    const values = Array.from({ length: 64 }, (_, at) => at);
    const eight = new Set(values.slice(0, 8));
    await expect(mapped([values], { isolate: eight, process: NONE })).resolves.toBeDefined();
    const nine = new Set(values.slice(0, 9));
    await expect(mapped([values], { isolate: nine, process: NONE })).rejects.toMatchObject({
      code: 'PROGRAM_ABORTED',
    });
  });

  test('ends when isolates die without end, although no record kills one alone', async () => {
    const flaky = mortalWorkers({ isolate: NONE, process: NONE });
    let calls = 0;
    const startWorker = async (): Promise<Worker> => {
      const worker = await flaky.start();
      return {
        ...worker,
        isGone: false,
        map: async (bytes, rows) => (rows > 1 ? ((calls += 1), 'died') : worker.map(bytes, rows)),
      };
    };
    async function* records(): AsyncGenerator<UnitRecords> {
      for (let at = 0; at < 10; at += 1)
        yield bufferOf(Array.from({ length: 256 }, (_, index) => 256 * at + index));
    }
    const run = runMap({ setup: SETUP, maxAborts: 8, startWorker, limitMs: () => 1000 }, records(), {
      take: () => {},
    });
    await expect(run).rejects.toMatchObject({ code: 'PROGRAM_ABORTED' });
    expect(calls).toBeLessThanOrEqual(32 * 8 + 3);
  });

  test('that made a dead isolate’s whole buffer nothing would be seen here: the control', async () => {
    // What the contract forbids: one record decides about its 99 neighbours.
    const values = Array.from({ length: 100 }, (_, at) => at);
    const lazy = async (deadly: ReadonlySet<number>): Promise<number> => {
      const worker = await mortalWorkers({ isolate: deadly, process: NONE }).start();
      const result = await worker.map(bufferOf(values).bytes, 100);
      return result === 'died' ? 0 : 100;
    };
    expect((await lazy(NONE)) - (await lazy(new Set([7])))).toBe(100);
    const counted = ({ seen }: { seen: Map<number, number> }): number =>
      [...seen.values()].filter((value) => !Number.isNaN(value)).length;
    const [without, withOne] = [
      await mapped([values], { isolate: NONE, process: NONE }),
      await mapped([values], { isolate: new Set([7]), process: NONE }),
    ];
    expect(counted(without) - counted(withOne)).toBe(1);
  });

  test('fails as its records fail, and ends its worker', async () => {
    const workers = mortalWorkers({ isolate: NONE, process: NONE });
    let worker: Worker | null = null;
    const startWorker = async (): Promise<Worker> => (worker = await workers.start());
    async function* records(): AsyncGenerator<UnitRecords> {
      yield bufferOf([1, 2]);
      throw new RangeError('the reader is gone');
    }
    const run = runMap({ setup: SETUP, maxAborts: 8, startWorker, limitMs: () => 1000 }, records(), {
      take: () => {},
    });
    await expect(run).rejects.toThrow('the reader is gone');
    await expect.poll(() => worker?.isGone).toBe(true);
  });
});
