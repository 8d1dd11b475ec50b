/** Keeps docs/manifests.md and the schemas the same: fields, defaults, what is honoured, and every example. */
import { readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { parseDataset } from '#sandbox/manifest/dataset-file.ts';
import { datasetSchema } from '#sandbox/manifest/dataset-schema.ts';
import { fieldsOf } from '#sandbox/manifest/fields.ts';
import { parsePolicy } from '#sandbox/manifest/policy-file.ts';
import { policySchema } from '#sandbox/manifest/policy-schema.ts';
import { valueAt } from '#sandbox/manifest/schema-check.ts';

import { type Json, datasetText, encryptedText, faultOfCall, policyText } from './examples.ts';

const MANUAL = readFileSync('docs/manifests.md', 'utf8');

interface Row {
  readonly field: string;
  readonly fallback: string;
  readonly honoured: string;
  readonly example: string;
}

function sectionOf(title: string): string {
  const section = MANUAL.split(/^## /m).find((part) => part.startsWith(title));
  if (section === undefined) throw new RangeError(`no section ${title}`);
  return section;
}

function rowsOf(title: string): Row[] {
  return sectionOf(title)
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => {
      const [, field = '', , fallback = '', honoured = '', example = ''] = line.split('|').map(unquoted);
      return { field, fallback, honoured, example };
    });
}

function unquoted(cell: string): string {
  return /^`([^`]*)`$/.exec(cell.trim())?.[1] ?? cell.trim();
}

function exampleFileOf(title: string): string {
  const block = /```yaml\n([\s\S]*?)```/.exec(sectionOf(title))?.[1];
  if (block === undefined) throw new RangeError(`no example in ${title}`);
  return block;
}

/** A column of the good dataset that the example of a column's field fits. */
const COLUMN_FOR: Record<string, string> = {
  type: 'cost',
  role: 'region',
  bounds: 'cost',
  granularity: 'cost',
  values: 'region',
};

/** A merge patch that sets one field, as the manual writes its path. */
function patchFor(field: string, value: Json): Json {
  const parts = field.replace('*', COLUMN_FOR[field.split('.').at(-1) ?? ''] ?? '').split('.');
  return parts.reduceRight<Json>((inner, part) => ({ [part]: inner }), value);
}

const FILES = [
  {
    title: 'dataset.yaml',
    schema: datasetSchema,
    text: datasetText,
    parse: (text: string): unknown => parseDataset(text, { path: 'd.yaml' }),
    /** The least that a file may say. */
    least: {
      kind: 'Dataset',
      name: 'a',
      source: { type: 'csv', path: 'a' },
      privacyUnit: 'row',
      columns: { a: { type: 'string' } },
    },
    defaults: ['timeZone', 'origin', 'grade'],
  },
  {
    title: 'policy.yaml',
    schema: policySchema,
    text: policyText,
    parse: (text: string): unknown => parsePolicy(text, { path: 'p.yaml' }),
    least: {
      kind: 'ReleasePolicy',
      mechanism: 'gaussian',
      budget: { epsilon: 1, delta: 1e-6 },
      perJob: { epsilon: 1 },
      maxGroupsPerUnit: 1,
    },
    defaults: [
      'maxRowsPerUnit',
      'minimumCohort',
      'keys',
      'maxCells',
      'quantileBins',
      'jail',
      'prepare',
      'repeats',
      'release',
    ],
  },
] as const;

describe.for(FILES)('the manual of $title', ({ title, schema, text, parse: load, least, defaults }) => {
  const rows = rowsOf(title);

  test('lists exactly the fields of the schema', () => {
    expect(rows.map(({ field }) => field)).toEqual([...new Set(rows.map(({ field }) => field))]);
    expect(rows.map(({ field }) => field).sort()).toEqual([...fieldsOf(schema)].sort());
  });

  test('has an example file that loads', () => {
    expect(faultOfCall(() => load(exampleFileOf(title)))).toBe('accepted');
  });

  test('says yes or no about every field', () => {
    expect(rows.filter(({ honoured }) => honoured !== 'yes' && honoured !== 'no')).toEqual([]);
  });

  test.for(rows)('$field: the example does what the manual says', ({ field, honoured, example }) => {
    const patch = patchFor(field, parse(example) as Json);
    const base = field.startsWith('privacyUnit.') ? patchedUnit(patch) : patch;
    const written = /^(encryption|source\.custodian)/.test(field) ? encryptedText(patch) : text(base);
    const refused = { code: 'CONFIG', field, rule: expect.stringMatching(/^manifest\.later[A-Z]/) };
    expect([faultOfCall(() => load(written))]).toMatchObject([honoured === 'yes' ? 'accepted' : refused]);
  });

  test('states the defaults that the loader uses', () => {
    const loaded = load(JSON.stringify(least));
    for (const field of defaults) {
      const stated = rows.find((row) => row.field === field)?.fallback ?? '';
      expect([field, valueAt(loaded, [field])]).toEqual([field, parse(stated)]);
    }
  });

  test('requires exactly the fields that it calls required', () => {
    const required = rows.filter(({ field, fallback }) => fallback === '*required*' && !field.includes('.'));
    expect(required.map(({ field }) => field).sort()).toEqual(Object.keys(least).sort());
    for (const { field } of required) {
      const { [field]: _, ...rest } = least as Record<string, unknown>;
      expect(faultOfCall(() => load(JSON.stringify(rest)))).toMatchObject({
        rule: 'manifest.missing',
        field,
      });
    }
  });
});

function patchedUnit(patch: Json): Json {
  const { privacyUnit } = patch as { privacyUnit: { [name: string]: Json } };
  return { privacyUnit: { column: 'patient_id', ...privacyUnit } };
}

test('the manual names the ceiling of rows in the lab', () => {
  const { maxRows } = parseDataset(datasetText(), { path: 'd.yaml' });
  expect(rowsOf('dataset.yaml').find(({ field }) => field === 'maxRows')?.fallback).toContain(
    `\`${maxRows}\``,
  );
});
