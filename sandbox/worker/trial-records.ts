/** Made-up records as the buffers that a worker gets from a reader. */
import type { SetupColumn } from './protocol.ts';
import type { RecordBuffer, RecordColumn } from './records.ts';

/** Records as lists of values, in the order of their columns. */
export type TrialTable = readonly (readonly (number | string | boolean | null)[])[];

export function bufferOf(table: TrialTable, columns: readonly SetupColumn[]): RecordBuffer {
  return { rows: table.length, columns: columns.map(({ kind }, at) => columnOf(table, kind, at)) };
}

function columnOf(table: TrialTable, kind: SetupColumn['kind'], at: number): RecordColumn {
  const values = table.map((record) => record[at] ?? null);
  if (kind === 'number')
    return { kind, values: Float64Array.from(values, (value) => (value === null ? NaN : Number(value))) };
  if (kind === 'boolean')
    return { kind, values: Uint8Array.from(values, (value) => (value === null ? 2 : Number(value))) };
  const places = new Map<string, number>();
  const codes = Int32Array.from(values, (value) => {
    if (value === null) return -1;
    const text = String(value);
    const place = places.get(text) ?? places.size;
    places.set(text, place);
    return place;
  });
  return { kind, codes, dictionary: [...places.keys()] };
}
