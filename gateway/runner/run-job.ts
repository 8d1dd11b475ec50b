/**
 * One job in the runner, from its claim to its release: the second check, the open, the read, the one door.
 *
 * Each line below may refuse or fail; the order is the argument. Nothing is opened before `openJob` has committed;
 * from there the reservation is spent whatever happens. Noise is drawn here, outside the jail. What happens to a
 * buyer is a public code; what a machine really used stays in `measured`, for the operator.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EvidenceKey } from '#crypto/evidence-key.ts';
import { outputDigestOf } from '#crypto/commitment.ts';
import type { ReceiptPayload } from '#crypto/receipt-payload.ts';
import { issueReceipt } from '#crypto/receipt.ts';
import { Failure, Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { Dataset } from '#sandbox/manifest/dataset.ts';
import type { Timing } from '#sandbox/plan.ts';
import { checkJail, describeJail } from '#sandbox/jail/jail.ts';
import { jailFor, type ReleasedKey } from '#sandbox/reader/source.ts';
import { type RandomSource, secureRandom } from '#sandbox/release/random.ts';
import { release } from '#sandbox/release/release.ts';
import { planDigestOf } from '#sandbox/release/statement.ts';
import { instantText } from '#sandbox/release/zone.ts';
import type { WorkerPool } from '#sandbox/worker/pool.ts';
import { evidenceOfCells, releasedPayload, requestPart } from '../receipt.ts';
import { compileAsk, type KeptRequest, type Planning } from '../services/planning.ts';
import { failJob, refuseJob } from '../storage/abort.ts';
import type { Database } from '../storage/database.ts';
import { findAccount } from '../storage/parties.ts';
import { openJob } from '../storage/open.ts';
import type { ProgramAbort } from '../storage/program-store.ts';
import type { ClaimedJob } from '../storage/queue.ts';
import { recordDestruction } from '../storage/destruction.ts';
import { commitRelease, type ReceiptDraft } from '../storage/release.ts';
import { measureCompiled } from './measuring.ts';
import { EmployedWorkers, remainsOf, type RunMeans } from './remains.ts';
import { findRunnable, type RunnableVersion } from './source-store.ts';
import type { Opening, OpenSource, Sources, SourceUse } from './sources.ts';

/** Enough for a commit on a busy machine; planned times are two seconds and more. */
const COMMIT_AHEAD_MS = 500;

/** What SQL jobs wait for when their policy does not say. */
export const DEFAULT_TIMING: Timing = { mode: 'quantum', quantumMs: 125 };

/** What a runner works with. */
export interface RunnerShell {
  readonly db: Database;
  readonly sources: Sources;
  /** Where programs run. */
  readonly workers: WorkerPool;
  /** Signs receipts. */
  readonly signingKey: EvidenceKey;
  /** From which every lineage's seed of keyed choices is derived; never leaves the runner and its readers. */
  readonly secret: Buffer;
  readonly issuer: string;
  readonly separation: ReceiptPayload['separation'];
  /** The second decision (I6), by the grant as it is now. Throws Refusal to deny. */
  readonly recheck: (
    job: ClaimedJob,
    compiled: Planning['compiled'],
  ) => Promise<ReceiptPayload['policyDecision']>;
  /** Where the operator is told of a job that its program aborted. */
  readonly reportAbort: (abort: ProgramAbort) => void;
  /** Where a bug is told in full. */
  readonly reportBug: (error: unknown, jobId: string) => void;
}

const random: RandomSource = secureRandom();

/** What ends a run before its end. */
export interface Ends {
  /** The runner shuts down: nobody waits any more, and what runs is finished. */
  readonly stopping: AbortSignal;
  /** What the job rests on was stopped: its work ends now, and nothing of it is released. */
  readonly killed: AbortSignal;
}

/** Runs a claimed job to its end. Never throws: every end is recorded, or left to the recovery of leases. */
export async function runJob(shell: RunnerShell, job: ClaimedJob, ends: Ends): Promise<void> {
  const fence = { jobId: job.id, attempt: job.attempt };
  const started = performance.now();
  const progress: Progress = {
    opened: false,
    workers: new EmployedWorkers(shell.workers),
    source: null,
    dataKey: null,
  };
  try {
    await releaseJob(shell, job, { progress, ends });
  } catch (error) {
    const measured = measuredSince(started);
    if (progress.opened) await untilDue(job, ends);
    const end =
      error instanceof Refusal && !progress.opened
        ? refuseJob(shell.db, { ...fence, refusal: error }).then(() => null)
        : failJob(shell.db, { ...fence, ...failureOf(error, shell, job.id), measured });
    const abort = await end.catch((failure: unknown) => {
      shell.reportBug(failure, job.id);
      return null;
    });
    if (abort !== null) shell.reportAbort(abort);
  }
  if (progress.opened) await recordRemains(shell, job.id, progress);
}

/** How far a run came. */
type Progress = { -readonly [Name in keyof RunMeans]: RunMeans[Name] } & { opened: boolean };

/** After the end of the job, whatever it was: a record that is lost holds up the settlement of the run, not its answer. */
async function recordRemains(shell: RunnerShell, jobId: string, means: RunMeans): Promise<void> {
  try {
    await recordDestruction(shell.db, { jobId, ...(await remainsOf(means)) });
  } catch (error) {
    shell.reportBug(error, jobId);
  }
}

async function releaseJob(
  shell: RunnerShell,
  job: ClaimedJob,
  { progress, ends }: { readonly progress: Progress; readonly ends: Ends },
): Promise<void> {
  const started = performance.now();
  const version = await runnable(shell, job);
  const compiled = await compileAgain(shell, job, version);
  checkJail(jailFor(version.dataset.source, version.policy.jail), await describeJail());
  const decision = await shell.recheck(job, compiled);
  // Before the budget is opened: a key that is not given out costs nothing.
  using wiping = new DisposableStack();
  const released = await releasedKeyOf(shell, version);
  wiping.defer(() => released?.dataKey.fill(0));
  progress.dataKey = released?.dataKey ?? null;

  const opened = await openJob(shell.db, { jobId: job.id, attempt: job.attempt });
  if (opened.kind === 'stored') return;
  progress.opened = true;

  const { plan } = compiled;
  await using source = await openRegistered(shell, version, { released, signal: ends.killed });
  progress.source = source;
  const before = await source.measure();
  const { partials, noise, attestation, layers } = await measureCompiled(compiled, source, {
    workers: progress.workers,
    purpose: job.purpose,
    seed: seedOf(shell, plan.dataset.lineage),
    random,
    signal: ends.killed,
  }).catch((error: unknown) => {
    throw withoutPath(error, version.dataset);
  });
  const cells = release(plan, partials, noise);

  const evidence = evidenceOfCells(cells);
  const salt = randomBytes(16).toString('hex');
  const outputDigest = outputDigestOf(salt, evidence);
  const makeReceipt = (draft: ReceiptDraft): Promise<string> => {
    const payload = releasedPayload(plan, version.policy, cells, {
      issuer: shell.issuer,
      jobId: job.id,
      releaseId: draft.releaseId,
      request: requestPart(job.request as KeptRequest),
      grantId: job.grantId,
      purpose: job.purpose,
      policyDecision: decision,
      commitment: version.commitment,
      budget: [...draft.budget],
      outputDigest,
      usage: draft.planned,
      layers,
      attestation,
      separation: shell.separation,
      releasedAt: instantText(draft.releaseAt.getTime(), plan.dataset.timeZone),
    });
    return issueReceipt(payload, shell.signingKey, { embedKey: false });
  };
  const measured = { ...measuredSince(started), ...usedSince(before, await source.measure()) };
  await untilDue(job, ends);
  await commitRelease(shell.db, {
    jobId: job.id,
    attempt: job.attempt,
    cells: JSON.stringify(evidence),
    salt,
    outputDigest,
    measured,
    makeReceipt,
  });
}

/**
 * A planned job is committed shortly before its planned time and keeps its place in the runner until then: the order
 * of the log, the figures in receipts and the start of the next job follow the Plan, not how long the run took. A
 * crash in this wait loses the answer; its budget is spent. A stop ends the wait as it ends the run, so that neither
 * shows which of the two it met; its buyer sees the end at the planned time all the same.
 */
async function untilDue({ timing, createdAt }: ClaimedJob, { stopping, killed }: Ends): Promise<void> {
  if (timing.mode !== 'planned') return;
  const leftMs = createdAt.getTime() + timing.releaseAfterMs - COMMIT_AHEAD_MS - Date.now();
  await sleep(Math.max(0, leftMs), undefined, { signal: AbortSignal.any([stopping, killed]) }).catch(
    () => undefined,
  );
}

async function runnable(shell: RunnerShell, job: ClaimedJob): Promise<RunnableVersion> {
  const version = await findRunnable(shell.db, job.versionId);
  if (version === undefined) throw new Failure('MACHINE_FAULT', say('runner.noSource'));
  return version;
}

/** The data key of a sealed dataset; undefined for a plain one. Refuses: KEY_REFUSED; fails: KMS_UNAVAILABLE, SOURCE_UNREADABLE. */
async function releasedKeyOf(
  { sources }: RunnerShell,
  { dataset }: RunnableVersion,
): Promise<ReleasedKey | undefined> {
  return sources.releaseKey(dataset).catch((error: unknown) => {
    // That a key service is not set up here is the operator's to know.
    const isService = error instanceof Failure && error.code === 'CONFIG';
    throw isService ? new Failure('KMS_UNAVAILABLE', say('keys.unavailable')) : withoutPath(error, dataset);
  });
}

/** The source as it was registered. Fails: SOURCE_CHANGED, SOURCE_UNREADABLE, MACHINE_FAULT, KILLED; refuses: JAIL. */
async function openRegistered(
  { sources }: RunnerShell,
  { dataset, policy, content }: RunnableVersion,
  opening: Opening,
): Promise<OpenSource> {
  try {
    const source = await sources.open(dataset, policy, opening);
    if (source.content === content) {
      await source.checkUnchanged();
      return source;
    }
    await source[Symbol.asyncDispose]();
    throw new Failure('SOURCE_CHANGED', say('source.changed', { path: dataset.name }));
  } catch (error) {
    throw withoutPath(error, dataset);
  }
}

/** What went wrong with a source, as its buyer may know it: by the dataset's name, for the path is the runner's. */
function withoutPath(error: unknown, { name, source: { type } }: Dataset): unknown {
  if (!(error instanceof Failure)) return error;
  const { code } = error;
  if (code === 'SOURCE_UNREADABLE') return new Failure(code, say('source.unreadable', { path: name, type }));
  // What was registered had its columns and no more rows than declared: a file that has not is another one.
  const isChanged = code === 'SOURCE_CHANGED' || code === 'CONFIG';
  return isChanged ? new Failure('SOURCE_CHANGED', say('source.changed', { path: name })) : error;
}

/**
 * The same request against program, manifest and policy as they are now must give the Plan that was admitted and paid
 * for. Refuses PROGRAM_NOT_APPROVED: the review may have ended otherwise since.
 */
async function compileAgain(
  { db }: RunnerShell,
  job: ClaimedJob,
  version: RunnableVersion,
): Promise<Planning['compiled']> {
  const ask = job.request as KeptRequest;
  const account = await findAccount(db, job.accountId);
  const compiled = await compileAsk(
    db,
    { ask, organisation: account?.organisationId ?? '' },
    {
      datasets: [version.dataset],
      policyOf: () => version.policy,
      versionIdOf: () => job.versionId,
      defaultTiming: DEFAULT_TIMING,
    },
  );
  if (planDigestOf(compiled.plan) !== job.planDigest)
    throw new Failure('CONFIG', say('runner.policyChanged'));
  return compiled;
}

function seedOf(shell: RunnerShell, lineage: string): string {
  return createHmac('sha256', shell.secret).update(`lineage seed\0${lineage}`).digest('hex');
}

function failureOf(error: unknown, shell: RunnerShell, jobId: string): Pick<Failure, 'code' | 'sentence'> {
  if (error instanceof Failure) return { code: error.code, sentence: error.sentence };
  shell.reportBug(error, jobId);
  return { code: 'MACHINE_FAULT', sentence: say('source.fault') };
}

/** The size of the source, and what its reader used for this run; for others at the same time as well, if there were any. */
function usedSince(before: SourceUse, { cpuMs, ...after }: SourceUse): object {
  const isKnown = cpuMs !== undefined && before.cpuMs !== undefined;
  return { ...after, ...(isKnown && { cpuMs: cpuMs - before.cpuMs }) };
}

/** Measured quantities: the operator's, never rated and never shown to a buyer. */
function measuredSince(started: number): object {
  return { wallMs: Math.round(performance.now() - started) };
}
