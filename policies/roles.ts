/**
 * Who may do what, as data: the roles, the actions, and over whose records a role may take an action.
 *
 * Guarantee: tests/policies/roles.test.ts asks the policy engine about every role, action and owner and finds
 * exactly this table, so the table may be used to filter lists and to explain a denial. It never decides:
 * decide.ts does, and a forbid there (separation of duties, suspension) can take away what stands here.
 */

export const ROLES = ['operator', 'provider', 'buyer', 'billing', 'auditor', 'supervisor'] as const;

export type Role = (typeof ROLES)[number];

export const USE_ACTIONS = ['quote', 'run', 'resell'] as const;
const APPROVE_ACTIONS = ['approve_grant', 'approve_program', 'review_release'] as const;
/** Of a run. */
const READ_RUN_ACTIONS = ['read_usage', 'read_receipt', 'read_jobs', 'read_query_text'] as const;
export const READ_ACTIONS = [...READ_RUN_ACTIONS, 'read_program'] as const;
export const ACTIONS = [
  ...USE_ACTIONS,
  ...APPROVE_ACTIONS,
  'revoke_grant',
  'suspend',
  'withdraw_program',
  'submit_program',
  'suspend_organisation',
  'register_dataset',
  'destroy_key',
  ...READ_ACTIONS,
] as const;

export type UseAction = (typeof USE_ACTIONS)[number];
export type ApproveAction = (typeof APPROVE_ACTIONS)[number];
export type ReadAction = (typeof READ_RUN_ACTIONS)[number];
export type Action = (typeof ACTIONS)[number];

/** `any`: whoever it belongs to. `own`: where the principal's organisation is the party that the role stands for. */
export type Scope = 'any' | 'own';

export const ROLE_ACTIONS: Readonly<Record<Action, Readonly<Partial<Record<Role, Scope>>>>> = {
  quote: { buyer: 'own' },
  run: { buyer: 'own' },
  resell: { buyer: 'own' },
  approve_grant: { operator: 'any', provider: 'own' },
  approve_program: { operator: 'any', provider: 'own' },
  review_release: { operator: 'any', provider: 'own' },
  revoke_grant: { operator: 'any', supervisor: 'any', provider: 'own' },
  suspend: { operator: 'any', supervisor: 'any', provider: 'own' },
  withdraw_program: { operator: 'any', supervisor: 'any', provider: 'own', buyer: 'own' },
  submit_program: { buyer: 'own' },
  suspend_organisation: { operator: 'any', supervisor: 'any' },
  register_dataset: { operator: 'any', provider: 'own' },
  destroy_key: { operator: 'any', provider: 'own' },
  read_usage: {
    operator: 'any',
    auditor: 'any',
    supervisor: 'any',
    provider: 'own',
    buyer: 'own',
    billing: 'own',
  },
  read_receipt: { operator: 'any', auditor: 'any', supervisor: 'any', provider: 'own', buyer: 'own' },
  read_jobs: { operator: 'any', auditor: 'any', supervisor: 'any', provider: 'own', buyer: 'own' },
  read_query_text: { auditor: 'any', supervisor: 'any', buyer: 'own' },
  read_program: { operator: 'any', auditor: 'any', supervisor: 'any', provider: 'own', buyer: 'own' },
};

/** The widest scope any of the roles gives for an action; null when none gives it. */
export function scopeOf(roles: readonly Role[], action: Action): Scope | null {
  const scopes = roles.map((role) => ROLE_ACTIONS[action][role]);
  if (scopes.includes('any')) return 'any';
  return scopes.includes('own') ? 'own' : null;
}

/** The roles that may take an action at all. */
export function rolesFor(action: Action): readonly Role[] {
  return ROLES.filter((role) => ROLE_ACTIONS[action][role] !== undefined);
}
