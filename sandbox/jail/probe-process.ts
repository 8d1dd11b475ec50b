/**
 * Runs inside the jail at start: tries what must be impossible there and reports how each attempt ended.
 *
 * It imports nothing of ours. Arguments: a port on which our own process listens on the loopback, and the path of the
 * one input. It answers with one line of JSON on stdout and stays alive until stdin closes, so that it can be
 * looked at from outside.
 */
import { spawnSync } from 'node:child_process';
import {
  type Stats,
  closeSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  statSync,
  writeSync,
} from 'node:fs';
import { connect } from 'node:net';

/** How an attempt ended: `done`, or the error code that stopped it. */
type Outcome = string;

export interface ProbeReport {
  readonly connect: Outcome;
  readonly spawn: Outcome;
  /** Attempts to write, by path. All but the scratch directory must fail. */
  readonly writes: Readonly<Record<string, Outcome>>;
  readonly reads: Readonly<Record<string, Outcome>>;
  readonly root: readonly string[];
  readonly environment: readonly string[];
  readonly user: number;
  readonly group: number;
  readonly groups: readonly number[];
  /** Descriptors above stderr that are a file, a directory, a socket or a device. */
  readonly descriptors: readonly number[];
  /** Soft limits as the process sees them, by the names of Node's diagnostic report. */
  readonly limits: Readonly<Record<string, unknown>>;
}

const FORBIDDEN_WRITES = [
  '/probe',
  '/app/probe',
  '/app/program/probe',
  '/app/node',
  '/tmp/probe',
  '/lib/probe',
];
const FORBIDDEN_READS = ['/etc/passwd', '/etc/hostname', '/proc/self/environ', '/proc/1/status', '/dev/null'];
const SCRATCH_FILE = '/scratch/probe';

const FILE_KIND = 0o170000;
/** Directory, regular file, socket, character and block device. Pipes and event descriptors are Node's own. */
const LEAKED_KINDS: readonly number[] = [0o040000, 0o100000, 0o140000, 0o020000, 0o060000];

/** Device 1:3, /dev/null. */
const EMPTY_DEVICE = 0x103;

const [port, input] = process.argv.slice(2);
const report: ProbeReport = {
  connect: await tryConnect(Number(port)),
  spawn: outcomeOf(() => {
    const { error } = spawnSync(process.execPath, ['--version']);
    if (error) throw error;
  }),
  writes: Object.fromEntries(
    [...FORBIDDEN_WRITES, String(input), SCRATCH_FILE].map((path) => [path, tryWrite(path)]),
  ),
  reads: Object.fromEntries(FORBIDDEN_READS.map((path) => [path, outcomeOf(() => readFileSync(path))])),
  root: readdirSync('/'),
  environment: Object.keys(process.env),
  user: process.getuid?.() ?? 0,
  group: process.getgid?.() ?? 0,
  groups: process.getgroups?.() ?? [],
  descriptors: openDescriptors(),
  limits: softLimits(),
};
writeSync(1, `${JSON.stringify(report)}\n`);
while (readSync(0, Buffer.alloc(1)) > 0);

function outcomeOf(attempt: () => unknown): Outcome {
  try {
    attempt();
    return 'done';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'failed';
  }
}

/** Opens without truncating: a probe that gets through must not harm what it reached. */
function tryWrite(path: string): Outcome {
  return outcomeOf(() => closeSync(openSync(path, 'a')));
}

function tryConnect(toPort: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: toPort });
    const end = (outcome: Outcome): void => {
      socket.destroy();
      resolve(outcome);
    };
    socket.setTimeout(2000, () => end('ETIMEDOUT'));
    socket.once('connect', () => end('done'));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? 'failed'));
  });
}

/** What this process was given beyond its pipes. What it opened itself is of other kinds, but for its own root. */
function openDescriptors(): readonly number[] {
  const found: number[] = [];
  for (let descriptor = 3; descriptor < 1024; descriptor += 1) {
    try {
      if (isLeak(fstatSync(descriptor))) found.push(descriptor);
    } catch {
      continue;
    }
  }
  return found;
}

/** Node keeps the root of the jail open, and the launcher covers descriptors with /dev/null: neither gives anything. */
function isLeak(stats: Stats): boolean {
  const root = statSync('/');
  const isRoot = stats.dev === root.dev && stats.ino === root.ino;
  const isEmptyDevice = stats.isCharacterDevice() && stats.rdev === EMPTY_DEVICE;
  return LEAKED_KINDS.includes(stats.mode & FILE_KIND) && !isRoot && !isEmptyDevice;
}

function softLimits(): Readonly<Record<string, unknown>> {
  const { userLimits } = process.report.getReport() as { userLimits?: Record<string, { soft: unknown }> };
  return Object.fromEntries(Object.entries(userLimits ?? {}).map(([name, { soft }]) => [name, soft]));
}
