/**
 * Usage that is charged together: what one buyer used in one month under the same grant, facts, fee and basis.
 *
 * Guarantee: the groups are a function of the set of records: not of their order, nor of the batches they come in. A
 * record that cannot be rated is refused by name, and one that comes twice as well.
 */
import { evidenceJson, sha256Hex } from '#crypto/canonical.ts';
import { say } from '#policies/words.ts';

import { nanoOf, partsOf, sumOf } from './charge.ts';
import { type Basis, BASES, type BillingFacts, FEE_TYPES, type FeeType } from './facts.ts';
import type { Period } from './period.ts';
import { quantityOf, UsageFault, wholeOf } from './quantity.ts';
import type { Card } from './rate-card.ts';

/** A usage record as rating sees it. */
export interface RatableEvent {
  readonly id: string;
  /** The month in which it became visible. */
  readonly period: Period;
  readonly grant: string;
  readonly outcome: 'released' | 'refused' | 'failed';
  /** Null where nothing was planned, and for records from before there were prices. */
  readonly billing: BillingFacts | null;
  /** Decimal text of whole numbers, by name. */
  readonly planned: Readonly<Record<string, string>>;
  /** By fee and basis, in whole billionths of a yuan. */
  readonly quoted: Readonly<Record<string, string>>;
}

/** What usage must have in common to be charged together. */
export interface UsageKey {
  readonly buyer: string;
  readonly grant: string;
  readonly billing: BillingFacts;
  readonly outcome: 'released' | 'failed';
  readonly feeType: FeeType;
  readonly basis: Basis;
  readonly period: Period;
}

export interface UsageGroup extends UsageKey {
  readonly events: bigint;
  readonly quantity: bigint;
  /** What its runs were quoted at most, in whole billionths of a yuan. */
  readonly quotedNano: bigint;
}

/** The key of a group, without its sums. */
export function keyOf({ buyer, grant, billing, outcome, feeType, basis, period }: UsageKey): UsageKey {
  return { buyer, grant, billing, outcome, feeType, basis, period };
}

/** The id of what is charged together: SHA-256 (hex) of the canonical JSON of its key. */
export function familyIdOf(key: UsageKey): string {
  return sha256Hex(evidenceJson(keyOf(key)));
}

/**
 * The groups of usage records, by family id; added to groups of earlier batches. Refused runs stand in none. A quantity
 * that is no whole number from 0, a charge that is none and a record that comes twice in a batch: UsageFault.
 */
export function foldUsage(
  events: Iterable<RatableEvent>,
  earlier: readonly UsageGroup[] = [],
): readonly UsageGroup[] {
  const groups = new Map(earlier.map((group) => [familyIdOf(group), group]));
  const families = new Map<string, string>();
  const seen = new Set<string>();
  for (const event of events) {
    if (seen.has(event.id)) throw new UsageFault(say('billing.usageTwice', { usage: event.id }));
    seen.add(event.id);
    for (const group of groupsOf(event)) addGroup(groups, familyOf(families, group), group);
  }
  return [...groups.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}

/** The family of a key. Canonical JSON and a hash for every record would take most of the time: equal texts are known. */
function familyOf(families: Map<string, string>, group: UsageKey): string {
  const text = JSON.stringify(keyOf(group));
  const known = families.get(text);
  if (known !== undefined) return known;
  const family = familyIdOf(group);
  families.set(text, family);
  return family;
}

function addGroup(groups: Map<string, UsageGroup>, family: string, added: UsageGroup): void {
  const known = groups.get(family);
  groups.set(
    family,
    known === undefined
      ? added
      : {
          ...known,
          events: known.events + added.events,
          quantity: known.quantity + added.quantity,
          quotedNano: known.quotedNano + added.quotedNano,
        },
  );
}

/** 38 digits, as in the database. */
const NANO_MAX = 10n ** 38n - 1n;

/** A record as groups of one: one for each of its charges. */
function groupsOf({
  id,
  period,
  grant,
  outcome,
  billing,
  planned,
  quoted,
}: RatableEvent): readonly UsageGroup[] {
  if (outcome === 'refused' || billing === null) return [];
  return Object.entries(quoted).map(([name, nano]) => {
    const { feeType, basis } = chargeOf(name, id);
    return {
      buyer: billing.buyer,
      grant,
      billing,
      outcome,
      feeType,
      basis,
      period,
      events: 1n,
      quantity: quantityOf(planned, basis, id),
      quotedNano: wholeOf(nano, { usage: id, name, max: NANO_MAX }),
    };
  });
}

function chargeOf(name: string, usage: string): { readonly feeType: FeeType; readonly basis: Basis } {
  const [fee, base] = name.split('/');
  const feeType = FEE_TYPES.find((known) => known === fee);
  const basis = BASES.find((known) => known === base);
  if (feeType === undefined || basis === undefined || name !== `${feeType}/${basis}`)
    throw new UsageFault(say('billing.unknownCharge', { usage, name }));
  return { feeType, basis };
}

/**
 * What a grant owes for a month in which it was in force, whatever it ran: the card's charge for a seat; null: it has
 * none. `billing.fees` holds the fee, and the quote is the price itself, or nothing where the fee is free.
 */
export function seatGroupOf(
  use: {
    readonly grant: string;
    readonly period: Period;
    readonly billing: BillingFacts;
    readonly feeType: FeeType;
  },
  { body }: Card,
): UsageGroup | null {
  const { grant, period, billing, feeType } = use;
  const charge = body.charges.find(({ basis }) => basis === 'seats');
  const fee = billing.fees.find((fee) => fee.feeType === feeType);
  if (charge === undefined || fee === undefined) return null;
  const terms = { discount: fee.discount, tax: body.tax };
  return {
    buyer: billing.buyer,
    grant,
    billing,
    outcome: 'released',
    feeType,
    basis: 'seats',
    period,
    events: 0n,
    quantity: 1n,
    quotedNano: fee.zeroReason === null ? nanoOf(sumOf(partsOf(charge, 1n)), terms) : 0n,
  };
}
