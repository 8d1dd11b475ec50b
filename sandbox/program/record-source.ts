/**
 * The records of a dataset for one job, range by range in a secret random order.
 *
 * Records whose unit is a column are read from a copy sorted by unit (the prepared one, or one made for this job and
 * dropped after it), so that those of a unit stand together. The order of ranges, and of the buffers in each,
 * tells a program nothing: a channel between buffers that nobody knows of would need to know who comes next.
 */
import type { RecordEngine } from '../execute.ts';
import type { Dataset } from '../manifest/dataset.ts';
import { isNumbered, printRecords, printStaging, type RecordQuery } from '../query/print-records.ts';
import type { RecordRange, UnitRecords } from '../reader/protocol.ts';
import type { RandomSource } from '../release/random.ts';
import { shuffled } from './shuffle.ts';

let copies = 0;

/** All buffers of the named columns of a dataset, each once. The next range is read while a caller works on this one. */
export async function* recordsOf(
  engine: RecordEngine,
  { dataset, columns }: { readonly dataset: Dataset; readonly columns: readonly string[] },
  random: RandomSource,
): AsyncGenerator<UnitRecords> {
  const { physical } = engine;
  const staged = isNumbered(dataset, physical) ? null : `staged${(copies += 1)}`;
  if (staged !== null) await engine.prepare(printStaging(dataset, columns, { physical, table: staged }));
  try {
    const query = printRecords(dataset, columns, { physical, staged });
    for await (const buffers of rangesOf(engine, query, random)) yield* shuffled(buffers, random);
  } finally {
    // A reader that is gone took its copy with it.
    if (staged !== null) await engine.prepare(`DROP TABLE ${staged}`).catch(() => undefined);
  }
}

async function* rangesOf(
  engine: RecordEngine,
  query: RecordQuery,
  random: RandomSource,
): AsyncGenerator<readonly UnitRecords[]> {
  const [[count]] = (await engine.query(`SELECT count(*) FROM ${query.table}`, [])) as [[bigint]];
  const starts = Array.from(
    { length: Math.ceil(Number(count) / query.rows) },
    (_, index) => index * query.rows,
  );
  const read = async (start: number | undefined): Promise<readonly UnitRecords[]> =>
    start === undefined ? [] : wholeRange(engine, query, { from: start, to: start + query.rows });
  const order = shuffled(starts, random);
  let ahead = read(order[0]);
  for (const [index] of order.entries()) {
    const buffers = await ahead;
    ahead = read(order[index + 1]);
    // Whoever stops taking ranges must not leave a failure that nobody hears.
    ahead.catch(() => undefined);
    yield buffers;
  }
}

/** All buffers of a range. One whose texts are very long comes in several parts. */
export async function wholeRange(
  engine: RecordEngine,
  query: RecordQuery,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<readonly UnitRecords[]> {
  const buffers: UnitRecords[] = [];
  for (let first: number | null = from; first !== null && first < to;) {
    const { records, next }: RecordRange = await engine.records(query, first, to);
    buffers.push(...records);
    first = next;
  }
  return buffers;
}
