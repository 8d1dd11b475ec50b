/**
 * How long a run of a program may take: its wall limit and its planned processor time, from the Plan alone.
 *
 * Nobody measures a run to decide when its answer leaves. What a record may use up is its fuel, so that a run cannot
 * take longer than all records at the slowest speed that a runner may have; the limit is twice that, with room for
 * start-up and for every re-run that deaths of isolates may cause. A run that reaches it is a machine fault.
 * Not covered: a call into the engine that is long and costs one tick, such as a search in an array of a million
 * numbers. Isolates that such calls hold up until their deadline may together reach the limit: the job then fails. Nor
 * the innocent buffers that a process takes with it when it goes down: what two lanes gain pays for them.
 */
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { BUFFER_RECORDS } from '../worker/records.ts';

/** Metered calls and turns of loops per millisecond that a slow runner still makes; a fast machine makes several times as many. */
const TICKS_PER_MS = { strict: 25_000, fast: 100_000 } as const;
/** What a record costs beside its fuel: its row object, its strings, its way into the isolate and back. */
const RECORD_MS = { strict: 0.004, fast: 0.002 } as const;
const START_MS = 2_000;
const BUSY_MS = 1_000;
/** A new isolate with its hardened globals. */
const ISOLATE_MS = 25;
/** An isolate that dies, by memory or by a signal, and the process that takes its place. */
const DEATH_MS = 100;
/** Dead isolates that a job of so many admitted aborts may leave. */
const DEATHS_PER_ABORT = 32;
/** Rows of a reader's pipe: the same two millions a second that SQL is planned with. */
const READ_ROWS_PER_MS = 2_000;
/** Longest wall limit: a day. Plans that need more are refused. */
const WALL_LIMIT_MAX_MS = 86_400_000;

/** What a program's run is planned with. */
export type Workload = {
  readonly engine: 'strict' | 'fast';
  /** Declared rows of all inputs. */
  readonly maxRows: number;
} & (
  | { readonly mode: 'map'; readonly fuel: number; readonly maxAborts: number }
  | { readonly mode: 'blocks'; readonly count: number; readonly cpuMs: number }
);

export interface RunTimes {
  /** Processor time that is planned, quoted and counted. */
  readonly plannedMs: number;
  /** After which a run has failed; a planned answer leaves no earlier. */
  readonly wallLimitMs: number;
}

/**
 * The times of a run. A map over 2^24 records of 1,000 ticks is planned with 12 minutes in `strict` and may take 27; 3
 * and 8 in `fast`. Refuses PARAM: more than a day.
 */
export function runTimesOf(workload: Workload): RunTimes {
  const { maxRows, engine } = workload;
  const recordMs = RECORD_MS[engine];
  const workMs =
    workload.mode === 'map'
      ? maxRows * (workload.fuel / TICKS_PER_MS[engine] + recordMs)
      : workload.count * workload.cpuMs + maxRows * recordMs;
  const overheadMs =
    workload.mode === 'map' ? mapOverheadMs(workload) : workload.count * (ISOLATE_MS + DEATH_MS);
  const wallLimitMs = Math.ceil(2 * workMs + START_MS + overheadMs + maxRows / READ_ROWS_PER_MS);
  if (wallLimitMs > WALL_LIMIT_MAX_MS)
    throw new Refusal('PARAM', say('plan.tooLong', { hours: Math.ceil(wallLimitMs / 3_600_000) }));
  return { plannedMs: Math.ceil(workMs), wallLimitMs };
}

/**
 * What a buffer of so many records may take until its isolate is ended: the same speed and the same factor of two, and a
 * second for a machine that is busy with something else.
 */
export function bufferLimitMs(
  { engine, fuel }: { readonly engine: 'strict' | 'fast'; readonly fuel: number },
  rows: number,
): number {
  return Math.ceil(2 * rows * (fuel / TICKS_PER_MS[engine] + RECORD_MS[engine])) + BUSY_MS;
}

/** Isolates of all buffers; and of re-runs, in halves, that each work through a buffer about twice. */
function mapOverheadMs({ engine, maxRows, fuel, maxAborts }: Extract<Workload, { mode: 'map' }>): number {
  const isolates = Math.ceil(maxRows / BUFFER_RECORDS);
  const records = 2 * maxAborts * Math.min(maxRows, BUFFER_RECORDS);
  const againMs = records * (fuel / TICKS_PER_MS[engine] + RECORD_MS[engine]);
  return isolates * ISOLATE_MS + againMs + DEATHS_PER_ABORT * maxAborts * DEATH_MS;
}
