/**
 * Quantiles from the noisy dyadic counts of a public grid of equal bins.
 *
 * The descent follows the target rank from the root; a node's count below zero is read as zero. All quantiles of
 * one argument read the same noisy tree.
 */
import type { Measure, ReleasedValue } from '../plan.ts';

type Tree = Extract<Measure, { kind: 'quantile' }>;

/** The middle of the bin that holds the q-quantile; and the bins that may hold it, given noise that `reach95` is 95 % of. */
export function quantileOf(nodes: readonly bigint[], q: number, tree: Tree, reach95: number): ReleasedValue {
  const { low, high } = tree.argument;
  const width = (high - low) / tree.bins;
  const bin = descend(nodes, q, tree.bins);
  const { first, last } = possibleBins(nodes, q, tree.bins, reach95);
  return {
    value: low + (bin + 0.5) * width,
    exact: null,
    stddev: null,
    low: low + Math.min(bin, first) * width,
    high: low + (Math.max(bin, last) + 1) * width,
  };
}

/**
 * The first and last bin b that two one-sided tests at 2.5 % do not exclude: no more than q·n rows lie below b, and no
 * fewer below b + 1. The rows below a boundary are a sum of at most one node per level, those of the whole of two.
 */
function possibleBins(
  nodes: readonly bigint[],
  q: number,
  bins: number,
  reach95: number,
): { readonly first: number; readonly last: number } {
  const wanted = q * (Number(nodes[0]!) + Number(nodes[1]!));
  const [below, parts] = [new Float64Array(bins), new Uint8Array(bins)];
  let [first, last] = [bins - 1, 0];
  for (let boundary = 1; boundary < bins; boundary += 1) {
    const earlier = boundary & (boundary - 1);
    // The node between the two boundaries, on the level of `size` nodes.
    const step = boundary - earlier;
    const size = bins / step;
    const [rows, terms] = [
      below[earlier]! + Number(nodes[size - 2 + boundary / step - 1]!),
      parts[earlier]! + 1,
    ];
    [below[boundary], parts[boundary]] = [rows, terms];
    // The two nodes of the whole have the weight −q, the left one 1 − q where it is among those below.
    const isRight = boundary >= bins / 2;
    const weights = isRight ? terms - 1 + (1 - q) ** 2 + q * q : terms + 2 * q * q;
    const reach = reach95 * Math.sqrt(weights);
    const excess = rows - wanted;
    if (excess >= -reach) first = Math.min(first, boundary - 1);
    if (excess <= reach) last = boundary;
  }
  return { first, last };
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
