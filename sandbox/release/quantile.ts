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
 * fewer below b + 1.
 */
function possibleBins(
  nodes: readonly bigint[],
  q: number,
  bins: number,
  reach95: number,
): { readonly first: number; readonly last: number } {
  const wanted = q * (Number(nodes[0]!) + Number(nodes[1]!));
  let [first, last] = [bins - 1, 0];
  for (const [boundary, { rows, terms, left, right }] of rowsBelow(nodes, bins).entries()) {
    if (boundary === 0 || boundary === bins) continue;
    const reach = reach95 * Math.sqrt(terms + (left - q) ** 2 + (right - q) ** 2);
    if (rows - wanted >= -reach) first = Math.min(first, boundary - 1);
    if (rows - wanted <= reach) last = Math.max(last, boundary);
  }
  return { first, last };
}

/** Rows below a boundary: so many nodes added or taken away, and the weights of the two halves of the whole. */
interface Below {
  readonly rows: number;
  readonly terms: number;
  readonly left: number;
  readonly right: number;
}

/** For each boundary from 0 to `bins`, from the next coarser one on either side that has fewer nodes in it. */
function rowsBelow(nodes: readonly bigint[], bins: number): readonly Below[] {
  const [leftHalf, rightHalf] = [Number(nodes[0]!), Number(nodes[1]!)];
  const below: Below[] = [];
  below[0] = { rows: 0, terms: 0, left: 0, right: 0 };
  below[bins / 2] = { rows: leftHalf, terms: 0, left: 1, right: 0 };
  below[bins] = { rows: leftHalf + rightHalf, terms: 0, left: 1, right: 1 };
  for (let size = 4; size <= bins; size *= 2) {
    for (let node = 0; node < size; node += 2) {
      const step = bins / size;
      const [before, after] = [below[node * step]!, below[(node + 2) * step]!];
      const place = size - 2 + node;
      below[(node + 1) * step] =
        before.terms <= after.terms
          ? { ...before, rows: before.rows + Number(nodes[place]!), terms: before.terms + 1 }
          : { ...after, rows: after.rows - Number(nodes[place + 1]!), terms: after.terms + 1 };
    }
  }
  return below;
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
