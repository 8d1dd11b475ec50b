/** Check digit of an 18-digit number (ISO 7064, mod 11-2). 身份证校验位。 */
const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECKS = '10X98765432';
export function map(row) {
  const text = row.id_number ?? '';
  if (!/^\d{17}[\dX]$/.test(text)) return 0;
  let sum = 0;
  for (let i = 0; i < WEIGHTS.length; i += 1) sum += WEIGHTS[i] * Number(text[i]);
  return CHECKS[sum % 11] === text[17] ? 1 : 0;
}
