/**
 * Kills: gateways, runners and clerks are processes of their own, and die by kill -9 at any moment of a load that bills.
 *
 * After each batch the database is recovered, every request has been sent until it was answered, and the month is closed.
 * Then nothing that was acknowledged is lost, nothing is doubled, answers, usage records, leaves and rated runs are
 * equally many, and budget and money are exact to the last unit. 200 kills in `npm cit`, 1,000 more in an audit.
 * Not covered here: HTTP, Cedar, readers and jails, which are killed as a whole in tests/journeys/processes.test.ts.
 */
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { closeMonth } from '#gateway/storage/statements.ts';
import { sized } from '#tests/support/audit-size.ts';
import { HAS_POSTGRES, openEngine, type OpenEngine } from '#tests/support/engines.ts';
import { closeAtLast, comeToAnEnd, faultsAfter, monthOf } from './aftermath.ts';
import { killClerks, Killing, type KillPlan, type Told } from './killing.ts';
import { closingOf } from './orders.ts';
import { bundlePrograms, type Programs } from './programs.ts';
import { setStage } from './stage.ts';

/** Of each batch at its end, of the clerks alone. */
const CLERKS = 10;
/** A kill takes a tenth of a second on two quiet cores. */
const TIMEOUT_MS = sized(180_000, 3_600_000);
const BATCHES = sized(1, 5);
const PLAN: KillPlan = { kills: 190, gateways: 2, runners: 2, clients: 10 };

describe.skipIf(!HAS_POSTGRES)('on postgres', () => {
  let opened: OpenEngine;
  let programs: Programs;

  beforeAll(async () => {
    programs = await bundlePrograms();
    opened = await openEngine('postgres');
  });
  afterAll(async () => {
    await opened.close();
    programs.remove();
  });

  /** A batch, and what it has left. */
  async function batch(plan: KillPlan): Promise<{ readonly told: Told; readonly faults: readonly string[] }> {
    const { db, url } = opened;
    const stage = await setStage(db);
    const told = await new Killing({ url: url ?? '', programs, stage }, plan).run();
    await comeToAnEnd(db, plan.runners);
    const month = await monthOf(db, stage);
    await killClerks({ url: url ?? '', programs }, month, { told, kills: CLERKS });
    await closeAtLast(db, month, told);
    return { told, faults: await faultsAfter(db, stage, told) };
  }

  test(
    'two hundred kills lose nothing that was acknowledged and double nothing',
    { timeout: TIMEOUT_MS },
    async () => {
      for (let done = 0; done < BATCHES; done += 1) {
        const { told, faults } = await batch(PLAN);
        expect(faults).toEqual([]);
        expect(told.kills).toBeGreaterThanOrEqual(PLAN.kills + CLERKS);
        for (const acknowledged of [told.released, told.failed, told.accepted])
          expect(acknowledged.size).toBeGreaterThan(5);
      }
    },
  );

  test('months of one issuer that are closed at once are numbered without a gap, each after the one before', async () => {
    const { db } = opened;
    const stages = [];
    while (stages.length < 8) stages.push(await setStage(db));
    const issuer = stages[0]!.scene.operator;
    await Promise.all(
      stages.map(async (stage) => closeMonth(db, closingOf({ ...(await monthOf(db, stage)), issuer }))),
    );
    const rows = await db.rows<{ digest: string; previous: string | null }>(sql`
      SELECT digest, previous_digest AS previous FROM statement WHERE issuer = ${issuer} ORDER BY seq`);
    expect(rows.map(({ previous }) => previous)).toEqual([
      null,
      ...rows.slice(0, -1).map(({ digest }) => digest),
    ]);
    expect(rows).toHaveLength(stages.length);
  });

  // Last, because it breaks the database. A kill must meet the moment between the two writes, so there are several tries.
  test(
    'control: usage that is written after its release is lost by a kill, and seen to be',
    { timeout: TIMEOUT_MS },
    async () => {
      let faults: readonly string[] = [];
      for (let tries = 0; tries < 10 && faults.length === 0; tries += 1)
        ({ faults } = await batch({ kills: 20, gateways: 1, runners: 3, clients: 10, variant: 'dual' }));
      const kinds = ['not so: a job is done if and only if it has a usage record', 'off: '];
      for (const kind of kinds) expect(faults.filter((fault) => fault.startsWith(kind))).toHaveLength(1);
    },
  );
});
