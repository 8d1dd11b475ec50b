/** The calls about prices: the public list, deviations and their tasks, and the separate ledger; and what they answer. */

/** How these calls reach the server: reading, acting on what is there, and making something once. */
export interface Caller {
  readonly get: <Result>(path: string, query?: Readonly<Record<string, string | number>>) => Promise<Result>;
  readonly act: <Result>(path: string, body: unknown) => Promise<Result>;
  readonly create: <Result>(path: string, body: unknown) => Promise<Result>;
}

/** What an account calls about prices. All throw ProblemError and UnreachableError. */
export interface PriceCalls {
  /** The public list. */
  list(): Promise<PublicPrices>;
  /** The published wordings of one price. */
  history(id: string): Promise<{
    readonly items: readonly { readonly id: string; readonly history: readonly PriceWording[] }[];
  }>;
  /** The deviations of a year; opens its tasks when it is over. */
  deviations(year: number): Promise<{ readonly items: readonly YearDeviation[] }>;
  tasks(): Promise<{ readonly items: readonly PriceTask[] }>;
  closeTask(end: {
    readonly year: number;
    readonly ceiling: string;
    readonly outcome: string;
  }): Promise<PriceTask>;
  enterCosts(entries: unknown): Promise<{ readonly items: readonly CostEntry[] }>;
  costs(year: number): Promise<CostBooks>;
}

export function priceCalls({ get, act, create }: Caller): PriceCalls {
  return {
    list: () => get('/v1/prices'),
    history: (id) => get('/v1/prices/history', { id }),
    deviations: (year) => act('/v1/price-deviations', { year }),
    tasks: () => get('/v1/price-tasks'),
    closeTask: (end) => act('/v1/price-tasks/close', end),
    enterCosts: (entries) => create('/v1/costs', entries),
    costs: (year) => get('/v1/costs', { year }),
  };
}

/** One wording of a price. */
export interface PriceWording {
  readonly revision: number;
  readonly state: string;
  readonly stateLabel: string;
  readonly from: string;
  readonly to: string | null;
  readonly withdrawnAt: string | null;
  readonly charges: readonly PriceCharge[];
}

/** What is charged for a quantity, as the card has it. */
export interface PriceCharge {
  readonly basis: string;
  readonly model: string;
  readonly unitPrice?: string;
  readonly per?: string;
  readonly size?: string;
  readonly tiers?: readonly { readonly upTo: string | null; readonly unitPrice: string }[];
}

/** A published price with its history. */
export interface PublicPrice extends PriceWording {
  readonly id: string;
  readonly title: string;
  readonly applies: { readonly dataset: string } | { readonly product: string };
  readonly scene: string;
  readonly feeType: string;
  readonly priceSource: string;
  readonly guidanceDocument: string | null;
  readonly history: readonly PriceWording[];
}

export interface PublicPrices {
  readonly asOf: string;
  readonly products: readonly { readonly id: string; readonly title: string }[];
  readonly prices: readonly PublicPrice[];
}

/** What a year's deviation from a revenue ceiling asks for. */
export interface PriceTask {
  readonly year: number;
  readonly ceiling: string;
  readonly kind: string;
  readonly openedAt: string;
  readonly closedAt: string | null;
  readonly outcome: string | null;
}

/** A year under one ceiling. */
export interface YearDeviation {
  readonly ceiling: string;
  readonly year: number;
  readonly working: readonly string[];
  readonly carryOver: {
    readonly openingYuan: string;
    readonly deductedYuan: string;
    readonly excessYuan: string;
    readonly closingYuan: string;
  };
  readonly disputedYuan: string;
  readonly note: string | null;
  readonly task: PriceTask | null;
}

/** An entry of the separate ledger. */
export interface CostEntry {
  readonly id: string;
  readonly period: string;
  readonly purposeClass: string;
  readonly category: string;
  readonly amountYuan: string;
  readonly description: string;
}

/** The separate ledger of a year. */
export interface CostBooks {
  readonly classes: readonly {
    readonly purposeClass: string;
    readonly items: readonly { readonly category: string; readonly amountYuan: string }[];
    readonly costsYuan: string;
    readonly subsidyYuan: string;
    readonly otherIncomeYuan: string;
    readonly netCostsYuan: string;
  }[];
  readonly entries: readonly CostEntry[];
  readonly note: string;
}
