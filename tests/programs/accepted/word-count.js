const STOP = new Set('the a an of and to'.split(' '));
export function map({ note }) {
  const counts = new Map();
  for (const [word] of (note ?? '').toLowerCase().matchAll(/[a-z]+/g)) {
    if (STOP.has(word)) continue;
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return { fever: counts.has('fever') ? 1 : 0, distinct: counts.size };
}
