/**
 * The runner's end of a reader's pipe: one request at a time, each with a deadline, each answer checked.
 *
 * Guarantee: a call ends with an answer of the right shape or with one of the outcomes of `PipeOutcome`; after any
 * but `engine` and `size` the process has been killed and every later call ends as `gone`. No text that a
 * reader wrote leaves this file.
 */
import { FramePipe, type PipeEnd } from '../jail/frame-pipe.ts';
import { frameOf } from '../jail/frames.ts';
import type { LaunchedProcess } from '../jail/launch.ts';
import {
  decodeAnswer,
  encodeRequest,
  MAX_HEADER_BYTES,
  type ReaderAnswer,
  type ReaderError,
  type ReaderRequest,
} from './protocol.ts';

/** Why a call gave no answer: the reader said so, it is gone or spoke nonsense, the deadline passed, or it was called off. */
export type PipeOutcome = ReaderError | PipeEnd | 'STOPPED';

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

export class ReaderPipe {
  readonly #pipe: FramePipe;
  #tail: Promise<unknown> = Promise.resolve();
  #isStopped = false;
  #calls = 0;

  /** `maxBytes`: longest result, its header not counted. */
  constructor(process: LaunchedProcess, maxBytes: number) {
    this.#pipe = new FramePipe(process, maxBytes + MAX_HEADER_BYTES + 8);
  }

  get isGone(): boolean {
    return this.#pipe.isGone;
  }

  /** Whether it is gone because a call was called off, and for no fault of its own or of the other calls. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /**
   * Asks after all earlier requests are answered. `deadlineMs` counts from then. `signal` calls it off: the process is
   * killed if the call is under way, and nothing is asked if it is not. `secret` follows the request in a frame of its
   * own. Throws PipeError.
   */
  call(
    body: RequestBody,
    deadlineMs: number,
    { signal, secret }: { readonly signal?: AbortSignal | undefined; readonly secret?: Uint8Array } = {},
  ): Promise<PipeAnswer> {
    const frames = (id: number): readonly Uint8Array[] => [
      encodeRequest({ id, ...body }),
      ...(secret === undefined ? [] : frameOf([secret])),
    ];
    const result = this.#tail.then(() => this.#ask(frames, deadlineMs, signal));
    this.#tail = result.catch(() => undefined);
    return result;
  }

  /** Kills the process; the call under way and all later ones end as `GONE`. */
  close(): void {
    this.#pipe.close();
  }

  async #ask(
    frames: (id: number) => readonly Uint8Array[],
    deadlineMs: number,
    signal?: AbortSignal,
  ): Promise<PipeAnswer> {
    if (signal?.aborted === true) throw new PipeError('STOPPED');
    const id = (this.#calls += 1);
    const frame = await this.#untilStopped(this.#pipe.ask(frames(id), deadlineMs), signal);
    if (typeof frame === 'string') throw new PipeError(this.#isStopped ? 'STOPPED' : frame);
    const answer = this.#decode(frame);
    if (answer?.id !== id) {
      this.#pipe.close();
      throw new PipeError('GONE');
    }
    if ('error' in answer) throw new PipeError(answer.error);
    return answer;
  }

  /** A parser's message may quote what it parsed, so nothing that is thrown here is kept. */
  #decode(frame: Buffer): ReaderAnswer | null {
    try {
      return decodeAnswer(frame);
    } catch {
      return null;
    }
  }

  /** What comes of a question; `signal` ends the process. */
  async #untilStopped<T>(question: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const stop = (): void => {
      this.#isStopped = !this.#pipe.isGone;
      this.#pipe.close();
    };
    signal?.addEventListener('abort', stop, { once: true });
    try {
      return await question;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }
}
