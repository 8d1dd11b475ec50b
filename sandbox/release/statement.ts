/** What a receipt, a quote and a usage line may state about a Plan: digests, noise and planned quantities, as text. */
import { digestOf } from '#crypto/canonical.ts';
import { type Grid, type Measure, type Plan, widthOf } from '../plan.ts';
import { columnsOf, type Expr } from '../expression.ts';
import type { NoiseSpec } from './noise.ts';
import { nanoUp } from './privacy-loss.ts';
import type { Rational } from './rational.ts';
import { noiseOfPlan } from './release.ts';
import { measuredWidthOf, sensitivityOf } from './sensitivity.ts';
import { thresholdOf } from './threshold.ts';

/** SHA-256 of the Plan's canonical form, numbers as text: what "the same question" means. */
export function planDigestOf(plan: Plan): string {
  return digestOf(textual(plan));
}

/** Any plain value with its numbers as text, so that no reader rounds them. */
function textual(value: unknown): unknown {
  if (typeof value === 'number' || typeof value === 'bigint') return `${value}`;
  if (Array.isArray(value)) return value.map(textual);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, textual(part)]));
}

/** The mechanism of a Plan, per measured vector, in the field's terms. */
export function mechanismOf(plan: Plan): {
  readonly name: Plan['mechanism'];
  readonly measures: { kind: string; entries: string; grid: string; sensitivity: string; scale: string }[];
  readonly keySelection: { minimumCohort: string; threshold: string } | null;
} {
  const noise = noiseOfPlan(plan);
  const cells = plannedCells(plan);
  const measures = plan.measures.map((measure, index) => {
    const { l1, l2Squared } = sensitivityOf(plan, measure);
    const spec = noise[index]!;
    return {
      kind: measure.kind,
      entries: String(cells * measuredWidthOf(measure)),
      grid: gridText(measure),
      sensitivity: spec.kind === 'laplace' ? String(l1) : decimal(Math.sqrt(Number(l2Squared))),
      scale: scaleText(spec),
    };
  });
  return { name: plan.mechanism, measures, keySelection: keySelectionOf(plan, noise) };
}

function keySelectionOf(
  plan: Plan,
  noise: readonly NoiseSpec[],
): { minimumCohort: string; threshold: string } | null {
  if (plan.keys.mode !== 'thresholded') return null;
  const { thresholdDeltaYocto } = plan.cost;
  const threshold = thresholdOf(noise[plan.keys.units]!, {
    thresholdDeltaYocto,
    cellsPerUnit: plan.bounding.cellsPerUnit,
  });
  return { minimumCohort: String(plan.minimumCohort), threshold: String(threshold) };
}

function gridText(measure: Measure): string {
  const grid: Grid =
    measure.kind === 'sum' || measure.kind === 'centredSum'
      ? measure.argument.grid
      : { base: 10, exponent: 0 };
  const squared = measure.kind === 'centredSquares' ? measure.argument.grid : null;
  const [base, exponent] =
    squared === null ? [grid.base, grid.exponent] : [squared.base, 2 * squared.exponent];
  return `${base}^${exponent === 0 ? 0 : -exponent}`;
}

/** σ or s in grid steps. */
function scaleText(spec: NoiseSpec): string {
  if (spec.kind === 'laplace') return decimal(ratio(spec.scale));
  return decimal(Math.sqrt(ratio(spec.sigmaSquared)));
}

function ratio({ numerator, denominator }: Rational): number {
  const shift = BigInt(
    Math.max(0, numerator.toString(2).length - 1000, denominator.toString(2).length - 1000),
  );
  return Number(numerator >> shift) / Number(denominator >> shift);
}

/** A finite double as the decimal text that receipts use. */
export function decimal(value: number): string {
  return String(value).replace('e+', 'e');
}

/** Cells that a Plan counts with before data are read: all listed ones; of thresholded keys at most the policy's ceiling. */
function plannedCells(plan: Plan): number {
  if (plan.keys.mode === 'none') return 1;
  return plan.keys.mode === 'listed' ? plan.keys.cells : Math.min(plan.keys.maxEntries, THRESHOLDED_CELLS);
}
const THRESHOLDED_CELLS = 10_000;

/** Bytes that one released number is counted as, whatever its digits. */
const OUTPUT_BYTES = 32;
const BYTES_PER_VALUE = 8;
const COMPUTE_UNIT_MS = 100;
/** Nominal speed: declared rows times measured vectors per CPU millisecond. */
const NOMINAL_ROWS_PER_MS = 2_000;

/**
 * Planned quantities of one run, decimal text by name: functions of the Plan and the declared `maxRows`. They are
 * what is quoted, counted against quotas, rated, shown and stated; what a machine really used is not among them.
 */
export function plannedUsageOf(plan: Plan): Readonly<Record<string, string>> {
  const outputs =
    plannedCells(plan) * plan.aggregates.reduce((sum, aggregate) => sum + valuesOf(plan, aggregate), 0);
  const rows = plan.dataset.maxRows;
  const cpuMs = Math.ceil((rows * plan.measures.length) / NOMINAL_ROWS_PER_MS);
  return {
    products: '1',
    runs: '1',
    calls: '1',
    rows: String(rows),
    bytes: String(rows * BYTES_PER_VALUE * columnCount(plan)),
    outputs: String(outputs),
    outputBytes: String(outputs * OUTPUT_BYTES),
    serviceMs: String(plan.timing.mode === 'planned' ? plan.timing.releaseAfterMs : cpuMs),
    cpuMs: String(cpuMs),
    computeUnits: String(Math.ceil(cpuMs / COMPUTE_UNIT_MS)),
    epsilonNano: String(nanoUp(plan.cost.epsilon)),
    ledgerNano: String(plan.cost.nano),
    thresholdDeltaYocto: String(plan.cost.thresholdDeltaYocto),
  };
}

/** The same for a stored answer: a run that reads nothing and loses nothing. */
export function freeUsageOf(plan: Plan): Readonly<Record<string, string>> {
  const nothing = { rows: '0', bytes: '0', serviceMs: '0', cpuMs: '0', computeUnits: '0' };
  return { ...plannedUsageOf(plan), ...nothing, epsilonNano: '0', ledgerNano: '0', thresholdDeltaYocto: '0' };
}

function valuesOf(plan: Plan, aggregate: Plan['aggregates'][number]): number {
  return aggregate.fn === 'histogram' ? widthOf(plan.measures[aggregate.histogram]!) : 1;
}

function columnCount(plan: Plan): number {
  const columns = new Set<string>(plan.unit === null ? [] : [plan.unit]);
  const exprs: (Expr | null)[] = [
    plan.where,
    ...(plan.keys.mode === 'none' ? [] : plan.keys.keys.map((key) => key.expr)),
  ];
  for (const measure of plan.measures) exprs.push(argumentOf(measure));
  for (const expr of exprs) if (expr !== null) columnsOf(expr, columns);
  return Math.max(1, columns.size);
}

function argumentOf(measure: Measure): Expr | null {
  if (measure.kind === 'units') return null;
  return measure.kind === 'rows' || measure.kind === 'histogram' ? measure.argument : measure.argument.expr;
}
