/** Corrections as the API has them: asked for and decided by accounts of the operator, seen by the buyer as well. */
import type { CorrectionCause, CorrectionChange } from '../billing/correction.ts';
import { findChangeFaults } from '../billing/correction.ts';
import { say } from '#policies/words.ts';
import type { Caller } from '../http/endpoint.ts';
import { FieldFaults } from '../problem.ts';
import {
  type Correction,
  decideCorrection,
  findCorrectable,
  findCorrection,
  listCorrections,
  requestCorrection,
} from '../storage/corrections.ts';
import type { Database } from '../storage/database.ts';
import { notFound } from './permission.ts';
import type { Shell } from './shell.ts';
import { demandOperator, statementReader } from './statements.ts';

export interface CorrectionAsk {
  readonly cause: CorrectionCause;
  readonly usage: string;
  readonly change: CorrectionChange;
  readonly evidence: object;
}

/** Asks for a correction. FieldFaults that name every field at fault. */
export async function askCorrection(db: Database, caller: Caller, ask: CorrectionAsk): Promise<Correction> {
  demandOperator(caller);
  const { cause, usage, change, evidence } = ask;
  const record = await findCorrectable(db, usage, change);
  if (record === null) throw new FieldFaults([{ field: 'usage', rule: say('statement.correction.unknown') }]);
  const faults = findChangeFaults(record, change);
  if (faults.length > 0) throw new FieldFaults(faults);
  const { organisation: buyer } = record;
  return requestCorrection(db, { cause, usageId: usage, buyer, change, evidence, by: caller.principal.id });
}

/** Decides about a correction. HttpFault NOT_FOUND. */
export async function decide(
  shell: Shell,
  caller: Caller,
  id: string,
  decision: 'approved' | 'rejected',
): Promise<Correction> {
  demandOperator(caller);
  const decided = await decideCorrection(shell.db, { id, decision, by: caller.principal.id });
  if (decided === null) throw notFound();
  return decided;
}

/** A correction that this caller may see. HttpFault NOT_FOUND. */
export async function getCorrection(shell: Shell, caller: Caller, id: string): Promise<Correction> {
  const reader = statementReader(caller);
  const found = await findCorrection(shell.db, id);
  if (found === null || reader === null || (reader !== 'all' && reader.buyer !== found.buyer))
    throw notFound();
  return found;
}

/** The corrections that this caller may see, the newest first. */
export async function listSeenCorrections(
  shell: Shell,
  caller: Caller,
  page: Parameters<typeof listCorrections>[2],
): Promise<readonly Correction[]> {
  const reader = statementReader(caller);
  if (reader === null) return [];
  return listCorrections(shell.db, reader === 'all' ? null : reader.buyer, page);
}
