/** Reconciliation: nothing is reported of sound books, and each tampering is reported by the one rule that it breaks. */
import { sql, type SQL } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { periodBounds } from '#gateway/billing/period.ts';
import type { Database, Tx } from '#gateway/storage/database.ts';
import { reconcile, type RuleName, RULES } from '#gateway/storage/reconcile.ts';
import { makeBilledMonths, ZONE } from '#tests/support/billed-months.ts';
import { describeEngines, openEngine, type OpenEngine } from '#tests/support/engines.ts';

const ALL = { period: null, from: null, to: null };

/** What breaks a rule and no other. */
const TAMPERING: Readonly<Record<RuleName, readonly SQL[]>> = {
  release_has_event: [
    sql`INSERT INTO release SELECT 'x', (SELECT id FROM job WHERE outcome = 'refused' LIMIT 1), grant_id, version_id, 'x', true, cells, salt, output_digest, receipt, released_at FROM release LIMIT 1`,
    sql`UPDATE usage_record SET release_id = 'gone' WHERE id = (SELECT id FROM usage_record u WHERE type = 'release' AND NOT EXISTS (SELECT FROM release r WHERE r.job_id = u.job_id) LIMIT 1)`,
  ],
  meter_complete: [
    sql`INSERT INTO job (id, account_id, datasets, request, planned, scopes, actors, repeatable, state, outcome, code, release_at)
      SELECT 'unmetered', account_id, datasets, request, planned, scopes, actors, false, 'done', 'refused', 'QUOTA', release_at FROM job WHERE outcome = 'refused' LIMIT 1`,
    sql`INSERT INTO quote_acceptance (quote_id, account_id, grant_id, record, leaf_index, accepted_at)
      SELECT 'q', account_id, grant_id, '{}', 99999, now() FROM job WHERE grant_id IS NOT NULL LIMIT 1`,
  ],
  one_live_line: [sql`UPDATE usage_class SET basis = 'outputs' WHERE basis = 'rows'`],
  free_is_zero: [sql`UPDATE statement_line SET zero_reason = NULL WHERE zero_reason = 'public_welfare'`],
  fees_apart: [
    sql`UPDATE settlement_instruction SET fee_type = 'technical_service' WHERE fee_type = 'data_usage'`,
    sql`UPDATE settlement_instruction SET payee = 'somebody' WHERE payee = 'treasury'`,
  ],
  below_cap: [
    sql`UPDATE filed_document SET body = jsonb_set(body, '{caps,0,maxUnitPrice}', '"0.4"') WHERE kind = 'PriceCap'`,
  ],
  totals_agree: [
    sql`UPDATE statement SET total_fen = total_fen + 1 WHERE period = '2026-10'`,
    sql`UPDATE statement SET lines = lines + 1 WHERE period = '2026-09'`,
  ],
  exact_reversal: [
    sql`UPDATE statement_line SET quantity = quantity + 1 WHERE kind = 'reversal'`,
    sql`UPDATE statement_line SET amount_precise = -amount_precise WHERE kind = 'reversal' AND amount_precise <> 0`,
  ],
  rating_repeats: [
    sql`UPDATE statement_line SET inputs_digest = repeat('0', 64) WHERE kind = 'rebill'`,
    sql`UPDATE usage_record SET planned = planned || '{"calls":"2"}' WHERE id = (SELECT id FROM usage_record WHERE outcome = 'released' AND quoted ? 'data_usage/rows' LIMIT 1)`,
    sql`UPDATE filed_document SET body = jsonb_set(body, '{charges,0,unitPrice}', '"0.6"') WHERE kind = 'RateCard'`,
    sql`DELETE FROM rated_run WHERE usage_id = (SELECT usage_id FROM rated_run LIMIT 1)`,
  ],
  statements_fixed: [
    sql`UPDATE statement SET head = head || ' ' WHERE period = '2026-09'`,
    sql`UPDATE statement SET previous_digest = 'sha256:0' WHERE period = '2026-10'`,
    sql`UPDATE statement_line SET body = replace(body, '"version":"1"', '"version":"2"') WHERE ordinal = 1`,
    sql`DELETE FROM audit_leaf WHERE class = 'statement'`,
  ],
  log_agrees_by_day: [
    sql`DELETE FROM audit_leaf WHERE class = 'refusal'`,
    sql`UPDATE audit_leaf SET class = 'failure' WHERE class = 'refusal'`,
  ],
  double_entry: [
    sql`UPDATE settlement_instruction SET amount_fen = amount_fen + 1 WHERE payee = 'treasury'`,
    sql`UPDATE settlement_share SET amount_fen = amount_fen + 1 WHERE payee = 'treasury'`,
    sql`DELETE FROM payment_advice`,
    sql`UPDATE payment_advice SET currency = 'USD'`,
  ],
  no_delete_path: [
    sql`ALTER TABLE usage_record DISABLE TRIGGER insert_only`,
    sql`DROP TRIGGER never_deleted ON statement`,
  ],
};

class RollBack extends Error {}

describeEngines('reconciling on', (engine) => {
  let opened: OpenEngine;
  let db: Database;
  beforeAll(async () => {
    opened = await openEngine(engine);
    ({ db } = opened);
    await makeBilledMonths(db);
  });
  afterAll(() => opened.close());

  test('sound books have nothing to report, as a whole and by month', async () => {
    expect(await reconcile(db, ALL)).toEqual([]);
    for (const period of ['2026-09', '2026-10'])
      expect(await reconcile(db, { period, ...periodBounds(period, ZONE) })).toEqual([]);
  });

  test.for(RULES.flatMap((rule) => TAMPERING[rule].map((tampering, at) => ({ rule, at, tampering }))))(
    'only $rule reports tampering $at',
    async ({ rule, tampering }) => {
      let found: readonly string[] = [];
      await db
        .transact(async (tx: Tx) => {
          await tx.rows(sql`SET LOCAL session_replication_role = replica`);
          await tx.rows(tampering);
          found = (await reconcile(tx, ALL)).map(({ name }) => name);
          throw new RollBack();
        })
        .catch((error: unknown) => {
          if (!(error instanceof RollBack)) throw error;
        });
      expect(found).toEqual([rule]);
    },
  );

  test('a month is not held to account for another', async () => {
    let found: readonly string[] = [];
    await db
      .transact(async (tx: Tx) => {
        await tx.rows(sql`SET LOCAL session_replication_role = replica`);
        await tx.rows(sql`UPDATE statement SET lines = lines + 1 WHERE period = '2026-09'`);
        const october = { period: '2026-10', ...periodBounds('2026-10', ZONE) };
        found = (await reconcile(tx, october)).map(({ name }) => name);
        throw new RollBack();
      })
      .catch((error: unknown) => {
        if (!(error instanceof RollBack)) throw error;
      });
    expect(found).toEqual([]);
  });
});
