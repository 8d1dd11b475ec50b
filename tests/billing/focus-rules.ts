/** The rules of FOCUS 1.4 Cost and Usage, column by column, and what of a row breaks them. */
import { unitsOf } from '#gateway/billing/decimal.ts';

type Rule = {
  readonly kind: 'text' | 'decimal' | 'price' | 'time' | 'json';
  readonly nulls: boolean;
  readonly allowed?: readonly string[];
};
const text = (nulls = false, allowed?: readonly string[]): Rule => ({
  kind: 'text',
  nulls,
  ...(allowed && { allowed }),
});
const decimal: Rule = { kind: 'decimal', nulls: false };
const price: Rule = { kind: 'price', nulls: true };
const time: Rule = { kind: 'time', nulls: false };

/** Columns of FOCUS 1.4 Cost and Usage: data type, nullability and allowed values, from the specification's own tables. */
export const MANDATORY: Readonly<Record<string, Rule>> = {
  BilledCost: decimal,
  BillingAccountId: text(),
  BillingAccountName: text(true),
  BillingCurrency: text(false, ['CNY']),
  BillingPeriodEnd: time,
  BillingPeriodStart: time,
  ChargeCategory: text(false, ['Usage', 'Purchase', 'Tax', 'Credit', 'Adjustment']),
  ChargeClass: text(true, ['Correction']),
  ChargeDescription: text(true),
  ChargePeriodEnd: time,
  ChargePeriodStart: time,
  ContractedCost: decimal,
  EffectiveCost: decimal,
  HostProviderName: text(),
  InvoiceIssuerName: text(),
  ListCost: decimal,
  PricingQuantity: { kind: 'decimal', nulls: true },
  PricingUnit: text(true),
  ServiceCategory: text(false, ['Analytics']),
  ServiceName: text(),
  ServiceProviderName: text(),
};
const OTHERS: Readonly<Record<string, Rule>> = {
  AllocatedMethodId: text(true),
  ChargeFrequency: text(false, ['One-Time', 'Recurring', 'Usage-Based']),
  ConsumedQuantity: { kind: 'decimal', nulls: true },
  ConsumedUnit: text(true),
  ContractedUnitPrice: price,
  InvoiceDetailId: text(true),
  InvoiceId: text(true),
  ListUnitPrice: price,
  RegionId: text(true),
  RegionName: text(true),
  ServiceSubcategory: text(false, ['Data Processing']),
  SkuId: text(true),
  SkuMeter: text(true),
  SkuPriceDetails: { kind: 'json', nulls: true },
  SkuPriceId: text(true),
  SubAccountId: text(true),
  SubAccountName: text(true),
  Tags: { kind: 'json', nulls: true },
};
const FORMS: Readonly<Record<Rule['kind'], RegExp>> = {
  text: /^\S(.*\S)?$/,
  decimal: /^-?\d+(\.\d+)?$/,
  price: /^\d+(\.\d+)?$/,
  time: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
  json: /^\{.*\}$/,
};

export type Row = Record<string, string | null>;

/** What is wrong with a row. */
export function faultsOf(row: Row): string[] {
  const faults = Object.entries({ ...MANDATORY, ...OTHERS }).flatMap(([name, { kind, nulls, allowed }]) => {
    const value = row[name];
    if (value === undefined) return [`${name}: absent`];
    if (value === null) return nulls ? [] : [`${name}: null`];
    const isAllowed = FORMS[kind].test(value) && (allowed === undefined || allowed.includes(value));
    return isAllowed ? [] : [`${name}: ${value}`];
  });
  const units = (name: string): bigint => unitsOf(row[name] ?? '0', 40);
  for (const side of ['List', 'Contracted'])
    if (units(`${side}UnitPrice`) * units('PricingQuantity') !== units(`${side}Cost`) * 10n ** 40n)
      faults.push(`${side}Cost is not its unit price by its quantity`);
  const isUsage = row['ChargeCategory'] === 'Usage';
  if (isUsage && row['SkuPriceId'] === null) faults.push('SkuPriceId: null for Usage');
  if ((row['ConsumedQuantity'] === null) === isUsage) faults.push('ConsumedQuantity');
  if (row['ChargeFrequency'] === 'Usage-Based' && !isUsage) faults.push('ChargeFrequency');
  if ((row['BillingPeriodStart'] === row['ChargePeriodStart']) === (row['ChargeClass'] === 'Correction'))
    faults.push('ChargeClass');
  const known = new Set([...Object.keys(MANDATORY), ...Object.keys(OTHERS)]);
  faults.push(...Object.keys(row).filter((name) => !known.has(name) && !name.startsWith('x_')));
  return faults;
}
