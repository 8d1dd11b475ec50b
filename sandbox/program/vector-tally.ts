/**
 * Clipped sums of vectors: all rows of a unit in a cell are added up on the grid, and the sum is shortened to an L2 norm
 * of at most C.
 *
 * Guarantee: what is added to a cell has a norm of at most clipGrid, by integers: trunc(C·s / n) with n the least integer
 * that is not below ‖s‖₂. Doubles are used only where sum of squares and products are below 2^53.
 */
import type { Plan, VectorMeasure } from '../plan.ts';
import { rootUp } from '../release/sensitivity.ts';
import { gridReading } from './mapped-column.ts';
import type { MappedRecords, Part, Tally } from './tallies.ts';
import { EXACT_LIMIT, Totals } from './totals.ts';

export class VectorTally implements Tally {
  readonly rowsAtOnce: number;
  readonly #length: number;
  readonly #clip: number;
  readonly #clipGrid: bigint;
  readonly #output: number;
  readonly #toGrid: (value: number) => number;
  readonly #totals: Totals;
  /** Entries of a unit's sums, slot by slot, and the rows in them. */
  #sums: Float64Array<ArrayBuffer>;
  #counts = new Int32Array(16);
  #values: Float64Array = new Float64Array(0);
  #rows = 0;

  constructor(plan: Plan, measure: VectorMeasure, cells: number) {
    const { length, clip, clipGrid, grid, argument } = measure;
    this.#length = length;
    this.#clip = Number(clipGrid);
    this.#clipGrid = clipGrid;
    this.#output = plan.program!.columns.findIndex(
      ({ name }) => argument.op === 'column' && argument.name === name,
    );
    this.#toGrid = gridReading({ low: -clip, high: clip, grid }, 0);
    this.#totals = new Totals(cells * length);
    this.#sums = new Float64Array(16 * length);
    this.rowsAtOnce = Math.max(1, Math.floor((EXACT_LIMIT - 1) / this.#clip));
  }

  start({ values }: MappedRecords, rows: number): void {
    this.#values = values[this.#output]!;
    this.#rows = rows;
    this.#totals.reserve(rows * this.#clip);
  }

  addRows(cells: Int32Array | null): void {
    for (let row = 0; row < this.#rows; row += 1) {
      const cell = cells === null ? 0 : cells[row]!;
      if (cell < 0 || !this.#isWhole(row)) continue;
      this.#add(row, 0);
      this.settle(0, cell);
    }
  }

  gather(from: number, to: number, slots: Int32Array): void {
    for (let row = from; row < to; row += 1) {
      const slot = slots[row]!;
      if (slot < 0 || !this.#isWhole(row)) continue;
      if (slot >= this.#counts.length) this.#grow();
      this.#add(row, slot);
    }
  }

  settle(slot: number, cell: number): void {
    if (slot >= this.#counts.length || this.#counts[slot] === 0) return;
    const length = this.#length;
    const sums = this.#sums.subarray(slot * length, (slot + 1) * length);
    const [squared, largest] = normOf(sums);
    if (squared < EXACT_LIMIT && largest * this.#clip < EXACT_LIMIT) {
      const norm = squared <= this.#clip ** 2 ? 0 : rootUpOf(squared);
      for (let entry = 0; entry < length; entry += 1) {
        const sum = sums[entry]!;
        this.#totals.add(cell * length + entry, norm === 0 ? sum : Math.trunc((this.#clip * sum) / norm));
      }
    } else this.#settleExact(Array.from(sums, BigInt), cell);
    this.drop(slot);
  }

  drop(slot: number): void {
    if (slot >= this.#counts.length) return;
    this.#counts[slot] = 0;
    this.#sums.fill(0, slot * this.#length, (slot + 1) * this.#length);
  }

  save(slot: number, into: Part): void {
    const count = this.#counts[slot] ?? 0;
    if (count === 0) return;
    into.count += count;
    for (let entry = 0; entry < this.#length; entry += 1)
      into.entries[entry] = (into.entries[entry] ?? 0n) + BigInt(this.#sums[slot * this.#length + entry]!);
    this.drop(slot);
  }

  settlePart({ count, entries }: Part, cell: number): void {
    if (count > 0) this.#settleExact(entries, cell);
  }

  totals(): readonly bigint[] {
    return this.#totals.all();
  }

  #settleExact(sums: readonly bigint[], cell: number): void {
    const squared = sums.reduce((total, sum) => total + sum * sum, 0n);
    const norm = squared <= this.#clipGrid ** 2n ? null : rootUp(squared);
    for (const [entry, sum] of sums.entries())
      this.#totals.addExact(cell * this.#length + entry, norm === null ? sum : (this.#clipGrid * sum) / norm);
  }

  /** Whether a record has all entries. */
  #isWhole(row: number): boolean {
    const [values, end] = [this.#values, (row + 1) * this.#length];
    for (let at = row * this.#length; at < end; at += 1) if (values[at] !== values[at]) return false;
    return true;
  }

  /** Adds a record's entries, each within ±C. */
  #add(row: number, slot: number): void {
    const [values, sums, clip, toGrid] = [this.#values, this.#sums, this.#clip, this.#toGrid];
    const [from, into] = [row * this.#length, slot * this.#length];
    for (let entry = 0; entry < this.#length; entry += 1) {
      const k = toGrid(values[from + entry]!);
      sums[into + entry]! += k > clip ? clip : k < -clip ? -clip : k;
    }
    this.#counts[slot]! += 1;
  }

  #grow(): void {
    const [sums, counts] = [this.#sums, this.#counts];
    this.#sums = new Float64Array(2 * sums.length);
    this.#sums.set(sums);
    this.#counts = new Int32Array(2 * counts.length);
    this.#counts.set(counts);
  }
}

/** The sum of squares, exact if it is below 2^53 (then every part of it is too), and the largest magnitude. */
function normOf(sums: Float64Array): readonly [squared: number, largest: number] {
  let [squared, largest] = [0, 0];
  for (const sum of sums) {
    squared += sum * sum;
    largest = Math.max(largest, Math.abs(sum));
  }
  return [squared, largest];
}

/** The least integer whose square is not below an integer below 2^53. */
function rootUpOf(squared: number): number {
  let root = Math.ceil(Math.sqrt(squared));
  while (root * root < squared) root += 1;
  while ((root - 1) ** 2 >= squared) root -= 1;
  return root;
}
