/**
 * What payers and invoices say: payment advices matched one to one with instructions, and the invoice of each line.
 *
 * Guarantee: a reference of a bank counts once, an instruction is matched once, exact in amount and currency; what does
 * not fit is told why and changes nothing. The same advice once more is known, not a fault.
 * Not covered: whether money moved; the payer's bank says so, and is believed.
 */
import { sql } from 'drizzle-orm';

import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';

import type { Database, Tx } from './database.ts';
import type { Instruction } from './settlement.ts';
import { settleIfPaid } from './statement-acts.ts';

/** What a bank says was paid. */
export interface Advice {
  /** The bank's reference. */
  readonly reference: string;
  readonly instruction: string;
  readonly amountFen: bigint;
  readonly currency: string;
  /** YYYY-MM-DD. */
  readonly paidOn: string;
}

export type AdviceFault =
  | 'DUPLICATE_REFERENCE'
  | 'UNKNOWN_INSTRUCTION'
  | 'NOT_SENT'
  | 'OTHER_AMOUNT'
  | 'OTHER_CURRENCY'
  | 'ALREADY_MATCHED';

/** What became of one advice: kept, known from before, or refused and why. */
export interface AdviceResult {
  readonly reference: string;
  readonly instruction: string;
  readonly result: 'matched' | 'known' | AdviceFault;
}

/** Matches advices one to one with instructions: each that fits is kept, each that does not is told why. */
export async function recordAdvices(
  db: Database,
  { advices, by }: { readonly advices: readonly Advice[]; readonly by: string },
): Promise<readonly AdviceResult[]> {
  return db.transact(async (tx) => {
    const results: AdviceResult[] = [];
    const statements = new Set<string>();
    // In the order of their instructions, so that two files cannot wait for each other.
    for (const id of [...new Set(advices.map(({ instruction }) => instruction))].toSorted())
      await tx.rows(
        sql`SELECT id FROM statement WHERE id = (SELECT statement_id FROM settlement_instruction WHERE id = ${id}) FOR UPDATE`,
      );
    for (const advice of advices) {
      const { result, statement } = await matchOne(tx, advice, by);
      results.push({ reference: advice.reference, instruction: advice.instruction, result });
      if (result === 'matched' && statement !== null) statements.add(statement);
    }
    for (const statement of [...statements].toSorted()) await settleIfPaid(tx, statement, by);
    return results;
  });
}

interface Standing {
  readonly statement: string | null;
  readonly state: Instruction['state'] | null;
  readonly fen: string | null;
  readonly currency: string | null;
  /** What the same reference said before. */
  readonly earlier: { readonly instruction: string; readonly fen: string; readonly currency: string } | null;
}

async function matchOne(
  tx: Tx,
  advice: Advice,
  by: string,
): Promise<{ readonly result: AdviceResult['result']; readonly statement: string | null }> {
  const { reference, instruction, amountFen, currency, paidOn } = advice;
  const [found] = await tx.rows<Standing>(sql`
    SELECT i.statement_id AS statement, i.state, i.amount_fen::text AS fen, i.currency,
      (SELECT jsonb_build_object('instruction', p.instruction_id, 'fen', p.amount_fen::text, 'currency', p.currency)
        FROM payment_advice p WHERE p.reference = ${reference}) AS earlier
    FROM (SELECT 1) AS one LEFT JOIN settlement_instruction i ON i.id = ${instruction}`);
  if (found === undefined) throw new RangeError('one row was asked for');
  const result = judge(advice, found);
  if (result !== 'matched') return { result, statement: found.statement };
  await tx.rows(sql`
    INSERT INTO payment_advice (reference, instruction_id, amount_fen, currency, paid_on, recorded_by)
    VALUES (${reference}, ${instruction}, ${String(amountFen)}::numeric, ${currency}, ${paidOn}::date, ${by})`);
  await tx.rows(sql`UPDATE settlement_instruction SET state = 'matched' WHERE id = ${instruction}`);
  return { result, statement: found.statement };
}

function judge({ instruction, amountFen, currency }: Advice, found: Standing): AdviceResult['result'] {
  const { earlier, state } = found;
  if (earlier !== null) {
    const isSame =
      earlier.instruction === instruction &&
      earlier.fen === String(amountFen) &&
      earlier.currency === currency;
    return isSame ? 'known' : 'DUPLICATE_REFERENCE';
  }
  if (state === null) return 'UNKNOWN_INSTRUCTION';
  if (state === 'matched') return 'ALREADY_MATCHED';
  if (state !== 'sent') return 'NOT_SENT';
  if (found.currency !== currency) return 'OTHER_CURRENCY';
  return found.fen === String(amountFen) ? 'matched' : 'OTHER_AMOUNT';
}

/** An invoice of a line. */
export interface NewInvoice {
  readonly line: string;
  readonly number: string;
  /** YYYY-MM-DD. */
  readonly issuedOn: string;
  readonly issuer: string;
  readonly by: string;
}

/** Records the invoice of a line of an issued statement. False: it has another one already. Null: there is no such line. */
export async function recordInvoice(
  db: Database,
  { line, number, issuedOn, issuer, by }: NewInvoice,
): Promise<boolean | null> {
  return db.transact(async (tx) => {
    const [found] = await tx.rows<{ state: string }>(sql`
      SELECT s.state FROM statement_line l JOIN statement s ON s.id = l.statement_id WHERE l.id = ${line}`);
    if (found === undefined) return null;
    if (found.state === 'closed')
      throw new Refusal('PARAM', say('statement.state', { state: found.state, needed: 'issued' }));
    const same = await tx.rows(sql`
      WITH added AS (
        INSERT INTO invoice (line_id, number, issued_on, issuer, recorded_by)
        VALUES (${line}, ${number}, ${issuedOn}::date, ${issuer}, ${by}) ON CONFLICT DO NOTHING RETURNING line_id)
      SELECT line_id FROM added UNION ALL
      SELECT line_id FROM invoice WHERE line_id = ${line} AND number = ${number} AND issued_on = ${issuedOn}::date AND issuer = ${issuer}`);
    return same.length > 0;
  });
}
