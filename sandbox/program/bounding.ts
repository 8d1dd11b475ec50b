/**
 * Bounding of what a program returned, in trusted code outside every isolate: mapped records in, Partials out.
 *
 * Per unit and cell as the doc comment of `Measure` says; a unit in more cells of a grid than the Plan allows keeps those
 * of smallest keyed hash of unit and cell. Records come in buffers, sorted by unit within each (dense numbers of units,
 * with a hash of the unit itself); a unit may straddle buffers, which may come in any order.
 * Guarantee: integers throughout; nothing that a worker returned is trusted: lengths are checked (MACHINE_FAULT), values
 * are clamped to the Plan's bounds, and a code that is none is no cell. Memory does not grow with the data, but for the
 * first and last unit of each buffer. Units out of order are MACHINE_FAULT, for they would be bounded in parts.
 * Not covered: who hashes units, and that equal units have equal hashes; a reader does.
 */
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { cellsOf, cellsPerUnitOf, keysOf, type Measure, type Partials, type Plan } from '../plan.ts';
import { KeyedHash } from './keyed-hash.ts';
import { smallestRanks } from './smallest-ranks.ts';
import { emptyPart, type MappedRecords, type Part, type Tally, tallyOf, type UnitHash } from './tallies.ts';

/** The order in which a unit keeps cells (`ordinal` 0) and rows (from 1) of the grid over some keys of a Plan. */
export function rankOf(
  seed: string,
  over: readonly number[] | undefined,
): { cells: KeyedHash; rows: KeyedHash } {
  const grid = over === undefined ? 'all' : over.join();
  return { cells: new KeyedHash(seed, `cells of ${grid}`), rows: new KeyedHash(seed, `rows of ${grid}`) };
}

/** A unit whose rows may be in several buffers: parts by grid, cell and measure. */
interface OpenUnit {
  readonly hash: UnitHash;
  readonly grids: readonly Map<number, readonly Part[]>[];
}

export class MapBounding {
  readonly #plan: Plan;
  readonly #grids: readonly Grid[];
  readonly #open = new Map<number, OpenUnit>();
  /** First and last unit of every buffer. */
  readonly #spans: (readonly [first: number, last: number])[] = [];

  /** `seed`: the lineage's secret of keyed choices. */
  constructor(plan: Plan, seed: string) {
    this.#plan = plan;
    const texts = plan.measures.map(({ over }) => String(over));
    this.#grids = [...new Set(texts)].map((text) => {
      const places = texts.flatMap((other, place) => (other === text ? [place] : []));
      return new Grid(plan, places, seed);
    });
  }

  /** A buffer; without units (and hashes) every record is one. */
  take(units: Int32Array | null, hashes: BigUint64Array | null, records: MappedRecords): void {
    const rows = this.#checkShape(records, units, hashes);
    if (rows === 0) return;
    for (const grid of this.#grids) grid.start(records, rows);
    if (units === null || hashes === null) for (const grid of this.#grids) grid.addRows();
    else this.#takeUnits(units, new Uint32Array(hashes.buffer, hashes.byteOffset, 2 * rows));
  }

  /** Everything that was taken, bounded. To be called once. */
  partials(): Partials {
    this.#checkSpans();
    for (const { hash, grids } of this.#open.values()) {
      for (const [index, cells] of grids.entries()) this.#grids[index]!.settleUnit(cells, hash);
    }
    this.#open.clear();
    const vectors: (readonly bigint[])[] = [];
    for (const grid of this.#grids) for (const [place, total] of grid.totals()) vectors[place] = total;
    return { keys: null, vectors };
  }

  #takeUnits(units: Int32Array, halves: Uint32Array): void {
    const last = units.length;
    const [first, end] = [units[0]!, units[last - 1]!];
    this.#spans.push([first, end]);
    for (let from = 0, to = 0; from < last; from = to) {
      const unit = units[from]!;
      for (to = from + 1; to < last && units[to] === unit; to += 1);
      if (to < last && units[to]! < unit) throw fault();
      const hash = { low: halves[2 * from]!, high: halves[2 * from + 1]! };
      // Only the first and the last unit of a buffer can be in others too.
      const isWhole = unit !== first && unit !== end;
      const parts = isWhole ? null : this.#openUnit(unit, hash);
      for (const [index, grid] of this.#grids.entries()) {
        if (parts === null && to - from <= grid.rowsAtOnce) grid.addUnit(from, to, hash);
        else if (parts !== null) grid.saveUnit(from, to, parts.grids[index]!);
        else {
          const cells = new Map<number, readonly Part[]>();
          grid.saveUnit(from, to, cells);
          grid.settleUnit(cells, hash);
        }
      }
    }
  }

  #openUnit(unit: number, hash: UnitHash): OpenUnit {
    const known = this.#open.get(unit);
    if (known !== undefined) return known;
    const fresh = { hash, grids: this.#grids.map(() => new Map<number, readonly Part[]>()) };
    this.#open.set(unit, fresh);
    return fresh;
  }

  /** Two buffers share at most the unit at which they meet. */
  #checkSpans(): void {
    const sorted = this.#spans.toSorted(([a, b], [c, d]) => a - c || b - d);
    for (const [index, [first]] of sorted.entries()) {
      if (index > 0 && first < sorted[index - 1]![1]) throw fault();
    }
  }

  /** The number of records. Fails: MACHINE_FAULT when the arrays are not as long as they say. */
  #checkShape(
    { values, codes }: MappedRecords,
    units: Int32Array | null,
    hashes: BigUint64Array | null,
  ): number {
    const { columns } = this.#plan.program!;
    const keys = this.#plan.keys.mode === 'none' ? 0 : this.#plan.keys.keys.length;
    const rows = units?.length ?? (values[0]?.length ?? 0) / (columns[0]?.width ?? 1);
    const fits =
      (this.#plan.unit === null) === (units === null) &&
      hashes?.length === units?.length &&
      values.length === columns.length &&
      columns.every(({ width }, index) => values[index]!.length === rows * width) &&
      codes.length === keys &&
      codes.every((column) => column.length === rows);
    if (!fits) throw fault();
    return rows;
  }
}

/** The measures over the same keys. */
class Grid {
  /** Rows of a unit for which slots hold exact sums. */
  readonly rowsAtOnce: number;
  readonly #places: readonly number[];
  readonly #tallies: readonly Tally[];
  readonly #keys: readonly { readonly key: number; readonly size: number }[];
  readonly #cellsPerUnit: number;
  readonly #hash: KeyedHash;
  /** The slot of each cell that the unit at hand is in, else -1; and the cell of each slot. */
  readonly #slotOf: Int32Array;
  readonly #cellAt: Int32Array;
  readonly #isKept: Uint8Array;
  #used = 0;
  /** Of each record its cell (null: there is one only), and its slot. */
  #cells: Int32Array | null = null;
  #slots = new Int32Array(0);

  constructor(plan: Plan, places: readonly number[], seed: string) {
    const measure = plan.measures[places[0]!]!;
    const cells = cellsOf(plan, measure)!;
    const { cells: cellHash, rows: rowHash } = rankOf(seed, measure.over);
    this.#places = places;
    this.#tallies = places.map((place) => tallyOf(plan, plan.measures[place]!, { cells, rowHash }));
    this.#keys = keysWithin(plan, measure);
    this.#cellsPerUnit = cellsPerUnitOf(plan, measure);
    this.#hash = cellHash;
    this.#slotOf = new Int32Array(cells).fill(-1);
    this.#cellAt = new Int32Array(cells);
    this.#isKept = new Uint8Array(cells);
    this.rowsAtOnce = Math.min(...this.#tallies.map((tally) => tally.rowsAtOnce));
  }

  start(records: MappedRecords, rows: number): void {
    if (this.#slots.length !== rows) this.#slots = new Int32Array(rows);
    this.#cells = this.#keys.length === 0 ? null : this.#cellsIn(records, rows);
    for (const tally of this.#tallies) tally.start(records, rows);
  }

  addRows(): void {
    for (const tally of this.#tallies) tally.addRows(this.#cells);
  }

  /** All rows of a unit, no more than `rowsAtOnce`. */
  addUnit(from: number, to: number, unit: UnitHash): void {
    this.#gather(from, to);
    const [used, isKept] = [this.#used, this.#isKept];
    const isOver = used > this.#cellsPerUnit;
    if (isOver) for (const slot of this.#chosen(this.#cellAt, used, unit)) isKept[slot] = 1;
    for (let slot = 0; slot < used; slot += 1) {
      const cell = this.#cellAt[slot]!;
      this.#slotOf[cell] = -1;
      const settles = !isOver || isKept[slot] === 1;
      isKept[slot] = 0;
      for (const tally of this.#tallies) {
        if (settles) tally.settle(slot, cell, unit);
        else tally.drop(slot);
      }
    }
  }

  /** Some rows of a unit, added to its parts. */
  saveUnit(from: number, to: number, cells: Map<number, readonly Part[]>): void {
    for (let start = from; start < to; start += this.rowsAtOnce) {
      this.#gather(start, Math.min(to, start + this.rowsAtOnce));
      for (let slot = 0; slot < this.#used; slot += 1) {
        const cell = this.#cellAt[slot]!;
        this.#slotOf[cell] = -1;
        const parts = cells.get(cell) ?? this.#tallies.map(emptyPart);
        cells.set(cell, parts);
        for (const [index, tally] of this.#tallies.entries()) tally.save(slot, parts[index]!);
      }
    }
  }

  /** A unit of which all parts are there. */
  settleUnit(cells: Map<number, readonly Part[]>, unit: UnitHash): void {
    const all = Int32Array.from(cells.keys());
    const kept = all.length <= this.#cellsPerUnit ? all.keys() : this.#chosen(all, all.length, unit);
    for (const place of kept) {
      const cell = all[place]!;
      for (const [index, tally] of this.#tallies.entries())
        tally.settlePart(cells.get(cell)![index]!, cell, unit);
    }
  }

  /** Vectors by their place among the Plan's measures. */
  totals(): readonly (readonly [place: number, vector: readonly bigint[]])[] {
    return this.#tallies.map((tally, index) => [this.#places[index]!, tally.totals()]);
  }

  /** Places among a unit's cells of those that it keeps. */
  #chosen(cells: Int32Array, count: number, { low, high }: UnitHash): readonly number[] {
    return smallestRanks(count, this.#cellsPerUnit, (place) => this.#hash.rank(low, high, cells[place]!, 0));
  }

  /** Gives every cell of these rows a slot, and gathers. */
  #gather(from: number, to: number): void {
    const [cells, slots, slotOf] = [this.#cells, this.#slots, this.#slotOf];
    this.#used = 0;
    for (let row = from; row < to; row += 1) {
      const cell = cells === null ? 0 : cells[row]!;
      if (cell < 0) {
        slots[row] = -1;
        continue;
      }
      let slot = slotOf[cell]!;
      if (slot < 0) {
        slot = this.#used;
        slotOf[cell] = slot;
        this.#cellAt[slot] = cell;
        this.#used += 1;
      }
      slots[row] = slot;
    }
    for (const tally of this.#tallies) tally.gather(from, to, slots);
  }

  /** The cell of every record, first key slowest; -1: one of its values is not in its list. */
  #cellsIn({ codes }: MappedRecords, rows: number): Int32Array {
    const cells = new Int32Array(rows);
    for (const { key, size } of this.#keys) {
      const column = codes[key]!;
      for (let row = 0; row < rows; row += 1) {
        const code = column[row]!;
        const before = cells[row]!;
        cells[row] = before < 0 || code < 0 || code >= size ? -1 : before * size + code;
      }
    }
    return cells;
  }
}

/** The keys of a measure: their places among the Plan's, and the lengths of their lists. */
function keysWithin(
  plan: Plan,
  measure: Measure,
): readonly { readonly key: number; readonly size: number }[] {
  return keysOf(plan, measure).map(({ domain }, place) => ({
    key: measure.over === undefined ? place : measure.over[place]!,
    size: domain!.length,
  }));
}

function fault(): Failure {
  return new Failure('MACHINE_FAULT', say('source.fault'));
}
