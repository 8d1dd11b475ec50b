/** What CI reports: its closing line says what Vitest really found, and .ci/run fails when anything does. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

let project = '';

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'unseen-ci-'));
  symlinkSync(resolve('node_modules'), join(project, 'node_modules'));
});

afterEach(() => rmSync(project, { recursive: true, force: true }));

/** Runs the planted test files with Vitest and our reporter; how it ended, and the line left for .ci/run. */
function runPlanted(files: Readonly<Record<string, string>>) {
  for (const [name, body] of Object.entries(files)) {
    writeFileSync(
      join(project, `${name}.test.ts`),
      `import { beforeAll, expect, test } from 'vitest';\n${body}`,
    );
  }
  const results = join(project, 'results');
  const args = ['run', '--root', project, `--reporter=${resolve('.ci/tally.ts')}`];
  const { status } = spawnSync(resolve('node_modules/.bin/vitest'), args, {
    cwd: project,
    env: { ...process.env, TEST_RESULTS_FILE: results },
  });
  return { status, line: readFileSync(results, 'utf8') };
}

const PASSES = `test('adds', () => { expect(1 + 1).toBe(2); }); test('adds more', () => { expect(2 + 2).toBe(4); });`;

test.for([
  { found: 'passing tests', files: { a: PASSES }, line: '2 passed, 0 failed, 0 skipped', status: 0 },
  {
    found: 'a failing and a skipped test',
    files: { a: `${PASSES} test('fails', () => { expect(1).toBe(2); }); test.skip('later', () => {});` },
    line: '2 passed, 1 failed, 1 skipped',
    status: 1,
  },
  {
    found: 'a file that cannot be loaded',
    files: { a: PASSES, b: `import './missing.ts';\n${PASSES}` },
    line: '2 passed, 1 failed, 0 skipped',
    status: 1,
  },
  {
    found: 'a hook that fails',
    files: { a: PASSES, b: `beforeAll(() => { throw new Error('planted'); });\n${PASSES}` },
    line: '2 passed, 1 failed, 2 skipped',
    status: 1,
  },
  {
    found: 'an error outside any test',
    files: {
      a: `${PASSES}
        setTimeout(() => { throw new Error('planted'); }, 0);
        test('waits', () => new Promise((end) => setTimeout(end, 50)));`,
    },
    line: '3 passed, 1 failed, 0 skipped',
    status: 1,
  },
])('the closing line counts $found', ({ files, line, status }) => {
  expect(runPlanted(files)).toEqual({ status, line: `${line}\n` });
});

/** Runs the real .ci/run in a directory where `npm` and the tally are stand-ins; what it printed and how it ended. */
function runScript(npm: string) {
  const script = readFileSync('.ci/run', 'utf8');
  const made = spawnSync('mkdir', ['-p', join(project, '.ci'), join(project, 'bin')]);
  expect(made.status).toBe(0);
  writeFileSync(join(project, '.ci', 'run'), script);
  writeFileSync(join(project, 'bin', 'npm'), `#!/bin/sh\n${npm}\n`, { mode: 0o755 });
  const { status, stdout } = spawnSync('bash', [join(project, '.ci', 'run')], {
    env: { ...process.env, PATH: `${join(project, 'bin')}:${process.env['PATH']}` },
    encoding: 'utf8',
  });
  return { status, last: stdout.trimEnd().split('\n').at(-1) };
}

test
  .skipIf(
    !['/usr/lib/postgresql/15/bin/initdb', '/usr/bin/bwrap', '/usr/bin/openssl'].every((file) =>
      existsSync(file),
    ),
  )
  .for([
    {
      when: 'all is well',
      npm: `echo '3 passed, 0 failed, 0 skipped' > "$TEST_RESULTS_FILE"`,
      status: 0,
      last: '3 passed, 0 failed, 0 skipped',
    },
    {
      when: 'the installation fails',
      npm: '[ "$1" != cit ]',
      status: 1,
      last: '0 passed, 0 failed, 0 skipped',
    },
    {
      when: 'a check after the tests fails',
      npm: `[ "$1" = cit ] && echo '3 passed, 0 failed, 0 skipped' > "$TEST_RESULTS_FILE"`,
      status: 1,
      last: '3 passed, 0 failed, 0 skipped',
    },
    { when: 'no test was run', npm: 'true', status: 1, last: '0 passed, 0 failed, 0 skipped' },
    {
      when: 'every test was skipped',
      npm: `echo '0 passed, 0 failed, 9 skipped' > "$TEST_RESULTS_FILE"`,
      status: 1,
      last: '0 passed, 0 failed, 9 skipped',
    },
  ])('.ci/run ends with $status and the closing line when $when', ({ npm, status, last }) => {
  expect(runScript(npm)).toEqual({ status, last });
});
