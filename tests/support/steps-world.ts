/**
 * A gateway in memory with a real runner: readers and workers over a small dataset `steps`, which ben may ask by SQL and
 * by programs under the grant `g-steps`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { generateSigningKey } from '#crypto/ed25519-key.ts';
import { runStatements } from '#gateway/demo/generate.ts';
import { recheck } from '#gateway/runner/recheck.ts';
import { registerWritten } from '#gateway/runner/register.ts';
import { startRunner } from '#gateway/runner/runner.ts';
import { type KeyRelease, Sources } from '#gateway/runner/sources.ts';
import type { ProgramAbort } from '#gateway/storage/program-store.ts';
import { WorkerPool } from '#sandbox/worker/pool.ts';
import { jsonOf, makeGrant, makeWorld, type World, worldGrant } from './gateway-world.ts';

export interface StepsWorld {
  readonly world: World;
  readonly sources: Sources;
  /** What the operator was told of. */
  readonly aborts: readonly ProgramAbort[];
  /** Submits a program and has both sides read and approve it; its digest. */
  approved(module: string, manifest: object): Promise<string>;
  /** Has both sides read and approve a program. */
  approve(digest: string): Promise<void>;
  /** Submits a request under the grant. */
  ask(what: object): Promise<Response>;
  /** Submits a request and waits for the end of its job. Throws when it is refused at once. */
  ended(what: object): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

/** Seals the source of a world, and gives out its key. */
export interface SealedSteps {
  readonly keys: KeyRelease;
  /** Seals `file`; what the manifest says of its source then. */
  seal(file: string): Promise<object>;
}

/** Starts it over rows with a `uid` and an `age` that count from 0, under a policy with other fields in place of some. */
export async function startSteps(
  rows: number,
  policy: object = {},
  sealed?: SealedSteps,
): Promise<StepsWorld> {
  const directory = mkdtempSync(join(tmpdir(), 'unseen-steps-'));
  const sources = new Sources({ prepare: false, ...(sealed !== undefined && { keys: sealed.keys }) });
  const workers = new WorkerPool();
  const aborts: ProgramAbort[] = [];
  const world = await makeWorld();
  const { db } = world;
  await runStatements([
    `COPY (SELECT i AS uid, i::DOUBLE AS age, (i % 50)::DOUBLE AS cost FROM range(${rows}) AS t(i)) TO '${join(directory, 'steps.parquet')}' (FORMAT parquet)`,
  ]);
  const source = await sealed?.seal(join(directory, 'steps.parquet'));
  await registerWritten(db, sources, {
    manifest: JSON.stringify({ ...MANIFEST, ...(source !== undefined && { source }) }),
    policy: JSON.stringify({ ...POLICY, ...policy }),
    baseDirectory: directory,
    organisation: 'health-bureau',
  });
  const datasets = [{ dataset: 'steps', version: 'latest', columns: ['age', 'cost'], rowScope: 'all' }];
  await makeGrant(db, worldGrant({ id: 'g-steps', datasets }));
  const shell = {
    db,
    sources,
    workers,
    signingKey: generateSigningKey(),
    secret: Buffer.alloc(32, 1),
    issuer: 'unseen.example',
    separation: 'none' as const,
    recheck: (job, compiled) =>
      recheck({ db, policies: world.shell.policies, channel: 'operation' }, job, compiled),
    reportAbort: (abort) => void aborts.push(abort),
    reportBug: (error) => void world.bugs.push(error),
  } satisfies Parameters<typeof startRunner>[0];
  const runner = await startRunner(shell, { name: 'steps', concurrency: 1 });
  return {
    world,
    sources,
    aborts,
    ...actsOf(world),
    close: async () => {
      await runner.stop();
      await workers.close();
      await sources.close();
      await world.close();
      rmSync(directory, { recursive: true });
    },
  };
}

function actsOf(world: World): Pick<StepsWorld, 'approved' | 'approve' | 'ask' | 'ended'> {
  const approve = async (digest: string): Promise<void> => {
    for (const person of ['olga', 'petra'] as const) {
      await world.as(person, `/v1/programs/${digest}`);
      const { status } = await world.as(person, `/v1/programs/${digest}/approval`, {});
      if (status !== 200) throw new Error(`${person} could not approve: ${status}`);
    }
  };
  const ask = (what: object): Promise<Response> =>
    world.as('ben', '/v1/jobs', { grant: 'g-steps', purpose: 'public_health', ...what });
  return {
    approve,
    ask,
    approved: async (module, manifest) => {
      const { digest } = await jsonOf<{ digest: string }>(
        world.as('ben', '/v1/programs', { module, manifest }),
      );
      await approve(digest);
      return digest;
    },
    ended: async (what) => {
      const response = await ask(what);
      if (response.status !== 202) throw new Error(await response.text());
      const { id } = await jsonOf<{ id: string }>(response);
      for (;;) {
        const job = await jsonOf(world.as('ben', `/v1/jobs/${id}`));
        if (job['state'] === 'done') return job;
        await sleep(50);
      }
    },
  };
}

const NUMBER = (high: number) => ({ type: 'number', bounds: [0, high] });

const MANIFEST = {
  kind: 'Dataset',
  name: 'steps',
  source: { type: 'parquet', path: 'steps.parquet' },
  privacyUnit: 'uid',
  origin: 'public',
  grade: 'general',
  maxRows: 100_000,
  columns: { uid: { type: 'integer', role: 'unit' }, age: NUMBER(120), cost: NUMBER(100) },
};

const POLICY = {
  kind: 'ReleasePolicy',
  mechanism: 'gaussian',
  budget: { epsilon: 100, delta: 1e-6 },
  perJob: { epsilon: 0.1, delta: 1e-9 },
  maxGroupsPerUnit: 1,
  timing: { quantumMs: 1 },
  jail: 'preferred',
};
