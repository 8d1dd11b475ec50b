/**
 * The capacity bound: at most how many bits one job can carry out, whatever ran in the sandbox.
 *
 * Gaussian noise is a channel of capacity ½·log2((A²/4 + σ² + 1/12)/σ²) per entry of range A, Laplace noise of at
 * most log2(1 + A/2s). Beside entries: the text of thresholded keys, the release time and the final state. It
 * holds when the guarantee's conditions fail (an escaped, hostile worker), and is not a substitute for it.
 */
import { cellsOf, type Plan, type ReleasedCell } from '../plan.ts';
import { noiseOfPlan } from './planned-noise.ts';
import { rangesOf } from './sensitivity.ts';
import { numberOf } from './rational.ts';

/** Power-of-two multiples of a quantum, or milliseconds of an exact time, that a job's wall limit leaves possible. */
const QUANTISED_TIMES = 32;
const EXACT_TIMES = 2 ** 32;
/** Released or failed; of a program, which may choose to die, hang or speak out of turn, with any of three codes. */
const FINAL_STATES = { query: 2, program: 4 } as const;

/** Bits, rounded up to a hundredth. */
export function bitsOutOf(plan: Plan, cells: readonly ReleasedCell[]): string {
  const noise = noiseOfPlan(plan);
  const entries = plan.measures.reduce((bits, measure, index) => {
    const cellCount = cellsOf(plan, measure) ?? cells.length;
    return rangesOf(plan, measure).reduce(
      (sum, { low, high, entries: count }) =>
        sum + cellCount * count * entryBits(Number(high - low), noise[index]!),
      bits,
    );
  }, 0);
  const keyBytes =
    plan.keys.mode === 'thresholded'
      ? cells.reduce((bytes, cell) => bytes + Buffer.byteLength(cell.key.join('')), 0)
      : 0;
  const states = FINAL_STATES[plan.program === undefined ? 'query' : 'program'];
  return (Math.ceil((entries + 8 * keyBytes + timeBits(plan) + Math.log2(states)) * 100) / 100).toFixed(2);
}

function entryBits(range: number, noise: ReturnType<typeof noiseOfPlan>[number]): number {
  if (noise.kind === 'laplace') return Math.log2(1 + range / (2 * numberOf(noise.scale)));
  const variance = numberOf(noise.sigmaSquared);
  return 0.5 * Math.log2((range ** 2 / 4 + variance + 1 / 12) / variance);
}

function timeBits(plan: Plan): number {
  if (plan.timing.mode === 'planned') return 0;
  return Math.log2(plan.timing.mode === 'quantum' ? QUANTISED_TIMES : EXACT_TIMES);
}
