/** Review in the database: twins of a waiting answer, stops that race with approvals, and what is seen in between. */
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { admit } from '#gateway/storage/admission.ts';
import { findLeaf, publishableSize } from '#gateway/storage/audit-log.ts';
import type { Database } from '#gateway/storage/database.ts';
import { findViolations } from '#gateway/storage/invariants.ts';
import { dueInMs, findAnswer, findJob, listEvents, listUsage } from '#gateway/storage/job-view.ts';
import { openJob } from '#gateway/storage/open.ts';
import { findReleasingJob, findSpent } from '#gateway/storage/oversight.ts';
import type { ClaimedJob } from '#gateway/storage/queue.ts';
import { commitRelease } from '#gateway/storage/release.ts';
import { decideHeld, type Decision, findHeld, listHeld } from '#gateway/storage/review.ts';
import { resume, revokeGrant, suspend } from '#gateway/storage/suspension.ts';
import { Refusal } from '#policies/refusal.ts';
import { describeEngines, openEngine, type OpenEngine } from '#tests/support/engines.ts';
import {
  ask,
  claim,
  freshId,
  handIn,
  ledgerOf,
  makeScene,
  openNew,
  runWhole,
  type Scene,
} from '#tests/support/world.ts';

const APPROVED: Decision = { decision: 'approved' };
const REJECTED: Decision = { decision: 'rejected', reason: 'KIND_MISMATCH', note: 'not a model' };

describeEngines('on', (engine) => {
  let opened: OpenEngine;
  let db: Database;

  beforeAll(async () => {
    opened = await openEngine(engine);
    db = opened.db;
  });
  afterAll(() => opened.close());

  /** Decides as somebody of the scene; `REFUSED` for a refusal. */
  async function decide(scene: Scene, jobId: string, decision: Decision): Promise<string> {
    const held = await findHeld(db, jobId);
    if (held === null) throw new RangeError('it does not wait');
    const by = { account: scene.account, organisation: scene.organisation };
    return decideHeld(db, held, by, decision).catch((error: unknown) => {
      if (error instanceof Refusal) return error.code;
      throw error;
    });
  }

  /** Two jobs of one Plan that were admitted and opened before either ended; the second is one that a person decides about. */
  async function twins(scene: Scene): Promise<readonly [ClaimedJob, ClaimedJob]> {
    const planDigest = freshId();
    const [plain, reviewed] = [ask(scene, { planDigest }), ask(scene, { planDigest, review: true })];
    await admit(db, plain);
    await admit(db, reviewed);
    const jobs = [await claim(db, plain.jobId), await claim(db, reviewed.jobId)] as const;
    for (const { id: jobId, attempt } of jobs) await openJob(db, { jobId, attempt });
    return jobs;
  }

  /** What can be read of a job, by every way that leads outside. */
  async function seenOf(scene: Scene, jobId: string, releaseId: string): Promise<readonly string[]> {
    const usage = await listUsage(
      db,
      { account: scene.account, grant: null },
      { afterLeaf: -1n, limit: 1_000 },
    );
    const ways: Readonly<Record<string, boolean>> = {
      state: (await findJob(db, jobId))?.state === 'done',
      answer: (await findAnswer(db, jobId)) !== null,
      events: (await listEvents(db, jobId, 0)).some(({ state }) => state === 'done'),
      due: (await dueInMs(db, jobId)) !== null,
      leaf: (await findLeaf(db, jobId)) !== null,
      spent: (await findSpent(db, jobId)) !== null,
      usage: usage.some((row) => row.jobId === jobId),
      release: (await findReleasingJob(db, releaseId)) !== null,
    };
    return Object.keys(ways).filter((way) => ways[way]);
  }

  test('a waiting answer is seen by no way, and by every way from its approval on', async () => {
    const scene = await makeScene(db);
    const admission = ask(scene, { review: true });
    const { releaseId } = await runWhole(db, admission);
    expect(await seenOf(scene, admission.jobId, releaseId)).toEqual([]);
    // Negative control: but for the mark of review each of these ways would lead to it.
    const unmarked: string[] = [];
    await db
      .transact(async (tx) => {
        await tx.rows(sql`SET LOCAL session_replication_role = replica`);
        await tx.rows(sql`UPDATE job SET review = false WHERE id = ${admission.jobId}`);
        const usage = await listUsage(
          tx,
          { account: scene.account, grant: null },
          { afterLeaf: -1n, limit: 9 },
        );
        if ((await findJob(tx, admission.jobId))?.state === 'done') unmarked.push('state');
        if ((await findAnswer(tx, admission.jobId)) !== null) unmarked.push('answer');
        if ((await dueInMs(tx, admission.jobId)) !== null) unmarked.push('due');
        if ((await findLeaf(tx, admission.jobId)) !== null) unmarked.push('leaf');
        if (usage.length > 0) unmarked.push('usage');
        throw new RangeError('undone');
      })
      .catch(() => undefined);
    expect(unmarked).toEqual(['state', 'answer', 'due', 'leaf', 'usage']);
    expect(await decide(scene, admission.jobId, APPROVED)).toBe('decided');
    expect(await seenOf(scene, admission.jobId, releaseId)).toHaveLength(8);
    expect(await ledgerOf(db, scene)).toEqual({ reserved: 0n, spent: 1_000n });
  });

  test('its leaf is counted by the log at its release time, so that no proof waits for a person', async () => {
    const scene = await makeScene(db);
    const before = await publishableSize(db);
    const admission = ask(scene, { review: true });
    await runWhole(db, admission);
    expect(await publishableSize(db)).toBe(before + 1n);
    await decide(scene, admission.jobId, REJECTED);
    expect(await publishableSize(db)).toBe(before + 2n);
  });

  test('a twin that gets the answer of a job that waits, waits with it', async () => {
    for (const decision of [APPROVED, REJECTED]) {
      const scene = await makeScene(db);
      const [plain, reviewed] = await twins(scene);
      const { releaseId } = await commitRelease(db, handIn(reviewed));
      expect(await commitRelease(db, handIn(plain))).toMatchObject({ releaseId, repeat: true });
      expect(await findAnswer(db, plain.id)).toBeNull();
      expect((await findJob(db, plain.id))?.state).toBe('accepted');
      expect(await decide(scene, plain.id, decision)).toBe('decided');
      expect(await decide(scene, reviewed.id, APPROVED)).toBe('already');
      const outcome = decision === APPROVED ? 'released' : 'refused';
      for (const { id } of [plain, reviewed])
        expect(await findJob(db, id)).toMatchObject({ state: 'done', outcome });
      expect((await findAnswer(db, plain.id))?.releaseId ?? null).toBe(
        decision === APPROVED ? releaseId : null,
      );
      expect(await ledgerOf(db, scene)).toEqual({ reserved: 0n, spent: 2_000n });
    }
  });

  test('a twin that waits for a person gets no answer by way of one that a rule released', async () => {
    const scene = await makeScene(db);
    const [plain, reviewed] = await twins(scene);
    const { releaseId } = await commitRelease(db, handIn(plain));
    expect(await commitRelease(db, handIn(reviewed))).toMatchObject({ releaseId, repeat: true });
    expect((await findAnswer(db, plain.id))?.releaseId).toBe(releaseId);
    expect(await findAnswer(db, reviewed.id)).toBeNull();
    expect(await decide(scene, reviewed.id, REJECTED)).toBe('decided');
    expect(await findJob(db, reviewed.id)).toMatchObject({
      outcome: 'refused',
      code: 'RELEASE_REJECTED',
      releaseId: null,
    });
    // What was released stays released.
    expect(await findJob(db, plain.id)).toMatchObject({ outcome: 'released', releaseId });
  });

  test('two who decide about two twins at once make one decision', async () => {
    const scene = await makeScene(db);
    const [plain, reviewed] = await twins(scene);
    await commitRelease(db, handIn(reviewed));
    await commitRelease(db, handIn(plain));
    const ends = await Promise.all([
      decide(scene, plain.id, APPROVED),
      decide(scene, reviewed.id, REJECTED),
      decide(scene, plain.id, REJECTED),
    ]);
    expect(ends.toSorted()).toEqual(['already', 'already', 'decided']);
  });

  test('a revocation among approvals: whatever is released was released before it returned', async () => {
    const scene = await makeScene(db);
    const jobs: string[] = [];
    for (let count = 0; count < 12; count += 1) {
      const admission = ask(scene, { review: true });
      await runWhole(db, admission);
      jobs.push(admission.jobId);
    }
    const approvals = jobs.map((id) => decide(scene, id, APPROVED));
    const revoked = revokeGrant(db, { grantId: scene.grant, by: 'officer' }).then(async () => {
      const [row] = await db.rows<{ approved: number }>(sql`
        SELECT count(*)::int AS approved FROM release_review v JOIN release r ON r.id = v.release_id
        WHERE r.grant_id = ${scene.grant}`);
      return row?.approved;
    });
    const ends = await Promise.all(approvals);
    expect(ends.filter((end) => end === 'decided')).toHaveLength((await revoked) ?? -1);
    expect(ends.every((end) => end === 'decided' || end === 'GRANT_REVOKED')).toBe(true);
    const left = jobs.filter((_, at) => ends[at] !== 'decided');
    for (const id of left) expect(await decide(scene, id, REJECTED)).toBe('decided');
  });

  test('a failed run of a kind that waits is told of without anybody’s decision', async () => {
    const scene = await makeScene(db);
    const job = await openNew(db, ask(scene, { review: true }));
    await db.rows(sql`UPDATE job SET halted_at = now(), halt_code = 'KILLED' WHERE id = ${job.id}`);
    await commitRelease(db, handIn(job)).catch(() => undefined);
    expect(await findJob(db, job.id)).toMatchObject({ state: 'done', outcome: 'failed', code: 'KILLED' });
    expect(await findHeld(db, job.id)).toBeNull();
    const providers = { buyer: null, provider: scene.organisation };
    expect(await listHeld(db, providers, { after: null, limit: 10 })).toEqual([]);
  });

  test('all of this keeps every invariant', async () => {
    expect(await findViolations(db)).toEqual([]);
  });

  if (engine === 'pglite') return; // Has one connection: nobody else is ever half-way.
  test('an approval waits for a stop that is being committed', async () => {
    const scene = await makeScene(db);
    const admission = ask(scene, { review: true });
    await runWhole(db, admission);
    const stopping = Promise.withResolvers<void>();
    const stop = db.transact(async (tx) => {
      await tx.rows(sql`UPDATE access_grant SET suspended_at = now() WHERE id = ${scene.grant}`);
      stopping.resolve();
      await new Promise((resumed) => setTimeout(resumed, 200));
    });
    await stopping.promise;
    expect(await decide(scene, admission.jobId, APPROVED)).toBe('GRANT_REVOKED');
    await stop;
    await resume(db, 'grant', scene.grant);
    expect(await decide(scene, admission.jobId, APPROVED)).toBe('decided');
    // A decision that stands is not undone by a stop after it.
    await suspend(db, 'grant', scene.grant);
    expect(await findAnswer(db, admission.jobId)).not.toBeNull();
  });
});
