/**
 * What the clients of the kill tests order, and what a gateway makes of it.
 *
 * Loaded by processes that live for a fraction of a second, so it loads little: a request comes as plain data from the
 * process that has set the stage.
 */
import { randomBytes } from 'node:crypto';

import type { BillingFacts } from '#gateway/billing/facts.ts';
import type { Closing } from '#gateway/storage/statements.ts';
import type { Admission, RunPrice } from '#gateway/storage/admission.ts';
import type { PlannedUsage } from '#gateway/storage/tables/jobs.ts';

/** One request to a gateway. `n` names it; a request that was not answered is sent again as it is. */
export type Order = { readonly n: number } & NewOrder;

export type NewOrder =
  | ({ readonly kind: 'submit' } & Request)
  | { readonly kind: 'quote'; readonly plan: string; readonly grant: string }
  | { readonly kind: 'accept'; readonly quote: string };

export interface Request {
  readonly plan: string;
  readonly grant: string;
  /** The Idempotency-Key. */
  readonly key: string;
  readonly quote: string | null;
}

/** A request that everything allows, as JSON can carry it. */
export interface Template {
  readonly plain: Omit<Admission, 'charges' | 'priceOf' | 'decide'>;
  readonly lineage: string;
  readonly billing: BillingFacts;
}

/** Nano-ρ that an answer costs. */
export const COST = 1_000n;
/** Nano-yuan a call: the card says 0.004 yuan. */
export const CALL = 4_000_000n;
const CALLS_MAX = 4;

/** 128 random bits in hex. */
export function newId(): string {
  return randomBytes(16).toString('hex');
}

/** The admission that a request asks for: of one call to four, by its Plan. */
export function askOf(template: Template, { plan, grant, key, quote }: Request): Admission {
  const calls = 1 + (Number.parseInt(plan.slice(0, 1), 16) % CALLS_MAX);
  const { plain, lineage } = template;
  return {
    ...plain,
    jobId: newId(),
    planDigest: plan,
    grant,
    quote,
    idempotency: { key, bodyHash: plan },
    planned: { ...plain.planned, calls: String(calls) },
    charges: [{ lineage, unit: 'rho', nano: COST, thresholdDeltaYocto: 0n }],
    priceOf: (_tx, _grant, planned) => Promise.resolve(priceAt(template, planned)),
    decide: () => undefined,
  };
}

/** What the card says of these quantities, in one multiplication. */
export function priceAt({ billing }: Template, planned: PlannedUsage): RunPrice {
  const spendNano = String(CALL * BigInt(planned['calls'] ?? 0));
  return { billing, quoted: { 'data_usage/calls': spendNano, 'technical_service/calls': '0' }, spendNano };
}

/** A month to close, as JSON can carry it. */
export type Month = Omit<Closing, 'from' | 'to'> & { readonly from: string; readonly to: string };

export function closingOf({ from, to, ...month }: Month): Closing {
  return { ...month, from: new Date(from), to: new Date(to) };
}
