/**
 * Measuring: numbers into lines of JSON, by medians, because a shared machine is noisy.
 *
 * A ratio is the median of ratios of pairs that ran one right after the other, in turn first and second, so that a
 * busy minute slows both. Not covered: what else the machine does meanwhile; the load goes to stderr.
 */
import { cpus, loadavg, totalmem } from 'node:os';

/** What is measured under one id. */
export interface Subject {
  readonly id: string;
  readonly name: string;
  readonly unit: 'ratio' | 'ms' | '1/s' | 'MiB';
  readonly better: 'lower' | 'higher';
  /** What it is compared with, or what it is held to. */
  readonly against: string;
}

/** How much to do. `small` is for trying out: its numbers mean nothing. */
export interface Scale {
  readonly small: boolean;
}

/** One benchmark, or several over the same set-up. Gives a line for each id that is asked. */
export interface Benchmark {
  readonly ids: readonly string[];
  run(asked: ReadonlySet<string>, scale: Scale): AsyncIterable<string>;
}

/** The line of a subject: the median of its samples, which are in its unit. */
export function lineOf(subject: Subject, samples: readonly number[]): string {
  const { id, name, unit, better, against } = subject;
  const value = rounded(medianOf(samples));
  const [min, max] = [rounded(Math.min(...samples)), rounded(Math.max(...samples))];
  const where = { machine: machineText(), node: process.version };
  return JSON.stringify({
    id,
    name,
    value,
    unit,
    better,
    samples: samples.length,
    min,
    max,
    against,
    ...where,
  });
}

/** The middle one, or the mean of the two in the middle. RangeError when there is none. */
export function medianOf(samples: readonly number[]): number {
  if (samples.length === 0) throw new RangeError('nothing was measured');
  const sorted = samples.toSorted((left, right) => left - right);
  const [low, high] = [sorted[(sorted.length - 1) >> 1]!, sorted[sorted.length >> 1]!];
  return (low + high) / 2;
}

/** Milliseconds that `work` takes. */
export async function msOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Ratios of `ours` to `theirs`, after one run of each that does not count. */
export async function pairsOf(
  count: number,
  ours: () => Promise<unknown>,
  theirs: () => Promise<unknown>,
): Promise<readonly number[]> {
  await ours();
  await theirs();
  const ratios: number[] = [];
  for (let pair = 0; pair < count; pair += 1) {
    // Whoever runs second finds warmer caches, so they take turns at it.
    const isOursFirst = pair % 2 === 0;
    const first = await msOf(isOursFirst ? ours : theirs);
    const second = await msOf(isOursFirst ? theirs : ours);
    const [mine, other] = isOursFirst ? [first, second] : [second, first];
    say(`ours ${Math.round(mine)} ms, theirs ${Math.round(other)} ms`);
    ratios.push(mine / other);
  }
  return ratios;
}

/** Progress and what explains a number, for whoever watches; never part of the result. */
export function say(text: string): void {
  process.stderr.write(`bench: ${text} (load ${loadavg()[0]!.toFixed(1)})\n`);
}

function machineText(): string {
  const [processor] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} × ${processor?.model ?? process.arch}, ${memory} GiB, ${process.platform} ${process.arch}`;
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
