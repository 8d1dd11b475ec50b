/**
 * P9: release transactions on durable PostgreSQL, with twenty lineages that take turns.
 *
 * Each settles quota and budget, signs a receipt, and writes answer, usage record and leaf. The jobs were admitted,
 * claimed and opened before, outside the measured time.
 */
import { generateSigningKey } from '#crypto/ed25519-key.ts';
import { issueReceipt } from '#crypto/receipt.ts';
import { admit } from '#gateway/storage/admission.ts';
import { type Database, openDatabase } from '#gateway/storage/database.ts';
import { openJob } from '#gateway/storage/open.ts';
import { claimJob } from '#gateway/storage/queue.ts';
import { commitRelease, type ReleaseInput } from '#gateway/storage/release.ts';
import { RELEASED } from '#tests/crypto/sample-receipt.ts';
import { ask, handIn, LEASE_MS, makeScene, type Scene } from '#tests/support/world.ts';
import { createDatabase } from './durable-postgres.ts';
import { type Benchmark, lineOf, msOf, say, type Subject } from './measure.ts';

const RELEASES: Subject = {
  id: 'P9',
  name: 'release transactions on durable PostgreSQL, 20 lineages',
  unit: '1/s',
  better: 'higher',
  against: '–',
};

/** As many at once as the pool has connections. */
const AT_ONCE = 10;

export const RELEASE_RATE: Benchmark = {
  ids: ['P9'],
  async *run(_asked, { small }) {
    const [lineages, releases, rounds] = small ? [2, 10, 1] : [20, 400, 5];
    const db = await openDatabase({ url: await createDatabase() });
    try {
      const scenes: Scene[] = [];
      while (scenes.length < lineages) scenes.push(await makeScene(db, { capacity: null }));
      const rates: number[] = [];
      for (let round = 0; round <= rounds; round += 1) {
        const inputs = await openedJobs(db, scenes, releases);
        const ms = await msOf(() => commitAll(db, inputs));
        // The first round fills the caches of statements.
        if (round > 0) rates.push((releases * 1_000) / ms);
        say(`${Math.round((releases * 1_000) / ms)} releases/s`);
      }
      yield lineOf(RELEASES, rates);
    } finally {
      await db.close();
    }
  },
};

/** Jobs that wait for nothing but their release, of all lineages in turn. */
export async function openedJobs(
  db: Database,
  scenes: readonly Scene[],
  count: number,
): Promise<readonly ReleaseInput[]> {
  const signingKey = generateSigningKey();
  const cost = { ...RELEASED.cost!, nano: '1000', thresholdDeltaYocto: '0' };
  const inputs: ReleaseInput[] = [];
  for (let index = 0; index < count; index += 1)
    await admit(db, ask(scenes[index % scenes.length]!, { nano: BigInt(cost.nano) }));
  for (let index = 0; index < count; index += 1) {
    const job = await claimJob(db, { runner: 'bench', leaseMs: LEASE_MS });
    await openJob(db, { jobId: job!.id, attempt: job!.attempt });
    inputs.push({
      ...handIn(job!),
      makeReceipt: ({ jobId, releaseId, budget }) =>
        issueReceipt({ ...RELEASED, jobId, releaseId, cost, budget: [...budget] }, signingKey, {
          embedKey: false,
        }),
    });
  }
  return inputs;
}

async function commitAll(db: Database, inputs: readonly ReleaseInput[]): Promise<void> {
  const waiting = [...inputs];
  const work = async (): Promise<void> => {
    for (let input = waiting.shift(); input !== undefined; input = waiting.shift())
      await commitRelease(db, input);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}
