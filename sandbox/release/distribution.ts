/**
 * Tails and spread of the discrete Laplace and discrete Gaussian distribution, for thresholds and error bars.
 *
 * Discrete Laplace of scale s, a = e^(-1/s): P(X ≥ m) = a^m/(1+a) for m ≥ 1, variance 2a/(1−a)² = 1/(2·sinh²(1/2s)).
 * Discrete Gaussian: P(k) = e^(-k²/2σ²)/Z, summed up to σ = 4,096. Above, P(X ≥ m) ≤ Q((m−1)/σ), because
 * the sum of a decreasing function is below its integral and Z ≥ σ√(2π) by Poisson summation.
 *
 * Guarantee: a tail point is never below the exact one, with a margin of 1e-10 on the logarithm that exceeds
 * the rounding of 40,000 double operations; it equals the exact one but for ties within that margin and, for
 * σ above 4,096, two steps. Probabilities are passed as logarithms, so that 1e-200 is no special case.
 */

/** The largest σ whose tail is summed: about 40,000 terms where that is done one by one. */
const SUMMED_SIGMA = 4096;
/** From here on Z = σ√(2π) and the variance is σ², both within e^(-2π²·9) < 1e-77. */
const SMOOTH_SIGMA = 3;
const LOG_MARGIN = 1e-10;
/** From this σ on, and up to this relative slope at its lower end, a tail is summed by Euler and Maclaurin. */
const SMOOTH_SUM_SIGMA = 64;
const SMOOTH_SUM_SLOPE = 0.05;
/** Laplace tail points are closed forms: only a few operations round. */
const CLOSED_FORM_MARGIN = 2 ** -44;

/** The smallest m ≥ 1 with P(X ≥ m) ≤ e^lnProbability, X discrete Laplace; rounded up. Probability at most 1/2. */
export function laplaceTailPoint(scale: number, lnProbability: number): bigint {
  checkProbability(lnProbability);
  const exact = scale * (-lnProbability - Math.log1p(Math.exp(-1 / scale)));
  return atLeastOne(exact + scale * -lnProbability * CLOSED_FORM_MARGIN);
}

/** The smallest m ≥ 1 with P(X ≥ m) ≤ e^lnProbability, X discrete Gaussian; rounded up. Probability at most 1/2. */
export function gaussianTailPoint(sigmaSquared: number, lnProbability: number): bigint {
  checkProbability(lnProbability);
  const sigma = Math.sqrt(sigmaSquared);
  const target = lnProbability - LOG_MARGIN;
  if (sigma > SUMMED_SIGMA)
    return atLeastOne(sigma * normalTailPoint(target) * (1 + CLOSED_FORM_MARGIN)) + 1n;
  // The discrete Gaussian is σ²-subgaussian (Canonne, Kamath and Steinke): P(X ≥ m) ≤ e^(-m²/2σ²).
  let [low, high] = [0, Math.ceil(sigma * Math.sqrt(-2 * target)) + 1];
  const lnTotal = Math.log(gaussianTotal(sigmaSquared));
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (lnGaussianSumFrom(sigmaSquared, middle) - lnTotal <= target) high = middle;
    else low = middle;
  }
  return BigInt(high);
}

export function laplaceStddev(scale: number): number {
  return Math.SQRT1_2 / Math.sinh(0.5 / scale);
}

export function gaussianStddev(sigmaSquared: number): number {
  if (sigmaSquared >= SMOOTH_SIGMA ** 2) return Math.sqrt(sigmaSquared);
  let moment = 0;
  for (let k = 1, term = 1; term > 0; k += 1) {
    term = k * k * Math.exp((-k * k) / (2 * sigmaSquared));
    moment += 2 * term;
  }
  return Math.sqrt(moment / gaussianTotal(sigmaSquared));
}

/** P(X = k) at k = 0, 1, … `last` of a discrete Laplace. */
export function laplaceMasses(scale: number, last: number): Float64Array {
  const zero = Math.tanh(0.5 / scale);
  return Float64Array.from({ length: last + 1 }, (_, k) => zero * Math.exp(-k / scale));
}

/** P(X = k) at k = 0, 1, … `last` of a discrete Gaussian. */
export function gaussianMasses(sigmaSquared: number, last: number): Float64Array {
  const total = gaussianTotal(sigmaSquared);
  return Float64Array.from({ length: last + 1 }, (_, k) => Math.exp((-k * k) / (2 * sigmaSquared)) / total);
}

/** Z = Σ e^(-k²/2σ²) over the integers. */
function gaussianTotal(sigmaSquared: number): number {
  if (sigmaSquared >= SMOOTH_SIGMA ** 2) return Math.sqrt(2 * Math.PI * sigmaSquared);
  let total = 1;
  for (let k = 1, term = 1; term > 0; k += 1) {
    term = Math.exp((-k * k) / (2 * sigmaSquared));
    total += 2 * term;
  }
  return total;
}

/** ln Σ e^(-k²/2σ²) over k ≥ m, relative to the first term so that nothing underflows. */
function lnGaussianSumFrom(sigmaSquared: number, m: number): number {
  const [z, slope] = [m / Math.sqrt(sigmaSquared), m / sigmaSquared];
  const isSmooth = sigmaSquared >= SMOOTH_SUM_SIGMA ** 2 && slope <= SMOOTH_SUM_SLOPE && z >= 0.5;
  if (isSmooth) return lnSmoothSum(sigmaSquared, z, slope);
  let sum = 0;
  for (let j = 0, term = 1; term > 1e-18; j += 1) {
    term = Math.exp((-j * (2 * m + j)) / (2 * sigmaSquared));
    sum += term;
  }
  return (-m * m) / (2 * sigmaSquared) + Math.log(sum);
}

/**
 * The same by Euler and Maclaurin: ∫f + f/2 − f′/12 + f‴/720 from m on, with f′ = −slope·f. The next term is below
 * f(m)·(slope⁵ + 10·slope³/σ² + 15·slope/σ⁴)/30,240, and so below 1e-12 of the sum (σ ≥ 64, slope ≤ 0.05).
 */
function lnSmoothSum(sigmaSquared: number, z: number, slope: number): number {
  const integral = Math.exp(lnNormalTail(z) + (z * z + Math.log(2 * Math.PI * sigmaSquared)) / 2);
  const ends = 1 / 2 + slope / 12 + (3 / sigmaSquared - slope * slope) * (slope / 720);
  return (-z * z) / 2 + Math.log(integral + ends);
}

/** The smallest z ≥ 1/2 with ln Q(z) ≤ lnProbability, rounded up. */
function normalTailPoint(lnProbability: number): number {
  let [low, high] = [0.5, 0.5 + Math.sqrt(-2 * lnProbability)];
  for (let i = 0; i < 60; i += 1) {
    const middle = (low + high) / 2;
    if (lnNormalTail(middle) <= lnProbability) high = middle;
    else low = middle;
  }
  return high;
}

/** ln Q(z) for z ≥ 1/2 by Laplace's continued fraction; so many levels leave less than 1e-13. */
function lnNormalTail(z: number): number {
  let fraction = z;
  for (let n = 10 + Math.ceil(300 / (z * z)); n >= 1; n -= 1) fraction = z + n / fraction;
  return (-z * z) / 2 - Math.log(fraction) - Math.log(2 * Math.PI) / 2;
}

function atLeastOne(bound: number): bigint {
  return BigInt(Math.max(1, Math.ceil(bound)));
}

function checkProbability(lnProbability: number): void {
  if (!(lnProbability <= -Math.LN2 && lnProbability > -Infinity)) {
    throw new RangeError('a tail probability must be positive and at most one half');
  }
}
