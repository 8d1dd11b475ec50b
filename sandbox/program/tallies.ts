/**
 * What one unit contributes to one measure: rows are gathered by slots, one slot per cell that the unit is in, and each
 * slot is settled, once, as the doc comment of `Measure` says, or dropped.
 *
 * Guarantee: integers throughout. Doubles are used only where every intermediate result is an integer below 2^53, which
 * the caller's limit on rows (`rowsAtOnce`) and checks here see to; else big integers.
 */
import type { BoundedArgument, Measure, Plan } from '../plan.ts';
import { centredReach } from '../release/sensitivity.ts';
import type { KeyedHash } from './keyed-hash.ts';
import { type MappedColumn, mappedColumnOf, readColumn } from './mapped-column.ts';
import { EXACT_LIMIT, Totals } from './totals.ts';
import { VectorTally } from './vector-tally.ts';
import { BinTally } from './bin-tally.ts';

/** What a worker returned of a buffer; arrays are columns. */
export interface MappedRecords {
  readonly values: readonly Float64Array[];
  /** Per key of the Plan, the place of the record's value in its list; -1: not in it. */
  readonly codes: readonly Int32Array[];
}

/** A unit by the halves of its hash. */
export interface UnitHash {
  readonly low: number;
  readonly high: number;
}

/** What a part of a unit has in one cell, to be added to its other parts. */
export interface Part {
  count: number;
  sum: bigint;
  readonly entries: bigint[];
  readonly bins: Map<number, number>;
}

export function emptyPart(): Part {
  return { count: 0, sum: 0n, entries: [], bins: new Map() };
}

/** Gathers one measure over the cells of one grid. */
export interface Tally {
  /** Rows of a unit that may be gathered before slots are settled or saved. */
  readonly rowsAtOnce: number;
  /** Begins a buffer. */
  start(records: MappedRecords, rows: number): void;
  /** Every row from 0 is a unit of its own, in the cell that `cells` says (-1: none; null: the only one). */
  addRows(cells: Int32Array | null): void;
  /** Rows of one unit; slots by row, -1: none. */
  gather(from: number, to: number, slots: Int32Array): void;
  /** Adds what a slot holds to a cell, and empties the slot. */
  settle(slot: number, cell: number, unit: UnitHash): void;
  /** Empties a slot. */
  drop(slot: number): void;
  /** Moves what a slot holds to a part. */
  save(slot: number, into: Part): void;
  settlePart(part: Part, cell: number, unit: UnitHash): void;
  totals(): readonly bigint[];
}

/** A tally for a measure over so many cells. */
export function tallyOf(plan: Plan, measure: Measure, { cells, rowHash }: TallyContext): Tally {
  const { rowsPerUnit } = plan.bounding;
  switch (measure.kind) {
    case 'units':
      return new UnitTally(cells);
    case 'histogram':
    case 'quantile':
      return new BinTally(mappedColumnOf(plan, measure), { cells, rowHash, bins: measure.bins, rowsPerUnit });
    case 'vector':
      return new VectorTally(plan, measure, cells);
    case 'blocks':
      throw new RangeError('blocks are not bounded per cell');
    default:
      if (isWide(measure)) return new WideSquaresTally(plan, measure, cells);
      return new ScalarTally(mappedColumnOf(plan, measure), { cells, ...amountsOf(measure, rowsPerUnit) });
  }
}

interface TallyContext {
  readonly cells: number;
  /** Orders the rows of a unit in a cell. */
  readonly rowHash: KeyedHash;
}

/** The largest magnitude of one row's integer, and a unit's contribution from its count and sum. */
interface Amounts {
  readonly reach: number;
  readonly finish: (count: number, sum: number) => number | null;
  readonly finishExact: (count: number, sum: bigint) => bigint;
}

type SummedMeasure = Extract<Measure, { kind: 'rows' | 'sum' | 'centredSum' | 'centredSquares' }>;

function amountsOf(measure: SummedMeasure, rows: number): Amounts {
  switch (measure.kind) {
    case 'rows':
      return {
        reach: 1,
        finish: (count) => Math.min(count, rows),
        finishExact: (count) => BigInt(Math.min(count, rows)),
      };
    case 'sum':
      return summed(measure.argument, BigInt(rows));
    case 'centredSum':
      return weighted(Number(centredReach(measure.argument)), rows);
    case 'centredSquares':
      return weighted(Number(centredReach(measure.argument) ** 2n), rows);
  }
}

/** clamp(S, R·min(L, 0), R·max(U, 0)). */
function summed({ lowGrid, highGrid }: BoundedArgument, rows: bigint): Amounts {
  const [low, high] = [rows * (lowGrid < 0n ? lowGrid : 0n), rows * (highGrid > 0n ? highGrid : 0n)];
  const [from, to] = [Number(low), Number(high)];
  return {
    reach: Math.max(Math.abs(Number(lowGrid)), Math.abs(Number(highGrid))),
    // A limit that is no double is beyond every sum that is one.
    finish: (_count, sum) => Math.min(Math.max(sum, from), to),
    finishExact: (_count, sum) => (sum < low ? low : sum > high ? high : sum),
  };
}

/** S, or trunc(R·S/c) when c > R: of a product below 2^53 the quotient of doubles is never rounded up to an integer. */
function weighted(reach: number, rows: number): Amounts {
  return {
    reach,
    finish: (count, sum) => {
      if (count <= rows) return sum;
      const product = rows * sum;
      return Math.abs(product) < EXACT_LIMIT ? Math.trunc(product / count) : null;
    },
    finishExact: (count, sum) => (count > rows ? (BigInt(rows) * sum) / BigInt(count) : sum),
  };
}

/** Whether the square of one row's integer may be no exact double. */
function isWide(measure: SummedMeasure): measure is Extract<Measure, { kind: 'centredSquares' }> {
  return measure.kind === 'centredSquares' && centredReach(measure.argument) ** 2n >= BigInt(EXACT_LIMIT);
}

class ScalarTally implements Tally {
  readonly rowsAtOnce: number;
  readonly #column: MappedColumn;
  readonly #amounts: Amounts;
  readonly #totals: Totals;
  #read = new Float64Array(0);
  #sums = new Float64Array(16);
  #counts = new Float64Array(16);

  constructor(column: MappedColumn, { cells, ...amounts }: Amounts & { readonly cells: number }) {
    this.#column = column;
    this.#amounts = amounts;
    this.#totals = new Totals(cells);
    this.rowsAtOnce = Math.max(1, Math.floor((EXACT_LIMIT - 1) / Math.max(1, amounts.reach)));
  }

  start({ values }: MappedRecords, rows: number): void {
    if (this.#read.length !== rows) this.#read = new Float64Array(rows);
    readColumn(this.#column, values[this.#column.output]!, this.#read);
    this.#totals.reserve(rows * this.#amounts.reach);
  }

  addRows(cells: Int32Array | null): void {
    const [read, totals] = [this.#read, this.#totals];
    for (let row = 0; row < read.length; row += 1) {
      const amount = read[row]!;
      const cell = cells === null ? 0 : cells[row]!;
      if (amount === amount && cell >= 0) totals.add(cell, amount);
    }
  }

  gather(from: number, to: number, slots: Int32Array): void {
    const read = this.#read;
    for (let row = from; row < to; row += 1) {
      const slot = slots[row]!;
      const amount = read[row]!;
      if (slot < 0 || amount !== amount) continue;
      if (slot >= this.#sums.length) this.#grow();
      this.#sums[slot]! += amount;
      this.#counts[slot]! += 1;
    }
  }

  settle(slot: number, cell: number): void {
    if (slot >= this.#sums.length) return;
    const count = this.#counts[slot]!;
    const sum = this.#sums[slot]!;
    if (count === 0) return;
    const amount = this.#amounts.finish(count, sum);
    if (amount === null) this.#totals.addExact(cell, this.#amounts.finishExact(count, BigInt(sum)));
    else this.#totals.add(cell, amount);
    this.drop(slot);
  }

  drop(slot: number): void {
    if (slot >= this.#sums.length) return;
    this.#counts[slot] = 0;
    this.#sums[slot] = 0;
  }

  save(slot: number, into: Part): void {
    into.count += this.#counts[slot] ?? 0;
    into.sum += BigInt(this.#sums[slot] ?? 0);
    this.drop(slot);
  }

  settlePart({ count, sum }: Part, cell: number): void {
    if (count > 0) this.#totals.addExact(cell, this.#amounts.finishExact(count, sum));
  }

  totals(): readonly bigint[] {
    return this.#totals.all();
  }

  #grow(): void {
    const [sums, counts] = [this.#sums, this.#counts];
    this.#sums = new Float64Array(2 * sums.length);
    this.#sums.set(sums);
    this.#counts = new Float64Array(2 * counts.length);
    this.#counts.set(counts);
  }
}

/** Squares in big integers. */
class WideSquaresTally implements Tally {
  readonly rowsAtOnce = Infinity;
  readonly #column: MappedColumn;
  readonly #amounts: Amounts;
  readonly #totals: Totals;
  readonly #slots = new Map<number, Part>();
  #read = new Float64Array(0);

  constructor(plan: Plan, measure: Extract<Measure, { kind: 'centredSquares' }>, cells: number) {
    this.#column = mappedColumnOf(plan, { ...measure, kind: 'centredSum' });
    this.#amounts = amountsOf(measure, plan.bounding.rowsPerUnit);
    this.#totals = new Totals(cells);
  }

  start({ values }: MappedRecords, rows: number): void {
    this.#read = new Float64Array(rows);
    readColumn(this.#column, values[this.#column.output]!, this.#read);
  }

  addRows(cells: Int32Array | null): void {
    for (const [row, amount] of this.#read.entries()) {
      const cell = cells === null ? 0 : cells[row]!;
      if (amount === amount && cell >= 0) this.#totals.addExact(cell, BigInt(amount) ** 2n);
    }
  }

  gather(from: number, to: number, slots: Int32Array): void {
    for (let row = from; row < to; row += 1) {
      const slot = slots[row]!;
      const amount = this.#read[row]!;
      if (slot < 0 || amount !== amount) continue;
      const part = this.#slots.get(slot) ?? emptyPart();
      this.#slots.set(slot, part);
      part.count += 1;
      part.sum += BigInt(amount) ** 2n;
    }
  }

  settle(slot: number, cell: number): void {
    this.settlePart(this.#slots.get(slot) ?? emptyPart(), cell);
    this.drop(slot);
  }

  drop(slot: number): void {
    this.#slots.delete(slot);
  }

  save(slot: number, into: Part): void {
    const { count, sum } = this.#slots.get(slot) ?? emptyPart();
    into.count += count;
    into.sum += sum;
    this.drop(slot);
  }

  settlePart({ count, sum }: Part, cell: number): void {
    if (count > 0) this.#totals.addExact(cell, this.#amounts.finishExact(count, sum));
  }

  totals(): readonly bigint[] {
    return this.#totals.all();
  }
}

/** A unit counts once in each cell. */
class UnitTally implements Tally {
  readonly rowsAtOnce = Infinity;
  readonly #totals: Totals;
  #rows = 0;

  constructor(cells: number) {
    this.#totals = new Totals(cells);
  }

  start(_records: MappedRecords, rows: number): void {
    this.#rows = rows;
    this.#totals.reserve(rows);
  }

  addRows(cells: Int32Array | null): void {
    for (let row = 0; row < this.#rows; row += 1) {
      const cell = cells === null ? 0 : cells[row]!;
      if (cell >= 0) this.#totals.add(cell, 1);
    }
  }

  gather(): void {}

  settle(_slot: number, cell: number): void {
    this.#totals.add(cell, 1);
  }

  drop(): void {}

  save(): void {}

  settlePart(_part: Part, cell: number): void {
    this.#totals.addExact(cell, 1n);
  }

  totals(): readonly bigint[] {
    return this.#totals.all();
  }
}
