/** Asking the policies: whether a caller may act on a grant file, or read what is kept of a run. */
import { refusalOf } from '#policies/explain.ts';
import type { DecisionRequest, Principal, ReadRequest } from '#policies/request.ts';
import { type ReadAction, ROLE_ACTIONS, scopeOf } from '#policies/roles.ts';
import { say } from '#policies/words.ts';
import { HttpFault } from '../problem.ts';
import type { Parties, Readers } from '../storage/oversight.ts';
import { findOperator } from '../storage/party-list.ts';
import type { Shell } from './shell.ts';

/** Decides; throws the refusal that explains a denial. */
export function demand(shell: Pick<Shell, 'policies'>, request: DecisionRequest): void {
  const decision = shell.policies.decide(request);
  if (!decision.allowed) throw refusalOf(decision, request);
}

/** What a reader may see of runs: one decision per reader, action and parties, however many rows they have. */
export interface Reading {
  may(action: ReadAction, parties: Parties): boolean;
}

/** A reading by one principal. */
export async function readingOf(shell: Shell, principal: Principal): Promise<Reading> {
  const operator = (await findOperator(shell.db)) ?? '';
  const known = new Map<string, boolean>();
  return {
    may: (action, { buyer, providers }) => {
      // No text of a database has a NUL in it.
      const name = [action, buyer, ...providers].join('\0');
      const run: ReadRequest['run'] = { id: 'run', buyer, providers, operator };
      const allowed = known.get(name) ?? shell.policies.decide({ action, principal, run }).allowed;
      known.set(name, allowed);
      return allowed;
    },
  };
}

/**
 * Whose runs a list for this reader holds: the role table, which the policies are tested to equal. A filter only; each
 * row is decided as well.
 */
export function readersOf(principal: Principal, action: ReadAction): Readers {
  const { roles, org } = principal;
  if (scopeOf(roles, action) === 'any') return 'all';
  const has = (role: 'buyer' | 'provider' | 'billing'): boolean =>
    roles.includes(role) && ROLE_ACTIONS[action][role] === 'own';
  if (has('billing') && org.operator) return 'all';
  const as = (role: 'buyer' | 'provider'): string | null => (has(role) || has('billing') ? org.id : null);
  return { buyer: as('buyer'), provider: as('provider') };
}

/** What a reader may not see is not there: an id alone must not say whether somebody has such a thing. */
export function notFound(): HttpFault {
  return new HttpFault('NOT_FOUND', say('api.notFound'));
}
