/** PL: from the text of a typical question to its Plan, which every quote, job and second decision needs. */
import { compileQuery } from '#sandbox/query/compile.ts';
import { type Benchmark, lineOf, msOf, type Subject } from './measure.ts';
import { readVisits, visitsManifest } from './visits.ts';

const PLANNING: Subject = {
  id: 'PL',
  name: 'planning a typical question: text to Plan and presentation',
  unit: 'ms',
  better: 'lower',
  against: 'at most 2',
};

const QUESTION = `
  WITH adults AS (SELECT * FROM visits WHERE age BETWEEN 18 AND 120)
  SELECT region, ward, count(*) AS visits, count(DISTINCT patient_id) AS patients, sum(cost) AS cost,
    avg(cost) FILTER (WHERE ward <> 'other') AS mean_cost, median(age) AS median_age
  FROM adults WHERE cost > 10 AND ward IN ('surgery', 'medicine', 'children') AND NOT region LIKE 'north%'
  GROUP BY region, ward HAVING visits > 100 ORDER BY cost DESC LIMIT 20`;

const [WARM_UP, SAMPLES] = [200, 1_000];

export const PLANNING_TIME: Benchmark = {
  ids: ['PL'],
  async *run(_asked, { small }) {
    const { dataset, policy } = readVisits(visitsManifest('/any.parquet', { name: 'visits', maxRows: 1e7 }));
    const catalogue = {
      datasets: [dataset],
      policyOf: () => policy,
      versionIdOf: () => 'any',
      defaultTiming: { mode: 'exact' },
    } as const;
    const plan = (): Promise<number> =>
      msOf(async () => compileQuery({ sql: QUESTION, epsilon: null, delta: null }, catalogue));
    for (let run = 0; run < (small ? 1 : WARM_UP); run += 1) await plan();
    const samples: number[] = [];
    for (let run = 0; run < (small ? 3 : SAMPLES); run += 1) samples.push(await plan());
    yield lineOf(PLANNING, samples);
  },
};
