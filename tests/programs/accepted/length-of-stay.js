const DAY = 24 * 60 * 60 * 1000;
const dayNumber = (text) => Math.round(Date.parse(`${text}T00:00:00Z`) / DAY);

export function map(row) {
  if (row.admitted === null || row.discharged === null) return { days: NaN, weekend: 0 };
  const from = dayNumber(row.admitted);
  const weekday = (from + 4) % 7;
  return { days: dayNumber(row.discharged) - from, weekend: weekday === 0 || weekday === 6 ? 1 : 0 };
}
