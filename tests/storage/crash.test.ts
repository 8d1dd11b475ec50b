/**
 * Crashes: every statement, commit and acknowledgement of every transaction fails once, and nothing is lost or doubled.
 *
 * For each point: the operation crashes, all invariants hold, and nothing has happened unless it was committed; then it
 * is asked for again, as its caller would, and the database is what it is after a run without a crash.
 */
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';

import type { Grant } from '#policies/grant.ts';
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { failJob, haltJob, recover, refuseJob } from '#gateway/storage/abort.ts';
import { admit, refuse } from '#gateway/storage/admission.ts';
import type { Database } from '#gateway/storage/database.ts';
import {
  approveDocument,
  fileDocument,
  type NewDocument,
  withdrawDocument,
} from '#gateway/storage/documents.ts';
import { approveGrant, findGrant, saveGrant } from '#gateway/storage/grant-store.ts';
import { findViolations } from '#gateway/storage/invariants.ts';
import { openJob } from '#gateway/storage/open.ts';
import { requeueJob } from '#gateway/storage/queue.ts';
import { commitRelease } from '#gateway/storage/release.ts';
import { decideHeld, findHeld, type HeldJob, readHeld } from '#gateway/storage/review.ts';
import { returnSpend } from '#gateway/storage/spend-returns.ts';
import { revokeGrant } from '#gateway/storage/suspension.ts';
import { sized } from '#tests/support/audit-size.ts';
import { describeEngines, HAS_POSTGRES, openEngine, type OpenEngine } from '#tests/support/engines.ts';
import {
  type Counts,
  counting,
  Crash,
  crashing,
  type CrashPoint,
  splitting,
} from '#tests/support/sabotage.ts';
import {
  anyPrice,
  ask,
  claim,
  freshId,
  giveShare,
  handIn,
  ledgerOf,
  makeScene,
  openNew,
  priced,
  runWhole,
  type Scene,
} from '#tests/support/world.ts';
import { BILLING_OPERATIONS, type Prepare } from './billing-operations.ts';

const FAULT = { code: 'MACHINE_FAULT', sentence: say('storage.lost'), measured: {} } as const;

/** Ends like the other ways: the record of the refusal is the effect. */
async function quietly(work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!(error instanceof Refusal)) throw error;
  });
}

const release: Prepare = async (db, scene) => {
  const input = handIn(await openNew(db, ask(scene)));
  return (inner) => commitRelease(inner, input);
};

/** A job whose answer waits for a person. */
async function waiting(db: Database, scene: Scene): Promise<HeldJob> {
  const admission = ask(scene, { review: true });
  await runWhole(db, admission);
  const held = await findHeld(db, admission.jobId);
  if (held === null) throw new RangeError('it does not wait');
  return held;
}

const reviewer = ({ account, organisation }: Scene) => ({ account, organisation });

const OPERATIONS: Readonly<Record<string, Prepare>> = {
  admission: async (_db, scene) => {
    const admission = ask(scene, { idempotency: { key: freshId(), bodyHash: 'a' } });
    return Promise.resolve((db) => admit(db, admission));
  },
  'admission from store': async (db, scene) => {
    const first = ask(scene);
    await runWhole(db, first);
    const again = ask(scene, {
      planDigest: first.planDigest,
      idempotency: { key: freshId(), bodyHash: 'a' },
    });
    return (inner) => admit(inner, again);
  },
  'admission on a share': async (db, scene) => {
    await giveShare(db, scene, { nano: 600n });
    const admission = ask(scene, { idempotency: { key: freshId(), bodyHash: 'a' } });
    return (inner) => admit(inner, admission);
  },
  'approval that sets a share aside': async (db, scene) => {
    const approval = { grantId: scene.grant, revision: 1, by: 'officer' } as const;
    for (const side of ['provider', 'buyer'] as const) await approveGrant(db, { ...approval, side });
    const shares = [{ lineage: scene.lineage, unit: 'rho', nano: 600n, thresholdDeltaYocto: 0n }] as const;
    return (inner) => approveGrant(inner, { ...approval, side: 'subject' }, shares);
  },
  'cancellation of a job on a share': async (db, scene) => {
    await giveShare(db, scene, { nano: 600n });
    const admission = ask(scene);
    await admit(db, admission);
    return (inner) => haltJob(inner, admission.jobId);
  },
  'revocation of a share': async (db, scene) => {
    await giveShare(db, scene, { nano: 1_600n });
    await admit(db, ask(scene));
    return (inner) => revokeGrant(inner, { grantId: scene.grant, by: 'officer' });
  },
  refusal: async (_db, scene) => {
    const admission = ask(scene, { idempotency: { key: freshId(), bodyHash: 'a' } });
    const refusal = new Refusal('QUOTA', say('storage.quota', { scope: 'total' }));
    return Promise.resolve((db) =>
      refuse(db, { ...admission, grant: { id: scene.grant, revision: 1 }, refusal }),
    );
  },
  opening: async (db, scene) => {
    const admission = ask(scene);
    await admit(db, admission);
    const { id: jobId, attempt } = await claim(db, admission.jobId);
    return (inner) => openJob(inner, { jobId, attempt });
  },
  'opening of what was released meanwhile': async (db, scene) => {
    const [first, second] = [ask(scene), ask(scene)];
    const twin = { ...second, planDigest: first.planDigest };
    await admit(db, twin);
    const { id: jobId, attempt } = await claim(db, twin.jobId);
    await runWhole(db, first);
    return async (inner) => quietlyStale(openJob(inner, { jobId, attempt }));
  },
  'opening under a revoked grant': async (db, scene) => {
    const admission = ask(scene);
    await admit(db, admission);
    const { id: jobId, attempt } = await claim(db, admission.jobId);
    await revokeGrant(db, { grantId: scene.grant, by: 'officer' });
    return (inner) => quietly(quietlyStale(openJob(inner, { jobId, attempt })));
  },
  release,
  failure: async (db, scene) => {
    const { id: jobId, attempt } = await openNew(db, ask(scene));
    return (inner) => failJob(inner, { jobId, attempt, ...FAULT });
  },
  'return of money': async (db, scene) => {
    const { id: jobId, attempt } = await openNew(db, ask(scene, { planned: priced('7') }));
    await failJob(db, { jobId, attempt, ...FAULT });
    return (inner) => returnSpend(inner);
  },
  'failure before opening': async (db, scene) => {
    const admission = ask(scene);
    await admit(db, admission);
    const { id: jobId, attempt } = await claim(db, admission.jobId);
    return (inner) => failJob(inner, { jobId, attempt, ...FAULT });
  },
  'refusal by the runner': async (db, scene) => {
    const admission = ask(scene);
    await admit(db, admission);
    const { id: jobId, attempt } = await claim(db, admission.jobId);
    const refusal = new Refusal('JAIL', say('storage.noGrant'));
    return (inner) => refuseJob(inner, { jobId, attempt, refusal });
  },
  cancellation: async (db, scene) => {
    const admission = ask(scene);
    await admit(db, admission);
    return (inner) => haltJob(inner, admission.jobId);
  },
  'putting back': async (db, scene) => {
    const admission = ask(scene);
    await admit(db, admission);
    const { id: jobId, attempt } = await claim(db, admission.jobId);
    return (inner) => quietlyStale(requeueJob(inner, { jobId, attempt }));
  },
  'release of an answer that waits': async (db, scene) => {
    const input = handIn(await openNew(db, ask(scene, { review: true })));
    return (inner) => commitRelease(inner, input);
  },
  'reading an answer that waits': async (db, scene) => {
    const held = await waiting(db, scene);
    return (inner) => readHeld(inner, held, scene.account);
  },
  approval: async (db, scene) => {
    const held = await waiting(db, scene);
    return (inner) => decideHeld(inner, held, reviewer(scene), { decision: 'approved' });
  },
  rejection: async (db, scene) => {
    const held = await waiting(db, scene);
    const decision = { decision: 'rejected', reason: 'RIGHTS_IN_DOUBT', note: null } as const;
    return (inner) => decideHeld(inner, held, reviewer(scene), decision);
  },
  'filing of a document': (_db, scene) => Promise.resolve((db) => fileDocument(db, wording(scene, 2040))),
  'approval of a new wording': async (db, scene) => {
    const { account: by } = await makeScene(db);
    await approveDocument(db, { ...(await fileDocument(db, wording(scene, 2040))), by });
    const next = { ...(await fileDocument(db, wording(scene, 2050))), by };
    return (inner) => approveDocument(inner, next);
  },
  'withdrawal of an agreement': async (db, scene) => {
    const { account: by } = await makeScene(db);
    const agreement = { ...(await fileDocument(db, wording(scene, 2020))), by };
    await approveDocument(db, agreement);
    await saveGrant(db, { grant: await rested(db, scene), upstream: [], by: 'officer' });
    await giveShare(db, scene, { nano: 1_600n, revision: 2 });
    await admit(db, ask(scene));
    return (inner) => withdrawDocument(inner, agreement);
  },
  ...BILLING_OPERATIONS,
  recovery: async (db, scene) => {
    const [opened, held] = [await openNew(db, ask(scene)), ask(scene)];
    await admit(db, held);
    await claim(db, held.jobId);
    await db.rows(
      sql`UPDATE job SET lease_until = now() - interval '1 s' WHERE id IN (${opened.id}, ${held.jobId})`,
    );
    return (inner) => recover(inner);
  },
};

/** An agreement from a year on. */
function wording({ grant: id, account: by }: Scene, year: number): NewDocument {
  return { kind: 'Agreement', id, body: { year }, from: new Date(Date.UTC(year, 0)), to: null, by };
}

/** The grant of a scene, resting on its agreement. */
async function rested(db: Database, { grant: id }: Scene): Promise<Grant> {
  const { body } = (await findGrant(db, id))!;
  return { ...body, parentAgreement: id };
}

/** A repetition after a commit that was not acknowledged finds the attempt over, which its caller takes for done. */
async function quietlyStale(work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'MACHINE_FAULT')) throw error;
  });
}

/** All that a scene has come to, without the names. */
async function standing(db: Database, scene: Scene): Promise<string> {
  const [row] = await db.rows<object>(sql`
    SELECT (SELECT jsonb_agg(jsonb_build_array(state, outcome, code, repeat, attempt) ORDER BY state, outcome, code, repeat, attempt)
        FROM job WHERE account_id = ${scene.account}) AS jobs,
      (SELECT jsonb_agg(jsonb_build_array(e.seq, e.state) ORDER BY e.seq, e.state)
        FROM job_event e JOIN job j ON j.id = e.job_id WHERE j.account_id = ${scene.account}) AS events,
      (SELECT jsonb_agg(jsonb_build_array(type, charged, spent_nano) ORDER BY type, charged, spent_nano)
        FROM usage_record WHERE account_id = ${scene.account}) AS usage,
      (SELECT count(*)::int FROM release WHERE grant_id = ${scene.grant}) AS releases,
      (SELECT jsonb_agg(jsonb_build_array(scope, reserved_runs, used_runs, used_epsilon_nano, reserved_spend_nano, used_spend_nano) ORDER BY scope)
        FROM grant_counter WHERE grant_id = ${scene.grant}) AS counters,
      (SELECT jsonb_agg(v.decision ORDER BY v.decision) FROM release_review v JOIN release r ON r.id = v.release_id
        WHERE r.grant_id = ${scene.grant}) AS decisions,
      (SELECT jsonb_agg(jsonb_build_array(revision, approved_at IS NOT NULL, effective_to, withdrawn_at IS NOT NULL) ORDER BY revision)
        FROM filed_document WHERE filed_by = ${scene.account}) AS documents,
      (SELECT jsonb_agg(jsonb_build_array(a.quote_id IS NOT NULL, j.id IS NOT NULL))
        FROM quote q LEFT JOIN quote_acceptance a ON a.quote_id = q.id LEFT JOIN job j ON j.quote_id = q.id WHERE q.account_id = ${scene.account}) AS quotes,
      (SELECT count(*)::int FROM spend_return s JOIN job j ON j.id = s.job_id WHERE j.account_id = ${scene.account}) AS returned,
      (SELECT jsonb_agg(jsonb_build_array(s.seq, s.previous_digest IS NULL, s.total_fen, s.lines)) FROM statement s
        WHERE s.organisation_id = ${scene.organisation}) AS statements,
      (SELECT jsonb_agg(jsonb_build_array(l.ordinal, l.kind, l.fee_type, l.events, l.amount_fen) ORDER BY l.ordinal)
        FROM statement_line l JOIN statement s ON s.id = l.statement_id WHERE s.organisation_id = ${scene.organisation}) AS lines,
      (SELECT count(*)::int FROM rated_run r JOIN usage_record u ON u.id = r.usage_id WHERE u.account_id = ${scene.account}) AS rated,
      (SELECT last FROM statement_sequence WHERE issuer = ${scene.organisation}) AS numbers,
      (SELECT count(*)::int FROM idempotency WHERE account_id = ${scene.account}) AS keys,
      (SELECT jsonb_agg(jsonb_build_array(left_nano, ended_at IS NULL)) FROM budget_share WHERE grant_id = ${scene.grant}) AS shares,
      (SELECT shared_nano FROM lineage WHERE id = ${scene.lineage}) AS shared`);
  const { reserved, spent } = await ledgerOf(db, scene);
  return JSON.stringify({ ...row, reserved: String(reserved), spent: String(spent) });
}

interface Trial {
  readonly prepare: Prepare;
  /** What a run without a crash comes to. */
  readonly wanted: string;
  /** Makes the database in which the operation crashes. */
  readonly sabotage: (db: Database) => Database;
  /** Whether something may have been committed when it crashes. */
  readonly isCommitted: boolean;
}

/** What is wrong after an operation crashed at a point and was asked for again. */
async function faultsOf(db: Database, { prepare, wanted, sabotage, isCommitted }: Trial): Promise<string[]> {
  const scene = await makeScene(db, { quota: anyPrice() });
  const operation = await prepare(db, scene);
  const before = await standing(db, scene);
  const faults: string[] = [];
  const crashed = await operation(sabotage(db)).catch((error: unknown) => error);
  if (!(crashed instanceof Crash)) faults.push('did not crash');
  const isUnchanged = (await standing(db, scene)) === before;
  if (!isCommitted && !isUnchanged) faults.push('left something behind');
  if (!isUnchanged) faults.push(...(await findViolations(db)).map(({ invariant }) => invariant));
  if (faults.length > 0) return faults;
  await operation(db);
  if ((await standing(db, scene)) !== wanted) faults.push('ended otherwise');
  return faults;
}

/** A run without a crash: how many statements and commits it takes, and what it comes to. */
async function calmRun(
  db: Database,
  prepare: Prepare,
): Promise<{ readonly counts: Counts; readonly wanted: string }> {
  const counts: Counts = { statements: 0, commits: 0 };
  const scene = await makeScene(db, { quota: anyPrice() });
  await (
    await prepare(db, scene)
  )(counting(db, counts));
  return { counts, wanted: await standing(db, scene) };
}

/**
 * Every point of an operation, with whether something of it may be committed there. After a statement is before the
 * next or before the commit, so that each state that the operation passes through is here once.
 */
function pointsOf({ statements, commits }: Counts): { point: CrashPoint; isCommitted: boolean }[] {
  const range = (length: number) => Array.from({ length }, (_, number) => number);
  const when = (point: CrashPoint) => ({
    point,
    isCommitted: commits > 1 || (point.at === 'commit' && point.when === 'after'),
  });
  return [
    ...range(statements).map((number) => when({ at: 'statement', number, when: 'before' })),
    ...range(commits).flatMap((number) => [
      when({ at: 'commit', number, when: 'before' }),
      when({ at: 'commit', number, when: 'after' }),
    ]),
  ];
}

/** Statements of each operation in its transactions, without BEGIN and COMMIT: what they cost in round trips. */
const STATEMENTS: Readonly<Record<string, number>> = {
  admission: 5,
  'admission from store': 6,
  refusal: 4,
  opening: 3,
  release: 7,
  approval: 8,
  rejection: 4,
  failure: 6,
};

describeEngines('on', (engine) => {
  let opened: OpenEngine;
  let db: Database;

  beforeAll(async () => {
    opened = await openEngine(engine);
    db = opened.db;
  });
  afterAll(() => opened.close());

  // PostgreSQL has all of them, PGlite each where it is alone or in an audit: the code is the same.
  const all = Object.entries(OPERATIONS);
  const isSecond = engine === 'pglite' && HAS_POSTGRES;
  test.for(isSecond ? all.filter((_, at) => at % sized(3, 1) === 0) : all)(
    'a crash at any point of %s loses and doubles nothing',
    async ([name, prepare]) => {
      const { counts, wanted } = await calmRun(db, prepare);
      expect(counts.statements).toBe(STATEMENTS[name] ?? counts.statements);
      for (const { point, isCommitted } of pointsOf(counts)) {
        const sabotage = (inner: Database): Database => crashing(inner, point);
        const faults = await faultsOf(db, { prepare, wanted, sabotage, isCommitted });
        expect({ point, faults }).toEqual({ point, faults: [] });
      }
      expect(await findViolations(db)).toEqual([]);
    },
  );

  test('jobs of many clients that crash anywhere end with every answer paid and nothing reserved', async () => {
    const population = { ledger: 'population:town', capacity: 30_000n };
    const scene = await makeScene(db, { capacity: 40_000n, population });
    const stage = { crashes: 0, refused: 0 };
    const points = Array.from({ length: 60 }, (_, number) => number);
    const client = async (): Promise<void> => {
      for (let number = points.pop(); number !== undefined; number = points.pop()) {
        await runCrashing(db, scene, { number, stage });
      }
    };
    await Promise.all([client(), client(), client(), client()]);
    await db.rows(
      sql`UPDATE job SET lease_until = now() - interval '1 s' WHERE state IN ('claimed', 'opened')`,
    );
    await db.rows(sql`UPDATE reservation SET expires_at = now() - interval '1 s' WHERE state = 'held'`);
    while (Object.values(await recover(db)).some((count) => count > 0)) continue;
    expect(await findViolations(db)).toEqual([]);
    const { reserved, spent } = await ledgerOf(db, scene);
    const [row] = await db.rows<{ released: string; unfinished: string }>(sql`
      SELECT count(*) FILTER (WHERE outcome = 'released')::text AS released, count(*) FILTER (WHERE state <> 'done')::text AS unfinished
      FROM job WHERE account_id = ${scene.account}`);
    expect([reserved, row?.unfinished]).toEqual([0n, '0']);
    expect(spent).toBeGreaterThanOrEqual(1_000n * BigInt(row?.released ?? 0));
    expect(spent).toBeLessThanOrEqual(30_000n);
    expect(stage.crashes).toBeGreaterThan(20);
    expect(stage.refused).toBeGreaterThan(0);
    expect(Number(row?.released)).toBeGreaterThan(10);
  });

  // Last, because it breaks the database.
  test('the crash test catches a release that is two transactions', async () => {
    const prepare = release;
    const { counts, wanted } = await calmRun(db, prepare);
    const last = counts.statements - 1;
    // The two statements that split it are counted as well.
    const crash: CrashPoint = { at: 'statement', number: last + 2, when: 'before' };
    const sabotage = (inner: Database): Database => splitting(crashing(inner, crash), last);
    const faults = await faultsOf(db, { prepare, wanted, sabotage, isCommitted: false });
    expect(faults).toContain('left something behind');
    expect(faults).toContain('a reservation stands as its job does');
  });
});

interface Run {
  readonly number: number;
  readonly stage: { crashes: number; refused: number };
}

/** One job, every step of which may crash before or after its commit and is then asked for again, as callers do. */
async function runCrashing(db: Database, scene: Scene, { number, stage }: Run): Promise<void> {
  const persistent = async <Result>(
    step: number,
    work: (db: Database) => Promise<Result>,
  ): Promise<Result> => {
    const when = (number + step) % 3;
    const at =
      when === 0
        ? ({ at: 'statement', number: number % 4, when: 'after' } as const)
        : ({ at: 'commit', number: 0, when: when === 1 ? 'before' : 'after' } as const);
    try {
      return await work(crashing(db, at));
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      stage.crashes += 1;
      return work(db);
    }
  };
  const admission = ask(scene, { idempotency: { key: freshId(), bodyHash: 'a' } });
  try {
    const { jobId } = await persistent(0, (inner) => admit(inner, admission));
    // Every fifth runner dies here, and every seventh after opening.
    if (number % 5 === 0) return;
    const job = await claim(db, jobId);
    await persistent(1, (inner) => openJob(inner, { jobId, attempt: job.attempt }));
    if (number % 7 === 0) return;
    await persistent(2, (inner) => commitRelease(inner, handIn(job)));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    stage.refused += 1;
  }
}
