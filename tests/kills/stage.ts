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
const POOR_CALLS = 25n;

/** A buyer with an agreement, a rate card and two grants in force. */
export async function setStage(db: Database): Promise<Stage> {
  const scene = await makeBillingScene(db);
  const card = `card-${freshId().slice(0, 12)}`;
  const from = '2026-01-01T00:00:00+08:00';
  const agreement = { kind: 'Agreement', id: scene.agreement, body: agreementBody(scene), from } as const;
  await fileApproved(db, scene, agreement);
  const charges = [{ basis: 'calls', model: 'unit', unitPrice: '0.004', per: '1' }];
  await fileApproved(db, scene, { kind: 'RateCard', id: card, body: rateCardBody(scene, charges), from });
  const { buyer, account, dataset, versionId, grant } = scene;
  const lineage = dataset.replace('visits_', 'lineage-');
  const seen = { organisation: buyer, account, dataset, lineage, population: null, versionId, grant };
  const { charges: _charges, priceOf: _price, decide: _decide, ...plain } = ask(seen);
  const billing = factsOf(scene, { card: { id: card, revision: 1 } });
  return { ...seen, scene, poor: await poorGrant(db, grant), template: { plain, lineage, billing } };
}

async function poorGrant(db: Database, like: string): Promise<string> {
  const [row] = await db.rows<{ body: object }>(sql`SELECT body FROM access_grant WHERE id = ${like}`);
  const id = `${like}-poor`;
  const quota = { total: { runs: '1000000', spendNano: String(CALL * POOR_CALLS) }, perDay: null };
  await saveGrant(db, { grant: parseGrant({ ...row?.body, id, quota }), upstream: [], by: 'officer' });
  for (const side of ['provider', 'buyer'] as const)
    await approveGrant(db, { grantId: id, revision: 1, side, by: side });
  return id;
}
