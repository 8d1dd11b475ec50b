/** Closing months: what stands on which line, late usage, numbers, and two that close at once. */
import { afterAll, beforeAll, expect, test } from 'vitest';

import { periodBounds } from '#gateway/billing/period.ts';
import type { Database } from '#gateway/storage/database.ts';
import { closeMonth, type Closed, readLines, type StatementRecord } from '#gateway/storage/statements.ts';
import {
  addUsage,
  type BillingScene,
  fileCard,
  factsOf,
  makeBillingScene,
  UNIT_CARD,
} from '#tests/support/billing-world.ts';
import { describeEngines, openEngine, type OpenEngine } from '#tests/support/engines.ts';

const ZONE = 'Asia/Shanghai';

function closing(scene: BillingScene, period: string) {
  const { operator: issuer, buyer, clerks } = scene;
  return { issuer, buyer, period, ...periodBounds(period, ZONE), timeZone: ZONE, by: clerks[0] };
}

function statementOf(closed: Closed): StatementRecord {
  if (closed.kind === 'closed' || closed.kind === 'already') return closed.statement;
  throw new Error(JSON.stringify(closed));
}

async function linesOf(db: Database, { id }: StatementRecord): Promise<Record<string, unknown>[]> {
  const lines = await readLines(db, id, { after: 0, limit: 1000 });
  return lines.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
}

describeEngines('closing a month on', (engine) => {
  let opened: OpenEngine;
  let db: Database;
  beforeAll(async () => {
    opened = await openEngine(engine);
    ({ db } = opened);
  });
  afterAll(() => opened.close());

  test('a month is rated once per line, and late usage takes its line back with the month it belongs to', async () => {
    const scene = await makeBillingScene(db);
    const card = await fileCard(db, scene, UNIT_CARD);
    const billing = factsOf(scene, { card });
    const quoted = { 'data_usage/calls': '4000000', 'technical_service/calls': '0' };
    const october = { billing, quoted, at: '2026-10-05T00:00:00+08:00' };
    const september = { billing, quoted, at: '2026-09-30T23:59:59+08:00' };
    await addUsage(db, scene, [{ ...september, copies: 1 }]);
    const first = statementOf(await closeMonth(db, closing(scene, '2026-09')));
    expect(
      (await linesOf(db, first)).map(({ feeType, events, amountFen }) => [feeType, events, amountFen]),
    ).toEqual([
      ['data_usage', '1', '0'],
      ['technical_service', '1', '0'],
    ]);
    await addUsage(db, scene, [
      { ...october, copies: 1000 },
      { ...september, copies: 2 },
    ]);
    const second = statementOf(await closeMonth(db, closing(scene, '2026-10')));
    expect(
      (await linesOf(db, second)).map((line) => [
        line['originalPeriod'],
        line['feeType'],
        line['kind'],
        line['events'],
        line['amountFen'],
      ]),
    ).toEqual([
      ['2026-09', 'data_usage', 'reversal', '-1', '0'],
      ['2026-09', 'data_usage', 'rebill', '3', '1'],
      ['2026-09', 'technical_service', 'reversal', '-1', '0'],
      ['2026-09', 'technical_service', 'rebill', '3', '0'],
      ['2026-10', 'data_usage', 'charge', '1000', '400'],
      ['2026-10', 'technical_service', 'charge', '1000', '0'],
    ]);
    expect(second.previousDigest).toBe(first.digest);
    expect(second.totalFen).toBe('401');
  });
});
