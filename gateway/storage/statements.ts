/**
 * Closing a month: one transaction that rates what a buyer used, writes its lines and gives the statement its number.
 *
 * Guarantee: a buyer's month has one statement, however many close it at once, and all are told the same. Numbers of an
 * issuer have no gaps. What came late, and what was corrected, takes the lines it touches back as a whole and bills them
 * anew, with the month in which it happened. What blocks leaves nothing behind: no mark, no line, no number. A dry run is
 * the same transaction, taken back.
 * Not covered: signing (statement-acts.ts) and who may close.
 */
import { sql } from 'drizzle-orm';

import { evidenceJson, sha256Hex } from '#crypto/canonical.ts';

import type { Period } from '../billing/period.ts';
import {
  CURRENCY,
  headOf,
  type Line,
  type LineDraft,
  linesOf,
  statementNumber,
} from '../billing/statement-line.ts';
import { type Block, Blocked, findBlocks } from './closing-blocks.ts';
import type { Database, Tx } from './database.ts';
import { draftLines } from './statement-drafts.ts';

/** A month of a buyer, who bills it, and who closes it. */
export interface Closing {
  /** The organisation that bills. */
  readonly issuer: string;
  readonly buyer: string;
  readonly period: Period;
  /** The first instant of the month, and the first after it. */
  readonly from: Date;
  readonly to: Date;
  readonly timeZone: string;
  readonly by: string;
}

export interface StatementRecord {
  readonly id: string;
  readonly issuer: string;
  readonly seq: string;
  readonly buyer: string;
  readonly period: Period;
  readonly state: 'closed' | 'issued' | 'disputed' | 'settled';
  readonly currency: string;
  readonly totalFen: string;
  readonly lines: number;
  readonly linesRoot: string;
  /** Canonical JSON of StatementHead. */
  readonly head: string;
  readonly digest: string;
  readonly previousDigest: string | null;
  /** JWS; null until it is issued. */
  readonly signed: string | null;
  readonly leafIndex: string | null;
  readonly closedBy: string;
  readonly closedAt: Date;
  readonly issuedBy: string | null;
  readonly issuedAt: Date | null;
}

export type Closed =
  | { readonly kind: 'closed'; readonly statement: StatementRecord }
  /** Somebody has closed it before. */
  | { readonly kind: 'already'; readonly statement: StatementRecord }
  | { readonly kind: 'blocked'; readonly blocks: readonly Block[] }
  /** The buyer used nothing and owes nothing. */
  | { readonly kind: 'nothing' };

/** Closes a month of a buyer. Calling it again with the same arguments does nothing more. */
export async function closeMonth(db: Database, closing: Closing): Promise<Closed> {
  try {
    return await db.transact((tx) => closeIn(tx, closing));
  } catch (error) {
    if (error instanceof Blocked) return { kind: 'blocked', blocks: error.blocks };
    throw error;
  }
}

async function closeIn(tx: Tx, closing: Closing): Promise<Closed> {
  // 1. Whoever closes a month of this buyer, or decides about a correction of his, waits here for the others.
  await lockBuyer(tx, closing.buyer);
  const known = await findStatementOf(tx, closing);
  if (known !== null) return { kind: 'already', statement: known };

  // 2. What is charged, and what stands in the way of it.
  const { drafts, corrections, blocks } = await prepare(tx, closing);
  if (blocks.length > 0) throw new Blocked(blocks);
  if (drafts.length === 0 && corrections.length === 0) return { kind: 'nothing' };

  // 3. The number, the lines, and which corrections they take into account.
  const statement = await writeStatement(tx, closing, drafts);
  await tx.rows(sql`
    UPDATE correction SET statement_id = ${statement.id} WHERE id = ANY(${sql.param(corrections)}::text[])`);
  return { kind: 'closed', statement };
}

/** What closing a month would do. */
export interface DryRun {
  readonly blocks: readonly Block[];
  readonly lines: readonly Line[];
  /** The statement that the month has already. */
  readonly statement: StatementRecord | null;
}

class TakenBack extends Error {
  readonly found: DryRun;

  constructor(found: DryRun) {
    super('a dry run is taken back');
    this.found = found;
  }
}

/** Does what `closeMonth` would do, looks at it with `look`, and takes it back. Lines are named by the month alone. */
export async function dryRun<Seen>(
  db: Database,
  closing: Closing,
  look: (tx: Tx, lines: readonly Line[]) => Promise<Seen>,
): Promise<DryRun & { readonly seen: Seen | null }> {
  let seen: Seen | null = null;
  try {
    await db.transact(async (tx) => {
      await lockBuyer(tx, closing.buyer);
      const statement = await findStatementOf(tx, closing);
      if (statement !== null) throw new TakenBack({ blocks: [], lines: [], statement });
      const { drafts, blocks } = await prepare(tx, closing);
      const lines = linesOf(closing.period, drafts);
      seen = await look(tx, lines);
      throw new TakenBack({ blocks, lines, statement: null });
    });
  } catch (error) {
    if (error instanceof TakenBack) return { ...error.found, seen };
    if (error instanceof Blocked) return { blocks: error.blocks, lines: [], statement: null, seen };
    throw error;
  }
  throw new RangeError('a dry run ends by taking itself back');
}

async function prepare(
  tx: Tx,
  closing: Closing,
): Promise<{
  readonly drafts: readonly LineDraft[];
  readonly corrections: readonly string[];
  readonly blocks: readonly Block[];
}> {
  const standing = await findBlocks(tx, closing);
  const { drafts, corrections, blocks } = await draftLines(tx, closing);
  return { drafts, corrections, blocks: [...standing, ...blocks] };
}

/** Serialises what changes the lines of a buyer, until the end of the transaction. */
export async function lockBuyer(tx: Tx, buyer: string): Promise<void> {
  await tx.rows(sql`SELECT pg_advisory_xact_lock(hashtextextended(${`billing of ${buyer}`}, 0))`);
}

async function writeStatement(
  tx: Tx,
  closing: Closing,
  drafts: readonly LineDraft[],
): Promise<StatementRecord> {
  const { issuer, buyer, period, timeZone, by } = closing;
  const seq = await takeNumber(tx, issuer);
  // After the number, in a statement of its own: one that waited for the number does not see what it waited for.
  const [known] = await tx.rows<{ previous: string | null; now: Date }>(sql`
    SELECT (SELECT digest FROM statement WHERE issuer = ${issuer} AND seq = ${seq - 1n}::bigint) AS previous,
      date_trunc('milliseconds', clock_timestamp()) AS now`);
  if (known === undefined) throw new RangeError('it is some time');
  const number = statementNumber(period, seq);
  const id = `${issuer}-${number}`;
  const lines = linesOf(id, drafts);
  const head = headOf(
    {
      id,
      number,
      issuer,
      buyer,
      period,
      timeZone,
      previousDigest: known.previous,
      closedBy: by,
      closedAt: known.now.toISOString(),
    },
    lines,
  );
  const text = evidenceJson(head);
  await tx.rows(sql`
    INSERT INTO statement (id, issuer, seq, organisation_id, period, state, currency, total_fen, lines, lines_root, head,
      digest, previous_digest, closed_by, closed_at)
    VALUES (${id}, ${issuer}, ${seq}::bigint, ${buyer}, ${period}, 'closed', ${CURRENCY}, ${head.totalFen}::numeric,
      ${lines.length}::int, ${head.linesRoot}, ${text}, ${`sha256:${sha256Hex(text)}`}, ${head.previousDigest}, ${by},
      ${head.closedAt}::timestamptz)`);
  await insertLines(tx, id, lines);
  const written = await findStatement(tx, id);
  if (written === null) throw new RangeError('a statement that was written is there');
  return written;
}

/** The issuer's next number, which is his until the end of the transaction. */
async function takeNumber(tx: Tx, issuer: string): Promise<bigint> {
  const [row] = await tx.rows<{ seq: string }>(sql`
    INSERT INTO statement_sequence AS s (issuer, last) VALUES (${issuer}, 1)
    ON CONFLICT (issuer) DO UPDATE SET last = s.last + 1 RETURNING last::text AS seq`);
  if (row === undefined) throw new RangeError('a statement has a number');
  return BigInt(row.seq);
}

async function insertLines(tx: Tx, statement: string, lines: readonly Line[]): Promise<void> {
  const rows = lines.map((line) => ({
    id: line.id,
    ordinal: line.ordinal,
    family: line.familyId,
    kind: line.kind,
    reverses: line.reverses,
    period: line.originalPeriod,
    fee: line.feeType,
    basis: line.basis,
    events: String(line.events),
    quantity: String(line.quantity),
    precise: line.amountPrecise,
    fen: String(line.amountFen),
    quoted: String(line.quotedNano),
    zero: line.zeroReason,
    body: line.body,
    inputs: line.inputsDigest,
  }));
  await tx.rows(sql`
    INSERT INTO statement_line (id, statement_id, ordinal, family_id, kind, reverses_line_id, original_period, fee_type,
      basis, events, quantity, amount_precise, amount_fen, quoted_nano, zero_reason, body, inputs_digest)
    SELECT id, ${statement}, ordinal, family, kind, reverses, period, fee, basis, events, quantity, precise, fen, quoted,
      zero, body, inputs
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS l(id text, ordinal int, family text, kind text, reverses text,
      period text, fee text, basis text, events numeric, quantity numeric, precise numeric, fen numeric, quoted numeric,
      zero text, body text, inputs text)`);
}

const COLUMNS = sql.raw(`
  id, issuer, seq::text, organisation_id AS buyer, period, state, currency, total_fen::text AS "totalFen", lines,
  lines_root AS "linesRoot", head, digest, previous_digest AS "previousDigest", signed, leaf_index::text AS "leafIndex",
  closed_by AS "closedBy", closed_at AS "closedAt", issued_by AS "issuedBy", issued_at AS "issuedAt"`);

/** A statement, or null. `lock`: until the end of the transaction nobody else changes its state. */
export async function findStatement(
  tx: Tx,
  id: string,
  { lock = false }: { readonly lock?: boolean } = {},
): Promise<StatementRecord | null> {
  const [row] = await tx.rows<StatementRecord>(
    sql`SELECT ${COLUMNS} FROM statement WHERE id = ${id} ${lock ? sql`FOR UPDATE` : sql.empty()}`,
  );
  return row ?? null;
}

async function findStatementOf(
  tx: Tx,
  { issuer, buyer, period }: Pick<Closing, 'issuer' | 'buyer' | 'period'>,
): Promise<StatementRecord | null> {
  const [row] = await tx.rows<StatementRecord>(sql`
    SELECT ${COLUMNS} FROM statement WHERE issuer = ${issuer} AND organisation_id = ${buyer} AND period = ${period}`);
  return row ?? null;
}

/** Which statements are listed: null is any. */
export interface StatementFilter {
  readonly buyer: string | null;
  /** Leaves out those that are only closed. */
  readonly isIssued: boolean;
  readonly period: Period | null;
}

/** Statements, the newest number first, after one that was seen. */
export async function listStatements(
  db: Tx,
  { buyer, isIssued, period }: StatementFilter,
  page: { readonly after: { readonly issuer: string; readonly seq: string } | null; readonly limit: number },
): Promise<readonly StatementRecord[]> {
  const { after, limit } = page;
  return db.rows<StatementRecord>(sql`
    SELECT ${COLUMNS} FROM statement
    WHERE (${buyer}::text IS NULL OR organisation_id = ${buyer}) AND (${period}::text IS NULL OR period = ${period})
      AND (NOT ${isIssued}::boolean OR state <> 'closed')
      AND (${after?.issuer ?? null}::text IS NULL
        OR (issuer, seq) < (${after?.issuer ?? null}::text, ${after?.seq ?? null}::bigint))
    ORDER BY issuer DESC, seq DESC LIMIT ${limit}::int`);
}

/** A line as it is stored. */
export interface StoredLine {
  readonly id: string;
  readonly statementId: string;
  readonly ordinal: number;
  readonly familyId: string;
  /** Canonical JSON of LineBody. */
  readonly body: string;
  /** The line that takes this one back. */
  readonly reversedBy: string | null;
  readonly invoice: {
    readonly number: string;
    readonly issuedOn: string;
    readonly issuer: string;
  } | null;
}

const LINE = sql.raw(`
  l.id, l.statement_id AS "statementId", l.ordinal, l.family_id AS "familyId", l.body,
  (SELECT r.id FROM statement_line r WHERE r.reverses_line_id = l.id) AS "reversedBy",
  (SELECT jsonb_build_object('number', i.number, 'issuedOn', i.issued_on::text, 'issuer', i.issuer) FROM invoice i WHERE i.line_id = l.id) AS invoice`);

/** The lines of a statement after one that was seen (0 for all), in order. */
export async function readLines(
  db: Tx,
  statement: string,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<readonly StoredLine[]> {
  return db.rows<StoredLine>(sql`
    SELECT ${LINE} FROM statement_line l
    WHERE l.statement_id = ${statement} AND l.ordinal > ${after}::int ORDER BY l.ordinal LIMIT ${limit}::int`);
}

/** A line, or null. */
export async function findLine(db: Tx, id: string): Promise<StoredLine | null> {
  const [row] = await db.rows<StoredLine>(sql`SELECT ${LINE} FROM statement_line l WHERE l.id = ${id}`);
  return row ?? null;
}

/** Every organisation that holds a grant, by id: who may have a statement. */
export async function listBuyers(db: Tx): Promise<readonly string[]> {
  const rows = await db.rows<{ id: string }>(
    sql`SELECT DISTINCT organisation_id AS id FROM access_grant ORDER BY id`,
  );
  return rows.map(({ id }) => id);
}
