/** The policy engine: which policy sets load, and that whatever cannot be evaluated is denied. */
import { createRequire } from 'node:module';
import type * as Cedar from '@cedar-policy/cedar-wasm/nodejs';
import { expect, test } from 'vitest';
import { cedarCall } from '#policies/cedar-call.ts';
import { decide, loadPolicyEngine, policyEngine } from '#policies/decide.ts';
import { evaluate, loadPolicies, shippedSources } from '#policies/engine.ts';
import { Failure } from '#policies/refusal.ts';
import type { UseRequest } from '#policies/request.ts';
import { runRequest } from './request-fixture.ts';

const cedar = createRequire(import.meta.url)('@cedar-policy/cedar-wasm/nodejs') as typeof Cedar;
const shipped = shippedSources();

/** What loading the shipped policies with these added or replaced throws; null when they load. */
function loading(change: { added?: string; policies?: string; schema?: string }): Failure | null {
  const policies = `${change.policies ?? shipped.policies}\n${change.added ?? ''}`;
  try {
    loadPolicyEngine({ schema: change.schema ?? shipped.schema, policies });
    return null;
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown;
    throw thrown;
  }
}

const FORBID = '@id("extra") @code("QUOTA") forbid (principal, action in Unseen::Action::"use", resource)';

test('the shipped policies load, and so does one more forbid', () => {
  expect(loading({})).toBeNull();
  expect(loading({ added: `${FORBID} when { resource.suspended };` })).toBeNull();
});

test.for([
  { name: 'text that is no Cedar', added: 'forbid when', sentence: 'policy.unparsed' },
  { name: 'a schema that is no schema', schema: 'entity', sentence: 'policy.schema' },
  {
    name: 'a template',
    added: '@id("t") permit (principal == ?principal, action, resource);',
    sentence: 'policy.template',
  },
  {
    name: 'a policy without a name',
    added: 'permit (principal, action, resource);',
    sentence: 'policy.unnamed',
  },
  {
    name: 'two policies of one name',
    added: '@id("use") permit (principal, action, resource);',
    sentence: 'policy.sameName',
  },
  {
    name: 'a forbid without a code',
    added: '@id("extra") forbid (principal, action, resource);',
    sentence: 'policy.code',
  },
  {
    name: 'a forbid with a code that no decision carries',
    added: '@id("extra") @code("MACHINE_FAULT") forbid (principal, action, resource);',
    sentence: 'policy.code',
  },
  {
    name: 'a permit with a code',
    added: '@id("extra") @code("QUOTA") permit (principal, action, resource);',
    sentence: 'policy.code',
  },
  {
    name: 'a misspelt attribute',
    added: `${FORBID} when { resource.suspendid };`,
    sentence: 'policy.invalid',
  },
  {
    name: 'a misspelt value of a closed list',
    added: `${FORBID} when { resource.grade == Unseen::Grade::"imporant" };`,
    sentence: 'policy.invalid',
  },
  {
    name: 'a condition that can never hold, which Cedar only warns of',
    added:
      '@id("extra") @code("QUOTA") forbid (principal == Unseen::Org::"x", action in Unseen::Action::"use", resource);',
    sentence: 'policy.invalid',
  },
  { name: 'a sum', added: `${FORBID} when { context.nowMs + 1 > 2 };`, sentence: 'policy.partial' },
  { name: 'a product', added: `${FORBID} when { 2 * context.nowMs > 2 };`, sentence: 'policy.partial' },
  { name: 'a negation', added: `${FORBID} when { -context.nowMs > 2 };`, sentence: 'policy.partial' },
  {
    name: 'arithmetic deep inside',
    added: `${FORBID} when { resource.suspended && ([1, if principal.suspended then context.nowMs - 1 else 2].contains(3)) };`,
    sentence: 'policy.partial',
  },
  {
    name: 'a function that can fail',
    added: `${FORBID} when { decimal("1.0").lessThan(decimal("2.0")) };`,
    sentence: 'policy.partial',
  },
])('does not load: $name', ({ sentence, ...change }) => {
  const failure = loading(change);
  expect(failure?.code).toBe('CONFIG');
  expect(failure?.sentence.id).toBe(sentence);
});

// The trap that the rules above close. Cedar skips a forbid that errs, so its own answer here is "allow".
test('a forbid that overflows denies here, although Cedar itself allows', () => {
  const overflowing = `${shipped.policies}\n${FORBID} when { context.nowMs * 9223372036854775807 > 0 };`;
  const loaded = loadPolicies({ ...shipped, policies: overflowing });
  const call = cedarCall(runRequest());

  const raw = cedar.statefulIsAuthorized({
    ...call,
    preparsedSchemaName: loaded.names.schema,
    preparsedPolicySetId: loaded.names.all,
    validateRequest: true,
  });
  expect(raw).toMatchObject({ type: 'success', response: { decision: 'allow' } });

  const ours = evaluate(loaded, call, 'all');
  expect(ours).toMatchObject({ allowed: false, reasons: [] });
  expect(ours.errors).toEqual([expect.stringContaining('extra')]);
});

test('a forbid that reads an entity nobody passed denies here, although Cedar itself allows', () => {
  const reading = `${shipped.policies}\n${FORBID} when { Unseen::Org::"nobody".suspended };`;
  const engine = loadPolicyEngine({ ...shipped, policies: reading });
  const decision = engine.decide(runRequest());
  expect(decision).toMatchObject({ allowed: false, code: 'NO_GRANT', codes: ['NO_GRANT'], reasons: [] });
  expect(decision.errors).toHaveLength(1);
});

test('an error beside a forbid that holds keeps the code of the forbid', () => {
  const reading = `${shipped.policies}\n${FORBID} when { Unseen::Org::"nobody".suspended };`;
  const engine = loadPolicyEngine({ ...shipped, policies: reading });
  const decision = engine.decide({ ...runRequest(), now: '2030-01-01T00:00:00Z' });
  expect(decision).toMatchObject({
    allowed: false,
    codes: ['NO_GRANT', 'GRANT_EXPIRED'],
    reasons: ['expired'],
  });
});

test('a bigint, which stops the binding half-way, is taken as the decimal text it stands for', () => {
  const request = runRequest();
  const amounts = { ...request.ask.amounts, rows: 1000n } as unknown as UseRequest['ask']['amounts'];
  expect(decide({ ...request, ask: { ...request.ask, amounts } })).toEqual(decide(request));

  // Negative control: the binding throws, and evaluate() denies.
  const call = cedarCall(request);
  const broken = { ...call, context: { ...call.context, nowMs: 1n as unknown as number } };
  const { names } = policyEngine().policies;
  expect(() =>
    cedar.statefulIsAuthorized({
      ...broken,
      preparsedSchemaName: names.schema,
      preparsedPolicySetId: names.all,
    }),
  ).toThrow('unwrap_throw');
  expect(evaluate(policyEngine().policies, broken, 'all')).toMatchObject({
    allowed: false,
    errors: [expect.any(String)],
  });
  expect(evaluate(policyEngine().policies, call, 'all').allowed).toBe(true);
});

test('loading another policy set does not change an engine at work', () => {
  const engine = loadPolicyEngine();
  const request = runRequest();
  expect(engine.decide(request).allowed).toBe(true);
  const other = loadPolicyEngine({ ...shipped, policies: `${shipped.policies}\n${FORBID};` });
  expect(other.decide(request)).toMatchObject({ allowed: false, reasons: ['extra'] });
  expect(engine.decide(request).allowed).toBe(true);
  expect(other.policies.policyDigest).not.toBe(engine.policies.policyDigest);
});
