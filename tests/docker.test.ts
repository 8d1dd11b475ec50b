/**
 * What the image would run, without Docker: the files that the Dockerfile copies, as user 65534, on a read-only root,
 * under the system-call filter of docker/seccomp.json.
 *
 * Not covered: the base image, Docker's networks, and AppArmor.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findExecutable } from '#sandbox/jail/executable.ts';
import {
  BPF_JUMP_EQUAL,
  BPF_LOAD_WORD,
  BPF_RETURN,
  RETURN_ALLOW,
  RETURN_EPERM,
} from '#sandbox/jail/seccomp.ts';
import { DENIED_SYSCALLS } from '#sandbox/jail/syscalls.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** The sources and targets of every COPY that takes files from the project. */
function copies(): readonly { readonly sources: readonly string[]; readonly target: string }[] {
  return [...read('docker/Dockerfile').matchAll(/^COPY (?!--from)(.+)$/gm)].map(([, words = '']) => {
    const paths = words.trim().split(/\s+/);
    return { sources: paths.slice(0, -1), target: paths.at(-1) ?? '' };
  });
}

const profile = JSON.parse(read('docker/seccomp.json')) as {
  readonly defaultAction: string;
  readonly syscalls: readonly { readonly names: readonly string[]; readonly action: string }[];
};
const refused = profile.syscalls.flatMap(({ names }) => names);

test('every file that the Dockerfile copies exists, and the build context lets it through', () => {
  const paths = copies().flatMap(({ sources }) => sources);
  const allowed = read('docker/Dockerfile.dockerignore')
    .split('\n')
    .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
  expect(paths.length).toBeGreaterThan(6);
  expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  expect([...new Set(paths)].sort()).toEqual(allowed.sort());
});

test('what the image and compose.yaml start is in the image', () => {
  const started = `${read('docker/Dockerfile')}\n${read('docker/compose.yaml')}`.match(
    /[\w/]+\.[tj]s(?=["',\]])/g,
  );
  expect(new Set(started)).toEqual(
    new Set(['gateway/bin.js', 'docker/migrate.ts', 'gateway/runner/main.ts', 'gateway/main.ts']),
  );
  const copied = copies().flatMap(({ sources }) => sources);
  const absent = [...new Set(started)].filter(
    (path) => !copied.some((from) => path === from || path.startsWith(`${from}/`)),
  );
  expect(absent).toEqual([]);
});

test('the profile refuses calls that are known here, and none that bubblewrap needs', () => {
  const known = DENIED_SYSCALLS.map(({ name }) => name);
  expect(profile.defaultAction).toBe('SCMP_ACT_ALLOW');
  expect(profile.syscalls.every(({ action }) => action === 'SCMP_ACT_ERRNO')).toBe(true);
  expect(refused.filter((name) => !known.includes(name))).toEqual([]);
  expect(['unshare', 'mount', 'umount2', 'pivot_root'].filter((name) => refused.includes(name))).toEqual([]);
});

const MANIFEST = `kind: Dataset
name: visits
source: { type: csv, path: visits.csv }
privacyUnit: row
maxRows: 100
columns:
  age: { type: integer, bounds: [0, 120] }
`;
const POLICY = `kind: ReleasePolicy
mechanism: gaussian
budget: { epsilon: 8, delta: 1e-6 }
perJob: { epsilon: 1, delta: 1e-7 }
maxGroupsPerUnit: 1
jail: required
`;

/** This Node.js as the container sees it: the repository itself may lie below /tmp, which is another one there. */
const NODE = process.execPath.replace(join(ROOT, 'node_modules'), '/tmp/app/node_modules');

/** A container of our own: the image's files below /tmp/app, one writable directory, and what the machine has, read-only. */
class Container {
  readonly directory = mkdtempSync(join(tmpdir(), 'unseen-image-'));
  readonly #app = join(this.directory, 'app');
  readonly data = join(this.directory, 'data');

  constructor({ leaveOut = '', refuses = refused }: { leaveOut?: string; refuses?: readonly string[] } = {}) {
    mkdirSync(join(this.#app, 'node_modules'), { recursive: true });
    mkdirSync(this.data);
    for (const { sources, target } of copies())
      for (const source of sources.filter((path) => path !== leaveOut))
        cpSync(join(ROOT, source), join(this.#app, target.endsWith('/') ? join(target, source) : target), {
          recursive: true,
        });
    writeFileSync(join(this.directory, 'filter'), filterOf(refuses));
  }

  /** Runs Node.js with these arguments as the image would run it. */
  arguments(args: readonly string[]): string[] {
    return [
      ['--unshare-user', '--uid', '65534', '--gid', '65534', '--unshare-pid', '--cap-drop', 'ALL'],
      ['--die-with-parent', '--clearenv', '--setenv', 'PATH', '/usr/bin:/bin'],
      ['--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc', '--tmpfs', '/tmp'],
      ['--ro-bind', this.#app, '/tmp/app'],
      ['--ro-bind', join(ROOT, 'node_modules'), '/tmp/app/node_modules'],
      ['--bind', this.data, '/tmp/data', '--chdir', '/tmp/app'],
      ['--seccomp', '3', '--', NODE, ...args],
    ].flat();
  }

  get stdio(): ['ignore', 'pipe', 'pipe', number] {
    return ['ignore', 'pipe', 'pipe', openSync(join(this.directory, 'filter'), 'r')];
  }

  /** The same, going on; its process id comes on descriptor 4. */
  start(args: readonly string[]): ChildProcess {
    const words = ['--as-pid-1', '--info-fd', '4', ...this.arguments(args)];
    return spawn('bwrap', words, { stdio: [...this.stdio, 'pipe'] });
  }

  run(args: readonly string[]): {
    readonly status: number | null;
    readonly out: string;
    readonly err: string;
  } {
    const ended = spawnSync('bwrap', this.arguments(args), { stdio: this.stdio, encoding: 'utf8' });
    return { status: ended.status, out: ended.stdout, err: ended.stderr };
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** A filter that answers EPERM to these calls of this machine's architecture, as struct sock_filter. */
function filterOf(names: readonly string[]): Buffer {
  const numbers = DENIED_SYSCALLS.filter(({ name }) => names.includes(name))
    .map((call) => (arch() === 'arm64' ? call.arm64 : call.x64))
    .filter((number) => number !== null);
  const lines = [
    [BPF_LOAD_WORD, 0, 0, 0],
    ...numbers.map((number, index) => [BPF_JUMP_EQUAL, numbers.length - index, 0, number]),
    [BPF_RETURN, 0, 0, RETURN_ALLOW],
    [BPF_RETURN, 0, 0, RETURN_EPERM],
  ];
  const bytes = Buffer.alloc(8 * lines.length);
  for (const [index, [code = 0, yes = 0, no = 0, value = 0]] of lines.entries()) {
    bytes.writeUInt16LE(code, 8 * index);
    bytes.writeUInt8(yes, 8 * index + 2);
    bytes.writeUInt8(no, 8 * index + 3);
    bytes.writeUInt32LE(value, 8 * index + 4);
  }
  return bytes;
}

const isBubblewrapMissing = findExecutable('bwrap') === null && process.env['CI'] !== 'true';
let container: Container;

beforeAll(() => {
  container = new Container();
});
afterAll(() => container.remove());

test.skipIf(isBubblewrapMissing)('nothing but the data directory and /tmp can be written', () => {
  const attempt = `const { writeFileSync } = require('node:fs');
    const tried = ['/', '/usr/', '/etc/', '/tmp/app/', '/tmp/app/gateway/', '/tmp/app/node_modules/', '/tmp/data/'];
    console.log(JSON.stringify([process.getuid(), ...tried.filter((path) => {
      try { writeFileSync(path + 'probe', ''); return true; } catch { return false; }
    })]));`;
  const { out, err } = container.run(['-e', attempt]);
  expect(err).toBe('');
  expect(JSON.parse(out)).toEqual([65534, '/tmp/data/']);
});

test.skipIf(isBubblewrapMissing)(
  '`unseen serve` answers there for its health, and ends with 0 when told to',
  async () => {
    const [port, runnerPort] = [await freePort(), await freePort()];
    const serve = ['gateway/bin.js', 'serve', '--data-dir', '/tmp/data/unseen'];
    const server = container.start([...serve, '--port', String(port), '--runner-port', String(runnerPort)]);
    try {
      expect(await health(port, server)).toEqual({ status: 'ok' });
      expect(await health(runnerPort, server)).toEqual({ status: 'ok' });
      expect(existsSync(join(container.data, 'unseen', 'keys', 'operator-key.jwk'))).toBe(true);
      expect(await stopped(server)).toBe(0);
    } finally {
      server.kill('SIGKILL');
    }
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow('fetch failed');
  },
  // A first start compiles every module and makes the embedded database: ten seconds, and a minute on a busy machine.
  180_000,
);

test.skipIf(isBubblewrapMissing)('a reader starts in its full jail there and answers', () => {
  expect(countIn(container)).toMatchObject({ decision: 'released', code: null });
});

test.skipIf(isBubblewrapMissing)(
  'control: under a profile that refuses mounts, as Docker’s own does, there is no jail',
  () => {
    const narrow = new Container({ refuses: [...refused, 'mount'] });
    try {
      expect(countIn(narrow)).toMatchObject({ decision: 'refused', code: 'JAIL' });
    } finally {
      narrow.remove();
    }
  },
);

test.skipIf(isBubblewrapMissing)('control: a folder that is not copied is missed', () => {
  const incomplete = new Container({ leaveOut: 'policies' });
  try {
    const { status, err } = incomplete.run(['gateway/bin.js', '--version']);
    expect([status, err]).toEqual([1, expect.stringContaining('ERR_MODULE_NOT_FOUND')]);
    expect(container.run(['gateway/bin.js', '--version'])).toMatchObject({ status: 0 });
  } finally {
    incomplete.remove();
  }
});

/** The answer of the lab inside to a count under a policy that demands the whole jail. */
function countIn(inside: Container): unknown {
  writeFileSync(join(inside.data, 'visits.csv'), `age\n${'30\n'.repeat(50)}`);
  writeFileSync(join(inside.data, 'dataset.yaml'), MANIFEST);
  writeFileSync(join(inside.data, 'policy.yaml'), POLICY);
  const files = ['--dataset', '/tmp/data/dataset.yaml', '--policy', '/tmp/data/policy.yaml'];
  return JSON.parse(
    inside.run(['gateway/bin.js', 'lab', ...files, '--sql', 'SELECT COUNT(*) FROM visits']).out,
  );
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** What /healthz says once the process listens; an error when the process ends first. */
async function health(port: number, child: ChildProcess): Promise<unknown> {
  for (let attempt = 0; attempt < 1_200 && child.exitCode === null; attempt += 1) {
    const response = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => null);
    if (response?.ok === true) return response.json();
    await sleep(100);
  }
  throw new Error(`nothing listens: ${String(child.stderr?.read() ?? '')}`);
}

/** Stops the program as Docker does, by SIGTERM, which bubblewrap itself does not pass on. Its exit code. */
async function stopped(child: ChildProcess): Promise<unknown> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  let info = '';
  for await (const piece of child.stdio[4] as Readable) info += String(piece);
  process.kill((JSON.parse(info) as { 'child-pid': number })['child-pid'], 'SIGTERM');
  return gone;
}
