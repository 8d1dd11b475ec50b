/**
 * Privacy loss in its three measures, (ε, δ), ρ (zCDP) and pure ε, and the conversions between them.
 *
 * δ(ρ, ε) = min over α > 1 of exp((α−1)(αρ−ε) + α·ln(1−1/α)) / (α−1): Canonne, Kamath and Steinke,
 * arXiv:2004.00010, proposition 12; zCDP itself: Bun and Steinke, arXiv:1605.02065.
 * With β = α − 1 the formula reads ln δ = β(αρ − ε − ln(1 + 1/β)) − ln α. Solved for ε or ρ it holds for every
 * β > 0, so that a badly chosen β makes a conversion looser, never wrong. The best β is a root of a monotone
 * function and is found by bisection.
 *
 * Guarantee: the plain conversions are accurate to 1e-9 (relative) for ε from 1e-13 to 1e10 and δ from 1e-300 to 1e-3.
 * The directed ones, which the ledger uses, give integers and round against the analyst, past a margin of
 * 2^-44 of the largest term that is well above the error of Math.log and Math.log1p.
 */
import { ceilOf, floorOf, numberOf, rational, rationalOfDecimal, rationalOfDouble } from './rational.ts';
import type { Rational } from './rational.ts';

/** One unit of ρ or ε is 10^9 of the ledger's. */
export const NANO = 1_000_000_000n;
/** One unit of δ is 10^24 of the ledger's. */
export const YOCTO = 10n ** 24n;

const MARGIN = 2 ** -44;
/** β is sought between 2^-1000 and 2^1000. */
const EXPONENT_LIMIT = 1000;
const BISECTIONS = 80;

/** The smallest δ for which ρ-zCDP implies (ε, δ)-differential privacy by proposition 12. */
export function cdpDelta(rho: number, epsilon: number): number {
  checkAmount('rho', rho);
  checkAmount('epsilon', epsilon);
  if (rho === 0) return 0;
  // d(ln δ)/dα = (2α − 1)ρ − ε − ln(1 + 1/β), which grows with α.
  const beta = rootOf((b) => (2 * b + 1) * rho - Math.log1p(1 / b), epsilon);
  const exponent = beta * ((1 + beta) * rho - epsilon - Math.log1p(1 / beta)) - Math.log1p(beta);
  return Math.min(1, Math.exp(exponent));
}

/** The largest ρ for which ρ-zCDP implies (ε, δ)-differential privacy. */
export function cdpRho(epsilon: number, delta: number): number {
  const { value } = rhoWithMargin(epsilon, delta);
  return Math.max(0, value);
}

/** The smallest ε for which ρ-zCDP implies (ε, δ)-differential privacy. */
export function cdpEpsilon(rho: number, delta: number): number {
  const { value } = epsilonWithMargin(rho, delta);
  return Math.max(0, value);
}

/** ⌊cdp_rho(ε, δ)·10⁹⌋: what a lineage may lose. Never above the exact value. */
export function capacityNanoRho(epsilon: number, delta: number): bigint {
  const { value, margin } = rhoWithMargin(epsilon, delta);
  return BigInt(Math.floor(Math.max(0, (value - margin) * 1e9)));
}

/** ⌈cdp_rho(ε, δ)·10⁹⌉: what a job is charged. Never below the exact value, and at least 1. */
export function costNanoRho(epsilon: number, delta: number): bigint {
  const { value, margin } = rhoWithMargin(epsilon, delta);
  return BigInt(Math.ceil(Math.max(1, (value + margin) * 1e9)));
}

/** cdp_eps of a spent amount of nano-ρ, rounded up. */
export function epsilonOfNanoRho(nano: bigint, delta: number): number {
  const { value, margin } = epsilonWithMargin(numberOf(rational(nano, NANO)), delta);
  return nano === 0n ? 0 : Math.max(0, value + margin);
}

/** A number of nano-ε, from the decimal text of ε; `nanoUp` for costs, `nanoDown` for capacities. */
export function nanoUp(epsilon: number): bigint {
  return ceilOf(scaled(epsilon, NANO));
}

export function nanoDown(epsilon: number): bigint {
  return floorOf(scaled(epsilon, NANO));
}

/** δ in units of 1e-24, from its decimal text; `yoctoUp` for costs, `yoctoDown` for capacities. */
export function yoctoUp(delta: number): bigint {
  return ceilOf(scaled(delta, YOCTO));
}

export function yoctoDown(delta: number): bigint {
  return floorOf(scaled(delta, YOCTO));
}

/**
 * The zCDP cost of any ε-differentially private mechanism: ε·tanh(ε/2).
 *
 * Every such mechanism is a post-processing of randomised response (Kairouz, Oh and Viswanath,
 * arXiv:1311.0776), whose Rényi divergences stay below α·ε·tanh(ε/2) and reach it as α → 1. The discrete
 * Laplace mechanism with sensitivity 1 is randomised response and more, so nothing smaller holds for it.
 */
export function pureRho(epsilon: number): number {
  checkAmount('epsilon', epsilon);
  return epsilon * Math.tanh(epsilon / 2);
}

/** The largest ε whose pure mechanisms cost at most ρ, rounded down, as a fraction for the sampler. */
export function pureEpsilonOfRho(rho: Rational): Rational {
  if (rho.numerator <= 0n) throw new RangeError('rho must be positive');
  const target = numberOf(rho);
  // ε·tanh(ε/2) grows at least as fast as ε, relatively: a relative margin on ε is one on ρ.
  return rationalOfDouble(rootOf(pureRho, target) * (1 - MARGIN));
}

/** A value and how far it may lie from the exact one. */
interface Margined {
  readonly value: number;
  readonly margin: number;
}

/** ρ = (ε − (ln(1/δ) − ln α)/β + ln(1 + 1/β)) / α at the best β; any other β gives less. */
function rhoWithMargin(epsilon: number, delta: number): Margined {
  checkAmount('epsilon', epsilon);
  checkDelta(delta);
  const target = -Math.log(delta);
  // At the optimum dδ/dα = 0 gives ρ = (ε + ln(1 + 1/β))/(2α − 1), and with it β²ρ + ln α = ln(1/δ).
  const beta = rootOf((b) => ((epsilon + Math.log1p(1 / b)) / (2 + 1 / b)) * b + Math.log1p(b), target);
  const alpha = 1 + beta;
  const conversion = (target - Math.log1p(beta)) / beta;
  const order = Math.log1p(1 / beta);
  return {
    value: (epsilon - conversion + order) / alpha,
    margin: ((epsilon + (target + Math.log1p(beta)) / beta + order) / alpha) * MARGIN,
  };
}

/** ε = αρ + (ln(1/δ) − ln α)/β − ln(1 + 1/β) at the best β; any other β gives more. */
function epsilonWithMargin(rho: number, delta: number): Margined {
  checkAmount('rho', rho);
  checkDelta(delta);
  if (rho === 0) return { value: 0, margin: 0 };
  const target = -Math.log(delta);
  const beta = rootOf((b) => b * b * rho + Math.log1p(b), target);
  const conversion = (target - Math.log1p(beta)) / beta;
  const order = Math.log1p(1 / beta);
  return {
    value: (1 + beta) * rho + conversion - order,
    margin: ((1 + beta) * rho + (target + Math.log1p(beta)) / beta + order) * MARGIN,
  };
}

/** The x between 2^-1000 and 2^1000 at which an increasing function reaches the target, from below, to 2^-43. */
function rootOf(increasing: (x: number) => number, target: number): number {
  let [low, high] = [-EXPONENT_LIMIT, EXPONENT_LIMIT];
  for (let i = 0; i < BISECTIONS; i += 1) {
    const middle = (low + high) / 2;
    if (increasing(2 ** middle) < target) low = middle;
    else high = middle;
  }
  return 2 ** low;
}

function scaled(value: number, unit: bigint): Rational {
  checkAmount('amount', value);
  const { numerator, denominator } = rationalOfDecimal(value);
  return rational(numerator * unit, denominator);
}

function checkAmount(name: string, value: number): void {
  if (!(value >= 0 && value < Infinity)) throw new RangeError(`${name} must be finite and not negative`);
}

function checkDelta(delta: number): void {
  if (!(delta > 0 && delta < 1)) throw new RangeError('delta must lie between 0 and 1');
}
