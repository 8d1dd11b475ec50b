/**
 * Charges for a month: what a grant that was in force owes whatever it ran, once for each dataset and fee with such a card.
 *
 * Guarantee: the card, the discount and the zero rules are those of the first moment of the month at which the grant was
 * in force. A grant that was not approved, or was revoked before, owes nothing.
 */
import { sql } from 'drizzle-orm';

import type { Grant } from '#policies/grant.ts';
import type { DatasetOrigin } from '#sandbox/manifest/dataset.ts';

import { type BillingFacts, type Contribution, FEE_TYPES } from '../billing/facts.ts';
import { feesOf } from '../billing/price.ts';
import { type Card, cardFor, type RateCard } from '../billing/rate-card.ts';
import { seatGroupOf, type UsageGroup } from '../billing/usage-group.ts';
import type { Tx } from './database.ts';
import { documentsInForce, type FiledDocument } from './documents.ts';
import type { Closing } from './statements.ts';

interface GrantInMonth {
  readonly id: string;
  readonly body: Grant;
  /** The first moment of the month at which it was in force. */
  readonly since: Date;
  readonly origins: Readonly<Record<string, DatasetOrigin>>;
}

/** The charges of a buyer's grants for a month. */
export async function monthlyGroups(tx: Tx, closing: Closing): Promise<readonly UsageGroup[]> {
  const groups: UsageGroup[] = [];
  for (const grant of await grantsIn(tx, closing)) {
    const cards = (await documentsInForce(tx, 'RateCard', grant.since)).map(cardOf);
    if (!cards.some(({ body }) => body.charges.some(({ basis }) => basis === 'seats'))) continue;
    const agreements = await documentsInForce(tx, 'Agreement', grant.since);
    const agreement = agreements.find(({ id }) => id === grant.body.parentAgreement) ?? null;
    for (const { dataset } of grant.body.datasets)
      groups.push(...chargesOf({ closing, grant, dataset, cards, agreement }));
  }
  return groups;
}

function cardOf({ id, revision, body }: FiledDocument): Card {
  return { id, revision, body: body as RateCard };
}

async function grantsIn(tx: Tx, { buyer, from, to }: Closing): Promise<readonly GrantInMonth[]> {
  const [begin, end] = [from.toISOString(), to.toISOString()];
  return tx.rows<GrantInMonth>(sql`
    SELECT g.id, g.body, greatest(${begin}::timestamptz, (g.body->>'start')::timestamptz, (g.provider_approval->>'at')::timestamptz,
        (g.buyer_approval->>'at')::timestamptz) AS since,
      (SELECT coalesce(jsonb_object_agg(d.name, d.manifest->>'origin'), '{}') FROM dataset d
        WHERE d.name IN (SELECT t->>'dataset' FROM jsonb_array_elements(g.body->'datasets') AS t)) AS origins
    FROM access_grant g
    WHERE g.organisation_id = ${buyer} AND g.provider_approval IS NOT NULL AND g.buyer_approval IS NOT NULL
      AND (g.subject_approval IS NOT NULL OR NOT (g.body->>'personalData')::boolean)
      AND greatest((g.body->>'start')::timestamptz, (g.provider_approval->>'at')::timestamptz, (g.buyer_approval->>'at')::timestamptz) < ${end}::timestamptz
      AND (g.body->>'end')::timestamptz > ${begin}::timestamptz
      AND (g.revoked_at IS NULL OR g.revoked_at > ${begin}::timestamptz)
    ORDER BY g.id`);
}

/** What is charged for one dataset of a grant. */
function chargesOf(use: {
  readonly closing: Closing;
  readonly grant: GrantInMonth;
  readonly dataset: string;
  readonly cards: readonly Card[];
  readonly agreement: FiledDocument | null;
}): readonly UsageGroup[] {
  const { closing, grant, dataset, cards, agreement } = use;
  const { purposeClass, channel, scene } = grant.body;
  const ask = {
    at: grant.since,
    buyer: closing.buyer,
    purposeClass,
    channel,
    origin: grant.origins[dataset] ?? 'enterprise',
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
    const { period } = closing;
    const group = card === null ? null : seatGroupOf({ grant: grant.id, period, billing, feeType }, card);
    return group === null ? [] : [group];
  });
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
