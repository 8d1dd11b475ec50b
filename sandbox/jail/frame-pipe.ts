/**
 * The runner's end of a pipe to a jailed process: frames out, and for each one frame back, in the same order.
 *
 * Guarantee: a question ends with the bytes of one frame or with one of two words; after either word the process
 * has been killed and every later question ends as `GONE`. A frame nobody asked for ends the pipe, as does one
 * that is longer than the limit.
 * Not covered: what the bytes say. Whoever asked checks them, and closes the pipe when they are wrong.
 */
import { FrameCutter } from './frames.ts';
import type { LaunchedProcess } from './launch.ts';

/** Why there is no answer: the process is gone or out of turn, or the deadline passed. */
export type PipeEnd = 'GONE' | 'DEADLINE';

interface Waiting {
  readonly settle: (answer: Buffer | PipeEnd) => void;
  readonly deadlineMs: number;
}

export class FramePipe {
  readonly #process: LaunchedProcess;
  readonly #cutter: FrameCutter;
  readonly #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isGone = false;

  /** `maxBytes`: longest frame that is taken from the process. */
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

  /** Sends a frame (of `frameOf`) at once. `deadlineMs` counts from when every question before it has been answered. */
  ask(frame: readonly Uint8Array[], deadlineMs: number): Promise<Buffer | PipeEnd> {
    if (this.#isGone) return Promise.resolve('GONE');
    const { promise, resolve } = Promise.withResolvers<Buffer | PipeEnd>();
    this.#waiting.push({ settle: resolve, deadlineMs });
    if (this.#waiting.length === 1) this.#startClock();
    const { stdin } = this.#process;
    stdin.cork();
    for (const piece of frame) stdin.write(piece);
    stdin.uncork();
    return promise;
  }

  /** Kills the process; every question under way and later ends as `GONE`. */
  close(): void {
    this.#end('GONE');
  }

  #take(piece: Buffer): void {
    if (this.#isGone) return;
    try {
      for (const frame of this.#cutter.push(piece)) this.#settle(frame);
    } catch {
      this.#end('GONE');
    }
  }

  #settle(frame: Buffer): void {
    const first = this.#waiting.shift();
    if (first === undefined) return this.#end('GONE');
    this.#startClock();
    first.settle(frame);
  }

  #startClock(): void {
    clearTimeout(this.#timer);
    const [next] = this.#waiting;
    this.#timer = next === undefined ? undefined : setTimeout(() => this.#end('DEADLINE'), next.deadlineMs);
  }

  /** Only the question whose turn it is can have missed its deadline. */
  #end(reason: PipeEnd): void {
    if (this.#isGone) return;
    this.#isGone = true;
    clearTimeout(this.#timer);
    this.#process.kill();
    this.#waiting.shift()?.settle(reason);
    for (const { settle } of this.#waiting.splice(0)) settle('GONE');
  }
}
