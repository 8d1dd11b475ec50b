/** No field is ignored, no text crashes the loader, no hidden thing is shown: properties over generated manifests. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';

import { checkTogether } from '#sandbox/manifest/agreement.ts';
import { parseDataset } from '#sandbox/manifest/dataset-file.ts';
import { datasetSchema } from '#sandbox/manifest/dataset-schema.ts';
import type { Dataset, DatasetOrigin } from '#sandbox/manifest/dataset.ts';
import { namesAt, nearestName } from '#sandbox/manifest/fields.ts';
import { parsePolicy, policyDigest } from '#sandbox/manifest/policy-file.ts';
import { policySchema } from '#sandbox/manifest/policy-schema.ts';
import { datasetPublicView } from '#sandbox/manifest/public-view.ts';
import { checkAgainst } from '#sandbox/manifest/schema-check.ts';

import { DATASET_YAML, type Json, POLICY_YAML, datasetText, faultOfCall, policyText } from './examples.ts';

const dataset = (patch: Json = {}) => parseDataset(datasetText(patch), { path: 'd.yaml' });
const policy = (patch: Json = {}) => parsePolicy(policyText(patch), { path: 'p.yaml' });

/** Every mapping of the manifests that has fixed fields, and its loader. */
const PLACES = [
  ...[[], ['title'], ['source'], ['privacyUnit'], ['columns', 'cost'], ['columns', 'region']].map(
    (place) => ({
      place,
      schema: datasetSchema as z.ZodType,
      load: (patch: Json): unknown => dataset(patch),
    }),
  ),
  ...[[], ['budget'], ['perJob'], ['timing']].map((place) => ({
    place,
    schema: policySchema as z.ZodType,
    load: (patch: Json): unknown => policy(patch),
  })),
];

const anyName = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
  fc.constantFrom(
    'toString',
    'constructor',
    'hasOwnProperty',
    'valueOf',
    '__defineGetter__',
    '0',
    'null',
    'x',
  ),
  // One letter dropped or doubled: what a hand does.
  fc
    .tuple(fc.constantFrom('budget', 'epsilon', 'delta', 'bounds', 'hideBelow', 'privacyUnit'), fc.nat(5))
    .map(([name, at]) => name.slice(0, at) + name.slice(at + 1)),
);

function spoiltAt(place: readonly string[], name: string, value: Json): Json {
  const unit = place[0] === 'privacyUnit' ? { column: 'patient_id' } : {};
  return place.reduceRight<Json>((inner, part) => ({ [part]: inner }), { ...unit, [name]: value });
}

describe('an unknown field is refused wherever it stands:', () => {
  test.for(PLACES)('$place', ({ place, schema, load }) => {
    const known = namesAt(schema, place);
    expect(known.length).toBeGreaterThan(0);
    fc.assert(
      fc.property(anyName, fc.constantFrom<Json>(1, 'x', true, [], { a: 1 }), (name, value) => {
        fc.pre(!known.includes(name) && name !== '__proto__');
        expect(faultOfCall(() => load(spoiltAt(place, name, value)))).toMatchObject({
          code: 'CONFIG',
          rule: expect.stringMatching(/^manifest\.unknownField(Near)?$/),
        });
      }),
      { numRuns: 60 },
    );
  });

  test('control: a schema that strips what it does not know would be noticed', () => {
    const lax = z.object(policySchema.shape);
    const stated = parse(policyText({ dpEnabled: false })) as unknown;
    expect(faultOfCall(() => checkAgainst(lax, stated, 'p.yaml'))).toBe('accepted');
    expect(faultOfCall(() => checkAgainst(policySchema, stated, 'p.yaml'))).toMatchObject({
      rule: 'manifest.unknownField',
    });
  });
});

describe('nothing but our own refusals is thrown', () => {
  const LOADERS = [
    (text: string): unknown => parseDataset(text, { path: 'd.yaml' }),
    (text: string): unknown => parsePolicy(text, { path: 'p.yaml' }),
  ];
  // faultOfCall rethrows whatever is not ours.
  const outcomesOf = (text: string): unknown[] => LOADERS.map((load) => faultOfCall(() => load(text)));
  const survives = (text: string): boolean => outcomesOf(text).length === LOADERS.length;

  test('whatever the text is', () => {
    const anyText = fc.string({ unit: 'binary', maxLength: 60 });
    expect(fc.check(fc.property(anyText, survives), { numRuns: 300 })).toMatchObject({ failed: false });
  });

  test('whatever is cut out of a good text or put into it', () => {
    const cut = fc.tuple(
      fc.constantFrom(DATASET_YAML, POLICY_YAML),
      fc.nat(700),
      fc.nat(12),
      fc.constantFrom(
        '',
        ':',
        '- ',
        '{',
        ']',
        '"',
        '&a ',
        '*a',
        '!!x ',
        '\n',
        '  ',
        '? ',
        '| ',
        '\u{FEFF}',
        '---\n',
      ),
    );
    const property = fc.property(cut, ([text, at, length, put]) =>
      survives(text.slice(0, at) + put + text.slice(at + length)),
    );
    expect(fc.check(property, { numRuns: 300 })).toMatchObject({ failed: false });
  });

  test('whatever value a field has', () => {
    const fields = namesAt(datasetSchema, []).concat(namesAt(policySchema, []));
    const places = [[], ['perJob'], ['budget'], ['columns'], ['columns', 'cost'], ['columns', 'visited_on']];
    const names = [...fields, 'epsilon', 'delta', 'type', 'role', 'bounds', 'granularity', 'values', 'cost'];
    const property = fc.property(
      fc.constantFrom(...places),
      fc.constantFrom(...names),
      fc.jsonValue({ maxDepth: 3 }),
      (place, name, value) => {
        const patch = spoiltAt(place, name, value as Json);
        return survives(datasetText(patch)) && survives(policyText(patch));
      },
    );
    expect(fc.check(property, { numRuns: 200 })).toMatchObject({ failed: false });
  });

  test('control: a loader that lets an engine error through would be noticed', () => {
    const careless = (text: string): boolean => faultOfCall(() => parse(text) as unknown) === 'accepted';
    const anyText = fc.constantFrom('a: [', 'b: "');
    expect(fc.check(fc.property(anyText, careless))).toMatchObject({ failed: true });
  });

  test.for([
    { name: 'a mebibyte of brackets', text: '['.repeat(1 << 20) },
    { name: 'nested mappings', text: '{a: '.repeat(1 << 18) },
    { name: 'nested list items', text: '- '.repeat(1 << 19) },
    { name: 'many fields', text: Array.from({ length: 1 << 16 }, (_, i) => `k${i}: 1`).join('\n') },
    { name: 'many aliases', text: '*a '.repeat(1 << 18) },
    { name: 'many documents', text: '---\n'.repeat(1 << 18) },
    { name: 'many quotes', text: '"\n'.repeat(1 << 19) },
    { name: 'one long text', text: `kind: "${'x'.repeat(1 << 19)}"` },
  ])('a hostile text takes no more than three seconds of processor: $name', ({ text }) => {
    // Measured: at most 0.4 s. Without the bounds on tokens and depth the slowest of these takes more than 60 s.
    const start = process.cpuUsage().user;
    expect(faultOfCall(() => parsePolicy(text, { path: 'p.yaml' }))).toMatchObject({ code: 'CONFIG' });
    expect(process.cpuUsage().user - start).toBeLessThan(3_000_000);
  });
});

describe('the revision of a policy', () => {
  const VARIANTS: readonly Json[] = [
    { mechanism: 'laplace' },
    { budget: { epsilon: 7 } },
    { budget: { delta: 2e-6 } },
    { budget: 'unlimited' },
    { perJob: { epsilon: 0.5 } },
    { perJob: { max: 2 } },
    { perJob: { delta: 2e-7 } },
    { perJob: { thresholdDelta: 2e-9 } },
    { maxGroupsPerUnit: 5 },
    { maxRowsPerUnit: 9 },
    { minimumCohort: 11 },
    { keys: 'thresholded' },
    { hideBelow: 5 },
    { maxCells: 9_999 },
    { quantileBins: 1024 },
    { timing: { quantumMs: 250 } },
    { timing: null },
    { jail: 'preferred' },
    { prepare: false },
    { repeats: 'fresh' },
  ];

  test('changes with every effective value', () => {
    const digests = [policy().digest, ...VARIANTS.map((patch) => policy(patch).digest)];
    expect(new Set(digests).size).toBe(VARIANTS.length + 1);
    // Each field of the policy is changed by a variant, but for the two with a single honoured value.
    const changed = new Set(VARIANTS.flatMap((patch) => Object.keys(patch as object)));
    const fields = Object.keys(policy()).filter((name) => !changed.has(name));
    expect(fields.sort()).toEqual(['digest', 'kind', 'release']);
  });

  test('does not change with the order of fields or with defaults written out', () => {
    const stated = parse(POLICY_YAML) as Record<string, unknown>;
    const turned = JSON.stringify(Object.fromEntries(Object.entries(stated).reverse()));
    expect(parsePolicy(turned, { path: 'p.yaml' }).digest).toBe(policy().digest);
    const spelt: Json = {
      maxCells: 10_000,
      quantileBins: 4096,
      prepare: true,
      repeats: 'stored',
      noise: 'own',
    };
    expect(policy(spelt).digest).toBe(policy().digest);
  });

  test('is that of the loaded policy, whoever computes it', () => {
    expect(policyDigest(policy())).toBe(policy().digest);
  });
});

describe('the public view of a dataset', () => {
  const secrets = ['visits.parquet', 'parquet', 'note', '/'];
  const leaks = (view: unknown): string[] => {
    // Asia/Shanghai is the one text of the example that has a slash and is public.
    const text = JSON.stringify(view).replace('Asia/Shanghai', '');
    return secrets.filter((secret) => text.includes(secret));
  };

  test('shows neither source nor hidden columns, and keeps everything else', () => {
    const loaded = dataset();
    const view = datasetPublicView(loaded);
    expect(leaks(view)).toEqual([]);
    const { source: _, columns, ...rest } = loaded;
    expect(view).toEqual({ ...rest, columns: columns.filter(({ name }) => name !== 'note') });
  });

  test('control: a copy of the whole dataset would be noticed', () => {
    expect(leaks(dataset())).toEqual(secrets);
  });

  test('a field added to Dataset stays private until it is named', () => {
    const added = { ...dataset(), secret: 'visits.parquet' } as Dataset;
    expect(leaks(datasetPublicView(added))).toEqual([]);
  });
});

describe('a dataset and a policy together', () => {
  const ORIGINS: readonly DatasetOrigin[] = ['public', 'enterprise', 'personal', 'synthetic'];
  const together = (origin: DatasetOrigin, patch: Json) =>
    faultOfCall(() => checkTogether(dataset({ origin }), policy(patch)));

  test('made-up data may have a budget without end and fresh repeats', () => {
    expect(together('synthetic', { budget: 'unlimited', repeats: 'fresh' })).toBe('accepted');
  });

  test.for(ORIGINS.filter((origin) => origin !== 'synthetic'))('origin %s may not', (origin) => {
    const refused = { code: 'CONFIG', rule: 'manifest.syntheticOnly', file: 'policy.yaml' };
    expect(together(origin, {})).toBe('accepted');
    expect(together(origin, { budget: 'unlimited' })).toMatchObject({ ...refused, field: 'budget' });
    expect(together(origin, { repeats: 'fresh' })).toMatchObject({ ...refused, field: 'repeats' });
  });
});

describe('suggestions', () => {
  const known = ['maxGroupsPerUnit', 'maxRowsPerUnit', 'keys', 'jail', 'en'];

  test.for([
    ['maxgroupsperunit', 'maxGroupsPerUnit'],
    ['maxRowPerUnit', 'maxRowsPerUnit'],
    ['maxRowsPreUnit', 'maxRowsPerUnit'],
    ['key', 'keys'],
    ['kyes', 'keys'],
    ['jial', 'jail'],
    ['k', null],
    ['de', null],
    ['frobnicate', null],
    ['', null],
  ] as const)('%s: %s', ([typed, want]) => {
    expect(nearestName(typed, known)).toBe(want);
  });
});
