/** Answers of programs: cells of several grids, vectors and blocks with their keys, error bars, and as they are stored. */
import { describe, expect, test } from 'vitest';
import { Failure } from '#policies/refusal.ts';
import { render } from '#policies/words.ts';
import { cellsOfEvidence, evidenceOfCells } from '#gateway/receipt.ts';
import { cellsOf, type Partials, type Plan, widthOf } from '#sandbox/plan.ts';
import type { Program, ProgramOutput } from '#sandbox/program/program.ts';
import { bitsOutOf } from '#sandbox/release/bits-out.ts';
import { expectedErrorsOf } from '#sandbox/release/expected-error.ts';
import { NoisePool } from '#sandbox/release/noise-pool.ts';
import { notesOf } from '#sandbox/release/notes.ts';
import { type Output, present } from '#sandbox/release/present.ts';
import { release } from '#sandbox/release/release.ts';
import { mechanismOf, plannedUsageOf } from '#sandbox/release/statement.ts';
import { secureRandom } from '#sandbox/release/random.ts';
import { tapedRandom } from '#tests/support/byte-tape.ts';
import {
  blocksWith,
  compiledProgram,
  countOf,
  type ProgramCircumstances,
  programWith,
  sumOf,
} from '#tests/support/programs.ts';

const REGION = { name: 'region', values: ['n', 's', 'e'] };
const LEVEL = { name: 'level', values: [1, 2] };
type VectorOutput = Extract<ProgramOutput, { kind: 'vector' }>;
const vector = (parts: Partial<VectorOutput> = {}): VectorOutput => ({
  kind: 'vector',
  name: 'g',
  by: [],
  quality: false,
  length: 2,
  clip: 8,
  bounds: null,
  granularity: 1,
  ...parts,
});

/** Near enough to no noise for a half of a step: ε 1e10. */
const NEAR_EXACT: ProgramCircumstances = {
  ask: { epsilon: 1e10 },
  policy: {
    budget: { epsilon: 1e10, delta: 1e-6 },
    perJob: { epsilon: 1, max: 1e10, delta: 1e-7 },
    maxGroupsPerUnit: 9,
  },
};

/** Entry e of measure m is 100·m + e. */
function counted(plan: Plan): Partials {
  const vectors = plan.measures.map((measure, m) =>
    Array.from({ length: cellsOf(plan, measure)! * widthOf(measure) }, (_, entry) => BigInt(100 * m + entry)),
  );
  return { keys: null, vectors };
}

function answerOf(program: Program, given = NEAR_EXACT, partials = counted): readonly Output[] {
  const { plan, presentation } = compiledProgram(program, given);
  const cells = release(plan, partials(plan), new NoisePool(plan, secureRandom()).fill());
  const again = cellsOfEvidence(plan, JSON.stringify(evidenceOfCells(cells)));
  expect(again).toEqual(cells);
  return present(plan, again, presentation);
}

const short = (outputs: readonly Output[]): unknown[] =>
  outputs.map(({ name, key, value }) => [name, key, value]);

describe('an answer of several grids', () => {
  test('has a cell for every key of every output, those of one grid together', () => {
    const program = programWith({
      outputs: [
        countOf('n', { by: [REGION] }),
        sumOf('all', { granularity: 1 }),
        countOf('m', { by: [LEVEL] }),
      ],
    });
    expect(short(answerOf(program))).toEqual([
      ['n', { region: 'n' }, 0],
      ['n', { region: 's' }, 1],
      ['n', { region: 'e' }, 2],
      ['all', null, 100],
      ['m', { level: 1 }, 200],
      ['m', { level: 2 }, 201],
    ]);
  });

  test('runs over keys in the order of the output, first slowest', () => {
    const program = programWith({
      outputs: [countOf('a', { by: [REGION, LEVEL] }), countOf('b', { by: [LEVEL, REGION] })],
    });
    const outputs = answerOf(program);
    expect(short(outputs.filter(({ name }) => name === 'b')).slice(0, 4)).toEqual([
      ['b', { level: 1, region: 'n' }, 100],
      ['b', { level: 1, region: 's' }, 101],
      ['b', { level: 1, region: 'e' }, 102],
      ['b', { level: 2, region: 'n' }, 103],
    ]);
  });

  test('withholds a small cell by the units of its own grid', () => {
    const given = { ...NEAR_EXACT, policy: { ...NEAR_EXACT.policy, hideBelow: 5 } };
    const program = programWith({ outputs: [countOf('n', { by: [REGION] }), countOf('all')] });
    const units = (plan: Plan): Partials => ({
      keys: null,
      vectors: plan.measures.map(({ kind }, index) =>
        kind === 'units'
          ? [[1n, 9n, 1n], [11n]][plan.measures[index]!.over === undefined ? 0 : 1]!
          : counted(plan).vectors[index]!,
      ),
    });
    expect(answerOf(program, given, units).map(({ value, reason }) => [value, reason])).toEqual([
      [null, 'COHORT'],
      [1, undefined],
      [null, 'COHORT'],
      [100, undefined],
    ]);
  });
});

describe('an answer of vectors', () => {
  test('has an output per entry, counted from 1 beside the keys', () => {
    const program = programWith({
      outputs: [vector({ by: [REGION] }), vector({ name: 'h', granularity: 0.5 })],
    });
    expect(short(answerOf(program))).toEqual([
      ...['n', 's', 'e'].flatMap((region, cell) =>
        [1, 2].map((index) => ['g', { region, g_index: index }, 2 * cell + index - 1]),
      ),
      ['h', { h_index: 1 }, 50],
      ['h', { h_index: 2 }, 50.5],
    ]);
  });

  test('states the error of a sum with its L2 sensitivity', () => {
    const { plan } = compiledProgram(
      programWith({ outputs: [vector(), sumOf('s', { bounds: [0, 8], granularity: 1 })] }),
      {
        policy: { maxRowsPerUnit: 1 },
      },
    );
    const [one, other] = expectedErrorsOf(plan, []);
    expect(one).toEqual({ ...other, aggregate: 0 });
  });
});

describe('an answer of blocks', () => {
  const program = blocksWith({
    outputs: [
      { kind: 'mean', name: 'a', by: [REGION], quality: false, bounds: [0, 4], granularity: 1 },
      vector({ name: 'b', by: [LEVEL], clip: null, bounds: [0, 8] }),
    ],
    blocks: { count: 50, cpuMs: 100 },
  });

  test('is the mean over all blocks, with keys in domain order and then entries', () => {
    expect(short(answerOf(program))).toEqual([
      ['a', { region: 'n' }, 0],
      ['a', { region: 's' }, 1 / 50],
      ['a', { region: 'e' }, 2 / 50],
      ['b', { level: 1, b_index: 1 }, 3 / 50],
      ['b', { level: 1, b_index: 2 }, 4 / 50],
      ['b', { level: 2, b_index: 1 }, 5 / 50],
      ['b', { level: 2, b_index: 2 }, 6 / 50],
    ]);
  });

  test('is clamped to its bounds, with its interval, and carries the noise’s standard deviation', () => {
    const { plan, presentation } = compiledProgram(program);
    const highest = (): Partials => ({ keys: null, vectors: [[200n, 200n, 0n, 400n, 400n, 0n, 0n]] });
    const cells = release(plan, highest(), new NoisePool(plan, tapedRandom('blocks')).fill());
    for (const { name, value, low, high, stddev, exact } of present(plan, cells, presentation)) {
      const top = name === 'a' ? 4 : 8;
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThanOrEqual(top);
      expect([low! >= 0, high! <= top, low! <= value!, value! <= high!]).toEqual([true, true, true, true]);
      expect(stddev).toBeGreaterThan(0);
      expect(exact).toBeNull();
    }
  });

  test('holds its mean within its interval 95 times in 100', () => {
    // 2,000 answers: 95 % ± 6·0.49 %, but for the width of one step; 10⁻⁹.
    const { plan } = compiledProgram(program, { ask: { epsilon: 2 } });
    let inside = 0;
    const random = tapedRandom('interval');
    for (let run = 0; run < 2_000; run += 1) {
      const partials = { keys: null, vectors: [[100n, 0n, 0n, 0n, 0n, 0n, 0n]] };
      const [cell] = release(plan, partials, new NoisePool(plan, random).fill());
      const { low, high } = cell!.values[0]![0]!;
      if (low! <= 2 && 2 <= high!) inside += 1;
    }
    expect(inside / 2_000).toBeGreaterThan(0.95 - 0.03);
    expect(inside / 2_000).toBeLessThan(0.95 + 0.03);
  });

  test('is refused where an entry lies outside what its own blocks can answer', () => {
    const { plan } = compiledProgram(program);
    const pool = (): NoisePool => new NoisePool(plan, tapedRandom('range')).fill();
    const sums = [200n, 0n, 0n, 400n, 0n, 0n, 0n];
    expect(() => release(plan, { keys: null, vectors: [sums] }, pool())).not.toThrow();
    // 201 is within the range of the other output.
    expect(() => release(plan, { keys: null, vectors: [sums.with(0, 201n)] }, pool())).toThrow(Failure);
    expect(() => release(plan, { keys: null, vectors: [sums.with(6, -1n)] }, pool())).toThrow(Failure);
    expect(() => release(plan, { keys: null, vectors: [sums.slice(1)] }, pool())).toThrow(Failure);
  });

  test('states the joint vector output by output', () => {
    const { plan } = compiledProgram(program);
    // √(3·4² + 4·8²).
    const sensitivity = String(Math.sqrt(304));
    const { measures } = mechanismOf(plan);
    expect(measures.map(({ kind, entries, grid, sensitivity: l2 }) => [kind, entries, grid, l2])).toEqual([
      ['blocks', '3', '10^0', sensitivity],
      ['blocks', '4', '10^0', sensitivity],
    ]);
    expect(plannedUsageOf(plan)['outputs']).toBe('7');
  });
});

describe('the capacity of a program', () => {
  test('counts every entry of blocks by its own range, and four final states', () => {
    const { plan } = compiledProgram(
      blocksWith({
        outputs: [
          { kind: 'mean', name: 'a', by: [], quality: false, bounds: [0, 4], granularity: 1 },
          { kind: 'mean', name: 'b', by: [], quality: false, bounds: [0, 8], granularity: 1 },
        ],
        blocks: { count: 50, cpuMs: 100 },
      }),
    );
    const variance = 80 / ((2 * Number(plan.cost.nano)) / 1e9);
    const bits = (range: number): number => 0.5 * Math.log2((range ** 2 / 4 + variance + 1 / 12) / variance);
    expect(Number(bitsOutOf(plan, []))).toBeCloseTo(bits(200) + bits(400) + 2, 1);
  });
});

describe('the notes of a program', () => {
  const notes = (program: Program): string =>
    notesOf(compiledProgram(program).plan, null)
      .map((note) => render(note, 'en'))
      .join('\n');

  test('say how units are bounded, what is clipped, and which program it was', () => {
    const text = notes(programWith({ outputs: [vector(), sumOf('s', { bounds: [0, 8] })] }));
    expect(text).toContain('at most 1 group(s) and with at most 3 record(s)');
    expect(text).toContain('`g`, the sum of one unit in one group is clipped to a length (L2 norm) of 8');
    expect(text).toContain('`s` are clamped to [0, 8]');
    expect(text).toMatch(/Program sha256:[0-9a-f]{64}, engine strict/);
    expect(text).not.toContain('COUNT(*)');
  });

  test('say that blocks are averaged', () => {
    const text = notes(blocksWith());
    expect(text).toContain('100 blocks of units');
    expect(text).toContain('`median_age` are clamped to [0, 120]');
  });
});
