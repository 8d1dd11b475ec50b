// 行政区划代码 → 分区
const ZONES = new Map(Object.entries({ 110101: 'A', 110102: 'A', 310104: 'B', 440106: 'C' }));
export function map(row) {
  return { n: ZONES.has(row.district) ? 1 : 0, zone: ZONES.get(row.district) ?? 'C' };
}
