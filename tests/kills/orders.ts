/** What the clients of the kill tests order, and under what: two grants of one buyer, one of which runs out of money. */
import { sql } from 'drizzle-orm';

import { parseGrant } from '#policies/grant.ts';
import type { BillingFacts } from '#gateway/billing/facts.ts';
import type { Admission, RunPrice } from '#gateway/storage/admission.ts';
import type { Database } from '#gateway/storage/database.ts';
import { approveGrant, saveGrant } from '#gateway/storage/grant-store.ts';
import type { PlannedUsage } from '#gateway/storage/tables/jobs.ts';
import {
  agreementBody,
  type BillingScene,
  factsOf,
  fileApproved,
  makeBillingScene,
  rateCardBody,
} from '#tests/support/billing-world.ts';
import { ask, freshId, type Scene } from '#tests/support/world.ts';

/** One request to a gateway. `n` names it; a request that was not answered is sent again as it is. */
export type Order = { readonly n: number } & (
  | ({ readonly kind: 'submit' } & Request)
  | { readonly kind: 'quote'; readonly plan: string; readonly grant: string }
  | { readonly kind: 'accept'; readonly quote: string }
);

export interface Request {
  readonly plan: string;
  readonly grant: string;
  /** The Idempotency-Key. */
  readonly key: string;
  readonly quote: string | null;
}

/** Everything that the processes need to know. */
export interface Stage extends Scene {
  readonly billing: BillingFacts;
  readonly scene: BillingScene;
  /** A grant whose money is soon spent. */
  readonly poor: string;
}

/** Nano-yuan a call: its card says 0.004 yuan. */
const CALL = 4_000_000n;
/** Calls that the poor grant may pay. */
const POOR_CALLS = 25n;
/** Calls of one run, by the first digit of its Plan's digest, so that not every line is alike. */
const CALLS = (plan: string): bigint => 1n + BigInt(Number.parseInt(plan.slice(0, 1), 16) % 4);

/** A buyer with an agreement, a rate card and two grants in force. */
export async function setStage(db: Database): Promise<Stage> {
  const scene = await makeBillingScene(db);
  const card = `card-${freshId().slice(0, 12)}`;
  const from = '2026-01-01T00:00:00+08:00';
  await fileApproved(db, scene, {
    kind: 'Agreement',
    id: scene.agreement,
    body: agreementBody(scene),
    from,
  });
  const charges = [{ basis: 'calls', model: 'unit', unitPrice: '0.004', per: '1' }];
  await fileApproved(db, scene, { kind: 'RateCard', id: card, body: rateCardBody(scene, charges), from });
  const { buyer, account, dataset, versionId, grant } = scene;
  return {
    organisation: buyer,
    account,
    dataset,
    lineage: dataset.replace('visits_', 'lineage-'),
    population: null,
    versionId,
    grant,
    billing: factsOf(scene, { card: { id: card, revision: 1 } }),
    scene,
    poor: await poorGrant(db, grant),
  };
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

/** The admission that a request asks for. */
export function askOf(stage: Stage, { plan, grant, key, quote }: Request): Admission {
  const admission = ask(stage, {
    planDigest: plan,
    grant,
    quote,
    idempotency: { key, bodyHash: plan },
    priceOf: (_tx, _grant, planned) => Promise.resolve(priceAt(stage, planned)),
  });
  return { ...admission, planned: { ...admission.planned, calls: String(CALLS(plan)) } };
}

/** What the card says of these quantities, in one multiplication. */
export function priceAt({ billing }: Stage, planned: PlannedUsage): RunPrice {
  const spendNano = String(CALL * BigInt(planned['calls'] ?? 0));
  return { billing, quoted: { 'data_usage/calls': spendNano, 'technical_service/calls': '0' }, spendNano };
}
