/**
 * Quantiles from the noisy dyadic counts of a public grid of equal bins.
 *
 * The descent follows the target rank from the root; a node's count below zero is read as zero. All quantiles of
 * one argument read the same noisy tree.
 */
import type { Measure, ReleasedValue } from '../plan.ts';
import { levelsOf } from './sensitivity.ts';

const Z95 = 1.959963984540054;

type Tree = Extract<Measure, { kind: 'quantile' }>;

/** The middle of the bin that holds the q-quantile, and the bins that the noise can confuse with it. */
export function quantileOf(nodes: readonly bigint[], q: number, tree: Tree, stddev: number): ReleasedValue {
  const { low, high } = tree.argument;
  const width = (high - low) / tree.bins;
  const total = Math.max(0, Number(nodes[0]!)) + Math.max(0, Number(nodes[1]!));
  const bin = descend(nodes, q, tree.bins);
  // A rank is a sum of at most one node per level; so is the total it is compared with, of two.
  const confused = (Z95 * stddev * Math.sqrt(levelsOf(tree.bins) + 2)) / Math.max(total, 1);
  const known = confused < 1;
  return {
    value: low + (bin + 0.5) * width,
    exact: null,
    stddev: null,
    low: known ? low + Math.min(bin, descend(nodes, Math.max(0, q - confused), tree.bins)) * width : low,
    high: known
      ? low + (Math.max(bin, descend(nodes, Math.min(1, q + confused), tree.bins)) + 1) * width
      : high,
  };
}

/** The leaf of the q-quantile. Nodes stand level by level, level 1 (two nodes) first. */
function descend(nodes: readonly bigint[], q: number, bins: number): number {
  let rank = q;
  let index = 0;
  for (let size = 2, start = 0; size <= bins; start += size, size *= 2) {
    const left = Math.max(0, Number(nodes[start + 2 * index]!));
    const right = Math.max(0, Number(nodes[start + 2 * index + 1]!));
    const [share, both] = left + right === 0 ? [0.5, 1] : [left, left + right];
    const target = rank * both;
    const goesLeft = share > 0 && (target <= share || share === both);
    index = 2 * index + (goesLeft ? 0 : 1);
    rank = goesLeft
      ? Math.min(1, target / share)
      : Math.min(1, Math.max(0, (target - share) / (both - share)));
  }
  return index;
}
