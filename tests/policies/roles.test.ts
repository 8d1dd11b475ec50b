/** Roles: the policies and the table of roles and actions say the same. */
import { expect, test } from 'vitest';
import { decide } from '#policies/decide.ts';
import type { DecisionRequest, Principal } from '#policies/request.ts';
import {
  type Action,
  ACTIONS,
  READ_ACTIONS,
  type Role,
  ROLE_ACTIONS,
  ROLES,
  rolesFor,
  scopeOf,
} from '#policies/roles.ts';
import { runRequest } from './request-fixture.ts';

const OWN = 'own-org';
const OTHER = 'other-org';

function principalIn(roles: readonly Role[]): Principal {
  return {
    id: 'someone',
    roles,
    suspended: false,
    org: { id: OWN, operator: false, region: 'CN-31', sector: 'health', suspended: false },
  };
}

/** A request in which `party` stands for every party that a role can be, and everything else is in order. */
function requestFor(action: Action, roles: readonly Role[], party: string): DecisionRequest {
  const principal = principalIn(roles);
  const run = runRequest();
  switch (action) {
    case 'quote':
    case 'run':
    case 'resell':
      return {
        ...run,
        action,
        principal,
        grant: run.grant && { ...run.grant, holder: party, rights: ['process_use', 'operate_product'] },
      };
    case 'approve_grant':
    case 'approve_program':
    case 'review_release':
    case 'revoke_grant':
    case 'suspend':
      return {
        action,
        principal,
        file: { id: 'f', applicant: 'applicant-org', provider: party, submitter: 'another' },
      };
    case 'withdraw_program':
    case 'read_program':
      return {
        action,
        principal,
        file: { id: 'f', applicant: party, provider: party, submitter: 'another' },
      };
    case 'submit_program':
    case 'suspend_organisation':
      return { action, principal, organisation: party };
    case 'register_dataset':
    case 'destroy_key':
      return { action, principal, provider: party };
    default:
      return { action, principal, run: { id: 'r', buyer: party, providers: [party], operator: party } };
  }
}

const cells = ROLES.flatMap((role) => ACTIONS.map((action) => ({ role, action })));

test.for(cells)('$role and $action: the engine finds what the table says', ({ role, action }) => {
  const scope = ROLE_ACTIONS[action][role];
  const allowed = (party: string): boolean => decide(requestFor(action, [role], party)).allowed;
  expect({ own: allowed(OWN), other: allowed(OTHER) }).toEqual({
    own: scope !== undefined,
    other: scope === 'any',
  });
});

test.for(ACTIONS)('without a role nobody may %s', (action) => {
  expect(decide(requestFor(action, [], OWN))).toMatchObject({
    allowed: false,
    code: 'NO_GRANT',
    reasons: [],
  });
});

test('an auditor reads everything and does nothing, whatever other role is held', () => {
  const stopped = ACTIONS.filter((action) =>
    decide(requestFor(action, ['auditor', ...rolesFor(action)], OWN)).reasons.includes('duties-auditor'),
  );
  const reads: readonly Action[] = READ_ACTIONS;
  expect(stopped).toEqual(ACTIONS.filter((action) => !reads.includes(action)));
  for (const action of READ_ACTIONS)
    expect(decide(requestFor(action, ['auditor'], OTHER)).allowed).toBe(true);
});

test('billing reads usage and never query text', () => {
  const actions = ACTIONS.filter((action) => decide(requestFor(action, ['billing'], OWN)).allowed);
  expect(actions).toEqual(['read_usage']);
  expect(decide(requestFor('read_query_text', ['billing', 'buyer', 'supervisor'], OWN)).allowed).toBe(false);
  expect(decide(requestFor('read_query_text', ['buyer', 'supervisor'], OWN)).allowed).toBe(true);
});

test('a role counts only where the organisation is the party that the role stands for', () => {
  const asked = (
    role: Role,
    parties: { buyer?: string; providers?: readonly string[]; operator?: string },
  ): boolean =>
    decide({
      action: 'read_usage',
      principal: principalIn([role]),
      run: { id: 'r', buyer: OTHER, providers: [OTHER], operator: OTHER, ...parties },
    }).allowed;
  expect(asked('buyer', { buyer: OWN })).toBe(true);
  expect(asked('buyer', { providers: [OWN], operator: OWN })).toBe(false);
  expect(asked('provider', { providers: [OTHER, OWN] })).toBe(true);
  expect(asked('provider', { buyer: OWN, operator: OWN })).toBe(false);
  expect(asked('billing', { operator: OWN })).toBe(true);
  expect(asked('billing', {})).toBe(false);
});

test('the widest scope of several roles counts for lists', () => {
  expect(scopeOf(['buyer', 'auditor'], 'read_jobs')).toBe('any');
  expect(scopeOf(['buyer', 'billing'], 'read_jobs')).toBe('own');
  expect(scopeOf(['billing'], 'read_jobs')).toBeNull();
});
