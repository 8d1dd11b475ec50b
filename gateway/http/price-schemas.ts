/** The schemas of prices in the API: the public list, deviations and their tasks, and the separate ledger. */
import { z } from '@hono/zod-openapi';

const yuan = z.string().regex(/^-?\d+\.\d{2}$/);
const moment = z.iso.datetime({ offset: true });
const year = z.int().min(2000).max(2200);

export const yearQuery = z.strictObject({ year: z.coerce.number().pipe(year) });
export const yearAsk = z.strictObject({ year });
export const historyQuery = z.strictObject({ id: z.string().min(1).max(128).optional() });
export const taskEnd = z.strictObject({
  year,
  ceiling: z.string().min(1).max(128),
  outcome: z.string().trim().min(1).max(1_000),
});
/** `CostEntries`; its own form says what is wrong with a field. */
export const costEntries = z.looseObject({});

const wording = z.object({
  revision: z.int(),
  state: z.string(),
  stateLabel: z.string(),
  from: moment,
  to: moment.nullable(),
  withdrawnAt: moment.nullable(),
  charges: z.array(z.looseObject({ basis: z.string(), model: z.string() })),
  bills: z.object({ failed: z.boolean() }),
});

export const priceHistories = z.object({
  items: z.array(z.object({ id: z.string(), history: z.array(wording) })),
});

export const priceList = z.object({
  asOf: moment,
  currency: z.string(),
  products: z.array(z.looseObject({ id: z.string(), title: z.string() })),
  prices: z.array(
    wording.extend({
      id: z.string(),
      title: z.string(),
      applies: z.union([z.object({ dataset: z.string() }), z.object({ product: z.string() })]),
      scene: z.string(),
      feeType: z.string(),
      priceSource: z.string(),
      guidanceDocument: z.string().nullable(),
      tax: z.object({ rateBasisPoints: z.int(), inclusive: z.boolean() }),
      discounts: z.array(z.object({ reason: z.string(), perMille: z.int(), until: moment })),
      history: z.array(wording),
    }),
  ),
});

export const priceTask = z.object({
  year: z.int(),
  ceiling: z.string(),
  kind: z.enum(['actual_price', 'cap']),
  working: z.looseObject({}),
  openedAt: moment,
  closedAt: moment.nullable(),
  closedBy: z.string().nullable(),
  outcome: z.string().nullable(),
});

export const priceTasks = z.object({ items: z.array(priceTask) });

export const deviations = z.object({
  items: z.array(
    z.object({
      ceiling: z.string(),
      year: z.int(),
      ceilingYuan: yuan,
      revenueYuan: yuan,
      differenceYuan: yuan,
      percent: z.string().nullable(),
      direction: z.enum(['above', 'below', 'equal']),
      taskKind: z.enum(['actual_price', 'cap']),
      working: z.array(z.string()),
      disputedYuan: yuan,
      carryOver: z.object({ openingYuan: yuan, deductedYuan: yuan, excessYuan: yuan, closingYuan: yuan }),
      final: z.boolean(),
      note: z.string().nullable(),
      task: priceTask.nullable(),
    }),
  ),
});

const cost = z.object({
  id: z.string(),
  period: z.string(),
  purposeClass: z.string(),
  category: z.string(),
  amountYuan: yuan,
  description: z.string(),
  evidence: z.string().nullable(),
  reverses: z.string().nullable(),
  enteredBy: z.string(),
  enteredAt: moment,
});

export const enteredCosts = z.object({ items: z.array(cost) });

export const costBooks = z.object({
  year: z.int(),
  classes: z.array(
    z.object({
      purposeClass: z.string(),
      items: z.array(z.object({ category: z.string(), amountYuan: yuan })),
      costsYuan: yuan,
      subsidyYuan: yuan,
      otherIncomeYuan: yuan,
      netCostsYuan: yuan,
    }),
  ),
  entries: z.array(cost),
  note: z.string(),
});
