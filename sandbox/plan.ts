/**
 * The Plan: what is to be computed, as closed, typed data, and what it costs.
 *
 * Every front end compiles to a Plan. Price, privacy cost and size of the answer are functions of the Plan
 * and the policy alone, never of the data. The Plan fixes in advance the shape and the range of the exact
 * integers (Partials) that the sandbox may hand to Release.
 */
import { type CompareOperator, columnsOf, type Expr, type Scalar } from './expression.ts';

/** A grid of step base^-exponent: the exact multiples that a numeric value is rounded to before it is summed. */
export interface Grid {
  readonly base: 2 | 10;
  /** May be negative for base 2: a step larger than one. */
  readonly exponent: number;
}

/** A numeric argument with declared clamp bounds, in values and in grid integers. */
export interface BoundedArgument {
  readonly expr: Expr;
  readonly low: number;
  readonly high: number;
  readonly grid: Grid;
  /** floor(low / step + 1/2) and floor(high / step + 1/2). */
  readonly lowGrid: bigint;
  readonly highGrid: bigint;
}

/**
 * One measured vector: per cell, the integers that noise is added to. Widths: `histogram` bins, `quantile`
 * bins, `vector` length, `blocks` all entries of all outputs, all others 1. Per unit and cell, after bounding
 * (R = maxRowsPerUnit, c = the unit's rows in the cell with a non-NULL argument, x in grid integers clamped to
 * [lowGrid, highGrid]):
 */
export type Measure = Measured & {
  /** The keys that its cells are over, by index, first slowest; absent: all keys of the Plan. */
  readonly over?: readonly number[];
};

type Measured =
  /** 1 if the unit has a row in the cell. */
  | { readonly kind: 'units' }
  /** min(c, R); argument null counts rows. */
  | { readonly kind: 'rows'; readonly argument: Expr | null }
  /** clamp(Σx, R·min(lowGrid, 0), R·max(highGrid, 0)). */
  | { readonly kind: 'sum'; readonly argument: BoundedArgument }
  /** y = x − mid, mid = floor((lowGrid + highGrid) / 2): Σy, or trunc(R·Σy/c) when c > R. */
  | { readonly kind: 'centredSum'; readonly argument: BoundedArgument }
  /** Σy², or trunc(R·Σy²/c) when c > R. */
  | { readonly kind: 'centredSquares'; readonly argument: BoundedArgument }
  /** Rows per bin, at most R rows of the unit in the cell, chosen by keyed hash. Values outside [low, high) are clamped into the end bins. */
  | {
      readonly kind: 'histogram';
      readonly argument: Expr;
      readonly low: number;
      readonly high: number;
      readonly bins: number;
    }
  /** The same over `bins` (a power of two) equal bins of [low, high]: leaves of the dyadic tree; Release builds the tree. */
  | { readonly kind: 'quantile'; readonly argument: BoundedArgument; readonly bins: number }
  | VectorMeasure
  | BlocksMeasure;

/**
 * Programs (`map`): v = Σ of all rows' vectors, entries in grid integers clamped to ±clipGrid, whatever R. If ‖v‖₂ is
 * above clipGrid, every entry becomes trunc(clipGrid·v / n), n the least integer that is not below ‖v‖₂.
 */
export interface VectorMeasure {
  readonly kind: 'vector';
  readonly argument: Expr;
  readonly length: number;
  /** C as it was declared, and floor(C / step). */
  readonly clip: number;
  readonly clipGrid: bigint;
  readonly grid: Grid;
}

/**
 * Programs (`blocks`): Σ over `count` blocks of the clamped answers of each, all outputs as one vector. Not bounded per
 * cell: a unit is in one block and can change that block's whole vector.
 */
export interface BlocksMeasure {
  readonly kind: 'blocks';
  readonly outputs: readonly BlocksOutput[];
  readonly count: number;
}

/** An output of a block: `width` entries within the bounds of `argument`. */
export interface BlocksOutput {
  readonly name: string;
  readonly argument: BoundedArgument;
  readonly width: number;
  /** What a failed block answers, in grid integers. */
  readonly defaultGrid: bigint;
}

/** One value computed from noisy measures by post-processing. Numbers are indices into `measures`. */
export type Aggregate =
  | { readonly fn: 'count'; readonly rows: number }
  | { readonly fn: 'countUnits'; readonly units: number }
  | { readonly fn: 'sum'; readonly sum: number }
  | { readonly fn: 'avg'; readonly sum: number; readonly rows: number }
  | {
      readonly fn: 'variance' | 'stddev';
      readonly sum: number;
      readonly squares: number;
      readonly rows: number;
    }
  | { readonly fn: 'quantile'; readonly tree: number; readonly q: number }
  /** Gives one value per bin. */
  | { readonly fn: 'histogram'; readonly histogram: number }
  /** Gives one value per entry. */
  | { readonly fn: 'vector'; readonly vector: number }
  /** The mean over blocks of one output: one value per entry. */
  | { readonly fn: 'blockMean'; readonly blocks: number; readonly output: number };

/** A grouping key. `domain` is its public list of values in output order, or null when it is thresholded. */
export interface PlanKey {
  readonly expr: Expr;
  readonly domain: readonly Scalar[] | null;
}

export type Keys =
  | { readonly mode: 'none' }
  /** The cells are the product of the domains, first key slowest; those of a measure with `over`, of some of them. */
  | { readonly mode: 'listed'; readonly keys: readonly PlanKey[]; readonly cells: number }
  /** At least one key has no public list. Domain values of listed companions filter rows. */
  | {
      readonly mode: 'thresholded';
      readonly keys: readonly PlanKey[];
      readonly maxEntries: number;
      /** Index of the distinct-unit count in `measures` that decides which keys are released. */
      readonly units: number;
    };

export interface Bounding {
  /** L0′: cells one unit may contribute to; of a measure over fewer cells, all of them (`cellsPerUnitOf`). */
  readonly cellsPerUnit: number;
  /** R: rows one unit contributes per cell (1 when each row is a unit). */
  readonly rowsPerUnit: number;
  /** False when no unit can be in more than `cellsPerUnit` cells, so that nothing need be chosen. */
  readonly chooseCells: boolean;
}

export type Mechanism = 'gaussian' | 'laplace';

/** What a Plan costs, in the unit of the lineage's ledger. All amounts are rounded up. */
export interface Cost {
  readonly unit: 'rho' | 'epsilon';
  /** nano-ρ (zCDP), or nano-ε for a pure ledger. */
  readonly nano: bigint;
  /** δ of key selection in units of 1e-24; 0 with listed keys. */
  readonly thresholdDeltaYocto: bigint;
  /** What the request asked for. */
  readonly epsilon: number;
  readonly delta: number;
}

export type Timing =
  | { readonly mode: 'exact' }
  | { readonly mode: 'planned'; readonly releaseAfterMs: number }
  | { readonly mode: 'quantum'; readonly quantumMs: number };

/**
 * What a program's Plan says beside the rest. Its measures and keys are expressions over the *mapped* table: one column per
 * output and per column of a `by`, NULL where the program gave nothing.
 */
export interface PlannedProgram {
  /** Of module and manifest together. */
  readonly digest: string;
  readonly mode: 'map' | 'blocks';
  readonly engine: 'strict' | 'fast';
  /** The datasets that it reads, the Plan's own first, and of each the columns beside the privacy unit. */
  readonly inputs: readonly {
    readonly dataset: string;
    readonly lineage: string;
    readonly versionId: string;
    readonly maxRows: number;
    readonly columns: readonly string[];
  }[];
  readonly paramsDigest: string;
  /** `map`: ticks per record; else 0. */
  readonly fuel: number;
  /** `blocks`: processor time of each; else 0. */
  readonly cpuMs: number;
  readonly maxAborts: number;
  /** Columns of the mapped table in the order in which a worker returns them; of `blocks`, its outputs. */
  readonly columns: readonly { readonly name: string; readonly width: number }[];
  /** Planned processor time of the whole run, and the wall time after which a run has failed. */
  readonly plannedMs: number;
  readonly wallLimitMs: number;
}

/** What a Plan over encrypted columns says beside the rest: under which key, and who adds the noise. Digests in hex. */
export interface PlannedEncryption {
  readonly manifestDigest: string;
  readonly keyId: string;
  readonly profile: string;
  /** The custodian's public key, as `x` of its JWK. */
  readonly custodian: string;
}

export interface Plan {
  /** Absent: the data are read as they are. */
  readonly encrypted?: PlannedEncryption;
  /** Absent: SQL, whose digests are older than programs. */
  readonly program?: PlannedProgram;
  readonly dataset: {
    readonly name: string;
    readonly lineage: string;
    readonly versionId: string;
    /** Declared ceiling of rows; the only size of the data that a Plan may know. */
    readonly maxRows: number;
    readonly timeZone: string;
  };
  /** Null: every row is its own unit. */
  readonly unit: string | null;
  readonly where: Expr | null;
  readonly keys: Keys;
  readonly bounding: Bounding;
  /** Thresholded keys: k. */
  readonly minimumCohort: number;
  /**
   * Listed keys: a cell whose released unit count is below this becomes null. Index of that count in `measures`; where
   * measures are over different keys, each grid of cells has a `units` of its own.
   */
  readonly hideBelow: { readonly below: number; readonly units: number } | null;
  readonly measures: readonly Measure[];
  readonly aggregates: readonly Aggregate[];
  readonly mechanism: Mechanism;
  readonly cost: Cost;
  readonly timing: Timing;
  /** SHA-256 (hex) of the policy revision in force. */
  readonly policyDigest: string;
}

/** Entries per cell of a measured vector. */
export function widthOf(measure: Measure): number {
  switch (measure.kind) {
    case 'histogram':
    case 'quantile':
      return measure.bins;
    case 'vector':
      return measure.length;
    case 'blocks':
      return measure.outputs.reduce((sum, { width }) => sum + width, 0);
    default:
      return 1;
  }
}

/** The keys of a measure, first slowest. */
export function keysOf({ keys }: Pick<Plan, 'keys'>, { over }: Pick<Measure, 'over'>): readonly PlanKey[] {
  if (keys.mode === 'none') return [];
  return over === undefined ? keys.keys : over.map((index) => keys.keys[index]!);
}

/** The number of cells of a measure; null where keys are thresholded: as many as the sandbox returns. */
export function cellsOf(plan: Pick<Plan, 'keys'>, measure: Pick<Measure, 'over'>): number | null {
  if (plan.keys.mode === 'thresholded') return null;
  return keysOf(plan, measure).reduce((cells, { domain }) => cells * domain!.length, 1);
}

/** L0′ of a measure: of its cells, those that one unit may contribute to. */
export function cellsPerUnitOf(
  plan: Pick<Plan, 'keys' | 'bounding'>,
  measure: Pick<Measure, 'over'>,
): number {
  const { cellsPerUnit } = plan.bounding;
  // Without `over` the Plan's own number holds, whoever made it.
  return measure.over === undefined
    ? cellsPerUnit
    : Math.min(cellsPerUnit, cellsOf(plan, measure) ?? Infinity);
}

/** The measure that an aggregate's cells are those of. */
export function measureOf({ measures }: Pick<Plan, 'measures'>, aggregate: Aggregate): Measure {
  return measures[measureIndexOf(aggregate)]!;
}

function measureIndexOf(aggregate: Aggregate): number {
  switch (aggregate.fn) {
    case 'count':
      return aggregate.rows;
    case 'countUnits':
      return aggregate.units;
    case 'sum':
    case 'avg':
    case 'variance':
    case 'stddev':
      return aggregate.sum;
    case 'quantile':
      return aggregate.tree;
    case 'histogram':
      return aggregate.histogram;
    case 'vector':
      return aggregate.vector;
    case 'blockMean':
      return aggregate.blocks;
  }
}

/** Values that an aggregate gives per cell. */
export function valuesOf(plan: Pick<Plan, 'measures'>, aggregate: Aggregate): number {
  const measure = measureOf(plan, aggregate);
  if (aggregate.fn === 'blockMean') return (measure as BlocksMeasure).outputs[aggregate.output]!.width;
  return aggregate.fn === 'histogram' || aggregate.fn === 'vector' ? widthOf(measure) : 1;
}

/** The expressions that a measure is taken of; none of units, whole rows and blocks. */
export function expressionsOf(measure: Measure): readonly Expr[] {
  switch (measure.kind) {
    case 'units':
      return [];
    case 'rows':
      return measure.argument === null ? [] : [measure.argument];
    case 'histogram':
    case 'vector':
      return [measure.argument];
    case 'blocks':
      return [];
    default:
      return [measure.argument.expr];
  }
}

/** The columns of the dataset that a Plan reads, with the privacy unit. */
export function columnsReadBy(plan: Plan): ReadonlySet<string> {
  const columns = new Set<string>(plan.unit === null ? [] : [plan.unit]);
  if (plan.program !== undefined) {
    for (const column of plan.program.inputs[0]!.columns) columns.add(column);
    return columns;
  }
  if (plan.where !== null) columnsOf(plan.where, columns);
  if (plan.keys.mode !== 'none') for (const { expr } of plan.keys.keys) columnsOf(expr, columns);
  for (const expr of plan.measures.flatMap(expressionsOf)) columnsOf(expr, columns);
  return columns;
}

/** mid of the centred measures: floor((lowGrid + highGrid) / 2). */
export function midGridOf(argument: BoundedArgument): bigint {
  return BigInt.asIntN(256, argument.lowGrid + argument.highGrid) >> 1n;
}

/**
 * Exact integers of a shape that the Plan fixes in advance. `vectors[m][cell * widthOf(measure m) + entry]`.
 * Cells are the product of the domains (listed, one cell without keys) or `keys` (thresholded: only cells
 * with at least `minimumCohort` distinct units, at most `maxEntries` of them).
 */
export interface Partials {
  readonly keys: readonly (readonly Scalar[])[] | null;
  readonly vectors: readonly (readonly bigint[])[];
}

/** One released value. `null` values carry a reason; they exist only by hideBelow. */
export interface ReleasedValue {
  readonly value: number | null;
  readonly exact: string | null;
  readonly stddev: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly reason?: 'COHORT';
}

/** A released cell: its key and, per aggregate of the Plan, its values (one; histogram: one per bin; vector: per entry). */
export interface ReleasedCell {
  /** The keys that `key` holds values of, by index; absent: all. Aggregates over other keys have no values here. */
  readonly keys?: readonly number[];
  readonly key: readonly Scalar[];
  readonly values: readonly (readonly ReleasedValue[])[];
}

/** How a buyer wants stored cells shown. Post-processing of released values only; no part of the Plan's digest. */
export interface Presentation {
  readonly keyNames: readonly string[];
  readonly outputs: readonly {
    readonly name: string;
    readonly aggregate: number;
    /** Histogram, vector: the key under which a bin or entry is shown, counted from 1. */
    readonly binKey: string | null;
    /** Blocks: keys whose product the values run over, first slowest, before bins. */
    readonly by?: readonly { readonly name: string; readonly values: readonly Scalar[] }[];
  }[];
  readonly having: ReleasedPredicate | null;
  readonly orderBy: readonly {
    readonly by: OrderTerm;
    readonly descending: boolean;
    readonly nullsFirst: boolean;
  }[];
  readonly limit: number | null;
  readonly offset: number;
}

export type OrderTerm =
  | { readonly kind: 'output'; readonly output: number }
  | { readonly kind: 'key'; readonly key: number };

/** A condition on released values: what HAVING may say. */
export type ReleasedPredicate =
  | { readonly op: 'and' | 'or'; readonly args: readonly ReleasedPredicate[] }
  | { readonly op: 'not'; readonly arg: ReleasedPredicate }
  | {
      readonly op: 'compare';
      readonly operator: CompareOperator;
      readonly left: OrderTerm;
      readonly right: Scalar;
    };
