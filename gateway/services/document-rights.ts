/**
 * Who may file, approve, withdraw and read documents of each kind: one table, and how it is asked.
 *
 * Guarantee: nobody does what the table does not say, and nobody who audits does anything but read. That who approves is
 * another account than who filed is the database's (storage/documents.ts).
 * A price cap is of the authorising body and a revenue ceiling of the price authority (关于建立公共数据资源授权运营价格形成
 * 机制的通知, 发改价格〔2025〕65号): the operator, whose prices they limit, files and approves neither. A provider's cap is
 * approved by a supervisor, and so is a supervisor's, by another one.
 */
import type { Principal } from '#policies/request.ts';
import type { Role } from '#policies/roles.ts';
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { DocumentKind } from '../storage/documents.ts';

/**
 * Of whom a role must be: anybody; the organisation that runs the platform; a party to the document on the side of the
 * data; or an organisation with a grant that rests on it.
 */
type Whose = 'any' | 'platform' | 'party' | 'holder';

type Rights = Readonly<Partial<Record<Role, Whose>>>;

export type DocumentAction = 'file' | 'approve' | 'withdraw' | 'read' | 'readApproved';

const OVERSEERS = { operator: 'any', auditor: 'any', supervisor: 'any', billing: 'platform' } as const;
const EVERYBODY = { ...OVERSEERS, provider: 'any', buyer: 'any', billing: 'any' } as const;

const RIGHTS: Readonly<Record<DocumentKind, Readonly<Record<DocumentAction, Rights>>>> = {
  Agreement: {
    file: { operator: 'any' },
    // Never by the operator alone: it divides what others earn.
    approve: { supervisor: 'any', provider: 'party' },
    withdraw: { operator: 'any', supervisor: 'any', provider: 'party' },
    read: { ...OVERSEERS, provider: 'party' },
    readApproved: { ...OVERSEERS, provider: 'party', buyer: 'holder' },
  },
  Product: {
    file: { operator: 'any' },
    approve: { operator: 'any', supervisor: 'any', provider: 'party' },
    withdraw: { operator: 'any', supervisor: 'any', provider: 'party' },
    read: { operator: 'any', auditor: 'any', supervisor: 'any', provider: 'party' },
    readApproved: EVERYBODY,
  },
  RateCard: {
    file: { operator: 'any', billing: 'platform' },
    approve: { operator: 'any' },
    withdraw: { operator: 'any' },
    read: { ...OVERSEERS, provider: 'party' },
    readApproved: EVERYBODY,
  },
  PriceCap: {
    file: { provider: 'party', supervisor: 'any' },
    approve: { supervisor: 'any' },
    withdraw: { supervisor: 'any' },
    read: { ...OVERSEERS, provider: 'party' },
    readApproved: { ...OVERSEERS, provider: 'any' },
  },
  RevenueCeiling: {
    file: { supervisor: 'any' },
    approve: { supervisor: 'any' },
    withdraw: { supervisor: 'any' },
    read: OVERSEERS,
    readApproved: { ...OVERSEERS, provider: 'any' },
  },
};

/** What a caller's organisation has to do with a document; asked only where it matters. */
export interface Ties {
  isParty(): Promise<boolean>;
  isHolder(): Promise<boolean>;
}

/** Refusal NO_GRANT unless one of the caller's roles may do this with documents of this kind at all. */
export function demandRole({ roles }: Principal, action: DocumentAction, kind: DocumentKind): void {
  const needed = RIGHTS[kind][action];
  if (!isIdle(roles, action) && roles.some((role) => needed[role] !== undefined)) return;
  throw denied(roles, action, kind);
}

/** Refusal NO_GRANT unless the caller may do this with this document. */
export async function demandRight(
  principal: Principal,
  {
    action,
    kind,
    ties,
  }: { readonly action: DocumentAction; readonly kind: DocumentKind; readonly ties: Ties },
): Promise<void> {
  if (!(await mayDo(principal, { action, kind, ties }))) throw denied(principal.roles, action, kind);
}

/** Whether the caller may do this with this document. */
export async function mayDo(
  { roles, org }: Principal,
  {
    action,
    kind,
    ties,
  }: { readonly action: DocumentAction; readonly kind: DocumentKind; readonly ties: Ties },
): Promise<boolean> {
  if (isIdle(roles, action)) return false;
  const whose = new Set(roles.map((role) => RIGHTS[kind][action][role]));
  return (
    whose.has('any') ||
    (whose.has('platform') && org.operator) ||
    (whose.has('party') && (await ties.isParty())) ||
    (whose.has('holder') && (await ties.isHolder()))
  );
}

/** Nobody audits an act of his own. */
function isIdle(roles: readonly Role[], action: DocumentAction): boolean {
  return roles.includes('auditor') && action !== 'read' && action !== 'readApproved';
}

function denied(roles: readonly Role[], action: DocumentAction, kind: DocumentKind): Refusal {
  const needed = Object.keys(RIGHTS[kind][action]).join(', ');
  return new Refusal(
    'NO_GRANT',
    say('grant.role', { action: `${action} ${kind}`, needed, held: roles.join(', ') || '–' }),
  );
}
