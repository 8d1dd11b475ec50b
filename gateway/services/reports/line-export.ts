/**
 * Lines of statements as files: a table for a spreadsheet, or CloudEvents 1.0 of type `unseen.cost.line`.
 *
 * Guarantee: one row or event per line, in the order of the statements; amounts are decimal text in yuan, and the sum of
 * a statement's lines is its total. No text or code of a request stands in it.
 */
import { decimalText } from '../../billing/decimal.ts';
import type { Database } from '../../storage/database.ts';
import { exportLines, type ExportedLine, type LineFilter } from '../../storage/line-export.ts';
import { datasetsOf, termsOf } from './line-terms.ts';
import { type Column, sheetHead, sheetLines } from './sheet.ts';
import type { FileFormat } from './usage-export.ts';

/** The text of an export, in pieces. */
export async function* lineFile(
  db: Database,
  { filter, format }: { readonly filter: LineFilter; readonly format: FileFormat },
): AsyncGenerator<string> {
  if (format === 'csv') yield sheetHead(COLUMNS);
  for await (const lines of exportLines(db, filter)) {
    if (format === 'csv') yield sheetLines(COLUMNS, lines);
    else yield lines.map((line) => `${JSON.stringify(lineEvent(line))}\n`).join('');
  }
}

/** A line as an event. */
function lineEvent({ body, closedAt, statementId, ...line }: ExportedLine): object {
  const { statementNumber, issuer, buyer, period, state, leafIndex, invoice, reversedStatement } = line;
  return {
    specversion: '1.0',
    id: body.id,
    source: 'unseen',
    type: 'unseen.cost.line',
    time: closedAt.toISOString(),
    subject: statementId,
    datacontenttype: 'application/json',
    data: {
      ...body,
      statementNumber,
      issuer,
      buyer,
      period,
      state,
      leafIndex,
      invoice,
      reversedStatement,
      shares: line.shares,
    },
  };
}

/** Whole fen as yuan. */
export function yuanOf(fen: string | bigint): string {
  return decimalText(BigInt(fen), 2);
}

const COLUMNS: readonly Column<ExportedLine>[] = [
  ['line', ({ body }) => body.id],
  ['statement', ({ statementId }) => statementId],
  ['statementNumber', ({ statementNumber }) => statementNumber],
  ['issuer', ({ issuer }) => issuer],
  ['buyer', ({ buyer }) => buyer],
  ['period', ({ period }) => period],
  ['originalPeriod', ({ body }) => body.originalPeriod],
  ['state', ({ state }) => state],
  ['kind', ({ body }) => body.kind],
  ['reverses', ({ body }) => body.reverses],
  ['grant', ({ body }) => termsOf(body).grant],
  ['agreement', ({ body }) => termsOf(body).agreement?.id ?? null],
  ['datasets', ({ body }) => datasetsOf(body).join(' ')],
  ['product', ({ body }) => termsOf(body).product?.id ?? null],
  ['purposeClass', ({ body }) => termsOf(body).purposeClass],
  ['costCentre', ({ body }) => termsOf(body).costCentre],
  ['outcome', ({ body }) => termsOf(body).outcome],
  ['feeType', ({ body }) => body.feeType],
  ['basis', ({ body }) => body.basis],
  ['card', ({ body }) => termsOf(body).card?.id ?? null],
  ['cardRevision', ({ body }) => termsOf(body).card?.revision ?? null],
  ['priceSource', ({ body }) => termsOf(body).priceSource],
  ['priceState', ({ body }) => termsOf(body).priceState],
  ['model', ({ body }) => termsOf(body).model],
  ['unitPrice', ({ body }) => termsOf(body).unitPrice],
  ['events', ({ body }) => body.events],
  ['quantity', ({ body }) => body.quantity],
  ['discountReason', ({ body }) => termsOf(body).discount?.reason ?? null],
  ['discountPerMille', ({ body }) => termsOf(body).discount?.perMille ?? null],
  ['zeroReason', ({ body }) => body.zeroReason],
  ['quotedYuan', ({ body }) => decimalText(BigInt(body.quotedNano), 9)],
  ['amountPreciseYuan', ({ body }) => body.amountPrecise],
  ['amountYuan', ({ body }) => yuanOf(body.amountFen)],
  ['taxYuan', ({ body }) => yuanOf(body.taxFen)],
  ['netYuan', ({ body }) => yuanOf(body.netFen)],
  ['taxRateBasisPoints', ({ body }) => termsOf(body).tax?.rateBasisPoints ?? null],
  ['taxInclusive', ({ body }) => termsOf(body).tax?.inclusive ?? null],
  ['invoiceNumber', ({ invoice }) => invoice?.number ?? null],
  ['invoiceDate', ({ invoice }) => invoice?.issuedOn ?? null],
  ['invoiceIssuer', ({ invoice }) => invoice?.issuer ?? null],
  ['payees', ({ shares }) => shares.map(({ payee }) => payee).join(' ')],
  ['leafIndex', ({ leafIndex }) => leafIndex],
  ['inputsDigest', ({ body }) => body.inputsDigest],
];
