/**
 * Kinds of output: which a rule releases, which wait for a person, and what a kind may not be.
 *
 * Guarantee: a kind without a rule of its own waits for a person. An answer about one named person or firm
 * (verification) is refused before anything else is looked at; the policies refuse it once more.
 * Not covered: whether a grant names the kind; the policies decide that (policies.cedar, `output-kind`).
 */
import type { OutputKind } from './grant.ts';
import { Refusal } from './refusal.ts';
import { say } from './words.ts';

/** Aggregates under noise: the ledger is their rule. */
const RELEASED_BY_RULE: readonly OutputKind[] = ['statistic', 'index'];

/**
 * Most parameters of a model. Every one is a noisy output that is paid for; the limit is for the person who reviews it:
 * a thousand numbers can be looked through in an hour, and a model of more is no longer looked at.
 */
const MODEL_PARAMETERS_MAX = 1_000;

/** Whether an answer of this kind waits for a person, under a policy that says so or not. */
export function needsReview(kind: OutputKind, release: 'automatic' | 'reviewed'): boolean {
  return release === 'reviewed' || !RELEASED_BY_RULE.includes(kind);
}

/** Refuses OUTPUT_KIND for verification, whoever asks, under whatever grant. */
export function refuseVerification(kind: OutputKind): void {
  if (kind === 'verification') throw new Refusal('OUTPUT_KIND', say('grant.outputVerification'));
}

/** Refuses OUTPUT_KIND for a kind that the policy does not list, and for a model of too many parameters. */
export function checkKind(
  kind: OutputKind,
  {
    listed,
    plannedOutputs,
  }: {
    /** Kinds of the policy; undefined: it lists none. */
    readonly listed: readonly OutputKind[] | undefined;
    /** Numbers in the answer, by Plan. */
    readonly plannedOutputs: bigint;
  },
): void {
  refuseVerification(kind);
  if (listed !== undefined && !listed.includes(kind))
    throw new Refusal('OUTPUT_KIND', say('review.kindOfPolicy', { asked: kind, listed: listed.join(', ') }));
  if (kind === 'model' && plannedOutputs > BigInt(MODEL_PARAMETERS_MAX)) {
    const args = { planned: String(plannedOutputs), max: MODEL_PARAMETERS_MAX };
    throw new Refusal('OUTPUT_KIND', say('review.modelSize', args));
  }
}

/** Why a person may reject an answer: all that its buyer is told. */
export const REJECTION_REASONS = [
  'KIND_MISMATCH',
  'PURPOSE_MISMATCH',
  'GROUPS_TOO_FINE',
  'LISTED_CONTENT',
  'RIGHTS_IN_DOUBT',
] as const;

export type RejectionReason = (typeof REJECTION_REASONS)[number];
