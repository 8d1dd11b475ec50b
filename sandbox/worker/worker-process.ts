/**
 * The worker: runs in the jail, makes isolates, and maps buffers or runs blocks with a program of a buyer in them.
 *
 * It has no source, no key and no file but its own. Requests come on stdin and are answered in their order; two buffers
 * are mapped at a time, one block is run at a time, and meanwhile the isolates of the next are made. It ends when stdin closes.
 * Guarantee: a buffer has an isolate of its own, which nothing else runs in before or after; an answer is numbers or
 * one of two words. What a program throws or prints is never looked at.
 */
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { writeFrame } from '../jail/frame-io.ts';
import { FrameCutter } from '../jail/frames.ts';
import { blockDriver, mapDriver } from './driver.ts';
import { inspectIsolates } from './inspection.ts';
import {
  type IsolateJob,
  lockedSnapshot,
  looseSnapshot,
  makeIsolate,
  type ReadyIsolate,
  type Snapshot,
} from './isolate.ts';
import {
  ANSWER,
  ASK,
  decodeBlock,
  decodeMap,
  encodeResult,
  encodeWord,
  headerOf,
  type Setup,
} from './protocol.ts';
import { sesText } from './ses-text.ts';
import { ownBytes, runWithin } from './watched-run.ts';

/** A request is at most a buffer of records with long texts in it. */
const MAX_REQUEST_BYTES = 2 ** 30;

interface Job {
  readonly setup: Setup;
  readonly isolates: IsolateJob;
  /** The isolates of the next buffers or blocks, on their way. */
  readonly next: Promise<ReadyIsolate | null>[];
}

/** Buffers that are mapped at a time. A process that dies of a block dies of that one alone. */
const LANES = { map: 2, blocks: 1 } as const;

/** Made at once, so that a warm process has it before its job comes. Bytecode that ran only once is left out. */
setFlagsFromString('--bytecode-old-age=1');
const ses = sesText();
const locked = lockedSnapshot(ses);
setFlagsFromString('--bytecode-old-age=6');
let loose: Snapshot | null = null;
let job: Job | null = null;

async function answer(frame: Buffer): Promise<readonly Uint8Array[]> {
  switch (frame[0]) {
    case ASK.hello:
      return encodeWord(ANSWER.ready);
    case ASK.setup:
      job = prepare(JSON.parse(frame.toString('utf8', 1)) as Setup);
      return encodeWord(ANSWER.ready);
    case ASK.inspect:
      return encodeResult(Buffer.from(JSON.stringify(await inspectIsolates(ses))));
    case ASK.map:
      return map(frame);
    case ASK.block:
      return block(frame);
    default:
      throw new RangeError('a request of no kind');
  }
}

function prepare(setup: Setup): Job {
  const isMap = setup.mode === 'map';
  loose ??= isMap ? null : looseSnapshot();
  const isolates: IsolateJob = {
    snapshot: loose ?? locked,
    code: setup.code,
    driver: isMap ? mapDriver(setup) : blockDriver(setup),
    params: JSON.stringify(setup.params),
  };
  return { setup, isolates, next: Array.from({ length: LANES[setup.mode] }, () => make(isolates)) };
}

/** An isolate that cannot be made, for whatever reason, is one that died. */
function make(isolates: IsolateJob): Promise<ReadyIsolate | null> {
  return makeIsolate(isolates).catch(() => null);
}

async function map(frame: Buffer): Promise<readonly Uint8Array[]> {
  const { deadlineMs, orderAt, recordsAt } = decodeMap(frame);
  const { header, columnsAt } = headerOf(frame.subarray(recordsAt));
  const args = [orderAt, header, recordsAt + columnsAt, frame.buffer as ArrayBuffer];
  const result = await inIsolate('map', (isolate) => isolate.run(args, deadlineMs));
  return result === null ? encodeWord(ANSWER.died) : encodeResult(new Uint8Array(result));
}

async function block(frame: Buffer): Promise<readonly Uint8Array[]> {
  const { deadlineMs, tables } = decodeBlock(frame);
  const args = tables.flatMap((table) => {
    const { header, columnsAt } = headerOf(table);
    return [header, columnsAt, ownBytes(table)];
  });
  const result = await inIsolate('blocks', (isolate, { cpuMs }) =>
    runWithin(isolate, args, { cpuMs, deadlineMs }),
  );
  return result === null ? encodeWord(ANSWER.failed) : encodeResult(new Uint8Array(result));
}

type SetupOf<M extends Setup['mode']> = Extract<Setup, { mode: M }>;

/**
 * Runs in the isolate that was made for this request, and makes that of the next one meanwhile. Null: no answer, for
 * whatever reason, and none is looked at.
 */
async function inIsolate<M extends Setup['mode']>(
  mode: M,
  run: (isolate: ReadyIsolate, setup: SetupOf<M>) => Promise<ArrayBuffer | null>,
): Promise<ArrayBuffer | null> {
  if (job?.setup.mode !== mode) throw new RangeError('a request that does not fit the job');
  const { setup, isolates, next } = job;
  const isolate = await next.shift()!;
  try {
    const result = isolate === null ? null : run(isolate, setup as SetupOf<M>);
    next.push(make(isolates));
    return await result;
  } catch {
    return null;
  } finally {
    isolate?.dispose();
  }
}

/** Writes an answer after those before it, and after the next request of its lane has begun. */
async function tell(reply: Promise<readonly Uint8Array[]>, before: Promise<void>): Promise<void> {
  const [frame] = await Promise.all([reply, before]);
  await setImmediate();
  writeFrame(frame);
}

/** Requests are taken from the pipe as they come and answered in turn; others run while an answer is written. */
const cutter = new FrameCutter(MAX_REQUEST_BYTES);
const lanes: Promise<unknown>[] = Array.from({ length: LANES.map }, () => Promise.resolve());
let maps = 0;
let written: Promise<void> = Promise.resolve();
process.stdin.on('data', (piece: Buffer) => {
  for (const frame of cutter.push(piece)) {
    const lane = frame[0] === ASK.map ? (maps += 1) % lanes.length : 0;
    const reply = lanes[lane]!.then(() => answer(frame));
    lanes[lane] = reply;
    written = tell(reply, written);
  }
});
