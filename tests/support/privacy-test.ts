/**
 * What samples of answers say about ε: estimates of δ at an ε, and lower bounds of ε with a certificate.
 *
 * Both take answers of a dataset and of its neighbour. Guarantee: `certifiedEpsilon` accuses a right mechanism for at
 * most two samples in a million. `hockeyStick` has the mean and spread that its caller's tolerance is made for.
 */
import { clopperPearson } from './goodness-of-fit.ts';

/** δ̂ = Σ_b max(0, (c_A(b) − e^ε·c_B(b))/n), the larger of both directions; one bin per value. */
export function hockeyStick(a: ArrayLike<number>, b: ArrayLike<number>, epsilon: number): number {
  const [p, q] = [binsOf(a), binsOf(b)];
  const growth = Math.exp(epsilon);
  const oneWay = (these: Map<number, number>, those: Map<number, number>): number =>
    [...these].reduce((sum, [bin, hits]) => sum + Math.max(0, hits - growth * (those.get(bin) ?? 0)), 0) /
    a.length;
  return Math.max(oneWay(p, q), oneWay(q, p));
}

function binsOf(samples: ArrayLike<number>): Map<number, number> {
  const bins = new Map<number, number>();
  for (let i = 0; i < samples.length; i += 1) bins.set(samples[i]!, (bins.get(samples[i]!) ?? 0) + 1);
  return bins;
}

/** How often an event was seen. */
export interface Hits {
  readonly hits: number;
  readonly n: number;
}

/** Counts an event. */
export function hitsOf<Sample>(samples: Iterable<Sample>, isHit: (sample: Sample) => boolean): Hits {
  let [hits, n] = [0, 0];
  for (const sample of samples) {
    n += 1;
    if (isHit(sample)) hits += 1;
  }
  return { hits, n };
}

/**
 * A lower bound of the real ε, at δ, from an event that is likelier under one dataset than under its neighbour. Both
 * limits of Clopper and Pearson are exact at 10⁻⁶. −∞ where the event proves nothing.
 */
export function certifiedEpsilon(likelier: Hits, other: Hits, delta: number): number {
  const low = clopperPearson(likelier.hits, likelier.n, 'lower') - delta;
  return low <= 0 ? -Infinity : Math.log(low / clopperPearson(other.hits, other.n, 'upper'));
}
