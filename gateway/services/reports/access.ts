/** Whose money a reader may see: everybody's, or that of his own organisation on one side. */
import type { Principal } from '#policies/request.ts';
import { Refusal } from '#policies/refusal.ts';
import type { Role } from '#policies/roles.ts';
import { say } from '#policies/words.ts';

/** Roles that see all of it; `billing` only in the organisation that runs the platform. */
const OVERSEERS: readonly Role[] = ['operator', 'auditor', 'supervisor'];

export type Side = 'buyer' | 'provider';

/**
 * The filter of one side that this reader may ask for: what he asked, if he sees everything; else his own organisation.
 * Refusal NO_GRANT for others.
 */
export function ownSide({ roles, org }: Principal, side: Side, asked: string | null): string | null {
  if (overseesAll({ roles, org })) return asked;
  if (roles.includes(side) || roles.includes('billing')) return org.id;
  throw refusal(roles, [...OVERSEERS, side, 'billing']);
}

/** Refusal NO_GRANT for whoever does not see everything. */
export function demandOversight(principal: Principal): void {
  if (!overseesAll(principal)) throw refusal(principal.roles, OVERSEERS);
}

/** The organisation that reads lines for itself; null for whoever sees everything. */
export function readerOf(principal: Principal): string | null {
  return overseesAll(principal) ? null : principal.org.id;
}

function overseesAll({ roles, org }: Pick<Principal, 'roles' | 'org'>): boolean {
  return OVERSEERS.some((role) => roles.includes(role)) || (roles.includes('billing') && org.operator);
}

function refusal(roles: readonly Role[], needed: readonly Role[]): Refusal {
  const held = roles.length === 0 ? '–' : roles.join(', ');
  return new Refusal(
    'NO_GRANT',
    say('grant.role', { action: 'read_money', needed: needed.join(', '), held }),
  );
}
