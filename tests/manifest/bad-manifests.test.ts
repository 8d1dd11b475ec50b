/** Every rule of dataset.yaml and policy.yaml, broken once or more: which code, which rule, which field. */
import { describe, expect, test } from 'vitest';

import { parseDataset } from '#sandbox/manifest/dataset-file.ts';
import { parsePolicy } from '#sandbox/manifest/policy-file.ts';
import { MANIFEST_WORDS } from '#policies/words/manifest.ts';
import badDatasets from '#tests/vectors/bad-datasets.json' with { type: 'json' };
import badPolicies from '#tests/vectors/bad-policies.json' with { type: 'json' };

import { type Json, datasetText, faultOfCall, policyText } from './examples.ts';

interface BadCase {
  readonly name: string;
  readonly patch?: Json;
  readonly text?: string;
  readonly code: string;
  readonly rule: string;
  readonly field: string;
}

const DATASETS = badDatasets.cases as readonly BadCase[];
const POLICIES = badPolicies.cases as readonly BadCase[];

/** Rules that no text of a manifest alone can break: they are about files, or about two manifests. */
const BROKEN_ELSEWHERE = [
  'manifest.unreadable',
  'manifest.notFile',
  'manifest.tooLarge',
  'manifest.notUtf8',
  'manifest.syntheticOnly',
];
/** The sentence for an issue that the schema library may learn to raise and that no schema of ours raises. */
const NEVER_RAISED = ['manifest.invalid'];

/** What is wanted of the fault: its sentence names file and field, and exists in Chinese. */
function wantedOf({ code, rule, field }: BadCase, file: string): object {
  return {
    code,
    rule,
    field,
    file,
    en: expect.stringMatching(new RegExp(`^${escaped(`${file}: `)}.*${escaped(field)}`)),
    zh: expect.stringMatching(/\p{Script=Han}/u),
  };
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

describe('dataset.yaml refuses', () => {
  test.for(DATASETS)('$name', (bad) => {
    const text = bad.text ?? datasetText(bad.patch);
    const fault = faultOfCall(() => parseDataset(text, { path: 'd.yaml' }));
    expect(fault).toEqual(wantedOf(bad, 'd.yaml'));
  });
});

describe('policy.yaml refuses', () => {
  test.for(POLICIES)('$name', (bad) => {
    const text = bad.text ?? policyText(bad.patch);
    const fault = faultOfCall(() => parsePolicy(text, { path: 'p.yaml' }));
    expect(fault).toEqual(wantedOf(bad, 'p.yaml'));
  });
});

test('the unspoilt manifests are accepted, so each case fails for its own reason', () => {
  expect(faultOfCall(() => parseDataset(datasetText(), { path: 'd.yaml' }))).toBe('accepted');
  expect(faultOfCall(() => parsePolicy(policyText(), { path: 'p.yaml' }))).toBe('accepted');
});

test('every sentence about manifests is reached by a bad manifest', () => {
  const reached = new Set([...DATASETS, ...POLICIES].map(({ rule }) => rule));
  const unreached = Object.keys(MANIFEST_WORDS).filter((rule) => !reached.has(rule));
  expect(unreached.sort()).toEqual([...BROKEN_ELSEWHERE, ...NEVER_RAISED].sort());
});
