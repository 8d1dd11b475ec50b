/**
 * What a quote can say about accuracy before any data are read: 95 % half-widths of each aggregate of a Plan.
 *
 * COUNT, SUM, HISTOGRAM, vector sums and means over blocks have the same error whatever the data. AVG, VARIANCE, STDDEV and QUANTILE depend on the
 * size of the group, so they are given for public example sizes, with values at their least favourable place
 * within the bounds (QUANTILE: spread evenly over them).
 */
import {
  type Aggregate,
  type BlocksMeasure,
  type BoundedArgument,
  type Grid,
  type Measure,
  type Plan,
} from '../plan.ts';
import { quantile95, stddevOf } from './noise.ts';
import { noiseOfPlan } from './planned-noise.ts';
import { centredReach, levelsOf } from './sensitivity.ts';

/** Group sizes for which size-dependent errors are quoted. */
const EXAMPLE_SIZES = [100, 1_000, 10_000] as const;
const Z95 = 1.959963984540054;
const Z95_LAPLACE = 2.1183;

/** Half-width of the 95 % interval, for every size (`exact`) or for groups of the example sizes. */
export type ExpectedError =
  | { readonly aggregate: number; readonly stddev: number; readonly half95: number }
  | {
      readonly aggregate: number;
      readonly atSize: readonly { readonly size: number; readonly half95: number }[];
    };

/** The sizes that a quote names: the examples, and the one that was asked about. */
export function quotedSizes(asked: number | null): readonly number[] {
  return [...new Set([...EXAMPLE_SIZES, ...(asked === null ? [] : [asked])])].toSorted((a, b) => a - b);
}

/** The expected error of every aggregate of a Plan; where it depends on the size of the group, at these sizes. */
export function expectedErrorsOf(plan: Plan, sizes: readonly number[]): readonly ExpectedError[] {
  const noise = noiseOfPlan(plan);
  const z = plan.mechanism === 'laplace' ? Z95_LAPLACE : Z95;
  return plan.aggregates.map((aggregate, index) => {
    const direct = directMeasure(aggregate);
    if (direct !== null) {
      const perUnit = stepsPerUnit(aggregate, plan.measures[direct]!);
      const [stddev, half] = [stddevOf(noise[direct]!), quantile95(noise[direct]!)];
      return { aggregate: index, stddev: stddev / perUnit, half95: half / perUnit };
    }
    const sigmas = noise.map((spec) => z * stddevOf(spec));
    return {
      aggregate: index,
      atSize: sizes.map((size) => ({ size, half95: halfAt(aggregate, plan.measures, sigmas, size) })),
    };
  });
}

/** The least number of so many significant digits that is not below a value from 0. */
export function roundedUp(value: number, digits: number): number {
  const rounded = Number(value.toPrecision(digits));
  if (rounded >= value) return rounded;
  return Number((rounded + 10 ** (Math.floor(Math.log10(value)) + 1 - digits)).toPrecision(digits));
}

/** The measured vector that an aggregate shows as it is, or null. */
function directMeasure(aggregate: Aggregate): number | null {
  switch (aggregate.fn) {
    case 'count':
      return aggregate.rows;
    case 'countUnits':
      return aggregate.units;
    case 'sum':
      return aggregate.sum;
    case 'histogram':
      return aggregate.histogram;
    case 'vector':
      return aggregate.vector;
    case 'blockMean':
      return aggregate.blocks;
    default:
      return null;
  }
}

/** Grid steps of the noise that make one unit of the value. */
function stepsPerUnit(aggregate: Aggregate, measure: Measure): number {
  if (aggregate.fn !== 'blockMean') return stepsOf(gridOf(measure));
  const { outputs, count } = measure as BlocksMeasure;
  return count * stepsOf(outputs[aggregate.output]!.argument.grid);
}

function stepsOf({ base, exponent }: Grid): number {
  return base ** exponent;
}

function gridOf(measure: Measure): Grid {
  if (measure.kind === 'vector') return measure.grid;
  return measure.kind === 'sum' ? measure.argument.grid : { base: 10, exponent: 0 };
}

function halfAt(
  aggregate: Aggregate,
  measures: readonly Measure[],
  sigmas: readonly number[],
  size: number,
): number {
  switch (aggregate.fn) {
    case 'avg': {
      const argument = centredArgument(measures[aggregate.sum]!);
      const reach = Number(centredReach(argument));
      const half = Math.hypot(sigmas[aggregate.sum]!, reach * sigmas[aggregate.rows]!) / size;
      return Math.min(span(argument), half * argument.grid.base ** -argument.grid.exponent);
    }
    case 'variance':
    case 'stddev': {
      const argument = centredArgument(measures[aggregate.sum]!);
      const step = argument.grid.base ** -argument.grid.exponent;
      const reach = Number(centredReach(argument));
      // STDDEV is least exact where all values are the same: |√(v + x) − √v| ≤ √|x|, with equality at v = 0.
      const parts = [
        sigmas[aggregate.squares]!,
        2 * reach * sigmas[aggregate.sum]!,
        reach ** 2 * sigmas[aggregate.rows]!,
      ];
      const variance = Math.min(span(argument) ** 2 / 2, (Math.hypot(...parts) / size) * step ** 2);
      return aggregate.fn === 'variance' ? variance : Math.sqrt(variance);
    }
    case 'quantile': {
      const { argument, bins } = measures[aggregate.tree] as Extract<Measure, { kind: 'quantile' }>;
      const ranks = (sigmas[aggregate.tree]! * Math.sqrt(levelsOf(bins) + 2)) / size;
      return Math.min(span(argument), ranks * span(argument) + span(argument) / bins);
    }
    default:
      throw new RangeError('the error of this aggregate does not depend on size');
  }
}

function centredArgument(measure: Measure): BoundedArgument {
  if (measure.kind === 'centredSum' || measure.kind === 'centredSquares') return measure.argument;
  throw new RangeError('not a centred measure');
}

function span({ low, high }: BoundedArgument): number {
  return high - low;
}
