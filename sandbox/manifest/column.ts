/**
 * One column of dataset.yaml: bounds, granularity and listed values that fit its type.
 *
 * Guarantee: bounds are finite and in order; dates are days of the calendar; whole numbers are safe integers;
 * listed values are distinct and of the column's type; a stated grid holds the bounds exactly.
 */
import { gridOfStep, inverseOf } from '../query/bounds.ts';
import type { Scalar } from '../expression.ts';
import { parseDate, parseTimestamp } from './calendar.ts';
import { type ColumnText, parseColumnType } from './dataset-schema.ts';
import type { Column, ColumnType } from './dataset.ts';
import { type FieldPath, faultOf } from './fault.ts';

/** Steps of the grid between two bounds where the file states no granularity. */
const DEFAULT_STEPS = 2 ** 20;
/** Narrowest bounds: a 2^20th of them is still a normal double, and so is its inverse. */
const WIDTH_MIN = 2 ** -1000;

/** Where a rule is being checked. */
interface Place {
  readonly file: string;
  readonly field: FieldPath;
}

/** A column by name, and whether it is the dataset's privacy unit. */
interface ColumnEntry {
  readonly name: string;
  readonly text: ColumnText;
  readonly isUnit: boolean;
}

/** The column as the rest of the sandbox sees it. CONFIG when one of its fields breaks a rule. */
export function columnOf({ name, text, isUnit }: ColumnEntry, file: string): Column {
  const place = (field: string): Place => ({ file, field: ['columns', name, field] });
  const type = parseColumnType(text.type);
  if (!type) throw new RangeError('a column type that its schema let through');
  const role = text.role ?? (isUnit ? 'unit' : 'value');
  if (isUnit && role !== 'unit') throw faultOf(file, place('role').field, 'manifest.unitRole');
  if (!isUnit && role === 'unit') throw faultOf(file, place('role').field, 'manifest.unitOther');
  const bounds = text.bounds ? boundsOf(text.bounds, type, place('bounds')) : null;
  const granularity = text.granularity ?? null;
  if (granularity !== null) checkGranularity(granularity, { type, bounds }, place('granularity'));
  else if (bounds) checkDefaultGrid(bounds, type, place('bounds'));
  const values = text.values ? valuesOf(text.values, type, place('values')) : null;
  if (values && isUnit) throw faultOf(file, place('values').field, 'manifest.unitValues');
  const isDateKey = role === 'key' && (type.kind === 'date' || type.kind === 'timestamp');
  if (isDateKey && !bounds && !values) throw faultOf(file, place('bounds').field, 'manifest.keyDateBounds');
  return { name, type, role, bounds, granularity, values };
}

type Bounds = NonNullable<Column['bounds']>;

type Stated = readonly [number | string, number | string];

function boundsOf(stated: Stated, type: ColumnType, at: Place): Bounds {
  if (type.kind === 'string' || type.kind === 'boolean') {
    throw faultOf(at.file, at.field, 'manifest.boundsKind', { type: type.kind });
  }
  const isMoment = type.kind === 'date' || type.kind === 'timestamp';
  const bounds = isMoment ? momentBoundsOf(stated, type.kind, at) : numberBoundsOf(stated, type, at);
  if (bounds[0] > bounds[1]) throw faultOf(at.file, at.field, 'manifest.boundsOrder');
  return bounds;
}

function numberBoundsOf(stated: Stated, type: ColumnType, at: Place): [number, number] {
  return [numberOf(stated[0], type, inside(at, 0)), numberOf(stated[1], type, inside(at, 1))];
}

/** A bare day bounds timestamps by its first and its last moment. */
function momentBoundsOf(stated: Stated, kind: 'date' | 'timestamp', at: Place): [string, string] {
  return [
    momentOf(stated[0], kind, { at: inside(at, 0), dayAs: 'T00:00:00' }),
    momentOf(stated[1], kind, { at: inside(at, 1), dayAs: 'T23:59:59.999999' }),
  ];
}

function inside(at: Place, index: number): Place {
  return { file: at.file, field: [...at.field, index] };
}

/** A finite number of the column's type; -0 becomes 0. */
function numberOf(stated: unknown, type: ColumnType, at: Place): number {
  if (typeof stated !== 'number') throw faultOf(at.file, at.field, 'manifest.mustBeNumber');
  if (!Number.isFinite(stated)) throw faultOf(at.file, at.field, 'manifest.mustBeFinite');
  if (type.kind === 'integer' && !Number.isSafeInteger(stated)) {
    throw faultOf(at.file, at.field, 'manifest.safeInteger');
  }
  return stated + 0;
}

/** A date, or a timestamp; `dayAs` completes a bare day to a timestamp where that is allowed. */
function momentOf(
  stated: unknown,
  kind: 'date' | 'timestamp',
  { at, dayAs }: { readonly at: Place; readonly dayAs: string | null },
): string {
  const rule = kind === 'date' ? 'manifest.dateText' : 'manifest.timestampText';
  if (typeof stated !== 'string') throw faultOf(at.file, at.field, rule);
  const day = parseDate(stated);
  const completed = kind === 'timestamp' && day !== null && dayAs !== null ? `${day}${dayAs}` : null;
  const moment = kind === 'date' ? day : (completed ?? parseTimestamp(stated));
  if (moment === null) throw faultOf(at.file, at.field, rule);
  return moment;
}

/** A stated step is a power of ten or two that holds the bounds exactly. CONFIG when it is not. */
export function checkGranularity(
  granularity: number,
  { type, bounds }: { readonly type: ColumnType; readonly bounds: Column['bounds'] },
  at: Place,
): void {
  if (!['integer', 'number', 'decimal'].includes(type.kind)) {
    throw faultOf(at.file, at.field, 'manifest.granularityKind');
  }
  const grid = gridOfStep(granularity);
  if (!grid) throw faultOf(at.file, at.field, 'manifest.granularityStep');
  if (!bounds) return;
  const steps = Math.max(...bounds.map((bound) => Math.abs(Number(bound)))) * inverseOf(grid);
  if (steps > Number.MAX_SAFE_INTEGER) throw faultOf(at.file, at.field, 'manifest.granularityRange');
}

/** Without a stated step the grid of numbers has about 2^20 steps between the bounds: doubles must hold it. */
export function checkDefaultGrid(bounds: Bounds, type: ColumnType, at: Place): void {
  const [low, high] = bounds;
  if (type.kind !== 'number' || typeof low !== 'number' || typeof high !== 'number' || low === high) return;
  const width = high - low;
  const steps = (Math.max(Math.abs(low), Math.abs(high)) / width) * DEFAULT_STEPS;
  const isHeld = Number.isFinite(width) && width >= WIDTH_MIN && steps <= Number.MAX_SAFE_INTEGER;
  if (!isHeld) throw faultOf(at.file, at.field, 'manifest.boundsWidth');
}

function valuesOf(stated: readonly Scalar[], type: ColumnType, at: Place): readonly Scalar[] {
  if (stated.length === 0) throw faultOf(at.file, at.field, 'manifest.valuesEmpty');
  const values = stated.map((value, index) => valueOf(value, type, inside(at, index)));
  const seen = new Set<Scalar>();
  for (const [index, value] of values.entries()) {
    if (seen.has(value)) throw faultOf(at.file, [...at.field, index], 'manifest.valuesTwice');
    seen.add(value);
  }
  return values;
}

function valueOf(stated: Scalar, type: ColumnType, at: Place): Scalar {
  if (stated === null) return null;
  switch (type.kind) {
    case 'string':
      if (typeof stated !== 'string') throw faultOf(at.file, at.field, 'manifest.mustBeText');
      return stated;
    case 'boolean':
      if (typeof stated !== 'boolean') throw faultOf(at.file, at.field, 'manifest.mustBeBoolean');
      return stated;
    case 'integer':
    case 'number':
      return numberOf(stated, type, at);
    case 'decimal': {
      const value = numberOf(stated, type, at);
      if (Number(value.toFixed(type.scale)) === value) return value;
      throw faultOf(at.file, at.field, 'manifest.decimalValue');
    }
    default:
      return momentOf(stated, type.kind, { at, dayAs: null });
  }
}
