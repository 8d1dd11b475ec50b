/** Statements as people read them: plain text in Chinese or English, and tables for spreadsheets. */
import { type Language, render, say, type SentenceId } from '#policies/words.ts';
import { amountInChinese, amountInEnglish, yuan, yuanOfNano } from '../billing/amount-in-words.ts';
import type { RateCard } from '../billing/rate-card.ts';
import type { InstructionView, LineView, StatementView } from '../client/statements.ts';
import { type Column, sheetHead, sheetLines } from '../services/reports/sheet.ts';
import { renderFields, renderTable } from './table.ts';

const worded = (language: Language, name: string, args: Readonly<Record<string, string>> = {}): string =>
  render(say(`statement.print.${name}` as SentenceId, args), language);

/** A statement on paper: its head, its lines with quoted beside charged, and the sum in figures and words. */
export function renderStatement(
  { head, state, issuedAt, digest, leafIndex }: StatementView,
  lines: readonly LineView[],
  language: Language,
): string {
  const say1 = (name: string): string => worded(language, name);
  const fields = renderFields([
    [say1('number'), head.number],
    [say1('issuer'), head.issuer],
    [say1('buyer'), head.buyer],
    [say1('period'), head.period],
    [say1('state'), worded(language, `state.${state}`)],
    [say1('issuedAt'), issuedAt ?? '-'],
  ]);
  const columns = [
    'line',
    'fee',
    'grant',
    'basis',
    'quantity',
    'unitPrice',
    'quoted',
    'charged',
    'tax',
    'note',
    'invoice',
  ];
  const table = renderTable(
    columns.map((name) => ({
      title: say1(name),
      align: ['quantity', 'unitPrice', 'quoted', 'charged', 'tax'].includes(name) ? 'right' : 'left',
    })),
    lines.map((each) => cellsOf(each, language)),
  );
  const sum = BigInt(head.totalFen);
  const words = language === 'zh' ? amountInChinese(sum) : amountInEnglish(sum);
  const totals = renderFields([
    ...head.totals.map(
      ({ feeType, amountFen }) => [worded(language, `fee.${feeType}`), yuan(BigInt(amountFen))] as const,
    ),
    [say1('total'), `${yuan(sum)} ${head.currency}`],
    [say1('words'), words],
  ]);
  const evidence = renderFields([
    [say1('digest'), digest],
    [say1('leaf'), leafIndex ?? '-'],
  ]);
  return `${say1('title')}\n\n${fields}\n${table}\n${totals}\n${evidence}`;
}

function cellsOf({ line, invoice }: LineView, language: Language): readonly string[] {
  return [
    String(line.ordinal),
    worded(language, `fee.${line.feeType}`),
    String(line['grant']),
    line.basis,
    line.quantity,
    textOf(line['unitPrice']),
    yuanOfNano(BigInt(line.quotedNano)),
    yuan(BigInt(line.amountFen)),
    taxOf(line['tax'], line.taxFen, language),
    noteOf(line, language),
    invoice === null ? '-' : `${invoice.number} (${invoice.issuedOn}, ${invoice.issuer})`,
  ];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '-';
}

/** `0.24 (6 %, inclusive)`. */
function taxOf(tax: unknown, taxFen: string, language: Language): string {
  if (tax === null || tax === undefined) return '-';
  const { rateBasisPoints, inclusive } = tax as RateCard['tax'];
  const rate = `${Math.floor(rateBasisPoints / 100)}.${String(rateBasisPoints % 100).padStart(2, '0')} %`;
  return `${yuan(BigInt(taxFen))} (${rate}, ${worded(language, inclusive ? 'inclusive' : 'onTop')})`;
}

/** Why it is free, discounted, late or tried. */
function noteOf(
  { kind, originalPeriod, zeroReason, reverses, ...terms }: LineView['line'],
  language: Language,
): string {
  const { discount, priceState } = terms as {
    readonly discount?: { readonly reason: string; readonly perMille: number } | null;
    readonly priceState?: string | null;
  };
  return [
    ...(kind === 'charge' ? [] : [worded(language, `kind.${kind}`)]),
    ...(reverses === null ? [] : [reverses]),
    originalPeriod,
    ...(priceState === 'trial' ? [worded(language, 'trial')] : []),
    ...(zeroReason === null ? [] : [worded(language, `zero.${zeroReason}`)]),
    ...(discount == null
      ? []
      : [`-${discount.perMille} ‰ ${worded(language, `discount.${discount.reason}`)}`]),
  ].join('; ');
}

const term =
  (name: string) =>
  ({ line }: LineView): string | null => {
    const value = line[name];
    if (value === null || value === undefined) return null;
    return typeof value === 'string' ? value : JSON.stringify(value);
  };

const reference =
  (name: string) =>
  ({ line }: LineView): string | null => {
    const found = line[name] as { readonly id: string; readonly revision: number } | null | undefined;
    return found == null ? null : `${found.id}/${found.revision}`;
  };

/** The columns of a statement as CSV; docs/billing/files.md describes each. */
const LINE_COLUMNS: readonly Column<LineView>[] = [
  ['line', term('id')],
  ['statement', term('statement')],
  ['kind', term('kind')],
  ['reverses', term('reverses')],
  ['reversedBy', ({ reversedBy }) => reversedBy],
  ['originalPeriod', term('originalPeriod')],
  ['feeType', term('feeType')],
  ['basis', term('basis')],
  ['grant', term('grant')],
  ['agreement', reference('agreement')],
  ['product', reference('product')],
  ['card', reference('card')],
  ['priceSource', term('priceSource')],
  ['priceState', term('priceState')],
  ['purposeClass', term('purposeClass')],
  ['channel', term('channel')],
  ['costCentre', term('costCentre')],
  ['outcome', term('outcome')],
  ['events', term('events')],
  ['quantity', term('quantity')],
  ['unitPrice', term('unitPrice')],
  ['quoted', ({ line }) => yuanOfNano(BigInt(line.quotedNano))],
  ['charged', ({ line }) => yuan(BigInt(line.amountFen))],
  ['net', ({ line }) => yuan(BigInt(line.netFen))],
  ['tax', ({ line }) => yuan(BigInt(line.taxFen))],
  ['taxBasisPoints', ({ line }) => (line['tax'] as RateCard['tax'] | null)?.rateBasisPoints ?? null],
  ['taxInclusive', ({ line }) => (line['tax'] as RateCard['tax'] | null)?.inclusive ?? null],
  ['currency', term('currency')],
  ['zeroReason', term('zeroReason')],
  ['discountReason', ({ line }) => (line['discount'] as { readonly reason: string } | null)?.reason ?? null],
  [
    'discountPerMille',
    ({ line }) => (line['discount'] as { readonly perMille: number } | null)?.perMille ?? null,
  ],
  ['invoiceNumber', ({ invoice }) => invoice?.number ?? null],
  ['invoiceDate', ({ invoice }) => invoice?.issuedOn ?? null],
  ['invoiceIssuer', ({ invoice }) => invoice?.issuer ?? null],
  ['family', term('family')],
];

/** The lines of a statement for a spreadsheet. */
export function lineSheet(lines: readonly LineView[]): string {
  return `${sheetHead(LINE_COLUMNS)}${sheetLines(LINE_COLUMNS, lines)}`;
}

/** The columns of settlement instructions as CSV. */
const INSTRUCTION_COLUMNS: readonly Column<InstructionView>[] = [
  ['instruction', ({ id }) => id],
  ['statement', ({ statementId }) => statementId],
  ['contractNumber', ({ contractNumber }) => contractNumber],
  ['feeType', ({ feeType }) => feeType],
  ['payer', ({ payer }) => payer],
  ['payee', ({ payee }) => payee],
  ['payeeType', ({ payeeType }) => payeeType],
  ['amount', ({ amountFen }) => yuan(BigInt(amountFen))],
  ['currency', ({ currency }) => currency],
  ['state', ({ state }) => state],
  ['reference', ({ reference: bank }) => bank],
];

/** Settlement instructions for a spreadsheet or a bank. */
export function instructionSheet(instructions: readonly InstructionView[]): string {
  return `${sheetHead(INSTRUCTION_COLUMNS)}${sheetLines(INSTRUCTION_COLUMNS, instructions)}`;
}
