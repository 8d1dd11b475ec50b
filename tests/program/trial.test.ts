/** Trials: every way to go wrong is told with record, line and output, and a record gives what it would give in a job. */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { admitProgram } from '#sandbox/program/admission/admit.ts';
import { inputOf } from '#sandbox/program/compile.ts';
import { parseProgramManifest } from '#sandbox/program/manifest-file.ts';
import { keysOfOutputs } from '#sandbox/program/mapped-keys.ts';
import { mockRecords, type TrialDataset } from '#sandbox/program/mock.ts';
import { paramsOf } from '#sandbox/program/params.ts';
import type { ProgramManifest } from '#sandbox/program/program.ts';
import { checkTrial, type TrialReport, tryProgram } from '#sandbox/program/trial.ts';
import { WorkerPool } from '#sandbox/worker/pool.ts';
import { encodeRecords } from '#sandbox/worker/records.ts';
import { FAULT_KINDS, type FaultKind, type TrialSetup } from '#sandbox/worker/trial-protocol.ts';
import { bufferOf } from '#sandbox/worker/trial-records.ts';
import { runTrial } from '#sandbox/worker/trial-worker.ts';
import { sized } from '#tests/support/audit-size.ts';
import { schemaOf, VISITS } from '#tests/support/trial-datasets.ts';
import { mapSetup, printed } from '../worker/worker-setup.ts';
import accepted from '../programs/accepted.json' with { type: 'json' };

const pool = new WorkerPool();
afterAll(() => pool.close());

type Params = Readonly<Record<string, unknown>> | null;

function manifestOf(rest: string, mode: 'map' | 'blocks' = 'map'): ProgramManifest {
  const inputs = 'inputs: { visits: [region, age, cost, insured, day, note] }';
  return parseProgramManifest(`kind: Program\nname: tried\nmode: ${mode}\n${inputs}\n${rest}`, {
    path: 'prog.yaml',
  });
}

function tried(module: string, rest: string, params: Params = null): Promise<TrialReport> {
  return tryProgram({ module, manifest: manifestOf(rest) }, [VISITS], { params, jail: 'preferred' });
}

function triedBlocks(module: string, rest: string): Promise<TrialReport> {
  const manifest = manifestOf(`${rest}\nblocks: { count: 20, cpuMs: 300 }`, 'blocks');
  return tryProgram({ module, manifest }, [VISITS], { params: null, jail: 'preferred' });
}

/** Kind, line and output of what was found, each once. */
function places({ findings }: TrialReport): string[] {
  return [...new Set(findings.map(({ kind, line, output }) => `${kind} ${line} ${output}`))].sort();
}

/** How many of each kind were counted, without those of which there were none. */
function counted({ counts }: TrialReport): Partial<Record<FaultKind, number>> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

const EVERY_WAY = `const limit = (age) => {
  if (age > 100) {
    throw new RangeError('too old');
  }
  return age;
};
const bmi = (value) => {
  const doubled = limit(value) * 2;
  return doubled / 2;
};
export function map(row) {
  const { age } = row;
  if (age === null) return null;
  if (age === 0) return undefined.nothing;
  if (age === 1) while (true) limit(1);
  const age2 = bmi(age);
  if (age === 120 || age === 119) return {};
  if (age < 20) return { score: 'high', pair: [1, 2], region: 'north' };
  if (age < 30) return { score: age2, pair: [1], region: 'north' };
  if (age < 40) return {
    score: 0 / 0, pair: [1, null], region: row.region };
  return { score: -age2, pair: [3, 4], region: 'south' };
}`;
const EVERY_OUTPUT = `outputs:
  score: { kind: sum, bounds: [0, 50], by: { region: [north, south] } }
  pair: { kind: vector, length: 2, clip: 3 }`;

describe('a trial', () => {
  test('tells every way to go wrong, with the line of the applicant’s own module', async () => {
    const report = await tried(EVERY_WAY, EVERY_OUTPUT);
    expect(places(report)).toEqual(
      [
        'throw 3 null',
        'throw 14 null',
        'fuel 15 null',
        'type 13 null',
        'type 18 score',
        'length 19 pair',
        'nan 20 score',
        'type 20 pair',
        'key 20 region',
        'clamped 22 score',
        'clamped 22 pair',
      ].toSorted(),
    );
    const [first] = report.findings;
    expect(first).toMatchObject({ record: 1, kind: 'type', line: 13, sentence: { args: { text: 'null' } } });
    expect(report.findings.find(({ line }) => line === 3)?.sentence.args).toEqual({
      text: 'RangeError: too old',
    });
    expect(report).toMatchObject({ mode: 'map', records: 1200, assumed: [], refusal: null });
  });

  test('counts every fault and tells the first of each place, fifty at most', async () => {
    const report = await tried(EVERY_WAY, EVERY_OUTPUT);
    const ages = mockRecords(VISITS).map(({ age }) => age);
    const number = (is: (age: number) => boolean): number =>
      ages.filter((age) => age !== null && is(Number(age))).length;
    expect(report.counts.throw).toBe(number((age) => age === 0 || age > 100));
    expect(report.counts.fuel).toBe(number((age) => age === 1));
    expect(report.counts.length).toBe(number((age) => age >= 20 && age < 30));
    expect(report.findings.length).toBeLessThanOrEqual(50);
    for (const kind of FAULT_KINDS) {
      const told = report.findings.filter((finding) => finding.kind === kind).length;
      expect(told > 0).toBe(report.counts[kind] > 0);
    }
  });

  test('finds nothing wrong with a program that expects what may come', async () => {
    const module = `const REGION = new Map([['north', 'north'], ['south', 'south']]);
      export function map(row, params) {
        const cost = row.cost === null ? 0 : Math.min(params.cap, Math.max(0, row.cost));
        return { cost, region: REGION.get(row.region) ?? null };
      }`;
    const rest = `params: { cap: { type: number, default: 500 } }
outputs: { cost: { kind: sum, bounds: [0, 500], by: { region: [north, south, null] } } }`;
    const report = await tried(module, rest);
    expect(counted(report)).toEqual({});
    expect(report).toMatchObject({ nothing: 0, outputs: [{ name: 'cost', gave: 1200, clamped: 0 }] });
    // The control: what one of the three precautions is worth.
    const careless = await tried(module.replace('row.cost === null ? 0 : ', ''), rest);
    expect(counted(careless)).toEqual({});
    const bold = await tried(module.replace('Math.min(params.cap, Math.max(0, row.cost))', 'row.cost'), rest);
    expect(Object.keys(counted(bold))).toEqual(['clamped']);
  });

  test('refuses a program that gives nothing from any record to some output, with what went wrong first', async () => {
    const misspelt = await tried(
      `export function map(row) {
  const cost = row.price * 2;
  return { cost, n: 1 };
}`,
      'outputs: { cost: { kind: sum, bounds: [0, 1] }, n: { kind: count } }',
    );
    expect(misspelt.refusal).toEqual({
      id: 'trial.refused',
      args: { output: 'cost', record: 1, line: 3, what: 'nan: NaN' },
    });
    expect(() => checkTrial(misspelt)).toThrow(expect.objectContaining({ code: 'PROGRAM_NOT_ADMITTED' }));
    const once = await tried(
      `export function map(row) { return { cost: row.cost === 500 ? 1 : NaN, n: 1 }; }`,
      'outputs: { cost: { kind: sum, bounds: [0, 1] }, n: { kind: count } }',
    );
    expect(() => checkTrial(once)).not.toThrow();
    const elsewhere = await tried(
      `export function map() { return { n: 1, place: 'North' }; }`,
      'outputs: { n: { kind: count, by: { place: [north] } } }',
    );
    expect(elsewhere.refusal?.args).toMatchObject({ output: 'n', what: 'key: "North"' });
  });

  test('makes up parameters that have no default, says which, and takes those that are given', async () => {
    const module = `export function map(row, params) {
      if (params.mode !== 'x' || params.on !== true) return 'given';
      return params.w.length === 3 ? [params.k, params.w[2], 1] : 'length';
    }`;
    const rest = `params: { mode: { type: string }, on: { type: boolean }, k: { type: number, default: 2 }, w: { type: numbers } }
outputs: { v: { kind: vector, length: 3, clip: 9 } }`;
    const report = await tried(module, rest);
    expect(counted(report)).toEqual({});
    expect(report.assumed).toEqual(['mode', 'on', 'w']);
    const given = await tried(module, rest, { mode: 'y' });
    expect(given.assumed).toEqual(['on', 'w']);
    expect(given.refusal?.id).toBe('trial.refusedAssumed');
    await expect(tried(module, rest, { other: 1 })).rejects.toMatchObject({ code: 'PARAM' });
  });

  test('is only of what admission admits, and of columns that a program may read', async () => {
    const rest = 'outputs: { n: { kind: count } }';
    const refused = { code: 'PROGRAM_NOT_ADMITTED' };
    await expect(tried('let n = 0; export function map() { n += 1; return n; }', rest)).rejects.toMatchObject(
      refused,
    );
    const ofSecret = parseProgramManifest(
      `kind: Program\nname: x\nmode: map\ninputs: { visits: [secret] }\n${rest}`,
      { path: 'prog.yaml' },
    );
    const program = { module: 'export function map() { return 1; }', manifest: ofSecret };
    await expect(tryProgram(program, [VISITS], { params: null, jail: 'preferred' })).rejects.toMatchObject({
      code: 'COLUMN',
    });
  });

  test('goes on beside a record that ends its isolate or its process, and names it', async () => {
    const costs = [1, 2, 3, 4, 5, 6, 7, 8];
    const setup: TrialSetup = {
      mode: 'trial',
      job: mapSetup(
        `${printed(`const kept = [];
          if (row.cost === 3) for (;;);
          if (row.cost === 6) for (;;) kept.push(Array.from({ length: 1000000 }).fill(1));
          return 1;`)}\nexport function $line() { return 1; }`,
      ),
      outputs: [{ name: 'value', keys: [], limit: { low: 0, high: 1 } }],
      blocks: [[costs.map((cost) => [cost, true, 'north'])]],
      first: 0,
      deadlineMs: 800,
    };
    const parts = await runTrial(setup, { engine: 'fast', jail: 'preferred', chunk: 8 });
    const died = parts.flatMap(({ faults }) => faults.map(({ kind, record }) => `${kind} ${costs[record]!}`));
    expect(died).toEqual(['died 3', 'died 6']);
    expect(parts.reduce((sum, { outputs }) => sum + outputs[0]!.gave, 0)).toBe(6);
  });
});

describe('a program of much fuel', () => {
  test('is tried in parts, and is not said to fail for being slow', async () => {
    const module = `export function map(row) {
      let x = 0;
      for (let i = 0; i < 10000; i += 1) x += Math.sin(i);
      return row.age === null ? x : 0;
    }`;
    const report = await tried(module, 'fuel: 1000000\noutputs: { x: { kind: sum, bounds: [-10, 10] } }');
    expect(report).toMatchObject({ records: 1200, nothing: 0, refusal: null });
    expect(counted(report)).toEqual({});
  });
});

describe('a trial of blocks', () => {
  const rest = 'outputs: { median: { kind: mean, bounds: [0, 500] } }';

  test('tells what went wrong in a block, and where it was thrown', async () => {
    const report = await triedBlocks(
      `export function run(table) {
  const costs = table.map((row) => row.cost);
  if (costs[0] === null)
    throw new TypeError('no cost');
  return { median: costs.length === 300 ? 501 : NaN };
}`,
      rest,
    );
    expect(places(report)).toEqual(['clamped null median', 'throw 4 null']);
    expect(report).toMatchObject({ mode: 'blocks', records: 4, nothing: 1 });
    expect(report.findings[0]?.sentence.args).toEqual({ text: 'TypeError: no cost' });
  });

  test.each([
    ['export function run() { for (;;) {} }', 'died'],
    ['throw new Error("at once"); export function run() { return 1; }', 'load'],
    ['export function run() { return undefined; }', 'missing'],
    [
      'Array.isArray = () => { throw 1; }; JSON.stringify = null; export function run() { return "x"; }',
      'type: "x"',
    ],
  ])('refuses %s', async (module, what) => {
    const { refusal } = await triedBlocks(module, rest);
    expect(String(refusal?.args['what']).split(': Error')[0]).toBe(what);
    expect(refusal?.args).toMatchObject({ output: 'median', record: 1 });
  });
});

/** What a worker of a job makes of the same records: how many count in each output, and how many have no number for it. */
async function jobShares(
  module: string,
  manifest: ProgramManifest,
  { datasets, params }: { readonly datasets: readonly TrialDataset[]; readonly params: Params },
): Promise<readonly { gave: number; defaulted: number }[]> {
  const { columns, dataset } = inputOf(manifest.inputs[0]!, datasets);
  const keys = keysOfOutputs(manifest.outputs, [{ columns }]);
  const outputs = manifest.outputs.map((output) => ({
    name: output.name,
    width: output.kind === 'vector' ? output.length : 1,
  }));
  const { code } = admitProgram(module, 'map', manifest);
  const worker = await pool.take('fast', 'preferred', {
    mode: 'map',
    code: code!,
    params: paramsOf(manifest.params, params),
    fuel: manifest.fuel,
    columns,
    outputs,
    keys,
  });
  const table = mockRecords(dataset).map((record) => columns.map(({ column }) => record[column] ?? null));
  const result = await worker.map(encodeRecords(bufferOf(table, columns)), table.length);
  worker.kill();
  if (result === 'died') throw new Error('the worker died');
  return manifest.outputs.map(({ by }, at) => {
    const { width } = outputs[at]!;
    const isThere = (row: number): boolean =>
      !result.values[at]!.subarray(row * width, (row + 1) * width).includes(NaN);
    const isListed = (row: number): boolean =>
      by.every(({ name }) => result.codes[keys.findIndex((key) => key.name === name)]![row]! >= 0);
    const rows = [...table.keys()].filter(isThere);
    return { gave: rows.filter(isListed).length, defaulted: table.length - rows.length };
  });
}

describe('a record gives in a trial what it gives in a job', () => {
  test('whatever goes wrong with it', async () => {
    const manifest = manifestOf(EVERY_OUTPUT);
    const report = await tried(EVERY_WAY, EVERY_OUTPUT);
    const shares = await jobShares(EVERY_WAY, manifest, { datasets: [VISITS], params: null });
    expect(report.outputs).toMatchObject(shares);
    expect(shares[0]!.gave).toBeGreaterThan(0);
    expect(shares[0]!.defaulted).toBeGreaterThan(0);
    // The control: another program has other shares.
    const other = EVERY_WAY.replace('age < 40', 'age < 80');
    expect(await jobShares(other, manifest, { datasets: [VISITS], params: null })).not.toEqual(shares);
  });

  const folder = 'tests/programs/accepted';
  const names = readdirSync(folder).flatMap((file) => (file.endsWith('.js') ? [file.slice(0, -3)] : []));
  const cases: Readonly<
    Record<string, { params: object; rows: readonly Readonly<Record<string, unknown>>[] }>
  > = accepted;

  test.each(names.filter((_, at) => at % sized(5, 1) === 0))('in program %s', async (name) => {
    const module = readFileSync(`${folder}/${name}.js`, 'utf8');
    const manifest = parseProgramManifest(readFileSync(`${folder}/${name}.yaml`, 'utf8'), { path: name });
    const { params, rows } = cases[name]!;
    const datasets = schemaOf(manifest, rows);
    const given = { datasets, params: params as Params };
    const report = await tryProgram({ module, manifest }, datasets, {
      params: given.params,
      jail: 'preferred',
    });
    expect(report.outputs).toMatchObject(await jobShares(module, manifest, given));
  });
});
