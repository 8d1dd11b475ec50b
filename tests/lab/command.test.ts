/**
 * `unseen lab` as a command: the form of its answers, its exit codes, and what it says of requests it cannot take.
 *
 * Not covered: what the numbers are (near-exact.test.ts, noise.test.ts) and the ledger on disk (state.test.ts).
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, type Ended, Folder, runLab } from './lab-process.ts';
import { Rounds } from './rounds.ts';
import { csvOf, manifestOf, policyOf } from './small-data.ts';

const folder = new Folder();
afterAll(() => folder[Symbol.dispose]());
folder.write(
  'data.csv',
  csvOf(Array.from({ length: 50 }, (_, i) => ({ uid: i, age: i, zip: ['n', 's'][i % 2]! }))),
);
const dataset = folder.write('dataset.yaml', manifestOf('data.csv'));
const policy = folder.write('policy.yaml', policyOf());
const sql = 'SELECT zip, COUNT(*), AVG(age) FROM people GROUP BY zip';
const rounds = new Rounds(folder);
const shared = (...lines: readonly object[]): (() => readonly Answer[]) => rounds.add(0, lines);
beforeAll(() => rounds.run());

const FIELDS = [
  'decision',
  'code',
  'message',
  'repeat',
  'releaseId',
  'outputs',
  'notes',
  'budget',
  'usage',
  'receipt',
];
const single = (...args: readonly string[]): Promise<Ended> => runLab(folder, '--json', ...args);

describe('one request', () => {
  test('prints one JSON object, alone, and ends with 0', async () => {
    const { code, stdout, stderr, answers } = await single(
      '--dataset',
      dataset,
      '--policy',
      policy,
      '--sql',
      sql,
    );
    expect({ code, stderr, lines: stdout.split('\n').length }).toEqual({ code: 0, stderr: '', lines: 2 });
    const [answer] = answers;
    expect(Object.keys(answer!)).toEqual(FIELDS);
    expect(answer).toMatchObject({ decision: 'released', code: null, repeat: false });
    expect(answer!.outputs.map(({ name, key }) => [name, key])).toEqual([
      ['count', { zip: 'n' }],
      ['avg_age', { zip: 'n' }],
      ['count', { zip: 's' }],
      ['avg_age', { zip: 's' }],
    ]);
    for (const output of answer!.outputs) {
      expect(Object.keys(output)).toEqual(['name', 'key', 'value', 'exact', 'stddev', 'low', 'high']);
      expect(output.low).toBeLessThanOrEqual(output.value!);
      expect(output.high).toBeGreaterThanOrEqual(output.value!);
      const isCount = output.name === 'count';
      expect(typeof output.exact).toBe(isCount ? 'string' : 'object');
      expect(typeof output.stddev).toBe(isCount ? 'number' : 'object');
    }
    const { budget } = answer!;
    expect(Object.keys(budget)).toEqual([
      'unit',
      'rhoNanoSpent',
      'rhoNanoLeft',
      'epsilonSpent',
      'delta',
      'lineage',
    ]);
    expect(Object.keys(budget.lineage).toSorted()).toEqual([
      'delta',
      'epsilonLeft',
      'epsilonSpent',
      'thresholdDeltaLeft',
    ]);
    expect(budget.lineage.epsilonSpent + budget.lineage.epsilonLeft).toBeCloseTo(10, 9);
    for (const quantity of Object.values(answer!.usage)) expect(quantity).toMatch(/^\d+(\.\d+)?(e-?\d+)?$/);
    expect(answer!.receipt).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
  });

  test('that is refused is decided: 0, the same fields but for a release, nothing spent', async () => {
    const { code, answers } = await single(
      '--dataset',
      dataset,
      '--policy',
      policy,
      '--sql',
      'SELECT * FROM people',
    );
    expect(code).toBe(0);
    expect(Object.keys(answers[0]!)).toEqual(
      FIELDS.filter((field) => field !== 'repeat' && field !== 'releaseId'),
    );
    expect(answers[0]).toMatchObject({
      decision: 'refused',
      code: 'NOT_AGGREGATE',
      outputs: [],
      receipt: null,
    });
  });

  test.for([
    ['no dataset', ['--policy', policy, '--sql', sql], 2],
    ['no policy', ['--dataset', dataset, '--sql', sql], 2],
    ['neither query nor program', ['--dataset', dataset, '--policy', policy], 2],
    ['a batch that is not there', ['--batch', 'nowhere.jsonl'], 2],
    ['a flag that each line of a batch states', ['--batch', dataset, '--state', 'kept'], 2],
  ] as const)('with %s ends with 2', async ([, args, exit]) => {
    const { code, answers } = await single(...args);
    expect(code).toBe(exit);
    expect(answers).toHaveLength(1);
    expect(answers[0]).toMatchObject({ decision: 'failed', code: 'CONFIG' });
    expect(answers[0]!.message).toMatch(/--dataset|--policy|--sql|--batch/);
  });

  test('with an unknown flag ends with 2', async () => {
    const { code, stderr } = await single('--dataset', dataset, '--policy', policy, '--sql', sql, '--bogus');
    expect(code).toBe(2);
    expect(stderr).toContain('--bogus');
  });

  test('over a source that is not there is failed: 3, nothing spent', async () => {
    const absent = folder.write('absent.yaml', manifestOf('absent.csv'));
    const { code, answers } = await single('--dataset', absent, '--policy', policy, '--sql', sql);
    expect(code).toBe(3);
    expect(answers[0]).toMatchObject({
      decision: 'failed',
      code: 'SOURCE_UNREADABLE',
      budget: { rhoNanoSpent: '0' },
    });
  });
});

describe('a batch', () => {
  const good = { dataset, policy, sql };
  const answersOf = shared(
    { id: 7, ...good },
    { id: { any: ['value'] }, ...good, unknown: 1 },
    { ...good, epsilon: '0.5', delta: null, state: null },
    { id: 'list', ...good, dataset: [dataset] },
    { id: 'twice', ...good, dataset: [dataset, dataset] },
    { id: 'no policy', dataset, sql },
    { id: 'a number', ...good, sql: 3 },
    { id: 'missing', ...good, dataset: join(folder.path, 'nowhere.yaml') },
    { id: 'broken', ...good, policy: folder.write('broken.yaml', 'kind: [') },
    { id: 'unknown field', ...good, policy: folder.write('unknown.yaml', policyOf({ noNoise: true })) },
    { id: 'dataset for policy', ...good, policy: dataset },
    { id: 'policy for dataset', ...good, dataset: policy },
    {
      id: 'later',
      ...good,
      dataset: folder.write('later.yaml', manifestOf('data.csv', { version: { every: 'day' } })),
    },
    {
      id: 'above budget',
      ...good,
      policy: folder.write('above.yaml', policyOf({ perJob: { epsilon: 11 } })),
    },
    {
      id: 'origin',
      ...good,
      dataset: folder.write('public.yaml', manifestOf('data.csv', { origin: 'public' })),
      policy: folder.write('free.yaml', policyOf({ budget: 'unlimited' })),
    },
    {
      id: 'absent column',
      ...good,
      dataset: folder.write(
        'column.yaml',
        manifestOf('data.csv', {
          columns: { uid: { type: 'integer', role: 'unit' }, gone: { type: 'integer' } },
        }),
      ),
      sql: 'SELECT COUNT(gone) FROM people',
    },
    {
      id: 'too many rows',
      ...good,
      dataset: folder.write('rows.yaml', manifestOf('data.csv', { maxRows: 49 })),
    },
    { id: 'program', dataset, policy, program: 'prog.js' },
    { id: 'last', ...good },
  );
  const expected: readonly (readonly [unknown, string, string | null])[] = [
    [7, 'released', null],
    [{ any: ['value'] }, 'refused', 'PARAM'],
    [null, 'released', null],
    ['list', 'released', null],
    ['twice', 'failed', 'CONFIG'],
    ['no policy', 'refused', 'PARAM'],
    ['a number', 'refused', 'PARAM'],
    ['missing', 'failed', 'CONFIG'],
    ['broken', 'failed', 'CONFIG'],
    ['unknown field', 'failed', 'CONFIG'],
    ['dataset for policy', 'failed', 'CONFIG'],
    ['policy for dataset', 'failed', 'CONFIG'],
    ['later', 'failed', 'CONFIG'],
    ['above budget', 'failed', 'CONFIG'],
    ['origin', 'failed', 'CONFIG'],
    ['absent column', 'failed', 'CONFIG'],
    ['too many rows', 'failed', 'CONFIG'],
    ['program', 'failed', 'CONFIG'],
    ['last', 'released', null],
  ];

  test('answers each line in its place, and one bad line harms no other', () => {
    expect(answersOf().map(({ id, decision, code }) => [id, decision, code])).toEqual(expected);
  });

  test.for([
    ['unknown field', /noNoise/],
    ['missing', /nowhere\.yaml/],
    ['above budget', /perJob\.epsilon.*budget\.epsilon/],
    ['later', /version/],
    ['absent column', /gone/],
    ['too many rows', /49/],
  ] as const)('names what is wrong: %s', ([id, pattern]) => {
    expect(answersOf().find((answer) => answer.id === id)!.message).toMatch(pattern);
  });

  test('answers lines that are no JSON objects too, and ends with 0', async () => {
    const lines = [
      '{"id":1',
      '[1]',
      'null',
      '"text"',
      '',
      JSON.stringify({ id: 'good', ...good, sql: 'SELECT' }),
    ];
    const file = folder.write('bad.jsonl', lines.join('\n'));
    const { code, answers } = await single('--batch', file);
    expect(code).toBe(0);
    expect(answers.map((answer) => [answer.id, answer.decision, answer.code])).toEqual([
      ...Array.from({ length: 5 }, () => [null, 'failed', 'BAD_LINE']),
      ['good', 'refused', 'TABLE'],
    ]);
  });
});

describe('B7: ε and δ', () => {
  const cases: readonly (readonly [string, object, string | null])[] = [
    ['ε 0', { epsilon: 0 }, 'PARAM'],
    ['ε −1', { epsilon: -1 }, 'PARAM'],
    ['ε NaN', { epsilon: 'NaN' }, 'PARAM'],
    ['ε Infinity', { epsilon: 'Infinity' }, 'PARAM'],
    ['ε 1e308', { epsilon: 1e308 }, 'PARAM'],
    ['ε 1e-400', { epsilon: '1e-400' }, 'PARAM'],
    ['ε in words', { epsilon: 'one' }, 'PARAM'],
    ['ε empty', { epsilon: '' }, 'PARAM'],
    ['ε as a list', { epsilon: [1] }, 'PARAM'],
    ['ε above perJob.max', { epsilon: 1.0000001 }, 'PARAM'],
    ['δ 0', { delta: 0 }, 'PARAM'],
    ['δ 1', { delta: 1 }, 'PARAM'],
    ['δ 2', { delta: 2 }, 'PARAM'],
    ['δ negative', { delta: -1e-9 }, 'PARAM'],
    ['δ above perJob.delta', { delta: 1.1e-6 }, 'PARAM'],
    ['ε at its limit', { epsilon: 1, delta: 1e-6 }, null],
    ['the smallest ε there is', { epsilon: 5e-324 }, null],
    ['the smallest δ there is', { delta: 5e-324 }, null],
  ];
  const files = [
    folder.write(
      'huge.yaml',
      policyOf({ perJob: { epsilon: 1e11, delta: 1e-6 }, budget: { epsilon: 1e12, delta: 1e-6 } }),
    ),
    folder.write(
      'infinite.yaml',
      'kind: ReleasePolicy\nmechanism: gaussian\nbudget: { epsilon: .inf, delta: 1e-6 }\nperJob: { epsilon: 1 }\nmaxGroupsPerUnit: 1\n',
    ),
  ];
  const answersOf = shared(
    ...cases.map(([, more]) => ({ dataset, policy, sql, state: 'parameters', ...more })),
    ...files.map((file) => ({ dataset, policy: file, sql })),
  );

  test.for(cases.map(([name, , code], index) => [name, code, index] as const))(
    '%s: %s',
    ([, code, index]) => {
      const answer = answersOf()[index]!;
      expect(answer.code).toBe(code);
      expect(answer.decision).toBe(code === null ? 'released' : 'refused');
      expect(BigInt(answer.budget.rhoNanoSpent) > 0n).toBe(code === null);
    },
  );

  test('refused ones are refused before anything is reserved', () => {
    const released = answersOf().find(({ code }) => code === null)!.budget;
    const whole = String(BigInt(released.rhoNanoSpent) + BigInt(released.rhoNanoLeft!));
    const refused = answersOf().slice(
      0,
      cases.findIndex(([, , code]) => code === null),
    );
    // A field of the wrong form is refused before a state is opened, and then no state is told of.
    const told = refused.flatMap(({ budget }) => budget.rhoNanoLeft ?? []);
    expect(told.length).toBeGreaterThan(10);
    expect(new Set(told)).toEqual(new Set([whole]));
  });

  test('above 1e10 in a file is PARAM as well', () => {
    expect(
      answersOf()
        .slice(cases.length)
        .map(({ code }) => code),
    ).toEqual(['PARAM', 'PARAM']);
  });
});

describe('accuracy instead of ε', () => {
  const line = { dataset, policy, sql: 'SELECT COUNT(*) AS n, SUM(age) AS years FROM people' };
  const state = 'accuracy';
  const narrow = folder.write('narrow.yaml', policyOf({ budget: { epsilon: 1, delta: 1e-6 } }));
  const read = rounds.add(0, [
    { ...line, maxError: 2_000 },
    { ...line, maxError: 2_000, epsilon: 0.5 },
    { ...line, maxError: 'much' },
    { ...line, sql: 'SELECT AVG(age) AS age FROM people', maxError: 100 },
    { ...line, sql: 'SELECT AVG(age) AS age FROM people', maxError: '100', atSize: 1_000 },
    { ...line, policy: narrow, state, maxError: 1_600 },
    { ...line, policy: narrow, state, maxError: 1_590 },
  ]);

  test('is met by every output, at a cost below that of perJob', () => {
    const [met] = read();
    expect(met).toMatchObject({ decision: 'released' });
    const halves = met!.outputs.map(({ low, high }) => (high! - low!) / 2);
    expect(Math.max(...halves)).toBeLessThanOrEqual(2_000);
    expect(Math.max(...halves)).toBeGreaterThan(1_990);
    expect(met!.budget.epsilonSpent).toBeLessThan(1);
  });

  test('is PARAM beside ε, as no number, and without the size that it depends on', () => {
    const [, both, word, unsized, sized] = read();
    expect([both, word, unsized].map((answer) => answer!.code)).toEqual(['PARAM', 'PARAM', 'PARAM']);
    expect(unsized!.message).toContain('--at-size');
    expect(sized).toMatchObject({ decision: 'released' });
  });

  test('that the rest of the budget does not pay for is BUDGET, with the nearest that it does', () => {
    const [first, second] = read().slice(5);
    expect(first).toMatchObject({ decision: 'released' });
    expect(second).toMatchObject({ decision: 'refused', code: 'BUDGET' });
    expect(second!.message).toMatch(
      /not enough for maxError 1590; nearest: maxError \d+, with epsilon [\d.]+$/,
    );
  });

  test('is a flag of the command as well', async () => {
    const flags = ['--max-error', '2000', '--at-size', '10'];
    const { code, answers } = await single(
      '--dataset',
      dataset,
      '--policy',
      policy,
      '--sql',
      line.sql,
      ...flags,
    );
    expect(code).toBe(0);
    expect(answers[0]!.budget.epsilonSpent).toBe(read()[0]!.budget.epsilonSpent);
  });
});

describe('what a policy states is honoured', () => {
  const timed = (name: string, timing: unknown): object => ({
    dataset,
    policy: folder.write(`${name}.yaml`, policyOf({ timing })),
    sql: 'SELECT COUNT(*) FROM people',
  });

  test('planned: the answer leaves when the plan says; quantum: at a multiple; exact: at once', async () => {
    const lines = [
      timed('exact', 'exact'),
      timed('exact', 'exact'),
      timed('planned', 'planned'),
      timed('quantum', { quantumMs: 700 }),
    ];
    const file = folder.write('timed.jsonl', lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const { answers } = await single('--batch', file);
    const [, exact, planned, quantum] = answers.map(statementOf);
    expect([exact!.timing, planned!.timing, quantum!.timing]).toEqual([
      { mode: 'exact' },
      // 1 s, and 1 s more for up to 2 million declared rows and vectors.
      { mode: 'planned', releaseAfterMs: '2000' },
      { mode: 'quantum', quantumMs: '700' },
    ]);
    // Lines follow each other at once, so that the distance of their releases is each one's own time.
    expect(Date.parse(planned!.releasedAt) - Date.parse(exact!.releasedAt)).toBeGreaterThanOrEqual(2000);
    expect(Date.parse(quantum!.releasedAt) - Date.parse(planned!.releasedAt)).toBeGreaterThanOrEqual(700);
  });

  test('jail: required runs in every layer or is refused with JAIL; the receipt says which', async () => {
    const demanding = folder.write('jail.yaml', policyOf({ jail: 'required' }));
    const [answer] = (await single('--dataset', dataset, '--policy', demanding, '--sql', sql)).answers;
    // Where this machine lacks a layer the refusal is the only right answer.
    const found = answer!.decision === 'refused' ? answer!.code : statementOf(answer!).jail;
    const layers: unknown = expect.arrayContaining(['namespaces', 'no-network', 'seccomp']);
    expect(['JAIL', { demanded: 'required', layers }]).toContainEqual(found);
  });
});

interface Statement {
  readonly timing: object;
  readonly releasedAt: string;
  readonly jail: object;
}

function statementOf(answer: Answer): Statement {
  return JSON.parse(Buffer.from(answer.receipt!.split('.')[1]!, 'base64url').toString()) as Statement;
}
