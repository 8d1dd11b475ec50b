const RULES = {
  temp: (t) => t > 38 || t < 36,
  pulse: (p) => p > 90,
  breaths(b) { return b > 20; },
  white: (w) => w > 12 || w < 4,
};
export function map(row) {
  const met = Object.entries(RULES).filter(([name, test]) => row[name] !== null && test(row[name])).length;
  return +(met >= 2);
}
