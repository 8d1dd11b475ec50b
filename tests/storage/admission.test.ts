/** Admission: what it reserves and counts, that many at once get no more than there is, and that repeats are free. */
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { quotaLeft } from '#policies/quota.ts';
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { admit, type Admitted, refuse, type StoredGrant } from '#gateway/storage/admission.ts';
import type { Database } from '#gateway/storage/database.ts';
import { forgetKeys, once } from '#gateway/storage/idempotency.ts';
import { findViolations } from '#gateway/storage/invariants.ts';
import { findAnswer, findJob, listEvents, listUsage } from '#gateway/storage/job-view.ts';
import { findLedgers, freezeLedgers, thawLedger } from '#gateway/storage/ledger.ts';
import { claimJob } from '#gateway/storage/queue.ts';
import { commitRelease } from '#gateway/storage/release.ts';
import { revokeGrant, suspend } from '#gateway/storage/suspension.ts';
import { describeEngines, openEngine, type OpenEngine } from '#tests/support/engines.ts';
import {
  anyPrice,
  ask,
  claim,
  deny,
  freshId,
  handIn,
  ledgerOf,
  makeGrant,
  makeScene,
  openNew,
  priced,
  quoteFor,
  runWhole,
  type Scene,
  usedOf,
} from '#tests/support/world.ts';

/** The code of a refusal, or what became of the request. */
async function outcomeOf(admitted: Promise<Admitted>): Promise<string> {
  try {
    return (await admitted).kind;
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

function countOf(outcomes: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    [...new Set(outcomes)].map((name) => [name, outcomes.filter((o) => o === name).length]),
  );
}

/** Asks `times` times at once. */
async function race(
  times: number,
  attempt: (number: number) => Promise<Admitted>,
): Promise<Record<string, number>> {
  return countOf(await Promise.all(Array.from({ length: times }, (_, number) => outcomeOf(attempt(number)))));
}

describeEngines('on', (engine) => {
  let opened: OpenEngine;
  let db: Database;

  beforeAll(async () => {
    opened = await openEngine(engine);
    db = opened.db;
  });
  afterAll(() => opened.close());

  test('a queued job has its quota counted and its budget reserved', async () => {
    const scene = await makeScene(db, { perDay: { runs: '5' } });
    const admission = ask(scene, { nano: 700n });
    expect(await admit(db, admission)).toEqual({ kind: 'queued', jobId: admission.jobId });
    expect(await ledgerOf(db, scene)).toEqual({ reserved: 700n, spent: 0n });
    const { total, today } = await usedOf(db, scene.grant);
    expect([total.runs, today.runs, total.epsilonNano]).toEqual(['1', '1', '250000000']);
    expect(await findJob(db, admission.jobId)).toMatchObject({
      state: 'queued',
      outcome: null,
      releaseAt: null,
    });
    expect(await listEvents(db, admission.jobId, 0)).toEqual([{ seq: 1, state: 'queued' }]);
  });

  test('the decision sees the grant as it stands, with what was used of it', async () => {
    const scene = await makeScene(db, { total: { runs: '9' }, perDay: { runs: '2' } });
    const seen: StoredGrant[] = [];
    const decide = (grant: StoredGrant): void => void seen.push(grant);
    await admit(db, ask(scene, { decide }));
    await admit(db, ask(scene, { decide }));
    expect(seen.map(({ body, used }) => quotaLeft(body.quota, used).runs)).toEqual(['2', '1']);
    expect(seen[1]).toMatchObject({ revision: 1, suspended: false, approvals: { provider: false } });
  });

  test('a denial writes nothing', async () => {
    const scene = await makeScene(db);
    const admission = ask(scene, { decide: deny, idempotency: { key: freshId(), bodyHash: 'a' } });
    expect(await outcomeOf(admit(db, admission))).toBe('PURPOSE_NOT_GRANTED');
    expect(await findJob(db, admission.jobId)).toBeNull();
    expect(await ledgerOf(db, scene)).toEqual({ reserved: 0n, spent: 0n });
    expect((await usedOf(db, scene.grant)).total.runs).toBe('0');
    expect(await outcomeOf(admit(db, { ...admission, decide: () => undefined }))).toBe('queued');
  });

  test.for([
    { name: 'an unknown grant', change: () => ({ grant: 'nobody' }), want: 'NO_GRANT' },
    { name: 'more than the capacity', change: () => ({ nano: 1_000_001n }), want: 'BUDGET' },
  ])('$name is refused as $want', async ({ change, want }) => {
    const scene = await makeScene(db);
    expect(await outcomeOf(admit(db, ask(scene, change())))).toBe(want);
  });

  test('the grant of another organisation is no grant', async () => {
    const [mine, theirs] = [await makeScene(db), await makeScene(db)];
    expect(await outcomeOf(admit(db, ask(mine, { grant: theirs.grant })))).toBe('NO_GRANT');
  });

  test('a δ that does not fit refuses like an ε that does not', async () => {
    const scene = await makeScene(db, { yocto: 5n });
    const charge = { lineage: scene.lineage, unit: 'rho', nano: 1n, thresholdDeltaYocto: 3n } as const;
    expect(await outcomeOf(admit(db, ask(scene, { charges: [charge] })))).toBe('queued');
    expect(await outcomeOf(admit(db, ask(scene, { charges: [charge] })))).toBe('BUDGET');
  });

  test('every lineage of a join pays, or none', async () => {
    const [left, right] = [await makeScene(db), await makeScene(db, { capacity: 10n })];
    const charges = (nano: bigint) =>
      [left, right].map(({ lineage }) => ({ lineage, unit: 'rho' as const, nano, thresholdDeltaYocto: 0n }));
    expect(await outcomeOf(admit(db, ask(left, { charges: charges(11n) })))).toBe('BUDGET');
    expect(await ledgerOf(db, left)).toEqual({ reserved: 0n, spent: 0n });
    await runWhole(db, ask(left, { charges: charges(9n) }));
    expect([await ledgerOf(db, left), await ledgerOf(db, right)]).toEqual([
      { reserved: 0n, spent: 9n },
      { reserved: 0n, spent: 9n },
    ]);
  });

  test('B5: two buyers who each may use up the whole budget get together what the lineage holds', async () => {
    const scene = await makeScene(db, { capacity: 10_000n });
    const other = await makeScene(db);
    const grant = await makeGrant(db, { organisation: other.organisation, dataset: scene.dataset });
    const askers = [scene, { ...scene, account: other.account, grant }] as const;
    // Each alone is allowed all of it: the refusals are not for want of a grant or of its quota.
    const decided = await race(30, (number) => admit(db, ask(askers[number % 2 === 0 ? 0 : 1])));
    expect(decided).toEqual({ queued: 10, BUDGET: 20 });
    expect(await ledgerOf(db, scene)).toEqual({ reserved: 10_000n, spent: 0n });
    const each = await Promise.all(
      askers.map(async (asker) => Number((await usedOf(db, asker.grant)).total.runs)),
    );
    expect(each[0]! + each[1]!).toBe(10);
  });

  test('B9: whoever chooses each amount by what became of the last one gets no more than there is', async () => {
    const scene = await makeScene(db, { capacity: 10_000n });
    let [nano, spent] = [4_096n, 0n];
    for (let round = 0; round < 24 && nano > 0n; round += 1) {
      // Doubled after an answer, halved after a refusal: it closes in on the very last nano.
      const answered = (await outcomeOf(admit(db, ask(scene, { nano })))) === 'queued';
      if (answered) spent += nano;
      nano = answered ? nano * 2n : nano / 2n;
    }
    expect(spent).toBe(10_000n);
    expect(await ledgerOf(db, scene)).toEqual({ reserved: 10_000n, spent: 0n });
  });

  test('B5: a population that is full refuses what each lineage has room for, and neither is charged', async () => {
    const population = { ledger: 'population:town', capacity: 1_000n };
    const [left, right] = [await makeScene(db, { population }), await makeScene(db, { population })];
    await runWhole(db, ask(left, { nano: 600n }));
    expect(await outcomeOf(admit(db, ask(right, { nano: 401n })))).toBe('BUDGET');
    expect(await ledgerOf(db, right)).toEqual({ reserved: 0n, spent: 0n });
    expect(await outcomeOf(admit(db, ask(right, { nano: 400n })))).toBe('queued');
    const [shared] = await findLedgers(db, [population.ledger]);
    expect(shared).toMatchObject({ reserved: { nano: '400' }, spent: { nano: '600' } });
  });

  test('B2: of fifty requests at once on two datasets of one population, as many as it holds are admitted', async () => {
    const population = { ledger: 'population:county', capacity: 7_999n };
    const scenes = [await makeScene(db, { population }), await makeScene(db, { population })] as const;
    expect(await race(50, (number) => admit(db, ask(scenes[number % 2 === 0 ? 0 : 1])))).toEqual({
      queued: 7,
      BUDGET: 43,
    });
    const [shared] = await findLedgers(db, [population.ledger]);
    expect(shared).toMatchObject({ reserved: { nano: '7000' }, spent: { nano: '0' } });
    const reserved = await Promise.all(scenes.map(async (scene) => (await ledgerOf(db, scene)).reserved));
    expect(reserved[0]! + reserved[1]!).toBe(7_000n);
  });

  test('B2: of fifty requests at once, each for 60 % of what is left, one is admitted', async () => {
    const scene = await makeScene(db, { capacity: 1_000n });
    await runWhole(db, ask(scene, { nano: 400n }));
    expect(await race(50, () => admit(db, ask(scene, { nano: 360n })))).toEqual({ queued: 1, BUDGET: 49 });
    expect(await ledgerOf(db, scene)).toEqual({ reserved: 360n, spent: 400n });
  });

  test('of two hundred requests at once against a remaining quota of ten, ten are admitted', async () => {
    const scene = await makeScene(db, { total: { runs: '12' }, perDay: { calls: '100' } });
    await runWhole(db, ask(scene));
    await admit(db, ask(scene));
    expect(await race(200, () => admit(db, ask(scene)))).toEqual({ queued: 10, QUOTA: 190 });
    expect((await usedOf(db, scene.grant)).total.runs).toBe('12');
    expect((await ledgerOf(db, scene)).reserved).toBe(11_000n);
  });

  test('a day that is full refuses although the total is not, and counts nothing of either', async () => {
    const scene = await makeScene(db, { perDay: { outputs: '10' } });
    expect(await race(20, () => admit(db, ask(scene)))).toEqual({ queued: 2, QUOTA: 18 });
    const { total, today } = await usedOf(db, scene.grant);
    expect([total.outputs, today.outputs]).toEqual(['8', '8']);
    expect(await outcomeOf(admit(db, ask(scene, { day: '2026-11-22' })))).toBe('queued');
  });

  test('of twenty requests at once with one Idempotency-Key, one makes a job and the others get it', async () => {
    const scene = await makeScene(db);
    const idempotency = { key: freshId(), bodyHash: 'b'.repeat(64) };
    const jobs: string[] = [];
    const attempt = async (): Promise<Admitted> => {
      const admitted = await admit(db, ask(scene, { idempotency }));
      jobs.push(admitted.jobId);
      return admitted;
    };
    expect(await race(20, attempt)).toEqual({ queued: 1, replayed: 19 });
    expect(new Set(jobs).size).toBe(1);
    expect((await usedOf(db, scene.grant)).total.runs).toBe('1');
    const other = { ...idempotency, bodyHash: 'c'.repeat(64) };
    expect(await outcomeOf(admit(db, ask(scene, { idempotency: other })))).toBe('PARAM');
  });

  test('other work with a key is done once, and its answer given again', async () => {
    const scene = await makeScene(db);
    const request = { account: scene.account, idempotency: { key: freshId(), bodyHash: 'd' } };
    let done = 0;
    const work = async () => {
      done += 1;
      return Promise.resolve({ status: 201, response: `made ${done}` });
    };
    const answers = await Promise.all([1, 2, 3].map(() => once(db, request, work)));
    expect(answers.map(({ response }) => response)).toEqual(['made 1', 'made 1', 'made 1']);
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
    await db.rows(
      sql`UPDATE idempotency SET created_at = now() - interval '3 days' WHERE account_id = ${scene.account}`,
    );
    expect(await forgetKeys(db, 48 * 3_600_000)).toBe(1);
    expect(await once(db, request, work)).toMatchObject({ response: 'made 2', replayed: false });
  });

  test('the same Plan under the same grant is answered from store: no budget, one run, ε 0', async () => {
    const scene = await makeScene(db, { total: { runs: '3' } });
    const first = ask(scene);
    const released = await runWhole(db, first);
    const again = ask(scene, { planDigest: first.planDigest });
    expect(await admit(db, again)).toEqual({
      kind: 'stored',
      jobId: again.jobId,
      releaseId: released.releaseId,
    });
    expect(await findAnswer(db, again.jobId)).toMatchObject({ receipt: released.receipt, repeat: true });
    expect(await ledgerOf(db, scene)).toEqual({ reserved: 0n, spent: 1_000n });
    const { total } = await usedOf(db, scene.grant);
    expect([total.runs, total.epsilonNano]).toEqual(['2', '250000000']);
    const usage = await listUsage(db, { account: scene.account, grant: null }, { afterLeaf: -1n, limit: 10 });
    expect(usage.map(({ spentNano, planned }) => [spentNano, planned['epsilonNano']])).toEqual([
      ['1000', '250000000'],
      ['0', '0'],
    ]);
    // A repeat is a run: the quota ends it like any other.
    await admit(db, { ...again, jobId: freshId() });
    expect(await outcomeOf(admit(db, { ...again, jobId: freshId() }))).toBe('QUOTA');
  });

  test('another grant, another version, or repeats: fresh gets fresh noise and pays', async () => {
    const scene = await makeScene(db);
    const first = ask(scene);
    await runWhole(db, first);
    const { planDigest } = first;
    const other = await makeGrant(db, scene);
    for (const change of [{ grant: other }, { versionId: freshId() }, { repeats: 'fresh' as const }]) {
      expect(await outcomeOf(admit(db, ask(scene, { planDigest, ...change })))).toBe('queued');
    }
    expect(await ledgerOf(db, scene)).toEqual({ reserved: 3_000n, spent: 1_000n });
  });

  test('an answer that waits for its release time answers nobody else: the repetition waits, runs and pays', async () => {
    const scene = await makeScene(db);
    const first = ask(scene, { timing: { mode: 'planned', releaseAfterMs: 600_000 } });
    const released = await runWhole(db, first);
    const again = ask(scene, { planDigest: first.planDigest });
    const job = await openNew(db, again);
    expect((await findJob(db, again.jobId))?.state).toBe('accepted');
    expect(await commitRelease(db, handIn(job))).toMatchObject({
      releaseId: released.releaseId,
      repeat: true,
    });
    expect(await ledgerOf(db, scene)).toEqual({ reserved: 0n, spent: 2_000n });
  });

  test('a decision that denies today denies the stored answer as well', async () => {
    const scene = await makeScene(db);
    const first = ask(scene);
    await runWhole(db, first);
    expect(await outcomeOf(admit(db, ask(scene, { planDigest: first.planDigest, decide: deny })))).toBe(
      'PURPOSE_NOT_GRANTED',
    );
    await revokeGrant(db, { grantId: scene.grant, by: 'officer' });
    expect(await outcomeOf(admit(db, ask(scene, { planDigest: first.planDigest })))).toBe('GRANT_REVOKED');
  });

  test.for(['account', 'organisation', 'dataset'] as const)('a suspended %s is refused', async (kind) => {
    const scene = await makeScene(db);
    await suspend(db, kind, scene[kind]);
    expect(await outcomeOf(admit(db, ask(scene)))).toBe('GRANT_REVOKED');
  });

  test('a refusal is recorded as a job that is done, with a usage record and a leaf, and spends nothing', async () => {
    const scene = await makeScene(db, { capacity: 1n });
    const idempotency = { key: freshId(), bodyHash: 'e' };
    const admission = ask(scene, { idempotency });
    const refusal = await admit(db, admission).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(Refusal);
    const refused = { ...admission, grant: { id: scene.grant, revision: 1 }, refusal: refusal as Refusal };
    expect(await refuse(db, refused)).toEqual({ jobId: admission.jobId });
    expect(await findJob(db, admission.jobId)).toMatchObject({
      state: 'done',
      outcome: 'refused',
      code: 'BUDGET',
    });
    const usage = await listUsage(db, { account: scene.account, grant: null }, { afterLeaf: -1n, limit: 10 });
    expect(usage).toMatchObject([{ type: 'refusal', charged: false, spentNano: '0', code: 'BUDGET' }]);
    // Repeated, it is the same refusal, also to an admission.
    expect(await refuse(db, { ...refused, jobId: freshId() })).toEqual({ jobId: admission.jobId });
    expect(await admit(db, { ...admission, jobId: freshId() })).toEqual({
      kind: 'replayed',
      jobId: admission.jobId,
    });
  });

  test('a refusal whose key belongs to another request is recorded without the key', async () => {
    const scene = await makeScene(db);
    const idempotency = { key: freshId(), bodyHash: 'f' };
    const first = ask(scene, { idempotency });
    await admit(db, first);
    const { planDigest: _plan, ...bare } = ask(scene, { idempotency: { ...idempotency, bodyHash: 'g' } });
    const unknown = { ...bare, grant: null, planDigest: null, versionId: null, purpose: null, datasets: [] };
    const refusal = new Refusal('PARAM', say('storage.keyReused'));
    expect(await refuse(db, { ...unknown, refusal })).toEqual({ jobId: bare.jobId });
    expect(await admit(db, { ...first, jobId: freshId() })).toEqual({ kind: 'replayed', jobId: first.jobId });
  });

  test('a frozen ledger refuses until it is accounted for; what was forgotten is spent', async () => {
    const [scene, forfeited] = [
      await makeScene(db, { capacity: 1_000n }),
      await makeScene(db, { capacity: 1_000n }),
    ];
    await runWhole(db, ask(scene, { nano: 100n }));
    await freezeLedgers(db);
    expect(await outcomeOf(admit(db, ask(scene, { nano: 1n })))).toBe('BUDGET');
    await thawLedger(db, scene.lineage, { nano: 500n, thresholdDeltaYocto: 0n });
    await thawLedger(db, forfeited.lineage, 'forfeit');
    expect(await outcomeOf(admit(db, ask(scene, { nano: 401n })))).toBe('BUDGET');
    expect(await outcomeOf(admit(db, ask(scene, { nano: 400n })))).toBe('queued');
    expect(await outcomeOf(admit(db, ask(forfeited, { nano: 1n })))).toBe('BUDGET');
    await db.rows(sql`UPDATE lineage SET frozen_at = NULL`);
  });

  test('an unlimited ledger counts and never refuses', async () => {
    const scene = await makeScene(db, { capacity: null });
    await runWhole(db, ask(scene, { nano: 10n ** 30n }));
    expect(await findLedgers(db, [scene.lineage])).toMatchObject([
      { capacity: null, spent: { nano: String(10n ** 30n) } },
    ]);
  });

  test('a waiting job is claimed by one runner, oldest first', async () => {
    for (;;) if ((await claimAny(db)) === null) break;
    const scene = await makeScene(db);
    const asked = [ask(scene), ask(scene), ask(scene)];
    for (const admission of asked) await admit(db, admission);
    const claimed = await Promise.all([1, 2, 3, 4].map(() => claimAny(db)));
    const wanted = new Set<string | null>([...asked.map(({ jobId }) => jobId), null]);
    expect(new Set(claimed)).toEqual(wanted);
  });

  test.for([
    ['another question', 'api.quoteUnknown', { planDigest: 'another' }],
    ['another purpose', 'api.quoteUnknown', { purpose: 'market_analysis' }],
    ['another scene', 'api.quoteUnknown', { scene: 'measles' }],
    ['another cost centre', 'api.quoteUnknown', { costCentre: 'ward-7' }],
    ['another product', 'api.quoteUnknown', { product: { id: 'P-1', revision: 1 } }],
    ['more rows', 'api.quoteSmaller', { planned: priced('4000000', { rows: '1000000' }) }],
    ['what was not quoted', 'api.quoteSmaller', { planned: priced('4000000', { gpuMs: '1' }) }],
  ] as const)('a quote is for what it was made for: %s is refused', async ([, id, changes]) => {
    const scene = await makeScene(db, { quota: anyPrice() });
    const asked = ask(scene, { planned: priced('4000000') });
    const quoted = { ...asked, quote: await quoteFor(db, scene, asked) };
    const refused = admit(db, { ...quoted, ...changes, jobId: freshId() });
    await expect(refused).rejects.toMatchObject({ code: 'PARAM', sentence: { id } });
    expect(await outcomeOf(admit(db, quoted))).toBe('queued');
  });

  test('an admission wakes who listens', async () => {
    const scene = await makeScene(db);
    const heard = Promise.withResolvers<string>();
    const admission = ask(scene);
    const stop = await db.listen('queue', (jobId) => jobId === admission.jobId && heard.resolve(jobId));
    await admit(db, admission);
    expect(await heard.promise).toBe(admission.jobId);
    await stop();
    expect((await claim(db, admission.jobId)).charges).toEqual(admission.charges);
  });

  test('after all this every invariant holds', async () => {
    expect(await findViolations(db)).toEqual([]);
  });

  describe('with the CHECK on ledgers removed', () => {
    beforeAll(() => db.rows(sql`ALTER TABLE lineage DROP CONSTRAINT lineage_nano`));

    test('the race catches an admission that charges late', async () => {
      const scene = await makeScene(db, { capacity: 1_000n });
      const admitted = await race(50, () => admitLate(db, scene, 600n));
      expect(admitted['queued']).toBeGreaterThan(1);
      expect((await ledgerOf(db, scene)).reserved).toBeGreaterThan(1_000n);
    });

    test('the UPDATE alone still admits one', async () => {
      const scene = await makeScene(db, { capacity: 1_000n });
      expect(await race(50, () => admit(db, ask(scene, { nano: 600n })))).toEqual({ queued: 1, BUDGET: 49 });
    });
  });
});

async function claimAny(db: Database): Promise<string | null> {
  return (await claimJob(db, { runner: 'any', leaseMs: 60_000 }))?.id ?? null;
}

/** What the race must catch: it looks, and charges later. */
async function admitLate(db: Database, scene: Scene, nano: bigint): Promise<Admitted> {
  const [left] = await db.rows<{ left: string }>(
    sql`SELECT capacity_nano - reserved_nano - spent_nano AS left FROM lineage WHERE id = ${scene.lineage}`,
  );
  if (BigInt(left?.left ?? 0) < nano)
    throw new Refusal('BUDGET', say('storage.budget', { lineage: scene.lineage }));
  await db.rows(
    sql`UPDATE lineage SET reserved_nano = reserved_nano + ${nano}::numeric WHERE id = ${scene.lineage}`,
  );
  return { kind: 'queued', jobId: freshId() };
}
