/**
 * What was done about keys of sealed data: read, and added to one event at a time, each with its leaf in the log.
 *
 * Guarantee: an event is added over what was there when the head of the log was locked, so that of two people who act
 * at once the second sees the first. Event and leaf are one statement.
 */
import { sql } from 'drizzle-orm';

import { evidenceJson } from '#crypto/canonical.ts';

import type { Database, Tx } from './database.ts';
import { appendSql, lockHead } from './log-append.ts';
import type { KeyEventKind } from './tables/keys.ts';

export interface KeyEvent {
  readonly kind: KeyEventKind;
  readonly account: string | null;
  /** Of the account; null where the runner acted. */
  readonly organisation: string | null;
  readonly reason: string | null;
  readonly dueAt: Date | null;
  readonly detail: object;
  readonly leafIndex: string;
  readonly at: Date;
}

/** An event to add. `leaf`: what the log gets in place of the event's own text, such as a signed record. */
export interface NewKeyEvent {
  readonly kind: KeyEventKind;
  readonly account: string | null;
  readonly reason?: string | null;
  readonly dueAt?: Date | null;
  readonly detail?: object;
  readonly leaf?: string;
}

/** What was done about a key, the first first. */
export async function listKeyEvents(db: Tx, key: string): Promise<readonly KeyEvent[]> {
  return db.rows<KeyEvent>(sql`
    SELECT e.kind, e.account_id AS account, a.organisation_id AS organisation, e.reason, e.due_at AS "dueAt", e.detail,
      e.leaf_index::text AS "leafIndex", e.at
    FROM key_event e LEFT JOIN account a ON a.id = e.account_id WHERE e.key_id = ${key} ORDER BY e.seq`);
}

/** Adds the event that `make` makes of what was done so far and the moment; what was done then. Throws what `make` throws. */
export async function addKeyEvent(
  db: Database,
  key: string,
  make: (events: readonly KeyEvent[], now: Date) => NewKeyEvent,
): Promise<readonly KeyEvent[]> {
  return db.transact(async (tx) => {
    const head = await lockHead(tx);
    const events = await listKeyEvents(tx, key);
    const { kind, account, reason = null, dueAt = null, detail = {}, leaf: body } = make(events, head.now);
    const at = head.now.toISOString();
    const due = dueAt?.toISOString() ?? null;
    const text =
      body ?? evidenceJson({ type: 'key', event: kind, key, account, reason, dueAt: due, detail, at });
    const leaf = appendSql(head, { body: text, class: 'key', visibleAt: at });
    await tx.rows(sql`
      WITH ${leaf.parts}
      INSERT INTO key_event (key_id, seq, kind, account_id, reason, due_at, detail, leaf_index, at)
      VALUES (${key}, ${events.length + 1}::int, ${kind}, ${account}, ${reason}, ${due}::timestamptz,
        ${JSON.stringify(detail)}::jsonb, ${leaf.index}::bigint, ${at}::timestamptz)`);
    return listKeyEvents(tx, key);
  });
}

/** Keys whose destruction has been approved and not ended: what a runner looks at. */
export async function listKeysUnderDestruction(db: Tx): Promise<readonly string[]> {
  const rows = await db.rows<{ readonly key: string; readonly kind: KeyEventKind }>(sql`
    SELECT DISTINCT ON (key_id) key_id AS key, kind FROM key_event WHERE kind NOT IN ('held', 'lifted')
    ORDER BY key_id, seq DESC`);
  return rows.filter(({ kind }) => kind === 'approved' || kind === 'destroying').map(({ key }) => key);
}
