/**
 * The one door: exact integers of a Plan in, noisy cells out. Nothing else makes bytes for a buyer.
 *
 * It knows Plans and Partials and no front end. In order: shape and range of the Partials are checked (a
 * mismatch is a machine fault that says nothing); every measured vector gets its noise; thresholded keys are
 * selected; all further values are post-processing of noisy integers.
 * Guarantee: the cells are a (ε, δ)-differentially private function of the data, at the Plan's cost, if the
 * Partials were bounded as the Plan says. Whatever the Partials are, what leaves is noise on a fixed number of
 * integers of fixed range.
 * Not covered: the time this takes; noise is drawn beforehand (noise-pool.ts), and the caller releases at a planned
 * or quantised time.
 */
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import {
  cellsOf,
  keysOf,
  type Measure,
  measureOf,
  type Partials,
  type Plan,
  type ReleasedCell,
  widthOf,
} from '../plan.ts';
import type { Scalar } from '../expression.ts';
import { isAttested } from './attestation.ts';
import { estimatorOf, isSameGrid } from './estimate.ts';
import type { NoisePool } from './noise-pool.ts';
import { type NoiseSpec, noiseTailOf } from './noise.ts';
import { noiseOfPlan } from './planned-noise.ts';
import { measuredWidthOf, rangesOf } from './sensitivity.ts';
import { isReleased, thresholdOf } from './threshold.ts';

/** Bytes of a thresholded key's text. */
const KEY_TEXT_BYTES_MAX = 256;

/**
 * Releases the Partials of a Plan with noise from a pool made for the same Plan; those of encrypted data, whose noise
 * their custodian added and attested, with none (null).
 * Fails: MACHINE_FAULT when they have not the shape and range the Plan fixes, or no attestation where there must be one.
 */
export function release(plan: Plan, partials: Partials, pool: NoisePool | null): readonly ReleasedCell[] {
  const noise = noiseOfPlan(plan);
  checkPartials(plan, partials, noise);
  const noisy = noisyVectors(plan, partials, pool);
  return gridsOf(plan).flatMap((over) => {
    const estimate = estimatorOf(plan, noise, over);
    const grid = over === undefined ? {} : { keys: over };
    return cellKeysOf(plan, partials, over).flatMap((key, cell) => {
      const entries = noisy.map((vector, index) =>
        cellOf(vector, cell, measuredWidthOf(plan.measures[index]!)),
      );
      const isVisible = isShown(plan, partials, noise, cell, entries);
      return isVisible ? [{ ...grid, key, values: estimate(entries) }] : [];
    });
  });
}

/** The keys that cells are over, each list of them once, in the order of the aggregates. */
function gridsOf(plan: Plan): readonly (readonly number[] | undefined)[] {
  const all = plan.aggregates.map((aggregate) => measureOf(plan, aggregate).over);
  return all.filter((over, index) => all.findIndex((other) => isSameGrid(over, other)) === index);
}

/** The measured vectors with their noise: added here, or by the custodian of an encrypted dataset. */
function noisyVectors(
  plan: Plan,
  partials: Partials,
  pool: NoisePool | null,
): readonly (readonly bigint[])[] {
  if (plan.encrypted !== undefined) {
    if (!isAttested(plan, partials)) throw new Failure('MACHINE_FAULT', say('encrypted.attestation'));
    return partials.vectors;
  }
  if (pool === null) throw new RangeError('noise is added here unless a custodian attests its own');
  return plan.measures.map((measure, index) =>
    measured(measure, partials.vectors[index]!, (count) => pool.take(index, count)),
  );
}

/** Adds fresh noise to every entry; of a tree, to every node, level by level from below the root. */
function measured(
  measure: Measure,
  exact: readonly bigint[],
  take: (count: number) => readonly bigint[],
): readonly bigint[] {
  const entries = measure.kind === 'quantile' ? treesOf(exact, measure.bins) : exact;
  const draws = take(entries.length);
  return entries.map((entry, index) => entry + draws[index]!);
}

/** All nodes of each cell's dyadic tree but its root: level 1 first, leaves last. */
function treesOf(leaves: readonly bigint[], bins: number): readonly bigint[] {
  return Array.from({ length: leaves.length / bins }, (_, cell) => treeOf(cellOf(leaves, cell, bins))).flat();
}

function treeOf(leaves: readonly bigint[]): readonly bigint[] {
  let level = leaves;
  let nodes = [...leaves];
  while (level.length > 2) {
    const below = level;
    level = Array.from({ length: below.length / 2 }, (_, index) => below[2 * index]! + below[2 * index + 1]!);
    nodes = [...level, ...nodes];
  }
  return nodes;
}

function cellOf(vector: readonly bigint[], cell: number, width: number): readonly bigint[] {
  return vector.slice(cell * width, (cell + 1) * width);
}

/** Listed cells are always shown; a thresholded one by its exact cohort and its noisy count, the reported one. */
function isShown(
  plan: Plan,
  partials: Partials,
  noise: readonly NoiseSpec[],
  cell: number,
  entries: readonly (readonly bigint[])[],
): boolean {
  if (plan.keys.mode !== 'thresholded') return true;
  const { units } = plan.keys;
  const threshold = thresholdOf(noise[units]!, {
    thresholdDeltaYocto: plan.cost.thresholdDeltaYocto,
    cellsPerUnit: plan.bounding.cellsPerUnit,
  });
  const counts = { exact: partials.vectors[units]![cell]!, noisy: entries[units]![0]! };
  return isReleased(counts, plan.minimumCohort, threshold);
}

/** The keys of all cells in domain order, or those the sandbox returned. */
function cellKeysOf(
  plan: Plan,
  partials: Partials,
  over: readonly number[] | undefined,
): readonly (readonly Scalar[])[] {
  if (plan.keys.mode === 'thresholded') return partials.keys ?? [];
  return keysOf(plan, over === undefined ? {} : { over }).reduce<readonly (readonly Scalar[])[]>(
    (cells, key) => cells.flatMap((cell) => key.domain!.map((value) => [...cell, value])),
    [[]],
  );
}

/** Shape and range of what came out of the jail, or of a custodian, before it is used. */
function checkPartials(plan: Plan, partials: Partials, noise: readonly NoiseSpec[]): void {
  const fits =
    (partials.keys !== null) === (plan.keys.mode === 'thresholded') &&
    partials.vectors.length === plan.measures.length &&
    plan.measures.every((measure, index) => {
      const cells = cellsOf(plan, measure) ?? partials.keys!.length;
      // What carries its noise already may lie beyond what data can give by as much.
      const beyond = plan.encrypted === undefined ? 0n : noiseTailOf(noise[index]!);
      return vectorFits(plan, measure, partials.vectors[index]!, { cells, beyond });
    }) &&
    thresholdedKeysFit(plan, partials);
  if (!fits) throw new Failure('MACHINE_FAULT', say('source.fault'));
}

function vectorFits(
  plan: Plan,
  measure: Measure,
  vector: readonly bigint[],
  { cells, beyond }: { readonly cells: number; readonly beyond: bigint },
): boolean {
  const width = widthOf(measure);
  const ranges = rangesOf(plan, measure);
  // Of one range for all entries, and of one per entry of the joint vector of blocks.
  const rangeAt = ranges.flatMap((range) =>
    ranges.length === 1 ? [range] : Array(range.entries).fill(range),
  );
  return (
    vector.length === cells * width &&
    vector.every((entry, index) => {
      const { low, high } = rangeAt[index % rangeAt.length]!;
      return low - beyond <= entry && entry <= high + beyond;
    })
  );
}

function thresholdedKeysFit(plan: Plan, partials: Partials): boolean {
  const { keys } = plan;
  if (keys.mode !== 'thresholded') return true;
  const rows = partials.keys ?? [];
  const texts = new Set(rows.map((key) => JSON.stringify(key)));
  const cohort = BigInt(plan.minimumCohort);
  return (
    rows.length <= keys.maxEntries &&
    texts.size === rows.length &&
    rows.every((key) => key.length === keys.keys.length && key.every(isKeyValue)) &&
    partials.vectors[keys.units]!.every((units) => units >= cohort)
  );
}

function isKeyValue(value: Scalar): boolean {
  if (typeof value === 'string') return Buffer.byteLength(value, 'utf8') <= KEY_TEXT_BYTES_MAX;
  return typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));
}
