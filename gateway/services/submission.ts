/**
 * Submission: from a request to a queued job, or to a recorded refusal. The order is the argument.
 *
 * Guarantee: no job without a decision, a quota and a budget that were all checked in the transaction that made it.
 * Every request that a buyer sends and that is refused leaves a job, a usage record and a leaf in the log, and spends
 * nothing. The decision is kept with the job, so that it can be made again from the record alone.
 */
import { randomBytes } from 'node:crypto';
import { digestOf } from '#crypto/canonical.ts';
import { type DecisionRecord, recordOf } from '#policies/decide.ts';
import { refusalOf } from '#policies/explain.ts';
import { needsReview, refuseVerification } from '#policies/output-kind.ts';
import { Refusal, type RefusedCode } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { BillingFacts } from '../billing/facts.ts';
import type { Caller } from '../http/endpoint.ts';
import { JobRefused } from '../problem.ts';
import { type Admission, admit, type JobRequest, refuse, type StoredGrant } from '../storage/admission.ts';
import type { GrantRecord } from '../storage/grant-store.ts';
import type { IdempotencyKey } from '../storage/idempotency.ts';
import { findJob } from '../storage/job-view.ts';
import type { PlannedUsage } from '../storage/tables/jobs.ts';
import { findOperator } from '../storage/party-list.ts';
import { callOf } from './products.ts';
import {
  type BuyerAsk,
  costText,
  countedOf,
  type KeptRefusal,
  type KeptRequest,
  planAsk,
  type Planning,
  type SentAsk,
  showingOf,
  useRequest,
} from './planning.ts';
import { heldGrant, priceOfUse, withNearest } from './quotes.ts';
import { withPracticeGrant } from './practice.ts';
import type { Shell } from './shell.ts';

/** A request on its way, with what is known of it so far: what a refusal records. */
interface Submission {
  readonly jobId: string;
  readonly caller: Caller;
  readonly sent: SentAsk;
  readonly idempotency: IdempotencyKey | null;
  readonly operator: string;
  grant: GrantRecord | null;
  /** With what its product says. */
  ask: BuyerAsk | null;
  /** By what it would be billed. */
  billing: BillingFacts | null;
  planning: Planning | null;
  decision: DecisionRecord | null;
}

/** Submits a request. Returns the job's id; throws JobRefused for a request that was refused and recorded. */
export async function submitJob(
  shell: Shell,
  caller: Caller,
  { ask, idempotency }: { readonly ask: SentAsk; readonly idempotency: IdempotencyKey | null },
): Promise<string> {
  const sent = await withPracticeGrant(shell, caller, ask);
  const operator = await findOperator(shell.db);
  if (operator === null) throw new Refusal('NO_GRANT', say('api.noOperator'));
  const jobId = randomBytes(16).toString('hex');
  const unknown = { grant: null, ask: null, billing: null, planning: null, decision: null };
  const submission: Submission = { jobId, caller, sent, idempotency, operator, ...unknown };
  try {
    return await admitted(shell, submission);
  } catch (error) {
    // A reused key belongs to another request; there is nothing of this one to record.
    if (
      !(error instanceof Refusal) ||
      error instanceof JobRefused ||
      error.sentence.id === 'storage.keyReused'
    )
      throw error;
    return recorded(shell, submission, error);
  }
}

/** Each step may refuse. */
async function admitted(shell: Shell, submission: Submission): Promise<string> {
  const { caller, sent } = submission;
  // 0. Whatever grant, role or setting: no answer about one named person or firm.
  refuseVerification(sent.outputKind);
  // 1. The grant: one that the caller's organisation holds.
  submission.grant = await heldGrant(shell, caller, sent.grant);
  if (submission.grant === null) throw new Refusal('NO_GRANT', say('storage.noGrant'));
  // 2. What its product says, if one is named; the Plan, its cost and its planned quantities, from text, manifest and policy alone.
  const ask = await callOf(shell, sent);
  submission.ask = ask;
  const planning = await planAsk(shell, ask, caller.principal.org.id);
  submission.planning = planning;
  // 3. The quote, if one is named, or the price; decision, quota and budget, in one transaction with the job.
  const admission = await admit(shell.db, admissionOf(shell, submission, { ask, planning })).catch(
    async (error: unknown) => {
      throw error instanceof Refusal
        ? await withNearest(shell, { ask, planning, grant: { id: ask.grant } }, error)
        : error;
    },
  );
  return admission.kind === 'replayed' ? replayed(shell, admission.jobId) : admission.jobId;
}

function admissionOf(
  shell: Shell,
  submission: Submission,
  { ask, planning }: { readonly ask: BuyerAsk; readonly planning: Planning },
): Admission {
  const { caller } = submission;
  const priceOf = priceOfUse(shell, { buyer: caller.principal.org.id, ask, planning });
  const { plan, policy } = planning.compiled;
  return {
    ...jobRequestOf(submission, false),
    // Read when the job is written, which is after the decision.
    get request() {
      return keptOf(submission, false);
    },
    grant: ask.grant,
    planDigest: planning.planDigest,
    versionId: planning.dataset.versionId,
    charges: planning.charges,
    day: countedOf(ask, planning, { at: shell.now(), hasQuote: ask.quote !== null }).day,
    costCentre: ask.costCentre,
    product: ask.product === null ? null : { id: ask.product.id, revision: ask.product.revision },
    timing: plan.timing,
    repeats: policy.repeats,
    review: reviewOf(submission),
    quote: ask.quote,
    priceOf: async (tx, grant, planned) => {
      const { billing, quoted, spendNano } = await priceOf(tx, grant, planned);
      submission.billing = billing;
      return { billing, quoted, spendNano };
    },
    decide: (grant, planned) => {
      submission.decision = decided(shell, { caller, ask, planning, planned, grant });
    },
  };
}

function decided(
  shell: Shell,
  use: {
    readonly caller: Caller;
    readonly ask: BuyerAsk;
    readonly planning: Planning;
    readonly planned: PlannedUsage;
    readonly grant: StoredGrant;
  },
): DecisionRecord {
  const { caller, ...used } = use;
  const request = useRequest(shell, { action: 'run', principal: caller.principal, ...used });
  const decision = shell.policies.decide(request);
  const record = recordOf(request, decision);
  if (!decision.allowed) throw new Denied(decision.code ?? 'NO_GRANT', refusalOf(decision, request), record);
  return record;
}

/** A denial with its record. */
class Denied extends Refusal {
  readonly record: DecisionRecord;

  constructor(code: RefusedCode, { sentence }: Refusal, record: DecisionRecord) {
    super(code, sentence);
    this.record = record;
  }
}

function keptOf(
  { sent, ask: resolved, planning, decision }: Submission,
  refused: boolean,
): KeptRequest | KeptRefusal {
  const ask = resolved ?? sent;
  const params = ask.frontEnd === 'program' ? ask.params : null;
  return {
    ...ask,
    // A million numbers of whoever is refused are not ours to store; which they were can be told by their digest.
    ...(refused && ask.frontEnd === 'program' && { params: null }),
    ...(refused && ask.frontEnd === 'product' && { parameters: {} }),
    paramsDigest: params === null ? null : digestOf(params),
    decision,
    cost: planning === null ? null : costText(planning.compiled.plan.cost),
    timing: planning?.compiled.plan.timing ?? null,
    showing: planning === null || refused ? null : showingOf(planning.compiled),
    review: reviewOf({ sent, planning }),
    refused,
  };
}

/** Whether a person decides about the release. */
function reviewOf({ sent, planning }: Pick<Submission, 'sent' | 'planning'>): boolean {
  return planning !== null && needsReview(sent.outputKind, planning.compiled.policy.release);
}

function jobRequestOf(submission: Submission, refused: boolean): JobRequest {
  const { jobId, caller, sent, idempotency, operator, grant, planning } = submission;
  const cost = planning?.compiled.plan.cost;
  return {
    jobId,
    account: caller.principal.id,
    idempotency,
    datasets: planning === null ? [] : [planning.dataset.name],
    request: keptOf(submission, refused),
    purpose: sent.purpose,
    scene: sent.scene ?? grant?.body.scene.id ?? null,
    epsilon: cost === undefined ? null : String(cost.epsilon),
    delta: cost === undefined ? null : String(cost.delta),
    planDigest: planning?.planDigest ?? null,
    program: planning?.compiled.plan.program?.digest ?? null,
    versionId: planning?.dataset.versionId ?? null,
    planned: planning?.planned ?? {},
    actors: {
      ...(grant === null ? {} : { authoriser: grant.body.authoriser }),
      operator,
      user: caller.principal.org.id,
    },
  };
}

/** Writes a refusal down and throws it. */
async function recorded(shell: Shell, submission: Submission, refusal: Refusal): Promise<string> {
  if (refusal instanceof Denied) submission.decision = refusal.record;
  const { grant, jobId, decision, billing } = submission;
  const under = grant === null ? null : { id: grant.id, revision: grant.revision };
  const refused = {
    ...jobRequestOf(submission, true),
    grant: under,
    refusal,
    ...(billing !== null && { billing }),
  };
  const kept = await refuse(shell.db, refused);
  if (kept.jobId !== jobId) return replayed(shell, kept.jobId);
  const decisionId = decision?.decision.requestDigest ?? null;
  throw new JobRefused(refusal.code, refusal.sentence, { id: jobId, decisionId });
}

/** The answer that the first request with this key got: its job, or its refusal. */
async function replayed(shell: Shell, jobId: string): Promise<string> {
  const job = await findJob(shell.db, jobId);
  const kept = job?.request as KeptRequest | undefined;
  if (kept?.refused !== true || job?.sentence == null) return jobId;
  const decisionId = kept.decision?.decision.requestDigest ?? null;
  throw new JobRefused(job.code as RefusedCode, job.sentence, { id: jobId, decisionId });
}
