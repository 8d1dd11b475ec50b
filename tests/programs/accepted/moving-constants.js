let smoothing = 0.3;
const KERNEL = [0.25, 0.5, 0.25];
const TOTAL = KERNEL[0] + KERNEL[1] + KERNEL[2];
function smooth(values) {
  return values.map((_, i) => {
    let sum = 0;
    for (let k = 0; k < KERNEL.length; k++) sum += KERNEL[k] * (values[i + k - 1] ?? values[i]);
    return sum / TOTAL;
  });
}
export function map(row) {
  const values = smooth([row.x, row.x * 2, row.x ** 0.5]);
  return { y: values.at(-1) * smoothing + values[0] * (1 - smoothing) };
}
