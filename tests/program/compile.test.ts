/** From a program to a Plan: what is measured, shown, charged and planned, and what is refused with which code. */
import { describe, expect, test } from 'vitest';
import type { ColumnType, Dataset } from '#sandbox/manifest/dataset.ts';
import { Refusal } from '#policies/refusal.ts';
import { cellsOf, cellsPerUnitOf, columnsReadBy } from '#sandbox/plan.ts';
import type { ParamSpec, Program, ProgramOutput } from '#sandbox/program/program.ts';
import { expectedErrorsOf } from '#sandbox/release/expected-error.ts';
import { sensitivityOf } from '#sandbox/release/sensitivity.ts';
import { planDigestOf, plannedUsageOf } from '#sandbox/release/statement.ts';
import { people, policyWith, rowsOfPeople } from '#tests/query/people.ts';
import {
  blocksWith,
  compiledProgram,
  countOf,
  type ProgramCircumstances,
  programWith,
  sumOf,
} from '#tests/support/programs.ts';

const REGION = { name: 'region', values: ['n', 's', 'e', 'w'] };
const SEX = { name: 'sex', values: [0, 1] };

/** The code with which a request is refused. */
function refusedWith(program: Program, given: ProgramCircumstances = {}): string {
  try {
    compiledProgram(program, given);
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
  return 'compiled';
}

describe('a Plan of a program', () => {
  test('measures the columns that the program returns, over the keys of each output', () => {
    const outputs = [
      countOf('adults', { by: [REGION] }),
      sumOf('spend', { by: [REGION, SEX], bounds: [0, 100], granularity: 1 }),
      countOf('all', { quality: true }),
    ];
    const { plan, presentation, program } = compiledProgram(programWith({ outputs }), {
      policy: { maxGroupsPerUnit: 5 },
    });
    expect(plan.keys).toMatchObject({ mode: 'listed', cells: 8 });
    expect(plan.measures.map((measure) => [measure.kind, measure.over, cellsOf(plan, measure)])).toEqual([
      ['rows', [0], 4],
      ['sum', undefined, 8],
      ['rows', [], 1],
      ['rows', [], 1],
      ['rows', [], 1],
    ]);
    expect(plan.measures.map((measure) => cellsPerUnitOf(plan, measure))).toEqual([4, 5, 1, 1, 1]);
    expect(presentation.outputs.map(({ name }) => name)).toEqual([
      'adults',
      'spend',
      'all',
      'all_defaulted',
      'all_clamped',
    ]);
    expect(presentation.keyNames).toEqual(['region', 'sex']);
    expect(program.keys).toEqual([REGION, SEX]);
    expect(plan.program!.columns).toEqual(['adults', 'spend', 'all'].map((name) => ({ name, width: 1 })));
  });

  test('has the sensitivities of SQL, and of vectors and blocks those of their definition', () => {
    const vector = {
      kind: 'vector',
      name: 'g',
      by: [REGION],
      quality: false,
      length: 4,
      clip: 8,
      bounds: null,
    };
    const { plan } = compiledProgram(
      programWith({
        outputs: [{ ...vector, granularity: 1 } as ProgramOutput, sumOf('s', { granularity: 1 })],
      }),
    );
    // Two of four regions; clip 8, four entries; then three rows of at most 100.
    expect(plan.measures.map((measure) => sensitivityOf(plan, measure))).toEqual([
      { l1: 32n, l2Squared: 128n },
      { l1: 300n, l2Squared: 90_000n },
    ]);
    const outputs = [
      { kind: 'mean', name: 'a', by: [], quality: false, bounds: [0, 10], granularity: 1 },
      {
        kind: 'vector',
        name: 'b',
        by: [REGION],
        quality: false,
        length: 2,
        clip: null,
        bounds: [-1, 1],
        granularity: 1,
      },
    ] as const;
    const blocks = compiledProgram(blocksWith({ outputs }));
    expect(sensitivityOf(blocks.plan, blocks.plan.measures[0]!)).toEqual({ l1: 26n, l2Squared: 132n });
    expect(blocks.plan.program!.columns).toEqual([
      { name: 'a', width: 1 },
      { name: 'b', width: 8 },
    ]);
  });

  test('of a row-unit dataset bounds nothing but each row', () => {
    const { plan } = compiledProgram(programWith({ outputs: [countOf('n', { by: [REGION] }), sumOf('s')] }), {
      datasets: [rowsOfPeople],
    });
    expect(plan.unit).toBeNull();
    expect(plan.measures.map((measure) => cellsPerUnitOf(plan, measure))).toEqual([1, 1]);
    expect(sensitivityOf(plan, plan.measures[0]!)).toEqual({ l1: 1n, l2Squared: 1n });
  });

  test('reads the columns of its inputs, and the unit', () => {
    const { plan, program } = compiledProgram(
      programWith({
        inputs: [
          {
            dataset: 'people',
            columns: [
              { name: 'years', column: 'age' },
              { name: 'again', column: 'age' },
              { name: 'open', column: 'flag' },
              { name: 'on', column: 'day' },
            ],
          },
        ],
      }),
    );
    expect([...columnsReadBy(plan)]).toEqual(['uid', 'age', 'flag', 'day']);
    expect(program.sources[0]!.columns.map(({ kind }) => kind)).toEqual([
      'number',
      'number',
      'boolean',
      'text',
    ]);
    // 1,000 declared rows of four columns.
    expect(plannedUsageOf(plan)).toMatchObject({ rows: '1000', bytes: '32000', outputs: '1' });
  });

  test('is the same for the same request, and another for another program, parameter or policy', () => {
    const params: readonly ParamSpec[] = [{ name: 'limit', type: 'number', default: 18 }];
    const digest = (program: Program, given: ProgramCircumstances = {}): string =>
      planDigestOf(compiledProgram(program, given).plan);
    const one = digest(programWith({ params }));
    expect(digest(programWith({ params }), { ask: { params: { limit: 18 } } })).toBe(one);
    const others = [
      digest(programWith({ params }), { ask: { params: { limit: 21 } } }),
      digest(programWith({ params, fuel: 999 })),
      digest(programWith({ params, name: 'other' })),
      digest(programWith({ params }), { policy: { engine: 'fast' } }),
      digest(programWith({ params }), { policy: { maxAborts: 2 } }),
      digest(programWith({ params }), { ask: { epsilon: 0.5 } }),
    ];
    expect(new Set([one, ...others]).size).toBe(7);
  });

  test('lists its keys whatever the policy says of those of SQL, and costs no δ of their selection', () => {
    const { plan } = compiledProgram(programWith({ outputs: [countOf('n', { by: [REGION] })] }), {
      policy: { keys: 'thresholded' },
    });
    expect(plan.keys.mode).toBe('listed');
    expect(plan.cost.thresholdDeltaYocto).toBe(0n);
  });

  test('counts the units of every grid of cells where small ones are withheld', () => {
    const { plan } = compiledProgram(
      programWith({ outputs: [countOf('n', { by: [REGION] }), countOf('all')] }),
      { policy: { hideBelow: 5 } },
    );
    expect(plan.measures.map(({ kind, over }) => [kind, over])).toEqual([
      ['rows', undefined],
      ['rows', []],
      ['units', undefined],
      ['units', []],
    ]);
    expect(plan.hideBelow).toEqual({ below: 5, units: 2 });
  });
});

describe('the time of an answer', () => {
  const timing = (given: ProgramCircumstances, program = programWith()): unknown =>
    compiledProgram(program, given).plan.timing;

  test('is planned, unless a policy or the lab says otherwise', () => {
    expect(timing({})).toMatchObject({ mode: 'planned' });
    expect(timing({ timing: { mode: 'exact' } })).toEqual({ mode: 'exact' });
    expect(timing({ policy: { timing: 'exact' } })).toEqual({ mode: 'exact' });
    expect(timing({ policy: { timing: { quantumMs: 500 } } })).toEqual({ mode: 'quantum', quantumMs: 500 });
    expect(timing({ policy: { timing: 'planned' }, timing: { mode: 'exact' } })).toMatchObject({
      mode: 'planned',
    });
  });

  test('is the wall limit: twice all fuel at the slowest speed, and what start-up and re-runs may take', () => {
    const large: Dataset = { ...people, maxRows: 2 ** 24 };
    const [strict, fast] = [{}, { engine: 'fast' }].map(
      (policy) => compiledProgram(programWith(), { policy, datasets: [large] }).plan,
    );
    // 2^24 records of 1,000 ticks: 671 s at 25 million ticks a second, and 67 s of rows.
    expect(strict!.program!.plannedMs).toBe(Math.ceil(2 ** 24 * (1000 / 25_000 + 0.004)));
    expect(strict!.program!.wallLimitMs).toBeGreaterThan(2 * strict!.program!.plannedMs);
    expect(strict!.timing).toEqual({ mode: 'planned', releaseAfterMs: strict!.program!.wallLimitMs });
    expect(Math.ceil(strict!.program!.wallLimitMs / 60_000)).toBe(27);
    expect(Math.ceil(fast!.program!.wallLimitMs / 60_000)).toBe(8);
    expect(timing({}, blocksWith())).toEqual({
      mode: 'planned',
      // 100 blocks of 200 ms, twice; 2 s; 125 ms for each block that dies; and the rows.
      releaseAfterMs: 40_000 + 8 + 2_000 + 12_500 + 1,
    });
  });

  test('is refused beyond a day, and no smaller number of rows takes longer', () => {
    expect(
      refusedWith(programWith({ fuel: 1_000_000 }), { datasets: [{ ...people, maxRows: 2 ** 24 }] }),
    ).toBe('PARAM');
    expect(refusedWith(blocksWith({ blocks: { count: 100, cpuMs: 600_000 } }))).toBe('PARAM');
    const limits = [1, 1_000, 65_536, 65_537, 2 ** 22].map(
      (maxRows) =>
        compiledProgram(programWith(), { datasets: [{ ...people, maxRows }] }).plan.program!.wallLimitMs,
    );
    expect(limits).toEqual(limits.toSorted((a, b) => a - b));
  });
});

describe('what is refused', () => {
  const reading = (column: string): Program =>
    programWith({ inputs: [{ dataset: 'people', columns: [{ name: 'x', column }] }] });
  const returning = (...outputs: ProgramOutput[]): Program => programWith({ outputs });
  const by = (values: readonly (string | number | boolean | null)[], name = 'k'): Program =>
    returning(countOf('n', { by: [{ name, values }] }));
  const param = (type: ParamSpec['type'], value: unknown): [Program, ProgramCircumstances] => [
    programWith({ params: [{ name: 'p', type, default: null }] }),
    { ask: { params: { p: value } } },
  ];

  test.for<[string, string, Program, ProgramCircumstances?]>([
    ['TABLE', 'an unknown dataset', programWith({ inputs: [{ dataset: 'cats', columns: [] }] })],
    ['COLUMN', 'an unknown column', reading('height')],
    ['COLUMN', 'a hidden column', reading('note')],
    ['COLUMN', 'the privacy unit', reading('uid')],
    ['TYPE', 'a key of two types', by(['a', 1])],
    ['TYPE', 'a key of nothing but NULL', by([null])],
    ['TYPE', 'a key that lists a value twice', by(['a', 'a'])],
    ['TYPE', 'a key of another type than the column of its name', by(['a'], 'age')],
    [
      'TYPE',
      'a key with two lists',
      returning(
        countOf('a', { by: [{ name: 'k', values: [1, 2] }] }),
        countOf('b', { by: [{ name: 'k', values: [2, 1] }] }),
      ),
    ],
    ['BOUNDS_MISSING', 'bounds in no order', returning(sumOf('s', { bounds: [1, 0] }))],
    ['BOUNDS_MISSING', 'bounds without end', returning(sumOf('s', { bounds: [0, Infinity] }))],
    ['BOUNDS_MISSING', 'a grid that is none', returning(sumOf('s', { granularity: 0.3 }))],
    ['BOUNDS_MISSING', 'too many steps', returning(sumOf('s', { bounds: [0, 1e12], granularity: 1e-6 }))],
    [
      'BOUNDS_MISSING',
      'a histogram of no width',
      returning({ kind: 'histogram', name: 'h', by: [], quality: false, bounds: [1, 1], bins: 2 }),
    ],
    [
      'BOUNDS_MISSING',
      'a vector without a clip',
      returning({
        kind: 'vector',
        name: 'v',
        by: [],
        quality: false,
        length: 2,
        clip: null,
        bounds: null,
        granularity: null,
      }),
    ],
    [
      'BOUNDS_MISSING',
      'a clip below one step',
      returning({
        kind: 'vector',
        name: 'v',
        by: [],
        quality: false,
        length: 2,
        clip: 0.5,
        bounds: null,
        granularity: 1,
      }),
    ],
    ['CELLS', 'more cells than the policy allows', by(Array.from({ length: 101 }, (_, i) => i))],
    [
      'CELLS',
      'more cells of a block',
      blocksWith({
        outputs: [
          {
            kind: 'mean',
            name: 'm',
            by: [{ name: 'k', values: Array.from({ length: 101 }, (_, i) => i) }],
            quality: false,
            bounds: [0, 1],
            granularity: null,
          },
        ],
      }),
    ],
    [
      'CELLS',
      'more numbers than a job may hold',
      returning({
        kind: 'vector',
        name: 'v',
        by: [],
        quality: false,
        length: 2 ** 21 + 1,
        clip: 1,
        bounds: null,
        granularity: null,
      }),
    ],
    ['SHAPE', 'two outputs of one name', returning(countOf('n', { quality: true }), countOf('n_clamped'))],
    [
      'GRADE',
      'engine fast for data that are important',
      programWith(),
      { policy: { engine: 'fast' }, datasets: [{ ...people, grade: 'important' }] },
    ],
    ['MODE', 'blocks where small cells are withheld', blocksWith(), { policy: { hideBelow: 5 } }],
    ['PARAM', 'an epsilon above the policy’s', programWith(), { ask: { epsilon: 3 } }],
    ['PARAM', 'a delta of none', programWith(), { ask: { delta: 0 } }],
    ['PARAM', 'an accuracy out of reach', programWith(), { ask: { maxError: 1e-9 } }],
    ['PARAM', 'a parameter that is not declared', programWith(), { ask: { params: { p: 1 } } }],
    [
      'PARAM',
      'a parameter that is not given',
      programWith({ params: [{ name: 'p', type: 'number', default: null }] }),
    ],
    ['PARAM', 'a number that is a text', ...param('number', '1')],
    ['PARAM', 'a number that is not finite', ...param('number', Infinity)],
    ['PARAM', 'a text that is not well-formed', ...param('string', '\ud800')],
    ['PARAM', 'a text that is too long', ...param('string', 'x'.repeat(65_537))],
    ['PARAM', 'a truth that is a number', ...param('boolean', 1)],
    ['PARAM', 'a list with a hole', ...param('numbers', Array(2))],
    ['PARAM', 'a list with NaN', ...param('numbers', [NaN])],
    [
      'PARAM',
      'a list of more than a million',
      ...param(
        'numbers',
        Array.from({ length: 1_000_001 }, () => 0),
      ),
    ],
  ])('with %s: %s', ([code, , program, given]) => {
    expect(refusedWith(program, given)).toBe(code);
  });

  test('not: a list of a million numbers, and NULL among the values of a key', () => {
    expect(
      refusedWith(
        ...param(
          'numbers',
          Array.from({ length: 1_000_000 }, () => 0.5),
        ),
      ),
    ).toBe('compiled');
    expect(refusedWith(by(['a', null]))).toBe('compiled');
  });
});

describe('accuracy', () => {
  test('of a vector and of a mean over blocks finds the least epsilon', () => {
    const vector = returningVector();
    const { plan } = compiledProgram(vector, { ask: { maxError: 50 } });
    const [error] = expectedErrorsOf(plan, []);
    expect(error).toMatchObject({ aggregate: 0 });
    expect('half95' in error! && error.half95).toBeLessThanOrEqual(50);
    expect(plan.cost.epsilon).toBeLessThan(2);
    const blocks = compiledProgram(blocksWith(), { ask: { maxError: 20 } }).plan;
    const [mean] = expectedErrorsOf(blocks, []);
    expect('half95' in mean! && mean.half95).toBeLessThanOrEqual(20);
    expect('half95' in mean! && mean.half95).toBeGreaterThan(19.99);
  });

  function returningVector(): Program {
    return programWith({
      outputs: [
        {
          kind: 'vector',
          name: 'g',
          by: [],
          quality: false,
          length: 4,
          clip: 8,
          bounds: null,
          granularity: null,
        },
      ],
    });
  }
});

describe('several inputs', () => {
  const other: Dataset = { ...people, name: 'visits', lineage: 'visits', maxRows: 500 };
  const two = blocksWith({
    inputs: ['people', 'visits'].map((dataset) => ({ dataset, columns: [{ name: 'age', column: 'age' }] })),
  });

  test('are planned under the strictest of their policies, and all of them stand in the Plan', () => {
    const policies = {
      people: policyWith({
        perJob: { epsilon: 1, max: 2, delta: 1e-7 },
        maxAborts: 3,
        timing: { quantumMs: 125 },
      }),
      visits: policyWith({
        perJob: { epsilon: 0.5, max: 0.75, delta: 1e-8 },
        engine: 'fast',
        release: 'reviewed',
      }),
    };
    const policyOf = ({ name }: Dataset) => policies[name as 'people'];
    const { plan, policy } = compiledProgram(two, { datasets: [people, other], policyOf });
    expect(plan.cost).toMatchObject({ epsilon: 0.5, delta: 1e-8 });
    expect(plan.program).toMatchObject({
      engine: 'strict',
      maxAborts: 3,
      inputs: [
        { dataset: 'people', lineage: 'people' },
        { dataset: 'visits', maxRows: 500 },
      ],
    });
    expect(policy.release).toBe('reviewed');
    expect(plan.timing.mode).toBe('planned');
    expect(new Set([policy.digest, policies.people.digest, policies.visits.digest]).size).toBe(3);
    // 1,500 rows in all; of each dataset one column and the unit.
    expect(plannedUsageOf(plan)).toMatchObject({ rows: '1500', bytes: String(1_500 * 2 * 8) });
  });

  test('are refused where only one of them would be charged', () => {
    const given = { datasets: [people, other] };
    expect(refusedWith(two, given)).toBe('compiled');
    expect(refusedWith(two, { ...given, takesSeveral: false })).toBe('MODE');
  });

  test('of other units, of rows, or charged in another unit cannot be run together', () => {
    const elsewhere: Dataset = { ...other, unitDomain: 'somebody else' };
    expect(refusedWith(two, { datasets: [people, elsewhere] })).toBe('JOIN');
    const rows: Dataset = { ...rowsOfPeople, name: 'visits', unitDomain: people.unitDomain };
    expect(refusedWith(two, { datasets: [people, rows] })).toBe('JOIN');
    const policyOf = ({ name }: Dataset) => policyWith(name === 'people' ? {} : { mechanism: 'laplace' });
    expect(refusedWith(two, { datasets: [people, other], policyOf })).toBe('MODE');
  });
});

test('a column of every type has a kind', () => {
  const kinds: Readonly<Record<ColumnType['kind'], string>> = {
    integer: 'number',
    number: 'number',
    decimal: 'number',
    boolean: 'boolean',
    string: 'text',
    date: 'text',
    timestamp: 'text',
  };
  const columns = Object.keys(kinds).map((kind) => ({
    name: kind,
    type: (kind === 'decimal' ? { kind, scale: 2 } : { kind }) as ColumnType,
    role: 'value' as const,
    bounds: null,
    granularity: null,
    values: null,
  }));
  const { program } = compiledProgram(
    programWith({
      inputs: [{ dataset: 'people', columns: columns.map(({ name }) => ({ name, column: name })) }],
    }),
    { datasets: [{ ...people, columns: [...people.columns, ...columns] }] },
  );
  expect(program.sources[0]!.columns.map(({ kind }) => kind)).toEqual(Object.values(kinds));
});
