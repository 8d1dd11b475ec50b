/**
 * Filed documents: filed by one, approved by another, read by those whom they concern.
 *
 * Guarantee: what a caller may not read is not there. Buyers and billing clerks of other organisations are told neither
 * what a product asks of its data nor to whom a rate card gives a discount, unless to themselves; of rate cards only those
 * that are published: guided and posted prices.
 */
import type { Principal } from '#policies/request.ts';
import type { Role } from '#policies/roles.ts';
import { type Language, render } from '#policies/words.ts';
import { instantText } from '#sandbox/release/zone.ts';
import type { Product } from '../billing/product.ts';
import type { RateCard } from '../billing/rate-card.ts';
import type { Caller } from '../http/endpoint.ts';
import type { Database } from '../storage/database.ts';
import {
  approveDocument,
  type DocumentKind,
  fileDocument,
  type FiledDocument,
  findDocument,
  listDocuments,
  withdrawDocument,
} from '../storage/documents.ts';
import { listGrants } from '../storage/grant-store.ts';
import { bodyOf, checkApproval, checkFiling, partiesOf } from './document-checks.ts';
import { demandRight, demandRole, mayDo, type Ties } from './document-rights.ts';
import { notFound } from './permission.ts';
import { priceWarnings } from './price-checks.ts';
import type { Shell } from './shell.ts';

/** A wording by its place. */
export interface WordingAsk {
  readonly kind: DocumentKind;
  readonly id: string;
  readonly revision: number;
}

/** Files a body, inside a transaction. FieldFaults for the body, Refusal for whoever may not or when it cannot follow. */
export async function fileAs(
  shell: Shell,
  inside: Database,
  { caller, kind, value }: { readonly caller: Caller; readonly kind: DocumentKind; readonly value: unknown },
): Promise<FiledDocument> {
  const { principal } = caller;
  demandRole(principal, 'file', kind);
  const body = bodyOf(kind, value);
  await demandRight(principal, {
    action: 'file',
    kind,
    ties: tiesOf(inside, principal, { kind, id: body.id, body }),
  });
  await checkFiling(inside, kind, body);
  const { id, from, to } = body;
  const dates = { from: new Date(from), to: to === null ? null : new Date(to), now: new Date(shell.now()) };
  return fileDocument(inside, { kind, id, body, ...dates, by: principal.id });
}

/** Approves or withdraws a wording. Refusal; HttpFault NOT_FOUND. */
export async function actOn(
  shell: Shell,
  caller: Caller,
  { action, ...ask }: WordingAsk & { readonly action: 'approve' | 'withdraw' },
): Promise<FiledDocument> {
  const { principal } = caller;
  demandRole(principal, action, ask.kind);
  const document = await getWording(shell, caller, ask);
  await demandRight(principal, { action, kind: ask.kind, ties: tiesOf(shell.db, principal, document) });
  const act = { ...ask, by: principal.id };
  if (action === 'withdraw') return withdrawDocument(shell.db, act);
  return approveDocument(shell.db, {
    ...act,
    now: new Date(shell.now()),
    check: (tx) => checkApproval(tx, document, shell.timeZone),
  });
}

/** A wording that this caller may read. HttpFault NOT_FOUND. */
export async function getWording(
  shell: Shell,
  { principal }: Caller,
  ask: WordingAsk,
): Promise<FiledDocument> {
  const found = await findDocument(shell.db, ask.kind, ask);
  if (found === null || !(await isSeen(shell.db, principal, found))) throw notFound();
  return found;
}

/** The newest wording of a document that this caller may read. HttpFault NOT_FOUND. */
export async function getNewest(
  shell: Shell,
  caller: Caller,
  { kind, id }: Pick<WordingAsk, 'kind' | 'id'>,
): Promise<FiledDocument> {
  const newest = (await listSeen(shell, caller, kind)).findLast((document) => document.id === id);
  if (newest === undefined) throw notFound();
  return newest;
}

/** The wordings of a kind that this caller may read, by id and revision. */
export async function listSeen(
  shell: Shell,
  { principal }: Caller,
  kind: DocumentKind,
): Promise<readonly FiledDocument[]> {
  const seen = [];
  for (const document of await listDocuments(shell.db, kind))
    if (await isSeen(shell.db, principal, document)) seen.push(document);
  return seen;
}

async function isSeen(db: Database, principal: Principal, document: FiledDocument): Promise<boolean> {
  const { kind } = document;
  const ties = tiesOf(db, principal, document);
  if (await mayDo(principal, { action: 'read', kind, ties })) return true;
  if (document.approvedAt === null || !isPublished(document)) return false;
  return mayDo(principal, { action: 'readApproved', kind, ties });
}

/** Prices that were agreed with one buyer are between him and the operator. */
function isPublished({ kind, body }: FiledDocument): boolean {
  if (kind !== 'RateCard') return true;
  const { priceSource } = body as RateCard;
  return priceSource === 'guided' || priceSource === 'market';
}

function tiesOf(
  db: Database,
  { org }: Principal,
  { kind, id, body }: Pick<FiledDocument, 'kind' | 'id' | 'body'>,
): Ties {
  return {
    isParty: async () => (await partiesOf(db, kind, body)).includes(org.id),
    isHolder: async () => (await listGrants(db, org.id)).some((grant) => grant.body.parentAgreement === id),
  };
}

/** A wording as a resource, with the body as this caller may read it; `warnings` for who files or approves it. */
export async function documentResource(
  shell: Shell,
  { principal }: Caller,
  document: FiledDocument,
  language: Language,
): Promise<object> {
  const { kind, id, revision, digest, filedBy, approvedBy } = document;
  const at = (moment: Date | null) =>
    moment === null ? null : instantText(moment.getTime(), shell.timeZone);
  const ties = tiesOf(shell.db, principal, document);
  const isInside = await mayDo(principal, { action: 'read', kind, ties });
  const isOpen = document.approvedAt === null && document.withdrawnAt === null;
  const warnings = isInside && isOpen ? await priceWarnings(shell.db, document, shell.timeZone) : [];
  return {
    kind,
    id,
    revision,
    state: stateOf(shell, document),
    // Of a card with discounts that are not the reader's it would tell a guess at them from the truth.
    digest: isInside || kind !== 'RateCard' ? digest : null,
    from: at(document.effectiveFrom),
    to: at(document.effectiveTo),
    filed: { by: isInside ? filedBy : null, at: at(document.filedAt) },
    approved:
      document.approvedAt === null ? null : { by: isInside ? approvedBy : null, at: at(document.approvedAt) },
    withdrawnAt: at(document.withdrawnAt),
    warnings: warnings.map((warning) => render(warning, language)),
    body: isInside && !isClerk(principal.roles) ? document.body : shownBody(document, principal.org.id),
  };
}

function stateOf(
  shell: Shell,
  { approvedAt, withdrawnAt, effectiveFrom, effectiveTo }: FiledDocument,
): string {
  if (withdrawnAt !== null) return 'withdrawn';
  if (approvedAt === null) return 'filed';
  if (shell.now() < effectiveFrom.getTime()) return 'approved';
  return effectiveTo === null || shell.now() < effectiveTo.getTime() ? 'active' : 'ended';
}

/** No billing role sees what is asked of data. */
function isClerk(roles: readonly Role[]): boolean {
  return roles.every((role) => role === 'billing');
}

/** A body without what is not for everybody. */
function shownBody({ kind, body }: FiledDocument, reader: string): unknown {
  if (kind === 'Product') {
    const { sql, program, ...shown } = body as Product;
    return { ...shown, parameters: sql?.parameters ?? program?.parameters ?? {} };
  }
  if (kind !== 'RateCard') return body;
  const { discounts, ...card } = body as RateCard;
  const own = discounts.filter(({ buyers }) => buyers.includes(reader));
  return { ...card, discounts: own.map((discount) => ({ ...discount, buyers: [reader] })) };
}
