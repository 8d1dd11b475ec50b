/**
 * Grants: filed by an operator, approved on both sides by different people, revoked at once.
 *
 * Guarantee: who files does not approve, who holds does not approve the provider's side, and nobody approves two sides;
 * an approval means one wording. The policies decide who may; the buyer's own acceptance of the terms is his to give.
 */
import { findGrantFaults, type Grant, parseGrant } from '#policies/grant.ts';
import { Refusal } from '#policies/refusal.ts';
import { type Language, render, type Sentence, say } from '#policies/words.ts';
import type { FileRequest } from '#policies/request.ts';
import { instantText } from '#sandbox/release/zone.ts';
import { type Agreement, coverageFault } from '../billing/agreement.ts';
import type { Caller } from '../http/endpoint.ts';
import { type FieldFault, FieldFaults, HttpFault } from '../problem.ts';
import type { Database } from '../storage/database.ts';
import { findDataset } from '../storage/dataset-list.ts';
import { documentsInForce, newestDocument } from '../storage/documents.ts';
import {
  approveGrant,
  findGrant,
  type GrantRecord,
  listGrants,
  saveGrant,
  type Side,
} from '../storage/grant-store.ts';
import { findOrganisation, findSubmitter } from '../storage/party-list.ts';
import { resume, revokeGrant, suspend } from '../storage/suspension.ts';
import { demand, notFound } from './permission.ts';
import { checkShares, sharesOf } from './shares.ts';
import type { Shell } from './shell.ts';

/** Parses a grant from a request; FieldFaults that name every field at fault. */
export function grantOf(value: unknown): Grant {
  const faults = findGrantFaults(value);
  if (faults.length === 0) return parseGrant(value);
  throw fieldFaultsOf(faults, 'grant');
}

/** Sentences that name their field, as faults of a request; `whole` where one names none. */
export function fieldFaultsOf(faults: readonly Sentence[], whole: string): FieldFaults {
  return new FieldFaults(
    faults.map((rule): FieldFault => ({ field: String(rule.args['field'] ?? whole), rule })),
  );
}

/** Checks that the parties and datasets of a grant are registered, and the data the authoriser's to grant. */
export async function checkParties(db: Database, grant: Grant): Promise<void> {
  for (const field of ['authoriser', 'holder'] as const) {
    if ((await findOrganisation(db, grant[field])) === null) throw unknownParty(field);
  }
  for (const [index, { dataset }] of grant.datasets.entries()) {
    const found = await findDataset(db, dataset);
    if (found === null) throw unknownParty(`datasets[${index}].dataset`);
    if (found.organisationId !== grant.authoriser)
      throw new Refusal('PARAM', say('api.otherProvider', { dataset, authoriser: grant.authoriser }));
  }
}

export function unknownParty(field: string): FieldFaults {
  return new FieldFaults([{ field, rule: say('api.unknownParty', { field }) }]);
}

/** Files a grant, or a new wording of one, inside a transaction. Refusal BUDGET for shares that exceed what is left. */
export async function fileGrant(db: Database, grant: Grant, by: string): Promise<void> {
  const known = await findGrant(db, grant.id);
  if (known !== null && (known.revoked || known.organisationId !== grant.holder))
    throw new HttpFault('CONFLICT', say('api.grantChanged'));
  await checkAgreement(db, grant);
  await saveGrant(db, { grant, upstream: [], by });
  // After the old wording, whose shares have gone back.
  await checkShares(db, grant);
}

/**
 * A grant on an agreement that was filed starts while that is in force, and grants what it covers; its end bounds the
 * grant's in every decision (storage/documents.ts). One that was never filed is for people to look at.
 */
async function checkAgreement(db: Database, grant: Grant): Promise<void> {
  const { parentAgreement: id, start } = grant;
  if ((await newestDocument(db, 'Agreement', id)) === null) return;
  const inForce = await documentsInForce(db, 'Agreement', new Date(start));
  const agreement = inForce.find((document) => document.id === id && document.withdrawnAt === null);
  if (agreement === undefined) {
    const rule = say('agreement.notInForce', { agreement: id, start });
    throw new FieldFaults([{ field: 'parentAgreement', rule }]);
  }
  const fault = coverageFault(agreement.body as Agreement, grant);
  if (fault !== null) throw new Refusal('PARAM', fault);
}

/** A grant that this caller may see: his organisation is a party, or he oversees all. HttpFault NOT_FOUND. */
export async function getGrant(shell: Shell, caller: Caller, id: string): Promise<GrantRecord> {
  const grant = await findGrant(shell.db, id);
  if (grant === null || !maySee(caller, grant)) throw notFound();
  return grant;
}

/** The grants that this caller may see, by id. */
export async function listSeenGrants(shell: Shell, caller: Caller): Promise<readonly GrantRecord[]> {
  return (await listGrants(shell.db, null)).filter((grant) => maySee(caller, grant));
}

function maySee({ principal: { roles, org } }: Caller, { body }: GrantRecord): boolean {
  const oversees = roles.some((role) => role === 'operator' || role === 'auditor' || role === 'supervisor');
  return oversees || body.holder === org.id || body.authoriser === org.id;
}

export interface ApprovalAsk {
  readonly side: Side;
  /** The signed document, where somebody else's approval is recorded. */
  readonly evidence: string | null;
}

/** Approves one side of a grant's newest wording. */
export async function approve(
  shell: Shell,
  caller: Caller,
  grant: GrantRecord,
  ask: ApprovalAsk,
): Promise<void> {
  const { principal } = caller;
  const isOwnAcceptance =
    ask.side === 'buyer' &&
    principal.org.id === grant.body.holder &&
    principal.roles.includes('buyer') &&
    // An auditor accepts nothing either: nobody audits an act of their own.
    !principal.roles.includes('auditor');
  if (!isOwnAcceptance) {
    demand(shell, await fileRequest(shell, caller, grant, 'approve_grant'));
    const isOwnSide = ask.side === 'provider' && principal.org.id === grant.body.authoriser;
    if (!isOwnSide && ask.evidence === null)
      throw new FieldFaults([{ field: 'evidence', rule: say('api.evidence') }]);
  }
  checkFourEyes(principal.id, grant, ask.side);
  const { id: grantId, revision } = grant;
  const by = ask.evidence === null ? principal.id : `${principal.id} (${ask.evidence})`;
  const shares = await sharesOf(shell.db, grant.body);
  if (!(await approveGrant(shell.db, { grantId, revision, side: ask.side, by }, shares)))
    throw new HttpFault('CONFLICT', say('api.grantChanged'));
}

/** The two sides are two people. */
function checkFourEyes(account: string, grant: GrantRecord, side: Side): void {
  const other = side === 'provider' ? grant.buyerApproval : side === 'buyer' ? grant.providerApproval : null;
  if (other?.by.split(' ')[0] === account)
    throw new Refusal('NO_GRANT', say('api.sameApprover', { account }));
}

/** Revokes a grant and stops every job under it. */
export async function revoke(
  shell: Shell,
  caller: Caller,
  grant: GrantRecord,
  reason: string,
): Promise<void> {
  demand(shell, await fileRequest(shell, caller, grant, 'revoke_grant'));
  await revokeGrant(shell.db, { grantId: grant.id, by: `${caller.principal.id}: ${reason}` });
}

/** Suspends a grant with every job under it, or ends that. What was revoked stays so. */
export async function suspendGrant(
  shell: Shell,
  caller: Caller,
  grant: GrantRecord,
  act: 'suspend' | 'resume',
): Promise<void> {
  demand(shell, await fileRequest(shell, caller, grant, 'suspend'));
  await (act === 'suspend' ? suspend : resume)(shell.db, 'grant', grant.id);
}

async function fileRequest(
  shell: Shell,
  { principal }: Caller,
  { id, body }: GrantRecord,
  action: FileRequest['action'],
): Promise<FileRequest> {
  const submitter = (await findSubmitter(shell.db, id)) ?? '';
  return { action, principal, file: { id, applicant: body.holder, provider: body.authoriser, submitter } };
}

/** A grant as a resource. */
export function grantResource(shell: Shell, grant: GrantRecord, language: Language): object {
  const { body, revision, revoked, suspended, createdAt } = grant;
  return {
    ...body,
    revision,
    state: stateOf(shell, grant),
    approvals: {
      provider: grant.providerApproval,
      buyer: grant.buyerApproval,
      subject: grant.subjectApproval,
    },
    revoked,
    suspended,
    filedAt: instantText(createdAt.getTime(), shell.timeZone),
    waitsFor: waitsFor(grant, language),
  };
}

function stateOf(
  shell: Shell,
  { body, revoked, suspended, providerApproval, buyerApproval, subjectApproval }: GrantRecord,
) {
  if (revoked) return 'revoked';
  if (suspended) return 'suspended';
  const isApproved = providerApproval !== null && buyerApproval !== null;
  if (!isApproved || (body.personalData && subjectApproval === null)) return 'filed';
  if (shell.now() >= Date.parse(body.end)) return 'expired';
  return shell.now() < Date.parse(body.start) ? 'approved' : 'active';
}

function waitsFor(
  { id, body, providerApproval, buyerApproval, subjectApproval }: GrantRecord,
  language: Language,
): string[] {
  return [
    ...(providerApproval === null ? [say('grant.approval.provider', { grant: id })] : []),
    ...(buyerApproval === null ? [say('grant.approval.buyer', { grant: id })] : []),
    ...(body.personalData && subjectApproval === null ? [say('grant.approval.subject', { grant: id })] : []),
  ].map((sentence) => render(sentence, language));
}
