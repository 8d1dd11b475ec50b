/**
 * Settlement: who gets which part of a line, what keeps a line from being settled, what an outside payer is told.
 * The product holds no money.
 *
 * Guarantee: the shares of a line add up to it; those of a reversal are the negatives of the line's it takes back,
 * whichever of the two is settled first. A line that is held has no instruction, and of a disputed statement none is
 * handed over. A share goes into one instruction, an instruction is matched by one advice, exact in amount and currency.
 * Making instructions again makes only what was held before and is not any more.
 * Not covered: whether money moved; the payer's bank says so, and is believed.
 */
import { sql } from 'drizzle-orm';

import { type Sentence, say } from '#policies/words.ts';
import type { Role } from '#policies/roles.ts';
import { Refusal } from '#policies/refusal.ts';

import type { Contribution, DocumentRef, FeeType } from '../billing/facts.ts';
import { type Share, sharesOf, type SplitTerms } from '../billing/split.ts';
import { CURRENCY, type LineBody } from '../billing/statement-line.ts';
import type { Database, Tx } from './database.ts';
import { documentsInForce, type FiledDocument, findDocument } from './documents.ts';
import { contributionsOf } from './monthly-charges.ts';
import { settleIfPaid } from './statement-acts.ts';
import { findStatement, lockBuyer, type StatementRecord } from './statements.ts';

export const HOLDS = [
  'NO_AGREEMENT',
  'NO_CONTRACT',
  'NO_DELIVERY',
  'NO_DESTRUCTION',
  'OPEN_CORRECTION',
  'DISPUTED',
] as const;

export type HoldCode = (typeof HOLDS)[number];

/** Why a line is not settled, and who can clear it. */
export interface Hold {
  readonly line: string;
  readonly code: HoldCode;
  readonly sentence: Sentence;
  readonly clearedBy: readonly Role[];
}

const CLEARED_BY: Readonly<Record<HoldCode, readonly Role[]>> = {
  NO_AGREEMENT: ['operator', 'billing'],
  NO_CONTRACT: ['operator', 'billing'],
  NO_DELIVERY: ['operator'],
  NO_DESTRUCTION: ['operator'],
  OPEN_CORRECTION: ['billing', 'operator'],
  DISPUTED: ['billing', 'operator'],
};

/** What is held of a line. */
export interface HeldLine {
  readonly id: string;
  readonly familyId: string;
  readonly amountFen: bigint;
  readonly feeType: FeeType;
  readonly reverses: string | null;
  readonly terms: LineTerms;
}

/** What of a line's terms settlement is made from. */
interface LineTerms {
  readonly grant: string;
  readonly agreement: DocumentRef | null;
  readonly contributions: readonly Contribution[];
}

/** The agreement that a line is settled under. */
interface SettledUnder {
  readonly terms: SplitTerms;
  /** Of the contract on the platform, or of its filing. */
  readonly contract: string | null;
  readonly contributions: readonly Contribution[];
}

interface AgreementBody extends SplitTerms {
  readonly contractNumber: string | null;
  readonly filingNumber: string | null;
}

/** A line's body as settlement reads it. */
export function heldLineOf(body: string): HeldLine {
  const said = JSON.parse(body) as LineBody & LineTerms;
  const { id, family, amountFen, feeType, reverses, grant, agreement, contributions } = said;
  const terms = { grant, agreement, contributions };
  return { id, familyId: family, amountFen: BigInt(amountFen), feeType, reverses, terms };
}

/** Why each of these lines is held; nothing for those that are not. */
export async function findHolds(
  tx: Tx,
  lines: readonly HeldLine[],
  { disputed }: { readonly disputed: boolean },
): Promise<readonly Hold[]> {
  const paid = lines.filter(({ amountFen }) => amountFen !== 0n);
  const facts = await familyFacts(tx, [...new Set(paid.map(({ familyId }) => familyId))]);
  const inDispute = await disputedOf(
    tx,
    paid.flatMap(({ reverses }) => (reverses === null ? [] : [reverses])),
  );
  const holds: Hold[] = [];
  for (const line of paid) {
    const add = (code: HoldCode, args: Readonly<Record<string, string | number>> = {}): void => {
      holds.push({
        line: line.id,
        code,
        sentence: say(`statement.hold.${code}`, args),
        clearedBy: CLEARED_BY[code],
      });
    };
    const under = await agreementOf(tx, line);
    if (under === null) add('NO_AGREEMENT', { grant: line.terms.grant });
    else if (under.contract === null) add('NO_CONTRACT');
    const fact = facts.get(line.familyId);
    if (fact !== undefined && fact.undelivered > 0) add('NO_DELIVERY', { count: fact.undelivered });
    if (fact !== undefined && fact.undestroyed > 0) add('NO_DESTRUCTION', { count: fact.undestroyed });
    if (fact !== undefined && fact.corrections > 0) add('OPEN_CORRECTION', { count: fact.corrections });
    // What nobody was paid yet is not taken back: a reversal waits with the line that it takes back.
    if (disputed || inDispute.has(line.reverses)) add('DISPUTED');
  }
  return holds;
}

/** Which of these lines stand on a disputed statement. */
async function disputedOf(tx: Tx, lines: readonly string[]): Promise<ReadonlySet<string | null>> {
  const rows = await tx.rows<{ id: string }>(sql`
    SELECT l.id FROM statement_line l JOIN statement s ON s.id = l.statement_id
    WHERE l.id = ANY(${sql.param(lines)}::text[]) AND s.state = 'disputed'`);
  return new Set(rows.map(({ id }) => id));
}

interface FamilyFacts {
  readonly id: string;
  readonly undelivered: number;
  readonly undestroyed: number;
  readonly corrections: number;
}

/**
 * What is known of the runs of families. A released run is delivered when its answer is there. Where a runner had the
 * run, its destruction is on record; a repeat from store ran nowhere.
 */
async function familyFacts(tx: Tx, families: readonly string[]): Promise<ReadonlyMap<string, FamilyFacts>> {
  const rows = await tx.rows<FamilyFacts>(sql`
    SELECT c.family_id AS id, count(*) FILTER (WHERE u.outcome = 'released' AND r.id IS NULL)::int AS undelivered,
      count(*) FILTER (WHERE j.attempt > 0 AND d.job_id IS NULL)::int AS undestroyed,
      count(*) FILTER (WHERE u.id IN (SELECT k.usage_id FROM correction k WHERE k.decision IS NULL
        OR k.decision = 'approved' AND k.statement_id IS NULL))::int AS corrections
    FROM usage_class c JOIN rated_run m ON m.class_id = c.id JOIN usage_record u ON u.id = m.usage_id JOIN job j ON j.id = u.job_id
      LEFT JOIN release r ON r.id = u.release_id LEFT JOIN run_destruction d ON d.job_id = u.job_id AND d.complete
    WHERE c.family_id = ANY(${sql.param(families)}::text[]) GROUP BY c.family_id`);
  return new Map(rows.map((row) => [row.id, row]));
}

/**
 * The agreement of a line: the wording that its usage names. Where none was filed when it ran, the wording of the grant's
 * agreement that is in force now, with the weights that it gives.
 */
async function agreementOf(tx: Tx, { familyId, terms, feeType }: HeldLine): Promise<SettledUnder | null> {
  const { agreement, contributions, grant } = terms;
  const found =
    agreement === null ? await agreementOfGrant(tx, grant) : await findDocument(tx, 'Agreement', agreement);
  if (found === null || found.approvedAt === null) return null;
  const body = found.body as AgreementBody;
  if (!body.split.some((rule) => rule.feeType === feeType)) return null;
  const weights =
    agreement === null ? await contributionsUnder(tx, found, { family: familyId, grant }) : contributions;
  return { terms: body, contract: body.contractNumber ?? body.filingNumber, contributions: weights };
}

async function agreementOfGrant(tx: Tx, grant: string): Promise<FiledDocument | null> {
  const [row] = await tx.rows<{ id: string | null; now: Date }>(sql`
    SELECT (SELECT body->>'parentAgreement' FROM access_grant WHERE id = ${grant}) AS id, now() AS now`);
  const inForce = row === undefined ? [] : await documentsInForce(tx, 'Agreement', row.now);
  return inForce.find(({ id }) => id === row?.id) ?? null;
}

/** The weights of what was used; a charge for a month, which rests on no run, is for all of the grant's data. */
async function contributionsUnder(
  tx: Tx,
  agreement: FiledDocument,
  { family, grant }: { readonly family: string; readonly grant: string },
): Promise<readonly Contribution[]> {
  const used = await tx.rows<{ dataset: string }>(sql`
    SELECT DISTINCT d AS dataset FROM usage_class c JOIN rated_run r ON r.class_id = c.id JOIN usage_record u ON u.id = r.usage_id
      JOIN job j ON j.id = u.job_id, unnest(j.datasets) AS d WHERE c.family_id = ${family} ORDER BY d`);
  const granted = await tx.rows<{ dataset: string }>(sql`
    SELECT t->>'dataset' AS dataset FROM access_grant g, jsonb_array_elements(g.body->'datasets') AS t WHERE g.id = ${grant}`);
  return (used.length > 0 ? used : granted).flatMap(({ dataset }) => contributionsOf(agreement, dataset));
}

/** What an outside payer is told to pay. */
export interface Instruction {
  readonly id: string;
  readonly statementId: string;
  readonly feeType: FeeType;
  readonly payer: string;
  readonly payee: string;
  readonly payeeType: string;
  /** Below zero: to be paid back by the payee. */
  readonly amountFen: string;
  readonly currency: string;
  readonly contractNumber: string;
  readonly state: 'pending' | 'sent' | 'matched' | 'rejected';
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly sentAt: Date | null;
  /** The bank's reference, once it is matched. */
  readonly reference: string | null;
}

export interface Settled {
  readonly statement: StatementRecord;
  /** Made by this call. */
  readonly made: readonly string[];
  readonly holds: readonly Hold[];
}

/**
 * Makes instructions for everything of an issued statement that is not held and has none. Null: there is no such
 * statement. Refusal PARAM for one that is not issued.
 */
export async function settleStatement(
  db: Database,
  { id, by }: { readonly id: string; readonly by: string },
): Promise<Settled | null> {
  return db.transact((tx) => settleIn(tx, id, by));
}

async function settleIn(tx: Tx, id: string, by: string): Promise<Settled | null> {
  const statement = await findStatement(tx, id, { lock: true });
  if (statement === null) return null;
  if (statement.state === 'closed')
    throw new Refusal('PARAM', say('statement.state', { state: statement.state, needed: 'issued' }));
  if (statement.state === 'settled') return { statement, made: [], holds: [] };
  // A line and what takes it back stand on two statements, and are shared alike.
  await lockBuyer(tx, statement.buyer);
  const lines = await unsettledLines(tx, id);
  const holds = await findHolds(tx, lines, { disputed: statement.state === 'disputed' });
  const held = new Set(holds.map(({ line }) => line));
  const free: FreeShare[] = [];
  for (const line of lines.filter((each) => !held.has(each.id))) free.push(...(await shareLine(tx, line)));
  const made = await instruct(tx, { statement, by, free });
  await settleIfPaid(tx, id, by);
  return { statement: (await findStatement(tx, id)) ?? statement, made, holds };
}

/** Lines of a statement that have an amount and no instruction. */
async function unsettledLines(tx: Tx, id: string): Promise<readonly HeldLine[]> {
  const rows = await tx.rows<{ body: string }>(sql`
    SELECT l.body FROM statement_line l WHERE l.statement_id = ${id} AND l.amount_fen <> 0
      AND NOT EXISTS (SELECT FROM settlement_share s WHERE s.line_id = l.id AND s.instruction_id IS NOT NULL)
    ORDER BY l.ordinal`);
  return rows.map(({ body }) => heldLineOf(body));
}

/** A share that goes into an instruction. */
interface FreeShare extends Share {
  readonly line: string;
  readonly feeType: FeeType;
  readonly contract: string;
}

/** The shares of a line that is not held; written if they were not. */
async function shareLine(tx: Tx, line: HeldLine): Promise<readonly FreeShare[]> {
  const under = await agreementOf(tx, line);
  if (under?.contract == null) throw new RangeError('a line that is not held has an agreement');
  const opposite = await oppositeShares(tx, line);
  const shares =
    opposite.length > 0
      ? opposite.map((share) => ({ ...share, amountFen: -share.amountFen }))
      : sharesOf(line.amountFen, under.terms, line.feeType, under.contributions);
  await tx.rows(sql`
    INSERT INTO settlement_share (line_id, payee, payee_type, amount_fen)
    SELECT ${line.id}, payee, type, fen FROM jsonb_to_recordset(${JSON.stringify(
      shares.map(({ payee, payeeType, amountFen }) => ({ payee, type: payeeType, fen: String(amountFen) })),
    )}::jsonb) AS s(payee text, type text, fen numeric) ON CONFLICT DO NOTHING`);
  const { contract } = under;
  return shares.map((share) => ({ ...share, line: line.id, feeType: line.feeType, contract }));
}

/** The shares of the line that this one takes back, or that takes this one back: whichever was settled first. */
async function oppositeShares(tx: Tx, { id, reverses }: HeldLine): Promise<readonly Share[]> {
  const rows = await tx.rows<{ payee: string; payeeType: Share['payeeType']; fen: string }>(sql`
    SELECT payee, payee_type AS "payeeType", amount_fen::text AS fen FROM settlement_share
    WHERE line_id = coalesce(${reverses}::text, (SELECT id FROM statement_line WHERE reverses_line_id = ${id})) ORDER BY payee`);
  return rows.map(({ fen, ...share }) => ({ ...share, amountFen: BigInt(fen) }));
}

/** One instruction for each fee, payee and contract. What adds up to nothing needs no payment, and is matched. */
async function instruct(
  tx: Tx,
  made: { readonly statement: StatementRecord; readonly by: string; readonly free: readonly FreeShare[] },
): Promise<readonly string[]> {
  const { statement, by, free } = made;
  const [last] = await tx.rows<{ batch: number }>(sql`
    SELECT count(DISTINCT split_part(idem_key, ' ', 1))::int + 1 AS batch FROM settlement_instruction WHERE statement_id = ${statement.id}`);
  const batch = last?.batch ?? 1;
  const groups = Map.groupBy(free, ({ feeType, payee, contract }) =>
    JSON.stringify([feeType, payee, contract]),
  );
  const ids: string[] = [];
  for (const shares of groups.values()) {
    const [first] = shares;
    if (first === undefined) continue;
    const { feeType, payee, payeeType, contract } = first;
    const total = shares.reduce((sum, { amountFen }) => sum + amountFen, 0n);
    const id = `${statement.id}-${batch}-${ids.length + 1}`;
    await tx.rows(sql`
      INSERT INTO settlement_instruction (id, idem_key, statement_id, fee_type, payer, payee, payee_type, amount_fen,
        currency, contract_number, state, created_by)
      VALUES (${id}, ${`${batch} ${JSON.stringify([statement.id, feeType, payee, contract])}`}, ${statement.id}, ${feeType}, ${statement.buyer},
        ${payee}, ${payeeType}, ${String(total)}::numeric, ${CURRENCY}, ${contract}, ${total === 0n ? 'matched' : 'pending'}, ${by})`);
    await tx.rows(sql`
      UPDATE settlement_share SET instruction_id = ${id}
      WHERE payee = ${payee} AND line_id = ANY(${sql.param(shares.map(({ line }) => line))}::text[])`);
    ids.push(id);
  }
  return ids;
}

const INSTRUCTION = sql.raw(`
  i.id, i.statement_id AS "statementId", i.fee_type AS "feeType", i.payer, i.payee, i.payee_type AS "payeeType",
  i.amount_fen::text AS "amountFen", i.currency, i.contract_number AS "contractNumber", i.state, i.created_by AS "createdBy",
  i.created_at AS "createdAt", i.sent_at AS "sentAt", (SELECT p.reference FROM payment_advice p WHERE p.instruction_id = i.id) AS reference`);

/** Whose instructions are listed; null is any. */
export interface InstructionFilter {
  readonly statement: string | null;
  readonly payer: string | null;
  readonly payee: string | null;
}

/** Instructions by id, after one that was seen. */
export async function listInstructions(
  db: Tx,
  { statement, payer, payee }: InstructionFilter,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<readonly Instruction[]> {
  return db.rows<Instruction>(sql`
    SELECT ${INSTRUCTION} FROM settlement_instruction i
    WHERE (${statement}::text IS NULL OR i.statement_id = ${statement}) AND (${payer}::text IS NULL OR i.payer = ${payer})
      AND (${payee}::text IS NULL OR i.payee = ${payee}) AND (${after}::text IS NULL OR i.id > ${after})
    ORDER BY i.id LIMIT ${limit}::int`);
}

/** The instructions of a statement. */
export async function instructionsOf(tx: Tx, statement: string): Promise<readonly Instruction[]> {
  return tx.rows<Instruction>(
    sql`SELECT ${INSTRUCTION} FROM settlement_instruction i WHERE i.statement_id = ${statement} ORDER BY i.id`,
  );
}

/**
 * Marks the pending instructions of a statement as sent to the payer. Returns how many were. Refusal PARAM while the
 * statement is disputed.
 */
export async function markSent(db: Database, statement: string): Promise<number> {
  const rows = await db.transact(async (tx) => {
    const found = await findStatement(tx, statement, { lock: true });
    if (found?.state === 'disputed')
      throw new Refusal('PARAM', say('statement.state', { state: found.state, needed: 'issued' }));
    return tx.rows(sql`
      UPDATE settlement_instruction SET state = 'sent', sent_at = now()
      WHERE statement_id = ${statement} AND state = 'pending' RETURNING id`);
  });
  return rows.length;
}
