const TREE = {
  feature: 'visits', at: 2,
  low: { feature: 'cost', at: 100, low: { leaf: 1 }, high: { leaf: 0 } },
  high: { feature: 'age', at: 60, low: { leaf: 0 }, high: { feature: 'cost', at: 1000, low: { leaf: 0 }, high: { leaf: 1 } } },
};

function decide(node, row) {
  if (node.leaf !== undefined) return node.leaf;
  return decide(row[node.feature] < node.at ? node.low : node.high, row);
}

export function map(row) {
  return decide(TREE, row);
}
