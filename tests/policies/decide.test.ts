/** Decisions: each forbid alone, each missing dimension, several at once, and what a stranger learns. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decide, loadPolicyEngine, type PolicyEngine, policyEngine } from '#policies/decide.ts';
import { DECISION_CODES, shippedSources } from '#policies/engine.ts';
import type { DecisionRequest, UseRequest } from '#policies/request.ts';
import { type Role, ROLES } from '#policies/roles.ts';
import { ALLOWED, DENIALS } from './decision-cases.ts';
import { runRequest } from './request-fixture.ts';

const forbids = policyEngine().policies.policies.filter(({ code }) => code !== null);

test.for(ALLOWED)('allows: $name', ({ permit, request }) => {
  expect(decide(request)).toMatchObject({
    allowed: true,
    code: null,
    codes: [],
    reasons: [permit],
    errors: [],
  });
});

test.for(DENIALS)('$policy denies: $name', ({ policy, code, request }) => {
  expect(decide(request)).toMatchObject({
    allowed: false,
    code,
    codes: [code],
    reasons: [policy],
    errors: [],
  });
});

test('every forbid has a case', () => {
  expect(new Set(DENIALS.map(({ policy }) => policy))).toEqual(new Set(forbids.map(({ id }) => id)));
});

const weakened = new Map<string, PolicyEngine>();

/** The shipped policies without one forbid. */
function engineWithout(policy: string): PolicyEngine {
  const known = weakened.get(policy);
  if (known !== undefined) return known;
  const sources = shippedSources();
  const texts = sources.policies.split(/(?=@id\()/).filter((text) => !text.startsWith(`@id("${policy}")`));
  const engine = loadPolicyEngine({ ...sources, policies: texts.join('') });
  weakened.set(policy, engine);
  return engine;
}

// Negative control: without its forbid each of these requests would pass, so the case does test the forbid.
test.for(DENIALS)('nothing but $policy denies: $name', ({ policy, request }) => {
  expect(engineWithout(policy).decide(request).allowed).toBe(true);
});

test('a request that no permit reaches is denied without a reason', () => {
  const request = runRequest();
  const stranger = { ...request.principal, org: { ...request.principal.org, id: 'data-broker' } };
  const outside: readonly DecisionRequest[] = [
    { ...request, grant: null },
    { ...request, principal: stranger },
    { ...request, principal: { ...request.principal, roles: [] } },
    { ...request, principal: { ...request.principal, roles: ['operator', 'billing'] } },
    { ...request, dataset: { ...request.dataset, id: 'incomes' } },
  ];
  for (const asked of outside) {
    expect(decide(asked)).toMatchObject({
      allowed: false,
      code: 'NO_GRANT',
      codes: ['NO_GRANT'],
      reasons: [],
      errors: [],
    });
  }
});

test('an answer that waits is reviewed by nobody but the operator and the side of its provider', () => {
  const file = { id: 'job-1', applicant: 'city-university', provider: 'health-bureau', submitter: 'ana' };
  const { principal } = runRequest();
  const by = (roles: readonly Role[], org: string): boolean =>
    decide({
      action: 'review_release',
      principal: { ...principal, id: 'someone', roles, org: { ...principal.org, id: org } },
      file,
    }).allowed;
  for (const role of ROLES) {
    expect([role, by([role], 'elsewhere')]).toEqual([role, role === 'operator']);
    expect([role, by([role], 'health-bureau')]).toEqual([role, role === 'operator' || role === 'provider']);
    expect([role, by([role], 'city-university')]).toEqual([role, false]);
  }
});

test('a stranger does not learn that a grant has expired, is revoked or lacks a column', () => {
  const request = runRequest();
  const asked: UseRequest = {
    ...request,
    principal: { ...request.principal, org: { ...request.principal.org, id: 'data-broker' } },
    ask: { ...request.ask, columns: ['name'] },
    grant: request.grant && { ...request.grant, revoked: ['grant'], end: '2026-02-01T00:00:00Z' },
  };
  expect(decide(asked)).toMatchObject({ codes: ['NO_GRANT'], reasons: [] });
  // Negative control: the holder of the same grant is told all three.
  expect(decide({ ...asked, principal: request.principal }).codes).toEqual([
    'GRANT_REVOKED',
    'GRANT_EXPIRED',
    'COLUMN',
  ]);
});

/** Every path to a fact of the request, objects and leaves alike; lists are facts as a whole. */
function pathsOf(value: object, above: readonly string[] = []): (readonly string[])[] {
  return Object.entries(value).flatMap(([name, inner]: [string, unknown]) => {
    const path = [...above, name];
    const deeper = typeof inner === 'object' && inner !== null && !Array.isArray(inner);
    return deeper ? [path, ...pathsOf(inner, path)] : [path];
  });
}

function without(request: UseRequest, paths: readonly (readonly string[])[]): UseRequest {
  const copy = structuredClone(request);
  for (const path of paths) {
    let at: Record<string, unknown> | undefined = copy as unknown as Record<string, unknown>;
    for (const step of path.slice(0, -1)) at = at?.[step] as Record<string, unknown> | undefined;
    if (at !== undefined) delete at[path.at(-1) ?? ''];
  }
  return copy;
}

/** What the record names beside what is compared. */
const RECORDED_ONLY = ['grant.id', 'grant.digest', 'grant.endedBy'];

const dimensions = pathsOf(runRequest()).filter((path) => !RECORDED_ONLY.includes(path.join('.')));

test.for(dimensions.map((path) => ({ path, name: path.join('.') })))(
  'a request without $name is denied',
  ({ path }) => {
    const decision = decide(without(runRequest(), [path]));
    expect(decision).toMatchObject({ allowed: false, code: 'NO_GRANT', codes: ['NO_GRANT'] });
  },
);

test('a request that lacks any set of dimensions is denied', () => {
  expect(dimensions.length).toBeGreaterThan(50);
  fc.assert(
    fc.property(fc.subarray(dimensions, { minLength: 1 }), (paths) => {
      expect(decide(without(runRequest(), paths)).allowed).toBe(false);
    }),
    { numRuns: 200 },
  );
});

test('a dimension that is null, where only the grant may be unlimited, is denied', () => {
  const request = runRequest();
  const blank = (changes: object): UseRequest => ({ ...request, ...changes });
  const allowed = Object.keys(request.ask).filter(
    (name) => decide(blank({ ask: { ...request.ask, [name]: null } })).allowed,
  );
  expect(allowed).toEqual([]);
  const left = { ...request.grant?.left, runs: null };
  expect(decide(blank({ grant: { ...request.grant, left } })).allowed).toBe(false);
});

test('of several failing conditions the first code in the fixed order is told, and all are listed', () => {
  const uses = DENIALS.filter(({ request }) => request.action === 'run');
  // Changes of different cases to one object would undo each other, so at most one case per part is drawn.
  const part = (name: 'principal' | 'dataset' | 'grant' | 'ask' | 'now') =>
    fc.constantFrom(...uses.map(({ request }) => (request as UseRequest)[name]));
  const mixed = fc.record({
    action: fc.constant('run' as const),
    principal: part('principal') as fc.Arbitrary<UseRequest['principal']>,
    dataset: part('dataset') as fc.Arbitrary<UseRequest['dataset']>,
    grant: part('grant') as fc.Arbitrary<UseRequest['grant']>,
    ask: part('ask') as fc.Arbitrary<UseRequest['ask']>,
    now: part('now') as fc.Arbitrary<string>,
  });
  fc.assert(
    fc.property(mixed, (request) => {
      const decision = decide(request);
      const failing = forbids.filter(({ id }) => decision.reasons.includes(id)).map(({ code }) => code);
      const ordered = DECISION_CODES.filter((code) => failing.includes(code));
      expect(decision.codes).toEqual(ordered);
      expect(decision.code).toBe(ordered[0] ?? null);
      expect(decision.allowed).toBe(ordered.length === 0);
    }),
    { numRuns: 300 },
  );
});

test('a purpose covers what lies below it and nothing else', () => {
  const request = runRequest();
  const allowed = (granted: string, asked: string): boolean =>
    decide({
      ...request,
      grant: { ...request.grant, purposes: [granted] },
      ask: { ...request.ask, purpose: asked },
    } as UseRequest).allowed;
  expect(allowed('governance_welfare', 'public_health')).toBe(true);
  expect(allowed('public_welfare', 'public_health')).toBe(true);
  expect(allowed('public_health', 'public_health')).toBe(true);
  expect(allowed('public_health', 'public_welfare')).toBe(false);
  expect(allowed('public_governance', 'public_health')).toBe(false);
  expect(allowed('industry', 'public_health')).toBe(false);
  expect(allowed('public_welfare', 'whatever')).toBe(false);
});

test('amounts are compared exactly, far beyond what a double or a 64-bit integer holds', () => {
  const request = runRequest();
  const left = '10000000000000000000000000000000000001';
  const allowed = (epsilonNano: string): boolean =>
    decide({
      ...request,
      grant: request.grant && { ...request.grant, left: { ...request.grant.left, epsilonNano: left } },
      ask: { ...request.ask, amounts: { ...request.ask.amounts, epsilonNano } },
    }).allowed;
  expect(allowed(left)).toBe(true);
  expect(allowed('10000000000000000000000000000000000002')).toBe(false);
  expect(['-1', '1.5', '1e3', '', 'NaN'].filter(allowed)).toEqual([]);
});

test('an unknown value of a closed list is denied and explained to the operator only', () => {
  const request = runRequest();
  const odd = { ...request, dataset: { ...request.dataset, grade: 'secret' } } as unknown as UseRequest;
  const decision = decide(odd);
  expect(decision).toMatchObject({ allowed: false, code: 'NO_GRANT', reasons: [] });
  expect(decision.errors).toHaveLength(1);
});

test('half a surrogate pair in a name is denied, not thrown', () => {
  const request = runRequest();
  expect(decide({ ...request, ask: { ...request.ask, columns: ['region', 'a\ud800'] } }).code).toBe('COLUMN');
});
