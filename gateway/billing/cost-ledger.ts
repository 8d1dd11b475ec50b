/**
 * The separate ledger of authorised operation: which entries there are, and what they come to by purpose class.
 *
 * Guarantee: every entry names its class; costs of free use (public governance and welfare) stand in a book of their own,
 * and no sum that a ceiling may rest on holds them. A subsidy lowers the costs of its own class only. Amounts are whole fen.
 * Not covered: whether an entry is true; its evidence is named, and auditors read it.
 *
 * 单独核算 and the items of cost: 国家发展改革委、国家数据局《关于建立公共数据资源授权运营价格形成机制的通知》（发改价格〔2025〕65号）.
 * A cost that both classes share is divided before it is entered, into an entry for each.
 */
import { z } from 'zod';
import { PURPOSE_CLASSES, type PurposeClass } from '#policies/purpose.ts';
import { decimal, documentText, fault, findDocumentFaults, parseDocument } from './document-form.ts';
import { isPeriod } from './period.ts';
import type { Sentence } from '#policies/words.ts';

/** What costs are spent on: the items of the Notice. */
export const COST_ITEMS = [
  'platform_build_and_operation',
  'transmission',
  'aggregation',
  'storage',
  'governance',
  'staff',
  'obtaining_public_data',
  'period_expenses',
] as const;

/** With what is no cost and stands in the same books. */
export const LEDGER_CATEGORIES = [...COST_ITEMS, 'government_subsidy', 'other_income'] as const;

export type CostItem = (typeof COST_ITEMS)[number];
export type LedgerCategory = (typeof LEDGER_CATEGORIES)[number];

const ENTRIES_MAX = 1_000;

const ENTRY = z.strictObject({
  period: z.string().superRefine((text, context) => {
    if (!isPeriod(text)) context.addIssue(fault('price.ledger.period'));
  }),
  purposeClass: z.enum(PURPOSE_CLASSES),
  category: z.enum(LEDGER_CATEGORIES),
  /** In yuan. */
  amount: decimal({ places: 2, max: 10n ** 13n }).superRefine((text, context) => {
    if (/^0(\.0+)?$/.test(text)) context.addIssue(fault('price.ledger.zero'));
  }),
  description: documentText,
  evidence: documentText.nullable().default(null),
});

/** Undoes an entry, by its exact negative. */
const REVERSAL = z.strictObject({ reverses: z.string().regex(/^[0-9a-f]{32}$/), description: documentText });

const ENTRIES = z
  .strictObject({
    kind: z.literal('CostEntries'),
    entries: z.array(ENTRY).max(ENTRIES_MAX).default([]),
    reversals: z.array(REVERSAL).max(ENTRIES_MAX).default([]),
  })
  .superRefine(({ entries, reversals }, context) => {
    if (entries.length + reversals.length === 0)
      context.addIssue({ ...fault('billing.field.small', { least: '1' }), path: ['entries'] });
  });

const FORMS = { period: '2026-11', reverses: '32 × [0-9a-f]' };

export type CostEntry = Readonly<z.output<typeof ENTRY>>;
export type CostReversal = Readonly<z.output<typeof REVERSAL>>;
export type CostEntries = Readonly<z.output<typeof ENTRIES>>;

/** Parses entries and reversals; Failure CONFIG that names the first field at fault. */
export function parseCostEntries(value: unknown): CostEntries {
  return parseDocument(ENTRIES, value, FORMS);
}

/** Every field at fault of the same. */
export function findCostEntryFaults(value: unknown): readonly Sentence[] {
  return findDocumentFaults(ENTRIES, value, FORMS);
}

/** What one class has under one category, reversals taken off. */
export interface LedgerSum {
  readonly purposeClass: PurposeClass;
  readonly category: LedgerCategory;
  readonly amountFen: bigint;
}

export interface ClassCosts {
  readonly purposeClass: PurposeClass;
  readonly items: readonly { readonly category: LedgerCategory; readonly amountFen: bigint }[];
  readonly costsFen: bigint;
  readonly subsidyFen: bigint;
  readonly otherIncomeFen: bigint;
  /** Costs less subsidy. */
  readonly netCostsFen: bigint;
}

/** The books of each class, in their order, each category in the order of the list; nothing passes between them. */
export function costsByClass(sums: readonly LedgerSum[]): readonly ClassCosts[] {
  return PURPOSE_CLASSES.map((purposeClass) => {
    const items = LEDGER_CATEGORIES.map((category) => ({
      category,
      amountFen: sums
        .filter((sum) => sum.purposeClass === purposeClass && sum.category === category)
        .reduce((total, { amountFen }) => total + amountFen, 0n),
    }));
    const of = (category: LedgerCategory): bigint =>
      items.find((item) => item.category === category)?.amountFen ?? 0n;
    const subsidyFen = of('government_subsidy');
    const costsFen = COST_ITEMS.reduce((total, item) => total + of(item), 0n);
    return {
      purposeClass,
      items,
      costsFen,
      subsidyFen,
      otherIncomeFen: of('other_income'),
      netCostsFen: costsFen - subsidyFen,
    };
  });
}

/** The items of a survey that are more than the ledger holds for industry. */
export function itemsAboveLedger(
  surveyed: readonly { readonly item: CostItem; readonly amountFen: bigint }[],
  sums: readonly LedgerSum[],
): readonly { readonly item: CostItem; readonly statedFen: bigint; readonly recordedFen: bigint }[] {
  const industry = costsByClass(sums).find(({ purposeClass }) => purposeClass === 'industry');
  return COST_ITEMS.map((item) => ({
    item,
    statedFen: surveyed
      .filter((cost) => cost.item === item)
      .reduce((sum, { amountFen }) => sum + amountFen, 0n),
    recordedFen: industry?.items.find(({ category }) => category === item)?.amountFen ?? 0n,
  })).filter(({ statedFen, recordedFen }) => statedFen > recordedFen);
}
