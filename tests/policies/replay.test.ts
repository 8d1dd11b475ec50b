/** Decision records: what is stored is enough to decide again, and shows what was changed. */
import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { expect, test } from 'vitest';
import { decide, type DecisionRecord, loadPolicyEngine, recordOf, replay } from '#policies/decide.ts';
import { shippedSources } from '#policies/engine.ts';
import { ALLOWED, DENIALS } from './decision-cases.ts';
import { runRequest } from './request-fixture.ts';

/** A record as an auditor gets it: text. */
function stored(record: DecisionRecord): DecisionRecord {
  return JSON.parse(JSON.stringify(record)) as DecisionRecord;
}

test.for([...ALLOWED, ...DENIALS])('a stored record replays to the same decision: $name', ({ request }) => {
  const record = stored(recordOf(request, decide(request)));
  expect(replay(record)).toEqual({ same: true, differs: [], decision: record.decision });
});

test('a record changed afterwards does not replay', () => {
  const request = { ...runRequest(), now: '2029-01-01T00:00:00Z' };
  const record = stored(recordOf(request, decide(request)));
  expect(replay({ ...record, decision: { ...record.decision, allowed: true } }).differs).toEqual(['allowed']);
  const earlier = { ...record, request: { ...request, now: '2026-06-01T00:00:00Z' } };
  expect(replay(earlier)).toMatchObject({ same: false });
  expect(replay(earlier).differs).toContain('requestDigest');
});

test('a record made under other policies names their digest as what differs', () => {
  const sources = shippedSources();
  const older = loadPolicyEngine({ ...sources, policies: `// an older wording\n${sources.policies}` });
  const request = runRequest();
  expect(replay(stored(recordOf(request, older.decide(request)))).differs).toEqual(['policyDigest']);
});

test('the digests are those of the files and of the canonical request', () => {
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
  const sources = shippedSources();
  const request = runRequest();
  expect(decide(request)).toMatchObject({
    policyDigest: sha256(sources.policies),
    schemaDigest: sha256(sources.schema),
    requestDigest: sha256(canonicalize(request) ?? ''),
    engineVersion: expect.stringMatching(/^4\./),
  });
});
