/** Blocks: every unit in one of them, its answer its own, and a copy that is gone afterwards. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Dataset } from '#sandbox/manifest/dataset.ts';
import { type BlocksRun, runBlocks } from '#sandbox/program/run-blocks.ts';
import { decodeRecords } from '#sandbox/worker/records.ts';
import type { Worker } from '#sandbox/worker/worker.ts';
import { type InProcessEngine, openRows } from '#tests/support/in-process-engine.ts';

const DATASET: Dataset = {
  kind: 'Dataset',
  name: 'visits',
  title: null,
  source: { type: 'csv', path: '' },
  lineage: 'visits',
  timeZone: 'UTC',
  privacyUnit: { kind: 'column', column: 'person' },
  unitDomain: 'visits',
  population: null,
  origin: 'synthetic',
  grade: 'general',
  maxRows: 2 ** 20,
  columns: (['person', 'who', 'note'] as const).map((name) => ({
    name,
    type: { kind: name === 'note' ? 'string' : 'integer' },
    role: name === 'person' ? 'unit' : 'value',
    bounds: null,
    granularity: null,
    values: null,
  })),
};
const COLUMNS = [
  { column: 'who', kind: 'number' },
  { column: 'note', kind: 'text' },
] as const;

/** A worker that remembers what it was given, and answers with its number of records. */
function recorder(fate: (block: number) => 'answers' | 'fails' | 'dies' = () => 'answers'): {
  readonly start: () => Promise<Worker>;
  readonly blocks: number[][];
  readonly started: () => number;
} {
  const blocks: number[][] = [];
  let started = 0;
  const start = async (): Promise<Worker> => {
    started += 1;
    let isGone = false;
    return {
      layers: [],
      exited: Promise.resolve(),
      get isGone() {
        return isGone;
      },
      map: () => Promise.reject(new RangeError('a block is no buffer')),
      block: async ([table]) => {
        const { rows, columns } = decodeRecords(table!);
        const [who] = columns;
        const at = blocks.push(who?.kind === 'number' ? [...who.values] : []) - 1;
        if (fate(at) === 'fails') return 'failed';
        isGone = fate(at) === 'dies';
        return isGone ? 'died' : [Float64Array.of(rows)];
      },
      kill: () => {},
    };
  };
  return { start, blocks, started: () => started };
}

const rowsOf = (people: readonly number[]): { person: number; who: number; note: string }[] =>
  people.map((person) => ({ person, who: person, note: `note ${person}` }));

function run(
  engine: InProcessEngine,
  dataset: Dataset,
  parts: Partial<BlocksRun> & Pick<BlocksRun, 'startWorker'>,
): ReturnType<typeof runBlocks> {
  return runBlocks({ count: 7, secret: 's', inputs: [{ engine, dataset, columns: COLUMNS }], ...parts });
}

describe('blocks', () => {
  test('hold every record once, and a unit whole', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 300 }), async (people) => {
        using engine = await openRows(rowsOf(people), DATASET.columns);
        const { start, blocks } = recorder();
        const answers = await run(engine, DATASET, { startWorker: start });
        expect(blocks).toHaveLength(7);
        expect(blocks.flat().toSorted((a, b) => a - b)).toEqual(people.toSorted((a, b) => a - b));
        for (const person of people) expect(blocks.filter((block) => block.includes(person))).toHaveLength(1);
        expect(answers.map((answer) => answer![0]![0])).toEqual(blocks.map((block) => block.length));
        expect(
          await engine.query("SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'blocks%'", []),
        ).toEqual([[0n]]);
      }),
      { numRuns: 40 },
    );
  });

  test('leave the other units where they were when one is gone, and move them with another secret', async () => {
    const people = Array.from({ length: 400 }, (_, at) => at % 40);
    const blockOf = async (present: readonly number[], secret: string): Promise<Map<number, number>> => {
      using engine = await openRows(rowsOf(present), DATASET.columns);
      const { start, blocks } = recorder();
      await run(engine, DATASET, { startWorker: start, secret });
      return new Map(blocks.flatMap((block, at) => block.map((person) => [person, at] as const)));
    };
    const all = await blockOf(people, 'a');
    const without = await blockOf(
      people.filter((person) => person !== 11),
      'a',
    );
    expect(without).toEqual(new Map([...all].filter(([person]) => person !== 11)));
    expect(await blockOf(people, 'b')).not.toEqual(all);
  });

  test('are about equal in size where every row is a unit, and no row is in two', async () => {
    const dataset: Dataset = {
      ...DATASET,
      privacyUnit: { kind: 'row' },
      columns: DATASET.columns.map((column) => ({ ...column, role: 'value' })),
    };
    using engine = await openRows(rowsOf(Array.from({ length: 7000 }, (_, at) => at)), dataset.columns);
    const { start, blocks } = recorder();
    await run(engine, dataset, { startWorker: start });
    expect(new Set(blocks.flat()).size).toBe(7000);
    // Binomial(7000, 1/7): six standard deviations of 29 each; false alarms below 1e-7.
    for (const block of blocks) expect(Math.abs(block.length - 1000)).toBeLessThan(176);
  });

  test('that fail have no answer, and a worker that dies is replaced once for the blocks after it', async () => {
    using engine = await openRows(rowsOf([1, 2, 3]), DATASET.columns);
    const { start, started } = recorder((block) =>
      block === 1 ? 'fails' : block === 3 ? 'dies' : 'answers',
    );
    const answers = await run(engine, DATASET, { startWorker: start });
    expect(answers.map((answer) => answer === null)).toEqual([false, true, false, true, false, false, false]);
    expect(started()).toBe(2);
  });

  test('of more records than one buffer holds reach the program whole, texts included', async () => {
    const people = Array.from({ length: 150_000 }, (_, at) => at % 3);
    using engine = await openRows(rowsOf(people), DATASET.columns);
    const { start, blocks } = recorder();
    await run(engine, DATASET, { startWorker: start, count: 2 });
    expect(blocks.flat()).toHaveLength(150_000);
    expect(Math.max(...blocks.map((block) => block.length))).toBeGreaterThan(65_536);
  });
});
