/**
 * The runner's end of a reader's pipe: one request at a time, each with a deadline, each answer checked.
 *
 * Guarantee: a call ends with an answer of the right shape or with one of the outcomes of `PipeOutcome`; after any
 * but `engine` and `size` the process has been killed and every later call ends as `gone`. No text that a
 * reader wrote leaves this file.
 */
import type { LaunchedProcess } from '#sandbox/jail/launch.ts';
import {
  decodeAnswer,
  encodeRequest,
  FrameCutter,
  type ReaderAnswer,
  type ReaderError,
  type ReaderRequest,
} from './protocol.ts';

/** Why a call gave no answer: the reader said so, it is gone or spoke nonsense, the deadline passed, or it was called off. */
export type PipeOutcome = ReaderError | 'GONE' | 'DEADLINE' | 'STOPPED';

export class PipeError extends Error {
  readonly outcome: PipeOutcome;

  constructor(outcome: PipeOutcome) {
    super(`reader: ${outcome}`);
    this.name = 'PipeError';
    this.outcome = outcome;
  }
}

export type PipeAnswer = Exclude<ReaderAnswer, { error: ReaderError }>;
/** Omit over a union keeps only what all members share; this one keeps the members. */
export type RequestBody = ReaderRequest extends infer R
  ? R extends ReaderRequest
    ? Omit<R, 'id'>
    : never
  : never;

interface Waiting {
  readonly id: number;
  readonly settle: (answer: ReaderAnswer | PipeOutcome) => void;
}

export class ReaderPipe {
  readonly #process: LaunchedProcess;
  readonly #cutter: FrameCutter;
  #waiting: Waiting | null = null;
  #tail: Promise<unknown> = Promise.resolve();
  #isGone = false;
  #isStopped = false;
  #calls = 0;

  constructor(process: LaunchedProcess, maxBytes: number) {
    this.#process = process;
    this.#cutter = new FrameCutter(maxBytes);
    process.stdout.on('data', (piece: Buffer) => this.#take(piece));
    process.stdout.once('close', () => this.#end('GONE'));
    void process.exited.then(() => this.#end('GONE'));
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** Whether it is gone because a call was called off, and for no fault of its own or of the other calls. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /**
   * Asks after all earlier requests are answered. `deadlineMs` counts from then. `signal` calls it off: the process is
   * killed if the call is under way, and nothing is asked if it is not. Throws PipeError.
   */
  call(body: RequestBody, deadlineMs: number, signal?: AbortSignal): Promise<PipeAnswer> {
    const result = this.#tail.then(() => this.#ask(body, deadlineMs, signal));
    this.#tail = result.catch(() => undefined);
    return result;
  }

  /** Kills the process; the call under way and all later ones end as `GONE`. */
  close(): void {
    this.#end('GONE');
  }

  async #ask(body: RequestBody, deadlineMs: number, signal?: AbortSignal): Promise<PipeAnswer> {
    if (signal?.aborted === true) throw new PipeError('STOPPED');
    if (this.#isGone) throw new PipeError('GONE');
    const id = (this.#calls += 1);
    const { promise, resolve } = Promise.withResolvers<ReaderAnswer | PipeOutcome>();
    this.#waiting = { id, settle: resolve };
    const timer = setTimeout(() => this.#end('DEADLINE'), deadlineMs);
    const stop = (): void => this.#end('STOPPED');
    signal?.addEventListener('abort', stop, { once: true });
    this.#process.stdin.write(encodeRequest({ id, ...body }));
    const answer = await promise;
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
    this.#waiting = null;
    if (typeof answer === 'string') throw new PipeError(answer);
    if ('error' in answer) throw new PipeError(answer.error);
    return answer;
  }

  /** A parser's message may quote what it parsed, so nothing that is thrown here is kept. */
  #take(piece: Buffer): void {
    if (this.#isGone) return;
    try {
      for (const frame of this.#cutter.push(piece)) this.#settle(decodeAnswer(frame));
    } catch {
      this.#end('GONE');
    }
  }

  /** An answer nobody asked for is as wrong as a malformed one. */
  #settle(answer: ReaderAnswer): void {
    const waiting = this.#waiting;
    if (waiting === null || waiting.id !== answer.id) return this.#end('GONE');
    this.#waiting = null;
    waiting.settle(answer);
  }

  #end(outcome: 'GONE' | 'DEADLINE' | 'STOPPED'): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#isStopped = outcome === 'STOPPED';
    this.#process.kill();
    this.#waiting?.settle(outcome);
    this.#waiting = null;
  }
}
