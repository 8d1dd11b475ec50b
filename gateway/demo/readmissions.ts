/**
 * The data and programs of `unseen demo --programs`: patients who never were, and whether they came back within a month.
 *
 * The chance of coming back is a logistic function of age, stays and chronic illness with weights that are written here, so
 * that anyone can compare what was learned under privacy with what made the data. One row per patient. Features are
 * centred and scaled by public figures, as descent likes them.
 */

const PATIENTS = 60_000;

/** Weights of (1, (age − 60) / 25, (stays − 3) / 3.5, ±1) that the data are made with. */
export const TRUE_WEIGHTS = [-0.8, 0.5, 0.6, 0.4] as const;

/** SQL that writes the patients of a seed to a Parquet file. `path` is quoted here; `seed` is a safe integer. */
export function readmissionsStatement(path: string, seed: number): string {
  const uniform = (tag: string): string => `((hash(p, '${tag}', ${seed}) >> 11)::DOUBLE / 9007199254740992)`;
  const [constant, age, stays, chronic] = TRUE_WEIGHTS;
  const score = `${constant} + ${age} * (age - 60) / 25 + ${stays} * (stays - 3) / 3.5 + ${chronic} * (2 * chronic::INTEGER - 1)`;
  return `COPY (
    WITH patients AS (
      SELECT p, 18 + floor(${uniform('age')} ** 0.8 * 78)::INTEGER AS age, floor(${uniform('stays')} ** 2 * 11)::INTEGER AS stays,
        ${uniform('chronic')} < 0.35 AS chronic, ['north', 'south'][1 + floor(2 * ${uniform('region')})::INTEGER] AS region
      FROM range(${PATIENTS}) AS t(p)
    )
    SELECT printf('P%05d', p) AS patient_id, region, age, stays, chronic, ${uniform('back')} < 1 / (1 + exp(-(${score}))) AS readmitted
    FROM patients ORDER BY hash(p)
  ) TO '${path.replaceAll("'", "''")}' (FORMAT parquet)`;
}

export const READMISSIONS = `kind: Dataset
name: readmissions
title: { en: Patients and readmissions, zh: 患者与再入院 }
source: { type: parquet, path: readmissions.parquet }
timeZone: Asia/Shanghai
privacyUnit: patient_id
origin: public
grade: general
maxRows: 100000
columns:
  patient_id: { type: string, role: unit }
  region: { type: string, role: key, values: [north, south] }
  age: { type: integer, bounds: [0, 120] }
  stays: { type: integer, bounds: [0, 50] }
  chronic: { type: boolean }
  readmitted: { type: boolean }
`;

/** Release times are quantised here, so that a dozen steps take seconds; a server’s default for programs is a planned time. */
export const READMISSIONS_POLICY = `kind: ReleasePolicy
mechanism: gaussian
budget: { epsilon: 8, delta: 1e-6 }
perJob: { epsilon: 0.5, max: 1, delta: 1e-7 }
maxGroupsPerUnit: 1
timing: { quantumMs: 125 }
engine: fast
jail: preferred
`;

const INPUTS = 'inputs: { readmissions: [age, stays, chronic, readmitted] }';

/** One step of gradient descent; clipped per patient, so that no patient moves a step by more than 2. */
const GRADIENT = `// The gradient of the logistic loss at the weights w, per patient.
const features = (row) => [1, (row.age - 60) / 25, (row.stays - 3) / 3.5, row.chronic ? 1 : -1];

export function map(row, { w }) {
  const x = features(row);
  let score = 0;
  for (let i = 0; i < x.length; i += 1) score += w[i] * x[i];
  const error = 1 / (1 + Math.exp(-score)) - (row.readmitted ? 1 : 0);
  return { gradient: x.map((value) => error * value), patients: 1 };
}
`;

/** The same with a counter: what one record leaves behind for the next would be a way to read it. */
const STATEFUL = GRADIENT.replace('export function', 'let seen = 0;\n\nexport function').replace(
  '  const x =',
  '  seen += 1;\n  const x =',
);

export const GRADIENT_PROGRAM = {
  stateful: STATEFUL,
  module: GRADIENT,
  manifest: `kind: Program
name: readmission-model
mode: map
${INPUTS}
params: { w: { type: numbers } }
outputs:
  gradient: { kind: vector, length: 4, clip: 2, granularity: 0.0001 }
  patients: { kind: count }
fuel: 50
`,
} as const;

/** Does not end by itself within a demo: every record uses most of its fuel. */
export const ENDLESS_PROGRAM = {
  module: `export function map(row) {
  let x = row.age;
  for (let i = 0; i < 50000; i += 1) x = Math.sin(x + i);
  return x;
}
`,
  manifest: `kind: Program
name: endless
mode: map
inputs: { readmissions: [age] }
outputs:
  x: { kind: sum, bounds: [-1, 1] }
fuel: 60000
`,
} as const;
