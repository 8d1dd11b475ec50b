/**
 * The outputs of a program as measures, aggregates and names: what is measured of the mapped table, and how it is shown.
 *
 * The mapped table has a column for every output: a number; of `count` true or NULL; of `vector` its entries. Beside an
 * output with `quality` stand two columns more, `<name>_defaulted` and `<name>_clamped`, true or NULL.
 */
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { Expr } from '../expression.ts';
import type { ReleasePolicy } from '../manifest/policy.ts';
import type {
  Aggregate,
  BlocksOutput,
  BoundedArgument,
  Measure,
  Plan,
  PlanKey,
  Presentation,
} from '../plan.ts';
import { midGridOf } from '../plan.ts';
import { checkCells, MeasureList } from '../planning.ts';
import { declaredArgument, inverseOf } from '../query/bounds.ts';
import { typeOfValues } from './mapped-keys.ts';
import type { ByColumn, ProgramOutput } from './program.ts';

export interface PlannedOutputs {
  readonly keys: readonly PlanKey[];
  /** Cells of the largest grid. */
  readonly mostCells: number;
  readonly measures: readonly Measure[];
  readonly aggregates: readonly Aggregate[];
  readonly hideBelow: Plan['hideBelow'];
  readonly presentation: Presentation;
  /** What a worker returns. */
  readonly returned: readonly { readonly name: string; readonly width: number }[];
}

type Shown = Presentation['outputs'][number];

/** The columns that `quality` adds to an output. */
export function qualityColumns(name: string): { readonly defaulted: string; readonly clamped: string } {
  return { defaulted: `${name}_defaulted`, clamped: `${name}_clamped` };
}

/** Refuses: BOUNDS_MISSING, CELLS, SHAPE. */
export function mapOutputs(
  outputs: readonly ProgramOutput[],
  { by, policy }: { readonly by: readonly ByColumn[]; readonly policy: ReleasePolicy },
): PlannedOutputs {
  const measures = new MeasureList();
  const aggregates: Aggregate[] = [];
  const shown: Shown[] = [];
  const show = (name: string, aggregate: Aggregate, binKey: string | null = null): void => {
    shown.push({ name, aggregate: aggregates.push(aggregate) - 1, binKey });
  };
  for (const output of outputs) {
    const place = (measure: Measure): number => measures.place({ ...measure, ...gridOf(output.by, by) });
    for (const [name, aggregate, binKey] of aggregatesOf(output, { place, policy }))
      show(name, aggregate, binKey);
    if (!output.quality) continue;
    for (const name of Object.values(qualityColumns(output.name))) {
      const rows = measures.place({ kind: 'rows', argument: columnOf(name, 'boolean'), ...gridOf([], by) });
      show(name, { fn: 'count', rows });
    }
  }
  const grids = outputs.map((output) => output.by.reduce((cells, { values }) => cells * values.length, 1));
  for (const cells of grids) checkCells(cells, policy);
  return {
    keys: by.map(({ name, values }) => ({ expr: columnOf(name, typeOfValues(values)!), domain: values })),
    mostCells: Math.max(...grids),
    hideBelow: hideBelowOf(measures, policy),
    measures: measures.all,
    aggregates,
    presentation: presentationOf(shown, by),
    returned: outputs.map((output) => ({
      name: output.name,
      width: output.kind === 'vector' ? output.length : 1,
    })),
  };
}

/** The keys of an output among all of them; all of them in their order need not be said. */
function gridOf(own: readonly ByColumn[], all: readonly ByColumn[]): Pick<Measure, 'over'> {
  const over = own.map(({ name }) => all.findIndex((column) => column.name === name));
  const isAll = over.length === all.length && over.every((key, index) => key === index);
  return isAll ? {} : { over };
}

interface MapContext {
  readonly place: (measure: Measure) => number;
  readonly policy: ReleasePolicy;
}

/** The values of an output: name, aggregate and, where there are several in a cell, the key that counts them. */
function aggregatesOf(
  output: ProgramOutput,
  { place, policy }: MapContext,
): readonly (readonly [string, Aggregate, (string | null)?])[] {
  const { name } = output;
  const column = columnOf(name, 'number');
  switch (output.kind) {
    case 'count':
      return [[name, { fn: 'count', rows: place({ kind: 'rows', argument: columnOf(name, 'boolean') }) }]];
    case 'sum':
      return [[name, { fn: 'sum', sum: place({ kind: 'sum', argument: boundedOf(output) }) }]];
    case 'mean':
    case 'variance': {
      const argument = boundedOf(output);
      const sum = place({ kind: 'centredSum', argument });
      const rows = place({ kind: 'rows', argument: column });
      if (output.kind === 'mean') return [[name, { fn: 'avg', sum, rows }]];
      return [[name, { fn: 'variance', sum, squares: place({ kind: 'centredSquares', argument }), rows }]];
    }
    case 'histogram': {
      const [low, high] = boundsOf(output);
      const histogram = place({ kind: 'histogram', argument: column, low, high, bins: output.bins });
      return [[name, { fn: 'histogram', histogram }, `${name}_bin`]];
    }
    case 'quantile': {
      const argument = boundedOf({ ...output, granularity: null });
      const tree = place({ kind: 'quantile', argument, bins: policy.quantileBins });
      const nameOf = (q: number): string =>
        output.q.length === 1 ? name : `${name}_${String(q).replaceAll('.', '_')}`;
      return output.q.map((q) => [nameOf(q), { fn: 'quantile', tree, q }]);
    }
    case 'vector':
      return [[name, { fn: 'vector', vector: place(clippedOf(output)) }, `${name}_index`]];
  }
}

function clippedOf({ name, length, clip, granularity }: Extract<ProgramOutput, { kind: 'vector' }>): Measure {
  const argument = columnOf(name, 'number');
  const within = clip === null ? null : declaredArgument(argument, { bounds: [0, clip], granularity });
  if (within === null || clip === null) throw boundsMissing(name);
  const { grid } = within;
  const clipGrid = BigInt(Math.floor(clip * inverseOf(grid)));
  if (clipGrid < 1n) throw boundsMissing(name);
  return { kind: 'vector', argument, length, clip, clipGrid, grid };
}

interface Bounded {
  readonly name: string;
  readonly bounds: readonly [number, number] | null;
  readonly granularity: number | null;
}

/** Refuses: BOUNDS_MISSING. */
function boundedOf({ name, bounds, granularity }: Bounded): BoundedArgument {
  const argument = bounds && declaredArgument(columnOf(name, 'number'), { bounds, granularity });
  if (argument === null) throw boundsMissing(name);
  return argument;
}

/** The two ends of a histogram. Refuses: BOUNDS_MISSING. */
function boundsOf({ name, bounds }: Pick<Bounded, 'name' | 'bounds'>): readonly [number, number] {
  if (bounds === null || !(bounds[0] < bounds[1]) || !Number.isFinite(bounds[1] - bounds[0]))
    throw boundsMissing(name);
  return bounds;
}

function boundsMissing(name: string): Refusal {
  return new Refusal('BOUNDS_MISSING', say('plan.bounds', { name }));
}

function columnOf(name: string, type: 'number' | 'boolean' | 'string'): Expr {
  return { op: 'column', name, type };
}

/** Every grid of cells counts its own units. */
function hideBelowOf(measures: MeasureList, { hideBelow: below }: ReleasePolicy): Plan['hideBelow'] {
  if (below === null) return null;
  const grids = [...new Map(measures.all.map(({ over }) => [String(over), over])).values()];
  const places = grids.map((over) => measures.place({ kind: 'units', ...(over !== undefined && { over }) }));
  return { below, units: places[Math.max(0, grids.indexOf(undefined))]! };
}

/** Refuses SHAPE: two outputs of one name. */
function presentationOf(outputs: readonly Shown[], by: readonly ByColumn[]): Presentation {
  const twice = outputs.find(
    ({ name }, index) => outputs.findIndex((other) => other.name === name) !== index,
  );
  if (twice !== undefined) throw new Refusal('SHAPE', say('plan.name', { name: twice.name }));
  const keyNames = by.map(({ name }) => name);
  return { keyNames, outputs, having: null, orderBy: [], limit: null, offset: 0 };
}

/** One joint vector over all outputs and their keys. Refuses: BOUNDS_MISSING, SHAPE. */
export function blocksOutputs(
  outputs: readonly ProgramOutput[],
  { defaults, count }: { readonly defaults: Readonly<Record<string, number>>; readonly count: number },
): PlannedOutputs {
  const joint = outputs.map((output) => blocksOutput(output, defaults[output.name]));
  const shown = outputs.map(({ name, kind, by }, index): Shown => {
    const binKey = kind === 'vector' ? `${name}_index` : null;
    return { name, aggregate: index, binKey, ...(by.length > 0 && { by }) };
  });
  return {
    keys: [],
    mostCells: 1,
    hideBelow: null,
    measures: [{ kind: 'blocks', outputs: joint, count }],
    aggregates: outputs.map((_, output) => ({ fn: 'blockMean', blocks: 0, output })),
    presentation: presentationOf(shown, []),
    returned: joint.map(({ name, width }) => ({ name, width })),
  };
}

function blocksOutput(output: ProgramOutput, fallback: number | undefined): BlocksOutput {
  if (output.kind !== 'mean' && output.kind !== 'vector')
    throw new RangeError('a kind of output that no manifest of blocks may state');
  const argument = boundedOf(output);
  const cells = output.by.reduce((product, { values }) => product * values.length, 1);
  return {
    name: output.name,
    argument,
    width: cells * (output.kind === 'vector' ? output.length : 1),
    defaultGrid: fallback === undefined ? midGridOf(argument) : gridInteger(fallback, argument),
  };
}

/** floor(clamp(x)·(1/g) + 1/2), in the same double operations as the engines. */
function gridInteger(x: number, { low, high, grid }: BoundedArgument): bigint {
  return BigInt(Math.floor(Math.min(high, Math.max(low, x)) * inverseOf(grid) + 0.5));
}
