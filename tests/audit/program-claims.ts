/**
 * The claims about programs: what a record can do to others, how what it returns is bounded, and when the answer leaves.
 * Data only; see claims.ts.
 */
import type { Claim } from './claim.ts';

const BOUNDING = 'tests/program/bounding.test.ts';
const STATE = 'tests/attacks/programs/state.test.ts';
const PATH = 'tests/attacks/programs/whole-path.test.ts';
const REPLAY = 'tests/attacks/programs/replay.test.ts';
const BLOCKS = 'tests/program/blocks-bounding.test.ts';
const MECHANISMS = 'tests/release/mechanisms.test.ts';

export const PROGRAM_CLAIMS: readonly Claim[] = [
  {
    id: 'map-as-oracle',
    sentence:
      'What a program returned of its records is bounded per unit and cell exactly as the reference says, wherever the records are cut and in whatever order they come.',
    code: ['sandbox/program/bounding.ts:MapBounding', 'sandbox/program/tallies.ts:tallyOf'],
    tests: [
      `${BOUNDING} › are those of the reference engine, wherever buffers are cut and in whatever order they come`,
      `${BOUNDING} › are exact, with %s`,
      `${BOUNDING} › moves no vector by more than its sensitivity`,
      `${BOUNDING} › what a worker returned`,
    ],
    controls: [
      `${BOUNDING} › negative control: bounding each buffer by itself lets a unit that straddles buffers count in each`,
      `${BOUNDING} › negative control: work that is split by record instead of by unit lets a unit count in each part`,
      `${BOUNDING} › negative control: fuel that records share lets one unit take from all others`,
    ],
  },
  {
    id: 'bounding-vector',
    sentence: 'A unit adds to a cell of a vector sum a vector of L2 norm at most C, by integers.',
    code: ['sandbox/program/vector-tally.ts:VectorTally', 'sandbox/release/sensitivity.ts:sensitivityOf'],
    tests: [
      `${BOUNDING} › moves no vector by more than its sensitivity`,
      `${MECHANISMS} › has the δ of its L2 sensitivity, and noise for a smaller one has more`,
      `${MECHANISMS} › %s keeps it, and attains it`,
    ],
    controls: [`${MECHANISMS} › negative control: %s with %s does not`],
  },
  {
    id: 'bounding-blocks',
    sentence:
      'A unit changes one block, and so each entry of the sum over blocks by at most the width of its bounds.',
    code: [
      'sandbox/program/blocks-bounding.ts:BlocksBounding',
      'sandbox/release/sensitivity.ts:sensitivityOf',
    ],
    tests: [
      `${BLOCKS} › moves the sums by no more than the sensitivity, whatever the block answers with and without it`,
      `${BLOCKS} › reaches it: from the lowest answers to the highest`,
      `${MECHANISMS} › %s keeps it, and attains it`,
    ],
    controls: [
      `${BLOCKS} › negative control: in two blocks at once it moves them by more`,
      `${MECHANISMS} › negative control: %s with %s does not`,
    ],
  },
  {
    id: 'program-times',
    sentence:
      'The time at which the answer of a program leaves follows from its Plan, and no run may take longer.',
    code: ['sandbox/program/limits.ts:runTimesOf', 'sandbox/planning.ts:timingUnder'],
    tests: [
      'tests/program/compile.test.ts › is planned, unless a policy or the lab says otherwise',
      'tests/program/compile.test.ts › is the wall limit: twice all fuel at the slowest speed, and what start-up and re-runs may take',
    ],
    controls: [
      'tests/program/compile.test.ts › is refused beyond a day, and no smaller number of rows takes longer',
    ],
  },
  {
    id: 'map-stateless',
    sentence: 'What a record gives depends on that record alone, through every channel that we know of.',
    code: [
      'sandbox/program/admission/admit.ts:admitProgram',
      'sandbox/program/admission/print/module.ts:printProgram',
      'sandbox/worker/realm.ts:lockedScripts',
      'sandbox/worker/driver.ts:mapDriver',
    ],
    tests: [
      `${STATE} › are refused, or every record gives what it gives alone, in any order, with and without a compiler`,
      'tests/program/stateless.test.ts › thousands of programs that try are refused, or run without state',
      'tests/worker/self-test.test.ts › the walk over the hardened realm finds no object that can be changed and no setter that stores',
    ],
    controls: [
      `${STATE} › do carry it as they are written, in an isolate as it comes`,
      `${STATE} › without freezing the values of the module, or what comes with the language, accepted programs carry state`,
      `${STATE} › without its rule each of these stores carries state, though everything is frozen that can be`,
      `${STATE} › in an isolate that buffers share, one buffer finds what another left`,
    ],
  },
  {
    id: 'program-silence',
    sentence:
      'Whatever a program does on one record, all others contribute what they did, and a buyer reads the same beside released values.',
    code: ['sandbox/program/measure.ts:measureProgram', 'sandbox/worker/driver.ts:mapDriver'],
    tests: [
      `${PATH} › an attack contributes what it is said to, and most of them nothing`,
      `${PATH} › what everybody else contributes is the same with all victims and without`,
      'tests/lab/public-quantities.test.ts › with and without the victim',
      `${REPLAY} › of records that use up their fuel moves by no more than one unit may move it`,
    ],
    controls: [`${REPLAY} › control: fuel that all records of a buffer share is found`],
  },
  {
    id: 'isolate-death',
    sentence:
      'A record that ends its isolate contributes nothing, alone, and the rest of its buffer what it did.',
    code: ['sandbox/program/run-map.ts:runMap'],
    tests: [
      `${REPLAY} › of records that kill their isolate moves by no more than one unit may move it`,
      `${PATH} › $row: $id ends the isolate of its record, which alone contributes nothing`,
      'tests/program/run-map.test.ts › gives every record its own result, whichever isolates and processes die',
    ],
    controls: [`${REPLAY} › control: a dead isolate that turns its whole buffer into defaults is found`],
  },
  {
    id: 'blocks-whole-units',
    sentence: 'All records of a unit are in one block, and its whole answer is what a unit is charged for.',
    code: ['sandbox/program/run-blocks.ts:runBlocks', 'sandbox/release/sensitivity.ts:sensitivityOf'],
    tests: [
      `${REPLAY} › move by exactly their sensitivity, in all entries, for a unit that spoils its block`,
      'tests/program/blocks.test.ts › hold every record once, and a unit whole',
    ],
    controls: [
      `${REPLAY} › control: a partition that splits a unit is found`,
      `${REPLAY} › control: charged with the groups of a unit, they move by more than is charged`,
    ],
  },
  {
    id: 'worker-says-numbers',
    sentence:
      'A worker that was taken over can say finite numbers of a fixed count and listed codes, or one word.',
    code: ['sandbox/worker/protocol.ts:decodeMapAnswer', 'sandbox/worker/protocol.ts:decodeBlockAnswer'],
    tests: [
      'tests/worker/hostile-worker.test.ts › of two answers to one question the first is taken, and the process killed for the second',
      'tests/worker/hostile-worker.test.ts › a hostile process in the jail gets nothing of what it tries',
      'tests/attacks/escapes.test.ts › no attack gets what it wants in the isolate of a worker, but what admission is there to stop',
    ],
    controls: [
      'tests/worker/hostile-worker.test.ts › without a jail the same process gets most of it',
      'tests/attacks/escapes.test.ts › every layer has an attack that it alone is on record for, and that wins without it',
    ],
  },
];
