/**
 * A Plan in, Partials out: runs our printed SQL where the data are and puts the results into the Plan's shape.
 *
 * The engine behind `query` is a jailed reader; what comes back is not trusted: Release checks shape and range.
 */
import { setImmediate } from 'node:timers/promises';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { Dataset } from './manifest/dataset.ts';
import { type Partials, type Plan, widthOf } from './plan.ts';
import type { Scalar } from './expression.ts';
import { printPlan, type PrintedQuery } from './query/print.ts';
import type { RecordQuery } from './query/print-records.ts';
import type { PhysicalColumns } from './query/scan.ts';
import type { RecordRange } from './reader/protocol.ts';
import { NoisePool } from './release/noise-pool.ts';
import type { RandomSource } from './release/random.ts';

/** What a reader returns of a query: columns of equal length. */
export type EngineValue = bigint | number | string | boolean | null;
export type EngineColumns = readonly (readonly EngineValue[])[];

/** A source that can be queried: its stored columns, and our SQL over the one table `source`. */
export interface Engine {
  readonly physical: PhysicalColumns;
  query(sql: string, params: readonly string[]): Promise<EngineColumns>;
}

/** A source whose records can be read, for a program. */
export interface RecordEngine extends Engine {
  /** Runs one CREATE or DROP of ours. */
  prepare(sql: string, params?: readonly string[]): Promise<void>;
  /** The records with numbers from `from` up to but without `to`, in their order, or the first of them. */
  records(query: RecordQuery, from: number, to: number): Promise<RecordRange>;
}

/**
 * The Partials of a Plan, and its noise: drawn while the engine works, so that the time of drawing is not seen.
 * `seed` is the lineage's secret for keyed choices.
 */
export async function measure(
  plan: Plan,
  dataset: Dataset,
  engine: Engine,
  { seed, random }: { readonly seed: string; readonly random: RandomSource },
): Promise<{ readonly partials: Partials; readonly noise: NoisePool }> {
  const pool = new NoisePool(plan, random);
  const [partials, noise] = await Promise.all([
    computePartials(plan, dataset, engine, seed),
    // The query goes out first.
    setImmediate().then(() => pool.fill()),
  ]);
  return { partials, noise };
}

/** Runs every query of a Plan. `seed` is the lineage's secret for keyed choices; it is bound, never printed. */
export async function computePartials(
  plan: Plan,
  dataset: Dataset,
  engine: Engine,
  seed: string,
): Promise<Partials> {
  const shape = new PartialsShape(plan);
  for (const printed of printPlan(plan, dataset, engine.physical)) {
    shape.take(printed, await engine.query(printed.sql, printed.usesSeed ? [seed] : []));
  }
  return shape.partials();
}

/** Collects engine columns into vectors; anything out of place is a machine fault. */
class PartialsShape {
  readonly #plan: Plan;
  #keys: (readonly Scalar[])[] | null = null;
  readonly #vectors: bigint[][];

  constructor(plan: Plan) {
    this.#plan = plan;
    const cells = plan.keys.mode === 'none' ? 1 : plan.keys.mode === 'listed' ? plan.keys.cells : 0;
    this.#vectors = plan.measures.map((measure) =>
      Array.from({ length: cells * widthOf(measure) }, () => 0n),
    );
  }

  take(printed: PrintedQuery, columns: EngineColumns): void {
    if (this.#plan.keys.mode === 'thresholded') this.#takeThresholded(printed, columns);
    else if (printed.wide) this.#takeBins(printed.measures[0]!, columns);
    else this.#takeScalars(printed.measures, columns);
  }

  partials(): Partials {
    return { keys: this.#keys, vectors: this.#vectors };
  }

  #takeScalars(measures: readonly number[], [cells, ...values]: EngineColumns): void {
    if (cells === undefined || values.length !== measures.length) throw fault();
    for (const [row, cell] of cells.entries()) {
      for (const [position, measure] of measures.entries())
        this.#set(measure, integerOf(cell), values[position]?.[row]);
    }
  }

  #takeBins(measure: number, [cells, bins, counts]: EngineColumns): void {
    if (cells === undefined || bins === undefined || counts === undefined) throw fault();
    const width = BigInt(widthOf(this.#plan.measures[measure]!));
    for (const [row, cell] of cells.entries()) {
      const bin = integerOf(bins[row]);
      if (bin < 0n || bin >= width) throw fault();
      this.#set(measure, integerOf(cell) * width + bin, counts[row]);
    }
  }

  #set(measure: number, entry: bigint, value: EngineValue | undefined): void {
    const vector = this.#vectors[measure]!;
    if (entry < 0n || entry >= BigInt(vector.length)) throw fault();
    vector[Number(entry)] = integerOf(value);
  }

  #takeThresholded(printed: PrintedQuery, columns: EngineColumns): void {
    const { keys } = this.#plan;
    const width = keys.mode === 'thresholded' ? keys.keys.length : 0;
    const [names, values] = [columns.slice(0, width), columns.slice(width)];
    if (names.length !== width || values.length !== printed.measures.length) throw fault();
    this.#keys = (names[0] ?? []).map((_, row) => names.map((column) => keyValueOf(column[row])));
    for (const [position, measure] of printed.measures.entries())
      this.#vectors[measure] = values[position]!.map(integerOf);
  }
}

function integerOf(value: EngineValue | undefined): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  throw fault();
}

function keyValueOf(value: EngineValue | undefined): Scalar {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  throw fault();
}

function fault(): Failure {
  return new Failure('MACHINE_FAULT', say('source.fault'));
}
