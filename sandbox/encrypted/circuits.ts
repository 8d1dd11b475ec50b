/**
 * The circuits of a Plan over encrypted columns: per measure, what is summed of each row, and of which rows.
 *
 * Guarantee: a function of Plan and manifest alone. A measure is either a polynomial that can be computed on
 * ciphertexts, of at most two columns and degree two, over rows that clear columns choose; or it is refused by name.
 * The range of each is no narrower than what rows within the manifest's bounds can give.
 */
import { profileOf } from '#crypto/he/profiles.ts';
import type { Circuit, OrderMeasure, OrderPlan } from '#crypto/he/order.ts';
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { columnsOf, type Expr } from '../expression.ts';
import type { Dataset, Encryption } from '../manifest/dataset.ts';
import { type BoundedArgument, cellsOf, type Measure, midGridOf, type Plan } from '../plan.ts';
import { boundColumn } from '../query/bounds.ts';
import { centredReach } from '../release/sensitivity.ts';
import { presencePart, ROWS_PART } from '#crypto/he/dataset-manifest.ts';
import type { EncryptedShape } from './order-noise.ts';
import {
  type EncryptedColumns,
  less,
  onGrid,
  type Polynomial,
  polynomialOf,
  rangeOf,
  squareOf,
  type Term,
  termsOf,
} from './polynomial.ts';

/** What is computed of a measure. */
export interface PlannedCircuit {
  /** The rows that count, by a condition on clear columns; null: all. */
  readonly when: Expr | null;
  readonly circuit: Circuit;
  /** Over factors as ciphertext files are called, without `.ct`. */
  readonly terms: readonly Term[];
  /** What one row adds, at least and at most, in grid integers. */
  readonly low: bigint;
  readonly high: bigint;
  /** The argument with the bounds that its values on the grid can reach; null: rows are counted. */
  readonly argument: BoundedArgument | null;
}

/** A dataset whose columns are encrypted. */
export type EncryptedDataset = Dataset & { readonly encryption: Encryption };

/** Whether a dataset is encrypted. */
export function isEncrypted(dataset: Dataset): dataset is EncryptedDataset {
  return dataset.encryption !== undefined;
}

/** Names of the clear columns, in the order of the manifest. */
export function clearColumnsOf({ columns }: Pick<Dataset, 'columns'>): readonly string[] {
  return columns.filter(({ role }) => role === 'key').map(({ name }) => name);
}

/** The encrypted columns with the bounds and the grid that they were encrypted with. */
export function encryptedColumnsOf(dataset: Pick<Dataset, 'columns'>): EncryptedColumns {
  const encrypted = dataset.columns.filter(({ role }) => role === 'value');
  return new Map(encrypted.map((column) => [column.name, boundColumn(column, dataset)!]));
}

/** The circuit of a measure. Refuses: FUNCTION, PREDICATE, BOUNDS_MISSING. */
export function circuitOf(measure: Measure, dataset: EncryptedDataset): PlannedCircuit {
  switch (measure.kind) {
    case 'rows':
      return countOf(measure.argument, dataset);
    case 'sum':
    case 'centredSum':
    case 'centredSquares':
      return summed(measure, dataset);
    default:
      throw new Refusal('FUNCTION', say('encrypted.aggregate'));
  }
}

function countOf(argument: Expr | null, dataset: EncryptedDataset): PlannedCircuit {
  const { when, value } = argument === null ? { when: null, value: null } : chosen(argument, dataset, false);
  const encrypted = encryptedColumnsOf(dataset);
  const isClear = value === null || ![...columnsOf(value)].some((name) => encrypted.has(name));
  if (value !== null && !isClear) polynomial(value, dataset);
  const condition =
    value !== null && isClear && value.op !== 'literal'
      ? both(when, { op: 'not', arg: { op: 'isNull', arg: value } })
      : when;
  const presence = value === null || isClear ? ROWS_PART : presenceIn(value, dataset);
  checkClear(condition, dataset);
  return {
    when: condition,
    circuit: 'count',
    terms: [{ weight: 1n, factors: [presence] }],
    low: 0n,
    high: 1n,
    argument: null,
  };
}

type Summed = Extract<Measure, { kind: 'sum' | 'centredSum' | 'centredSquares' }>;

function summed({ kind, argument: stated }: Summed, dataset: EncryptedDataset): PlannedCircuit {
  const columns = encryptedColumnsOf(dataset);
  const { when, value } = chosen(stated.expr, dataset, kind === 'sum');
  const gridded = onGrid(polynomial(value, dataset), columns, stated.grid);
  if (gridded === null) throw new Refusal('BOUNDS_MISSING', say('encrypted.grid'));
  const { low: lowGrid, high: highGrid } = rangeOf(gridded, columns);
  const argument = { ...stated, lowGrid, highGrid };
  const mid = midGridOf(argument);
  const summand = kind === 'sum' ? gridded : less(gridded, mid);
  const all = kind === 'centredSquares' ? squareOf(summand) : summand;
  const circuit = all === null ? null : circuitName(all);
  if (all === null || circuit === null) throw new Refusal('FUNCTION', say('encrypted.expression'));
  const reach = centredReach(argument);
  const [low, high] = {
    sum: [lowGrid < 0n ? lowGrid : 0n, highGrid > 0n ? highGrid : 0n] as const,
    centredSum: [lowGrid - mid, highGrid - mid] as const,
    centredSquares: [0n, reach * reach] as const,
  }[kind];
  const terms = termsOf(all, columns, presenceIn(value, dataset));
  if (terms.length === 0) throw new Refusal('FUNCTION', say('encrypted.expression'));
  return { when, circuit, terms, low, high, argument };
}

/** The circuits that a custodian allows by name; null for a polynomial that none of them is. */
function circuitName(summand: Polynomial): Circuit | null {
  const names = new Set(summand.flatMap(({ factors }) => factors));
  const pairs = summand.filter(({ factors }) => factors.length === 2);
  const hasSquare = pairs.some(({ factors: [a, b] }) => a === b);
  if (pairs.length === 0) return names.size === 0 ? 'count' : names.size === 1 ? 'sum' : 'linear';
  if (names.size === 1) return 'squares';
  return names.size === 2 && !hasSquare ? 'products' : null;
}

/**
 * An argument as a value and the rows that have it: CASE WHEN clear THEN value END, as FILTER becomes. Of a sum, rows
 * that give 0 are rows that give nothing.
 */
function chosen(
  expr: Expr,
  dataset: EncryptedDataset,
  zeroIsNothing: boolean,
): { readonly when: Expr | null; readonly value: Expr } {
  if (expr.op !== 'case') return { when: null, value: expr };
  const [branch, ...others] = expr.branches;
  const { otherwise } = expr;
  const isNothing =
    otherwise.op === 'literal' &&
    (otherwise.value === null || (zeroIsNothing && Object.is(otherwise.value, 0)));
  if (branch === undefined || others.length > 0 || !isNothing)
    throw new Refusal('FUNCTION', say('encrypted.case'));
  checkClear(branch.when, dataset);
  const inner = chosen(branch.then, dataset, zeroIsNothing);
  return { when: both(branch.when, inner.when), value: inner.value };
}

function both(a: Expr | null, b: Expr | null): Expr | null {
  return a === null || b === null ? (a ?? b) : { op: 'and', args: [a, b] };
}

function polynomial(value: Expr, dataset: EncryptedDataset): Polynomial {
  const found = polynomialOf(value, encryptedColumnsOf(dataset));
  if (found === null) throw new Refusal('FUNCTION', say('encrypted.expression'));
  return found;
}

/** Which rows have a value: all, or those in which the one column of it has one. Refuses FUNCTION. */
function presenceIn(value: Expr, { encryption: { nullable } }: EncryptedDataset): string {
  const names = [...columnsOf(value)];
  const absent = names.filter((name) => nullable.includes(name));
  if (absent.length === 0) return ROWS_PART;
  if (names.length > 1)
    throw new Refusal('FUNCTION', say('encrypted.nullable', { names: absent.join(', ') }));
  return presencePart(absent[0]!);
}

/** Refuses PREDICATE: a condition that an encrypted column is in, or an operation that is not exact. */
export function checkClear(condition: Expr | null, dataset: EncryptedDataset): void {
  if (condition === null) return;
  const clear = clearColumnsOf(dataset);
  const encrypted = [...columnsOf(condition)].find((name) => !clear.includes(name));
  if (encrypted !== undefined)
    throw new Refusal('PREDICATE', say('encrypted.predicate', { name: encrypted, clear: clear.join(', ') }));
}

/** All that decides the noise of a Plan, as its custodian is told. */
export function orderPlanOf(plan: Plan, circuits: readonly PlannedCircuit[]): OrderPlan {
  const { unit, nano } = plan.cost;
  return {
    mechanism: plan.mechanism,
    cost: { unit, nano: String(nano) },
    rowsPerUnit: plan.bounding.rowsPerUnit,
    cells: cellsOf(plan, {}) ?? 0,
    measures: circuits.map(measureOf),
  };
}

function measureOf({ circuit, terms, low, high }: PlannedCircuit): OrderMeasure {
  return {
    circuit,
    terms: terms.map(({ weight, factors }) => ({ weight: String(weight), factors: [...factors] })),
    lowGrid: String(low),
    highGrid: String(high),
  };
}

/** What noise depends on in a dataset, by its manifest. */
export function shapeOf(dataset: EncryptedDataset): EncryptedShape {
  const { rowsPerUnit, profile, nullable } = dataset.encryption;
  const lists = dataset.columns.filter(({ role }) => role === 'key').map(({ values }) => values!.length);
  return {
    modulus: profileOf(profile).plainModulus,
    rowsPerUnit,
    maxRows: dataset.maxRows,
    maxCells: lists.reduce((product, count) => product * BigInt(count), 1n),
    columns: new Map(
      [...encryptedColumnsOf(dataset)].map(([name, argument]) => [
        name,
        {
          lowGrid: argument.lowGrid,
          highGrid: argument.highGrid,
          midGrid: midGridOf(argument),
          nullable: nullable.includes(name),
        },
      ]),
    ),
  };
}
