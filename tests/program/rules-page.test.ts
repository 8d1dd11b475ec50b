/** docs/programs/rules.md is what the rules say. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

import { RULES } from '#sandbox/program/admission/rules.ts';
import { rulesPage } from './rules-page.ts';

test('the page about rules is made from them (node tests/program/rules-page.ts > docs/programs/rules.md)', () => {
  const page = readFileSync('docs/programs/rules.md', 'utf8');
  expect(page).toBe(rulesPage());
  for (const { id, because } of RULES) expect(page).toContain(`## ${id}\n\n${because}\n`);
});
