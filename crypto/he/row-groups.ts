/**
 * Rows on their way into ciphertexts: groups of equal clear values, checked once more and cut into blocks of slots.
 *
 * Guarantee: a value outside of its column's bounds, a group whose clear values are not declared or came before, and
 * more rows than the manifest admits are refused before anything of the group is encrypted. An absent value and a
 * slot without a row are 0, which is also what the middle of the bounds becomes.
 * Not covered: that one unit has at most R rows: whoever reads the rows bounds them.
 */
import { type ClearValue, type DatasetDescription, isDeclared } from './dataset-manifest.ts';
import { HeError } from './he-error.ts';

/** The values of one column, one for each row of a group. */
export interface GroupColumn {
  /** Grid integers; what stands where a value is absent does not matter. */
  readonly grid: BigInt64Array;
  /** For a nullable column: 1 where there is a value, 0 where there is none. Else null. */
  readonly present: Uint8Array | null;
}

/** All rows with one combination of clear values. */
export interface RowGroup {
  readonly values: readonly ClearValue[];
  readonly rows: number;
  /** In the order of the description. */
  readonly columns: readonly GroupColumn[];
}

/** Checks groups as they come. */
export class GroupCheck {
  readonly #description: DatasetDescription;
  readonly #seen = new Set<string>();
  #rows = 0;

  constructor(description: DatasetDescription) {
    this.#description = description;
  }

  /** Rows of all groups so far. */
  get rows(): number {
    return this.#rows;
  }

  /** HeError ROW_SHAPE, ROW_RANGE (with the column), GROUP_REPEATED, ROWS_TOO_MANY. */
  check({ values, rows, columns }: RowGroup): void {
    const key = JSON.stringify(values);
    if (!isDeclared(this.#description, values)) throw new HeError('ROW_SHAPE');
    if (this.#seen.has(key)) throw new HeError('GROUP_REPEATED');
    this.#seen.add(key);
    this.#rows += rows;
    if (!Number.isSafeInteger(rows) || rows < 0) throw new HeError('ROW_SHAPE');
    if (this.#rows > this.#description.bounding.maxRows) throw new HeError('ROWS_TOO_MANY');
    if (columns.length !== this.#description.columns.length) throw new HeError('ROW_SHAPE');
    for (const [at, column] of columns.entries()) this.#checkColumn(at, column, rows);
  }

  #checkColumn(at: number, { grid, present }: GroupColumn, rows: number): void {
    const { name, lowGrid, highGrid, nullable } = this.#description.columns[at]!;
    const isShaped = grid.length === rows && (present === null ? !nullable : present.length === rows);
    if (!isShaped || (present !== null && !nullable)) throw new HeError('ROW_SHAPE', name);
    const [low, high] = [BigInt(lowGrid), BigInt(highGrid)];
    for (const [row, value] of grid.entries()) {
      if ((present === null || present[row] === 1) && (value < low || value > high)) {
        throw new HeError('ROW_RANGE', name);
      }
    }
    if (present?.some((flag) => flag > 1) === true) throw new HeError('ROW_SHAPE', name);
  }
}

/** What a block holds, for each part in the order of `partsOf`: the rows that `chosen` names, then padding. */
export function slotsOf(
  { columns: described }: DatasetDescription,
  { columns }: RowGroup,
  chosen: Uint32Array,
  slots: number,
): readonly BigInt64Array[] {
  const parts: BigInt64Array[] = [new BigInt64Array(slots).fill(1n, 0, chosen.length)];
  for (const [at, { grid, present }] of columns.entries()) {
    const mid = BigInt(described[at]!.mid);
    const values = new BigInt64Array(slots);
    for (const [slot, row] of chosen.entries()) {
      if (present === null || present[row] === 1) values[slot] = grid[row]! - mid;
    }
    parts.push(values);
    if (present !== null) parts.push(presences(present, chosen, slots));
  }
  return parts;
}

function presences(present: Uint8Array, chosen: Uint32Array, slots: number): BigInt64Array {
  const values = new BigInt64Array(slots);
  for (const [slot, row] of chosen.entries()) values[slot] = BigInt(present[row]!);
  return values;
}
