/** The package that others install: packed, put into an empty folder, and used there as a new user would. */
import { execFileSync, spawnSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pack, toJavaScript } from '../.ci/pack.ts';

describe('a module in the package', () => {
  const MODULES = new Set(['gateway/a.ts', 'gateway/b.ts', 'sandbox/expression.ts']);

  test.for<[string, string]>([
    [`import { b, type B } from './b.ts';`, `import { b,        } from './b.js';`],
    [`export * from '#sandbox/expression.ts';`, `export * from '#sandbox/expression.js';`],
    [
      `const late = await import('../sandbox/expression.ts');`,
      `const late = await import('../sandbox/expression.js');`,
    ],
    [`spawn(new URL('./b.ts', import.meta.url));`, `spawn(new URL('./b.js', import.meta.url));`],
    [`const end: string = '.ts';`, `const end         = '.ts';`],
    [
      `import file from '../package.json' with { type: 'json' };`,
      `import file from '../package.json' with { type: 'json' };`,
    ],
  ])('%s becomes %s', ([source, published]) => {
    expect(toJavaScript('gateway/a.ts', source, MODULES)).toBe(published);
  });

  test('keeps every line and column, so that stacks point at the source', () => {
    const source = 'interface A {\n  a: number;\n}\nexport const a = (given: A): number => given.a;\n';
    const lines = toJavaScript('gateway/a.ts', source, MODULES).split('\n');
    expect(lines).toHaveLength(5);
    expect(lines[3]?.indexOf('given.a')).toBe(source.split('\n')[3]?.indexOf('given.a'));
  });

  test('is not packed when it names a file that is not', () => {
    expect(() => toJavaScript('gateway/a.ts', `import './c.ts';`, MODULES)).toThrow(/leads to no file/);
    expect(() => toJavaScript('gateway/a.ts', `import '#tests/b.ts';`, MODULES)).toThrow(/leads to no file/);
  });
});

describe('the package', () => {
  let folder = '';
  let archive = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'unseen-package-'));
    archive = pack(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('holds every source file as .js, what it loads as data, and nothing of the repository besides', () => {
    const listed = execFileSync('tar', ['-tzf', archive], { encoding: 'utf8' }).trim().split('\n');
    const packed = listed.map((path) => path.replace(/^package\//, ''));
    const source = globSync('{gateway,sandbox,crypto,policies}/**/*.*').map((path) =>
      path.replace(/\.ts$/, '.js'),
    );
    expect(packed).toEqual(
      expect.arrayContaining([...source, 'package.json', 'LICENSE', 'docs/problems/BUDGET.md']),
    );
    expect(packed.filter((path) => /\.ts$|^tests\/|^\.|^docs\/(?!problems)/.test(path))).toEqual([]);
  });

  test('installs into an empty folder and answers there, on the Node.js that the machine has', ({ skip }) => {
    const home = join(folder, 'home');
    mkdirSync(home);
    const args = [
      'install',
      archive,
      '--prefer-offline',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--no-save',
    ];
    const installed = run('npm', args, home);
    const unreachable = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENOTCACHED/.test(installed.stderr);
    if (unreachable && process.env['CI'] === undefined) skip('the package registry is not reachable');
    expect(installed.status === 0 ? '' : installed.stderr).toBe('');

    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    const unseen = join(home, 'node_modules', '.bin', 'unseen');
    expect(run(unseen, ['--version'], tmpdir())).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });

    writeExample(home);
    const sql = 'SELECT region, COUNT(*) FROM visits GROUP BY region';
    const lab = ['lab', '--dataset', 'dataset.yaml', '--policy', 'policy.yaml', '--json', '--sql', sql];
    const asked = run(unseen, lab, home);
    expect(asked).toMatchObject({ status: 0, stderr: '' });
    const answer = JSON.parse(asked.stdout) as {
      decision: string;
      outputs: { key: unknown; value: number }[];
    };
    expect(answer.decision).toBe('released');
    expect(answer.outputs.map(({ key }) => key)).toEqual([{ region: 'north' }, { region: 'south' }]);
    // σ is below 5 by the policy: 100 away from the truth has a chance below 1e-80.
    for (const { value } of answer.outputs) expect(Math.abs(value - 500)).toBeLessThan(100);
  }, 180_000);

  test('says what to do when its sources were copied under node_modules without packing', () => {
    const copied = join(folder, 'copied', 'node_modules', 'unseen');
    mkdirSync(join(copied, 'gateway'), { recursive: true });
    writeFileSync(join(copied, 'package.json'), '{"type":"module"}');
    writeFileSync(join(copied, 'gateway', 'bin.js'), readFileSync('gateway/bin.js'));
    writeFileSync(join(copied, 'gateway', 'cli.ts'), 'export const main = () => 0;');
    const { status, stderr } = spawnSync(process.execPath, [join(copied, 'gateway', 'bin.js')], {
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(stderr).toMatch(/npm run pack/);
  });
});

/** Runs a command as a user would, without the project's own Node.js first on the path. */
function run(command: string, args: readonly string[], cwd: string) {
  const outside = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((entry) => !entry.includes('node_modules'));
  const path = [...outside, dirname(process.execPath)].join(delimiter);
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, PATH: path },
    timeout: 150_000,
  });
  return { status, stdout, stderr };
}

/** A thousand people, half in each region, and a policy that asks for a jail if there is one. */
function writeExample(folder: string): void {
  const rows = Array.from({ length: 1000 }, (_, i) => `p${i},${i % 2 === 0 ? 'north' : 'south'}`);
  writeFileSync(join(folder, 'visits.csv'), `person,region\n${rows.join('\n')}\n`);
  writeFileSync(
    join(folder, 'dataset.yaml'),
    `kind: Dataset
name: visits
source: { type: csv, path: visits.csv }
timeZone: Asia/Shanghai
privacyUnit: person
origin: synthetic
grade: general
columns:
  person: { type: string, role: unit }
  region: { type: string, role: key, values: [north, south] }
`,
  );
  writeFileSync(
    join(folder, 'policy.yaml'),
    `kind: ReleasePolicy
mechanism: gaussian
budget: { epsilon: 8, delta: 1e-6 }
perJob: { epsilon: 1, delta: 1e-7 }
maxGroupsPerUnit: 1
jail: preferred
`,
  );
}
