/**
 * The noise of one Plan, drawn before the integers that it will hide are known.
 *
 * How long a draw takes depends on its outcome (a far value takes longer; Jin and others, arXiv:2112.05307), so
 * noise drawn between the reader's result and the answer could be heard. Whoever calls `fill` while the reader works
 * and `release` after it hides that time: what follows the result takes noise from here, as fast for one value
 * as for another.
 * Guarantee: every draw is given out once. Listed cells never wait for a draw after `fill`. Thresholded cells, whose
 * number the Plan cannot know, are drawn in batches of a fixed size, the first of them ahead.
 * Not covered: with `timing: exact` a reader that is faster than the draws.
 */
import { cellsOf, type Measure, type Plan } from '../plan.ts';
import { type NoiseSpec, sampleVector } from './noise.ts';
import type { RandomSource } from './random.ts';
import { noiseOfPlan } from './planned-noise.ts';
import { measuredWidthOf } from './sensitivity.ts';

/** Draws at a time where the number of cells is not known ahead. */
const BATCH = 1_024;

interface Stream {
  readonly spec: NoiseSpec;
  /** Draws that `fill` makes. */
  readonly ahead: number;
  readonly drawn: bigint[];
}

export class NoisePool {
  readonly #random: RandomSource;
  readonly #streams: readonly Stream[];

  constructor(plan: Plan, random: RandomSource) {
    this.#random = random;
    const specs = noiseOfPlan(plan);
    this.#streams = plan.measures.map((measure, index) => ({
      spec: specs[index]!,
      ahead: cellsAhead(plan, measure) * measuredWidthOf(measure),
      drawn: [],
    }));
  }

  /** Draws what the Plan will need, as far as it says. Returns itself. */
  fill(): this {
    for (const stream of this.#streams) this.#draw(stream, stream.ahead);
    return this;
  }

  /** The next `count` draws for a measured vector, by its index in the Plan. */
  take(measure: number, count: number): readonly bigint[] {
    const stream = this.#streams[measure]!;
    while (stream.drawn.length < count) this.#draw(stream, BATCH);
    return stream.drawn.splice(0, count);
  }

  #draw({ spec, drawn }: Stream, count: number): void {
    for (const draw of sampleVector(spec, count, this.#random)) drawn.push(draw);
  }
}

function cellsAhead(plan: Plan, measure: Measure): number {
  const { keys } = plan;
  return cellsOf(plan, measure) ?? (keys.mode === 'thresholded' ? Math.min(keys.maxEntries, BATCH) : 0);
}
