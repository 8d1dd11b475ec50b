/**
 * The worker: runs in the jail, makes isolates, and maps buffers or runs blocks with a program of a buyer in them.
 *
 * It has no source, no key and no file but its own. Requests come on stdin and are answered one after the other; while
 * an isolate maps one buffer, the isolate of the next is made. It ends when stdin closes.
 * Guarantee: a buffer has an isolate of its own, which nothing else runs in before or after; an answer is numbers or
 * one of two words. What a program throws or prints is never looked at.
 */
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
  type BlocksSetup,
  decodeBlock,
  decodeMap,
  encodeAnswer,
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
  /** The isolate of the next buffer or block, on its way. */
  next: Promise<ReadyIsolate | null>;
}

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
      return encodeAnswer(ANSWER.ready);
    case ASK.setup:
      job = prepare(JSON.parse(frame.toString('utf8', 1)) as Setup);
      return encodeAnswer(ANSWER.ready);
    case ASK.inspect:
      return encodeAnswer(ANSWER.result, Buffer.from(JSON.stringify(await inspectIsolates(ses))));
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
  return { setup, isolates, next: make(isolates) };
}

/** An isolate that cannot be made, for whatever reason, is one that died. */
function make(isolates: IsolateJob): Promise<ReadyIsolate | null> {
  return makeIsolate(isolates).catch(() => null);
}

/** The isolate made for this request; the one for the request after it is begun. */
async function takeIsolate(mode: Setup['mode']): Promise<ReadyIsolate | null> {
  if (job?.setup.mode !== mode) throw new RangeError('a request that does not fit the job');
  const ready = await job.next;
  job.next = make(job.isolates);
  return ready;
}

async function map(frame: Buffer): Promise<readonly Uint8Array[]> {
  const { deadlineMs, orderAt, recordsAt } = decodeMap(frame);
  const { header, columnsAt } = headerOf(frame.subarray(recordsAt));
  const isolate = await takeIsolate('map');
  if (isolate === null) return encodeAnswer(ANSWER.died);
  try {
    const result = await isolate.run([orderAt, header, recordsAt + columnsAt, ownBytes(frame)], deadlineMs);
    return result === null ? encodeAnswer(ANSWER.died) : encodeAnswer(ANSWER.result, new Uint8Array(result));
  } catch {
    return encodeAnswer(ANSWER.died);
  } finally {
    isolate.dispose();
  }
}

async function block(frame: Buffer): Promise<readonly Uint8Array[]> {
  const { deadlineMs, tables } = decodeBlock(frame);
  const isolate = await takeIsolate('blocks');
  if (isolate === null) return encodeAnswer(ANSWER.failed);
  const { cpuMs } = job!.setup as BlocksSetup;
  try {
    const parts = tables.flatMap((table) => {
      const { header, columnsAt } = headerOf(table);
      return [header, columnsAt, ownBytes(table)];
    });
    const result = await runWithin(isolate, parts, { cpuMs, deadlineMs });
    return result === null
      ? encodeAnswer(ANSWER.failed)
      : encodeAnswer(ANSWER.result, new Uint8Array(result));
  } catch {
    return encodeAnswer(ANSWER.failed);
  } finally {
    isolate.dispose();
  }
}

/** Requests are taken from the pipe as they come and answered in turn. */
const cutter = new FrameCutter(MAX_REQUEST_BYTES);
let turn: Promise<void> = Promise.resolve();
process.stdin.on('data', (piece: Buffer) => {
  for (const frame of cutter.push(piece)) {
    turn = turn.then(async () => writeFrame(await answer(frame)));
  }
});
