/**
 * The demo's data: hospital visits that never happened, made from a seed.
 *
 * About 220,000 visits of 40,000 patients in seven Chinese regions over one year: several visits each, skewed
 * costs, and what real tables hold: NULL, NaN, infinities, outliers, rare diagnoses, dates out of range. Every
 * value is a function of (seed, row), so one seed makes one file whatever the number of threads.
 */

const VISITS_PATIENTS = 40_000;

/** ICD-10 codes, common ones first; the rare ones have from dozens of patients down to a handful. */
const COMMON = [
  'I10',
  'E11',
  'J06',
  'K29',
  'M54',
  'J45',
  'I25',
  'N18',
  'C34',
  'E78',
  'F41',
  'H25',
  'G20',
  'C50',
];
const RARE = ['D66', 'E84', 'Q87', 'G71', 'E75', 'G10'];
const RARE_SHARE = 0.0006;

/** SQL that writes the visits of a seed to a Parquet file. `path` is quoted here; `seed` is a safe integer. */
export function visitsStatement(path: string, seed: number): string {
  const uniform = (tag: string, row = 'p, n'): string =>
    `((hash(${row}, '${tag}', ${seed}) >> 11)::DOUBLE / 9007199254740992)`;
  const pick = (codes: readonly string[], tag: string, skew: number): string =>
    `[${codes.map((code) => `'${code}'`).join(', ')}][1 + floor(${codes.length} * ${uniform(tag)} ** ${skew})::INTEGER]`;
  return `COPY (
    WITH patients AS (
      SELECT p, 1 + least(39, floor(-ln(1 - ${uniform('visits', 'p')}) * 4.9))::INTEGER AS visits,
        floor(${uniform('age', 'p')} ** 0.8 * 96)::INTEGER AS age,
        ['华北', '东北', '华东', '华中', '华南', '西南', '西北'][1 + floor(7 * ${uniform('region', 'p')} ** 1.4)::INTEGER] AS region
      FROM range(${VISITS_PATIENTS}) AS t(p)
    ), visits AS (SELECT *, unnest(range(visits)) AS n FROM patients)
    SELECT printf('P%05d', p) AS patient_id,
      CASE WHEN ${uniform('region?')} < 0.004 THEN NULL ELSE region END AS region,
      ['三级', '二级', '一级'][1 + floor(3 * ${uniform('level')} ** 1.3)::INTEGER] AS hospital_level,
      CASE WHEN ${uniform('rare')} < ${RARE_SHARE} THEN ${pick(RARE, 'which', 3)} ELSE ${pick(COMMON, 'diagnosis', 2.2)} END AS diagnosis,
      CASE WHEN ${uniform('date?')} < 0.002 THEN NULL WHEN ${uniform('date?')} < 0.003 THEN DATE '2019-06-30'
        ELSE DATE '2025-01-01' + floor(365 * ${uniform('date')})::INTEGER END AS visited_on,
      CASE WHEN ${uniform('age?')} < 0.003 THEN NULL WHEN ${uniform('age?')} < 0.0035 THEN 199 ELSE age END AS age,
      CASE WHEN ${uniform('cost?')} < 0.006 THEN NULL WHEN ${uniform('cost?')} < 0.009 THEN 'nan'::DOUBLE
        WHEN ${uniform('cost?')} < 0.0095 THEN 'inf'::DOUBLE WHEN ${uniform('cost?')} < 0.0105 THEN -1
        ELSE round(exp(5.6 + 1.1 * sqrt(-2 * ln(1 - ${uniform('cost')})) * cos(6.283185307179586 * ${uniform('angle')})), 2) END AS cost,
      ${uniform('insured', 'p')} < 0.86 AS insured,
      'seen by ' || (hash(p, n, 'note', ${seed}) % 900) AS note
    FROM visits ORDER BY visited_on, p, n
  ) TO '${path.replaceAll("'", "''")}' (FORMAT parquet, COMPRESSION zstd)`;
}

/** dataset.yaml of the demo's visits; `sample` is the synthetic twin that buyers may practise on. */
export function visitsManifest({
  name,
  file,
  origin,
}: {
  readonly name: string;
  readonly file: string;
  readonly origin: 'public' | 'synthetic';
}): string {
  return `kind: Dataset
name: ${name}
title: { en: ${origin === 'synthetic' ? 'Practice data (synthetic)' : 'Hospital visits'}, zh: ${origin === 'synthetic' ? '练习数据（合成）' : '就诊记录'} }
source: { type: parquet, path: ${file} }
timeZone: Asia/Shanghai
privacyUnit: patient_id
origin: ${origin}
grade: business_important
maxRows: 400000
columns:
  patient_id: { type: string, role: unit }
  region: { type: string, role: key, values: [华北, 东北, 华东, 华中, 华南, 西南, 西北] }
  hospital_level: { type: string, role: key, values: [三级, 二级, 一级] }
  diagnosis: { type: string, role: key }
  visited_on: { type: date, bounds: ['2025-01-01', '2025-12-31'] }
  age: { type: integer, bounds: [0, 120] }
  cost: { type: number, bounds: [0, 5000], granularity: 0.01 }
  insured: { type: boolean, role: key }
  note: { type: string, role: hidden }
`;
}

/** policy.yaml of the demo: a budget of ε 8 for the lineage, or none for synthetic data. */
export function visitsPolicy(origin: 'public' | 'synthetic'): string {
  return `kind: ReleasePolicy
mechanism: gaussian
budget: ${origin === 'synthetic' ? 'unlimited' : '{ epsilon: 8, delta: 1e-6 }'}
perJob: { epsilon: 0.5, max: 1, delta: 1e-7, thresholdDelta: 1e-9 }
maxGroupsPerUnit: 4
maxRowsPerUnit: 8
minimumCohort: 10
keys: thresholded
jail: preferred
${origin === 'synthetic' ? 'repeats: fresh\n' : ''}`;
}

/** SQL for the exact answers about the synthetic file, which may be published: nobody is in it. */
export function sampleTruth(path: string): string {
  return `SELECT hospital_level, count(*) AS visits, count(DISTINCT patient_id) AS patients
    FROM '${path.replaceAll("'", "''")}' GROUP BY hospital_level ORDER BY hospital_level`;
}
