/**
 * Statistical checks of integer samples against an exact distribution, each with its false-alarm probability.
 * Reference masses are summed here from the definitions, independently of the code under test.
 */

/** P(X = k) of an integer distribution that is symmetric around zero. */
export type Mass = (k: number) => number;

export function laplaceMass(scale: number): Mass {
  const zero = Math.tanh(1 / (2 * scale));
  return (k) => zero * Math.exp(-Math.abs(k) / scale);
}

export function gaussianMass(sigmaSquared: number): Mass {
  let total = 1;
  for (let k = 1; k <= 40 * Math.sqrt(sigmaSquared) + 40; k += 1) {
    total += 2 * Math.exp((-k * k) / (2 * sigmaSquared));
  }
  return (k) => Math.exp((-k * k) / (2 * sigmaSquared)) / total;
}

/** P(X ≥ m), summed from the small end. */
export function tailOf(mass: Mass, m: number): number {
  if (m <= 0) return 1 - tailOf(mass, 1 - m);
  let sum = 0;
  for (let k = m; mass(k) > 1e-300 && mass(k) > 1e-18 * mass(m); k += 1) sum += mass(k);
  return sum;
}

/** E[X^power] of an even power. */
export function momentOf(mass: Mass, power: number): number {
  let sum = 0;
  for (let k = 1, term = 1; term > 1e-30 * sum || k < 10; k += 1) {
    term = 2 * k ** power * mass(k);
    sum += term;
  }
  return sum;
}

/** |z| of the sample mean and of the sample's second moment. Above 4.42 happens by chance once in 10⁵. */
export function momentScores(samples: readonly bigint[], mass: Mass): { mean: number; variance: number } {
  const values = samples.map(Number);
  const [n, variance, fourth] = [values.length, momentOf(mass, 2), momentOf(mass, 4)];
  const mean = values.reduce((sum, x) => sum + x, 0) / n;
  const second = values.reduce((sum, x) => sum + x * x, 0) / n;
  return {
    mean: Math.abs(mean) / Math.sqrt(variance / n),
    variance: Math.abs(second - variance) / Math.sqrt((fourth - variance ** 2) / n),
  };
}

/**
 * Pearson's χ² over all integers that are expected at least ten times, the rest in one bin per side, minus its
 * limit df + 6√(2df). Positive by chance less than once in 10⁶.
 */
export function chiSquareExcess(samples: readonly bigint[], mass: Mass): number {
  const n = samples.length;
  let last = 0;
  while (n * mass(last + 1) >= 10) last += 1;
  const observed = new Float64Array(2 * last + 3);
  for (const sample of samples) {
    const k = Math.max(-last - 1, Math.min(last + 1, Number(sample)));
    observed[k + last + 1]! += 1;
  }
  const side = n * tailOf(mass, last + 1);
  // Sides too thin for the approximation are left out; their bins are then no degree of freedom either.
  const sides = side >= 10 ? 1 : 0;
  let statistic = 0;
  let bins = 0;
  for (let k = -last - sides; k <= last + sides; k += 1) {
    const expected = Math.abs(k) > last ? side : n * mass(k);
    statistic += (observed[k + last + 1]! - expected) ** 2 / expected;
    bins += 1;
  }
  const freedom = bins - sides;
  return statistic - (freedom + 6 * Math.sqrt(2 * freedom));
}

/** Σ_k max(0, P(k) − e^ε·P(k − Δ)): the exact δ of adding a sample to an integer with sensitivity Δ. */
export function exactDelta(mass: Mass, epsilon: number, sensitivity = 1): number {
  const growth = Math.exp(epsilon);
  let sum = 0;
  // Above Δ the shifted mass is the larger one, so that positive terms lie at or below it.
  for (let k = sensitivity; k > 0 || mass(k) > 1e-30; k -= 1) {
    sum += Math.max(0, mass(k) - growth * mass(k - sensitivity));
  }
  return sum;
}

/**
 * The exact one-sided bound of Clopper and Pearson (1934) for a probability after `hits` of `n`: the p at which
 * as many hits or more (`lower`), or as few or fewer (`upper`), have probability alpha.
 */
export function clopperPearson(hits: number, n: number, side: 'lower' | 'upper', alpha = 1e-6): number {
  if (side === 'upper') return 1 - clopperPearson(n - hits, n, 'lower', alpha);
  if (hits === 0) return 0;
  let lnChoose = 0;
  for (let i = 1; i <= hits; i += 1) lnChoose += Math.log((n - hits + i) / i);
  let [low, high] = [0, hits / n];
  for (let i = 0; i < 60; i += 1) {
    const p = (low + high) / 2;
    let term = Math.exp(lnChoose + hits * Math.log(p) + (n - hits) * Math.log1p(-p));
    let tail = 0;
    for (let k = hits; term > 1e-30; k += 1) {
      tail += term;
      term *= ((n - k) / (k + 1)) * (p / (1 - p));
    }
    if (tail > alpha) high = p;
    else low = p;
  }
  return low;
}

/**
 * |z| of Mann and Whitney's rank sum, with average ranks for ties: above `x` by chance as often as a normal variable,
 * for samples of one distribution of a dozen or more each.
 */
export function rankSumScore(a: readonly number[], b: readonly number[]): number {
  const all = [...a.map((value) => ({ value, own: true })), ...b.map((value) => ({ value, own: false }))];
  all.sort((left, right) => left.value - right.value);
  const n = all.length;
  let [ranks, ties] = [0, 0];
  for (let from = 0, to = 0; from < n; from = to) {
    while (to < n && all[to]!.value === all[from]!.value) to += 1;
    const size = to - from;
    ranks += all.slice(from, to).filter(({ own }) => own).length * ((from + to + 1) / 2);
    ties += size ** 3 - size;
  }
  const mean = (a.length * (n + 1)) / 2;
  const variance = ((a.length * b.length) / 12) * (n + 1 - ties / (n * (n - 1)));
  return variance === 0 ? 0 : Math.abs(ranks - mean) / Math.sqrt(variance);
}
