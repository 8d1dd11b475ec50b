/** Open, release and abort: what each leaves in the database, who may write, and what is seen from outside, and when. */
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';

import {
  appendLeaf,
  EMPTY_FRONTIER,
  frontierOf,
  nodesForFrontier,
  rootOfFrontier,
} from '#crypto/log/frontier.ts';
import { inclusionProof, leafHash, nodesForInclusion, verifyInclusion } from '#crypto/log/merkle.ts';
import { Failure, Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { failJob, haltJob, recover } from '#gateway/storage/abort.ts';
import { admit } from '#gateway/storage/admission.ts';
import { findLeaf, findReceiptLeaf, publishableSize, readNodes } from '#gateway/storage/audit-log.ts';
import type { Database } from '#gateway/storage/database.ts';
import { findViolations } from '#gateway/storage/invariants.ts';
import {
  dueInMs,
  findAnswer,
  findJob,
  type JobView,
  listEvents,
  listJobs,
  listUsage,
} from '#gateway/storage/job-view.ts';
import { openJob } from '#gateway/storage/open.ts';
import { claimJob, extendLease, requeueJob } from '#gateway/storage/queue.ts';
import { commitRelease, type ReceiptDraft } from '#gateway/storage/release.ts';
import { resume, revokeGrant, suspend } from '#gateway/storage/suspension.ts';
import { describeEngines, openEngine, type OpenEngine } from '#tests/support/engines.ts';
import {
  ask,
  claim,
  freshId,
  handIn,
  LEASE_MS,
  ledgerOf,
  makeScene,
  openNew,
  runWhole,
  usedOf,
} from '#tests/support/world.ts';

/** The code of a refusal or failure. */
async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'done';
  } catch (error) {
    if (error instanceof Refusal || error instanceof Failure) return error.code;
    throw error;
  }
}

const ALL = { afterLeaf: -1n, limit: 1_000 };
const LOST = say('storage.lost');

describeEngines('on', (engine) => {
  let opened: OpenEngine;
  let db: Database;

  beforeAll(async () => {
    opened = await openEngine(engine);
    db = opened.db;
  });
  afterAll(() => opened.close());

  const getJob = async (jobId: string): Promise<JobView> => {
    const job = await findJob(db, jobId);
    if (job === null) throw new RangeError('no such job');
    return job;
  };
  const expire = (jobId: string) =>
    db.rows(sql`UPDATE job SET lease_until = now() - interval '1 second' WHERE id = ${jobId}`);

  test('a release commits answer, debit, use, record, leaf and state together', async () => {
    const scene = await makeScene(db);
    const admission = ask(scene, { nano: 700n });
    const job = await openNew(db, admission);
    const drafts: ReceiptDraft[] = [];
    const makeReceipt = (draft: ReceiptDraft): string => {
      drafts.push(draft);
      return `receipt of ${draft.releaseId}`;
    };
    const released = await commitRelease(db, { ...handIn(job, '[{"key":[],"values":[-0.1]}]'), makeReceipt });
    expect(await findAnswer(db, job.id)).toMatchObject({
      releaseId: released.releaseId,
      cells: '[{"key":[],"values":[-0.1]}]',
      receipt: `receipt of ${released.releaseId}`,
      repeat: false,
    });
    const loss = (nano: string) => ({ nano, thresholdDeltaYocto: '0' });
    expect(drafts.map(({ budget }) => budget)).toEqual([
      [
        {
          lineage: scene.lineage,
          unit: 'rho',
          capacity: loss('1000000'),
          before: loss('0'),
          after: loss('700'),
        },
      ],
    ]);
    expect(await ledgerOf(db, scene)).toEqual({ reserved: 0n, spent: 700n });
    expect((await usedOf(db, scene.grant)).total.runs).toBe('1');
    const [usage] = await listUsage(db, { account: scene.account, grant: scene.grant }, ALL);
    expect(usage).toMatchObject({
      id: `${job.id}/release`,
      spentNano: '700',
      charged: true,
      digest: drafts[0]?.usageDigest,
    });
    expect(await findReceiptLeaf(db, released.releaseId)).toMatchObject({
      body: released.receipt,
      class: 'release',
    });
    expect(await findJob(db, job.id)).toMatchObject({ state: 'done', outcome: 'released', code: null });
    expect((await listEvents(db, job.id, 0)).map(({ state }) => state)).toEqual([
      'queued',
      'accepted',
      'done',
    ]);
  });

  test('every leaf is in the tree that its nodes and its head describe', async () => {
    const scene = await makeScene(db);
    for (let runs = 0; runs < 5; runs += 1) await runWhole(db, ask(scene));
    const size = await publishableSize(db);
    const root = rootOfFrontier(frontierOf(size, await readNodes(db, nodesForFrontier(size))));
    const bodies = await db.rows<{ body: string }>(sql`SELECT body FROM audit_leaf ORDER BY index`);
    const leaves = bodies.map(({ body }) => leafHash(new TextEncoder().encode(body)));
    const rebuilt = leaves.reduce((frontier, leaf) => appendLeaf(frontier, leaf).frontier, EMPTY_FRONTIER);
    expect(rootOfFrontier(rebuilt)).toEqual(root);
    for (const [at, leaf] of leaves.entries()) {
      const index = BigInt(at);
      const path = inclusionProof(index, size, await readNodes(db, nodesForInclusion(index, size)));
      expect(verifyInclusion({ leaf, index, size, path, root })).toBe(true);
    }
  });

  test('a lost acknowledgement is asked for again and answered alike, once', async () => {
    const scene = await makeScene(db);
    const job = await openNew(db, ask(scene));
    expect(await openJob(db, { jobId: job.id, attempt: job.attempt })).toEqual({ kind: 'opened' });
    const first = await commitRelease(db, handIn(job));
    const second = await commitRelease(db, handIn(job, '["other noise"]'));
    expect(second).toEqual(first);
    expect(await ledgerOf(db, scene)).toEqual({ reserved: 0n, spent: 1_000n });
  });

  test('a stale attempt writes nothing', async () => {
    const scene = await makeScene(db);
    const admission = ask(scene);
    await admit(db, admission);
    const stale = await claim(db, admission.jobId, 'slow');
    await expire(stale.id);
    expect(await recover(db)).toEqual({ requeued: 1, spent: 0, returned: 0 });
    expect(await codeOf(openJob(db, { jobId: stale.id, attempt: stale.attempt }))).toBe('MACHINE_FAULT');
    const fresh = await claim(db, admission.jobId, 'quick');
    expect(fresh.attempt).toBe(stale.attempt + 1);
    await openJob(db, { jobId: fresh.id, attempt: fresh.attempt });
    const fault = { code: 'MACHINE_FAULT', sentence: LOST, measured: {} } as const;
    expect(await codeOf(commitRelease(db, handIn(stale)))).toBe('MACHINE_FAULT');
    expect(await codeOf(failJob(db, { jobId: stale.id, attempt: stale.attempt, ...fault }))).toBe(
      'MACHINE_FAULT',
    );
    expect(await extendLease(db, { jobId: stale.id, attempt: stale.attempt, leaseMs: LEASE_MS })).toBeNull();
    expect(await ledgerOf(db, scene)).toEqual({ reserved: 1_000n, spent: 0n });
    expect((await commitRelease(db, handIn(fresh))).repeat).toBe(false);
  });

  test('B1: a failure after opening keeps the reservation; one before gives it back', async () => {
    const scene = await makeScene(db);
    const fault = { code: 'RUN_LIMIT', sentence: LOST, measured: { cpuMs: '9' } } as const;
    const job = await openNew(db, ask(scene));
    await failJob(db, { jobId: job.id, attempt: job.attempt, ...fault });
    await failJob(db, { jobId: job.id, attempt: job.attempt, ...fault });
    expect(await ledgerOf(db, scene)).toEqual({ reserved: 0n, spent: 1_000n });
    expect((await usedOf(db, scene.grant)).total.runs).toBe('1');
    const admission = ask(scene);
    await admit(db, admission);
    const held = await claim(db, admission.jobId);
    await failJob(db, { jobId: held.id, attempt: held.attempt, ...fault });
    expect(await ledgerOf(db, scene)).toEqual({ reserved: 0n, spent: 1_000n });
    expect((await usedOf(db, scene.grant)).total.runs).toBe('1');
    const usage = await listUsage(db, { account: scene.account, grant: null }, ALL);
    expect(usage.map(({ type, charged, spentNano }) => [type, charged, spentNano])).toEqual([
      ['failure', true, '1000'],
      ['failure', false, '0'],
    ]);
    expect(await findJob(db, job.id)).toMatchObject({
      outcome: 'failed',
      code: 'RUN_LIMIT',
      releaseId: null,
    });
  });

  test('of two jobs of one Plan the second gets the first answer: free if not yet opened, paid if opened', async () => {
    const scene = await makeScene(db);
    const planDigest = freshId();
    const asked = [1, 2, 3].map(() => ask(scene, { planDigest }));
    for (const admission of asked) await admit(db, admission);
    const [first, second, third] = await Promise.all(asked.map(({ jobId }) => claim(db, jobId)));
    if (first === undefined || second === undefined || third === undefined) throw new Error('not claimed');
    for (const { id: jobId, attempt } of [first, second]) await openJob(db, { jobId, attempt });
    const answers = await Promise.all(
      [first, second].map((job) => commitRelease(db, handIn(job, `["${job.id}"]`))),
    );
    expect(answers.filter(({ repeat }) => repeat)).toHaveLength(1);
    const releaseId = answers[0]?.releaseId;
    expect(answers[1]).toMatchObject({ releaseId, cells: answers[0]?.cells });
    expect(await openJob(db, { jobId: third.id, attempt: third.attempt })).toEqual({
      kind: 'stored',
      releaseId,
    });
    expect(await ledgerOf(db, scene)).toEqual({ reserved: 0n, spent: 2_000n });
    const { total } = await usedOf(db, scene.grant);
    expect([total.runs, total.epsilonNano]).toEqual(['3', '500000000']);
    // The second's own leaf is its usage record, not another copy of the receipt.
    const leaves = await Promise.all(asked.map(({ jobId }) => findLeaf(db, jobId)));
    expect(leaves.filter((leaf) => leaf?.body === answers[0]?.receipt)).toHaveLength(1);
  });

  test.for(['grant', 'account', 'organisation', 'dataset'] as const)(
    'after a %s is stopped nothing is released: what was opened is spent, what was held goes back',
    async (kind) => {
      const scene = await makeScene(db);
      const job = await openNew(db, ask(scene));
      const waiting = ask(scene);
      await admit(db, waiting);
      const held = await claim(db, waiting.jobId);
      const halted = await suspend(db, kind, scene[kind]);
      expect(halted.toSorted()).toEqual([job.id, held.id].toSorted());
      expect(await extendLease(db, { jobId: job.id, attempt: job.attempt, leaseMs: LEASE_MS })).toEqual({
        halted: true,
      });
      await resume(db, kind, scene[kind]);
      expect(await codeOf(commitRelease(db, handIn(job)))).toBe('KILLED');
      expect(await codeOf(openJob(db, { jobId: held.id, attempt: held.attempt }))).toBe('GRANT_REVOKED');
      expect(await ledgerOf(db, scene)).toEqual({ reserved: 0n, spent: 1_000n });
      expect(await findJob(db, job.id)).toMatchObject({ outcome: 'failed', code: 'KILLED' });
      expect(await findJob(db, held.id)).toMatchObject({ outcome: 'refused', code: 'GRANT_REVOKED' });
      expect(await findAnswer(db, job.id)).toBeNull();
    },
  );

  test('a revocation during releases: whatever is released was released before it returned', async () => {
    const scene = await makeScene(db);
    const jobs = [];
    for (let count = 0; count < 12; count += 1) jobs.push(await openNew(db, ask(scene)));
    const releases = jobs.map((job) => codeOf(commitRelease(db, handIn(job))));
    const revoked = revokeGrant(db, { grantId: scene.grant, by: 'officer' }).then(async () => {
      const [row] = await db.rows<{ released: string }>(
        sql`SELECT count(*)::text AS released FROM release WHERE grant_id = ${scene.grant}`,
      );
      return Number(row?.released);
    });
    const codes = await Promise.all(releases);
    expect(codes.filter((code) => code === 'done')).toHaveLength(await revoked);
    expect(codes.every((code) => code === 'done' || code === 'KILLED')).toBe(true);
    expect(await codeOf(admit(db, ask(scene)))).toBe('GRANT_REVOKED');
  });

  test('a cancelled job ends at once while nothing is opened, and by its runner afterwards', async () => {
    const scene = await makeScene(db);
    const waiting = ask(scene);
    await admit(db, waiting);
    expect(await haltJob(db, waiting.jobId)).toBe('ended');
    expect(await haltJob(db, waiting.jobId)).toBe('done');
    expect(await ledgerOf(db, scene)).toEqual({ reserved: 0n, spent: 0n });
    const job = await openNew(db, ask(scene));
    expect(await haltJob(db, job.id)).toBe('stopping');
    expect(await codeOf(commitRelease(db, handIn(job)))).toBe('KILLED');
    expect(await ledgerOf(db, scene)).toEqual({ reserved: 0n, spent: 1_000n });
  });

  test('recovery queues what was held, spends what was opened, and gives up after three claims', async () => {
    const scene = await makeScene(db);
    const job = await openNew(db, ask(scene));
    await expire(job.id);
    expect(await recover(db)).toEqual({ requeued: 0, spent: 1, returned: 0 });
    expect(await recover(db)).toEqual({ requeued: 0, spent: 0, returned: 0 });
    expect(await ledgerOf(db, scene)).toEqual({ reserved: 0n, spent: 1_000n });
    const admission = ask(scene);
    await admit(db, admission);
    const seen: unknown[] = [];
    for (let claims = 0; claims < 3; claims += 1) {
      await expire((await claim(db, admission.jobId)).id);
      seen.push(await recover(db));
    }
    const requeued = { requeued: 1, spent: 0, returned: 0 };
    expect(seen).toEqual([requeued, requeued, { requeued: 0, spent: 0, returned: 1 }]);
    expect(await findJob(db, admission.jobId)).toMatchObject({ outcome: 'failed', code: 'MACHINE_FAULT' });
    expect(await ledgerOf(db, scene)).toEqual({ reserved: 0n, spent: 1_000n });
  });

  test('a runner that starts anew takes its own jobs back, and nobody else’s', async () => {
    const scene = await makeScene(db);
    const [mine, theirs] = [ask(scene), ask(scene)];
    for (const admission of [mine, theirs]) await admit(db, admission);
    await claim(db, mine.jobId, 'runner-a');
    await claim(db, theirs.jobId, 'runner-b');
    expect(await recover(db, { runner: 'runner-a' })).toEqual({ requeued: 1, spent: 0, returned: 0 });
    const again = await claim(db, mine.jobId, 'runner-a');
    await requeueJob(db, { jobId: again.id, attempt: again.attempt });
    expect(await codeOf(requeueJob(db, { jobId: again.id, attempt: again.attempt }))).toBe('MACHINE_FAULT');
    expect((await findJob(db, mine.jobId))?.state).toBe('queued');
  });

  test('only a held reservation expires', async () => {
    const scene = await makeScene(db);
    const job = await openNew(db, ask(scene, { holdMs: 0 }));
    expect(await recover(db)).toEqual({ requeued: 0, spent: 0, returned: 0 });
    const waiting = ask(scene, { holdMs: 0 });
    await admit(db, waiting);
    expect(await recover(db)).toEqual({ requeued: 0, spent: 0, returned: 1 });
    expect(await ledgerOf(db, scene)).toEqual({ reserved: 1_000n, spent: 0n });
    await commitRelease(db, handIn(job));
  });

  test('before its release time an ended job looks like one that runs, in every read', async () => {
    const scene = await makeScene(db);
    const timing = { mode: 'planned', releaseAfterMs: 700 } as const;
    const [running, ended, failed] = [ask(scene, { timing }), ask(scene, { timing }), ask(scene, { timing })];
    const [job, over, broken] = [
      await openNew(db, running),
      await openNew(db, ended),
      await openNew(db, failed),
    ];
    const before = await publishableSize(db);
    await commitRelease(db, handIn(over));
    await failJob(db, {
      jobId: broken.id,
      attempt: broken.attempt,
      code: 'RUN_LIMIT',
      sentence: LOST,
      measured: {},
    });
    const look = async (id: string) => {
      const { id: _id, planDigest: _plan, createdAt: _at, ...shown } = await getJob(id);
      return {
        shown,
        events: await listEvents(db, id, 0),
        answer: await findAnswer(db, id),
        leaf: await findLeaf(db, id),
      };
    };
    const shown = await look(job.id);
    expect(shown.shown.state).toBe('accepted');
    expect([await look(over.id), await look(broken.id)]).toEqual([shown, shown]);
    expect(await listUsage(db, { account: scene.account, grant: null }, ALL)).toEqual([]);
    expect(await publishableSize(db)).toBe(before);
    expect((await usedOf(db, scene.grant)).total.runs).toBe('3');
    const due = await dueInMs(db, over.id);
    expect(due).toBeGreaterThan(0);
    expect(await dueInMs(db, job.id)).toBeNull();
    await new Promise((resolve) => setTimeout(resolve, 750));
    expect((await look(over.id)).shown).toMatchObject({ state: 'done', outcome: 'released' });
    expect((await look(broken.id)).shown).toMatchObject({ state: 'done', outcome: 'failed' });
    const { releaseAt, createdAt } = await getJob(over.id);
    expect(Number(releaseAt) - Number(createdAt)).toBe(700);
    expect(await publishableSize(db)).toBe(before + 2n);
    await commitRelease(db, handIn(job));
  });

  test('jobs of an account come newest first, page by page', async () => {
    const scene = await makeScene(db);
    const asked = [ask(scene), ask(scene), ask(scene)];
    for (const admission of asked) await admit(db, admission);
    const [first] = await listJobs(db, scene.account, { limit: 1, after: null });
    const rest = await listJobs(db, scene.account, { limit: 5, after: first ?? null });
    expect([first, ...rest].map((job) => job?.id)).toEqual(asked.map(({ jobId }) => jobId).toReversed());
  });

  test('after all this every invariant holds, and the queue gives nothing that is done', async () => {
    expect(await findViolations(db)).toEqual([]);
    for (;;) {
      const job = await claimJob(db, { runner: 'last', leaseMs: LEASE_MS });
      if (job === null) break;
      expect(await findJob(db, job.id)).toMatchObject({ outcome: null });
    }
  });
});
