/** What tests of billing do over and over: close a month, read its lines, correct a record, run a month to its payment. */
import { generateSigningKey } from '#crypto/ed25519-key.ts';
import { signCompact } from '#crypto/signing.ts';
import { STATEMENT_TYP } from '#crypto/statement.ts';
import type { CorrectionCause, CorrectionChange } from '#gateway/billing/correction.ts';
import { periodBounds } from '#gateway/billing/period.ts';
import type { LineBody } from '#gateway/billing/statement-line.ts';
import { decideCorrection, requestCorrection } from '#gateway/storage/corrections.ts';
import type { Database } from '#gateway/storage/database.ts';
import { issueStatement } from '#gateway/storage/statement-acts.ts';
import { type Closed, type Closing, readLines, type StatementRecord } from '#gateway/storage/statements.ts';

import {
  addUsage,
  agreementBody,
  type BillingScene,
  factsOf,
  fileApproved,
  fileCard,
  makeBillingScene,
  UNIT_CARD,
} from './billing-world.ts';

export const ZONE = 'Asia/Shanghai';
export const OCTOBER = '2026-10-05T00:00:00+08:00';
export const SEPTEMBER = '2026-09-05T00:00:00+08:00';
/** What a call at 0.004 yuan was quoted. */
export const CALL_QUOTED = { 'data_usage/calls': '4000000', 'technical_service/calls': '0' };

/** The closing of a month of a scene. */
export function closingOf(scene: BillingScene, period: string): Closing {
  const { operator: issuer, buyer, clerks } = scene;
  return { issuer, buyer, period, ...periodBounds(period, ZONE), timeZone: ZONE, by: clerks[0] };
}

/** The statement of a closed month. */
export function statementOf(closed: Closed): StatementRecord {
  if (closed.kind === 'closed' || closed.kind === 'already') return closed.statement;
  throw new Error(`no statement: ${JSON.stringify(closed)}`);
}

export async function bodiesOf(db: Database, { id }: StatementRecord): Promise<readonly LineBody[]> {
  const lines = await readLines(db, id, { after: 0, limit: 10_000 });
  return lines.map(({ body }) => JSON.parse(body) as LineBody);
}

const KEY = generateSigningKey();

/** Issues a statement as the second clerk. */
export async function issueAs(db: Database, scene: BillingScene, id: string): Promise<StatementRecord> {
  const issued = await issueStatement(db, {
    id,
    by: scene.clerks[1],
    sign: ({ head, digest }) =>
      signCompact({ head: JSON.parse(head) as object, digest }, KEY, { typ: STATEMENT_TYP }),
  });
  if (issued === null) throw new Error('no statement');
  return issued;
}

/** A scene whose agreement is filed and whose calls cost 0.004 yuan. */
export async function pricedScene(db: Database, charges: readonly object[] = UNIT_CARD) {
  const scene = await makeBillingScene(db);
  const from = '2026-01-01T00:00:00+08:00';
  await fileApproved(db, scene, {
    kind: 'Agreement',
    id: scene.agreement,
    body: agreementBody(scene),
    from,
  });
  const card = await fileCard(db, scene, charges);
  return { scene, card, billing: factsOf(scene, { card }) };
}

/** Adds so many calls of 0.004 yuan; the ids of their records. */
export async function addCalls(
  db: Database,
  { scene, billing }: Pick<Awaited<ReturnType<typeof pricedScene>>, 'scene' | 'billing'>,
  at: string,
  copies: number,
): Promise<readonly string[]> {
  return addUsage(db, scene, [{ at, copies, billing, quoted: CALL_QUOTED }]);
}

/** Asks for a correction as one clerk and approves it as the other. */
export async function correct(
  db: Database,
  scene: BillingScene,
  usageId: string,
  change: CorrectionChange,
  cause: CorrectionCause = 'quantity',
): Promise<void> {
  const evidence = { id: 'letter-1', sha256: 'e'.repeat(64) };
  const [by, other] = scene.clerks;
  const { id } = await requestCorrection(db, { cause, usageId, buyer: scene.buyer, change, evidence, by });
  await decideCorrection(db, { id, decision: 'approved', by: other });
}
