/**
 * AC: what the database takes of one small job before and after it runs, on durable PostgreSQL, one job at a time.
 *
 * Measured are the gateway's submission (grant, compile, policy decision, admission with quota, budget and queue) and
 * the release transaction (debit, answer, usage record, signed receipt, leaf). Claim, opening and reading are not.
 */
import { generateSigningKey } from '#crypto/ed25519-key.ts';
import { issueReceipt } from '#crypto/receipt.ts';
import { costOf } from '#gateway/storage/ledger.ts';
import { openJob } from '#gateway/storage/open.ts';
import { claimJob } from '#gateway/storage/queue.ts';
import { commitRelease } from '#gateway/storage/release.ts';
import { RELEASED } from '#tests/crypto/sample-receipt.ts';
import { handIn, LEASE_MS } from '#tests/support/world.ts';
import { createDatabase } from './durable-postgres.ts';
import { type Benchmark, lineOf, msOf, type Subject } from './measure.ts';
import { prepareGateway, type PreparedGateway } from './platform.ts';

const ADMISSION: Subject = {
  id: 'AC',
  name: 'submission and release transaction of one small job on durable PostgreSQL, one at a time',
  unit: 'ms',
  better: 'lower',
  against: 'at most 12',
};

const [WARM_UP, SAMPLES] = [30, 200];

export const ADMISSION_TIME: Benchmark = {
  ids: ['AC'],
  async *run(_asked, { small }) {
    const size = small ? { rows: 500, units: 100 } : { rows: 20_000, units: 5_000 };
    const gateway = await prepareGateway({ ...size, datasets: 1, place: { url: await createDatabase() } });
    try {
      for (let run = 0; run < (small ? 1 : WARM_UP); run += 1) await oneJob(gateway);
      const samples: number[] = [];
      for (let run = 0; run < (small ? 3 : SAMPLES); run += 1) samples.push(await oneJob(gateway));
      yield lineOf(ADMISSION, samples);
    } finally {
      await gateway.close();
    }
  },
};

const signingKey = generateSigningKey();

/** Milliseconds of a job's submission and of its release transaction together. */
async function oneJob(gateway: PreparedGateway): Promise<number> {
  const { db } = gateway.shell;
  const submission = await msOf(() => gateway.submit(0, (table) => `SELECT sum(cost) AS cost FROM ${table}`));
  const job = await claimJob(db, { runner: 'bench', leaseMs: LEASE_MS });
  await openJob(db, { jobId: job!.id, attempt: job!.attempt });
  const commit = await msOf(() =>
    commitRelease(db, {
      ...handIn(job!),
      makeReceipt: ({ jobId, releaseId, budget }) => {
        const cost = { ...RELEASED.cost!, ...costOf(budget) };
        return issueReceipt({ ...RELEASED, jobId, releaseId, cost, budget: [...budget] }, signingKey, {
          embedKey: false,
        });
      },
    }),
  );
  return submission + commit;
}
