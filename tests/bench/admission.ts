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
import { type Benchmark, lineOf, medianOf, msOf, say, type Subject } from './measure.ts';
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
      const samples: JobTimes[] = [];
      for (let run = 0; run < (small ? 3 : SAMPLES); run += 1) samples.push(await oneJob(gateway));
      const median = (part: keyof JobTimes): string =>
        medianOf(samples.map((times) => times[part])).toFixed(1);
      say(`submission ${median('submission')} ms, release ${median('release')} ms`);
      yield lineOf(
        ADMISSION,
        samples.map(({ submission, release }) => submission + release),
      );
    } finally {
      await gateway.close();
    }
  },
};

const signingKey = generateSigningKey();

/** Milliseconds. */
interface JobTimes {
  readonly submission: number;
  readonly release: number;
}

async function oneJob(gateway: PreparedGateway): Promise<JobTimes> {
  const { db } = gateway.shell;
  const submission = await msOf(() => gateway.submit(0, (table) => `SELECT sum(cost) AS cost FROM ${table}`));
  const job = await claimJob(db, { runner: 'bench', leaseMs: LEASE_MS });
  await openJob(db, { jobId: job!.id, attempt: job!.attempt });
  const release = await msOf(() =>
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
  return { submission, release };
}
