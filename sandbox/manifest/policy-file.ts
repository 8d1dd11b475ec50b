/**
 * Reads policy.yaml: text into a `ReleasePolicy` with its defaults and its digest, or CONFIG naming file, field
 * and rule. An ε that is not finite or above 1e10 is refused as PARAM, as it is in a request.
 *
 * Guarantee: every field of the file is honoured or refused by name; no job can be asked for that the budget
 * could never pay; a budget without δ goes only with mechanism laplace and listed keys.
 * Not covered: rules that also need the dataset (agreement.ts).
 */
import { canonicalJson, sha256Hex } from '#crypto/canonical.ts';
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';

import { type FieldPath, faultOf, renderField } from './fault.ts';
import { parseManifestText, readManifestText } from './manifest-text.ts';
import { type PolicyText, policySchema } from './policy-schema.ts';
import type { ReleasePolicy } from './policy.ts';
import { checkAgainst, valueAt } from './schema-check.ts';
import { UNHONOURED_IN_POLICY, refuseUnhonoured } from './unhonoured.ts';

/** Largest ε: answers are then near exact, which tests and open data use; more would overflow the arithmetic. */
const EPSILON_MAX = 1e10;
/** δ of a job where neither file nor budget says. */
const JOB_DELTA_WITHOUT_BUDGET = 1e-7;

const EPSILON_FIELDS: readonly FieldPath[] = [
  ['budget', 'epsilon'],
  ['perJob', 'epsilon'],
  ['perJob', 'max'],
];

type PolicyBody = Omit<ReleasePolicy, 'digest'>;

/** Reads and parses a policy. CONFIG, or PARAM for an ε out of range. */
export function readPolicy(path: string): ReleasePolicy {
  return parsePolicy(readManifestText(path), { path });
}

/** Parses the text of a policy; `path` names it in messages. CONFIG, or PARAM for an ε out of range. */
export function parsePolicy(text: string, { path: file }: { readonly path: string }): ReleasePolicy {
  const value = parseManifestText(text, file);
  refuseUnhonoured(value, UNHONOURED_IN_POLICY, file);
  const stated = checkAgainst(policySchema, value, file);
  checkEpsilons(stated, file);
  const body = bodyOf(stated);
  checkAffordable(body, file);
  checkDeltas(body, file);
  return { ...body, digest: policyDigest(body) };
}

/** A policy's revision: SHA-256 (hex) of the canonical JSON (RFC 8785) of the policy with its defaults, without digest. */
export function policyDigest(policy: PolicyBody & { readonly digest?: string }): string {
  const { digest: _, ...body } = policy;
  return sha256Hex(canonicalJson(body));
}

function checkEpsilons(stated: PolicyText, file: string): void {
  for (const field of EPSILON_FIELDS) {
    const epsilon = valueAt(stated, field);
    if (typeof epsilon !== 'number') continue;
    if (!Number.isFinite(epsilon) || epsilon > EPSILON_MAX) {
      const args = { file, field: renderField(field), maximum: '1e10' };
      throw new Refusal('PARAM', say('manifest.epsilonRange', args));
    }
    if (epsilon <= 0) throw faultOf(file, field, 'manifest.positive');
  }
}

function bodyOf(stated: PolicyText): PolicyBody {
  const { budget } = stated;
  const delta =
    stated.perJob.delta ?? (budget === 'unlimited' ? JOB_DELTA_WITHOUT_BUDGET : tenthOf(budget.delta));
  return {
    kind: 'ReleasePolicy',
    mechanism: stated.mechanism,
    budget: budget === 'unlimited' ? budget : { epsilon: budget.epsilon, delta: budget.delta },
    perJob: {
      epsilon: stated.perJob.epsilon,
      max: stated.perJob.max ?? stated.perJob.epsilon,
      delta,
      thresholdDelta: stated.perJob.thresholdDelta ?? tenthOf(delta),
    },
    maxGroupsPerUnit: stated.maxGroupsPerUnit,
    maxRowsPerUnit: stated.maxRowsPerUnit ?? 1,
    minimumCohort: stated.minimumCohort ?? 10,
    keys: stated.keys ?? 'listed',
    hideBelow: stated.hideBelow ?? null,
    maxCells: stated.maxCells ?? 10_000,
    quantileBins: stated.quantileBins ?? 4096,
    timing: timingOf(stated.timing),
    jail: stated.jail ?? 'required',
    // A file that does not use them has the digest that it had before programs were run.
    ...(stated.engine === 'fast' && { engine: stated.engine }),
    ...(stated.maxAborts !== undefined && { maxAborts: stated.maxAborts }),
    prepare: stated.prepare ?? true,
    repeats: stated.repeats ?? 'stored',
    release: stated.release ?? 'automatic',
    ...(stated.outputKinds !== undefined && { outputKinds: stated.outputKinds }),
  };
}

/** The double nearest to a tenth of the decimal number that was written: a tenth of 1e-7 is 1e-8. */
function tenthOf(delta: number): number {
  const [digits, exponent] = delta.toExponential().split('e');
  return Number(`${digits}e${Number(exponent) - 1}`);
}

function timingOf(stated: PolicyText['timing']): ReleasePolicy['timing'] {
  if (stated === undefined) return null;
  if (typeof stated === 'string') return { mode: stated };
  return { mode: 'quantum', quantumMs: stated.quantumMs };
}

/** No job's limit is above what the whole budget holds. */
function checkAffordable({ budget, perJob, keys }: PolicyBody, file: string): void {
  if (perJob.max < perJob.epsilon) throw faultOf(file, ['perJob', 'max'], 'manifest.maxBelowEpsilon');
  if (budget === 'unlimited') return;
  const pairs = [
    ['epsilon', perJob.epsilon, budget.epsilon, 'budget.epsilon'],
    ['max', perJob.max, budget.epsilon, 'budget.epsilon'],
    ['delta', perJob.delta, budget.delta, 'budget.delta'],
    ['thresholdDelta', perJob.thresholdDelta, budget.delta, 'budget.delta'],
  ] as const;
  for (const [name, asked, held, limit] of pairs) {
    if (asked > held) throw faultOf(file, ['perJob', name], 'manifest.jobAboveBudget', { limit });
  }
  // Half of δ pays for the selection of keys, half for the conversion of ρ.
  if (keys === 'thresholded' && perJob.thresholdDelta > budget.delta / 2) {
    throw faultOf(file, ['perJob', 'thresholdDelta'], 'manifest.selectionAboveBudget');
  }
}

/** δ is 0 throughout (pure ε: laplace and listed keys) or above 0 throughout. */
function checkDeltas({ budget, perJob, keys, mechanism }: PolicyBody, file: string): void {
  const isPure = budget === 'unlimited' ? perJob.delta === 0 : budget.delta === 0;
  if (isPure && mechanism !== 'laplace') throw faultOf(file, ['mechanism'], 'manifest.pureMechanism');
  if (isPure && keys !== 'listed') throw faultOf(file, ['keys'], 'manifest.pureKeys');
  if (!isPure && perJob.delta === 0) throw faultOf(file, ['perJob', 'delta'], 'manifest.jobDeltaZero');
  if (keys === 'thresholded' && perJob.thresholdDelta === 0) {
    throw faultOf(file, ['perJob', 'thresholdDelta'], 'manifest.thresholdDeltaZero');
  }
}
