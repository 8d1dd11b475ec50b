/**
 * What stands in the way of closing a month: each with who can clear it.
 *
 * Guarantee: a month with a block is not closed. Blocks are the operator's to know; no buyer is shown them.
 */
import { sql } from 'drizzle-orm';

import type { Role } from '#policies/roles.ts';
import { type Sentence, say } from '#policies/words.ts';

import type { Tx } from './database.ts';

export type BlockCode =
  /** The month is not over, by the database's clock. */
  | 'PERIOD_OPEN'
  | 'JOBS_UNDER_WAY'
  /** Usage of an earlier month that has no statement yet. */
  | 'EARLIER_OPEN'
  | 'CARD_MISSING'
  | 'CURRENCY'
  | 'ABOVE_QUOTE'
  | 'ABOVE_CAP'
  /** A record that cannot be rated. */
  | 'USAGE';

/** One block. */
export interface Block {
  readonly code: BlockCode;
  readonly sentence: Sentence;
  /** Who can clear it. */
  readonly clearedBy: readonly Role[];
}

/** Thrown to take a closing back. */
export class Blocked extends Error {
  readonly blocks: readonly Block[];

  constructor(blocks: readonly Block[]) {
    super('a month is blocked');
    this.blocks = blocks;
  }
}

/**
 * What stands in the way whatever was used. A run that has ended is under way until its release time: when it ended is
 * nobody's to know.
 */
export async function findBlocks(
  tx: Tx,
  { buyer, period, to }: { readonly buyer: string; readonly period: string; readonly to: Date },
): Promise<readonly Block[]> {
  const end = to.toISOString();
  const [row] = await tx.rows<{ over: boolean; underWay: number }>(sql`
    SELECT now() >= ${end}::timestamptz AS over, (SELECT count(*)::int FROM job j JOIN account a ON a.id = j.account_id
      WHERE a.organisation_id = ${buyer} AND (j.state <> 'done' OR j.release_at > now()) AND j.created_at < ${end}::timestamptz) AS "underWay"`);
  return [
    ...(row?.over === true
      ? []
      : [
          {
            code: 'PERIOD_OPEN',
            sentence: say('statement.block.periodOpen', { period }),
            clearedBy: [],
          } as const,
        ]),
    ...(row?.underWay === 0
      ? []
      : [
          {
            code: 'JOBS_UNDER_WAY',
            sentence: say('statement.block.underWay', { count: row?.underWay ?? 0 }),
            clearedBy: ['operator', 'buyer'],
          } as const,
        ]),
  ];
}
