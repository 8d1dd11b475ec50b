/**
 * The self-test of workers: what holds round a program inside its process, seen in a worker that nobody uses afterwards.
 *
 * The jail has a test of its own (sandbox/jail/self-test.ts). Guarantee: a layer that is reported as held was observed
 * in a worker of the same engine, started as all are: no object left to be changed, no canary got through, no machine
 * code in `strict`, and an isolated-vm that copies nothing by running a program's code.
 */
import { readFileSync } from 'node:fs';
import { FramePipe } from '../jail/frame-pipe.ts';
import { type JailReport, startConfined } from '../jail/jail.ts';
import { findPackage } from '../jail/program.ts';
import type { WorkerInspection } from './inspection.ts';
import { encodeInspect, MAX_ANSWER_BYTES, resultBody } from './protocol.ts';
import { type Engine, workerProgram } from './worker-program.ts';

/** Layers inside a worker's process. Blocks run without `lockdown`, `fast` without `jitless`. */
export const INNER_LAYERS = ['isolate', 'lockdown', 'jitless'] as const;
export type InnerLayer = (typeof INNER_LAYERS)[number];

const DEADLINE_MS = 60_000;
/** Before it, copying a value out of an isolate could run the program's getters (its release notes). */
const FIRST_SOUND_VERSION = [7, 0, 1] as const;
/** A walk that sees fewer has not walked: the realm has about 400. */
const FEWEST_OBJECTS = 200;

const tests = new Map<Engine, Promise<readonly InnerLayer[]>>();

/** The layers that hold in workers of an engine. Tested once per process and engine (0.2 s); a failure is tried again. */
export async function heldLayers(engine: Engine): Promise<readonly InnerLayer[]> {
  const known = tests.get(engine) ?? testWorkers(engine);
  tests.set(engine, known);
  const held = await known;
  if (!held.includes('lockdown')) tests.delete(engine);
  return held;
}

/** Starts a worker, in a lesser jail if one is given, and judges what it says of itself. It has no program in it. */
export async function testWorkers(engine: Engine, jail?: JailReport): Promise<readonly InnerLayer[]> {
  const confined = await startConfined(workerProgram(engine), 'preferred', { jail });
  const pipe = new FramePipe(confined, MAX_ANSWER_BYTES);
  const answer = await pipe.ask(encodeInspect(), DEADLINE_MS);
  pipe.close();
  await confined.exited;
  const body = typeof answer === 'string' ? null : resultBody(answer);
  if (body === null) return [];
  return judge(JSON.parse(body.toString('utf8')) as WorkerInspection, installedVersion());
}

/** The layers that an inspection shows to hold. */
export function judge({ walk, got, hasCompiler }: WorkerInspection, version: string): readonly InnerLayer[] {
  const isLocked = walk.found.length === 0 && walk.objects >= FEWEST_OBJECTS && got.length === 0;
  return INNER_LAYERS.filter((layer) => {
    if (layer === 'isolate') return isAtLeast(version, FIRST_SOUND_VERSION);
    return layer === 'lockdown' ? isLocked : !hasCompiler;
  });
}

function installedVersion(): string {
  const { directory } = findPackage('isolated-vm', import.meta.url);
  return (JSON.parse(readFileSync(`${directory}/package.json`, 'utf8')) as { version: string }).version;
}

function isAtLeast(version: string, least: readonly number[]): boolean {
  const parts = version.split('.').map(Number);
  const at = least.findIndex((part, index) => part !== parts[index]);
  return at < 0 || parts[at]! > least[at]!;
}
