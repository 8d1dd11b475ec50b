/** The good dataset and policy of these tests, a merge patch to spoil them with, and what a thrown value says. */
import { parse } from 'yaml';

import { Failure, Refusal } from '#policies/refusal.ts';

export const DATASET_YAML = `
kind: Dataset
name: visits
title: { en: Hospital visits, zh: 就诊记录 }
source: { type: parquet, path: visits.parquet }
version: fixed
timeZone: Asia/Shanghai
privacyUnit: patient_id
origin: public
grade: business_important
columns:
  patient_id: { type: string, role: unit }
  region:     { type: string, role: key, values: [north, south] }
  visited_on: { type: date }
  age:        { type: integer, bounds: [0, 120] }
  cost:       { type: number, bounds: [0, 5000], granularity: 0.01 }
  note:       { type: string, role: hidden }
`;

export const POLICY_YAML = `
kind: ReleasePolicy
mechanism: gaussian
budget: { epsilon: 8, delta: 1e-6 }
perJob: { epsilon: 0.25, max: 1, delta: 1e-7, thresholdDelta: 1e-9 }
maxGroupsPerUnit: 4
maxRowsPerUnit: 8
minimumCohort: 10
keys: listed
timing: { quantumMs: 125 }
jail: required
engine: strict
release: automatic
`;

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** JSON merge patch (RFC 7396): null removes a member. */
export function patched(target: Json, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const result: Record<string, Json> = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = patched(result[name] ?? null, value);
  }
  return result;
}

function isObject(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const KEY = 'A'.repeat(43);

/** A good dataset whose values are encrypted. */
const ENCRYPTED_YAML = `
kind: Dataset
name: encrypted_visits
source:
  type: encrypted
  path: visits.enc
  custodian: { url: 'https://keys.test', ca: ca.pem, cert: r.pem, certKey: r.key, orderKey: o.jwk }
encryption:
  manifest: '${'0'.repeat(64)}'
  provider: ${KEY}
  custodian: ${KEY}
  keyId: key-1
  profile: bfv-agg-8k
  rowsPerUnit: 4
privacyUnit: encrypted
maxRows: 1000
columns:
  region: { type: string, role: key, values: [north, south] }
  cost:   { type: number, bounds: [0, 5000], granularity: 0.01 }
`;

/** That dataset with a patch, as JSON text. */
export function encryptedText(patch: Json = {}): string {
  return JSON.stringify(patched(parse(ENCRYPTED_YAML) as Json, patch));
}

/** The good dataset with a patch, as JSON text. */
export function datasetText(patch: Json = {}): string {
  return JSON.stringify(patched(parse(DATASET_YAML) as Json, patch));
}

/** The good policy with a patch, as JSON text. */
export function policyText(patch: Json = {}): string {
  return JSON.stringify(patched(parse(POLICY_YAML) as Json, patch));
}

export interface Fault {
  readonly code: string;
  readonly rule: string;
  readonly field: string | number | undefined;
  readonly file: string | number | undefined;
  readonly en: string;
  readonly zh: string;
}

/** What a call throws, as far as it is ours; 'accepted' when it returns. Any other throw stays a throw. */
export function faultOfCall(call: () => unknown): Fault | 'accepted' {
  try {
    call();
    return 'accepted';
  } catch (thrown) {
    if (!(thrown instanceof Failure || thrown instanceof Refusal)) throw thrown;
    const { id: rule, args } = thrown.sentence;
    return {
      code: thrown.code,
      rule,
      field: args['field'],
      file: args['file'],
      en: thrown.in('en'),
      zh: thrown.in('zh'),
    };
  }
}
