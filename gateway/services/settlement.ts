/**
 * Settlement and the trace of lines, as the API has them.
 *
 * Guarantee: a buyer sees what he is told to pay, a provider what he is to be paid, neither sees the other's; the parts
 * of a line are for the operator, auditors and supervisors.
 */
import { say } from '#policies/words.ts';
import type { Language } from '#policies/words.ts';
import type { Caller } from '../http/endpoint.ts';
import { FieldFaults, HttpFault } from '../problem.ts';
import {
  type Advice,
  type AdviceResult,
  type Instruction,
  listInstructions,
  markSent,
  recordAdvices,
  recordInvoice,
  settleStatement,
} from '../storage/settlement.ts';
import {
  findApprovals,
  listFamilyUsage,
  listLinesOfJob,
  listShares,
  type TracedUsage,
} from '../storage/statement-trace.ts';
import { findLine, readLines, type StatementRecord, type StoredLine } from '../storage/statements.ts';
import { unitsOf } from '../billing/decimal.ts';
import { notFound } from './permission.ts';
import type { Shell } from './shell.ts';
import {
  demandOperator,
  getStatement,
  heldResource,
  statementReader,
  statementResource,
} from './statements.ts';

/** A line as a resource. */
export function lineResource({ body, reversedBy, invoice }: StoredLine): object {
  return { line: JSON.parse(body) as object, text: body, reversedBy, invoice };
}

/** Lines of a statement that this caller may see. */
export async function linesOfStatement(
  shell: Shell,
  statement: StatementRecord,
  page: Parameters<typeof readLines>[2],
): Promise<readonly StoredLine[]> {
  return readLines(shell.db, statement.id, page);
}

async function getLine(shell: Shell, caller: Caller, id: string): Promise<StoredLine> {
  const line = await findLine(shell.db, id);
  if (line === null) throw notFound();
  await getStatement(shell, caller, line.statementId);
  return line;
}

/** A line with all that it rests on. HttpFault NOT_FOUND. */
export async function explainLine(shell: Shell, caller: Caller, id: string): Promise<object> {
  const line = await getLine(shell, caller, id);
  const statement = await getStatement(shell, caller, line.statementId);
  const { grant, documents } = await findApprovals(shell.db, line.familyId);
  const isOverseer = statementReader(caller) === 'all';
  return {
    ...lineResource(line),
    statement: {
      id: statement.id,
      state: statement.state,
      leafIndex: statement.leafIndex,
      digest: statement.digest,
    },
    grant,
    documents: documents.map((document) => ({
      ...document,
      approvedAt: document.approvedAt?.toISOString() ?? null,
    })),
    ...(isOverseer && { shares: await listShares(shell.db, id) }),
  };
}

/** The runs on a line, after one that was seen. */
export async function usageOfLine(
  shell: Shell,
  caller: Caller,
  id: string,
  page: Parameters<typeof listFamilyUsage>[2],
): Promise<readonly TracedUsage[]> {
  const { familyId } = await getLine(shell, caller, id);
  return listFamilyUsage(shell.db, familyId, page);
}

/** The lines on which a run stands, of those that this caller may see. */
export async function linesOfJob(shell: Shell, caller: Caller, job: string): Promise<readonly object[]> {
  const reader = statementReader(caller);
  const lines = await listLinesOfJob(shell.db, job);
  return lines
    .filter(({ buyer, isIssued }) => reader === 'all' || (reader?.buyer === buyer && isIssued))
    .map(({ body }) => JSON.parse(body) as object);
}

/** Records the invoice of a line. */
export async function invoiceLine(
  shell: Shell,
  caller: Caller,
  invoice: {
    readonly line: string;
    readonly number: string;
    readonly issuedOn: string;
    readonly issuer: string;
  },
): Promise<StoredLine> {
  demandOperator(caller);
  const kept = await recordInvoice(shell.db, { ...invoice, by: caller.principal.id });
  if (kept === null) throw notFound();
  if (!kept) throw new HttpFault('CONFLICT', say('statement.invoiceTaken', { line: invoice.line }));
  return getLine(shell, caller, invoice.line);
}

/** Makes the instructions of a statement; what is held, and why. */
export async function settle(shell: Shell, caller: Caller, id: string, language: Language): Promise<object> {
  demandOperator(caller);
  const done = await settleStatement(shell.db, { id, by: caller.principal.id });
  if (done === null) throw notFound();
  return {
    statement: statementResource(done.statement),
    made: done.made,
    holds: done.holds.map((hold) => heldResource(hold, language)),
  };
}

/** Says that the pending instructions of a statement were handed to their payer. */
export async function send(shell: Shell, caller: Caller, id: string): Promise<object> {
  demandOperator(caller);
  const { id: statement } = await getStatement(shell, caller, id);
  return { statement, sent: await markSent(shell.db, statement) };
}

/** The instructions that this caller may see. */
export async function listSeenInstructions(
  shell: Shell,
  caller: Caller,
  statement: string | null,
  page: Parameters<typeof listInstructions>[2],
): Promise<readonly Instruction[]> {
  const reader = statementReader(caller);
  const { roles, org } = caller.principal;
  if (reader === 'all') return listInstructions(shell.db, { statement, payer: null, payee: null }, page);
  if (roles.includes('provider'))
    return listInstructions(shell.db, { statement, payer: null, payee: org.id }, page);
  return listInstructions(shell.db, { statement, payer: org.id, payee: null }, page);
}

/** A payment advice as it is sent: the amount in yuan. */
export interface AdviceAsk {
  readonly reference: string;
  readonly instruction: string;
  readonly amount: string;
  readonly currency: string;
  readonly paidOn: string;
}

/** Matches the advices of a file one to one: each that fits is kept, each that does not is told why. */
export async function takeAdvices(
  shell: Shell,
  caller: Caller,
  asked: readonly AdviceAsk[],
): Promise<readonly AdviceResult[]> {
  demandOperator(caller);
  const faults = asked.flatMap(({ paidOn }, at) =>
    isDay(paidOn) ? [] : [{ field: `advices[${at}].paidOn`, rule: say('statement.day') }],
  );
  if (faults.length > 0) throw new FieldFaults(faults);
  const advices = asked.map(({ amount, ...rest }): Advice => ({ ...rest, amountFen: unitsOf(amount, 2) }));
  return recordAdvices(shell.db, { advices, by: caller.principal.id });
}

/** Whether a text is a day of the calendar. */
function isDay(text: string): boolean {
  const at = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text);
}
