/** The first of many by rank: the choice of cells and rows that a unit keeps. */

/** Up to so many are put in order one by one, in place; nearly all units have fewer. */
const FEW = 64;
/** Candidates beside those that are kept, before the rest is let go. */
const SPARE = 1_024;

/** Working memory for few: ranks in order, and whose they are. */
const ranks = new Float64Array(FEW);
const places = new Int32Array(FEW);

/** The places from 0 of the `keep` smallest ranks among `count`; of equal ranks the smaller place is first. */
export function smallestRanks(
  count: number,
  keep: number,
  rankOf: (place: number) => number,
): readonly number[] {
  if (count > FEW) return smallestOfMany(count, keep, rankOf);
  for (let place = 0; place < count; place += 1) {
    const rank = rankOf(place);
    let at = place;
    for (; at > 0 && ranks[at - 1]! > rank; at -= 1) {
      ranks[at] = ranks[at - 1]!;
      places[at] = places[at - 1]!;
    }
    ranks[at] = rank;
    places[at] = place;
  }
  const kept: number[] = [];
  for (let at = 0; at < keep && at < count; at += 1) kept.push(places[at]!);
  return kept;
}

function smallestOfMany(count: number, keep: number, rankOf: (place: number) => number): readonly number[] {
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
