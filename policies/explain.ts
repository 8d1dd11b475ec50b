/**
 * A decision as sentences that a person can act on: which condition failed, and what would have to change.
 *
 * Guarantee: sentences are made from the request and the terms of a grant that the request reached. To a
 * request that no permit reached they say nothing of anybody's grant. They never hold data, a count of data,
 * or a message of the engine.
 */
import type { Decision } from './decide.ts';
import { exceededUnits } from './quota.ts';
import { Refusal } from './refusal.ts';
import { type DecisionRequest, isUse, type UseRequest } from './request.ts';
import { rolesFor, scopeOf } from './roles.ts';
import type { GrantTerms } from './terms.ts';
import { type Sentence, type SentenceId, say } from './words.ts';

/** One sentence per failing condition, in the order of the codes; none for a request that is allowed. */
export function explain(decision: Decision, request: DecisionRequest): readonly Sentence[] {
  if (decision.allowed) return [];
  if (decision.errors.length > 0) return [undecided(request)];
  if (decision.reasons.length === 0) return [unreached(request)];
  const known = REASONS.filter(({ policy }) => decision.reasons.includes(policy));
  const others = decision.reasons.filter((reason) => !known.some(({ policy }) => policy === reason));
  return [
    ...known.map(({ sentence }) => sentence(request)),
    ...others.map((policy) => say('grant.otherPolicy', { policy })),
  ];
}

/** A denial as something to throw. Throws RangeError when the request is allowed. */
export function refusalOf(decision: Decision, request: DecisionRequest): Refusal {
  const [first] = explain(decision, request);
  if (decision.code === null || first === undefined)
    throw new RangeError('an allowed request has no refusal');
  return new Refusal(decision.code, first);
}

interface Reason {
  /** Name of the forbid in policies.cedar. */
  readonly policy: string;
  readonly sentence: (request: DecisionRequest) => Sentence;
}

type Facts = UseRequest & { readonly grant: GrantTerms };
type Args = Sentence['args'];

/** A condition of use: its sentence names the grant, and what was granted and asked. */
function use(policy: string, id: SentenceId, args: (facts: Facts) => Args = () => ({})): Reason {
  return {
    policy,
    sentence: (request) => {
      // INVARIANT: conditions of use are only reached by a use under a grant.
      if (!isUse(request) || request.grant === null)
        throw new RangeError(`policy ${policy} is a condition of use`);
      const facts: Facts = { ...request, grant: request.grant };
      return say(id, { grant: facts.grant.id, dataset: facts.dataset.id, ...args(facts) });
    },
  };
}

/** A rule for every kind of request: its sentence names the principal. */
function act(policy: string, id: SentenceId): Reason {
  return {
    policy,
    sentence: ({ principal, action }) =>
      say(id, { action, client: principal.id, organisation: principal.org.id }),
  };
}

const list = (names: readonly string[]): string => (names.length === 0 ? '–' : names.join(', '));

/** Every forbid, in the order in which a person wants to hear of it: the order of the codes. */
export const REASONS: readonly Reason[] = [
  act('duties-operator', 'grant.duties.operator'),
  act('duties-supervisor', 'grant.duties.supervisor'),
  act('duties-auditor', 'grant.duties.auditor'),
  act('duties-own-application', 'grant.duties.application'),
  act('duties-own-submission', 'grant.duties.submission'),
  act('duties-billing', 'grant.duties.billing'),
  use('approval-provider', 'grant.approval.provider'),
  use('approval-buyer', 'grant.approval.buyer'),
  use('approval-subject', 'grant.approval.subject'),
  use('consent', 'grant.consent'),
  use('channel', 'grant.channel', ({ ask, grant }) => ({ granted: grant.channel, asked: ask.channel })),
  use('version', 'grant.version', ({ ask, grant }) => ({
    granted: grant.version ?? '–',
    asked: ask.version,
  })),
  use('row-scope', 'grant.rowScope', ({ ask, grant }) => ({ granted: grant.rowScope, asked: ask.rowScope })),
  use('region', 'grant.region', ({ grant, principal }) => ({
    granted: list(grant.regions ?? []),
    asked: principal.org.region,
  })),
  use('sector', 'grant.sector', ({ grant, principal }) => ({
    granted: list(grant.sectors ?? []),
    asked: principal.org.sector,
  })),
  use('revoked', 'grant.revoked', ({ grant }) => ({ revoked: list(grant.revoked) })),
  use('suspended-grant', 'grant.suspended.grant'),
  use('suspended-dataset', 'grant.suspended.dataset'),
  use('suspended-provider', 'grant.suspended.provider'),
  act('suspended-client', 'grant.suspended.client'),
  act('suspended-org', 'grant.suspended.org'),
  use('not-yet-valid', 'grant.early', ({ grant }) => ({ start: grant.start })),
  use('expired', 'grant.expired', ({ grant }) => ({ end: grant.end, endedBy: grant.endedBy })),
  use('purpose', 'grant.purpose', ({ ask, grant }) => ({
    granted: list(grant.purposes),
    asked: ask.purpose,
  })),
  use('scene', 'grant.scene', ({ ask, grant }) => ({ granted: grant.scene, asked: ask.scene })),
  use('right-to-process', 'grant.rightToProcess', ({ grant }) => ({ granted: list(grant.rights) })),
  use('right-to-resell', 'grant.rightToResell', ({ grant }) => ({ granted: list(grant.rights) })),
  use('manner', 'grant.manner', ({ ask, grant }) => ({ granted: list(grant.manners), asked: ask.manner })),
  use('program', 'grant.program', ({ ask, grant }) => ({
    granted: list(grant.programs ?? []),
    asked: ask.program,
  })),
  use('grade-core', 'grant.grade.core'),
  use('grade-important', 'grant.grade.important', ({ ask }) => ({ asked: ask.manner })),
  use('verification', 'grant.outputVerification'),
  use('output-kind', 'grant.outputKind', ({ ask, grant }) => ({
    granted: list(grant.outputKinds),
    asked: ask.outputKind,
  })),
  use('columns', 'grant.columns', ({ ask, grant }) => ({
    missing: list(ask.columns.filter((column) => !grant.columns.includes(column))),
    granted: list(grant.columns),
  })),
  use('quota', 'grant.quota', ({ ask, grant }) => {
    const exceeded = exceededUnits(ask.amounts, grant.left);
    return {
      units: list(exceeded),
      asked: list(exceeded.map((unit) => ask.amounts[unit])),
      left: list(exceeded.map((unit) => grant.left[unit] ?? '–')),
    };
  }),
];

/** Why no permit reached a request: a role, a party, or a grant that is not there. */
function unreached(request: DecisionRequest): Sentence {
  const { action, principal } = request;
  if (scopeOf(principal.roles, action) === null) {
    return say('grant.role', { action, needed: list(rolesFor(action)), held: list(principal.roles) });
  }
  if (!isUse(request)) return say('grant.notParty', { action });
  const { grant, dataset, ask } = request;
  if (grant === null || grant.holder !== principal.org.id) {
    return say('grant.none', { dataset: dataset.id, purpose: ask.purpose });
  }
  return say('grant.otherDataset', { grant: grant.id, granted: list(grant.datasets), dataset: dataset.id });
}

const DIMENSIONS = [
  'purpose',
  'scene',
  'channel',
  'manner',
  'program',
  'outputKind',
  'version',
  'rowScope',
  'columns',
  'amounts',
] as const satisfies readonly (keyof UseRequest['ask'])[];

/** Which dimensions of a use are missing; all of them when none plainly is, since one of them is malformed. */
function undecided(request: DecisionRequest): Sentence {
  if (!isUse(request)) return say('grant.undecided', { dimensions: 'principal, resource' });
  const ask: Partial<UseRequest['ask']> = request.ask ?? {};
  const missing = DIMENSIONS.filter((dimension) => ask[dimension] === undefined);
  return say('grant.undecided', { dimensions: list(missing.length > 0 ? missing : DIMENSIONS) });
}
