/** The stage of the kill tests: a buyer with an agreement, a rate card and two grants, one of which runs out of money. */
import { sql } from 'drizzle-orm';

import { parseGrant } from '#policies/grant.ts';
import type { Database } from '#gateway/storage/database.ts';
import { approveGrant, saveGrant } from '#gateway/storage/grant-store.ts';
import {
  agreementBody,
  type BillingScene,
  factsOf,
  fileApproved,
  makeBillingScene,
  rateCardBody,
} from '#tests/support/billing-world.ts';
import { ask, freshId, type Scene } from '#tests/support/world.ts';
import { CALL, type Template } from './orders.ts';

/** Who asks under what. */
export interface Stage extends Scene {
  readonly scene: BillingScene;
  /** A grant whose money is soon spent. */
  readonly poor: string;
  /** What the processes are told. */
  readonly template: Template;
}

/** Calls that the poor grant may pay. */
const POOR_CALLS = 12n;

/** A buyer with an agreement, a rate card and two grants in force. */
export async function setStage(db: Database): Promise<Stage> {
  const scene = await makeBillingScene(db);
  const card = `card-${freshId().slice(0, 12)}`;
  const from = '2026-01-01T00:00:00+08:00';
  const agreement = { kind: 'Agreement', id: scene.agreement, body: agreementBody(scene), from } as const;
  await fileApproved(db, scene, agreement);
  const charges = [{ basis: 'calls', model: 'unit', unitPrice: '0.004', per: '1' }];
  await fileApproved(db, scene, { kind: 'RateCard', id: card, body: rateCardBody(scene, charges), from });
  const { buyer, account, dataset, versionId } = scene;
  const grant = await grantLike(db, scene.grant, { name: 'rich', spendNano: null });
  const poor = await grantLike(db, scene.grant, { name: 'poor', spendNano: CALL * POOR_CALLS });
  const lineage = dataset.replace('visits_', 'lineage-');
  const seen = { organisation: buyer, account, dataset, lineage, population: null, versionId, grant };
  // Functions and bigints are what JSON leaves behind or refuses; `askOf` brings its own.
  const plain = JSON.parse(JSON.stringify({ ...ask(seen), charges: [] })) as Template['plain'];
  const billing = factsOf(scene, { card: { id: card, revision: 1 } });
  return { ...seen, scene, poor, template: { plain, lineage, billing } };
}

/** A grant like another one, whose runs need no quote, with so much money. */
async function grantLike(
  db: Database,
  like: string,
  { name, spendNano }: { readonly name: string; readonly spendNano: bigint | null },
): Promise<string> {
  const [row] = await db.rows<{ body: object }>(sql`SELECT body FROM access_grant WHERE id = ${like}`);
  const id = `${like}-${name}`;
  const total = { runs: '1000000', ...(spendNano !== null && { spendNano: String(spendNano) }) };
  const standing = {
    perCall: { spendNano: String(CALL * 4n) },
    perDay: { spendNano: String(CALL * 1_000_000n) },
  };
  const grant = parseGrant({ ...row?.body, id, quota: { total, perDay: null, standing } });
  await saveGrant(db, { grant, upstream: [], by: 'officer' });
  for (const side of ['provider', 'buyer'] as const)
    await approveGrant(db, { grantId: id, revision: 1, side, by: side });
  return id;
}
