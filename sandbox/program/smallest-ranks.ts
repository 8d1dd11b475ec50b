/** The first of many by rank: the choice of cells and rows that a unit keeps. */

/** Candidates beside those that are kept, before the rest is let go. */
const SPARE = 1_024;

/** The places from 0 of the `keep` smallest ranks among `count`; of equal ranks the smaller place is first. */
export function smallestRanks(
  count: number,
  keep: number,
  rankOf: (place: number) => number,
): readonly number[] {
  let candidates: { readonly rank: number; readonly place: number }[] = [];
  const cut = (): void => {
    candidates = candidates.toSorted((a, b) => a.rank - b.rank || a.place - b.place).slice(0, keep);
  };
  for (let place = 0; place < count; place += 1) {
    candidates.push({ rank: rankOf(place), place });
    if (candidates.length >= 2 * keep + SPARE) cut();
  }
  cut();
  return candidates.map(({ place }) => place);
}
