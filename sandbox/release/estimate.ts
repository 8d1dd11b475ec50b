/**
 * From noisy integers to values with error bars: post-processing, which costs no privacy.
 *
 * Intervals cover the noise at 95 %, given the Plan; clamping and contribution bounds are not in them. COUNT, SUM
 * and HISTOGRAM use the noise's own quantile; AVG Fieller's interval of a ratio (Fieller 1954), which stays valid
 * where the count is small; VARIANCE and STDDEV the corners of a 95 % box (Bonferroni over three vectors);
 * QUANTILE the bins that two one-sided tests of the rows below them do not exclude; means over blocks the noise's own
 * quantile, all of it clamped to the bounds that every block's answer was clamped to.
 */
import {
  type Aggregate,
  type BlocksMeasure,
  type BoundedArgument,
  type Grid,
  type Measure,
  measureOf,
  midGridOf,
  type Plan,
  type ReleasedValue,
  type VectorMeasure,
} from '../plan.ts';
import { quantile95, type NoiseSpec, stddevOf } from './noise.ts';
import { quantileOf } from './quantile.ts';

/** Two-sided normal 95 %, and 95 % shared by three (1 − 0.05/6). */
const Z95 = 1.959963984540054;
const Z_BOX = 2.3939797998185104;
/** A sum of Laplace and other noise reaches at most this many standard deviations with 95 %: ln(20)/√2. */
const Z95_LAPLACE = 2.1183;
/** The same at 1 − 0.05/6 for one Laplace variable: ln(60)/√2. */
const Z_BOX_LAPLACE = 2.8951;

type Entries = readonly (readonly bigint[])[];

/**
 * A function from the noisy entries of one cell to the values of every aggregate of the Plan; of those that are not over
 * the keys of this cell, none. Entries of measures that are over other keys are not read.
 */
export function estimatorOf(
  plan: Plan,
  noise: readonly NoiseSpec[],
  over?: readonly number[],
): (entries: Entries) => readonly (readonly ReleasedValue[])[] {
  const spreads = noise.map((spec) => ({
    stddev: stddevOf(spec),
    half: quantile95(spec),
    laplace: spec.kind === 'laplace',
  }));
  const isHere = (measure: Measure): boolean => isSameGrid(measure.over, over);
  const estimators = plan.aggregates.map((aggregate) =>
    isHere(measureOf(plan, aggregate)) ? estimatorFor(aggregate, plan.measures, spreads) : () => [],
  );
  const { hideBelow } = plan;
  const units =
    over === undefined && hideBelow !== null
      ? hideBelow.units
      : plan.measures.findIndex((measure) => measure.kind === 'units' && isHere(measure));
  return (entries) => {
    const values = estimators.map((estimate) => estimate(entries));
    const hidden = hideBelow !== null && entries[units]![0]! < BigInt(hideBelow.below);
    return hidden ? values.map((list) => list.map(() => HIDDEN)) : values;
  };
}

/** Whether two measures have the same cells. */
export function isSameGrid(a: readonly number[] | undefined, b: readonly number[] | undefined): boolean {
  return String(a) === String(b);
}

const HIDDEN: ReleasedValue = {
  value: null,
  exact: null,
  stddev: null,
  low: null,
  high: null,
  reason: 'COHORT',
};

/** The noise of one measured entry: standard deviation and 95 % half-width, in grid steps. */
interface Spread {
  readonly stddev: number;
  readonly half: number;
  readonly laplace: boolean;
}

function estimatorFor(
  aggregate: Aggregate,
  measures: readonly Measure[],
  spreads: readonly Spread[],
): (entries: Entries) => readonly ReleasedValue[] {
  switch (aggregate.fn) {
    case 'count':
      return (entries) => [additive(entries[aggregate.rows]![0]!, COUNT_GRID, spreads[aggregate.rows]!)];
    case 'countUnits':
      return (entries) => [additive(entries[aggregate.units]![0]!, COUNT_GRID, spreads[aggregate.units]!)];
    case 'sum': {
      const { grid } = argumentOf(measures[aggregate.sum]!);
      return (entries) => [additive(entries[aggregate.sum]![0]!, grid, spreads[aggregate.sum]!)];
    }
    case 'histogram':
      return (entries) =>
        entries[aggregate.histogram]!.map((entry) =>
          additive(entry, COUNT_GRID, spreads[aggregate.histogram]!),
        );
    case 'vector': {
      const { grid } = measures[aggregate.vector] as VectorMeasure;
      return (entries) =>
        entries[aggregate.vector]!.map((entry) => additive(entry, grid, spreads[aggregate.vector]!));
    }
    case 'blockMean':
      return blockMeans(aggregate, measures[aggregate.blocks] as BlocksMeasure, spreads[aggregate.blocks]!);
    case 'avg': {
      const argument = argumentOf(measures[aggregate.sum]!);
      const [sum, rows] = [spreads[aggregate.sum]!, spreads[aggregate.rows]!];
      return (entries) => [
        average(Number(entries[aggregate.sum]![0]!), Number(entries[aggregate.rows]![0]!), {
          argument,
          sum,
          rows,
        }),
      ];
    }
    case 'variance':
    case 'stddev': {
      const argument = argumentOf(measures[aggregate.sum]!);
      const [sum, squares, rows] = [
        spreads[aggregate.sum]!,
        spreads[aggregate.squares]!,
        spreads[aggregate.rows]!,
      ];
      return (entries) => {
        const [s, q, n] = [aggregate.sum, aggregate.squares, aggregate.rows].map((index) =>
          Number(entries[index]![0]!),
        ) as [number, number, number];
        return [dispersion(aggregate.fn, { s, q, n }, { argument, sum, squares, rows })];
      };
    }
    case 'quantile': {
      const measure = measures[aggregate.tree] as Extract<Measure, { kind: 'quantile' }>;
      const { stddev, laplace } = spreads[aggregate.tree]!;
      const reach = (laplace ? Z95_LAPLACE : Z95) * stddev;
      return (entries) => [quantileOf(entries[aggregate.tree]!, aggregate.q, measure, reach)];
    }
  }
}

/** The noisy sum of all blocks' answers over their number, entry by entry. */
function blockMeans(
  { blocks, output }: Extract<Aggregate, { fn: 'blockMean' }>,
  { outputs, count }: BlocksMeasure,
  spread: Spread,
): (entries: Entries) => readonly ReleasedValue[] {
  const { argument, width } = outputs[output]!;
  const { low, high, grid } = argument;
  const from = outputs.slice(0, output).reduce((sum, before) => sum + before.width, 0);
  const step = grid.base ** -grid.exponent / count;
  const [stddev, half] = [spread.stddev * step, spread.half * step];
  return (entries) =>
    entries[blocks]!.slice(from, from + width).map((entry) => {
      const mean = Number(entry) * step;
      return {
        value: clamp(mean, low, high),
        exact: null,
        stddev,
        low: clamp(mean - half, low, high),
        high: clamp(mean + half, low, high),
      };
    });
}

const COUNT_GRID: Grid = { base: 10, exponent: 0 };

function argumentOf(measure: Measure): BoundedArgument {
  if (measure.kind === 'sum' || measure.kind === 'centredSum' || measure.kind === 'centredSquares')
    return measure.argument;
  throw new RangeError('not a measure of a bounded argument');
}

/** A noisy count or sum: k steps, with the noise's own spread. */
function additive(k: bigint, grid: Grid, spread: Spread): ReleasedValue {
  const step = grid.base ** -grid.exponent;
  const exact = decimalText(k, grid);
  const value = Number(exact);
  return {
    value,
    exact,
    stddev: spread.stddev * step,
    low: value - spread.half * step,
    high: value + spread.half * step,
  };
}

/** k·g as decimal text without rounding. */
function decimalText(k: bigint, { base, exponent }: Grid): string {
  if (exponent <= 0) return (k * BigInt(base) ** BigInt(-exponent)).toString();
  const digits = base === 10 ? k : k * 5n ** BigInt(exponent);
  const text = (digits < 0n ? -digits : digits).toString().padStart(exponent + 1, '0');
  return `${digits < 0n ? '-' : ''}${text.slice(0, -exponent)}.${text.slice(-exponent)}`;
}

interface RatioNoise {
  readonly argument: BoundedArgument;
  readonly sum: Spread;
  readonly rows: Spread;
}

/** mid + N_S / max(1, N_c), clamped to the bounds. */
function average(s: number, n: number, { argument, sum, rows }: RatioNoise): ReleasedValue {
  const { low, high, grid } = argument;
  const step = grid.base ** -grid.exponent;
  const valueOf = (ratio: number): number => clamp((Number(midGridOf(argument)) + ratio) * step, low, high);
  const z = sum.laplace ? Z95_LAPLACE : Z95;
  const interval = fieller(s, n, z * sum.stddev, z * rows.stddev);
  const [from, to] = interval === null ? [low, high] : [valueOf(interval[0]), valueOf(interval[1])];
  const value = valueOf(s / Math.max(1, n));
  return { value, exact: null, stddev: null, low: Math.min(from, value), high: Math.max(to, value) };
}

/** All ratios m with |s − m·n| ≤ √(a² + m²b²); null when they are unbounded. */
function fieller(s: number, n: number, a: number, b: number): readonly [number, number] | null {
  const lead = n * n - b * b;
  if (n <= 0 || lead <= 0) return null;
  const root = Math.sqrt(Math.max(0, s * s * n * n - lead * (s * s - a * a)));
  return [(s * n - root) / lead, (s * n + root) / lead];
}

interface MomentNoise extends RatioNoise {
  readonly squares: Spread;
}

/** (Σy² − (Σy)²/n) / (n − 1) in steps², clamped to what values within the bounds can give. */
function dispersion(
  fn: 'variance' | 'stddev',
  moments: { s: number; q: number; n: number },
  noise: MomentNoise,
): ReleasedValue {
  const { low, high, grid } = noise.argument;
  const step = grid.base ** -grid.exponent;
  const finish = (variance: number, n: number): number => {
    const count = Math.max(2, n);
    const widest = Math.min(Number.MAX_VALUE, (((high - low) ** 2 / 4) * count) / (count - 1));
    const bounded = clamp(variance * step * step, 0, widest);
    return fn === 'variance' ? bounded : Math.sqrt(bounded);
  };
  const varianceAt = (s: number, q: number, n: number): number =>
    (q - (s * s) / Math.max(1, n)) / Math.max(1, n - 1);
  const { s, q, n } = moments;
  const value = finish(varianceAt(s, q, n), n);
  const z = noise.sum.laplace ? Z_BOX_LAPLACE : Z_BOX;
  const fewest = n - z * noise.rows.stddev;
  if (fewest < 2) return { value, exact: null, stddev: null, low: 0, high: finish(Infinity, 2) };
  const corners = [fewest, n + z * noise.rows.stddev].flatMap((count) =>
    [-1, 1].flatMap((side) => {
      const [reach, rest] = [z * noise.sum.stddev, q + side * z * noise.squares.stddev];
      const sums = [s - reach, s + reach, ...(Math.abs(s) < reach ? [0] : [])];
      return sums.map((sum) => finish(varianceAt(sum, rest, count), count));
    }),
  );
  return {
    value,
    exact: null,
    stddev: null,
    low: Math.min(value, ...corners),
    high: Math.max(value, ...corners),
  };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
