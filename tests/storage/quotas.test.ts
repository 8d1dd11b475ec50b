/** Quotas and money: no counter admits more than it holds however many ask at once, and failed runs get their money back. */
import { setTimeout as sleep } from 'node:timers/promises';

import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { type Amounts, NOTHING_USED, type Quota, type QuotaUnit, quotaLeft } from '#policies/quota.ts';
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { startHousekeeping } from '#gateway/services/housekeeping.ts';
import { failJob } from '#gateway/storage/abort.ts';
import { type Admission, admit, type StoredGrant } from '#gateway/storage/admission.ts';
import { type Database, openDatabase } from '#gateway/storage/database.ts';
import { findAmounts, findGrant, findUse, saveGrant } from '#gateway/storage/grant-store.ts';
import { findViolations } from '#gateway/storage/invariants.ts';
import { commitRelease } from '#gateway/storage/release.ts';
import { returnSpend } from '#gateway/storage/spend-returns.ts';
import { describeEngines, HAS_POSTGRES, openEngine, type OpenEngine } from '#tests/support/engines.ts';
import {
  anyPrice,
  ask,
  DAY,
  handIn,
  makeScene,
  openNew,
  priced,
  runWhole,
  type Scene,
  usedOf,
} from '#tests/support/world.ts';

/** More than a runner and several gateways have together. */
const CONNECTIONS = 20;
const ASKED = 200;
const LEFT = 10;
/** What a run of these tests costs, and how much of the unit it asks for. */
const PRICE = '7';
const PER_RUN = { runs: 1n, epsilonNano: 250_000_000n, spendNano: 7n } as const;

type Unit = keyof typeof PER_RUN;
const UNITS = Object.keys(PER_RUN) as readonly Unit[];

const SCOPES = ['total', 'purpose:public_welfare', 'cost-centre:ward-7', 'month:2026-11'] as const;
type LimitedScope = (typeof SCOPES)[number];

/** A quota that leaves ten runs of a unit on one counter, and something that is no whole run. */
function leaving(
  scope: LimitedScope,
  unit: Unit,
): { total: Partial<Record<QuotaUnit, string>>; quota: Partial<Quota> } {
  const limits = { [unit]: String(PER_RUN[unit] * BigInt(LEFT) + PER_RUN[unit] - 1n) };
  return {
    total: scope === 'total' ? limits : {},
    quota: {
      ...anyPrice(),
      perPurpose: [{ purpose: 'public_welfare', ...(scope === 'purpose:public_welfare' && limits) }],
      costCentres: [{ id: 'ward-7', ...(scope === 'cost-centre:ward-7' && limits) }, { id: 'ward-8' }],
      perMonth: scope === 'month:2026-11' ? limits : null,
    },
  };
}

function booked(scene: Scene, changes: Partial<Admission> = {}): Admission {
  return ask(scene, { planned: priced(PRICE), costCentre: 'ward-7', ...changes });
}

/** How many of two hundred requests at once are admitted, and what each of the others was told. */
async function raced(
  attempt: () => Promise<unknown>,
): Promise<{ admitted: number; refused: readonly string[] }> {
  const codes = await Promise.all(
    Array.from({ length: ASKED }, async () => {
      try {
        await attempt();
        return null;
      } catch (error) {
        if (error instanceof Refusal) return error.code;
        throw error;
      }
    }),
  );
  const refused = codes.filter((code) => code !== null);
  return { admitted: ASKED - refused.length, refused: [...new Set(refused)] };
}

async function amountsOf(db: Database, { grant }: Scene, scope: string): Promise<Amounts> {
  return (await findAmounts(db, grant, [scope]))[scope] ?? NOTHING_USED;
}

describe.skipIf(!HAS_POSTGRES)('on postgres, by twenty connections', () => {
  let opened: OpenEngine;
  let db: Database;

  beforeAll(async () => {
    opened = await openEngine('postgres');
    db = await openDatabase({ url: opened.url ?? '', connectionsMax: CONNECTIONS });
  });
  afterAll(async () => {
    await db.close();
    await opened.close();
  });

  test.for([
    ...SCOPES.slice(0, 3).flatMap((scope) => UNITS.map((unit) => ({ scope, unit }))),
    { scope: 'month:2026-11' as const, unit: 'runs' as const },
  ])(
    'of two hundred requests at once against ten left of $unit on $scope, ten are admitted',
    async ({ scope, unit }) => {
      const scene = await makeScene(db, leaving(scope, unit));
      expect(await raced(() => admit(db, booked(scene)))).toEqual({ admitted: LEFT, refused: ['QUOTA'] });
      expect((await amountsOf(db, scene, scope))[unit]).toBe(String(PER_RUN[unit] * BigInt(LEFT)));
    },
  );

  test('of two hundred without a quote, as many are admitted as the standing ceiling of a day pays for', async () => {
    const standing = { perCall: { spendNano: PRICE }, perDay: { spendNano: '76' } };
    const scene = await makeScene(db, { quota: { standing } });
    const asked = () => admit(db, ask(scene, { planned: priced(PRICE) }));
    expect(await raced(asked)).toEqual({ admitted: LEFT, refused: ['QUOTA'] });
    expect((await amountsOf(db, scene, `standing:${DAY}`)).spendNano).toBe('70');
    // What costs nothing is not held up by it.
    await expect(admit(db, ask(scene))).resolves.toMatchObject({ kind: 'queued' });
  });

  test('purposes, cost centres, ends and returns that cross each other never wait for each other in a ring', async () => {
    const scene = await makeScene(db, {
      quota: {
        ...anyPrice(),
        perMonth: {},
        perPurpose: ['public_health', 'governance_welfare', 'public_welfare'].map((purpose) => ({ purpose })),
        costCentres: ['b', 'A', 'a', 'B'].map((id) => ({ id })),
      },
    });
    await Promise.all(
      Array.from({ length: 60 }, async (_, number) => {
        const costCentre = ['a', 'b', 'A', 'B'][number % 4] ?? 'a';
        const purpose = ['public_health', 'public_welfare', 'statistics'][number % 3] ?? '';
        const admission = ask(scene, {
          planned: priced(PRICE),
          costCentre,
          purpose,
          day: `2026-11-${10 + (number % 2)}`,
        });
        if (number % 2 === 0) return runWhole(db, admission);
        await failOpened(db, admission);
        return returnSpend(db);
      }),
    );
    // The server tells of what it ended at most a second later; our transactions would have been run again in silence.
    await sleep(1_100);
    const [ended] = await db.rows<{ deadlocks: string }>(
      sql`SELECT deadlocks::text FROM pg_stat_database WHERE datname = current_database()`,
    );
    expect(ended?.deadlocks).toBe('0');
    expect((await usedOf(db, scene.grant)).total).toMatchObject({ runs: '60', spendNano: '210' });
  });

  test('what twenty give back at once is given back once', async () => {
    const scene = await makeScene(db, { quota: anyPrice() });
    const jobs = await Promise.all(
      Array.from({ length: 12 }, () => openNew(db, ask(scene, { planned: priced(PRICE) }))),
    );
    for (const job of jobs) await failJob(db, { ...job, jobId: job.id, ...LOST });
    const returned = await Promise.all(Array.from({ length: CONNECTIONS }, () => returnSpend(db)));
    expect(returned.reduce((sum, count) => sum + count)).toBe(12);
    expect((await usedOf(db, scene.grant)).total).toMatchObject({ runs: '12', spendNano: '0' });
  });

  test('an alert is given once however many pass its mark at once, and again for another cap', async () => {
    const limited = { total: { spendNano: '140' }, quota: anyPrice() };
    const scene = await makeScene(db, limited);
    const asked = () => admit(db, ask(scene, { planned: priced(PRICE) }));
    await Promise.all(Array.from({ length: 9 }, asked));
    expect(await alertsOf(db, scene)).toEqual([]);
    await Promise.all(Array.from({ length: 7 }, asked));
    expect(await alertsOf(db, scene)).toEqual(['total 140 50', 'total 140 80']);
    expect((await raced(asked)).admitted).toBe(4);
    expect(await alertsOf(db, scene)).toEqual(['total 140 50', 'total 140 80', 'total 140 100']);
    await reword(db, scene, '1400');
    await asked();
    expect(await alertsOf(db, scene)).toHaveLength(3);
    expect((await raced(asked)).admitted).toBe(179);
    expect((await alertsOf(db, scene)).slice(3)).toEqual([
      'total 1400 50',
      'total 1400 80',
      'total 1400 100',
    ]);
    // Under a cap below what was used nothing is counted any more, so that there is nothing to tell.
    await reword(db, scene, '100');
    expect((await raced(asked)).admitted).toBe(0);
    expect(await alertsOf(db, scene)).toHaveLength(6);
  });

  test('after all this every invariant holds', async () => {
    expect(await findViolations(db)).toEqual([]);
  });

  describe('with the CHECKs on counters removed', () => {
    beforeAll(async () => {
      for (const unit of ['runs', 'epsilon_nano', 'spend_nano'])
        await db.rows(sql.raw(`ALTER TABLE grant_counter DROP CONSTRAINT grant_counter_${unit}`));
    });

    test.for(UNITS)('the race catches an admission that looks at %s and counts later', async (unit) => {
      const scene = await makeScene(db, leaving('cost-centre:ward-7', unit));
      const { admitted } = await raced(() => countLate(db, scene, unit));
      expect(admitted).toBeGreaterThan(LEFT);
      expect(BigInt((await amountsOf(db, scene, 'cost-centre:ward-7'))[unit])).toBeGreaterThan(
        PER_RUN[unit] * 10n,
      );
    });

    test('the statement that counts still admits ten', async () => {
      const scene = await makeScene(db, leaving('cost-centre:ward-7', 'spendNano'));
      expect((await raced(() => admit(db, booked(scene)))).admitted).toBe(LEFT);
    });
  });
});

const LOST = { code: 'RUN_LIMIT', sentence: say('storage.lost'), measured: {} } as const;

/** Runs a job until its data are open, and fails it. */
async function failOpened(db: Database, admission: Admission): Promise<void> {
  const { id: jobId, attempt } = await openNew(db, admission);
  await failJob(db, { jobId, attempt, ...LOST });
}

/** Files a new wording with another cap of money. */
async function reword(db: Database, scene: Scene, spendNano: string): Promise<void> {
  const body = (await findGrant(db, scene.grant))!.body;
  const quota = { ...body.quota, total: { ...body.quota.total, spendNano } };
  await saveGrant(db, { grant: { ...body, quota }, upstream: [], by: 'officer' });
}

/** In the order in which they were given. */
/** By cap and mark: each has the time at which its transaction began, so that a later one may be first. */
async function alertsOf(db: Database, { grant }: Scene): Promise<readonly string[]> {
  const rows = await db.rows<{ alert: string }>(sql`
    SELECT scope || ' ' || cap_nano || ' ' || percent AS alert FROM spend_alert WHERE grant_id = ${grant}
    ORDER BY cap_nano, percent`);
  return rows.map(({ alert }) => alert);
}

/** What the race must catch: it looks what is left, and counts in a statement of its own. */
async function countLate(db: Database, scene: Scene, unit: Unit): Promise<void> {
  const counted = { day: DAY, purpose: 'public_welfare', costCentre: 'ward-7', hasQuote: false };
  const { quota } = (await findGrant(db, scene.grant))!.body;
  const left = quotaLeft(quota, await findUse(db, scene.grant, counted))[unit];
  if (left !== null && BigInt(left) < PER_RUN[unit])
    throw new Refusal('QUOTA', say('storage.quota', { scope: 'x' }));
  const column = sql.raw(
    `reserved_${{ runs: 'runs', epsilonNano: 'epsilon_nano', spendNano: 'spend_nano' }[unit]}`,
  );
  await db.rows(sql`
    INSERT INTO grant_counter AS c (grant_id, scope, ${column})
    VALUES (${scene.grant}, 'cost-centre:ward-7', ${String(PER_RUN[unit])}::numeric)
    ON CONFLICT (grant_id, scope) DO UPDATE SET ${column} = c.${column} + excluded.${column}`);
}

describeEngines('on', (engine) => {
  let opened: OpenEngine;
  let db: Database;

  beforeAll(async () => {
    opened = await openEngine(engine);
    db = opened.db;
  });
  afterAll(() => opened.close());

  test('a run counts on every counter that its grant limits for it, and on no other', async () => {
    const scene = await makeScene(db, { perDay: {}, ...leaving('total', 'runs') });
    await runWhole(db, booked(scene));
    await runWhole(db, booked(scene, { costCentre: 'ward-8', purpose: 'statistics', day: '2026-12-01' }));
    const rows = await db.rows<{ scope: string; runs: string; money: string }>(sql`
      SELECT scope, used_runs::text AS runs, used_spend_nano::text AS money FROM grant_counter
      WHERE grant_id = ${scene.grant} ORDER BY scope COLLATE "C"`);
    expect(rows.map(({ scope, runs, money }) => `${scope} ${runs} ${money}`)).toEqual([
      'cost-centre:ward-7 1 7',
      'cost-centre:ward-8 1 7',
      'day:2026-11-21 1 7',
      'day:2026-12-01 1 7',
      'purpose:public_welfare 1 7',
      'standing:2026-11-21 1 7',
      'standing:2026-12-01 1 7',
      'total 2 14',
    ]);
  });

  test('a counter that is full leaves the others as they were', async () => {
    const scene = await makeScene(db, leaving('cost-centre:ward-7', 'runs'));
    for (let run = 0; run < LEFT; run += 1) await admit(db, booked(scene));
    const before = await usedOf(db, scene.grant);
    await expect(admit(db, booked(scene))).rejects.toMatchObject({
      code: 'QUOTA',
      sentence: { args: { scope: 'cost-centre:ward-7' } },
    });
    expect(await usedOf(db, scene.grant)).toEqual(before);
    await expect(admit(db, booked(scene, { costCentre: 'ward-8' }))).resolves.toMatchObject({
      kind: 'queued',
    });
  });

  test.for([
    { name: 'a cost centre that is not listed', changes: { costCentre: 'ward-9' }, code: 'PARAM' },
    { name: 'no cost centre where one is asked for', changes: { costCentre: null }, code: 'PARAM' },
    { name: 'more than the ceiling of one call', changes: { planned: priced('8') }, code: 'QUOTA' },
  ])('$name is refused, also where the decision did not look', async ({ changes, code }) => {
    const standing = { perCall: { spendNano: PRICE }, perDay: { spendNano: '1000' } };
    const scene = await makeScene(db, { quota: { standing, costCentres: [{ id: 'ward-7' }] } });
    await expect(admit(db, booked(scene, changes))).rejects.toMatchObject({ code });
    await expect(admit(db, booked(scene))).resolves.toMatchObject({ kind: 'queued' });
  });

  test('a grant that says nothing of money lets no run cost any without a quote', async () => {
    const scene = await makeScene(db);
    await expect(admit(db, ask(scene, { planned: priced('1') }))).rejects.toMatchObject({ code: 'QUOTA' });
    await expect(admit(db, ask(scene))).resolves.toMatchObject({ kind: 'queued' });
  });

  test('a wording from before there was money or a month counts as it did', async () => {
    const scene = await makeScene(db, { total: { runs: '2' } });
    await db.rows(
      sql`UPDATE access_grant SET body = body #- '{quota,total,spendNano}' WHERE id = ${scene.grant}`,
    );
    const seen: StoredGrant[] = [];
    const decide = (grant: StoredGrant): void => void seen.push(grant);
    await admit(db, ask(scene, { decide }));
    await admit(db, ask(scene, { decide }));
    expect(seen.map(({ body, used }) => quotaLeft(body.quota, used).runs)).toEqual(['2', '1']);
    await expect(admit(db, ask(scene))).rejects.toMatchObject({ code: 'QUOTA' });
  });

  test('an answer and a failure leave the same counters until their release time, and then the failure gets its money', async () => {
    const timing = { mode: 'planned', releaseAfterMs: 1_500 } as const;
    const scenes = [
      await makeScene(db, leaving('total', 'runs')),
      await makeScene(db, leaving('total', 'runs')),
    ] as const;
    const jobs = await Promise.all(scenes.map((scene) => openNew(db, booked(scene, { timing }))));
    await commitRelease(db, handIn(jobs[0]!));
    await failJob(db, { jobId: jobs[1]!.id, attempt: jobs[1]!.attempt, ...LOST });
    expect(await returnSpend(db)).toBe(0);
    const [answered, failed] = await Promise.all(scenes.map((scene) => shownOf(db, scene)));
    expect(JSON.stringify(failed)).toBe(JSON.stringify(answered));
    expect(failed).toMatchObject({ total: { runs: '1', spendNano: PRICE } });
    await sleep(1_600);
    expect(await returnSpend(db)).toBe(1);
    expect(await returnSpend(db)).toBe(0);
    expect(await shownOf(db, scenes[0])).toEqual(answered);
    // All but the money stays, on every counter.
    const unpaid = Object.entries(answered!).map(([scope, used]) => [scope, { ...used, spendNano: '0' }]);
    expect(await shownOf(db, scenes[1])).toEqual(Object.fromEntries(unpaid));
  });

  test('housekeeping gives it back every minute', async () => {
    const scene = await makeScene(db, { quota: anyPrice() });
    await failOpened(db, ask(scene, { planned: priced(PRICE) }));
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const bugs: unknown[] = [];
    const stop = startHousekeeping(db, {
      timeZone: 'Asia/Shanghai',
      reportBug: (error) => void bugs.push(error),
    });
    try {
      await vi.advanceTimersByTimeAsync(59_000);
      expect((await usedOf(db, scene.grant)).total.spendNano).toBe(PRICE);
      await vi.advanceTimersByTimeAsync(1_000);
      await expect.poll(async () => (await usedOf(db, scene.grant)).total.spendNano).toBe('0');
    } finally {
      stop();
      vi.useRealTimers();
    }
    expect(bugs).toEqual([]);
  });

  test('what goes back is what was quoted for fees that do not bill failed runs', async () => {
    const scene = await makeScene(db, { quota: anyPrice() });
    const admission = ask(scene, { planned: priced('30') });
    const priceOf: Admission['priceOf'] = async (tx, grant, planned) => {
      const { billing, ...price } = await admission.priceOf(tx, grant, planned);
      const fees = billing.fees.map((fee) => ({ ...fee, billsFailed: fee.feeType === 'technical_service' }));
      const quoted = { 'data_usage/calls': '10', 'data_usage/rows': '3', 'technical_service/runs': '17' };
      return { ...price, billing: { ...billing, fees }, quoted };
    };
    await failOpened(db, { ...admission, priceOf });
    await failOpened(db, {
      ...ask(scene, { planned: priced('17') }),
      priceOf: async (tx, grant, planned) => {
        const price = await priceOf(tx, grant, planned);
        return { ...price, quoted: { 'technical_service/runs': '17' } };
      },
    });
    expect(await returnSpend(db)).toBe(1);
    expect((await usedOf(db, scene.grant)).total.spendNano).toBe('34');
    expect(await findViolations(db)).toEqual([]);
  });

  test('money is not given back twice, though the database is asked to', async () => {
    const scene = await makeScene(db, { quota: anyPrice() });
    await failOpened(db, ask(scene, { planned: priced(PRICE) }));
    await returnSpend(db);
    const twice = db.rows(sql`
      INSERT INTO spend_return (job_id, nano) SELECT r.job_id, r.nano FROM spend_return r JOIN job j ON j.id = r.job_id
      WHERE j.grant_id = ${scene.grant}`);
    await expect(twice).rejects.toThrow(/duplicate key/);
    // Negative control: money that went back without a word.
    await runWhole(db, ask(scene, { planned: priced(PRICE) }));
    expect(await findViolations(db)).toEqual([]);
    await db.rows(
      sql`UPDATE grant_counter SET used_spend_nano = 0 WHERE grant_id = ${scene.grant} AND scope = 'total'`,
    );
    expect((await findViolations(db)).map(({ invariant }) => invariant)).toEqual([
      expect.stringContaining('a counter has used'),
    ]);
  });
});

/** What a grant shows of its counters. */
async function shownOf(db: Database, { grant }: Scene): Promise<Readonly<Record<string, Amounts>>> {
  const scopes = [...SCOPES, `day:${DAY}`, `standing:${DAY}`];
  return findAmounts(db, grant, scopes.toSorted());
}
