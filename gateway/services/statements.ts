/**
 * Statements as the API has them: closing, issuing, disputes, and reading them with their lines.
 *
 * Guarantee: only accounts of the operator close and issue, and who closed does not issue. A buyer sees his own statements
 * from their issue on; auditors and supervisors see all. Nothing here holds the text of a request.
 */
import { signCompact } from '#crypto/signing.ts';
import { STATEMENT_TYP } from '#crypto/statement.ts';
import { Refusal } from '#policies/refusal.ts';
import type { Role } from '#policies/roles.ts';
import { type Language, render, say } from '#policies/words.ts';
import { instantText } from '#sandbox/release/zone.ts';
import { isPeriod, periodBounds } from '../billing/period.ts';
import type { StatementHead } from '../billing/statement-line.ts';
import type { Caller } from '../http/endpoint.ts';
import { FieldFaults } from '../problem.ts';
import type { Block } from '../storage/closing-blocks.ts';
import { findHolds, type Hold, heldLineOf } from '../storage/settlement.ts';
import {
  disputeStatement,
  issueStatement,
  listEvents,
  resolveStatement,
  type StatementEvent,
} from '../storage/statement-acts.ts';
import {
  type Closed,
  closeMonth,
  type Closing,
  dryRun,
  findStatement,
  listBuyers,
  listStatements,
  type StatementRecord,
} from '../storage/statements.ts';
import { notFound } from './permission.ts';
import type { Shell } from './shell.ts';

/** Whose statements a reader sees: all, or those of his organisation that are issued. Null: none. */
export function statementReader({ principal }: Caller): 'all' | { readonly buyer: string } | null {
  const { roles, org } = principal;
  const has = (...wanted: readonly Role[]): boolean => roles.some((role) => wanted.includes(role));
  if (has('operator', 'auditor', 'supervisor') || (has('billing') && org.operator)) return 'all';
  return has('buyer', 'billing') ? { buyer: org.id } : null;
}

/** Checks that the caller acts for the operator. Refusal NO_GRANT. */
export function demandOperator({ principal }: Caller): void {
  if (!principal.org.operator) throw new Refusal('NO_GRANT', say('statement.operatorOnly'));
}

export interface CloseAsk {
  readonly month: string;
  /** Null: everyone's. */
  readonly buyer: string | null;
  readonly isDryRun: boolean;
}

/** Buyers whose months are closed at the same time: as many as there are cores on a small machine. */
const AT_ONCE = 2;

/** Closes a month: of each buyer by itself, so that what blocks one does not block the others. */
export async function closeStatements(
  shell: Shell,
  caller: Caller,
  { month, buyer, isDryRun }: CloseAsk,
  language: Language,
): Promise<readonly object[]> {
  demandOperator(caller);
  if (!isPeriod(month)) throw new FieldFaults([{ field: 'month', rule: say('statement.period') }]);
  const { principal } = caller;
  const common = {
    issuer: principal.org.id,
    period: month,
    ...periodBounds(month, shell.timeZone),
    timeZone: shell.timeZone,
    by: principal.id,
  };
  const buyers = buyer === null ? await listBuyers(shell.db) : [buyer];
  const results: object[] = [];
  const waiting = buyers.map((id, at) => ({ id, at }));
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const closing = { ...common, buyer: next.id };
      results[next.at] = isDryRun
        ? await wouldClose(shell, closing, language)
        : closedResource(next.id, await closeMonth(shell.db, closing), language);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return results;
}

function closedResource(buyer: string, closed: Closed, language: Language): object {
  const found = 'statement' in closed ? { statement: statementResource(closed.statement) } : {};
  const blocks = 'blocks' in closed ? closed.blocks : [];
  return { buyer, result: closed.kind, ...found, blocks: blocks.map((block) => told(block, language)) };
}

/** What closing would do, block and hold. */
async function wouldClose(shell: Shell, closing: Closing, language: Language): Promise<object> {
  const { blocks, lines, statement, seen } = await dryRun(shell.db, closing, (tx, drafted) =>
    findHolds(
      tx,
      drafted.map(({ body }) => heldLineOf(body)),
      { disputed: false },
    ),
  );
  const result = statement !== null ? 'already' : blocks.length > 0 ? 'blocked' : 'would_close';
  return {
    buyer: closing.buyer,
    result: result === 'would_close' && lines.length === 0 ? 'nothing' : result,
    ...(statement !== null && { statement: statementResource(statement) }),
    blocks: blocks.map((block) => told(block, language)),
    lines: lines.map(({ body }) => JSON.parse(body) as object),
    holds: (seen ?? []).map((hold) => heldResource(hold, language)),
  };
}

function told({ code, sentence, clearedBy }: Block | Hold, language: Language): object {
  return { code, message: render(sentence, language), clearedBy };
}

/** Why a line is held. */
export function heldResource(hold: Hold, language: Language): object {
  return { line: hold.line, ...told(hold, language) };
}

/** A statement as a resource. */
export function statementResource(statement: StatementRecord): object {
  const { id, state, digest, signed, leafIndex, issuedBy, issuedAt, head } = statement;
  return {
    id,
    state,
    head: JSON.parse(head) as StatementHead,
    digest,
    signed,
    leafIndex,
    issuedBy,
    issuedAt: issuedAt?.toISOString() ?? null,
  };
}

/** A statement that this caller may see. HttpFault NOT_FOUND. */
export async function getStatement(shell: Shell, caller: Caller, id: string): Promise<StatementRecord> {
  const reader = statementReader(caller);
  const found = await findStatement(shell.db, id);
  const isSeen = reader === 'all' || (reader?.buyer === found?.buyer && found?.signed !== null);
  if (found === null || !isSeen) throw notFound();
  return found;
}

/** The statements that this caller may see. */
export async function listSeenStatements(
  shell: Shell,
  caller: Caller,
  ask: {
    readonly month: string | null;
    readonly after: Parameters<typeof listStatements>[2]['after'];
    readonly limit: number;
  },
): Promise<readonly StatementRecord[]> {
  const reader = statementReader(caller);
  if (reader === null) return [];
  const { month, after, limit } = ask;
  const own = reader === 'all' ? null : reader.buyer;
  return listStatements(shell.db, { buyer: own, isIssued: own !== null, period: month }, { after, limit });
}

/** What was done with a statement. */
export async function historyOf(shell: Shell, { id }: StatementRecord): Promise<readonly object[]> {
  return (await listEvents(shell.db, id)).map((event: StatementEvent) => ({
    ...event,
    at: instantText(event.at.getTime(), shell.timeZone),
  }));
}

/** Signs and issues a statement. */
export async function issue(shell: Shell, caller: Caller, id: string): Promise<StatementRecord> {
  demandOperator(caller);
  const by = caller.principal.id;
  const issued = await issueStatement(shell.db, {
    id,
    by,
    sign: (statement, at) =>
      signCompact(
        {
          type: 'statement',
          issuer: shell.publicUrl,
          head: JSON.parse(statement.head) as object,
          digest: statement.digest,
          issuedBy: by,
          issuedAt: at.toISOString(),
        },
        shell.keys.statement,
        { typ: STATEMENT_TYP },
      ),
  });
  if (issued === null) throw notFound();
  return issued;
}

/** Disputes an issued statement: its buyer, or the operator on his behalf. */
export async function dispute(
  shell: Shell,
  caller: Caller,
  id: string,
  reason: string,
): Promise<StatementRecord> {
  await getStatement(shell, caller, id);
  const done = await disputeStatement(shell.db, { id, by: caller.principal.id, reason });
  if (done === null) throw notFound();
  return done;
}

/** Ends a dispute. */
export async function resolve(
  shell: Shell,
  caller: Caller,
  id: string,
  reason: string,
): Promise<StatementRecord> {
  demandOperator(caller);
  const done = await resolveStatement(shell.db, { id, by: caller.principal.id, reason });
  if (done === null) throw notFound();
  return done;
}
