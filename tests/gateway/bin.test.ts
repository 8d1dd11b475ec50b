/** The `unseen` command: which Node.js it finds, and that exit codes, signals and streams pass through unchanged. */
import { spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const BIN = resolve('gateway/bin.js');
const BUNDLED = resolve(`node_modules/node-linux-${process.arch}`);

/** A CLI that does what its first argument says; written in TypeScript, so that only Node.js 24 can run it. */
const PROBE_CLI = `
import { readFileSync } from 'node:fs';
export async function main(argv: readonly string[]): Promise<number> {
  const [verb, ...rest] = argv;
  if (verb === 'exit') return Number(rest[0]);
  if (verb === 'die') process.kill(process.pid, rest[0] as NodeJS.Signals);
  if (verb === 'throw') throw new Error('planted');
  if (verb === 'wait') {
    const received = await new Promise<string>((settle) => {
      for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => settle(signal));
      setTimeout(() => process.exit(9), 5_000); // a signal that never comes must not hang the suite
      process.stdout.write('ready\\n');
    });
    process.stdout.write(received + '\\n');
    process.exit(40 + rest.length);
  }
  process.stdout.write(JSON.stringify({
    rest, cwd: process.cwd(), major: parseInt(process.versions.node, 10), input: readFileSync(0, 'utf8'), pid: process.pid,
  }));
  return 0;
}
`;

/** A Node.js of the user's that is too old for the CLI, if this machine has one. */
const OLD_NODE = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'node'))
  .find((node) => {
    if (!existsSync(node)) return false;
    const major = Number.parseInt(spawnSync(node, ['-p', 'process.versions.node']).stdout.toString(), 10);
    return major >= 18 && major < 24;
  });

let complete = '';
let withoutNode = '';

beforeAll(() => {
  complete = fixture((root) => {
    mkdirSync(join(root, 'node_modules'));
    symlinkSync(BUNDLED, join(root, 'node_modules', `node-linux-${process.arch}`));
    writeFileSync(join(root, 'gateway', 'cli.ts'), PROBE_CLI);
  });
  withoutNode = fixture((root) => writeFileSync(join(root, 'gateway', 'cli.ts'), PROBE_CLI));
});

afterAll(() => {
  for (const root of [complete, withoutNode]) rmSync(root, { recursive: true, force: true });
});

/** A package with the real bin.js and whatever else `fill` puts there. */
function fixture(fill: (root: string) => void): string {
  const root = mkdtempSync(join(tmpdir(), 'unseen-bin-'));
  mkdirSync(join(root, 'gateway'));
  copyFileSync(BIN, join(root, 'gateway', 'bin.js'));
  writeFileSync(join(root, 'package.json'), '{"name":"fixture","type":"module"}');
  fill(root);
  return root;
}

function run(node: string, root: string, args: readonly string[]) {
  const done = spawnSync(node, [join(root, 'gateway', 'bin.js'), ...args], {
    cwd: tmpdir(),
    input: 'from the user',
    encoding: 'utf8',
    timeout: 30_000,
  });
  return { status: done.status, signal: done.signal, out: done.stdout, err: done.stderr, pid: done.pid };
}

const RUNTIMES = [
  { runtime: 'Node.js 24', node: process.execPath, skip: false },
  { runtime: 'an older Node.js', node: OLD_NODE ?? 'none', skip: OLD_NODE === undefined },
];

for (const { runtime, node, skip } of RUNTIMES) {
  describe.skipIf(skip)(`under ${runtime}`, () => {
    test('runs the CLI on Node.js 24 from any directory, with arguments and input as given', () => {
      const { out, err, status, pid } = run(node, complete, ['say', '--a b', '中文', '']);
      expect({ err, status }).toEqual({ err: '', status: 0 });
      const seen = JSON.parse(out) as Record<string, unknown>;
      expect(seen).toMatchObject({ rest: ['--a b', '中文', ''], cwd: tmpdir(), input: 'from the user' });
      expect(seen['major']).toBeGreaterThanOrEqual(24);
      expect(seen['pid'] === pid).toBe(node === process.execPath);
    });

    test.for([0, 1, 2, 3, 255])('ends with the exit code %i', (code) => {
      expect(run(node, complete, ['exit', String(code)])).toMatchObject({ status: code, signal: null });
    });

    test.for(['SIGKILL', 'SIGTERM', 'SIGINT'])('ends by %s when the CLI did', (signal) => {
      expect(run(node, complete, ['die', signal])).toMatchObject({ status: null, signal });
    });

    test('ends with 1 and a stack on standard error when the CLI throws', () => {
      const { status, err } = run(node, complete, ['throw']);
      expect(status).toBe(1);
      expect(err).toContain('planted');
    });

    test.for(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
      'passes %s on and waits for the CLI to finish',
      async (signal) => {
        const child = spawn(node, [join(complete, 'gateway', 'bin.js'), 'wait', 'x', 'y'], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        let out = '';
        child.stdout.on('data', (chunk) => {
          out += String(chunk);
          if (out === 'ready\n') child.kill(signal);
        });
        const code = await new Promise((settle) => child.on('close', settle));
        expect({ code, out }).toEqual({ code: 42, out: `ready\n${signal}\n` });
      },
    );
  });
}

test.skipIf(OLD_NODE === undefined)(
  'says what is missing, in both languages, when no Node.js 24 is found',
  () => {
    const { status, out, err } = run(OLD_NODE ?? '', withoutNode, ['exit', '0']);
    expect({ status, out }).toEqual({ status: 1, out: '' });
    expect(err).toMatch(/needs Node\.js 24 or later/);
    expect(err).toMatch(/需要 Node\.js 24/);
  },
);

test('says so when the CLI itself is missing from the package', () => {
  const empty = fixture(() => {});
  const { status, err } = run(process.execPath, empty, []);
  rmSync(empty, { recursive: true });
  expect(status).toBe(1);
  expect(err).toMatch(/the package is incomplete/);
});
