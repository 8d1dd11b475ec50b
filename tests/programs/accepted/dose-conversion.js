const TO_MG = { g: 1000, mg: 1, ug: 0.001, 'μg': 0.001, '毫克': 1, '克': 1000 };
export function map({ dose }) {
  const found = /^\s*(?<amount>\d+(?:\.\d+)?)\s*(?<unit>\S+)\s*$/u.exec(dose ?? '');
  if (!found) return NaN;
  const { amount, unit } = found.groups;
  return Number(amount) * (TO_MG[unit] ?? NaN);
}
