/** prog.yaml: what a good one means, and every rule of it broken once or more. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { PROGRAM_MANIFEST_WORDS } from '#policies/words/program-manifest.ts';
import {
  parseProgramManifest,
  programManifestOf,
  readProgramManifest,
} from '#sandbox/program/manifest-file.ts';
import { paramValueOf } from '#sandbox/program/params.ts';
import { programDigestOf } from '#sandbox/program/program.ts';
import { faultOfCall, type Json, patched } from '#tests/manifest/examples.ts';
import bad from '#tests/vectors/bad-programs.json' with { type: 'json' };

const PROGRAM_YAML = `
kind: Program
name: high-spenders
mode: map
inputs: { visits: [region, age, cost] }
params: { cap: { type: number, default: 500 } }
outputs:
  spend: { kind: sum, bounds: [0, 500], granularity: 1, by: { region: [north, south] } }
  adult: { kind: count }
`;

/** Texts that no patch of the good one gives. */
const TEXTS: Readonly<Record<string, string>> = {
  MAPPED: PROGRAM_YAML.replace('[region, age, cost]', '{ a-b: age }'),
  MAPPED2: PROGRAM_YAML.replace('[region, age, cost]', '{ constructor: age }'),
  INFINITE: PROGRAM_YAML.replace('[0, 500]', '[0, .inf]'),
};

function text(patch: Json): string {
  return JSON.stringify(patched(parse(PROGRAM_YAML) as Json, patch));
}

function load(source: string): unknown {
  return parseProgramManifest(source, { path: 'p.yaml' });
}

test('a map says what it reads, takes and returns, and the rest has defaults', () => {
  expect(load(PROGRAM_YAML)).toEqual({
    kind: 'Program',
    name: 'high-spenders',
    title: null,
    mode: 'map',
    inputs: [
      {
        dataset: 'visits',
        columns: ['region', 'age', 'cost'].map((name) => ({ name, column: name })),
      },
    ],
    params: [{ name: 'cap', type: 'number', default: 500 }],
    outputs: [
      {
        name: 'spend',
        kind: 'sum',
        bounds: [0, 500],
        granularity: 1,
        by: [{ name: 'region', values: ['north', 'south'] }],
        quality: false,
      },
      { name: 'adult', kind: 'count', by: [], quality: false },
    ],
    fuel: 1000,
    blocks: null,
    defaults: {},
    source: parse(PROGRAM_YAML) as unknown,
  });
});

test('a column may have another name in the program, and every kind of output loads', () => {
  const manifest = programManifestOf(
    {
      kind: 'Program',
      name: '各种输出',
      title: { en: 'All', zh: '全部' },
      mode: 'map',
      inputs: { visits: { age: '年龄' } },
      params: {
        list: { type: 'numbers', default: [1, 2] },
        word: { type: 'string' },
        flag: { type: 'boolean', default: false },
      },
      outputs: {
        a: { kind: 'mean', bounds: [-0, 1], quality: true },
        b: { kind: 'variance', bounds: [0, 0], granularity: 0.5 },
        c: { kind: 'histogram', bounds: [0, 10], bins: 10 },
        d: { kind: 'quantile', bounds: [0, 10], q: [0, 0.5, 1] },
        e: { kind: 'vector', length: 3, clip: 0.5, by: { k: [1, null, true, 'x'], l: [-0] } },
      },
      fuel: 1_000_000,
    },
    'p.json',
  );
  expect(manifest.inputs).toEqual([{ dataset: 'visits', columns: [{ name: 'age', column: '年龄' }] }]);
  expect(manifest.params.map((param) => param.default)).toEqual([[1, 2], null, false]);
  expect(manifest.outputs.map(({ kind, quality }) => [kind, quality])).toEqual([
    ['mean', true],
    ['variance', false],
    ['histogram', false],
    ['quantile', false],
    ['vector', false],
  ]);
  expect(manifest.outputs[4]?.by).toEqual([
    { name: 'k', values: [1, null, true, 'x'] },
    { name: 'l', values: [0] },
  ]);
  expect(manifest.outputs[0]).toMatchObject({ bounds: [0, 1] });
});

test('blocks have a number, a time each, and defaults within their bounds', () => {
  const manifest = programManifestOf(
    {
      kind: 'Program',
      name: 'medians',
      mode: 'blocks',
      inputs: { a: ['x'], b: ['y'] },
      outputs: { m: { kind: 'mean', bounds: [0, 10] }, v: { kind: 'vector', length: 2, bounds: [0, 1] } },
      blocks: { count: 100 },
      defaults: { m: 3 },
    },
    'p',
  );
  expect(manifest).toMatchObject({ blocks: { count: 100, cpuMs: 1000 }, defaults: { m: 3 } });
  expect(manifest.inputs.map(({ dataset }) => dataset)).toEqual(['a', 'b']);
});

test('YAML, JSON and a file give the same manifest, and so the same digest', () => {
  const folder = mkdtempSync(join(tmpdir(), 'unseen-program-'));
  try {
    const path = join(folder, 'prog.yaml');
    writeFileSync(path, PROGRAM_YAML);
    const digests = [
      readProgramManifest(path),
      parseProgramManifest(text({}), { path: 'p.json' }),
      programManifestOf(parse(PROGRAM_YAML), 'body'),
    ].map(({ source }) => programDigestOf('export const map = 1;', source));
    expect(new Set(digests).size).toBe(1);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a parameter takes values of its type, which are finite and well-formed', () => {
  const values = [1, Infinity, '年', '\ud800', true, [1, 2], [1, '2'], [NaN], null, {}];
  const taken = (type: 'number' | 'string' | 'boolean' | 'numbers') =>
    values.filter((value) => paramValueOf(value, type) !== null);
  expect(taken('number')).toEqual([1]);
  expect(taken('string')).toEqual(['年']);
  expect(taken('boolean')).toEqual([true]);
  expect(taken('numbers')).toEqual([[1, 2]]);
});

interface BadCase {
  readonly name: string;
  readonly patch?: Json;
  readonly text?: string;
  readonly rule: string;
  readonly field: string;
}

const CASES = bad.cases as readonly BadCase[];

describe('prog.yaml refuses', () => {
  test.for(CASES)('$name', ({ patch, text: named, rule, field }) => {
    const source = named === undefined ? text(patch ?? {}) : (TEXTS[named] ?? '');
    const fault = faultOfCall(() => load(source));
    expect(fault).toMatchObject({ code: 'CONFIG', rule, field, file: 'p.yaml' });
    expect(fault).toMatchObject({
      en: expect.stringContaining(field),
      zh: expect.stringMatching(/\p{Script=Han}/u),
    });
  });

  test.for([null, 'text', [1]])('%j as a whole', (value) => {
    expect(faultOfCall(() => programManifestOf(value, 'body'))).toMatchObject({ rule: 'manifest.root' });
  });

  test('nothing in the unspoilt file, so each case fails for its own reason', () => {
    expect(faultOfCall(() => load(text({})))).toBe('accepted');
  });
});

test('every sentence about programs is reached by a bad manifest', () => {
  const reached = new Set(CASES.map(({ rule }) => rule));
  expect(Object.keys(PROGRAM_MANIFEST_WORDS).filter((rule) => !reached.has(rule))).toEqual([]);
});
