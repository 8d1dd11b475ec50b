/** Stepped tariff (阶梯电价): each step is charged for what lies within it. */
const STEPS = Object.freeze([
  { upTo: 180, price: 0.52 },
  { upTo: 350, price: 0.57 },
  { upTo: Infinity, price: 0.82 },
]);
const SUMMER = new Set([6, 7, 8, 9]);

export function map({ kwh, month }) {
  let bill = 0;
  let from = 0;
  for (const { upTo, price } of STEPS) {
    if (kwh <= from) break;
    bill += (Math.min(kwh, upTo) - from) * price;
    from = upTo;
  }
  if (SUMMER.has(month)) bill *= 1.1;
  return Math.round(bill * 100) / 100;
}
