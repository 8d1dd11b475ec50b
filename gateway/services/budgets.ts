/**
 * A budget explained: what a dataset's ledgers hold, and every charge on them with the reason why it stands so.
 *
 * Guarantee: a buyer sees the charges of his own organisation, and of a ledger what quotes and receipts say of it
 * anyway: reserved and spent in one sum, because the step from one to the other says when a run has ended. Operators,
 * auditors and supervisors see every charge, also none of them before its release time as more than running.
 */
import { isPopulationLedger } from '#sandbox/manifest/population.ts';
import { instantText } from '#sandbox/release/zone.ts';
import { Refusal } from '#policies/refusal.ts';
import { type Language, render, say } from '#policies/words.ts';
import type { Caller } from '../http/endpoint.ts';
import { type ChargePosition, listCharges, type SeenCharge } from '../storage/charges.ts';
import { findDataset, type StoredDataset } from '../storage/dataset-list.ts';
import { listGrants } from '../storage/grant-store.ts';
import { findLedgers, type LedgerState } from '../storage/ledger.ts';
import { maySeeBudget } from './dataset-view.ts';
import { notFound, readersOf, readingOf } from './permission.ts';
import { leftOf } from './quotes.ts';
import type { Shell } from './shell.ts';

/** A page of charges; one row more than was asked for says that there are others. */
export interface BudgetPage {
  readonly head: { readonly dataset: string; readonly ledgers: readonly object[] };
  readonly rows: readonly SeenCharge[];
  /** A row as its reader sees it; null for one that is not his. */
  readonly item: (row: SeenCharge) => object | null;
}

/** A dataset's budget for this reader. HttpFault NOT_FOUND for a dataset that is none; Refusal NO_GRANT without a part in it. */
export async function explainBudget(
  shell: Shell,
  caller: Caller,
  ask: {
    readonly name: string;
    readonly language: Language;
    readonly after: ChargePosition | null;
    readonly limit: number;
  },
): Promise<BudgetPage> {
  const { name, language, after, limit } = ask;
  const dataset = await findDataset(shell.db, name);
  if (dataset === null) throw notFound();
  const isOverseer = maySeeBudget(caller, dataset);
  if (!isOverseer && !(await holdsGrant(shell, caller, dataset)))
    throw new Refusal('NO_GRANT', say('storage.noGrant'));
  const { lineageId: lineage, populationId: population } = dataset;
  const readers = readersOf(caller.principal, 'read_jobs');
  const reading = await readingOf(shell, caller.principal);
  const names = [lineage, population].filter((ledger) => ledger !== null);
  const ledgers = await findLedgers(shell.db, names);
  return {
    head: { dataset: name, ledgers: ledgers.map((ledger) => ledgerPart(ledger, isOverseer)) },
    rows: await listCharges(shell.db, { lineage, population, readers }, { after, limit }),
    item: (row) => (reading.may('read_jobs', row) ? chargePart(shell, row, { language, isOverseer }) : null),
  };
}

async function holdsGrant(
  { db }: Shell,
  { principal: { org, roles } }: Caller,
  { name }: StoredDataset,
): Promise<boolean> {
  if (!roles.includes('buyer')) return false;
  return (await listGrants(db, org.id)).some(({ body }) =>
    body.datasets.some(({ dataset }) => dataset === name),
  );
}

function ledgerPart(ledger: LedgerState, isOverseer: boolean): object {
  const { lineage, unit, capacity, reserved, spent, accounted, setAside, frozen } = ledger;
  const left = leftOf(ledger);
  const sum = (field: 'nano' | 'thresholdDeltaYocto'): string =>
    String(BigInt(reserved[field]) + BigInt(spent[field]));
  return {
    ledger: lineage,
    kind: isPopulationLedger(lineage) ? 'population' : 'lineage',
    unit,
    capacity,
    spent: { nano: sum('nano'), thresholdDeltaYocto: sum('thresholdDeltaYocto') },
    left: left === null ? null : { nano: String(left.nano), thresholdDeltaYocto: String(left.yocto) },
    setAside,
    frozen,
    ...(isOverseer && { accounted }),
  };
}

function chargePart(
  shell: Shell,
  row: SeenCharge,
  { language, isOverseer }: { readonly language: Language; readonly isOverseer: boolean },
): object {
  const { jobId, ledger, datasets, state, nano, yocto, epsilon, delta } = row;
  const reason = reasonOf(row);
  return {
    job: jobId,
    submittedAt: instantText(row.createdAt.getTime(), shell.timeZone),
    ledger,
    dataset: datasets[0] ?? null,
    state,
    nano,
    thresholdDeltaYocto: yocto,
    asked: { epsilon, delta },
    reason,
    why: render(say(`budget.why.${reason}`, { code: row.code ?? '–' }), language),
    ...(isOverseer && { grant: row.grantId, account: row.accountId, organisation: row.buyer }),
  };
}

/** Why a charge stands as it does. */
function reasonOf({
  state,
  outcome,
  repeat,
}: SeenCharge): 'waiting' | 'running' | 'released' | 'twin' | 'failed' | 'returned' | 'repeat' {
  switch (state) {
    case 'held':
      return 'waiting';
    case 'opened':
      return 'running';
    case 'spent':
      if (outcome !== 'released') return 'failed';
      return repeat === true ? 'twin' : 'released';
    case 'returned':
      return outcome === 'released' ? 'repeat' : 'returned';
    case 'free':
      return 'repeat';
  }
}
