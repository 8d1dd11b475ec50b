const CUTS = [1200, 2100, 3000, 3900, 4800, 5900, 7300, 9500, 14000];
/** Binary search over the published cuts. */
export function map(row) {
  let low = 0, high = CUTS.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (row.income >= CUTS[middle]) low = middle + 1;
    else high = middle;
  }
  return { n: 1, decile: low + 1 };
}
