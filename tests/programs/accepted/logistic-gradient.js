// The gradient of the logistic loss at the weights of this round; the clip is the manifest's.
export function map(row, params) {
  const features = [1, row.x1, row.x2];
  const z = features.reduce((sum, x, i) => sum + x * params.weights[i], 0);
  const error = 1 / (1 + Math.exp(-z)) - row.label;
  return { gradient: features.map((x) => x * error) };
}
