/** A secret random order (Fisher and Yates, as in Knuth, The Art of Computer Programming 2, 3.4.2 P). */
import type { RandomSource } from '../release/random.ts';

/** The items in an order that is uniform among all. */
export function shuffled<T>(items: readonly T[], random: RandomSource): readonly T[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = random.below(last + 1);
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}
