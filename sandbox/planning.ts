/**
 * What every front end's Plan is made of beside its measures: dataset, bounds on contributions, cost, size and time.
 *
 * Guarantee: functions of manifest, policy and request alone; no data are touched. A Plan that is too large, or costs
 * more than the policy allows, is refused here whichever front end made it.
 */
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { Column, Dataset } from './manifest/dataset.ts';
import type { ReleasePolicy } from './manifest/policy.ts';
import {
  type Bounding,
  cellsOf,
  type Measure,
  type Plan,
  type Presentation,
  type Timing,
  widthOf,
} from './plan.ts';
import { costOf } from './release/accountant.ts';
import { type Accuracy, type AccuracyAsk, cheapestPlan } from './release/accuracy.ts';

/** Numbers in all vectors of one job. */
const ENTRIES_MAX = 2 ** 21;

/** What a front end may know: public manifests, the policy in force, and the version asked. */
export interface Catalogue {
  readonly datasets: readonly Dataset[];
  readonly policyOf: (dataset: Dataset) => ReleasePolicy;
  readonly versionIdOf: (dataset: Dataset) => string;
  /** What an absent `timing` means for this front end. */
  readonly defaultTiming: Timing;
  /** Whether the caller opens, decides about and charges every dataset of a Plan; else Plans are of one. */
  readonly takesSeveral?: boolean;
}

/** A request that was compiled: what is to be computed and how it is to be shown. */
export interface Compiled {
  readonly plan: Plan;
  readonly presentation: Presentation;
  readonly dataset: Dataset;
  readonly policy: ReleasePolicy;
}

/** What every request adds to what it asks. `null` means the policy's default. */
export interface PricedAsk extends AccuracyAsk {
  readonly delta: number | null;
}

/** The part of a Plan that says what data it is about. */
export function datasetPart(dataset: Dataset, catalogue: Catalogue): Pick<Plan, 'dataset' | 'unit'> {
  return {
    dataset: {
      name: dataset.name,
      lineage: dataset.lineage,
      versionId: catalogue.versionIdOf(dataset),
      maxRows: dataset.maxRows,
      timeZone: dataset.timeZone,
    },
    unit: unitColumn(dataset)?.name ?? null,
  };
}

/** The column of the privacy unit, or null when each row is one, or no row says whose it is. */
export function unitColumn(dataset: Dataset): Column | null {
  const unit = dataset.privacyUnit;
  return unit.kind === 'column' ? dataset.columns.find((column) => column.name === unit.column)! : null;
}

/** Bounds on contributions over so many listed cells; null: thresholded. */
export function boundingOf(
  dataset: Dataset,
  { maxGroupsPerUnit, maxRowsPerUnit }: ReleasePolicy,
  cells: number | null,
): Bounding {
  // Rows of one unit may lie in any cells: all of them count as if they moved one sum.
  if (dataset.encryption !== undefined)
    return { cellsPerUnit: 1, rowsPerUnit: dataset.encryption.rowsPerUnit, chooseCells: false };
  if (unitColumn(dataset) === null) return { cellsPerUnit: 1, rowsPerUnit: 1, chooseCells: false };
  return {
    cellsPerUnit: cells === null ? maxGroupsPerUnit : Math.min(maxGroupsPerUnit, cells),
    rowsPerUnit: maxRowsPerUnit,
    chooseCells: cells === null || cells > maxGroupsPerUnit,
  };
}

/** Refuses CELLS: more cells than the policy allows. */
export function checkCells(cells: number, { maxCells: max }: ReleasePolicy): void {
  if (cells > max) throw new Refusal('CELLS', say('query.cells', { cells, max }));
}

/** Refuses CELLS: more numbers than one job may hold; a thresholded cell counts as one. */
export function checkSize(plan: Pick<Plan, 'keys'>, measures: readonly Measure[]): void {
  const entries = measures.reduce(
    (sum, measure) => sum + widthOf(measure) * (cellsOf(plan, measure) ?? 1),
    0,
  );
  if (entries > ENTRIES_MAX) throw new Refusal('CELLS', say('query.entries', { entries, max: ENTRIES_MAX }));
}

/** The ε that a draft is planned with: what was asked, or the policy's; for an accuracy the most that may be. */
export function draftEpsilon(ask: AccuracyAsk, accuracy: Accuracy | null, { perJob }: ReleasePolicy): number {
  return ask.epsilon ?? (accuracy === null ? perJob.epsilon : perJob.max);
}

/** The Plan itself, or its cheapest form that meets an accuracy. Refuses PARAM: one that is out of reach. */
export function finishedPlan(draft: Plan, accuracy: Accuracy | null, presentation: Presentation): Plan {
  return accuracy === null ? draft : cheapestPlan(draft, accuracy, presentation);
}

/** What a request costs. Refuses PARAM: ε or δ that is none, or above what the policy allows. */
export function costUnder(
  policy: ReleasePolicy,
  ask: { readonly epsilon: number; readonly delta: number | null; readonly thresholded: boolean },
): Plan['cost'] {
  const { perJob } = policy;
  const { epsilon, thresholded } = ask;
  const delta = ask.delta ?? perJob.delta;
  if (!(epsilon > 0) || epsilon > perJob.max)
    throw new Refusal('PARAM', say('query.epsilon', { max: perJob.max, asked: String(epsilon) }));
  const pure = isPure(policy);
  const rule = pure ? '0' : 'above 0';
  const valid = pure ? delta === 0 : delta > 0 && delta < 1;
  if (!valid || delta > perJob.delta)
    throw new Refusal('PARAM', say('query.delta', { rule, max: perJob.delta, asked: String(delta) }));
  const { thresholdDelta } = perJob;
  return costOf({ epsilon, delta, thresholdDelta, unit: pure ? 'epsilon' : 'rho', thresholded });
}

/** Whether jobs are charged in ε. */
export function isPure({ mechanism, budget }: ReleasePolicy): boolean {
  return mechanism === 'laplace' && budget !== 'unlimited' && budget.delta === 0;
}

/** When an answer leaves: as the policy says, else `fallback`; planned, after so many milliseconds. */
export function timingUnder(
  { timing }: ReleasePolicy,
  fallback: Timing | { readonly mode: 'planned' },
  releaseAfterMs: number,
): Timing {
  const meant = timing ?? fallback;
  return meant.mode === 'planned' ? { mode: 'planned', releaseAfterMs } : meant;
}

/** The measures of a Plan, each once. */
export class MeasureList {
  readonly #measures: Measure[] = [];

  get all(): readonly Measure[] {
    return this.#measures;
  }

  /** The place of a measure, which is added if it is new. */
  place(measure: Measure): number {
    const text = JSON.stringify(measure, bigintText);
    const index = this.#measures.findIndex((known) => JSON.stringify(known, bigintText) === text);
    return index >= 0 ? index : this.#measures.push(measure) - 1;
  }
}

/** JSON replacer: big integers as decimal text. */
export function bigintText(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
