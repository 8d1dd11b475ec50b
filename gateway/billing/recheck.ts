/**
 * Doing again what a bill rests on, from what is filed: rating a group, and holding a card against a cap.
 *
 * Guarantee: the same functions that made the bill, on what is stored now; null where they cannot be applied to it.
 */
import type { Basis } from './facts.ts';
import { bindsCard, findCapBreach, type PriceCap } from './price-cap.ts';
import type { RateCard } from './rate-card.ts';
import { AboveQuote, type RatedGroup, rateGroup } from './rating.ts';
import type { UsageGroup } from './usage-group.ts';

/** A wording, as far as it is looked at here. */
export interface Wording {
  readonly id: string;
  readonly revision: number;
  readonly body: unknown;
  readonly approvedAt: Date | null;
}

/** What a group comes to; null when its card is not filed, or it comes to more than was quoted. */
export function rerated(group: UsageGroup, cards: readonly Wording[]): RatedGroup | null {
  const fee = group.billing.fees.find(({ feeType }) => feeType === group.feeType);
  const named = fee?.card ?? null;
  const found = cards.find(({ id, revision }) => id === named?.id && revision === named.revision);
  const isFree = fee?.zeroReason !== null || (group.outcome === 'failed' && !fee.billsFailed);
  if (!isFree && found === undefined) return null;
  const card =
    found === undefined ? null : { id: found.id, revision: found.revision, body: found.body as RateCard };
  try {
    return rateGroup(group, card);
  } catch (error) {
    if (error instanceof AboveQuote) return null;
    throw error;
  }
}

/**
 * The quantity by which an approved card charges above an approved cap that binds it, in the scene of the cap at least; null:
 * by none.
 */
export function isAbove(card: Wording, cap: Wording): Basis | null {
  if (card.approvedAt === null || cap.approvedAt === null) return null;
  const [prices, limit] = [card.body as RateCard, cap.body as PriceCap];
  return bindsCard(limit, prices) ? (findCapBreach(prices, limit)?.basis ?? null) : null;
}
