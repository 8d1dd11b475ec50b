/**
 * From a line to the runs on it, with what they rest on, and from a run to its lines.
 *
 * Guarantee: nothing here is the text of a request, a parameter or an answer. Only records that may be seen are given.
 */
import { sql } from 'drizzle-orm';

import type { Tx } from './database.ts';
import { type StoredLine } from './statements.ts';
import { isShown } from './visibility.ts';

/** A run on a line. */
export interface TracedUsage {
  /** Of the usage record. */
  readonly id: string;
  readonly jobId: string;
  readonly account: string;
  readonly outcome: string;
  readonly seenAt: Date;
  /** Planned, of the line's basis. */
  readonly quantity: string | null;
  /** Billionths of a yuan, of the line's charge. */
  readonly quotedNano: string | null;
  readonly quoteId: string | null;
  readonly digest: string;
  /** Of its evidence in the log. */
  readonly leafIndex: string;
}

/** The runs that stand on a family now, after one that was seen. */
export async function listFamilyUsage(
  db: Tx,
  family: string,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<readonly TracedUsage[]> {
  return db.rows<TracedUsage>(sql`
    SELECT u.id, u.job_id AS "jobId", u.account_id AS account, u.outcome, u.visible_at AS "seenAt", u.planned->>c.basis AS quantity,
      u.quoted->>(c.fee_type || '/' || c.basis) AS "quotedNano", u.quote_id AS "quoteId", u.digest, u.leaf_index::text AS "leafIndex"
    FROM usage_class c JOIN rated_run r ON r.class_id = c.id JOIN usage_record u ON u.id = r.usage_id
    WHERE c.family_id = ${family} AND (${after}::text IS NULL OR u.id > ${after}) ORDER BY u.id LIMIT ${limit}::int`);
}

/** An act on record: who filed, who approved, and where it stands in the log. */
export interface Approvals {
  readonly grant: {
    readonly id: string;
    readonly provider: unknown;
    readonly buyer: unknown;
    readonly agreement: string;
    readonly datasets: readonly string[];
  } | null;
  /** The card and the agreement of the line. */
  readonly documents: readonly {
    readonly kind: string;
    readonly id: string;
    readonly revision: number;
    readonly digest: string;
    readonly filedBy: string;
    readonly approvedBy: string | null;
    readonly approvedAt: Date | null;
    readonly leafIndex: string | null;
  }[];
}

/** What a line rests on. */
export async function findApprovals(db: Tx, family: string): Promise<Approvals> {
  const documents = await db.rows<Approvals['documents'][number]>(sql`
    WITH said AS (
      SELECT f.key->'billing' AS billing, fee FROM line_family f, jsonb_array_elements(f.key->'billing'->'fees') AS fee
      WHERE f.id = ${family} AND fee->>'feeType' = f.fee_type)
    SELECT d.kind, d.id, d.revision, d.digest, d.filed_by AS "filedBy", d.approved_by AS "approvedBy",
      d.approved_at AS "approvedAt", d.leaf_index::text AS "leafIndex"
    FROM said JOIN filed_document d ON (d.kind, d.id, d.revision::text) IN (
      ('RateCard', fee->'card'->>'id', fee->'card'->>'revision'),
      ('Agreement', billing->'agreement'->>'id', billing->'agreement'->>'revision'),
      ('Product', billing->'product'->>'id', billing->'product'->>'revision'))
    ORDER BY d.kind`);
  const [grant] = await db.rows<NonNullable<Approvals['grant']>>(sql`
    SELECT g.id, g.provider_approval AS provider, g.buyer_approval AS buyer, g.body->>'parentAgreement' AS agreement,
      ARRAY(SELECT t->>'dataset' FROM jsonb_array_elements(g.body->'datasets') AS t) AS datasets
    FROM line_family f JOIN access_grant g ON g.id = f.key->>'grant' WHERE f.id = ${family}`);
  return { grant: grant ?? null, documents };
}

/** The lines of the families that a run stands on now, the oldest first. */
export async function listLinesOfJob(
  db: Tx,
  job: string,
): Promise<
  readonly (Pick<StoredLine, 'id' | 'statementId' | 'body'> & {
    readonly buyer: string;
    readonly isIssued: boolean;
  })[]
> {
  return db.rows(sql`
    SELECT l.id, l.statement_id AS "statementId", l.body, s.organisation_id AS buyer, s.state <> 'closed' AS "isIssued"
    FROM job j JOIN usage_record u ON u.job_id = j.id JOIN rated_run r ON r.usage_id = u.id JOIN usage_class c ON c.id = r.class_id
      JOIN statement_line l ON l.family_id = c.family_id JOIN statement s ON s.id = l.statement_id
    WHERE j.id = ${job} AND ${isShown('j')} ORDER BY s.seq, l.ordinal`);
}

/** Who gets which part of a line. */
export async function listShares(db: Tx, line: string): Promise<readonly object[]> {
  return db.rows(sql`
    SELECT payee, payee_type AS "payeeType", amount_fen::text AS "amountFen", instruction_id AS instruction
    FROM settlement_share WHERE line_id = ${line} ORDER BY payee`);
}
