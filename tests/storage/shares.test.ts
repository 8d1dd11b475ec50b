/** Shares: what a grant sets aside is its own, is drawn on first, goes back unused, and nothing of it is counted twice. */
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { haltJob } from '#gateway/storage/abort.ts';
import { admit } from '#gateway/storage/admission.ts';
import { type Database, sqlStateOf } from '#gateway/storage/database.ts';
import { approveGrant, findGrant, saveGrant } from '#gateway/storage/grant-store.ts';
import { findViolations } from '#gateway/storage/invariants.ts';
import { findLedgers, freezeLedgers, thawLedger } from '#gateway/storage/ledger.ts';
import { openJob } from '#gateway/storage/open.ts';
import { endExpired } from '#gateway/storage/shares.ts';
import { revokeGrant, suspend } from '#gateway/storage/suspension.ts';
import { Refusal } from '#policies/refusal.ts';
import { describeEngines, openEngine, type OpenEngine } from '#tests/support/engines.ts';
import {
  ask,
  claim,
  giveShare,
  makeGrant,
  makeScene,
  runWhole,
  type Scene,
  type SceneOptions,
} from '#tests/support/world.ts';

/** `done`, or the code of a refusal. */
async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'done';
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

describeEngines('on', (engine) => {
  let opened: OpenEngine;
  let db: Database;

  beforeAll(async () => {
    opened = await openEngine(engine);
    db = opened.db;
  });
  afterAll(() => opened.close());

  /** Two grants on one ledger: the first is to have a share of it. */
  async function pair(options: SceneOptions = {}): Promise<readonly [owner: Scene, other: Scene]> {
    const owner = await makeScene(db, { capacity: 10_000n, ...options });
    const other = { ...owner, grant: await makeGrant(db, owner) };
    return [owner, other];
  }

  /** What a ledger has set aside, reserved and spent; and what the owner has left of his share. */
  async function standing({ lineage, grant }: Scene): Promise<Record<string, number>> {
    const [ledger] = await findLedgers(db, [lineage], grant);
    if (ledger === undefined) throw new RangeError('no ledger');
    const { setAside, reserved, spent, own } = ledger;
    return {
      setAside: Number(setAside.nano),
      reserved: Number(reserved.nano),
      spent: Number(spent.nano),
      own: Number(own.nano),
    };
  }

  const asking = (scene: Scene, nano: bigint): Promise<string> => codeOf(admit(db, ask(scene, { nano })));

  test('a share is set aside with the last approval, not before, and only once', async () => {
    const [owner] = await pair();
    const approval = { grantId: owner.grant, revision: 1, by: 'officer' };
    const shares = [{ lineage: owner.lineage, unit: 'rho' as const, nano: 4_000n, thresholdDeltaYocto: 0n }];
    for (const [side, want] of [
      ['provider', 0],
      ['buyer', 0],
      // The scene's grant is about personal data.
      ['subject', 4_000],
      ['subject', 4_000],
    ] as const) {
      expect(await approveGrant(db, { ...approval, side }, shares)).toBe(true);
      expect((await standing(owner))['setAside']).toBe(want);
    }
  });

  test('others may not use it; its own jobs draw on it first, and then on what is nobody’s', async () => {
    const [owner, other] = await pair();
    await giveShare(db, owner, { nano: 4_000n });
    expect(await asking(other, 6_001n)).toBe('BUDGET');
    expect(await asking(other, 5_000n)).toBe('done');
    await runWhole(db, ask(owner, { nano: 3_000n }));
    expect(await standing(owner)).toEqual({ setAside: 1_000, reserved: 5_000, spent: 3_000, own: 1_000 });
    // 1,000 of its own and 1,000 of nobody's are left: the owner may have both, the other only the latter.
    expect(await asking(other, 1_001n)).toBe('BUDGET');
    expect(await asking(owner, 2_001n)).toBe('BUDGET');
    expect(await asking(owner, 2_000n)).toBe('done');
    expect(await standing(owner)).toEqual({ setAside: 0, reserved: 7_000, spent: 3_000, own: 0 });
  });

  test('control: a reservation that forgets shares takes another’s, and the table itself refuses it', async () => {
    const [owner, other] = await pair();
    await giveShare(db, owner, { nano: 4_000n });
    const careless = (nano: bigint) =>
      db.rows(sql`UPDATE lineage SET reserved_nano = reserved_nano + ${nano}::numeric
        WHERE id = ${owner.lineage} AND reserved_nano + spent_nano + ${nano}::numeric <= capacity_nano RETURNING id`);
    expect(sqlStateOf(await careless(6_001n).catch((error: unknown) => error))).toBe('23514');
    // Where the capacity was lowered below the ceiling, only the look of an admission stands between.
    await db.rows(sql`UPDATE lineage SET capacity_nano = 9000 WHERE id = ${owner.lineage}`);
    expect(await asking(owner, 9_001n)).toBe('BUDGET');
    expect(await asking(other, 5_001n)).toBe('BUDGET');
    expect(await careless(5_001n)).toHaveLength(1);
    await db.rows(sql`UPDATE lineage SET reserved_nano = reserved_nano - 5001 WHERE id = ${owner.lineage}`);
  });

  test('what a job drew and gave back is its grant’s again', async () => {
    const [owner, other] = await pair();
    await giveShare(db, owner, { nano: 4_000n });
    const first = ask(owner, { nano: 5_000n });
    await admit(db, first);
    expect(await standing(owner)).toEqual({ setAside: 0, reserved: 5_000, spent: 0, own: 0 });
    await haltJob(db, first.jobId);
    expect(await standing(owner)).toEqual({ setAside: 4_000, reserved: 0, spent: 0, own: 4_000 });
    expect(await asking(other, 6_001n)).toBe('BUDGET');
  });

  test('one that exceeds what is left is refused with the approval that would bring it into force', async () => {
    const [owner, other] = await pair();
    await asking(other, 6_001n);
    expect(await codeOf(giveShare(db, owner, { nano: 4_000n }))).toBe('BUDGET');
    expect(await findGrant(db, owner.grant)).toMatchObject({ subjectApproval: null });
    expect(await codeOf(giveShare(db, owner, { nano: 3_999n }))).toBe('done');
    const yocto = await makeScene(db, { yocto: 5n });
    expect(await codeOf(giveShare(db, yocto, { nano: 1n, yocto: 6n }))).toBe('BUDGET');
    expect(await codeOf(giveShare(db, yocto, { nano: 1n, yocto: 5n }))).toBe('done');
  });

  test('it covers the δ of key selection as well', async () => {
    const [owner, other] = await pair({ yocto: 10n });
    await giveShare(db, owner, { nano: 100n, yocto: 7n });
    const charging = ({ lineage }: Scene, yocto: bigint) => ({
      charges: [{ lineage, unit: 'rho' as const, nano: 1n, thresholdDeltaYocto: yocto }],
    });
    expect(await codeOf(admit(db, ask(other, charging(other, 4n))))).toBe('BUDGET');
    expect(await codeOf(admit(db, ask(owner, charging(owner, 9n))))).toBe('done');
    expect(await codeOf(admit(db, ask(other, charging(other, 1n))))).toBe('done');
  });

  test('a share of a population is set aside there too', async () => {
    const population = { ledger: 'population:town', capacity: 5_000n };
    const [owner] = await pair({ population });
    const member = await makeScene(db, { population });
    await giveShare(db, owner, { nano: 4_000n });
    expect(await asking(member, 1_001n)).toBe('BUDGET');
    expect(await asking(owner, 4_500n)).toBe('done');
  });

  test('a revocation returns what is unused; what was drawn stays spent, and what is held goes back to all', async () => {
    const [owner, other] = await pair();
    await giveShare(db, owner, { nano: 8_000n });
    await runWhole(db, ask(owner, { nano: 3_000n }));
    const held = ask(owner, { nano: 2_000n });
    await admit(db, held);
    expect(await asking(other, 2_001n)).toBe('BUDGET');
    await revokeGrant(db, { grantId: owner.grant, by: 'officer' });
    expect(await standing(owner)).toEqual({ setAside: 0, reserved: 2_000, spent: 3_000, own: 0 });
    const job = await claim(db, held.jobId);
    await codeOf(openJob(db, { jobId: job.id, attempt: job.attempt }));
    expect(await standing(owner)).toEqual({ setAside: 0, reserved: 0, spent: 3_000, own: 0 });
    expect(await asking(other, 7_000n)).toBe('done');
  });

  test('a suspension keeps it: the grant may go on', async () => {
    const [owner, other] = await pair();
    await giveShare(db, owner, { nano: 8_000n });
    await suspend(db, 'grant', owner.grant);
    expect(await asking(other, 2_001n)).toBe('BUDGET');
  });

  test.for(['the next who asks', 'housekeeping'])('the end of the grant returns it, by %s', async (who) => {
    const [owner, other] = await pair();
    await giveShare(db, owner, { nano: 8_000n });
    await db.rows(
      sql`UPDATE budget_share SET expires_at = now() - interval '1 s' WHERE grant_id = ${owner.grant}`,
    );
    // It is nobody's from that moment, whoever looks first.
    expect((await standing(other))['setAside']).toBe(0);
    if (who === 'housekeeping') await endExpired(db);
    expect(await asking(other, 10_000n)).toBe('done');
    expect(await asking(owner, 1n)).toBe('BUDGET');
  });

  test('a new wording has what it states, once it is approved anew', async () => {
    const [owner, other] = await pair();
    await giveShare(db, owner, { nano: 8_000n });
    await runWhole(db, ask(owner, { nano: 1_000n }));
    const grant = (await findGrant(db, owner.grant))?.body;
    if (grant === undefined) throw new RangeError('no grant');
    expect(await saveGrant(db, { grant, upstream: [], by: 'officer' })).toBe(2);
    expect(await standing(owner)).toMatchObject({ setAside: 0, spent: 1_000 });
    await giveShare(db, owner, { nano: 2_000n, revision: 2 });
    expect(await standing(owner)).toMatchObject({ setAside: 2_000, own: 2_000 });
    expect(await asking(other, 7_001n)).toBe('BUDGET');
    expect(await asking(other, 7_000n)).toBe('done');
  });

  test('after a restore from backup, shares end with the accounting', async () => {
    const [owner, other] = await pair();
    await giveShare(db, owner, { nano: 8_000n });
    await freezeLedgers(db);
    await thawLedger(db, owner.lineage, { nano: 5_000n, thresholdDeltaYocto: 0n });
    expect(await standing(owner)).toEqual({ setAside: 0, reserved: 0, spent: 5_000, own: 0 });
    expect(await asking(other, 5_000n)).toBe('done');
    await db.rows(sql`UPDATE lineage SET frozen_at = NULL`);
  });

  test('B2: of fifty requests at once the owner loses nothing of his share, and nothing is given twice', async () => {
    const [owner, other] = await pair({ capacity: 20_000n });
    await giveShare(db, owner, { nano: 8_000n });
    const codes = await Promise.all(
      Array.from({ length: 50 }, (_, number) => asking(number % 2 === 0 ? owner : other, 1_000n)),
    );
    const won = (odd: number): number =>
      codes.filter((code, number) => number % 2 === odd && code === 'done').length;
    expect(won(0)).toBeGreaterThanOrEqual(8);
    expect(won(1)).toBeLessThanOrEqual(12);
    expect(won(0) + won(1)).toBe(20);
    expect(await standing(owner)).toEqual({ setAside: 0, reserved: 20_000, spent: 0, own: 0 });
  });

  test('of ten grants that come into force at once, each with 30 % of the budget, three do', async () => {
    const [owner] = await pair();
    const grants = await Promise.all(
      Array.from({ length: 10 }, async () => ({ ...owner, grant: await makeGrant(db, owner) })),
    );
    const codes = await Promise.all(grants.map((grant) => codeOf(giveShare(db, grant, { nano: 3_000n }))));
    expect(codes.toSorted()).toEqual([...Array.from({ length: 7 }, () => 'BUDGET'), 'done', 'done', 'done']);
    expect((await standing(owner))['setAside']).toBe(9_000);
  });

  test('a revocation among its jobs, and jobs that are stopped, leave every sum right', async () => {
    const [owner, other] = await pair({ capacity: 40_000n });
    await giveShare(db, owner, { nano: 15_000n });
    const asked = Array.from({ length: 30 }, (_, number) => ask(number % 3 === 0 ? other : owner));
    await Promise.all(
      asked.map(async (admission, number) => {
        if (number === 17) await revokeGrant(db, { grantId: owner.grant, by: 'officer' });
        const code = await codeOf(admit(db, admission));
        if (code === 'done' && number % 2 === 0) await haltJob(db, admission.jobId);
      }),
    );
    expect((await standing(owner))['setAside']).toBe(0);
    expect(await findViolations(db)).toEqual([]);
  });

  test('after all this every invariant holds', async () => {
    expect(await findViolations(db)).toEqual([]);
  });
});
