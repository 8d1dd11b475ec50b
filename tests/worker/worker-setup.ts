/** Setups, buffers and printed programs for tests of workers: small, and in the form that admission prints. */
import type { BlocksSetup, MapSetup } from '#sandbox/worker/protocol.ts';
import { encodeRecords, type RecordColumn } from '#sandbox/worker/records.ts';

/**
 * A module as admission prints one: fuel and depth are metered, and `map` spends a tick for each call. `body` is that of
 * `map(row, params)`; `before` stands at the level of the module.
 */
export function printed(body: string, before = ''): string {
  return `let $fuel = 0, $out = false;
export function $begin(fuel) { $fuel = fuel; $out = false; }
export function $spent() { return $out; }
function $tick() { if (($fuel -= 1) < 0) { $out = true; throw 'fuel'; } }
${before}
export function map(row, params) { $tick(); ${body} }`;
}

/** Three columns, one output, no key. */
export function mapSetup(code: string, change: Partial<MapSetup> = {}): MapSetup {
  return {
    mode: 'map',
    code,
    params: {},
    fuel: 1000,
    columns: [
      { name: 'cost', kind: 'number' },
      { name: 'insured', kind: 'boolean' },
      { name: 'region', kind: 'text' },
    ],
    outputs: [{ name: 'value', width: 1 }],
    keys: [],
    ...change,
  };
}

export function blocksSetup(code: string, change: Partial<BlocksSetup> = {}): BlocksSetup {
  return {
    mode: 'blocks',
    code,
    params: {},
    cpuMs: 1000,
    inputs: [{ dataset: 'visits', columns: mapSetup('').columns }],
    outputs: [{ name: 'value', width: 1 }],
    ...change,
  };
}

export interface VisitRow {
  readonly cost: number | null;
  readonly insured: boolean | null;
  readonly region: string | null;
}

/** Rows as the columns of `mapSetup`, as bytes. */
export function visitRecords(rows: readonly VisitRow[]): Buffer {
  const dictionary = [...new Set(rows.flatMap(({ region }) => region ?? []))];
  const columns: RecordColumn[] = [
    { kind: 'number', values: Float64Array.from(rows, ({ cost }) => cost ?? Number.NaN) },
    {
      kind: 'boolean',
      values: Uint8Array.from(rows, ({ insured }) => (insured === null ? 2 : Number(insured))),
    },
    {
      kind: 'text',
      codes: Int32Array.from(rows, ({ region }) => (region === null ? -1 : dictionary.indexOf(region))),
      dictionary,
    },
  ];
  return encodeRecords({ rows: rows.length, columns });
}

/** Visits with the given costs, without NULL. */
export function visits(...costs: readonly number[]): Buffer {
  return visitRecords(costs.map((cost) => ({ cost, insured: true, region: 'north' })));
}
