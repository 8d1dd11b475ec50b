/** Aborted jobs in the database: each counts for its program with its own end, and the third suspends it. */
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
  type ProgramAbort,
  recordReading,
  rejectProgram,
  withdrawProgram,
} from '#gateway/storage/program-store.ts';
import { findHalted } from '#gateway/storage/queue.ts';
import { commitRelease } from '#gateway/storage/release.ts';
import { ABORTS_MAX } from '#policies/program-review.ts';
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { describeEngines, openEngine, type OpenEngine } from '#tests/support/engines.ts';
import { approveNew, type Reviewer, type ReviewScene } from '#tests/support/program-scene.ts';
import { ask, claim, handIn, openNew } from '#tests/support/world.ts';

type Approved = ReviewScene & { readonly digest: string };

const ABORTED = { code: 'PROGRAM_ABORTED', sentence: say('program.aborted'), measured: {} } as const;

describeEngines('on', (engine) => {
  let opened: OpenEngine;
  let db: Database;

  beforeAll(async () => {
    opened = await openEngine(engine);
    db = opened.db;
  });
  afterAll(() => opened.close());

  const running = ({ scene, digest }: Approved) => openNew(db, ask(scene, { program: digest }));
  const fail = ({ id, attempt }: { readonly id: string; readonly attempt: number }) =>
    failJob(db, { jobId: id, attempt, ...ABORTED });
  const abortOne = async (all: Approved): Promise<ProgramAbort | null> => fail(await running(all));
  const stateOf = async (digest: string): Promise<string | undefined> =>
    (await findProgram(db, digest))?.state;
  const kindsOf = async (digest: string): Promise<readonly string[]> =>
    (await listProgramEvents(db, digest)).map(({ kind }) => kind);
  /** A program as many of whose jobs were aborted as suspend it. */
  async function suspended(): Promise<Approved> {
    const all = await approveNew(db);
    for (let count = 0; count < ABORTS_MAX; count += 1) await abortOne(all);
    return all;
  }
  const read = (digest: string, by: Reviewer) => recordReading(db, digest, { by, isReview: true });
  const approve = (digest: string, by: Reviewer) => approveProgram(db, digest, { by, opinion: null });

  test('two leave a program as it is, and the third suspends it, each with its event and leaf', async () => {
    const all = await approveNew(db);
    const before = (await kindsOf(all.digest)).length;
    for (let aborts = 1; aborts < ABORTS_MAX; aborts += 1) {
      expect(await abortOne(all)).toMatchObject({ program: all.digest, aborts, suspended: false });
      expect(await stateOf(all.digest)).toBe('approved');
    }
    const last = await running(all);
    expect(await fail(last)).toEqual({ program: all.digest, job: last.id, aborts: 3, suspended: true });
    expect(await stateOf(all.digest)).toBe('suspended');
    const events = (await listProgramEvents(db, all.digest)).slice(before);
    expect(events.map(({ kind }) => kind)).toEqual(['aborted', 'aborted', 'aborted', 'suspended']);
    expect(events[2]).toMatchObject({
      side: 'runner',
      accountId: all.scene.account,
      detail: { job: last.id },
    });
    for (const { kind, leafIndex } of events) {
      const [leaf] = await db.rows<{ body: string }>(
        sql`SELECT body FROM audit_leaf WHERE index = ${leafIndex}::bigint`,
      );
      expect(JSON.parse(leaf?.body ?? '')).toMatchObject({ event: kind, program: all.digest });
    }
    expect(await findViolations(db)).toEqual([]);
  });

  test('other failures, a stop that came first and an end that is told twice do not count', async () => {
    const all = await approveNew(db);
    const one = await running(all);
    await failJob(db, {
      ...ABORTED,
      jobId: one.id,
      attempt: one.attempt,
      code: 'RUN_LIMIT',
      sentence: say('program.timeLimit'),
    });
    const stopped = await running(all);
    await haltJob(db, stopped.id);
    expect(await fail(stopped)).toBeNull();
    const aborted = await running(all);
    expect(await fail(aborted)).toMatchObject({ aborts: 1 });
    expect(await fail(aborted)).toBeNull();
    const kinds = await kindsOf(all.digest);
    expect(kinds.filter((kind) => kind === 'aborted')).toEqual(['aborted']);
    expect(await stateOf(all.digest)).toBe('approved');
  });

  test('two at once are both counted', async () => {
    const all = await approveNew(db);
    const jobs = await Promise.all(Array.from({ length: ABORTS_MAX }, () => running(all)));
    const ends = await Promise.all(jobs.map(fail));
    expect(ends.map((end) => end?.aborts ?? 0).toSorted((left, right) => left - right)).toEqual([1, 2, 3]);
    expect(await stateOf(all.digest)).toBe('suspended');
    expect(await findViolations(db)).toEqual([]);
  });

  test('of a program that is suspended no job is admitted, opened or released', async () => {
    const all = await approveNew(db);
    const runs = await running(all);
    const waits = ask(all.scene, { program: all.digest });
    await admit(db, waits);
    const claimed = await claim(db, waits.jobId);
    for (let count = 0; count < ABORTS_MAX; count += 1) {
      // Control: until then the others are let be.
      expect(await findHalted(db, [runs.id])).toEqual([]);
      await abortOne(all);
    }
    expect(await findHalted(db, [runs.id])).toEqual([runs.id]);
    await expect(commitRelease(db, handIn(runs))).rejects.toMatchObject({ code: 'KILLED' });
    const open = openJob(db, { jobId: claimed.id, attempt: claimed.attempt });
    await expect(open).rejects.toBeInstanceOf(Refusal);
    await expect(admit(db, ask(all.scene, { program: all.digest }))).rejects.toBeInstanceOf(Refusal);
  });

  test('a commit that no mark has reached looks for itself', async () => {
    const all = await approveNew(db);
    const job = await running(all);
    await db.rows(sql`UPDATE program SET state = 'suspended' WHERE digest = ${all.digest}`);
    expect(await findHalted(db, [job.id])).toEqual([]);
    await expect(commitRelease(db, handIn(job))).rejects.toMatchObject({ code: 'KILLED' });
    // Control: what that left is seen as what nobody wrote.
    expect((await findViolations(db)).flatMap(({ rows }) => rows)).toEqual([all.digest]);
    await withdrawProgram(db, all.digest, { by: all.operator, reason: 'x' });
  });

  describe('a program that is suspended', () => {
    test('runs again when every side has read and approved it anew, and then counts from nothing', async () => {
      const all = await suspended();
      const { digest, operator, provider, scene } = all;
      // What they read and approved before counts no more.
      expect(await approve(digest, operator)).toBe('unread');
      await read(digest, operator);
      expect(await approve(digest, operator)).toBe('decided');
      expect(await approve(digest, operator)).toBe('already');
      expect(await stateOf(digest)).toBe('suspended');
      await expect(admit(db, ask(scene, { program: digest }))).rejects.toBeInstanceOf(Refusal);
      await read(digest, provider);
      expect(await approve(digest, provider)).toBe('decided');
      expect(await stateOf(digest)).toBe('approved');
      expect(await abortOne(all)).toMatchObject({ aborts: 1, suspended: false });
      expect(await findViolations(db)).toEqual([]);
    });

    test('may be rejected or withdrawn for good', async () => {
      const [one, other] = [await suspended(), await suspended()];
      await read(one.digest, one.provider);
      const rejection = { reason: 'RISK_TOO_HIGH', text: 'aborts', basis: 'agreement 7' } as const;
      expect(await rejectProgram(db, one.digest, { by: one.provider, rejection })).toBe('decided');
      expect(await approve(one.digest, one.operator)).toBe('closed');
      expect(await withdrawProgram(db, other.digest, { by: other.operator, reason: 'x' })).toEqual([]);
      expect(await findViolations(db)).toEqual([]);
    });
  });

  test('an abort that is committed before its release time is not shown before', async () => {
    const all = await approveNew(db);
    const timing = { mode: 'planned', releaseAfterMs: 60_000 } as const;
    const job = await openNew(db, ask(all.scene, { program: all.digest, timing }));
    await fail(job);
    expect(await kindsOf(all.digest)).not.toContain('aborted');
    const [row] = await db.rows<{ early: boolean }>(sql`
      SELECT bool_and(e.at = j.release_at AND l.visible_at = e.at AND e.at > now()) AS early
      FROM program_event e JOIN job j ON j.id = e.detail->>'job' JOIN audit_leaf l ON l.index = e.leaf_index
      WHERE e.program_digest = ${all.digest} AND e.kind = 'aborted'`);
    expect(row).toEqual({ early: true });
  });

  // PGlite has one role.
  if (engine !== 'postgres') return;
  test('a runner’s role suspends, and approves nothing', async () => {
    const { digest } = await approveNew(db);
    const asRunner = (statement: ReturnType<typeof sql>) =>
      db.transact(async (tx) => {
        await tx.rows(sql`SET LOCAL ROLE unseen_runner`);
        await tx.rows(statement);
      });
    const state = (to: string) => sql`UPDATE program SET state = ${to} WHERE digest = ${digest}`;
    await asRunner(state('suspended'));
    await expect(asRunner(state('approved'))).rejects.toThrow(/suspends programs, and does nothing else/);
    await expect(asRunner(state('withdrawn'))).rejects.toThrow(/suspends programs, and does nothing else/);
    const event = (kind: string) => sql`
      INSERT INTO program_event (id, program_digest, seq, kind, account_id, organisation_id, side, detail, at)
      SELECT repeat('a', 32), program_digest, 99, ${kind}, account_id, organisation_id, side, detail, at
      FROM program_event WHERE program_digest = ${digest} AND kind = 'read' LIMIT 1`;
    await expect(asRunner(event('approved'))).rejects.toThrow(/suspended, and nothing else/);
    await expect(asRunner(event('read'))).rejects.toThrow(/suspended, and nothing else/);
    await db.transact((tx) => tx.rows(state('withdrawn')));
  });
});
