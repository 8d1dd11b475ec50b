/**
 * Bounding of mapped records: the reference engine on random Plans and records, cuts and orders of buffers, neighbours,
 * and bounding that is broken on purpose.
 */
import { describe, expect, test } from 'vitest';
import * as fc from 'fast-check';
import { Failure } from '#policies/refusal.ts';
import { type Partials, type Plan, widthOf } from '#sandbox/plan.ts';
import { MapBounding } from '#sandbox/program/bounding.ts';
import type { ProgramOutput } from '#sandbox/program/program.ts';
import { sensitivityOf } from '#sandbox/release/sensitivity.ts';
import { sized } from '#tests/support/audit-size.ts';
import {
  anyOutput,
  asReturned,
  asRows,
  bounded,
  type Circumstances,
  hashOf,
  mapPlan,
  type MappedRecord,
  rank,
  REGION,
  SEED,
  someRecords,
} from '#tests/support/mapped-records.ts';
import { exactPartials } from '#tests/support/reference-engine.ts';

const RUNS = { numRuns: sized(300, 5_000) };

interface Case {
  readonly outputs: readonly ProgramOutput[];
  readonly plan: Plan;
  readonly records: readonly MappedRecord[];
  readonly cuts: readonly number[];
  readonly backwards: boolean;
}

/** Two outputs, a Plan with tight bounds, and records cut anywhere. */
const cases: fc.Arbitrary<Case> = fc
  .record({
    outputs: fc.tuple(anyOutput('a'), anyOutput('b')),
    given: fc.record<Circumstances>({
      groups: fc.integer({ min: 1, max: 3 }),
      rows: fc.integer({ min: 1, max: 3 }),
      rowUnits: fc.boolean(),
    }),
    cuts: fc.array(fc.nat(40), { maxLength: 4 }),
    backwards: fc.boolean(),
  })
  .chain(({ outputs, given, cuts, backwards }) => {
    const plan = mapPlan(outputs, given);
    return someRecords(plan).map((records) => ({ outputs, plan, records, cuts, backwards }));
  });

const forwards = (pieces: number): readonly number[] => Array.from({ length: pieces }, (_, index) => index);
const reversed = (pieces: number): readonly number[] => forwards(pieces).toReversed();

describe('bounded records', () => {
  test('are those of the reference engine, wherever buffers are cut and in whatever order they come', () => {
    fc.assert(
      fc.property(cases, ({ outputs, plan, records, cuts, backwards }) => {
        const expected = exactPartials(plan, asRows(plan, outputs, records), rank);
        const order = backwards ? reversed : forwards;
        expect(bounded(plan, records, { cuts, order })).toEqual(expected);
      }),
      RUNS,
    );
  });
});

describe('integers beyond 2^53', () => {
  const wide = { by: [], quality: false, granularity: 0.01 } as const;
  const outputs: readonly ProgramOutput[] = [
    { ...wide, kind: 'sum', name: 's', bounds: [-1e12, 1e12] },
    { ...wide, kind: 'mean', name: 'm', bounds: [0, 1e12] },
    { ...wide, kind: 'variance', name: 'v', bounds: [0, 1e12] },
    { ...wide, kind: 'vector', name: 'g', length: 2, clip: 1e9, bounds: null },
  ];
  // Unit 1 has a thousand records in the middle of a buffer: more than doubles can add up at once.
  const records: readonly MappedRecord[] = Array.from({ length: 1_010 }, (_, index) => ({
    unit: index < 5 ? 0 : index < 1_005 ? 1 : 2,
    values: [[1e12 - index / 7], [1e12], [index % 3 === 0 ? 1e12 : index], [3e8 + index / 9, -4e8]],
    codes: [],
  }));

  test.for<[string, Circumstances]>([
    ['few rows per unit', { groups: 1, rows: 3 }],
    ['many rows per unit', { groups: 1, rows: 2_000 }],
    ['rows as units', { groups: 1, rows: 1, rowUnits: true }],
  ])('are exact, with %s', ([, given]) => {
    const plan = mapPlan(outputs, given);
    const expected = exactPartials(plan, asRows(plan, outputs, records), rank);
    expect(bounded(plan, records, { cuts: [], order: forwards })).toEqual(expected);
    expect(bounded(plan, records, { cuts: [7, 600, 601], order: reversed })).toEqual(expected);
    const largest = expected.vectors.flat().reduce((most, entry) => (entry > most ? entry : most));
    expect(largest).toBeGreaterThan(2n ** 53n);
  });

  test('are no doubles: the control', () => {
    const plan = mapPlan(outputs, { groups: 1, rows: 2_000 });
    const { vectors } = exactPartials(plan, asRows(plan, outputs, records), rank);
    const inDoubles = records.reduce((sum, { values }) => sum + Math.floor(values[0]![0]! * 100 + 0.5), 0);
    expect(BigInt(inDoubles)).not.toBe(vectors[0]![0]);
  });
});

/** Outputs of all kinds over three regions, with a unit in at most two of them and one row in each. */
const EVERY: readonly ProgramOutput[] = [
  { kind: 'count', name: 'c', by: [REGION], quality: true },
  { kind: 'sum', name: 's', by: [REGION], quality: false, bounds: [-5, 10], granularity: 1 },
  { kind: 'variance', name: 'v', by: [], quality: false, bounds: [0, 10], granularity: 1 },
  { kind: 'histogram', name: 'h', by: [REGION], quality: false, bounds: [0, 10], bins: 4 },
  { kind: 'quantile', name: 'q', by: [], quality: false, bounds: [0, 10], q: [0.5] },
  {
    kind: 'vector',
    name: 'g',
    by: [REGION],
    quality: false,
    length: 3,
    clip: 2,
    bounds: null,
    granularity: null,
  },
];
const PLAN = mapPlan(EVERY, { groups: 2, rows: 1, hideBelow: 3 });

interface Moved {
  readonly l1: bigint;
  readonly l2Squared: bigint;
}

/** How far two Partials lie apart, per measure; the leaves of a quantile count on all levels of its tree. */
function distances(plan: Plan, a: Partials, b: Partials): readonly Moved[] {
  return plan.measures.map((measure, index) => {
    const levels = measure.kind === 'quantile' ? BigInt(Math.log2(measure.bins)) : 1n;
    const moved = a.vectors[index]!.map((entry, place) => entry - b.vectors[index]![place]!);
    return {
      l1: levels * moved.reduce((sum, x) => sum + (x < 0n ? -x : x), 0n),
      l2Squared: levels * moved.reduce((sum, x) => sum + x * x, 0n),
    };
  });
}

/** The measures that moved by more than one unit may move them. */
function broken(plan: Plan, a: Partials, b: Partials): readonly string[] {
  return distances(plan, a, b).flatMap(({ l1, l2Squared }, index) => {
    const bound = sensitivityOf(plan, plan.measures[index]!);
    return l1 > bound.l1 || l2Squared > bound.l2Squared ? [plan.measures[index]!.kind] : [];
  });
}

describe('one unit less', () => {
  test('moves no vector by more than its sensitivity', () => {
    fc.assert(
      fc.property(someRecords(PLAN), fc.nat(6), (records, unit) => {
        const without = records.filter((record) => record.unit !== unit);
        const [all, rest] = [records, without].map((side) =>
          bounded(PLAN, side, { cuts: [9, 17], order: forwards }),
        );
        expect(broken(PLAN, all!, rest!)).toEqual([]);
      }),
      RUNS,
    );
  });

  /** Thirty records of one unit that are as large as they can be, over all regions. */
  const heavy: readonly MappedRecord[] = Array.from({ length: 30 }, (_, index) => ({
    unit: 3,
    values: [[1], [10], [10], [9], [9], [2, 2, 2]],
    codes: [index % 3],
  }));

  test('as large as one can be reaches the sensitivity of counts and sums', () => {
    const [all, none] = [heavy, []].map((side) => bounded(PLAN, side, { cuts: [9, 17], order: forwards }));
    expect(broken(PLAN, all!, none!)).toEqual([]);
    const moved = distances(PLAN, all!, none!);
    for (const kind of ['rows', 'sum', 'histogram']) {
      const index = PLAN.measures.findIndex((measure) => measure.kind === kind);
      expect(moved[index]).toEqual(sensitivityOf(PLAN, PLAN.measures[index]!));
    }
  });

  /** Partials that are added up from several runs of bounding. */
  function added(parts: readonly Partials[]): Partials {
    const vectors = PLAN.measures.map((measure, index) =>
      Array.from({ length: parts[0]!.vectors[index]!.length }, (_, entry) =>
        parts.reduce((sum, { vectors: each }) => sum + each[index]![entry]!, 0n),
      ),
    );
    expect(vectors[0]!.length).toBe(3 * widthOf(PLAN.measures[0]!));
    return { keys: null, vectors };
  }

  test('negative control: bounding each buffer by itself lets a unit that straddles buffers count in each', () => {
    const alone = [heavy.slice(0, 9), heavy.slice(9, 17), heavy.slice(17)].map((piece) =>
      bounded(PLAN, piece, { cuts: [], order: forwards }),
    );
    const none = bounded(PLAN, [], { cuts: [], order: forwards });
    expect(broken(PLAN, added(alone), none)).toEqual(expect.arrayContaining(['rows', 'sum', 'vector']));
  });

  test('negative control: work that is split by record instead of by unit lets a unit count in each part', () => {
    const parts = [0, 1].map((part) => heavy.filter((_, index) => index % 2 === part));
    const split = parts.map((piece) => bounded(PLAN, piece, { cuts: [], order: forwards }));
    const none = bounded(PLAN, [], { cuts: [], order: forwards });
    expect(broken(PLAN, added(split), none)).toEqual(expect.arrayContaining(['rows', 'sum', 'vector']));
  });

  test('negative control: fuel that records share lets one unit take from all others', () => {
    // Seven units of ten ticks in all: who comes after a heavy one gets nothing.
    const mapped = (units: readonly number[]): readonly MappedRecord[] => {
      let left = 10;
      return units.map((unit) => {
        left -= unit === 0 ? 9 : 1;
        const value = left >= 0 ? 1 : NaN;
        return {
          unit,
          values: EVERY.map(({ kind }) => (kind === 'vector' ? [value, value, value] : [value])),
          codes: [0],
        };
      });
    };
    const [all, rest] = [
      [0, 1, 2, 3, 4, 5, 6],
      [1, 2, 3, 4, 5, 6],
    ].map((units) => bounded(PLAN, mapped(units), { cuts: [], order: forwards }));
    expect(broken(PLAN, all!, rest!)).toEqual(expect.arrayContaining(['rows', 'histogram', 'vector']));
  });
});

describe('what a worker returned', () => {
  const record: MappedRecord = { unit: 1, values: [[1], [10], [10], [9], [9], [2, 2, 2]], codes: [0] };
  const take = (
    change: (returned: ReturnType<typeof asReturned>) => ReturnType<typeof asReturned>,
  ): Partials => {
    const bounding = new MapBounding(PLAN, SEED);
    bounding.take(Int32Array.of(1), BigUint64Array.of(hashOf(1)), change(asReturned(PLAN, [record])));
    return bounding.partials();
  };

  test.for<[string, (returned: ReturnType<typeof asReturned>) => ReturnType<typeof asReturned>]>([
    ['an output too few', ({ values, codes }) => ({ values: values.slice(1), codes })],
    ['an output too many', ({ values, codes }) => ({ values: [...values, new Float64Array(1)], codes })],
    ['an output too long', ({ values, codes }) => ({ values: values.with(0, new Float64Array(2)), codes })],
    ['a vector too short', ({ values, codes }) => ({ values: values.with(5, new Float64Array(2)), codes })],
    ['a key too few', ({ values }) => ({ values, codes: [] })],
    ['a key too long', ({ values }) => ({ values, codes: [new Int32Array(2)] })],
  ])('in another shape is a machine fault: %s', ([, change]) => {
    expect(() => take(change)).toThrow(Failure);
  });

  test.for([-1, -2, 3, 2 ** 31 - 1, -(2 ** 31)])('with the code %i is in no cell', (code) => {
    const { vectors } = take(({ values }) => ({ values, codes: [Int32Array.of(code)] }));
    const ofRegions = PLAN.measures.flatMap(({ over }, index) =>
      String(over) === '0' || over === undefined ? [index] : [],
    );
    expect(ofRegions.length).toBeGreaterThan(0);
    for (const index of ofRegions) expect(vectors[index]!.every((entry) => entry === 0n)).toBe(true);
  });

  test('for units out of order, or in two buffers that overlap, is a machine fault', () => {
    const two = [record, { ...record, unit: 2 }];
    const units = (...list: number[]): void => {
      const bounding = new MapBounding(PLAN, SEED);
      for (let at = 0; at < list.length; at += 2)
        bounding.take(
          Int32Array.from(list.slice(at, at + 2)),
          BigUint64Array.from(list.slice(at, at + 2), hashOf),
          asReturned(PLAN, two),
        );
      bounding.partials();
    };
    expect(() => units(1, 2, 2, 3)).not.toThrow();
    expect(() => units(2, 1)).toThrow(Failure);
    expect(() => units(1, 3, 2, 4)).toThrow(Failure);
    expect(() => units(1, 4, 2, 3)).toThrow(Failure);
  });
});
