/** A small table of people for the lab's tests: manifest, policy and CSV, each with what a test changes. */
import type { Row } from '#tests/support/reference-expression.ts';

/** dataset.yaml over a CSV file; its lineage is its name. */
export function manifestOf(path: string, changes: Readonly<Record<string, unknown>> = {}): object {
  return {
    kind: 'Dataset',
    name: 'people',
    source: { type: 'csv', path },
    privacyUnit: 'uid',
    origin: 'synthetic',
    maxRows: 100_000,
    columns: {
      uid: { type: 'integer', role: 'unit' },
      age: { type: 'integer', bounds: [0, 120] },
      zip: { type: 'string', role: 'key', values: ['n', 's'] },
    },
    ...changes,
  };
}

/** policy.yaml: one row of one cell per person, ε 1 at δ 1e-6 a job. */
export function policyOf(changes: Readonly<Record<string, unknown>> = {}): object {
  return {
    kind: 'ReleasePolicy',
    mechanism: 'gaussian',
    budget: { epsilon: 10, delta: 1e-6 },
    perJob: { epsilon: 1, delta: 1e-6 },
    maxGroupsPerUnit: 1,
    jail: 'preferred',
    ...changes,
  };
}

/** The same for readings that are exact but for noise that is never drawn. */
export function exactPolicyOf(changes: Readonly<Record<string, unknown>> = {}): object {
  return policyOf({
    budget: { epsilon: 1e10, delta: 1e-3 },
    perJob: { epsilon: 1e10, delta: 1e-6, thresholdDelta: 1e-7 },
    ...changes,
  });
}

/** Rows of numbers and plain words as CSV; null is an empty field. */
export function csvOf(rows: readonly Row[]): string {
  const names = Object.keys(rows[0] ?? {});
  const lines = rows.map((row) => names.map((name) => String(row[name] ?? '')).join(','));
  return `${[names.join(','), ...lines].join('\n')}\n`;
}
