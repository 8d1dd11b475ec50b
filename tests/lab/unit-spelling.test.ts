/** A person who is written in several ways over CSV is one person: their bound is not doubled by spelling. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'unseen-units-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const POLICY = `kind: ReleasePolicy
mechanism: gaussian
budget: { epsilon: 1e10, delta: 1e-6 }
perJob: { epsilon: 1e9, delta: 1e-7 }
maxGroupsPerUnit: 1
jail: preferred
`;

/** COUNT(DISTINCT unit) of a CSV file with one column, near exactly. */
function unitsOf(type: string, spellings: readonly string[]): unknown {
  writeFileSync(join(folder, 'data.csv'), `who\n${spellings.join('\n')}\n`);
  writeFileSync(join(folder, 'policy.yaml'), POLICY);
  writeFileSync(
    join(folder, 'data.yaml'),
    `kind: Dataset\nname: t\nsource: { type: csv, path: data.csv }\nprivacyUnit: who\ncolumns:\n  who: { type: ${type}, role: unit }\n`,
  );
  const sql = 'SELECT COUNT(DISTINCT who) FROM t';
  const args = ['lab', '--dataset', 'data.yaml', '--policy', 'policy.yaml', '--sql', sql, '--json'];
  const { stdout } = spawnSync(process.execPath, [resolve('gateway/bin.js'), ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
  return (JSON.parse(stdout) as { outputs: { value: number }[] }).outputs[0]?.value;
}

test.for([
  { type: 'integer', spellings: ['7', '07', '+7'], want: 1 },
  { type: 'number', spellings: ['7', '7.0', '7e0', 'nan', 'inf'], want: 1 },
  { type: 'decimal(2)', spellings: ['7', '7.00'], want: 1 },
  { type: 'date', spellings: ['2026-01-02', '2026-1-2'], want: 1 },
  // One instant in three spellings, and another one that shares their wall clock.
  {
    type: 'timestamp',
    spellings: ['2026-01-02T10:00:00Z', '2026-01-02 18:00:00+08', '2026-01-02 10:00:00+00:00'],
    want: 1,
  },
  { type: 'timestamp', spellings: ['2026-01-02T10:00:00Z', '2026-01-02T10:00:00+08:00'], want: 2 },
  { type: 'boolean', spellings: ['true', 'TRUE', 't'], want: 1 },
  // The control: as text they are three.
  { type: 'string', spellings: ['7', '07', '7.0'], want: 3 },
])('$type: $spellings are $want', ({ type, spellings, want }) => {
  expect(unitsOf(type, spellings)).toBe(want);
});
