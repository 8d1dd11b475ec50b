/**
 * Corrections: asked for by one account, decided by another, and taken into account by the next statement of the buyer.
 *
 * Guarantee: a record has one open correction at a time; a decision is made once, and an approval has its leaf in the log
 * in the same transaction. No usage record ever changes. Asking for the same again is answered alike.
 * Not covered: who may ask and decide, and whether the change fits its record; the caller has checked both.
 */
import { randomBytes } from 'node:crypto';

import { sql } from 'drizzle-orm';

import { evidenceJson } from '#crypto/canonical.ts';
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';

import type { CorrectedRecord, CorrectionCause, CorrectionChange } from '../billing/correction.ts';
import type { DocumentRef, FeeType } from '../billing/facts.ts';
import { cardFor, type RateCard } from '../billing/rate-card.ts';
import type { RatableEvent } from '../billing/usage-group.ts';
import type { Database, Tx } from './database.ts';
import { findDocument } from './documents.ts';
import { appendSql, lockHead } from './log-append.ts';
import { lockBuyer } from './statements.ts';
import { isShown } from './visibility.ts';

export interface Correction {
  readonly id: string;
  readonly cause: CorrectionCause;
  readonly usageId: string;
  readonly buyer: string;
  readonly change: CorrectionChange;
  readonly evidence: object;
  readonly requestedBy: string;
  readonly requestedAt: Date;
  readonly decision: 'approved' | 'rejected' | null;
  readonly decidedBy: string | null;
  readonly decidedAt: Date | null;
  readonly leafIndex: string | null;
  /** The statement that took it into account. */
  readonly statementId: string | null;
}

const COLUMNS = sql.raw(`
  c.id, c.cause, c.usage_id AS "usageId", a.organisation_id AS buyer, c.change, c.evidence, c.requested_by AS "requestedBy",
  c.requested_at AS "requestedAt", c.decision, c.decided_by AS "decidedBy", c.decided_at AS "decidedAt",
  c.leaf_index::text AS "leafIndex", c.statement_id AS "statementId"
  FROM correction c JOIN usage_record u ON u.id = c.usage_id JOIN account a ON a.id = u.account_id`);

/** A record that may be corrected, with its buyer; null: there is none that may be seen and has a price. */
export async function findCorrectable(
  tx: Tx,
  usage: string,
  change: CorrectionChange,
): Promise<(CorrectedRecord & { readonly organisation: string }) | null> {
  const [row] = await tx.rows<
    RatableEvent & { readonly organisation: string; readonly isPublic: boolean } & UsedOf
  >(sql`
    SELECT u.id, '' AS period, u.grant_id AS grant, u.outcome, u.billing, u.planned, u.quoted,
      a.organisation_id AS organisation, j.datasets, j.scene, NOT EXISTS (SELECT FROM dataset d WHERE d.name = ANY(j.datasets)
        AND d.manifest->>'origin' IS DISTINCT FROM 'public') AS "isPublic"
    FROM usage_record u JOIN job j ON j.id = u.job_id JOIN account a ON a.id = u.account_id
    WHERE u.id = ${usage} AND ${isShown('j')} AND u.billing IS NOT NULL AND u.outcome <> 'refused' AND u.quoted <> '{}'`);
  if (row === undefined) return null;
  const { datasets, scene, ...record } = row;
  const product = record.billing?.product?.id ?? null;
  const cardBases = 'card' in change ? await basesOf(tx, change.card, { datasets, scene, product }) : null;
  return { ...record, cardBases };
}

/** What a run was about. */
interface UsedOf {
  readonly datasets: readonly string[];
  readonly scene: string | null;
}

/** The bases of an approved card that prices this fee of what was used; null: there is no such card. */
async function basesOf(
  tx: Tx,
  { feeType, id, revision }: DocumentRef & { readonly feeType: FeeType },
  { datasets, scene, product }: UsedOf & { readonly product: string | null },
): Promise<readonly string[] | null> {
  const found = await findDocument(tx, 'RateCard', { id, revision });
  if (found === null || found.approvedAt === null) return null;
  const card = { id, revision, body: found.body as RateCard };
  const fits = datasets.some((dataset) => cardFor([card], { dataset, product, scene, feeType }) !== null);
  return fits ? card.body.charges.map(({ basis }) => basis).filter((basis) => basis !== 'seats') : null;
}

export interface NewCorrection {
  readonly cause: CorrectionCause;
  readonly usageId: string;
  readonly buyer: string;
  readonly change: CorrectionChange;
  readonly evidence: object;
  readonly by: string;
}

/** Asks for a correction. Refusal PARAM when the record has an open one that says something else. */
export async function requestCorrection(db: Database, asked: NewCorrection): Promise<Correction> {
  const { cause, usageId, buyer, change, evidence, by } = asked;
  return db.transact(async (tx) => {
    await lockBuyer(tx, buyer);
    const [open] = await tx.rows<Correction>(sql`
      SELECT ${COLUMNS} WHERE c.usage_id = ${usageId} AND c.decision IS NULL`);
    if (open !== undefined) {
      const isSame = open.requestedBy === by && evidenceJson(open.change) === evidenceJson(change);
      if (isSame && open.cause === cause) return open;
      throw new Refusal('PARAM', say('statement.correction.open', { usage: usageId, correction: open.id }));
    }
    const id = randomBytes(16).toString('hex');
    await tx.rows(sql`
      INSERT INTO correction (id, cause, usage_id, change, evidence, requested_by)
      VALUES (${id}, ${cause}, ${usageId}, ${JSON.stringify(change)}::jsonb, ${JSON.stringify(evidence)}::jsonb, ${by})`);
    return known(await findCorrection(tx, id));
  });
}

export interface CorrectionDecision {
  readonly id: string;
  readonly decision: 'approved' | 'rejected';
  readonly by: string;
}

/**
 * Decides about a correction. Null: there is none. Refusal NO_GRANT for who asked for it, PARAM when it was decided
 * otherwise.
 */
export async function decideCorrection(
  db: Database,
  decided: CorrectionDecision,
): Promise<Correction | null> {
  return db.transact(async (tx) => {
    const before = await findCorrection(tx, decided.id);
    if (before === null) return null;
    await lockBuyer(tx, before.buyer);
    const correction = known(await findCorrection(tx, decided.id));
    const { decision, by } = decided;
    if (correction.decision !== null) {
      if (correction.decision === decision && correction.decidedBy === by) return correction;
      throw new Refusal('PARAM', say('statement.correction.decided', { correction: correction.id }));
    }
    if (correction.requestedBy === by)
      throw new Refusal('NO_GRANT', say('statement.correction.sameAccount', { account: by }));
    await writeDecision(tx, correction, decided);
    return findCorrection(tx, decided.id);
  });
}

async function writeDecision(
  tx: Tx,
  { id, cause, usageId, change, evidence, requestedBy }: Correction,
  { decision, by }: CorrectionDecision,
): Promise<void> {
  const head = await lockHead(tx);
  const at = head.now.toISOString();
  const said = { type: 'correction', correction: id, cause, usage: usageId, change, evidence, requestedBy };
  const body = evidenceJson({ ...said, decision, decidedBy: by, at });
  const leaf = appendSql(head, { body, class: 'correction', visibleAt: at });
  await tx.rows(sql`
    WITH ${leaf.parts}
    UPDATE correction SET decision = ${decision}, decided_by = ${by}, decided_at = ${at}::timestamptz,
      leaf_index = ${leaf.index}::bigint
    WHERE id = ${id}`);
}

/** A correction, or null. */
export async function findCorrection(tx: Tx, id: string): Promise<Correction | null> {
  const [row] = await tx.rows<Correction>(sql`SELECT ${COLUMNS} WHERE c.id = ${id}`);
  return row ?? null;
}

/** Corrections of a buyer's records (null: of all), the newest first, after one that was seen. */
export async function listCorrections(
  db: Tx,
  buyer: string | null,
  page: { readonly after: { readonly at: string; readonly id: string } | null; readonly limit: number },
): Promise<readonly Correction[]> {
  const { after, limit } = page;
  return db.rows<Correction>(sql`
    SELECT ${COLUMNS} WHERE (${buyer}::text IS NULL OR a.organisation_id = ${buyer})
      AND (${after?.at ?? null}::timestamptz IS NULL
        OR (c.requested_at, c.id) < (${after?.at ?? null}::timestamptz, ${after?.id ?? null}::text))
    ORDER BY c.requested_at DESC, c.id DESC LIMIT ${limit}::int`);
}

function known(correction: Correction | null): Correction {
  if (correction === null) throw new RangeError('a correction that was written is there');
  return correction;
}
