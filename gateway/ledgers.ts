/**
 * Which ledgers the jobs on a dataset pay: its lineage's, and that of the population it shares with other datasets.
 *
 * Guarantee: server and lab take names and capacities from here. A population's capacity comes from the budget of the
 * policy that is asked; that the first one fixes it and later ones only lower it is for whoever keeps the ledger.
 */
import type { Dataset } from '#sandbox/manifest/dataset.ts';
import type { ReleasePolicy } from '#sandbox/manifest/policy.ts';
import { populationLedgerOf } from '#sandbox/manifest/population.ts';
import { type Capacity, capacityOf } from '#sandbox/release/accountant.ts';

/** A ledger under a policy. `capacity` null: unlimited. */
export interface LedgerOfDataset {
  readonly name: string;
  readonly capacity: Capacity | null;
}

export interface LedgersOfDataset {
  readonly lineage: LedgerOfDataset;
  readonly population: LedgerOfDataset | null;
}

/** The ledgers of a dataset under a policy. */
export function ledgersOf(
  dataset: Pick<Dataset, 'lineage' | 'population'>,
  policy: ReleasePolicy,
): LedgersOfDataset {
  const thresholded = policy.keys === 'thresholded';
  const lineage = { name: dataset.lineage, capacity: capacityUnder(policy, thresholded) };
  const name = populationLedgerOf(dataset);
  if (name === null) return { lineage, population: null };
  // Half of δ is for key selection whatever this policy selects: other members may threshold theirs, and what all of
  // them lose together must stay within one (ε, δ).
  const mayThreshold = policy.budget !== 'unlimited' && policy.budget.delta > 0;
  return { lineage, population: { name, capacity: capacityUnder(policy, mayThreshold) } };
}

function capacityUnder({ budget, mechanism }: ReleasePolicy, keysMayBeThresholded: boolean): Capacity | null {
  return budget === 'unlimited' ? null : capacityOf(budget, { keysMayBeThresholded, mechanism });
}
