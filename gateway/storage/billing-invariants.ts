/**
 * The invariants of billing, each one query over the whole database.
 *
 * Guarantee: what `findBillingViolations` does not report holds for every row at the moment of the query.
 * Not covered: that a line comes out the same when it is rated again (services), and rows that never were.
 */
import { sql, type SQL } from 'drizzle-orm';

import type { Tx } from './database.ts';
import { type Violation, violationsOf } from './invariants.ts';

/** Each gives the ids of the rows that break it. */
export const BILLING_INVARIANTS: Readonly<Record<string, SQL>> = {
  'a family has one live line at most, and a rated record stands on lines that are live': sql`
    SELECT family_id AS id FROM statement_line l
    WHERE l.kind <> 'reversal' AND NOT EXISTS (SELECT FROM statement_line r WHERE r.reverses_line_id = l.id)
    GROUP BY family_id HAVING count(*) > 1
    UNION ALL
    SELECT DISTINCT c.family_id FROM usage_class c WHERE EXISTS (SELECT FROM rated_run r WHERE r.class_id = c.id)
      AND NOT EXISTS (SELECT FROM statement_line l WHERE l.family_id = c.family_id AND l.kind <> 'reversal'
        AND NOT EXISTS (SELECT FROM statement_line r WHERE r.reverses_line_id = l.id))`,
  'a live line has the runs, the quantity and the quotes of the usage on it': sql`
    WITH corrected AS (
      SELECT DISTINCT ON (c.usage_id) c.usage_id, c.change FROM correction c
      WHERE c.decision = 'approved' AND c.statement_id IS NOT NULL ORDER BY c.usage_id, c.decided_at DESC, c.id DESC
    ), summed AS (
      SELECT c.family_id, count(*) AS events, sum(coalesce(k.change->'quantities'->>c.basis, u.planned->>c.basis)::numeric) AS quantity,
        sum((u.quoted->>(c.fee_type || '/' || c.basis))::numeric) AS quoted
      FROM usage_class c JOIN rated_run r ON r.class_id = c.id JOIN usage_record u ON u.id = r.usage_id
        LEFT JOIN corrected k ON k.usage_id = u.id
      GROUP BY c.family_id
    )
    SELECT l.id FROM statement_line l LEFT JOIN summed s ON s.family_id = l.family_id
    WHERE l.kind <> 'reversal' AND l.basis <> 'seats' AND NOT EXISTS (SELECT FROM statement_line r WHERE r.reverses_line_id = l.id)
      AND (s.family_id IS NULL OR (s.events, s.quantity, s.quoted) <> (l.events, l.quantity, l.quoted_nano))`,
  'what is free by its purpose or channel costs nothing, and its line says why': sql`
    SELECT l.id FROM statement_line l JOIN line_family f ON f.id = l.family_id
    CROSS JOIN LATERAL (SELECT fee->>'zeroReason' AS reason FROM jsonb_array_elements(f.key->'billing'->'fees') AS fee
      WHERE fee->>'feeType' = f.fee_type) z
    WHERE z.reason IS NOT NULL AND (l.amount_fen <> 0 OR l.zero_reason IS DISTINCT FROM z.reason)
      OR f.key->'billing'->>'channel' = 'open' AND l.amount_fen <> 0`,
  'a line is of one fee, that of its family, and no share is of two': sql`
    SELECT l.id FROM statement_line l JOIN line_family f ON f.id = l.family_id
    WHERE (l.fee_type, l.basis, l.original_period) <> (f.fee_type, f.basis, f.period)
    UNION ALL
    SELECT s.line_id FROM settlement_share s JOIN statement_line l ON l.id = s.line_id
      JOIN settlement_instruction i ON i.id = s.instruction_id
    WHERE i.fee_type <> l.fee_type OR i.payee <> s.payee OR i.statement_id <> l.statement_id`,
  'a statement adds up: its total and the totals of its fees are the sums of its lines': sql`
    SELECT s.id FROM statement s LEFT JOIN LATERAL (
      SELECT coalesce(sum(l.amount_fen), 0) AS total, count(*) AS lines, coalesce(max(l.ordinal), 0) AS last FROM statement_line l
      WHERE l.statement_id = s.id) t ON true
    WHERE (s.total_fen, s.lines, s.lines) <> (t.total, t.lines, t.last) OR s.head::jsonb->>'totalFen' <> t.total::text
      OR EXISTS (SELECT FROM jsonb_array_elements(s.head::jsonb->'totals') AS fee
        WHERE (fee->>'amountFen')::numeric <> (SELECT coalesce(sum(l.amount_fen), 0) FROM statement_line l
          WHERE l.statement_id = s.id AND l.fee_type = fee->>'feeType'))`,
  'the shares of a line add up to it, and an instruction to its shares': sql`
    SELECT l.id FROM statement_line l JOIN settlement_share s ON s.line_id = l.id
    GROUP BY l.id, l.amount_fen HAVING sum(s.amount_fen) <> l.amount_fen
    UNION ALL
    SELECT i.id FROM settlement_instruction i LEFT JOIN settlement_share s ON s.instruction_id = i.id
    GROUP BY i.id, i.amount_fen HAVING coalesce(sum(s.amount_fen), 0) <> i.amount_fen`,
  'an instruction is matched by one advice that says the same, and a settled statement is all matched': sql`
    SELECT i.id FROM settlement_instruction i LEFT JOIN payment_advice p ON p.instruction_id = i.id
    WHERE (i.state = 'matched' AND i.amount_fen <> 0) <> (p.reference IS NOT NULL)
      OR p.reference IS NOT NULL AND (p.amount_fen, p.currency) <> (i.amount_fen, i.currency)
    UNION ALL
    SELECT s.id FROM statement s WHERE s.state = 'settled' AND (
      EXISTS (SELECT FROM settlement_instruction i WHERE i.statement_id = s.id AND i.state <> 'matched')
      OR EXISTS (SELECT FROM statement_line l WHERE l.statement_id = s.id AND l.amount_fen <> (SELECT coalesce(sum(h.amount_fen), 0)
        FROM settlement_share h WHERE h.line_id = l.id AND h.instruction_id IS NOT NULL)))`,
  'a reversal is the exact negative of the line that it names': sql`
    SELECT r.id FROM statement_line r LEFT JOIN statement_line l ON l.id = r.reverses_line_id
    WHERE r.kind = 'reversal' AND (l.id IS NULL OR l.kind = 'reversal'
      OR (r.family_id, r.original_period, -r.events, -r.quantity, -r.amount_precise, -r.amount_fen, -r.quoted_nano, r.inputs_digest)
        <> (l.family_id, l.original_period, l.events, l.quantity, l.amount_precise, l.amount_fen, l.quoted_nano, l.inputs_digest))`,
  'statements of an issuer are numbered without gaps, each with the digest of the one before': sql`
    SELECT s.id FROM statement s LEFT JOIN statement b ON b.issuer = s.issuer AND b.seq = s.seq - 1
    WHERE s.previous_digest IS DISTINCT FROM b.digest OR s.seq > 1 AND b.id IS NULL
    UNION ALL
    SELECT q.issuer FROM statement_sequence q
    WHERE q.last <> (SELECT count(*) FROM statement s WHERE s.issuer = q.issuer)`,
  'a statement and its lines say what they were signed as': sql`
    SELECT s.id FROM statement s
    WHERE s.digest <> 'sha256:' || encode(sha256(convert_to(s.head, 'UTF8')), 'hex')
      OR (s.head::jsonb->>'id', s.head::jsonb->>'issuer', s.head::jsonb->>'buyer', s.head::jsonb->>'period', s.head::jsonb->>'linesRoot')
        <> (s.id, s.issuer, s.organisation_id, s.period, s.lines_root)
    UNION ALL
    SELECT l.id FROM statement_line l
    WHERE (l.body::jsonb->>'id', l.body::jsonb->>'statement', l.body::jsonb->>'ordinal', l.body::jsonb->>'family', l.body::jsonb->>'kind',
        l.body::jsonb->>'originalPeriod', l.body::jsonb->>'amountFen', l.body::jsonb->>'quantity', l.body::jsonb->>'events', l.body::jsonb->>'inputsDigest')
      <> (l.id, l.statement_id, l.ordinal::text, l.family_id, l.kind, l.original_period, l.amount_fen::text, l.quantity::text, l.events::text, l.inputs_digest)`,
  'a statement that is issued has one leaf, which is its signature': sql`
    SELECT coalesce(s.id, l.index::text) AS id FROM (SELECT * FROM statement WHERE state <> 'closed') s
      FULL JOIN (SELECT * FROM audit_leaf WHERE class = 'statement') l ON l.index = s.leaf_index
    WHERE s.id IS NULL OR l.index IS NULL OR l.body <> s.signed OR s.issued_by = s.closed_by`,
  'a decision about a correction has one leaf, which says the same': sql`
    SELECT coalesce(c.id, l.index::text) AS id FROM (SELECT * FROM correction WHERE decision IS NOT NULL) c
      FULL JOIN (SELECT * FROM audit_leaf WHERE class = 'correction') l ON l.index = c.leaf_index
    WHERE c.id IS NULL OR l.index IS NULL
      OR (l.body::jsonb->>'correction', l.body::jsonb->>'decision', l.body::jsonb->>'usage', l.body::jsonb->>'requestedBy', l.body::jsonb->>'decidedBy')
        <> (c.id, c.decision, c.usage_id, c.requested_by, c.decided_by)
      OR l.body::jsonb->'change' <> c.change`,
  'nothing that may not be seen, or was refused, is rated': sql`
    SELECT u.id FROM rated_run r JOIN usage_record u ON u.id = r.usage_id
    WHERE u.visible_at > now() OR u.outcome = 'refused' OR u.billing IS NULL`,
};

/** The invariants of billing that do not hold, each with the rows that break it. */
export async function findBillingViolations(db: Tx): Promise<readonly Violation[]> {
  return violationsOf(db, BILLING_INVARIANTS);
}
