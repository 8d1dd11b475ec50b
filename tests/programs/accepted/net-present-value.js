export function map(row, { rate }) {
  const flows = (row.cash ?? '').split('|').filter(Boolean).map(parseFloat);
  let value = 0, factor = 1;
  do {
    const flow = flows.shift();
    if (flow === undefined) break;
    value += flow * factor;
    factor /= 1 + rate;
  } while (flows.length);
  return { npv: value };
}
