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
    if (bins.length <= rowsPerUnit) for (const bin of bins) this.#add(cell, bin);
    else {
      bins.sort((a, b) => a - b);
      for (const place of this.#places(bins.length, cell, unit)) this.#add(cell, bins[place]!);
    }
    this.drop(slot);
  }

  #add(cell: number, bin: number): void {
    this.#totals.add(cell * this.#context.bins + bin, 1);
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
    const { bins, rowsPerUnit } = this.#context;
    const sorted = [...counts].toSorted(([a], [b]) => a - b);
    const all = sorted.reduce((sum, [, count]) => sum + count, 0);
    const kept = all <= rowsPerUnit ? null : this.#places(all, cell, unit);
    let before = 0;
    for (const [bin, count] of sorted) {
      const end = before + count;
      const from = before;
      const amount = kept === null ? count : kept.filter((place) => from <= place && place < end).length;
      this.#totals.addExact(cell * bins + bin, BigInt(amount));
      before = end;
    }
  }

  totals(): readonly bigint[] {
    return this.#totals.all();
  }

  /** The places from 0, in order of bins, of the rows that a unit of so many keeps. */
  #places(count: number, cell: number, { low, high }: UnitHash): readonly number[] {
    const { rowHash, rowsPerUnit } = this.#context;
    return smallestRanks(count, rowsPerUnit, (place) => rowHash.rank(low, high, cell, place + 1));
  }
}
