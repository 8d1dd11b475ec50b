/**
 * The cases of decision-cases.ts as Cedar's own command line reads them, so that another implementation of the
 * engine can confirm the policies: `cedar run-tests --policies policies/cedar/policies.cedar
 * --schema policies/cedar/schema.cedarschema --tests tests/vectors/cedar-run-tests.json`.
 * Format: cedar-policy-cli 4.12, src/command/run_test.rs. `npx vitest run tests/policies/run-tests.test.ts --update` writes the file anew.
 */
import { createRequire } from 'node:module';
import type * as Cedar from '@cedar-policy/cedar-wasm/nodejs';
import { expect, test } from 'vitest';
import { cedarCall } from '#policies/cedar-call.ts';
import { policyEngine } from '#policies/decide.ts';
import { shippedSources } from '#policies/engine.ts';
import type { DecisionRequest } from '#policies/request.ts';
import { ALLOWED, DENIALS } from './decision-cases.ts';
import { runRequest } from './request-fixture.ts';
import table from '../vectors/cedar-run-tests.json' with { type: 'json' };

interface RunTest {
  readonly name: string;
  readonly request: {
    readonly principal: string;
    readonly action: string;
    readonly resource: string;
    readonly context: object;
  };
  readonly entities: object;
  readonly decision: string;
  readonly reason: readonly string[];
  readonly num_errors: number;
}

function runTest(
  name: string,
  request: DecisionRequest,
  decision: string,
  reason: readonly string[],
): RunTest {
  const { principal, action, resource, context, entities } = cedarCall(request);
  return {
    name,
    request: { principal: text(principal), action: text(action), resource: text(resource), context },
    entities,
    decision,
    reason,
    num_errors: 0,
  };
}

const text = (uid: Cedar.EntityUid): string => {
  const { type, id } = '__entity' in uid ? uid.__entity : uid;
  return `${type}::${JSON.stringify(id)}`;
};

function uidOf(written: string): Cedar.TypeAndId {
  const [, type, id] = /^(.*)::(".*")$/.exec(written) ?? [];
  return { type: type ?? '', id: JSON.parse(id ?? '""') as string };
}

function requestsOutsideEveryPermit(): readonly RunTest[] {
  const request = runRequest();
  const stranger = { ...request.principal, org: { ...request.principal.org, id: 'data-broker' } };
  return [
    runTest(
      'default deny: no role',
      { ...request, principal: { ...request.principal, roles: [] } },
      'deny',
      [],
    ),
    runTest('default deny: another holder', { ...request, principal: stranger }, 'deny', []),
    runTest(
      'default deny: another dataset',
      { ...request, dataset: { ...request.dataset, id: 'x' } },
      'deny',
      [],
    ),
  ];
}

test('the table is that of the cases', async () => {
  const cases = [
    ...ALLOWED.map(({ name, permit, request }) => runTest(`allow: ${name}`, request, 'allow', [permit])),
    ...DENIALS.map(({ name, policy, request }) => runTest(`${policy}: ${name}`, request, 'deny', [policy])),
    ...requestsOutsideEveryPermit(),
  ];
  const lines = cases.map((one) => JSON.stringify(one));
  await expect(`[\n${lines.join(',\n')}\n]\n`).toMatchFileSnapshot('../vectors/cedar-run-tests.json');
});

const cedar = createRequire(import.meta.url)('@cedar-policy/cedar-wasm/nodejs') as typeof Cedar;
const { schema } = shippedSources();
const policies = {
  staticPolicies: Object.fromEntries(policyEngine().policies.policies.map(({ id, text }) => [id, text])),
};

test.for(table as unknown as readonly RunTest[])('cedar itself agrees: $name', (one) => {
  const answer = cedar.isAuthorized({
    principal: uidOf(one.request.principal),
    action: uidOf(one.request.action),
    resource: uidOf(one.request.resource),
    context: one.request.context as Cedar.Context,
    entities: one.entities as Cedar.Entities,
    schema,
    validateRequest: true,
    policies,
  });
  if (answer.type === 'failure') throw new Error(answer.errors.map(({ message }) => message).join('; '));
  const { decision, diagnostics } = answer.response;
  expect({ decision, reason: diagnostics.reason, num_errors: diagnostics.errors.length }).toEqual({
    decision: one.decision,
    reason: one.reason,
    num_errors: one.num_errors,
  });
});
