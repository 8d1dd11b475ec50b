const RATES = { CNY: 1, USD: 7.1, EUR: 7.8, JPY: 0.048 };
/** Half to even, as banks round. */
function bankers(value) {
  const scaled = value * 100;
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  if (rest > 0.5 || (rest === 0.5 && floor % 2 !== 0)) return (floor + 1) / 100;
  return floor / 100;
}
export function map({ amount, currency }) {
  const rate = RATES[currency];
  if (rate === undefined) throw new Error('unknown currency');
  return { cny: bankers(amount * rate) };
}
