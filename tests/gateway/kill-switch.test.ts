/** The kill switch on either database: told at once, and found within two seconds when nobody tells. */
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { KillSwitch } from '#gateway/runner/kill-switch.ts';
import type { Database } from '#gateway/storage/database.ts';
import { suspend } from '#gateway/storage/suspension.ts';
import { describeEngines, openEngine, type OpenEngine } from '#tests/support/engines.ts';
import { ask, makeScene, openNew } from '#tests/support/world.ts';

describeEngines('on', (engine) => {
  let opened: OpenEngine;
  let db: Database;
  const faults: unknown[] = [];

  beforeAll(async () => {
    opened = await openEngine(engine);
    db = opened.db;
  });
  afterAll(() => opened.close());

  /** Milliseconds from a stop to the signal; null when it does not come in time. */
  async function abortedAfter(
    on: Database,
    stop: (grant: string) => Promise<unknown>,
  ): Promise<number | null> {
    const scene = await makeScene(db);
    const job = await openNew(db, ask(scene));
    const other = await openNew(db, ask(await makeScene(db)));
    const killSwitch = new KillSwitch(on, (error) => faults.push(error));
    await killSwitch.start();
    const [signal, unstopped] = [killSwitch.watch(job.id), killSwitch.watch(other.id)];
    const since = performance.now();
    await stop(scene.grant);
    const ended = new Promise<number>((resolve) => {
      const done = (): void => resolve(performance.now() - since);
      if (signal.aborted) done();
      else signal.addEventListener('abort', done, { once: true });
    });
    const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), 3_000));
    const ms = await Promise.race([ended, late]);
    await killSwitch.stop();
    expect(unstopped.aborted).toBe(false);
    expect(faults).toEqual([]);
    return ms;
  }

  test('whoever stops a job tells, and its signal comes at once', async () => {
    expect(await abortedAfter(db, (grant) => suspend(db, 'grant', grant))).toBeLessThan(900);
  });

  test('a stop that nobody told of is found at the next look', async () => {
    // A mark by hand, as it is when the message is lost.
    const silent = (grant: string) =>
      db.rows(sql`UPDATE job SET halted_at = now(), halt_code = 'GRANT_REVOKED' WHERE grant_id = ${grant}`);
    expect(await abortedAfter(db, silent)).toBeLessThan(2_000);
  });

  test('control: one that sees no marks never ends a job', async () => {
    const blind = { rows: () => Promise.resolve([]), listen: () => Promise.resolve(() => Promise.resolve()) };
    expect(
      await abortedAfter(blind as unknown as Database, (grant) => suspend(db, 'grant', grant)),
    ).toBeNull();
  });
});
