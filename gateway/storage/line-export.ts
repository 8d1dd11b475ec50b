/**
 * Lines of statements by the thousand, with what their statements say: the one read behind every file and report of money.
 *
 * Guarantee: pages by key, in the order of the statements' numbers and lines; lines never change, so that reading them
 * again gives the same.
 */
import { sql } from 'drizzle-orm';

import type { LineBody } from '../billing/statement-line.ts';
import type { Database } from './database.ts';
import { LIMIT, pagesAhead } from './usage-export.ts';

/** Which lines: null is any. */
export interface LineFilter {
  /** Months of the statements, from the first to the last, both included. */
  readonly from: string;
  readonly to: string;
  /** Organisations: who pays; whose dataset was used. */
  readonly buyer: string | null;
  readonly provider: string | null;
  readonly grant: string | null;
  readonly dataset: string | null;
  readonly product: string | null;
  readonly feeType: string | null;
  readonly purposeClass: string | null;
  /**
   * The organisation that reads, which is shown neither statements before they are issued nor what others get of a line;
   * null: whoever sees everything.
   */
  readonly reader: string | null;
}

/** A line with its statement. Amounts are whole fen in decimal text. */
export interface ExportedLine {
  readonly body: LineBody;
  readonly statementId: string;
  readonly statementNumber: string;
  readonly issuer: string;
  readonly issuerName: string;
  readonly issuerRegion: string;
  readonly buyer: string;
  readonly buyerName: string;
  /** Month of the statement. */
  readonly period: string;
  readonly state: 'closed' | 'issued' | 'disputed' | 'settled';
  readonly closedAt: Date;
  /** Of the statement; null until it is issued. */
  readonly leafIndex: string | null;
  readonly invoice: { readonly number: string; readonly issuedOn: string; readonly issuer: string } | null;
  /** The statement of the line that this one takes back. */
  readonly reversedStatement: string | null;
  /** Who gets how much of it, of those that the reader may know; empty until it is settled. */
  readonly shares: readonly {
    readonly payee: string;
    readonly payeeType: string;
    readonly amountFen: string;
    readonly instructed: boolean;
  }[];
}

/** The lines that a filter asks for, in pages. */
export function exportLines(db: Database, filter: LineFilter): AsyncGenerator<readonly ExportedLine[]> {
  const keyOf = ({ issuer, statementNumber, body }: ExportedLine): string =>
    JSON.stringify([issuer, statementNumber.slice(statementNumber.lastIndexOf('-') + 1), body.ordinal]);
  return pagesAhead((after) => readPage(db, filter, after), keyOf, '["","0",0]');
}

async function readPage(db: Database, filter: LineFilter, after: string): Promise<readonly ExportedLine[]> {
  const { from, to, buyer, provider, grant, dataset, product, feeType, purposeClass, reader } = filter;
  const [issuer, seq, ordinal] = JSON.parse(after) as [string, string, number];
  return db.rows<ExportedLine>(sql`
    SELECT l.body::jsonb AS body, t.id AS "statementId", t.period || '-' || lpad(t.seq::text, 6, '0') AS "statementNumber",
      t.issuer, i.name AS "issuerName", i.region AS "issuerRegion", t.organisation_id AS buyer, b.name AS "buyerName",
      t.period, t.state, t.closed_at AS "closedAt", t.leaf_index::text AS "leafIndex",
      CASE WHEN v.line_id IS NOT NULL THEN jsonb_build_object('number', v.number, 'issuedOn', v.issued_on::text, 'issuer', v.issuer) END AS invoice,
      o.statement_id AS "reversedStatement",
      coalesce((SELECT jsonb_agg(jsonb_build_object('payee', s.payee, 'payeeType', s.payee_type, 'amountFen', s.amount_fen::text,
          'instructed', s.instruction_id IS NOT NULL) ORDER BY s.payee)
        FROM settlement_share s WHERE s.line_id = l.id AND (${reader}::text IS NULL OR s.payee = ${reader})), '[]') AS shares
    FROM statement t JOIN statement_line l ON l.statement_id = t.id
      JOIN line_family f ON f.id = l.family_id
      JOIN organisation i ON i.id = t.issuer JOIN organisation b ON b.id = t.organisation_id
      LEFT JOIN invoice v ON v.line_id = l.id LEFT JOIN statement_line o ON o.id = l.reverses_line_id
    WHERE (t.issuer, t.seq, l.ordinal) > (${issuer}, ${seq}::bigint, ${ordinal}::int)
      AND t.period BETWEEN ${from} AND ${to} AND (${reader}::text IS NULL OR t.state <> 'closed')
      AND (${buyer}::text IS NULL OR t.organisation_id = ${buyer})
      AND (${feeType}::text IS NULL OR l.fee_type = ${feeType})
      AND (${grant}::text IS NULL OR f.key->>'grant' = ${grant})
      AND (${product}::text IS NULL OR f.key->'billing'->'product'->>'id' = ${product})
      AND (${purposeClass}::text IS NULL OR f.key->'billing'->>'purposeClass' = ${purposeClass})
      AND (${dataset}::text IS NULL OR f.key->'billing'->'contributions' @> jsonb_build_array(jsonb_build_object('dataset', ${dataset}::text)))
      AND (${provider}::text IS NULL OR EXISTS (
        SELECT FROM access_grant g WHERE g.id = f.key->>'grant' AND g.body->>'authoriser' = ${provider}) OR EXISTS (
        SELECT FROM jsonb_array_elements(f.key->'billing'->'contributions') c JOIN dataset d ON d.name = c->>'dataset'
        WHERE d.organisation_id = ${provider}))
    ORDER BY t.issuer, t.seq, l.ordinal LIMIT ${LIMIT}`);
}
