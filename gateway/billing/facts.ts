/**
 * By what a run is billed: facts that are fixed when it is admitted, and kept with its job and its usage record.
 *
 * Guarantee: each is a function of request, grant, agreement and published prices, never of data, so that a buyer may
 * read them and they may stand in a receipt's usage digest.
 */
import type { Channel } from '#policies/grant.ts';
import type { PurposeClass } from '#policies/purpose.ts';

/** Two fees with different payees, never one blended sum. */
export const FEE_TYPES = ['data_usage', 'technical_service'] as const;

export type FeeType = (typeof FEE_TYPES)[number];

/** What a charge may count: planned quantities of a run, by their names there, and months. */
export const BASES = [
  'products',
  'runs',
  'calls',
  'rows',
  'bytes',
  'outputs',
  'outputBytes',
  'serviceMs',
  'cpuMs',
  'computeUnits',
  'memoryMbMs',
  'storageMbMs',
  'seats',
  'epsilonNano',
] as const;

export type Basis = (typeof BASES)[number];

/** Why a fee is zero. */
export const ZERO_REASONS = [
  'public_welfare',
  'open_channel',
  'no_rate_card',
  'zero_price',
  'failed_run',
] as const;

export type ZeroReason = (typeof ZERO_REASONS)[number];

/** The only reasons for which two buyers may pay differently (深圳经济特区数据条例, 差别待遇 exceptions). */
export const DISCOUNT_REASONS = ['real_need_and_custom', 'new_user_period', 'fair_random', 'law'] as const;

export type DiscountReason = (typeof DISCOUNT_REASONS)[number];

/** A wording of a filed document. */
export interface DocumentRef {
  readonly id: string;
  readonly revision: number;
}

/** How one fee of a run is priced. */
export interface FeeFacts {
  readonly feeType: FeeType;
  /** Null where no card was in force. */
  readonly card: DocumentRef | null;
  /** Set where the fee is zero whatever the card says. */
  readonly zeroReason: ZeroReason | null;
  readonly discount: { readonly reason: DiscountReason; readonly perMille: number } | null;
  /** Whether a failed run is billed like any other; false without a card. */
  readonly billsFailed: boolean;
}

/** A part in what a dataset earns. */
export interface Contribution {
  readonly dataset: string;
  readonly contributor: string;
  /** A whole number from 1, as decimal text; relative to the other weights. */
  readonly weight: string;
}

export interface BillingFacts {
  /** The organisation that pays. */
  readonly buyer: string;
  readonly purposeClass: PurposeClass;
  readonly channel: Channel;
  readonly costCentre: string | null;
  readonly product: DocumentRef | null;
  readonly agreement: DocumentRef | null;
  readonly contributions: readonly Contribution[];
  /** One for each fee type, in their order. */
  readonly fees: readonly FeeFacts[];
}

/** The name of a charge in `quoted`: `data_usage/calls`. */
export type ChargeKey = `${FeeType}/${Basis}`;

/** What a run is billed at most, by fee and basis: whole billionths of a yuan, as decimal text. */
export type Quoted = Readonly<Record<string, string>>;
