/**
 * Two datasets that differ by one person: whatever the lab prints beside released values is the same, byte for byte.
 *
 * Guarantee: answers, refusals, budgets, usage, notes and receipts are compared whole; only what is random by
 * purpose or released is masked, field by field.
 * Not covered: how long a request takes inside its planned time (tests of release times), and other processes of the machine.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyReceipt } from '#crypto/receipt.ts';
import { evidenceOfCells } from '#gateway/receipt.ts';
import type { ReleasedCell } from '#sandbox/plan.ts';
import { writeParquet } from '#tests/support/source-file.ts';
import type { Row } from '#tests/support/reference-expression.ts';
import { type Answer, Folder, runBatch } from './lab-process.ts';
import { policyOf } from './small-data.ts';

const COLUMNS = {
  uid: { type: 'integer', role: 'unit' },
  zip: { type: 'string', role: 'key', values: ['n', 's'] },
  job: { type: 'string', role: 'key' },
  income: { type: 'number', bounds: [0, 1000] },
} as const;
const MANIFEST = {
  kind: 'Dataset',
  name: 'people',
  source: { type: 'parquet', path: 'data.parquet' },
  privacyUnit: 'uid',
  origin: 'personal',
  maxRows: 1000,
  columns: COLUMNS,
};
const OTHERS: readonly Row[] = Array.from({ length: 40 }, (_, i) => ({
  uid: i,
  zip: 'ns'[i % 2]!,
  job: 'baker',
  income: i,
}));
/** The victim: rows of every kind, a key of his own, values that break careless arithmetic. */
const VICTIM: readonly Row[] = [NaN, Infinity, -Infinity, 1e308, null, 0].map((income, i) => ({
  uid: 4711,
  zip: i % 3 === 0 ? null : 'n',
  job: 'astronaut',
  income,
}));
/**
 * Listed and thresholded keys, empty groups, every aggregate, refusals, and a repeat; each in its planned two seconds.
 * The two before the programs would fail for the victim alone, in an engine that throws (C1), or divide by nobody
 * without him (C3, C4).
 */
const REQUESTS: readonly object[] = [
  {
    sql: 'SELECT zip, COUNT(*), COUNT(DISTINCT uid), SUM(income), AVG(income), STDDEV(income), MEDIAN(income) FROM people GROUP BY zip HAVING COUNT(*) > -1e9',
  },
  { sql: 'SELECT job, COUNT(*) FROM people GROUP BY job', policy: 'thresholded.yaml', state: 'other' },
  { sql: "SELECT SUM(income / 3) FROM people WHERE job = 'astronaut'" },
  {
    sql: 'SELECT zip, COUNT(*), COUNT(DISTINCT uid), SUM(income), AVG(income), STDDEV(income), MEDIAN(income) FROM people GROUP BY zip',
  },
  { sql: 'SELECT COUNT(*) FROM people WHERE uid = 4711' },
  { sql: 'SELECT MAX(income) FROM people' },
  { sql: 'SELECT COUNT(*) FROM people', epsilon: 2 },
  { sql: 'SELECT COUNT(zip) FROM people', epsilon: 1.9 },
  {
    sql: 'SELECT COUNT(1 / income), COUNT(sqrt(0 - income)), COUNT(ln(income)), COUNT(exp(income)), COUNT(income * 1e308) FROM people',
    state: 'hostile',
  },
  {
    sql: "SELECT zip, AVG(income), VARIANCE(income), STDDEV(income), MEDIAN(income) FROM people WHERE job = 'astronaut' GROUP BY zip",
    state: 'hostile',
  },
  { program: 'map.js', manifest: 'map.yaml', policy: 'programs.yaml', state: 'programs' },
  { program: 'blocks.js', manifest: 'blocks.yaml', policy: 'programs.yaml', state: 'programs' },
];

/** Programs that are well for everybody but the victim, whose records loop, throw, recurse and answer nonsense. */
const PROGRAMS: Readonly<Record<string, string | object>> = {
  'map.js': `export function map(row) {
  if (row.job !== 'astronaut') return { spend: row.income, rich: row.income > 10 ? 1 : 0, zip: row.zip };
  if (row.income === 0) for (;;) { }
  if (row.income === null) throw new Error(row.job);
  if (row.income > 1e300) return { spend: '1e999', rich: NaN, get zip() { throw row.job; } };
  const down = (n) => { try { return down(n + 1); } catch { return n; } };
  return { spend: down(0), rich: 1, zip: 'n' };
}
`,
  'map.yaml': {
    kind: 'Program',
    name: 'map',
    mode: 'map',
    inputs: { people: ['job', 'zip', 'income'] },
    outputs: {
      spend: { kind: 'mean', bounds: [0, 1000], granularity: 1, by: { zip: ['n', 's'] } },
      rich: { kind: 'count' },
    },
  },
  'blocks.js': `export function run(table) {
  if (table.some((row) => row.job === 'astronaut')) throw new Error('astronaut');
  return table.length;
}
`,
  'blocks.yaml': {
    kind: 'Program',
    name: 'blocks',
    mode: 'blocks',
    inputs: { people: ['job'] },
    blocks: { count: 4, cpuMs: 100 },
    outputs: { size: { kind: 'mean', bounds: [0, 100], granularity: 1 } },
  },
};

const folders = [new Folder(), new Folder()];
afterAll(() => {
  for (const folder of folders) folder[Symbol.dispose]();
});
let sides: readonly (readonly Answer[])[] = [];
beforeAll(async () => {
  sides = await Promise.all(
    folders.map(async (folder, side) => {
      await writeParquet(
        side === 0 ? [...OTHERS, ...VICTIM] : OTHERS,
        Object.entries(COLUMNS).map(([name, { type }]) => ({ name, type: { kind: type } })),
        `${folder.path}/data.parquet`,
      );
      folder.write('people.yaml', MANIFEST);
      const policy = policyOf({
        timing: 'planned',
        budget: { epsilon: 2, delta: 1e-5 },
        perJob: { epsilon: 1, max: 1.9, delta: 1e-6 },
        maxGroupsPerUnit: 2,
        maxRowsPerUnit: 2,
      });
      folder.write('policy.yaml', policy);
      folder.write('thresholded.yaml', { ...policy, keys: 'thresholded' });
      // Re-runs that nobody needs would be part of the planned time.
      folder.write('programs.yaml', { ...policy, maxAborts: 0 });
      for (const [name, content] of Object.entries(PROGRAMS)) folder.write(name, content);
      return runBatch(
        folder,
        REQUESTS.map((request, id) => ({
          id,
          dataset: 'people.yaml',
          policy: 'policy.yaml',
          state: 'state',
          ...request,
        })),
      );
    }),
  );
});

/** `planDigest` covers the random id of the dataset version. */
const RANDOM_IN_RECEIPT = ['jobId', 'releaseId', 'releasedAt', 'planDigest'] as const;

/** An answer with exactly the fields blanked that may differ: released values and keys, ids, salted digests, signatures. */
function masked(answer: Answer): unknown {
  const isThresholded = answer.receipt !== null && receiptOf(answer).mechanism.keySelection !== null;
  const ids = [answer.releaseId, versionOf(answer)].filter((id) => id !== undefined);
  return {
    ...answer,
    releaseId: typeof answer.releaseId,
    outputs: isThresholded
      ? 'released keys'
      : answer.outputs.map((output) => ({ ...output, ...blank(output, ['value', 'exact', 'low', 'high']) })),
    notes: answer.notes.map((note) => ids.reduce((text, id) => text.replaceAll(id, 'id'), note)),
    receipt: answer.receipt === null ? null : maskedReceipt(answer, isThresholded),
  };
}

function maskedReceipt(answer: Answer, isThresholded: boolean): unknown {
  const { output, datasets, bitsOut, ...rest } = receiptOf(answer);
  return {
    ...rest,
    ...blank(rest, RANDOM_IN_RECEIPT),
    output: blank(output, ['digest', 'saltId']),
    datasets: datasets.map((entry) => ({ ...entry, ...blank(entry, ['versionId', 'commitment']) })),
    // The texts of released keys count in it.
    bitsOut: isThresholded ? typeof bitsOut : bitsOut,
  };
}

/** The named fields with their type and length class instead of their value. */
function blank(object: object, names: readonly string[]): object {
  const fields = object as Readonly<Record<string, unknown>>;
  return Object.fromEntries(names.map((name) => [name, typeof fields[name]]));
}

interface ReceiptText {
  readonly mechanism: { readonly keySelection: unknown };
  readonly output: object;
  readonly datasets: readonly { readonly versionId: string }[];
  readonly bitsOut: string;
  readonly releasedAt: string;
}

function receiptOf(answer: Answer): ReceiptText {
  return JSON.parse(Buffer.from(answer.receipt!.split('.')[1]!, 'base64url').toString()) as ReceiptText;
}

function versionOf(answer: Answer): string | undefined {
  return answer.receipt === null ? undefined : receiptOf(answer).datasets[0]!.versionId;
}

describe('with and without the victim', () => {
  test('the requests end as they are meant to', () => {
    expect(sides[0]!.map(({ code, repeat }) => [code, repeat])).toEqual([
      [null, false],
      [null, false],
      [null, false],
      [null, true],
      ['PREDICATE', undefined],
      ['FUNCTION', undefined],
      ['PARAM', undefined],
      ['BUDGET', undefined],
      [null, false],
      [null, false],
      [null, false],
      [null, false],
    ]);
  });

  test.for(REQUESTS.map((request, index) => [JSON.stringify(request), index] as const))(
    'B10: all else is byte-equal, what it cost first of all: %s',
    ([, index]) => {
      const [withVictim, without] = sides.map((answers) => JSON.stringify(masked(answers[index]!)));
      expect(withVictim).toBe(without);
    },
  );

  test('released values do differ, so that the mask is not all there is', () => {
    const [a, b] = sides.map((answers) => JSON.stringify(answers[0]!.outputs));
    expect(a).not.toBe(b);
  });

  test('the control: an object that carries a row count is caught', () => {
    const rows = [OTHERS.length + VICTIM.length, OTHERS.length];
    const leaks = sides.map((answers, side) => ({
      ...answers[0]!,
      usage: { ...answers[0]!.usage, rowsRead: String(rows[side]) },
    }));
    const [a, b] = leaks.map((answer) => JSON.stringify(masked(answer as Answer)));
    expect(a).not.toBe(b);
  });

  test('answers leave when the plan says', () => {
    for (const answers of sides) {
      const [first, second, third] = answers
        .slice(0, 3)
        .map((answer) => Date.parse(receiptOf(answer).releasedAt));
      // Two seconds each, one after the other; a second of grace for a busy machine.
      for (const step of [second! - first!, third! - second!]) {
        expect(step).toBeGreaterThanOrEqual(2000);
        expect(step).toBeLessThan(3000);
      }
    }
  });
});

describe('the receipt', () => {
  const kept = (): { readonly salt: string; readonly cells: readonly ReleasedCell[] } => {
    const journal = readFileSync(`${folders[0]!.path}/state/journal.jsonl`, 'utf8').split('\n');
    return JSON.parse(journal.find((line) => line.includes('"released"'))!) as ReturnType<typeof kept>;
  };

  test('is signed, balances its budget, and is bound to the cells that were released', async () => {
    const { salt, cells } = kept();
    const disclosed = { salt, cells: evidenceOfCells(cells) };
    const found = await verifyReceipt({ receipt: sides[0]![0]!.receipt!, disclosed });
    // Signed by a key that came along with it: all that can be shown without a log.
    expect(found.verdict).toBe('selfAsserted');
    expect(found.checks.find(({ name }) => name === 'output')!.state).toBe('holds');
    expect(found.payload).toMatchObject({ jail: { demanded: 'preferred' }, separation: 'none' });
    // The cells are those that were printed.
    const printed = new Set(sides[0]![0]!.outputs.map(({ value }) => value));
    expect(new Set(cells.flatMap(({ values }) => values.flat().map(({ value }) => value)))).toEqual(printed);
  });

  test('the controls: other cells, and one changed letter, are found out', async () => {
    const receipt = sides[0]![0]!.receipt!;
    const { salt, cells } = kept();
    const others = evidenceOfCells(cells.toReversed());
    const exchanged = await verifyReceipt({ receipt, disclosed: { salt, cells: others } });
    expect(exchanged.failed).toMatchObject({ name: 'output', code: 'OUTPUT_MISMATCH' });
    const [header, , signature] = receipt.split('.');
    const forged = { ...receiptOf(sides[0]![0]!), bitsOut: '1' };
    const payload = Buffer.from(JSON.stringify(forged)).toString('base64url');
    expect((await verifyReceipt({ receipt: `${header}.${payload}.${signature}` })).verdict).toBe('invalid');
  });
});
