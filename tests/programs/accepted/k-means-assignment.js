/** One step of k-means: the nearest centre, and the sums for its new place. */
export function map(row, { centres }) {
  let best = -1;
  let bestDistance = Infinity;
  for (let k = 0; k * 2 < centres.length; k++) {
    const dx = row.x - centres[2 * k];
    const dy = row.y - centres[2 * k + 1];
    const distance = dx * dx + dy * dy;
    if (distance < bestDistance) [best, bestDistance] = [k, distance];
  }
  return { n: 1, sx: row.x, cluster: best };
}
