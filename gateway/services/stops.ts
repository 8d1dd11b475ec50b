/**
 * Stops: suspending, resuming and withdrawing datasets and organisations.
 *
 * Guarantee: a stop that has returned is before every release after it, and what ran under it is killed
 * (storage/suspension.ts, runner/kill-switch.ts). Provider, operator and supervisor each stop alone; only the operator
 * resumes, so that nobody ends a suspension by the one that it is meant for.
 */
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { Caller } from '../http/endpoint.ts';
import { findDataset, type StoredDataset } from '../storage/dataset-list.ts';
import { findOrganisation } from '../storage/party-list.ts';
import { resume, suspend, withdrawDataset } from '../storage/suspension.ts';
import { demand, notFound } from './permission.ts';
import type { Shell } from './shell.ts';

/** Stops or resumes a dataset; as it is then. HttpFault NOT_FOUND. */
export async function stopDataset(
  shell: Shell,
  { principal }: Caller,
  { name, act }: { readonly name: string; readonly act: 'suspend' | 'resume' | 'withdraw' },
): Promise<StoredDataset> {
  const { db } = shell;
  const found = await findDataset(db, name);
  if (found === null) throw notFound();
  const facts = {
    id: name,
    provider: found.organisationId,
    providerSuspended: false,
    grade: found.manifest.grade,
    origin: found.manifest.origin,
    suspended: found.state !== 'active',
  };
  demand(shell, { action: 'suspend', principal, dataset: facts });
  // What is withdrawn stays so, and what is not suspended is in use: both are what was asked for, or nothing to do.
  if (act === 'withdraw') await withdrawDataset(db, name);
  else if (act === 'suspend' && found.state === 'active') await suspend(db, 'dataset', name);
  else if (act === 'resume' && found.state === 'suspended') await resume(db, 'dataset', name);
  return (await findDataset(db, name)) ?? found;
}

/** Stops or resumes an organisation; as it is then. HttpFault NOT_FOUND; Refusal PARAM for the caller's own. */
export async function stopOrganisation(
  shell: Shell,
  { principal }: Caller,
  { id, act }: { readonly id: string; readonly act: 'suspend' | 'resume' },
): Promise<object> {
  demand(shell, { action: 'suspend_organisation', principal, organisation: id });
  if ((await findOrganisation(shell.db, id)) === null) throw notFound();
  // Nobody would be left to undo it.
  if (id === principal.org.id) throw new Refusal('PARAM', say('programs.ownOrganisation'));
  await (act === 'suspend' ? suspend : resume)(shell.db, 'organisation', id);
  return (await findOrganisation(shell.db, id)) ?? {};
}
