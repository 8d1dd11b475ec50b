/**
 * Charges for a month: what a grant that was in force owes whatever it ran, once for each dataset and fee with such a card.
 *
 * Guarantee: the card, the discount and the zero rules are those of the first moment of the month at which the grant was
 * in force for the dataset, in whatever wording; what was approved later is no price of that moment, and a card above a
 * cap in force at it charges nothing. A grant that was not approved, or was revoked before, owes nothing.
 */
import { sql } from 'drizzle-orm';

import type { Grant } from '#policies/grant.ts';
import type { DatasetOrigin } from '#sandbox/manifest/dataset.ts';

import { type BillingFacts, type Contribution, FEE_TYPES } from '../billing/facts.ts';
import { bindsCard, findCapBreach, type PriceCap } from '../billing/price-cap.ts';
import { feesOf } from '../billing/price.ts';
import { type Card, cardFor, type RateCard } from '../billing/rate-card.ts';
import { seatGroupOf, type UsageGroup } from '../billing/usage-group.ts';
import type { Tx } from './database.ts';
import { documentsInForce, type FiledDocument } from './documents.ts';
import { IN_FORCE_SINCE, IS_APPROVED } from './grant-store.ts';
import type { Closing } from './statements.ts';

interface GrantInMonth {
  readonly id: string;
  readonly body: Grant;
  readonly dataset: string;
  /** The first moment of the month at which it was in force for the dataset. */
  readonly since: Date;
  readonly origin: DatasetOrigin | null;
}

/** The charges of a buyer's grants for a month. */
export async function monthlyGroups(tx: Tx, closing: Closing): Promise<readonly UsageGroup[]> {
  const groups: UsageGroup[] = [];
  for (const grant of await grantsIn(tx, closing)) {
    const cards = (await knownAt(tx, 'RateCard', grant.since)).map(cardOf);
    if (!cards.some(({ body }) => body.charges.some(({ basis }) => basis === 'seats'))) continue;
    const caps = (await knownAt(tx, 'PriceCap', grant.since)).map(({ body }) => body as PriceCap);
    const agreements = await documentsInForce(tx, 'Agreement', grant.since);
    const agreement = agreements.find(({ id }) => id === grant.body.parentAgreement) ?? null;
    groups.push(...chargesOf({ closing, grant, cards, caps, agreement }));
  }
  return groups;
}

function cardOf({ id, revision, body }: FiledDocument): Card {
  return { id, revision, body: body as RateCard };
}

/** What was in force at a moment and known then: a first wording may be filed for days that are over. */
async function knownAt(
  tx: Tx,
  kind: 'RateCard' | 'PriceCap',
  moment: Date,
): Promise<readonly FiledDocument[]> {
  const inForce = await documentsInForce(tx, kind, moment);
  return inForce.filter(({ approvedAt }) => approvedAt !== null && approvedAt <= moment);
}

async function grantsIn(tx: Tx, { buyer, from, to }: Closing): Promise<readonly GrantInMonth[]> {
  const [begin, end] = [from.toISOString(), to.toISOString()];
  return tx.rows<GrantInMonth>(sql`
    WITH term AS (
      SELECT g.id, g.body, ${IN_FORCE_SINCE} AS began, least((g.body->>'end')::timestamptz, g.revoked_at) AS ended
      FROM access_grant g WHERE g.organisation_id = ${buyer} AND ${IS_APPROVED}
      UNION ALL
      SELECT t.grant_id, r.body, t.began_at, t.ended_at
      FROM grant_term t JOIN grant_revision r USING (grant_id, revision) JOIN access_grant g ON g.id = t.grant_id
      WHERE g.organisation_id = ${buyer}
    )
    SELECT DISTINCT ON (t.id, n.dataset) t.id, t.body, n.dataset, greatest(${begin}::timestamptz, t.began) AS since,
      (SELECT d.manifest->>'origin' FROM dataset d WHERE d.name = n.dataset) AS origin
    FROM term t, LATERAL (SELECT s->>'dataset' AS dataset FROM jsonb_array_elements(t.body->'datasets') AS s) AS n
    WHERE t.began < ${end}::timestamptz AND t.ended > ${begin}::timestamptz AND t.began < t.ended
    ORDER BY t.id, n.dataset, t.began`);
}

/** What is charged for one dataset of a grant. */
function chargesOf(use: {
  readonly closing: Closing;
  readonly grant: GrantInMonth;
  readonly cards: readonly Card[];
  readonly caps: readonly PriceCap[];
  readonly agreement: FiledDocument | null;
}): readonly UsageGroup[] {
  const { closing, grant, cards, caps, agreement } = use;
  const { dataset } = grant;
  const { purposeClass, channel, scene } = grant.body;
  const ask = {
    at: grant.since,
    buyer: closing.buyer,
    purposeClass,
    channel,
    origin: grant.origin ?? 'enterprise',
    dataset,
    product: null,
    scene: scene.id,
    cards,
  } as const;
  const billing: BillingFacts = {
    buyer: closing.buyer,
    purposeClass,
    channel,
    costCentre: null,
    product: null,
    agreement: agreement === null ? null : { id: agreement.id, revision: agreement.revision },
    contributions: contributionsOf(agreement, dataset),
    fees: feesOf(ask),
  };
  return FEE_TYPES.flatMap((feeType) => {
    const card = cardFor(cards, { ...ask, feeType });
    const isFree = billing.fees.some((fee) => fee.feeType === feeType && fee.zeroReason !== null);
    if (card === null || (!isFree && isAboveCap(card, caps, scene.id))) return [];
    const { period } = closing;
    const group = seatGroupOf({ grant: grant.id, period, billing, feeType }, card);
    return group === null ? [] : [group];
  });
}

/** As at the admission of a run: a card that is about any scene is bound, in this one, by the caps of this one and of any. */
function isAboveCap({ body }: Card, caps: readonly PriceCap[], scene: string): boolean {
  const priced = { ...body, scene };
  return caps.some((cap) => bindsCard(cap, priced) && findCapBreach(body, cap) !== null);
}

/** Who contributes to a dataset, with which weight, by the agreement. */
export function contributionsOf(
  agreement: Pick<FiledDocument, 'body'> | null,
  dataset: string,
): readonly Contribution[] {
  const body = agreement?.body as AgreementDatasets | undefined;
  const own = body?.datasets.find((entry) => entry.dataset === dataset);
  return (own?.contributors ?? []).map(({ contributor, weight }) => ({
    dataset,
    contributor,
    weight,
  }));
}

interface AgreementDatasets {
  readonly datasets: readonly {
    readonly dataset: string;
    readonly contributors: readonly { readonly contributor: string; readonly weight: string }[];
  }[];
}
