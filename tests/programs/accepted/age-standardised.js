// Weights of a standard population, per age group of ten years.
const STANDARD = { 0: 0.16, 10: 0.14, 20: 0.15, 30: 0.14, 40: 0.13, 50: 0.11, 60: 0.09, 70: 0.08 };
const OLDEST = 70;

function groupOf(age) {
  return Math.min(OLDEST, Math.floor(age / 10) * 10);
}

export function map(row) {
  const weight = STANDARD[groupOf(row.age)] ?? 0;
  return { rate: weight * row.events };
}
