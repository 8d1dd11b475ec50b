/**
 * The claims about the platform: what happens to budget, records, texts and readers around a release. Data only, as
 * in claims.ts.
 */
import type { Claim } from './claim.ts';

const ACCOUNTANT = 'tests/release/accountant.test.ts';
const ORACLE = 'tests/oracle/sql-oracle.test.ts';
const ADMISSION = 'tests/storage/admission.test.ts';
const COMMIT = 'tests/storage/release.test.ts';
const GUARDS = 'tests/storage/guards.test.ts';
const CRASH = 'tests/storage/crash.test.ts';
const KILLS = 'tests/kills/kills.test.ts';

export const PLATFORM_CLAIMS: readonly Claim[] = [
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
    id: 'killed-anywhere',
    sentence:
      'However often gateway, runner and clerk are killed, answers, usage, leaves and rated runs stay equally many, and budget and money exact.',
    code: [
      'gateway/storage/admission.ts:admit',
      'gateway/storage/abort.ts:recover',
      'gateway/storage/spend-returns.ts:returnSpend',
      'gateway/storage/statements.ts:closeMonth',
    ],
    tests: [
      `${KILLS} › two hundred kills lose nothing that was acknowledged and double nothing`,
      'tests/journeys/processes.test.ts › answers, survives kill -9 of runner and gateway, and gives no budget back',
      `${CRASH} › a crash at any point of %s loses and doubles nothing`,
    ],
    controls: [
      `${KILLS} › control: usage that is written after its release is lost by a kill, and seen to be`,
      `${CRASH} › the crash test catches a release that is two transactions`,
    ],
  },
  {
    id: 'bills-agree',
    sentence:
      'A bill is what was metered: rated to the fen, signed, and compared with the evidence and with a provider’s own copy, record by record.',
    code: [
      'gateway/billing/rating.ts:rateGroup',
      'gateway/storage/rating.ts:rateNew',
      'gateway/storage/reconcile.ts:reconcile',
      'gateway/copy/record.ts:compareRecords',
    ],
    tests: [
      'tests/billing/rating-properties.test.ts › a bill adds up to the fen, and each line is rounded once',
      'tests/billing/rating-postgres.test.ts › 20,000 random cases come out as in the arithmetic of the database, and broken ways do not',
      'tests/billing/reconcile.test.ts › sound books have nothing to report, as a whole and by month',
      'tests/cli/usage-copy.test.ts › a large copy is checked, read in order, and compared record by record',
    ],
    controls: [
      'tests/billing/rating-properties.test.ts › control: rounding every event does not add up, and binary fractions lose a tie',
      'tests/billing/tampering.test.ts › is found: %s',
    ],
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
    id: 'reviewed-kinds',
    sentence:
      'Models, reports and reviewed datasets release nothing, not even that they are done, before a person decided.',
    code: [
      'policies/output-kind.ts:needsReview',
      'gateway/storage/visibility.ts:isShown',
      'gateway/storage/review.ts:decideHeld',
    ],
    tests: [
      'tests/gateway/reviews.test.ts › it looks to its buyer as if it still ran: job, events, answer, receipt, proof, usage, budget',
      'tests/gateway/reviews.test.ts › is nobody’s of the applicant’s side, also where that side provides the data or runs the platform',
      'tests/storage/review.test.ts › a waiting answer is seen by no way, and by every way from its approval on',
    ],
    controls: ['tests/journeys/neighbours.test.ts › control: %s would be seen'],
  },
  {
    id: 'verification-never',
    sentence: 'An answer about one named person or firm is refused, whatever the grant, role or setting.',
    code: ['policies/output-kind.ts:refuseVerification', 'policies/explain.ts:refusalOf'],
    tests: [
      'tests/attacks/verification.test.ts › in files',
      'tests/attacks/verification.test.ts › in a request',
      'tests/attacks/verification.test.ts › in the lab',
    ],
    controls: ['tests/attacks/verification.test.ts › past the door'],
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
    code: ['sandbox/release/bits-out.ts:bitsOutOf', 'sandbox/release/sensitivity.ts:rangesOf'],
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
