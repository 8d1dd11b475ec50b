/**
 * A worker as the runner sees it: a jailed process that maps buffers of records, or runs blocks, with one buyer's program.
 *
 * Guarantee: whatever the process does, a call ends within its deadline with numbers of the shape that the setup
 * fixes, or with one word. Nothing that a program threw, printed or named comes back. A process that spoke out of
 * turn, or not as the protocol says, has been killed, and every later call ends as `died`.
 * Not covered: what the numbers are, within the shape; bounding and noise are for that.
 */
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { FramePipe } from '../jail/frame-pipe.ts';
import {
  checkConfined,
  checkJail,
  describeJail,
  type JailDemand,
  type JailReport,
  jailRefusal,
  startConfined,
} from '../jail/jail.ts';
import type { JailProgram } from '../jail/program.ts';
import type { JailLayer } from '../jail/self-test.ts';
import { type Order, secretOrder } from './order.ts';
import {
  ANSWER,
  type BlocksSetup,
  decodeBlockAnswer,
  decodeMapAnswer,
  encodeBlock,
  encodeHello,
  encodeMap,
  encodeSetup,
  isEmpty,
  type MapResult,
  type MapSetup,
  MAX_ANSWER_BYTES,
  recordsPerBuffer,
  type Setup,
} from './protocol.ts';
import { heldLayers, INNER_LAYERS, type InnerLayer } from './self-test.ts';
import { type Engine, workerProgram } from './worker-program.ts';

/** Layers of a worker: those of its jail, and what is round the program inside. */
export type WorkerLayer = JailLayer | InnerLayer;

export interface WorkerOptions {
  readonly engine: Engine;
  /** A lesser jail to use than this machine's own. */
  readonly jail?: JailReport;
  /** Another program in place of the worker's own. */
  readonly program?: JailProgram;
  /** Gets what the process says on stderr: for operators only, it may hold data. */
  readonly onDiagnostic?: (text: string) => void;
}

export interface Worker {
  /** Layers of isolation in force, for the receipt. */
  readonly layers: readonly WorkerLayer[];
  /** The process is gone and every further call ends as `died`. */
  readonly isGone: boolean;
  /** Settles when the process has exited. */
  readonly exited: Promise<void>;
  /**
   * Maps a buffer (bytes of `encodeRecords`) in a secret order, in an isolate of its own. Results are in the buffer's order.
   * Calls may be made before earlier ones have ended; they are answered in turn. `died`: the isolate was ended, by a
   * limit or by itself, or the process is gone.
   */
  map(records: Uint8Array, rows: number, deadlineMs?: number): Promise<MapResult | 'died'>;
  /** Runs one block in an isolate of its own: numbers per output, or `failed`; `died` when the process is gone. */
  block(tables: readonly Uint8Array[], deadlineMs?: number): Promise<Float64Array[] | 'failed' | 'died'>;
  kill(): void;
}

/** A process that has no job yet: it runs, and has made its snapshot. */
export interface IdleWorker {
  readonly isGone: boolean;
  /** Gives it the one job of its life. Refuses: JAIL when a required layer is missing. Fails: MACHINE_FAULT. */
  employ(demand: JailDemand, setup: Setup, order?: Order): Promise<Worker>;
  kill(): void;
}

/** Node, its packages and the snapshot: 0.2 s; a busy machine may take long. */
const START_MS = 30_000;
/** A deadline that nobody gave is for machine faults only. */
const CALL_MS = 10 * 60_000;
/** What the isolate's own limit is given to end the program, before the process is killed. */
const GRACE_MS = 2000;

/** Starts a process for one job. Fails: MACHINE_FAULT. */
export async function startWorker(options: WorkerOptions): Promise<IdleWorker> {
  const program = options.program ?? workerProgram(options.engine);
  const stderr = options.onDiagnostic === undefined ? 'drop' : 'keep';
  const confined = await startConfined(program, 'preferred', { stderr, jail: options.jail });
  confined.stderr?.setEncoding('utf8').on('data', (text: string) => options.onDiagnostic?.(text));
  const pipe = new FramePipe(confined, MAX_ANSWER_BYTES);
  await expectReady(pipe, encodeHello());
  return {
    get isGone() {
      return pipe.isGone;
    },
    employ: async (demand, setup, order = secretOrder()) => {
      const wanted = innerLayersOf(setup, options.engine);
      const held = await heldLayers(options.engine);
      const missing = wanted.filter((layer) => !held.includes(layer));
      if (demand === 'required') {
        checkJail(demand, options.jail ?? (await describeJail()));
        if (missing.length > 0) throw jailRefusal(missing);
      }
      await checkConfined(confined, demand);
      await expectReady(pipe, encodeSetup(setup));
      const inner = wanted.filter((layer) => held.includes(layer));
      return new JailedWorker({ pipe, exited: confined.exited }, setup, order, [
        ...confined.layers,
        ...inner,
      ]);
    },
    kill: () => pipe.close(),
  };
}

async function expectReady(pipe: FramePipe, question: readonly Uint8Array[]): Promise<void> {
  const answer = await pipe.ask(question, START_MS);
  if (typeof answer !== 'string' && isEmpty(answer, ANSWER.ready)) return;
  pipe.close();
  throw new Failure('MACHINE_FAULT', say('worker.fault'));
}

function innerLayersOf({ mode }: Setup, engine: Engine): readonly InnerLayer[] {
  return INNER_LAYERS.filter((layer) => {
    if (layer === 'lockdown') return mode === 'map';
    return layer === 'isolate' || engine === 'strict';
  });
}

class JailedWorker implements Worker {
  readonly layers: readonly WorkerLayer[];
  readonly exited: Promise<void>;
  readonly #pipe: FramePipe;
  readonly #setup: Setup;
  readonly #order: Order;

  constructor(
    { pipe, exited }: { readonly pipe: FramePipe; readonly exited: Promise<void> },
    setup: Setup,
    order: Order,
    layers: readonly WorkerLayer[],
  ) {
    this.layers = layers;
    this.exited = exited;
    this.#pipe = pipe;
    this.#setup = setup;
    this.#order = order;
  }

  get isGone(): boolean {
    return this.#pipe.isGone;
  }

  async map(records: Uint8Array, rows: number, deadlineMs = CALL_MS): Promise<MapResult | 'died'> {
    const setup: MapSetup | null = this.#setup.mode === 'map' ? this.#setup : null;
    if (setup === null || !(rows <= recordsPerBuffer(setup))) {
      throw new RangeError('a buffer has at most as many records as its results have room for');
    }
    const question = encodeMap(records, this.#order(rows), deadlineMs);
    const answer = await this.#pipe.ask(question, deadlineMs + GRACE_MS);
    if (typeof answer === 'string') return 'died';
    return decodeMapAnswer(answer, setup, rows) ?? this.#end();
  }

  async block(
    tables: readonly Uint8Array[],
    deadlineMs = CALL_MS,
  ): Promise<Float64Array[] | 'failed' | 'died'> {
    const setup: BlocksSetup | null = this.#setup.mode === 'blocks' ? this.#setup : null;
    if (setup === null || tables.length !== setup.inputs.length) {
      throw new RangeError('a block has a table for each input');
    }
    const answer = await this.#pipe.ask(encodeBlock(tables, deadlineMs), deadlineMs + GRACE_MS);
    if (typeof answer === 'string') return 'died';
    return decodeBlockAnswer(answer, setup) ?? this.#end();
  }

  kill(): void {
    this.#pipe.close();
  }

  /** An answer that is none: nothing this process says can be believed any more. */
  #end(): 'died' {
    this.#pipe.close();
    return 'died';
  }
}
