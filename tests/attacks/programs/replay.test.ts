/**
 * Replay of programs on neighbouring data: Partials of the real path never lie further apart than one unit may move them,
 * and those of builds that are weak on purpose do.
 *
 * Not covered: programs at random; tests/program has them, against the reference engine.
 */
import { afterAll, describe, expect, test } from 'vitest';
import type { Partials, Plan } from '#sandbox/plan.ts';
import type { ProgramPlan } from '#sandbox/program/compile.ts';
import { sensitivityOf } from '#sandbox/release/sensitivity.ts';
import { WorkerPool } from '#sandbox/worker/pool.ts';
import { decodeRecords } from '#sandbox/worker/records.ts';
import type { Worker } from '#sandbox/worker/worker.ts';
import { distances, violations } from '#tests/support/neighbours.ts';
import { plannedProgram, replayed, type Weakness } from '#tests/support/program-path.ts';
import type { Row } from '#tests/support/reference-expression.ts';

const pool = new WorkerPool();
afterAll(() => pool.close());

const COLUMNS = { secret: { type: 'integer' }, cost: { type: 'number', bounds: [0, 10] } };
const OTHERS: readonly Row[] = Array.from({ length: 600 }, (_, at) => ({
  uid: at >> 1,
  secret: 0,
  cost: at % 10,
}));
/** One person with many records, all of which misbehave. */
const VICTIM: readonly Row[] = Array.from({ length: 12 }, () => ({ uid: 4711, secret: 1, cost: 10 }));

async function onNeighbours(
  planned: ProgramPlan,
  weakness: Weakness,
  victim: readonly Row[] = VICTIM,
): Promise<readonly [Partials, Partials]> {
  return Promise.all([
    replayed(planned, [...OTHERS, ...victim], pool, weakness),
    replayed(planned, OTHERS, pool, weakness),
  ]);
}

describe('a map', () => {
  const MAP = plannedProgram(
    {
      module: `export function map(row) {
  if (row.secret === 1) for (;;) { }
  return { n: 1, spend: row.cost };
}
`,
      manifest: {
        name: 'map',
        mode: 'map',
        inputs: { people: ['secret', 'cost'] },
        outputs: { n: { kind: 'count' }, spend: { kind: 'sum', bounds: [0, 10], granularity: 1 } },
      },
    },
    { columns: COLUMNS, policy: { maxRowsPerUnit: 2, maxAborts: 16 } },
  );
  const found = async (weakness: Weakness, victim?: readonly Row[]): Promise<readonly string[]> => {
    const [all, rest] = await onNeighbours(MAP, weakness, victim);
    return violations(distances(all, rest, MAP.plan), MAP.plan);
  };
  /** What a worker would do if every isolate with the victim in it died. */
  const mortal =
    (survive: (worker: Worker, rows: number) => ReturnType<Worker['map']>) =>
    (worker: Worker): Worker => ({
      ...worker,
      layers: worker.layers,
      isGone: false,
      kill: () => worker.kill(),
      map: (bytes, rows) => {
        const [secret] = decodeRecords(bytes).columns;
        const isDeadly = secret?.kind === 'number' && secret.values.includes(1);
        return isDeadly ? survive(worker, rows) : worker.map(bytes, rows);
      },
    });

  test('of records that use up their fuel moves by no more than one unit may move it', async () => {
    expect(await found({})).toEqual([]);
  });

  test('control: fuel that all records of a buffer share is found', async () => {
    const shared = (code: string): string => {
      const weak = code.replace(
        '{ $fuel = fuel; $depth = 0; }',
        '{ if ($fuel > 9000) $fuel = 8000; $depth = 0; }',
      );
      expect(weak).not.toBe(code);
      return weak;
    };
    // Whoever comes after one of the victim's records gets nothing. That fewer than three of 600 come after the first
    // of twelve has a chance below 1e-20.
    expect(await found({ code: shared })).toEqual(['measure 0: rows', 'measure 1: sum']);
  });

  test('of records that kill their isolate moves by no more than one unit may move it', async () => {
    const worker = mortal(async () => 'died');
    expect(await found({ worker }, VICTIM.slice(0, 2))).toEqual([]);
  });

  test('control: a dead isolate that turns its whole buffer into defaults is found', async () => {
    const nothing = (length: number): Float64Array => new Float64Array(length).fill(NaN);
    const worker = mortal(async (_, rows) => ({ values: [nothing(rows), nothing(rows)], codes: [] }));
    expect(await found({ worker }, VICTIM.slice(0, 2))).toEqual(['measure 0: rows', 'measure 1: sum']);
  });
});

describe('blocks', () => {
  const BLOCKS = plannedProgram(
    {
      module: `export function run(table) {
  const isBad = table.some((row) => row.secret === 1);
  return { a: isBad ? 1e9 : 0, b: isBad ? -1e9 : 5, c: isBad ? [9, 9, 9] : [0, 0, 0] };
}
`,
      manifest: {
        name: 'blocks',
        mode: 'blocks',
        inputs: { people: ['secret', 'cost'] },
        blocks: { count: 8, cpuMs: 500 },
        outputs: {
          a: { kind: 'mean', bounds: [0, 10], granularity: 1 },
          b: { kind: 'mean', bounds: [-5, 5], granularity: 1 },
          c: { kind: 'vector', length: 3, bounds: [0, 9], granularity: 1 },
        },
      },
    },
    { columns: COLUMNS },
  );
  const { plan } = BLOCKS;
  const declared = sensitivityOf(plan, plan.measures[0]!);
  /** As if a unit touched as many entries as it may touch groups. */
  const chargedWithGroups = (): { readonly l1: bigint; readonly l2Squared: bigint } => {
    const cells = BigInt(plan.bounding.cellsPerUnit);
    return { l1: cells * 10n, l2Squared: cells * 100n };
  };
  const isWithin = (moved: ReturnType<typeof moves>, bound: typeof declared): boolean =>
    moved.l1 <= bound.l1 && moved.l2Squared <= bound.l2Squared;

  function moves([all, rest]: readonly [Partials, Partials], { measures }: Plan = plan) {
    expect(measures).toHaveLength(1);
    return distances(all, rest, plan).vectors[0]!;
  }

  test('move by exactly their sensitivity, in all entries, for a unit that spoils its block', async () => {
    const moved = moves(await onNeighbours(BLOCKS, {}));
    expect(moved).toEqual(declared);
    expect(declared).toEqual({ l1: 10n + 10n + 27n, l2Squared: 100n + 100n + 3n * 81n });
  });

  test('control: charged with the groups of a unit, they move by more than is charged', async () => {
    expect(isWithin(moves(await onNeighbours(BLOCKS, {})), chargedWithGroups())).toBe(false);
  });

  test('control: a partition that splits a unit is found', async () => {
    // Twelve records that all fall into one block of eight by chance: 8^-11, below 2e-10.
    const moved = moves(await onNeighbours(BLOCKS, { privacyUnit: { kind: 'row' } }));
    expect(isWithin(moved, declared)).toBe(false);
  });
});
