const minutesOf = (clock) => {
  const [hours, minutes] = clock.split(':');
  return parseInt(hours, 10) * 60 + parseInt(minutes, 10);
};
export function map(row) {
  if (!row.arrived || !row.seen) return { minutes: NaN };
  let waited = minutesOf(row.seen) - minutesOf(row.arrived);
  if (waited < 0) waited += 24 * 60;
  return { minutes: waited };
}
