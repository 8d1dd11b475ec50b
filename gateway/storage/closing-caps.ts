/**
 * Lines above a cap: usage that was rated by a card while a price cap that binds the card, and that it exceeds, was in force.
 *
 * Guarantee: no line with an amount stands on a statement whose card exceeded the cap in force when any of its runs was
 * seen. Admission refuses such cards already; this looks at what was admitted all the same.
 */
import { sql } from 'drizzle-orm';

import { say } from '#policies/words.ts';

import { bindsCard, findCapBreach, type PriceCap } from '../billing/price-cap.ts';
import type { Card } from '../billing/rate-card.ts';
import type { Block } from './closing-blocks.ts';
import type { Tx } from './database.ts';
import { type FiledDocument, listDocuments } from './documents.ts';

/** A card, and the families that were rated by it with an amount. */
export interface CardUse {
  readonly card: Card;
  readonly families: readonly string[];
}

/** The caps that stand in the way. */
export async function findCapBlocks(tx: Tx, uses: readonly CardUse[]): Promise<readonly Block[]> {
  if (uses.length === 0) return [];
  const caps = (await listDocuments(tx, 'PriceCap')).filter(({ approvedAt }) => approvedAt !== null);
  const blocks: Block[] = [];
  for (const { card, families } of uses) {
    for (const cap of caps) {
      const body = cap.body as PriceCap;
      const breach = bindsCard(body, card.body) ? findCapBreach(card.body, body) : null;
      if (breach === null || !(await hasUsageIn(tx, families, cap, body.scene))) continue;
      const { basis, price, per, most } = breach;
      const sentence = say('statement.block.aboveCap', {
        card: `${card.id}/${card.revision}`,
        cap: `${cap.id}/${cap.revision}`,
        basis,
        price: `${price} / ${per}`,
        most: most === null ? '-' : `${most.price} / ${most.per}`,
      });
      blocks.push({ code: 'ABOVE_CAP', sentence, clearedBy: ['operator', 'billing'] });
    }
  }
  return blocks;
}

/** Whether any run of the families was in the scene of a cap and was seen while that was in force. */
async function hasUsageIn(
  tx: Tx,
  families: readonly string[],
  { effectiveFrom, effectiveTo, withdrawnAt }: FiledDocument,
  scene: string,
): Promise<boolean> {
  const from = effectiveFrom.toISOString();
  const ends = [effectiveTo, withdrawnAt].filter((end) => end !== null).map((end) => end.toISOString());
  const rows = await tx.rows(sql`
    SELECT u.id FROM usage_class c JOIN rated_run r ON r.class_id = c.id JOIN usage_record u ON u.id = r.usage_id
      JOIN job j ON j.id = u.job_id
    WHERE (${scene} = 'any' OR j.scene = ${scene}) AND c.family_id = ANY(${sql.param(families)}::text[]) AND u.visible_at >= ${from}::timestamptz
      AND u.visible_at < ALL(${sql.param(ends)}::timestamptz[]) LIMIT 1`);
  return rows.length > 0;
}
