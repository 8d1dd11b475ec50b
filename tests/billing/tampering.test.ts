/** Tampering with bills: each invariant of billing is broken once, and names what broke it. */
import { sql, type SQL } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { BILLING_INVARIANTS, findBillingViolations } from '#gateway/storage/billing-invariants.ts';
import type { Database } from '#gateway/storage/database.ts';
import { recordAdvices } from '#gateway/storage/payments.ts';
import { instructionsOf, markSent, settleStatement } from '#gateway/storage/settlement.ts';
import { closeMonth } from '#gateway/storage/statements.ts';
import {
  addCalls,
  closingOf,
  correct,
  issueAs,
  OCTOBER,
  pricedScene,
  SEPTEMBER,
  statementOf,
} from '#tests/support/billing-acts.ts';
import { openEngine, type OpenEngine } from '#tests/support/engines.ts';

let opened: OpenEngine;
let db: Database;
let [first, second] = ['', ''];
beforeAll(async () => {
  opened = await openEngine('pglite');
  ({ db } = opened);
  const world = await pricedScene(db);
  const { scene } = world;
  const [usage = ''] = await addCalls(db, world, SEPTEMBER, 1000);
  first = statementOf(await closeMonth(db, closingOf(scene, '2026-09'))).id;
  await issueAs(db, scene, first);
  const by = scene.clerks[0];
  await settleStatement(db, { id: first, by });
  await markSent(db, first);
  const advices = (await instructionsOf(db, first)).map(({ id, amountFen }, at) => ({
    reference: `R-${at}`,
    instruction: id,
    amountFen: BigInt(amountFen),
    currency: 'CNY',
    paidOn: '2026-11-20',
  }));
  await recordAdvices(db, { advices, by });
  await correct(db, scene, usage, { quantities: { calls: '0' } });
  await addCalls(db, world, OCTOBER, 5);
  second = statementOf(await closeMonth(db, closingOf(scene, '2026-10'))).id;
});
afterAll(() => opened.close());

class RollBack extends Error {}

/** What is found after a change that no trigger saw; the change is taken back. */
async function foundAfter(...changes: readonly SQL[]): Promise<readonly string[]> {
  let found: readonly string[] = [];
  await db
    .transact(async (tx) => {
      await tx.rows(sql`SET LOCAL session_replication_role = replica`);
      for (const change of changes) await tx.rows(change);
      found = (await findBillingViolations(tx)).map(({ invariant }) => invariant);
      throw new RollBack();
    })
    .catch((error: unknown) => {
      if (!(error instanceof RollBack)) throw error;
    });
  return found;
}

const TAMPERINGS: Readonly<Record<string, () => readonly SQL[]>> = {
  'a family has one live line at most, and a rated record stands on lines that are live': () => [
    sql`DELETE FROM statement_line WHERE statement_id = ${second} AND kind = 'charge'`,
  ],
  'a live line has the runs, the quantity and the quotes of the usage on it': () => [
    sql`UPDATE rated_run SET class_id = 'excluded' WHERE usage_id = (SELECT min(usage_id) FROM rated_run)`,
  ],
  'what is free by its purpose or channel costs nothing, and its line says why': () => [
    sql`UPDATE statement_line SET zero_reason = NULL WHERE fee_type = 'technical_service'`,
  ],
  'a line is of one fee, that of its family, and no share is of two': () => [
    sql`UPDATE settlement_instruction SET fee_type = 'technical_service'`,
  ],
  'a statement adds up: its total and the totals of its fees are the sums of its lines': () => [
    sql`UPDATE statement_line SET amount_fen = amount_fen + 1 WHERE id = ${`${first}.1`}`,
  ],
  'the shares of a line add up to it, and an instruction to its shares': () => [
    sql`UPDATE settlement_share SET amount_fen = amount_fen + 1`,
  ],
  'an instruction is matched by one advice that says the same, and a settled statement is all matched':
    () => [sql`DELETE FROM payment_advice WHERE reference = 'R-0'`],
  'a reversal is the exact negative of the line that it names': () => [
    sql`UPDATE statement_line SET quoted_nano = quoted_nano + 1 WHERE kind = 'reversal'`,
  ],
  'statements of an issuer are numbered without gaps, each with the digest of the one before': () => [
    sql`UPDATE statement_sequence SET last = last + 1`,
  ],
  'a statement and its lines say what they were signed as': () => [
    sql`UPDATE statement_line SET body = replace(body, '"kind":"charge"', '"kind":"rebill"') WHERE id = ${`${first}.1`}`,
  ],
  'a statement that is issued has one leaf, which is its signature': () => [
    sql`UPDATE statement SET signed = signed || 'x' WHERE id = ${first}`,
  ],
  'a decision about a correction has one leaf, which says the same': () => [
    sql`UPDATE correction SET change = '{"exclude": true}'`,
  ],
  'nothing that may not be seen, or was refused, is rated': () => [
    sql`UPDATE usage_record SET visible_at = now() + interval '1 day' WHERE id = (SELECT min(usage_id) FROM rated_run)`,
  ],
};

test('bills that nobody touched hold', async () => {
  expect(await findBillingViolations(db)).toEqual([]);
});

test.each(Object.entries(TAMPERINGS))('is found: %s', async (name, changes) => {
  expect(await foundAfter(...changes())).toContain(name);
});

test('every invariant is broken above', () => {
  expect(Object.keys(TAMPERINGS).toSorted()).toEqual(Object.keys(BILLING_INVARIANTS).toSorted());
});

const FORBIDDEN: Readonly<Record<string, SQL>> = {
  'a line is changed': sql`UPDATE statement_line SET amount_fen = 0`,
  'a statement is changed': sql`UPDATE statement SET total_fen = 0`,
  'a settled statement is issued again': sql`UPDATE statement SET state = 'issued' WHERE state = 'settled'`,
  'a correction is decided again': sql`UPDATE correction SET decision = 'rejected'`,
  'a mark is taken away': sql`DELETE FROM rated_run`,
  'a class moves to another family': sql`UPDATE usage_class SET family_id = 'x'`,
  'a number is skipped': sql`UPDATE statement_sequence SET last = last + 2`,
  'a payment is changed': sql`UPDATE payment_advice SET amount_fen = 0`,
  'a share is changed': sql`UPDATE settlement_share SET amount_fen = 0`,
};

test.each(Object.entries(FORBIDDEN))('the database refuses that %s', async (_, statement) => {
  await expect(db.transact((tx) => tx.rows(statement))).rejects.toMatchObject({ code: '55000' });
});
