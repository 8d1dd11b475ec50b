/** What a receipt, a quote and a usage line may state about a Plan: digests, noise and planned quantities, as text. */
import { digestOf } from '#crypto/canonical.ts';
import {
  type BlocksMeasure,
  cellsOf,
  columnsReadBy,
  type Grid,
  type Measure,
  measureOf,
  type Plan,
  valuesOf,
} from '../plan.ts';
import type { NoiseSpec } from './noise.ts';
import { nanoUp } from './privacy-loss.ts';
import type { Rational } from './rational.ts';
import { noiseOfPlan } from './planned-noise.ts';
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

/** The mechanism of a Plan, per measured vector, in the field's terms; blocks: per output of the joint vector. */
export function mechanismOf(plan: Plan): {
  readonly name: Plan['mechanism'];
  readonly measures: { kind: string; entries: string; grid: string; sensitivity: string; scale: string }[];
  readonly keySelection: { minimumCohort: string; threshold: string } | null;
} {
  const noise = noiseOfPlan(plan);
  const measures = plan.measures.flatMap((measure, index) => {
    const { l1, l2Squared } = sensitivityOf(plan, measure);
    const spec = noise[index]!;
    return partsOf(plan, measure).map(({ entries, grid }) => ({
      kind: measure.kind,
      entries: String(entries),
      grid,
      sensitivity: spec.kind === 'laplace' ? String(l1) : decimal(Math.sqrt(Number(l2Squared))),
      scale: scaleText(spec),
    }));
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

/** Entries of one grid; the outputs of blocks may have different ones. */
function partsOf(plan: Plan, measure: Measure): readonly { entries: number; grid: string }[] {
  if (measure.kind === 'blocks')
    return measure.outputs.map(({ argument, width }) => ({ entries: width, grid: gridText(argument.grid) }));
  return [
    { entries: plannedCells(plan, measure) * measuredWidthOf(measure), grid: gridText(gridOf(measure)) },
  ];
}

function gridText({ base, exponent }: Grid): string {
  return `${base}^${exponent === 0 ? 0 : -exponent}`;
}

function gridOf(measure: Exclude<Measure, BlocksMeasure>): Grid {
  switch (measure.kind) {
    case 'sum':
    case 'centredSum':
      return measure.argument.grid;
    case 'centredSquares':
      return { base: measure.argument.grid.base, exponent: 2 * measure.argument.grid.exponent };
    case 'vector':
      return measure.grid;
    default:
      return { base: 10, exponent: 0 };
  }
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
function plannedCells(plan: Plan, measure: Measure): number {
  const { keys } = plan;
  const most = keys.mode === 'thresholded' ? Math.min(keys.maxEntries, THRESHOLDED_CELLS) : 1;
  return cellsOf(plan, measure) ?? most;
}
const THRESHOLDED_CELLS = 10_000;

/** Bytes that one released number is counted as, whatever its digits. */
const OUTPUT_BYTES = 32;
const BYTES_PER_VALUE = 8;
const COMPUTE_UNIT_MS = 100;
/** Nominal memory of a run while it computes, in MB: what a reader may take. */
const NOMINAL_MEMORY_MB = 1_536;
const BYTES_PER_MB = 1_000_000;
/** Nominal speed: declared rows times measured vectors per CPU millisecond. */
const NOMINAL_ROWS_PER_MS = 2_000;

/**
 * Planned quantities of one run, decimal text by name: functions of the Plan and the declared `maxRows`. They are
 * what is quoted, counted against quotas, rated, shown and stated; what a machine really used is not among them.
 */
export function plannedUsageOf(plan: Plan): Readonly<Record<string, string>> {
  const outputs = plan.aggregates.reduce(
    (sum, aggregate) => sum + plannedCells(plan, measureOf(plan, aggregate)) * valuesOf(plan, aggregate),
    0,
  );
  const inputs = plan.program?.inputs ?? [];
  const rows = plan.dataset.maxRows + inputs.slice(1).reduce((sum, { maxRows }) => sum + maxRows, 0);
  const cpuMs =
    Math.ceil((rows * plan.measures.length) / NOMINAL_ROWS_PER_MS) + (plan.program?.plannedMs ?? 0);
  const bytes = bytesReadBy(plan);
  return {
    products: '1',
    runs: '1',
    calls: '1',
    rows: String(rows),
    bytes: String(bytes),
    outputs: String(outputs),
    outputBytes: String(outputs * OUTPUT_BYTES),
    serviceMs: String(plan.timing.mode === 'planned' ? plan.timing.releaseAfterMs : cpuMs),
    cpuMs: String(cpuMs),
    // No run computes on a graphics processor.
    gpuMs: '0',
    computeUnits: String(Math.ceil(cpuMs / COMPUTE_UNIT_MS)),
    memoryMbMs: String(BigInt(NOMINAL_MEMORY_MB) * BigInt(cpuMs)),
    // What it reads, kept for as long as it computes.
    storageMbMs: String(BigInt(Math.ceil(bytes / BYTES_PER_MB)) * BigInt(cpuMs)),
    // A seat is a month of a grant, not a run.
    seats: '0',
    epsilonNano: String(nanoUp(plan.cost.epsilon)),
    ledgerNano: String(plan.cost.nano),
    thresholdDeltaYocto: String(plan.cost.thresholdDeltaYocto),
  };
}

/** The same for a stored answer: a run that reads nothing and loses nothing. */
export function freeUsageOf(plan: Plan): Readonly<Record<string, string>> {
  const unread = { rows: '0', bytes: '0', serviceMs: '0', cpuMs: '0', computeUnits: '0' };
  const unkept = { memoryMbMs: '0', storageMbMs: '0' };
  const unspent = { epsilonNano: '0', ledgerNano: '0', thresholdDeltaYocto: '0' };
  return { ...plannedUsageOf(plan), ...unread, ...unkept, ...unspent };
}

/** Nominal bytes: eight per declared row and column. */
function bytesReadBy(plan: Plan): number {
  const unitColumns = plan.unit === null ? 0 : 1;
  const further = (plan.program?.inputs ?? [])
    .slice(1)
    .reduce((sum, { maxRows, columns }) => sum + maxRows * (columns.length + unitColumns), 0);
  return (plan.dataset.maxRows * Math.max(1, columnsReadBy(plan).size) + further) * BYTES_PER_VALUE;
}
