/**
 * What is done with a statement after it was closed: issued, disputed, resolved, settled.
 *
 * Guarantee: each act is one transaction with its event; a statement that is issued is signed, and has its leaf in the
 * log, in that transaction. Who closed a statement does not issue it. Asking for the same again does nothing more and is
 * answered alike, so that a lost acknowledgement may be asked for again.
 */
import { sql } from 'drizzle-orm';

import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';

import type { Database, Tx } from './database.ts';
import { appendSql, lockHead } from './log-append.ts';
import { findStatement, lockBuyer, type StatementRecord } from './statements.ts';

/** What was done, when and by whom. */
export interface StatementEvent {
  readonly kind: 'issued' | 'disputed' | 'resolved' | 'settled';
  readonly by: string;
  readonly reason: string | null;
  readonly at: Date;
}

export interface Issuing {
  readonly id: string;
  readonly by: string;
  /** Signs. Locks are held meanwhile: no I/O. May be called again, and what it gave before is then dropped. */
  sign(statement: StatementRecord, at: Date): Promise<string>;
}

/** Issues a closed statement. Refusal NO_GRANT for who closed it. Null: there is none. */
export async function issueStatement(db: Database, issuing: Issuing): Promise<StatementRecord | null> {
  return db.transact((tx) => issueIn(tx, issuing));
}

async function issueIn(tx: Tx, issuing: Issuing): Promise<StatementRecord | null> {
  const { id, by } = issuing;
  const statement = await findStatement(tx, id, { lock: true });
  if (statement === null || statement.signed !== null) return statement;
  if (statement.closedBy === by) throw new Refusal('NO_GRANT', say('statement.sameAccount', { account: by }));
  const [clock] = await tx.rows<{ now: Date }>(
    sql`SELECT date_trunc('milliseconds', clock_timestamp()) AS now`,
  );
  const at = clock?.now ?? statement.closedAt;
  const signed = await issuing.sign(statement, at);
  await addEvent(tx, id, { kind: 'issued', by, reason: null });
  const head = await lockHead(tx);
  const leaf = appendSql(head, { body: signed, class: 'statement', visibleAt: head.now.toISOString() });
  await tx.rows(sql`
    WITH ${leaf.parts}
    UPDATE statement SET state = 'issued', signed = ${signed}, leaf_index = ${leaf.index}::bigint, issued_by = ${by},
      issued_at = ${at.toISOString()}::timestamptz
    WHERE id = ${id}`);
  return findStatement(tx, id);
}

export interface Disputing {
  readonly id: string;
  readonly by: string;
  readonly reason: string;
}

/** Disputes an issued statement: nothing of it is settled until that is resolved. Null: there is none. */
export async function disputeStatement(db: Database, act: Disputing): Promise<StatementRecord | null> {
  return move(db, act, { from: 'issued', to: 'disputed', kind: 'disputed' });
}

/** Ends a dispute. What was wrong is corrected by corrections, not here. Null: there is none. */
export async function resolveStatement(db: Database, act: Disputing): Promise<StatementRecord | null> {
  return move(db, act, { from: 'disputed', to: 'issued', kind: 'resolved' });
}

async function move(
  db: Database,
  { id, by, reason }: Disputing,
  step: {
    readonly from: 'issued' | 'disputed';
    readonly to: 'issued' | 'disputed';
    readonly kind: 'disputed' | 'resolved';
  },
): Promise<StatementRecord | null> {
  return db.transact(async (tx) => {
    const statement = await findStatement(tx, id, { lock: true });
    if (statement === null) return null;
    const events = await listEvents(tx, id);
    // The same act of the same account once more.
    const last = events.at(-1);
    if (last?.kind === step.kind && last.by === by && last.reason === reason) return statement;
    if (statement.state !== step.from)
      throw new Refusal('PARAM', say('statement.state', { state: statement.state, needed: step.from }));
    await lockBuyer(tx, statement.buyer);
    await addEvent(tx, id, { kind: step.kind, by, reason });
    await tx.rows(sql`UPDATE statement SET state = ${step.to} WHERE id = ${id}`);
    return findStatement(tx, id);
  });
}

/** Says that everything of an issued statement was paid, if so; the caller holds its lock. */
export async function settleIfPaid(tx: Tx, id: string, by: string): Promise<void> {
  const paid = await tx.rows(sql`
    UPDATE statement s SET state = 'settled' WHERE s.id = ${id} AND s.state = 'issued'
      AND NOT EXISTS (SELECT FROM statement_line l WHERE l.statement_id = s.id AND l.amount_fen <>
        (SELECT coalesce(sum(h.amount_fen), 0) FROM settlement_share h WHERE h.line_id = l.id AND h.instruction_id IS NOT NULL))
      AND NOT EXISTS (SELECT FROM settlement_instruction i WHERE i.statement_id = s.id AND i.state <> 'matched')
    RETURNING id`);
  if (paid.length > 0) await addEvent(tx, id, { kind: 'settled', by, reason: null });
}

/** What was done with a statement, the first first. */
export async function listEvents(tx: Tx, id: string): Promise<readonly StatementEvent[]> {
  return tx.rows<StatementEvent>(
    sql`SELECT kind, by, reason, at FROM statement_event WHERE statement_id = ${id} ORDER BY seq`,
  );
}

async function addEvent(tx: Tx, id: string, { kind, by, reason }: Omit<StatementEvent, 'at'>): Promise<void> {
  await tx.rows(sql`
    INSERT INTO statement_event (statement_id, seq, kind, by, reason)
    SELECT ${id}, 1 + coalesce(max(seq), 0), ${kind}, ${by}, ${reason}::text FROM statement_event WHERE statement_id = ${id}`);
}
