/** Points per group of ICD-10 codes, each group once. */
const GROUPS = [
  { points: 1, prefixes: ['I21', 'I22'] },
  { points: 1, prefixes: ['I50'] },
  { points: 2, prefixes: ['N18', 'N19'] },
  { points: 6, prefixes: ['C77', 'C78', 'C79'] },
];

export function map(row) {
  const codes = (row.codes ?? '').split(';').map((code) => code.trim().toUpperCase());
  let index = 0;
  for (const { points, prefixes } of GROUPS) {
    if (codes.some((code) => prefixes.some((prefix) => code.startsWith(prefix)))) index += points;
  }
  return index;
}
