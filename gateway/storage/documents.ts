/**
 * Filed documents: agreements, rate cards, price caps, revenue ceilings and products, filed by one and approved by another.
 *
 * Guarantee: every wording is kept; an approval is one transaction with its leaf in the log. Wordings of an id follow
 * one another without overlap: each begins after the one before, ends that one if it was open-ended, and does not begin
 * in the past. Where the one before ends at a fixed moment that is still to come, the next begins at that moment. A
 * withdrawal ends a wording from then on; what it was in force for before stays as it was.
 * Not covered: what a body says, and who may file or approve it; the caller has checked both. A first wording may begin
 * in the past: nobody pays by it for what was before its approval, because prices are fixed when a run is admitted.
 */
import { sql, type SQL } from 'drizzle-orm';

import { digestOf, evidenceJson } from '#crypto/canonical.ts';
import { Refusal } from '#policies/refusal.ts';
import { type Sentence, say } from '#policies/words.ts';

import type { Database, Tx } from './database.ts';
import { appendSql, lockHead } from './log-append.ts';
import { endShares } from './shares.ts';
import { stopJobs } from './suspension.ts';

export const DOCUMENT_KINDS = ['Agreement', 'RateCard', 'PriceCap', 'RevenueCeiling', 'Product'] as const;

export type DocumentKind = (typeof DOCUMENT_KINDS)[number];

/** One wording of a document. */
export interface FiledDocument {
  readonly kind: DocumentKind;
  readonly id: string;
  /** From 1 on, without gaps. */
  readonly revision: number;
  readonly body: unknown;
  /** SHA-256 of the canonical JSON of kind, id, revision and body. */
  readonly digest: string;
  readonly effectiveFrom: Date;
  /** First moment after it, once it is known; null until further notice. */
  readonly effectiveTo: Date | null;
  readonly filedBy: string;
  readonly filedAt: Date;
  readonly approvedBy: string | null;
  readonly approvedAt: Date | null;
  readonly withdrawnAt: Date | null;
}

export interface NewDocument {
  readonly kind: DocumentKind;
  readonly id: string;
  readonly body: unknown;
  readonly from: Date;
  readonly to: Date | null;
  /** The account that files it. */
  readonly by: string;
  /** Before which a new wording does not begin; the database's own clock if absent. */
  readonly now?: Date;
}

/** A wording, and who does something about it. */
export interface DocumentAct {
  readonly kind: DocumentKind;
  readonly id: string;
  readonly revision: number;
  readonly by: string;
}

export interface DocumentApproval extends DocumentAct {
  readonly now?: Date;
  /** What else must hold. Runs inside the transaction, before the log is locked; throws a Refusal. */
  readonly check?: (tx: Tx) => Promise<void>;
}

/** Filing and approving take a while: a new wording may begin this long before. */
const TOLERANCE_MS = 5 * 60_000;

const COLUMNS = sql.raw(`
  kind, id, revision, body, digest, effective_from AS "effectiveFrom", effective_to AS "effectiveTo",
  filed_by AS "filedBy", filed_at AS "filedAt", approved_by AS "approvedBy", approved_at AS "approvedAt",
  withdrawn_at AS "withdrawnAt"`);

/**
 * Files a document, or a new wording of one. The same body once more, as long as nobody has approved it, is the wording
 * that is there. Refusal PARAM when it cannot follow what was approved before.
 */
export async function fileDocument(db: Database, filed: NewDocument): Promise<FiledDocument> {
  const { kind, id, body, from, to, by } = filed;
  return db.transact(async (tx) => {
    await lockDocument(tx, kind, id);
    const wordings = await listWordings(tx, kind, id);
    const newest = wordings.at(-1);
    const isSame =
      newest?.filedBy === by && newest.digest === digestOf({ kind, id, revision: newest.revision, body });
    if (isSame && newest.approvedAt === null && newest.withdrawnAt === null) return newest;
    checkOrder(wordings.filter(isApproved), { kind, id, from, now: await momentOf(tx, filed.now) });
    const revision = wordings.length + 1;
    const [row] = await tx.rows<FiledDocument>(sql`
      INSERT INTO filed_document (kind, id, revision, body, digest, effective_from, effective_to, filed_by)
      VALUES (${kind}, ${id}, ${revision}::int, ${JSON.stringify(body)}::jsonb, ${digestOf({ kind, id, revision, body })},
        ${from.toISOString()}::timestamptz, ${to?.toISOString() ?? null}::timestamptz, ${by})
      RETURNING ${COLUMNS}`);
    return known(row);
  });
}

/**
 * Approves a wording, as somebody else than who filed it; it ends the open-ended wording before it. To approve it once
 * more as the same account does nothing. Refusal NO_GRANT for who filed it, PARAM for what cannot be approved, and what
 * `check` throws.
 */
export async function approveDocument(db: Database, approval: DocumentApproval): Promise<FiledDocument> {
  const { kind, id, revision, by, check } = approval;
  return db.transact(async (tx) => {
    await lockDocument(tx, kind, id);
    const wordings = await listWordings(tx, kind, id);
    const document = known(wordings[revision - 1], approval);
    if (document.approvedBy === by) return document;
    checkOpen(document, wordings, by);
    await check?.(tx);
    const approved = wordings.filter(isApproved);
    const now = await momentOf(tx, approval.now);
    checkOrder(approved, { kind, id, from: document.effectiveFrom, now });
    const before = approved.findLast(({ withdrawnAt }) => withdrawnAt === null);
    if (before?.effectiveTo === null) await endWording(tx, before, document.effectiveFrom);
    return writeApproval(tx, document, by);
  });
}

async function writeApproval(tx: Tx, document: FiledDocument, by: string): Promise<FiledDocument> {
  const { kind, id, revision, digest, filedBy } = document;
  const head = await lockHead(tx);
  const at = head.now.toISOString();
  const name = nameOf(document);
  const body = evidenceJson({ type: 'document', document: name, digest, filedBy, approvedBy: by, at });
  const leaf = appendSql(head, { body, class: 'document', visibleAt: at });
  const [row] = await tx.rows<FiledDocument>(sql`
    WITH ${leaf.parts}
    UPDATE filed_document SET approved_by = ${by}, approved_at = ${at}::timestamptz, leaf_index = ${leaf.index}::bigint
    WHERE kind = ${kind} AND id = ${id} AND revision = ${revision}::int RETURNING ${COLUMNS}`);
  return known(row);
}

/**
 * Withdraws a wording: one that nobody has approved, or the newest that was. An agreement that is in force no more takes
 * the grants that rest on it with it, and their unfinished jobs. To withdraw once more does nothing. Refusal PARAM.
 */
export async function withdrawDocument(db: Database, act: DocumentAct): Promise<FiledDocument> {
  if (act.kind !== 'Agreement') return db.transact((tx) => withdraw(tx, act));
  let withdrawn: FiledDocument | undefined;
  let revoked: readonly string[] = [];
  await stopJobs(db, {
    stop: async (tx) => {
      withdrawn = await withdraw(tx, act);
      revoked = await revokeGrantsOn(tx, act);
    },
    jobs: sql`grant_id IN (SELECT id FROM access_grant WHERE revoked_at IS NOT NULL AND body->>'parentAgreement' = ${act.id})`,
    last: async (tx) => {
      for (const grant of revoked) await endShares(tx, grant);
    },
  });
  return known(withdrawn);
}

async function withdraw(tx: Tx, act: DocumentAct): Promise<FiledDocument> {
  const { kind, id, revision, by } = act;
  await lockDocument(tx, kind, id);
  const wordings = await listWordings(tx, kind, id);
  const document = known(wordings[revision - 1], act);
  if (document.withdrawnAt !== null) return document;
  if (isApproved(document)) checkNewest(document, wordings);
  const [row] = await tx.rows<FiledDocument>(sql`
    UPDATE filed_document SET withdrawn_by = ${by}, withdrawn_at = now()
    WHERE kind = ${kind} AND id = ${id} AND revision = ${revision}::int RETURNING ${COLUMNS}`);
  return known(row);
}

/** Revokes the grants on an agreement that was approved and of which no wording is left that stands; their ids. */
async function revokeGrantsOn(tx: Tx, { id, revision, by }: DocumentAct): Promise<readonly string[]> {
  const revoked = await tx.rows<{ id: string }>(sql`
    UPDATE access_grant SET revoked_at = now(), revoked_by = ${`${by}: Agreement/${id}/${revision}`}
    WHERE revoked_at IS NULL AND body->>'parentAgreement' = ${id}
      AND EXISTS (SELECT FROM filed_document WHERE kind = 'Agreement' AND id = ${id} AND revision = ${revision}::int AND approved_at IS NOT NULL)
      AND NOT EXISTS (SELECT FROM filed_document WHERE kind = 'Agreement' AND id = ${id} AND approved_at IS NOT NULL
        AND withdrawn_at IS NULL AND (effective_to IS NULL OR effective_to > now()))
    RETURNING id`);
  return revoked.map((grant) => grant.id);
}

/** A wording, or null. */
export async function findDocument(
  tx: Tx,
  kind: DocumentKind,
  { id, revision }: { readonly id: string; readonly revision: number },
): Promise<FiledDocument | null> {
  const [row] = await tx.rows<FiledDocument>(sql`
    SELECT ${COLUMNS} FROM filed_document WHERE kind = ${kind} AND id = ${id} AND revision = ${revision}::int`);
  return row ?? null;
}

/** The wording that was filed last, or null. */
export async function newestDocument(tx: Tx, kind: DocumentKind, id: string): Promise<FiledDocument | null> {
  return (await listWordings(tx, kind, id)).at(-1) ?? null;
}

/** Every wording of every document of a kind, by id and revision. */
export async function listDocuments(tx: Tx, kind: DocumentKind): Promise<readonly FiledDocument[]> {
  return tx.rows<FiledDocument>(sql`
    SELECT ${COLUMNS} FROM filed_document WHERE kind = ${kind} ORDER BY id, revision`);
}

/** The wordings of a kind that are in force at a moment, by id: approved, not withdrawn by then, and between their dates. */
export async function documentsInForce(
  tx: Tx,
  kind: DocumentKind,
  at: Date,
): Promise<readonly FiledDocument[]> {
  const moment = at.toISOString();
  return tx.rows<FiledDocument>(sql`
    SELECT ${COLUMNS} FROM filed_document
    WHERE kind = ${kind} AND approved_at IS NOT NULL AND effective_from <= ${moment}::timestamptz
      AND (effective_to IS NULL OR effective_to > ${moment}::timestamptz)
      AND (withdrawn_at IS NULL OR withdrawn_at > ${moment}::timestamptz)
    ORDER BY id, revision`);
}

/**
 * SQL for all that a grant rests on, as an array of Upstream: what it was saved with, and the end of its agreement, where
 * that was filed and its last wording has an end. Read anew for each decision, because a later wording moves the end.
 * `grant`: the name that the statement gives the row of access_grant.
 */
export function upstreamSql(grant: 'access_grant' | 'g'): SQL {
  return sql`${sql.raw(grant)}.upstream || coalesce((
    SELECT jsonb_build_array(jsonb_build_object('kind', 'operationAgreement', 'id', d.id, 'revoked', false,
      'end', to_char(d.effective_to AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))
    FROM (SELECT id, effective_to FROM filed_document WHERE kind = 'Agreement' AND id = ${sql.raw(grant)}.body->>'parentAgreement'
      AND approved_at IS NOT NULL AND withdrawn_at IS NULL ORDER BY revision DESC LIMIT 1) d
    WHERE d.effective_to IS NOT NULL), '[]')`;
}

/** `Agreement/A-1/2`: a wording in sentences and in the log. */
function nameOf({ kind, id, revision }: Pick<FiledDocument, 'kind' | 'id' | 'revision'>): string {
  return `${kind}/${id}/${revision}`;
}

async function listWordings(tx: Tx, kind: DocumentKind, id: string): Promise<readonly FiledDocument[]> {
  return tx.rows<FiledDocument>(sql`
    SELECT ${COLUMNS} FROM filed_document WHERE kind = ${kind} AND id = ${id} ORDER BY revision`);
}

/** What is done about the wordings of one document is done one after the other. */
async function lockDocument(tx: Tx, kind: DocumentKind, id: string): Promise<void> {
  await tx.rows(sql`SELECT pg_advisory_xact_lock(hashtextextended(${`${kind}/${id}`}, 0))`);
}

async function momentOf(tx: Tx, now: Date | undefined): Promise<Date> {
  if (now !== undefined) return now;
  const [row] = await tx.rows<{ now: Date }>(sql`SELECT clock_timestamp() AS now`);
  return row?.now ?? new Date(Number.NaN);
}

function isApproved({ approvedAt }: FiledDocument): boolean {
  return approvedAt !== null;
}

function known(
  document: FiledDocument | undefined,
  named?: Pick<FiledDocument, 'kind' | 'id' | 'revision'>,
): FiledDocument {
  if (document !== undefined) return document;
  if (named === undefined) throw new RangeError('a wording that was written is there');
  throw refusal(say('document.unknown', { document: nameOf(named) }));
}

function refusal(sentence: Sentence): Refusal {
  return new Refusal('PARAM', sentence);
}

function checkOpen(document: FiledDocument, wordings: readonly FiledDocument[], by: string): void {
  const name = nameOf(document);
  if (document.filedBy === by)
    throw new Refusal('NO_GRANT', say('document.sameAccount', { document: name, account: by }));
  if (document.approvedAt !== null) throw refusal(say('document.approved', { document: name }));
  if (document.withdrawnAt !== null) throw refusal(say('document.withdrawn', { document: name }));
  checkNewest(document, wordings);
}

/** What was approved later stands on what was before. */
function checkNewest(document: FiledDocument, wordings: readonly FiledDocument[]): void {
  const newer = wordings.findLast((wording) => isApproved(wording) && wording.withdrawnAt === null);
  if (newer === undefined || newer.revision <= document.revision) return;
  throw refusal(say('document.newerApproved', { document: nameOf(document), newer: newer.revision }));
}

interface Beginning {
  readonly kind: DocumentKind;
  readonly id: string;
  readonly from: Date;
  readonly now: Date;
}

type OrderRule = 'document.past' | 'document.notAfter' | 'document.overlap' | 'document.gap';

/** Checks that a wording that begins at `from` follows what was approved, oldest first. */
function checkOrder(approved: readonly FiledDocument[], { kind, id, from, now }: Beginning): void {
  const fault = (rule: OrderRule, dates: Readonly<Record<string, Date | number>>): Refusal => {
    const all = Object.entries({ from, ...dates }).map(([name, value]) => [name, textOf(value)]);
    return refusal(say(rule, { document: `${kind}/${id}`, ...Object.fromEntries(all) }));
  };
  const standing = approved.findLast(({ withdrawnAt }) => withdrawnAt === null);
  if (standing !== undefined && from <= standing.effectiveFrom)
    throw fault('document.notAfter', { begin: standing.effectiveFrom, revision: standing.revision });
  for (const wording of approved) {
    const end = endOf(wording);
    if (end !== null && from < end) throw fault('document.overlap', { end, revision: wording.revision });
  }
  const end = standing === undefined ? null : standing.effectiveTo;
  const earliest = new Date(now.getTime() - TOLERANCE_MS);
  if (standing !== undefined && end !== null && from > end && end >= earliest)
    throw fault('document.gap', { end, revision: standing.revision });
  if (approved.length > 0 && from < earliest) throw fault('document.past', { now });
}

function textOf(value: Date | number): string | number {
  return value instanceof Date ? value.toISOString() : value;
}

/** The first moment at which a wording is in force no more; null for an open end. What was withdrawn before it began never was. */
function endOf({ effectiveFrom, effectiveTo, withdrawnAt }: FiledDocument): Date | null {
  if (withdrawnAt === null || (effectiveTo !== null && effectiveTo < withdrawnAt)) return effectiveTo;
  return withdrawnAt > effectiveFrom ? withdrawnAt : null;
}

async function endWording(tx: Tx, { kind, id, revision }: FiledDocument, at: Date): Promise<void> {
  await tx.rows(sql`
    UPDATE filed_document SET effective_to = ${at.toISOString()}::timestamptz
    WHERE kind = ${kind} AND id = ${id} AND revision = ${revision}::int`);
}

/** How often anything was approved or withdrawn: while this stays, so does what is in force at any moment. */
export async function stampOf(tx: Tx): Promise<string> {
  const [row] = await tx.rows<{ stamp: string }>(
    sql`SELECT count(approved_at) || '/' || count(withdrawn_at) AS stamp FROM filed_document`,
  );
  return row?.stamp ?? '';
}
