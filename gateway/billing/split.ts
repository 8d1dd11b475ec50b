/**
 * Who gets how much of an amount: shares by weight, to the fen.
 *
 * Guarantee: shares add up to the amount exactly; each differs from its exact part by less than one fen; the shares of
 * the negative amount are the negatives of the shares, so that a reversal takes back from everybody what he got. They
 * depend on amount and weights alone, not on the order in which the parts are named.
 *
 * Largest remainder: everybody gets his exact part rounded down, and the fen that are left go to the largest remainders;
 * of equal ones, to the first by id.
 */
import { absolute } from './decimal.ts';
import type { Contribution, FeeType } from './facts.ts';

export const PAYEE_TYPES = [
  'source_dept',
  'operator',
  'platform',
  'treasury',
  'public_service_fund',
  'trustee',
  'contributor',
] as const;

export type PayeeType = (typeof PAYEE_TYPES)[number];

/** Whom a share may be for in a rule: a payee by id, or all contributors by their weights. */
export const CONTRIBUTORS = 'contributors';
/** What the shares of a rule add up to. */
export const WHOLE_PPM = 1_000_000;

/** What a split needs of an agreement. */
export interface SplitTerms {
  readonly payees: readonly { readonly id: string; readonly type: PayeeType }[];
  readonly split: readonly {
    readonly feeType: FeeType;
    readonly shares: readonly { readonly to: string; readonly partsPerMillion: number }[];
  }[];
}

/** Somebody's part in an amount; weights are whole numbers from 0. */
export interface WeightedPart {
  readonly id: string;
  readonly weight: bigint;
}

export interface SharePart {
  readonly id: string;
  readonly amountFen: bigint;
}

export interface Share {
  readonly payee: string;
  readonly payeeType: PayeeType;
  readonly amountFen: bigint;
}

/**
 * Divides an amount by weights, in the order of the ids. RangeError: ids that are not distinct, a weight below zero, or
 * no weight at all.
 */
export function splitByWeights(amountFen: bigint, parts: readonly WeightedPart[]): readonly SharePart[] {
  const total = parts.reduce((sum, { weight }) => sum + weight, 0n);
  if (parts.some(({ weight }) => weight < 0n) || total <= 0n)
    throw new RangeError('an amount is divided by weights from 0 that are not all 0');
  if (new Set(parts.map(({ id }) => id)).size !== parts.length)
    throw new RangeError('an amount is divided among distinct parts');
  const size = absolute(amountFen);
  const cut = parts.map(({ id, weight }) => ({
    id,
    floor: (size * weight) / total,
    remainder: (size * weight) % total,
  }));
  const left = size - cut.reduce((sum, { floor }) => sum + floor, 0n);
  const favoured = new Set(
    cut
      .toSorted(byRemainder)
      .slice(0, Number(left))
      .map(({ id }) => id),
  );
  return cut.toSorted(byId).map(({ id, floor }) => {
    const share = favoured.has(id) ? floor + 1n : floor;
    return { id, amountFen: amountFen < 0n ? -share : share };
  });
}

interface Cut {
  readonly id: string;
  readonly remainder: bigint;
}

function byRemainder(a: Cut, b: Cut): number {
  if (a.remainder === b.remainder) return byId(a, b);
  return a.remainder > b.remainder ? -1 : 1;
}

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : 1;
}

/**
 * The shares of an amount of a fee under an agreement, in the order of the payees' ids: one rounding for all, what is for
 * the contributors divided among them by the weights that stand in the usage's facts. A payee of several parts has one
 * share. RangeError: no rule for the fee, or contributors are to be paid and there are none.
 */
export function sharesOf(
  amountFen: bigint,
  { payees, split }: SplitTerms,
  feeType: FeeType,
  contributions: readonly Contribution[],
): readonly Share[] {
  const rule = split.find((rule) => rule.feeType === feeType);
  if (rule === undefined) throw new RangeError(`the agreement has no split of ${feeType}`);
  const total = contributions.reduce((sum, { weight }) => sum + BigInt(weight), 0n);
  const weights = new Map<string, bigint>();
  const add = (id: string, weight: bigint): void => {
    weights.set(id, (weights.get(id) ?? 0n) + weight);
  };
  for (const { to, partsPerMillion } of rule.shares) {
    const part = BigInt(partsPerMillion);
    if (to !== CONTRIBUTORS) add(to, part * (total === 0n ? 1n : total));
    else if (total > 0n)
      for (const { contributor, weight } of contributions) add(contributor, part * BigInt(weight));
    else if (part > 0n) throw new RangeError('contributors have a share and the usage names none');
  }
  const typeOf = (id: string): PayeeType => payees.find((payee) => payee.id === id)?.type ?? 'contributor';
  return splitByWeights(
    amountFen,
    [...weights].map(([id, weight]) => ({ id, weight })),
  ).map(({ id, amountFen }) => ({ payee: id, payeeType: typeOf(id), amountFen }));
}
