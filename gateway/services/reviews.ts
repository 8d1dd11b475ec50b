/**
 * Reviews: the gate before release, for answers that a person decides about.
 *
 * Guarantee: a reviewer belongs to the operator or to the provider of the data, and is neither of the applicant's
 * organisation nor the account that asked; to everybody else, the buyer's side above all, a waiting answer is not there.
 * What he is shown is the release as its buyer would get it, byte for byte, and that he was is on record.
 * Not covered: what a reviewer knows from elsewhere. His decision and its time are his own and outside the theorem.
 */
import type { FileRequest, Principal } from '#policies/request.ts';
import { type Language, say } from '#policies/words.ts';
import { instantText } from '#sandbox/release/zone.ts';
import type { Caller } from '../http/endpoint.ts';
import { HttpFault } from '../problem.ts';
import { findSeenJob, type Readers } from '../storage/oversight.ts';
import { decideHeld, type Decision, findHeld, type HeldJob, listHeld, readHeld } from '../storage/review.ts';
import { notFound } from './permission.ts';
import { type ReleaseView, viewOfAnswer } from './release-view.ts';
import type { Shell } from './shell.ts';

/** A page of what waits for this reviewer, the longest first. */
export async function listReviews(
  shell: Shell,
  { principal }: Caller,
  page: Parameters<typeof listHeld>[2],
): Promise<readonly HeldJob[]> {
  const readers: Readers = principal.roles.includes('operator')
    ? 'all'
    : { buyer: null, provider: principal.org.id };
  return listHeld(shell.db, readers, page);
}

/** Whether this reviewer may see an answer that waits, and decide about it: one right. */
export function mayReview(shell: Pick<Shell, 'policies'>, principal: Principal, held: HeldJob): boolean {
  const [provider = '', ...others] = held.providers;
  const request: FileRequest = {
    action: 'review_release',
    principal,
    file: {
      id: held.id,
      applicant: held.buyer,
      // Of the data of several providers none speaks for the others; the operator may.
      provider: others.length === 0 ? provider : '',
      submitter: held.accountId,
    },
  };
  return shell.policies.decide(request).allowed;
}

/** An entry of the list. */
export function reviewResource(shell: Shell, held: HeldJob): object {
  return {
    job: held.id,
    dataset: held.datasets[0] ?? null,
    grant: held.grantId,
    organisation: held.buyer,
    account: held.accountId,
    purpose: held.purpose,
    scene: held.scene,
    kind: held.kind,
    since: instantText(held.since.getTime(), shell.timeZone),
  };
}

/** The release of a job as its buyer would get it. The reading is recorded. HttpFault NOT_FOUND, CONFLICT. */
export async function readReview(
  shell: Shell,
  { principal }: Caller,
  { jobId, language }: { readonly jobId: string; readonly language: Language },
): Promise<ReleaseView> {
  const held = await getHeld(shell, principal, jobId);
  const job = await findSeenJob(shell.db, jobId);
  const answer = await readHeld(shell.db, held, principal.id);
  if (job === null || answer === null) throw notFound();
  return viewOfAnswer(shell, job, { answer, language, held: true });
}

/** Approves or rejects, once. HttpFault NOT_FOUND, CONFLICT; Refusal GRANT_REVOKED. */
export async function decideReview(
  shell: Shell,
  { principal }: Caller,
  jobId: string,
  decision: Decision,
): Promise<void> {
  const held = await getHeld(shell, principal, jobId);
  const by = { account: principal.id, organisation: principal.org.id };
  if ((await decideHeld(shell.db, held, by, decision)) === 'already') throw decidedAlready();
}

/**
 * A job whose answer waits for this reviewer. NOT_FOUND for whoever may not review it, with no word of why: the
 * applicant's side would learn that the run has ended.
 */
async function getHeld(shell: Shell, principal: Principal, jobId: string): Promise<HeldJob> {
  const held = await findHeld(shell.db, jobId);
  if (held === null || !mayReview(shell, principal, held)) throw notFound();
  if (held.decided) throw decidedAlready();
  return held;
}

function decidedAlready(): HttpFault {
  return new HttpFault('CONFLICT', say('review.decided'));
}
