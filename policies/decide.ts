/**
 * The decision: whether a request is allowed, by which policies, or which conditions it fails.
 *
 * Guarantee: deny by default, and any forbid wins. A request that lacks a dimension, an error in the engine or
 * in one policy, and a request that no permit reaches are all denials. The decision is a function of the
 * request and the two digests it names, so that whoever holds the record and the policies can decide again.
 * A request that no permit reaches learns nothing else: not whether somebody's grant has expired.
 * Not covered: counting. The amounts left are facts of the request; the database that counts must refuse again.
 */
import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { cedarCall } from './cedar-call.ts';
import {
  DECISION_CODES,
  type DecisionCode,
  type Evaluation,
  evaluate,
  type LoadedPolicies,
  loadPolicies,
  type PolicySources,
  shippedSources,
} from './engine.ts';
import { type DecisionRequest, isUse } from './request.ts';
import { checkTotal } from './totality.ts';

/** A decision as plain JSON. */
export interface Decision {
  readonly allowed: boolean;
  /** The first failing condition in the order of DECISION_CODES; null when allowed. */
  readonly code: DecisionCode | null;
  /** The codes of all failing conditions, in that order. */
  readonly codes: readonly DecisionCode[];
  /** Names of the permits that allowed or the forbids that denied; none when no permit reached the request. */
  readonly reasons: readonly string[];
  /** For the operator: why the request could not be evaluated. Never shown to whoever asked. */
  readonly errors: readonly string[];
  /** SHA-256 (hex) of the policies, of their schema, and of the canonical JSON (RFC 8785) of the request. */
  readonly policyDigest: string;
  readonly schemaDigest: string;
  readonly requestDigest: string;
  readonly engineVersion: string;
}

/** What is kept of a decision: enough to decide again, offline. */
export interface DecisionRecord {
  readonly request: DecisionRequest;
  readonly decision: Decision;
}

export interface Replay {
  /** Whether policies, request and outcome are those of the record. */
  readonly same: boolean;
  /** Names of the fields in which the fresh decision differs. */
  readonly differs: readonly (keyof Decision)[];
  readonly decision: Decision;
}

export interface PolicyEngine {
  readonly policies: LoadedPolicies;
  decide(request: DecisionRequest): Decision;
  replay(record: DecisionRecord): Replay;
}

/** Loads a policy set (ours by default). Throws a Failure CONFIG when a policy is invalid or could err. */
export function loadPolicyEngine(sources: PolicySources = shippedSources()): PolicyEngine {
  const policies = loadPolicies(sources);
  checkTotal(policies.policies);
  return {
    policies,
    decide: (request) => decideWith(policies, request),
    replay: (record) => replayWith(policies, record),
  };
}

let shipped: PolicyEngine | undefined;

/** The engine over the policies that we ship, loaded when first needed (about a third of a second). */
export function policyEngine(): PolicyEngine {
  shipped ??= loadPolicyEngine();
  return shipped;
}

/** Decides a request under the policies that we ship. */
export function decide(request: DecisionRequest): Decision {
  return policyEngine().decide(request);
}

/** Decides a record's request again and compares. */
export function replay(record: DecisionRecord): Replay {
  return policyEngine().replay(record);
}

/** The record of a decision. */
export function recordOf(request: DecisionRequest, decision: Decision): DecisionRecord {
  return { request: plain(request), decision };
}

function decideWith(policies: LoadedPolicies, request: DecisionRequest): Decision {
  const asked = plain(request);
  const evaluation = evaluateRequest(policies, asked);
  const codes = evaluation.allowed ? [] : codesOf(policies, evaluation);
  return {
    allowed: evaluation.allowed,
    code: codes[0] ?? null,
    codes,
    reasons: evaluation.reasons,
    errors: evaluation.errors,
    policyDigest: policies.policyDigest,
    schemaDigest: policies.schemaDigest,
    requestDigest: createHash('sha256')
      .update(canonicalize(asked) ?? '')
      .digest('hex'),
    engineVersion: policies.engineVersion,
  };
}

const UNREACHED: Evaluation = { allowed: false, reasons: [], errors: [] };

function evaluateRequest(policies: LoadedPolicies, request: DecisionRequest): Evaluation {
  try {
    if (isUse(request) && request.grant === null) return UNREACHED;
    const call = cedarCall(request);
    const evaluation = evaluate(policies, call, 'all');
    if (evaluation.allowed || evaluation.errors.length > 0) return evaluation;
    // A forbid hides whether a permit would have reached the request, so the permits are asked alone.
    return evaluate(policies, call, 'permits').allowed ? evaluation : UNREACHED;
  } catch (thrown) {
    return { ...UNREACHED, errors: [thrown instanceof Error ? thrown.message : 'the request is malformed'] };
  }
}

/** The codes of a denial. Beside what failed, a request that was not evaluated in full is granted nothing. */
function codesOf(policies: LoadedPolicies, { reasons, errors }: Evaluation): readonly DecisionCode[] {
  const failing = policies.policies.filter(({ id }) => reasons.includes(id)).map(({ code }) => code);
  const complete = errors.length === 0 && failing.length > 0;
  return DECISION_CODES.filter((code) => failing.includes(code) || (code === 'NO_GRANT' && !complete));
}

/**
 * The request as JSON holds it: what is digested, decided and kept is one thing. A bigint would stop the
 * engine's binding half-way, so it becomes the decimal text that amounts are; half a surrogate pair has no
 * canonical form, so it becomes U+FFFD, which no grant names.
 */
function plain(request: DecisionRequest): DecisionRequest {
  const text = JSON.stringify(request, (_, value: unknown) => {
    if (typeof value === 'bigint') return value.toString();
    return typeof value === 'string' ? value.toWellFormed() : value;
  });
  return JSON.parse(text) as DecisionRequest;
}

function replayWith(policies: LoadedPolicies, record: DecisionRecord): Replay {
  const decision = decideWith(policies, record.request);
  const differs = (Object.keys(decision) as (keyof Decision)[]).filter(
    (field) => canonicalize(decision[field]) !== canonicalize(record.decision[field]),
  );
  return { same: differs.length === 0, differs, decision };
}
