/**
 * A trial as its caller sees it: jailed processes of its own for one program, and what it says of made-up records.
 *
 * Guarantee: a process runs what trial-process.ts is and has no other job, before or after. What it says is checked
 * against the setup; a process that says anything else, or nothing in time, is killed. What there is no
 * time for in half a minute is not tried, and not counted.
 */
import * as z from 'zod';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { FramePipe } from '../jail/frame-pipe.ts';
import { frameOf } from '../jail/frames.ts';
import { checkConfined, type JailDemand, jailRefusal, startConfined } from '../jail/jail.ts';
import { FRAME_MODULES, type JailProgram } from '../jail/program.ts';
import { ANSWER, ASK, encodeHello, isEmpty, resultBody } from './protocol.ts';
import { heldLayers } from './self-test.ts';
import {
  FAULT_KINDS,
  FAULT_TEXT_MAX,
  FAULTS_MAX,
  lostPart,
  recordsIn,
  type TrialPart,
  type TrialSetup,
} from './trial-protocol.ts';
import { type Engine, isolateProgram } from './worker-program.ts';

/** The entry first. */
const MODULES = [
  './trial-process',
  './driver',
  './isolate',
  './protocol',
  './realm',
  './records',
  './ses-text',
  './trial-driver',
  './trial-protocol',
  './trial-records',
  './watched-run',
  ...FRAME_MODULES,
];

/** What a trial runs as. */
export function trialProgram(engine: Engine): JailProgram {
  return isolateProgram(MODULES, engine);
}

const START_MS = 30_000;
const GRACE_MS = 5_000;
const MAX_OUTCOME_BYTES = 16 * 2 ** 20;
/** Isolates and processes that may end before the rest is left untried: to find one record among 1,200 takes 11. */
const DEATHS_MAX = 24;
/** Whoever submits a program waits for it. */
const TRIAL_MS = 30_000;

export interface TrialProcessOptions {
  readonly engine: Engine;
  readonly jail: JailDemand;
  /** Records, or blocks, of one request. */
  readonly chunk: number;
}

/** Tries a program on as many records as there is time for. Refuses: JAIL when a required layer is missing. Fails: MACHINE_FAULT. */
export async function runTrial(
  setup: TrialSetup,
  options: TrialProcessOptions,
): Promise<readonly TrialPart[]> {
  const { engine, jail } = options;
  if (jail === 'required' && setup.job.mode === 'map' && !(await heldLayers(engine)).includes('lockdown'))
    throw jailRefusal(['lockdown']);
  const trial = new Trial(options);
  try {
    await trial.run(setup);
    return trial.parts;
  } finally {
    trial.close();
  }
}

class Trial {
  readonly parts: TrialPart[] = [];
  readonly #options: TrialProcessOptions;
  readonly #ends = performance.now() + TRIAL_MS;
  #pipe: FramePipe | null = null;
  #deaths = 0;

  constructor(options: TrialProcessOptions) {
    this.#options = options;
  }

  async run(setup: TrialSetup): Promise<void> {
    const { chunk } = this.#options;
    for (let from = 0; from < recordsIn(setup) && !this.#isOver(); from += chunk)
      await this.#attempt(partOf(setup, from, from + chunk));
    if (this.parts.length === 0) this.parts.push(lostPart(partOf(setup, 0, 1), 'died'));
  }

  /** Records that end their isolate or their process are told from the others by halves, as in a job. */
  async #attempt(setup: TrialSetup): Promise<void> {
    const records = recordsIn(setup);
    const parts = await this.#ask(setup);
    if (parts !== null && (records === 1 || !parts.some(isDead))) {
      this.parts.push(...parts);
      return;
    }
    this.#deaths += 1;
    if (records === 1) {
      this.parts.push(lostPart(setup, 'died'));
      return;
    }
    const middle = records >> 1;
    for (const half of [partOf(setup, 0, middle), partOf(setup, middle)])
      if (!this.#isOver()) await this.#attempt(half);
  }

  #isOver(): boolean {
    return this.#deaths > DEATHS_MAX || performance.now() > this.#ends;
  }

  /** Null: the process is gone. */
  async #ask(setup: TrialSetup): Promise<readonly TrialPart[] | null> {
    const pipe = this.#pipe?.isGone === false ? this.#pipe : await this.#start();
    const question = frameOf([Buffer.of(ASK.setup), Buffer.from(JSON.stringify(setup))]);
    const answer = await pipe.ask(question, setup.deadlineMs * setup.blocks.length + GRACE_MS);
    if (typeof answer === 'string') return null;
    const body = resultBody(answer);
    const parts = body === null ? null : readParts(body.toString('utf8'), setup);
    if (parts === null) throw fault();
    return parts;
  }

  async #start(): Promise<FramePipe> {
    const { engine, jail } = this.#options;
    const confined = await startConfined(trialProgram(engine), jail);
    const pipe = new FramePipe(confined, MAX_OUTCOME_BYTES);
    this.#pipe = pipe;
    const ready = await pipe.ask(encodeHello(), START_MS);
    if (typeof ready === 'string' || !isEmpty(ready, ANSWER.ready)) throw fault();
    await checkConfined(confined, jail);
    return pipe;
  }

  close(): void {
    this.#pipe?.close();
  }
}

/** In `map`, where one record ends the isolate of all; a block has one of its own. */
function isDead({ counts, records }: TrialPart): boolean {
  return counts.died > 0 && records > 1;
}

/** Some of the records, or of the blocks, of a setup. */
function partOf(setup: TrialSetup, from: number, to?: number): TrialSetup {
  const { job, blocks, first } = setup;
  const some = job.mode === 'map' ? [[blocks[0]![0]!.slice(from, to)]] : blocks.slice(from, to);
  return { ...setup, blocks: some, first: first + from };
}

function fault(): Failure {
  return new Failure('MACHINE_FAULT', say('worker.fault'));
}

const count = z.int().min(0);

/** What a process said, or null for anything that cannot be the outcome of this setup. */
function readParts(text: string, { job, outputs }: TrialSetup): readonly TrialPart[] | null {
  const names = [...outputs, ...(job.mode === 'map' ? job.keys : [])].map(({ name }) => name);
  const told = z.strictObject({
    kind: z.enum(FAULT_KINDS),
    record: count,
    line: count,
    name: z.enum(names).nullable(),
    // What a report is kept in holds no control characters and no halves of characters.
    text: z
      .string()
      .max(FAULT_TEXT_MAX)
      .transform((given) => given.toWellFormed().replace(/\p{Cc}/gu, ' ')),
  });
  const part = z.strictObject({
    faults: z.array(told).max(FAULTS_MAX),
    counts: z.record(z.enum(FAULT_KINDS), count),
    records: count,
    nothing: count,
    outputs: z
      .array(z.strictObject({ gave: count, defaulted: count, clamped: count }))
      .length(outputs.length),
  });
  try {
    return z.array(part).parse(JSON.parse(text));
  } catch {
    return null;
  }
}
