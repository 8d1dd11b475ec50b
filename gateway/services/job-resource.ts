/**
 * The job as a resource: what each kind of reader sees of it, and waiting until it is done.
 *
 * Guarantee: every field is a function of request, Plan, policy and public facts (state, release time, code); nothing of
 * an ended run shows before its release time, also not to whoever cancels it or waits for it. The text of the request is
 * shown only to those who may read it; a billing account never may.
 */
import { render, type Language } from '#policies/words.ts';
import { instantText } from '#sandbox/release/zone.ts';
import { haltJob } from '../storage/abort.ts';
import { dueInMs, type JobEvent, listEvents } from '../storage/job-view.ts';
import { findSeenJob, findSpent, type SeenJob } from '../storage/oversight.ts';
import type { Caller } from '../http/endpoint.ts';
import { type CostText, type KeptRefusal, type KeptRequest, shownCost } from './planning.ts';
import { notFound, type Reading, readingOf } from './permission.ts';
import type { Shell } from './shell.ts';

/** How often whoever waits looks by himself, because being told may fail. */
const LOOK_MS = 1_000;

export interface JobReader {
  readonly reading: Reading;
  readonly language: Language;
}

/** A job that this caller may see. HttpFault NOT_FOUND for every other. */
export async function getJob(shell: Shell, caller: Caller, jobId: string): Promise<SeenJob> {
  const job = await findSeenJob(shell.db, jobId);
  const reading = await readingOf(shell, caller.principal);
  if (job === null || !reading.may('read_jobs', job)) throw notFound();
  return job;
}

/** The resource. */
export async function jobResource(
  shell: Shell,
  job: SeenJob,
  { reading, language }: JobReader,
): Promise<Readonly<Record<string, unknown>>> {
  const kept = job.request as KeptRequest;
  const isDone = job.state === 'done';
  const release = job.releaseId === null ? null : `/v1/releases/${job.releaseId}?job=${job.id}`;
  return {
    id: job.id,
    account: job.accountId,
    organisation: job.buyer,
    dataset: job.datasets[0] ?? null,
    versionId: job.versionId,
    grant: job.grantId,
    purpose: job.purpose,
    scene: job.scene,
    planDigest: job.planDigest,
    program: job.programDigest,
    cost: await costOf(shell, job, kept.cost),
    usage: job.planned,
    quote: job.quoteId,
    product: job.billing?.product ?? null,
    costCentre: job.billing?.costCentre ?? null,
    fees: job.billing?.fees ?? [],
    quoted: job.quoted,
    timing: kept.timing ?? null,
    /** Whether a person decides about the release: by kind and policy, from the first. */
    review: kept.review ?? false,
    state: job.state,
    submittedAt: instantText(job.createdAt.getTime(), shell.timeZone),
    releaseAt: job.releaseAt === null ? null : instantText(job.releaseAt.getTime(), shell.timeZone),
    outcome: job.outcome,
    code: job.code,
    detail: job.sentence === null ? null : render(job.sentence, language),
    repeat: job.repeat,
    releaseId: job.releaseId,
    decisionId: kept.decision?.decision.requestDigest ?? null,
    links: {
      self: `/v1/jobs/${job.id}`,
      events: `/v1/jobs/${job.id}/events`,
      release,
      receipt: isDone ? `/v1/receipts/${job.id}` : null,
    },
    ...(reading.may('read_query_text', job) && textOf(kept)),
  };
}

function textOf(kept: KeptRequest | KeptRefusal): object {
  const { epsilon, delta, maxError, atSize, outputKind, quote, product } = kept;
  const terms = { epsilon, delta, maxError, atSize, outputKind, quote, product };
  // A call that was refused before it was known what its product is.
  if (kept.frontEnd === 'product') return { request: terms };
  if (kept.frontEnd === 'program')
    return { request: { program: kept.program, ...shownParams(kept), ...terms } };
  const { sql } = kept;
  return { sql, request: { sql, ...terms } };
}

/** Parameters as they were sent, as long as they are no load for whoever asks how his job is; their digest always. */
function shownParams({
  params,
  paramsDigest,
}: Pick<Extract<KeptRequest, { frontEnd: 'program' }>, 'params' | 'paramsDigest'>): object {
  const values = Object.values(params ?? {});
  const numbers = values.reduce((sum: number, value) => sum + (Array.isArray(value) ? value.length : 1), 0);
  return { params: numbers > SHOWN_NUMBERS_MAX ? null : params, paramsDigest };
}

/** What a job costs; once it is done, what it did cost: nothing for a refusal and a repeat. */
async function costOf(
  shell: Shell,
  job: SeenJob,
  cost: CostText | null,
): Promise<ReturnType<typeof shownCost> | null> {
  if (cost === null) return null;
  if (job.state !== 'done') return shownCost(cost);
  const spent = await findSpent(shell.db, job.id);
  const isFree = spent === null || (spent.nano === '0' && spent.thresholdDeltaYocto === '0');
  return shownCost(
    isFree ? { ...cost, nano: '0', thresholdDeltaYocto: '0', epsilon: 0, delta: 0 } : { ...cost, ...spent },
  );
}

/**
 * Stops a job: a buyer's while it waits, an operator's also while it runs. Neither what is answered nor what becomes of a
 * buyer's job says whether it had ended already.
 */
export async function cancelJob(shell: Shell, { principal }: Caller, jobId: string): Promise<void> {
  await haltJob(shell.db, jobId, { onlyWaiting: !principal.roles.includes('operator') });
}

/** Waits until a job may be seen to be done, at most so long; or until whoever waits has gone. */
export async function waitForJob(
  shell: Shell,
  jobId: string,
  { waitMs, signal }: { readonly waitMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const deadline = performance.now() + waitMs;
  const ear = await earFor(shell, jobId);
  try {
    for (;;) {
      const dueMs = await dueInMs(shell.db, jobId);
      const leftMs = deadline - performance.now();
      if (dueMs === 0 || leftMs <= 0 || signal.aborted) return;
      await ear.next(Math.max(1, Math.min(leftMs, dueMs ?? LOOK_MS)), signal);
    }
  } finally {
    await ear.close();
  }
}

interface Ear {
  /** Ends when the job was spoken of, when the time is up, or when whoever waits has gone. */
  next(atMostMs: number, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

async function earFor({ db }: Shell, jobId: string): Promise<Ear> {
  let wake: () => void = () => undefined;
  const stop = await db.listen('done', (payload) => {
    if (payload === jobId || payload === '') wake();
  });
  return {
    next: (atMostMs, signal) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => wake(), atMostMs);
        wake = () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        signal.addEventListener('abort', wake, { once: true });
      }),
    close: stop,
  };
}

/** The public events of a job as server-sent events, from one that was seen on, until it is done. */
export function jobEvents(
  shell: Shell,
  jobId: string,
  { afterSeq, signal }: { readonly afterSeq: number; readonly signal: AbortSignal },
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const gone = new AbortController();
  const stop = AbortSignal.any([signal, gone.signal]);
  return new ReadableStream<Uint8Array>({
    start: async (controller) => {
      const send = (text: string): void => {
        if (!stop.aborted) controller.enqueue(encoder.encode(text));
      };
      try {
        await sendEvents(shell, { jobId, afterSeq, stop }, send);
        if (!stop.aborted) controller.close();
      } catch (error) {
        controller.error(error);
      }
    },
    cancel: () => gone.abort(),
  });
}

/** A comment line now and then keeps proxies from closing a silent stream. */
/** Numbers of a request that are repeated to whoever asks after its job. */
const SHOWN_NUMBERS_MAX = 10_000;

const HEARTBEAT_MS = 15_000;

async function sendEvents(
  shell: Shell,
  {
    jobId,
    afterSeq,
    stop,
  }: { readonly jobId: string; readonly afterSeq: number; readonly stop: AbortSignal },
  send: (text: string) => void,
): Promise<void> {
  let seen = afterSeq;
  let spokenAt = performance.now();
  const ear = await earFor(shell, jobId);
  try {
    while (!stop.aborted) {
      const events = await listEvents(shell.db, jobId, seen);
      for (const event of events) send(eventText(event));
      seen = events.at(-1)?.seq ?? seen;
      if (events.some(({ state }) => state === 'done') || (await isOver(shell, jobId, seen))) return;
      if (events.length > 0) spokenAt = performance.now();
      else if (performance.now() - spokenAt > HEARTBEAT_MS) {
        send(': still here\n\n');
        spokenAt = performance.now();
      }
      const dueMs = await dueInMs(shell.db, jobId);
      await ear.next(Math.max(1, Math.min(LOOK_MS, dueMs ?? LOOK_MS)), stop);
    }
  } finally {
    await ear.close();
  }
}

/** Whether the reader has seen the last event there will ever be. */
async function isOver(shell: Shell, jobId: string, seen: number): Promise<boolean> {
  const last = (await listEvents(shell.db, jobId, 0)).at(-1);
  return last?.state === 'done' && last.seq <= seen;
}

function eventText({ seq, state }: JobEvent): string {
  return `id: ${seq}\nevent: ${state}\ndata: ${JSON.stringify({ state })}\n\n`;
}
