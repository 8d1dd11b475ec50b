/**
 * A request for a decision: who wants to do what to which resource, with every fact the policies may ask about.
 *
 * A request is plain JSON and is kept with its decision, so that anyone can decide it again. It holds no
 * clock: the caller states the instant. It holds no person but the principal's id.
 */
import type { Channel, Manner, OutputKind } from './grant.ts';
import type { Purpose } from './purpose.ts';
import type { Amounts } from './quota.ts';
import { type ApproveAction, type ReadAction, type Role, USE_ACTIONS, type UseAction } from './roles.ts';
import type { GrantTerms } from './terms.ts';

export interface Principal {
  readonly id: string;
  readonly roles: readonly Role[];
  readonly suspended: boolean;
  readonly org: {
    readonly id: string;
    /** Whether this organisation runs the platform. */
    readonly operator: boolean;
    readonly region: string;
    readonly sector: string;
    readonly suspended: boolean;
  };
}

export type Grade = 'general' | 'business_important' | 'important' | 'core';
export type Origin = 'public' | 'enterprise' | 'personal' | 'synthetic';

export interface DatasetFacts {
  readonly id: string;
  /** The organisation that provides it. */
  readonly provider: string;
  readonly providerSuspended: boolean;
  readonly grade: Grade;
  readonly origin: Origin;
  readonly suspended: boolean;
}

/** Every dimension of a use that a grant limits. A missing one is a refusal. */
export interface Ask {
  readonly purpose: Purpose;
  readonly scene: string;
  readonly channel: Channel;
  readonly manner: Manner;
  /** Digest of the program that runs; `none` where none does. */
  readonly program: string;
  readonly outputKind: OutputKind;
  /** Version id of the dataset. */
  readonly version: string;
  /** The row filter that the reader will apply, as terms.ts writes it. */
  readonly rowScope: string;
  /** Columns the request names. The privacy unit, read only to bound contributions, is not asked for. */
  readonly columns: readonly string[];
  /** Planned amounts. */
  readonly amounts: Amounts;
}

/** To quote, run or resell under a grant; `grant` is null when none was found. */
export interface UseRequest {
  readonly action: UseAction;
  readonly principal: Principal;
  readonly dataset: DatasetFacts;
  readonly grant: GrantTerms | null;
  readonly ask: Ask;
  /** The instant of the decision, ISO 8601 with a zone. */
  readonly now: string;
}

/** A grant, a program or an answer that waits: somebody applied for it, and somebody else decides. */
export interface FileFacts {
  readonly id: string;
  /** The organisation that applied. */
  readonly applicant: string;
  /** The organisation whose data it is about. */
  readonly provider: string;
  /** The principal who submitted it. */
  readonly submitter: string;
}

export interface FileRequest {
  readonly action: ApproveAction | 'revoke_grant' | 'suspend' | 'withdraw_program' | 'read_program';
  readonly principal: Principal;
  readonly file: FileFacts;
}

export interface SuspendDatasetRequest {
  readonly action: 'suspend';
  readonly principal: Principal;
  readonly dataset: DatasetFacts;
}

export interface RegisterRequest {
  /** To register data, or to have a part in the end of the key under which they are sealed. */
  readonly action: 'register_dataset' | 'destroy_key';
  readonly principal: Principal;
  /** The organisation whose data they are. */
  readonly provider: string;
}

/** What is done in the name of, or to, an organisation. */
export interface OrganisationRequest {
  readonly action: 'submit_program' | 'suspend_organisation';
  readonly principal: Principal;
  readonly organisation: string;
}

export interface ReadRequest {
  readonly action: ReadAction;
  readonly principal: Principal;
  /** The run whose usage, receipt, job or query text is read, and its parties. */
  readonly run: {
    readonly id: string;
    readonly buyer: string;
    readonly providers: readonly string[];
    readonly operator: string;
  };
}

export type DecisionRequest =
  | UseRequest
  | FileRequest
  | SuspendDatasetRequest
  | RegisterRequest
  | OrganisationRequest
  | ReadRequest;

/** Whether a request is for use of data under a grant. */
export function isUse(request: DecisionRequest): request is UseRequest {
  return USE_ACTIONS.some((action) => action === request.action);
}
