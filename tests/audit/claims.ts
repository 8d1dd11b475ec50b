/**
 * The claims: what the project promises, the code that carries each promise, and the tests that would fail without it.
 *
 * Data only. `code` is `file:name` of something declared there; tests are `file › title` as written in the file, of a
 * test or of a group; a control is a test that catches a broken variant, so that the others are known to see it.
 * docs/privacy-guarantee.md names each claim as `claim:id`.
 */

export interface Claim {
  readonly id: string;
  readonly sentence: string;
  readonly code: readonly string[];
  readonly tests: readonly string[];
  readonly controls: readonly string[];
}

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
const COMMIT = 'tests/storage/release.test.ts';
const GUARDS = 'tests/storage/guards.test.ts';
const CRASH = 'tests/storage/crash.test.ts';

/** What holds every measure to its bound: integers equal to the oracle's, and neighbours no further than declared. */
const BOUNDING = {
  code: ['sandbox/release/sensitivity.ts:sensitivityOf', 'sandbox/query/print.ts:printPlan'],
  tests: [
    `${REPLAY} › neighbours end alike, and never differ by more than one unit may contribute`,
    `${REPLAY} › Release declares what one unit may contribute, a tree once per level, and admits every integer found`,
    `${NEIGHBOURS} › reaches the bound of every measure, so that none is loose`,
  ],
  controls: [`${REPLAY} › an engine that %s is caught`],
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
    code: ['sandbox/release/noise.ts:noiseOf', 'sandbox/release/release.ts:noiseOfPlan'],
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
  {
    id: 'reserve-before-read',
    sentence: 'A reservation is opened, in a transaction of its own, before any source is.',
    code: ['gateway/runner/run-job.ts:releaseJob', 'gateway/storage/open.ts:openJob'],
    tests: [
      'tests/journeys/bad-days.test.ts › a source that is $name after registration: $code, spent, others served, a new version works',
      `${CRASH} › a crash at any point of %s loses and doubles nothing`,
      `${COMMIT} › recovery queues what was held, spends what was opened, and gives up after three claims`,
    ],
    controls: [`${ACCOUNTANT} › negative control: charged with the answer, some interleaving overspends`],
  },
  {
    id: 'never-refunded',
    sentence: 'From its opening on a reservation is only ever spent, whatever happens to the job.',
    code: [
      'gateway/storage/abort.ts:endOpened',
      'gateway/storage/ledger.ts:endReservations',
      'gateway/storage/migrations/0001_guards.sql:never_refunded',
    ],
    tests: [
      `${COMMIT} › B1: a failure after opening keeps the reservation; one before gives it back`,
      `${COMMIT} › only a held reservation expires`,
      `${GUARDS} › never: %s`,
      'tests/storage/kill.test.ts › a runner killed with -9 after %s lines loses no release and gets no budget back',
      'tests/lab/processes.test.ts › B1: leaves its reservation spent, and its lock to the next, with and without the victim',
    ],
    controls: [`${GUARDS} › every invariant has a tampering that it must report`],
  },
  {
    id: 'one-transaction',
    sentence:
      'Answer, debit, usage record, receipt, log leaf and job state are committed together or not at all.',
    code: ['gateway/storage/release.ts:commitRelease', 'gateway/storage/run-record.ts:endJob'],
    tests: [
      `${COMMIT} › a release commits answer, debit, use, record, leaf and state together`,
      `${CRASH} › a crash at any point of %s loses and doubles nothing`,
      `${CRASH} › jobs of many clients that crash anywhere end with every answer paid and nothing reserved`,
    ],
    controls: [`${CRASH} › the crash test catches a release that is two transactions`],
  },
  {
    id: 'public-quantities',
    sentence: 'Beside released values a buyer reads nothing about a run that depends on the data.',
    code: [
      'gateway/services/job-resource.ts:jobResource',
      'gateway/storage/run-record.ts:usageDigest',
      'sandbox/release/statement.ts:plannedUsageOf',
    ],
    tests: [
      'tests/lab/public-quantities.test.ts › with and without the victim',
      'tests/journeys/neighbours.test.ts › a heavy unit with keys and values of its own changes nothing that a buyer sees but released values',
    ],
    controls: [
      'tests/lab/public-quantities.test.ts › the control: an object that carries a row count is caught',
      'tests/journeys/neighbours.test.ts › control: %s would be seen',
    ],
  },
  {
    id: 'refused-before-data',
    sentence: 'A request that is refused is refused before a source is opened, and spends nothing.',
    code: ['sandbox/query/compile.ts:compileQuery', 'gateway/storage/admission.ts:refuse'],
    tests: [
      'tests/attacks/sql.test.ts › $id $code: $sql',
      'tests/attacks/sql.test.ts › the answer is the refusal, not the missing file, and nothing is spent',
      `${ADMISSION} › a refusal is recorded as a job that is done, with a usage record and a leaf, and spends nothing`,
    ],
    controls: ['tests/attacks/sql.test.ts › the check tells a refusal from an acceptance'],
  },
  {
    id: 'no-row-leaves',
    sentence: 'No route, verb, role or setting gives a value of a row.',
    code: ['sandbox/release/release.ts:release', 'gateway/services/release-view.ts:getRelease'],
    tests: [
      'tests/journeys/raw-rows.test.ts › a value of a row leaves',
      'tests/gateway/access.test.ts › has a schema for every answer, and none of them is a row: no hidden column, unit or source leaves',
    ],
    controls: [
      'tests/journeys/raw-rows.test.ts › control: a route that answered with one row, bare or in base64url, would be seen',
    ],
  },
  {
    id: 'bits-out',
    sentence: 'Whatever a reader hands over, at most `bitsOut` bits leave with a release.',
    code: ['sandbox/release/bits-out.ts:bitsOutOf', 'sandbox/release/sensitivity.ts:rangeOf'],
    tests: [
      'tests/release/bits-out.test.ts › the bound',
      'tests/release/bits-out.test.ts › an input that uses the whole range carries less, from a range below the noise to one far above',
    ],
    controls: [
      'tests/release/bits-out.test.ts › negative control: the bound of an eighth of the range would be exceeded',
    ],
  },
  {
    id: 'repeats-free',
    sentence: 'The same question of the same grant and version has one answer, paid once.',
    code: ['gateway/storage/admission.ts:admit', 'sandbox/query/normalise.ts:normalise'],
    tests: [
      `${ADMISSION} › the same Plan under the same grant is answered from store: no budget, one run, ε 0`,
      'tests/lab/state.test.ts › B3: a thousand times the same request is paid once, and gives one answer',
      'tests/lab/state.test.ts › B4: in another process and another spelling it is free; what changes the noise is paid',
      'tests/query/plan.test.ts › B4: one question has one Plan, however it is spelt',
    ],
    controls: [`${ADMISSION} › another grant, another version, or repeats: fresh gets fresh noise and pays`],
  },
  {
    id: 'release-times',
    sentence:
      'An answer is visible at its planned or quantised time, and until then a job looks as if it ran.',
    code: ['sandbox/release/timing.ts:releaseTimeMs', 'gateway/services/job-resource.ts:jobResource'],
    tests: [
      'tests/lab/command.test.ts › planned: the answer leaves when the plan says; quantum: at a multiple; exact: at once',
      'tests/lab/public-quantities.test.ts › answers leave when the plan says',
      `${COMMIT} › before its release time an ended job looks like one that runs, in every read`,
      'tests/gateway/job-journey.test.ts › an ended job looks as if it ran: resource, events, answer, receipt, usage and checkpoint',
      'tests/attacks/cancellation.test.ts › by a buyer has the same end before and after the run has ended',
      'tests/attacks/timing.test.ts › under %s times no channel tells whether the victim is there',
    ],
    controls: [
      'tests/attacks/timing.test.ts › negative control: under exact times every channel tells',
      'tests/attacks/cancellation.test.ts › by an operator has not, which the comparison sees',
    ],
  },
  {
    id: 'closed-sql',
    sentence:
      'A text becomes a Plan only if every part of it is understood; all else is refused with a code.',
    code: [
      'sandbox/query/parse.ts:parseSelect',
      'sandbox/query/decode.ts:decodeSelect',
      'sandbox/query/decode-expression.ts:NODES',
    ],
    tests: [
      'tests/oracle/sql-fuzz.test.ts › any text at all',
      'tests/query/decode.test.ts › the decoder',
      'tests/attacks/sql.test.ts › texts of great size are refused in time',
    ],
    controls: ['tests/oracle/sql-fuzz.test.ts › control: a front end that'],
  },
  {
    id: 'sql-as-oracle',
    sentence: 'The SQL that is printed for a Plan computes exactly what the Plan means, integer for integer.',
    code: ['sandbox/query/print.ts:printPlan', 'sandbox/execute.ts:computePartials'],
    tests: [
      `${ORACLE} › means by every statement what its text says`,
      `${ORACLE} › computes exactly the integers of the oracle, from the source and from a prepared copy`,
      `${ORACLE} › cleans dirty text as the oracle does`,
      `${ORACLE} › reads columns that are stored in another type`,
    ],
    controls: [`${ORACLE} › shows defects of the printed SQL`],
  },
  {
    id: 'jail-self-test',
    sentence: 'A layer of the jail that is reported as held was seen to hold under the same command.',
    code: ['sandbox/jail/self-test.ts:findWeaknesses', 'sandbox/jail/jail.ts:testJail'],
    tests: [
      'tests/jail/jail.test.ts › the jail as it is has no weakness and every layer',
      'tests/jail/seccomp.test.ts › %s: every listed call fails with EPERM and no other is listed twice',
      'tests/reader/reader.test.ts › a reader has every layer of the jail',
    ],
    controls: [
      'tests/jail/jail.test.ts › the self-test sees $name',
      'tests/jail/seccomp.test.ts › %s: a filter that forgot one call lets it through, so the check above can fail',
    ],
  },
  {
    id: 'receipts-verify',
    sentence: 'A receipt verifies offline, and no changed one does.',
    code: ['crypto/receipt.ts:issueReceipt', 'crypto/receipt.ts:verifyReceipt'],
    tests: [
      'tests/crypto/receipt.test.ts › with everything given, every check is made and holds',
      'tests/crypto/receipt.test.ts › every changed character of a receipt is noticed, by a named check',
      'tests/gateway/job-journey.test.ts › has a receipt that verifies offline against the published keys and a proof in the log',
    ],
    controls: [
      'tests/crypto/receipt.test.ts › a reader who looks at the payload only is taken in by a changed receipt',
    ],
  },
  {
    id: 'log-append-only',
    sentence:
      'The log only grows: a changed, dropped or reordered leaf is in no tree that a checkpoint signs.',
    code: [
      'crypto/log/merkle.ts:verifyInclusion',
      'crypto/log/merkle.ts:verifyConsistency',
      'gateway/storage/migrations/0001_guards.sql:unseen_forbid',
    ],
    tests: [
      'tests/crypto/merkle-mutations.test.ts › no corrupted inclusion proof verifies',
      'tests/crypto/merkle-mutations.test.ts › no corrupted consistency proof verifies',
      'tests/crypto/merkle-mutations.test.ts › no tree with another, swapped, missing or added leaf has the same root',
      `${GUARDS} › %s takes inserts only, even from its owner`,
      `${COMMIT} › every leaf is in the tree that its nodes and its head describe`,
    ],
    controls: [
      'tests/crypto/merkle-mutations.test.ts › the corruptions catch careless verifiers of inclusion',
      'tests/crypto/merkle-mutations.test.ts › the corruptions catch careless verifiers of consistency',
    ],
  },
];
