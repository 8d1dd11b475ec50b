/**
 * The repository's law: what no linter says about this tree, checked on every file and on planted breaches.
 *
 * Each rule is a function from one file to its breaches (tests/tidy/). A rule that found nothing would pass
 * for ever, so each has examples that it must catch and, where it could be over-eager, some it must let by.
 */
import { describe, expect, test } from 'vitest';
import { coreIsPure, coreIsSynchronous, environmentHasOneReader, randomnessHasOneDoor } from './tidy/core.ts';
import {
  builtinsSayNode,
  DOORS,
  importsPointDown,
  onlyTheRunnerOpensSources,
  onlyTrialsTell,
  packagesHaveOneDoor,
  theGateKnowsNoFrontEnd,
} from './tidy/layers.ts';
import {
  checksAreSilencedWithReason,
  filesAreShort,
  functionsAreShort,
  namesAreOurs,
  nothingIsUnfinished,
  opensWithItsPurpose,
  projectStandsAlone,
  ratchet,
  chineseStandsBesideEnglish,
  testsAssert,
} from './tidy/manner.ts';
import type { Rule } from './tidy/rule.ts';
import { codeFiles, folderOf, SOURCE_FOLDERS, sourceFile, textFiles } from './tidy/source.ts';
import manifest from '../package.json' with { type: 'json' };

/** `[path, text, what the finding says]`, and `[path, text]` for what is lawful. */
interface Case {
  readonly rule: Rule;
  readonly breaks: readonly (readonly [path: string, text: string, says: string])[];
  readonly keeps?: readonly (readonly [path: string, text: string])[];
}

const head = '/** Adds two numbers, rounding upward. */\n';

const LAW: readonly Case[] = [
  {
    rule: importsPointDown,
    breaks: [
      ['policies/a.ts', `import '#crypto/b.ts';`, 'may not reach crypto/'],
      ['crypto/a.ts', `export * from '#policies/b.ts';`, 'may not reach policies/'],
      ['sandbox/a.ts', `type B = import('#gateway/b.ts').B;`, 'may not reach gateway/'],
      ['sandbox/a.ts', `await import('#tests/b.ts');`, 'may not reach tests/'],
      ['sandbox/query/a.ts', `import '../../policies/b.ts';`, 'leaves its folder'],
      ['gateway/a.ts', `import '../sandbox/plan.ts';`, 'leaves its folder'],
      ['tests/a.ts', `import '../gateway/b.ts';`, 'leaves its folder'],
      ['sandbox/a.ts', `new URL('../gateway/main.ts', import.meta.url)`, 'may not reach gateway/'],
      ['sandbox/a.ts', `createRequire(import.meta.url); require('#gateway/b.ts')`, 'may not reach gateway/'],
    ],
    keeps: [
      ['gateway/routes/a.ts', `import '#sandbox/plan.ts'; import '../b.ts'; import 'zod'; import 'node:fs';`],
      ['sandbox/a.ts', `// import '#gateway/b.ts'\nconst text = "import '#gateway/b.ts'";`],
      ['tests/a.test.ts', `import '#tests/support/b.ts'; import '../.ci/pack.ts'; import './c.ts';`],
      ['tests/a.test.ts', `readFileSync(new URL('../docs/a.md', import.meta.url))`],
    ],
  },
  {
    rule: packagesHaveOneDoor,
    breaks: [
      ['gateway/routes/a.ts', `import { Pool } from 'pg';`, 'imports `pg` past its door'],
      ['sandbox/query/print.ts', `import { parse } from 'libpg-query';`, 'past its door'],
      ['sandbox/release/a.ts', `await import('@duckdb/node-api');`, 'imports `@duckdb/node-api` past'],
      ['gateway/a.ts', `import 'left-pad/deep';`, 'imports `left-pad`, which has no door'],
    ],
    keeps: [
      ['sandbox/query/parse.ts', `import { parse } from 'libpg-query';`],
      ['tests/a.test.ts', `import { Pool } from 'pg';`],
    ],
  },
  {
    rule: builtinsSayNode,
    breaks: [['gateway/a.ts', `import { readFileSync } from 'fs';`, 'imports `fs`']],
    keeps: [['gateway/a.ts', `import { readFileSync } from 'node:fs';`]],
  },
  {
    rule: theGateKnowsNoFrontEnd,
    breaks: [
      ['sandbox/release/a.ts', `import type { Bound } from '../query/bind.ts';`, 'reaches `../query/'],
      ['sandbox/release/a.ts', `import { printPlan } from '#sandbox/query/print.ts';`, 'reaches'],
      ['sandbox/release/a.ts', `import '../reader/reader.ts';`, 'reaches'],
    ],
    keeps: [
      [
        'sandbox/release/a.ts',
        `import type { Plan } from '../plan.ts'; import './noise.ts'; import 'node:crypto';`,
      ],
      ['sandbox/query/a.ts', `import '../manifest/dataset.ts';`],
    ],
  },
  {
    rule: onlyTheRunnerOpensSources,
    breaks: [
      [
        'gateway/routes/datasets.ts',
        `import { open } from '#sandbox/reader/reader.ts';`,
        'reaches `#sandbox/reader',
      ],
      ['gateway/app.ts', `const { open } = await import('#sandbox/reader/reader.ts');`, 'reaches'],
      ['gateway/runner/a.ts', `import { openCustodian } from '../custodian/home.ts';`, 'reaches'],
      ['gateway/routes/a.ts', `import { fetchSealedKey } from '../custodian/key-store.ts';`, 'reaches'],
      ['gateway/app.ts', `new URL('../sandbox/reader/main.ts', import.meta.url);`, 'reaches'],
      ['gateway/routes/quotes.ts', `import { rehearse } from '../lab/rehearse.ts';`, 'reaches `../lab/'],
      [
        'gateway/routes/quotes.ts',
        `import { runStatements } from '../demo/generate.ts';`,
        'reaches `../demo/',
      ],
      ['gateway/app.ts', `import { openKms } from './keys/kms.ts';`, 'reaches `./keys/'],
      ['gateway/services/a.ts', `import { localKms } from '#crypto/kms/local.ts';`, 'reaches `#crypto/kms/'],
    ],
    keeps: [
      ['gateway/runner/run.ts', `import { open } from '#sandbox/reader/reader.ts';`],
      ['gateway/runner/run.ts', `import { CustodianClient } from '../custodian/client.ts';`],
      ['gateway/cli/lab.ts', `import { rehearse } from '../lab/rehearse.ts';`],
      ['gateway/app.ts', `import { widthOf } from '#sandbox/plan.ts';`],
    ],
  },
  {
    rule: onlyTrialsTell,
    breaks: [
      ['sandbox/program/measure.ts', `import { tryProgram } from './trial.ts';`, 'reaches `./trial.ts`'],
      ['sandbox/worker/worker.ts', `import type { TrialPart } from './trial-protocol.ts';`, 'reaches'],
      ['sandbox/worker/worker-process.ts', `await import('./trial-driver.ts');`, 'reaches'],
      [
        'gateway/runner/a.ts',
        `import { tracedProgram } from '#sandbox/program/admission/traced.ts';`,
        'reaches',
      ],
      ['gateway/runner/a.ts', `new URL('../../sandbox/worker/trial-process.ts', import.meta.url)`, 'reaches'],
    ],
    keeps: [
      ['gateway/services/program-trial.ts', `import { tryProgram } from '#sandbox/program/trial.ts';`],
      ['sandbox/worker/trial-worker.ts', `import './trial-protocol.ts';`],
    ],
  },
  {
    rule: coreIsPure,
    breaks: [
      ['policies/a.ts', `export const now = () => Date.now();`, '`Date.now`'],
      ['policies/a.ts', `export const now = () => new Date();`, '`new Date()`'],
      ['crypto/a.ts', `export const at = globalThis.performance.now();`, '`performance.now`'],
      ['sandbox/query/a.ts', `const { HOME } = process\n  .env;`, '`process.env`'],
      ['sandbox/release/a.ts', `setTimeout(() => {}, 5);`, '`setTimeout`'],
      ['sandbox/release/a.ts', `const seed = Math['random']();`, '`Math.random`'],
      ['sandbox/manifest/a.ts', `import { readFileSync } from 'node:fs';`, '`node:fs`'],
      ['policies/a.ts', `await fetch('https://example.org');`, '`fetch`'],
    ],
    keeps: [
      [
        'policies/a.ts',
        `/** Never asks Date.now(). */ export const year = (at: string) => new Date(at).getFullYear();`,
      ],
      ['gateway/clock.ts', `export const now = () => Date.now();`],
    ],
  },
  {
    rule: coreIsSynchronous,
    breaks: [
      ['sandbox/release/a.ts', `export async function release() {}`, 'is asynchronous'],
      ['policies/a.ts', `export const decide = async () => 1;`, 'is asynchronous'],
    ],
    keeps: [['sandbox/jail/a.ts', `export async function start() {}`]],
  },
  {
    rule: randomnessHasOneDoor,
    breaks: [
      ['sandbox/release/noise.ts', `import { randomBytes } from 'node:crypto';`, '`randomBytes`'],
      ['sandbox/reader/a.ts', `crypto.getRandomValues(new Uint8Array(8));`, '`getRandomValues`'],
      ['gateway/a.ts', `const id = Math.random();`, '`Math.random`'],
    ],
    keeps: [
      ['sandbox/release/random.ts', `import { randomBytes } from 'node:crypto';`],
      ['gateway/a.ts', `import { randomUUID } from 'node:crypto';`],
    ],
  },
  {
    rule: environmentHasOneReader,
    breaks: [
      ['gateway/app.ts', `const port = process.env['PORT'];`, 'reads `process.env`'],
      ['gateway/app.ts', `const { env } = process; const all = { ...process.env };`, 'reads `process.env`'],
      ['sandbox/jail/a.ts', `import { env as outer } from 'node:process';`, 'reads `process.env`'],
    ],
    keeps: [
      ['gateway/config.ts', `export const port = process.env['PORT'];`],
      ['gateway/app.ts', `const { env } = settings;`],
    ],
  },
  {
    rule: opensWithItsPurpose,
    breaks: [
      ['gateway/a.ts', `export const a = 1;`, 'does not open'],
      ['gateway/a.ts', `// The answer to everything.\nexport const a = 1;`, 'does not open'],
      ['gateway/a.ts', `/** a */\nexport const a = 1;`, 'does not open'],
      ['gateway/a.ts', `import './b.ts';\n${head}`, 'does not open'],
    ],
    keeps: [
      ['gateway/a.ts', `${head}export const a = 1;`],
      ['gateway/bin.js', `#!/usr/bin/env node\n// @ts-check\n${head}`],
    ],
  },
  {
    rule: filesAreShort,
    breaks: [['gateway/a.ts', `${head}${'let a;\n'.repeat(500)}`, 'has 501 lines']],
    keeps: [['gateway/a.ts', `${head}${'let a;\n'.repeat(499)}`]],
  },
  {
    rule: functionsAreShort,
    breaks: [
      ['gateway/a.ts', `function long() {\n${'\n'.repeat(79)}}`, 'has 81 lines'],
      ['gateway/a.ts', `class A { long() {\n${'\n'.repeat(80)}} }`, 'has 82 lines'],
      ['gateway/a.ts', `const long = () => {\n${'\n'.repeat(80)}};`, 'has 82 lines'],
    ],
    keeps: [['gateway/a.ts', `function fits() {\n${'\n'.repeat(78)}}`]],
  },
  {
    rule: namesAreOurs,
    breaks: [
      ['gateway/usageRecord.ts', head, 'is not kebab-case'],
      ['gateway/usage_record.ts', head, 'is not kebab-case'],
      ['gateway/index.ts', head, 'has a name that says nothing'],
      ['sandbox/utils/time.ts', head, 'lies in a drawer'],
    ],
    keeps: [['gateway/usage-record.ts', `${head}let a;`]],
  },
  {
    rule: nothingIsUnfinished,
    breaks: [
      ['gateway/a.ts', `${head}// TODO: the rest`, 'says `TODO`'],
      ['docker/compose.yaml', `# fixme`, 'says'],
      ['gateway/a.ts', `throw new Error('not implemented');`, 'says'],
      ['gateway/a.ts', `const key = 'a placeholder';`, 'says `placeholder`'],
    ],
    keeps: [['policies/words.ts', `// A placeholder is what a sentence leaves open.`]],
  },
  {
    rule: projectStandsAlone,
    breaks: [
      ['docs/a.md', `See ${['..', 'shared'].join('/')}/design.md`, 'names'],
      ['gateway/a.ts', `const root = '${['', 'work', 'main'].join('/')}';`, 'names'],
    ],
    keeps: [['docs/a.md', `See ./shared-budget.md and /workflows/a`]],
  },
  {
    rule: testsAssert,
    breaks: [
      ['tests/a.test.ts', `test('adds', () => { add(1, 1); });`, 'expects nothing'],
      ['tests/a.test.ts', `test.only('adds', () => { expect(2).toBe(2); });`, 'has a `test.only`'],
      ['tests/a.test.ts', `describe.skip('adds', () => { expect(2).toBe(2); });`, 'has a `describe.skip`'],
      ['tests/a.test.ts', `// expect(nothing)\ntest('adds', () => {});`, 'expects nothing'],
    ],
    keeps: [['tests/a.test.ts', `test.skipIf(!postgres)('adds', () => { expect(2).toBe(2); });`]],
  },
  {
    rule: checksAreSilencedWithReason,
    breaks: [
      ['gateway/a.ts', `// @ts-ignore\nlet a;`, 'silences'],
      ['gateway/a.ts', `// oxlint-disable-next-line no-eval\nlet a;`, 'silences'],
      ['gateway/a.ts', `// @ts-expect-error\nlet a;`, 'silences'],
    ],
    keeps: [['gateway/a.ts', `// oxlint-disable-next-line no-eval -- the test proves it is refused\nlet a;`]],
  },
  {
    rule: chineseStandsBesideEnglish,
    breaks: [
      ['gateway/a.ts', `throw new Error('预算已用完');`, 'holds Chinese'],
      ['gateway/a.ts', 'const text = `余额 ${amount}`;', 'holds Chinese'],
      ['policies/words/run.ts', `export const RUN = { a: { zh: '已用完' } };`, 'holds Chinese'],
      ['policies/words/run.ts', `export const RUN = { a: { en: '已用完', zh: 'spent' } };`, 'holds Chinese'],
    ],
    keeps: [
      ['policies/words/run.ts', `export const RUN = { a: { en: 'spent', zh: '已' + '用完' } };`],
      ['gateway/a.ts', `/** Metered and controllable (可控可计量). */ let a;`],
    ],
  },
];

const code = codeFiles();
const text = textFiles();
/** Rules about what may be written at all, in documents and settings too. */
const OF_ALL_TEXT = new Set([nothingIsUnfinished, projectStandsAlone]);

describe.for(LAW)('$rule.name', ({ rule, breaks, keeps = [] }) => {
  test('holds for every file', () => {
    expect((OF_ALL_TEXT.has(rule) ? text : code).flatMap(rule.check)).toEqual([]);
  });

  test.for(breaks)('catches, in %s, %j', ([path, planted, says]) => {
    expect(rule.check(sourceFile(path, planted)).join('\n')).toContain(says);
  });

  test.for(keeps)('lets by, in %s, %j', ([path, lawful]) => {
    expect(rule.check(sourceFile(path, lawful))).toEqual([]);
  });
});

test('an exception to a length may only shrink, and goes when it is no longer needed', () => {
  expect(ratchet(600, 500, 600)).toEqual([]);
  expect(ratchet(601, 500, 600)).toEqual(['has grown from 600 to 601 lines']);
  expect(ratchet(599, 500, 600)).toEqual(['has 599 lines: lower its exception from 600']);
  expect(ratchet(400, 500, 600)).toEqual(['has 400 lines: remove its exception']);
});

test('the law sees the tree: every folder, and the law itself', () => {
  const seen = new Set(code.map(({ path }) => folderOf(path)));
  expect([...SOURCE_FOLDERS, 'tests'].filter((folder) => !seen.has(folder))).toEqual([]);
  expect(code.map(({ path }) => path)).toContain('tests/tidy.test.ts');
  expect(text.map(({ path }) => path)).toEqual(expect.arrayContaining(['package.json', '.ci/run']));
});

test('every runtime dependency has a door and a line on record that names the same door, and nothing else has', () => {
  expect(Object.keys(DOORS).sort()).toEqual(Object.keys(manifest.dependencies).sort());
  const record = text.find(({ path }) => path === 'docs/decisions/0003-dependencies.md')?.text ?? '';
  const rows = [...record.matchAll(/^\| `([^`]+)` \| [^|]+ \| ([^|]+) \| [^|]+ \|$/gm)];
  const recorded = rows.map(([, name = '', doors = '']) => [
    name,
    [...doors.matchAll(/`([^`]+)`/g)].map(([, door]) => door),
  ]);
  expect(Object.fromEntries(recorded)).toEqual(DOORS);
});

test('dependencies are pinned exactly', () => {
  const all = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
  expect(Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
});
