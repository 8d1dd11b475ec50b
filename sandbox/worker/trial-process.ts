/**
 * The process of a trial, as it runs inside the jail: makes isolates as a worker does, and tells what went wrong in them.
 *
 * It reads setups with the made-up records in them, and knows no request that brings other records.
 */
import { writeFrame } from '../jail/frame-io.ts';
import { FrameCutter } from '../jail/frames.ts';
import { lockedSnapshot, looseSnapshot, makeIsolate, type Snapshot } from './isolate.ts';
import { ANSWER, ASK, encodeResult, encodeWord, headerOf } from './protocol.ts';
import { encodeRecords } from './records.ts';
import { sesText } from './ses-text.ts';
import { trialDriver } from './trial-driver.ts';
import { lostPart, type TrialPart, type TrialSetup } from './trial-protocol.ts';
import { bufferOf, type TrialTable } from './trial-records.ts';
import { ownBytes, runWithin } from './watched-run.ts';

const MAX_REQUEST_BYTES = 2 ** 30;

let snapshot: Snapshot | null = null;

/** What every block, or all records, of a setup gave. */
async function partsOf(setup: TrialSetup): Promise<readonly TrialPart[]> {
  snapshot ??= setup.job.mode === 'map' ? lockedSnapshot(sesText()) : looseSnapshot();
  const parts: TrialPart[] = [];
  for (const [at, tables] of setup.blocks.entries())
    parts.push(await partOf({ ...setup, blocks: [tables], first: setup.first + at }, snapshot));
  return parts;
}

/** One isolate, and what it was given. */
async function partOf(setup: TrialSetup, from: Snapshot): Promise<TrialPart> {
  const { job, blocks, first, deadlineMs } = setup;
  const params = JSON.stringify(job.params);
  const made = makeIsolate({ snapshot: from, code: job.code, driver: trialDriver(setup), params });
  const isolate = await made.catch((error: unknown) => String(error));
  if (typeof isolate === 'string') return lostPart(setup, 'load', isolate);
  const inputs = job.mode === 'map' ? [job] : job.inputs;
  const cpuMs = job.mode === 'map' ? deadlineMs : job.cpuMs;
  const given = blocks[0]!.flatMap((table, input) => recordsAsGiven(table, inputs[input]!));
  try {
    const codes = await runWithin(isolate, [first, ...given], { cpuMs, deadlineMs });
    if (codes !== null) return JSON.parse(Buffer.from(codes).toString('utf16le')) as TrialPart;
  } catch {
    // Ended by a limit.
  } finally {
    isolate.dispose();
  }
  return lostPart(setup, 'died');
}

function recordsAsGiven(
  table: TrialTable,
  { columns }: { readonly columns: Parameters<typeof bufferOf>[1] },
): readonly [string, number, ArrayBuffer] {
  const bytes = encodeRecords(bufferOf(table, columns));
  const { header, columnsAt } = headerOf(bytes);
  return [header, columnsAt, ownBytes(bytes)];
}

async function answer(frame: Buffer): Promise<readonly Uint8Array[]> {
  switch (frame[0]) {
    case ASK.hello:
      return encodeWord(ANSWER.ready);
    case ASK.setup: {
      const parts = await partsOf(JSON.parse(frame.toString('utf8', 1)) as TrialSetup);
      return encodeResult(Buffer.from(JSON.stringify(parts)));
    }
    default:
      throw new RangeError('a request of no kind');
  }
}

const cutter = new FrameCutter(MAX_REQUEST_BYTES);
let turn: Promise<void> = Promise.resolve();
process.stdin.on('data', (piece: Buffer) => {
  for (const frame of cutter.push(piece)) turn = turn.then(async () => writeFrame(await answer(frame)));
});
