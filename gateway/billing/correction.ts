/**
 * Corrections: what holds of a usage record instead of what it says, once two people have agreed.
 *
 * Guarantee: a correction never makes a bill larger than what its buyer was quoted: quantities go down, a purpose becomes
 * free of charge, another card charges by the same bases and is held to the quote when it is rated. The newest approved
 * correction of a record holds in place of earlier ones, so that `{ quantities: {} }` takes an earlier one back.
 * Not covered: whether the evidence is good; people decide that.
 */
import type { PurposeClass } from '#policies/purpose.ts';
import { type Sentence, say } from '#policies/words.ts';

import { findDecimalFault } from './decimal.ts';
import { BASES, type BillingFacts, type DocumentRef, type FeeType } from './facts.ts';
import { QUANTITY_MAX } from './rate-card.ts';
import type { RatableEvent } from './usage-group.ts';

export const CORRECTION_CAUSES = ['quantity', 'price', 'purpose', 'duplicate', 'dispute', 'cancel'] as const;

export type CorrectionCause = (typeof CORRECTION_CAUSES)[number];

/** What holds instead. */
export type CorrectionChange =
  /** The run stands on no line. */
  | { readonly exclude: true }
  /** Decimal text of whole numbers, each at most what the record has. */
  | { readonly quantities: Readonly<Record<string, string>> }
  /** Another rate card of the same fee for the same data or product and scene, with the same bases. */
  | { readonly card: DocumentRef & { readonly feeType: FeeType } }
  /** Only towards what is free: `governance_welfare`. */
  | { readonly purposeClass: PurposeClass };

/** The record as it is rated under a change; null: not at all. */
export function correctedEvent(event: RatableEvent, change: CorrectionChange): RatableEvent | null {
  if ('exclude' in change) return null;
  if ('quantities' in change) return { ...event, planned: { ...event.planned, ...change.quantities } };
  const { billing } = event;
  if (billing === null) return event;
  return { ...event, billing: 'card' in change ? withCard(billing, change.card) : madeFree(billing, change) };
}

function withCard(
  billing: BillingFacts,
  { feeType, id, revision }: DocumentRef & { readonly feeType: FeeType },
): BillingFacts {
  const card = { id, revision };
  return {
    ...billing,
    fees: billing.fees.map((fee) => (fee.feeType === feeType ? { ...fee, card } : fee)),
  };
}

function madeFree(
  billing: BillingFacts,
  { purposeClass }: { readonly purposeClass: PurposeClass },
): BillingFacts {
  const fees = billing.fees.map(
    (fee) => ({ ...fee, zeroReason: fee.zeroReason ?? 'public_welfare' }) as const,
  );
  return { ...billing, purposeClass, fees };
}

/** A field of a correction at fault. */
export interface CorrectionFault {
  readonly field: string;
  readonly rule: Sentence;
}

/** What a change is checked against. */
export interface CorrectedRecord extends RatableEvent {
  /** Whether all of its data are public data. */
  readonly isPublic: boolean;
  /** The bases of the card that the change names, approved; null: there is none for this fee of what was used. */
  readonly cardBases: readonly string[] | null;
}

/** Every field of a change that does not fit its record. */
export function findChangeFaults(
  record: CorrectedRecord,
  change: CorrectionChange,
): readonly CorrectionFault[] {
  if ('exclude' in change) return [];
  if ('quantities' in change) return quantityFaults(record, change.quantities);
  if ('card' in change) return cardFaults(record, change.card);
  const isFreeing = change.purposeClass === 'governance_welfare' && record.isPublic;
  if (isFreeing && record.billing?.purposeClass === 'industry') return [];
  return [{ field: 'change.purposeClass', rule: say('statement.correction.purpose') }];
}

function quantityFaults(
  { planned }: RatableEvent,
  quantities: Readonly<Record<string, string>>,
): readonly CorrectionFault[] {
  return Object.entries(quantities).flatMap(([name, value]) => {
    const field = `change.quantities.${name}`;
    const most = planned[name];
    if (!BASES.some((basis) => basis === name) || most === undefined)
      return [{ field, rule: say('statement.correction.basis', { field, known: BASES.join(', ') }) }];
    const form = findDecimalFault(value, { places: 0, max: QUANTITY_MAX });
    if (form !== null) return [{ field, rule: say('statement.correction.whole', { field }) }];
    if (BigInt(value) <= BigInt(most)) return [];
    return [{ field, rule: say('statement.correction.above', { field, most }) }];
  });
}

function cardFaults(
  { quoted, cardBases }: CorrectedRecord,
  { feeType }: { readonly feeType: FeeType },
): readonly CorrectionFault[] {
  const field = 'change.card';
  if (cardBases === null) return [{ field, rule: say('statement.correction.card') }];
  const charged = Object.keys(quoted)
    .filter((name) => name.startsWith(`${feeType}/`))
    .map((name) => name.slice(feeType.length + 1));
  const isSame = charged.length === cardBases.length && charged.every((basis) => cardBases.includes(basis));
  if (isSame) return [];
  return [{ field, rule: say('statement.correction.bases', { bases: charged.toSorted().join(', ') }) }];
}
