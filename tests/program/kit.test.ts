/** The authoring kit: what it generates for any dataset is admitted, type-checks, and goes through its own trial. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { admitProgram } from '#sandbox/program/admission/admit.ts';
import { starterOf } from '#sandbox/program/kit/starter.ts';
import { typesText } from '#sandbox/program/kit/types-text.ts';
import { parseProgramManifest } from '#sandbox/program/manifest-file.ts';
import type { TrialDataset } from '#sandbox/program/mock.ts';
import type { ProgramManifest, ProgramMode } from '#sandbox/program/program.ts';
import { tryProgram } from '#sandbox/program/trial.ts';
import { sized } from '#tests/support/audit-size.ts';
import { worlds } from '#tests/support/dataset-generator.ts';
import { VISITS } from '#tests/support/trial-datasets.ts';

const folder = mkdtempSync(join(tmpdir(), 'unseen-kit-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Kit {
  readonly dataset: TrialDataset;
  readonly module: string;
  readonly manifest: ProgramManifest;
  readonly types: string;
}

function kitOf(dataset: TrialDataset, mode: ProgramMode): Kit {
  const { module, manifest: text } = starterOf(dataset, { name: 'first', mode });
  const manifest = parseProgramManifest(text, { path: 'prog.yaml' });
  return { dataset, module, manifest, types: typesText(manifest, [dataset]) };
}

/** Datasets of all shapes: generated ones, and parts of them in which whole kinds of columns are missing. */
const datasets: fc.Arbitrary<TrialDataset> = fc
  .tuple(worlds(), fc.integer({ min: 0, max: 12 }), fc.constantFrom('visits', '就诊 */ "x"'))
  .map(([{ dataset }, without, name]) => ({ name, columns: dataset.columns.slice(without) }));
const kits = fc
  .tuple(datasets, fc.constantFrom('map' as const, 'blocks' as const))
  .map(([dataset, mode]) => kitOf(dataset, mode));

/** What the TypeScript compiler says of programs with their types. */
function typeFaults(programs: readonly Pick<Kit, 'module' | 'types'>[]): string {
  const place = mkdtempSync(join(folder, 'types-'));
  for (const [at, { module, types }] of programs.entries()) {
    const own = join(place, `kit${at}`);
    mkdirSync(own);
    writeFileSync(join(own, 'prog.js'), module);
    writeFileSync(join(own, 'types.d.ts'), types);
  }
  const files = programs.flatMap((_, at) => [`kit${at}/prog.js`, `kit${at}/types.d.ts`]);
  writeFileSync(join(place, 'package.json'), '{"type":"module"}');
  const compilerOptions = {
    target: 'es2024',
    module: 'nodenext',
    strict: true,
    allowJs: true,
    checkJs: true,
    noEmit: true,
    types: [],
  };
  writeFileSync(join(place, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  return spawnSync(resolve('node_modules/.bin/tsc'), ['-p', place], { encoding: 'utf8' }).stdout;
}

describe('what the kit generates', () => {
  test('is admitted without a warning, whatever the dataset', () => {
    fc.assert(
      fc.property(kits, ({ module, manifest }) => {
        expect(admitProgram(module, manifest.mode, manifest)).toMatchObject({ admitted: true, findings: [] });
      }),
      { numRuns: 150 },
    );
  });

  test('type-checks, and a program that misuses its row, parameters or outputs does not', () => {
    const programs = fc.sample(kits, { numRuns: sized(25, 200), seed: 4 });
    expect(programs.some(({ types }) => types.includes('column'))).toBe(true);
    expect(typeFaults(programs)).toBe('');
    const { types, module } = kitOf(VISITS, 'map');
    const head = module.slice(0, module.indexOf('{\n  const amount'));
    const misuses = {
      'Object is possibly|is possibly': 'row.age.toFixed()',
      "'prize' does not exist": 'row.prize',
      "'cap' because it is a read-only": '(params.cap = 1)',
      'not assignable to type': '({ records: true, total: 1, region: null })',
      'missing in type': '({ records: 1, total: 1 })',
    };
    for (const [says, expression] of Object.entries(misuses)) {
      const faults = typeFaults([{ types, module: `${head}{\n  return ${expression};\n}\n` }]);
      expect(faults).toMatch(new RegExp(says));
    }
  });

  test('goes through its own trial without a finding', async () => {
    const programs = fc.sample(kits, { numRuns: sized(8, 60), seed: 5 });
    expect(new Set(programs.map(({ manifest }) => manifest.mode)).size).toBe(2);
    for (const { module, manifest, dataset } of programs) {
      const report = await tryProgram({ module, manifest }, [dataset], { params: null, jail: 'preferred' });
      expect(report).toMatchObject({ nothing: 0, findings: [], refusal: null });
    }
  });

  test('reads a column that a program cannot name under another name, and offers what is listed', () => {
    const { types, manifest, module } = kitOf(
      {
        name: '就诊',
        columns: [
          { ...VISITS.columns[1]!, name: '地区', values: ['华北', '华东', null] },
          { ...VISITS.columns[3]!, name: '金额' },
        ],
      },
      'map',
    );
    expect(manifest.inputs[0]?.columns).toEqual([
      { name: 'column1', column: '地区' },
      { name: 'column2', column: '金额' },
    ]);
    expect(module).toContain('LISTED.get(row.column1)');
    expect(types).toContain('column1: "华北" | "华东" | (string & {}) | null;');
    expect(types).toContain('column1: "华北" | "华东" | null;');
    expect(types).toContain('/** 金额: number, declared from 0 to 500 */');
  });

  test('is nothing where a program may read nothing', () => {
    const hidden = VISITS.columns.filter(({ role }) => role === 'hidden' || role === 'unit');
    expect(() => kitOf({ name: 'visits', columns: hidden }, 'map')).toThrow(
      expect.objectContaining({ code: 'CONFIG' }),
    );
  });
});

describe('types', () => {
  test('follow a manifest: several datasets, vectors, bare values and parameters', () => {
    const manifest = parseProgramManifest(
      `kind: Program
name: both
mode: blocks
inputs: { visits: [age], again: { years: age } }
params: { on: { type: boolean }, w: { type: numbers, default: [1] } }
outputs: { pair: { kind: vector, length: 2, bounds: [0, 1] } }
blocks: { count: 20 }`,
      { path: 'prog.yaml' },
    );
    const types = typesText(manifest, [VISITS, { ...VISITS, name: 'again' }]);
    const module = `/** @type {(table: import('./types.d.ts').Table, params: import('./types.d.ts').Params) => import('./types.d.ts').Returned} */
export const run = (table, params) =>
  params.on ? [table.visits[0]?.age ?? 0, table.again[0]?.years ?? 0] : { pair: params.w };
`;
    expect(typeFaults([{ types, module }])).toBe('');
    expect(typeFaults([{ types, module: module.replace('again[0]?.years', 'again[0]?.age') }])).toContain(
      'age',
    );
  });
});
