/** The fixed catalogue of the SQL front end's tests: one table of people, and policies that differ in one thing. */
import { parseDataset } from '#sandbox/manifest/dataset-file.ts';
import { parsePolicy } from '#sandbox/manifest/policy-file.ts';
import type { Dataset } from '#sandbox/manifest/dataset.ts';
import type { ReleasePolicy } from '#sandbox/manifest/policy.ts';
import { type Compiled, compileQuery } from '#sandbox/query/compile.ts';

/** `uid` is the person; `income` has bounds and no grid, `debt` and `price` have one, `score` has neither. */
export const PEOPLE_MANIFEST = {
  kind: 'Dataset',
  name: 'people',
  source: { type: 'parquet', path: 'there-is-no-such-file.parquet' },
  privacyUnit: 'uid',
  origin: 'synthetic',
  maxRows: 1000,
  columns: {
    uid: { type: 'integer', role: 'unit' },
    age: { type: 'integer', bounds: [0, 120] },
    zip: { type: 'string', role: 'key', values: ['100', '200', '300'] },
    job: { type: 'string', role: 'key' },
    flag: { type: 'boolean', role: 'key' },
    shift: { type: 'integer', role: 'key', bounds: [1, 3] },
    income: { type: 'number', bounds: [0, 100_000] },
    debt: { type: 'number', bounds: [-500, 250], granularity: 0.01 },
    price: { type: 'decimal(2)', bounds: [0, 999.99] },
    score: { type: 'number' },
    disease: { type: 'string' },
    note: { type: 'string', role: 'hidden' },
    day: { type: 'date', bounds: ['2024-01-30', '2024-03-02'] },
    born: { type: 'date' },
    seen: { type: 'timestamp', bounds: ['2024-02-28', '2024-02-29'] },
  },
} as const;

export const POLICY_MANIFEST = {
  kind: 'ReleasePolicy',
  mechanism: 'gaussian',
  budget: { epsilon: 10, delta: 1e-6 },
  perJob: { epsilon: 1, max: 2, delta: 1e-7, thresholdDelta: 1e-8 },
  maxGroupsPerUnit: 2,
  maxRowsPerUnit: 3,
  maxCells: 100,
} as const;

export const people = parseDataset(JSON.stringify(PEOPLE_MANIFEST), { path: '/nowhere/people.yaml' });
export const rowsOfPeople = parseDataset(
  JSON.stringify({
    ...PEOPLE_MANIFEST,
    privacyUnit: 'row',
    columns: { ...PEOPLE_MANIFEST.columns, uid: { type: 'integer' } },
  }),
  { path: '/nowhere/people.yaml' },
);

/** The policy with some fields changed. */
export function policyWith(changes: Readonly<Record<string, unknown>> = {}): ReleasePolicy {
  return parsePolicy(JSON.stringify({ ...POLICY_MANIFEST, ...changes }), { path: '/nowhere/policy.yaml' });
}

export interface Circumstances {
  readonly policy?: ReleasePolicy;
  readonly dataset?: Dataset;
  readonly epsilon?: number;
  readonly delta?: number;
}

const ordinary = policyWith();

/** Compiles a statement over the catalogue; no source exists that it could read. */
export function compiled(sql: string, given: Circumstances = {}): Compiled {
  return compileQuery(
    { sql, epsilon: given.epsilon ?? null, delta: given.delta ?? null },
    {
      datasets: [given.dataset ?? people],
      policyOf: () => given.policy ?? ordinary,
      versionIdOf: () => 'v1',
      defaultTiming: { mode: 'exact' },
    },
  );
}
