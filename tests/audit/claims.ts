/**
 * The claims: what the project promises, the code that carries each promise, and the tests that would fail without it.
 *
 * Data only. `code` is `file:name` of something declared there; tests are `file › title` as written in the file, of a
 * test or of a group; a control is a test that catches a broken variant, so that the others are known to see it.
 * docs/privacy-guarantee.md names each claim as `claim:id`.
 */
import type { Claim } from './claim.ts';
import { PLATFORM_CLAIMS } from './platform-claims.ts';
import { PROGRAM_CLAIMS } from './program-claims.ts';

const SAMPLER = 'tests/release/sampler.test.ts';
const STATISTICS = 'tests/release/statistics.test.ts';
const NOISE = 'tests/release/noise.test.ts';
const LOSS = 'tests/release/privacy-loss.test.ts';
const ACCOUNTANT = 'tests/release/accountant.test.ts';
const ORACLE = 'tests/oracle/sql-oracle.test.ts';
const REPLAY = 'tests/oracle/sql-neighbours.test.ts';
const NEIGHBOURS = 'tests/oracle/neighbours.test.ts';
const REFERENCE = 'tests/oracle/reference.test.ts';
const ADMISSION = 'tests/storage/admission.test.ts';

/** What holds every measure to its bound: integers equal to the oracle's, and neighbours no further than declared. */
const BOUNDING = {
  code: ['sandbox/release/sensitivity.ts:sensitivityOf', 'sandbox/query/print.ts:printPlan'],
  tests: [
    `${REPLAY} › neighbours end alike, and never differ by more than one unit may contribute`,
    `${REPLAY} › Release declares what one unit may contribute, a tree once per level, and admits every integer found`,
    `${NEIGHBOURS} › reaches the bound of every measure, so that none is loose`,
  ],
  controls: [`${REPLAY} › negative control: an engine that %s is caught`],
};

/** The claim that one measure is bounded, with the tests that are about it alone. */
function boundingOf(measure: string, sentence: string, tests: readonly string[], control: string): Claim {
  return {
    id: `bounding-${measure}`,
    sentence,
    code: BOUNDING.code,
    tests: [...BOUNDING.tests, ...tests.map((title) => `${REFERENCE} › ${title}`)],
    controls: [...BOUNDING.controls, `${NEIGHBOURS} › ${control}`],
  };
}

export const CLAIMS: readonly Claim[] = [
  {
    id: 'sampling-exact',
    sentence: 'Noise has exactly the discrete Laplace or Gaussian distribution that it is said to have.',
    code: [
      'sandbox/release/sampler.ts:discreteGaussian',
      'sandbox/release/sampler.ts:discreteLaplace',
      'sandbox/release/exponential.ts:expOfMinusBits',
      'sandbox/release/random.ts:RandomSource',
    ],
    tests: [
      `${SAMPLER} › has its mean, its variance and its mass at every integer`,
      `${SAMPLER} › parameters far from one`,
      `${SAMPLER} › the coin of probability e^-x`,
      `${SAMPLER} › coins inside the samplers are settled by their own exact exponent`,
      `${SAMPLER} › our samples are integers, whatever they are added to`,
      'tests/release/exponential.test.ts › the exponential in doubles keeps its bound of 2^-43',
      'tests/release/random.test.ts › every value below 3·2^%i comes from exactly one bit pattern',
    ],
    controls: [
      `${SAMPLER} › negative control: noise one tenth too small does not pass for it`,
      `${SAMPLER} › negative control: textbook Laplace noise in doubles tells 0 from 1 in one answer out of five`,
      'tests/release/exponential.test.ts › negative control: an exponential that is 2^-42 wrong breaks the bound',
      'tests/release/random.test.ts › negative control: the same count catches a remainder in the place of rejection',
    ],
  },
  {
    id: 'calibration-gaussian',
    sentence: 'The σ² of Gaussian noise is Δ₂²/2ρ for the ρ of its vector, and buys the δ that was charged.',
    code: ['sandbox/release/noise.ts:noiseOf', 'sandbox/release/planned-noise.ts:noiseOfPlan'],
    tests: [
      `${NOISE} › ε 1, δ 1e-6 on one count gives the published σ`,
      `${NOISE} › the vectors of a Plan cost together exactly what was charged`,
      `${STATISTICS} › σ² = $sigmaSquared, ε = $epsilon: the sum is the published one`,
      `${STATISTICS} › what ($epsilon, $delta) is charged buys noise within that δ, and ×0.9 would not`,
      `${STATISTICS} › samples attain it: σ² = 1, ε = 1`,
    ],
    controls: [
      `${NOISE} › negative control: a σ² rounded down to an integer would cost more than was charged`,
      `${STATISTICS} › negative control: the classic σ = √(2·ln(1.25/δ))/ε has δ 1.9e-6 for 1e-6 at ε = 10`,
    ],
  },
  {
    id: 'calibration-laplace',
    sentence: 'The scale of Laplace noise is V·Δ₁/ε on a pure ledger, and what its ρ pays for on the other.',
    code: ['sandbox/release/noise.ts:noiseOf', 'sandbox/release/privacy-loss.ts:pureEpsilonOfRho'],
    tests: [
      `${NOISE} › Laplace noise on a pure ledger has scale V·Δ₁/ε`,
      `${NOISE} › Laplace noise on a zCDP ledger spends the largest pure ε that its share of ρ pays for`,
      `${STATISTICS} › ε = $epsilon holds between counts of 10 and 11, and noise ×0.9 does not`,
      `${STATISTICS} › discrete Laplace noise is pure: its δ at its own ε is zero, and positive just below`,
    ],
    controls: [
      `${STATISTICS} › no event proves more than ε = %d, and noise ×0.9 is convicted`,
      `${STATISTICS} › negative control: a sensitivity that forgets the number of keys breaks ε`,
    ],
  },
  {
    id: 'bounding-cells',
    sentence: 'A unit contributes to at most L0′ cells, chosen without a look at values.',
    code: ['sandbox/query/compile.ts:PlanBuilder', 'sandbox/query/print.ts:printPlan'],
    tests: [
      ...BOUNDING.tests,
      `${REFERENCE} › a unit in too many cells keeps those of smallest rank, ties by cell, after the list is applied`,
    ],
    controls: [`${NEIGHBOURS} › catches an engine that ignores L0`, ...BOUNDING.controls],
  },
  boundingOf(
    'units',
    'A unit counts once in each cell that it is kept in.',
    ['units: a and b are in p, a is in q'],
    'catches an engine that ignores L0',
  ),
  boundingOf(
    'rows',
    'A unit counts for at most R rows in each cell.',
    ['rows: min(3, 2) of a and 1 of b in p', 'rows of an argument: a has two values in p, both count'],
    'catches an engine that ignores R',
  ),
  boundingOf(
    'sum',
    'A unit adds no less than R·min(L, 0) and no more than R·max(U, 0) to the sum of a cell.',
    [
      'sum: 10 + 5 of a, −2 of b (clamped) in p; infinity clamps to 10 in q',
      'a sum of bounds that leave out zero is clamped to between zero and R·U',
    ],
    'catches NaN that passes a clamp and is cast to an integer',
  ),
  boundingOf(
    'centred',
    'AVG, VARIANCE and STDDEV weigh a unit of more than R rows down, so that it counts as R.',
    [
      'centred sum and squares of no more than R rows are plain',
      'centred sum and squares of more than R rows are weighted down and truncated',
    ],
    'catches an AVG that is not weighted down when a unit has more than R rows',
  ),
  boundingOf(
    'histogram',
    'A unit puts at most R rows into the bins of a cell.',
    ['a histogram keeps the R values whose ordinals in bin order have the smallest rank'],
    'catches an engine that ignores R',
  ),
  boundingOf(
    'quantile',
    'A unit puts at most R rows into the tree of a cell, once on each level.',
    ['histogram and quantile: values outside fall into the end bins'],
    'catches an engine that ignores R',
  ),
  {
    id: 'listed-keys',
    sentence: 'Every listed key is answered, whether the data hold it or not.',
    code: ['sandbox/release/release.ts:release', 'sandbox/query/keys.ts:keyOf'],
    tests: [
      'tests/release/listed-keys.test.ts › every listed cell is released, whatever the data hold',
      `${ORACLE} › computes exactly the integers of the oracle, from the source and from a prepared copy`,
    ],
    controls: [
      'tests/release/listed-keys.test.ts › control: thresholded keys that nobody has are not released',
    ],
  },
  {
    id: 'threshold-selection',
    sentence:
      'A key without a list shows only above a threshold, so that one unit makes it appear with at most δ.',
    code: [
      'sandbox/release/threshold.ts:thresholdOf',
      'sandbox/release/threshold.ts:isReleased',
      'sandbox/query/print.ts:printPlan',
    ],
    tests: [
      'tests/release/threshold.test.ts › has the published threshold and attains the published probability',
      'tests/release/threshold.test.ts › keys that one unit can make appear have a real δ within the amount, at any cohort',
      'tests/release/threshold.test.ts › a key below the cohort is never shown, however large the noise',
      `${REFERENCE} › thresholded keys`,
    ],
    controls: [
      'tests/release/threshold.test.ts › negative control: a threshold one too small has a larger δ',
      'tests/release/threshold.test.ts › negative control: the usual threshold beside a cohort, without k − 1, has a larger δ',
      `${NEIGHBOURS} › counts keys that cross the minimum cohort instead of measuring them`,
    ],
  },
  {
    id: 'cost-covers-loss',
    sentence: 'What the ledger charges is never below the exact privacy loss of the noise.',
    code: [
      'sandbox/release/accountant.ts:costOf',
      'sandbox/release/privacy-loss.ts:costNanoRho',
      'sandbox/release/privacy-loss.ts:pureRho',
    ],
    tests: [
      `${LOSS} › conversions agree with proposition 12 of Canonne, Kamath and Steinke`,
      `${LOSS} › ε = $epsilon costs ε·tanh(ε/2)`,
      `${LOSS} › of ($epsilon, $delta) are the exact floor and ceiling`,
      `${NOISE} › the vectors of a Plan cost together exactly what was charged`,
      `${STATISTICS} › what ($epsilon, $delta) is charged buys noise within that δ, and ×0.9 would not`,
    ],
    controls: [
      `${LOSS} › negative control: the formula of continuous Laplace noise undercharges integer noise`,
      `${STATISTICS} › negative control: σ² = $sigmaSquared: the continuous formula promises less`,
    ],
  },
  {
    id: 'capacity-outward',
    sentence: 'A capacity is rounded down and a cost up: no rounding gives budget away.',
    code: [
      'sandbox/release/accountant.ts:capacityOf',
      'sandbox/release/privacy-loss.ts:capacityNanoRho',
      'sandbox/release/privacy-loss.ts:nanoUp',
    ],
    tests: [
      `${LOSS} › of ($epsilon, $delta) round against the analyst`,
      `${LOSS} › a capacity never converts back to more than the ε it came from`,
      `${ACCOUNTANT} › refuses exactly what it cannot afford, to the last nano and the last yocto`,
    ],
    controls: [
      `${LOSS} › negative control: rounding to the nearest integer would give some budgets away`,
      `${LOSS} › negative control: the binary value of 0.1 is more than a tenth, so that its ceiling is one too many`,
    ],
  },
  {
    id: 'filter-never-overdrawn',
    sentence:
      'All requests of all buyers together never spend more than the budget, however they are chosen and timed.',
    code: [
      'gateway/storage/ledger.ts:reserveCharge',
      'gateway/storage/admission.ts:admit',
      'sandbox/release/accountant.ts:charge',
      'gateway/lab/state.ts:LabState',
    ],
    tests: [
      `${ACCOUNTANT} › never overspends, whatever is asked and in whatever order`,
      `${ACCOUNTANT} › charged on arrival, ten concurrent requests never spend more than there is`,
      `${ADMISSION} › B2: of fifty requests at once, each for 60 % of what is left, one is admitted`,
      'tests/lab/state.test.ts › B2: of fifty requests at once that cost 60 % each, one is accepted',
      'tests/lab/processes.test.ts › wait for each other, and share one ledger',
    ],
    controls: [
      `${ACCOUNTANT} › negative control: charged with the answer, some interleaving overspends`,
      `${ADMISSION} › the race catches an admission that charges late`,
    ],
  },
  {
    id: 'population-capped',
    sentence: 'Datasets of one population together lose no more than its budget, beside their own.',
    code: [
      'sandbox/manifest/population.ts:populationLedgerOf',
      'gateway/ledgers.ts:ledgersOf',
      'gateway/storage/registration.ts:registerDataset',
    ],
    tests: [
      'tests/lab/population.test.ts › B5: each lineage has room, the population is full: BUDGET, in another process too',
      'tests/lab/population.test.ts › B2: of fifty requests at once on two members, as many as the population holds are answered',
      'tests/storage/catalogue.test.ts › B5: a population keeps its first capacity and unit; a member may lower it, and none raises it',
    ],
    controls: [
      'tests/lab/population.test.ts › without a state every line has a fresh ledger of the population as well',
    ],
  },
  {
    id: 'one-ledger-per-source',
    sentence: 'Aliases, copies, versions and front ends of one source have one ledger.',
    code: ['gateway/storage/registration.ts:registerDataset', 'gateway/lab/state.ts:LabState'],
    tests: [
      'tests/lab/state.test.ts › B5: a second lineage over the same file, a copy or a link of it is refused',
      'tests/storage/catalogue.test.ts › the same %s under another lineage is refused',
      'tests/storage/catalogue.test.ts › B6: an alias of a lineage that leaves its population out, or names another, is refused',
    ],
    controls: ['tests/lab/state.test.ts › is fresh for each line without a state'],
  },
  {
    id: 'no-float-noise',
    sentence: 'What is released lies on the public grid: no bit of a double tells where it came from.',
    code: ['sandbox/release/noise.ts:sampleVector', 'sandbox/release/estimate.ts:estimatorOf'],
    tests: [
      'tests/attacks/precision.test.ts › are on the public grid, and no class of values belongs to one side alone',
      'tests/attacks/precision.test.ts › guesses a sum of one value, 0 or 1, no better than ε lets anybody',
      'tests/attacks/precision.test.ts › F3: a sum beyond 2^53 and many ones of both signs are one sum in every order, and in doubles several',
    ],
    controls: [
      'tests/attacks/precision.test.ts › control: noise in doubles is on no grid, and its classes tell the sides apart',
      'tests/attacks/precision.test.ts › control: reads it off noise in doubles',
    ],
  },
  {
    id: 'post-processing-only',
    sentence: 'Every released aggregate keeps the ε of its Plan: what follows the noise costs nothing.',
    code: ['sandbox/release/estimate.ts:estimatorOf', 'sandbox/release/present.ts:present'],
    tests: [
      'tests/release/mechanisms.test.ts › %s keeps it, and attains it',
      'tests/attacks/membership.test.ts › says whose noisy count is the largest, and no more than ε',
      'tests/attacks/precision.test.ts › F5: an average does not show its denominator',
    ],
    controls: ['tests/release/mechanisms.test.ts › negative control: %s with %s does not'],
  },
  {
    id: 'attacks-fail',
    sentence: 'Reconstruction, trackers and membership inference do no better than the budget allows.',
    code: ['sandbox/release/release.ts:release', 'sandbox/release/accountant.ts:charge'],
    tests: [
      'tests/attacks/reconstruction.test.ts › guesses a bit that three in ten have hardly better than by chance, and reads it without noise',
      'tests/attacks/reconstruction.test.ts › guesses a bit that every other one has no better than the budget allows any attack',
      'tests/attacks/membership.test.ts › D6: the means of twenty traits do not tell a participant, and exact means do',
    ],
    controls: [
      'tests/attacks/reconstruction.test.ts › guesses a bit that three in ten have hardly better than by chance, and reads it without noise',
    ],
  },
  {
    id: 'total-functions',
    sentence: 'No value of a row makes a run fail: NULL, NaN, infinities and overflow have defaults.',
    code: [
      'sandbox/query/print-expression.ts:ExpressionPrinter',
      'sandbox/query/scan.ts:printScan',
      'sandbox/query/print.ts:printGrid',
    ],
    tests: [
      'tests/lab/hostile-values.test.ts › hostile values',
      'tests/lab/hostile-values.test.ts › C2: NaN and what is no number are NULL; infinities are larger than all',
      `${ORACLE} › cleans dirty text as the oracle does`,
    ],
    controls: [`${NEIGHBOURS} › catches NaN that passes a clamp and is cast to an integer`],
  },
  {
    id: 'noise-unheard',
    sentence: 'The time in which an answer is made does not tell how large its noise is.',
    code: ['sandbox/release/noise-pool.ts:NoisePool', 'sandbox/execute.ts:measure'],
    tests: [
      'tests/release/noise-pool.test.ts › that is filled needs no randomness when $name are released',
      'tests/release/noise-pool.test.ts › does not tell how large the noise is',
    ],
    controls: [
      'tests/release/noise-pool.test.ts › that was not filled draws then: the control of the test above',
      'tests/release/noise-pool.test.ts › tells it when the noise is drawn within: the control',
    ],
  },
  ...PROGRAM_CLAIMS,
  ...PLATFORM_CLAIMS,
];
