/**
 * Shares of grants in the units of ledgers: what a `budgetShare` sets aside, and whether there is so much.
 *
 * Guarantee: a share is set aside on every ledger that its jobs will pay, and is as large as one answer of its ε, δ and
 * thresholdDelta costs, rounded up as a cost is. Ledgers without a limit set nothing aside.
 */
import type { Grant } from '#policies/grant.ts';
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { costOf } from '#sandbox/release/accountant.ts';
import { FieldFaults } from '../problem.ts';
import type { Tx } from '../storage/database.ts';
import { findDataset } from '../storage/dataset-list.ts';
import { findLedgers, type LedgerState } from '../storage/ledger.ts';
import type { NewShare } from '../storage/shares.ts';
import { leftOf } from './quotes.ts';

type GrantedDataset = Grant['datasets'][number];
type BudgetShare = NonNullable<GrantedDataset['budgetShare']>;

/** What a grant sets aside, each ledger once. FieldFaults for a share that the ledger cannot count. */
export async function sharesOf(db: Tx, grant: Grant): Promise<readonly NewShare[]> {
  const found = new Map<string, NewShare>();
  for (const [index, { dataset, budgetShare }] of grant.datasets.entries()) {
    if (budgetShare === undefined) continue;
    for (const ledger of await ledgersOf(db, dataset)) {
      if (ledger.capacity === null) continue;
      const share = shareOf(ledger, budgetShare, `datasets[${index}].budgetShare`);
      const earlier = found.get(ledger.lineage);
      found.set(ledger.lineage, earlier === undefined ? share : sumOf(earlier, share));
    }
  }
  return [...found.values()];
}

/** Checks, without setting anything aside, that there is as much as a grant would set aside. Refusal BUDGET. */
export async function checkShares(db: Tx, grant: Grant): Promise<void> {
  const shares = await sharesOf(db, grant);
  const ledgers = await findLedgers(
    db,
    shares.map(({ lineage }) => lineage),
  );
  for (const ledger of ledgers) {
    const { lineage } = ledger;
    const share = shares.find((candidate) => candidate.lineage === lineage);
    const left = leftOf(ledger);
    if (share === undefined || left === null) continue;
    if (ledger.frozen || share.nano > left.nano || share.thresholdDeltaYocto > left.yocto)
      throw new Refusal('BUDGET', say('storage.share', { lineage }));
  }
}

async function ledgersOf(db: Tx, name: string): Promise<readonly LedgerState[]> {
  const dataset = await findDataset(db, name);
  const names = [dataset?.lineageId, dataset?.populationId].filter((ledger) => ledger != null);
  return findLedgers(db, names);
}

function shareOf(
  { lineage, unit }: LedgerState,
  { epsilon, delta, thresholdDelta = 0 }: BudgetShare,
  field: string,
): NewShare {
  // On a pure ledger δ is 0 and no key is thresholded; on any other an ε without δ costs nothing that can be counted.
  if ((unit === 'epsilon') !== (delta === 0) || (unit === 'epsilon' && thresholdDelta > 0))
    throw new FieldFaults([{ field, rule: say('grant.shareDelta', { field }) }]);
  const cost = costOf({ epsilon, delta, thresholdDelta, unit, thresholded: thresholdDelta > 0 });
  return { lineage, unit, nano: cost.nano, thresholdDeltaYocto: cost.thresholdDeltaYocto };
}

function sumOf(left: NewShare, right: NewShare): NewShare {
  return {
    ...left,
    nano: left.nano + right.nano,
    thresholdDeltaYocto: left.thresholdDeltaYocto + right.thresholdDeltaYocto,
  };
}
