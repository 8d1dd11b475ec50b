/** Guards: what the database itself refuses, to its owner by trigger and to each program by role; and that tampering shows. */
import { sql, type SQL } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { failJob, haltJob, recover, refuseJob } from '#gateway/storage/abort.ts';
import { admit, refuse } from '#gateway/storage/admission.ts';
import { type Database, openDatabase, sqlStateOf, type Tx } from '#gateway/storage/database.ts';
import { findViolations, INVARIANT_NAMES } from '#gateway/storage/invariants.ts';
import { findAnswer } from '#gateway/storage/job-view.ts';
import { addKeyEvent } from '#gateway/storage/key-events.ts';
import { openJob } from '#gateway/storage/open.ts';
import { decideHeld, findHeld, readHeld } from '#gateway/storage/review.ts';
import { withdrawProgram } from '#gateway/storage/program-store.ts';
import { findHalted } from '#gateway/storage/queue.ts';
import { registerDataset } from '#gateway/storage/registration.ts';
import { commitRelease } from '#gateway/storage/release.ts';
import { returnSpend } from '#gateway/storage/spend-returns.ts';
import { haltVersions, revokeGrant } from '#gateway/storage/suspension.ts';
import { Failure, Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { TAMPERING } from './tampering.ts';
import { describeEngines, HAS_POSTGRES, openEngine, type OpenEngine } from '#tests/support/engines.ts';
import { fileTwice } from '#tests/support/document-files.ts';
import { approveNew, makeReviewScene } from '#tests/support/program-scene.ts';
import {
  anyPrice,
  ask,
  claim,
  freshId,
  giveShare,
  handIn,
  makeScene,
  openNew,
  priced,
  quoteFor,
  runWhole,
  type Scene,
} from '#tests/support/world.ts';

class RollBack extends Error {}

/** Does something and takes it back. */
async function undone<Result>(db: Database, work: (tx: Tx) => Promise<Result>): Promise<Result> {
  let result: { readonly value: Result } | undefined;
  await db
    .transact(async (tx) => {
      result = { value: await work(tx) };
      throw new RollBack();
    })
    .catch((error: unknown) => {
      if (!(error instanceof RollBack)) throw error;
    });
  if (result === undefined) throw new RangeError('the transaction did not run');
  return result.value;
}

/** The SQLSTATE with which a statement is refused, or `allowed`. Nothing of it stays. */
async function refusalOf(db: Database, statement: SQL, role?: string): Promise<string> {
  try {
    return await undone(db, async (tx) => {
      if (role !== undefined) await tx.rows(sql.raw(`SET LOCAL ROLE ${role}`));
      await tx.rows(statement);
      return 'allowed';
    });
  } catch (error) {
    return sqlStateOf(error) ?? String(error);
  }
}

const FORBIDDEN = '55000';
const DENIED = '42501';

/** Tables that take inserts only. */
const INSERT_ONLY = [
  'key_event',
  'usage_record',
  'audit_leaf',
  'audit_node',
  'release',
  'grant_revision',
  'checkpoint',
  'quote_acceptance',
  'release_review',
  'release_reading',
  'program_event',
  'spend_return',
  'spend_alert',
] as const;

/** What no program may do, each on a database in which it would change a row. */
const NEVER: Readonly<Record<string, SQL>> = {
  'spent budget is taken back': sql`UPDATE lineage SET spent_nano = spent_nano - 1 WHERE spent_nano > 0`,
  'a ceiling is raised': sql`UPDATE lineage SET ceiling_nano = ceiling_nano + 1`,
  'a capacity is raised': sql`UPDATE lineage SET capacity_nano = capacity_nano - 1; UPDATE lineage SET capacity_nano = capacity_nano + 1`,
  'the unit of a ledger is changed': sql`UPDATE lineage SET unit = 'epsilon'`,
  'a ledger is deleted': sql`DELETE FROM lineage`,
  'an opened reservation is returned': sql`UPDATE reservation SET state = 'returned' WHERE state = 'opened'`,
  'a spent reservation is opened again': sql`UPDATE reservation SET state = 'opened' WHERE state = 'spent'`,
  'a held reservation is spent without being opened': sql`UPDATE reservation SET state = 'spent' WHERE state = 'held'`,
  'a reservation is made smaller': sql`UPDATE reservation SET nano = nano - 1`,
  'what was drawn on a share is changed': sql`UPDATE reservation SET share_nano = share_nano + 1`,
  'a share is enlarged': sql`UPDATE budget_share SET nano = nano + 1`,
  'a share that ended comes back': sql`UPDATE budget_share SET ended_at = now(); UPDATE budget_share SET ended_at = NULL`,
  'a share is deleted': sql`DELETE FROM budget_share`,
  'an opened job waits again': sql`UPDATE job SET state = 'queued' WHERE state = 'opened'`,
  'a job that is done is changed': sql`UPDATE job SET code = 'KILLED' WHERE state = 'done'`,
  'a quote is changed': sql`UPDATE quote SET price = 0`,
  'a program is changed': sql`UPDATE program SET module = module || ' '`,
  'a program that was withdrawn comes back': sql`UPDATE program SET state = 'withdrawn'; UPDATE program SET state = 'approved'`,
  'a program is approved without a review': sql`UPDATE program SET state = 'withdrawn'; UPDATE program SET state = 'in_review'`,
  'a program is deleted': sql`DELETE FROM program`,
  'a job changes its program': sql`UPDATE job SET program_digest = 'another' WHERE state <> 'done'`,
  'an attempt is counted back': sql`UPDATE job SET attempt = attempt - 1 WHERE attempt > 0`,
  'a counter is counted back': sql`UPDATE grant_counter SET used_runs = used_runs - 1 WHERE used_runs > 0`,
  'a wording is changed': sql`UPDATE filed_document SET body = '{}'`,
  'a wording is approved twice': sql`UPDATE filed_document SET approved_at = now()`,
  'an end is moved': sql`UPDATE filed_document SET effective_to = now() + interval '9 years' WHERE revision = 1`,
  'a wording comes back': sql`UPDATE filed_document SET withdrawn_by = filed_by, withdrawn_at = now(); UPDATE filed_document SET withdrawn_by = NULL, withdrawn_at = NULL`,
  'the log grows by two': sql`UPDATE audit_head SET size = size + 2`,
  'the log shrinks': sql`UPDATE audit_head SET size = size - 1`,
};

/** What a role may not do. */
const NOT_BY_ROLE: readonly (readonly [role: string, what: string, statement: SQL])[] = [
  ['unseen_gateway', 'reads where data are', sql`SELECT path FROM runner_source`],
  ['unseen_gateway', 'reads digests of data', sql`SELECT value FROM source_claim`],
  ['unseen_gateway', 'makes an answer', sql`INSERT INTO release DEFAULT VALUES`],
  ['unseen_gateway', 'spends or refunds', sql`UPDATE lineage SET spent_nano = 0`],
  ['unseen_gateway', 'thaws a ledger', sql`UPDATE lineage SET frozen_at = NULL`],
  ['unseen_gateway', 'makes a ledger', sql`INSERT INTO lineage (id, unit) VALUES ('x', 'rho')`],
  ['unseen_gateway', 'changes the size of a reservation', sql`UPDATE reservation SET nano = 0`],
  ...(['unseen_gateway', 'unseen_runner'] as const).flatMap((role) =>
    (['usage_record', 'audit_leaf', 'audit_node'] as const).flatMap((table) => [
      [
        role,
        `changes ${table}`,
        sql.raw(`UPDATE ${table} SET ${table.startsWith('audit') ? 'hash' : 'digest'} = NULL`),
      ] as const,
      [role, `deletes from ${table}`, sql.raw(`DELETE FROM ${table}`)] as const,
      [role, `empties ${table}`, sql.raw(`TRUNCATE ${table}`)] as const,
    ]),
  ),
  ...(['unseen_gateway', 'unseen_runner'] as const).flatMap((role) => [
    [
      role,
      'changes a decision',
      sql`UPDATE release_review SET decision = 'approved', reason = NULL`,
    ] as const,
    [role, 'takes a decision back', sql`DELETE FROM release_review`] as const,
    [role, 'forgets who read', sql`DELETE FROM release_reading`] as const,
  ]),
  ['unseen_gateway', 'changes a program', sql`UPDATE program SET module = ''`],
  ['unseen_gateway', 'forgets a step of a review', sql`DELETE FROM program_event`],
  ['unseen_runner', 'submits a program', sql`INSERT INTO program DEFAULT VALUES`],
  ['unseen_runner', 'decides about an answer', sql`INSERT INTO release_review DEFAULT VALUES`],
  ['unseen_gateway', 'changes an answer', sql`UPDATE release SET cells = ''`],
  ['unseen_runner', 'changes an answer', sql`UPDATE release SET cells = ''`],
  ['unseen_runner', 'deletes an answer', sql`DELETE FROM release`],
  ['unseen_runner', 'admits a job', sql`INSERT INTO job DEFAULT VALUES`],
  ['unseen_runner', 'files a document', sql`INSERT INTO filed_document DEFAULT VALUES`],
  ['unseen_gateway', 'deletes a document', sql`DELETE FROM filed_document`],
  ['unseen_gateway', 'says what a runner destroyed', sql`INSERT INTO run_destruction DEFAULT VALUES`],
  ['unseen_runner', 'writes a grant', sql`UPDATE access_grant SET revoked_at = NULL`],
  ['unseen_runner', 'signs a checkpoint', sql`INSERT INTO checkpoint DEFAULT VALUES`],
  ['unseen_runner', 'removes a guard', sql`ALTER TABLE usage_record DISABLE TRIGGER insert_only`],
];

/** What is done about a key from the request to the end, by two people. */
async function destroyKey(db: Database, [maker, checker]: readonly [string, string]): Promise<void> {
  const key = freshId();
  await addKeyEvent(db, key, () => ({ kind: 'requested', account: maker, reason: 'x' }));
  await addKeyEvent(db, key, (_, dueAt) => ({ kind: 'approved', account: checker, dueAt }));
  await addKeyEvent(db, key, () => ({ kind: 'destroying', account: null }));
  const detail = { record: '"signed"' };
  await addKeyEvent(db, key, () => ({ kind: 'destroyed', account: null, detail, leaf: detail.record }));
}

/** A job under a quote of 7 billionths, which it accepts by naming it. */
async function runQuoted(db: Database): Promise<void> {
  const scene = await makeScene(db, { total: { spendNano: '10' } });
  const asked = ask(scene, { planned: priced('7') });
  const quote = await quoteFor(db, scene, asked);
  await runWhole(db, { ...asked, quote });
}

test('every invariant has a tampering that it must report', () => {
  expect(Object.keys(TAMPERING)).toEqual(INVARIANT_NAMES);
});

describeEngines('on', (engine) => {
  let opened: OpenEngine;
  let db: Database;
  let scene: Scene;

  beforeAll(async () => {
    opened = await openEngine(engine);
    db = opened.db;
    scene = await makeScene(db, { population: { ledger: 'population:town', capacity: 900_000n } });
    await giveShare(db, scene, { nano: 6_500n });
    const first = ask(scene);
    await runWhole(db, first);
    await admit(db, ask(scene, { planDigest: first.planDigest }));
    const refusal = new Refusal('BUDGET', say('storage.budget', { lineage: scene.lineage }));
    await refuse(db, { ...ask(scene), grant: { id: scene.grant, revision: 1 }, refusal });
    const broken = await openNew(db, ask(scene));
    await failJob(db, {
      jobId: broken.id,
      attempt: broken.attempt,
      code: 'KILLED',
      sentence: say('storage.killed'),
      measured: {},
    });
    const paid = await openNew(
      db,
      ask(await makeScene(db, { quota: anyPrice(), total: { spendNano: '10' } }), { planned: priced('7') }),
    );
    const lost = { code: 'RUN_LIMIT', sentence: say('storage.lost'), measured: {} } as const;
    await failJob(db, { jobId: paid.id, attempt: paid.attempt, ...lost });
    await returnSpend(db);
    await runQuoted(db);
    const reviewed = ask(scene, { review: true });
    await runWhole(db, reviewed);
    const held = (await findHeld(db, reviewed.jobId))!;
    await readHeld(db, held, scene.account);
    const by = { account: scene.account, organisation: scene.organisation };
    await decideHeld(db, held, by, { decision: 'rejected', reason: 'GROUPS_TOO_FINE', note: null });
    const { digest: program } = await approveNew(db, await makeReviewScene(db, scene));
    await openNew(db, ask(scene, { program }));
    const aborted = await openNew(db, ask(scene, { program }));
    const sentence = say('program.aborted');
    const failure = { code: 'PROGRAM_ABORTED', sentence, measured: {} } as const;
    await failJob(db, { jobId: aborted.id, attempt: aborted.attempt, ...failure });
    await admit(db, ask(scene));
    const checker = (await makeScene(db)).account;
    await destroyKey(db, [scene.account, checker]);
    await fileTwice(db, [scene.account, checker]);
    await db.rows(sql`INSERT INTO checkpoint (size, root, note) VALUES (1, 'aa', 'note')`);
  });
  afterAll(() => opened.close());

  test('nothing is broken to begin with', async () => {
    expect(await findViolations(db)).toEqual([]);
  });

  test.for(INSERT_ONLY)('%s takes inserts only, even from its owner', async (table) => {
    const [row] = await db.rows<{ rows: string }>(sql.raw(`SELECT count(*)::text AS rows FROM ${table}`));
    expect(Number(row?.rows)).toBeGreaterThan(0);
    const [column] = await db.rows<{ name: string }>(
      sql`SELECT column_name AS name FROM information_schema.columns WHERE table_name = ${table} LIMIT 1`,
    );
    const statements = [
      `UPDATE ${table} SET ${column?.name} = ${column?.name}`,
      `DELETE FROM ${table}`,
      `TRUNCATE ${table} CASCADE`,
    ];
    const refusals = await Promise.all(statements.map((text) => refusalOf(db, sql.raw(text))));
    expect(refusals).toEqual([FORBIDDEN, FORBIDDEN, FORBIDDEN]);
  });

  test.for(Object.entries(NEVER))('never: %s', async ([, statement]) => {
    const [text = '', ...rest] = statement.queryChunks
      .map((chunk) => (chunk as { value: string[] }).value.join(''))
      .join('')
      .split(';')
      .toReversed();
    const refused = await undone(db, async (tx) => {
      for (const before of rest) await tx.rows(sql.raw(before));
      return tx.rows(sql.raw(`${text} RETURNING 1`)).then(
        () => 'allowed',
        (error: unknown) => sqlStateOf(error),
      );
    });
    expect(refused).toBe(FORBIDDEN);
  });

  test.for(NOT_BY_ROLE)('%s never %s', async ([role, , statement]) => {
    expect(await refusalOf(db, statement, role)).toBe(DENIED);
  });

  test.for(['unseen_gateway', 'unseen_runner'])('%s may do what its own statements need', async (role) => {
    // The control of the test above: the role exists and is refused for what it does, not for who it is.
    expect(await refusalOf(db, sql`SELECT id FROM job`, role)).toBe('allowed');
    expect(await refusalOf(db, sql`UPDATE audit_head SET size = size + 1`, role)).toBe('allowed');
  });

  test.for(
    Object.entries(TAMPERING).flatMap(([invariant, all]) =>
      all.map((tampering) => ({ invariant, tampering })),
    ),
  )('tampering shows: $invariant', async ({ invariant, tampering }) => {
    const reported = await undone(db, async (tx) => {
      // What whoever holds the database can do: switch the guards off.
      await tx.rows(sql`SET LOCAL session_replication_role = replica`);
      await tx.rows(sql`ALTER TABLE release DROP CONSTRAINT release_job_id_unique`);
      await tx.rows(sql`ALTER TABLE filed_document DROP CONSTRAINT filed_document_two_people`);
      await tx.rows(tampering);
      return (await findViolations(tx)).map((violation) => violation.invariant);
    });
    expect(reported).toContain(invariant);
  });
});

describe.skipIf(!HAS_POSTGRES)('on postgres, as gateway and runner with roles of their own', () => {
  let opened: OpenEngine;
  let gateway: Database;
  let runner: Database;

  beforeAll(async () => {
    opened = await openEngine('postgres');
    const url = opened.url ?? '';
    gateway = await openDatabase({ url, role: 'unseen_gateway' });
    runner = await openDatabase({ url, role: 'unseen_runner' });
  });
  afterAll(async () => {
    await gateway.close();
    await runner.close();
    await opened.close();
  });

  test('each can do all of its own work, and no more', async () => {
    const scene = await makeScene(opened.db, { quota: anyPrice() });
    await giveShare(gateway, scene, { nano: 9_500n });
    const job = ask(scene);
    await admit(gateway, job);
    const claimed = await claim(runner, job.jobId);
    await openJob(runner, { jobId: claimed.id, attempt: claimed.attempt });
    expect(sqlStateOf(await commitRelease(gateway, handIn(claimed)).catch((error: unknown) => error))).toBe(
      DENIED,
    );
    await commitRelease(runner, handIn(claimed));
    expect(await findAnswer(gateway, job.jobId)).not.toBeNull();
    await admit(gateway, ask(scene, { planDigest: job.planDigest }));
    const refusal = new Refusal('QUOTA', say('storage.quota', { scope: 'total' }));
    await refuse(gateway, { ...ask(scene), grant: null, refusal });
    const failing = ask(scene, { planned: priced('7') });
    const [waiting, lost, last] = [ask(scene), ask(scene), ask(scene)];
    await admit(gateway, waiting);
    expect(await haltJob(gateway, waiting.jobId)).toBe('ended');
    for (const admission of [failing, lost, last]) await admit(gateway, admission);
    const { id: jobId, attempt } = await claim(runner, failing.jobId);
    await openJob(runner, { jobId, attempt });
    await failJob(runner, { jobId, attempt, code: 'RUN_LIMIT', sentence: say('storage.lost'), measured: {} });
    expect(await returnSpend(gateway)).toBe(1);
    await claim(runner, lost.jobId, 'runner-x');
    expect(await recover(runner, { runner: 'runner-x' })).toEqual({ requeued: 1, spent: 0, returned: 0 });
    const declined = await claim(runner, lost.jobId);
    await refuseJob(runner, { jobId: declined.id, attempt: declined.attempt, refusal });
    const reviewed = ask(scene, { review: true });
    await admit(gateway, reviewed);
    const run = await claim(runner, reviewed.jobId);
    await openJob(runner, { jobId: run.id, attempt: run.attempt });
    await commitRelease(runner, handIn(run));
    const held = (await findHeld(gateway, run.id))!;
    await readHeld(gateway, held, scene.account);
    const by = { account: scene.account, organisation: scene.organisation };
    expect(await decideHeld(gateway, held, by, { decision: 'approved' })).toBe('decided');
    const { digest: program, operator } = await approveNew(gateway, await makeReviewScene(opened.db, scene));
    const running = ask(scene, { program });
    await admit(gateway, running);
    const opens = await claim(runner, running.jobId);
    await openJob(runner, { jobId: opens.id, attempt: opens.attempt });
    expect(await withdrawProgram(gateway, program, { by: operator, reason: 'x' })).toEqual([opens.id]);
    expect(await findHalted(runner, [opens.id])).toEqual([opens.id]);
    await expect(commitRelease(runner, handIn(opens))).rejects.toMatchObject({ code: 'KILLED' });
    await revokeGrant(gateway, { grantId: scene.grant, by: 'officer' });
    const people = [scene.account, (await makeScene(opened.db)).account] as const;
    await destroyKey(runner, people);
    await fileTwice(gateway, people);
    expect(await haltVersions(runner, [freshId()])).toEqual([]);
    const byGateway = destroyKey(gateway, people).catch((error: unknown) => error);
    expect(sqlStateOf(await byGateway)).toBe(DENIED);
    expect(await findViolations(gateway)).toEqual([]);
    const source = sql`SELECT path FROM runner_source WHERE version_id = ${scene.versionId}`;
    expect(sqlStateOf(await gateway.rows(source).catch((error: unknown) => error))).toBe(DENIED);
    expect(await runner.rows(source)).toHaveLength(1);
  });

  test('the runner registers datasets; the gateway cannot', async () => {
    const scene = await makeScene(opened.db);
    const registration = {
      name: `beds_${freshId().slice(0, 8)}`,
      organisation: scene.organisation,
      ledger: { lineage: freshId(), unit: 'rho', capacity: { nano: 1n, thresholdDeltaYocto: 0n } },
      population: null,
      manifest: {},
      policy: {},
      policyDigest: 'd',
      version: { id: freshId(), commitment: 'c' },
      source: { path: freshId(), digest: freshId(), identity: {}, versionKey: 'k' },
    } as const;
    expect(sqlStateOf(await registerDataset(gateway, registration).catch((error: unknown) => error))).toBe(
      DENIED,
    );
    await registerDataset(runner, registration);
  });

  test('a login that may change no table opens a database that is up to date, and is told when it is not', async () => {
    const { db, url, cluster } = opened;
    await db.rows(sql`CREATE ROLE app LOGIN IN ROLE unseen_gateway`);
    const asApp = (address: string) => address.replace('postgres@', 'app@');
    const app = await openDatabase({ url: asApp(url ?? '') });
    expect(app.durable).toBe(true);
    await app.close();
    const behind = (await cluster?.createDatabase()) ?? '';
    const owner = await openDatabase({ url: behind });
    await owner.rows(
      sql`DELETE FROM drizzle.__drizzle_migrations WHERE id = (SELECT max(id) FROM drizzle.__drizzle_migrations)`,
    );
    expect(await openDatabase({ url: asApp(behind) }).catch((error: unknown) => error)).toMatchObject({
      sentence: { id: 'storage.behind' },
    });
    await owner.rows(sql`INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ('x', 9e12)`);
    const ahead = await openDatabase({ url: behind }).catch((error: unknown) => error);
    expect(ahead).toBeInstanceOf(Failure);
    expect(ahead).toMatchObject({ code: 'CONFIG', sentence: { id: 'storage.ahead' } });
    await owner.close();
  });
});
