/** Answers of blocks: clamped, defaulted and added up; one block's answer moves the sums by what its bounds allow. */
import { describe, expect, test } from 'vitest';
import * as fc from 'fast-check';
import type { Plan } from '#sandbox/plan.ts';
import { BlocksBounding } from '#sandbox/program/blocks-bounding.ts';
import type { ProgramOutput } from '#sandbox/program/program.ts';
import { rangesOf, sensitivityOf } from '#sandbox/release/sensitivity.ts';
import { blocksWith, compiledProgram } from '#tests/support/programs.ts';

const REGION = { name: 'region', values: ['n', 's'] };
const OUTPUTS: readonly ProgramOutput[] = [
  { kind: 'mean', name: 'a', by: [], quality: false, bounds: [-2, 10], granularity: 1 },
  {
    kind: 'vector',
    name: 'b',
    by: [REGION],
    quality: false,
    length: 2,
    clip: null,
    bounds: [0, 4],
    granularity: 0.5,
  },
];
const COUNT = 3;
const { plan } = compiledProgram(
  blocksWith({ outputs: OUTPUTS, defaults: { b: 1 }, blocks: { count: COUNT, cpuMs: 100 } }),
);

type Answer = Parameters<BlocksBounding['take']>[0];
const answered = (a: number, ...b: number[]): Answer => [Float64Array.of(a), Float64Array.from(b)];

function sumsOf(answers: readonly Answer[], of: Plan = plan): readonly bigint[] {
  const bounding = new BlocksBounding(of);
  for (const answer of answers) bounding.take(answer);
  return bounding.partials().vectors[0]!;
}

describe('the answers of blocks', () => {
  test('are added up on the grid of each output, clamped to its bounds', () => {
    const answers = [
      answered(1, 0, 1, 2, 3),
      answered(99, -1, 0.2, 0.25, 99),
      answered(-99, 4, 4, 4, Infinity),
    ];
    // Steps of 1 within [-2, 10], and of 0.5 within [0, 4]: a half goes up.
    expect(sumsOf(answers)).toEqual([9n, 8n, 10n, 13n, 22n]);
  });

  test('of a block that failed or died are its defaults: as declared, else the middle', () => {
    const middle = [4n, 2n, 2n, 2n, 2n];
    for (const failed of ['failed', 'died'] as const)
      expect(sumsOf([failed, failed, failed])).toEqual(middle.map((entry) => 3n * entry));
  });

  test('that are no number, or too many or too few, are defaults; the other outputs keep theirs', () => {
    const odd: readonly Answer[] = [
      answered(NaN, 1, NaN, 1, 1),
      [Float64Array.of(7), Float64Array.of(3, 3)],
      [Float64Array.of(7)],
    ];
    expect(sumsOf(odd)).toEqual([4n + 7n + 7n, 2n + 4n, 2n + 4n, 2n + 4n, 2n + 4n]);
  });

  test('are exactly as many as the Plan says', () => {
    expect(() => sumsOf(['failed', 'failed'])).toThrow(RangeError);
    expect(() => sumsOf(['failed', 'failed', 'failed', 'failed'])).toThrow(RangeError);
  });
});

const entry = fc.oneof(fc.double(), fc.constantFrom(NaN, Infinity, -Infinity, 0, -0, 1e308));
const answer: fc.Arbitrary<Answer> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.array(entry, { minLength: 5, maxLength: 5 }).map(([a, ...b]) => answered(a!, ...b)),
  },
  fc.constantFrom<Answer>('failed', 'died', []),
);

/** Whether the sums with one answer changed lie within the sensitivity, and both within the range. */
function isBounded(one: readonly bigint[], other: readonly bigint[]): boolean {
  const { l1, l2Squared } = sensitivityOf(plan, plan.measures[0]!);
  const moved = one.map((sum, place) => sum - other[place]!);
  const ranges = rangesOf(plan, plan.measures[0]!).flatMap((range) =>
    Array.from({ length: range.entries }, () => range),
  );
  return (
    moved.reduce((sum, x) => sum + (x < 0n ? -x : x), 0n) <= l1 &&
    moved.reduce((sum, x) => sum + x * x, 0n) <= l2Squared &&
    [one, other].every((sums) =>
      sums.every((sum, place) => ranges[place]!.low <= sum && sum <= ranges[place]!.high),
    )
  );
}

describe('one unit, in one block', () => {
  test('moves the sums by no more than the sensitivity, whatever the block answers with and without it', () => {
    fc.assert(
      fc.property(answer, answer, answer, answer, (with1, without, b, c) => {
        expect(isBounded(sumsOf([with1, b, c]), sumsOf([without, b, c]))).toBe(true);
      }),
    );
  });

  test('reaches it: from the lowest answers to the highest', () => {
    const [low, high] = [answered(-99, -9, -9, -9, -9), answered(99, 9, 9, 9, 9)];
    const [one, other] = [high, low].map((first) => sumsOf([first, low, low]));
    const moved = one!.map((sum, place) => sum - other![place]!);
    expect(moved).toEqual([12n, 8n, 8n, 8n, 8n]);
    expect(sensitivityOf(plan, plan.measures[0]!)).toEqual({ l1: 44n, l2Squared: 144n + 4n * 64n });
  });

  test('negative control: in two blocks at once it moves them by more', () => {
    const [low, high] = [answered(-99, -9, -9, -9, -9), answered(99, 9, 9, 9, 9)];
    expect(isBounded(sumsOf([high, high, low]), sumsOf([low, low, low]))).toBe(false);
  });
});
