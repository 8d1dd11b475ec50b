export function map(row) {
  let order;
  try {
    order = JSON.parse(row.payload);
  } catch (error) {
    return { items: error instanceof SyntaxError ? 0 : -1 };
  }
  return { items: (order?.lines ?? []).reduce((sum, { quantity = 1 } = {}) => sum + quantity, 0) };
}
