/**
 * Exact samplers of the discrete Laplace and the discrete Gaussian distribution over the integers.
 *
 * The rejection scheme is that of Canonne, Kamath and Steinke (The Discrete Gaussian for Differential Privacy,
 * arXiv:2004.00010, algorithms 1 to 3). Its coin with probability e^-x is decided differently: a uniform real
 * number is revealed 32 bits at a time until it lies on one side of e^-x for certain. The first 32 bits are
 * compared in doubles with a proven margin; about one coin in 2^32 needs more bits and big integers.
 * Guarantee: for rational parameters the distribution is exact, given uniform words; no float is ever released.
 * Not covered: the time a draw takes depends on its outcome (see random.ts).
 */
import { EXP_LIMIT, expOfMinus, expOfMinusBits } from './exponential.ts';
import type { RandomSource } from './random.ts';
import { ceilOf, floorOf, inverseOf, numberOf, rational, type Rational } from './rational.ts';

const WORD_RANGE = 2 ** 32;
/**
 * INVARIANT: bounds the relative error of expOfMinus(x)·2^32 for every x that this file computes in doubles.
 * expOfMinus adds 2^-43. An x below 64 from a product of two doubles is off by 64·2^-50 = 2^-44 at most, the
 * Gaussian's by 2^-43 (see `discreteGaussian`); an error of e in x is a relative error of e in e^-x.
 */
const MARGIN = 2 ** -38;
const HEADS_BELOW = 1 - MARGIN;
const TAILS_ABOVE = 1 + MARGIN;

/** What a coin's first word says: it may leave the coin standing on its edge. */
type Coin = 'heads' | 'tails' | 'edge';

/** True with probability e^-x exactly, for a rational x ≥ 0. */
export function bernoulliExp(x: Rational, random: RandomSource): boolean {
  const word = random.word();
  const coin = toss(word, numberOf(x));
  return coin === 'edge' ? settle(word, x, random) : coin === 'heads';
}

/** k ≥ 0 with probability proportional to e^(-k·rate), for a rational rate > 0. */
export function geometricExp(rate: Rational, random: RandomSource): bigint {
  return BigInt(drawMagnitude(prepareGeometric(inverseOf(rate)), random));
}

/** `count` integers k with probability proportional to e^(-|k|/scale), for a rational scale > 0. */
export function discreteLaplace(scale: Rational, count: number, random: RandomSource): bigint[] {
  const geometric = prepareGeometric(scale);
  return Array.from({ length: count }, () => {
    for (;;) {
      const magnitude = drawMagnitude(geometric, random);
      const negative = random.bit();
      // Zero must not come twice, once with each sign.
      if (!negative) return BigInt(magnitude);
      if (magnitude !== 0) return -BigInt(magnitude);
    }
  });
}

/**
 * `count` integers k with probability proportional to e^(-k²/2σ²), for a rational σ² > 0.
 *
 * A discrete Laplace sample y of scale t = ⌊σ⌋ + 1 is kept with probability e^-x, x = (|y| − σ²/t)²/2σ².
 * With u = 2^-53: where x < 64, |y| − σ²/t is below 11.4σ and |y| below 12.4σ, so that the difference is off by
 * 32uσ, and x by 11.4·32u + 640u < 2^-43 (a double from `numberOf` is off by 8u).
 */
export function discreteGaussian(sigmaSquared: Rational, count: number, random: RandomSource): bigint[] {
  const { numerator: n, denominator: d } = sigmaSquared;
  if (n <= 0n) throw new RangeError('sigmaSquared must be positive');
  const t = integerRoot(floorOf(sigmaSquared)) + 1n;
  const geometric = prepareGeometric(rational(t));
  const centre = numberOf(rational(n, d * t));
  const twoSigmaSquared = 2 * numberOf(sigmaSquared);

  function isKept(magnitude: number | bigint): boolean {
    const distance = Number(magnitude) - centre;
    const word = random.word();
    const coin = toss(word, (distance * distance) / twoSigmaSquared);
    if (coin !== 'edge') return coin === 'heads';
    const exact = BigInt(magnitude) * t * d - n;
    return settle(word, rational(exact * exact, 2n * n * d * t * t), random);
  }

  return Array.from({ length: count }, () => {
    for (;;) {
      const magnitude = drawMagnitude(geometric, random);
      const negative = random.bit();
      if (!(negative && magnitude === 0) && isKept(magnitude)) {
        return negative ? -BigInt(magnitude) : BigInt(magnitude);
      }
    }
  });
}

/** The geometric distribution with P(k) ∝ e^(-k/scale), split in blocks: k = v·block + u. */
interface Geometric {
  /** ⌈scale⌉, as a double where it is one exactly; then u is drawn in doubles. */
  readonly block: bigint;
  readonly smallBlock: number | null;
  readonly rate: Rational;
  readonly rateNumber: number;
  /** block / scale: v grows by one with probability e^-stride. */
  readonly stride: Rational;
  readonly strideNumber: number;
}

function prepareGeometric(scale: Rational): Geometric {
  if (scale.numerator <= 0n) throw new RangeError('scale must be positive');
  const block = ceilOf(scale);
  const rate = inverseOf(scale);
  const stride = rational(block * rate.numerator, rate.denominator);
  const smallBlock = block <= 2n ** 53n ? Number(block) : null;
  return { block, smallBlock, rate, rateNumber: numberOf(rate), stride, strideNumber: numberOf(stride) };
}

/** One geometric sample; a double where it is a safe integer. */
function drawMagnitude(geometric: Geometric, random: RandomSource): number | bigint {
  const within =
    geometric.smallBlock === null ? drawWithinBig(geometric, random) : drawWithin(geometric, random);
  let blocks = 0;
  while (isContinued(geometric, random)) blocks += 1;
  if (blocks === 0) return within;
  if (typeof within === 'number') {
    const magnitude = blocks * geometric.smallBlock! + within;
    if (magnitude <= Number.MAX_SAFE_INTEGER) return magnitude;
  }
  return BigInt(blocks) * geometric.block + BigInt(within);
}

/** u in [0, block) with probability proportional to e^(-u/scale). */
function drawWithin(geometric: Geometric, random: RandomSource): number {
  const { smallBlock, rate, rateNumber } = geometric;
  if (smallBlock === 1) return 0;
  for (;;) {
    const u = random.below(smallBlock!);
    const word = random.word();
    const coin = toss(word, u * rateNumber);
    if (coin === 'heads') return u;
    if (coin === 'edge') {
      if (settle(word, rational(BigInt(u) * rate.numerator, rate.denominator), random)) return u;
    }
  }
}

function drawWithinBig(geometric: Geometric, random: RandomSource): bigint {
  const { block, rate, rateNumber } = geometric;
  for (;;) {
    const u = random.bigBelow(block);
    const word = random.word();
    const coin = toss(word, Number(u) * rateNumber);
    if (coin === 'heads') return u;
    if (coin === 'edge' && settle(word, rational(u * rate.numerator, rate.denominator), random)) return u;
  }
}

function isContinued(geometric: Geometric, random: RandomSource): boolean {
  const word = random.word();
  const coin = toss(word, geometric.strideNumber);
  return coin === 'edge' ? settle(word, geometric.stride, random) : coin === 'heads';
}

/** Heads when a uniform real number with these first 32 bits is below e^-x for certain, tails when it is above. */
function toss(word: number, x: number): Coin {
  // Beyond the limit e^-x · 2^32 is below 2^-60, and so below every word but zero.
  if (x >= EXP_LIMIT) return word === 0 ? 'edge' : 'tails';
  const threshold = expOfMinus(x) * WORD_RANGE;
  if (word + 1 <= threshold * HEADS_BELOW) return 'heads';
  return word >= threshold * TAILS_ABOVE ? 'tails' : 'edge';
}

/** Reveals more bits of the same uniform number until it lies on one side of e^-x. */
function settle(word: number, x: Rational, random: RandomSource): boolean {
  let drawn = BigInt(word);
  for (let bits = 64; ; bits += 32) {
    drawn = (drawn << 32n) | BigInt(random.word());
    const { low, high } = expOfMinusBits(x, bits);
    if (drawn + 1n <= low) return true;
    if (drawn >= high) return false;
  }
}

/** ⌊√value⌋ by Newton's method from above. */
function integerRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}
