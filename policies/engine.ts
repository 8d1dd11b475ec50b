/**
 * The policy engine (Cedar): loads a policy set once, and evaluates requests against it.
 *
 * Guarantee: a set is loaded only if it parses, has a schema under which strict validation finds neither an
 * error nor a warning, and every forbid has a name and a refusal code. An evaluation that meets any error
 * denies: Cedar itself skips a policy that errs, so that a forbid that overflows would let its request pass
 * (docs.cedarpolicy.com, "Policy validation"; a test shows it).
 * Not covered: sets whose expressions can err at all; totality.ts refuses those.
 *
 * The only file that imports the Cedar binding. It is WebAssembly and takes a third of a second to start, so
 * it is loaded when it is first needed.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type * as Cedar from '@cedar-policy/cedar-wasm/nodejs';
import { Failure } from './refusal.ts';
import { type SentenceId, say } from './words.ts';

/** Codes a decision may carry, the first to be told first. */
export const DECISION_CODES = [
  'NO_GRANT',
  'GRANT_REVOKED',
  'GRANT_EXPIRED',
  'PURPOSE_NOT_GRANTED',
  'MODE',
  'GRADE',
  'OUTPUT_KIND',
  'COLUMN',
  'QUOTA',
] as const;

export type DecisionCode = (typeof DECISION_CODES)[number];

/** A policy set as text. */
export interface PolicySources {
  readonly schema: string;
  readonly policies: string;
}

/** One policy, by the name in its @id. `code` is null for a permit. */
export interface LoadedPolicy {
  readonly id: string;
  readonly code: DecisionCode | null;
  /** What the engine is given. Its JSON form goes through doubles and could round a literal. */
  readonly text: string;
  /** For looking at, not for evaluating. */
  readonly json: Cedar.PolicyJson;
}

/** A policy set ready to evaluate. Digests are SHA-256 (hex) of the texts. */
export interface LoadedPolicies {
  readonly policies: readonly LoadedPolicy[];
  readonly schemaDigest: string;
  readonly policyDigest: string;
  readonly engineVersion: string;
  readonly names: { readonly schema: string; readonly all: string; readonly permits: string };
}

/** What Cedar is asked: entities by reference, facts as context, and only the entities that policies may read. */
export type EngineCall = Pick<
  Cedar.StatefulAuthorizationCall,
  'principal' | 'action' | 'resource' | 'context' | 'entities'
>;

export interface Evaluation {
  readonly allowed: boolean;
  /** Names of the policies that decided, in alphabetical order. */
  readonly reasons: readonly string[];
  /** For the operator only: what could not be evaluated. Never empty in silence: any error denies. */
  readonly errors: readonly string[];
}

let binding: typeof Cedar | undefined;

function cedar(): typeof Cedar {
  binding ??= createRequire(import.meta.url)('@cedar-policy/cedar-wasm/nodejs') as typeof Cedar;
  return binding;
}

/** The policies that we ship. */
export function shippedSources(): PolicySources {
  const read = (name: string): string => readFileSync(new URL(`./cedar/${name}`, import.meta.url), 'utf8');
  return { schema: read('schema.cedarschema'), policies: read('policies.cedar') };
}

/** Parses, validates and preparses a policy set. Throws a Failure CONFIG naming the policy at fault. */
export function loadPolicies(sources: PolicySources): LoadedPolicies {
  const policies = parse(sources.policies);
  const texts = Object.fromEntries(policies.map(({ id, text }) => [id, text]));
  validate(sources.schema, texts);
  const schemaDigest = sha256(sources.schema);
  const policyDigest = sha256(sources.policies);
  // Preparsed sets live in one table per thread under a name of our choice. The digest as name means that
  // loading another set never changes what an engine already at work evaluates.
  const names = {
    schema: schemaDigest,
    all: `${schemaDigest}/${policyDigest}`,
    permits: `${schemaDigest}/${policyDigest}/permits`,
  };
  const permits = policies.filter(({ code }) => code === null).map(({ id, text }) => [id, text]);
  checkParsed(cedar().preparseSchema(names.schema, sources.schema), 'policy.schema');
  checkParsed(cedar().preparsePolicySet(names.all, { staticPolicies: texts }), 'policy.unparsed');
  checkParsed(
    cedar().preparsePolicySet(names.permits, { staticPolicies: Object.fromEntries(permits) }),
    'policy.unparsed',
  );
  return { policies, schemaDigest, policyDigest, engineVersion: cedar().getCedarVersion(), names };
}

function parse(text: string): readonly LoadedPolicy[] {
  const parts = cedar().policySetTextToParts(text);
  if (parts.type === 'failure') throw faulty('policy.unparsed', parts.errors);
  if (parts.policy_templates.length > 0) throw new Failure('CONFIG', say('policy.template'));
  const policies = parts.policies.map(parseOne);
  const ids = policies.map(({ id }) => id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) throw new Failure('CONFIG', say('policy.sameName', { policy: twice }));
  return policies;
}

function parseOne(text: string): LoadedPolicy {
  const answer = cedar().policyToJson(text);
  if (answer.type === 'failure') throw faulty('policy.unparsed', answer.errors);
  const { json } = answer;
  const id = json.annotations?.['id'];
  if (id === undefined || id === '')
    throw new Failure('CONFIG', say('policy.unnamed', { text: text.slice(0, 60) }));
  const annotated = json.annotations?.['code'];
  const code = DECISION_CODES.find((known) => known === annotated) ?? null;
  const complete = json.effect === 'forbid' ? code !== null : annotated === undefined;
  if (!complete) throw new Failure('CONFIG', say('policy.code', { policy: id }));
  return { id, code, text, json };
}

function validate(schema: string, policies: Record<string, string>): void {
  const answer = cedar().validate({
    validationSettings: { mode: 'strict' },
    schema,
    policies: { staticPolicies: policies },
  });
  if (answer.type === 'failure') throw faulty('policy.schema', answer.errors);
  // A warning is as bad as an error: a scope that can never match is only a warning, and is a guard that is not there.
  const first = [...answer.validationErrors, ...answer.validationWarnings][0];
  if (first !== undefined) {
    throw new Failure('CONFIG', say('policy.invalid', { policy: first.policyId }), {
      cause: new Error(first.error.message),
    });
  }
  if (answer.otherWarnings.length > 0) throw faulty('policy.schema', answer.otherWarnings);
}

function checkParsed(answer: Cedar.CheckParseAnswer, id: SentenceId): void {
  if (answer.type === 'failure') throw faulty(id, answer.errors);
}

/** Cedar's own words are for whoever wrote the policy, so they travel as the cause. */
function faulty(id: SentenceId, errors: readonly Cedar.DetailedError[]): Failure {
  return new Failure('CONFIG', say(id), {
    cause: new Error(errors.map(({ message }) => message).join('; ')),
  });
}

/** Evaluates a request against all policies, or against the permits alone. Never throws: what fails, denies. */
export function evaluate(loaded: LoadedPolicies, call: EngineCall, which: 'all' | 'permits'): Evaluation {
  try {
    const answer = cedar().statefulIsAuthorized({
      ...call,
      preparsedSchemaName: loaded.names.schema,
      preparsedPolicySetId: loaded.names[which],
      // Without this a context that lacks a field is an error inside some policy, not a refused request.
      validateRequest: true,
    });
    if (answer.type === 'failure') return denied(answer.errors.map(({ message }) => message));
    const { decision, diagnostics } = answer.response;
    const errors = diagnostics.errors.map(({ policyId, error }) => `${policyId}: ${error.message}`);
    const reasons = diagnostics.reason.toSorted();
    // What Cedar would allow after skipping a policy is no reason to allow.
    if (errors.length > 0) return { allowed: false, reasons: decision === 'allow' ? [] : reasons, errors };
    return { allowed: decision === 'allow', reasons, errors };
  } catch (thrown) {
    return denied([thrown instanceof Error ? thrown.message : 'the policy engine failed']);
  }
}

function denied(errors: readonly string[]): Evaluation {
  return { allowed: false, reasons: [], errors };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
