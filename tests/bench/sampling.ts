/**
 * S1, S2, S3: how many samples of exact noise the samplers draw in a second, on one thread.
 *
 * Random bits come from the operating system's generator, as in a release. A round draws for about a tenth of a second.
 */
import { rational } from '#sandbox/release/rational.ts';
import { type RandomSource, secureRandom } from '#sandbox/release/random.ts';
import { discreteGaussian, discreteLaplace } from '#sandbox/release/sampler.ts';
import { type Benchmark, lineOf, msOf, type Subject } from './measure.ts';

/** The largest prime below 2^64, and one of 64 bits near half of it: no fraction of them is shortened. */
const [WIDE, HALF] = [18_446_744_073_709_551_557n, 9_223_372_036_854_775_837n];

interface Sampling extends Subject {
  readonly draw: (count: number, random: RandomSource) => readonly bigint[];
}

const GAUSSIAN: Sampling = {
  id: 'S1',
  name: 'discrete Gaussian samples, σ² = 100',
  unit: '1/s',
  better: 'higher',
  against: 'at least 300000',
  draw: (count, random) => discreteGaussian(rational(100n), count, random),
};
const SAMPLINGS: readonly Sampling[] = [
  GAUSSIAN,
  {
    ...GAUSSIAN,
    id: 'S2',
    name: 'discrete Gaussian samples, σ² a whole number of 64 bits and a fraction of two such numbers, in turn',
    against: 'at least 100000',
    draw: (count, random) => [
      ...discreteGaussian(rational(WIDE), count / 2, random),
      ...discreteGaussian(rational(WIDE, HALF), count / 2, random),
    ],
  },
  {
    ...GAUSSIAN,
    id: 'S3',
    name: 'discrete Laplace samples, scale 10',
    against: '–',
    draw: (count, random) => discreteLaplace(rational(10n), count, random),
  },
];

const ROUNDS = 25;

export const SAMPLING: Benchmark = {
  ids: SAMPLINGS.map(({ id }) => id),
  async *run(asked, { small }) {
    const random = secureRandom();
    const count = small ? 100 : 50_000;
    for (const { draw, ...subject } of SAMPLINGS.filter(({ id }) => asked.has(id))) {
      const rates: number[] = [];
      for (let round = 0; round <= (small ? 2 : ROUNDS); round += 1) {
        const ms = await msOf(async () => draw(count, random));
        // In the first the code is still being compiled.
        if (round > 0) rates.push((count * 1_000) / ms);
      }
      yield lineOf(subject, rates);
    }
  },
};
