/**
 * The review of programs as data: the states of a program, who speaks for which side, and what a rejection must say.
 *
 * Guarantee: both lists of steps are closed; a program is approved only when the operator's side and the provider of
 * every dataset that it reads have each approved, by different accounts, none of them of the applicant's organisation. A
 * suspension ends these approvals: all of them must be given anew.
 * Not covered: whether somebody may act for a side at all; the policies decide that.
 */

export const PROGRAM_STATES = [
  'submitted',
  'scanned',
  'in_review',
  'approved',
  'suspended',
  'rejected',
  'withdrawn',
] as const;
export type ProgramState = (typeof PROGRAM_STATES)[number];

/**
 * What can happen to a program. `read`: a reviewer was shown its code. `approved`: one side has approved. `aborted`: one
 * of its jobs ended as PROGRAM_ABORTED.
 */
export type ProgramEvent = 'read' | 'aborted' | ProgramState;

/** Aborted jobs that suspend a program, counted from its approval: each may have told one bit of the data. */
export const ABORTS_MAX = 3;

/** For whom somebody acts. `runner`: nobody acted; the runner met it in a job of the account that is named. */
export type ProgramSide = 'applicant' | 'operator' | 'provider' | 'oversight' | 'runner';

/** Why a program may be rejected; the written reason and its basis stand beside the code. */
export const PROGRAM_REJECTIONS = [
  'PURPOSE_MISMATCH',
  'METHOD_UNSOUND',
  'RISK_TOO_HIGH',
  'RECORD_INCOMPLETE',
  'RIGHTS_IN_DOUBT',
] as const;
export type ProgramRejection = (typeof PROGRAM_REJECTIONS)[number];

/** What a program's file says about it, for reviewers; all of it is the applicant's word. */
export const PROGRAM_RECORD_FIELDS = [
  'algorithmType',
  'modelType',
  'scene',
  'implementation',
  'intellectualProperty',
  'securityReview',
] as const;
export type ProgramRecord = Readonly<Record<(typeof PROGRAM_RECORD_FIELDS)[number], string | null>>;

/** One side's approval of a program. */
export interface SideApproval {
  readonly side: 'operator' | 'provider';
  readonly organisation: string;
  readonly account: string;
}

/** The sides whose approval is missing: `operator`, or the organisation of a provider. */
export function missingApprovals(
  given: readonly SideApproval[],
  providers: readonly string[],
): readonly ({ readonly side: 'operator' } | { readonly side: 'provider'; readonly organisation: string })[] {
  const has = (side: SideApproval['side'], organisation: string | null): boolean =>
    given.some((one) => one.side === side && (organisation === null || one.organisation === organisation));
  return [
    ...(has('operator', null) ? [] : [{ side: 'operator' as const }]),
    ...[...new Set(providers)]
      .filter((organisation) => !has('provider', organisation))
      .map((organisation) => ({ side: 'provider' as const, organisation })),
  ];
}
