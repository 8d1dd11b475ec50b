/** The benchmarks run: each kind, in an audit each id, at a size at which its number means nothing, prints one line of the agreed form. */
import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { sized } from '#tests/support/audit-size.ts';
import { findPostgres } from '#tests/support/postgres.ts';
import { lineOf, medianOf, pairsOf } from './bench/measure.ts';

const ROOT = new URL('..', import.meta.url).pathname;
/** A cluster, readers and engines start in here: seconds on a quiet machine, many on a busy one. */
const TIMEOUT_MS = 180_000;
const FIELDS = [
  'id',
  'name',
  'value',
  'unit',
  'better',
  'samples',
  'min',
  'max',
  'against',
  'machine',
  'node',
];

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function bench(...words: readonly string[]): Promise<Ended> {
  const child = spawn(
    process.execPath,
    ['--import', './gateway/quick-start.ts', 'tests/bench/run.ts', ...words],
    {
      cwd: ROOT,
    },
  );
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, out, err };
}

function expectLines({ code, out, err }: Ended, ids: readonly string[]): void {
  expect(code, err).toBe(0);
  const lines = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.map((line) => line['id'])).toEqual(ids);
  for (const line of lines) {
    expect(Object.keys(line)).toEqual(FIELDS);
    expect(line['unit']).toMatch(/^(ratio|ms|1\/s|MiB)$/);
    expect(line['better']).toMatch(/^(lower|higher)$/);
    const [min, value, max] = ['min', 'value', 'max'].map((field) => line[field] as number);
    expect(min).toBeGreaterThan(0);
    expect(min).toBeLessThanOrEqual(value!);
    expect(value).toBeLessThanOrEqual(max!);
    expect(line['node']).toBe(process.version);
  }
}

test(
  'reading, latency and memory print a line per id, in the order of the table',
  async () => {
    // All of them in an audit; else one of each kind.
    const all = ['P1', 'P1L', 'P1b', 'P1r', 'P4', 'P4k', 'P11m', 'P11p', 'LIN1', 'LIN10', 'LIN100', 'LIN'];
    const ids = sized(['P1', 'P11m'], all);
    expectLines(await bench('--small', ...ids.toReversed()), ids);
  },
  TIMEOUT_MS,
);

test('sampling, planning and sealing print a line per id', async () => {
  const ids = sized(['S1', 'PL', 'SM4'], ['S1', 'S2', 'S3', 'PL', 'SM4']);
  expectLines(await bench('--small', ...ids), ids);
});

test('computing on encrypted columns prints a line per id', async () => {
  const ids = sized(['HE2', 'HE3'], ['HE1', 'HE2', 'HE3', 'HE4']);
  expectLines(await bench('--small', ...ids), ids);
});

test.skipIf(findPostgres() === null)(
  'what needs PostgreSQL brings a cluster of its own',
  async () => {
    const all = ['P4pg', 'P5', 'P9', 'AC', 'BL2', 'BL1', 'BL3', 'BL3m', 'BL4'];
    const ids = sized(['P5', 'AC', 'BL2', 'BL1', 'BL3', 'BL4'], all);
    expectLines(await bench('--small', ...ids), ids);
  },
  TIMEOUT_MS,
);

test('an id that is none is refused with the list of those that are', async () => {
  const { code, out, err } = await bench('P1', 'P99');
  expect(code).toBe(2);
  expect(out).toBe('');
  expect(err).toContain('no P99; there are P1, ');
});

test('a value is the median of its samples, which one slow run does not move', () => {
  expect(medianOf([3, 1, 1_000])).toBe(3);
  expect(medianOf([4, 1, 3, 1_000])).toBe(3.5);
  expect(() => medianOf([])).toThrow(RangeError);
  const subject = { id: 'P0', name: 'n', unit: 'ms', better: 'lower', against: '–' } as const;
  expect(JSON.parse(lineOf(subject, [5, 1.23456, 2]))).toMatchObject({
    value: 2,
    samples: 3,
    min: 1.235,
    max: 5,
  });
});

test('the two of a pair take turns at being first', async () => {
  const order: string[] = [];
  const note = (who: string) => async () => {
    order.push(who);
    await Promise.resolve();
  };
  const ratios = await pairsOf(3, note('ours'), note('theirs'));
  expect(ratios).toHaveLength(3);
  expect(order.slice(2)).toEqual(['ours', 'theirs', 'theirs', 'ours', 'ours', 'theirs']);
});
