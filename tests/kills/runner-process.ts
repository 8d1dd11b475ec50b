/**
 * The runner of the kill tests: a process of its own that claims, opens, and releases or fails jobs until it is killed.
 *
 * It is the runner's storage and no more: recovery at its start, claim, opening, release and failure, each in its real
 * transaction. The answer is made up, its receipt is not signed, and no reader is started: those would take a second a
 * process and write nothing (tests/journeys/processes.test.ts kills the whole one).
 * Arguments: the database's address, the runner's name, and `dual` for the broken variant that must be caught.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { Failure, Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { failJob, recover } from '#gateway/storage/abort.ts';
import { openDatabase } from '#gateway/storage/database.ts';
import { openJob } from '#gateway/storage/open.ts';
import { type ClaimedJob, claimJob } from '#gateway/storage/queue.ts';
import { commitRelease, type ReceiptDraft } from '#gateway/storage/release.ts';
import { dualWriting } from '#tests/support/sabotage.ts';
import { tell, tellStart } from './lines.ts';

const LOOPS = 3;
const LEASE_MS = 60_000;
/** One job in so many fails after it was opened. */
const FAILS = 6;

const ANSWER = {
  cells: '[{"key":[],"values":[]}]',
  salt: '0'.repeat(32),
  outputDigest: `sha256:${'0'.repeat(64)}`,
  measured: { cpuMs: '12' },
  makeReceipt: ({ jobId, releaseId }: ReceiptDraft) => JSON.stringify({ receipt: jobId, releaseId }),
} as const;

/** Between the two writes of the broken variant. */
const DUAL_PAUSE_MS = 20;

const [url = '', runner = '', variant] = process.argv.slice(2);
const plain = await openDatabase({ url, connectionsMax: LOOPS });
const db = variant === 'dual' ? dualWriting(plain, DUAL_PAUSE_MS) : plain;

async function loop(): Promise<never> {
  for (;;) {
    const job = await claimJob(db, { runner, leaseMs: LEASE_MS });
    if (job === null) await sleep(5);
    else await run(job).catch(stale);
  }
}

async function run(job: ClaimedJob): Promise<void> {
  const { id: jobId, attempt } = job;
  const { kind } = await openJob(db, { jobId, attempt });
  if (kind === 'stored') return tell({ released: jobId });
  tell({ opened: jobId });
  if (Number.parseInt(jobId.slice(0, 6), 16) % FAILS === 0) {
    const sentence = say('storage.lost');
    await failJob(db, { jobId, attempt, code: 'RUN_LIMIT', sentence, measured: {} });
    tell({ failed: jobId });
  } else {
    await commitRelease(db, { ...ANSWER, jobId, attempt });
    tell({ released: jobId });
  }
}

/** An attempt that is over, because its name was used again after a kill, writes nothing. */
function stale(error: unknown): void {
  if (!(error instanceof Refusal || error instanceof Failure)) throw error;
}

await recover(db, { runner });
tellStart();
await Promise.all(Array.from({ length: LOOPS }, loop));
