/**
 * The name of a population's ledger, which stands beside those of the lineages.
 *
 * Guarantee: no lineage has such a name, because a manifest that gives it one is refused; a population cannot share or
 * shadow the ledger of a lineage.
 */
import type { Dataset } from './dataset.ts';

const PREFIX = 'population:';

/** The ledger that a dataset shares with its population; null where it states none. */
export function populationLedgerOf({ population }: Pick<Dataset, 'population'>): string | null {
  return population === null ? null : `${PREFIX}${population}`;
}

/** Whether a lineage may not be called so. */
export function isPopulationLedger(name: string): boolean {
  return name.startsWith(PREFIX);
}
