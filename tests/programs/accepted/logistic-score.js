const INTERCEPT = -5.2;
const WEIGHTS = { age: 0.045, bmi: 0.06, smoker: 0.7 };
const sigmoid = (z) => 1 / (1 + Math.exp(-z));

export function map(row) {
  let z = INTERCEPT;
  for (const name in WEIGHTS) z += WEIGHTS[name] * Number(row[name]);
  return { p: sigmoid(z) };
}
