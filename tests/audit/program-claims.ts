/** The claims about what programs return: how it is bounded, and when its answer leaves. Data only; see claims.ts. */
import type { Claim } from './claim.ts';

const BOUNDING = 'tests/program/bounding.test.ts';
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
];
