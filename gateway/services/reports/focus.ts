/**
 * Lines of statements as FOCUS 1.4 Cost and Usage (FinOps Open Cost and Usage Specification, focus.finops.org).
 *
 * Guarantee: every mandatory column of the dataset, and the conditional ones that fit; costs are decimal text in yuan,
 * times are UTC in ISO 8601; a cost is its unit price by its quantity, exactly, wherever both stand. A line that
 * takes back or bills anew what an earlier month's statement had is a Correction. Columns of our own begin with `x_`.
 *
 * How it is read here: a billing account is a buying organisation, a sub account a grant, an invoice a statement, a SKU a
 * rate card's charge. Where a charge has more than one price (tiers, packages) the line is priced as one: quantity 1.
 */
import { shortDecimalText, unitsOf } from '../../billing/decimal.ts';
import { periodBounds } from '../../billing/period.ts';
import type { Database } from '../../storage/database.ts';
import { exportLines, type ExportedLine, type LineFilter } from '../../storage/line-export.ts';
import { yuanOf } from './line-export.ts';
import { datasetsOf, type LineTerms, termsOf } from './line-terms.ts';
import { type Cell, type Column, sheetHead, sheetLines } from './sheet.ts';
import type { FileFormat } from './usage-export.ts';

/** The text of an export, in pieces. */
export async function* focusFile(
  db: Database,
  {
    filter,
    format,
    timeZone,
  }: { readonly filter: LineFilter; readonly format: FileFormat; readonly timeZone: string },
): AsyncGenerator<string> {
  const columns = FOCUS_COLUMNS.map((name): Column<FocusRow> => [name, (row) => row[name]]);
  if (format === 'csv') yield sheetHead(columns);
  for await (const lines of exportLines(db, filter)) {
    const rows = lines.map((line) => focusRow(line, timeZone));
    if (format === 'csv') yield sheetLines(columns, rows);
    else yield rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  }
}

/** The columns of the file, in their order. */
export const FOCUS_COLUMNS = [
  'AllocatedMethodId',
  'BilledCost',
  'BillingAccountId',
  'BillingAccountName',
  'BillingCurrency',
  'BillingPeriodEnd',
  'BillingPeriodStart',
  'ChargeCategory',
  'ChargeClass',
  'ChargeDescription',
  'ChargeFrequency',
  'ChargePeriodEnd',
  'ChargePeriodStart',
  'ConsumedQuantity',
  'ConsumedUnit',
  'ContractedCost',
  'ContractedUnitPrice',
  'EffectiveCost',
  'HostProviderName',
  'InvoiceDetailId',
  'InvoiceId',
  'InvoiceIssuerName',
  'ListCost',
  'ListUnitPrice',
  'PricingQuantity',
  'PricingUnit',
  'RegionId',
  'RegionName',
  'ServiceCategory',
  'ServiceName',
  'ServiceProviderName',
  'ServiceSubcategory',
  'SkuId',
  'SkuMeter',
  'SkuPriceDetails',
  'SkuPriceId',
  'SubAccountId',
  'SubAccountName',
  'Tags',
  'x_AuditLeaf',
  'x_FeeType',
  'x_GrantId',
  'x_InvoiceNumber',
  'x_Payee',
  'x_PurposeClass',
  'x_ReferenceInvoiceId',
  'x_ZeroReason',
] as const;

export type FocusRow = Readonly<Record<(typeof FOCUS_COLUMNS)[number], Cell>>;

/** A line as a row. */
export function focusRow(line: ExportedLine, timeZone: string): FocusRow {
  const { body } = line;
  const terms = termsOf(body);
  const [billing, charge] = [
    periodBounds(line.period, timeZone),
    periodBounds(body.originalPeriod, timeZone),
  ];
  const isSeat = body.basis === 'seats';
  const sku = `${terms.card?.id ?? 'free'}/${body.feeType}/${body.basis}`;
  return {
    AllocatedMethodId: null,
    BilledCost: yuanOf(body.amountFen),
    BillingAccountId: line.buyer,
    BillingAccountName: line.buyerName,
    BillingCurrency: body.currency,
    BillingPeriodEnd: instant(billing.to),
    BillingPeriodStart: instant(billing.from),
    ChargeCategory: isSeat ? 'Purchase' : 'Usage',
    ChargeClass: body.originalPeriod === line.period ? null : 'Correction',
    ChargeDescription: `${body.feeType} by ${body.basis}: ${datasetsOf(body).join(', ') || terms.grant}`,
    ChargeFrequency: isSeat ? 'Recurring' : 'Usage-Based',
    ChargePeriodEnd: instant(charge.to),
    ChargePeriodStart: instant(charge.from),
    ConsumedQuantity: isSeat ? null : body.quantity,
    ConsumedUnit: isSeat ? null : (UNITS[body.basis] ?? body.basis),
    ...pricesOf(line, terms),
    EffectiveCost: yuanOf(body.amountFen),
    HostProviderName: line.issuerName,
    InvoiceDetailId: body.id,
    InvoiceId: line.statementId,
    InvoiceIssuerName: line.issuerName,
    RegionId: line.issuerRegion,
    RegionName: line.issuerRegion,
    ServiceCategory: 'Analytics',
    ServiceName: terms.product?.id ?? (datasetsOf(body).join(' ') || terms.grant),
    ServiceProviderName: line.issuerName,
    ServiceSubcategory: 'Data Processing',
    SkuId: sku,
    SkuMeter: body.basis,
    SkuPriceDetails: JSON.stringify({ x_Model: terms.model, x_PriceState: terms.priceState }),
    SkuPriceId: sku,
    SubAccountId: terms.grant,
    SubAccountName: terms.grant,
    Tags: JSON.stringify(tagsOf(terms)),
    x_AuditLeaf: line.leafIndex,
    x_FeeType: body.feeType,
    x_GrantId: terms.grant,
    x_InvoiceNumber: line.invoice?.number ?? null,
    x_Payee: line.shares.map(({ payee }) => payee).join(' ') || null,
    x_PurposeClass: terms.purposeClass,
    x_ReferenceInvoiceId: line.reversedStatement,
    x_ZeroReason: body.zeroReason,
  };
}

type Prices = Pick<
  FocusRow,
  'ContractedCost' | 'ContractedUnitPrice' | 'ListCost' | 'ListUnitPrice' | 'PricingQuantity' | 'PricingUnit'
>;

/** Digits after the point of prices and costs: those of an exact amount. */
const PLACES = 24;
const PER_MILLE = 1000n;

/**
 * Prices before and after a discount. One price for all: quantity in units of `per`. Otherwise the line as one unit. A
 * price has no sign; what is taken back has a quantity below zero.
 */
function pricesOf({ body }: ExportedLine, { parts, unitPrice, discount, tax }: LineTerms): Prices {
  const unit = UNITS[body.basis] ?? body.basis;
  const [part] = parts;
  const sign = body.kind === 'reversal' ? -1n : 1n;
  if (part === undefined)
    return {
      PricingQuantity: body.quantity,
      PricingUnit: unit,
      ListUnitPrice: '0',
      ListCost: '0',
      ContractedUnitPrice: '0',
      ContractedCost: '0',
    };
  const withTax = (amount: bigint): bigint =>
    tax === null || tax.inclusive ? amount : (amount * (10_000n + BigInt(tax.rateBasisPoints))) / 10_000n;
  const kept = PER_MILLE - BigInt(discount?.perMille ?? 0);
  const isOne = unitPrice !== null;
  const list = isOne
    ? withTax(unitsOf(part.unitPrice, PLACES))
    : withTax(parts.reduce((sum, { amount }) => sum + unitsOf(amount, PLACES), 0n));
  const contracted = (list * kept) / PER_MILLE;
  // `per` is a power of ten, so the quantity in units of it is a decimal with as many places as `per` has zeros.
  const zeros = isOne ? part.per.length - 1 : 0;
  const quantity = sign * (isOne ? BigInt(part.quantity) : 1n);
  const cost = (price: bigint): string => shortText(price * quantity, PLACES + zeros);
  return {
    PricingQuantity: shortText(quantity, zeros),
    PricingUnit: isOne ? (part.per === '1' ? unit : `${part.per} ${unit}`) : 'Lines',
    ListUnitPrice: shortText(list, PLACES),
    ListCost: cost(list),
    ContractedUnitPrice: shortText(contracted, PLACES),
    ContractedCost: cost(contracted),
  };
}

/** Decimal text without zeros at its end. */
function shortText(value: bigint, places: number): string {
  return places === 0 ? String(value) : shortDecimalText(value, places, 0);
}

/** Units as the specification spells them: capitalised, plural. */
const UNITS: Readonly<Record<string, string>> = {
  products: 'Products',
  runs: 'Runs',
  calls: 'Calls',
  rows: 'Rows',
  bytes: 'B',
  outputs: 'Outputs',
  outputBytes: 'B',
  serviceMs: 'Milliseconds',
  cpuMs: 'Milliseconds',
  computeUnits: 'Compute Units',
  memoryMbMs: 'MB-Milliseconds',
  storageMbMs: 'MB-Milliseconds',
  seats: 'Seat-Months',
  epsilonNano: 'Nano-Epsilon',
};

/** Provider-defined tags: their keys begin with `unseen/`. */
function tagsOf({ agreement, card, costCentre, contributions, outcome, product }: LineTerms): object {
  const tags: Readonly<Record<string, string | null>> = {
    'unseen/agreement': agreement === null ? null : `${agreement.id}/${agreement.revision}`,
    'unseen/card': card === null ? null : `${card.id}/${card.revision}`,
    'unseen/costCentre': costCentre,
    'unseen/datasets': [...new Set(contributions.map(({ dataset }) => dataset))].join(' ') || null,
    'unseen/outcome': outcome,
    'unseen/product': product?.id ?? null,
  };
  return Object.fromEntries(Object.entries(tags).filter(([, value]) => value !== null));
}

/** UTC without fractions of a second, as the specification has it. */
function instant(at: Date): string {
  return `${at.toISOString().slice(0, 19)}Z`;
}
