/** Real kills, on PostgreSQL: of a runner amid its releases, and of the server. Nothing acknowledged is lost. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { recover } from '#gateway/storage/abort.ts';
import { type Database, openDatabase } from '#gateway/storage/database.ts';
import { findViolations } from '#gateway/storage/invariants.ts';
import { HAS_POSTGRES, openEngine, type OpenEngine } from '#tests/support/engines.ts';
import { ledgerOf, makeScene, type Scene } from '#tests/support/world.ts';

const LOOP = fileURLToPath(new URL('../support/release-loop.ts', import.meta.url));

/** Runs the loop until it has said so many lines, then kills it or what it stands on. Returns what it said. */
async function killInTheMiddle(
  url: string,
  scene: Scene,
  { lines, kill }: { readonly lines: number; readonly kill: (pid: number) => void },
): Promise<string[]> {
  const child = spawn(process.execPath, [LOOP, url, JSON.stringify(scene)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let said = '';
  let isKilled = false;
  const gone = new Promise((resolve) => child.once('close', resolve));
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    if (isKilled || said.split('\n').length < lines || child.pid === undefined) return;
    isKilled = true;
    kill(child.pid);
  });
  await gone;
  return said.split('\n').slice(0, -1);
}

interface Aftermath {
  readonly acknowledged: number;
  /** Acknowledged as released, and not released. */
  readonly lost: readonly string[];
  /** Acknowledged as opened, and not spent. */
  readonly refunded: readonly string[];
  /** Spent by the ledger, less what the opened jobs cost. */
  readonly difference: bigint;
  readonly violations: readonly unknown[];
}

const WHOLE = { lost: [], refunded: [], difference: 0n, violations: [] };

/** What a kill has left, once the runner has started anew. */
async function aftermathOf(db: Database, scene: Scene, said: readonly string[]): Promise<Aftermath> {
  await recover(db, { runner: 'runner-1' });
  const acknowledged = (what: string): string[] =>
    said.filter((line) => line.startsWith(`${what} `)).map((line) => line.slice(what.length + 1));
  const rows = await db.rows<{ id: string; outcome: string | null; state: string }>(sql`
    SELECT j.id, j.outcome, r.state FROM job j JOIN reservation r ON r.job_id = j.id WHERE j.account_id = ${scene.account}`);
  const released = rows.filter(({ outcome }) => outcome === 'released').map(({ id }) => id);
  const spent = rows.filter(({ state }) => state === 'spent').map(({ id }) => id);
  return {
    acknowledged: acknowledged('released').length,
    lost: acknowledged('released').filter((id) => !released.includes(id)),
    refunded: acknowledged('opened').filter((id) => !spent.includes(id)),
    difference: (await ledgerOf(db, scene)).spent - 1_000n * BigInt(spent.length),
    violations: await findViolations(db),
  };
}

describe.skipIf(!HAS_POSTGRES)('on postgres', () => {
  let opened: OpenEngine;

  beforeAll(async () => {
    opened = await openEngine('postgres');
  });
  afterAll(() => opened.close());

  test.for([20, 41])(
    'a runner killed with -9 after %s lines loses no release and gets no budget back',
    async (lines) => {
      const { db, url } = opened;
      const scene = await makeScene(db);
      const kill = (pid: number): void => void process.kill(pid, 'SIGKILL');
      const aftermath = await aftermathOf(
        db,
        scene,
        await killInTheMiddle(url ?? '', scene, { lines, kill }),
      );
      expect(aftermath).toMatchObject(WHOLE);
      expect(aftermath.acknowledged).toBeGreaterThan(5);
    },
  );

  test('a server that stops without a checkpoint has every acknowledged release after its recovery', async () => {
    const { url, cluster } = opened;
    const scene = await makeScene(opened.db);
    await opened.db.close();
    const stopped = Promise.withResolvers<void>();
    const kill = (): void => void cluster?.crash().then(stopped.resolve, stopped.reject);
    const said = await killInTheMiddle(url ?? '', scene, { lines: 30, kill });
    await stopped.promise;
    await cluster?.start();
    const db = await openDatabase({ url: url ?? '' });
    opened = {
      ...opened,
      db,
      close: async () => {
        await db.close();
        await cluster?.stop();
      },
    };
    const aftermath = await aftermathOf(db, scene, said);
    expect(aftermath).toMatchObject(WHOLE);
    expect(aftermath.acknowledged).toBeGreaterThan(5);
  });
});
