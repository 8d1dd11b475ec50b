/**
 * Rows of a unit per bin (histograms and quantiles), at most R in a cell.
 *
 * Guarantee: where a unit has more, the rows that are kept are those of smallest keyed hash of unit, cell and ordinal, the
 * ordinal being a row's place, from 1, among the unit's rows in the cell in order of their bins; no order of the file
 * and no cut of the records into buffers changes the choice.
 */
import type { KeyedHash } from './keyed-hash.ts';
import { type MappedColumn, readColumn } from './mapped-column.ts';
import { smallestRanks } from './smallest-ranks.ts';
import type { MappedRecords, Part, Tally, UnitHash } from './tallies.ts';
import { Totals } from './totals.ts';

interface BinContext {
  readonly cells: number;
  readonly bins: number;
  readonly rowsPerUnit: number;
  readonly rowHash: KeyedHash;
}

export class BinTally implements Tally {
  readonly rowsAtOnce = Infinity;
  readonly #column: MappedColumn;
  readonly #context: BinContext;
  readonly #totals: Totals;
  /** Bins of the rows of each slot. */
  readonly #slots: number[][] = [];
  #read = new Float64Array(0);

  constructor(column: MappedColumn, context: BinContext) {
    this.#column = column;
    this.#context = context;
    this.#totals = new Totals(context.cells * context.bins);
  }

  start({ values }: MappedRecords, rows: number): void {
    if (this.#read.length !== rows) this.#read = new Float64Array(rows);
    readColumn(this.#column, values[this.#column.output]!, this.#read);
    this.#totals.reserve(rows);
  }

  addRows(cells: Int32Array | null): void {
    const { bins } = this.#context;
    for (let row = 0; row < this.#read.length; row += 1) {
      const bin = this.#read[row]!;
      const cell = cells === null ? 0 : cells[row]!;
      if (bin === bin && cell >= 0) this.#totals.add(cell * bins + bin, 1);
    }
  }

  gather(from: number, to: number, slots: Int32Array): void {
    for (let row = from; row < to; row += 1) {
      const slot = slots[row]!;
      const bin = this.#read[row]!;
      if (slot >= 0 && bin === bin) (this.#slots[slot] ??= []).push(bin);
    }
  }

  settle(slot: number, cell: number, unit: UnitHash): void {
    const bins = this.#slots[slot] ?? [];
    const { rowsPerUnit } = this.#context;
    const kept =
      bins.length <= rowsPerUnit
        ? bins
        : this.#chosen(
            bins.toSorted((a, b) => a - b),
            cell,
            unit,
          );
    for (const bin of kept) this.#totals.add(cell * this.#context.bins + bin, 1);
    this.drop(slot);
  }

  drop(slot: number): void {
    const bins = this.#slots[slot];
    if (bins !== undefined) bins.length = 0;
  }

  save(slot: number, into: Part): void {
    for (const bin of this.#slots[slot] ?? []) into.bins.set(bin, (into.bins.get(bin) ?? 0) + 1);
    this.drop(slot);
  }

  settlePart({ bins: counts }: Part, cell: number, unit: UnitHash): void {
    const sorted = [...counts].toSorted(([a], [b]) => a - b);
    const bins = sorted.flatMap(([bin, count]) => Array.from({ length: count }, () => bin));
    const kept = bins.length <= this.#context.rowsPerUnit ? bins : this.#chosen(bins, cell, unit);
    for (const bin of kept) this.#totals.addExact(cell * this.#context.bins + bin, 1n);
  }

  totals(): readonly bigint[] {
    return this.#totals.all();
  }

  #chosen(sorted: readonly number[], cell: number, { low, high }: UnitHash): readonly number[] {
    const { rowHash, rowsPerUnit } = this.#context;
    const rankOf = (place: number): number => rowHash.rank(low, high, cell, place + 1);
    return smallestRanks(sorted.length, rowsPerUnit, rankOf).map((place) => sorted[place]!);
  }
}
