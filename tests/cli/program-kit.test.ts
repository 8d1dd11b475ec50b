/** The verbs that a program is written with: files that work as they are, and a trial that says what does not. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { commandLine } from './captured-terminal.ts';

const line = commandLine();
afterAll(() => line.remove());
const at = (name: string): string => join(line.directory, name);

const DATASET = at('visits.yaml');
writeFileSync(
  DATASET,
  `kind: Dataset
name: visits
source: { type: csv, path: visits.csv }
privacyUnit: patient
columns:
  patient: { type: string, role: unit }
  region: { type: string, role: key, values: [north, south] }
  cost: { type: number, bounds: [0, 500] }
  secret: { type: string, role: hidden }
`,
);

async function initialised(name: string, ...more: readonly string[]): Promise<(file: string) => string> {
  const dir = at(name);
  const { code, err } = await line.run(['program', 'init', '--dataset', DATASET, '--dir', dir, ...more]);
  expect([code, err]).toEqual([0, '']);
  return (file) => join(dir, file);
}

function tried(file: (name: string) => string, ...more: readonly string[]) {
  return line.run([
    'program',
    'try',
    file('prog.js'),
    '--manifest',
    file('prog.yaml'),
    '--dataset',
    DATASET,
    ...more,
  ]);
}

test.each(['map', 'blocks'])(
  'what init writes for mode %s is admitted and tried without a finding',
  async (mode) => {
    const file = await initialised(mode, '--mode', mode);
    expect(
      (await line.run(['program', 'check', file('prog.js'), '--manifest', file('prog.yaml')])).out,
    ).toMatch(/^admitted/);
    const { code, out } = await tried(file);
    expect(code).toBe(0);
    expect(out).toContain('nothing went wrong');
    const records = JSON.parse(readFileSync(file('mock.json'), 'utf8')) as object[];
    expect(records.length).toBeGreaterThanOrEqual(1_000);
    expect(Object.keys(records[0]!)).toEqual(['region', 'cost']);
  },
);

test('init replaces nothing unless it is told to, and types replaces the types', async () => {
  const file = await initialised('kept');
  writeFileSync(file('prog.js'), 'mine');
  const again = ['program', 'init', '--dataset', DATASET, '--dir', at('kept')];
  expect(await line.run(again)).toMatchObject({ code: 2, err: expect.stringContaining('--force') });
  expect(readFileSync(file('prog.js'), 'utf8')).toBe('mine');
  expect((await line.run([...again, '--force'])).code).toBe(0);
  expect(readFileSync(file('prog.js'), 'utf8')).not.toBe('mine');
  const manifest = readFileSync(file('prog.yaml'), 'utf8').replace('cap:', 'ceiling:');
  writeFileSync(file('prog.yaml'), manifest);
  const types = [
    'program',
    'types',
    '--manifest',
    file('prog.yaml'),
    '--dataset',
    DATASET,
    '--dir',
    at('kept'),
  ];
  expect((await line.run(types)).code).toBe(0);
  expect(readFileSync(file('types.d.ts'), 'utf8')).toContain('readonly ceiling: number;');
});

test('nothing is written where one of the files is in the way', async () => {
  const file = await initialised('one');
  const { code } = await line.run(['program', 'init', '--dataset', DATASET, '--dir', at('two')]);
  expect(code).toBe(0);
  writeFileSync(join(line.directory, 'types.d.ts'), 'mine');
  expect((await line.run(['program', 'init', '--dataset', DATASET, '--dir', line.directory])).code).toBe(2);
  expect(existsSync(at('prog.js'))).toBe(false);
  expect(existsSync(file('prog.js'))).toBe(true);
});

test('try ends with 5 for findings and 4 for a program that gives nothing, and says record, line and output', async () => {
  const file = await initialised('wrong');
  const text = readFileSync(file('prog.js'), 'utf8');
  writeFileSync(file('prog.js'), text.replace('row.cost === null ? 0 : ', '').replace('params.cap, ', ''));
  const careless = await tried(file);
  expect(careless.code).toBe(5);
  expect(careless.out).toMatch(/record \d+, line \d+: `total` is \d+, .* clamped/);
  expect(careless.out).toMatch(/^in all: clamped \d+$/m);
  writeFileSync(file('prog.js'), text.replace('records: 1', 'records: row.costs * 2'));
  const useless = await tried(file, '--json');
  expect(useless.code).toBe(4);
  expect(JSON.parse(useless.out)).toMatchObject({
    records: 1200,
    findings: [{ kind: 'nan', record: 1, output: 'records' }, {}, {}, {}, {}],
    refused: expect.stringContaining('nan: NaN'),
  });
  writeFileSync(file('prog.js'), 'let n = 0; export function map() { n += 1; return n; }');
  expect(await tried(file)).toMatchObject({ code: 4, err: expect.stringContaining('PROGRAM_NOT_ADMITTED') });
});

test('parameters are those of the file, and a wrong one is refused', async () => {
  const file = await initialised('params');
  writeFileSync(file('p.json'), '{"cap": 900}');
  expect((await tried(file, '--params', file('p.json'))).out).toMatch(/in all: clamped \d+/);
  writeFileSync(file('p.json'), '{"cap": "x"}');
  expect(await tried(file, '--params', file('p.json'))).toMatchObject({ code: 4 });
  expect((await tried(file, '--params', file('absent.json'))).code).toBe(2);
});

test('a dataset that is neither a file nor on a server is said to be missing', async () => {
  const { code, err } = await line.run(['program', 'init', '--dataset', at('absent.yaml')]);
  expect([code, err]).toEqual([2, expect.stringContaining('absent.yaml')]);
});
