/** The bulk generator of usage makes what storage would have made: every invariant holds for it. */
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';

import type { Database } from '#gateway/storage/database.ts';
import { findViolations } from '#gateway/storage/invariants.ts';
import {
  addUsage,
  agreementBody,
  factsOf,
  fileApproved,
  makeBillingScene,
} from '#tests/support/billing-world.ts';
import { openEngine, type OpenEngine } from '#tests/support/engines.ts';

let engine: OpenEngine;
let db: Database;
beforeAll(async () => {
  engine = await openEngine('pglite');
  ({ db } = engine);
});
afterAll(() => engine.close());

test('bulk usage, documents and their leaves satisfy every invariant of storage', async () => {
  const scene = await makeBillingScene(db);
  await fileApproved(db, scene, {
    kind: 'Agreement',
    id: scene.agreement,
    body: agreementBody(scene),
    from: '2026-01-01T00:00:00+08:00',
  });
  const billing = factsOf(scene, { card: { id: 'RC-1', revision: 1 } });
  const quoted = { 'data_usage/calls': '4000000', 'technical_service/calls': '0' };
  const at = '2026-10-01T00:00:00+08:00';
  const ids = await addUsage(db, scene, [
    { copies: 37, at, until: '2026-11-01T00:00:00+08:00', billing, quoted },
    { at, outcome: 'failed', billing, quoted, destroyed: false },
    { copies: 2, at, outcome: 'refused', billing: null, quoted: {} },
  ]);
  expect(ids).toHaveLength(40);
  expect(await findViolations(db)).toEqual([]);
  const [used] = await db.rows<{ spend: string }>(
    sql`SELECT used_spend_nano AS spend FROM grant_counter WHERE grant_id = ${scene.grant} AND scope = 'total'`,
  );
  expect(used?.spend).toBe(String(38n * 4_000_000n));
});
