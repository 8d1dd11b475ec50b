/**
 * What a quote can say about accuracy before any data are read: 95 % half-widths of each aggregate of a Plan.
 *
 * COUNT, SUM and HISTOGRAM have the same error whatever the data. AVG, VARIANCE, STDDEV and QUANTILE depend on the
 * size of the group, so they are given for public example sizes, with values at their least favourable place
 * within the bounds (QUANTILE: spread evenly over them).
 */
import { type Aggregate, type BoundedArgument, type Measure, type Plan } from '../plan.ts';
import { quantile95, stddevOf } from './noise.ts';
import { noiseOfPlan } from './release.ts';
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

/** The expected error of every aggregate of a Plan. */
export function expectedErrorsOf(plan: Plan): readonly ExpectedError[] {
  const noise = noiseOfPlan(plan);
  const spreads = noise.map((spec) => ({ stddev: stddevOf(spec), half: quantile95(spec) }));
  return plan.aggregates.map((aggregate, index) => {
    const direct = directMeasure(aggregate);
    if (direct !== null) {
      const step = stepOf(plan.measures[direct]!);
      return {
        aggregate: index,
        stddev: spreads[direct]!.stddev * step,
        half95: spreads[direct]!.half * step,
      };
    }
    const z = plan.mechanism === 'laplace' ? Z95_LAPLACE : Z95;
    const sigmas = spreads.map((spread) => z * spread.stddev);
    return {
      aggregate: index,
      atSize: EXAMPLE_SIZES.map((size) => ({ size, half95: halfAt(aggregate, plan.measures, sigmas, size) })),
    };
  });
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
    default:
      return null;
  }
}

function stepOf(measure: Measure): number {
  return measure.kind === 'sum' ? measure.argument.grid.base ** -measure.argument.grid.exponent : 1;
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
      const parts = [
        sigmas[aggregate.squares]!,
        2 * reach * sigmas[aggregate.sum]!,
        reach ** 2 * sigmas[aggregate.rows]!,
      ];
      const variance = Math.min(span(argument) ** 2 / 2, (Math.hypot(...parts) / size) * step ** 2);
      return aggregate.fn === 'variance'
        ? variance
        : Math.min(Math.sqrt(variance), variance / (reach * step || 1));
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
