/**
 * Mapped records for tests: Plans of programs over a few outputs, and the same records as a worker returns them and as
 * rows that the reference engine reads.
 */
import * as fc from 'fast-check';
import type { Scalar } from '#sandbox/expression.ts';
import type { Plan } from '#sandbox/plan.ts';
import { MapBounding, rankOf } from '#sandbox/program/bounding.ts';
import { mapOutputs } from '#sandbox/program/planned-outputs.ts';
import type { ByColumn, ProgramOutput } from '#sandbox/program/program.ts';
import type { MappedRecords } from '#sandbox/program/tallies.ts';
import { boundingOf } from '#sandbox/planning.ts';
import { people, policyWith, rowsOfPeople } from '#tests/query/people.ts';
import { planWith } from './plan-builder.ts';
import type { Rank } from './reference-engine.ts';
import type { Row } from './reference-expression.ts';

export const SEED = 'the secret of a lineage';

/** Records of one unit each, sorted by it, with the values of every output and key. */
export interface MappedRecord {
  readonly unit: number;
  /** Per output its entries; NaN: none. */
  readonly values: readonly (readonly number[])[];
  /** Per key a place in its list, or -1. */
  readonly codes: readonly number[];
}

export interface Circumstances {
  readonly groups: number;
  readonly rows: number;
  readonly rowUnits?: boolean;
  readonly maxRows?: number;
  readonly bins?: number;
  readonly hideBelow?: number;
}

/** The Plan of some outputs. */
export function mapPlan(outputs: readonly ProgramOutput[], given: Circumstances): Plan {
  const policy = policyWith({
    maxGroupsPerUnit: given.groups,
    maxRowsPerUnit: given.rows,
    quantileBins: given.bins ?? 8,
    ...(given.hideBelow !== undefined && { hideBelow: given.hideBelow }),
  });
  const by = [...new Map(outputs.flatMap((output) => output.by.map((key) => [key.name, key]))).values()];
  const planned = mapOutputs(outputs, { by, policy });
  const dataset = given.rowUnits === true ? rowsOfPeople : people;
  const plain = planWith({});
  return planWith({
    dataset: { ...plain.dataset, maxRows: given.maxRows ?? 1000 },
    unit: given.rowUnits === true ? null : 'u',
    program: {
      digest: `sha256:${'0'.repeat(64)}`,
      mode: 'map',
      engine: 'strict',
      inputs: [{ dataset: 'd', lineage: 'd', versionId: 'v', maxRows: given.maxRows ?? 1000, columns: [] }],
      paramsDigest: `sha256:${'0'.repeat(64)}`,
      fuel: 1000,
      cpuMs: 0,
      maxAborts: 8,
      columns: planned.returned,
      plannedMs: 1,
      wallLimitMs: 1,
    },
    keys:
      planned.keys.length === 0
        ? { mode: 'none' }
        : {
            mode: 'listed',
            keys: planned.keys,
            cells: planned.keys.reduce((cells, { domain }) => cells * domain!.length, 1),
          },
    bounding: boundingOf(dataset, policy, planned.mostCells),
    hideBelow: planned.hideBelow,
    measures: planned.measures,
    aggregates: planned.aggregates,
  });
}

/** As a worker returns them. */
export function asReturned(plan: Plan, records: readonly MappedRecord[]): MappedRecords {
  const { columns } = plan.program!;
  const keys = plan.keys.mode === 'none' ? [] : plan.keys.keys;
  return {
    values: columns.map((_, output) => Float64Array.from(records.flatMap(({ values }) => values[output]!))),
    codes: keys.map((_, key) => Int32Array.from(records, ({ codes }) => codes[key]!)),
  };
}

/** What is defaulted and clamped of an output, and whether it counts, as rows of the mapped table. */
export function asRows(
  plan: Plan,
  outputs: readonly ProgramOutput[],
  records: readonly MappedRecord[],
): readonly Row[] {
  const keys = plan.keys.mode === 'none' ? [] : plan.keys.keys;
  return records.map(({ unit, values, codes }) => {
    const row: Record<string, Scalar> = { u: unit };
    for (const [index, { expr, domain }] of keys.entries()) {
      if (expr.op !== 'column') continue;
      const elsewhere = expr.type === 'number' ? -999 : 'nowhere';
      row[expr.name] = domain![codes[index]!] ?? elsewhere;
    }
    for (const [index, output] of outputs.entries())
      Object.assign(row, outputColumns(output, values[index]!));
    return row;
  });
}

function outputColumns(output: ProgramOutput, entries: readonly number[]): Record<string, Scalar> {
  const { name } = output;
  const missing = entries.some(Number.isNaN);
  const quality = {
    [`${name}_defaulted`]: missing ? true : null,
    [`${name}_clamped`]: !missing && isOutside(output, entries) ? true : null,
  };
  if (output.kind === 'vector')
    return {
      ...quality,
      ...Object.fromEntries(entries.map((entry, place) => [`${name}.${place}`, missing ? null : entry])),
    };
  const [value] = entries as [number];
  if (output.kind !== 'count') return { ...quality, [name]: missing ? null : value };
  const rounded = Math.floor(Math.min(1, Math.max(0, value)) + 0.5);
  return { ...quality, [name]: !missing && rounded === 1 ? true : null };
}

function isOutside(output: ProgramOutput, entries: readonly number[]): boolean {
  if (output.kind === 'vector') return entries.reduce((sum, x) => sum + x * x, 0) > output.clip! ** 2;
  const [value] = entries as [number];
  if (output.kind === 'count') return value !== 0 && value !== 1;
  return value < output.bounds[0] || value > output.bounds[1];
}

/** The hash of a unit, as a reader would give it. */
export function hashOf(unit: number): bigint {
  return BigInt.asUintN(64, (BigInt(unit) + 1n) * 0x9e3779b97f4a7c15n);
}

/** The order that bounding chooses by, for the oracle. */
export const rank: Rank = (unit, cell, ordinal, over) => {
  const { cells, rows } = rankOf(SEED, over);
  const hash = hashOf(Number(unit));
  const [low, high] = [Number(hash & 0xffffffffn) | 0, Number(hash >> 32n) | 0];
  const hashed = ordinal === null ? cells : rows;
  return BigInt(hashed.rank(low, high, cell.index ?? 0, ordinal ?? 0));
};

export const REGION: ByColumn = { name: 'region', values: ['n', 's', 'e'] };
const AGE: ByColumn = { name: 'age', values: [1, 2, 3, 4] };

const by = fc.constantFrom<readonly ByColumn[]>([], [REGION], [AGE], [REGION, AGE], [AGE, REGION]);
const base = (name: string) => fc.record({ name: fc.constant(name), by, quality: fc.boolean() });
const bounds = fc.constantFrom<readonly [number, number]>([0, 10], [-500, 250], [3, 3], [-8, -2], [0, 1e12]);
const granularity = fc.constantFrom(null, 1, 0.01);

/** An output of any kind. */
export function anyOutput(name: string): fc.Arbitrary<ProgramOutput> {
  const summed = fc.constantFrom('sum' as const, 'mean' as const, 'variance' as const);
  return fc.oneof(
    base(name).map((common) => ({ ...common, kind: 'count' as const })),
    fc
      .tuple(base(name), summed, bounds, granularity)
      .map(([common, kind, range, step]) => ({ ...common, kind, bounds: range, granularity: step })),
    base(name).map((common) => ({
      ...common,
      kind: 'histogram' as const,
      bounds: [0, 10] as const,
      bins: 4,
    })),
    base(name).map((common) => ({
      ...common,
      kind: 'quantile' as const,
      bounds: [-5, 10] as const,
      q: [0.5],
    })),
    fc
      .tuple(base(name), fc.constantFrom(1, 3), fc.constantFrom(1, 1000), granularity)
      .map(([common, length, clip, step]) => ({
        ...common,
        kind: 'vector' as const,
        length,
        clip,
        bounds: null,
        granularity: step === 0.01 ? step : null,
      })),
  );
}

const value = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -12, max: 12 }) },
  { weight: 2, arbitrary: fc.double({ min: -1000, max: 1000, noNaN: true }) },
  fc.constantFrom(NaN, Infinity, -Infinity, 1e308, -1e308, -0, 0.5, 1, 0, 1e12),
);

/** Records of a few units, sorted by unit. */
export function someRecords(plan: Plan): fc.Arbitrary<readonly MappedRecord[]> {
  const keys = plan.keys.mode === 'none' ? [] : plan.keys.keys;
  const record = fc.record({
    unit: fc.integer({ min: 0, max: 6 }),
    values: fc.tuple(
      ...plan.program!.columns.map(({ width }) => fc.array(value, { minLength: width, maxLength: width })),
    ),
    codes: fc.tuple(...keys.map(({ domain }) => fc.integer({ min: -1, max: domain!.length - 1 }))),
  });
  return fc.array(record, { maxLength: 40 }).map((records) => records.toSorted((a, b) => a.unit - b.unit));
}

/** Bounds records that come cut at these places, in this order of pieces. */
export function bounded(
  plan: Plan,
  records: readonly MappedRecord[],
  {
    cuts,
    order,
  }: { readonly cuts: readonly number[]; readonly order: (pieces: number) => readonly number[] },
): ReturnType<MapBounding['partials']> {
  const bounding = new MapBounding(plan, SEED);
  const ends = [...cuts, records.length].map((cut) => Math.min(cut, records.length)).sort((a, b) => a - b);
  const pieces = ends.map((end, index) => records.slice(ends[index - 1] ?? 0, end));
  for (const index of order(pieces.length)) {
    const piece = pieces[index]!;
    const units = plan.unit === null ? null : Int32Array.from(piece, ({ unit }) => unit);
    const hashes = plan.unit === null ? null : BigUint64Array.from(piece, ({ unit }) => hashOf(unit));
    bounding.take(units, hashes, asReturned(plan, piece));
  }
  return bounding.partials();
}
