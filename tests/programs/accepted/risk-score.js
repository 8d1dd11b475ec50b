/** Points for age, blood pressure and habits, as in a paper score sheet. 心血管风险评分。 */
const AGE_POINTS = [[40, 0], [50, 4], [60, 8], [70, 11], [Infinity, 14]];
const pressurePoints = (sbp) => (sbp >= 160 ? 5 : sbp >= 140 ? 3 : sbp >= 130 ? 1 : 0);

function agePoints(age) {
  for (const [limit, points] of AGE_POINTS) {
    if (age < limit) return points;
  }
  return 0;
}

export function map(row, params) {
  if (row.age === null || row.sbp === null) return { score: NaN, high: 0 };
  const score = agePoints(row.age) + pressurePoints(row.sbp) + (row.smoker ? 4 : 0) + (row.diabetes ? 5 : 0);
  return { score, high: score >= params.threshold ? 1 : 0 };
}
