/** The opener as a jailed reader gets it: a flat folder of a few modules of ours, no package, no key management. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { OPENER_MODULES } from '#crypto/at-rest/open.ts';
import { plainModule } from '#sandbox/jail/program.ts';
import { counted, EXPECTED, KEY, sealed } from './samples.ts';

const pathOf = (name: string): string =>
  fileURLToPath(new URL(`../../../crypto/${name}.ts`, import.meta.url));

/** What a module still imports once its types are gone, by name without ending. */
function importsOf(name: string): string[] {
  return [...plainModule(pathOf(name)).text.matchAll(/from '([^']+)'/g)].map(
    ([, specifier = '']) => specifier,
  );
}

test('the list is exactly what the opener reaches, with names that differ, and no package', () => {
  const reached = OPENER_MODULES.flatMap(importsOf);
  const own = reached.filter((specifier) => specifier.startsWith('.')).map((path) => basename(path, '.mjs'));
  const names = OPENER_MODULES.map((name) => basename(name));
  expect(new Set(['open', ...own])).toEqual(new Set(names));
  expect(new Set(names).size).toBe(names.length);
  expect(new Set(reached.filter((specifier) => !specifier.startsWith('.')))).toEqual(
    new Set(['node:crypto']),
  );
});

test('it opens an envelope from a flat folder, in a process that may read that folder alone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'unseen-opener-'));
  try {
    for (const name of OPENER_MODULES) {
      const { name: file, text } = plainModule(pathOf(name));
      writeFileSync(join(folder, file), text);
    }
    writeFileSync(join(folder, 'sealed'), await sealed(counted(1_000)));
    writeFileSync(
      join(folder, 'main.mjs'),
      `import { createReadStream } from 'node:fs';
import { openEnvelope } from './open.mjs';
const source = createReadStream(${JSON.stringify(join(folder, 'sealed'))});
for await (const part of openEnvelope(Buffer.alloc(32, ${KEY[0]}), ${JSON.stringify(EXPECTED)}, source)) process.stdout.write(part);
`,
    );
    const flags = ['--permission', `--allow-fs-read=${folder}`];
    expect(execFileSync(process.execPath, [...flags, join(folder, 'main.mjs')])).toEqual(counted(1_000));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
