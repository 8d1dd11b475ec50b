/** 综合所得税率表（年）：上限、税率、速算扣除数。 */
const BRACKETS = [
  [36000, 0.03, 0], [144000, 0.1, 2520], [300000, 0.2, 16920], [420000, 0.25, 31920],
  [660000, 0.3, 52920], [960000, 0.35, 85920], [Infinity, 0.45, 181920],
];
export function map(row, params) {
  const taxable = Math.max(0, row.salary - params.allowance - 24000 * (row.children ?? 0));
  const [, rate, deduction] = BRACKETS.find(([limit]) => taxable <= limit);
  return { tax: taxable * rate - deduction };
}
