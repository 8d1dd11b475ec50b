/** Datasets as they are offered: the public part of manifest and policy; what is left of the budget is for its operators. */
import { datasetPublicView } from '#sandbox/manifest/public-view.ts';
import type { Caller } from '../http/endpoint.ts';
import type { StoredDataset } from '../storage/dataset-list.ts';
import { findLedgers } from '../storage/ledger.ts';
import type { Shell } from './shell.ts';
import { leftOf } from './quotes.ts';

/** One line of a list. */
export function datasetSummary({ name, manifest, state, versionId }: StoredDataset): object {
  const { title, origin, grade } = manifest;
  return { name, title, origin, grade, state, versionId };
}

/** A dataset in full. */
export async function datasetResource(shell: Shell, caller: Caller, dataset: StoredDataset): Promise<object> {
  const {
    kind: _kind,
    lineage: _lineage,
    ...manifest
  } = datasetPublicView({
    ...dataset.manifest,
    source: { type: 'parquet', path: '' },
  });
  const { kind: _policyKind, ...policy } = dataset.policy;
  return {
    ...manifest,
    columns: manifest.columns,
    policy,
    state: dataset.state,
    provider: dataset.organisationId,
    versionId: dataset.versionId,
    commitment: dataset.commitment,
    ...(maySeeBudget(caller, dataset) && { budget: await budgetOf(shell, dataset) }),
  };
}

/** Operators see every budget, a provider that of his own data; a buyer learns what is left from a quote. */
export function maySeeBudget(
  { principal: { roles, org } }: Caller,
  { organisationId }: StoredDataset,
): boolean {
  if (roles.some((role) => role === 'operator' || role === 'auditor' || role === 'supervisor')) return true;
  return roles.includes('provider') && org.id === organisationId;
}

async function budgetOf(
  shell: Shell,
  { lineageId, populationId }: StoredDataset,
): Promise<readonly object[]> {
  const lineages = populationId === null ? [lineageId] : [lineageId, populationId];
  return (await findLedgers(shell.db, lineages)).map((ledger) => {
    const left = leftOf(ledger);
    const { lineage, unit, capacity, reserved, spent, frozen } = ledger;
    const rest = left === null ? null : { nano: String(left.nano), thresholdDeltaYocto: String(left.yocto) };
    return { lineage, unit, capacity, reserved, spent, left: rest, frozen };
  });
}
