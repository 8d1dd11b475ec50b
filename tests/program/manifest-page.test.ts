/** docs/programs/manifest.md lists the fields that prog.yaml has, states their defaults, and its example loads. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

import { fieldsOf } from '#sandbox/manifest/fields.ts';
import { parseProgramManifest } from '#sandbox/program/manifest-file.ts';
import { programSchema } from '#sandbox/program/manifest-schema.ts';

const PAGE = readFileSync('docs/programs/manifest.md', 'utf8');
const ROWS = [...PAGE.matchAll(/^\| `([^`]+)` \| .* \| ([^|]+) \|$/gm)].map(([, field, fallback]) => ({
  field: field ?? '',
  fallback: fallback?.trim() ?? '',
}));

test('the page lists exactly the fields of the schema', () => {
  expect(ROWS.map(({ field }) => field).sort()).toEqual([...fieldsOf(programSchema)].sort());
});

test('its example loads, and its defaults are those of the loader', () => {
  const example = /```yaml\n([\s\S]*?)```/.exec(PAGE)?.[1] ?? '';
  const manifest = parseProgramManifest(example, { path: 'p.yaml' });
  expect(manifest.inputs[0]?.columns).toContainEqual({ name: 'age', column: '年龄' });
  const fallbackOf = (field: string): string | undefined => ROWS.find((row) => row.field === field)?.fallback;
  const bare = parseProgramManifest(
    '{ kind: Program, name: a, mode: blocks, inputs: { d: [x] }, outputs: { m: { kind: mean, bounds: [0, 1] } }, blocks: { count: 2 } }',
    { path: 'p.yaml' },
  );
  expect(fallbackOf('fuel')).toBe(`\`${bare.fuel}\``);
  expect(fallbackOf('blocks.cpuMs')).toBe(`\`${bare.blocks?.cpuMs}\``);
  expect(fallbackOf('outputs.*.quality')).toBe(`\`${bare.outputs[0]?.quality}\``);
});
