/** Programs in the database: the steps of a review, what each leaves, and that nothing outlives what it rests on. */
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { failJob, haltJob } from '#gateway/storage/abort.ts';
import { admit } from '#gateway/storage/admission.ts';
import type { Database } from '#gateway/storage/database.ts';
import { findViolations } from '#gateway/storage/invariants.ts';
import { openJob } from '#gateway/storage/open.ts';
import {
  approveProgram,
  findProgram,
  listProgramEvents,
  recordReading,
  rejectProgram,
  withdrawProgram,
} from '#gateway/storage/program-store.ts';
import { findHalted } from '#gateway/storage/queue.ts';
import { commitRelease } from '#gateway/storage/release.ts';
import { revokeGrant, suspend, withdrawDataset } from '#gateway/storage/suspension.ts';
import { Failure, Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { describeEngines, openEngine, type OpenEngine } from '#tests/support/engines.ts';
import {
  approveNew,
  makeReviewScene,
  type Reviewer,
  type ReviewScene,
  submitNew,
} from '#tests/support/program-scene.ts';
import { trusting } from '#tests/support/sabotage.ts';
import { ask, claim, handIn, ledgerOf, makeScene, openNew, type Scene } from '#tests/support/world.ts';

describeEngines('on', (engine) => {
  let opened: OpenEngine;
  let db: Database;

  beforeAll(async () => {
    opened = await openEngine(engine);
    db = opened.db;
  });
  afterAll(() => opened.close());

  const approved = () => approveNew(db);
  const stateOf = async (digest: string): Promise<string | undefined> =>
    (await findProgram(db, digest))?.state;

  describe('a review', () => {
    test('goes from step to step, each with its event and its leaf in the log', async () => {
      const { scene, operator, provider } = await makeReviewScene(db);
      const { digest } = await submitNew(db, scene);
      expect(await stateOf(digest)).toBe('scanned');
      await recordReading(db, digest, { by: operator, isReview: true });
      await recordReading(db, digest, { by: provider, isReview: true });
      expect(await stateOf(digest)).toBe('in_review');
      expect(await approveProgram(db, digest, { by: operator, opinion: null })).toBe('decided');
      expect(await stateOf(digest)).toBe('in_review');
      expect(await approveProgram(db, digest, { by: provider, opinion: 'sound' })).toBe('decided');
      expect(await stateOf(digest)).toBe('approved');
      const events = await listProgramEvents(db, digest);
      const kinds = ['submitted', 'scanned', 'read', 'in_review', 'read', 'approved', 'approved'];
      expect(events.map(({ kind }) => kind)).toEqual(kinds);
      for (const { kind, leafIndex, accountId } of events) {
        expect(leafIndex === null).toBe(kind === 'read');
        if (leafIndex === null) continue;
        const [leaf] = await db.rows<{ body: string; class: string }>(
          sql`SELECT body, class FROM audit_leaf WHERE index = ${leafIndex}::bigint`,
        );
        expect(JSON.parse(leaf?.body ?? '')).toMatchObject({
          event: kind,
          program: digest,
          account: accountId,
        });
        expect(leaf?.class).toBe('program');
      }
      expect(await findViolations(db)).toEqual([]);
    });

    test('takes no decision of who has not read the code, of one account twice, and none after its end', async () => {
      const { scene, operator, provider } = await makeReviewScene(db);
      const { digest } = await submitNew(db, scene);
      const approve = (by: Reviewer) => approveProgram(db, digest, { by, opinion: null });
      expect(await approve(operator)).toBe('unread');
      await recordReading(db, digest, { by: operator, isReview: true });
      expect(await approve(provider)).toBe('unread');
      expect(await approve(operator)).toBe('decided');
      expect(await approve(operator)).toBe('already');
      // The same account for the other side, and another account for the side that has approved.
      expect(await approve({ ...operator, organisation: provider.organisation, side: 'provider' })).toBe(
        'already',
      );
      await recordReading(db, digest, { by: { ...operator, account: scene.account }, isReview: true });
      expect(await approve({ ...operator, account: scene.account })).toBe('already');
      await recordReading(db, digest, { by: provider, isReview: true });
      const rejection = {
        reason: 'RISK_TOO_HIGH',
        text: 'names single visits',
        basis: 'agreement 7',
      } as const;
      expect(await rejectProgram(db, digest, { by: provider, rejection })).toBe('decided');
      expect(await stateOf(digest)).toBe('rejected');
      expect(await approve(provider)).toBe('closed');
      expect(await rejectProgram(db, digest, { by: provider, rejection })).toBe('closed');
    });

    test('counts the versions of one name, and one that was withdrawn stays so', async () => {
      const { scene, digest, operator } = await approved();
      const second = await submitNew(db, scene);
      expect((await findProgram(db, second.digest))?.version).toBe(2);
      // The same digest is the same program: it has a review already.
      expect(second.again).toBe(false);
      expect(await withdrawProgram(db, digest, { by: operator, reason: 'x' })).toEqual([]);
      expect(await withdrawProgram(db, digest, { by: operator, reason: 'x' })).toBeNull();
      expect(await stateOf(digest)).toBe('withdrawn');
    });
  });

  /** What a stop is, by what it stops. */
  const STOPS: Readonly<Record<string, (all: ReviewScene & { digest: string }) => Promise<unknown>>> = {
    'its grant is revoked': ({ scene }) => revokeGrant(db, { grantId: scene.grant, by: 'x' }),
    'its grant is suspended': ({ scene }) => suspend(db, 'grant', scene.grant),
    'its account is revoked': ({ scene }) => suspend(db, 'account', scene.account),
    'its buyer is suspended': ({ scene }) => suspend(db, 'organisation', scene.organisation),
    'the provider of its data is suspended': async ({ scene }) => {
      const [row] = await db.rows<{ id: string }>(
        sql`SELECT organisation_id AS id FROM dataset WHERE name = ${scene.dataset}`,
      );
      return suspend(db, 'organisation', row?.id ?? '');
    },
    'its dataset is suspended': ({ scene }) => suspend(db, 'dataset', scene.dataset),
    'its dataset is withdrawn': ({ scene }) => withdrawDataset(db, scene.dataset),
    'its program is withdrawn': ({ digest, operator }) =>
      withdrawProgram(db, digest, { by: operator, reason: 'flawed' }),
  };

  describe.for(Object.entries(STOPS))('when %s', ([, stop]) => {
    test('a job that runs is marked at once, releases nothing, and its reservation stays spent', async () => {
      const all = await approved();
      const job = await openNew(db, ask(all.scene, { program: all.digest }));
      expect(await findHalted(db, [job.id])).toEqual([]);
      expect(await stop(all)).toEqual([job.id]);
      expect(await findHalted(db, [job.id])).toEqual([job.id]);
      await expect(commitRelease(db, handIn(job))).rejects.toMatchObject({ code: 'KILLED' });
      const [row] = await db.rows(sql`SELECT outcome, code, release_id FROM job WHERE id = ${job.id}`);
      expect(row).toEqual({ outcome: 'failed', code: 'KILLED', release_id: null });
      expect(await ledgerOf(db, all.scene)).toEqual({ reserved: 0n, spent: 1_000n });
    });

    test('a job that waits is not opened, and a new one is not admitted', async () => {
      const all = await approved();
      const waits = ask(all.scene, { program: all.digest });
      await admit(db, waits);
      const claimed = await claim(db, waits.jobId);
      await stop(all);
      const open = openJob(db, { jobId: claimed.id, attempt: claimed.attempt });
      await expect(open).rejects.toBeInstanceOf(Refusal);
      await expect(admit(db, ask(all.scene, { program: all.digest }))).rejects.toBeInstanceOf(Refusal);
      expect(await ledgerOf(db, all.scene)).toEqual({ reserved: 0n, spent: 0n });
    });
  });

  describe('in the race before the commit', () => {
    // Stops whose mark has not reached the job, by whatever fault: the commit looks for itself.
    const UNMARKED: Readonly<Record<string, (all: { scene: Scene; digest: string }) => Promise<unknown>>> = {
      grant: ({ scene }) =>
        db.rows(sql`UPDATE access_grant SET revoked_at = now() WHERE id = ${scene.grant}`),
      program: ({ digest }) => db.rows(sql`UPDATE program SET state = 'withdrawn' WHERE digest = ${digest}`),
      dataset: ({ scene }) =>
        db.rows(sql`UPDATE dataset SET state = 'suspended' WHERE name = ${scene.dataset}`),
      buyer: ({ scene }) =>
        db.rows(sql`UPDATE organisation SET suspended_at = now() WHERE id = ${scene.organisation}`),
    };

    test.for(Object.entries(UNMARKED))(
      'a stop of the %s that left no mark still releases nothing',
      async ([, stop]) => {
        const all = await approved();
        const job = await openNew(db, ask(all.scene, { program: all.digest }));
        await stop(all);
        expect(await findHalted(db, [job.id])).toEqual([]);
        await expect(commitRelease(db, handIn(job))).rejects.toMatchObject({ code: 'KILLED' });
        expect(await ledgerOf(db, all.scene)).toEqual({ reserved: 0n, spent: 1_000n });
      },
    );

    test('control: a build whose commit does not look releases it', async () => {
      const all = await approved();
      const job = await openNew(db, ask(all.scene, { program: all.digest }));
      await UNMARKED['program']?.(all);
      expect(await commitRelease(trusting(db), handIn(job))).toMatchObject({ repeat: false });
    });

    test('whatever a stop and a commit do at once, what was released was released before the stop returned', async () => {
      for (let round = 0; round < 10; round += 1) {
        const all = await approved();
        const job = await openNew(db, ask(all.scene, { program: all.digest }));
        const commit = commitRelease(db, handIn(job)).then(
          () => 'released',
          (error: unknown) => (error instanceof Failure ? error.code : String(error)),
        );
        const stopped = await withdrawProgram(db, all.digest, { by: all.operator, reason: 'x' });
        expect(await commit).toBe(stopped?.length === 0 ? 'released' : 'KILLED');
      }
    });
  });

  test('a job that fails by itself after it was stopped says that it was stopped, and nothing else', async () => {
    const scene = await makeScene(db);
    const job = await openNew(db, ask(scene));
    expect(await haltJob(db, job.id)).toBe('stopping');
    const failure = { code: 'RUN_LIMIT', sentence: say('source.timeLimit'), measured: {} } as const;
    await failJob(db, { jobId: job.id, attempt: job.attempt, ...failure });
    const [row] = await db.rows(sql`SELECT code, sentence->>'id' AS sentence FROM job WHERE id = ${job.id}`);
    expect(row).toEqual({ code: 'KILLED', sentence: 'storage.killed' });
    // Control: one that was not stopped says why it failed.
    const other = await openNew(db, ask(scene));
    await failJob(db, { jobId: other.id, attempt: other.attempt, ...failure });
    const [plain] = await db.rows(sql`SELECT code FROM job WHERE id = ${other.id}`);
    expect(plain).toEqual({ code: 'RUN_LIMIT' });
  });
});
