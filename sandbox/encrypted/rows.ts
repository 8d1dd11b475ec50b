/** The rows of a dataset as they are encrypted: read by a jailed reader, bounded there, one group at a time. */
import type { RowGroup } from '#crypto/he/row-groups.ts';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { Reader, ResultColumns } from '../reader/reader.ts';
import {
  type EncryptionPlan,
  GROUPS_SQL,
  printBounded,
  printRows,
  usesSeed,
  valuesOfCell,
} from './encryption-plan.ts';

/** Rows of one question to the reader. */
const ROWS_PER_RANGE = 250_000;

/** Rows that will be encrypted, in groups. */
export interface BoundedRows {
  readonly rows: number;
  groups(): AsyncGenerator<RowGroup>;
}

/**
 * Bounds the rows of an open reader; `seed` is the provider's secret for the choice. Fails as a reader does, CONFIG for
 * a value that is missing where none may be, and for more rows than the manifest admits.
 */
export async function boundRows(reader: Reader, plan: EncryptionPlan, seed: string): Promise<BoundedRows> {
  const columns = await reader.describe();
  const physical = { types: new Map(columns.map(({ name, type }) => [name, type])), prepared: null };
  const absent = plan.dataset.columns.find(({ name }) => !physical.types.has(name));
  if (absent !== undefined)
    throw new Failure(
      'CONFIG',
      say('lab.columnAbsent', { file: plan.dataset.source.path, column: absent.name }),
    );
  await reader.prepare([{ sql: printBounded(plan, physical), params: usesSeed(plan) ? [seed] : [] }]);
  const [cells = [], counts = []] = await reader.query(GROUPS_SQL);
  const sizes = cells.map((cell, at) => ({ cell: Number(cell), rows: Number(counts[at]) }));
  const rows = sizes.reduce((sum, size) => sum + size.rows, 0);
  const { maxRows: max } = plan.dataset;
  if (rows > max) throw new Failure('CONFIG', say('lab.maxRows', { file: plan.dataset.source.path, max }));
  return { rows, groups: () => groupsOf(reader, plan, sizes) };
}

async function* groupsOf(
  reader: Reader,
  plan: EncryptionPlan,
  sizes: readonly { readonly cell: number; readonly rows: number }[],
): AsyncGenerator<RowGroup> {
  let from = 0;
  for (const { cell, rows } of sizes) {
    const columns = plan.encrypted.map(() => ({
      grid: new BigInt64Array(rows),
      present: new Uint8Array(rows),
    }));
    for (let at = 0; at < rows; at += ROWS_PER_RANGE) {
      const to = Math.min(rows, at + ROWS_PER_RANGE);
      const values = await reader.query(printRows(plan, from + at, from + to));
      for (const [index, column] of columns.entries()) fill(column, values, { index, at });
    }
    from += rows;
    yield {
      values: valuesOfCell(plan, cell),
      rows,
      columns: columns.map(({ grid, present }, index) => ({
        grid,
        present: presenceOf(present, plan, index),
      })),
    };
  }
}

function fill(
  { grid, present }: { readonly grid: BigInt64Array; readonly present: Uint8Array },
  values: ResultColumns,
  { index, at }: { readonly index: number; readonly at: number },
): void {
  const [numbers = [], presences = []] = [values[2 * index], values[2 * index + 1]];
  for (const [row, number] of numbers.entries()) {
    grid[at + row] = BigInt(number as bigint | number);
    present[at + row] = Number(presences[row]);
  }
}

function presenceOf(present: Uint8Array, { encrypted }: EncryptionPlan, index: number): Uint8Array | null {
  const { column, nullable } = encrypted[index]!;
  if (nullable) return present;
  if (present.includes(0)) throw new Failure('CONFIG', say('encrypt.missing', { column: column.name }));
  return null;
}
